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

/* --- Time zones and schedules --- */
#define ZONE_NAME_BYTES_MAX       64              /* the longest IANA name has 38 */
#define ZONE_FILE_BYTES_MAX       KIB(64)         /* of compiled zones the largest has 4 KiB */
#define ZONE_CHANGES_MAX          5000            /* of offset in a zone; some 250 are usual */
#define ZONES_MAX                 1024            /* kept in memory; the system has some 600 names */
#define CRON_BYTES_MAX            200             /* an expression */
#define SCHEDULES_MAX             10000           /* of all projects: they are in memory */
#define SCHEDULE_BYTES_MAX        KIB(64)         /* as kept, with its job request */
#define SCHEDULES_BYTES_MAX       MIB(32)         /* all of them together: one answer lists a project's */
#define SCHEDULE_AT_MAX           100             /* instants of a list */
#define SCHEDULE_BLACKOUTS_MAX    20              /* windows of a schedule: each firing looks at all */
#define SCHEDULE_EVERY_MS_MIN     SECONDS_MS(1)   /* more often is no schedule */
#define SCHEDULE_EVERY_MS_MAX     DAYS_MS(366)    /* also of a blackout window */
#define SCHEDULE_JITTER_MS_MAX    HOURS_MS(1)     /* longer is another schedule */
#define SCHEDULE_LATE_MS          MINUTES_MS(1)   /* due for longer: no server ran, it was missed */
#define SCHEDULE_MISSED_MAX       100             /* made up for after an outage */
#define SCHEDULE_MISSED_DEFAULT   10              /* the same, unless missedMax says else */
#define SCHEDULE_MISSED_COUNT_MAX 1000            /* counted; more are told as more */
#define SCHEDULE_WAITING_MAX      10              /* occurrences that wait for their turn */
#define SCHEDULE_ACTIVE_MAX       100             /* jobs of a schedule at a time */
#define SCHEDULE_NEXT_MAX         100             /* occurrences shown beforehand */
#define FIRINGS_KEPT_MAX          1000            /* of a schedule; older ones go */

/* --- Expressions and schemas --- */
#define LANG_BYTES_MAX            KIB(4)          /* one expression */
#define LANG_DEPTH_MAX            32              /* nested parentheses, calls and lists in it */
#define LANG_STEPS_MAX            100000          /* of one evaluation: a few ms */
#define LANG_RESULT_BYTES_MAX     KIB(64)         /* a text or list that it puts together */
#define EXPR_STEPS_MAX            1000000         /* of all expressions of a document together: some ten ms */
#define EXPR_BYTES_MAX            MIB(64)         /* memory of the values that they put in */
#define JSON_SCHEMA_NODES_MAX     10000           /* schemas inside a schema */
#define JSON_SCHEMA_DEPTH_MAX     64              /* of them inside each other, references followed */
#define JSON_SCHEMA_STEPS_MAX     2000000         /* of validating one value: 0.1 to 0.4 s */
#define JSON_SCHEMA_PATTERNS_MAX  1000            /* regular expressions of a schema */

/* --- Flows --- */
#define FLOW_STAGES_MAX           200             /* of a flow */
#define FLOW_ITEMS_MAX            1000            /* of a stage's matrix */
#define FLOW_ITEMS_TOTAL_MAX      2000            /* of all stages of a flow that have begun: its state is one text */
#define FLOW_BYTES_MAX            MIB(1)          /* a flow as kept: its stages and parameters */
#define FLOW_VALUES_BYTES_MAX     MIB(1)          /* results and values that its stages keep, together */
#define FLOW_STATE_BYTES_MAX      MIB(32)         /* where it stands as text: values, items, conditions, errors */
#define FLOW_SCHEMA_STEPS_MAX     200000          /* of holding results against outputSchema: a turn waits for it */
#define FLOW_SCHEMA_BYTES_MAX     MIB(32)         /* memory of the same */
#define FLOW_DEPTH_MAX            5               /* flows inside flows: one that starts itself ends */
#define FLOW_LAUNCHES_MAX         20              /* of a flow, asked for at a time: each has all that expressions see */
#define FLOW_EFFECTS_BYTES_MAX    MIB(64)         /* of a turn; more are asked for in the next one */
#define FLOW_TODO_MAX             64              /* commands to and looks at children that a turn sees to */
#define STAGE_NAME_BYTES_MAX      100             /* of a stage, a condition */
#define STAGE_PARALLEL_DEFAULT    10              /* items of a stage at a time */
#define STAGE_TIMEOUT_MS_MAX      DAYS_MS(366)    /* of a stage: longer than any flow */
#define STAGE_ERROR_BYTES_MAX     500             /* why a stage or item failed; cut */
#define WAIT_TIMEOUT_MS_DEFAULT   HOURS_MS(1)     /* a wait's deadline, unless timeout says else */
#define WAIT_CONDITIONS_MAX       20              /* of a wait */
#define WAIT_VALUE_BYTES_MAX      KIB(16)         /* what was selected in an answer, as kept */
#define WAIT_SHOWN_BYTES_MAX      KIB(4)          /* the same in an event */
#define WAIT_EVERY_MS_MIN         100             /* between two looks */
#define WAIT_EVERY_MS_DEFAULT     SECONDS_MS(5)   /* the same, unless interval says else */
#define WAIT_INTERVAL_MS_DEFAULT  MINUTES_MS(5)   /* the longest, unless interval.max says else */
#define WAIT_INTERVAL_MS_MAX      DAYS_MS(1)      /* the longest, when asked for */
#define WAIT_MISSES_DEFAULT       20              /* looks in a row that reach nobody */
#define WAIT_MISSES_MAX           INT64_C(1000000) /* the same, when asked for */
#define WAIT_OVERDUE_MS           MINUTES_MS(5)   /* a look that nobody reports is asked for again */
#define WAIT_REPEATS_MAX          10              /* repeated signals that are told as events */

/* --- Jobs --- */
#define DEFINITION_BYTES_MAX      MIB(1)          /* a test or template as stored */
#define TEST_SECRETS_MAX          100             /* values of a test that are never shown */
#define TESTS_PER_JOB_MAX         10000           /* its result list stays in memory */
#define FIXTURES_PER_JOB_MAX      1000            /* fixtures of a job; their hooks are tests of it */
#define HOOK_STEPS_MAX            1000            /* steps of a hook, as of a test */
#define HOOK_TIMEOUT_MS_DEFAULT   MINUTES_MS(1)   /* one run of a hook, unless hookTimeout says else */
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
#define PROJECTS_MAX              1000            /* of a server: all in memory, and in one answer */
#define GATES_MAX                 50              /* of a project or an environment: each is one tag */
#define PROJECT_BYTES_MAX         KIB(16)         /* settings of a project; of all of them in one answer */
#define QUARANTINE_ENTRIES_DEFAULT 50             /* of a project's quarantine list: a long one hides what fails */
#define QUARANTINE_ENTRIES_MAX    1000            /* the same, by setting: every lease looks at all */
#define QUARANTINE_CLEAN_RUNS_DEFAULT 20          /* clean units in a row that end a quarantine */
#define QUARANTINE_CLEAN_RUNS_MAX 100000          /* the same, when asked for */
#define QUARANTINE_MS_DEFAULT     DAYS_MS(30)     /* how long a test is in quarantine */
#define QUARANTINE_MS_MAX         DAYS_MS(366)    /* the same, when asked for */
#define RETRIES_MAX               100             /* further attempts at one run */
#define RETRY_DELAY_MS_MAX        DAYS_MS(1)      /* longest pause between attempts */
#define RETRY_FACTOR_MAX          100             /* growth of the pause per attempt */

/* --- Runs and workers --- */
#define LEASE_MS_DEFAULT          SECONDS_MS(15)  /* a dead worker is noticed in this */
#define LEASE_MS_MIN              SECONDS_MS(1)   /* below this, ordinary pauses lose runs */
#define LEASE_MS_MAX              HOURS_MS(1)     /* above this, nothing is noticed in time */
#define WORKERS_MAX               10000           /* known workers of a server */
#define WORKER_SLOTS_MAX          1000            /* connections of one worker */
#define RUN_CONNECTIONS_MAX       16              /* that `proctor run` takes from a job on its own */
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
#define START_TIMEOUT_MS_DEFAULT  SECONDS_MS(60)  /* from a browser run's lease to its `started` */
#define RUNNER_IDLE_MS            SECONDS_MS(60)  /* a warm runner that nobody wants leaves */
#define BROWSER_IDLE_MS           MINUTES_MS(3)   /* the same with a browser, whose start is slow */
#define RUNNER_LOST_RUNS_MAX      3               /* browsers lost in a row until their runner is replaced */
#define KIND_FAILURES_MAX         3               /* browsers that did not start in a row until the kind is withdrawn */
#define KIND_PAUSE_MS_MIN         SECONDS_MS(5)   /* then it is offered again; doubled each time */
#define KIND_PAUSE_MS_MAX         MINUTES_MS(5)   /* up to this */
#define MEMORY_SHORT_BYTES        MIB(256)        /* with less available, idle browsers leave */
#define SCREEN_FRAME_BYTES_MAX    KIB(256)        /* a picture of a run on its way to viewers */
#define SCREEN_FRAME_MS           100             /* at most ten pictures of a run a second */
#define SCREEN_SIDE_MAX           16384           /* pixels of its longer side */
#define SCREEN_VIEWERS_MAX        1000            /* viewers of all runs */

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
#define REPORT_JOBS_MAX           50              /* jobs of a flow that its report shows with their tests; the rest is counted */
#define REPORT_LOOKS_MAX          100             /* looks of a wait in it: the last ones; the rest is counted */
#define REPORT_LOG_BYTES_MAX      KIB(16)         /* of each log shown in a report: its last bytes */
#define REPORT_LOGS_BYTES_MAX     MIB(2)          /* logs inside one report */

/* --- Archives --- */
#define ARCHIVE_BYTES_MAX         GIB(16)         /* an archive of jobs, packed */
#define ARCHIVE_UNPACKED_MAX      GIB(64)         /* the same unpacked */
#define ARCHIVE_JOBS_MAX          100000          /* jobs of one */
#define ARCHIVE_BLOBS_MAX         500000          /* different files of them: their hashes are in memory */
#define ARCHIVE_LINE_BYTES_MAX    MIB(100)        /* one row: the state of a flow with escapes */
#define ARCHIVE_PART_BYTES        MIB(1)          /* rows of a job that are packed together */
#define IMPORT_ROWS_MAX           64              /* rows of an archive that one turn takes */
#define IMPORT_BYTES_MAX          KIB(512)        /* the same, unless one row is larger */

/* --- What flows ask of the world --- */
#define CONDUCTOR_READS_MAX       2               /* launches and collections at a time on the pool */
#define CONDUCTOR_RESOLVES_MAX    2               /* looks being prepared there: a slow DNS must not take it all */
#define CONDUCTOR_SWEEPS_MAX      1               /* sweeps of retention there */
#define CONDUCTOR_LOOKS_MAX       256             /* looks under way: sockets */
#define CONDUCTOR_TASK_BYTES_MAX  MIB(32)         /* memory of one of them */
#define PROBE_TIMEOUT_MS_DEFAULT  SECONDS_MS(10)  /* one look */
#define PROBE_TIMEOUT_MS_MAX      MINUTES_MS(1)   /* the same, when asked for */
#define PROBE_BODY_BYTES_MAX      KIB(256)        /* an answer that is looked at: parsed on the loop */
#define PROBE_REQUEST_BYTES_MAX   KIB(256)        /* a body that is sent */
#define PROBE_HEADERS_MAX         50              /* headers that are sent */
#define PROBE_HEADERS_BYTES_MAX   KIB(16)         /* headers of an answer; the rest is left out */
#define JOB_RESULTS_BYTES_MAX     KIB(64)         /* results of a job; more is told as truncated */
#define SIGNAL_BODY_BYTES_MAX     KIB(64)         /* what a signal may carry */
#define SIGNALS_PER_SECOND        200             /* taken at the public address: each is a turn */
#define SIGNALS_BURST             1000            /* the same at once */

/* --- Figures --- */
#define ERROR_CLASS_BYTES_MAX     300             /* a normalised error text; cut */
#define ERROR_SAMPLE_BYTES_MAX    KIB(1)          /* an error text before that; cut */
#define ERROR_CLASSES_SHOWN_MAX   5000            /* that one answer puts into clusters; the rarest are counted */
#define USAGE_MAX                 INT64_C(1000000000000) /* milliseconds, KiB or tokens of a run: sums of a million fit */
#define STAT_TAGS_MAX             8               /* tags of a job that its figures are kept under; then only without */
#define STAT_DAYS_MAX             400             /* span of a query */
#define STAT_DAYS_DEFAULT         7               /* the same, unasked */
#define STAT_BUCKETS_MAX          5000            /* points of a trend */
#define STAT_GROUPS_MAX           50000           /* rows that one table may have before sorting */
#define STAT_JOBS_MAX             10000           /* jobs of one analysis */
#define STAT_HOURS_KEPT_MS        DAYS_MS(35)     /* cells of hours; those of days stay */
#define STAT_BACKLOG_JOBS         50              /* old jobs that one slice takes into the figures */
#define HISTORY_UNITS_MAX         1000            /* units of a test's history */

/* --- Browsers --- */
#define CDP_MESSAGE_BYTES_MAX     MIB(256)        /* one from the browser: a full-page picture fits many times */
#define CDP_OUT_BYTES_MAX         MIB(64)         /* waiting to be read by the browser: bodies of mocked answers */
#define CDP_DEPTH_MAX             1200            /* V8 itself gives up at 1,000; jansson could 2,048 */
#define CHROMIUM_START_MS         SECONDS_MS(30)  /* 0.1 s when idle; a loaded machine is not a dead one */
#define CHROMIUM_HEALTH_MS        SECONDS_MS(3)   /* an idle browser answers in 1 ms */
#define CHROMIUM_RUNS_MAX         200             /* then it is replaced: bounds what leaks in it */
#define CHROMIUM_MEMORY_BYTES_MAX GIB(1)          /* the same; a fresh one has 60 MiB */
#define CHROMIUM_LOG_BYTES_MAX    MIB(1)          /* its stderr between two runs; then emptied */
#define CHROMIUM_SHM_BYTES_MIN    MIB(256)        /* less in /dev/shm: it is told not to use it */
#define CONTEXT_DISPOSE_MS        SECONDS_MS(5)   /* 10 ms even with a hung page */
#define CONTEXT_HOOKS_MAX         16              /* modules that prepare sessions */
#define CONTEXT_PAGES_OPEN_MAX    100             /* pages of a run at a time: more popups are closed */
#define CONTEXT_PAGES_MAX         2000            /* pages of a run ever */
#define CONTEXT_FRAMES_MAX        20000           /* frames of a run ever; later ones are not seen */
#define CONTEXT_RECORDS_MAX       1000            /* dialogs or downloads kept of a run; then counted */
#define DIALOG_TEXT_BYTES_MAX     KIB(8)          /* text of a dialog; cut */
#define FRAME_PROBE_MS            SECONDS_MS(1)   /* silence after a deadline that makes a page hung */

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
#define TURN_LOAD_BYTES_MAX       MIB(384)        /* rows that a turn loads for what it was asked; ready and due ones stop at half of it */
#define TURN_LOAD_GROWTH          8               /* what a turn makes of them, at most: layouts and plans decoded and written, events */
#define LAYOUT_BYTES_MAX          MIB(16)         /* fixtures of a grouped job as text: TESTS_PER_JOB_MAX names, each byte escaped */
#define RUNS_HELD_MAX             1000            /* results of a group that wait for an earlier one; then no new run starts */
#define RUNS_HELD_BYTES_MAX       MIB(4)          /* errors of a job's results that wait so, shared by its groups; a full group starts no new run, and its errors beyond twice that are cut */
#define HELD_ERROR_BYTES_MAX      KIB(1)          /* to this */
#define GROUP_STEP_MAX            200             /* units that end without a run (skipped, hook failed) in one turn */
#define HOOK_ERROR_BYTES_MAX      KIB(2)          /* what a failed hook says about each of its units; cut */
#define CONNECTION_KEPT_MS        15000           /* a fixture keeps to the worker of its connection for this long without a sign of life */
#define HOOKS_OVERDUE_MS          MINUTES_MS(10)  /* after hooks that no worker took while their job is being ended; then it ends without */
#define AHEAD_COUNT_MAX           1000            /* jobs ahead are counted up to this */
#define JOB_KEYS_MAX              8               /* keys of a job: each is counted at every lease */
#define KEY_LIMITS_MAX            64              /* entries of a queue's limits */
#define RATE_MAX                  INT64_C(1000000) /* runs that begin in the time of a rate; one a microsecond */
#define RATE_PER_MS_MAX           DAYS_MS(366)    /* the time of a rate */
#define SHARE_MAX                 1000            /* a project's part of the workers */
#define RESOURCES_MAX             32              /* resources of a worker or needs of a job */
#define RESOURCE_MAX              INT64_C(1000000000000000) /* amount of one; its thousandths stay a number */
#define UNIQUE_PERIOD_MS_MAX      DAYS_MS(366)    /* how long a unique key is held */
#define EXPIRES_MS_MAX            DAYS_MS(366)    /* a job that has not begun by then */
#define BULK_ACTION_JOBS_MAX      100000          /* jobs of one bulk action */
#define BULK_ACTION_BATCH         200             /* of them in one turn */
#define BULK_ACTION_SAMPLE        10              /* shown by a dry run */
#define FIGURES_COUNT_MAX         10000           /* jobs of a lane that a queue's figures count */
#define FORECAST_JOBS_MAX         50              /* of a kind that a forecast looks back at */
#define AGEING_MS_DEFAULT         MINUTES_MS(10)  /* waiting that weighs one step of priority */
#define DUE_ROWS_MAX              256             /* due jobs and workers of one turn */
#define EVENTS_PAGE_MAX           1000            /* events read from the store at a time */
#define ARENA_REQUEST_BYTES_MAX   MIB(64)         /* memory of one request */
#define ARENA_TURN_BYTES_MAX      GIB(4)          /* memory of one engine turn: what it loads, and all its leases */

/* --- Browser tests: configuration, network, evidence --- */
#define VIEWPORT_SIDE_MAX         8192            /* CSS pixels: what a headless browser still paints */
#define PAGE_SHOT_SIDE_MAX        16384           /* pixels of a picture: the browser's own limit for textures */
#define BROWSER_WAIT_MS_MAX       DAYS_MS(1)      /* any one timeout of a browser test */
#define CONFIG_ARENA_BYTES_MAX    MIB(64)         /* memory of a decoded config, bodies of mocks included */
#define ACTION_TIMEOUT_MS         SECONDS_MS(10)  /* until an element can be acted on */
#define EXPECT_TIMEOUT_MS         SECONDS_MS(5)   /* until an expectation holds */
#define NAVIGATION_TIMEOUT_MS     SECONDS_MS(30)  /* until a page is there */
#define EXTRA_HEADERS_MAX         50              /* added to each request */
#define COOKIES_MAX               500             /* set by a config */
#define MOCKS_MAX                 200             /* of a run; each is asked for every request */
#define MOCK_BODY_BYTES_MAX       MIB(8)          /* what one answers: it goes through a pipe as base64 */
#define MOCK_DELAY_MS_MAX         MINUTES_MS(1)   /* before it answers */
#define PATTERN_BYTES_MAX         KIB(4)          /* a glob or regular expression over URLs or texts */
#define PATTERN_STEPS_MAX         100000          /* of matching one text: a hostile pattern ends */
#define STORAGE_STATE_BYTES_MAX   MIB(8)          /* a file of cookies and local storage */
#define HOSTS_MAX                 1000000         /* entries of all lists of hosts of a run */
#define HOSTS_BYTES_MAX           MIB(32)         /* memory of them */
#define HOSTS_FILE_BYTES_MAX      MIB(16)         /* one file of them */
#define HOSTS_LINE_BYTES_MAX      1024            /* a line of it; longer ones are skipped */
#define HOSTS_IN_BROWSER_MAX      256             /* more are matched here: the browser tries one after the other */
#define NETWORK_ENTRIES_MAX       10000           /* requests recorded; more are counted */
#define NETWORK_BYTES_MAX         MIB(64)         /* memory of them, headers included; more are counted */
#define NETWORK_SESSIONS_MAX      (CONTEXT_PAGES_MAX + CONTEXT_FRAMES_MAX) /* listened to: all that a context has */
#define HAR_BODY_BYTES_MAX        KIB(256)        /* one body in the network log; longer ones are left out */
#define HAR_BODIES_BYTES_MAX      MIB(16)         /* all of them */
#define HAR_BYTES_MAX             MIB(96)         /* the file */
#define CONSOLE_ENTRIES_MAX       10000           /* recorded; more are counted */
#define CONSOLE_TEXT_BYTES_MAX    KIB(4)          /* one text; cut */
#define CONSOLE_IGNORE_MAX        50              /* patterns */
#define IMAGE_PIXELS_MAX          INT64_C(67108864) /* decoded to compare: 256 MiB each */
#define IMAGE_BYTES_MAX           MIB(64)         /* a PNG file */
#define SHOT_BYTES_MAX            MIB(64)         /* a screenshot */
#define SHOT_MASKS_MAX            100             /* regions painted over */
#define SNAPSHOT_BYTES_MAX        MIB(32)         /* the page at a failure */
#define VIDEO_FRAMES_BYTES_MAX    MIB(512)        /* frames on disk; then every second one goes */
#define VIDEO_FRAMES_MAX          36000           /* the same: an hour of ten a second */
#define VIDEO_ENCODE_MS_MAX       MINUTES_MS(2)   /* the encoder is ended after that */
#define EVIDENCE_WAIT_MS          SECONDS_MS(10)  /* for any one piece of evidence nobody asked for by a step */
#define EVIDENCE_CANCELLED_MS     SECONDS_MS(3)   /* the same of a cancelled run: well below the grace time */
#define EVIDENCE_WARNINGS_MAX     20              /* of one run */

/* --- Browser tests --- */
#define BROWSER_STEPS_MAX         1000            /* steps of one list */
#define BROWSER_STEPS_ALL_MAX     5000            /* of a test, those inside others included */
#define BROWSER_STEP_DEPTH_MAX    8               /* steps inside steps; the JSON's depth binds too */
#define BROWSER_STEPS_RUN_MAX     20000           /* carried out by one run: an endless loop ends */
#define BROWSER_USE_DEPTH_MAX     16              /* `use` inside what is used */
#define BROWSER_ROUNDS_MAX        10000           /* of a repeat */
#define BROWSER_ROUNDS_DEFAULT    100             /* of a repeat with until or while, unasked */
#define BROWSER_TEXT_BYTES_MAX    KIB(256)        /* typed, stored or evaluated */
#define BROWSER_LABEL_BYTES_MAX   KIB(4)          /* a selector, a text that is looked for */
#define SECRET_SHOWN_BYTES_MIN    4               /* shorter texts typed in secret are not hidden: they are anywhere */
#define SECRETS_TYPED_MAX         100             /* later ones are not hidden */
#define BROWSER_TITLE_BYTES_MAX   300             /* title of a step; cut */
#define BROWSER_SET_UP_MS         SECONDS_MS(30)  /* until a context and its first page are there */
#define BROWSER_LOOK_MS           SECONDS_MS(2)   /* a condition is asked once: the page must answer */
#define BROWSER_AFTERMATH_MS      SECONDS_MS(5)   /* evidence of a failure and tidying up */
#define BROWSER_OUTPUT_BYTES_MAX  KIB(128)        /* what a test extracts: fits the result's line */
#define BROWSER_ERRORS_MAX        20              /* told of one run; the rest is counted */

/* --- Octomind dialect --- */
#define OCTO_ELEMENTS_MAX         BROWSER_STEPS_MAX /* interactions and assertions of a test case */
#define OCTO_SELECTORS_MAX        32              /* selectors of one of them, one in the other */
#define OCTO_CHAIN_MAX            32              /* a test case, what it depends on and so on */
#define OCTO_CASES_MAX            TESTS_PER_JOB_MAX /* test cases of one push */
#define OCTO_VARIABLES_MAX        200             /* static variables of a run */
#define OCTO_VALUES_MAX           100             /* values of a variable, of which one is picked */
#define OCTO_CASE_BYTES_MAX       DEFINITION_BYTES_MAX /* a test case as text */
#define OCTO_CODE_BYTES_MAX       MIB(4)          /* a generated spec or config file */
#define OCTO_ZIP_BYTES_MAX        MIB(32)         /* the spec files of one answer, packed */

/* --- Retention --- */
#define RETENTION_POLICIES_MAX    50              /* of a project */
#define RETENTION_AGE_MS_MAX      DAYS_MS(36500)  /* a hundred years */
#define RETENTION_COUNT_MAX       100000000       /* jobs that a policy may name */
#define RETENTION_EVERY_MS_MIN    SECONDS_MS(1)   /* between two sweeps of a policy */
#define RETENTION_EVERY_MS_MAX    DAYS_MS(30)
#define RETENTION_EVERY_MS_DEFAULT HOURS_MS(1)
#define RETENTION_BODY_BYTES_MAX  KIB(16)         /* a policy as it is kept */
#define SWEEP_JOBS_MAX            50              /* jobs that one turn sweeps away */
#define SWEEP_FILES_MAX           500             /* artifact rows of a job that one turn takes */
#define SWEEP_SAMPLE              20              /* jobs shown by a preview */
#define DELETE_ROWS_MAX           256             /* rows of deleted jobs that one turn takes: a few ms */
#define WORKER_KEPT_MS            DAYS_MS(30)     /* workers that are gone are shown so long */

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
/*
 * No sequence of requests makes a turn pass its memory, which would end the engine for good. A
 * grouped job has at most 2 × RUNS_HELD_BYTES_MAX of long errors, TARGETS_PER_JOB_MAX ×
 * (RUNS_HELD_MAX + CONCURRENCY_MAX) open runs with short ones, and LAYOUT_BYTES_MAX of layout
 * and of plan: what ready and due jobs may take stops at half of TURN_LOAD_BYTES_MAX and may
 * pass it by one such job, so that it stays below the whole. What intents name is loaded in
 * smaller parts when it is more; see load() of the engine.
 */
_Static_assert(
	TURN_LOAD_GROWTH *TURN_LOAD_BYTES_MAX + 4 * DEFINITION_BYTES_MAX * LEASES_PER_TURN_MAX <
		ARENA_TURN_BYTES_MAX,
	"a turn has room for what it makes of what it loads");
_Static_assert(TESTS_PER_JOB_MAX *(6 * NAME_BYTES_MAX + 80) < LAYOUT_BYTES_MAX,
	"every layout can be written");
_Static_assert(2 * RUNS_HELD_BYTES_MAX + 2 * LAYOUT_BYTES_MAX +
			TARGETS_PER_JOB_MAX * (RUNS_HELD_MAX + CONCURRENCY_MAX) *
				(HELD_ERROR_BYTES_MAX + KIB(1)) <
		TURN_LOAD_BYTES_MAX / 2,
	"any one job can be loaded");
