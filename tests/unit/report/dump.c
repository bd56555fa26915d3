/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the sample's report to stdout, to be looked at:  report-sample html >report.html */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "report/report.h"
#include "sample.h"

int
main(int argc, char **argv)
{
	_cleanup_(arena_deinit) struct arena arena;
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(REPORT_BYTES_MAX);
	struct report_options options = { .artifact_base = "runs/" };
	enum report_format format = REPORT_HTML;
	struct err err;

	arena_init(&arena, MIB(16));
	if (argc > 1 && report_format_parse(str_of(argv[1]), &format) < 0)
		return 2;
	if (report_write(format, sample_model(&arena), &options, &out, &err) < 0)
		return 1;
	return fwrite(out.data, 1, out.len, stdout) == out.len ? 0 : 1;
}
