/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A test case of Octomind: what `.octomind/NAME.yaml` holds, what `push` sends and what `pull`
 * gives. Decoded strictly where a value decides what is done, and generously where clients are
 * known to send more than the format has: unknown members (`filePath`) are dropped.
 *
 * All texts and lists of a decoded case live in the arena that it was decoded into. Pure.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "base/json.h"
#include "dialects/octomind/case_issues.h"

/* --- Words; each enum has a NULL-terminated table of its names below --- */

enum octo_action {
	OCTO_CLICK,
	OCTO_ENTER_TEXT,
	OCTO_SELECT_OPTION,
	OCTO_GO_TO,
	OCTO_KEY_PRESS,
	OCTO_HOVER,
	OCTO_UPLOAD,
	OCTO_DOWNLOAD,
	OCTO_DRAG_AND_DROP,
	OCTO_TYPE_TEXT,
	OCTO_EXTRACT,
	OCTO_JAVASCRIPT,
	OCTO_OPEN_EMAIL,
	OCTO_CLOSE_PAGE,
	OCTO_SCROLL,
	OCTO_WAIT_FOR,
	OCTO_ACTION_COUNT
};

enum octo_expectation {
	OCTO_VISIBLE,
	OCTO_NOT_VISIBLE,
	OCTO_RESPONSE_OK,
	OCTO_DISABLED,
	OCTO_TO_HAVE_VALUE,
	OCTO_TO_BE_CHECKED,
	OCTO_NOT_TO_BE_CHECKED,
	OCTO_TO_CONTAIN_TEXT,
	OCTO_TO_HAVE_STYLE,
	OCTO_EXPECTATION_COUNT
};

enum octo_selector_type {
	OCTO_FRAME,
	OCTO_CSS,
	OCTO_TEXT,
	OCTO_ROLE,
	OCTO_ALT_TEXT,
	OCTO_LABEL,
	OCTO_TEST_ID,
	OCTO_TITLE,
	OCTO_PLACEHOLDER,
	OCTO_FILTER,
	OCTO_FIRST,
	OCTO_LAST,
	OCTO_NTH,
	OCTO_SELECTOR_TYPE_COUNT
};

/* What WAIT_FOR waits for; without calledWith it is the element. */
enum octo_wait {
	OCTO_WAIT_LOAD,
	OCTO_WAIT_DOM_CONTENT_LOADED,
	OCTO_WAIT_NETWORK_IDLE,
	OCTO_WAIT_NUXT_HYDRATION,
	OCTO_WAIT_NUXT_DELAY_HYDRATION,
	OCTO_WAIT_WEB_COMPONENTS_HYDRATION,
	OCTO_WAIT_PREACT_HYDRATION,
	OCTO_WAIT_QWIK_HYDRATION,
	OCTO_WAIT_FIXED_TIME,
	OCTO_WAIT_CODE,
	OCTO_WAIT_COUNT,
	OCTO_WAIT_ELEMENT = OCTO_WAIT_COUNT /* no word */
};

enum octo_button { OCTO_BUTTON_LEFT, OCTO_BUTTON_RIGHT, OCTO_BUTTON_MIDDLE };
enum octo_exec { OCTO_EXEC_SANDBOX, OCTO_EXEC_BROWSER };
enum octo_run_status { OCTO_OFF, OCTO_ON };
enum octo_editing { OCTO_EDITING_NONE = -1, OCTO_IN_PROGRESS, OCTO_DONE, OCTO_CANCELLED };

enum octo_case_type {
	OCTO_CASE_PLAIN = -1, /* no member `type` */
	OCTO_CASE_LOGIN,
	OCTO_CASE_COOKIE_BANNER,
	OCTO_CASE_LINK,
	OCTO_CASE_TEARDOWN
};

enum octo_status {
	OCTO_ENABLED,
	OCTO_DISABLED_STATUS,
	OCTO_DRAFT,
	OCTO_OUTDATED,
	OCTO_PROVISIONAL
};

enum octo_browser { OCTO_CHROMIUM, OCTO_FIREFOX, OCTO_SAFARI };
enum octo_breakpoint { OCTO_DESKTOP, OCTO_MOBILE, OCTO_TABLET };

extern const char *const octo_action_names[OCTO_ACTION_COUNT + 1];
extern const char *const octo_expectation_names[OCTO_EXPECTATION_COUNT + 1];
extern const char *const octo_selector_type_names[OCTO_SELECTOR_TYPE_COUNT + 1];
extern const char *const octo_wait_names[OCTO_WAIT_COUNT + 1];
extern const char *const octo_button_names[];
extern const char *const octo_exec_names[];
extern const char *const octo_run_status_names[];
extern const char *const octo_editing_names[];
extern const char *const octo_case_type_names[];
extern const char *const octo_status_names[];
extern const char *const octo_browser_names[];
extern const char *const octo_breakpoint_names[];

/* Index of the word in a table, or -1. */
int octo_word(const char *const *names, const char *word);

/* --- Elements --- */

/* A state that an option may ask for. */
enum octo_flag { OCTO_FLAG_ANY, OCTO_FLAG_FALSE, OCTO_FLAG_TRUE };

struct octo_selector {
	enum octo_selector_type type;
	const char
		*text; /* what to look for; NULL for FILTER, FIRST, LAST and a FRAME in place */
	int64_t nth;   /* NTH: from 0; negative from the end */
	/* options */
	const char *name, *has_text, *has_not_text; /* or NULL */
	enum octo_flag exact, checked, disabled, expanded, include_hidden, pressed, selected;
	int64_t level; /* 0: not asked for */
};

struct octo_selectors {
	struct octo_selector *item;
	size_t n;
};

/* How SELECT_OPTION names one; exactly one member is given. */
struct octo_option {
	const char *any; /* label or value */
	const char *value, *label;
	int64_t index; /* -1: not given */
};

/* `calledWith`, by what it belongs to; members of others are zero. */
struct octo_called {
	const char *text;      /* what is typed, pressed, opened, expected, run, waited for */
	const char *name;      /* variable of EXTRACT, property of TO_HAVE_STYLE */
	const char *attribute; /* EXTRACT; NULL: its text */
	enum octo_button button;
	bool is_double, is_forced;
	bool has_x, has_y;
	double x, y;      /* SCROLL; DRAG_AND_DROP: where in the target */
	int64_t delay_ms; /* TYPE_TEXT: -1: not given; WAIT_FOR: the time */
	enum octo_exec exec;
	enum octo_wait wait;
	struct octo_option *option; /* SELECT_OPTION */
	size_t n_options;
	struct octo_selectors to; /* DRAG_AND_DROP */
};

enum octo_element_kind { OCTO_INTERACTION, OCTO_ASSERTION };

struct octo_element {
	enum octo_element_kind kind;
	enum octo_action action;           /* of an interaction */
	enum octo_expectation expectation; /* of an assertion */
	struct octo_called called;
	struct octo_selectors selectors;
	bool ignores_failure;
};

/* --- Cases --- */

struct octo_case {
	struct uuid id;
	enum octo_case_type type;
	enum octo_run_status run_status;
	enum octo_editing editing;
	struct uuid dependency, teardown; /* zero: none */
	const char *description, *prompt; /* never NULL */
	const char *entry_path;           /* or NULL, as are the next two */
	const char *folder, *external_id;
	struct strs tags, excluded_environments;
	struct octo_element *element;
	size_t n_elements;
};

/*
 * Decodes one test case at that place (NULL: it is the whole document). Also takes
 * the names that a TestCase has for its members (`tags`, `prerequisiteId`,
 * `teardownTestCaseId`), so that what was read can be sent back.
 *
 * 0, or -1: what is wrong was added to issues.
 */
int octo_case_decode(json_t *document, const struct octo_at *at, struct octo_issues *issues,
	struct octo_case *ret) MUST_CHECK;

/* The elements alone, of a PATCH. */
int octo_elements_decode(json_t *list, const struct octo_at *at, struct octo_issues *issues,
	struct octo_element **ret, size_t *ret_n) MUST_CHECK;

/* The members of a SyncTestCase, in an object that the caller opens and ends. */
void octo_case_write_sync(const struct octo_case *c, struct jw *jw);

/* What a TestCase has besides. */
struct octo_case_facts {
	struct uuid test_target;
	enum octo_status status;
	int64_t created_wall_ms, updated_wall_ms;
	const char *created_by;       /* "EDIT", … */
	const char *folder_id;        /* or NULL */
	const char *discovery_status; /* or NULL: the case was not discovered */
};

/* The same of a TestCase; elements get ids that stay as long as their place does. */
void octo_case_write(
	const struct octo_case *c, const struct octo_case_facts *facts, struct jw *jw);

/* One element of it, the whole object. */
void octo_element_write(const struct octo_case *c, size_t index, struct jw *jw);

void octo_element_id(const struct octo_case *c, size_t index, struct uuid *ret);

/* The place of the element with that id, or -1. */
int octo_element_find(const struct octo_case *c, const struct uuid *id);

/* Whether the case runs when that environment and those tags are asked for (n_tags 0: all). */
bool octo_case_is_chosen(const struct octo_case *c, enum octo_status status,
	const char *environment, const char *const *tags, size_t n_tags);

/* --- Chains --- */

/* The case with that id, or NULL. */
typedef const struct octo_case *octo_find_fn(void *arg, const struct uuid *id);

/* What is run for one case, outermost prerequisite first, itself last. */
struct octo_chain {
	const struct octo_case *item[OCTO_CHAIN_MAX];
	const struct octo_case *teardown[OCTO_CHAIN_MAX]; /* of each item, or NULL */
	size_t n;
};

/*
 * Follows dependencies and teardowns. -1 with err: NOT_FOUND for one that does not exist,
 * INVALID for a circle, LIMIT for one that is too long. The chain borrows the cases.
 */
int octo_chain_of(const struct octo_case *c, octo_find_fn *find, void *arg,
	struct octo_chain *ret, struct err *err) MUST_CHECK;
