/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the API: the object, one call for each request, and the three ways a call goes on:
 * answer, ask the store on libuv's pool (call_read), ask the engine (call_submit).
 *
 * A call lives in its request's arena. While it waits for the pool or the engine the request is
 * suspended, so the call outlives the wait.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "api/api.h"
#include "api/auth.h"
#include "api/problem.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"
#include "engine/engine_thread.h"
#include "engine/intent.h"
#include "http/server.h"
#include "store/store.h"

struct blob_store;
struct call;
struct dialect;
struct hub;
struct route;
struct screens;

enum {
	READERS_MAX =
		16, /* idle readers that are kept; there are never more than pool threads */
	PATH_ARGS_MAX = 3,
};

struct api_counters {
	uint64_t answers[6]; /* by hundreds of the status */
	uint64_t idem_replays;
	uint64_t poll_results, poll_events;
};

struct api {
	uv_loop_t *loop;
	struct store *store;
	struct blob_store *blobs;
	struct engine *engine; /* the thread's; only for engine_stats and engine_set_interest */
	struct engine_thread *thread;
	struct http_server *http, *view_http;
	uv_async_t async; /* outputs of the engine wait */
	struct hub *hub;
	struct screens *screens;
	struct auth auth;
	uint8_t ticket_key[32]; /* of view tickets; new at each start */
	const char *durable;
	void (*store_failed)(void *arg, const struct err *why);       /* NULL once told */
	void (*effects)(void *arg, const struct turn_output *output); /* or NULL */
	void *arg;
	const struct mac_key *signal_key; /* or NULL */
	char *public_url;                 /* owned; without a slash at the end */
	int64_t signals_mono_ms;          /* when signals_left was counted last */
	int64_t signals_left;             /* that are taken now: a bucket that fills up */
	unsigned streams_max;
	bool draining;
	atomic_bool stopping;  /* what takes long on the pool is to end; written by the loop */
	bool handing_over;     /* to the next process: nobody is refused */
	unsigned handles_open; /* of ours: async, two servers */
	unsigned reads_open;   /* work on the pool */
	struct rng rng;
	struct list_node purges;               /* of deleted projects */
	const struct dialect *const *dialects; /* NULL-terminated */
	struct list_node calls;                /* all that were not answered yet */

	/* Shared with the pool's threads, under the lock. */
	uv_mutex_t lock;
	struct store_reader *readers[READERS_MAX];
	size_t n_readers;
	struct project_list projects;
	struct map queue_names;          /* int64_t id → char *, never removed */
	struct map fresh_blobs;          /* hex → count, as a pointer */
	bool is_exporting, is_importing; /* an archive: one at a time of each */

	/* Many threads may keep blobs at a time; one that removes them is alone. */
	uv_rwlock_t blob_lock;

	struct api_counters counters;
	char *url, *view_url;
	int64_t started_mono_ms;
};

struct waiter; /* of the hub */

struct call {
	struct http_request *req;
	struct api *api;
	const struct route *route;
	const struct dialect *dialect; /* whose route it is; NULL: native */
	struct arena *arena;
	struct list_node node; /* in api->calls */
	const struct auth_token *who;
	int64_t project;                /* 0: all of them (a worker that serves any) */
	const char *arg[PATH_ARGS_MAX]; /* decoded parts of the path */
	void *query;                    /* decoded parameters: the route's struct */
	json_t *json;                   /* parsed body; owned */
	struct issues issues;
	unsigned status;  /* of the coming answer; 0: 200 */
	const char *type; /* content type of it; NULL: JSON */
	struct buf out;   /* body of it */
	int out_fd;       /* or a file to send, from out_offset */
	uint64_t out_offset, out_size;
	enum problem_code code; /* overrides what the error's code says; 0: nothing */
	struct err err;
	bool is_done; /* the read function gave the whole answer: status 304 and the like */

	uv_work_t work;
	int (*read)(struct call *call, struct store_reader *reader, struct err *err);
	void (*then)(struct call *call);
	int read_result;
	struct intent *intent;
	void *state; /* the handler's, in the arena or released by cleanup */
	void (*cleanup)(struct call *call);
	struct waiter *waiter; /* the call waits for a job */
	bool is_parked;        /* the call is a poll that the engine may hold */
};

/* --- Routes --- */

enum body_kind { BODY_NONE, BODY_JSON, BODY_JSON_OPTIONAL, BODY_BYTES, BODY_STREAM };

enum reply_kind { REPLY_JSON, REPLY_STREAM, REPLY_BYTES, REPLY_NOTHING };

struct route {
	enum http_method method;
	const char *path; /* "/jobs/{id}" below the prefix; a last "{name*}" takes slashes */
	bool at_root;     /* not below /api/v1 */
	enum auth_scope scope;
	enum body_kind body;
	uint64_t body_max;
	bool any_type;                  /* the body is JSON, whatever Content-Type calls it */
	const struct json_field *query; /* parameters; NULL: none */
	size_t query_bytes;
	const void *query_defaults;
	/* What to do: read on the pool and answer, or begin on the loop. */
	int (*read)(struct call *call, struct store_reader *reader, struct err *err);
	void (*begin)(struct call *call);
	void (*head)(struct call *call); /* BODY_STREAM: sets the request's sink */
	/* For OpenAPI. */
	const char *id, *summary;
	const char *request;  /* name of a schema */
	const char *response; /* name of a schema; "…[]": a page of them */
	unsigned ok;          /* status of success; 0: 200 */
};

extern const struct route routes[]; /* ends with path NULL */

/* What is allowed on a path: 0 and *ret, or the status of the refusal (404, 405 with
 * *ret_allow). */
unsigned route_find(enum http_method method, struct str path, struct arena *arena,
	const struct route **ret, const char *args[PATH_ARGS_MAX], const char **ret_allow);

/* The same in a dialect's table, of the rest that it claimed. */
unsigned route_find_dialect(const struct dialect *dialect, enum http_method method,
	struct str rest, struct arena *arena, const struct route **ret,
	const char *args[PATH_ARGS_MAX], const char **ret_allow);

/* --- Projects: what the API knows of them, always; any thread --- */

/* The project's copy in the arena. STORE_NONE: there is none. */
int api_project(struct api *api, int64_t seq, struct arena *arena, struct project **ret)
	MUST_CHECK;
int api_project_find(struct api *api, const char *id_or_name, struct arena *arena,
	struct project **ret) MUST_CHECK;
/* All that are there, in order of age. */
void api_projects(struct api *api, struct arena *arena, struct project **ret, size_t *ret_n);
/* A change that was committed. */
void api_project_learn(struct api *api, const struct project *project);
/* Its name, for answers; valid for ever. */
const char *api_project_name(int64_t seq);
int api_projects_start(struct api *api, struct err *err) MUST_CHECK;

/* Sets call->project by ?project= or X-Proctor-Project. False: answered. */
bool call_select_project(struct call *call);

/* --- Calls --- */

/* A call for a request that has just begun. */
struct call *call_new(struct http_request *req, struct api *api);

/* The server's callbacks. */
void api_on_head(struct http_request *req, void *arg);
void api_on_body(struct http_request *req, void *arg);
void api_on_gone(struct http_request *req, void *arg);
void api_on_done(struct http_request *req, void *arg);
void api_on_refuse(struct http_request *req, unsigned status, const struct err *why, void *arg);

/* Runs read on the pool, then `then` on the loop; then == NULL: call_finish_read. */
void call_read(struct call *call,
	int (*read)(struct call *call, struct store_reader *reader, struct err *err),
	void (*then)(struct call *call));

/* Answers with what a read left: out, a file, issues or err. */
void call_finish_read(struct call *call);

/* Gives the intent to the engine; then is called with call->intent answered (and owned). */
void call_submit(struct call *call, struct intent *intent, void (*then)(struct call *call));

/* Answers with call->out as JSON (or call->type). status 0: call->status, else 200. */
void call_reply(struct call *call, unsigned status);
void call_reply_empty(struct call *call, unsigned status);

/* Answers with a problem. */
void call_problem(struct call *call, enum problem_code code, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
void call_error(struct call *call, const struct err *err); /* by err->code, or call->code */
/* For a read that failed: what passes a limit is no fault of the request. */
void call_read_error(struct call *call);
void call_issues(struct call *call);       /* 400 with what was found */
void call_intent_error(struct call *call); /* of call->intent */

/* A new intent of the call's project with its Idempotency-Key, if it has one. NULL: refused. */
struct intent *call_intent(struct call *call, enum intent_kind kind);

/* A writer on call->out. */
struct jw call_jw(struct call *call);

/* False when the writer's text did not fit; err is set. */
int call_written(struct call *call, struct jw *jw, struct err *err) MUST_CHECK;

/* Reads a UUID of the path. -1: err NOT_FOUND. */
int call_uuid(const char *text, const char *what, struct uuid *ret, struct err *err) MUST_CHECK;

/* An offence when a PUT that makes something new says another name than its address. */
void call_check_new_name(struct call *call);

/* If-Match: 0 none or "*", n a revision; -1 malformed. */
int64_t call_if_match(const struct call *call);
void call_etag(struct call *call, int64_t revision);
/* True and answered with 304 (call->is_done set) when If-None-Match names the revision. */
bool call_not_modified(struct call *call, int64_t revision);

/* Decodes the query string by the route's table. -1: issues. */
int query_read(struct call *call) MUST_CHECK;

/* Name of a queue; reads the list when it is not known and reader is not NULL. NULL: unknown.
 */
const char *api_queue_name(struct api *api, struct store_reader *reader, int64_t id);
void api_queue_learn(struct api *api, int64_t id, const char *name);

/*
 * Blobs that were written and are about to be named: a deletion that runs meanwhile spares
 * them. Any thread.
 */
void api_blob_hold(struct api *api, const char *hex);
void api_blob_release(struct api *api, const char *hex);
bool api_blob_is_fresh(struct api *api, const char *hex);

/* Removes the bytes when no row names them any more. On the pool. */
void api_blob_remove_unused(struct api *api, struct store_reader *reader, const char *blob);

/* Clears away what a deleted project leaves, in slices, from now on; purge.c. */
void api_purge(struct api *api, int64_t project);
void api_purges_start(struct api *api);
void api_purges_stop(struct api *api); /* with no read open any more */

struct store_reader *api_reader_take(struct api *api, struct err *err);
void api_reader_give(struct api *api, struct store_reader *reader);
