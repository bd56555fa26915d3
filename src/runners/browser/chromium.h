/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Chromium process that is kept warm: found, started with a private profile, looked after,
 * and ended without leaving a process, a zombie or a folder behind.
 *
 * The program itself is started, never a distribution's wrapper script. It is sandboxed where
 * the machine allows it; where it does not, starting fails with the reason, except for root and
 * for PROCTOR_CHROMIUM_NO_SANDBOX=1: then chromium_warning() says that it is off.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runners/browser/cdp.h"

struct chromium;

enum chromium_kind {
	CHROMIUM_HEADLESS_SHELL, /* a quarter of the CPU time and memory of the full one */
	CHROMIUM_FULL,           /* the whole browser, with --headless=new */
	CHROMIUM_KIND_COUNT
};

enum {
	CHROMIUM_NONE = 1, /* chromium_find(): there is none on this machine */
};

/*
 * The program's path, owned by the caller: PROCTOR_CHROMIUM if set (which must then name a
 * program), else the usual places. 0 or CHROMIUM_NONE; -1: PROCTOR_CHROMIUM names nothing.
 */
int chromium_find(enum chromium_kind kind, char **ret, struct err *err) MUST_CHECK;

/* Everything is borrowed until chromium_start() returns; zeroed is a good start. */
struct chromium_spec {
	enum chromium_kind kind;
	const char *program;     /* NULL: chromium_find() */
	const char *profile_dir; /* folder for the private profile; NULL: where there is most
				    sense: /dev/shm if large, else TMPDIR, else /tmp */
	const char *proxy;       /* --proxy-server for all contexts, or NULL */
	const char *host_rules;  /* --host-resolver-rules, or NULL */
	const char *const *arguments; /* more of them, NULL-terminated; or NULL */
	bool keep_spare; /* makes the next run's context and page during a run; 16 MiB more, and
			    of no use to a page that is made with its address */
	struct kit *kit; /* watched while starting, or NULL */
};

/* Starts it and waits until it answers. -1: NOT_FOUND, TIMEOUT, UNAVAILABLE with its words. */
int chromium_start(struct chromium **ret, const struct chromium_spec *spec,
	int64_t deadline_mono_ms, struct err *err) MUST_CHECK;

/* Ends it by force, reaps every process of it, removes the profile. Takes a few ms. */
struct chromium *chromium_free(struct chromium *chromium);
DEFINE_CLEANUP(struct chromium *, chromium_free)

struct cdp *chromium_cdp(struct chromium *chromium) __attribute__((returns_nonnull));

pid_t chromium_pid(const struct chromium *chromium);
const char *chromium_version(const struct chromium *chromium); /* "HeadlessChrome/156.0.1" */
const char *chromium_profile(const struct chromium *chromium); /* the private folder */

/* What belongs into the warnings of every run's result ("sandbox off because root"), or NULL.
 */
const char *chromium_warning(const struct chromium *chromium);

/*
 * Whether it still answers: asks if it said nothing of late, waiting at most
 * CHROMIUM_HEALTH_MS. -1: end it.
 */
int chromium_health(struct chromium *chromium, struct err *err) MUST_CHECK;

/* Memory of all its processes in bytes, shared pages counted once; 0 when it cannot be read. */
int64_t chromium_memory(const struct chromium *chromium);

/*
 * Whether it should be replaced before the next run: NULL, or why ("200 runs", "1,100 MiB",
 * "lost", "unclean"). Call it between runs. Memory is only looked at after each tenth run.
 */
const char *chromium_worn(struct chromium *chromium);

/* How a dead browser ended ("killed by signal 9"); "" while it lives. Valid until freed. */
const char *chromium_end(struct chromium *chromium);

/* Processes of the browser that exist now, zombies included: for tests and doctor. */
unsigned chromium_processes(const struct chromium *chromium);
