/* SPDX-License-Identifier: Apache-2.0 */
/* The table of formats. */
#include "report/report.h"

#include "base/limits.h"
#include "report/writers.h"

static const struct {
	const char *name, *content_type;
	report_writer_fn *write;
} formats[REPORT_FORMAT_COUNT] = {
	[REPORT_HTML] = { "html", "text/html; charset=utf-8", report_write_html },
	[REPORT_JUNIT] = { "junit", "application/xml", report_write_junit },
	[REPORT_JSON] = { "json", "application/json", report_write_json },
};

const char *
report_format_name(enum report_format format)
{
	return formats[format].name;
}

int
report_format_parse(struct str name, enum report_format *ret)
{
	for (int f = 0; f < REPORT_FORMAT_COUNT; f++) {
		if (!str_eqz(name, formats[f].name))
			continue;
		*ret = (enum report_format)f;
		return 0;
	}
	return -1;
}

const char *
report_content_type(enum report_format format)
{
	return formats[format].content_type;
}

int
report_write(enum report_format format, const struct report_model *model,
	const struct report_options *options, struct buf *out, struct err *err)
{
	static const struct report_options none = { 0 };

	if (formats[format].write(model, options ? options : &none, out) < 0)
		return err_set(err, ERR_LIMIT, "the report is larger than %zu bytes", out->max);
	return 0;
}
