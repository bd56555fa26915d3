/* SPDX-License-Identifier: Apache-2.0 */
/* The file takes the first RUN_LOG_BYTES_MAX bytes and then one note that there was more. */
#include "worker/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

static const char cut_note[] = "\n[the log is cut here: it was longer than 8 MiB]\n";

int
capture_open(struct capture *ret, const char *path, capture_line_fn *on_line, void *arg,
	struct err *err)
{
	*ret = (struct capture) {
		.line = BUF_INIT(CAPTURE_LINE_BYTES_MAX),
		.on_line = on_line,
		.arg = arg,
	};
	ret->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (ret->fd < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "%s", path);
	return 0;
}

static void
keep(struct capture *capture, const char *data, size_t len)
{
	int64_t room = RUN_LOG_BYTES_MAX - capture->kept;
	bool is_over = (int64_t)len > room;

	if (capture->fd < 0 || capture->is_cut)
		return;
	/* A full disk costs the log, not the run. */
	(void)fd_write_all(capture->fd, data, is_over ? (size_t)room : len, NULL);
	capture->kept += is_over ? room : (int64_t)len;
	capture->is_cut = is_over;
	if (is_over)
		(void)fd_write_all(capture->fd, cut_note, sizeof cut_note - 1, NULL);
}

static void
end_line(struct capture *capture)
{
	if (capture->line.len > 0)
		capture->on_line(
			capture->arg, "info", buf_text(&capture->line), capture->line.len);
	buf_clear(&capture->line);
	capture->line_cut = false;
}

static void
add_to_line(struct capture *capture, struct str part)
{
	size_t room = capture->line.max - capture->line.len;

	if (capture->line_cut)
		return;
	if (part.n > room) {
		part.n = room;
		capture->line_cut = true;
	}
	(void)buf_add_str(&capture->line, part);
}

int
capture_add(struct capture *capture, const char *data, size_t len)
{
	struct str rest = str_from(data, len);

	capture->seen += (int64_t)len;
	keep(capture, data, len);
	while (rest.p) {
		struct str part = str_split_first(&rest, '\n');

		add_to_line(capture, part);
		if (rest.p)
			end_line(capture);
	}
	return capture->seen > CAPTURE_FLOOD_BYTES_MAX ? CAPTURE_OVER : 0;
}

void
capture_note(struct capture *capture, const char *level, const char *text, size_t len)
{
	keep(capture, "[", 1);
	keep(capture, level, strlen(level));
	keep(capture, "] ", 2);
	keep(capture, text, len);
	keep(capture, "\n", 1);
}

void
capture_close(struct capture *capture)
{
	if (capture->fd < 0)
		return;
	end_line(capture);
	close(capture->fd);
	capture->fd = -1;
	buf_deinit(&capture->line);
}
