/* SPDX-License-Identifier: Apache-2.0 */
/* Packed rows of events: damage is found, and what is read can be packed and read again. */
#include "fuzz.h"

#include "base/mem.h"
#include "store/event_pack.h"

enum { EVENTS_MAX = 256 };

static bool
same(const struct event *a, const struct event *b)
{
	return a->seq == b->seq && a->at_ms == b->at_ms && a->type == b->type &&
		uuid_eq(&a->job.u, &b->job.u) && uuid_eq(&a->run.u, &b->run.u) &&
		str_eq(a->data, b->data);
}

/* The events of a row; *ret_whole says whether it was read to its end. */
static size_t
unpack(struct str row, struct event *events, bool *ret_whole)
{
	struct event_unpack unpacked;
	struct err err = { 0 };
	size_t n = 0;
	int r = 0;

	*ret_whole = false;
	if (event_unpack_init(&unpacked, row, 1, 1, 1, &err) < 0) {
		FUZZ_CHECK(err.code == ERR_CORRUPT);
		return 0;
	}
	while (n < EVENTS_MAX && (r = event_unpack_next(&unpacked, &err)) == 0)
		events[n++] = unpacked.event;
	FUZZ_CHECK(r >= 0 || err.code == ERR_CORRUPT);
	*ret_whole = r == EVENT_UNPACK_END;
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct event events[EVENTS_MAX], again[EVENTS_MAX];
	struct buf packed = BUF_INIT(64 * size + 65536);
	bool is_whole;
	size_t n = unpack(str_from((const char *)data, size), events, &is_whole);

	if (n == 0 || !is_whole) {
		buf_deinit(&packed);
		return 0;
	}
	FUZZ_CHECK(event_pack(events, n, &packed) == 0);
	FUZZ_CHECK(unpack(str_from(packed.data, packed.len), again, &is_whole) == n);
	FUZZ_CHECK(is_whole);
	for (size_t i = 0; i < n; i++)
		FUZZ_CHECK(same(&events[i], &again[i]));
	buf_deinit(&packed);
	return 0;
}
