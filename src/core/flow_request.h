/* SPDX-License-Identifier: Apache-2.0 */
/* What the field tables of flows decode into: shared by flow_spec.c and flow_json.c. */
#pragma once

#include "core/flow_impl.h"
#include "core/job_json_impl.h"

struct interval_request {
	int64_t every_ms, max_ms;
	double factor, jitter;
};

struct http_request {
	const char *request;
	json_t *headers, *body;
	const char *select, *until, *fail_if;
	json_t *statuses;
	struct interval_request interval;
	int64_t misses_max, timeout_ms;
};

struct timer_request {
	json_t *duration;
	const char *until;
};

struct approval_request {
	const char *text;
};

/* A condition, or the whole of a wait. */
struct condition_request {
	const char *name;
	json_t *http, *signal, *timer, *approval;
	const char *job;
	int state; /* -1: not said */
	json_t *any, *all;
};

struct stage_request {
	const char *name;
	struct strs needs;
	bool has_needs;
	const char *when;
	json_t *run, *pass, *wait, *matrix, *schema;
	int64_t max_parallel, timeout_ms;
	struct job_retries retry;
	bool goes_on;
};

/* One stage but for its needs. What is wrong is in issues; the arena is theirs. */
void flow_stage_read(json_t *stage, const char *pointer, struct issues *issues,
	struct stage_request *in, struct stage_spec *ret);
void flow_wait_read(
	json_t *wait, const char *pointer, struct issues *issues, struct stage_spec *stage);

/* The place of a stage; -1: there is none of that name. */
int32_t flow_stage_find(const struct flow_spec *flow, const char *name);

/* Its needs, once all names are known. */
void flow_needs_read(struct flow_spec *flow, int32_t at, const struct stage_request *in,
	const char *pointer, struct issues *issues);

/* Works out what each stage needs through others. A stage of a circle, or -1. */
int32_t flow_close(struct flow_spec *flow);
