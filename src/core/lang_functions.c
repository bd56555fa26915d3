/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of expressions: one row each in lang_functions[], at the end. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/parse.h"
#include "core/lang_impl.h"
#include "core/lang_value.h"

/* --- Arguments --- */

/* `lower() wants a text, here is the number 3`. Always NULL. */
static json_t *
wrong_arg(struct lang_eval *e, const struct lang_node *call, const char *wanted,
	const json_t *value)
{
	char shown[LANG_SHOWN_BYTES];

	return lang_fail(e, call, ERR_INVALID, "%s() wants %s, here is %s",
		call->function->name, wanted, lang_show(value, shown));
}

/* Whether all arguments are texts; else the error is there. */
static bool
are_texts(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!json_is_string(arg[i])) {
			(void)wrong_arg(e, call, n > 1 ? "texts" : "a text", arg[i]);
			return false;
		}
	}
	return true;
}

static json_t *
too_long(struct lang_eval *e, const struct lang_node *call)
{
	return lang_fail(e, call, ERR_LIMIT, "the text is longer than %" PRId64 " bytes",
		(int64_t)LANG_RESULT_BYTES_MAX);
}

/* --- What may be absent --- */

/* Evaluates a node whose absence is no error: NULL then, and *ret_failed tells other errors. */
static json_t *
eval_guarded(struct lang_eval *e, const struct lang_node *node, bool *ret_failed)
{
	struct err why = { 0 }, *outer = e->err;
	json_t *value;

	e->err = &why;
	value = lang_eval_node(e, node);
	e->err = outer;
	*ret_failed = !value && why.code != ERR_NOT_FOUND;
	if (*ret_failed && outer)
		*outer = why;
	return value;
}

static json_t *
fn_exists(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	bool failed;
	_cleanup_(json_unrefp) json_t *value = eval_guarded(e, call->kid, &failed);

	(void)arg;
	(void)n;
	return failed ? NULL : json_boolean(value != NULL);
}

static json_t *
fn_default(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	bool failed;
	_cleanup_(json_unrefp) json_t *value = eval_guarded(e, call->kid, &failed);

	(void)arg;
	(void)n;
	if (failed)
		return NULL;
	if (value && !json_is_null(value))
		return TAKE(value);
	return lang_eval_node(e, call->kid->next);
}

/* --- Texts --- */

static json_t *
fn_length(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	(void)n;
	if (json_is_array(arg[0]))
		return json_integer((json_int_t)json_array_size(arg[0]));
	if (json_is_object(arg[0]))
		return json_integer((json_int_t)json_object_size(arg[0]));
	if (!json_is_string(arg[0]))
		return wrong_arg(e, call, "a text, a list or an object", arg[0]);
	if (lang_pay(e, call, json_string_length(arg[0])) < 0)
		return NULL;
	return json_integer((json_int_t)lang_length(lang_str(arg[0])));
}

/* ASCII letters from `first` to `last` moved by `distance`. */
static json_t *
move_letters(struct lang_eval *e, const struct lang_node *call, json_t *text, char first,
	char last, int distance)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(LANG_RESULT_BYTES_MAX);

	if (!are_texts(e, call, &text, 1))
		return NULL;
	if (buf_add_str(&out, lang_str(text)) < 0)
		return too_long(e, call);
	for (size_t i = 0; i < out.len; i++)
		if (out.data[i] >= first && out.data[i] <= last)
			out.data[i] = (char)(out.data[i] + distance);
	return lang_new_text(e, call, buf_str(&out));
}

static json_t *
fn_lower(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	(void)n;
	return move_letters(e, call, arg[0], 'A', 'Z', 'a' - 'A');
}

static json_t *
fn_upper(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	(void)n;
	return move_letters(e, call, arg[0], 'a', 'z', 'A' - 'a');
}

static json_t *
fn_trim(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	if (!are_texts(e, call, arg, n))
		return NULL;
	return lang_new_text(e, call, str_trim(lang_str(arg[0])));
}

static json_t *
fn_contains(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	int has = lang_contains(e, call, arg[1], arg[0]);

	(void)n;
	return has < 0 ? NULL : json_boolean(has);
}

static json_t *
fn_starts_with(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	if (!are_texts(e, call, arg, n) || lang_pay(e, call, json_string_length(arg[1])) < 0)
		return NULL;
	return json_boolean(str_starts(lang_str(arg[0]), lang_str(arg[1])));
}

static json_t *
fn_ends_with(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	if (!are_texts(e, call, arg, n) || lang_pay(e, call, json_string_length(arg[1])) < 0)
		return NULL;
	return json_boolean(str_ends(lang_str(arg[0]), lang_str(arg[1])));
}

static json_t *
fn_join(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(LANG_RESULT_BYTES_MAX);

	(void)n;
	if (!json_is_array(arg[0]))
		return wrong_arg(e, call, "a list", arg[0]);
	if (!json_is_string(arg[1]))
		return wrong_arg(e, call, "a text as separator", arg[1]);
	for (size_t i = 0; i < json_array_size(arg[0]); i++) {
		const json_t *item = json_array_get(arg[0], i);

		if (json_is_array(item) || json_is_object(item) || json_is_null(item))
			return wrong_arg(
				e, call, "a list of texts, numbers and booleans", item);
		if (lang_pay(e, call, 0) < 0)
			return NULL;
		if ((i > 0 && buf_add_str(&out, lang_str(arg[1])) < 0) ||
			lang_write(item, &out) < 0)
			return too_long(e, call);
	}
	return lang_new_text(e, call, buf_str(&out));
}

static json_t *
fn_split(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	_cleanup_(json_unrefp) json_t *list = json_array();

	if (!are_texts(e, call, arg, n))
		return NULL;
	struct str rest = lang_str(arg[0]), separator = lang_str(arg[1]);

	if (separator.n == 0)
		return lang_fail(e, call, ERR_INVALID, "split() wants a separator");
	if (rest.n > LANG_RESULT_BYTES_MAX)
		return too_long(e, call);
	if (lang_pay(e, call, rest.n) < 0)
		return NULL;
	for (;;) {
		const char *hit = memmem(rest.p, rest.n, separator.p, separator.n);
		size_t len = hit ? (size_t)(hit - rest.p) : rest.n;

		if (lang_pay(e, call, 0) < 0)
			return NULL;
		(void)json_array_append_new(list, json_stringn(rest.p, len));
		if (!hit)
			return TAKE(list);
		rest = str_from(hit + separator.n, rest.n - len - separator.n);
	}
}

/* --- Lists --- */

static json_t *
item_or_absent(struct lang_eval *e, const struct lang_node *call, json_t *list, bool is_last)
{
	size_t n = json_array_size(list);

	if (!json_is_array(list))
		return wrong_arg(e, call, "a list", list);
	if (n == 0)
		return lang_fail(
			e, call, ERR_NOT_FOUND, "%s() of an empty list", call->function->name);
	return json_incref(json_array_get(list, is_last ? n - 1 : 0));
}

static json_t *
fn_first(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	(void)n;
	return item_or_absent(e, call, arg[0], false);
}

static json_t *
fn_last(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	(void)n;
	return item_or_absent(e, call, arg[0], true);
}

static json_t *
fn_keys(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	_cleanup_(json_unrefp) json_t *list = json_array();

	(void)n;
	if (!json_is_object(arg[0]))
		return wrong_arg(e, call, "an object", arg[0]);
	for (void *at = json_object_iter(arg[0]); at; at = json_object_iter_next(arg[0], at)) {
		size_t len = json_object_iter_key_len(at);

		if (lang_pay(e, call, len) < 0)
			return NULL;
		(void)json_array_append_new(list, json_stringn(json_object_iter_key(at), len));
	}
	return TAKE(list);
}

/* The condition on one item: 1 or 0; -1 with an error. */
static int
item_fits(struct lang_eval *e, const struct lang_node *call, json_t *item)
{
	json_t *outer = e->value;

	e->value = item;
	_cleanup_(json_unrefp) json_t *fits = lang_eval_node(e, call->kid->next);
	e->value = outer;
	if (fits && !json_is_boolean(fits))
		(void)wrong_arg(e, call, "a condition, true or false, for each item", fits);
	return fits && json_is_boolean(fits) ? json_is_true(fits) : -1;
}

/* How many items fit, stopping at the first whose answer is `until` (-1: at none). */
static int64_t
count_fitting(struct lang_eval *e, const struct lang_node *call, int until, bool *ret_stopped)
{
	_cleanup_(json_unrefp) json_t *list = lang_eval_node(e, call->kid);
	int64_t n = 0;

	*ret_stopped = false;
	if (!list)
		return -1;
	if (!json_is_array(list)) {
		(void)wrong_arg(e, call, "a list", list);
		return -1;
	}
	for (size_t i = 0; i < json_array_size(list) && !*ret_stopped; i++) {
		int fits = item_fits(e, call, json_array_get(list, i));

		if (fits < 0)
			return -1;
		n += fits;
		*ret_stopped = fits == until;
	}
	return n;
}

static json_t *
fn_any(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	bool stopped;

	(void)arg;
	(void)n;
	return count_fitting(e, call, 1, &stopped) < 0 ? NULL : json_boolean(stopped);
}

static json_t *
fn_all(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	bool stopped;

	(void)arg;
	(void)n;
	return count_fitting(e, call, 0, &stopped) < 0 ? NULL : json_boolean(!stopped);
}

static json_t *
fn_count(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	bool stopped;
	int64_t fitting = count_fitting(e, call, -1, &stopped);

	(void)arg;
	(void)n;
	return fitting < 0 ? NULL : json_integer(fitting);
}

/* --- Numbers --- */

static json_t *
to_whole(
	struct lang_eval *e, const struct lang_node *call, json_t *number, double (*fn)(double))
{
	double whole;

	if (json_is_integer(number))
		return json_incref(number);
	if (!json_is_real(number))
		return wrong_arg(e, call, "a number", number);
	whole = fn(json_real_value(number));
	if (!(whole >= -0x1p63 && whole < 0x1p63))
		return lang_fail(e, call, ERR_INVALID, "the result does not fit 64 bits");
	return json_integer((json_int_t)whole);
}

static json_t *
fn_round(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	(void)n;
	return to_whole(e, call, arg[0], round);
}

static json_t *
fn_floor(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	(void)n;
	return to_whole(e, call, arg[0], floor);
}

/* The argument that is least (sign 1) or greatest (sign -1). */
static json_t *
extreme(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n,
	int sign)
{
	json_t *list = n == 1 && json_is_array(arg[0]) ? arg[0] : NULL, *best = NULL;
	size_t n_values = list ? json_array_size(list) : n;

	for (size_t i = 0; i < n_values; i++) {
		json_t *value = list ? json_array_get(list, i) : arg[i];

		if (!json_is_number(value))
			return wrong_arg(e, call, "numbers, or one list of numbers", value);
		if (lang_pay(e, call, 0) < 0)
			return NULL;
		if (!best || sign * lang_compare_numbers(value, best) < 0)
			best = value;
	}
	if (!best)
		return lang_fail(
			e, call, ERR_NOT_FOUND, "%s() of an empty list", call->function->name);
	return json_incref(best);
}

static json_t *
fn_min(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	return extreme(e, call, arg, n, 1);
}

static json_t *
fn_max(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	return extreme(e, call, arg, n, -1);
}

/* --- From one type to another --- */

static json_t *
fn_number(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	struct str text = str_trim(lang_str(arg[0]));
	int64_t whole;
	double real;
	struct err ignored;

	(void)n;
	if (json_is_number(arg[0]))
		return json_incref(arg[0]);
	if (json_is_string(arg[0]) &&
		parse_i64(text, INT64_MIN, INT64_MAX, &whole, &ignored) == 0)
		return json_integer(whole);
	if (json_is_string(arg[0]) &&
		parse_double(text, -HUGE_VAL, HUGE_VAL, &real, &ignored) == 0)
		return json_real(real);
	return wrong_arg(e, call, "a number, or a text that is one", arg[0]);
}

static json_t *
write_value(
	struct lang_eval *e, const struct lang_node *call, const json_t *value, bool as_json)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(LANG_RESULT_BYTES_MAX);
	struct jw jw;
	int r;

	if (as_json && json_is_string(value)) {
		jw_init(&jw, &out);
		jw_strn(&jw, json_string_value(value), json_string_length(value));
		r = jw_done(&jw);
	} else {
		r = lang_write(value, &out);
	}
	return r < 0 ? too_long(e, call) : lang_new_text(e, call, buf_str(&out));
}

static json_t *
fn_text(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	(void)n;
	if (json_is_string(arg[0]))
		return json_incref(arg[0]);
	return write_value(e, call, arg[0], false);
}

static json_t *
fn_json(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	(void)n;
	return write_value(e, call, arg[0], true);
}

static json_t *
fn_from_json(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	struct err why;
	json_t *value;

	if (!are_texts(e, call, arg, n))
		return NULL;
	struct str text = lang_str(arg[0]);

	if (text.n > LANG_RESULT_BYTES_MAX)
		return too_long(e, call);
	/* A node of the value costs more than its bytes. */
	if (lang_pay(e, call, text.n * 8) < 0)
		return NULL;
	value = json_read(text.p, text.n, JSON_DEPTH_MAX, &why);
	if (!value)
		return lang_fail(e, call, ERR_INVALID, "fromJson(): %s", why.text);
	return value;
}

/* --- Time --- */

static json_t *
fn_now(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	(void)arg;
	(void)n;
	if (e->scope->now_ms == 0)
		return lang_fail(e, call, ERR_INVALID, "now() is not available here");
	return json_integer(e->scope->now_ms);
}

static json_t *
fn_time(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	int64_t wall_ms;
	struct err why;

	if (!are_texts(e, call, arg, n))
		return NULL;
	if (time_parse(lang_str(arg[0]), &wall_ms, &why) < 0)
		return lang_fail(e, call, ERR_INVALID, "time(): %s", why.text);
	return json_integer(wall_ms);
}

static json_t *
fn_duration(struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n)
{
	int64_t ms;
	struct err why;

	if (!are_texts(e, call, arg, n))
		return NULL;
	if (parse_duration_ms(lang_str(arg[0]), INT64_MAX, &ms, &why) < 0)
		return lang_fail(e, call, ERR_INVALID, "duration(): %s", why.text);
	return json_integer(ms);
}

/* clang-format off */
const struct lang_function lang_functions[] = {
	{ "exists",     "exists(path)",            1, 1, true,  false, fn_exists },
	{ "default",    "default(value, other)",   2, 2, true,  false, fn_default },
	{ "length",     "length(x)",               1, 1, false, false, fn_length },
	{ "lower",      "lower(text)",             1, 1, false, false, fn_lower },
	{ "upper",      "upper(text)",             1, 1, false, false, fn_upper },
	{ "trim",       "trim(text)",              1, 1, false, false, fn_trim },
	{ "contains",   "contains(x, y)",          2, 2, false, false, fn_contains },
	{ "startsWith", "startsWith(text, part)",  2, 2, false, false, fn_starts_with },
	{ "endsWith",   "endsWith(text, part)",    2, 2, false, false, fn_ends_with },
	{ "join",       "join(list, separator)",   2, 2, false, false, fn_join },
	{ "split",      "split(text, separator)",  2, 2, false, false, fn_split },
	{ "first",      "first(list)",             1, 1, false, false, fn_first },
	{ "last",       "last(list)",              1, 1, false, false, fn_last },
	{ "keys",       "keys(object)",            1, 1, false, false, fn_keys },
	{ "any",        "any(list, condition)",    2, 2, true,  true,  fn_any },
	{ "all",        "all(list, condition)",    2, 2, true,  true,  fn_all },
	{ "count",      "count(list, condition)",  2, 2, true,  true,  fn_count },
	{ "round",      "round(number)",           1, 1, false, false, fn_round },
	{ "floor",      "floor(number)",           1, 1, false, false, fn_floor },
	{ "min",        "min(number, …)",          1, LANG_ARGS_MAX, false, false, fn_min },
	{ "max",        "max(number, …)",          1, LANG_ARGS_MAX, false, false, fn_max },
	{ "number",     "number(x)",               1, 1, false, false, fn_number },
	{ "text",       "text(x)",                 1, 1, false, false, fn_text },
	{ "json",       "json(x)",                 1, 1, false, false, fn_json },
	{ "fromJson",   "fromJson(text)",          1, 1, false, false, fn_from_json },
	{ "now",        "now()",                   0, 0, false, false, fn_now },
	{ "time",       "time(text)",              1, 1, false, false, fn_time },
	{ "duration",   "duration(text)",          1, 1, false, false, fn_duration },
	{ 0 },
};
/* clang-format on */
