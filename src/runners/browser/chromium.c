/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The browser leads a process group of its own, so that the whole tree (zygote, renderers) can
 * be ended and reaped by its number: this process is made a subreaper, and what the browser
 * leaves behind becomes its child. The profile is a folder that is locked while we live; what
 * a killed runner left is found by its missing lock and removed by the next one.
 */
#include "runners/browser/chromium.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "runners/browser/chromium_impl.h"
#include "runners/browser/context.h"

enum {
	MEMORY_EVERY = 10,     /* runs between two looks at /proc, which cost more than a run */
	SILENCE_MS = 2 * 1000, /* who spoke since then is asked nothing */
};

struct chromium {
	struct spawn_child child;
	struct cdp *cdp;
	enum chromium_kind kind;
	char *profile;  /* NULL: none yet */
	int profile_fd; /* holds the lock */
	int log_fd;     /* its stderr */
	char *version;
	char *warning;
	char worn[80];
	char end[80];
	bool has_ended; /* and is reaped */
	unsigned n_runs;
	unsigned n_closing;       /* contexts whose end the browser has not confirmed */
	int64_t closing_since_ms; /* the oldest of them, or an older one */
	bool is_unclean, keeps_spare;
	struct context *spare; /* owned, or NULL */
};

/* --- Arguments --- */

/* The back/forward cache would show documents again without their load events. */
#define FEATURES_OFF                                                          \
	"Translate,MediaRouter,OptimizationHints,PaintHolding,HttpsUpgrades," \
	"AutofillServerCommunication,GlobalMediaControls,BackForwardCache"

/* Determinism and silence; --remote-debugging-pipe and the profile are the necessary ones. */
static const char *const arguments_always[] = {
	"--remote-debugging-pipe",
	"--headless=new",
	"--no-startup-window",
	"--no-first-run",
	"--no-default-browser-check",
	"--disable-gpu",
	"--disable-background-networking",
	"--disable-component-update",
	"--disable-default-apps",
	"--disable-extensions",
	"--disable-sync",
	"--disable-breakpad",
	"--disable-crash-reporter",
	"--disable-client-side-phishing-detection",
	"--disable-component-extensions-with-background-pages",
	"--disable-hang-monitor",
	"--disable-popup-blocking",
	"--disable-prompt-on-repost",
	"--disable-background-timer-throttling",
	"--disable-backgrounding-occluded-windows",
	"--disable-renderer-backgrounding",
	"--disable-ipc-flooding-protection",
	"--disable-field-trial-config",
	"--disable-features=" FEATURES_OFF,
	"--force-color-profile=srgb",
	"--metrics-recording-only",
	"--password-store=basic",
	"--use-mock-keychain",
	"--mute-audio",
	"--hide-scrollbars",
	"--enable-unsafe-swiftshader",
};

/* The full browser asks for its maker's hosts even so; that they do not exist silences it. */
static const char full_host_rules[] =
	"MAP accounts.google.com ~NOTFOUND,MAP update.googleapis.com ~NOTFOUND,"
	"MAP clients2.google.com ~NOTFOUND";

struct arguments {
	char **item; /* NULL-terminated; owned, with its texts */
	size_t n, cap;
};

static void
arguments_add(struct arguments *arguments, char *text)
{
	if (arguments->n + 1 >= arguments->cap) {
		arguments->cap = arguments->cap ? 2 * arguments->cap : 64;
		arguments->item = xreallocarray(
			arguments->item, arguments->cap, sizeof arguments->item[0]);
	}
	arguments->item[arguments->n++] = text;
	arguments->item[arguments->n] = NULL;
}

static void
arguments_deinit(struct arguments *arguments)
{
	for (size_t i = 0; i < arguments->n; i++)
		free(arguments->item[i]);
	free(arguments->item);
}

static bool
shm_is_small(void)
{
	struct statvfs st;

	return statvfs("/dev/shm", &st) < 0 ||
		(int64_t)(st.f_bavail * st.f_frsize) < CHROMIUM_SHM_BYTES_MIN;
}

static void
add_host_rules(struct arguments *arguments, const struct chromium_spec *spec)
{
	bool is_full = spec->kind == CHROMIUM_FULL;

	if (!is_full && !spec->host_rules)
		return;
	arguments_add(arguments,
		xasprintf("--host-resolver-rules=%s%s%s",
			spec->host_rules ? spec->host_rules : "",
			is_full && spec->host_rules ? "," : "",
			is_full ? full_host_rules : ""));
}

static void
make_arguments(struct arguments *arguments, const char *program, const char *profile,
	bool no_sandbox, const struct chromium_spec *spec)
{
	arguments_add(arguments, xstrdup(program));
	for (size_t i = 0; i < ARRAY_LEN(arguments_always); i++)
		arguments_add(arguments, xstrdup(arguments_always[i]));
	arguments_add(arguments, xasprintf("--user-data-dir=%s", profile));
	if (no_sandbox)
		arguments_add(arguments, xstrdup("--no-sandbox"));
	if (shm_is_small())
		arguments_add(arguments, xstrdup("--disable-dev-shm-usage"));
	if (spec->proxy)
		arguments_add(arguments, xasprintf("--proxy-server=%s", spec->proxy));
	add_host_rules(arguments, spec);
	for (size_t i = 0; spec->arguments && spec->arguments[i]; i++)
		arguments_add(arguments, xstrdup(spec->arguments[i]));
}

/* Our own environment without what is none of the browser's business. */
static void
make_environment(struct arguments *env, const char *profile)
{
	static const char *const dropped[] = { "PROCTOR_",
		"DBUS_SESSION_BUS_ADDRESS=", "DISPLAY=", "WAYLAND_DISPLAY=" };

	for (char **at = environ; *at; at++) {
		bool is_dropped = false;

		for (size_t i = 0; i < ARRAY_LEN(dropped); i++)
			is_dropped |= strncmp(*at, dropped[i], strlen(dropped[i])) == 0;
		if (!is_dropped)
			arguments_add(env, xstrdup(*at));
	}
	arguments_add(env, xstrdup("DBUS_SESSION_BUS_ADDRESS=/dev/null"));
	/* It outlives the run that it was started in, and its files go with the profile. */
	arguments_add(env, xasprintf("TMPDIR=%s", profile));
}

/* --- Finding --- */

int
chromium_find(enum chromium_kind kind, char **ret, struct err *err)
{
	static const char *const places[CHROMIUM_KIND_COUNT][4] = {
		[CHROMIUM_HEADLESS_SHELL] = { "/usr/lib/chromium/chromium-headless-shell",
			"/usr/lib/chromium/headless_shell",
			"/opt/chromium/chrome-headless-shell" },
		[CHROMIUM_FULL] = { "/usr/lib/chromium/chromium",
			"/usr/lib/chromium-browser/chromium-browser",
			"/opt/google/chrome/chrome" },
	};
	const char *named = getenv("PROCTOR_CHROMIUM");

	if (named && named[0]) {
		if (access(named, X_OK) < 0)
			return err_sys(err, ERR_NOT_FOUND, errno, "PROCTOR_CHROMIUM=%s", named);
		*ret = xstrdup(named);
		return 0;
	}
	for (size_t i = 0; places[kind][i]; i++) {
		if (access(places[kind][i], X_OK) == 0) {
			*ret = xstrdup(places[kind][i]);
			return 0;
		}
	}
	return CHROMIUM_NONE;
}

/* --- Sandbox --- */

/* Whether a process like the browser's zygote may make a user namespace. */
static bool
user_namespaces_work(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER | CLONE_NEWPID) == 0 ? 0 : 1);
	int status = 1;
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The helper of the distribution, which a process without new privileges cannot use. */
static bool
setuid_helper_works(const char *program)
{
	const char *slash = strrchr(program, '/');
	_cleanup_free_ char *path = slash
		? xasprintf("%.*s/chrome-sandbox", (int)(slash - program), program)
		: xstrdup("");
	struct stat st;

	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0 && stat(path, &st) == 0 &&
		st.st_uid == 0 && (st.st_mode & S_ISUID) != 0;
}

/* 0 and whether it must go without; *ret_warning (owned) says why. Never silently. */
static int
decide_sandbox(const char *program, bool *ret_off, char **ret_warning, struct err *err)
{
	const char *allowed = getenv("PROCTOR_CHROMIUM_NO_SANDBOX");

	*ret_off = true;
	if (geteuid() == 0) {
		*ret_warning =
			xstrdup("the browser's sandbox is off because the worker runs as "
				"root");
		return 0;
	}
	if (allowed && strcmp(allowed, "1") == 0) {
		*ret_warning = xstrdup("the browser's sandbox is off because "
				       "PROCTOR_CHROMIUM_NO_SANDBOX=1");
		return 0;
	}
	*ret_off = false;
	if (user_namespaces_work() || setuid_helper_works(program))
		return 0;
	return err_set(err, ERR_UNAVAILABLE,
		"the browser's sandbox cannot work: no user namespaces, no setuid helper beside "
		"%s. Allow one of them, or set PROCTOR_CHROMIUM_NO_SANDBOX=1",
		program);
}

/* --- Starting --- */

static int
start_process(struct chromium *chromium, const char *program, bool no_sandbox,
	const struct chromium_spec *spec, int fd_read, int fd_write, struct err *err)
{
	_cleanup_(arguments_deinit) struct arguments arguments = { 0 };
	_cleanup_(arguments_deinit) struct arguments env = { 0 };
	const struct spawn_fd map[] = { { fd_read, 3 }, { fd_write, 4 } };

	make_arguments(&arguments, program, chromium->profile, no_sandbox, spec);
	make_environment(&env, chromium->profile);
	const struct spawn_spec child = {
		.argv = (const char *const *)arguments.item,
		.env = (const char *const *)env.item,
		.cwd = chromium->profile,
		.fd_in = -1,
		.fd_out = chromium->log_fd,
		.fd_err = chromium->log_fd,
		.map = map,
		.n_map = ARRAY_LEN(map),
		.new_group = true,
		.death_signal = true,
	};
	return spawn_start(&chromium->child, &child, err);
}

/* Connects the two pairs of pipes and starts the program between them. */
static int
connect_process(struct chromium *chromium, const char *program, bool no_sandbox,
	const struct chromium_spec *spec, struct err *err)
{
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC) < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "pipe");
	_cleanup_close_ int to_read = to[0], to_write = to[1];
	if (pipe2(from, O_CLOEXEC) < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "pipe");
	_cleanup_close_ int from_read = from[0], from_write = from[1];
	/* Pictures are megabytes; where the limit of a user is lower, 64 KiB do as well. */
	(void)fcntl(from_write, F_SETPIPE_SZ, 1024 * 1024);
	if (start_process(chromium, program, no_sandbox, spec, to_read, from_write, err) < 0)
		return -1;
	chromium->cdp = cdp_new(TAKE_FD(from_read), TAKE_FD(to_write));
	return 0;
}

/* The last line that it wrote to stderr, as a help with what went wrong. */
static void
last_words(const struct chromium *chromium, char *out, size_t size)
{
	char tail[1024];
	struct stat st;

	out[0] = '\0';
	if (fstat(chromium->log_fd, &st) < 0)
		return;
	off_t from =
		st.st_size > (off_t)sizeof tail - 1 ? st.st_size - (off_t)sizeof tail + 1 : 0;
	ssize_t n = pread(chromium->log_fd, tail, sizeof tail - 1, from);
	struct str text = str_trim(str_from(tail, n > 0 ? (size_t)n : 0));
	const char *line = text.n > 0 ? memrchr(text.p, '\n', text.n) : NULL;
	if (line) {
		text.n -= (size_t)(line + 1 - text.p);
		text.p = line + 1;
	}
	snprintf(out, size, STR_FMT, STR_ARG(text));
}

static int
start_failed(struct chromium *chromium, struct err *err)
{
	char words[160];

	last_words(chromium, words, sizeof words);
	if (cdp_state(chromium->cdp) == CDP_LOST)
		return err_set(err, ERR_UNAVAILABLE, "the browser ended at once (%s)%s%s",
			chromium_end(chromium), words[0] ? ": " : "", words);
	return err_wrap(err, "start the browser");
}

/* Asks for the first answer and for being attached to every page, in one go. */
static int
greet(struct chromium *chromium, int64_t deadline_mono_ms, struct err *err)
{
	_cleanup_(json_unrefp) json_t *version = NULL;

	cdp_send(chromium->cdp, NULL, "Target.setAutoAttach",
		json_pack("{s:b, s:b, s:b, s:[{s:s}, {s:b}]}", "autoAttach", 1,
			"waitForDebuggerOnStart", 1, "flatten", 1, "filter", "type", "page",
			"exclude", 1),
		NULL, NULL);
	if (cdp_call(chromium->cdp, NULL, "Browser.getVersion", NULL, deadline_mono_ms,
		    &version, err) < 0)
		return start_failed(chromium, err);
	chromium->version = xstrdup(cdp_str(version, "product"));
	return 0;
}

int
chromium_start(struct chromium **ret, const struct chromium_spec *spec,
	int64_t deadline_mono_ms, struct err *err)
{
	_cleanup_(chromium_freep) struct chromium *chromium = xcalloc(1, sizeof *chromium);
	_cleanup_free_ char *program = spec->program ? xstrdup(spec->program) : NULL;
	bool no_sandbox;

	chromium->child = (struct spawn_child)SPAWN_CHILD_INIT;
	chromium->profile_fd = chromium->log_fd = -1;
	chromium->kind = spec->kind;
	chromium->keeps_spare = spec->keep_spare;
	if (!program) {
		int r = chromium_find(spec->kind, &program, err);
		if (r < 0)
			return -1;
		if (r == CHROMIUM_NONE)
			return err_set(
				err, ERR_NOT_FOUND, "there is no Chromium on this machine");
	}
	if (decide_sandbox(program, &no_sandbox, &chromium->warning, err) < 0)
		return -1;
	/* What the browser leaves behind when it dies becomes our child, to be reaped. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return err_sys(err, ERR_INTERNAL, errno, "PR_SET_CHILD_SUBREAPER");
	if (profile_new(&chromium->profile, &chromium->profile_fd, spec->profile_dir, err) < 0)
		return -1;
	chromium->log_fd = openat(chromium->profile_fd, "stderr.log",
		O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (chromium->log_fd < 0)
		return err_sys(err, err_code_of_errno(errno), errno, "%s", chromium->profile);
	if (connect_process(chromium, program, no_sandbox, spec, err) < 0)
		return -1;
	cdp_watch(chromium->cdp, spec->kit);
	if (greet(chromium, deadline_mono_ms, err) < 0)
		return -1;
	*ret = TAKE(chromium);
	return 0;
}

/* --- Ending --- */

/* Kills the group and takes the status of every process that was in it. */
static void
end_processes(struct chromium *chromium)
{
	siginfo_t info;
	pid_t group = chromium->child.pid;

	if (group < 0)
		return;
	if (!chromium->has_ended) {
		/* The unreaped leader keeps the number ours. */
		(void)kill(-group, SIGKILL);
		(void)spawn_wait(chromium->child.pidfd, -1, &info, NULL);
		chromium->has_ended = true;
	}
	/* Children of the dead come to us one generation after the other. */
	while (waitpid(-group, NULL, 0) > 0 || errno == EINTR)
		;
	cleanup_close(&chromium->child.pidfd);
	chromium->child = (struct spawn_child)SPAWN_CHILD_INIT;
}

struct chromium *
chromium_free(struct chromium *chromium)
{
	if (!chromium)
		return NULL;
	end_processes(chromium);
	/* Its pipe is at its end, which must be known before somebody writes. */
	if (chromium->cdp)
		(void)cdp_poll(chromium->cdp, NULL);
	chromium->spare = context_free(chromium->spare);
	chromium->cdp = cdp_free(chromium->cdp);
	cleanup_close(&chromium->log_fd);
	profile_remove(chromium->profile, chromium->profile_fd);
	free(chromium->profile);
	free(chromium->version);
	free(chromium->warning);
	free(chromium);
	return NULL;
}

/* --- Asking --- */

struct cdp *
chromium_cdp(struct chromium *chromium)
{
	return chromium->cdp;
}

pid_t
chromium_pid(const struct chromium *chromium)
{
	return chromium->child.pid;
}

const char *
chromium_version(const struct chromium *chromium)
{
	return chromium->version ? chromium->version : "";
}

const char *
chromium_profile(const struct chromium *chromium)
{
	return chromium->profile;
}

const char *
chromium_warning(const struct chromium *chromium)
{
	return chromium->warning;
}

const char *
chromium_end(struct chromium *chromium)
{
	siginfo_t info;

	if (chromium->has_ended || chromium->child.pid < 0)
		return chromium->end;
	/* End of file comes first, the exit a moment later. */
	int patience_ms = cdp_state(chromium->cdp) == CDP_LOST ? 1000 : 0;
	/* Its number must stay ours until the group is killed, so the rest dies now. */
	struct pollfd ended = { .fd = chromium->child.pidfd, .events = POLLIN };
	if (poll(&ended, 1, patience_ms) <= 0)
		return patience_ms ? "it closed its pipe and did not exit" : "";
	(void)kill(-chromium->child.pid, SIGKILL);
	if (spawn_reap(chromium->child.pidfd, &info, NULL) != 0)
		return "";
	chromium->has_ended = true;
	snprintf(chromium->end, sizeof chromium->end,
		info.si_code == CLD_EXITED ? "exit status %d" : "killed by signal %d",
		info.si_status);
	return chromium->end;
}

int
chromium_health(struct chromium *chromium, struct err *err)
{
	if (cdp_poll(chromium->cdp, err) < 0)
		return -1;
	if (clock_mono_ms() - cdp_counts(chromium->cdp).heard_mono_ms < SILENCE_MS)
		return 0;
	return cdp_call(chromium->cdp, NULL, "Browser.getVersion", NULL,
		clock_mono_ms() + CHROMIUM_HEALTH_MS, NULL, err);
}

int64_t
chromium_memory(const struct chromium *chromium)
{
	struct group_usage usage = group_usage(chromium->child.pid);

	return usage.memory_bytes;
}

unsigned
chromium_processes(const struct chromium *chromium)
{
	return group_usage(chromium->child.pid).n_processes;
}

struct context **
chromium_spare(struct chromium *chromium)
{
	return chromium->keeps_spare ? &chromium->spare : NULL;
}

void
chromium_count_run(struct chromium *chromium)
{
	struct stat st;

	chromium->n_runs++;
	if (fstat(chromium->log_fd, &st) == 0 && st.st_size > CHROMIUM_LOG_BYTES_MAX)
		(void)ftruncate(chromium->log_fd, 0); /* the next run tries again */
}

static void
context_closed(void *arg, json_t *result, const struct err *error)
{
	struct chromium *chromium = arg;

	(void)error;
	chromium->n_closing--;
	if (!result)
		chromium->is_unclean = true;
}

void
chromium_close_context(struct chromium *chromium, const char *id)
{
	if (chromium->n_closing++ == 0)
		chromium->closing_since_ms = clock_mono_ms();
	cdp_send(chromium->cdp, NULL, "Target.disposeBrowserContext",
		json_pack("{s:s}", "browserContextId", id), context_closed, chromium);
}

/* Whether a context could not be closed, or has been closing for too long. */
static bool
is_unclean(struct chromium *chromium)
{
	if (chromium->n_closing > 0)
		(void)cdp_poll(chromium->cdp, NULL);
	return chromium->is_unclean ||
		(chromium->n_closing > 0 &&
			clock_mono_ms() - chromium->closing_since_ms > CONTEXT_DISPOSE_MS);
}

const char *
chromium_worn(struct chromium *chromium)
{
	bool is_dirty = is_unclean(chromium);

	if (cdp_state(chromium->cdp) == CDP_LOST)
		return "lost";
	if (is_dirty)
		return "unclean";
	if (chromium->n_runs >= CHROMIUM_RUNS_MAX) {
		snprintf(chromium->worn, sizeof chromium->worn, "%u runs", chromium->n_runs);
		return chromium->worn;
	}
	if (chromium->n_runs % MEMORY_EVERY != 0)
		return NULL;
	int64_t memory = chromium_memory(chromium);
	if (memory > CHROMIUM_MEMORY_BYTES_MAX) {
		snprintf(chromium->worn, sizeof chromium->worn, "%" PRId64 " MiB",
			memory / MIB(1));
		return chromium->worn;
	}
	return NULL;
}
