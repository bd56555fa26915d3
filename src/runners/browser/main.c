/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner's process: a browser that is kept warm between runs, replaced when it is worn or
 * dead, and given up when it dies again and again.
 */
#include <sys/syscall.h>
#include <unistd.h>

#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "browser_format/browsers.h"
#include "runners/browser/browser.h"
#include "runners/browser/chromium.h"
#include "runners/kit/kit.h"

/* The one browser of this process. */
static struct warm {
	struct chromium *chromium;
	enum chromium_kind kind;
	int pidfd;       /* readable when the browser is dead; -1: none */
	unsigned n_lost; /* in a row */
} warm = { .pidfd = -1 };

static void
give_up_browser(void)
{
	browser_run_tidy();
	warm.chromium = chromium_free(warm.chromium);
	if (warm.pidfd >= 0)
		(void)close(warm.pidfd);
	warm.pidfd = -1;
}

/* What the run's group calls its browser. */
static const char *
browser_name(const struct kit_request *request)
{
	const char *name = json_string_value(json_object_get(request->browser, "browser"));

	return name ? name : request->target ? request->target : "chromium";
}

/* Makes sure that there is a living browser of that kind. */
static int
ensure_browser(struct kit *kit, enum chromium_kind kind, struct err *err)
{
	struct chromium_spec spec = { .kind = kind, .kit = kit };
	int64_t end_ms;
	int r;

	browser_run_tidy();
	if (warm.chromium &&
		(warm.kind != kind || chromium_worn(warm.chromium) ||
			chromium_health(warm.chromium, err) < 0))
		give_up_browser();
	if (warm.chromium)
		return 0;
	/* One that is killed while it starts, as where memory is short, says nothing of the
	 * next. */
	end_ms = clock_mono_ms() + CHROMIUM_START_MS;
	r = chromium_start(&warm.chromium, &spec, end_ms, err);
	if (r < 0 && !kit_cancelled(kit) && clock_mono_ms() < end_ms)
		r = chromium_start(&warm.chromium, &spec, end_ms, err);
	if (r < 0)
		return -1;
	warm.kind = kind;
	warm.pidfd = (int)syscall(SYS_pidfd_open, chromium_pid(warm.chromium), 0);
	return 0;
}

static json_t *
no_browser(struct kit *kit, const struct err *err)
{
	if (kit_cancelled(kit))
		return kit_result("cancelled", NULL, NULL);
	return kit_result(
		"errored", "browser_missing", "the browser cannot be started: %s", err->text);
}

static bool
is_lost(const json_t *result)
{
	return strcmp(json_string_value(json_object_get(result, "outcome")), "lost") == 0;
}

static json_t *
run_once(struct kit *kit, const struct kit_request *request, enum chromium_kind kind)
{
	int64_t begun_ms = clock_mono_ms();
	json_t *warnings, *result;
	struct err err = { 0 };

	if (ensure_browser(kit, kind, &err) < 0)
		return no_browser(kit, &err);
	warnings = json_array();
	if (chromium_warning(warm.chromium))
		json_array_append_new(warnings, json_string(chromium_warning(warm.chromium)));
	result = browser_run(kit, request, warm.chromium, warnings, clock_mono_ms() - begun_ms);
	if (is_lost(result)) {
		warm.n_lost++;
		give_up_browser();
	} else {
		warm.n_lost = 0;
	}
	return result;
}

static json_t *
carry_out(struct kit *kit, const struct kit_request *request)
{
	const char *name = browser_name(request);
	enum browser_build build;
	json_t *result;

	/* An unknown name is the job's fault: the kind works here. */
	if (browser_build_find(name, &build) != 0)
		return kit_result("errored", "config",
			"there is no browser \"%.40s\": known are " BROWSERS_KNOWN, name);
	enum chromium_kind kind =
		build == BROWSER_BUILD_FULL ? CHROMIUM_FULL : CHROMIUM_HEADLESS_SHELL;
	bool is_old = warm.chromium != NULL;

	result = run_once(kit, request, kind);
	if (is_old && is_lost(result) && !browser_run_has_begun()) {
		/* It died since the last run: nobody need hear of it. */
		json_decref(result);
		result = run_once(kit, request, kind);
	}
	return result;
}

static void
on_screen(struct kit *kit, const struct kit_screen *screen)
{
	(void)kit;
	browser_run_screen(screen);
}

/*
 * The result is with the worker: now the context may go. A browser that dies between two runs
 * is tidied up at once; the next run starts another.
 */
static int
idle(bool is_ready)
{
	browser_run_tidy();
	if (is_ready)
		give_up_browser();
	return warm.pidfd;
}

static bool
is_worn(void)
{
	return warm.n_lost >= RUNNER_LOST_RUNS_MAX;
}

int
runner_browser_main(void)
{
	static const struct kit_spec spec = { .name = "browser",
		.kind = "browser",
		.reusable = true,
		.carry_out = carry_out,
		.on_screen = on_screen,
		.idle = idle,
		.is_worn = is_worn };
	int status = kit_serve(&spec);

	give_up_browser();
	return status;
}
