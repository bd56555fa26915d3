/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a page does to the outside: dialogs, which are answered in the handler because they stop
 * the page, and downloads, whose files get the site's name once they are whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "runners/browser/driver.h"

enum {
	NAME_TRIES_MAX = 1000, /* "name (2).pdf" and so on */
};

/* --- Answers --- */

void
answer_set(struct answer *answer, const struct dialog_policy *policy)
{
	answer->accept = policy->accept;
	text_set(&answer->text, policy->text);
}

void
answer_free(struct answer *answer)
{
	list_remove(&answer->node);
	free(answer->text);
	free(answer);
}

void
context_dialog_policy(struct context *context, const struct dialog_policy *policy)
{
	answer_set(&impl(context)->policy, policy);
}

void
context_dialog_next(struct context *context, const struct dialog_policy *policy)
{
	struct answer *answer = xcalloc(1, sizeof *answer);

	answer_set(answer, policy);
	list_push_back(&impl(context)->answers, &answer->node);
	impl(context)->n_answers++;
}

unsigned
context_dialogs_pending(const struct context *context)
{
	return impl(context)->n_answers;
}

/* --- Dialogs --- */

static enum dialog_kind
dialog_kind(const char *name)
{
	static const char *const names[] = {
		[DIALOG_ALERT] = "alert",
		[DIALOG_CONFIRM] = "confirm",
		[DIALOG_PROMPT] = "prompt",
		[DIALOG_BEFOREUNLOAD] = "beforeunload",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(name, names[i]) == 0)
			return (enum dialog_kind)i;
	}
	return DIALOG_ALERT;
}

/* Cuts between characters. */
static char *
cut_text(const char *text)
{
	return xstrndup(text, utf8_cut_len(text, DIALOG_TEXT_BYTES_MAX));
}

void
dialog_free(struct dialog *dialog)
{
	list_remove(&dialog->node);
	free(dialog->message);
	free(dialog->default_text);
	free(dialog->url);
	free(dialog->answer);
	free(dialog);
}

/* How this one is answered: as announced, or by the policy. */
static void
decide(struct context *context, struct dialog *dialog)
{
	struct context_impl *hidden = impl(context);
	struct answer *announced = NULL;

	/* Leaving a page is no dialog that somebody announces by habit. */
	if (!list_empty(&hidden->answers) && dialog->kind != DIALOG_BEFOREUNLOAD)
		announced = list_entry(hidden->answers.next, struct answer, node);
	const struct answer *answer = announced ? announced : &hidden->policy;
	bool is_harmless = dialog->kind == DIALOG_ALERT || dialog->kind == DIALOG_BEFOREUNLOAD;
	dialog->was_expected = announced != NULL;
	dialog->is_accepted = answer->accept || (is_harmless && !announced);
	if (dialog->kind == DIALOG_PROMPT && dialog->is_accepted)
		dialog->answer = xstrdup(answer->text ? answer->text : dialog->default_text);
	if (announced) {
		answer_free(announced);
		hidden->n_answers--;
	}
}

static void
reply_to_dialog(struct session *session, const struct dialog *dialog)
{
	json_t *params = json_pack("{s:b}", "accept", dialog->is_accepted);

	if (dialog->answer)
		json_object_set_new(params, "promptText", json_string(dialog->answer));
	cdp_send(session->context->cdp, session->id, "Page.handleJavaScriptDialog", params,
		NULL, NULL);
}

void
dialog_event(struct session *session, const struct cdp_event *event)
{
	struct context *context = session->context;

	if (strcmp(event->method, "Page.javascriptDialogOpening") != 0)
		return;
	struct dialog *dialog = xcalloc(1, sizeof *dialog);
	dialog->page = session->page;
	dialog->kind = dialog_kind(cdp_str(event->params, "type"));
	dialog->message = cut_text(cdp_str(event->params, "message"));
	dialog->default_text = cut_text(cdp_str(event->params, "defaultPrompt"));
	dialog->url = cut_text(cdp_str(event->params, "url"));
	decide(context, dialog);
	reply_to_dialog(session, dialog);
	if (context->n_dialogs++ >= CONTEXT_RECORDS_MAX) {
		context->n_dropped++;
		dialog_free(dialog);
		return;
	}
	list_push_back(&context->dialogs, &dialog->node);
	session->page->dialog = dialog;
}

struct record_awaited {
	struct context *context;
	unsigned n_before;
};

static bool
dialog_is_there(void *arg)
{
	const struct record_awaited *awaited = arg;

	return awaited->context->n_dialogs > awaited->n_before;
}

int
context_dialog_wait(struct context *context, unsigned n_before, struct dialog **ret,
	int64_t deadline_mono_ms, struct err *err)
{
	struct record_awaited awaited = { context, n_before };

	if (cdp_pump(context->cdp, deadline_mono_ms, dialog_is_there, &awaited, err) < 0)
		return err_wrap(err, "no dialog");
	if (list_empty(&context->dialogs))
		return err_set(err, ERR_LIMIT, "too many dialogs");
	*ret = list_entry(context->dialogs.prev, struct dialog, node);
	return 0;
}

/* --- Downloads --- */

/* One path component that is nothing special and fits a folder entry with a number. */
static char *
safe_name(const char *suggested)
{
	enum { NAME_MAX_BYTES = 200 };
	const char *slash = strrchr(suggested, '/');
	const char *from = slash ? slash + 1 : suggested;
	char *name = xstrndup(from, utf8_cut_len(from, NAME_MAX_BYTES));
	for (char *p = name; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f || *p == '\\')
			*p = '_';
	}
	if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		text_set(&name, "download");
	return name;
}

void
download_free(struct download *download)
{
	list_remove(&download->node);
	free(download->id);
	free(download->url);
	free(download->name);
	free(download->path);
	free(download);
}

static struct download *
find_download(const struct context *context, const char *id)
{
	LIST_FOR_EACH(node, &context->downloads) {
		struct download *download = list_entry(node, struct download, node);

		if (strcmp(download->id, id) == 0)
			return download;
	}
	return NULL;
}

static void
download_begins(struct context *context, const json_t *params)
{
	/* Its events do not name the context; its frame does. */
	const char *frame = cdp_str(params, "frameId");

	if (!map_get(&impl(context)->frame_by_id, frame, strlen(frame)))
		return;
	if (context->n_downloads++ >= CONTEXT_RECORDS_MAX) {
		context->n_dropped++;
		return;
	}
	struct download *download = xcalloc(1, sizeof *download);
	download->id = xstrdup(cdp_str(params, "guid"));
	download->url = xstrdup(cdp_str(params, "url"));
	download->name = safe_name(cdp_str(params, "suggestedFilename"));
	list_push_back(&context->downloads, &download->node);
}

/* Gives the file the site's name, with a number where that is taken. */
static int
name_file(const struct context *context, struct download *download)
{
	const char *dir = impl(context)->downloads_dir;
	_cleanup_free_ char *from = xasprintf("%s/%s", dir, download->id);
	const char *dot = strrchr(download->name, '.');
	int stem = dot && dot != download->name ? (int)(dot - download->name)
						: (int)strlen(download->name);

	for (unsigned i = 1; i <= NAME_TRIES_MAX; i++) {
		_cleanup_free_ char *to = i == 1
			? xasprintf("%s/%s", dir, download->name)
			: xasprintf("%s/%.*s (%u)%s", dir, stem, download->name, i,
				  download->name + stem);

		if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) {
			download->path = TAKE(to);
			return 0;
		}
		if (errno != EEXIST)
			return -1;
	}
	return -1;
}

static void
download_goes_on(struct context *context, const json_t *params)
{
	struct download *download = find_download(context, cdp_str(params, "guid"));
	const char *state = cdp_str(params, "state");

	if (!download || download->state != DOWNLOAD_RUNNING)
		return;
	download->bytes = cdp_int(params, "receivedBytes", download->bytes);
	download->total = cdp_int(params, "totalBytes", download->total);
	if (strcmp(state, "completed") == 0)
		download->state =
			impl(context)->downloads_dir && name_file(context, download) == 0
			? DOWNLOAD_DONE
			: DOWNLOAD_FAILED;
	else if (strcmp(state, "canceled") == 0)
		download->state = DOWNLOAD_FAILED;
}

void
download_event(void *context, const struct cdp_event *event)
{
	if (strcmp(event->method, "Browser.downloadWillBegin") == 0)
		download_begins(context, event->params);
	else if (strcmp(event->method, "Browser.downloadProgress") == 0)
		download_goes_on(context, event->params);
}

/* Download number n (from 0), or NULL. */
static struct download *
download_at(const struct context *context, unsigned n)
{
	LIST_FOR_EACH(node, &context->downloads) {
		if (n-- == 0)
			return list_entry(node, struct download, node);
	}
	return NULL;
}

static bool
download_is_over(void *arg)
{
	const struct record_awaited *awaited = arg;
	const struct download *download = download_at(awaited->context, awaited->n_before);

	return download && download->state != DOWNLOAD_RUNNING;
}

int
context_download_wait(struct context *context, unsigned n_before, struct download **ret,
	int64_t deadline_mono_ms, struct err *err)
{
	struct record_awaited awaited = { context, n_before };

	if (cdp_pump(context->cdp, deadline_mono_ms, download_is_over, &awaited, err) < 0)
		return err_wrap(err,
			download_at(context, n_before) ? "the download did not end"
						       : "no download");
	*ret = download_at(context, n_before);
	return 0;
}
