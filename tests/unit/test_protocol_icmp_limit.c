/* SPDX-License-Identifier: MIT */
/* How many ICMP errors we send: to one peer six at once and then one a second, to all together
 * a thousand a second; to ourselves as many as wanted (RFC 1812 4.3.2.8, Linux's icmp_ratelimit). */
#include "stack/protocol/icmp.h"
#include "tests/unit/host_fixture.h"

static unsigned granted(struct host *h, uint32_t address, unsigned wanted)
{
	struct ip_addr peer = ip_from_v4(address);
	unsigned count = 0;

	for (unsigned i = 0; i < wanted; i++)
		count += icmp_within_limits(h->stack, &peer);
	return count;
}

static void wait_ns(struct host *h, uint64_t span_ns)
{
	h->now_ns += span_ns;
	host_settle(h);
}

static void one_peer_gets_a_burst_and_then_one_a_second(void **state)
{
	struct host *h = *state;

	assert_int_equal(granted(h, THEIR_ADDRESS, 20), 6);
	wait_ns(h, NSEC_PER_SEC / 2);
	assert_int_equal(granted(h, THEIR_ADDRESS, 20), 0);
	wait_ns(h, NSEC_PER_SEC);
	assert_int_equal(granted(h, THEIR_ADDRESS, 20), 1);
	wait_ns(h, 100 * NSEC_PER_SEC);
	assert_int_equal(granted(h, THEIR_ADDRESS, 20), 6);
	assert_true(h->stack->counters.icmp_out_limited > 0);
}

static void all_peers_together_are_limited(void **state)
{
	struct host *h = *state;
	unsigned count = 0;

	for (uint32_t peer = 0; peer < 500; peer++)
		count += granted(h, 0x0a000000 + peer, 1);
	assert_int_equal(count, 50);
	wait_ns(h, 10 * NSEC_PER_MSEC);
	for (uint32_t peer = 1000; peer < 1500; peer++)
		count += granted(h, 0x0a000000 + peer, 1);
	assert_in_range(count, 58, 62);
}

static void to_ourselves_there_is_no_limit(void **state)
{
	struct host *h = *state;

	assert_int_equal(granted(h, 0x7f000001, 1000), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    HOST_TEST(one_peer_gets_a_burst_and_then_one_a_second),
	    HOST_TEST(all_peers_together_are_limited),
	    HOST_TEST(to_ourselves_there_is_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
