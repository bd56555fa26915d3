/* SPDX-License-Identifier: Apache-2.0 */
/* What a browser may say: one message through the reader, and a stream through a connection. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "fuzz.h"
#include "runners/browser/cdp.h"
#include "runners/browser/json.h"

enum {
	STREAM_BYTES_MAX = 32 * 1024, /* fits a pipe */
};

static void
one_message(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = xmalloc(size + 1);
	_cleanup_free_ char *again = xmalloc(size + 1);
	struct err err = { 0 };

	memcpy(text, data, size);
	text[size] = '\0';
	size_t depth = browser_json_clean(text, size);
	memcpy(again, text, size + 1);
	/* What was mended once is well. */
	FUZZ_CHECK(browser_json_clean(again, size) == depth);
	FUZZ_CHECK(memcmp(text, again, size) == 0);
	json_t *value = browser_json_read(text, size, &err);
	FUZZ_CHECK(value || err.text[0] != '\0');
	FUZZ_CHECK(!value || json_is_object(value));
	FUZZ_CHECK(browser_json_id(text, size) >= 0);
	json_decref(value);
}

static void
take_event(void *arg, const struct cdp_event *event)
{
	unsigned *n = arg;

	FUZZ_CHECK(event->session && event->method && json_is_object(event->params));
	++*n;
}

static void
take_reply(void *arg, json_t *result, const struct err *error)
{
	unsigned *n = arg;

	FUZZ_CHECK((result != NULL) != (error != NULL));
	++*n;
}

static void
one_stream(const uint8_t *data, size_t size)
{
	int in[2], out[2];
	unsigned n_events = 0, n_replies = 0;
	struct err err;

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		abort();
	struct cdp *cdp = cdp_new(in[0], out[1]);
	cdp_on(cdp, NULL, "", take_event, &n_events);
	for (int i = 0; i < 3; i++)
		cdp_send(cdp, "S", "X.y", NULL, take_reply, &n_replies);
	FUZZ_CHECK(write(in[1], data, size) == (ssize_t)size);
	close(in[1]);
	while (cdp_poll(cdp, &err) == 0)
		;
	FUZZ_CHECK(cdp_state(cdp) == CDP_LOST);
	cdp_free(cdp);
	close(out[0]);
	FUZZ_CHECK(n_replies == 3);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	one_message(data, size);
	if (size > 0 && size <= STREAM_BYTES_MAX)
		one_stream(data, size);
	return 0;
}
