/* SPDX-License-Identifier: Apache-2.0 */
/* The words of the format, identities of elements, and which cases are chosen for a run. */
#include "dialects/octomind/case.h"

#include <string.h>

/* clang-format off */
const char *const octo_action_names[OCTO_ACTION_COUNT + 1] = {
	[OCTO_CLICK] = "CLICK", [OCTO_ENTER_TEXT] = "ENTER_TEXT",
	[OCTO_SELECT_OPTION] = "SELECT_OPTION", [OCTO_GO_TO] = "GO_TO",
	[OCTO_KEY_PRESS] = "KEY_PRESS", [OCTO_HOVER] = "HOVER", [OCTO_UPLOAD] = "UPLOAD",
	[OCTO_DOWNLOAD] = "DOWNLOAD", [OCTO_DRAG_AND_DROP] = "DRAG_AND_DROP",
	[OCTO_TYPE_TEXT] = "TYPE_TEXT", [OCTO_EXTRACT] = "EXTRACT",
	[OCTO_JAVASCRIPT] = "JAVASCRIPT", [OCTO_OPEN_EMAIL] = "OPEN_EMAIL",
	[OCTO_CLOSE_PAGE] = "CLOSE_PAGE", [OCTO_SCROLL] = "SCROLL", [OCTO_WAIT_FOR] = "WAIT_FOR",
};

const char *const octo_expectation_names[OCTO_EXPECTATION_COUNT + 1] = {
	[OCTO_VISIBLE] = "VISIBLE", [OCTO_NOT_VISIBLE] = "NOT_VISIBLE",
	[OCTO_RESPONSE_OK] = "RESPONSE_OK", [OCTO_DISABLED] = "DISABLED",
	[OCTO_TO_HAVE_VALUE] = "TO_HAVE_VALUE", [OCTO_TO_BE_CHECKED] = "TO_BE_CHECKED",
	[OCTO_NOT_TO_BE_CHECKED] = "NOT_TO_BE_CHECKED",
	[OCTO_TO_CONTAIN_TEXT] = "TO_CONTAIN_TEXT", [OCTO_TO_HAVE_STYLE] = "TO_HAVE_STYLE",
};

const char *const octo_selector_type_names[OCTO_SELECTOR_TYPE_COUNT + 1] = {
	[OCTO_FRAME] = "FRAME", [OCTO_CSS] = "CSS", [OCTO_TEXT] = "TEXT", [OCTO_ROLE] = "ROLE",
	[OCTO_ALT_TEXT] = "ALT_TEXT", [OCTO_LABEL] = "LABEL", [OCTO_TEST_ID] = "TEST_ID",
	[OCTO_TITLE] = "TITLE", [OCTO_PLACEHOLDER] = "PLACEHOLDER", [OCTO_FILTER] = "FILTER",
	[OCTO_FIRST] = "FIRST", [OCTO_LAST] = "LAST", [OCTO_NTH] = "NTH",
};

const char *const octo_wait_names[OCTO_WAIT_COUNT + 1] = {
	[OCTO_WAIT_LOAD] = "load", [OCTO_WAIT_DOM_CONTENT_LOADED] = "domContentLoaded",
	[OCTO_WAIT_NETWORK_IDLE] = "networkIdle", [OCTO_WAIT_NUXT_HYDRATION] = "nuxtHydration",
	[OCTO_WAIT_NUXT_DELAY_HYDRATION] = "nuxtDelayHydration",
	[OCTO_WAIT_WEB_COMPONENTS_HYDRATION] = "webComponentsHydration",
	[OCTO_WAIT_PREACT_HYDRATION] = "preactHydration",
	[OCTO_WAIT_QWIK_HYDRATION] = "qwikHydration", [OCTO_WAIT_FIXED_TIME] = "fixedTime",
	[OCTO_WAIT_CODE] = "code",
};

const char *const octo_button_names[] = { "left", "right", "middle", NULL };
const char *const octo_exec_names[] = { "sandbox", "browser", NULL };
const char *const octo_run_status_names[] = { "OFF", "ON", NULL };
const char *const octo_editing_names[] = { "IN_PROGRESS", "DONE", "CANCELLED", NULL };
const char *const octo_case_type_names[] = { "LOGIN", "COOKIE_BANNER", "LINK", "TEARDOWN", NULL };
const char *const octo_status_names[] = { "ENABLED", "DISABLED", "DRAFT", "OUTDATED", "PROVISIONAL", NULL };
const char *const octo_browser_names[] = { "CHROMIUM", "FIREFOX", "SAFARI", NULL };
const char *const octo_breakpoint_names[] = { "DESKTOP", "MOBILE", "TABLET", NULL };
/* clang-format on */

int
octo_word(const char *const *names, const char *word)
{
	for (int i = 0; names[i]; i++)
		if (strcmp(names[i], word) == 0)
			return i;
	return -1;
}

/*
 * An id of version 8 (RFC 9562: ours to lay out) from the case's own with the place mixed in:
 * nothing has to be stored, and the same place has the same id after every change.
 */
void
octo_element_id(const struct octo_case *c, size_t index, struct uuid *ret)
{
	*ret = c->id;
	for (size_t i = 0; i < 4; i++)
		ret->b[10 + i] ^= (uint8_t)((index + 1) >> (8 * i));
	ret->b[6] = (uint8_t)(0x80 | (ret->b[6] & 0x0f));
	ret->b[8] = (uint8_t)(0x80 | (ret->b[8] & 0x3f));
}

int
octo_element_find(const struct octo_case *c, const struct uuid *id)
{
	for (size_t i = 0; i < c->n_elements; i++) {
		struct uuid own;

		octo_element_id(c, i, &own);
		if (uuid_eq(&own, id))
			return (int)i;
	}
	return -1;
}

static bool
has_text(const struct strs *list, const char *text)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->item[i], text) == 0)
			return true;
	return false;
}

bool
octo_case_is_chosen(const struct octo_case *c, enum octo_status status, const char *environment,
	const char *const *tags, size_t n_tags)
{
	if (status != OCTO_ENABLED || c->run_status != OCTO_ON)
		return false;
	if (environment && has_text(&c->excluded_environments, environment))
		return false;
	for (size_t i = 0; i < n_tags; i++)
		if (has_text(&c->tags, tags[i]))
			return true;
	return n_tags == 0;
}

/* --- Chains --- */

static bool
is_in(const struct octo_case *const *list, size_t n, const struct uuid *id)
{
	for (size_t i = 0; i < n; i++)
		if (uuid_eq(&list[i]->id, id))
			return true;
	return false;
}

static int
find_other(const struct octo_case *c, const struct uuid *id, const char *what,
	octo_find_fn *find, void *arg, const struct octo_case **ret, struct err *err)
{
	char text[UUID_TEXT_LEN + 1];

	*ret = find(arg, id);
	if (*ret)
		return 0;
	uuid_format(id, text);
	return err_set(err, ERR_NOT_FOUND, "\"%.60s\" has the %s %s, which does not exist",
		c->description, what, text);
}

int
octo_chain_of(const struct octo_case *c, octo_find_fn *find, void *arg, struct octo_chain *ret,
	struct err *err)
{
	const struct octo_case *back[OCTO_CHAIN_MAX]; /* itself first */
	size_t n = 0;

	for (;;) {
		back[n++] = c;
		if (uuid_is_zero(&c->dependency))
			break;
		if (is_in(back, n, &c->dependency))
			return err_set(err, ERR_INVALID,
				"\"%.60s\" depends on itself, through %zu others",
				c->description, n - 1);
		if (n == OCTO_CHAIN_MAX)
			return err_set(err, ERR_LIMIT,
				"more than %d test cases depend on each other", OCTO_CHAIN_MAX);
		if (find_other(c, &c->dependency, "dependency", find, arg, &c, err) < 0)
			return -1;
	}
	*ret = (struct octo_chain) { .n = n };
	for (size_t i = 0; i < n; i++) {
		const struct octo_case *item = ret->item[i] = back[n - 1 - i];

		if (uuid_is_zero(&item->teardown))
			continue;
		if (is_in(back, n, &item->teardown))
			return err_set(err, ERR_INVALID,
				"the teardown of \"%.60s\" is itself or one that it depends on",
				item->description);
		if (find_other(item, &item->teardown, "teardown", find, arg, &ret->teardown[i],
			    err) < 0)
			return -1;
	}
	return 0;
}
