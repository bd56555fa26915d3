/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collects cases into the form of the runner protocol, within its limits.
 */
#include "runners/command/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "runners/kit/kit.h"

void
report_init(struct report *report)
{
	*report = (struct report) { .cases = json_array() };
}

void
report_deinit(struct report *report)
{
	json_decref(report->cases);
	free(report->message);
	*report = (struct report) { 0 };
}

/* "suite › suite › title": what makes a case the same case in the next run. */
static json_t *
case_id(const struct report_case *one)
{
	_cleanup_(buf_deinit) struct buf id = BUF_INIT(64 * 1024);

	for (size_t i = 0; i < one->n_path; i++)
		if (buf_addf(&id, STR_FMT " › ", STR_ARG(one->path[i])) < 0)
			break;
	(void)buf_add_str(&id, one->title);
	return kit_text(buf_text(&id), id.len, 2 * REPORT_NAME_BYTES_MAX);
}

static void
count(struct report *report, const char *status)
{
	report->passed += strcmp(status, "passed") == 0;
	report->failed += strcmp(status, "failed") == 0;
	report->skipped += strcmp(status, "skipped") == 0;
	report->flaky += strcmp(status, "flaky") == 0;
}

static json_t *
case_error(const struct report_case *one)
{
	struct str message = one->message.n > 0 ? one->message : one->detail;

	if (message.n == 0)
		message = STR("failed");
	json_t *error = json_pack(
		"{s:o}", "message", kit_text(message.p, message.n, REPORT_MESSAGE_BYTES_MAX));
	if (one->detail.n > 0 && one->message.n > 0)
		json_object_set_new(error, "stack",
			kit_text(one->detail.p, one->detail.n, REPORT_MESSAGE_BYTES_MAX));
	return error;
}

void
report_add(struct report *report, const struct report_case *one)
{
	bool failed = strcmp(one->status, "failed") == 0;

	count(report, one->status);
	if (failed && !report->message) {
		struct str text = one->message.n > 0 ? one->message : one->detail;
		report->message = xasprintf(STR_FMT "%s" STR_FMT, STR_ARG(one->title),
			text.n > 0 ? ": " : "",
			STR_ARG(str_from(text.p,
				text.n < REPORT_MESSAGE_BYTES_MAX ? text.n
								  : REPORT_MESSAGE_BYTES_MAX)));
	}
	if (json_array_size(report->cases) >= REPORT_CASES_MAX) {
		report->n_dropped++;
		return;
	}

	json_t *path = json_array();
	for (size_t i = 0; i < one->n_path; i++)
		json_array_append_new(
			path, kit_text(one->path[i].p, one->path[i].n, REPORT_NAME_BYTES_MAX));
	json_t *item = json_pack("{s:o, s:o, s:o, s:s, s:i}", "id", case_id(one), "title",
		kit_text(one->title.p, one->title.n, REPORT_NAME_BYTES_MAX), "path", path,
		"status", one->status, "attempts", 1);
	if (one->duration_ms >= 0 && one->duration_ms < 1e12)
		json_object_set_new(
			item, "durationMs", json_integer((json_int_t)(one->duration_ms + 0.5)));
	if (one->file.n > 0)
		json_object_set_new(item, "file",
			kit_text(one->file.p, one->file.n, REPORT_NAME_BYTES_MAX));
	if (one->line > 0)
		json_object_set_new(item, "line", json_integer(one->line));
	if (failed)
		json_object_set_new(item, "error", case_error(one));
	json_array_append_new(report->cases, item);
}
