/* SPDX-License-Identifier: MIT */
/* What is known of single destinations: the path MTU that ICMP taught (RFC 1191), for ten minutes,
 * and never below what is sane. */
#include "stack/protocol/path.h"
#include "stack/protocol/ip.h"
#include "tests/unit/host_fixture.h"

static uint32_t mtu_to(struct host *h, uint32_t address)
{
	struct ip_addr to = ip_from_v4(address);

	return path_mtu(h->stack, &to, 1500);
}

static void lower(struct host *h, uint32_t address, uint32_t mtu_bytes)
{
	struct ip_addr to = ip_from_v4(address);

	ip_path_lower_mtu(h->stack, &to, mtu_bytes);
}

/* RFC 1191 3: only the destination that was complained about gets the smaller MTU; it never grows by
 * a complaint. */
static void a_smaller_mtu_is_remembered(void **state)
{
	struct host *h = *state;

	assert_int_equal(mtu_to(h, THEIR_ADDRESS), 1500);
	lower(h, THEIR_ADDRESS, 1400);
	assert_int_equal(mtu_to(h, THEIR_ADDRESS), 1400);
	assert_int_equal(mtu_to(h, THEIR_ADDRESS + 10), 1500);
	lower(h, THEIR_ADDRESS, 1450);
	assert_int_equal(mtu_to(h, THEIR_ADDRESS), 1400);
	assert_int_equal(path_count(h->stack), 1);
}

/* Linux's min_pmtu: a router (or an attacker) that says 68 is believed down to 552. */
static void nobody_is_believed_below_the_minimum(void **state)
{
	struct host *h = *state;

	lower(h, THEIR_ADDRESS, 68);
	assert_int_equal(mtu_to(h, THEIR_ADDRESS), PATH_MTU_MIN_V4);
}

/* RFC 1191 6.3: after ten minutes the larger one is tried again. */
static void what_was_learned_is_forgotten(void **state)
{
	struct host *h = *state;

	lower(h, THEIR_ADDRESS, 1400);
	h->now_ns += PATH_EXPIRES_NS - NSEC_PER_SEC;
	host_settle(h);
	assert_int_equal(mtu_to(h, THEIR_ADDRESS), 1400);
	h->now_ns += 2 * NSEC_PER_SEC;
	host_settle(h);
	assert_int_equal(mtu_to(h, THEIR_ADDRESS), 1500);
	assert_int_equal(path_count(h->stack), 0);
}

/* Ten thousand destinations do not take more memory than the bound allows. */
static void the_table_is_bounded(void **state)
{
	struct host *h = *state;

	for (uint32_t i = 0; i < 10000; i++)
		lower(h, 0x0a000000 + i, 1400);
	assert_in_range(path_count(h->stack), 1, PATHS_MAX);
	assert_int_equal(mtu_to(h, 0x0a000000 + 9999), 1400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    HOST_TEST(a_smaller_mtu_is_remembered),
	    HOST_TEST(nobody_is_believed_below_the_minimum),
	    HOST_TEST(what_was_learned_is_forgotten),
	    HOST_TEST(the_table_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
