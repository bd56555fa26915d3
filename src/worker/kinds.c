/* SPDX-License-Identifier: Apache-2.0 */
/* One row a kind. C runners are this program again; JavaScript runners are files below
 * runners_dir. */
#include "worker/kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"

const struct kind kind_table[KIND_COUNT] = {
	[KIND_COMMAND] = { .name = "command", .warm = true, .idle_ms = RUNNER_IDLE_MS },
	[KIND_HTTP] = { .name = "http", .warm = true, .idle_ms = RUNNER_IDLE_MS },
	[KIND_BROWSER] = { .name = "browser",
		.warm = true,
		.keeps_children = true,
		.idle_ms = BROWSER_IDLE_MS },
	[KIND_PLAYWRIGHT] = { .name = "playwright",
		.prewarm = true,
		.idle_ms = RUNNER_IDLE_MS },
	[KIND_TESTCAFE] = { .name = "testcafe", .warm = true, .idle_ms = RUNNER_IDLE_MS },
};

/* NULL: a runner inside this program. */
static const char *const scripts[KIND_COUNT] = {
	[KIND_PLAYWRIGHT] = "playwright/runner.js",
	[KIND_TESTCAFE] = "testcafe/runner.js",
};

const struct kind *
kind_find(const char *name)
{
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (strcmp(kind_table[i].name, name) == 0)
			return &kind_table[i];
	return NULL;
}

static bool
is_program(const char *path)
{
	struct stat st;

	return access(path, X_OK) == 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

char *
find_program(const char *name)
{
	const char *path = getenv("PATH");
	struct str rest = str_of(path ? path : "/usr/local/bin:/usr/bin:/bin");

	while (rest.p) {
		struct str dir = str_split_first(&rest, ':');
		if (dir.n == 0)
			continue;
		_cleanup_free_ char *full = xasprintf(STR_FMT "/%s", STR_ARG(dir), name);
		if (is_program(full))
			return TAKE(full);
	}
	return NULL;
}

/* $PROCTOR_RUNNERS_DIR, the installed place, the source tree: the first that is there. */
static char *
find_runners_dir(void)
{
	const char *const places[] = {
		getenv("PROCTOR_RUNNERS_DIR"),
		PROCTOR_RUNNERS_DIR_INSTALLED,
		PROCTOR_RUNNERS_DIR,
	};

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (places[i] && places[i][0] && access(places[i], R_OK | X_OK) == 0)
			return realpath(places[i], NULL);
	return NULL;
}

void
kind_places_init(
	struct kind_places *ret, const char *self, const char *node, const char *runners_dir)
{
	/* Not its path: that may lead to another program, or to none, after an upgrade. */
	ret->self = xstrdup(self ? self : "/proc/self/exe");
	ret->node = node ? xstrdup(node) : find_program("node");
	ret->runners_dir = runners_dir ? realpath(runners_dir, NULL) : find_runners_dir();
}

void
kind_places_deinit(struct kind_places *places)
{
	free(places->self);
	free(places->node);
	free(places->runners_dir);
	*places = (struct kind_places) { 0 };
}

static bool
any_program(const char *const *names)
{
	for (; *names; names++) {
		_cleanup_free_ char *found = find_program(*names);
		if (found)
			return true;
	}
	return false;
}

static bool
has_file(const struct kind_places *places, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", places->runners_dir, name);

	return access(path, R_OK) == 0;
}

static int
chromium_available(struct err *err)
{
	static const char *const browsers[] = { "chromium-headless-shell", "chromium",
		"chromium-browser", NULL };
	const char *chosen = getenv("PROCTOR_CHROMIUM");

	if (chosen && chosen[0] && !is_program(chosen))
		return err_set(err, ERR_UNAVAILABLE,
			"$PROCTOR_CHROMIUM names no program: %.100s", chosen);
	if (!(chosen && chosen[0]) && !any_program(browsers))
		return err_set(err, ERR_UNAVAILABLE,
			"Chromium is missing (apt-get install chromium-headless-shell)");
	return 0;
}

static int
playwright_available(const struct kind_places *places, struct err *err)
{
	if (!places->node)
		return err_set(
			err, ERR_UNAVAILABLE, "Node is missing (apt-get install nodejs)");
	if (!places->runners_dir || !has_file(places, scripts[KIND_PLAYWRIGHT]))
		return err_set(err, ERR_UNAVAILABLE, "the Playwright runner is not installed");
	if (!has_file(places, "playwright/node_modules/@playwright/test/package.json"))
		return err_set(err, ERR_UNAVAILABLE,
			"@playwright/test is missing (npm ci in %s/playwright)",
			places->runners_dir);
	return chromium_available(err);
}

static int
testcafe_available(const struct kind_places *places, struct err *err)
{
	static const char *const browsers[] = { "chromium", "chromium-browser",
		"chromium-headless-shell", "google-chrome", "firefox", NULL };

	if (!places->node)
		return err_set(
			err, ERR_UNAVAILABLE, "Node is missing (apt-get install nodejs)");
	if (!places->runners_dir || !has_file(places, scripts[KIND_TESTCAFE]))
		return err_set(err, ERR_UNAVAILABLE, "the TestCafe runner is not installed");
	if (!has_file(places, "testcafe/node_modules/testcafe/package.json"))
		return err_set(err, ERR_UNAVAILABLE,
			"testcafe is missing (npm ci in %s/testcafe)", places->runners_dir);
	if (!any_program(browsers) && !getenv("PROCTOR_CHROMIUM"))
		return err_set(
			err, ERR_UNAVAILABLE, "Chromium is missing (apt-get install chromium)");
	return 0;
}

int
kind_available(const struct kind *kind, const struct kind_places *places, struct err *err)
{
	if (kind == &kind_table[KIND_PLAYWRIGHT])
		return playwright_available(places, err);
	if (kind == &kind_table[KIND_BROWSER])
		return chromium_available(err);
	if (kind == &kind_table[KIND_TESTCAFE])
		return testcafe_available(places, err);
	return 0;
}

void
kind_command(const struct kind *kind, const struct kind_places *places,
	const char *ret_argv[KIND_ARGS_MAX], char **ret_owned)
{
	const char *script = scripts[kind - kind_table];

	*ret_owned = NULL;
	if (!script) {
		ret_argv[0] = places->self;
		ret_argv[1] = "runner";
		ret_argv[2] = kind->name;
		ret_argv[3] = NULL;
		return;
	}
	*ret_owned = xasprintf("%s/%s", places->runners_dir, script);
	ret_argv[0] = places->node;
	ret_argv[1] = *ret_owned;
	ret_argv[2] = NULL;
}
