/* SPDX-License-Identifier: Apache-2.0 */
/* One queue for all runs, in order; UPLOADS_MAX exchanges at a time. */
#include "worker/upload.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/context.h"
#include "worker/pool.h"
#include "worker/task.h"

enum {
	UPLOADS_MAX = 4,     /* at a time */
	TREE_DEPTH_MAX = 16, /* folders of an artifact tree */
	TRIES_MAX = 20,      /* of one file; the lease usually ends the run before */
	RETRY_MS_MIN = 200,
	RETRY_MS_MAX = 5000,
	TIMEOUT_MS = 10 * 60 * 1000,
};

struct upload {
	struct list_node node;
	struct task *task;
	struct uploader *uploader;
	char *dir, *path; /* the file is path below dir */
	char *name, *content_type, *kind, *case_id;
	struct http_exchange *exchange; /* under way, or NULL */
	int fd;
	int n_tries;
	int64_t due_mono_ms; /* not before */
};

struct uploader {
	struct worker *worker;
	struct list_node queue; /* all uploads; those with an exchange are under way */
	int n_under_way;
	uv_timer_t timer;
	bool is_closing;
};

static void pump(struct uploader *uploader);

/* --- Names and files --- */

bool
upload_name_valid(const char *name)
{
	struct str rest = str_of(name);

	if (rest.n == 0 || rest.n > ARTIFACT_NAME_BYTES_MAX || !utf8_valid(rest.p, rest.n))
		return false;
	for (size_t i = 0; i < rest.n; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f || name[i] == '\\')
			return false;
	while (rest.p) {
		struct str part = str_split_first(&rest, '/');
		if (part.n == 0 || str_eqz(part, ".") || str_eqz(part, ".."))
			return false;
	}
	return true;
}

const char *
upload_content_type(const char *name)
{
	static const struct {
		const char *end, *type;
	} types[] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".htm", "text/html; charset=utf-8" },
		{ ".css", "text/css; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".mjs", "text/javascript; charset=utf-8" },
		{ ".json", "application/json" },
		{ ".webmanifest", "application/manifest+json" },
		{ ".txt", "text/plain; charset=utf-8" },
		{ ".log", "text/plain; charset=utf-8" },
		{ ".md", "text/markdown; charset=utf-8" },
		{ ".xml", "application/xml" },
		{ ".svg", "image/svg+xml" },
		{ ".png", "image/png" },
		{ ".jpg", "image/jpeg" },
		{ ".jpeg", "image/jpeg" },
		{ ".gif", "image/gif" },
		{ ".webp", "image/webp" },
		{ ".ico", "image/x-icon" },
		{ ".webm", "video/webm" },
		{ ".mp4", "video/mp4" },
		{ ".wav", "audio/wav" },
		{ ".zip", "application/zip" },
		{ ".gz", "application/gzip" },
		{ ".pdf", "application/pdf" },
		{ ".ttf", "font/ttf" },
		{ ".woff", "font/woff" },
		{ ".woff2", "font/woff2" },
		{ ".wasm", "application/wasm" },
	};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_ends(str_of(name), str_of(types[i].end)))
			return types[i].type;
	return "application/octet-stream";
}

/* For kernels and sandboxes without openat2(): part by part, through no link at all. */
static int
open_by_parts(int dir_fd, const char *path, int flags)
{
	struct str rest = str_of(path);
	int at = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);

	while (at >= 0 && rest.p) {
		struct str part = str_split_first(&rest, '/');
		_cleanup_free_ char *name = xstrndup(part.p, part.n);
		int next = -1;

		if (part.n == 0 || str_eqz(part, "..") || str_eqz(part, "."))
			errno = EXDEV;
		else
			next = openat(at, name,
				(rest.p ? O_PATH | O_DIRECTORY : flags) | O_NOFOLLOW |
					O_CLOEXEC);
		int sys = errno;
		close(at);
		errno = sys;
		at = next;
	}
	return at;
}

int
upload_open_beneath(int dir_fd, const char *path, int flags, struct err *err)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof how);

	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = open_by_parts(dir_fd, path, flags);
	if (fd < 0)
		return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_INVALID, errno,
			"%.100s", path);
	return fd;
}

/* --- Queue --- */

static void
upload_free(struct upload *upload)
{
	list_remove(&upload->node);
	if (upload->fd >= 0)
		close(upload->fd);
	free(upload->dir);
	free(upload->path);
	free(upload->name);
	free(upload->content_type);
	free(upload->kind);
	free(upload->case_id);
	free(upload);
}

/* It is over, one way or the other. */
static void
finish(struct upload *upload)
{
	struct task *task = upload->task;

	upload_free(upload);
	task->n_uploads--;
	pool_upload_done(task);
}

static void
give_up(struct upload *upload, const char *why)
{
	task_warn(upload->task, "artifact %s was not kept: %s", upload->name, why);
	finish(upload);
}

static void
try_again(struct upload *upload, const char *why)
{
	int64_t ms = RETRY_MS_MIN;

	if (++upload->n_tries >= TRIES_MAX) {
		give_up(upload, why);
		return;
	}
	for (int i = 1; i < upload->n_tries && ms < RETRY_MS_MAX; i++)
		ms *= 2;
	upload->due_mono_ms = clock_mono_ms() + ms;
}

static void
on_done(void *arg, struct http_answer *answer, const struct err *err)
{
	struct upload *upload = arg;
	struct uploader *uploader = upload->uploader;
	int status = answer ? answer->status : 0;

	upload->exchange = NULL;
	uploader->n_under_way--;
	close(upload->fd);
	upload->fd = -1;
	if (status >= 200 && status < 300) {
		finish(upload);
	} else if (status == 409 || status == 404) {
		/* The run is not ours any more; the next poll would say the same. */
		pool_drop(upload->task);
	} else if (status >= 400 && status < 500 && status != 401 && status != 408 &&
		status != 429) {
		_cleanup_free_ char *why = xasprintf("the server answered %d", status);
		give_up(upload, why);
	} else {
		try_again(upload, err ? err->text : "the server is not able to store it");
	}
	pump(uploader);
}

static void
add_escaped(struct buf *url, const char *text, const char *keep)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~";

	for (; *text; text++)
		if (strchr(plain, *text) || strchr(keep, *text))
			(void)buf_addc(url, *text);
		else
			(void)buf_addf(url, "%%%02X", (unsigned char)*text);
}

static void
write_url(const struct upload *upload, struct buf *url)
{
	(void)buf_addf(
		url, "%s/runs/%s/artifacts/", upload->uploader->worker->api, upload->task->run);
	add_escaped(url, upload->name, "/");
	(void)buf_addf(url, "?fence=%" PRId64 "&kind=", upload->task->fence);
	add_escaped(url, upload->kind, "");
	if (upload->case_id) {
		(void)buf_adds(url, "&case=");
		add_escaped(url, upload->case_id, "");
	}
}

/* Opens the file and checks it. -1 with err. */
static int
open_file(struct upload *upload, int64_t *ret_size, struct err *err)
{
	struct stat st;
	_cleanup_close_ int dir_fd = open(upload->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir_fd < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "its folder");
	/* O_NONBLOCK: a named pipe must not hold us. */
	_cleanup_close_ int fd = upload_open_beneath(
		dir_fd, upload->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, err);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, ERR_INVALID, "it is no regular file");
	if (st.st_size > ARTIFACT_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "it has %lld bytes, more than %lld",
			(long long)st.st_size, (long long)ARTIFACT_BYTES_MAX);
	*ret_size = st.st_size;
	upload->fd = TAKE_FD(fd);
	return 0;
}

static void
start(struct upload *upload)
{
	struct worker *worker = upload->uploader->worker;
	_cleanup_(buf_deinit) struct buf url = BUF_INIT(16 * 1024);
	int64_t size = 0;
	struct err err;

	if (open_file(upload, &size, &err) < 0) {
		give_up(upload, err.text);
		return;
	}
	write_url(upload, &url);
	const struct client_request request = {
		.method = "PUT",
		.url = buf_text(&url),
		.bearer = worker->options->token,
		.content_type = upload->content_type,
		.body_fd = upload->fd,
		.body_fd_len = size,
		.timeout_ms = TIMEOUT_MS,
	};
	upload->uploader->n_under_way++;
	upload->exchange = http_client_send(worker->client, &request, NULL, on_done, upload);
}

static void
on_timer(uv_timer_t *timer)
{
	pump(timer->data);
}

/* The first upload that may start now; NULL, and *ret_wait_ms till the next may (-1: none). */
static struct upload *
next_due(struct uploader *uploader, int64_t *ret_wait_ms)
{
	int64_t now_ms = clock_mono_ms();

	*ret_wait_ms = -1;
	LIST_FOR_EACH(node, &uploader->queue) {
		struct upload *upload = list_entry(node, struct upload, node);
		int64_t wait_ms = upload->due_mono_ms - now_ms;

		if (upload->exchange)
			continue;
		if (wait_ms <= 0)
			return upload;
		if (*ret_wait_ms < 0 || wait_ms < *ret_wait_ms)
			*ret_wait_ms = wait_ms;
	}
	return NULL;
}

static void
pump(struct uploader *uploader)
{
	int64_t wait_ms = -1;
	struct upload *upload = NULL;

	while (!uploader->is_closing && uploader->n_under_way < UPLOADS_MAX &&
		(upload = next_due(uploader, &wait_ms)))
		start(upload);
	if (!uploader->is_closing && wait_ms >= 0)
		uv_timer_start(&uploader->timer, on_timer, (uint64_t)wait_ms, 0);
}

static void
on_soon(struct uploader *uploader)
{
	/* From the loop, not from the caller's stack: it may be in the middle of the task. */
	if (!uploader->is_closing)
		uv_timer_start(&uploader->timer, on_timer, 0, 0);
}

void
upload_file(struct task *task, const char *dir, const char *path, const char *name,
	const char *content_type, const char *kind, const char *case_id)
{
	struct uploader *uploader = task->worker->uploader;

	if (task->is_dropped)
		return;
	if (!upload_name_valid(name)) {
		task_warn(task, "an artifact was not kept: its name is not valid");
		return;
	}
	if (task->n_artifacts >= ARTIFACTS_PER_RUN_MAX) {
		if (task->n_artifacts++ == ARTIFACTS_PER_RUN_MAX)
			task_warn(task, "only the first %d artifacts were kept",
				ARTIFACTS_PER_RUN_MAX);
		return;
	}
	struct upload *upload = xcalloc(1, sizeof *upload);
	*upload = (struct upload) {
		.task = task,
		.uploader = uploader,
		.dir = xstrdup(dir),
		.path = xstrdup(path),
		.name = xstrdup(name),
		.content_type =
			xstrdup(content_type ? content_type : upload_content_type(name)),
		.kind = xstrdup(kind),
		.case_id = case_id ? xstrdup(case_id) : NULL,
		.fd = -1,
	};
	task->n_artifacts++;
	task->n_uploads++;
	list_push_back(&uploader->queue, &upload->node);
	on_soon(uploader);
}

/* --- Folders --- */

struct tree {
	struct task *task;
	const char *dir; /* the artifacts folder */
	const char *kind, *case_id;
};

static void
upload_tree(const struct tree *tree, int fd, const char *path, const char *name, int depth)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		close(fd);
		return;
	}
	while ((entry = readdir(dir)) && tree->task->n_artifacts <= ARTIFACTS_PER_RUN_MAX) {
		struct stat st;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		_cleanup_free_ char *sub_path = xasprintf("%s/%s", path, entry->d_name);
		_cleanup_free_ char *sub_name = xasprintf("%s/%s", name, entry->d_name);
		if (S_ISREG(st.st_mode)) {
			upload_file(tree->task, tree->dir, sub_path, sub_name, NULL, tree->kind,
				tree->case_id);
		} else if (S_ISDIR(st.st_mode) && depth < TREE_DEPTH_MAX) {
			int sub = openat(dirfd(dir), entry->d_name,
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (sub >= 0)
				upload_tree(tree, sub, sub_path, sub_name, depth + 1);
		}
	}
	closedir(dir);
}

static const char *
known_kind(const char *kind)
{
	static const char *const known[] = { "report", "trace", "screenshot", "video", "log",
		"recording", "file" };

	for (size_t i = 0; kind && i < ARRAY_LEN(known); i++)
		if (strcmp(known[i], kind) == 0)
			return known[i];
	return "file";
}

/* A type that can stand in a header. */
static const char *
clean_type(const char *type)
{
	if (!type || type[0] == '\0' || strlen(type) > 100)
		return NULL;
	for (const char *at = type; *at; at++)
		if (*at < ' ' || *at > '~')
			return NULL;
	return type;
}

void
upload_message(struct task *task, const char *dir, json_t *body)
{
	const char *path = json_string_value(json_object_get(body, "path"));
	const char *name = json_string_value(json_object_get(body, "name"));
	const char *case_id = json_string_value(json_object_get(body, "case"));
	const char *kind = known_kind(json_string_value(json_object_get(body, "kind")));
	const char *type = json_string_value(json_object_get(body, "contentType"));
	struct stat st;
	struct err err;

	_cleanup_close_ int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int fd =
		dir_fd < 0 ? -1 : upload_open_beneath(dir_fd, path, O_PATH, &err);
	if (fd < 0 || fstat(fd, &st) < 0) {
		task_warn(task,
			"artifact %.100s was not kept: it is not below the folder for "
			"artifacts",
			name);
		return;
	}
	if (!S_ISDIR(st.st_mode)) {
		upload_file(task, dir, path, name, clean_type(type), kind, case_id);
		return;
	}
	const struct tree tree = { task, dir, kind, case_id };
	int list_fd = upload_open_beneath(dir_fd, path, O_RDONLY | O_DIRECTORY, &err);
	if (list_fd >= 0)
		upload_tree(&tree, list_fd, path, name, 0);
}

/* --- Life --- */

struct uploader *
uploader_new(struct worker *worker)
{
	struct uploader *uploader = xcalloc(1, sizeof *uploader);

	uploader->worker = worker;
	list_init(&uploader->queue);
	uv_timer_init(worker->loop, &uploader->timer);
	uploader->timer.data = uploader;
	return uploader;
}

static void
drop(struct upload *upload)
{
	if (upload->exchange) {
		http_exchange_cancel(upload->exchange);
		upload->uploader->n_under_way--;
	}
	upload->task->n_uploads--;
	upload_free(upload);
}

void
upload_cancel(struct task *task)
{
	struct uploader *uploader = task->worker->uploader;

	LIST_FOR_EACH_SAFE(node, &uploader->queue) {
		struct upload *upload = list_entry(node, struct upload, node);
		if (upload->task == task)
			drop(upload);
	}
	on_soon(uploader);
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
uploader_close(struct uploader *uploader)
{
	if (!uploader || uploader->is_closing)
		return;
	LIST_FOR_EACH_SAFE(node, &uploader->queue)
		drop(list_entry(node, struct upload, node));
	uploader->is_closing = true;
	uv_close((uv_handle_t *)&uploader->timer, on_closed);
}
