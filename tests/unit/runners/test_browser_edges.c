/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver with a real Chromium, at its edges: workers, fingers, proxies, floods of popups,
 * and a machine that allows no sandbox. Skipped where there is no Chromium.
 */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "runners/browser/chromium.h"
#include "runners/browser/context.h"
#include "runners/browser/frame.h"
#include "runners/browser/input.h"
#include "runners/browser/page.h"
#include "site.h"

enum { EXIT_SKIPPED = 77 /* meson's */ };

static const struct site_page pages[] = {
	{ "/", "200 OK", NULL,
		"<title>home</title><body style='margin:0;height:100vh'><script>window.log=[];"
		"for(const t of ['touchstart','touchend','click'])"
		"addEventListener(t,()=>{log.push(t)})</script>",
		false },
	{ "/work.js", "200 OK", "Content-Type: text/javascript\r\n",
		"onmessage=e=>postMessage(e.data*2)", false },
	{ "/nest.js", "200 OK", "Content-Type: text/javascript\r\n",
		"onmessage=e=>{const w=new Worker('/work.js');w.onmessage=f=>postMessage(f.data+1);"
		"w.postMessage(e.data)}",
		false },
	{ "/popups", "200 OK", NULL,
		"<title>popups</title><script>for(let i=0;i<130;i++)window.open('about:blank')"
		"</script>",
		false },
	/* What a proxy is asked for. */
	{ "http://shop.test/", "200 OK", NULL, "<title>through the proxy</title>", false },
	{ NULL, NULL, NULL, NULL, false },
};

static struct site site;
static struct chromium *chromium;
static struct context *context;
static struct page *page;
static char folder[] = "/tmp/proctor-browser-edges-XXXXXX";

static int64_t
soon(void)
{
	return clock_mono_ms() + 60000; /* a limit, not a time that anything takes */
}

/* What the last GOOD() was told. */
static struct err trouble;

#define GOOD(call)                                            \
	do {                                                  \
		if ((call) != 0)                              \
			fail_msg(#call ": %s", trouble.text); \
	} while (0)

static const char *
at(const char *path)
{
	static char text[200];

	snprintf(text, sizeof text, "http://127.0.0.1:%d%s", site.port, path);
	return text;
}

static void
assert_asked(const char *expression, const char *expected)
{
	json_t *value = NULL;

	GOOD(frame_eval_expression(
		page->main, WORLD_PAGE, expression, soon(), &value, &trouble));
	_cleanup_free_ char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(value);
	assert_string_equal(text, expected);
}

static int
start_browser(void **state)
{
	const struct chromium_spec spec = { .profile_dir = folder };

	(void)state;
	GOOD(chromium_start(&chromium, &spec, soon(), &trouble));
	return 0;
}

static int
stop_browser(void **state)
{
	(void)state;
	chromium = chromium_free(chromium);
	return 0;
}

static void
open_context(const struct context_spec *spec)
{
	GOOD(context_new(&context, chromium, spec, soon(), &trouble));
	GOOD(context_page_new(context, &page, soon(), &trouble));
}

static int
open_page(void **state)
{
	const struct context_spec spec = { 0 };

	(void)state;
	open_context(&spec);
	return 0;
}

static int
close_page(void **state)
{
	(void)state;
	context = context_free(context);
	return chromium_worn(chromium) && strcmp(chromium_worn(chromium), "unclean") == 0;
}

/* --- Workers --- */

/* Half of the answer of a worker. */
#define ASK_WORKER(script)                                             \
	"new Promise((done, failed) => { const w = new Worker(" script \
	"); w.onerror = failed;"                                       \
	"w.onmessage = e => done(e.data); w.postMessage(21); })"

/* The browser holds every worker until it is let go, whether it is wanted or not. */
static void
workers_of_pages_run(void **state)
{
	(void)state;
	GOOD(page_goto(page, at("/"), NULL, LOAD_LOAD, soon(), &trouble));
	assert_asked(ASK_WORKER("'/work.js'"), "42");
	assert_asked(
		ASK_WORKER(
			"URL.createObjectURL(new Blob(['onmessage=e=>postMessage(e.data)']))"),
		"21");
	assert_asked(ASK_WORKER("'/nest.js'"), "43");
	/* They are no sessions of ours, and those of the next document run as well. */
	size_t n = 0;
	LIST_FOR_EACH(node, &context->sessions)
		n++;
	assert_int_equal(n, 1);
	GOOD(page_reload(page, false, LOAD_LOAD, soon(), &trouble));
	assert_asked(ASK_WORKER("'/work.js'"), "42");
}

/* --- Touch --- */

static void
have_fingers(void *arg, struct session *session)
{
	(void)arg;
	cdp_send(session->context->cdp, session->id, "Emulation.setTouchEmulationEnabled",
		json_pack("{s:b, s:i}", "enabled", 1, "maxTouchPoints", 5), NULL, NULL);
}

static void
a_finger_taps(void **state)
{
	(void)state;
	context_on_session(context, have_fingers, NULL);
	GOOD(page_goto(page, at("/"), NULL, LOAD_LOAD, soon(), &trouble));
	assert_asked("navigator.maxTouchPoints", "5");
	GOOD(input_tap(page, 50, 50, soon(), &trouble));
	assert_asked(
		"new Promise(done => { const look = () => log.includes('click') ? done(log.join())"
		" : requestAnimationFrame(look); look(); })",
		"\"touchstart,touchend,click\"");
}

/* --- Proxies --- */

/* shop.test is a name that nobody resolves: only who goes through the proxy gets there. */
static void
a_proxy_belongs_to_its_context(void **state)
{
	_cleanup_free_ char *proxy = xasprintf("http://127.0.0.1:%d", site.port);
	const struct context_spec with = { .proxy = proxy }, without = { 0 };
	struct err err;

	(void)state;
	open_context(&with);
	GOOD(page_goto(page, "http://shop.test/", NULL, LOAD_LOAD, soon(), &trouble));
	assert_asked("document.title", "\"through the proxy\"");
	struct context *first = context;
	open_context(&without);
	assert_int_equal(
		page_goto(page, "http://shop.test/", NULL, LOAD_LOAD, soon(), &err), -1);
	assert_non_null(strstr(err.text, "net::ERR"));
	GOOD(page_goto(page, at("/"), NULL, LOAD_LOAD, soon(), &trouble));
	assert_asked("document.title", "\"home\"");
	context = context_free(context);
	context = context_free(first);
}

/* --- Floods --- */

static size_t
count_pages(void)
{
	size_t n = 0;

	LIST_FOR_EACH(node, &context->pages)
		n++;
	return n;
}

static void
too_many_popups_are_closed(void **state)
{
	(void)state;
	GOOD(page_goto(page, at("/popups"), NULL, LOAD_LOAD, soon(), &trouble));
	assert_asked("document.title", "\"popups\"");
	assert_int_equal(count_pages(), CONTEXT_PAGES_OPEN_MAX);
	assert_int_equal(context->n_pages_ever, CONTEXT_PAGES_OPEN_MAX);
	/* And the page that did it is still good for something. */
	GOOD(page_goto(page, at("/"), NULL, LOAD_LOAD, soon(), &trouble));
	assert_asked("document.title", "\"home\"");
}

/* --- Sandbox --- */

/* This process can make no user namespace and use no setuid helper. 1: that cannot be had here.
 */
static int
live_without_sandbox(void)
{
	struct err err;

	/* In a namespace of its own it is nobody, and may forbid itself any further one. */
	if (unshare(CLONE_NEWUSER) == 0) {
		_cleanup_close_ int fd =
			open("/proc/sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC);
		if (fd < 0 || fd_write_all(fd, "0", 1, &err) < 0)
			return 1;
	}
	return geteuid() == 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		unshare(CLONE_NEWUSER) == 0;
}

/* In a process of its own: 0 when it is refused as it should be. */
static int
try_refusal(void)
{
	const struct chromium_spec spec = { .profile_dir = folder };
	struct chromium *none = NULL;
	struct err err = { 0 };

	(void)unsetenv("PROCTOR_CHROMIUM_NO_SANDBOX");
	if (live_without_sandbox() != 0)
		return EXIT_SKIPPED;
	if (chromium_start(&none, &spec, soon(), &err) == 0)
		return 1;
	return err.code == ERR_UNAVAILABLE && strstr(err.text, "no user namespaces") &&
			strstr(err.text, "PROCTOR_CHROMIUM_NO_SANDBOX=1")
		? 0
		: 2;
}

static void
without_a_sandbox_it_is_refused(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(try_refusal());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == EXIT_SKIPPED)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest with_browser[] = {
		cmocka_unit_test_setup_teardown(workers_of_pages_run, open_page, close_page),
		cmocka_unit_test_setup_teardown(a_finger_taps, open_page, close_page),
		cmocka_unit_test(a_proxy_belongs_to_its_context),
		cmocka_unit_test_setup_teardown(
			too_many_popups_are_closed, open_page, close_page),
	};
	const struct CMUnitTest alone[] = {
		cmocka_unit_test(without_a_sandbox_it_is_refused),
	};
	_cleanup_free_ char *program = NULL;
	struct err err;

	signal(SIGPIPE, SIG_IGN);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	if (chromium_find(CHROMIUM_HEADLESS_SHELL, &program, &err) != 0) {
		fprintf(stderr, "skipped: there is no Chromium\n");
		return EXIT_SKIPPED;
	}
	if (!mkdtemp(folder))
		return 1;
	site_start(&site, pages);
	int failed = cmocka_run_group_tests(with_browser, start_browser, stop_browser);
	failed += cmocka_run_group_tests(alone, NULL, NULL);
	site_stop(&site);
	if (tree_remove(AT_FDCWD, folder, &err) < 0)
		return 1;
	return failed;
}
