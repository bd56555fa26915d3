/* SPDX-License-Identifier: Apache-2.0 */
#include "runners/browser/evidence_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

int
evidence_write(const char *path, const void *data, size_t len, struct err *err)
{
	_cleanup_close_ int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);

	if (fd < 0)
		return err_sys(err, err_code_of_errno(errno), errno, "%s", path);
	if (fd_write_all(fd, data, len, err) < 0) {
		(void)unlink(path); /* a part of a picture is worse than none */
		return err_wrap(err, "%s", path);
	}
	return 0;
}

static bool
is_ours(const char *name)
{
	static const char *const names[] = { "network.har", "console.ndjson", "video.mp4",
		"page.mhtml", "page.html", "failure.png", "end.png", "baselines", ".frames" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static bool
is_taken(const char *folder, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", folder, name);

	return is_ours(name) || faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

char *
evidence_name(const char *folder, const char *stem, const char *ending)
{
	char *name = xasprintf("%s%s", stem, ending);

	/* Ends, because a folder has no end of files. */
	for (unsigned n = 2; is_taken(folder, name); n++) {
		free(name);
		name = xasprintf("%s (%u)%s", stem, n, ending);
	}
	return name;
}
