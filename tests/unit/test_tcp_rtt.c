/* SPDX-License-Identifier: MIT */
/* The story: the estimator of round trips starts as RFC 6298 2.2 says, follows as 2.3 says, never
 * asks for less than Linux's floor, and doubles for each timeout up to two minutes. */
#include "stack/protocol/tcp/pacing.h"
#include "stack/protocol/tcp/rtt.h"
#include "tests/unit/cmocka_tap.h"

#define MS NSEC_PER_MSEC

static void nothing_measured_is_one_second(void **state)
{
	struct rtt r;

	(void)state;
	rtt_init(&r);
	assert_int_equal(rtt_rto_ns(&r), NSEC_PER_SEC);
	assert_true(rtt_min_ns(&r) == UINT64_MAX);
}

static void first_sample_makes_srtt_and_half_of_it_the_variance(void **state)
{
	struct rtt r;

	(void)state;
	rtt_init(&r);
	rtt_sample(&r, 400 * MS, seq_make(1), seq_make(1000), 400 * MS);
	assert_int_equal(r.srtt_ns, 400 * MS);
	assert_int_equal(r.rttvar_ns, 200 * MS);
	assert_int_equal(rtt_rto_ns(&r), 1200 * MS);
}

static void timeout_never_falls_below_the_floor(void **state)
{
	struct rtt r;
	uint32_t at = 1;

	(void)state;
	rtt_init(&r);
	for (unsigned i = 0; i < 1000; i++, at += 1000)
		rtt_sample(&r, 10 * MS, seq_make(at), seq_make(at + 1000), i * 10 * MS);
	assert_int_equal(r.srtt_ns, 10 * MS);
	assert_int_equal(rtt_rto_ns(&r), 210 * MS);
}

static void variance_falls_once_a_round_trip_only(void **state)
{
	struct rtt r;

	(void)state;
	rtt_init(&r);
	rtt_sample(&r, 1000 * MS, seq_make(1), seq_make(100000), 1);
	/* All within one flight: una never passes its end. */
	for (unsigned i = 0; i < 50; i++)
		rtt_sample(&r, 1000 * MS, seq_make(1000 * i), seq_make(100000), i);
	assert_int_equal(r.rttvar_ns, 500 * MS);
	rtt_sample(&r, 1000 * MS, seq_make(100001), seq_make(200000), 60);
	rtt_sample(&r, 1000 * MS, seq_make(200001), seq_make(300000), 70);
	assert_in_range(r.rttvar_ns, 374 * MS, 500 * MS - 1);
}

static void shrinking_round_trip_gives_no_longer_timeout(void **state)
{
	struct rtt r;
	uint64_t before;

	(void)state;
	rtt_init(&r);
	for (uint32_t i = 0; i < 200; i++)
		rtt_sample(&r, 800 * MS, seq_make(i * 10), seq_make(i * 10 + 5), i);
	before = rtt_rto_ns(&r);
	rtt_sample(&r, 100 * MS, seq_make(5000), seq_make(5005), 300);
	assert_true(rtt_rto_ns(&r) <= before);
}

static void backoff_doubles_up_to_two_minutes(void **state)
{
	struct rtt r;

	(void)state;
	rtt_init(&r);
	assert_int_equal(rtt_rto_backed_off_ns(&r, 0), NSEC_PER_SEC);
	assert_int_equal(rtt_rto_backed_off_ns(&r, 3), 8 * NSEC_PER_SEC);
	assert_int_equal(rtt_rto_backed_off_ns(&r, 60), 120 * NSEC_PER_SEC);
}

static void smallest_is_forgotten_after_five_minutes(void **state)
{
	struct rtt r;

	(void)state;
	rtt_init(&r);
	rtt_sample(&r, 10 * MS, seq_make(1), seq_make(2), 0);
	for (uint64_t t = 1; t < 290; t++)
		rtt_sample(&r, 50 * MS, seq_make(1), seq_make(2), t * NSEC_PER_SEC);
	assert_int_equal(rtt_min_ns(&r), 10 * MS);
	for (uint64_t t = 290; t < 310; t++)
		rtt_sample(&r, 50 * MS, seq_make(1), seq_make(2), t * NSEC_PER_SEC);
	assert_int_equal(rtt_min_ns(&r), 50 * MS);
}

static void pacing_spreads_bursts_and_sizes_them(void **state)
{
	struct pacing p;

	(void)state;
	pacing_init(&p);
	pacing_set(&p, true, 1000000, PACING_NO_LIMIT);
	assert_int_equal(pacing_wait_until_ns(&p, 5 * MS), 0);
	pacing_on_send(&p, 10000, 5 * MS); /* 10 ms at 1 MB/s */
	assert_int_equal(pacing_wait_until_ns(&p, 6 * MS), 15 * MS);
	/* Late by much: four milliseconds of it are made up for, no more. */
	pacing_on_send(&p, 10000, 100 * MS);
	assert_int_equal(pacing_wait_until_ns(&p, 100 * MS), 106 * MS);
	assert_int_equal(pacing_burst_bytes(&p, 1000, 100 * MS, 2, 64000), 2000);
	pacing_set(&p, false, 100000000, PACING_NO_LIMIT);
	assert_int_equal(pacing_wait_until_ns(&p, 0), 0);
	assert_int_equal(pacing_burst_bytes(&p, 1000, 100 * MS, 2, 64000), 64000);
	pacing_set(&p, false, 10000000, PACING_NO_LIMIT);
	assert_int_equal(pacing_burst_bytes(&p, 1000, 100 * MS, 2, 64000), 9000);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_measured_is_one_second),
	    cmocka_unit_test(first_sample_makes_srtt_and_half_of_it_the_variance),
	    cmocka_unit_test(timeout_never_falls_below_the_floor),
	    cmocka_unit_test(variance_falls_once_a_round_trip_only),
	    cmocka_unit_test(shrinking_round_trip_gives_no_longer_timeout),
	    cmocka_unit_test(backoff_doubles_up_to_two_minutes),
	    cmocka_unit_test(smallest_is_forgotten_after_five_minutes),
	    cmocka_unit_test(pacing_spreads_bursts_and_sizes_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
