/* SPDX-License-Identifier: Apache-2.0 */
#include "runners/browser/evidence_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"

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
