/* SPDX-License-Identifier: MIT */
/* The story: what all congestion controls share, told with NewReno: the window grows only when it
 * is used, is reduced in proportion, can be given back, and decays with idleness. */
#include "stack/protocol/tcp/congestion.h"
#include "tests/unit/cmocka_tap.h"

#define MSS 1000U
#define MS NSEC_PER_MSEC

static struct congestion fresh(const char *name)
{
	struct congestion c;

	congestion_init(&c, congestion_find(name), MSS, 7, 0);
	congestion_established(&c, MSS, 0, 20 * MS, 0);
	return c;
}

static void ack(struct congestion *c, uint32_t segments, uint32_t in_flight, uint64_t now_ns)
{
	struct congestion_ack a = {
	    .now_ns = now_ns,
	    .acked_bytes = segments * MSS,
	    .delivered_bytes = segments * MSS,
	    .in_flight_bytes = in_flight * MSS,
	    .in_flight_before_bytes = (in_flight + segments) * MSS,
	    .rtt_ns = 20 * MS,
	    .srtt_ns = 20 * MS,
	    .min_rtt_ns = 20 * MS,
	    .una_advanced = segments > 0,
	};

	congestion_on_ack(c, &a);
}

static void use_all(struct congestion *c)
{
	congestion_on_send_stop(c, true, c->cwnd_segments * MSS, seq_make(0), seq_make(1), 200 * MS, false, 0);
}

static void registry_knows_three(void **state)
{
	(void)state;
	assert_string_equal(congestion_find("")->name, "cubic");
	assert_string_equal(congestion_find("reno")->name, "reno");
	assert_string_equal(congestion_find("bbr")->name, "bbr");
	assert_null(congestion_find("vegas"));
	assert_null(congestion_find("ren"));
	assert_null(congestion_list(3));
	assert_string_equal(congestion_state_name(CONGESTION_RECOVERY), "recovery");
}

static void slow_start_doubles_what_is_used(void **state)
{
	struct congestion c = fresh("reno");

	(void)state;
	assert_int_equal(c.cwnd_segments, 10);
	use_all(&c);
	ack(&c, 10, 0, MS);
	assert_int_equal(c.cwnd_segments, 20);
}

static void unused_window_does_not_grow(void **state)
{
	struct congestion c = fresh("reno");

	(void)state;
	congestion_on_send_stop(&c, false, 2 * MSS, seq_make(0), seq_make(1), 200 * MS, false, 0);
	ack(&c, 2, 0, MS);
	assert_int_equal(c.cwnd_segments, 10);
}

static void avoidance_adds_one_segment_a_round(void **state)
{
	struct congestion c = fresh("reno");

	(void)state;
	c.ssthresh_segments = 10;
	use_all(&c);
	for (unsigned i = 0; i < 10; i++)
		ack(&c, 1, 9, MS);
	assert_int_equal(c.cwnd_segments, 11);
}

/* Twenty segments out, one lost, all others delivered one by one: about half as many may leave. */
static void reduction_is_in_proportion(void **state)
{
	struct congestion c = fresh("reno");
	uint32_t out = 19, sent = 0;

	(void)state;
	c.cwnd_segments = 20;
	congestion_enter_recovery(&c, false, MS);
	assert_int_equal(c.ssthresh_segments, 10);
	for (unsigned i = 0; i < 19; i++) {
		out--;
		ack(&c, 1, out, 2 * MS);
		while (congestion_quota_bytes(&c, out * MSS) >= MSS) {
			congestion_on_send(&c, MSS, seq_make(0));
			out++;
			sent++;
		}
	}
	assert_in_range(sent, 9, 11);
	congestion_exit(&c, 3 * MS);
	assert_int_equal(c.cwnd_segments, 10);
	assert_int_equal(c.state, CONGESTION_OPEN);
}

static void undo_gives_back(void **state)
{
	struct congestion c = fresh("reno");

	(void)state;
	c.cwnd_segments = 20;
	congestion_enter_recovery(&c, false, MS);
	ack(&c, 1, 15, 2 * MS);
	congestion_undo(&c, true, 3 * MS);
	assert_int_equal(c.cwnd_segments, 20);
	assert_int_equal(c.ssthresh_segments, CONGESTION_NO_LIMIT);
	assert_int_equal(c.state, CONGESTION_OPEN);
}

static void mark_cannot_be_undone(void **state)
{
	struct congestion c = fresh("reno");

	(void)state;
	c.cwnd_segments = 20;
	congestion_enter_cwr(&c, MS);
	congestion_undo(&c, false, 2 * MS);
	assert_int_equal(c.ssthresh_segments, 10);
}

static void timeout_leaves_one_segment(void **state)
{
	struct congestion c = fresh("reno");

	(void)state;
	c.cwnd_segments = 20;
	congestion_enter_loss(&c, true, 0, MS);
	assert_int_equal(c.cwnd_segments, 1);
	assert_int_equal(c.ssthresh_segments, 10);
	ack(&c, 1, 0, 2 * MS);
	assert_int_equal(c.state, CONGESTION_LOSS);
	congestion_enter_loss(&c, false, 0, 3 * MS);
	assert_int_equal(c.ssthresh_segments, 10);
}

static void idleness_halves_for_each_timeout(void **state)
{
	struct congestion c = fresh("reno");

	(void)state;
	c.cwnd_segments = 80;
	congestion_on_restart(&c, 450 * MS, 200 * MS, false, 450 * MS);
	assert_int_equal(c.cwnd_segments, 20);
	assert_int_equal(c.ssthresh_segments, CONGESTION_NO_LIMIT);
	congestion_on_restart(&c, 1000000 * MS, 200 * MS, false, 1000450 * MS);
	assert_int_equal(c.cwnd_segments, 10);
}

static void quota_counts_a_partial_segment_whole(void **state)
{
	struct congestion c = fresh("reno");

	(void)state;
	assert_int_equal(congestion_quota_bytes(&c, 0), 10 * MSS);
	assert_int_equal(congestion_quota_bytes(&c, 9 * MSS + 1), 0);
	assert_int_equal(congestion_quota_bytes(&c, 8 * MSS + 1), MSS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(registry_knows_three),
	    cmocka_unit_test(slow_start_doubles_what_is_used),
	    cmocka_unit_test(unused_window_does_not_grow),
	    cmocka_unit_test(avoidance_adds_one_segment_a_round),
	    cmocka_unit_test(reduction_is_in_proportion),
	    cmocka_unit_test(undo_gives_back),
	    cmocka_unit_test(mark_cannot_be_undone),
	    cmocka_unit_test(timeout_leaves_one_segment),
	    cmocka_unit_test(idleness_halves_for_each_timeout),
	    cmocka_unit_test(quota_counts_a_partial_segment_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
