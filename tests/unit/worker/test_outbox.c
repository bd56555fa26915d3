/* SPDX-License-Identifier: Apache-2.0 */
/* What waits for the server keeps its order and is neither lost nor sent twice in a batch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "worker/outbox.h"

static int n_done;
static void *last_done;

static void
on_done(void *owner)
{
	n_done++;
	last_done = owner;
}

static void
add(struct outbox *outbox, enum outbox_kind kind, void *owner, const char *text)
{
	assert_true(outbox_add(outbox, kind, owner, text, strlen(text)));
}

static void
expect_batch(struct outbox *outbox, const char *text)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(1 << 22);
	struct jw jw;

	jw_init(&jw, &out);
	jw_obj(&jw);
	outbox_write(outbox, &jw);
	jw_end_obj(&jw);
	assert_int_equal(jw_done(&jw), 0);
	assert_string_equal(buf_text(&out), text);
}

static void
a_batch_is_sent_until_it_arrived(void **state)
{
	struct outbox outbox;
	int a, b;

	(void)state;
	n_done = 0;
	outbox_init(&outbox);
	add(&outbox, OUTBOX_EVENT, &a, "1");
	add(&outbox, OUTBOX_RESULT, &a, "2");
	expect_batch(&outbox, "{\"results\":[2],\"events\":[1]}");
	add(&outbox, OUTBOX_EVENT, &b, "3");
	outbox_failed(&outbox);
	expect_batch(&outbox, "{\"results\":[2],\"events\":[1,3]}");
	add(&outbox, OUTBOX_EVENT, &b, "4");
	outbox_arrived(&outbox, on_done);
	assert_int_equal(n_done, 1);
	assert_ptr_equal(last_done, &a);
	expect_batch(&outbox, "{\"results\":[],\"events\":[4]}");
	outbox_arrived(&outbox, on_done);
	assert_int_equal(outbox.n, 0);
	assert_int_equal(outbox.bytes, 0);
	outbox_deinit(&outbox);
}

static void
a_forgotten_run_is_not_sent_nor_reported(void **state)
{
	struct outbox outbox;
	int a, b;

	(void)state;
	n_done = 0;
	outbox_init(&outbox);
	add(&outbox, OUTBOX_RESULT, &a, "1");
	expect_batch(&outbox, "{\"results\":[1],\"events\":[]}");
	add(&outbox, OUTBOX_EVENT, &a, "2");
	add(&outbox, OUTBOX_EVENT, &b, "3");
	outbox_forget(&outbox, &a); /* the first is under way and cannot be called back */
	outbox_arrived(&outbox, on_done);
	assert_int_equal(n_done, 0);
	expect_batch(&outbox, "{\"results\":[],\"events\":[3]}");
	outbox_deinit(&outbox);
}

static void
what_was_forgotten_is_not_sent_again(void **state)
{
	struct outbox outbox;
	void *owner;
	int a, b;

	(void)state;
	outbox_init(&outbox);
	add(&outbox, OUTBOX_RESULT, &a, "1");
	expect_batch(&outbox, "{\"results\":[1],\"events\":[]}");
	add(&outbox, OUTBOX_EVENT, &b, "2");
	outbox_forget(&outbox, &a);
	outbox_failed(&outbox);
	assert_int_equal(outbox.n, 1);
	assert_int_equal(outbox.n_results, 0);
	expect_batch(&outbox, "{\"results\":[],\"events\":[2]}");
	outbox_forget(&outbox, &b);
	assert_true(outbox_refused(&outbox, &owner));
	assert_null(owner);
	assert_int_equal(outbox.n, 0);
	outbox_deinit(&outbox);
}

static void
a_refused_batch_is_halved_down_to_the_offender(void **state)
{
	struct outbox outbox;
	void *owner;
	int a, b;

	(void)state;
	outbox_init(&outbox);
	add(&outbox, OUTBOX_RESULT, &a, "1");
	add(&outbox, OUTBOX_EVENT, &b, "2");
	add(&outbox, OUTBOX_EVENT, &b, "3");
	expect_batch(&outbox, "{\"results\":[1],\"events\":[2,3]}");
	assert_false(outbox_refused(&outbox, &owner));
	expect_batch(&outbox, "{\"results\":[1],\"events\":[]}");
	assert_true(outbox_refused(&outbox, &owner));
	assert_ptr_equal(owner, &a);
	expect_batch(&outbox, "{\"results\":[],\"events\":[2]}");
	outbox_arrived(&outbox, on_done);
	expect_batch(&outbox, "{\"results\":[],\"events\":[3]}");
	outbox_deinit(&outbox);
}

static void
batches_and_the_whole_have_limits(void **state)
{
	static char big[600 * 1024];
	struct outbox outbox;
	int a;
	size_t n = 0;

	(void)state;
	memset(big, '1', sizeof big);
	outbox_init(&outbox);
	while (outbox_add(&outbox, OUTBOX_EVENT, &a, big, sizeof big))
		assert_true(++n * sizeof big <= OUTBOX_BYTES_MAX);
	assert_true(outbox_add(&outbox, OUTBOX_RESULT, &a, "1", 1)); /* results always fit */

	_cleanup_(buf_deinit) struct buf out = BUF_INIT(POLL_BODY_BYTES_MAX);
	struct jw jw;
	jw_init(&jw, &out);
	jw_obj(&jw);
	outbox_write(&outbox, &jw);
	jw_end_obj(&jw);
	assert_int_equal(jw_done(&jw), 0);
	assert_true(out.len < OUTBOX_BATCH_BYTES_MAX + 1024);
	outbox_deinit(&outbox);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_batch_is_sent_until_it_arrived),
		cmocka_unit_test(a_forgotten_run_is_not_sent_nor_reported),
		cmocka_unit_test(what_was_forgotten_is_not_sent_again),
		cmocka_unit_test(a_refused_batch_is_halved_down_to_the_offender),
		cmocka_unit_test(batches_and_the_whole_have_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
