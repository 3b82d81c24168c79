/* SPDX-License-Identifier: MIT */
/* A frame is built from the back to the front and read from the front to the back. Sequence numbers
 * and lists, which have no source file of their own, are tried here, too. */
#include "tests/unit/cmocka_tap.h"

#include <string.h>

#include "stack/base/frame.h"
#include "stack/base/list.h"
#include "stack/base/seq.h"

static void headers_stand_in_front_of_parts(void **state)
{
	struct frame_out f;
	uint8_t out[64];

	(void)state;
	frame_init(&f);
	memcpy(frame_push(&f, 3), "TCP", 3);
	f.checksum_start = 0;
	memcpy(frame_push(&f, 2), "IP", 2);
	frame_add_part(&f, (const uint8_t *)"hello", 5);
	frame_add_part(&f, NULL, 0); /* an empty run is no part */
	frame_add_part(&f, (const uint8_t *)" world", 6);
	assert_int_equal(f.part_count, 2);
	assert_int_equal(f.checksum_start, 2);
	assert_int_equal(frame_payload_bytes(&f), 11);
	assert_int_equal(frame_flatten(&f, out, sizeof(out)), 16);
	assert_memory_equal(out, "IPTCPhello world", 16);
}

/* RFC 9293 3.4: comparisons hold across the wrap of the sequence space. */
static void sequence_numbers_wrap(void **state)
{
	struct seq before = seq_make(0xfffffff0), after = seq_make(0x10);

	(void)state;
	assert_true(seq_before(before, after) && seq_after(after, before));
	assert_int_equal(seq_distance(before, after), 0x20);
	assert_true(seq_equal(seq_add(before, 0x20), after) && seq_equal(seq_sub(after, 0x20), before));
	assert_true(seq_within(after, before, 0x21) && !seq_within(after, before, 0x20));
	assert_false(seq_within(before, after, 100));
	assert_true(seq_equal(seq_later(before, after), after) && seq_equal(seq_earlier(before, after), before));
	assert_true(seq_before_or_equal(after, after) && seq_after_or_equal(after, after));
}

static void lists_know_their_members(void **state)
{
	struct list head, a, b, c;
	int count = 0;

	(void)state;
	list_init(&head);
	list_init(&a);
	list_init(&b);
	list_init(&c);
	assert_true(list_empty(&head) && !list_linked(&a) && !list_first(&head));
	list_append(&head, &b);
	list_append(&head, &c);
	list_prepend(&head, &a);
	assert_ptr_equal(list_first(&head), &a);
	list_for_each_safe(it, &head) {
		count++;
		if (it == &b)
			list_remove(it);
	}
	assert_int_equal(count, 3);
	list_remove(&b); /* harmless */
	assert_ptr_equal(list_take_first(&head), &a);
	assert_ptr_equal(list_take_first(&head), &c);
	assert_null(list_take_first(&head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(headers_stand_in_front_of_parts),
	    cmocka_unit_test(sequence_numbers_wrap),
	    cmocka_unit_test(lists_know_their_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
