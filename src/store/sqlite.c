/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQLite store: opening and closing the file.
 *
 * One connection writes, on the engine's thread; each reader has its own that cannot write. The
 * log is written ahead (WAL) and synced at each commit, so a turn costs one fsync; it is copied
 * back every CHECKPOINT_PAGES. Loading is one read transaction, saving is one write
 * transaction.
 *
 * A lock on PATH.lock keeps a second server away. SQLite's own locks cannot do that: readers
 * must get in, and they belong to the process and not to the handle.
 */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <string.h>
#include <sys/file.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "store/migrate.h"

enum {
	CHECKPOINT_PAGES = 4000, /* 16 MiB of log */
	PRAGMA_BYTES_MAX = 120,
};

#define WRITER_CACHE_BYTES MIB(2)
#define LOG_KEPT_BYTES MIB(64) /* a log that once grew beyond is cut back */
#define EVENT_BATCH_BYTES_MAX MIB(256)

int
sqlite_usable(const struct sqlite_store *sqlite, struct err *err)
{
	if (sqlite->is_broken)
		return err_set(err, ERR_UNAVAILABLE,
			"a commit failed before; the store must be opened again");
	return 0;
}

int
fetch_row(sqlite3_stmt *stmt, const struct table *table, struct arena *arena, void *ret,
	struct err *err)
{
	void *row = arena_alloc(arena, table->row_bytes);
	if (!row)
		return err_set(err, ERR_LIMIT, "more rows than the memory of one request");
	if (row_fetch(stmt, table, arena, row, err) < 0)
		return -1;
	memcpy(ret, &row, sizeof row);
	return 0;
}

int
fetch_all(const struct sqlite_db *db, sqlite3_stmt *stmt, const struct table *table,
	struct arena *arena, void *ret, size_t *ret_n, struct err *err)
{
	_cleanup_(sql_resetp) sqlite3_stmt *reset = stmt;
	char *rows = NULL;
	size_t n = 0;
	size_t cap = 0;
	int rc;
	while ((rc = sql_step(db, reset, err)) > 0) {
		if (n == cap) {
			size_t new_cap = cap > 0 ? cap * 2 : 8;
			char *grown = arena_calloc(arena, new_cap, table->row_bytes);
			if (!grown)
				return err_set(err, ERR_LIMIT,
					"more rows than the memory of one request");
			if (n > 0)
				memcpy(grown, rows, n * table->row_bytes);
			rows = grown;
			cap = new_cap;
		}
		if (row_fetch(reset, table, arena, rows + n * table->row_bytes, err) < 0)
			return -1;
		n++;
	}
	if (rc < 0)
		return -1;
	memcpy(ret, &rows, sizeof rows);
	*ret_n = n;
	return 0;
}

static int
set_pragma(struct sqlite_db *db, const char *name, int64_t value, struct err *err)
{
	char text[PRAGMA_BYTES_MAX];
	snprintf(text, sizeof text, "PRAGMA %s = %" PRId64, name, value);
	if (sqlite3_exec(db->handle, text, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	sqlite_db_err(db, err);
	return err_wrap(err, "setting %s", name);
}

/* The order matters: the size of pages is fixed when the log begins. */
static int
configure(struct sqlite_db *db, const struct store_options *options, struct err *err)
{
	int64_t cache = options->cache_bytes > 0 ? options->cache_bytes : WRITER_CACHE_BYTES;
	if (set_pragma(db, "page_size", 4096, err) < 0 ||
		set_pragma(db, "cache_size", -(cache / 1024), err) < 0)
		return -1;
	if (sqlite3_exec(db->handle, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) !=
		SQLITE_OK)
		return sqlite_db_err(db, err);

	/* 2: the log is synced at each commit; 1: only when it is copied back. */
	int64_t synchronous = options->durability == STORE_OS ? 1 : 2;
	if (set_pragma(db, "synchronous", synchronous, err) < 0 ||
		set_pragma(db, "wal_autocheckpoint", CHECKPOINT_PAGES, err) < 0 ||
		set_pragma(db, "journal_size_limit", LOG_KEPT_BYTES, err) < 0 ||
		set_pragma(db, "temp_store", 2, err) < 0 ||
		set_pragma(db, "mmap_size", 0, err) < 0 ||
		set_pragma(db, "secure_delete", 0, err) < 0)
		return -1;
	return set_pragma(db, "trusted_schema", 0, err);
}

static int
lock_file(struct sqlite_store *sqlite, struct err *err)
{
	_cleanup_free_ char *name = xasprintf("%s.lock", sqlite->path);
	_cleanup_close_ int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "open %s", name);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return err_set(err, ERR_CONFLICT, "%s is in use by another server",
				sqlite->path);
		return err_sys(err, ERR_UNAVAILABLE, errno, "lock %s", name);
	}
	sqlite->lock_fd = TAKE_FD(fd);
	return 0;
}

/* The names of new files must outlive a power cut as well. */
static int
sync_folder(const char *path, struct err *err)
{
	_cleanup_free_ char *copy = xstrdup(path);
	return dir_sync(dirname(copy), err);
}

static struct store *
sqlite_close(struct store *store)
{
	struct sqlite_store *sqlite = sqlite_of(store);
	sqlite_db_close(&sqlite->db);
	if (sqlite->lock_fd >= 0)
		(void)close(sqlite->lock_fd);
	buf_deinit(&sqlite->pack);
	free(sqlite->path);
	free(sqlite);
	return NULL;
}

static int
sqlite_check(struct store *store, struct err *err)
{
	struct sqlite_db *db = &sqlite_of(store)->db;
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db, SQL_INTEGRITY_CHECK, err);
	if (!stmt || sql_step(db, stmt, err) < 0)
		return -1;
	const char *answer = (const char *)sqlite3_column_text(stmt, 0);
	if (!answer || strcmp(answer, "ok") != 0)
		return err_set(err, ERR_CORRUPT, "database: %s", answer ? answer : "no answer");

	int64_t wrong;
	if (sql_number(db, SQL_COUNTS_CHECK, &wrong, err) < 0)
		return -1;
	if (wrong != 0)
		return err_set(err, ERR_CORRUPT, "%" PRId64 " counts of jobs are wrong", wrong);
	return 0;
}

static const struct store_ops sqlite_ops = {
	.close = sqlite_close,
	.boot = sqlite_boot,
	.load = sqlite_load,
	.load_tests = sqlite_load_tests,
	.save = sqlite_save,
	.load_units = sqlite_load_units,
	.load_backlog = sqlite_load_backlog,
	.next_due = sqlite_next_due,
	.count_ahead = sqlite_count_ahead,
	.count_due = sqlite_count_due,
	.purge_idem = sqlite_purge_idem,
	.purge_deleted = sqlite_purge_deleted,
	.purge_project = sqlite_purge_project,
	.purge_workers = sqlite_purge_workers,
	.purge_hours = sqlite_purge_hours,
	.token_put = sqlite_token_put,
	.check = sqlite_check,
	.reader_open = sqlite_reader_open,
};

int
store_open_sqlite(struct store **ret, const char *path, const struct store_options *options,
	struct err *err)
{
	struct sqlite_store *sqlite = xcalloc(1, sizeof *sqlite);
	_cleanup_(store_closep) struct store *store = &sqlite->store;
	store->ops = &sqlite_ops;
	sqlite->lock_fd = -1;
	sqlite->path = xstrdup(path);
	sqlite->pack = (struct buf)BUF_INIT(EVENT_BATCH_BYTES_MAX);

	if (lock_file(sqlite, err) < 0 || sqlite_db_open(&sqlite->db, path, true, err) < 0)
		return -1;
	if (configure(&sqlite->db, options, err) < 0 ||
		migrate_sqlite(sqlite->db.handle, sqlite_migrations, err) < 0 ||
		sql_prepare_all(&sqlite->db, err) < 0 ||
		sqlite_load_next_keys(sqlite, err) < 0 || sync_folder(path, err) < 0)
		return err_wrap(err, "%s", path);

	*ret = TAKE(store);
	return 0;
}
