/* SPDX-License-Identifier: MIT */
/* The set of intervals says what of a stream is here. It is compared with the plainest model there
 * is, an array of flags, over thousands of random additions and removals. */
#include "tests/unit/cmocka_tap.h"

#include <errno.h>
#include <string.h>

#include "stack/base/intervals.h"
#include "stack/base/random.h"
#include "tests/unit/memory.h"

#define SPACE 400U

static void compare(const struct intervals *set, const bool *flag)
{
	uint64_t total = 0;

	for (uint64_t i = 0; i < SPACE; i++) {
		total += flag[i];
		assert_int_equal(intervals_find(set, i) != NULL, flag[i]);
		assert_int_equal(intervals_covered(set, i, i + 1), flag[i]);
	}
	assert_int_equal(intervals_total(set), total);
	assert_int_equal(intervals_covered(set, 0, SPACE), total);
	for (uint32_t i = 0; i + 1 < set->count; i++)
		assert_true(set->item[i].end < set->item[i + 1].first); /* never touching */
}

static void compare_gaps(const struct intervals *set, const bool *flag)
{
	struct interval gap;
	uint64_t at = 0;

	while (intervals_next_gap(set, at, SPACE, &gap)) {
		assert_true(gap.first >= at && gap.first < gap.end && gap.end <= SPACE);
		for (uint64_t i = at; i < gap.first; i++)
			assert_true(flag[i]);
		for (uint64_t i = gap.first; i < gap.end; i++)
			assert_false(flag[i]);
		at = gap.end;
	}
	for (uint64_t i = at; i < SPACE; i++)
		assert_true(flag[i]);
}

/* Whatever is added and removed, in whatever order, the set and the flags agree. */
static void agrees_with_an_array_of_flags(void **state)
{
	TEST_MEMORY(mem);
	struct random random = {.key = {7, 9}};

	(void)state;
	for (int world = 0; world < 200; world++) {
		struct intervals set;
		bool flag[SPACE] = {false};

		intervals_init(&set, SPACE);
		for (int step = 0; step < 40; step++) {
			uint64_t first = random_below(&random, SPACE - 1);
			uint64_t end = first + 1 + random_below(&random, step % 3 ? 12 : 60);
			struct interval merged;

			end = end > SPACE ? SPACE : end;
			if (step % 7 == 6) {
				intervals_remove_below(&set, first);
				memset(flag, 0, first * sizeof(bool));
			} else {
				assert_int_equal(intervals_add(&set, &mem, first, end, &merged), 0);
				memset(flag + first, 1, (end - first) * sizeof(bool));
				assert_true(merged.first <= first && merged.end >= end);
			}
			compare(&set, flag);
			compare_gaps(&set, flag);
		}
		intervals_destroy(&set, &mem);
	}
	assert_int_equal(mem_state.bytes_out, 0);
}

/* A peer that sends every second byte fills the set, not the memory; what touches an interval is
 * still taken. */
static void is_bounded(void **state)
{
	TEST_MEMORY(mem);
	struct intervals set;

	(void)state;
	intervals_init(&set, 8);
	for (uint64_t i = 0; i < 8; i++)
		assert_int_equal(intervals_add(&set, &mem, 2 * i, 2 * i + 1, NULL), 0);
	assert_int_equal(intervals_add(&set, &mem, 100, 101, NULL), -ENOSPC);
	assert_int_equal(intervals_total(&set), 8);
	assert_int_equal(intervals_add(&set, &mem, 15, 20, NULL), 0);
	assert_int_equal(set.count, 8);
	assert_int_equal(intervals_add(&set, &mem, 0, 15, NULL), 0);
	assert_int_equal(set.count, 1);
	intervals_clear(&set);
	assert_int_equal(intervals_total(&set), 0);
	intervals_destroy(&set, &mem);
	assert_int_equal(mem_state.bytes_out, 0);
}

/* Without memory the set stays as it was. */
static void fails_without_memory(void **state)
{
	TEST_MEMORY(mem);
	struct intervals set;

	(void)state;
	intervals_init(&set, 8);
	mem_state.takes_left = 0;
	assert_int_equal(intervals_add(&set, &mem, 1, 2, NULL), -ENOMEM);
	assert_int_equal(set.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(agrees_with_an_array_of_flags),
	    cmocka_unit_test(is_bounded),
	    cmocka_unit_test(fails_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
