/* SPDX-License-Identifier: MIT */
/* The story: CUBIC fills a path that loses nothing but by overflow, keeps seven tenths when it has
 * to, comes back to where it was in the time that its curve says, and leaves slow start early when
 * the round trip grows. */
#include "tests/unit/congestion_path.h"
#include "tests/unit/cmocka_tap.h"

#define MS NSEC_PER_MSEC

static struct path path;

static void fills_a_clean_path(void **state)
{
	(void)state;
	path_init(&path, "cubic", 20 * MS, 12500000, 200, 0);
	path_run(&path, 5 * NSEC_PER_SEC);
	assert_in_range(path_run(&path, 10 * NSEC_PER_SEC), 122000000, 125100000);
}

static void keeps_seven_tenths(void **state)
{
	(void)state;
	path_init(&path, "cubic", 20 * MS, 12500000, 200, 0);
	path.c.cwnd_segments = 100;
	congestion_enter_recovery(&path.c, false, NSEC_PER_SEC);
	assert_int_equal(path.c.ssthresh_segments, 70);
}

/* W_max 1000, after a reduction 700: K = cbrt(300 / 0.4) = 9.09 s. */
static void comes_back_after_k(void **state)
{
	uint64_t begin;

	(void)state;
	path_init(&path, "cubic", 100 * MS, 1250000000, 100000, 0);
	path.c.cwnd_segments = 1000;
	path.c.ssthresh_segments = 1000;
	congestion_enter_recovery(&path.c, false, path.now_ns);
	congestion_exit(&path.c, path.now_ns);
	assert_int_equal(path.c.cwnd_segments, 700);
	begin = path.now_ns;
	while (path.c.cwnd_segments < 990 && path.now_ns < begin + 60 * NSEC_PER_SEC)
		path_run(&path, 100 * MS);
	assert_in_range(path.now_ns - begin, 6 * NSEC_PER_SEC, 10 * NSEC_PER_SEC);
	/* Flat at the plateau, then faster again. */
	path_run(&path, 4 * NSEC_PER_SEC);
	assert_in_range(path.c.cwnd_segments, 995, 1100);
	path_run(&path, 8 * NSEC_PER_SEC);
	assert_true(path.c.cwnd_segments > 1200);
}

/* A deep queue: without HyStart slow start would fill it and lose hundreds at once. */
static void leaves_slow_start_when_the_round_trip_grows(void **state)
{
	(void)state;
	path_init(&path, "cubic", 50 * MS, 12500000, 2000, 0);
	path_run(&path, 2 * NSEC_PER_SEC);
	assert_true(path.c.ssthresh_segments < CONGESTION_NO_LIMIT);
	assert_int_equal(path.lost, 0);
}

static void is_never_slower_than_reno(void **state)
{
	uint64_t reno, cubic;

	(void)state;
	path_init(&path, "reno", 10 * MS, 12500000, 50, 10);
	reno = path_run(&path, 20 * NSEC_PER_SEC);
	path_init(&path, "cubic", 10 * MS, 12500000, 50, 10);
	cubic = path_run(&path, 20 * NSEC_PER_SEC);
	assert_true(cubic * 100 >= reno * 95);
}

static void idle_time_is_no_time_of_growth(void **state)
{
	uint64_t epoch;

	(void)state;
	path_init(&path, "cubic", 20 * MS, 12500000, 200, 0);
	path_run(&path, 5 * NSEC_PER_SEC);
	epoch = path.c.cubic.epoch_start_ns;
	assert_true(epoch != 0);
	congestion_on_restart(&path.c, 100 * MS, 250 * MS, true, path.now_ns + 100 * MS);
	assert_int_equal(path.c.cubic.epoch_start_ns, epoch + 100 * MS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fills_a_clean_path),
	    cmocka_unit_test(keeps_seven_tenths),
	    cmocka_unit_test(comes_back_after_k),
	    cmocka_unit_test(leaves_slow_start_when_the_round_trip_grows),
	    cmocka_unit_test(is_never_slower_than_reno),
	    cmocka_unit_test(idle_time_is_no_time_of_growth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
