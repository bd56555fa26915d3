/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of a worker share. One of it lives on worker_main()'s stack; everything runs
 * on its loop's thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/id.h"
#include "base/list.h"
#include "base/map.h"
#include "base/rand.h"
#include "http/client.h"
#include "worker/health.h"
#include "worker/kinds.h"
#include "worker/outbox.h"
#include "worker/rundir.h"
#include "worker/worker.h"

struct poller;
struct uploader;

struct worker {
	const struct worker_options *options; /* defaults filled in */
	uv_loop_t *loop;
	struct http_client *client;
	struct rng rng;
	char id[UUID_TEXT_LEN + 1];
	char tag[9]; /* short name of this worker's folder, group and marker */
	char *api;   /* "http://…/api/v1"; owned */
	struct kind_places places;
	bool offers[KIND_COUNT]; /* kinds that it carries out */
	struct health health[KIND_COUNT];
	struct rundir dirs;
	char *cgroup; /* base of the runners' control groups; NULL: none */
	char **env;   /* of every runner, without the runner's own part; owned */
	struct outbox outbox;
	struct poller *poller;
	struct uploader *uploader;

	struct list_node tasks;   /* struct task, all that the server counts as ours */
	struct list_node runners; /* struct runner, every process that is not gone */
	struct list_node bundles; /* struct bundle, downloads under way */
	struct map bundles_known; /* keys are hex: in the cache and checked by this process */
	unsigned n_runners_made;
	uv_timer_t watch_timer; /* disk, memory, deadlines and left-over processes */
	unsigned n_watches;
	uv_timer_t screen_timer; /* pictures that wait for their turn */
	bool has_orphans;        /* a shepherd died: look for what it had */

	bool drains;  /* takes no more runs */
	bool hurries; /* ends everything at once */
	bool stops;   /* the final poll is over: the loop is to end */
};
