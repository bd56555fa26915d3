/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conductor at a desk: effects are put before it, reports are taken from it; the store is the
 * one in memory, and a small HTTP server on loopback does what its paths say.
 *
 * /json  {"task":{"state":"SUCCESS","id":7}}     /text   plain words
 * /echo  method, headers and body of the request /away   302 to /json
 * /404   404 with JSON                           /busy   503 with Retry-After: 7
 * /long  more than PROBE_BODY_BYTES_MAX          /never  says nothing
 * /drip  an answer that does not end
 */
#pragma once

#include <uv.h>

#include "base/list.h"
#include "conductor/conductor.h"
#include "engine/intent.h"
#include "unit.h"

struct desk {
	uv_loop_t loop;
	struct store *store;
	struct guard_policy guard;
	struct mac_key key;
	struct conductor *conductor;
	struct list_node reports, taken; /* intents */
	size_t n_reports;
	uv_tcp_t server;
	unsigned port;
	size_t n_requests;
	struct list_node peers;
	struct arena arena;
};

int desk_setup(void **state);
int desk_teardown(void **state);

/* An effect for stage "s" of a flow. */
struct effect desk_effect(enum effect_kind kind, const char *body, const char *scope);
void desk_ask(struct desk *desk, const struct effect *effects, size_t n);

/* Runs the loop until so many reports have come in all. */
void desk_wait(struct desk *desk, size_t n);

/* The next report; lives until the test ends. */
const struct flow_report *desk_report(struct desk *desk);

/* A look at a path of the server. `more` is further members of the request, as ",\"a\":1". */
const struct flow_report *desk_look(struct desk *desk, const char *path, const char *more);
