/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's poll: refused with offences, or an intent within the limits. */
#include "fuzz.h"

#include "api/poll_json.h"
#include "base/limits.h"

static void
check(const struct poll *poll)
{
	FUZZ_CHECK(poll->n_results <= POLL_RESULTS_MAX);
	FUZZ_CHECK(poll->n_events <= POLL_EVENTS_MAX);
	FUZZ_CHECK(poll->n_holds <= WORKER_SLOTS_MAX);
	FUZZ_CHECK(poll->capacity >= 0 && poll->capacity <= WORKER_SLOTS_MAX);
	FUZZ_CHECK(poll->kinds && poll->labels);
	for (size_t i = 0; i < poll->n_results; i++)
		FUZZ_CHECK(poll->results[i].result.outcome != 0);
	for (size_t i = 0; i < poll->n_events; i++) {
		FUZZ_CHECK(event_type_from_worker(poll->events[i].type));
		FUZZ_CHECK(poll->events[i].data.n <= EVENT_DATA_BYTES_MAX);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = { 0 };
	_cleanup_(json_unrefp) json_t *tree =
		json_read((const char *)data, size, JSON_DEPTH_MAX, &err);
	struct intent *intent;
	struct issues issues = { 0 };

	if (!tree)
		return 0;
	intent = intent_new(INTENT_POLL, 1, ARENA_REQUEST_BYTES_MAX);
	issues.arena = &intent->arena;
	if (poll_read(tree, intent, &issues) < 0)
		FUZZ_CHECK(issues.n > 0);
	else
		check(&intent->in.poll);
	intent_free(intent);
	return 0;
}
