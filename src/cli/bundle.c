/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles through libarchive. */
#include "cli/bundle.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "cli/job_view.h"

struct packer {
	struct archive *archive;
	int64_t bytes;
	int files;
};

static bool
is_left_out(const char *name)
{
	static const char *const names[] = { ".", "..", ".git", "node_modules", "test-results",
		"playwright-report", "blob-report", ".playwright" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

static int
archive_fault(struct packer *packer, const char *name, struct err *err)
{
	return err_set(err, ERR_UNAVAILABLE, "pack %s: %s", name,
		archive_error_string(packer->archive));
}

static int
pack_file(struct packer *packer, int dir_fd, const char *name, const char *inside,
	struct err *err)
{
	_cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat info;
	char bytes[65536];

	if (fd < 0 || fstat(fd, &info) < 0)
		return err_sys(err, ERR_INVALID, errno, "%s", inside);
	packer->bytes += info.st_size;
	if (++packer->files > BUNDLE_FILES_MAX || packer->bytes > BUNDLE_UNPACKED_BYTES_MAX)
		return err_set(
			err, ERR_LIMIT, "the project is too large for a bundle (%s)", inside);
	struct archive_entry *entry = archive_entry_new();
	archive_entry_set_pathname_utf8(entry, inside);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, info.st_mode & 0100 ? 0755 : 0644);
	archive_entry_set_size(entry, info.st_size);
	int r = archive_write_header(packer->archive, entry);
	archive_entry_free(entry);
	if (r != ARCHIVE_OK)
		return archive_fault(packer, inside, err);
	for (int64_t left = info.st_size; left > 0;) {
		ssize_t n = read(
			fd, bytes, left < (int64_t)sizeof bytes ? (size_t)left : sizeof bytes);
		if (n <= 0)
			return err_set(
				err, ERR_UNAVAILABLE, "%s changed while it was packed", inside);
		if (archive_write_data(packer->archive, bytes, (size_t)n) != n)
			return archive_fault(packer, inside, err);
		left -= n;
	}
	return 0;
}

static int pack_folder(
	struct packer *packer, int dir_fd, const char *inside, int depth, struct err *err);

static int
pack_entry(struct packer *packer, int dir_fd, const char *name, const char *inside, int depth,
	struct err *err)
{
	_cleanup_free_ char *full =
		inside[0] ? xasprintf("%s/%s", inside, name) : xstrdup(name);
	struct stat info;

	if (fstatat(dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, ERR_INVALID, errno, "%s", full);
	if (S_ISREG(info.st_mode))
		return pack_file(packer, dir_fd, name, full, err);
	if (!S_ISDIR(info.st_mode))
		return 0; /* links, sockets: what is not a file or folder stays here */
	if (depth == 0)
		return err_set(err, ERR_LIMIT, "%s: folders nest too deep", full);
	int below = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (below < 0)
		return err_sys(err, ERR_INVALID, errno, "%s", full);
	return pack_folder(packer, below, full, depth - 1, err);
}

static int
compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Takes dir_fd. Sorted, so that the same project gives the same bundle. */
static int
pack_folder(struct packer *packer, int dir_fd, const char *inside, int depth, struct err *err)
{
	_cleanup_close_ int fd = dir_fd;
	struct dirent **entries;
	int n = scandirat(fd, ".", &entries, NULL, compare_names);
	int r = 0;

	if (n < 0)
		return err_sys(err, ERR_INVALID, errno, "%s", inside);
	for (int i = 0; i < n; i++) {
		if (r == 0 && !is_left_out(entries[i]->d_name))
			r = pack_entry(packer, fd, entries[i]->d_name, inside, depth, err);
		free(entries[i]);
	}
	free(entries);
	return r;
}

static int
temporary_file(struct err *err)
{
	const char *dir = getenv("TMPDIR");
	int fd = open(dir && dir[0] ? dir : "/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "temporary file");
	return fd;
}

int
bundle_pack(const char *dir, int *ret_fd, int64_t *ret_size, struct err *err)
{
	_cleanup_close_ int fd = temporary_file(err);
	struct packer packer = { .archive = archive_write_new() };
	struct stat info;

	if (fd < 0) {
		(void)archive_write_free(packer.archive);
		return -1;
	}
	/* No time of packing in it: the same content is the same bundle on the server. */
	(void)archive_write_add_filter_gzip(packer.archive);
	(void)archive_write_set_filter_option(packer.archive, "gzip", "timestamp", NULL);
	(void)archive_write_set_format_pax_restricted(packer.archive);
	int r = archive_write_open_fd(packer.archive, fd) == ARCHIVE_OK
		? 0
		: archive_fault(&packer, dir, err);
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r == 0 && dir_fd < 0)
		r = err_sys(err, ERR_INVALID, errno, "%s", dir);
	if (r == 0)
		r = pack_folder(&packer, dir_fd, "", DIR_DEPTH_MAX, err);
	if (r == 0 && archive_write_close(packer.archive) != ARCHIVE_OK)
		r = archive_fault(&packer, dir, err);
	(void)archive_write_free(packer.archive);
	if (r < 0)
		return -1;
	if (fstat(fd, &info) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "temporary file");
	if (info.st_size > BUNDLE_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "the packed project is too large");
	*ret_size = info.st_size;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* --- Which folder --- */

static bool
has_config(const char *dir)
{
	static const char *const names[] = { "playwright.config.ts", "playwright.config.js",
		"playwright.config.mts", "playwright.config.mjs", "playwright.config.cts",
		"playwright.config.cjs", ".testcaferc.js", ".testcaferc.json",
		".testcaferc.cjs" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, names[i]);
		if (access(path, R_OK) == 0)
			return true;
	}
	return false;
}

static bool
is_repository(const char *dir)
{
	_cleanup_free_ char *path = xasprintf("%s/.git", dir);

	return access(path, F_OK) == 0;
}

/* The project's folder of an absolute path, and the path inside it. Both owned by the caller.
 */
static int
find_project(const char *path, char **ret_dir, char **ret_inside, struct err *err)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	struct stat info;

	if (!real || stat(real, &info) < 0)
		return err_sys(err, ERR_INVALID, errno, "%s", path);
	_cleanup_free_ char *start = xstrdup(real);
	if (!S_ISDIR(info.st_mode))
		*strrchr(start, '/') = '\0';
	_cleanup_free_ char *dir = xstrdup(start);
	/* Not beyond a repository's top: what lies above it is somebody else's. */
	while (dir[0] && !has_config(dir))
		*(is_repository(dir) ? dir : strrchr(dir, '/')) = '\0';
	const char *root = dir[0] ? dir : start;
	*ret_inside = xstrdup(real[strlen(root)] ? real + strlen(root) + 1 : "");
	*ret_dir = xstrdup(root);
	return 0;
}

static int
upload(struct remote *remote, const char *dir, char **ret_bundle, struct err *err)
{
	_cleanup_close_ int fd = -1;
	_cleanup_(json_unrefp) json_t *answer = NULL;
	int64_t size;

	if (bundle_pack(dir, &fd, &size, err) < 0 ||
		remote_upload(remote, "/bundles", fd, size, "application/gzip", &answer, err) <
			0)
		return err_wrap(err, "bundle of %s", dir);
	const char *bundle = json_text(answer, "bundle");
	if (!bundle[0])
		return err_set(err, ERR_CORRUPT, "the server named no bundle");
	*ret_bundle = xstrdup(bundle);
	return 0;
}

/* The folders of browser tests, each once. */
static int
upload_folders(json_t *tests, struct remote *remote, struct err *err)
{
	_cleanup_(json_unrefp) json_t *done = json_object();
	json_t *test;
	size_t i;

	json_array_foreach(tests, i, test)
	{
		const char *dir = json_string_value(json_object_get(test, "files"));
		_cleanup_free_ char *bundle = NULL;

		if (!dir || dir[0] != '/')
			continue; /* of a command: an object of texts */
		if (!json_object_get(done, dir)) {
			if (upload(remote, dir, &bundle, err) < 0)
				return -1;
			(void)json_object_set_new(done, dir, json_string(bundle));
		}
		(void)json_object_set(test, "bundle", json_object_get(done, dir));
		(void)json_object_del(test, "files");
	}
	return 0;
}

int
bundle_upload_all(struct job_file *file, struct remote *remote, struct err *err)
{
	_cleanup_(json_unrefp) json_t *tests = job_file_tests(file);
	json_t *test;
	_cleanup_free_ char *last_dir = NULL;
	_cleanup_free_ char *bundle = NULL;
	size_t i;

	job_file_localize_paths(file);
	json_array_foreach(tests, i, test)
	{
		_cleanup_free_ char *dir = NULL;
		_cleanup_free_ char *inside = NULL;
		if (!job_file_needs_bundle(test))
			continue;
		if (find_project(json_text(test, "path"), &dir, &inside, err) < 0)
			return -1;
		/* Neighbouring tests mostly share their project. */
		if (!last_dir || strcmp(dir, last_dir) != 0) {
			free(bundle);
			bundle = NULL;
			if (upload(remote, dir, &bundle, err) < 0)
				return -1;
			free(last_dir);
			last_dir = TAKE(dir);
		}
		(void)json_object_set_new(test, "bundle", json_string(bundle));
		if (inside[0])
			(void)json_object_set_new(test, "path", json_string(inside));
		else
			(void)json_object_del(test, "path");
	}
	return upload_folders(tests, remote, err);
}
