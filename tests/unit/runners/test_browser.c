/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver with a real Chromium and a small site. Without a Chromium the suite is skipped,
 * which meson shows.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
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

enum {
	EXIT_SKIPPED = 77, /* meson's */
	MANY_CONTEXTS = 200,
};

static const struct site_page pages[] = {
	{ "/", "200 OK", NULL, "<title>home</title><a id=two href=/two>two</a>", false },
	{ "/two", "200 OK", NULL, "<title>two</title><p>second", false },
	{ "/teapot", "418 Teapot", NULL, "<title>teapot</title>", false },
	{ "/moved", "302 Found", "Location: /two\r\n", "", false },
	{ "/hop", "200 OK", NULL, "<script>location.replace('/two')</script>", false },
	{ "/empty", "204 No Content", NULL, "", false },
	{ "/hang", "200 OK", NULL, "", true },
	{ "/slow-picture", "200 OK", NULL, "<title>slow</title><img src=/hang>", false },
	{ "/file", "200 OK",
		"Content-Type: application/octet-stream\r\n"
		"Content-Disposition: attachment; filename=\"../../report.csv\"\r\n",
		"a;b", false },
	{ "/frames", "200 OK", NULL,
		"<body style='margin:0'><iframe id=same src=/inner style='position:absolute;"
		"left:50px;top:40px;width:200px;height:100px;border:3px solid;padding:5px'>"
		"</iframe><iframe id=other src='http://localhost:%d/inner' style='position:"
		"absolute;left:300px;top:200px;width:200px;height:100px;border:0'></iframe>",
		false },
	{ "/inner", "200 OK", NULL,
		"<title>inner</title><body style='margin:0'><button style='position:absolute;"
		"left:10px;top:20px;width:80px;height:30px' onclick='document.title="
		"\"clicked\"'>in</button>",
		false },
	{ "/play", "200 OK", NULL,
		"<title>play</title><body style='margin:0'><input id=i autofocus>"
		"<div id=d style='position:absolute;left:100px;top:100px;width:100px;"
		"height:100px'></div><script>window.log=[];for(const t of ['mousedown','mouseup',"
		"'click','dblclick','mousemove','wheel','keydown','keyup','contextmenu',"
		"'touchstart'])addEventListener(t,e=>{log.push(t+(e.key?':'+e.key:''))});"
		"</script>",
		false },
	{ "/drag", "200 OK", NULL,
		"<body style='margin:0'><div id=a draggable=true style='position:absolute;"
		"left:0;top:0;width:50px;height:50px'>a</div><div id=b style='position:absolute;"
		"left:200px;top:0;width:100px;height:100px'>b</div><script>"
		"a.ondragstart=e=>e.dataTransfer.setData('text/plain','load');"
		"b.ondragover=e=>e.preventDefault();"
		"b.ondrop=e=>{e.preventDefault();document.title=e.dataTransfer.getData("
		"'text/plain')}</script>",
		false },
	{ NULL, NULL, NULL, NULL, false },
};

static struct site site;
static struct chromium *chromium;
static struct context *context;
static struct page *page;
static char folder[] = "/tmp/proctor-browser-test-XXXXXX";

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

/* A URL of the site; valid until the next but three. */
static const char *
at(const char *path)
{
	static char text[4][200];
	static unsigned turn;

	turn = (turn + 1) % 4;
	snprintf(text[turn], sizeof text[0], "http://127.0.0.1:%d%s", site.port, path);
	return text[turn];
}

/* What an expression gives in a frame, as text of JSON; owned. */
static char *
ask(struct frame *frame, enum world world, const char *expression)
{
	json_t *value = NULL;

	GOOD(frame_eval_expression(frame, world, expression, soon(), &value, &trouble));
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(value);
	return text;
}

static void
assert_asked(struct frame *frame, const char *expression, const char *expected)
{
	_cleanup_free_ char *text = ask(frame, WORLD_PAGE, expression);

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

static int
open_page(void **state)
{
	const struct context_spec spec = { .downloads = folder,
		.own_script = "globalThis.ours = 7" };

	(void)state;
	GOOD(context_new(&context, chromium, &spec, soon(), &trouble));
	GOOD(context_page_new(context, &page, soon(), &trouble));
	return 0;
}

static int
close_page(void **state)
{
	(void)state;
	context = context_free(context);
	return chromium_worn(chromium) && strcmp(chromium_worn(chromium), "unclean") == 0;
}

/* A test that failed in the middle has left its browser: the next one begins without. */
static int
leave_nothing(void **state)
{
	context = context_free(context);
	return stop_browser(state);
}

/* --- Navigation --- */

static void
pages_open_and_say_what_the_server_said(void **state)
{
	(void)state;
	GOOD(page_goto(page, at("/"), NULL, LOAD_LOAD, soon(), &trouble));
	assert_int_equal(page->response.status, 200);
	assert_string_equal(page->main->url, at("/"));
	assert_asked(page->main, "document.title", "\"home\"");
	GOOD(page_goto(page, at("/teapot"), NULL, LOAD_DOMCONTENTLOADED, soon(), &trouble));
	assert_int_equal(page->response.status, 418);
	GOOD(page_goto(page, at("/moved"), at("/"), LOAD_LOAD, soon(), &trouble));
	assert_int_equal(page->response.status, 200);
	assert_string_equal(page->response.url, at("/two"));
	assert_asked(page->main, "document.referrer.length > 0", "true");
	/* The fragment alone is no new document. */
	unsigned document = page->main->document;
	GOOD(page_goto(page, at("/two#part"), NULL, LOAD_LOAD, soon(), &trouble));
	assert_int_equal(page->main->document, document);
	assert_string_equal(page->main->url, at("/two#part"));
	GOOD(page_reload(page, true, LOAD_LOAD, soon(), &trouble));
	assert_int_equal(page->main->document, document + 1);
}

static void
history_goes_both_ways(void **state)
{
	(void)state;
	GOOD(page_goto(page, at("/"), NULL, LOAD_LOAD, soon(), &trouble));
	GOOD(page_goto(page, at("/two"), NULL, LOAD_LOAD, soon(), &trouble));
	GOOD(page_go(page, -1, LOAD_LOAD, soon(), &trouble));
	assert_asked(page->main, "document.title", "\"home\"");
	GOOD(page_go(page, 1, LOAD_LOAD, soon(), &trouble));
	assert_asked(page->main, "document.title", "\"two\"");
	struct err err;
	assert_int_equal(page_go(page, 1, LOAD_LOAD, soon(), &err), PAGE_NO_HISTORY);
}

static void
a_page_that_hops_on_is_followed(void **state)
{
	(void)state;
	GOOD(page_goto(page, at("/hop"), NULL, LOAD_NETWORKIDLE, soon(), &trouble));
	GOOD(page_wait_load(page, LOAD_LOAD, soon(), &trouble));
	assert_true(strcmp(page->main->url, at("/two")) == 0 ||
		strcmp(page->main->url, at("/hop")) == 0);
}

static void
what_cannot_be_opened_says_why(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(
		page_goto(page, "http://127.0.0.1:1/", NULL, LOAD_LOAD, soon(), &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_non_null(strstr(err.text, "net::ERR"));
	assert_int_equal(page_goto(page, "nonsense", NULL, LOAD_LOAD, soon(), &err), -1);
	assert_int_equal(page_goto(page, at("/empty"), NULL, LOAD_LOAD, soon(), &err), -1);
	assert_non_null(strstr(err.text, "no page"));
	assert_int_equal(page_goto(page, at("/slow-picture"), NULL, LOAD_LOAD,
				 clock_mono_ms() + 700, &err),
		-1);
	assert_int_equal(err.code, ERR_TIMEOUT);
	assert_non_null(strstr(err.text, "domcontentloaded"));
	/* And the page is still good for something. */
	GOOD(page_goto(
		page, at("/slow-picture"), NULL, LOAD_DOMCONTENTLOADED, soon(), &trouble));
	GOOD(page_goto(page, at("/two"), NULL, LOAD_LOAD, soon(), &trouble));
}

/* --- JavaScript --- */

static void
javascript_gives_values_and_says_what_it_threw(void **state)
{
	json_t *value;
	struct err err;
	char *handle;

	(void)state;
	GOOD(page_goto(page, at("/"), NULL, LOAD_LOAD, soon(), &trouble));
	assert_int_equal(
		frame_eval(page->main, WORLD_PAGE, "async (a, b) => ({ sum: a + b.c })",
			json_pack("[i, {s:i}]", 2, "c", 3), soon(), &value, &err),
		0);
	assert_int_equal(cdp_int(value, "sum", 0), 5);
	json_decref(value);
	assert_int_equal(
		frame_eval(page->main, WORLD_PAGE, "() => { throw new TypeError('no'); }", NULL,
			soon(), &value, &err),
		FRAME_THREW);
	assert_non_null(strstr(json_string_value(value), "TypeError: no"));
	json_decref(value);
	assert_asked(page->main, "undefined", "null");
	assert_asked(page->main, "'\\ud800'", "\"\xEF\xBF\xBD\"");
	assert_asked(page->main, "12345678901234567890", "1.2345678901234567e19");
	assert_int_equal(
		frame_eval_expression(page->main, WORLD_PAGE, "(", soon(), &value, &err),
		FRAME_THREW);
	assert_non_null(strstr(json_string_value(value), "SyntaxError"));
	json_decref(value);
	assert_int_equal(
		frame_eval_handle(page->main, WORLD_OWN, "() => document.querySelector('a')",
			NULL, soon(), &handle, &err),
		0);
	assert_int_equal(frame_call(page->main, handle, "function (b) { return this === b; }",
				 json_pack("[o]", frame_arg(handle)), soon(), &value, &err),
		0);
	assert_true(json_is_true(value));
	json_decref(value);
	frame_release(page->main, handle);
	free(handle);
}

static void
our_world_is_not_the_sites(void **state)
{
	(void)state;
	GOOD(page_goto(page, at("/"), NULL, LOAD_LOAD, soon(), &trouble));
	assert_asked(page->main, "typeof ours + typeof (Array.prototype.map = null)",
		"\"undefinedobject\"");
	_cleanup_free_ char *seen = ask(page->main, WORLD_OWN, "[ours].map(n => n + 1)");
	assert_string_equal(seen, "[8]");
	/* Again in the next document. */
	GOOD(page_reload(page, false, LOAD_LOAD, soon(), &trouble));
	_cleanup_free_ char *again = ask(page->main, WORLD_OWN, "ours");
	assert_string_equal(again, "7");
}

static void
handles_die_with_their_document(void **state)
{
	struct err err;
	char *handle;

	(void)state;
	GOOD(page_goto(page, at("/"), NULL, LOAD_LOAD, soon(), &trouble));
	GOOD(frame_eval_handle(
		page->main, WORLD_OWN, "() => document.body", NULL, soon(), &handle, &trouble));
	GOOD(page_goto(page, at("/two"), NULL, LOAD_LOAD, soon(), &trouble));
	assert_int_equal(frame_call(page->main, handle, "function () { return 1; }", NULL,
				 soon(), NULL, &err),
		-1);
	assert_int_equal(err.code, ERR_CONFLICT);
	free(handle);
}

static bool
is_at_two(void *arg)
{
	(void)arg;
	return strcmp(page->main->url, at("/two")) == 0;
}

static void
a_navigation_during_a_call_is_a_conflict(void **state)
{
	struct err err;

	(void)state;
	GOOD(page_goto(page, at("/"), NULL, LOAD_LOAD, soon(), &trouble));
	assert_int_equal(frame_eval(page->main, WORLD_PAGE,
				 "() => { location = '/two'; return new Promise(() => 0); }",
				 NULL, soon(), NULL, &err),
		-1);
	assert_int_equal(err.code, ERR_CONFLICT);
	/* Between two documents one waits for the next. */
	assert_asked(page->main, "typeof document", "\"object\"");
	GOOD(cdp_pump(context->cdp, soon(), is_at_two, NULL, &trouble));
	GOOD(page_wait_load(page, LOAD_LOAD, soon(), &trouble));
	assert_asked(page->main, "document.title", "\"two\"");
}

static void
an_endless_loop_is_stopped(void **state)
{
	struct err err;

	(void)state;
	GOOD(page_goto(page, at("/"), NULL, LOAD_LOAD, soon(), &trouble));
	assert_int_equal(frame_eval(page->main, WORLD_PAGE, "() => { for (;;); }", NULL,
				 clock_mono_ms() + 200, NULL, &err),
		-1);
	assert_int_equal(err.code, ERR_TIMEOUT);
	assert_asked(page->main, "1 + 1", "2");
	/* A promise that never comes is no reason to stop anything. */
	assert_int_equal(frame_eval(page->main, WORLD_PAGE, "() => new Promise(() => 0)", NULL,
				 clock_mono_ms() + 100, NULL, &err),
		-1);
	assert_asked(page->main, "2 + 2", "4");
}

static void
a_hung_page_does_not_hold_its_context(void **state)
{
	(void)state;
	GOOD(page_goto(page, at("/"), NULL, LOAD_LOAD, soon(), &trouble));
	cdp_send(context->cdp, page->session->id, "Runtime.evaluate",
		json_pack("{s:s}", "expression", "for (;;);"), NULL, NULL);
	int64_t before_ms = clock_mono_ms();
	context = context_free(context);
	assert_true(clock_mono_ms() - before_ms < CONTEXT_DISPOSE_MS);
	assert_int_equal(open_page(NULL), 0);
}

/* --- Pages with an address --- */

static void
a_page_opens_at_its_address(void **state)
{
	static const char refused[] = "http://127.0.0.1:1/";
	struct err err = { 0 };
	struct page *other;

	(void)state;
	GOOD(context_page_open(context, at("/two"), &other, soon(), &trouble));
	GOOD(page_goto(other, at("/two"), NULL, LOAD_LOAD, soon(), &trouble));
	assert_int_equal(other->response.status, 200);
	/* It was taken: the same once more is a navigation. */
	unsigned before = other->main->document;
	GOOD(page_goto(other, at("/two"), NULL, LOAD_LOAD, soon(), &trouble));
	assert_int_equal(other->main->document, before + 1);

	GOOD(context_page_open(context, refused, &other, soon(), &trouble));
	assert_int_equal(page_goto(other, refused, NULL, LOAD_LOAD, soon(), &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_non_null(strstr(err.text, "cannot be opened: net::ERR_"));

	/* Elsewhere than where it was going. */
	GOOD(context_page_open(context, at("/"), &other, soon(), &trouble));
	GOOD(page_goto(other, at("/two"), NULL, LOAD_LOAD, soon(), &trouble));
	assert_non_null(strstr(other->main->url, "/two"));
}

/* --- Frames --- */

static struct frame *
frame_in(const char *selector)
{
	char function[100];
	char *handle = NULL;
	struct frame *frame;
	struct err err;

	snprintf(function, sizeof function, "() => document.querySelector('%s')", selector);
	GOOD(frame_eval_handle(
		page->main, WORLD_OWN, function, NULL, soon(), &handle, &trouble));
	frame = frame_of_element(page->main, handle, soon(), &err);
	if (!frame)
		fail_msg("%s: %s", selector, err.text);
	free(handle);
	return frame;
}

/* The button inside is clicked through the page's own coordinates. */
static void
click_in(struct frame *frame, double expected_x, double expected_y)
{
	double x, y;

	_cleanup_free_ char *title = NULL;
	int64_t deadline = soon();

	GOOD(frame_offset(frame, soon(), &x, &y, &trouble));
	assert_true(x == expected_x && y == expected_y);
	/* Where the browser has not yet drawn another process's frame a click meets the page
	 * below: who clicks looks at what was hit, and tries again. */
	do {
		free(title);
		GOOD(input_click(page, x + 50, y + 35, NULL, soon(), &trouble));
		title = ask(frame, WORLD_PAGE, "document.title");
	} while (strcmp(title, "\"clicked\"") != 0 && clock_mono_ms() < deadline);
	assert_string_equal(title, "\"clicked\"");
}

static bool
frame_is_at_two(void *arg)
{
	const struct frame *frame = arg;

	return strcmp(frame->url, at("/two")) == 0 && frame_reached(frame, LOAD_LOAD);
}

static void
try_frames(bool other_is_apart)
{
	struct err err;

	GOOD(page_goto(page, at("/frames"), NULL, LOAD_LOAD, soon(), &trouble));
	struct frame *same = frame_in("#same"), *other = frame_in("#other");
	assert_ptr_equal(same->session, page->session);
	assert_int_equal(other->session->is_frame, other_is_apart);
	assert_ptr_equal(other->parent, page->main);
	assert_asked(other, "document.title", "\"inner\"");
	_cleanup_free_ char *ours = ask(other, WORLD_OWN, "ours");
	assert_string_equal(ours, "7");
	click_in(same, 58, 48);
	click_in(other, 300, 200);
	/* Into the page's own process and out again: the frame stays the same one. */
	assert_asked(
		page->main, "void (document.querySelector('#other').src = '/two')", "null");
	struct frame *moved = frame_in("#other");
	assert_ptr_equal(moved, other);
	GOOD(cdp_pump(context->cdp, soon(), frame_is_at_two, moved, &trouble));
	assert_asked(moved, "document.title", "\"two\"");
	/* Removed: what is asked of it then is NOT_FOUND. */
	assert_asked(page->main, "void document.querySelector('#same').remove()", "null");
	assert_int_equal(frame_eval(same, WORLD_PAGE, "() => 1", NULL, soon(), NULL, &err), -1);
	assert_true(err.code == ERR_NOT_FOUND || err.code == ERR_CONFLICT);
}

static void
frames_work(void **state)
{
	(void)state;
	try_frames(false);
}

static void
frames_in_other_processes_work_alike(void **state)
{
	static const char *const arguments[] = { "--site-per-process", NULL };
	const struct chromium_spec spec = { .profile_dir = folder, .arguments = arguments };

	(void)state;
	GOOD(chromium_start(&chromium, &spec, soon(), &trouble));
	open_page(NULL);
	try_frames(true);
	close_page(NULL);
	stop_browser(NULL);
}

/* --- Popups, dialogs, downloads --- */

static void
popups_become_pages(void **state)
{
	struct page *popup;
	unsigned before = context->n_pages_ever;

	(void)state;
	GOOD(page_goto(page, at("/"), NULL, LOAD_LOAD, soon(), &trouble));
	/* The call inside the page waits for the new page, and does not hang. */
	assert_asked(page->main, "!!window.open('/two')", "true");
	GOOD(context_page_wait(context, before, &popup, soon(), &trouble));
	assert_ptr_equal(popup->opener, page);
	GOOD(page_wait_load(popup, LOAD_LOAD, soon(), &trouble));
	assert_int_equal(popup->number, 2);
	GOOD(page_close(popup, false, soon(), &trouble));
	struct err err;
	assert_int_equal(
		frame_eval(popup->main, WORLD_PAGE, "() => 1", NULL, soon(), NULL, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_string_equal(err.text, "the page was closed");
}

static void
dialogs_are_answered_at_once(void **state)
{
	static const struct dialog_policy yes = { .accept = true, .text = "Ada" };
	struct dialog *dialog;

	(void)state;
	GOOD(page_goto(page, at("/"), NULL, LOAD_LOAD, soon(), &trouble));
	assert_asked(page->main, "[alert('a'), confirm('b'), prompt('c', 'd')]",
		"[null,false,null]");
	assert_int_equal(context->n_dialogs, 3);
	context_dialog_next(context, &yes);
	context_dialog_next(context, &yes);
	assert_asked(page->main, "[confirm('b'), prompt('c', 'd'), confirm('e')]",
		"[true,\"Ada\",false]");
	assert_int_equal(context_dialogs_pending(context), 0);
	GOOD(context_dialog_wait(context, 5, &dialog, soon(), &trouble));
	assert_int_equal(dialog->kind, DIALOG_CONFIRM);
	assert_string_equal(dialog->message, "e");
	assert_false(dialog->was_expected);
	context_dialog_policy(context, &yes);
	assert_asked(page->main, "[confirm('b'), prompt('c')]", "[true,\"Ada\"]");
}

static void
downloads_arrive_under_a_safe_name(void **state)
{
	struct download *download;
	struct err err;

	(void)state;
	assert_int_equal(page_goto(page, at("/file"), NULL, LOAD_LOAD, soon(), &err), -1);
	assert_non_null(strstr(err.text, "download"));
	GOOD(context_download_wait(context, 0, &download, soon(), &trouble));
	assert_int_equal(download->state, DOWNLOAD_DONE);
	assert_null(strchr(download->name, '/'));
	assert_non_null(strstr(download->name, "report.csv"));
	struct buf content = BUF_INIT(100);
	GOOD(file_read(download->path, 100, &content, &trouble));
	assert_string_equal(buf_text(&content), "a;b");
	buf_deinit(&content);
	assert_int_equal(strncmp(download->path, folder, strlen(folder)), 0);
	unlink(download->path);
}

/* --- Input --- */

static void
the_mouse_does_what_a_mouse_does(void **state)
{
	static const struct input_click twice = { .count = 2 };
	static const struct input_click right = { .button = MOUSE_RIGHT, .count = 1 };

	(void)state;
	GOOD(page_goto(page, at("/play"), NULL, LOAD_LOAD, soon(), &trouble));
	GOOD(input_click(page, 150, 150, NULL, soon(), &trouble));
	assert_asked(page->main, "log.splice(0).join().replace(/(mousemove,)+/, 'mousemove,')",
		"\"mousemove,mousedown,mouseup,click\"");
	GOOD(input_click(page, 150, 150, &twice, soon(), &trouble));
	assert_asked(page->main, "log.splice(0).filter(t => t != 'mousemove').join()",
		"\"mousedown,mouseup,click,mousedown,mouseup,click,dblclick\"");
	GOOD(input_click(page, 150, 150, &right, soon(), &trouble));
	assert_asked(page->main, "log.splice(0).includes('contextmenu')", "true");
	GOOD(input_move(page, 160, 160, 5, soon(), &trouble));
	assert_asked(page->main, "log.splice(0).length >= 1", "true");
	GOOD(input_wheel(page, 150, 150, 0, 100, soon(), &trouble));
	/* A wheel is answered before the page's listeners have it, unless they could stop it.
	 */
	assert_asked(page->main,
		"new Promise(r => log.includes('wheel') ? r(1) : addEventListener('wheel', () => "
		"r(1)))",
		"1");
}

static void
the_keyboard_types_and_commands(void **state)
{
	struct err err;

	(void)state;
	GOOD(page_goto(page, at("/play"), NULL, LOAD_LOAD, soon(), &trouble));
	assert_asked(page->main, "void document.querySelector('#i').focus()", "null");
	GOOD(input_type(page, "Ab1! é", 0, soon(), &trouble));
	assert_asked(page->main, "i.value", "\"Ab1! é\"");
	GOOD(input_press(page, "Control+a", soon(), &trouble));
	GOOD(input_insert(page, "new", soon(), &trouble));
	assert_asked(page->main, "i.value", "\"new\"");
	GOOD(input_press(page, "Shift+ArrowLeft", soon(), &trouble));
	GOOD(input_press(page, "Backspace", soon(), &trouble));
	assert_asked(page->main, "i.value", "\"ne\"");
	assert_asked(page->main, "log.length = 0", "0");
	GOOD(input_press(page, "Control+Shift++", soon(), &trouble));
	assert_asked(page->main, "log.join()",
		"\"keydown:Control,keydown:Shift,keydown:+,keyup:+,keyup:Shift,keyup:Control\"");
	assert_int_equal(input_press(page, "Entr", soon(), &err), -1);
	assert_non_null(strstr(err.text, "did you mean Enter"));
	assert_int_equal(input_keys_check("a+b", &err), -1);
	assert_int_equal(input_keys_check("", &err), -1);
	assert_int_equal(input_keys_check("Shift+", &err), -1);
	assert_int_equal(input_keys_check("F12", &err), 0);
}

static void
things_are_dragged_and_dropped(void **state)
{
	(void)state;
	GOOD(page_goto(page, at("/drag"), NULL, LOAD_LOAD, soon(), &trouble));
	GOOD(input_drag(page, 20, 20, 250, 50, 5, soon(), &trouble));
	assert_asked(page->main, "document.title", "\"load\"");
	/* Without a native drag it is plain mouse events. */
	GOOD(page_goto(page, at("/play"), NULL, LOAD_LOAD, soon(), &trouble));
	GOOD(input_drag(page, 150, 150, 180, 180, 4, soon(), &trouble));
	assert_asked(page->main, "log.filter(t => t != 'mousemove').join()",
		"\"mousedown,mouseup,click\"");
}

static void
files_are_chosen(void **state)
{
	_cleanup_free_ char *path = xasprintf("%s/upload.txt", folder);
	char *handle;

	(void)state;
	GOOD(file_write_atomic(path, "abc", 3, 0600, &trouble));
	GOOD(page_goto(
		page, "data:text/html,<input type=file>", NULL, LOAD_LOAD, soon(), &trouble));
	GOOD(frame_eval_handle(page->main, WORLD_OWN, "() => document.querySelector('input')",
		NULL, soon(), &handle, &trouble));
	GOOD(frame_set_files(page->main, handle, json_pack("[s]", path), soon(), &trouble));
	assert_asked(page->main, "document.querySelector('input').files[0].text()", "\"abc\"");
	free(handle);
	unlink(path);
}

/* --- Ends --- */

static void
a_crashed_page_is_gone_and_comes_back(void **state)
{
	struct err err;

	(void)state;
	GOOD(page_goto(page, at("/"), NULL, LOAD_LOAD, soon(), &trouble));
	cdp_send(context->cdp, page->session->id, "Page.crash", NULL, NULL, NULL);
	assert_int_equal(frame_eval(page->main, WORLD_PAGE, "() => new Promise(() => 0)", NULL,
				 soon(), NULL, &err),
		-1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_string_equal(err.text, "the page crashed");
	assert_int_equal(cdp_state(context->cdp), CDP_OPEN);
	GOOD(page_goto(page, at("/two"), NULL, LOAD_LOAD, soon(), &trouble));
	assert_asked(page->main, "document.title", "\"two\"");
}

/* Entries of a folder below a name. */
static unsigned
count_entries(const char *path, const char *start)
{
	DIR *dir = opendir(path);
	unsigned n = 0;

	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		n += strncmp(entry->d_name, start, strlen(start)) == 0;
	closedir(dir);
	return n;
}

static void
a_killed_browser_is_noticed_at_once(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(open_page(NULL), 0);
	GOOD(page_goto(page, at("/"), NULL, LOAD_LOAD, soon(), &trouble));
	pid_t pid = chromium_pid(chromium);
	int64_t before_ms = clock_mono_ms();
	kill(pid, SIGKILL);
	assert_int_equal(frame_eval(page->main, WORLD_PAGE, "() => new Promise(() => 0)", NULL,
				 soon(), NULL, &err),
		-1);
	assert_true(clock_mono_ms() - before_ms < 1000);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_int_equal(cdp_state(context->cdp), CDP_LOST);
	assert_string_equal(chromium_end(chromium), "killed by signal 9");
	assert_string_equal(chromium_worn(chromium), "lost");
	assert_int_equal(chromium_health(chromium, &err), -1);
	context = context_free(context);
	stop_browser(NULL);
	/* Nothing is left: no process, no zombie, no profile. */
	assert_int_equal(kill(-pid, 0), -1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(count_entries(folder, "proctor-chromium-"), 0);
}

static bool
nothing_under_way(void *arg)
{
	(void)arg;
	return cdp_counts(chromium_cdp(chromium)).under_way == 0;
}

static void
many_contexts_leave_nothing(void **state)
{
	(void)state;
	unsigned fds_before = count_entries("/proc/self/fd", "");
	start_browser(NULL);
	unsigned processes = 0;
	for (int i = 0; i < MANY_CONTEXTS; i++) {
		open_page(NULL);
		GOOD(page_goto(page, at("/two"), NULL, LOAD_LOAD, soon(), &trouble));
		context = context_free(context);
		if (i == 20)
			processes = chromium_processes(chromium);
	}
	/* The last one is still being closed. */
	GOOD(cdp_pump(chromium_cdp(chromium), soon(), nothing_under_way, NULL, &trouble));
	GOOD(chromium_health(chromium, &trouble));
	/* One more or less is a spare renderer. */
	assert_true(chromium_processes(chromium) <= processes + 2);
	assert_true(chromium_memory(chromium) < MIB(700));
	assert_string_equal(chromium_worn(chromium), "200 runs");
	pid_t pid = chromium_pid(chromium);
	stop_browser(NULL);
	assert_int_equal(kill(-pid, 0), -1);
	assert_int_equal(count_entries("/proc/self/fd", ""), fds_before);
	assert_int_equal(count_entries(folder, "proctor-chromium-"), 0);
}

static void
a_spare_context_is_as_good(void **state)
{
	const struct chromium_spec spec = { .profile_dir = folder, .keep_spare = true };

	(void)state;
	GOOD(chromium_start(&chromium, &spec, soon(), &trouble));
	for (int i = 0; i < 5; i++) {
		struct page *second;

		open_page(NULL);
		assert_int_equal(page->number, 1);
		GOOD(page_goto(page, at("/"), NULL, LOAD_LOAD, soon(), &trouble));
		/* Nothing is left of those before. */
		assert_asked(page->main, "[document.cookie, document.cookie = 'a=b'].join()",
			"\",a=b\"");
		_cleanup_free_ char *ours = ask(page->main, WORLD_OWN, "ours");
		assert_string_equal(ours, "7");
		GOOD(context_page_new(context, &second, soon(), &trouble));
		assert_int_equal(second->number, 2);
		context = context_free(context);
	}
	stop_browser(NULL);
	assert_int_equal(count_entries(folder, "proctor-chromium-"), 0);
}

/* Starts a browser, says who it is, and waits for its death. */
static void
play_runner(int fd)
{
	const struct chromium_spec spec = { .profile_dir = folder };
	struct err err;

	if (chromium_start(&chromium, &spec, soon(), &err) < 0)
		_exit(1);
	pid_t pid = chromium_pid(chromium);
	(void)write(fd, &pid, sizeof pid);
	for (;;)
		pause();
}

static void
what_a_killed_runner_left_is_swept(void **state)
{
	static const struct timespec long_ago[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	struct stat st;
	pid_t browser;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pid_t runner = fork();
	if (runner == 0)
		play_runner(ends[1]);
	close(ends[1]);
	assert_int_equal(read(ends[0], &browser, sizeof browser), sizeof browser);
	close(ends[0]);
	kill(runner, SIGKILL);
	/* The browser ends by itself; as a subreaper we get to know. */
	assert_int_equal(waitpid(runner, NULL, 0), runner);
	assert_int_equal(waitpid(browser, NULL, 0), browser);
	while (waitpid(-browser, NULL, 0) > 0)
		;
	assert_int_equal(count_entries(folder, "proctor-chromium-"), 1);
	DIR *dir = opendir(folder);
	char stale[600] = "";
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		if (strncmp(entry->d_name, "proctor-", 8) == 0)
			snprintf(stale, sizeof stale, "%s/%s", folder, entry->d_name);
	}
	closedir(dir);
	/* A young one may be about to be locked, so it stays. */
	start_browser(NULL);
	stop_browser(NULL);
	assert_int_equal(stat(stale, &st), 0);
	assert_int_equal(utimensat(AT_FDCWD, stale, long_ago, 0), 0);
	start_browser(NULL);
	assert_int_equal(stat(stale, &st), -1);
	/* One that is in use stays however old it is. */
	struct chromium *first = chromium;
	assert_int_equal(utimensat(AT_FDCWD, chromium_profile(first), long_ago, 0), 0);
	start_browser(NULL);
	assert_int_equal(stat(chromium_profile(first), &st), 0);
	stop_browser(NULL);
	chromium_free(first);
	assert_int_equal(count_entries(folder, "proctor-chromium-"), 0);
}

static void
a_program_that_is_no_browser_says_so(void **state)
{
	const struct chromium_spec spec = { .profile_dir = folder, .program = "/bin/false" };
	const struct chromium_spec nothing = { .profile_dir = folder, .program = "/nonsense" };
	struct err err;
	struct chromium *none;

	(void)state;
	assert_int_equal(chromium_start(&none, &spec, soon(), &err), -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_non_null(strstr(err.text, "exit status 1"));
	assert_int_equal(chromium_start(&none, &nothing, soon(), &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(count_entries(folder, "proctor-chromium-"), 0);
}

/* An argument is a pattern for the names of the tests to run. */
int
main(int argc, char **argv)
{
#define ALONE(test) cmocka_unit_test_teardown(test, leave_nothing)
#define WITH_PAGE(test) cmocka_unit_test_setup_teardown(test, open_page, close_page)
	const struct CMUnitTest with_browser[] = {
		WITH_PAGE(pages_open_and_say_what_the_server_said),
		WITH_PAGE(history_goes_both_ways),
		WITH_PAGE(a_page_that_hops_on_is_followed),
		WITH_PAGE(what_cannot_be_opened_says_why),
		WITH_PAGE(javascript_gives_values_and_says_what_it_threw),
		WITH_PAGE(our_world_is_not_the_sites),
		WITH_PAGE(handles_die_with_their_document),
		WITH_PAGE(a_navigation_during_a_call_is_a_conflict),
		WITH_PAGE(an_endless_loop_is_stopped),
		WITH_PAGE(a_hung_page_does_not_hold_its_context),
		WITH_PAGE(a_page_opens_at_its_address),
		WITH_PAGE(frames_work),
		WITH_PAGE(popups_become_pages),
		WITH_PAGE(dialogs_are_answered_at_once),
		WITH_PAGE(downloads_arrive_under_a_safe_name),
		WITH_PAGE(the_mouse_does_what_a_mouse_does),
		WITH_PAGE(the_keyboard_types_and_commands),
		WITH_PAGE(things_are_dragged_and_dropped),
		WITH_PAGE(files_are_chosen),
		WITH_PAGE(a_crashed_page_is_gone_and_comes_back),
	};
	const struct CMUnitTest alone[] = {
		cmocka_unit_test_setup_teardown(
			a_killed_browser_is_noticed_at_once, start_browser, leave_nothing),
		ALONE(frames_in_other_processes_work_alike),
		ALONE(many_contexts_leave_nothing),
		ALONE(a_spare_context_is_as_good),
		ALONE(what_a_killed_runner_left_is_swept),
		ALONE(a_program_that_is_no_browser_says_so),
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
