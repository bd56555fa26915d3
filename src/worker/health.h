/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether runners of a kind come up on this machine. After KIND_FAILURES_MAX failures in a row
 * the kind is paused, each time for longer; then one try is given. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct health {
	int n_failures; /* in a row */
	bool is_paused;
	int64_t pause_ms; /* the present or last pause; 0: there was none since it worked */
	int64_t due_mono_ms;
};

/* True when the kind is paused with this failure. */
bool health_failed(struct health *health, int64_t now_mono_ms);

void health_worked(struct health *health);

/* The pause is over: health_resume() or health_postpone(). */
bool health_is_due(const struct health *health, int64_t now_mono_ms);
void health_resume(struct health *health);
void health_postpone(struct health *health, int64_t now_mono_ms);
