/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of a run that both translations need, and addresses. */
#include "dialects/octomind/run.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static void
set_text(json_t *object, const char *name, const char *value)
{
	if (value)
		json_object_set_new(object, name, json_string(value));
}

json_t *
octo_run_statics(const struct octo_run *run)
{
	json_t *statics = run->vars ? json_copy(run->vars) : json_object();

	/* Without the last slash: "$OCTO_URL/login" is what people write. */
	size_t n = strlen(run->url);

	while (n > 0 && run->url[n - 1] == '/')
		n--;
	json_object_set_new(statics, "OCTO_URL", json_stringn(run->url, n));
	set_text(statics, "OCTO_STABLE_UUID", run->stable_uuid);
	set_text(statics, "OCTO_USERNAME", run->test_account.username);
	set_text(statics, "OCTO_PASSWORD", run->test_account.password);
	set_text(statics, "OCTO_OTP", run->otp_key);
	return statics;
}

static void
note_names(json_t *names, const struct octo_case *c)
{
	for (size_t i = 0; c && i < c->n_elements; i++) {
		const struct octo_element *element = &c->element[i];

		if (element->kind != OCTO_INTERACTION)
			continue;
		if (element->action == OCTO_EXTRACT && element->called.name)
			json_object_set_new(names, element->called.name,
				json_boolean(!element->ignores_failure));
		if (element->action == OCTO_JAVASCRIPT)
			json_object_set_new(names, "*", json_true());
	}
}

json_t *
octo_run_dynamics(const struct octo_chain *chain)
{
	json_t *names = json_object();

	for (size_t i = 0; i < chain->n; i++) {
		note_names(names, chain->item[i]);
		note_names(names, chain->teardown[i]);
	}
	return names;
}

/* --- What can be carried out --- */

/* Whether it is about an element: never, when one is named, always. */
enum need { NEED_NONE, NEED_MAYBE, NEED_ELEMENT };

static enum need
need_of(const struct octo_element *element)
{
	static const enum need needs[OCTO_ACTION_COUNT] = {
		[OCTO_CLICK] = NEED_ELEMENT,
		[OCTO_ENTER_TEXT] = NEED_ELEMENT,
		[OCTO_SELECT_OPTION] = NEED_ELEMENT,
		[OCTO_KEY_PRESS] = NEED_MAYBE,
		[OCTO_HOVER] = NEED_ELEMENT,
		[OCTO_UPLOAD] = NEED_ELEMENT,
		[OCTO_DOWNLOAD] = NEED_ELEMENT,
		[OCTO_DRAG_AND_DROP] = NEED_ELEMENT,
		[OCTO_TYPE_TEXT] = NEED_MAYBE,
		[OCTO_EXTRACT] = NEED_ELEMENT,
		[OCTO_SCROLL] = NEED_MAYBE,
		[OCTO_WAIT_FOR] = NEED_MAYBE,
	};

	if (element->kind == OCTO_ASSERTION)
		return element->expectation == OCTO_RESPONSE_OK ? NEED_NONE : NEED_ELEMENT;
	return needs[element->action];
}

bool
octo_has_target(const struct octo_element *element)
{
	enum need need = need_of(element);

	if (element->kind == OCTO_INTERACTION && element->action == OCTO_WAIT_FOR &&
		element->called.wait != OCTO_WAIT_ELEMENT)
		return false;
	return need == NEED_ELEMENT || (need == NEED_MAYBE && element->selectors.n > 0);
}

static const char *
wrong_with(const struct octo_selectors *selectors)
{
	bool names_something = false;

	for (size_t i = 0; i < selectors->n; i++) {
		const struct octo_selector *s = &selectors->item[i];

		if (!s->text && !names_something)
			return "its selectors begin with one that chooses among others";
		/* What follows a frame begins anew inside it. */
		names_something = s->type != OCTO_FRAME;
	}
	if (selectors->n == 0)
		return "it has no selectors";
	return names_something ? NULL : "its selectors end with a frame";
}

const char *
octo_refusal(const struct octo_element *element, json_t *statics)
{
	const struct octo_called *called = &element->called;
	bool is_action = element->kind == OCTO_INTERACTION;
	const char *why;

	if (is_action && element->action == OCTO_OPEN_EMAIL)
		return "there is no mailbox here";
	if (is_action && element->action == OCTO_JAVASCRIPT &&
		called->exec == OCTO_EXEC_SANDBOX)
		return "code outside the browser (execType sandbox) is not carried out here";
	if (called->text && strstr(called->text, "$OCTO_OTP") &&
		!json_object_get(statics, "OCTO_OTP"))
		return "the environment has no key for one-time passwords ($OCTO_OTP)";
	why = octo_has_target(element) ? wrong_with(&element->selectors) : NULL;
	if (!why && is_action && element->action == OCTO_DRAG_AND_DROP)
		why = wrong_with(&called->to);
	return why;
}

const char *
octo_wait_code(enum octo_wait wait)
{
	/* What each framework leaves in the page when it has taken over what the server drew.
	 */
	static const char *const codes[OCTO_WAIT_COUNT] = {
		[OCTO_WAIT_NUXT_HYDRATION] =
			"!window.useNuxtApp || window.useNuxtApp().isHydrating === false",
		[OCTO_WAIT_NUXT_DELAY_HYDRATION] =
			"Promise.resolve(window._$delayHydration).then(() => true)",
		[OCTO_WAIT_WEB_COMPONENTS_HYDRATION] =
			"document.querySelector(':not(:defined)') === null",
		[OCTO_WAIT_PREACT_HYDRATION] = "document.readyState === 'complete' && "
					       "document.querySelector('[ssr]') === null",
		[OCTO_WAIT_QWIK_HYDRATION] =
			"[...document.querySelectorAll('[q\\\\:container]')]"
			".every((one) => one.getAttribute('q:container') !== 'paused')",
	};

	return wait < OCTO_WAIT_COUNT ? codes[wait] : NULL;
}

/* --- Addresses --- */

/* Length of "scheme:", or 0. */
static size_t
scheme_len(const char *url)
{
	size_t n = strspn(
		url, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+.-");

	return n > 0 && url[n] == ':' ? n + 1 : 0;
}

/* Length of scheme://host[:port]. */
static size_t
origin_len(const char *url)
{
	size_t n = scheme_len(url);

	if (strncmp(url + n, "//", 2) != 0)
		return n;
	return n + 2 + strcspn(url + n + 2, "/?#");
}

/* Up to the last slash of the path, which is taken along; -1 as length: there is none. */
static size_t
folder_len(const char *url)
{
	size_t origin = origin_len(url);
	size_t end = origin + strcspn(url + origin, "?#");

	while (end > origin && url[end - 1] != '/')
		end--;
	return end;
}

char *
octo_url_join(const char *base, const char *path)
{
	size_t n;

	if (!path || !path[0])
		return xstrdup(base);
	if (path[0] == '$' || scheme_len(path) > 0)
		return xstrdup(path);
	if (strncmp(path, "//", 2) == 0)
		n = scheme_len(base);
	else if (path[0] == '/')
		n = origin_len(base);
	else if (path[0] == '?')
		n = strcspn(base, "?#");
	else if (path[0] == '#')
		n = strcspn(base, "#");
	else
		n = folder_len(base);
	bool needs_slash = n > 0 && n == origin_len(base) && !strchr("/?#", path[0]);

	return xasprintf("%.*s%s%s", (int)n, base, needs_slash ? "/" : "", path);
}

char *
octo_url_origin(const char *url)
{
	return xstrndup(url, origin_len(url));
}
