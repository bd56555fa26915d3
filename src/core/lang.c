/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at a tree without evaluating it: which paths it reads, and whether it may. */
#include "core/lang.h"

#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "core/lang_impl.h"
#include "core/lang_value.h"

struct walk {
	const struct lang *lang;
	lang_path_fn *fn;
	void *arg;
};

/* Where the walk is. */
struct place {
	bool is_guarded;
	bool binds_value; /* `.` is an item of a list here */
};

/* Adds a name when all before it were told. */
static void
add_name(struct lang_path *path, bool *is_open, bool is_name, struct str name)
{
	*is_open = *is_open && is_name && path->n < LANG_PATH_NAMES_MAX;
	if (*is_open)
		path->name[path->n++] = name;
}

/* Fills in the path that ends at the node. False: it begins with a call or parentheses. */
static bool
read_path(const struct walk *walk, const struct lang_node *node, struct lang_path *path,
	bool *is_open)
{
	if (node->op == LANG_ROOT || node->op == LANG_VALUE) {
		path->root = node->op == LANG_ROOT ? node->name : STR("");
		path->at = lang_length(str_from(walk->lang->text.p, node->at)) + 1;
		return true;
	}
	if ((node->op != LANG_MEMBER && node->op != LANG_INDEX) ||
		!read_path(walk, node->kid, path, is_open))
		return false;
	if (node->op == LANG_MEMBER)
		add_name(path, is_open, true, node->name);
	else
		add_name(
			path, is_open, node->kid->next->op == LANG_TEXT, node->kid->next->name);
	return true;
}

static void walk_node(
	const struct walk *walk, const struct lang_node *node, const struct place *place);

/* The expressions inside a path: indexes, and what it begins with unless that is a root. */
static void
walk_inside_path(
	const struct walk *walk, const struct lang_node *node, const struct place *place)
{
	struct place index = { .binds_value = place->binds_value };

	if (node->op == LANG_ROOT || node->op == LANG_VALUE)
		return;
	if (node->op != LANG_MEMBER && node->op != LANG_INDEX) {
		walk_node(walk, node, place);
		return;
	}
	walk_inside_path(walk, node->kid, place);
	if (node->op == LANG_INDEX)
		walk_node(walk, node->kid->next, &index);
}

static void
walk_path(const struct walk *walk, const struct lang_node *node, const struct place *place)
{
	struct lang_path path = { .is_guarded = place->is_guarded };
	bool is_open = true;

	if (read_path(walk, node, &path, &is_open) && !(path.root.n == 0 && place->binds_value))
		walk->fn(walk->arg, &path);
	walk_inside_path(walk, node, place);
}

static void
walk_node(const struct walk *walk, const struct lang_node *node, const struct place *place)
{
	size_t i = 0;
	bool guards = node->op == LANG_CALL &&
		(strcmp(node->function->name, "exists") == 0 ||
			strcmp(node->function->name, "default") == 0);

	if (node->op == LANG_ROOT || node->op == LANG_VALUE || node->op == LANG_MEMBER ||
		node->op == LANG_INDEX) {
		walk_path(walk, node, place);
		return;
	}
	for (const struct lang_node *kid = node->kid; kid; kid = kid->next, i++) {
		struct place inside = *place;

		if (guards && i == 0)
			inside.is_guarded = true;
		if (node->op == LANG_CALL && node->function->binds_value && i == 1)
			inside.binds_value = true;
		walk_node(walk, kid, &inside);
	}
}

void
lang_each_path(const struct lang *lang, lang_path_fn *fn, void *arg)
{
	struct walk walk = { .lang = lang, .fn = fn, .arg = arg };
	struct place place = { 0 };

	walk_node(&walk, lang->top, &place);
}

struct wanted_root {
	const char *name;
	bool found;
};

static void
look_for_root(void *arg, const struct lang_path *path)
{
	struct wanted_root *wanted = arg;

	wanted->found = wanted->found || str_eqz(path->root, wanted->name);
}

bool
lang_reads(const struct lang *lang, const char *root)
{
	struct wanted_root wanted = { .name = root };

	lang_each_path(lang, look_for_root, &wanted);
	return wanted.found;
}

static const struct lang_node *
find_call(const struct lang_node *node, const char *name)
{
	const struct lang_node *found = NULL;

	if (node->op == LANG_CALL && strcmp(node->function->name, name) == 0)
		return node;
	for (const struct lang_node *kid = node->kid; kid && !found; kid = kid->next)
		found = find_call(kid, name);
	return found;
}

bool
lang_reads_now(const struct lang *lang)
{
	return find_call(lang->top, "now") != NULL;
}

struct str
lang_text(const struct lang *lang)
{
	return lang->text;
}

/* --- Checking --- */

struct check {
	const struct lang_rules *rules;
	struct err *err;
	bool failed; /* the first offence is in err */
};

static void
add_list(struct buf *out, const char *before, const char *const *names)
{
	int r = names[0] ? buf_adds(out, before) : 0;

	/* An error's text is short: what does not fit is left out. */
	for (size_t i = 0; r == 0 && names[i]; i++)
		r = buf_addf(out, "%s%s", i > 0 ? ", " : "", names[i]);
}

/* "character 3: " and what is not there, with the nearest name or all of them. */
static void
offend(struct check *check, const struct lang_path *path, const char *what, struct str name,
	const char *const *names, const char *before)
{
	_cleanup_(buf_deinit) struct buf hint = BUF_INIT(KIB(1));
	char word[NAME_BYTES_MAX + 1] = "";

	if (name.n < sizeof word && name.n > 0)
		memcpy(word, name.p, name.n);
	const char *near = near_name(word, names);

	if (near)
		(void)buf_addf(&hint, "; did you mean \"%s\"?", near);
	else
		add_list(&hint, before, names);
	check->failed = true;
	err_set(check->err, ERR_INVALID, "character %zu: %s \"" STR_FMT "\"%s", path->at, what,
		STR_ARG(lang_cut(name, 60)), buf_text(&hint));
}

static void
no_root(struct check *check, const struct lang_path *path)
{
	const char *names[32] = { 0 };
	size_t n = 0;

	for (const struct lang_root *root = check->rules->roots; root->name; root++)
		if (n + 1 < ARRAY_LEN(names))
			names[n++] = root->name;
	offend(check, path, "there is no", path->root, names,
		path->n == 0 ? "; a text needs quotes, a path begins with "
			     : "; a path begins with ");
}

static void
check_path(void *arg, const struct lang_path *path)
{
	struct check *check = arg;
	const struct lang_root *root = check->rules->roots;
	size_t i = 0;

	if (check->failed)
		return;
	if (path->root.n == 0) {
		check->failed = !check->rules->has_value;
		if (check->failed)
			err_set(check->err, ERR_INVALID,
				"character %zu: there is no value at hand here (\".\")",
				path->at);
		return;
	}
	while (root->name && !str_eqz(path->root, root->name))
		root++;
	if (!root->name) {
		no_root(check, path);
		return;
	}
	if (!root->members || path->n == 0 || path->is_guarded)
		return;
	while (root->members[i] && !str_eqz(path->name[0], root->members[i]))
		i++;
	if (!root->members[i]) {
		char what[NAME_BYTES_MAX];

		snprintf(what, sizeof what, "%s has no", root->name);
		offend(check, path, what, path->name[0], root->members, "; it has ");
	}
}

int
lang_check(const struct lang *lang, const struct lang_rules *rules, struct err *err)
{
	struct check check = { .rules = rules, .err = err };
	const struct lang_node *now = find_call(lang->top, "now");

	lang_each_path(lang, check_path, &check);
	if (!check.failed && now && !rules->has_now)
		return lang_error(
			lang->text, now->at, ERR_INVALID, err, "now() is not available here");
	return check.failed ? -1 : 0;
}
