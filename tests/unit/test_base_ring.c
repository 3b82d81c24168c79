/* SPDX-License-Identifier: MIT */
/* The ring holds a growing stream in bounded memory: these tests prove that bytes stay at their
 * position across wraps and growth, and that memory is taken and given back when promised. */
#include "tests/unit/cmocka_tap.h"

#include "stack/base/random.h"
#include "stack/base/ring.h"
#include "tests/unit/memory.h"

static uint8_t byte_at(uint64_t position)
{
	return (uint8_t)(position * 131 + (position >> 8));
}

static void write_stream(struct ring *r, uint32_t bytes)
{
	uint8_t data[8192];

	for (uint32_t i = 0; i < bytes; i++)
		data[i] = byte_at(r->end + i);
	ring_store(r, r->end, data, bytes);
	ring_commit(r, bytes);
}

static void check_stream(const struct ring *r)
{
	uint8_t data[65536];
	uint32_t bytes = ring_used(r);

	ring_load(r, r->start, data, bytes);
	for (uint32_t i = 0; i < bytes; i++)
		assert_int_equal(data[i], byte_at(r->start + i));
}

/* A stream that is written and read in uneven steps comes out as it went in, however often the ring
 * wraps and grows on the way. */
static void bytes_survive_wrap_and_growth(void **state)
{
	TEST_MEMORY(mem);
	struct random random = {.key = {1, 2}};
	struct ring r;

	(void)state;
	ring_init(&r);
	for (int step = 0; step < 2000; step++) {
		uint32_t in = random_below(&random, 5000);
		uint32_t out;

		if (ring_used(&r) + in <= 32768) {
			assert_int_equal(ring_reserve(&r, &mem, ring_used(&r) + in), 0);
			write_stream(&r, in);
		}
		check_stream(&r);
		out = random_below(&random, ring_used(&r) + 1);
		ring_consume(&r, out);
	}
	assert_true(r.end > 1000000);
	ring_destroy(&r, &mem);
	assert_int_equal(mem_state.bytes_out, 0);
}

/* Data that arrived out of order lies beyond end: growth must keep it, too. */
static void growth_keeps_what_lies_beyond_the_end(void **state)
{
	TEST_MEMORY(mem);
	struct ring r;
	uint8_t seen[100], early[100];

	(void)state;
	ring_init(&r);
	assert_int_equal(ring_reserve(&r, &mem, 4096), 0);
	r.start = r.end = 4000; /* so that the range wraps */
	for (int i = 0; i < 100; i++)
		early[i] = byte_at((uint64_t)i);
	ring_store(&r, 4000 + 3900, early, 100);
	assert_int_equal(ring_reserve(&r, &mem, 10000), 0);
	assert_int_equal(r.capacity_bytes, 16384);
	ring_load(&r, 4000 + 3900, seen, 100);
	assert_memory_equal(seen, early, 100);
	ring_destroy(&r, &mem);
	assert_int_equal(mem_state.bytes_out, 0);
}

/* Without memory nothing changes; an empty ring gives its memory back, a used one keeps it. */
static void memory_is_taken_and_given_back(void **state)
{
	TEST_MEMORY(mem);
	struct ring r;

	(void)state;
	ring_init(&r);
	mem_state.takes_left = 0;
	assert_int_equal(ring_reserve(&r, &mem, 1), -12 /* ENOMEM */);
	assert_int_equal(r.capacity_bytes, 0);
	mem_state.takes_left = -1;
	assert_int_equal(ring_reserve(&r, &mem, 1), 0);
	write_stream(&r, 10);
	mem_state.takes_left = 0;
	assert_int_equal(ring_reserve(&r, &mem, 100000), -12);
	check_stream(&r);
	ring_release_if_empty(&r, &mem);
	assert_int_equal(r.capacity_bytes, RING_CAPACITY_MIN);
	ring_consume(&r, 10);
	ring_release_if_empty(&r, &mem);
	assert_int_equal(r.capacity_bytes, 0);
	assert_int_equal(r.end, 10);
	assert_int_equal(mem_state.bytes_out, 0);
}

/* A range that wraps is two runs, one that does not is one, an empty one is none. */
static void spans_name_the_runs(void **state)
{
	TEST_MEMORY(mem);
	struct ring r;
	struct span span[2];

	(void)state;
	ring_init(&r);
	assert_int_equal(ring_spans(&r, 0, 0, span), 0);
	assert_int_equal(ring_reserve(&r, &mem, 4096), 0);
	r.start = r.end = 4090;
	write_stream(&r, 20);
	assert_int_equal(ring_spans(&r, 4090, 6, span), 1);
	assert_int_equal(ring_spans(&r, 4090, 20, span), 2);
	assert_int_equal(span[0].bytes, 6);
	assert_int_equal(span[1].bytes, 14);
	assert_ptr_equal(span[1].data, r.data);
	ring_destroy(&r, &mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bytes_survive_wrap_and_growth),
	    cmocka_unit_test(growth_keeps_what_lies_beyond_the_end),
	    cmocka_unit_test(memory_is_taken_and_given_back),
	    cmocka_unit_test(spans_name_the_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
