/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both pipes are nonblocking and always served together, because a browser that cannot write
 * its picture to us does not read our commands. Replies mostly come in the order of their
 * commands, so a list that is searched from its oldest entry finds them at once.
 */
#include "runners/browser/cdp.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/mem.h"
#include "runners/browser/json.h"
#include "runners/kit/kit.h"

enum {
	READ_BYTES_MIN = 256 * 1024,      /* room for one read: a full pipe of 1 MiB in 4 */
	KEEP_BYTES_MAX = 4 * 1024 * 1024, /* memory that stays with an empty buffer */
	LOOK_AROUND_EVERY = 64, /* messages of a flood between two looks at the worker */
};

/* A command without its reply. */
struct pending {
	struct list_node node;
	int64_t id;
	char *session;       /* owned */
	const char *method;  /* inside the same allocation */
	cdp_reply_fn *reply; /* or NULL */
	void *arg;
};

struct timer {
	struct list_node node; /* in cdp->timers, soonest first */
	int64_t due_mono_ms;
	cdp_timer_fn *fn;
	void *arg;
};

struct cdp_handler {
	char *session; /* NULL: any; owned */
	char *prefix;  /* owned */
	cdp_event_fn *fn;
	void *arg;
	bool is_removed;
};

struct cdp {
	int fd_in, fd_out;
	struct kit *kit; /* or NULL */
	bool is_deaf, is_lost;
	struct err lost; /* why */
	struct buf in, out;
	size_t start;   /* of the message that is not yet served */
	size_t scanned; /* bytes from start without a NUL */
	size_t sent;    /* bytes of out that are written */
	int64_t last_id;
	unsigned dispatching; /* depth: 1 inside a handler */
	struct list_node pending, timers;
	struct cdp_handler **handler;
	size_t n_handlers, cap_handlers;
	bool has_removed;
	struct cdp_counts counts;
};

/* --- Timers --- */

static void
timer_free(struct timer *timer)
{
	list_remove(&timer->node);
	free(timer);
}

void
cdp_at(struct cdp *cdp, int64_t due_mono_ms, cdp_timer_fn *fn, void *arg)
{
	struct timer *timer = xcalloc(1, sizeof *timer);
	struct list_node *at = cdp->timers.next;

	*timer = (struct timer) { .due_mono_ms = due_mono_ms, .fn = fn, .arg = arg };
	while (at != &cdp->timers &&
		list_entry(at, struct timer, node)->due_mono_ms <= due_mono_ms)
		at = at->next;
	list_insert_before(at, &timer->node);
}

static void
forget_timers(struct cdp *cdp, const void *arg, bool all)
{
	LIST_FOR_EACH_SAFE(node, &cdp->timers) {
		struct timer *timer = list_entry(node, struct timer, node);
		if (all || timer->arg == arg)
			timer_free(timer);
	}
}

/* When the next one is due, at most `deadline`. */
static int64_t
next_due(const struct cdp *cdp, int64_t deadline_mono_ms)
{
	if (list_empty(&cdp->timers))
		return deadline_mono_ms;
	int64_t due = list_entry(cdp->timers.next, struct timer, node)->due_mono_ms;
	return due < deadline_mono_ms ? due : deadline_mono_ms;
}

static void
run_timers(struct cdp *cdp)
{
	while (!list_empty(&cdp->timers)) {
		struct timer *timer = list_entry(cdp->timers.next, struct timer, node);
		cdp_timer_fn *fn = timer->fn;
		void *arg = timer->arg;

		if (timer->due_mono_ms > clock_mono_ms())
			return;
		timer_free(timer);
		cdp->dispatching++;
		fn(arg);
		cdp->dispatching--;
	}
}

/* --- Life --- */

struct cdp *
cdp_new(int fd_in, int fd_out)
{
	struct cdp *cdp = xcalloc(1, sizeof *cdp);

	cdp->fd_in = fd_in;
	cdp->fd_out = fd_out;
	cdp->in = (struct buf)BUF_INIT(CDP_MESSAGE_BYTES_MAX + READ_BYTES_MIN);
	cdp->out = (struct buf)BUF_INIT(CDP_OUT_BYTES_MAX);
	list_init(&cdp->pending);
	list_init(&cdp->timers);
	struct err err;
	if (fd_set_nonblock(fd_in, &err) < 0 || fd_set_nonblock(fd_out, &err) < 0) {
		cdp->is_lost = true;
		cdp->lost = err;
	}
	return cdp;
}

static void
pending_free(struct pending *pending)
{
	list_remove(&pending->node);
	free(pending->session);
	free(pending);
}

/* Takes the command off the list and says how it ended. */
static void
settle(struct cdp *cdp, struct pending *pending, json_t *result, const struct err *error)
{
	cdp_reply_fn *reply = pending->reply;
	void *arg = pending->arg;

	cdp->counts.under_way--;
	pending_free(pending);
	if (!reply)
		return;
	cdp->dispatching++;
	reply(arg, result, error);
	cdp->dispatching--;
}

static void
settle_all(struct cdp *cdp, const struct err *error)
{
	while (!list_empty(&cdp->pending))
		settle(cdp, list_entry(cdp->pending.next, struct pending, node), NULL, error);
}

static void
become_lost(struct cdp *cdp, const struct err *why)
{
	if (cdp->is_lost)
		return;
	cdp->is_lost = true;
	cdp->lost = *why;
	cdp->lost.code = ERR_UNAVAILABLE;
	buf_clear(&cdp->out);
	cdp->sent = 0;
	settle_all(cdp, &cdp->lost);
}

static void
handler_free(struct cdp_handler *handler)
{
	free(handler->session);
	free(handler->prefix);
	free(handler);
}

struct cdp *
cdp_free(struct cdp *cdp)
{
	if (!cdp)
		return NULL;
	struct err err;
	err_set(&err, ERR_UNAVAILABLE, "the browser was ended");
	become_lost(cdp, &err);
	settle_all(cdp, &cdp->lost);
	forget_timers(cdp, NULL, true);
	for (size_t i = 0; i < cdp->n_handlers; i++)
		handler_free(cdp->handler[i]);
	free(cdp->handler);
	buf_deinit(&cdp->in);
	buf_deinit(&cdp->out);
	if (cdp->fd_out != cdp->fd_in)
		cleanup_close(&cdp->fd_out);
	cleanup_close(&cdp->fd_in);
	free(cdp);
	return NULL;
}

void
cdp_watch(struct cdp *cdp, struct kit *kit)
{
	cdp->kit = kit;
}

bool
cdp_deafen(struct cdp *cdp, bool deaf)
{
	bool before = cdp->is_deaf;

	cdp->is_deaf = deaf;
	return before;
}

enum cdp_state
cdp_state(const struct cdp *cdp)
{
	if (cdp->is_lost)
		return CDP_LOST;
	return cdp->kit && kit_cancelled(cdp->kit) ? CDP_CANCELLED : CDP_OPEN;
}

struct cdp_counts
cdp_counts(const struct cdp *cdp)
{
	return cdp->counts;
}

/* --- Writing --- */

/* Writes what the pipe takes now. */
static void
flush(struct cdp *cdp)
{
	while (!cdp->is_lost && cdp->sent < cdp->out.len) {
		ssize_t n =
			write(cdp->fd_out, cdp->out.data + cdp->sent, cdp->out.len - cdp->sent);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			struct err err;

			err_sys(&err, ERR_UNAVAILABLE, errno, "the browser died");
			become_lost(cdp, &err);
			return;
		}
		cdp->sent += (size_t)n;
		cdp->counts.bytes_out += (uint64_t)n;
	}
	if (cdp->out.cap > KEEP_BYTES_MAX)
		buf_deinit(&cdp->out);
	else
		buf_clear(&cdp->out);
	cdp->sent = 0;
}

static int
append_text(const char *data, size_t len, void *arg)
{
	return buf_add(arg, data, len);
}

/* Adds one message to the output; -1 when it does not fit (the output is as before). */
static int
write_command(struct cdp *cdp, int64_t id, const char *session, const char *method,
	const json_t *params)
{
	size_t before = cdp->out.len;
	int r = buf_addf(&cdp->out, "{\"id\":%" PRId64 ",\"method\":\"%s\"", id, method);

	if (r == 0 && session[0])
		r = buf_addf(&cdp->out, ",\"sessionId\":\"%s\"", session);
	if (r == 0 && params) {
		r = buf_adds(&cdp->out, ",\"params\":");
		if (r == 0)
			r = json_dump_callback(params, append_text, &cdp->out, JSON_COMPACT);
	}
	if (r == 0)
		r = buf_add(&cdp->out, "}", 2); /* with the NUL that ends a message */
	if (r < 0)
		buf_truncate(&cdp->out, before);
	return r;
}

static struct pending *
pending_new(struct cdp *cdp, const char *session, const char *method, cdp_reply_fn *reply,
	void *arg)
{
	size_t method_len = strlen(method) + 1;
	struct pending *pending = xcalloc(1, sizeof *pending + method_len);

	memcpy(pending + 1, method, method_len);
	pending->id = ++cdp->last_id;
	pending->session = xstrdup(session);
	pending->method = (const char *)(pending + 1);
	pending->reply = reply;
	pending->arg = arg;
	list_push_back(&cdp->pending, &pending->node);
	cdp->counts.under_way++;
	return pending;
}

void
cdp_send(struct cdp *cdp, const char *session, const char *method, json_t *params,
	cdp_reply_fn *reply, void *arg)
{
	_cleanup_(json_unrefp) json_t *owned = params;
	struct pending *pending = pending_new(cdp, session ? session : "", method, reply, arg);
	struct err err;

	if (cdp->is_lost) {
		settle(cdp, pending, NULL, &cdp->lost);
		return;
	}
	if (write_command(cdp, pending->id, pending->session, method, owned) < 0) {
		err_set(&err, ERR_LIMIT,
			"%s: more than %" PRId64 " MiB wait to be read by the "
			"browser",
			method, CDP_OUT_BYTES_MAX / MIB(1));
		settle(cdp, pending, NULL, &err);
		return;
	}
	cdp->counts.sent++;
	/* Inside a handler more is likely to follow; the pump writes it all at once. */
	if (cdp->dispatching == 0)
		flush(cdp);
}

void
cdp_forget(struct cdp *cdp, const void *arg)
{
	LIST_FOR_EACH(node, &cdp->pending) {
		struct pending *pending = list_entry(node, struct pending, node);

		if (pending->arg == arg)
			pending->reply = NULL;
	}
	forget_timers(cdp, arg, false);
}

static struct pending *
oldest_of(struct cdp *cdp, const char *session, int64_t last_id)
{
	LIST_FOR_EACH(node, &cdp->pending) {
		struct pending *pending = list_entry(node, struct pending, node);

		if (pending->id <= last_id && strcmp(pending->session, session) == 0)
			return pending;
	}
	return NULL;
}

/*
 * They stay where cdp_forget() finds them until their turn comes: the reply to one may free
 * what another's would be called with.
 */
void
cdp_session_gone(struct cdp *cdp, const char *session, enum err_code code, const char *why)
{
	_cleanup_free_ char *id = xstrdup(session); /* a reply may free it */
	int64_t last_id = cdp->last_id; /* what a reply sends is the browser's to refuse */
	struct pending *pending;
	struct err err;

	err_set(&err, code, "%s", why);
	while ((pending = oldest_of(cdp, id, last_id)))
		settle(cdp, pending, NULL, &err);
}

/* --- Handlers --- */

struct cdp_handler *
cdp_on(struct cdp *cdp, const char *session, const char *prefix, cdp_event_fn *fn, void *arg)
{
	struct cdp_handler *handler = xcalloc(1, sizeof *handler);

	handler->session = session ? xstrdup(session) : NULL;
	handler->prefix = xstrdup(prefix);
	handler->fn = fn;
	handler->arg = arg;
	if (cdp->n_handlers == cdp->cap_handlers) {
		cdp->cap_handlers = cdp->cap_handlers ? 2 * cdp->cap_handlers : 16;
		cdp->handler =
			xreallocarray(cdp->handler, cdp->cap_handlers, sizeof cdp->handler[0]);
	}
	cdp->handler[cdp->n_handlers++] = handler;
	return handler;
}

/* Frees the removed ones; nobody may be walking the list. */
static void
sweep_handlers(struct cdp *cdp)
{
	size_t n = 0;

	for (size_t i = 0; i < cdp->n_handlers; i++) {
		if (cdp->handler[i]->is_removed)
			handler_free(cdp->handler[i]);
		else
			cdp->handler[n++] = cdp->handler[i];
	}
	cdp->n_handlers = n;
	cdp->has_removed = false;
}

void
cdp_off(struct cdp *cdp, struct cdp_handler *handler)
{
	handler->is_removed = true;
	cdp->has_removed = true;
	if (cdp->dispatching == 0)
		sweep_handlers(cdp);
}

static void
dispatch_event(struct cdp *cdp, const struct cdp_event *event)
{
	size_t n = cdp->n_handlers; /* those that are added meanwhile do not get this event */

	cdp->counts.events++;
	cdp->dispatching++;
	for (size_t i = 0; i < n; i++) {
		struct cdp_handler *handler = cdp->handler[i];

		if (handler->is_removed)
			continue;
		if (handler->session && strcmp(handler->session, event->session) != 0)
			continue;
		if (strncmp(event->method, handler->prefix, strlen(handler->prefix)) == 0)
			handler->fn(handler->arg, event);
	}
	cdp->dispatching--;
	if (cdp->has_removed && cdp->dispatching == 0)
		sweep_handlers(cdp);
}

/* --- Replies --- */

static struct pending *
find_pending(struct cdp *cdp, int64_t id)
{
	LIST_FOR_EACH(node, &cdp->pending) {
		struct pending *pending = list_entry(node, struct pending, node);

		if (pending->id == id)
			return pending;
	}
	return NULL;
}

/* What the browser's words mean; it has no codes worth the name. */
static enum err_code
code_of_message(const char *message)
{
	static const struct {
		const char *part;
		enum err_code code;
	} table[] = {
		{ "Session with given id not found", ERR_NOT_FOUND },
		{ "No target with given id", ERR_NOT_FOUND },
		{ "Target closed", ERR_NOT_FOUND },
		{ "Target crashed", ERR_NOT_FOUND },
		{ "Not attached to an active page", ERR_NOT_FOUND },
		{ "No node with given id", ERR_NOT_FOUND },
		{ "Could not find node with given id", ERR_NOT_FOUND },
		{ "Node is detached from document", ERR_NOT_FOUND },
		{ "Node does not have a layout object", ERR_NOT_FOUND },
		{ "No frame for given id", ERR_NOT_FOUND },
		{ "Frame with the given id was not found", ERR_NOT_FOUND },
		{ "Cannot find context with specified id", ERR_CONFLICT },
		{ "Cannot find default execution context", ERR_CONFLICT },
		{ "Could not find object with given id", ERR_CONFLICT },
		{ "Execution context was destroyed", ERR_CONFLICT },
		{ "Inspected target navigated or closed", ERR_CONFLICT },
		{ "Argument should belong to the same JavaScript world", ERR_CONFLICT },
		{ "uniqueContextId not found", ERR_CONFLICT },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (strstr(message, table[i].part))
			return table[i].code;
	}
	return ERR_INVALID;
}

static void
dispatch_reply(struct cdp *cdp, int64_t id, json_t *message)
{
	struct pending *pending = find_pending(cdp, id);
	const json_t *error = json_object_get(message, "error");
	json_t *result = json_object_get(message, "result");

	if (!pending)
		return; /* nobody waits any more */
	if (!error && json_is_object(result)) {
		settle(cdp, pending, result, NULL);
		return;
	}
	const char *text = cdp_str(error, "message");
	const char *data = cdp_str(error, "data");
	struct err err;
	err_set(&err, code_of_message(text), "%s: %s%s%s", pending->method,
		text[0] ? text : "no result", data[0] ? ": " : "", data);
	settle(cdp, pending, NULL, &err);
}

/* A message that could not be read costs its command, or nothing when it is an event. */
static void
dispatch_unreadable(struct cdp *cdp, const char *text, size_t len, const struct err *error)
{
	static const char event[] = "{\"method\":";
	int64_t id = browser_json_id(text, len);
	struct pending *pending = id ? find_pending(cdp, id) : NULL;

	if (pending)
		settle(cdp, pending, NULL, error);
	else if (!id && (len < sizeof event || memcmp(text, event, sizeof event - 1) != 0))
		become_lost(cdp, error);
}

static void
dispatch(struct cdp *cdp, char *text, size_t len)
{
	struct err err;
	_cleanup_(json_unrefp) json_t *message = browser_json_read(text, len, &err);

	cdp->counts.received++;
	if (!message) {
		dispatch_unreadable(cdp, text, len, &err);
		return;
	}
	int64_t id = cdp_int(message, "id", 0);
	if (id) {
		dispatch_reply(cdp, id, message);
		return;
	}
	struct cdp_event event = {
		.session = cdp_str(message, "sessionId"),
		.method = cdp_str(message, "method"),
		.params = json_object_get(message, "params"),
	};
	_cleanup_(json_unrefp) json_t *none = json_object();
	if (!json_is_object(event.params))
		event.params = none;
	dispatch_event(cdp, &event);
}

/* --- Reading and waiting --- */

/* Serves one complete message. False when there is none. */
static bool
serve_one(struct cdp *cdp)
{
	struct buf *in = &cdp->in;
	size_t from = cdp->start + cdp->scanned;
	char *end = in->len > from ? memchr(in->data + from, '\0', in->len - from) : NULL;

	if (cdp->is_lost)
		return false;
	if (!end) {
		cdp->scanned = in->len - cdp->start;
		if (cdp->start > 0) {
			buf_consume(in, cdp->start);
			cdp->start = 0;
		}
		if (in->len == 0 && in->cap > KEEP_BYTES_MAX)
			buf_deinit(in);
		return false;
	}
	char *text = in->data + cdp->start;
	size_t len = (size_t)(end - text);
	cdp->start += len + 1;
	cdp->scanned = 0;
	dispatch(cdp, text, len);
	return true;
}

static void
read_some(struct cdp *cdp)
{
	struct err err;

	/* The start is at 0 here: serve_one() has moved what was left. */
	if (cdp->in.len > CDP_MESSAGE_BYTES_MAX || buf_reserve(&cdp->in, READ_BYTES_MIN) < 0) {
		err_set(&err, ERR_LIMIT,
			"a message of the browser is longer than %" PRId64 " MiB",
			CDP_MESSAGE_BYTES_MAX / MIB(1));
		become_lost(cdp, &err);
		return;
	}
	size_t room = cdp->in.cap - cdp->in.len - 1;
	ssize_t n = read(cdp->fd_in, cdp->in.data + cdp->in.len, room);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		if (n < 0)
			err_sys(&err, ERR_UNAVAILABLE, errno, "the browser died");
		else
			err_set(&err, ERR_UNAVAILABLE, "the browser died");
		become_lost(cdp, &err);
		return;
	}
	cdp->counts.heard_mono_ms = clock_mono_ms();
	cdp->in.len += (size_t)n;
	cdp->in.data[cdp->in.len] = '\0';
	cdp->counts.bytes_in += (uint64_t)n;
}

static bool
is_cancelled(const struct cdp *cdp)
{
	return cdp->kit && !cdp->is_deaf && kit_cancelled(cdp->kit);
}

/* Waits for bytes in either direction, the worker, a timer or the deadline. */
static void
wait_for_bytes(struct cdp *cdp, int64_t deadline_mono_ms)
{
	flush(cdp);
	if (cdp->is_lost)
		return;
	int64_t left_ms = next_due(cdp, deadline_mono_ms) - clock_mono_ms();
	int timeout_ms = left_ms < 0 ? 0 : left_ms > INT_MAX ? INT_MAX : (int)left_ms;
	struct pollfd fds[2] = {
		{ .fd = cdp->fd_in, .events = POLLIN },
		{ .fd = cdp->fd_out, .events = POLLOUT },
	};
	nfds_t n = cdp->out.len > cdp->sent ? 2 : 1;
	int r = cdp->kit && !cdp->is_deaf ? kit_poll(cdp->kit, fds, n, timeout_ms)
					  : poll(fds, n, timeout_ms);

	if (r > 0 && fds[0].revents)
		read_some(cdp);
}

static int
check_state(const struct cdp *cdp, struct err *err)
{
	if (cdp->is_lost) {
		if (err)
			*err = cdp->lost;
		return -1;
	}
	if (is_cancelled(cdp))
		return err_set(err, ERR_UNAVAILABLE, "the run was cancelled");
	return 0;
}

static int
pump(struct cdp *cdp, int64_t deadline_mono_ms, cdp_until_fn *until, void *arg, struct err *err)
{
	unsigned served = 0;

	for (;;) {
		run_timers(cdp);
		if (until && until(arg))
			return 0;
		if (check_state(cdp, err) < 0)
			return -1;
		bool is_late = clock_mono_ms() >= deadline_mono_ms;
		if (served < LOOK_AROUND_EVERY && !is_late && serve_one(cdp)) {
			served++;
			continue;
		}
		if (is_late)
			break;
		/* In a flood there are messages left: then only look. */
		wait_for_bytes(cdp, served < LOOK_AROUND_EVERY ? deadline_mono_ms : 0);
		served = 0;
	}
	return until ? err_set(err, ERR_TIMEOUT, "the time ran out") : 0;
}

int
cdp_pump(struct cdp *cdp, int64_t deadline_mono_ms, cdp_until_fn *until, void *arg,
	struct err *err)
{
	if (cdp->dispatching)
		abort(); /* a handler that waits would see the world out of order */
	int r = pump(cdp, deadline_mono_ms, until, arg, err);
	flush(cdp); /* what the last handlers sent */
	return r;
}

int
cdp_poll(struct cdp *cdp, struct err *err)
{
	if (cdp->dispatching)
		abort();
	if (check_state(cdp, err) < 0)
		return -1;
	/* As much as has come by now; what arrives meanwhile waits for the next time. */
	for (int round = 0; round < 16; round++) {
		uint64_t before = cdp->counts.bytes_in;

		while (serve_one(cdp))
			;
		wait_for_bytes(cdp, 0);
		if (cdp->counts.bytes_in == before || cdp->is_lost)
			break;
	}
	return check_state(cdp, err);
}

/* --- Calls --- */

struct call {
	bool is_done, has_failed;
	json_t *result; /* owned */
	struct err err;
};

static void
take_reply(void *arg, json_t *result, const struct err *error)
{
	struct call *call = arg;

	call->is_done = true;
	call->has_failed = !result;
	if (result)
		call->result = json_incref(result);
	else
		call->err = *error;
}

static bool
call_is_done(void *arg)
{
	return ((const struct call *)arg)->is_done;
}

int
cdp_call(struct cdp *cdp, const char *session, const char *method, json_t *params,
	int64_t deadline_mono_ms, json_t **ret, struct err *err)
{
	struct call call = { 0 };
	struct err waited = { 0 };

	if (cdp->dispatching)
		abort();
	cdp_send(cdp, session, method, params, take_reply, &call);
	int r = cdp_pump(cdp, deadline_mono_ms, call_is_done, &call, &waited);
	if (!call.is_done) {
		assert(r < 0);
		cdp_forget(cdp, &call);
		if (err)
			*err = waited;
		return waited.code == ERR_TIMEOUT
			? err_set(err, ERR_TIMEOUT, "%s: no answer in time", method)
			: -1;
	}
	if (call.has_failed) {
		if (err)
			*err = call.err;
		return -1;
	}
	if (ret)
		*ret = call.result;
	else
		json_decref(call.result);
	return 0;
}

/* --- Short forms --- */

const char *
cdp_str(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

int64_t
cdp_int(const json_t *object, const char *key, int64_t otherwise)
{
	const json_t *value = json_object_get(object, key);

	if (json_is_integer(value))
		return json_integer_value(value);
	if (!json_is_real(value))
		return otherwise;
	double real = json_real_value(value);
	return real > -9e18 && real < 9e18 ? (int64_t)real : otherwise;
}

double
cdp_num(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

bool
cdp_flag(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}
