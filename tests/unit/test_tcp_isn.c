/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/isn.c: numbers that an outsider must not guess. */
#include "tests/unit/tcp_fixture.h"

static struct tuple tuple_to(uint16_t port)
{
	struct tuple t = {.local = ip_from_v4(OUR_ADDRESS), .remote = ip_from_v4(PEER_ADDRESS), .local_port = 1024};

	t.remote_port = port;
	return t;
}

/* RFC 6528 3: M + F(tuple, secret). M counts every 64 ns; F differs for each tuple and secret. */
static void clock_plus_hash(void **state)
{
	const struct stack_config other = {.secret = {4, 5, 6}};
	struct tuple one = tuple_to(1), two = tuple_to(2);
	uint32_t first, second;
	struct world *w = *state;

	w->stack->now_ns = 0;
	first = tcp_isn(w->stack, &one).n;
	second = tcp_isn(w->stack, &two).n;
	assert_int_not_equal(first, second);
	assert_int_equal(tcp_isn(w->stack, &one).n, first);
	w->stack->now_ns = 64 * 1000;
	assert_int_equal(tcp_isn(w->stack, &one).n - first, 1000);
	assert_int_equal(tcp_isn(w->stack, &two).n - second, 1000);
	world_again(w, &other);
	w->stack->now_ns = 0;
	assert_int_not_equal(tcp_isn(w->stack, &one).n, first);
}

/* RFC 7323 5.4, RFC 6191: the offset of the timestamps is one for all ports of a pair of hosts, and
 * another one for another host. */
static void timestamps_grow_between_connections(void **state)
{
	struct tuple one = tuple_to(1), two = tuple_to(2), far = tuple_to(1);
	struct world *w = *state;

	far.remote = ip_from_v4(PEER_ADDRESS + 9);
	assert_int_equal(tcp_timestamp_offset(w->stack, &one), tcp_timestamp_offset(w->stack, &two));
	assert_int_not_equal(tcp_timestamp_offset(w->stack, &one), tcp_timestamp_offset(w->stack, &far));
}

WORLD_MAIN(WORLD_TEST(clock_plus_hash), WORLD_TEST(timestamps_grow_between_connections))
