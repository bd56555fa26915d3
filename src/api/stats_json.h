/* SPDX-License-Identifier: Apache-2.0 */
/* Figures as JSON (docs/protocol/stats.md, 2): what cannot be said is absent. */
#pragma once

#include "base/json.h"
#include "core/stats_table.h"
#include "store/store_stats.h"

/* The members of figures, into the object that is open. */
void figures_write(struct jw *jw, const struct stat_sum *sum, enum stat_subject subject);

/* "018f…": how an error class is named outside. */
void class_id_write(struct jw *jw, const char *key, int64_t error_class);

/* A unit of a history, as an object. */
void history_write(struct jw *jw, const struct history_item *item);

/* A class of errors with the units that it had, into the object that is open. */
void error_class_write(struct jw *jw, const struct error_class *class, int64_t n);
