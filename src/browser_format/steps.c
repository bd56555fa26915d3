/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of the format, from the smallest parts up, and the few rules that no table says.
 * Recursion (targets in targets, steps in steps) goes through the names declared first.
 */
#include "browser_format/steps.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "browser_format/config.h"
#include "browser_format/target.h"

static const struct shape condition_shape;
static const struct shape frame_shape;

/* One aligned line per member. */
/* clang-format off */

/* --- Plain values --- */

#define RANGE(lo, hi) .min = (lo), .max = (hi)

static const struct shape any_shape = { .kind = SHAPE_ANY };
static const struct shape flag_shape = { .kind = SHAPE_FLAG };
static const struct shape true_shape = { .kind = SHAPE_TRUE };
static const struct shape text_shape = { .kind = SHAPE_TEXT, RANGE(0, BROWSER_TEXT_BYTES_MAX) };
static const struct shape label_shape = { .kind = SHAPE_TEXT, RANGE(1, BROWSER_LABEL_BYTES_MAX) };
static const struct shape name_shape = { .kind = SHAPE_TEXT, RANGE(1, NAME_BYTES_MAX) };
static const struct shape url_shape = { .kind = SHAPE_TEXT, RANGE(1, URL_BYTES_MAX), .about = "an address" };
static const struct shape code_shape = { .kind = SHAPE_TEXT, RANGE(1, BROWSER_TEXT_BYTES_MAX), .about = "JavaScript" };
static const struct shape wait_ms_shape = { .kind = SHAPE_DURATION, RANGE(0, BROWSER_WAIT_MS_MAX) };
static const struct shape number_shape = { .kind = SHAPE_NUM };
static const struct shape coordinate_shape = { .kind = SHAPE_NUM, RANGE(-1000000, 1000000) };
static const struct shape index_shape = { .kind = SHAPE_INT, RANGE(-1000000, 1000000) };
static const struct shape count_shape = { .kind = SHAPE_INT, RANGE(0, 1000000) };
static const struct shape times_shape = { .kind = SHAPE_INT, RANGE(1, BROWSER_ROUNDS_MAX) };
static const struct shape any_map_shape = { .kind = SHAPE_MAP, .item = &any_shape, RANGE(0, 1000), .about = "an object of values" };
static const struct shape texts_shape = { .kind = SHAPE_LIST, .item = &text_shape, RANGE(0, 1000) };
static const struct shape labels_shape = { .kind = SHAPE_LIST, .item = &label_shape, RANGE(1, 100) };

static const char *const load_words[] = { "load", "domcontentloaded", "networkidle", "commit", NULL };
static const struct shape load_shape = { .kind = SHAPE_WORD, .words = load_words };

static const struct shape_member point_members[] = {
	{ "x", &coordinate_shape, true, NULL },
	{ "y", &coordinate_shape, true, NULL },
	{ 0 },
};
static const struct shape point_shape = { .kind = SHAPE_OBJECT, .members = point_members, .about = "{ x, y }" };

/* --- Targets --- */

#define TARGET_MEMBERS \
	{ "css", &label_shape, false, "a CSS selector, through open shadow roots as well" }, \
	{ "text", &label_shape, false, "the smallest elements with this text" }, \
	{ "role", &label_shape, false, "the ARIA role, explicit or implied" }, \
	{ "name", &label_shape, false, "the accessible name, with role" }, \
	{ "checked", &flag_shape, false, NULL }, \
	{ "pressed", &flag_shape, false, NULL }, \
	{ "expanded", &flag_shape, false, NULL }, \
	{ "selected", &flag_shape, false, NULL }, \
	{ "disabled", &flag_shape, false, NULL }, \
	{ "level", &count_shape, false, "of a heading" }, \
	{ "label", &label_shape, false, "a form control by its label" }, \
	{ "placeholder", &label_shape, false, NULL }, \
	{ "alt", &label_shape, false, NULL }, \
	{ "title", &label_shape, false, NULL }, \
	{ "testId", &label_shape, false, NULL }, \
	{ "exact", &flag_shape, false, "texts are compared whole and with case" }, \
	{ "hasText", &label_shape, false, "text somewhere inside" }, \
	{ "hasNotText", &label_shape, false, NULL }, \
	{ "has", &target_shape, false, "an element somewhere inside" }, \
	{ "hasNot", &target_shape, false, NULL }, \
	{ "visible", &flag_shape, false, NULL }, \
	{ "includeHidden", &flag_shape, false, "with role: hidden elements as well" }, \
	{ "and", &target_shape, false, "a target that means the same element" }, \
	{ "inside", &target_shape, false, "only what is inside that" }, \
	{ "nth", &index_shape, false, "from 0; negative from the end" }, \
	{ "first", &true_shape, false, NULL }, \
	{ "last", &true_shape, false, NULL }, \
	{ "frame", &frame_shape, false, "the frame to look in, from the outside in" }

static const char *const target_any_of[] = { "css", "role", "text", "label", "placeholder", "alt", "title", "testId", "hasText", "has", "and", NULL };
static const struct shape_member target_members[] = { TARGET_MEMBERS, { 0 } };
static const struct shape target_object = { .kind = SHAPE_OBJECT, .members = target_members, .any_of = target_any_of, .about = "a target" };
static const struct shape *const target_either[] = { &label_shape, &target_object, NULL };
const struct shape target_shape = { .kind = SHAPE_EITHER, .title = "target", .either = target_either, .also = target_check, .about = "a target (a selector or an object)" };
static const struct shape targets_shape = { .kind = SHAPE_LIST, .item = &target_shape, RANGE(1, 100) };
static const struct shape *const frame_either[] = { &label_shape, &target_object, &targets_shape, NULL };
static const struct shape frame_shape = { .kind = SHAPE_EITHER, .title = "frame", .either = frame_either, .also = target_check, .about = "a target of a frame, or a list of them" };

/* --- Comparisons --- */

#define COMPARISON_MEMBERS \
	{ "is", &any_shape, false, NULL }, \
	{ "contains", &text_shape, false, NULL }, \
	{ "matches", &label_shape, false, "a regular expression" }, \
	{ "startsWith", &text_shape, false, NULL }, \
	{ "endsWith", &text_shape, false, NULL }, \
	{ "min", &number_shape, false, NULL }, \
	{ "max", &number_shape, false, NULL }, \
	{ "oneOf", &list_shape, false, NULL }

static const struct shape list_shape = { .kind = SHAPE_LIST, .item = &any_shape, RANGE(0, 1000) };
const char *const comparison_names[] = { "is", "contains", "matches", "startsWith", "endsWith", "min", "max", "oneOf", NULL };
static const struct shape_member match_members[] = { COMPARISON_MEMBERS, { "exact", &flag_shape, false, "false: without regard to case" }, { 0 } };
static const struct shape match_object = { .kind = SHAPE_OBJECT, .members = match_members, .any_of = comparison_names, .about = "a comparison" };
static const struct shape *const match_either[] = { &text_shape, &match_object, NULL };
static const struct shape match_shape = { .kind = SHAPE_EITHER, .title = "match", .either = match_either, .about = "a text, or an object of comparisons such as { contains: … }," };

/* --- Responses, screenshots --- */

static const struct shape *const status_item_either[] = { &count_shape, &label_shape, NULL };
static const struct shape status_item_shape = { .kind = SHAPE_EITHER, .either = status_item_either };
static const struct shape statuses_shape = { .kind = SHAPE_LIST, .item = &status_item_shape, RANGE(1, 100) };
static const struct shape *const status_either[] = { &count_shape, &label_shape, &statuses_shape, NULL };
static const struct shape status_shape = { .kind = SHAPE_EITHER, .either = status_either, .about = "a status such as 200, \"2xx\" or a list of them" };
static const struct shape_member response_members[] = {
	{ "url", &label_shape, false, "a pattern as that of a mock" },
	{ "method", &label_shape, false, NULL },
	{ "status", &status_shape, false, NULL },
	{ "ask", &flag_shape, false, "ask for the address now, with the page's cookies" },
	{ 0 },
};
static const char *const response_any_of[] = { "url", "method", "status", NULL };
static const struct shape response_shape = { .kind = SHAPE_OBJECT, .title = "response", .members = response_members, .any_of = response_any_of, .about = "a response" };

static const struct shape ratio_shape = { .kind = SHAPE_NUM, RANGE(0, 1) };

/* --- Expectations --- */

static const char *const clean_words[] = { "clean", NULL };
static const struct shape clean_shape = { .kind = SHAPE_WORD, .words = clean_words };
static const struct shape_member console_members[] = {
	{ "errors", &count_shape, false, "at most so many" },
	{ "ignore", &texts_shape, false, NULL },
	{ 0 },
};
static const struct shape console_object = { .kind = SHAPE_OBJECT, .members = console_members, .about = "what the console may hold" };
static const struct shape *const console_either[] = { &clean_shape, &console_object, NULL };
static const struct shape console_shape = { .kind = SHAPE_EITHER, .either = console_either, .about = "\"clean\" or { errors, ignore }" };

#define EXPECT_MEMBERS \
	{ "visible", &target_shape, false, NULL }, \
	{ "hidden", &target_shape, false, NULL }, \
	{ "attached", &target_shape, false, NULL }, \
	{ "enabled", &target_shape, false, NULL }, \
	{ "disabled", &target_shape, false, NULL }, \
	{ "editable", &target_shape, false, NULL }, \
	{ "checked", &target_shape, false, NULL }, \
	{ "unchecked", &target_shape, false, NULL }, \
	{ "focused", &target_shape, false, NULL }, \
	{ "empty", &target_shape, false, NULL }, \
	{ "text", &target_shape, false, NULL }, \
	{ "value", &target_shape, false, NULL }, \
	{ "count", &target_shape, false, NULL }, \
	{ "attribute", &label_shape, false, "its name; `of` says of what" }, \
	{ "css", &label_shape, false, "name of a property; `of` says of what" }, \
	{ "url", &match_shape, false, NULL }, \
	{ "title", &match_shape, false, NULL }, \
	{ "response", &response_shape, false, NULL }, \
	{ "dialog", &match_shape, false, "message of the last dialog" }, \
	{ "eval", &code_shape, false, NULL }, \
	{ "var", &label_shape, false, "name of a variable" }, \
	{ "console", &console_shape, false, NULL }, \
	{ "screenshot", &name_shape, false, "name of the baseline" }, \
	{ "of", &target_shape, false, NULL }, \
	COMPARISON_MEMBERS, \
	{ "exact", &flag_shape, false, "false: texts without regard to case" }, \
	{ "not", &flag_shape, false, "the opposite" }, \
	{ "maxDiffPixels", &count_shape, false, NULL }, \
	{ "maxDiffRatio", &ratio_shape, false, NULL }, \
	{ "threshold", &ratio_shape, false, NULL }, \
	{ "mask", &targets_shape, false, "what is painted over" }, \
	{ "fullPage", &flag_shape, false, NULL }

const char *const expect_subjects[] = { "visible", "hidden", "attached", "enabled", "disabled",
	"editable", "checked", "unchecked", "focused", "empty", "text", "value", "count", "attribute",
	"css", "url", "title", "response", "dialog", "eval", "var", "console", "screenshot", NULL };
static const struct shape_member expect_members[] = { EXPECT_MEMBERS, { 0 } };
static const struct shape expect_object = { .kind = SHAPE_OBJECT, .members = expect_members, .one_of = expect_subjects, .about = "an expectation" };
static const struct shape *const expect_either[] = { &label_shape, &expect_object, NULL };
static const struct shape expect_shape = { .kind = SHAPE_EITHER, .title = "expectation", .either = expect_either, .about = "an expectation (a text, or an object such as { visible: … })" };

static const char *const condition_one_of[] = { "visible", "hidden", "attached", "enabled", "disabled",
	"editable", "checked", "unchecked", "focused", "empty", "text", "value", "count", "attribute",
	"css", "url", "title", "response", "dialog", "eval", "var", "console", "all", "any", "none", NULL };
static const struct shape conditions_shape = { .kind = SHAPE_LIST, .item = &condition_shape, RANGE(1, 100) };
static const struct shape_member condition_members[] = {
	EXPECT_MEMBERS,
	{ "all", &conditions_shape, false, NULL },
	{ "any", &conditions_shape, false, NULL },
	{ "none", &conditions_shape, false, NULL },
	{ "within", &wait_ms_shape, false, "wait so long for it" },
	{ 0 },
};
static const struct shape condition_object = { .kind = SHAPE_OBJECT, .members = condition_members, .one_of = condition_one_of, .about = "a condition" };
static const struct shape *const condition_either[] = { &label_shape, &flag_shape, &condition_object, NULL };
static const struct shape condition_shape = { .kind = SHAPE_EITHER, .title = "condition", .either = condition_either, .about = "a condition (a variable's name, or an object such as { visible: … })" };

/* --- Going places --- */

static const struct shape_member open_members[] = {
	{ "url", &url_shape, true, NULL },
	{ "waitUntil", &load_shape, false, NULL },
	{ "referrer", &url_shape, false, NULL },
	{ 0 },
};
static const struct shape open_object = { .kind = SHAPE_OBJECT, .members = open_members };
static const struct shape *const open_either[] = { &url_shape, &open_object, NULL };
static const struct shape open_shape = { .kind = SHAPE_EITHER, .either = open_either, .about = "an address, or { url, waitUntil }," };

static const struct shape_member again_members[] = { { "waitUntil", &load_shape, false, NULL }, { 0 } };
static const struct shape again_object = { .kind = SHAPE_OBJECT, .members = again_members };
static const struct shape *const again_either[] = { &true_shape, &again_object, NULL };
static const struct shape again_shape = { .kind = SHAPE_EITHER, .either = again_either, .about = "true, or { waitUntil }," };

static const char *const tab_words[] = { "new", "close", "first", "last", NULL };
static const struct shape tab_word_shape = { .kind = SHAPE_WORD, .words = tab_words };
static const struct shape_member tab_switch_members[] = {
	{ "url", &match_shape, false, NULL },
	{ "title", &match_shape, false, NULL },
	{ 0 },
};
static const char *const tab_switch_one_of[] = { "url", "title", NULL };
static const struct shape tab_switch_shape = { .kind = SHAPE_OBJECT, .members = tab_switch_members, .one_of = tab_switch_one_of, .about = "{ url } or { title }" };
static const struct shape_member tab_members[] = {
	{ "open", &url_shape, false, NULL },
	{ "switch", &tab_switch_shape, false, NULL },
	{ 0 },
};
static const char *const tab_one_of[] = { "open", "switch", NULL };
static const struct shape tab_object = { .kind = SHAPE_OBJECT, .members = tab_members, .one_of = tab_one_of, .about = "{ open } or { switch }" };
static const struct shape *const tab_either[] = { &tab_word_shape, &count_shape, &tab_object, NULL };
static const struct shape tab_shape = { .kind = SHAPE_EITHER, .either = tab_either, .about = "new, close, first, last, a number, { open } or { switch }" };

/* --- Acting --- */

static const char *const button_words[] = { "left", "right", "middle", NULL };
static const struct shape button_shape = { .kind = SHAPE_WORD, .words = button_words };
static const char *const modifier_words[] = { "Alt", "Control", "Meta", "Shift", NULL };
static const struct shape modifier_shape = { .kind = SHAPE_WORD, .words = modifier_words };
static const struct shape modifiers_shape = { .kind = SHAPE_LIST, .item = &modifier_shape, RANGE(0, 4) };

static const struct shape_member click_members[] = {
	TARGET_MEMBERS,
	{ "button", &button_shape, false, NULL },
	{ "modifiers", &modifiers_shape, false, "keys that are held" },
	{ "position", &point_shape, false, "from the element's left upper corner" },
	{ "force", &flag_shape, false, "without waiting until it can be hit" },
	{ 0 },
};
static const struct shape click_object = { .kind = SHAPE_OBJECT, .members = click_members, .any_of = target_any_of, .about = "a target" };
static const struct shape *const click_either[] = { &label_shape, &click_object, NULL };
static const struct shape click_shape = { .kind = SHAPE_EITHER, .title = "click", .either = click_either, .also = target_check, .about = "a target (a selector or an object)" };

static const struct shape_member point_at_members[] = {
	TARGET_MEMBERS,
	{ "position", &point_shape, false, "from the element's left upper corner" },
	{ "force", &flag_shape, false, "without waiting until it can be hit" },
	{ 0 },
};
static const struct shape point_at_object = { .kind = SHAPE_OBJECT, .members = point_at_members, .any_of = target_any_of, .about = "a target" };
static const struct shape *const point_at_either[] = { &label_shape, &point_at_object, NULL };
static const struct shape point_at_shape = { .kind = SHAPE_EITHER, .title = "point", .either = point_at_either, .also = target_check, .about = "a target (a selector or an object)" };

static const struct shape_member type_members[] = {
	{ "into", &target_shape, false, "without it: what has the focus" },
	{ "text", &text_shape, true, NULL },
	{ "append", &flag_shape, false, "behind what is there" },
	{ "delay", &wait_ms_shape, false, "key by key" },
	{ "submit", &flag_shape, false, "then Enter" },
	{ "secret", &flag_shape, false, "is not shown" },
	{ 0 },
};
static const struct shape type_object = { .kind = SHAPE_OBJECT, .members = type_members };
static const struct shape *const type_either[] = { &text_shape, &type_object, NULL };
static const struct shape type_shape = { .kind = SHAPE_EITHER, .either = type_either, .about = "a text, or { into, text }," };

static const struct shape_member press_members[] = {
	{ "key", &label_shape, true, NULL },
	{ "on", &target_shape, false, NULL },
	{ "times", &times_shape, false, NULL },
	{ 0 },
};
static const struct shape press_object = { .kind = SHAPE_OBJECT, .members = press_members };
static const struct shape *const press_either[] = { &label_shape, &press_object, NULL };
static const struct shape press_shape = { .kind = SHAPE_EITHER, .either = press_either, .about = "a key such as Enter or Control+A, or { key, on }," };

static const struct shape_member option_members[] = {
	{ "label", &text_shape, false, NULL },
	{ "value", &text_shape, false, NULL },
	{ "index", &count_shape, false, NULL },
	{ 0 },
};
static const char *const option_one_of[] = { "label", "value", "index", NULL };
static const struct shape option_object = { .kind = SHAPE_OBJECT, .members = option_members, .one_of = option_one_of, .about = "an option" };
static const struct shape *const option_item_either[] = { &text_shape, &option_object, NULL };
static const struct shape option_item_shape = { .kind = SHAPE_EITHER, .either = option_item_either, .about = "an option's text, or { label }, { value } or { index }," };
static const struct shape options_shape = { .kind = SHAPE_LIST, .item = &option_item_shape, RANGE(0, 1000) };
static const struct shape *const option_either[] = { &text_shape, &option_object, &options_shape, NULL };
static const struct shape option_shape = { .kind = SHAPE_EITHER, .either = option_either, .about = "an option's text, or { label }, { value } or { index }, or a list of these" };
static const struct shape_member select_members[] = {
	{ "in", &target_shape, true, NULL },
	{ "option", &option_shape, true, NULL },
	{ 0 },
};
static const struct shape select_shape = { .kind = SHAPE_OBJECT, .members = select_members, .about = "{ in, option }" };

static const struct shape_member file_members[] = {
	{ "name", &name_shape, true, NULL },
	{ "content", &text_shape, true, NULL },
	{ 0 },
};
static const struct shape file_object = { .kind = SHAPE_OBJECT, .members = file_members };
static const struct shape *const file_item_either[] = { &label_shape, &file_object, NULL };
static const struct shape file_item_shape = { .kind = SHAPE_EITHER, .either = file_item_either, .about = "a path, or { name, content }," };
static const struct shape files_list_shape = { .kind = SHAPE_LIST, .item = &file_item_shape, RANGE(0, 100) };
static const struct shape *const files_either[] = { &label_shape, &file_object, &files_list_shape, NULL };
static const struct shape files_shape = { .kind = SHAPE_EITHER, .either = files_either, .about = "a path, { name, content }, or a list of these" };
static const struct shape_member upload_members[] = {
	{ "into", &target_shape, true, NULL },
	{ "files", &files_shape, true, NULL },
	{ 0 },
};
static const struct shape upload_shape = { .kind = SHAPE_OBJECT, .members = upload_members, .about = "{ into, files }" };

static const struct shape_member drag_members[] = {
	{ "from", &target_shape, true, NULL },
	{ "to", &target_shape, false, NULL },
	{ "by", &point_shape, false, NULL },
	{ "position", &point_shape, false, "where in `to`, from its left upper corner" },
	{ 0 },
};
static const char *const drag_one_of[] = { "to", "by", NULL };
static const struct shape drag_shape = { .kind = SHAPE_OBJECT, .members = drag_members, .one_of = drag_one_of, .about = "{ from, to } or { from, by }" };

static const char *const scroll_words[] = { "top", "bottom", NULL };
static const struct shape scroll_word_shape = { .kind = SHAPE_WORD, .words = scroll_words };
static const struct shape_member scroll_members[] = {
	{ "to", &target_shape, false, NULL },
	{ "by", &point_shape, false, NULL },
	{ "in", &target_shape, false, NULL },
	{ 0 },
};
static const char *const scroll_one_of[] = { "to", "by", NULL };
static const struct shape scroll_object = { .kind = SHAPE_OBJECT, .members = scroll_members, .one_of = scroll_one_of, .about = "{ to } or { by, in }" };
static const struct shape *const scroll_either[] = { &scroll_word_shape, &scroll_object, NULL };
static const struct shape scroll_shape = { .kind = SHAPE_EITHER, .either = scroll_either, .about = "top, bottom, { to } or { by, in }" };

/* --- Waiting and looking --- */

static const char *const state_words[] = { "visible", "hidden", "attached", "detached", NULL };
static const struct shape state_shape = { .kind = SHAPE_WORD, .words = state_words };
static const struct shape_member wait_members[] = {
	{ "for", &target_shape, false, NULL },
	{ "state", &state_shape, false, NULL },
	{ "load", &load_shape, false, NULL },
	{ "url", &match_shape, false, NULL },
	{ "response", &response_shape, false, NULL },
	{ "until", &code_shape, false, NULL },
	{ 0 },
};
static const char *const wait_one_of[] = { "for", "load", "url", "response", "until", NULL };
static const struct shape wait_object = { .kind = SHAPE_OBJECT, .members = wait_members, .one_of = wait_one_of, .about = "what to wait for" };
static const struct shape *const wait_either[] = { &wait_ms_shape, &wait_object, NULL };
static const struct shape wait_shape = { .kind = SHAPE_EITHER, .either = wait_either, .about = "a duration, or { for }, { load }, { url }, { response } or { until }," };

static const char *const as_words[] = { "text", "number", "boolean", "json", NULL };
static const struct shape as_shape = { .kind = SHAPE_WORD, .words = as_words };
static const struct shape_member source_members[] = {
	{ "text", &target_shape, false, NULL },
	{ "value", &target_shape, false, NULL },
	{ "html", &target_shape, false, NULL },
	{ "count", &target_shape, false, NULL },
	{ "attribute", &label_shape, false, NULL },
	{ "css", &label_shape, false, NULL },
	{ "of", &target_shape, false, NULL },
	{ "url", &true_shape, false, NULL },
	{ "title", &true_shape, false, NULL },
	{ "cookie", &label_shape, false, NULL },
	{ "eval", &code_shape, false, NULL },
	{ "matches", &label_shape, false, "a regular expression; its first group is taken" },
	{ "as", &as_shape, false, NULL },
	{ "all", &flag_shape, false, "a list of all matches" },
	{ 0 },
};
static const char *const source_one_of[] = { "text", "value", "html", "count", "attribute", "css", "url", "title", "cookie", "eval", NULL };
static const struct shape source_object = { .kind = SHAPE_OBJECT, .members = source_members, .one_of = source_one_of, .about = "what to extract" };
static const struct shape *const source_either[] = { &label_shape, &source_object, NULL };
static const struct shape source_shape = { .kind = SHAPE_EITHER, .title = "source", .either = source_either, .also = target_check, .about = "what to extract (a target, or an object such as { value: … })" };
static const struct shape extract_shape = { .kind = SHAPE_MAP, .item = &source_shape, RANGE(1, 100), .about = "{ NAME: SOURCE, … }" };

static const struct shape_member eval_members[] = {
	{ "code", &code_shape, true, NULL },
	{ "on", &target_shape, false, NULL },
	{ "save", &name_shape, false, "name of a variable" },
	{ "args", &any_shape, false, NULL },
	{ 0 },
};
static const struct shape eval_object = { .kind = SHAPE_OBJECT, .members = eval_members };
static const struct shape *const eval_either[] = { &code_shape, &eval_object, NULL };
static const struct shape eval_shape = { .kind = SHAPE_EITHER, .either = eval_either, .about = "JavaScript, or { code, on, save, args }," };

static const struct shape_member shot_members[] = {
	{ "name", &name_shape, true, NULL },
	{ "of", &target_shape, false, NULL },
	{ "fullPage", &flag_shape, false, NULL },
	{ "mask", &targets_shape, false, NULL },
	{ 0 },
};
static const struct shape shot_object = { .kind = SHAPE_OBJECT, .members = shot_members };
static const struct shape *const shot_either[] = { &name_shape, &shot_object, NULL };
static const struct shape shot_shape = { .kind = SHAPE_EITHER, .either = shot_either, .about = "a name, or { name, of, fullPage, mask }," };

/* --- Ways --- */

static const struct shape_member use_members[] = {
	{ "steps", &name_shape, true, NULL },
	{ "with", &any_map_shape, false, NULL },
	{ 0 },
};
static const struct shape use_object = { .kind = SHAPE_OBJECT, .members = use_members };
static const struct shape *const use_either[] = { &name_shape, &use_object, NULL };
static const struct shape use_shape = { .kind = SHAPE_EITHER, .either = use_either, .about = "the name of steps in the library, or { steps, with }," };

static const struct shape_member repeat_members[] = {
	{ "steps", &steps_shape, true, NULL },
	{ "times", &times_shape, false, NULL },
	{ "until", &condition_shape, false, NULL },
	{ "while", &condition_shape, false, NULL },
	{ "each", &list_shape, false, NULL },
	{ "as", &name_shape, false, "variable for the item of each round" },
	{ "max", &times_shape, false, NULL },
	{ "pause", &wait_ms_shape, false, NULL },
	{ 0 },
};
static const char *const repeat_one_of[] = { "times", "until", "while", "each", NULL };
static const struct shape repeat_shape = { .kind = SHAPE_OBJECT, .members = repeat_members, .one_of = repeat_one_of, .about = "{ steps } with times, until, while or each" };

static const struct shape_member fail_members[] = {
	{ "text", &text_shape, true, NULL },
	{ "errored", &flag_shape, false, "the test cannot be carried out here" },
	{ 0 },
};
static const struct shape fail_object = { .kind = SHAPE_OBJECT, .members = fail_members };
static const struct shape *const fail_either[] = { &text_shape, &fail_object, NULL };
static const struct shape fail_shape = { .kind = SHAPE_EITHER, .either = fail_either, .about = "a text, or { text, errored }," };

/* --- Around the page --- */

static const char *const dialog_words[] = { "accept", "dismiss", NULL };
static const struct shape dialog_word_shape = { .kind = SHAPE_WORD, .words = dialog_words };
static const struct shape_member dialog_members[] = {
	{ "action", &dialog_word_shape, true, NULL },
	{ "text", &text_shape, false, "answer to a prompt" },
	{ 0 },
};
static const struct shape dialog_object = { .kind = SHAPE_OBJECT, .members = dialog_members };
static const struct shape *const dialog_either[] = { &dialog_word_shape, &dialog_object, NULL };
static const struct shape dialog_shape = { .kind = SHAPE_EITHER, .either = dialog_either, .about = "accept, dismiss, or { action, text }" };

static const struct shape_member download_members[] = {
	{ "name", &match_shape, false, NULL },
	{ "minBytes", &count_shape, false, NULL },
	{ "maxBytes", &count_shape, false, NULL },
	{ "save", &name_shape, false, NULL },
	{ 0 },
};
static const struct shape download_object = { .kind = SHAPE_OBJECT, .members = download_members };
static const struct shape *const download_either[] = { &true_shape, &download_object, NULL };
static const struct shape download_shape = { .kind = SHAPE_EITHER, .either = download_either, .about = "true, or { name, minBytes, maxBytes, save }," };

static const char *const same_site_words[] = { "Strict", "Lax", "None", NULL };
static const struct shape same_site_shape = { .kind = SHAPE_WORD, .words = same_site_words };
static const struct shape_member cookie_members[] = {
	{ "name", &label_shape, true, NULL },
	{ "value", &text_shape, true, NULL },
	{ "url", &url_shape, false, NULL },
	{ "domain", &label_shape, false, NULL },
	{ "path", &label_shape, false, NULL },
	{ "httpOnly", &flag_shape, false, NULL },
	{ "secure", &flag_shape, false, NULL },
	{ "sameSite", &same_site_shape, false, NULL },
	{ "expires", &number_shape, false, "seconds since 1970" },
	{ 0 },
};
static const struct shape cookie_shape = { .kind = SHAPE_OBJECT, .members = cookie_members, .about = "a cookie" };
static const struct shape cookie_list_shape = { .kind = SHAPE_LIST, .item = &cookie_shape, RANGE(1, 1000), .about = "a list of cookies" };
static const struct shape *const clear_either[] = { &true_shape, &label_shape, NULL };
static const struct shape clear_shape = { .kind = SHAPE_EITHER, .either = clear_either, .about = "true or a name" };
static const struct shape_member cookies_members[] = {
	{ "set", &cookie_list_shape, false, NULL },
	{ "clear", &clear_shape, false, NULL },
	{ 0 },
};
static const char *const cookies_one_of[] = { "set", "clear", NULL };
static const struct shape cookies_shape = { .kind = SHAPE_OBJECT, .members = cookies_members, .one_of = cookies_one_of, .about = "{ set } or { clear }" };

static const struct shape text_map_shape = { .kind = SHAPE_MAP, .item = &text_shape, RANGE(1, 1000), .about = "an object of texts" };
static const struct shape_member storage_members[] = {
	{ "set", &text_map_shape, false, NULL },
	{ "remove", &label_shape, false, NULL },
	{ "clear", &true_shape, false, NULL },
	{ "save", &name_shape, false, "name of a variable" },
	{ "restore", &any_shape, false, "what `save` gave" },
	{ "session", &flag_shape, false, "session storage" },
	{ 0 },
};
static const char *const storage_one_of[] = { "set", "remove", "clear", "save", "restore", NULL };
static const struct shape storage_shape = { .kind = SHAPE_OBJECT, .members = storage_members, .one_of = storage_one_of, .about = "{ set }, { remove }, { clear }, { save } or { restore }" };

static const char *const none_words[] = { "none", NULL };
static const struct shape none_shape = { .kind = SHAPE_WORD, .words = none_words };
static const struct shape_member auth_members[] = {
	{ "username", &text_shape, true, NULL },
	{ "password", &text_shape, true, NULL },
	{ 0 },
};
static const struct shape auth_object = { .kind = SHAPE_OBJECT, .members = auth_members };
static const struct shape *const auth_either[] = { &none_shape, &auth_object, NULL };
static const struct shape auth_shape = { .kind = SHAPE_EITHER, .either = auth_either, .about = "{ username, password } or none" };

/* The members of a mock are checked by the runner's config, which owns them. */
static const struct shape *const mock_either[] = { &none_shape, &any_map_shape, NULL };
static const struct shape mock_shape = { .kind = SHAPE_EITHER, .either = mock_either, .about = "a mock, or none" };

static const char *const network_words[] = { "offline", "online", NULL };
static const struct shape network_shape = { .kind = SHAPE_WORD, .words = network_words };

static const struct shape pixels_shape = { .kind = SHAPE_INT, RANGE(1, 10000) };
static const struct shape_member viewport_members[] = {
	{ "width", &pixels_shape, true, NULL },
	{ "height", &pixels_shape, true, NULL },
	{ 0 },
};
static const struct shape viewport_shape = { .kind = SHAPE_OBJECT, .members = viewport_members, .about = "{ width, height }" };

/* --- Steps --- */

/* A verb: its place in the step's members is its enum verb. */
static const enum verb_patience patiences[VERB_COUNT] = {
	[VERB_OPEN] = PATIENCE_NAVIGATION, [VERB_RELOAD] = PATIENCE_NAVIGATION,
	[VERB_BACK] = PATIENCE_NAVIGATION, [VERB_FORWARD] = PATIENCE_NAVIGATION,
	[VERB_TAB] = PATIENCE_ACTION, [VERB_CLICK] = PATIENCE_ACTION,
	[VERB_DOUBLE_CLICK] = PATIENCE_ACTION, [VERB_TAP] = PATIENCE_ACTION,
	[VERB_HOVER] = PATIENCE_ACTION, [VERB_FOCUS] = PATIENCE_ACTION,
	[VERB_CHECK] = PATIENCE_ACTION, [VERB_UNCHECK] = PATIENCE_ACTION,
	[VERB_CLEAR] = PATIENCE_ACTION, [VERB_TYPE] = PATIENCE_ACTION,
	[VERB_PRESS] = PATIENCE_ACTION, [VERB_SELECT] = PATIENCE_ACTION,
	[VERB_UPLOAD] = PATIENCE_ACTION, [VERB_DRAG] = PATIENCE_ACTION,
	[VERB_SCROLL] = PATIENCE_ACTION, [VERB_WAIT] = PATIENCE_ACTION,
	[VERB_EXPECT] = PATIENCE_EXPECT, [VERB_EXTRACT] = PATIENCE_EXPECT,
	[VERB_EVAL] = PATIENCE_ACTION, [VERB_SCREENSHOT] = PATIENCE_ACTION,
	[VERB_DOWNLOAD] = PATIENCE_NAVIGATION, [VERB_COOKIES] = PATIENCE_ACTION,
	[VERB_STORAGE] = PATIENCE_ACTION, [VERB_VIEWPORT] = PATIENCE_ACTION,
};

static const struct shape_member step_members[] = {
	[VERB_OPEN] = { "open", &open_shape, false, "go to an address" },
	[VERB_RELOAD] = { "reload", &again_shape, false, "load the page again" },
	[VERB_BACK] = { "back", &again_shape, false, "back in the history" },
	[VERB_FORWARD] = { "forward", &again_shape, false, "forward in the history" },
	[VERB_TAB] = { "tab", &tab_shape, false, "go to another tab, open or close one" },
	[VERB_CLICK] = { "click", &click_shape, false, "click with the mouse" },
	[VERB_DOUBLE_CLICK] = { "doubleClick", &click_shape, false, "click twice" },
	[VERB_TAP] = { "tap", &point_at_shape, false, "touch" },
	[VERB_HOVER] = { "hover", &point_at_shape, false, "move the mouse there" },
	[VERB_FOCUS] = { "focus", &target_shape, false, "give the focus" },
	[VERB_CHECK] = { "check", &point_at_shape, false, "tick a box, choose a radio button" },
	[VERB_UNCHECK] = { "uncheck", &point_at_shape, false, "untick a box" },
	[VERB_CLEAR] = { "clear", &point_at_shape, false, "empty a field" },
	[VERB_TYPE] = { "type", &type_shape, false, "put text into a field" },
	[VERB_PRESS] = { "press", &press_shape, false, "press a key" },
	[VERB_SELECT] = { "select", &select_shape, false, "choose in a list" },
	[VERB_UPLOAD] = { "upload", &upload_shape, false, "choose files" },
	[VERB_DRAG] = { "drag", &drag_shape, false, "drag and drop" },
	[VERB_SCROLL] = { "scroll", &scroll_shape, false, "scroll" },
	[VERB_WAIT] = { "wait", &wait_shape, false, "wait for something" },
	[VERB_EXPECT] = { "expect", &expect_shape, false, "what must become true" },
	[VERB_EXTRACT] = { "extract", &extract_shape, false, "variables from the page, also the test's output" },
	[VERB_EVAL] = { "eval", &eval_shape, false, "JavaScript in the page" },
	[VERB_SCREENSHOT] = { "screenshot", &shot_shape, false, "keep a picture" },
	[VERB_LOG] = { "log", &text_shape, false, "a line for the log" },
	[VERB_SET] = { "set", &any_map_shape, false, "set variables" },
	[VERB_USE] = { "use", &use_shape, false, "steps of the library" },
	[VERB_GROUP] = { "group", &steps_shape, false, "steps that belong together" },
	[VERB_THEN] = { "then", &steps_shape, false, "steps when `if` holds" },
	[VERB_REPEAT] = { "repeat", &repeat_shape, false, "steps again and again" },
	[VERB_FAIL] = { "fail", &fail_shape, false, "end the test as failed" },
	[VERB_SKIP] = { "skip", &text_shape, false, "end the test as skipped" },
	[VERB_DIALOG] = { "dialog", &dialog_shape, false, "how dialogs are answered from here on" },
	[VERB_DOWNLOAD] = { "download", &download_shape, false, "wait for a downloaded file" },
	[VERB_COOKIES] = { "cookies", &cookies_shape, false, "set or clear cookies" },
	[VERB_STORAGE] = { "storage", &storage_shape, false, "local and session storage" },
	[VERB_AUTH] = { "auth", &auth_shape, false, "credentials of HTTP authentication" },
	[VERB_MOCK] = { "mock", &mock_shape, false, "answer requests here" },
	[VERB_NETWORK] = { "network", &network_shape, false, "offline or online" },
	[VERB_VIEWPORT] = { "viewport", &viewport_shape, false, "size of the page" },
	{ "name", &name_shape, false, "what the step is called" },
	{ "timeout", &wait_ms_shape, false, "how long it may wait" },
	{ "optional", &flag_shape, false, "a failure is only a warning" },
	{ "soft", &flag_shape, false, "a failed expectation counts, and the test goes on" },
	{ "if", &condition_shape, false, "when it does not hold the step is passed over" },
	{ "else", &steps_shape, false, "steps when `if` does not hold" },
	{ "frame", &frame_shape, false, "the frame that this step is about" },
	{ 0 },
};

static const char *const verb_names[] = { "open", "reload", "back", "forward", "tab", "click",
	"doubleClick", "tap", "hover", "focus", "check", "uncheck", "clear", "type", "press",
	"select", "upload", "drag", "scroll", "wait", "expect", "extract", "eval", "screenshot",
	"log", "set", "use", "group", "then", "repeat", "fail", "skip", "dialog", "download",
	"cookies", "storage", "auth", "mock", "network", "viewport", NULL };
_Static_assert(ARRAY_LEN(verb_names) == VERB_COUNT + 1, "every verb has a name");

const struct shape step_shape = { .kind = SHAPE_OBJECT, .title = "step", .members = step_members, .one_of = verb_names, .is_step = true, .about = "a step" };
const struct shape steps_shape = { .kind = SHAPE_LIST, .title = "steps", .item = &step_shape, RANGE(1, BROWSER_STEPS_MAX), .about = "a list of steps" };

/* --- Tests --- */

static const struct shape_member part_members[] = {
	{ "in", &name_shape, true, "whose steps these are" },
	{ "steps", &steps_shape, true, NULL },
	{ 0 },
};
static const struct shape part_shape = { .kind = SHAPE_OBJECT, .members = part_members, .about = "{ in, steps }" };
static const struct shape parts_shape = { .kind = SHAPE_LIST, .item = &part_shape, RANGE(0, 16), .about = "a list of { in, steps }" };
static const struct shape hook_shape = { .kind = SHAPE_LIST, .item = &step_shape, RANGE(0, BROWSER_STEPS_MAX), .about = "a list of steps" };

static const struct shape_member entry_members[] = {
	{ "params", &labels_shape, false, "variables that must be given" },
	{ "steps", &steps_shape, true, NULL },
	{ 0 },
};
static const struct shape entry_object = { .kind = SHAPE_OBJECT, .members = entry_members };
static const struct shape *const entry_either[] = { &steps_shape, &entry_object, NULL };
static const struct shape entry_shape = { .kind = SHAPE_EITHER, .either = entry_either, .about = "a list of steps, or { params, steps }," };
static const struct shape library_shape = { .kind = SHAPE_MAP, .item = &entry_shape, RANGE(0, 1000), .about = "{ NAME: steps }" };

static const struct shape kind_shape = { .kind = SHAPE_WORD, .words = (const char *const[]) { "browser", NULL } };
static const struct shape tags_shape = { .kind = SHAPE_LIST, .item = &name_shape, RANGE(0, TAGS_MAX) };
static const struct shape run_ms_shape = { .kind = SHAPE_DURATION, RANGE(0, RUN_TIMEOUT_MS_MAX) };

static const struct shape_member test_members[] = {
	{ "name", &name_shape, false, NULL },
	{ "kind", &kind_shape, true, NULL },
	{ "description", &text_shape, false, NULL },
	{ "owner", &text_shape, false, NULL },
	{ "tags", &tags_shape, false, NULL },
	{ "timeout", &run_ms_shape, false, "of the whole test" },
	{ "config", &any_map_shape, false, "what the browser is set to" },
	{ "outputSchema", &any_map_shape, false, NULL },
	{ "extra", &any_map_shape, false, "kept with a saved test for others, not given to its runs" },
	{ "secrets", &texts_shape, false, "JSON Pointers to members of the test that answers show as ********" },
	{ "skip", &any_shape, false, NULL },
	{ "only", &any_shape, false, NULL },
	{ "url", &url_shape, false, "opened before the first step" },
	{ "vars", &any_map_shape, false, "variables and their first values" },
	{ "library", &library_shape, false, "named steps for `use`" },
	{ "testIdAttribute", &name_shape, false, "what testId looks at" },
	{ "setup", &parts_shape, false, "written by the server from hooks" },
	{ "teardown", &parts_shape, false, "the same" },
	{ "before", &hook_shape, false, "steps before the body" },
	{ "after", &hook_shape, false, "steps after the body" },
	{ "steps", &steps_shape, true, "the body" },
	{ "files", &name_shape, false, "a folder: pictures to compare with, files to upload, bodies of mocks" },
	{ "bundle", &name_shape, false, "the same, uploaded: the answer of POST /bundles" },
	{ 0 },
};
/* clang-format on */

const struct shape browser_test_shape = {
	.kind = SHAPE_OBJECT,
	.members = test_members,
	.about = "a browser test",
};

const char *
verb_name(enum verb verb)
{
	return verb_names[verb];
}

enum verb_patience
verb_patience(enum verb verb)
{
	return patiences[verb];
}

enum verb
step_verb(json_t *step, json_t **ret_value)
{
	for (enum verb verb = 0; verb < VERB_COUNT; verb++) {
		json_t *value = json_object_get(step, verb_names[verb]);

		if (!value)
			continue;
		*ret_value = value;
		return verb;
	}
	*ret_value = NULL;
	return VERB_COUNT;
}

/* --- Rules between members --- */

struct walk {
	json_t *library;
	const struct libraries *around;
	struct issues *issues;
};

static void walk_steps(struct walk *walk, json_t *steps, const char *pointer);

static const char *
member_at(struct walk *walk, const char *pointer, const char *name)
{
	return json_pointer_member(walk->issues->arena, pointer, name);
}

static const char *
near_entry(json_t *library, const char *word)
{
	const char *names[64] = { 0 };
	const char *name;
	json_t *value;
	size_t n = 0;

	json_object_foreach(library, name, value)
	{
		if (n < ARRAY_LEN(names) - 1)
			names[n++] = name;
	}
	return near_name(word, names);
}

static const char *
near_entry_of_all(struct walk *walk, const char *word)
{
	const char *near = near_entry(walk->library, word);

	for (size_t i = 0; walk->around && !near && i < LIBRARIES_MAX; i++)
		near = near_entry(walk->around->around[i], word);
	return near;
}

static void
walk_use(struct walk *walk, json_t *value, const char *pointer)
{
	const char *word = library_used(value);

	if (!word || library_find(walk->library, walk->around, word))
		return;
	const char *near = near_entry_of_all(walk, word);

	issues_add_member(walk->issues, pointer, "use", ISSUE_INVALID,
		"the library has no \"%.40s\"%s%s%s", word, near ? " (did you mean " : "",
		near ? near : "", near ? "?)" : "");
}

/* An object with a subject that needs a comparison or an `of`. */
static void
walk_expect(struct walk *walk, json_t *expect, const char *pointer)
{
	static const char *const wants_of[] = { "attribute", "css", NULL };
	static const char *const wants_comparison[] = { "text", "value", "count", "css", "var",
		NULL };
	const char *const *names;
	bool compares = false;

	if (!json_is_object(expect))
		return;
	json_t *response = json_object_get(expect, "response");

	if (json_is_true(json_object_get(response, "ask")) && !json_object_get(response, "url"))
		issues_add_member(walk->issues, member_at(walk, pointer, "response"), "url",
			ISSUE_MISSING, "an address is expected beside ask");
	for (names = comparison_names; *names; names++)
		compares |= json_object_get(expect, *names) != NULL;
	for (names = wants_of; *names; names++)
		if (json_object_get(expect, *names) && !json_object_get(expect, "of"))
			issues_add_member(walk->issues, pointer, "of", ISSUE_MISSING,
				"a target is expected beside %s", *names);
	for (names = wants_comparison; *names; names++)
		if (json_object_get(expect, *names) && !compares)
			issues_add(walk->issues, pointer, ISSUE_MISSING,
				"%s needs a comparison beside it, such as is or contains",
				*names);
}

static void
walk_extract(struct walk *walk, json_t *sources, const char *pointer)
{
	const char *name;
	json_t *source;

	json_object_foreach(sources, name, source)
	{
		if ((json_object_get(source, "attribute") || json_object_get(source, "css")) &&
			!json_object_get(source, "of"))
			issues_add_member(walk->issues, member_at(walk, pointer, name), "of",
				ISSUE_MISSING, "a target is expected");
	}
}

static void
walk_step(struct walk *walk, json_t *step, const char *pointer)
{
	json_t *value;
	enum verb verb = step_verb(step, &value);

	if (verb == VERB_COUNT)
		return;
	if (verb == VERB_USE)
		walk_use(walk, value, pointer);
	if (verb == VERB_EXPECT && json_is_string(value) &&
		target_has_engine(json_string_value(value)))
		issues_add_member(walk->issues, pointer, "expect", ISSUE_INVALID,
			"a text is looked for as it stands; an element is expected with "
			"{ visible: \"%.60s\" }",
			json_string_value(value));
	if (verb == VERB_EXPECT)
		walk_expect(walk, value, member_at(walk, pointer, "expect"));
	if (verb == VERB_EXTRACT)
		walk_extract(walk, value, member_at(walk, pointer, "extract"));
	if (verb == VERB_THEN && !json_object_get(step, "if"))
		issues_add_member(walk->issues, pointer, "if", ISSUE_MISSING,
			"then needs a condition beside it");
	if (verb != VERB_THEN && json_object_get(step, "else"))
		issues_add_member(walk->issues, pointer, "else", ISSUE_INVALID,
			"else stands beside if and then");
	if (verb != VERB_EXPECT && json_object_get(step, "soft"))
		issues_add_member(walk->issues, pointer, "soft", ISSUE_INVALID,
			"only an expectation can be soft; `optional` is for all steps");
	if (json_is_object(json_object_get(step, "if")))
		walk_expect(walk, json_object_get(step, "if"), member_at(walk, pointer, "if"));
	if (verb == VERB_GROUP || verb == VERB_THEN)
		walk_steps(walk, value, member_at(walk, pointer, verb_names[verb]));
	if (verb == VERB_REPEAT)
		walk_steps(walk, json_object_get(value, "steps"),
			member_at(walk, member_at(walk, pointer, "repeat"), "steps"));
	walk_steps(walk, json_object_get(step, "else"), member_at(walk, pointer, "else"));
}

static void
walk_steps(struct walk *walk, json_t *steps, const char *pointer)
{
	json_t *step;
	size_t i;

	json_array_foreach(steps, i, step) if (json_is_object(step))
		walk_step(walk, step, json_pointer_index(walk->issues->arena, pointer, i));
}

static void
walk_parts(struct walk *walk, json_t *test, const char *member, const char *pointer)
{
	const char *at = member_at(walk, pointer, member);
	json_t *part;
	size_t i;

	json_array_foreach(json_object_get(test, member), i, part)
	{
		const char *here = json_pointer_index(walk->issues->arena, at, i);

		walk_steps(
			walk, json_object_get(part, "steps"), member_at(walk, here, "steps"));
	}
}

static void
walk_library(struct walk *walk, const char *at)
{
	const char *name;
	json_t *entry;

	json_object_foreach(walk->library, name, entry)
	{
		const char *here = member_at(walk, at, name);

		if (json_is_array(entry))
			walk_steps(walk, entry, here);
		else
			walk_steps(walk, json_object_get(entry, "steps"),
				member_at(walk, here, "steps"));
	}
}

/* The members that are steps; the others are the common ones and were decoded by their table.
 */
static const char *const own_members[] = { "url", "vars", "library", "testIdAttribute", "setup",
	"teardown", "before", "after", "steps", NULL };

static void
check_config(json_t *config, const char *pointer, struct issues *issues)
{
	/* Offences are what counts, they are in issues. */
	if (json_is_object(config))
		(void)(config_check(config, pointer, issues) < 0);
}

void
browser_test_check(json_t *test, const struct libraries *around, const char *pointer,
	struct issues *issues)
{
	struct walk walk = {
		.library = json_object_get(test, "library"), .around = around, .issues = issues
	};
	size_t before = issues->n + issues->n_more;

	for (const struct shape_member *m = test_members; m->name; m++) {
		json_t *value = json_object_get(test, m->name);
		bool is_own = false;

		for (const char *const *own = own_members; *own; own++)
			is_own |= strcmp(*own, m->name) == 0;
		if (is_own && value)
			shape_check(m->shape, value, false, member_at(&walk, pointer, m->name),
				issues);
	}
	check_config(
		json_object_get(test, "config"), member_at(&walk, pointer, "config"), issues);
	if (issues->n + issues->n_more > before)
		return;
	walk_steps(&walk, json_object_get(test, "steps"), member_at(&walk, pointer, "steps"));
	walk_steps(&walk, json_object_get(test, "before"), member_at(&walk, pointer, "before"));
	walk_steps(&walk, json_object_get(test, "after"), member_at(&walk, pointer, "after"));
	walk_parts(&walk, test, "setup", pointer);
	walk_parts(&walk, test, "teardown", pointer);
	walk_library(&walk, member_at(&walk, pointer, "library"));
}

void
browser_library_check(json_t *library, const struct libraries *around, const char *pointer,
	struct issues *issues)
{
	struct walk walk = { .library = library, .around = around, .issues = issues };
	size_t before = issues->n + issues->n_more;

	shape_check(&library_shape, library, false, pointer, issues);
	if (issues->n + issues->n_more == before)
		walk_library(&walk, pointer);
}

int
step_check_filled(json_t *step, struct err *err)
{
	_cleanup_(arena_deinit) struct arena arena;
	struct issues *issues;

	arena_init(&arena, (size_t)MIB(4));
	issues = arena_xalloc(&arena, sizeof *issues);
	issues->arena = &arena;
	shape_check(&step_shape, step, true, "", issues);
	if (issues->n == 0)
		return 0;
	return err_set(err, ERR_INVALID, "%s: %s",
		issues->item[0].pointer[0] ? issues->item[0].pointer + 1 : "step",
		issues->item[0].detail);
}

int
browser_test_schema(struct buf *out)
{
	_cleanup_(buf_deinit) struct buf compact = BUF_INIT((size_t)MIB(1));
	_cleanup_(json_unrefp) json_t *tree = NULL;
	_cleanup_free_ char *text = NULL;
	struct err err;
	struct jw jw;

	jw_init(&jw, &compact);
	shape_schema(&browser_test_shape, "A browser test of Proctor", &jw);
	if (jw_done(&jw) < 0)
		return -1;
	tree = json_read(compact.data, compact.len, 64, &err);
	text = tree ? json_dumps(tree, JSON_INDENT(2) | JSON_PRESERVE_ORDER) : NULL;
	if (!text || buf_adds(out, text) < 0 || buf_addc(out, '\n') < 0)
		return -1;
	return 0;
}
