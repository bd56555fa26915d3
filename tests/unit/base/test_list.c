/* SPDX-License-Identifier: Apache-2.0 */
#include "base/list.h"

#include "unit.h"

struct item {
	int n;
	struct list_node node;
};

static int
digits_of(struct list_node *head)
{
	int value = 0;
	LIST_FOR_EACH(node, head)
		value = value * 10 + list_entry(node, struct item, node)->n;
	return value;
}

static void
pushes_removes_and_splices(void **state)
{
	(void)state;
	struct list_node head, other;
	struct item a = { .n = 1 }, b = { .n = 2 }, c = { .n = 3 };
	list_init(&head);
	list_init(&other);
	assert_true(list_empty(&head));
	assert_false(list_linked(&a.node));
	list_remove(&a.node); /* harmless in a zeroed node */
	list_push_back(&head, &b.node);
	list_push_back(&head, &c.node);
	list_push_front(&head, &a.node);
	assert_int_equal(digits_of(&head), 123);
	assert_true(list_linked(&b.node));
	list_remove(&b.node);
	list_remove(&b.node);
	assert_int_equal(digits_of(&head), 13);
	list_push_back(&other, &b.node);
	list_splice_back(&head, &other);
	list_splice_back(&head, &other);
	assert_true(list_empty(&other));
	assert_int_equal(digits_of(&head), 132);
	assert_ptr_equal(list_pop_front(&head), &a.node);
	assert_int_equal(digits_of(&head), 32);
}

static void
safe_loop_survives_removal(void **state)
{
	(void)state;
	struct list_node head;
	struct item item[5];
	list_init(&head);
	for (int i = 0; i < 5; i++) {
		item[i] = (struct item) { .n = i + 1 };
		list_push_back(&head, &item[i].node);
	}
	LIST_FOR_EACH_SAFE(node, &head) {
		if (list_entry(node, struct item, node)->n % 2 == 0)
			list_remove(node);
	}
	assert_int_equal(digits_of(&head), 135);
	LIST_FOR_EACH_SAFE(node, &head) {
		list_remove(node);
	}
	assert_true(list_empty(&head));
	assert_null(list_pop_front(&head));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pushes_removes_and_splices),
		cmocka_unit_test(safe_loop_survives_removal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
