/* SPDX-License-Identifier: MIT */
/* The hash table finds what is in it and nothing else, while it grows, and without memory to grow. */
#include "tests/unit/cmocka_tap.h"

#include "stack/base/hash.h"
#include "stack/base/list.h"
#include "stack/base/random.h"
#include "tests/unit/memory.h"

#define COUNT 1000

struct item {
	struct hash_link link;
	uint32_t key;
};

static const struct hash_key key = {11, 12};

static uint64_t hash_of(uint32_t n)
{
	return siphash(&key, &n, sizeof(n));
}

static struct item *find(const struct hash_table *t, uint32_t n)
{
	for (struct hash_link *l = hash_first(t, hash_of(n)); l; l = hash_next(l))
		if (container_of(l, struct item, link)->key == n)
			return container_of(l, struct item, link);
	return NULL;
}

static void fill_and_check(struct test_memory *memory, struct mem *mem, long takes_later)
{
	static struct item item[COUNT];
	struct hash_table t;
	uint32_t visited = 0;

	assert_int_equal(hash_table_init(&t, mem), 0);
	memory->takes_left = takes_later;
	for (uint32_t i = 0; i < COUNT; i++) {
		item[i] = (struct item){.key = i};
		hash_insert(&t, &item[i].link, hash_of(i));
		assert_true(hash_linked(&item[i].link));
	}
	for (uint32_t i = 0; i < COUNT; i++)
		assert_ptr_equal(find(&t, i), &item[i]);
	assert_null(find(&t, COUNT));
	hash_for_each(l, &t)
		visited++;
	assert_int_equal(visited, COUNT);
	for (uint32_t i = 0; i < COUNT; i += 2) {
		hash_remove(&t, &item[i].link);
		hash_remove(&t, &item[i].link); /* harmless */
	}
	for (uint32_t i = 0; i < COUNT; i++)
		assert_ptr_equal(find(&t, i), i % 2 ? &item[i] : NULL);
	assert_int_equal(t.count, COUNT / 2);
	hash_table_destroy(&t);
	assert_int_equal(memory->bytes_out, 0);
}

static void finds_all_while_it_grows(void **state)
{
	TEST_MEMORY(mem);

	(void)state;
	fill_and_check(&mem_state, &mem, -1);
}

/* No memory to grow: chains get longer, nothing is lost. */
static void works_without_memory_to_grow(void **state)
{
	TEST_MEMORY(mem);

	(void)state;
	fill_and_check(&mem_state, &mem, 0);
}

/* Two members with the same hash are both found. */
static void equal_hashes_stand_side_by_side(void **state)
{
	TEST_MEMORY(mem);
	struct hash_table t;
	struct item a = {.key = 1}, b = {.key = 2};

	(void)state;
	assert_int_equal(hash_table_init(&t, &mem), 0);
	hash_insert(&t, &a.link, 42);
	hash_insert(&t, &b.link, 42);
	assert_ptr_equal(hash_first(&t, 42), &b.link);
	assert_ptr_equal(hash_next(&b.link), &a.link);
	assert_null(hash_next(&a.link));
	hash_table_destroy(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_all_while_it_grows),
	    cmocka_unit_test(works_without_memory_to_grow),
	    cmocka_unit_test(equal_hashes_stand_side_by_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
