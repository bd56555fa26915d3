/* SPDX-License-Identifier: Apache-2.0 */
/* What is inside a run or a case: error, steps, screenshots, logs, files. */
#include <inttypes.h>
#include <string.h>

#include "report/html.h"

/* --- Errors --- */

static void
put_snippet(struct out *out, const char *snippet)
{
	struct str rest = str_of(snippet);

	out_put(out, "<pre class=\"snippet\">");
	while (rest.p) {
		struct str line = str_split_first(&rest, '\n');
		bool is_marked = line.n > 0 && line.p[0] == '>';
		const char *element = is_marked ? "mark" : "span";
		if (line.n == 0 && !rest.p)
			break; /* the line end at the end of the snippet */
		out_putf(out, "<%s>", element);
		/* An empty line would have no height. */
		out_textn(out, line.n > 0 ? line.p : " ", line.n > 0 ? line.n : 1);
		out_putf(out, "</%s>", element);
	}
	out_put(out, "</pre>\n");
}

static void
put_compared(struct out *out, const struct report_error *error)
{
	if (!error->expected && !error->actual)
		return;
	out_put(out, "<dl class=\"compare\">");
	if (error->expected) {
		out_put(out, "<div><dt>Expected</dt><dd><pre>");
		out_text(out, error->expected);
		out_put(out, "</pre></dd></div>");
	}
	if (error->actual) {
		out_put(out, "<div><dt>Actual</dt><dd><pre>");
		out_text(out, error->actual);
		out_put(out, "</pre></dd></div>");
	}
	out_put(out, "</dl>\n");
}

void
html_error(struct html *html, const struct report_error *error, bool is_errored)
{
	struct out *out = &html->out;

	if (!error)
		return;
	out_putf(out, "<div class=\"error%s\">\n<p class=\"message\">",
		is_errored ? " is-errored" : "");
	out_text(out, error->message);
	out_put(out, "</p>\n");
	if (error->file) {
		out_put(out, "<p class=\"mono soft\">");
		out_text(out, error->file);
		if (error->line > 0)
			out_putf(out, ":%" PRId64, error->line);
		if (error->line > 0 && error->column > 0)
			out_putf(out, ":%" PRId64, error->column);
		out_put(out, "</p>\n");
	}
	if (error->snippet)
		put_snippet(out, error->snippet);
	put_compared(out, error);
	if (error->stack && strcmp(error->stack, error->message) != 0) {
		out_put(out,
			"<details class=\"more\"><summary>Stack</summary><pre tabindex=\"0\">");
		out_text(out, error->stack);
		out_put(out, "</pre></details>\n");
	}
	out_put(out, "</div>\n");
}

/* --- Steps --- */

void
html_steps(struct html *html, const struct report_step *steps, size_t n)
{
	struct out *out = &html->out;
	int64_t attempt = 1;

	if (n == 0)
		return;
	out_put(out, "<div><p class=\"label\">Steps</p>\n<ol class=\"steps\">\n");
	for (size_t i = 0; i < n; i++) {
		if (steps[i].attempt > attempt) {
			attempt = steps[i].attempt;
			out_putf(out, "<li class=\"attempt\">Attempt %" PRId64 "</li>\n",
				attempt);
		}
		out_put(out, "<li>");
		html_sign(html, steps[i].status);
		out_put(out, "<span class=\"name\">");
		out_text(out, steps[i].title);
		out_put(out, "</span><span class=\"time\">");
		out_duration(out, steps[i].duration_ms);
		out_put(out, "</span></li>\n");
	}
	out_put(out, "</ol></div>\n");
}

/* --- Artifacts --- */

static bool
is_picture(const struct report_artifact *artifact)
{
	static const char *const types[] = { "image/png", "image/jpeg", "image/webp",
		"image/gif" };
	const char *type = artifact->row->content_type;

	/* SVG is left out: it may hold scripts. */
	for (size_t i = 0; type && i < ARRAY_LEN(types); i++) {
		if (strcmp(type, types[i]) == 0)
			return artifact->is_whole && artifact->data.n > 0;
	}
	return false;
}

static bool
is_log(const struct report_artifact *artifact)
{
	return artifact->data.n > 0 && strcmp(artifact->row->kind, "log") == 0;
}

static bool
has_case(const struct report_run *run, const char *id)
{
	for (size_t i = 0; id && i < run->n_cases; i++) {
		if (strcmp(run->cases[i].id, id) == 0)
			return true;
	}
	return false;
}

/* Whether the artifact is shown with the case, or with the run when `one` is NULL. */
static bool
belongs(const struct report_run *run, const struct report_case *one,
	const struct report_artifact *artifact)
{
	const char *id = artifact->row->case_id;

	if (artifact->in_tree)
		return false;
	if (!one)
		return !has_case(run, id);
	return id && strcmp(id, one->id) == 0;
}

/* The file's name without its folder, which repeats the test's; but a retry is worth knowing.
 */
static void
put_caption(struct out *out, const char *name)
{
	const char *slash = strrchr(name, '/');
	const char *retry = strstr(name, "-retry");

	out_text(out, slash ? slash + 1 : name);
	if (retry && slash && retry < slash) {
		out_put(out, " (retry ");
		out_textn(out, retry + 6, (size_t)(slash - retry) - 6);
		out_put(out, ")");
	}
}

static void
put_picture(struct out *out, const struct report_artifact *artifact)
{
	const struct artifact *row = artifact->row;

	out_put(out,
		"<figure><button type=\"button\" title=\"Enlarge\"><img loading=\"lazy\" alt=\"");
	out_attr(out, row->name);
	out_putf(out, "\" src=\"data:%s;base64,", row->content_type);
	if (!out->failed &&
		base64_encode(out->buf, artifact->data.p, artifact->data.n, BASE64_STANDARD) <
			0)
		out->failed = true;
	out_put(out, "\"></button><figcaption>");
	put_caption(out, row->name);
	out_put(out, "</figcaption></figure>\n");
}

static void
put_pictures(struct html *html, const struct report_run *run, const struct report_case *one)
{
	struct out *out = &html->out;
	bool is_open = false;

	for (size_t i = 0; i < run->n_artifacts; i++) {
		const struct report_artifact *artifact = &run->artifacts[i];
		if (!belongs(run, one, artifact) || !is_picture(artifact))
			continue;
		if (!is_open)
			out_put(out,
				"<div><p class=\"label\">Screenshots</p><div class=\"shots\">\n");
		is_open = true;
		put_picture(out, artifact);
	}
	if (is_open)
		out_put(out, "</div></div>\n");
}

/* A log without terminal colours and with its first, probably cut line left out. */
static void
put_log_text(struct out *out, const struct report_artifact *artifact)
{
	struct str rest = artifact->data;

	if (!artifact->is_whole)
		(void)str_split_first(&rest, '\n');
	if (!rest.p)
		rest = artifact->data;
	while (rest.n > 0 && !out->failed) {
		const char *escape = memchr(rest.p, '\x1b', rest.n);
		size_t plain = escape ? (size_t)(escape - rest.p) : rest.n;
		out_textn(out, rest.p, plain);
		rest = str_from(rest.p + plain, rest.n - plain);
		if (rest.n == 0)
			break;
		/* Skip "ESC [ … letter", or the lone ESC. */
		size_t skip = 1;
		if (rest.n > 1 && rest.p[1] == '[') {
			for (skip = 2;
				skip < rest.n && !(rest.p[skip] >= '@' && rest.p[skip] <= '~');)
				skip++;
			skip += skip < rest.n;
		}
		rest = str_from(rest.p + skip, rest.n - skip);
	}
}

static void
put_logs(struct html *html, const struct report_run *run, const struct report_case *one)
{
	struct out *out = &html->out;

	for (size_t i = 0; i < run->n_artifacts; i++) {
		const struct report_artifact *artifact = &run->artifacts[i];
		if (!belongs(run, one, artifact) || !is_log(artifact))
			continue;
		out_put(out, "<details class=\"more\"><summary>Log: ");
		out_text(out, artifact->row->name);
		if (!artifact->is_whole) {
			out_put(out, " (the last ");
			out_size(out, (int64_t)artifact->data.n);
			out_put(out, " of ");
			out_size(out, artifact->row->size);
			out_put(out, ")");
		}
		out_put(out, "</summary><pre tabindex=\"0\">");
		put_log_text(out, artifact);
		out_put(out, "</pre></details>\n");
	}
}

/* The name as part of an address: everything but the unreserved characters and "/" is encoded.
 */
static void
put_quoted(struct out *out, const char *name)
{
	for (const unsigned char *c = (const unsigned char *)name; *c; c++) {
		bool is_plain = (*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') ||
			(*c >= 'a' && *c <= 'z') || strchr("-._~/", *c);
		out_putf(out, is_plain ? "%c" : "%%%02X", *c);
	}
}

/* The prefix may come from a request: no "javascript:" and its like. */
static const char *
link_base(const struct html *html)
{
	const char *base = html->options->artifact_base;

	if (!base)
		return NULL;
	bool has_scheme = base[strcspn(base, ":/?#")] == ':';
	bool is_web = strncmp(base, "http://", 7) == 0 || strncmp(base, "https://", 8) == 0;
	return has_scheme && !is_web ? NULL : base;
}

static void
put_file(struct html *html, const struct report_run *run, const struct artifact *row)
{
	struct out *out = &html->out;
	const char *base = link_base(html);

	out_put(out, "<li>");
	if (base) {
		out_put(out, "<a href=\"");
		out_attr(out, base);
		out_putf(out, "%s/", run->id);
		put_quoted(out, row->name);
		out_put(out, "\">");
	}
	out_text(out, row->name);
	if (base)
		out_put(out, "</a>");
	out_put(out, " <span class=\"soft\">");
	out_text(out, row->kind);
	out_put(out, ", ");
	out_size(out, row->size);
	out_put(out, "</span></li>\n");
}

void
html_artifacts(struct html *html, const struct report_run *run, const struct report_case *one)
{
	bool is_open = false;

	put_pictures(html, run, one);
	put_logs(html, run, one);
	for (size_t i = 0; i < run->n_artifacts; i++) {
		if (!belongs(run, one, &run->artifacts[i]))
			continue;
		if (!is_open)
			out_put(&html->out,
				"<div><p class=\"label\">Artifacts</p><ul class=\"files\">\n");
		is_open = true;
		put_file(html, run, run->artifacts[i].row);
	}
	if (is_open)
		out_put(&html->out, "</ul></div>\n");
}
