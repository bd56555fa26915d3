/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every maximum of the program in one place, each with its unit and its reason.
 *
 * A name ends in the unit: _BYTES, _MS, _MAX (a count) or _DEPTH. Passing a limit is a refusal
 * that names it (413, 429 or 400), never a cut or a crash, unless the line says "cut". Limits
 * that an administrator may lower are defaults here and ceilings of the setting.
 */
#pragma once

#include <stdint.h>

#define KIB(n) (INT64_C(1024) * (n))
#define MIB(n) (INT64_C(1048576) * (n))
#define GIB(n) (INT64_C(1073741824) * (n))

#define SECONDS_MS(n) (INT64_C(1000) * (n))
#define MINUTES_MS(n) (INT64_C(60000) * (n))
#define HOURS_MS(n) (INT64_C(3600000) * (n))
#define DAYS_MS(n) (INT64_C(86400000) * (n))

/* One aligned line per limit. */
/* clang-format off */

/* --- Requests --- */
#define BODY_BYTES_MAX            MIB(1)          /* a JSON body: far over any real job */
#define BULK_BODY_BYTES_MAX       MIB(16)         /* bulk submit: JOBS_PER_BULK_MAX of 16 KiB */
#define POLL_BODY_BYTES_MAX       MIB(16)         /* a worker's poll: results of many runs */
#define HEADERS_BYTES_MAX         KIB(16)         /* all request headers together */
#define HEADERS_MAX               100             /* header fields in a request */
#define URL_BYTES_MAX             KIB(8)          /* long filters, no payloads */
#define QUERY_PARAMS_MAX          100             /* members of a query string */
#define CONNECTIONS_MAX           4096            /* HTTP; below the usual fd limit */
#define REQUEST_IDLE_MS           SECONDS_MS(30)  /* a stalled request is closed */
#define IDEMPOTENCY_KEY_BYTES_MAX 200             /* opaque to us; a UUID has 36 */
#define IDEMPOTENCY_KEEP_MS       DAYS_MS(1)      /* how long a key is remembered */

/* --- JSON --- */
#define JSON_DEPTH_MAX            32              /* nested levels: bounds recursion */
#define JSON_ISSUES_MAX           16              /* offences reported; the rest is counted */
#define JSON_POINTER_BYTES_MAX    512             /* pointer of an offence; cut */

/* --- Names and small texts --- */
#define NAME_BYTES_MAX            200             /* names of everything; fits an index page */
#define TAGS_MAX                  64              /* tags of a test, template or job */
#define TAG_BYTES_MAX             100             /* one tag */
#define TAG_EXPR_BYTES_MAX        KIB(4)          /* a tag expression */
#define LABELS_MAX                32              /* labels of a worker or a job */
#define LABEL_BYTES_MAX           200             /* key or value of a label */
#define REASON_BYTES_MAX          KIB(1)          /* why something was stopped; cut */
#define MESSAGE_BYTES_MAX         KIB(4)          /* progress text, error message; cut */
#define PARAMS_MAX                100             /* parameters of a template */
#define SECRET_BYTES_MAX          KIB(64)         /* a secret: a certificate chain fits */
#define TOKEN_BYTES_MAX           200             /* an access token as text */

/* --- Jobs --- */
#define DEFINITION_BYTES_MAX      MIB(1)          /* a test or template as stored */
#define TESTS_PER_JOB_MAX         10000           /* its result list stays in memory */
#define TARGETS_PER_JOB_MAX       32              /* browsers or devices of a job */
#define JOBS_PER_BULK_MAX         1000            /* one engine turn takes it whole */
#define JOBS_BYTES_MAX            MIB(30)         /* jobs of one request with all their tests; answering takes as much again */
#define ITERATIONS_MAX            INT64_C(1000000000) /* 0 is endless; counters stay safe */
#define CONCURRENCY_MAX           1000            /* runs of a job or queue at a time */
#define FAILURES_TO_IGNORE_MAX    INT64_C(1000000000) /* as many as there are iterations */
#define PRIORITY_MIN              (-1000)         /* later than default */
#define PRIORITY_MAX              1000            /* sooner than default; bounds the rank key */
#define JOB_TIMEOUT_MS_MAX        DAYS_MS(30)     /* a whole job; longer is endless */
#define RUN_TIMEOUT_MS_MAX        DAYS_MS(30)     /* one run */
#define RUN_TIMEOUT_MS_DEFAULT    MINUTES_MS(30)  /* a forgotten hang ends in the same shift */
#define RUN_AT_AHEAD_MS_MAX       DAYS_MS(3660)   /* runAt at most ten years ahead */
#define RETRIES_MAX               100             /* further attempts at one run */
#define RETRY_DELAY_MS_MAX        DAYS_MS(1)      /* longest pause between attempts */
#define RETRY_FACTOR_MAX          100             /* growth of the pause per attempt */

/* --- Runs and workers --- */
#define LEASE_MS_DEFAULT          SECONDS_MS(15)  /* a dead worker is noticed in this */
#define LEASE_MS_MIN              SECONDS_MS(1)   /* below this, ordinary pauses lose runs */
#define LEASE_MS_MAX              HOURS_MS(1)     /* above this, nothing is noticed in time */
#define WORKERS_MAX               10000           /* known workers of a server */
#define WORKER_SLOTS_MAX          1000            /* connections of one worker */
#define POLL_PARK_MS_MAX          SECONDS_MS(30)  /* an idle poll waits this long */
#define POLL_EVENTS_MAX           1000            /* events in one poll */
#define POLL_RESULTS_MAX          1000            /* finished runs in one poll */
#define EVENT_DATA_BYTES_MAX      KIB(64)         /* data of one event */
#define RUN_EVENTS_MAX            100000          /* events of a run; more are dropped */
#define RUN_LOG_BYTES_MAX         MIB(8)          /* captured stdout and stderr of a run; cut */
#define RUN_LOG_LINE_BYTES_MAX    KIB(16)         /* one line of it; cut */
#define RUN_RESULT_BYTES_MAX      MIB(1)          /* structured result of a run */
#define RUN_ERROR_BYTES_MAX       KIB(64)         /* error text with stack of a run; cut */
#define STOP_GRACE_MS_MAX         MINUTES_MS(5)   /* the same, by setting */
#define COMMAND_ARGS_MAX          1000            /* arguments of a command */
#define COMMAND_ENV_MAX           1000            /* environment members of a command */
#define COMMAND_TEXT_BYTES_MAX    KIB(128)        /* one of them: the kernel's own limit */
#define SPAWN_FDS_MAX             16              /* descriptors mapped into a child */

/* --- Artifacts --- */
#define ARTIFACT_BYTES_MAX        MIB(512)        /* one file of a run: a long video fits */
#define ARTIFACTS_PER_RUN_MAX     1000            /* files of a run */
#define ARTIFACT_NAME_BYTES_MAX   255             /* a file name, with its folders */
#define BUNDLE_BYTES_MAX          MIB(256)        /* an uploaded test project, packed */
#define BUNDLE_UNPACKED_BYTES_MAX GIB(1)          /* and unpacked: stops archive bombs */
#define BUNDLE_FILES_MAX          50000           /* files of a bundle */
#define REPORT_BYTES_MAX          MIB(64)         /* one rendered report */
#define REPORT_RUNS_MAX           5000            /* attempts in one report; the rest is counted */
#define REPORT_MEMORY_BYTES_MAX   MIB(80)         /* memory of a report before it is written */
#define REPORT_TEXT_BYTES_MAX     KIB(8)          /* one text in it, as of an error; cut */
#define REPORT_BRIEF_BYTES_MAX    500             /* a run's error when there is little room; cut */
#define REPORT_ERRORS_BYTES_MAX   MIB(3)          /* errors of runs in full; then brief */
#define REPORT_CASES_BYTES_MAX    MIB(8)          /* cases and results in it; the rest is counted */
#define REPORT_STEPS_BYTES_MAX    MIB(8)          /* steps in it; the rest is counted */
#define REPORT_RUN_BYTES_MAX      MIB(2)          /* of either, those of one run */
#define REPORT_FILES_BYTES_MAX    MIB(4)          /* rows of artifacts in it; the rest is counted */
#define REPORT_EVENTS_MAX         100000          /* cases and steps read from events for it */
#define REPORT_EVENTS_BYTES_MAX   MIB(256)        /* the same */
#define REPORT_IMAGES_BYTES_MAX   MIB(12)         /* screenshots inside one report; then only links */
#define REPORT_LOG_BYTES_MAX      KIB(16)         /* of each log shown in a report: its last bytes */
#define REPORT_LOGS_BYTES_MAX     MIB(2)          /* logs inside one report */

/* --- Reading --- */
#define PAGE_MIN                  1               /* items of a list */
#define PAGE_MAX                  1000            /* the same; bounds one answer */
#define PAGE_DEFAULT              50              /* the same, unasked */
#define CURSOR_BYTES_MAX          KIB(1)          /* text of a cursor */
#define FILTER_VALUES_MAX         100             /* values of one filter */
#define WAIT_MS_MAX               SECONDS_MS(60)  /* ?wait=: below the usual proxy's patience */
#define RESPONSE_BYTES_MAX        MIB(64)         /* one JSON answer */
#define SSE_QUEUE_BYTES_MAX       KIB(256)        /* a reader that lags more is dropped */
#define SSE_STREAMS_MAX           20000           /* open event streams */
#define SSE_COMMENT_MS            SECONDS_MS(15)  /* a comment keeps proxies awake */

/* --- Engine and store --- */
#define TURN_INTENTS_MAX          512             /* intents of a turn: its latency */
#define TURN_BYTES_MAX            MIB(32)         /* memory of its intents: bounds what it makes of them */
#define LEASES_PER_POLL_MAX       10              /* with all their tests they fit one answer and its request's memory */
#define CLAIM_ROWS_MAX            2048            /* ready jobs that a turn loads over all lanes; each lane shows at least one */
#define LEASES_PER_TURN_MAX       200             /* the same for the turn's memory; the rest has the next turn */
#define LANES_MAX                 10000           /* distinct (queue, kind, labels): all in memory */
#define QUEUES_MAX                1000            /* queues of a server: all in memory */
#define LANES_BYTES_MAX           MIB(128)        /* memory of both: LANES_MAX of full label sets */
#define RUN_LOSSES_MAX            3               /* workers lost under one run before it is errored */
#define RUNS_WAITING_MAX          1000            /* retries of one job that wait; then no new run starts */
#define AHEAD_COUNT_MAX           1000            /* jobs ahead are counted up to this */
#define AGEING_MS_DEFAULT         MINUTES_MS(10)  /* waiting that weighs one step of priority */
#define DUE_ROWS_MAX              256             /* due jobs and workers of one turn */
#define EVENTS_PAGE_MAX           1000            /* events read from the store at a time */
#define ARENA_REQUEST_BYTES_MAX   MIB(64)         /* memory of one request */
#define ARENA_TURN_BYTES_MAX      GIB(1)          /* memory of one engine turn */

/* --- The program itself --- */
#define LOG_LINE_BYTES_MAX        KIB(16)         /* one line of our own log; cut */
#define CONFIG_BYTES_MAX          MIB(1)          /* a settings or job file */
#define PATH_BYTES_MAX            4096            /* a path: the kernel's own limit */
#define DIR_DEPTH_MAX             64              /* folders tree_remove() descends */

/* clang-format on */

_Static_assert(LEASE_MS_MIN <= LEASE_MS_DEFAULT && LEASE_MS_DEFAULT <= LEASE_MS_MAX,
	"the default lease is a lease");
_Static_assert(BODY_BYTES_MAX <= BULK_BODY_BYTES_MAX, "bulk takes what single takes");
_Static_assert(RUN_TIMEOUT_MS_DEFAULT <= RUN_TIMEOUT_MS_MAX, "the default run time is allowed");
_Static_assert(2 * JOBS_BYTES_MAX + MIB(2) <= ARENA_REQUEST_BYTES_MAX,
	"the jobs of a request, and their copies in the answer");
/* A test and the job's options beside it may each double when parameters are filled in. */
_Static_assert(4 * DEFINITION_BYTES_MAX * LEASES_PER_POLL_MAX <
		ARENA_REQUEST_BYTES_MAX - POLL_BODY_BYTES_MAX,
	"leases fit the memory of the poll that gets them");
_Static_assert(4 * DEFINITION_BYTES_MAX * LEASES_PER_TURN_MAX < ARENA_TURN_BYTES_MAX,
	"leases fit the memory of the turn that makes them");
