/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classes of errors: texts that differ only in what varies from run to run are one class, and
 * classes that differ in one word are one cluster.
 *
 * Normalising puts placeholders for contents of quotes, URLs, paths, times, ids, hexadecimal
 * and other numbers, drops colours and doubled blanks, and cuts. Two texts with the same result
 * are of one class.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

/* The normalised text, cut at ERROR_CLASS_BYTES_MAX; "" when nothing is left. */
const char *cluster_normalise(struct str text, struct arena *arena);

/*
 * The text that an error of a run is classified by: the message of the JSON object `error`,
 * else the run's reason, else its outcome's word. Cut at ERROR_SAMPLE_BYTES_MAX; never empty.
 */
const char *cluster_message(
	const char *error, const char *reason, const char *outcome, struct arena *arena);

/*
 * Puts texts of the same number of words of which at most one differs into one group, and what
 * is near a member of a group as well. ret[i] is the place of the first text of its group.
 * Costs one step for each word, not for each pair.
 */
void cluster_group(const char *const *texts, size_t n, size_t *ret);
