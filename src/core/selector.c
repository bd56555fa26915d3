/* SPDX-License-Identifier: Apache-2.0 */
/* Reading selectors and judging tests by them, cheap parts first. */
#include "core/selector.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "core/expr.h"
#include "core/quarantine_list.h"

/* clang-format off */
#define SELECTOR(member) .offset = offsetof(struct selector_request, member)
const struct json_field selector_terms_fields[] = {
	{ .name = "tags", .kind = FIELD_ANY, SELECTOR(tags) },
	{ .name = "name", .kind = FIELD_ANY, SELECTOR(name) },
	{ .name = "last", .kind = FIELD_ANY, SELECTOR(last) },
	{ 0 },
};
/* clang-format on */

const char *
last_result_name(enum last_result last)
{
	static const char *const names[] = { "new", "passed", "flaky", "failed" };

	return names[last];
}

/* --- Reading --- */

struct reader {
	bool is_template;
	struct arena *arena;
	struct issues *issues;
};

/* A value that is known only when the template is used. */
static bool
is_later(const struct reader *reader, const char *text)
{
	return reader->is_template && expr_in_text(str_of(text));
}

/* A text, or a list of them, as a list. */
static int
read_texts(const struct reader *reader, const json_t *value, size_t bytes_max, const char *at,
	struct strs *ret)
{
	size_t n = json_is_array(value) ? json_array_size(value) : 1;

	if (n == 0 || n > TAGS_MAX)
		goto refuse;
	ret->item = arena_xalloc(reader->arena, n * sizeof *ret->item);
	for (ret->n = 0; ret->n < n; ret->n++) {
		const json_t *one =
			json_is_array(value) ? json_array_get(value, ret->n) : value;
		size_t len = json_string_length(one);

		if (!json_is_string(one) || len == 0 || len > bytes_max)
			goto refuse;
		ret->item[ret->n] = arena_strndup(reader->arena, json_string_value(one), len);
		if (!ret->item[ret->n]) {
			issues_add(reader->issues, at, ISSUE_LIMIT, "the request is too large");
			return -1;
		}
	}
	return 0;
refuse:
	issues_add(reader->issues, at, ISSUE_INVALID,
		"a text of 1 to %zu bytes, or a list of up to %d of them, is expected",
		bytes_max, TAGS_MAX);
	return -1;
}

static const char *
joined(const struct reader *reader, const struct strs *texts)
{
	const char *all = texts->item[0];

	for (size_t i = 1; i < texts->n && all; i++)
		all = arena_printf(reader->arena, "%s or %s", all, texts->item[i]);
	return all ? all : "";
}

/* A text is an expression, a list is what octomind's clients send: any of these tags. */
static int
read_tags(const struct reader *reader, const json_t *value, const char *at,
	struct selector_terms *ret)
{
	struct strs texts;
	struct tagexpr *expr;
	struct err err;

	if (read_texts(reader, value, json_is_array(value) ? TAG_BYTES_MAX : TAG_EXPR_BYTES_MAX,
		    at, &texts) < 0)
		return -1;
	ret->tags_text = joined(reader, &texts);
	if (json_is_array(value)) {
		ret->any_tag = texts;
		return 0;
	}
	if (is_later(reader, texts.item[0]))
		return 0;
	if (tagexpr_parse(str_of(texts.item[0]), reader->arena, &expr, &err) < 0) {
		issues_add(reader->issues, at, ISSUE_INVALID, "%s", err.text);
		return -1;
	}
	ret->tags = expr;
	return 0;
}

static unsigned
last_bit(const char *word)
{
	for (int i = 0; i < LAST_RESULT_COUNT; i++)
		if (strcmp(word, last_result_name((enum last_result)i)) == 0)
			return 1u << i;
	return 0;
}

static int
read_last(const struct reader *reader, const json_t *value, const char *at, unsigned *ret)
{
	struct strs words;

	if (read_texts(reader, value, TAG_BYTES_MAX, at, &words) < 0)
		return -1;
	for (size_t i = 0; i < words.n; i++) {
		unsigned bit = last_bit(words.item[i]);

		if (bit == 0 && !is_later(reader, words.item[i])) {
			issues_add(reader->issues, at, ISSUE_INVALID,
				"\"%.40s\" is none of new, passed, flaky, failed",
				words.item[i]);
			return -1;
		}
		*ret |= bit;
	}
	return 0;
}

static int
read_terms(const struct reader *reader, const struct selector_request *request,
	const char *pointer, struct selector_terms *ret)
{
	int r = 0;

	if (request->tags &&
		read_tags(reader, request->tags,
			json_pointer_member(reader->arena, pointer, "tags"), ret) < 0)
		r = -1;
	if (request->name &&
		read_texts(reader, request->name, NAME_BYTES_MAX,
			json_pointer_member(reader->arena, pointer, "name"), &ret->names) < 0)
		r = -1;
	if (request->last &&
		read_last(reader, request->last,
			json_pointer_member(reader->arena, pointer, "last"), &ret->last) < 0)
		r = -1;
	return r;
}

int
selector_read(const struct selector_request *request, bool is_template, const char *pointer,
	struct arena *arena, struct issues *issues, struct selector *ret)
{
	const struct reader reader = {
		.is_template = is_template, .arena = arena, .issues = issues
	};
	struct selector_request exclude = { 0 };
	int r;

	*ret = (struct selector) { .has_exclude = request->exclude != NULL };
	r = read_terms(&reader, request, pointer, &ret->want);
	if (!request->exclude)
		return r;
	const char *at = json_pointer_member(arena, pointer, "exclude");

	if (json_decode(request->exclude, selector_terms_fields, &exclude, at, issues) < 0 ||
		read_terms(&reader, &exclude, at, &ret->exclude) < 0)
		return -1;
	if (!exclude.tags && !exclude.name && !exclude.last) {
		issues_add(issues, at, ISSUE_INVALID, "tags, name or last is expected");
		return -1;
	}
	return r;
}

/* --- Judging --- */

static bool
fits_tags(const struct selector_terms *terms, const struct selector_test *test)
{
	if (terms->tags && !tagexpr_matches(terms->tags, test->tags, test->n_tags))
		return false;
	for (size_t i = 0; i < terms->any_tag.n; i++)
		for (size_t j = 0; j < test->n_tags; j++)
			if (strcmp(terms->any_tag.item[i], test->tags[j]) == 0)
				return true;
	return terms->any_tag.n == 0;
}

static bool
fits_name(const struct selector_terms *terms, const struct selector_test *test)
{
	for (size_t i = 0; i < terms->names.n; i++)
		if (quarantine_matches(terms->names.item[i], test->name))
			return true;
	return terms->names.n == 0;
}

int
selector_judge(const struct selector *selector, const struct selector_test *test,
	struct selector_counts *counts, struct err *err)
{
	const struct selector_terms *want = &selector->want, *not = &selector->exclude;
	enum last_result last = LAST_NEW;

	counts->all++;
	if (!fits_tags(want, test))
		return SELECTOR_LEFT_OUT;
	counts->tags++;
	if (!fits_name(want, test))
		return SELECTOR_LEFT_OUT;
	counts->names++;
	if ((want->last || not ->last) && test->last(test->arg, test->name, &last, err) < 0)
		return -1;
	if (want->last && !(want->last & 1u << last))
		return SELECTOR_LEFT_OUT;
	counts->last++;
	if (selector->has_exclude && fits_tags(not, test) && fits_name(not, test) &&
		(!not ->last || not ->last & 1u << last))
		return SELECTOR_LEFT_OUT;
	counts->chosen++;
	return 0;
}

/* --- Reasons --- */

static const char *
last_text(const struct selector_terms *terms, struct arena *arena)
{
	const char *all = NULL;

	for (int i = 0; i < LAST_RESULT_COUNT; i++) {
		const char *word = last_result_name((enum last_result)i);

		if (terms->last & 1u << i)
			all = all ? arena_printf(arena, "%s or %s", all, word) : word;
	}
	return all ? all : "";
}

/* One step of the sentence: how many of those before have what. Long texts are cut. */
static void
say(struct buf *text, int64_t n, const char *many, const char *one, const char *what)
{
	const char *verb = n > 1 ? many : one;

	if (n == 0)
		(void)buf_addf(text, " none %s %.200s", verb, what);
	else
		(void)buf_addf(text, " %" PRId64 " %s %.200s, of those", n, verb, what);
}

const char *
selector_why_none(const struct selector *selector, const struct selector_counts *counts,
	struct arena *arena, const char **ret_member)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(KIB(4));
	const struct selector_terms *want = &selector->want;
	const struct reader reader = { .arena = arena };

	*ret_member = NULL;
	if (counts->all == 0)
		return "there are no saved tests";
	(void)buf_addf(
		&text, "of %" PRId64 " saved test%s", counts->all, counts->all == 1 ? "" : "s");
	if (want->tags_text) {
		say(&text, counts->tags, "have the tags", "has the tags", want->tags_text);
		*ret_member = "tags";
	}
	if (want->names.n > 0 && counts->tags > 0) {
		say(&text, counts->names, "are named", "is named",
			joined(&reader, &want->names));
		*ret_member = "name";
	}
	if (want->last && counts->names > 0) {
		say(&text, counts->last, "have the last result", "has the last result",
			last_text(want, arena));
		*ret_member = "last";
	}
	if (counts->last > 0) {
		(void)buf_adds(&text, " all are excluded");
		*ret_member = "exclude";
	}
	const char *copy = arena_strndup(arena, buf_text(&text), text.len);

	return copy ? copy : "no saved test fits";
}
