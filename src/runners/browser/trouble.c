/* SPDX-License-Identifier: Apache-2.0 */
/* What went wrong in a step, from its various sources to one form. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "runners/browser/tester.h"
#include "runners/kit/kit.h"

/* --- What was typed in secret --- */

/* A name in the scope that no template can say. */
#define SECRETS " secrets"

void
secret_add(struct tester *t, const char *text)
{
	json_t *secrets = json_object_get(t->scope, SECRETS);

	if (strlen(text) < SECRET_SHOWN_BYTES_MIN ||
		json_array_size(secrets) >= SECRETS_TYPED_MAX)
		return;
	if (!secrets) {
		secrets = json_array();
		json_object_set_new(t->scope, SECRETS, secrets);
	}
	json_array_append_new(secrets, json_string(text));
}

static char *
without(const char *text, const char *secret)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT((size_t)MIB(64));
	const char *at;
	int r = 0;

	for (; (at = strstr(text, secret)); text = at + strlen(secret)) {
		r |= buf_add(&out, text, (size_t)(at - text));
		r |= buf_adds(&out, "•••");
	}
	r |= buf_adds(&out, text);
	return xstrdup(r < 0 ? "•••" : buf_text(&out));
}

char *
secrets_hide(const struct tester *t, char *text)
{
	json_t *secret;
	size_t i;

	json_array_foreach(json_object_get(t->scope, SECRETS), i, secret)
	{
		char *shown = without(text, json_string_value(secret));

		free(text);
		text = shown;
	}
	return text;
}

json_t *
secrets_hide_in(const struct tester *t, json_t *value)
{
	const char *name;
	json_t *item;
	size_t i;

	if (!value || json_is_null(value) || !json_object_get(t->scope, SECRETS))
		return json_incref(value);
	if (json_is_object(value)) {
		json_t *out = json_object();

		json_object_foreach(value, name, item)
			json_object_set_new(out, name, secrets_hide_in(t, item));
		return out;
	}
	if (json_is_array(value)) {
		json_t *out = json_array();

		json_array_foreach(value, i, item)
			json_array_append_new(out, secrets_hide_in(t, item));
		return out;
	}
	/* A number may be a secret as well; it becomes a text then. */
	char *plain = json_is_string(value) ? xstrdup(json_string_value(value))
					    : json_dumps(value, JSON_ENCODE_ANY);
	_cleanup_free_ char *before = xstrdup(plain);
	_cleanup_free_ char *shown = secrets_hide(t, plain);

	return strcmp(before, shown) == 0 ? json_incref(value) : json_string(shown);
}

/* --- Trouble --- */

void
trouble_clear(struct trouble *trouble)
{
	free(trouble->message);
	free(trouble->screenshot);
	json_decref(trouble->expected);
	json_decref(trouble->actual);
	*trouble = (struct trouble) { 0 };
}

int
trouble_set(struct tester *t, enum trouble_kind kind, const char *reason, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *message = xvasprintf(fmt, ap);
	va_end(ap);
	trouble_clear(&t->trouble);
	t->trouble = (struct trouble) {
		.kind = kind, .reason = reason, .message = secrets_hide(t, message)
	};
	return -1;
}

int
trouble_err(struct tester *t, const struct err *err)
{
	switch (cdp_state(t->cdp)) {
	case CDP_LOST:
		return trouble_set(t, TROUBLE_LOST, "browser_disconnected",
			"the browser is gone: %s", err->text);
	case CDP_CANCELLED:
		return trouble_set(t, TROUBLE_CANCELLED, NULL, "cancelled");
	case CDP_OPEN:
		break;
	}
	if (t->page && t->page->is_crashed)
		return trouble_set(t, TROUBLE_FAILED, "page_crashed", "the page crashed");
	if (t->page && t->page->is_closed)
		return trouble_set(t, TROUBLE_FAILED, "action", "the page was closed");
	return trouble_set(t, TROUBLE_FAILED, "action", "%s", err->text);
}

int
trouble_answer(struct tester *t, const char *reason, json_t *answer)
{
	const char *why = cdp_str(answer, "why");
	bool is_ours = strcmp(why, "invalid") == 0;
	json_t *expected = json_object_get(answer, "expected");
	double seconds = (double)t->patience_ms / 1000;

	if (is_ours || t->patience_ms == 0)
		(void)trouble_set(t, is_ours ? TROUBLE_ERRORED : TROUBLE_FAILED,
			is_ours ? "invalid_definition" : reason, "%s",
			cdp_str(answer, "message"));
	else
		(void)trouble_set(t, TROUBLE_FAILED, reason, "%s (waited %.3g s)",
			cdp_str(answer, "message"), seconds);
	if (expected) {
		t->trouble.expected = secrets_hide_in(t, expected);
		t->trouble.actual = secrets_hide_in(t, json_object_get(answer, "actual"));
	}
	return -1;
}

json_t *
trouble_error(const struct trouble *trouble)
{
	json_t *error = kit_error("%s", trouble->message ? trouble->message : "");

	if (trouble->expected)
		json_object_set(error, "expected", trouble->expected);
	if (trouble->actual)
		json_object_set(error, "actual", trouble->actual);
	if (trouble->screenshot)
		json_object_set_new(error, "screenshot", json_string(trouble->screenshot));
	return error;
}
