/* SPDX-License-Identifier: Apache-2.0 */
#include "store/event_pack.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

enum {
	FORMAT = 1,
	NUMBER_BYTES_MAX = 10, /* 64 bits in groups of seven */
};

enum run_mark { RUN_MARK_NONE, RUN_MARK_ID, RUN_MARK_SAME };

static int
pack_number(struct buf *out, uint64_t number)
{
	char bytes[NUMBER_BYTES_MAX];
	size_t n = 0;
	while (number >= 0x80) {
		bytes[n++] = (char)(number | 0x80);
		number >>= 7;
	}
	bytes[n++] = (char)number;
	return buf_add(out, bytes, n);
}

static int
pack_text(struct buf *out, struct str text)
{
	if (pack_number(out, text.n) < 0)
		return -1;
	return buf_add_str(out, text);
}

static uint64_t
zigzag(int64_t value)
{
	return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static int64_t
unzigzag(uint64_t number)
{
	return (int64_t)(number >> 1) ^ -(int64_t)(number & 1);
}

/* Damaged rows and absurd clocks must not be undefined behaviour. */
static int64_t
wrapped_sub(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t
wrapped_add(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

static int
pack_run(struct buf *out, const struct run_id *run, const struct run_id *before)
{
	if (uuid_is_zero(&run->u))
		return buf_addc(out, RUN_MARK_NONE);
	if (uuid_eq(&run->u, &before->u))
		return buf_addc(out, RUN_MARK_SAME);
	if (buf_addc(out, RUN_MARK_ID) < 0)
		return -1;
	return buf_add(out, run->u.b, sizeof run->u.b);
}

static int
pack_event(struct buf *out, const struct event *event, const struct event *before)
{
	if (pack_text(out, str_of(event_type_name(event->type))) < 0 ||
		pack_run(out, &event->run, &before->run) < 0 ||
		pack_number(out, zigzag(wrapped_sub(event->at_ms, before->at_ms))) < 0)
		return -1;
	return pack_text(out, event->data);
}

int
event_pack(const struct event *events, size_t n, struct buf *out)
{
	bool has_job = events[0].job_seq != 0;
	if (buf_addc(out, FORMAT) < 0 || buf_addc(out, has_job) < 0)
		return -1;
	if (has_job && buf_add(out, events[0].job.u.b, sizeof events[0].job.u.b) < 0)
		return -1;

	const struct event none = { 0 };
	for (size_t i = 0; i < n; i++) {
		assert(events[i].job_seq == events[0].job_seq);
		if (pack_event(out, &events[i], i > 0 ? &events[i - 1] : &none) < 0)
			return -1;
	}
	return 0;
}

static int
corrupt(const struct event_unpack *unpack, struct err *err)
{
	return err_set(err, ERR_CORRUPT, "packed events near number %lld are damaged",
		(long long)unpack->event.seq);
}

/* NULL: not so many bytes left. */
static const char *
take(struct event_unpack *unpack, size_t n)
{
	if (unpack->rest.n < n)
		return NULL;
	const char *at = unpack->rest.p;
	unpack->rest.p += n;
	unpack->rest.n -= n;
	return at;
}

static int
unpack_number(struct event_unpack *unpack, uint64_t *ret)
{
	uint64_t number = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		const char *byte = take(unpack, 1);
		if (!byte)
			return -1;
		number |= (uint64_t)(*byte & 0x7f) << shift;
		if (!(*byte & 0x80)) {
			*ret = number;
			return 0;
		}
	}
	return -1;
}

static int
unpack_text(struct event_unpack *unpack, struct str *ret)
{
	uint64_t n;
	if (unpack_number(unpack, &n) < 0 || n > unpack->rest.n)
		return -1;
	*ret = str_from(take(unpack, n), n);
	return 0;
}

/* `run` holds the run of the event before, unless that had none. */
static int
unpack_run(struct event_unpack *unpack, struct run_id *run)
{
	const char *mark = take(unpack, 1);
	if (!mark)
		return -1;
	switch (*mark) {
	case RUN_MARK_NONE:
		*run = (struct run_id) { 0 };
		return 0;
	case RUN_MARK_SAME:
		return 0;
	case RUN_MARK_ID: {
		const char *id = take(unpack, sizeof run->u.b);
		if (!id)
			return -1;
		memcpy(run->u.b, id, sizeof run->u.b);
		return 0;
	}
	default:
		return -1;
	}
}

int
event_unpack_init(struct event_unpack *unpack, struct str row, int64_t first_seq,
	int64_t project, int64_t job_seq, struct err *err)
{
	*unpack = (struct event_unpack) { .rest = row };
	unpack->event.seq = first_seq - 1;
	unpack->event.project = project;
	unpack->event.job_seq = job_seq;

	const char *head = take(unpack, 2);
	if (!head || head[0] != FORMAT || head[1] != (job_seq != 0))
		return corrupt(unpack, err);
	if (job_seq == 0)
		return 0;

	const char *id = take(unpack, sizeof unpack->event.job.u.b);
	if (!id)
		return corrupt(unpack, err);
	memcpy(unpack->event.job.u.b, id, sizeof unpack->event.job.u.b);
	return 0;
}

int
event_unpack_next(struct event_unpack *unpack, struct err *err)
{
	if (unpack->rest.n == 0)
		return EVENT_UNPACK_END;

	struct event *event = &unpack->event;
	struct str type;
	enum event_type parsed;
	uint64_t delta;
	event->seq++;
	if (unpack_text(unpack, &type) < 0 || event_type_parse(type, &parsed) < 0 ||
		unpack_run(unpack, &event->run) < 0 || unpack_number(unpack, &delta) < 0 ||
		unpack_text(unpack, &event->data) < 0)
		return corrupt(unpack, err);
	event->type = parsed;
	event->at_ms = wrapped_add(event->at_ms, unzigzag(delta));
	return 0;
}
