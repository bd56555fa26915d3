/* SPDX-License-Identifier: Apache-2.0 */
/* libarchive writes into a buffer with a limit. */
#include "dialects/octomind/zip.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"

struct octo_zip {
	struct archive *archive;
	struct buf *out;
	struct map names; /* lower case: some systems have no other */
	bool is_full;
};

/*
 * What does not fit is taken all the same and noted: a library that saw its writer fail does
 * not free all that it has.
 */
static ssize_t
take_bytes(struct archive *archive, void *arg, const void *data, size_t len)
{
	struct octo_zip *zip = arg;

	(void)archive;
	if (!zip->is_full && buf_add(zip->out, data, len) < 0)
		zip->is_full = true;
	return (ssize_t)len;
}

/* What became of a call into the library. */
static int
outcome(struct octo_zip *zip, bool is_done, struct err *err)
{
	const char *text = archive_error_string(zip->archive);

	if (zip->is_full)
		return err_set(err, ERR_LIMIT, "the zip is over %zu bytes", zip->out->max);
	if (is_done)
		return 0;
	return err_set(err, ERR_INTERNAL, "%s", text ? text : "the zip cannot be written");
}

struct octo_zip *
octo_zip_new(struct buf *out)
{
	struct octo_zip *zip = xcalloc(1, sizeof *zip);

	zip->out = out;
	map_init(&zip->names, MAP_KEYS_COPIED);
	zip->archive = archive_write_new();
	/* Only out of memory. */
	if (!zip->archive || archive_write_set_format_zip(zip->archive) != ARCHIVE_OK)
		abort();
	archive_write_set_bytes_per_block(zip->archive, 0);
	if (archive_write_open(zip->archive, zip, NULL, take_bytes, NULL) != ARCHIVE_OK)
		abort();
	return zip;
}

struct octo_zip *
octo_zip_free(struct octo_zip *zip)
{
	if (!zip)
		return NULL;
	archive_write_free(zip->archive);
	map_deinit(&zip->names);
	free(zip);
	return NULL;
}

/* Folders and files of plain characters, none of which begins with a dot. */
static bool
name_is_safe(const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_.";

	if (strlen(name) > ARTIFACT_NAME_BYTES_MAX)
		return false;
	for (;;) {
		size_t n = strspn(name, plain);

		if (n == 0 || name[0] == '.' || (name[n] != '\0' && name[n] != '/'))
			return false;
		if (name[n] == '\0')
			return true;
		name += n + 1;
	}
}

/* Whether the name was not there before. */
static bool
take_name(struct octo_zip *zip, const char *name)
{
	_cleanup_free_ char *lower = xstrdup(name);

	for (char *at = lower; *at; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at - 'A' + 'a');
	return map_put(&zip->names, lower, strlen(lower), zip) == NULL;
}

static int
write_entry(struct octo_zip *zip, struct archive_entry *entry, const char *name,
	const void *data, size_t len, struct err *err)
{
	archive_entry_set_pathname(entry, name);
	archive_entry_set_size(entry, (la_int64_t)len);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	/* Before the first moment that a zip can name: written as that, in every time zone. */
	archive_entry_set_mtime(entry, 0, 0);
	bool is_done = archive_write_header(zip->archive, entry) == ARCHIVE_OK;

	if (is_done && len > 0)
		is_done = archive_write_data(zip->archive, data, len) == (la_ssize_t)len;
	if (is_done)
		is_done = archive_write_finish_entry(zip->archive) == ARCHIVE_OK;
	return outcome(zip, is_done, err);
}

int
octo_zip_add(
	struct octo_zip *zip, const char *name, const void *data, size_t len, struct err *err)
{
	if (!name_is_safe(name))
		return err_set(err, ERR_INVALID, "\"%.60s\" is no safe name of a file", name);
	if (!take_name(zip, name))
		return err_set(err, ERR_INVALID, "there are two files \"%.60s\"", name);
	struct archive_entry *entry = archive_entry_new();

	if (!entry)
		abort();
	int r = write_entry(zip, entry, name, data, len, err);

	archive_entry_free(entry);
	return r;
}

int
octo_zip_done(struct octo_zip *zip, struct err *err)
{
	return outcome(zip, archive_write_close(zip->archive) == ARCHIVE_OK, err);
}
