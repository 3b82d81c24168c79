/* SPDX-License-Identifier: MIT */
/* The story: a path that delivers so many bytes a second is measured as just that, whatever the bunching
 * of ACKs; a program that gave too little is not taken for a slow path. */
#include "stack/protocol/tcp/rate.h"
#include "tests/unit/cmocka_tap.h"

#define MS NSEC_PER_MSEC

/* One segment each millisecond, a round trip of 20 ms. */
static void steady_flow_is_measured(void **state)
{
	struct rate_stamp stamp[200];
	struct rate_sample s;
	struct rate r;

	(void)state;
	rate_init(&r, 0);
	for (unsigned t = 0; t < 200; t++) {
		uint32_t out = t < 20 ? t * 1000 : 20000;

		if (t >= 20) {
			rate_sample_begin(&s);
			rate_on_delivered(&r, &s, &stamp[t - 20], 1000, false, t * MS);
			rate_sample_end(&r, &s, 20 * MS, t * MS);
			out -= 1000;
			if (t > 60) {
				assert_int_equal(s.interval_ns, 20 * MS);
				assert_int_equal(s.delivered_bytes, 20000);
				assert_int_equal(s.sent_in_flight_bytes, 20000);
			}
		}
		rate_on_send(&r, &stamp[t], out, 1000, t * MS);
	}
	assert_int_equal(rate_bytes_per_s(&r), 1000000);
}

/* ACKs that come bunched show no higher rate than the data was sent at. */
static void bunched_acks_do_not_exaggerate(void **state)
{
	struct rate_stamp stamp[10];
	struct rate_sample s;
	struct rate r;

	(void)state;
	rate_init(&r, 0);
	for (unsigned i = 0; i < 10; i++)
		rate_on_send(&r, &stamp[i], i * 1000, 1000, i * 10 * MS);
	rate_sample_begin(&s);
	for (unsigned i = 0; i < 10; i++)
		rate_on_delivered(&r, &s, &stamp[i], 1000, false, 110 * MS);
	rate_sample_end(&r, &s, 20 * MS, 110 * MS);
	assert_int_equal(s.delivered_bytes, 10000);
	assert_int_equal(s.interval_ns, 110 * MS);
	assert_int_equal(s.newly_delivered_bytes, 10000);
}

static void interval_shorter_than_the_round_trip_is_no_sample(void **state)
{
	struct rate_stamp stamp;
	struct rate_sample s;
	struct rate r;

	(void)state;
	rate_init(&r, 0);
	rate_on_send(&r, &stamp, 0, 1000, 0);
	rate_sample_begin(&s);
	rate_on_delivered(&r, &s, &stamp, 1000, false, 5 * MS);
	rate_sample_end(&r, &s, 20 * MS, 5 * MS);
	assert_int_equal(s.interval_ns, 0);
	assert_int_equal(rate_bytes_per_s(&r), 0);
}

static void app_limited_ends_when_its_data_is_delivered(void **state)
{
	struct rate_stamp stamp[3];
	struct rate_sample s;
	struct rate r;

	(void)state;
	rate_init(&r, 0);
	rate_mark_app_limited(&r, 1000);
	rate_on_send(&r, &stamp[0], 0, 1000, 0);
	assert_true(stamp[0].app_limited);
	rate_sample_begin(&s);
	rate_on_delivered(&r, &s, &stamp[0], 1000, false, 20 * MS);
	rate_sample_end(&r, &s, 20 * MS, 20 * MS);
	assert_true(s.app_limited);
	rate_on_send(&r, &stamp[1], 0, 1000, 20 * MS);
	rate_sample_begin(&s);
	rate_on_delivered(&r, &s, &stamp[1], 1000, false, 40 * MS);
	rate_sample_end(&r, &s, 20 * MS, 40 * MS);
	rate_on_send(&r, &stamp[2], 0, 1000, 40 * MS);
	assert_false(stamp[2].app_limited);
}

static void losses_are_counted_from_the_sending(void **state)
{
	struct rate_stamp stamp[3];
	struct rate_sample s;
	struct rate r;

	(void)state;
	rate_init(&r, 0);
	for (unsigned i = 0; i < 3; i++)
		rate_on_send(&r, &stamp[i], i * 1000, 1000, i);
	rate_sample_begin(&s);
	rate_on_lost(&r, &s, 1000);
	rate_on_delivered(&r, &s, &stamp[2], 1000, true, 20 * MS);
	rate_sample_end(&r, &s, UINT64_MAX, 20 * MS);
	assert_int_equal(s.lost_bytes, 1000);
	assert_int_equal(s.newly_lost_bytes, 1000);
	assert_true(s.retransmitted);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(steady_flow_is_measured),
	    cmocka_unit_test(bunched_acks_do_not_exaggerate),
	    cmocka_unit_test(interval_shorter_than_the_round_trip_is_no_sample),
	    cmocka_unit_test(app_limited_ends_when_its_data_is_delivered),
	    cmocka_unit_test(losses_are_counted_from_the_sending),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
