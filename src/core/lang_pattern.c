/* SPDX-License-Identifier: Apache-2.0 */
/* PCRE2 on an arena. A match is tried with growing limits, so that its price becomes known. */
#include "core/lang_pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8

#include <inttypes.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "core/lang_value.h"

enum {
	MATCH_LIMIT_FIRST = 100, /* most matches need less */
	MATCH_LIMIT_GROWTH = 10, /* each time that it was not enough */
	MATCH_HEAP_KIB = 4 * 1024,
	MOVES_PER_STEP = 10, /* of PCRE2 are one step of ours */
	BYTES_PER_STEP = 64, /* of text or compiled pattern */
	PARENS_DEPTH_MAX = 50,
};

struct lang_pattern {
	pcre2_code *code;
	struct str text; /* as it was written */
	size_t bytes;    /* compiled */
};

static void *
take_memory(size_t size, void *arena)
{
	return arena_alloc(arena, size);
}

static void
leave_memory(void *memory, void *arena)
{
	/* Goes with the arena. */
	(void)memory;
	(void)arena;
}

/* clang-format off */
static const struct { const char *ecma, *pcre; } categories[] = {
	{ "Letter", "L" }, { "Cased_Letter", "L&" }, { "Lowercase_Letter", "Ll" }, { "Uppercase_Letter", "Lu" },
	{ "Titlecase_Letter", "Lt" }, { "Modifier_Letter", "Lm" }, { "Other_Letter", "Lo" },
	{ "Mark", "M" }, { "Nonspacing_Mark", "Mn" }, { "Spacing_Mark", "Mc" }, { "Enclosing_Mark", "Me" },
	{ "Number", "N" }, { "Decimal_Number", "Nd" }, { "digit", "Nd" }, { "Letter_Number", "Nl" }, { "Other_Number", "No" },
	{ "Punctuation", "P" }, { "punct", "P" }, { "Symbol", "S" }, { "Math_Symbol", "Sm" }, { "Currency_Symbol", "Sc" },
	{ "Separator", "Z" }, { "Space_Separator", "Zs" }, { "Other", "C" }, { "Control", "Cc" }, { "cntrl", "Cc" },
};
/* clang-format on */

/* The name between braces at the start of the text, as PCRE2 knows it; NULL: as it stands. */
static const char *
short_category(struct str text, size_t *ret_n)
{
	const char *end = memchr(text.p, '}', text.n);

	*ret_n = end ? (size_t)(end - text.p) + 1 : 0;
	for (size_t i = 0; end && i < ARRAY_LEN(categories); i++)
		if (str_eqz(str_from(text.p + 1, *ret_n - 2), categories[i].ecma))
			return categories[i].pcre;
	return NULL;
}

/* PCRE2 knows general categories, \p{Letter}, by their short names only. */
static int
add_ecma(struct buf *out, struct str text)
{
	size_t i = 0, n;

	while (i < text.n) {
		bool is_escape = text.p[i] == '\\' && i + 1 < text.n;
		bool is_category = is_escape && i + 2 < text.n && text.p[i + 2] == '{' &&
			(text.p[i + 1] == 'p' || text.p[i + 1] == 'P');
		const char *name = is_category
			? short_category(str_from(text.p + i + 2, text.n - i - 2), &n)
			: NULL;

		if (buf_add(out, text.p + i, is_escape ? 2 : 1) < 0 ||
			(name && buf_addf(out, "{%s}", name) < 0))
			return -1;
		i += (is_escape ? 2 : 1) + (name ? n : 0);
	}
	return 0;
}

static uint32_t
options_of(enum lang_pattern_kind kind)
{
	uint32_t options = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C;

	if (kind == LANG_PATTERN_ECMA)
		options |= PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX | PCRE2_ALLOW_EMPTY_CLASS |
			PCRE2_MATCH_UNSET_BACKREF;
	return options;
}

static int
refused(struct str text, int code, PCRE2_SIZE at, struct err *err)
{
	PCRE2_UCHAR why[120] = "";

	pcre2_get_error_message(code, why, sizeof why);
	return err_set(err, ERR_INVALID,
		"the pattern \"" STR_FMT "\" is wrong at offset %zu: %s",
		STR_ARG(lang_cut(text, 60)), (size_t)at, (const char *)why);
}

int
lang_pattern_compile(struct str text, enum lang_pattern_kind kind, struct arena *arena,
	struct lang_pattern **ret, struct err *err)
{
	struct lang_pattern *pattern = arena_alloc(arena, sizeof *pattern);
	char *copy = pattern ? arena_strndup(arena, text.p ? text.p : "", text.n) : NULL;
	pcre2_general_context *memory =
		copy ? pcre2_general_context_create(take_memory, leave_memory, arena) : NULL;
	pcre2_compile_context *context = memory ? pcre2_compile_context_create(memory) : NULL;
	_cleanup_(buf_deinit) struct buf ecma = BUF_INIT(PATTERN_BYTES_MAX);
	PCRE2_SIZE at = 0;
	int code = 0;

	if (text.n > PATTERN_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "a pattern is longer than %" PRId64 " bytes",
			(int64_t)PATTERN_BYTES_MAX);
	if (!context)
		return err_set(err, ERR_LIMIT, "there is no room for a pattern");
	pcre2_set_parens_nest_limit(context, PARENS_DEPTH_MAX);
	if (kind == LANG_PATTERN_ECMA)
		pcre2_set_compile_extra_options(context, PCRE2_EXTRA_ALT_BSUX);
	pattern->text = str_from(copy, text.n);
	text = pattern->text;
	if (kind == LANG_PATTERN_ECMA && add_ecma(&ecma, text) == 0)
		text = buf_str(&ecma);
	pattern->code = pcre2_compile(
		(PCRE2_SPTR)text.p, text.n, options_of(kind), &code, &at, context);
	if (!pattern->code && (code == PCRE2_ERROR_NOMEMORY || code == PCRE2_ERROR_HEAP_FAILED))
		return err_set(err, ERR_LIMIT, "there is no room for a pattern");
	if (!pattern->code)
		return refused(pattern->text, code, at, err);
	(void)pcre2_pattern_info(pattern->code, PCRE2_INFO_SIZE, &pattern->bytes);
	*ret = pattern;
	return 0;
}

int64_t
lang_pattern_cost(const struct lang_pattern *pattern)
{
	return (int64_t)(pattern->bytes + pattern->text.n) / BYTES_PER_STEP + 1;
}

/* One attempt, as pcre2_match() answers it. */
static int
try_match(const struct lang_pattern *pattern, struct str text, uint32_t limit)
{
	pcre2_match_context *limits = pcre2_match_context_create(NULL);
	pcre2_match_data *match = pcre2_match_data_create(1, NULL);

	if (!limits || !match)
		abort();
	pcre2_set_match_limit(limits, limit);
	pcre2_set_depth_limit(limits, limit);
	pcre2_set_heap_limit(limits, MATCH_HEAP_KIB);
	int r = pcre2_match(
		pattern->code, (PCRE2_SPTR)(text.p ? text.p : ""), text.n, 0, 0, match, limits);

	pcre2_match_data_free(match);
	pcre2_match_context_free(limits);
	return r;
}

int
lang_pattern_match(
	const struct lang_pattern *pattern, struct str text, int64_t *steps, struct err *err)
{
	int r = PCRE2_ERROR_MATCHLIMIT;

	for (int64_t limit = MATCH_LIMIT_FIRST; limit <= PATTERN_STEPS_MAX && *steps > 0;
		limit *= MATCH_LIMIT_GROWTH) {
		*steps -= limit / MOVES_PER_STEP + (int64_t)(text.n / BYTES_PER_STEP);
		r = try_match(pattern, text, (uint32_t)limit);
		if (r != PCRE2_ERROR_MATCHLIMIT && r != PCRE2_ERROR_DEPTHLIMIT)
			break;
	}
	if ((r >= 0 || r == PCRE2_ERROR_NOMATCH) && *steps < 0)
		return err_set(err, ERR_LIMIT, "matching takes too many steps");
	if (r >= 0)
		return 0;
	if (r == PCRE2_ERROR_NOMATCH)
		return LANG_PATTERN_NO;
	return err_set(err, ERR_LIMIT, "the pattern \"" STR_FMT "\" costs too much to match",
		STR_ARG(lang_cut(pattern->text, 60)));
}
