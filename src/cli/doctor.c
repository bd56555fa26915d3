/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checks. Each tries the thing instead of guessing from versions, leaves nothing behind and
 * takes seconds at most.
 */
#include "cli/doctor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/spawn.h"
#include "cli/remote.h"
#include "worker/cgroup.h"

enum {
	PROGRAM_MS = 20000,   /* for a program to answer */
	SYNCS = 200,          /* fdatasync calls that are timed */
	SYNC_SLOW_US = 20000, /* median above this: durable writes will feel slow */
	NODE_MIN = 18,
	FILES_MIN = 4096, /* descriptors: connections, runs, the database */
};

static struct finding found(struct doctor *doctor, enum finding_level level, const char *mend,
	const char *fmt, ...) PRINTF_LIKE(4, 5);

static struct finding
found(struct doctor *doctor, enum finding_level level, const char *mend, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *text = arena_vprintf(doctor->arena, fmt, ap);
	va_end(ap);
	return (struct finding) { level, text ? text : "", mend };
}

/* Runs a program to its end; its output (cut) into out. The exit status, -1 for anything else.
 */
static int
run_program(const char *const *argv, struct buf *out)
{
	struct spawn_child child = SPAWN_CHILD_INIT;
	int64_t end_ms = clock_mono_ms() + PROGRAM_MS;
	siginfo_t info = { 0 };
	struct err ignored;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	const struct spawn_spec spec = { .argv = argv,
		.fd_in = -1,
		.fd_out = ends[1],
		.fd_err = ends[1],
		.new_group = true,
		.death_signal = true };
	int r = spawn_start(&child, &spec, &ignored);
	(void)close(ends[1]);
	while (r == 0) {
		struct pollfd wait = { .fd = ends[0], .events = POLLIN };
		int64_t left_ms = end_ms - clock_mono_ms();
		char bytes[4096];
		if (left_ms <= 0 || poll(&wait, 1, (int)left_ms) <= 0)
			break;
		ssize_t n = read(ends[0], bytes, sizeof bytes);
		if (n <= 0)
			break;
		(void)!buf_add(out, bytes, (size_t)n); /* the first part is enough */
	}
	(void)close(ends[0]);
	if (r < 0)
		return -1;
	int64_t left_ms = end_ms - clock_mono_ms();
	r = spawn_wait(child.pidfd, left_ms > 0 ? (int)left_ms : 0, &info, &ignored);
	if (r == SPAWN_RUNNING) {
		(void)spawn_signal_group(child.pid, SIGKILL, &ignored);
		(void)spawn_wait(child.pidfd, -1, &info, &ignored);
	}
	(void)close(child.pidfd);
	return r == 0 && info.si_code == CLD_EXITED ? info.si_status : -1;
}

static struct str
first_line(const struct buf *out)
{
	struct str rest = buf_str(out);

	return str_trim(str_split_first(&rest, '\n'));
}

/* --- Programs --- */

static struct finding
look_chromium(struct doctor *doctor)
{
	static const char mend[] = "apt-get install chromium-headless-shell";
	const char *chosen = getenv("PROCTOR_CHROMIUM");
	_cleanup_free_ char *path =
		chosen && chosen[0] ? xstrdup(chosen) : find_program("chromium-headless-shell");
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(KIB(64));

	if (!path)
		path = find_program("chromium");
	if (!path)
		return found(doctor, FINDING_FAIL, mend,
			"no Chromium: browser and Playwright tests cannot run");
	const char *argv[] = { path, "--headless", "--no-sandbox", "--disable-gpu",
		"--dump-dom", "data:text/html,<p>proctor</p>", NULL };
	if (run_program(argv, &out) != 0 || !strstr(buf_text(&out), "<p>proctor</p>"))
		return found(doctor, FINDING_FAIL, mend, "%s does not start", path);
	const char *version_argv[] = { path, "--version", NULL };
	buf_clear(&out);
	(void)run_program(version_argv, &out);
	struct str version = first_line(&out);
	return found(
		doctor, FINDING_OK, NULL, "%s starts (" STR_FMT ")", path, STR_ARG(version));
}

static struct finding
look_node(struct doctor *doctor)
{
	static const char mend[] = "apt-get install nodejs (18 or newer)";
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(KIB(4));
	const char *argv[] = { doctor->places.node, "--version", NULL };
	int64_t major = 0;

	if (!doctor->places.node)
		return found(
			doctor, FINDING_FAIL, mend, "no Node: Playwright tests cannot run");
	if (run_program(argv, &out) != 0)
		return found(
			doctor, FINDING_FAIL, mend, "%s does not start", doctor->places.node);
	struct str version = first_line(&out), rest = version;
	struct str first = str_split_first(&rest, '.');
	if (first.n < 2 ||
		parse_i64(str_from(first.p + 1, first.n - 1), 0, 1000, &major, NULL) < 0 ||
		major < NODE_MIN)
		return found(doctor, FINDING_FAIL, mend, "%s is " STR_FMT ", which is too old",
			doctor->places.node, STR_ARG(version));
	return found(
		doctor, FINDING_OK, NULL, "%s " STR_FMT, doctor->places.node, STR_ARG(version));
}

/* A kind whose runner is in JavaScript, and the package that does its work. */
static struct finding
look_package(struct doctor *doctor, const char *name, const char *package_name, int missing)
{
	const struct kind *kind = kind_find(name);
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(MIB(1));
	struct err err;

	if (!doctor->places.runners_dir)
		return found(doctor, FINDING_FAIL, "set PROCTOR_RUNNERS_DIR",
			"the runners written in JavaScript are not found");
	if (kind_available(kind, &doctor->places, &err) < 0)
		return found(doctor, missing, "run tools/setup.sh run", "%s", err.text);
	_cleanup_free_ char *path = xasprintf("%s/%s/node_modules/%s/package.json",
		doctor->places.runners_dir, name, package_name);
	if (file_read(path, MIB(1), &text, &err) < 0)
		return found(doctor, FINDING_FAIL, "run tools/setup.sh run", "%s", err.text);
	_cleanup_(json_unrefp) json_t *package =
		json_read(buf_text(&text), text.len, JSON_DEPTH_MAX, &err);
	const char *version = json_string_value(json_object_get(package, "version"));
	return found(doctor, FINDING_OK, NULL, "%s %s in %s", package_name,
		version ? version : "of unknown version", doctor->places.runners_dir);
}

static struct finding
look_playwright(struct doctor *doctor)
{
	return look_package(doctor, "playwright", "@playwright/test", FINDING_FAIL);
}

static struct finding
look_testcafe(struct doctor *doctor)
{
	return look_package(doctor, "testcafe", "testcafe", FINDING_WARN);
}

static struct finding
look_ffmpeg(struct doctor *doctor)
{
	_cleanup_free_ char *path = find_program("ffmpeg");

	if (!path)
		return found(doctor, FINDING_WARN, "apt-get install ffmpeg",
			"no ffmpeg: tests that record a video cannot run");
	return found(doctor, FINDING_OK, NULL, "%s", path);
}

/* --- The kernel --- */

static struct finding
look_pidfd(struct doctor *doctor)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (fd < 0)
		return found(doctor, FINDING_FAIL, "a kernel of version 5.4 or newer",
			"process descriptors do not work: %s", strerror(errno));
	return found(doctor, FINDING_OK, NULL, "process descriptors work");
}

static struct finding
look_namespaces(struct doctor *doctor)
{
	pid_t pid = fork();
	int status = 0;

	/* In a child, because it could not be undone here. */
	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER) == 0 ? 0 : 1);
	if (pid > 0 && waitpid(pid, &status, 0) == pid && status == 0)
		return found(doctor, FINDING_OK, NULL, "user namespaces work");
	return found(doctor, FINDING_WARN, "sysctl kernel.unprivileged_userns_clone=1",
		"no user namespaces: browser tests are refused unless "
		"PROCTOR_CHROMIUM_NO_SANDBOX=1 (or root) takes the sandbox away");
}

static struct finding
look_cgroup(struct doctor *doctor)
{
	_cleanup_free_ char *name = xasprintf("proctor-doctor-%d", (int)getpid());
	_cleanup_free_ char *dir = NULL;

	if (cgroup_make_base(name, &dir) != 0)
		return found(doctor, FINDING_WARN,
			"run it as a systemd service with Delegate=yes",
			"control groups (v2) are not writable: runs are cleaned up by descent alone");
	cgroup_remove(dir);
	return found(doctor, FINDING_OK, NULL, "control groups (v2) are writable");
}

static struct finding
look_files(struct doctor *doctor)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_max < FILES_MIN)
		return found(doctor, FINDING_WARN, "raise the limit (ulimit -n, LimitNOFILE=)",
			"at most %" PRIu64 " open files: too few for many connections",
			(uint64_t)limit.rlim_max);
	return found(doctor, FINDING_OK, NULL, "%" PRIu64 " open files allowed",
		(uint64_t)limit.rlim_max);
}

/* --- Disk --- */

/* The data directory, or the nearest folder above it that is there. */
static char *
existing_folder(const char *path)
{
	char *at = xstrdup(path);
	struct stat info;

	while (stat(at, &info) < 0 && strlen(at) > 1) {
		char *slash = strrchr(at, '/');
		slash[slash == at ? 1 : 0] = '\0';
	}
	return at;
}

static struct finding
look_data(struct doctor *doctor)
{
	struct stat info;

	if (!doctor->data_dir)
		return found(doctor, FINDING_FAIL, "name one with --data or PROCTOR_DATA",
			"no data directory: there is no home directory");
	if (stat(doctor->data_dir, &info) < 0) {
		_cleanup_free_ char *above = existing_folder(doctor->data_dir);
		if (access(above, W_OK) < 0)
			return found(doctor, FINDING_FAIL, "choose another one with --data",
				"%s cannot be made: %s is not writable", doctor->data_dir,
				above);
		return found(doctor, FINDING_OK, NULL, "%s will be made", doctor->data_dir);
	}
	if (!S_ISDIR(info.st_mode) || access(doctor->data_dir, W_OK) < 0)
		return found(doctor, FINDING_FAIL, "give it to this user (chown)",
			"%s is not writable", doctor->data_dir);
	if ((info.st_mode & 077) != 0)
		return found(doctor, FINDING_WARN, "chmod 700 it", "%s can be read by others",
			doctor->data_dir);
	return found(doctor, FINDING_OK, NULL, "%s is this user's alone", doctor->data_dir);
}

static struct finding
look_space(struct doctor *doctor)
{
	_cleanup_free_ char *dir = existing_folder(doctor->data_dir ? doctor->data_dir : "/");
	struct statvfs info;

	if (statvfs(dir, &info) < 0)
		return found(doctor, FINDING_WARN, NULL, "%s: %s", dir, strerror(errno));
	int64_t free_bytes = (int64_t)info.f_bavail * (int64_t)info.f_frsize;
	return found(doctor, free_bytes < GIB(1) ? FINDING_WARN : FINDING_OK,
		free_bytes < GIB(1) ? "make room, or move the data directory" : NULL,
		"%.1f GiB free", (double)free_bytes / (double)GIB(1));
}

static int
compare_times(const void *left, const void *right)
{
	int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

	return a < b ? -1 : a > b;
}

static struct finding
look_sync(struct doctor *doctor)
{
	_cleanup_free_ char *dir =
		existing_folder(doctor->data_dir ? doctor->data_dir : "/tmp");
	_cleanup_close_ int fd = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	static const char page[4096];
	int64_t ns[SYNCS];

	if (fd < 0)
		return found(doctor, FINDING_WARN, NULL, "cannot measure in %s: %s", dir,
			strerror(errno));
	for (int i = 0; i < SYNCS; i++) {
		int64_t begin_ns = clock_mono_ns();
		if (write(fd, page, sizeof page) != sizeof page || fdatasync(fd) < 0)
			return found(doctor, FINDING_FAIL, "check the disk", "%s: %s", dir,
				strerror(errno));
		ns[i] = clock_mono_ns() - begin_ns;
	}
	qsort(ns, SYNCS, sizeof ns[0], compare_times);
	int64_t median_us = ns[SYNCS / 2] / 1000, p99_us = ns[SYNCS * 99 / 100] / 1000;
	bool is_slow = median_us > SYNC_SLOW_US;
	return found(doctor, is_slow ? FINDING_WARN : FINDING_OK,
		is_slow ? "put the data directory on a faster disk" : NULL,
		"a flush to the disk takes %" PRId64 ".%02" PRId64 " ms (median), %" PRId64
		".%02" PRId64 " ms (p99)",
		median_us / 1000, median_us % 1000 / 10, p99_us / 1000, p99_us % 1000 / 10);
}

/* --- Network --- */

static struct finding
look_port(struct doctor *doctor)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons(7070),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return found(doctor, FINDING_OK, NULL, "127.0.0.1:7070 is free");
	_cleanup_free_ char *url = doctor->data_dir ? remote_local_url(doctor->data_dir) : NULL;
	if (url)
		return found(doctor, FINDING_OK, NULL, "a server listens on %s", url);
	return found(doctor, FINDING_WARN,
		"choose another port: proctor serve --listen 127.0.0.1:0",
		"127.0.0.1:7070 is taken: %s", strerror(errno));
}

const struct doctor_check doctor_checks[] = {
	{ "chromium", look_chromium },
	{ "node", look_node },
	{ "playwright", look_playwright },
	{ "testcafe", look_testcafe },
	{ "ffmpeg", look_ffmpeg },
	{ "pidfd", look_pidfd },
	{ "namespaces", look_namespaces },
	{ "cgroup", look_cgroup },
	{ "files", look_files },
	{ "data", look_data },
	{ "space", look_space },
	{ "sync", look_sync },
	{ "port", look_port },
	{ 0 },
};
