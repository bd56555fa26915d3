/* SPDX-License-Identifier: Apache-2.0 */
/* Engines and roles by their names; CSS is left to the browser. */
#include "browser_format/target.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"

static const char *const engines[] = { "css", "text", "role", "label", "placeholder", "testId",
	"alt", "title", NULL };

/* WAI-ARIA 1.2 with the synonyms of 1.3; those of documents and graphics have a prefix. */
static const char *const roles[] = { "alert", "alertdialog", "application", "article", "banner",
	"blockquote", "button", "caption", "cell", "checkbox", "code", "columnheader",
	"combobox", "comment", "complementary", "contentinfo", "definition", "deletion",
	"dialog", "directory", "document", "emphasis", "feed", "figure", "form", "generic",
	"grid", "gridcell", "group", "heading", "image", "img", "insertion", "link", "list",
	"listbox", "listitem", "log", "main", "mark", "marquee", "math", "menu", "menubar",
	"menuitem", "menuitemcheckbox", "menuitemradio", "meter", "navigation", "none", "note",
	"option", "paragraph", "presentation", "progressbar", "radio", "radiogroup", "region",
	"row", "rowgroup", "rowheader", "scrollbar", "search", "searchbox", "separator",
	"slider", "spinbutton", "status", "strong", "subscript", "suggestion", "superscript",
	"switch", "tab", "table", "tablist", "tabpanel", "term", "textbox", "time", "timer",
	"toolbar", "tooltip", "tree", "treegrid", "treeitem", NULL };

static bool
is_one_of(const char *const *names, const char *word)
{
	for (; *names; names++)
		if (strcmp(*names, word) == 0)
			return true;
	return false;
}

/* The word before the first "=", which no CSS selector begins with; false: there is none. */
static bool
engine_of(const char *text, char ret[40])
{
	size_t n = 0;

	while (isalpha((unsigned char)text[n]) || text[n] == '-' || text[n] == '_')
		n++;
	if (n == 0 || n >= 40 || text[n] != '=')
		return false;
	memcpy(ret, text, n);
	ret[n] = '\0';
	return true;
}

bool
target_has_engine(const char *text)
{
	char word[40];

	return engine_of(text, word) && is_one_of(engines, word);
}

static void
check_role(const char *role, const char *pointer, struct issues *issues)
{
	if (strstr(role, "{{") || strncmp(role, "doc-", 4) == 0 ||
		strncmp(role, "graphics-", 9) == 0 || is_one_of(roles, role))
		return;
	const char *near = near_name(role, roles);

	issues_add(issues, pointer, ISSUE_INVALID, "there is no ARIA role \"%.40s\"%s%s%s",
		role, near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

static void
check_text(const char *text, const char *pointer, struct issues *issues)
{
	char word[40];

	if (text[0] == '/' || strncmp(text, "./", 2) == 0 || strncmp(text, "(/", 2) == 0 ||
		strncmp(text, "xpath=", 6) == 0) {
		issues_add(issues, pointer, ISSUE_INVALID,
			"XPath is not supported: use CSS, text=, role=, label= or testId=");
		return;
	}
	if (!engine_of(text, word))
		return;
	if (!is_one_of(engines, word)) {
		const char *near = near_name(word, engines);

		issues_add(issues, pointer, ISSUE_INVALID,
			"there is no engine \"%s\"%s%s%s; known are css, text, role, label, "
			"placeholder, testId, alt and title",
			word, near ? " (did you mean " : "", near ? near : "",
			near ? "?)" : "");
		return;
	}
	if (strcmp(word, "role") == 0) {
		const char *role = text + strlen("role=");
		size_t n = strcspn(role, " ");
		char name[40];

		if (n >= sizeof name)
			n = sizeof name - 1;
		memcpy(name, role, n);
		name[n] = '\0';
		check_role(name, pointer, issues);
	}
}

void
target_check(json_t *target, const char *pointer, struct issues *issues)
{
	const char *role = json_string_value(json_object_get(target, "role"));

	if (json_is_string(target))
		check_text(json_string_value(target), pointer, issues);
	else if (role)
		check_role(role, json_pointer_member(issues->arena, pointer, "role"), issues);
}
