/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/health.h"

#include "base/limits.h"

void
health_postpone(struct health *health, int64_t now_mono_ms)
{
	int64_t ms = health->pause_ms > 0 ? 2 * health->pause_ms : KIND_PAUSE_MS_MIN;

	health->is_paused = true;
	health->pause_ms = ms < KIND_PAUSE_MS_MAX ? ms : KIND_PAUSE_MS_MAX;
	health->due_mono_ms = now_mono_ms + health->pause_ms;
}

bool
health_failed(struct health *health, int64_t now_mono_ms)
{
	if (++health->n_failures < KIND_FAILURES_MAX)
		return false;
	health_postpone(health, now_mono_ms);
	return true;
}

void
health_worked(struct health *health)
{
	*health = (struct health) { 0 };
}

bool
health_is_due(const struct health *health, int64_t now_mono_ms)
{
	return health->is_paused && now_mono_ms >= health->due_mono_ms;
}

void
health_resume(struct health *health)
{
	health->is_paused = false;
	health->n_failures = KIND_FAILURES_MAX - 1; /* the next failure is enough */
}
