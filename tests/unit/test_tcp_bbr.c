/* SPDX-License-Identifier: MIT */
/* The story: BBR finds a path's bandwidth and round trip, fills the path with hardly a queue, does
 * not mind losses that are not its own, finds new bandwidth, and looks for the round trip again. */
#include "tests/unit/congestion_path.h"
#include "tests/unit/cmocka_tap.h"

#define MS NSEC_PER_MSEC
#define RATE 12500000U

static struct path path;

static void fills_a_clean_path(void **state)
{
	(void)state;
	path_init(&path, "bbr", 20 * MS, RATE, 400, 0);
	path_run(&path, 3 * NSEC_PER_SEC);
	assert_in_range(path_run(&path, 10 * NSEC_PER_SEC), 9 * RATE + RATE / 2, 10 * RATE + RATE / 100);
	assert_in_range(path.c.bbr.max_bw, RATE * 95 / 100, RATE * 105 / 100);
	assert_in_range(path.c.bbr.min_rtt_ns, 20 * MS, 22 * MS);
}

static void keeps_the_queue_short(void **state)
{
	uint64_t longest = 0;

	(void)state;
	path_init(&path, "bbr", 20 * MS, RATE, 4000, 0);
	path_run(&path, 3 * NSEC_PER_SEC);
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t queue;

		path_run(&path, 5 * MS);
		queue = path.busy_until_ns > path.now_ns ? path.busy_until_ns - path.now_ns : 0;
		longest = queue > longest ? queue : longest;
	}
	assert_true(longest < 30 * MS);
}

static void losses_of_the_path_are_not_its_own(void **state)
{
	static const uint32_t per_mille[] = {1, 10, 30};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		path_init(&path, "bbr", 20 * MS, RATE, 400, per_mille[i]);
		path_run(&path, 3 * NSEC_PER_SEC);
		assert_in_range(path_run(&path, 20 * NSEC_PER_SEC), 20ULL * RATE * 90 / 100, 20ULL * RATE + RATE);
	}
}

static void losses_on_a_thin_path(void **state)
{
	(void)state;
	path_init(&path, "bbr", 20 * MS, 1250000, 100, 30);
	path_run(&path, 3 * NSEC_PER_SEC);
	assert_in_range(path_run(&path, 20 * NSEC_PER_SEC), 25000000ULL * 88 / 100, 25100000);
}

static void finds_new_bandwidth(void **state)
{
	(void)state;
	path_init(&path, "bbr", 20 * MS, RATE, 400, 0);
	path_run(&path, 5 * NSEC_PER_SEC);
	path.per_segment_ns /= 2;
	path_run(&path, 12 * NSEC_PER_SEC);
	assert_in_range(path_run(&path, 5 * NSEC_PER_SEC), 9 * RATE, 10 * RATE + RATE / 100);
}

static void yields_when_bandwidth_is_lost(void **state)
{
	(void)state;
	path_init(&path, "bbr", 20 * MS, RATE, 100, 0);
	path_run(&path, 5 * NSEC_PER_SEC);
	path.per_segment_ns *= 4;
	path_run(&path, 12 * NSEC_PER_SEC);
	assert_true(path.c.bbr.max_bw < RATE / 2);
	assert_in_range(path_run(&path, 5 * NSEC_PER_SEC), RATE * 5 / 4 * 85 / 100, RATE * 5 / 4 + RATE / 100);
}

static void learns_a_longer_round_trip(void **state)
{
	(void)state;
	path_init(&path, "bbr", 20 * MS, RATE, 400, 0);
	path_run(&path, 5 * NSEC_PER_SEC);
	path.rtt_ns = 60 * MS;
	path_run(&path, 20 * NSEC_PER_SEC);
	assert_in_range(path.c.bbr.min_rtt_ns, 60 * MS, 65 * MS);
	assert_in_range(path_run(&path, 5 * NSEC_PER_SEC), 5ULL * RATE * 90 / 100, 5ULL * RATE + RATE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fills_a_clean_path),
	    cmocka_unit_test(keeps_the_queue_short),
	    cmocka_unit_test(losses_of_the_path_are_not_its_own),
	    cmocka_unit_test(losses_on_a_thin_path),
	    cmocka_unit_test(finds_new_bandwidth),
	    cmocka_unit_test(yields_when_bandwidth_is_lost),
	    cmocka_unit_test(learns_a_longer_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
