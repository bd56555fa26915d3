/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacking trusts libarchive to parse and nobody to write: every entry is created by our own
 * openat() calls below the folder, through no link, and links are made last, so that no entry
 * can be written through one.
 */
#include "worker/bundle.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "worker/context.h"
#include "worker/pool.h"
#include "worker/task.h"

enum {
	TRIES_MAX = 5,
	RETRY_MS = 500,
	HEX_LEN = 64,
	FETCH_TIMEOUT_MS = 10 * 60 * 1000,
	BLOCK_BYTES = 64 * 1024,
};

/* --- Fetching --- */

/*
 * One that is checked or downloaded. All tasks that wait for it name its digest. What an
 * earlier process left in the cache is read once before it is believed: it may be from before a
 * power cut. What comes now gets its name only when its bytes are on disk. Both happen on the
 * pool.
 */
struct bundle {
	struct list_node node; /* worker->bundles */
	struct worker *worker;
	char hex[HEX_LEN + 1];
	char *temp; /* where it is written */
	int fd;
	int64_t size;
	crypto_hash_sha256_state hash;
	struct http_exchange *exchange;
	uv_timer_t timer;
	int n_tries;
	uv_work_t work;
	bool is_busy;               /* the pool has it */
	bool is_closing, is_closed; /* nobody waits any more; the timer is closed */
	struct err work_err;
};

char *
bundle_path(const struct worker *worker, const char *hex)
{
	return xasprintf("%s/bundles/%s", worker->dirs.cache, hex);
}

static void send_request(struct bundle *bundle);
static void download(struct bundle *bundle);

static void
free_if_over(struct bundle *bundle)
{
	if (!bundle->is_closed || bundle->is_busy)
		return;
	if (bundle->fd >= 0)
		close(bundle->fd);
	free(bundle->temp);
	free(bundle);
}

static void
on_timer_closed(uv_handle_t *handle)
{
	struct bundle *bundle = container_of((uv_timer_t *)handle, struct bundle, timer);

	bundle->is_closed = true;
	free_if_over(bundle);
}

static void
bundle_close(struct bundle *bundle)
{
	bundle->is_closing = true;
	list_remove(&bundle->node);
	http_exchange_cancel(bundle->exchange);
	bundle->exchange = NULL;
	(void)unlink(bundle->temp); /* gone already when it was renamed */
	uv_close((uv_handle_t *)&bundle->timer, on_timer_closed);
}

/* Tells every task that waits. err NULL: it is there. */
static void
bundle_done(struct bundle *bundle, const struct err *err)
{
	struct worker *worker = bundle->worker;
	char hex[HEX_LEN + 1];

	memcpy(hex, bundle->hex, sizeof hex);
	if (!err)
		(void)map_put(&worker->bundles_known, hex, HEX_LEN, worker);
	bundle_close(bundle);
	LIST_FOR_EACH_SAFE(node, &worker->tasks) {
		struct task *task = list_entry(node, struct task, node);

		if (task->phase == TASK_WAITING && task->bundle &&
			strcmp(task->bundle, hex) == 0)
			pool_bundle_done(task, err);
	}
}

static int
on_bytes(void *arg, const char *data, size_t len)
{
	struct bundle *bundle = arg;

	bundle->size += (int64_t)len;
	if (bundle->size > BUNDLE_BYTES_MAX)
		return -1;
	crypto_hash_sha256_update(&bundle->hash, (const unsigned char *)data, len);
	return fd_write_all(bundle->fd, data, len, NULL);
}

static int
check_digest(struct bundle *bundle, struct err *err)
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	char hex[HEX_LEN + 1];

	crypto_hash_sha256_final(&bundle->hash, digest);
	hex_encode(digest, sizeof digest, hex);
	if (strcmp(hex, bundle->hex) != 0)
		return err_set(err, ERR_CORRUPT, "the bundle that came has another digest");
	return 0;
}

/* On the pool. After a power cut the name is there with all its bytes or not at all. */
static void
keep(uv_work_t *work)
{
	struct bundle *bundle = container_of(work, struct bundle, work);
	struct err *err = &bundle->work_err;
	_cleanup_free_ char *path = bundle_path(bundle->worker, bundle->hex);
	_cleanup_free_ char *folder = xasprintf("%s/bundles", bundle->worker->dirs.cache);

	if (fsync(bundle->fd) < 0)
		err_sys(err, ERR_UNAVAILABLE, errno, "%s", bundle->temp);
	else if (rename(bundle->temp, path) < 0)
		err_sys(err, ERR_UNAVAILABLE, errno, "%s", path);
	else
		(void)dir_sync(folder, err);
}

/* On the pool: reads what is in the cache. */
static void
verify(uv_work_t *work)
{
	struct bundle *bundle = container_of(work, struct bundle, work);
	struct err *err = &bundle->work_err;
	_cleanup_free_ char *path = bundle_path(bundle->worker, bundle->hex);
	_cleanup_free_ unsigned char *block = xmalloc(BLOCK_BYTES);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	crypto_hash_sha256_init(&bundle->hash);
	while (fd >= 0 && (n = read(fd, block, BLOCK_BYTES)) > 0)
		crypto_hash_sha256_update(&bundle->hash, block, (size_t)n);
	if (n < 0)
		err_sys(err, ERR_UNAVAILABLE, errno, "%s", path);
	else
		(void)!check_digest(bundle, err);
}

static void
on_kept(uv_work_t *work, int status)
{
	struct bundle *bundle = container_of(work, struct bundle, work);

	(void)status; /* never cancelled */
	bundle->is_busy = false;
	if (bundle->is_closing)
		free_if_over(bundle);
	else
		bundle_done(bundle, bundle->work_err.code ? &bundle->work_err : NULL);
}

static void
on_verified(uv_work_t *work, int status)
{
	struct bundle *bundle = container_of(work, struct bundle, work);

	(void)status;
	bundle->is_busy = false;
	if (bundle->is_closing) {
		free_if_over(bundle);
	} else if (bundle->work_err.code) {
		log_warn("worker.bundle", NULL, "%s is fetched again: %s", bundle->hex,
			bundle->work_err.text);
		download(bundle);
	} else {
		bundle_done(bundle, NULL);
	}
}

static void
start_work(struct bundle *bundle, uv_work_cb work, uv_after_work_cb then)
{
	bundle->work_err.code = 0;
	bundle->is_busy = true;
	if (uv_queue_work(bundle->worker->loop, &bundle->work, work, then) != 0)
		abort(); /* only for a missing callback */
}

static void
on_retry(uv_timer_t *timer)
{
	send_request(container_of(timer, struct bundle, timer));
}

static void
on_answer(void *arg, struct http_answer *answer, const struct err *err)
{
	struct bundle *bundle = arg;
	struct err own;

	bundle->exchange = NULL;
	if (answer && answer->status == 200) {
		if (check_digest(bundle, &own) < 0)
			bundle_done(bundle, &own);
		else
			start_work(bundle, keep, on_kept);
		return;
	}
	bool is_final = answer ? answer->status < 500 && answer->status != 429
			       : err->code == ERR_LIMIT || err->code == ERR_INVALID;
	if (answer)
		err_set(&own, answer->status == 404 ? ERR_NOT_FOUND : ERR_UNAVAILABLE,
			"the server answered %d", answer->status);
	else
		own = *err;
	if (is_final || ++bundle->n_tries >= TRIES_MAX)
		bundle_done(bundle, &own);
	else
		uv_timer_start(&bundle->timer, on_retry, RETRY_MS, 0);
}

static void
send_request(struct bundle *bundle)
{
	struct worker *worker = bundle->worker;
	_cleanup_free_ char *url = xasprintf("%s/bundles/%s", worker->api, bundle->hex);
	const struct client_request request = {
		.method = "GET",
		.url = url,
		.bearer = worker->options->token,
		.timeout_ms = FETCH_TIMEOUT_MS,
		.sink = on_bytes,
		.sink_arg = bundle,
	};

	bundle->size = 0;
	crypto_hash_sha256_init(&bundle->hash);
	if (ftruncate(bundle->fd, 0) < 0 || lseek(bundle->fd, 0, SEEK_SET) < 0)
		log_warn("worker.bundle", NULL, "%s: %s", bundle->temp, strerror(errno));
	bundle->exchange = http_client_send(worker->client, &request, NULL, on_answer, bundle);
}

static void
download(struct bundle *bundle)
{
	struct err err;

	bundle->fd = open(bundle->temp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (bundle->fd < 0) {
		err_sys(&err, ERR_UNAVAILABLE, errno, "%s", bundle->temp);
		bundle_done(bundle, &err);
		return;
	}
	send_request(bundle);
}

static struct bundle *
find(struct worker *worker, const char *hex)
{
	LIST_FOR_EACH(node, &worker->bundles) {
		struct bundle *bundle = list_entry(node, struct bundle, node);
		if (strcmp(bundle->hex, hex) == 0)
			return bundle;
	}
	return NULL;
}

static bool
hex_valid(const char *hex)
{
	return strlen(hex) == HEX_LEN && strspn(hex, "0123456789abcdef") == HEX_LEN;
}

void
bundle_fetch(struct task *task)
{
	struct worker *worker = task->worker;
	struct err err;

	if (!hex_valid(task->bundle)) {
		err_set(&err, ERR_INVALID, "bundle must be \"sha256:\" and 64 hex digits");
		pool_bundle_done(task, &err);
		return;
	}
	_cleanup_free_ char *path = bundle_path(worker, task->bundle);
	bool is_there = access(path, R_OK) == 0;
	if (is_there && map_get(&worker->bundles_known, task->bundle, HEX_LEN)) {
		pool_bundle_done(task, NULL);
		return;
	}
	if (find(worker, task->bundle))
		return;
	struct bundle *bundle = xcalloc(1, sizeof *bundle);
	bundle->worker = worker;
	memcpy(bundle->hex, task->bundle, HEX_LEN);
	bundle->temp = xasprintf("%s.%s", path, worker->tag);
	bundle->fd = -1;
	uv_timer_init(worker->loop, &bundle->timer);
	list_push_back(&worker->bundles, &bundle->node);
	if (is_there)
		start_work(bundle, verify, on_verified);
	else
		download(bundle);
}

void
bundle_close_all(struct worker *worker)
{
	LIST_FOR_EACH_SAFE(node, &worker->bundles)
		bundle_close(list_entry(node, struct bundle, node));
}

/* --- Unpacking --- */

struct unpack {
	struct archive *in;
	int root;
	int64_t bytes, files;
	struct link *links; /* made at the end */
};

struct link {
	struct link *next;
	char *path, *target;
	bool is_hard;
};

/* "./a//b/" → "a/b". NULL: it does not stay inside; "" for the folder itself. Owned. */
static char *
clean_path(const char *path)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(PATH_BYTES_MAX);
	struct str rest = str_of(path);

	if (rest.n == 0 || path[0] == '/')
		return NULL;
	while (rest.p) {
		struct str part = str_split_first(&rest, '/');

		if (part.n == 0 || str_eqz(part, "."))
			continue;
		if (str_eqz(part, "..") || part.n > 255 ||
			(out.len > 0 && buf_addc(&out, '/') < 0) || buf_add_str(&out, part) < 0)
			return NULL;
	}
	return buf_steal(&out);
}

/* True when a link at `path` with that target stays below the root, by its words alone. */
static bool
link_stays(const char *path, const char *target)
{
	struct str rest = str_of(path);
	int depth = -1;

	if (target[0] == '\0' || target[0] == '/')
		return false;
	while (rest.p) {
		(void)str_split_first(&rest, '/');
		depth++;
	}
	rest = str_of(target);
	while (rest.p) {
		struct str part = str_split_first(&rest, '/');

		if (str_eqz(part, ".."))
			depth--;
		else if (part.n > 0 && !str_eqz(part, "."))
			depth++;
		if (depth < 0)
			return false;
	}
	return true;
}

/* Opens the folder of `path`, making what is missing. *ret_name points at the last part. */
static int
open_parent(int root, char *path, const char **ret_name, struct err *err)
{
	_cleanup_close_ int at = fcntl(root, F_DUPFD_CLOEXEC, 0);
	char *part = path;
	char *slash;

	while (at >= 0 && (slash = strchr(part, '/'))) {
		*slash = '\0';
		if (mkdirat(at, part, 0700) < 0 && errno != EEXIST)
			return err_sys(err, ERR_UNAVAILABLE, errno, "%.60s", part);
		int next = openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		*slash = '/';
		if (next < 0)
			return err_sys(err, ERR_INVALID, errno, "%.100s", path);
		close(at);
		at = next;
		part = slash + 1;
	}
	if (at < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "%.100s", path);
	*ret_name = part;
	return TAKE_FD(at);
}

static int
write_data(struct unpack *unpack, int fd, struct err *err)
{
	const void *data;
	size_t len;
	la_int64_t offset;
	int r;

	while ((r = archive_read_data_block(unpack->in, &data, &len, &offset)) == ARCHIVE_OK) {
		if (offset < 0 || offset > BUNDLE_UNPACKED_BYTES_MAX)
			return err_set(err, ERR_LIMIT, "the bundle is too large unpacked");
		unpack->bytes += (int64_t)len;
		if (unpack->bytes > BUNDLE_UNPACKED_BYTES_MAX)
			return err_set(err, ERR_LIMIT,
				"the bundle is larger than %lld bytes "
				"unpacked",
				(long long)BUNDLE_UNPACKED_BYTES_MAX);
		const char *at = data;
		while (len > 0) {
			ssize_t n = pwrite(fd, at, len, offset);
			if (n < 0)
				return err_sys(err, ERR_UNAVAILABLE, errno, "write");
			at += n;
			offset += n;
			len -= (size_t)n;
		}
	}
	if (r != ARCHIVE_EOF)
		return err_set(err, ERR_INVALID, "the bundle is damaged: %s",
			archive_error_string(unpack->in));
	return 0;
}

static int
make_file(struct unpack *unpack, char *path, unsigned mode, struct err *err)
{
	const char *name;
	_cleanup_close_ int parent = open_parent(unpack->root, path, &name, err);

	if (parent < 0)
		return -1;
	(void)unlinkat(parent, name, 0); /* a later entry of the same name wins */
	_cleanup_close_ int fd =
		openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			mode & 0100 ? 0700 : 0600);
	if (fd < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "%.100s", path);
	return write_data(unpack, fd, err);
}

static int
make_folder(struct unpack *unpack, char *path, struct err *err)
{
	const char *name;

	if (path[0] == '\0')
		return 0;
	_cleanup_close_ int parent = open_parent(unpack->root, path, &name, err);
	if (parent < 0)
		return -1;
	if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
		return err_sys(err, ERR_UNAVAILABLE, errno, "%.100s", path);
	return 0;
}

static void
keep_link(struct unpack *unpack, const char *path, const char *target, bool is_hard)
{
	struct link *link = xcalloc(1, sizeof *link);

	link->path = xstrdup(path);
	link->target = xstrdup(target);
	link->is_hard = is_hard;
	link->next = unpack->links;
	unpack->links = link;
}

static int
take_entry(struct unpack *unpack, struct archive_entry *entry, struct err *err)
{
	const char *raw = archive_entry_pathname(entry);
	_cleanup_free_ char *path = raw ? clean_path(raw) : NULL;
	const char *hard = archive_entry_hardlink(entry);
	const char *symlink_to = archive_entry_symlink(entry);

	if (!path)
		return err_set(err, ERR_INVALID,
			"the bundle names \"%.100s\", which is outside it", raw ? raw : "");
	if (++unpack->files > BUNDLE_FILES_MAX)
		return err_set(
			err, ERR_LIMIT, "the bundle has more than %d files", BUNDLE_FILES_MAX);
	if (hard) {
		_cleanup_free_ char *target = clean_path(hard);
		if (!target)
			return err_set(err, ERR_INVALID, "%.100s links to the outside", path);
		keep_link(unpack, path, target, true);
		return 0;
	}
	switch (archive_entry_filetype(entry)) {
	case AE_IFREG:
		return make_file(unpack, path, (unsigned)archive_entry_mode(entry), err);
	case AE_IFDIR:
		return make_folder(unpack, path, err);
	case AE_IFLNK:
		if (!symlink_to || !link_stays(path, symlink_to))
			return err_set(err, ERR_INVALID, "%.100s links to the outside", path);
		keep_link(unpack, path, symlink_to, false);
		return 0;
	default:
		return err_set(
			err, ERR_INVALID, "%.100s is neither file, folder nor link", path);
	}
}

/* Hard links become copies in name only: both ends are below the root and no link is followed.
 */
static int
make_link(struct unpack *unpack, struct link *link, struct err *err)
{
	const char *name, *target_name;
	_cleanup_close_ int parent = open_parent(unpack->root, link->path, &name, err);
	int r;

	if (parent < 0)
		return -1;
	(void)unlinkat(parent, name, 0);
	if (link->is_hard) {
		_cleanup_close_ int target =
			open_parent(unpack->root, link->target, &target_name, err);
		if (target < 0)
			return -1;
		r = linkat(target, target_name, parent, name, 0);
	} else {
		r = symlinkat(link->target, parent, name);
	}
	return r < 0 ? err_sys(err, ERR_INVALID, errno, "link %.100s", link->path) : 0;
}

/* Hard links first: none may be made through a symbolic one. */
static int
make_links(struct unpack *unpack, struct err *err)
{
	int r = 0;

	for (int hard = 1; hard >= 0 && r == 0; hard--)
		for (struct link *link = unpack->links; link && r == 0; link = link->next)
			if (link->is_hard == (hard == 1))
				r = make_link(unpack, link, err);
	return r;
}

static int
read_entries(struct unpack *unpack, const char *path, struct err *err)
{
	struct archive_entry *entry;
	int r;

	archive_read_support_filter_gzip(unpack->in);
	archive_read_support_format_tar(unpack->in);
	archive_read_support_format_zip(unpack->in);
	if (archive_read_open_filename(unpack->in, path, BLOCK_BYTES) != ARCHIVE_OK)
		return err_set(err, ERR_INVALID, "the bundle is no tar, tar.gz or zip: %s",
			archive_error_string(unpack->in));
	while ((r = archive_read_next_header(unpack->in, &entry)) == ARCHIVE_OK ||
		r == ARCHIVE_WARN)
		if (take_entry(unpack, entry, err) < 0)
			return -1;
	if (r != ARCHIVE_EOF)
		return err_set(err, ERR_INVALID, "the bundle is damaged: %s",
			archive_error_string(unpack->in));
	return make_links(unpack, err);
}

int
bundle_unpack(const char *path, const char *to, struct err *err)
{
	struct unpack unpack = {
		.in = archive_read_new(),
		.root = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
	};
	int r;

	if (!unpack.in)
		abort();
	if (unpack.root < 0)
		r = err_sys(err, ERR_UNAVAILABLE, errno, "%s", to);
	else
		r = read_entries(&unpack, path, err);
	archive_read_free(unpack.in);
	cleanup_close(&unpack.root);
	while (unpack.links) {
		struct link *link = unpack.links;

		unpack.links = link->next;
		free(link->path);
		free(link->target);
		free(link);
	}
	return r;
}
