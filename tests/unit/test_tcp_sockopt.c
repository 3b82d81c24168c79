/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/sockopt.c: the options of tcp(7), with Linux's bounds and errors. */
#include "tests/unit/tcp_fixture.h"

/* What is out of bounds is refused and changes nothing; what nobody knows is ENOPROTOOPT. */
static void bounds_are_kept(void **state)
{
	static const struct {
		int name, good, bad, error;
	} row[] = {
	    {TCP_KEEPIDLE, 77, 0, -EINVAL},
	    {TCP_KEEPIDLE, 32767, 32768, -EINVAL},
	    {TCP_KEEPINTVL, 5, 0, -EINVAL},
	    {TCP_KEEPCNT, 127, 128, -EINVAL},
	    {TCP_SYNCNT, 3, 0, -EINVAL},
	    {TCP_MAXSEG, 88, 87, -EINVAL},
	    {TCP_MAXSEG, 1000, 32768, -EINVAL},
	    {TCP_USER_TIMEOUT, 5000, -1, -EINVAL},
	};
	struct world *w = *state;

	w->socket = new_socket(w, &w->program);
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		set_option(w, w->socket, IPPROTO_TCP, row[i].name, row[i].good);
		assert_int_equal(get_option(w, w->socket, IPPROTO_TCP, row[i].name), row[i].good);
		assert_int_equal(socket_set_option(w->socket, IPPROTO_TCP, row[i].name, &row[i].bad, sizeof(int),
				     w->now_ns),
		    row[i].error);
		assert_int_equal(get_option(w, w->socket, IPPROTO_TCP, row[i].name), row[i].good);
	}
	assert_int_equal(socket_set_option(w->socket, IPPROTO_TCP, 9999, &row[0].good, sizeof(int), w->now_ns),
	    -ENOPROTOOPT);
	assert_int_equal(socket_set_option(w->socket, IPPROTO_TCP, TCP_NODELAY, &row[0].good, 1, w->now_ns),
	    -EINVAL);
}

/* TCP_CONGESTION takes a name that exists, now or never; a child has its listener's options. */
static void congestion_by_name_and_inherited(void **state)
{
	char name[16] = "";
	uint32_t bytes = sizeof(name);
	struct world *w = *state;

	w->listener = new_socket(w, &w->listening);
	assert_int_equal(socket_set_option(w->listener, IPPROTO_TCP, TCP_CONGESTION, "reno2", 5, w->now_ns),
	    -ENOENT);
	assert_int_equal(socket_set_option(w->listener, IPPROTO_TCP, TCP_CONGESTION, "bbr", 3, w->now_ns), 0);
	set_option(w, w->listener, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(w, w->listener, IPPROTO_TCP, TCP_KEEPIDLE, 33);
	establish_passively(w, NULL);
	assert_int_equal(socket_get_option(w->socket, IPPROTO_TCP, TCP_CONGESTION, name, &bytes, w->now_ns), 0);
	assert_string_equal(name, "bbr");
	assert_int_equal(get_option(w, w->socket, IPPROTO_TCP, TCP_NODELAY), 1);
	assert_int_equal(get_option(w, w->socket, IPPROTO_TCP, TCP_KEEPIDLE), 33);
}

/* TCP_MAXSEG before the handshake is what our SYN says and what we send at most. */
static void maxseg_limits_both_ways(void **state)
{
	struct tcp_options o = usual_options();
	struct world *w = *state;

	w->socket = new_socket(w, &w->program);
	set_option(w, w->socket, IPPROTO_TCP, TCP_MAXSEG, 700);
	program_connects(w);
	assert_int_equal(expect_segment(w, TCP_SYN, 0, 0, 0)->segment.options.mss_bytes, 700);
	peer_sends(w, TCP_SYN | TCP_ACK, 0, 1, 65535, &o, 0);
	expect_segment(w, TCP_ACK, 1, 0, 1);
	program_sends(w, 1400);
	expect_segment(w, TCP_ACK, 1, 700, 1);
	expect_segment(w, TCP_ACK, 701, 700, 1);
}

WORLD_MAIN(WORLD_TEST(bounds_are_kept), WORLD_TEST(congestion_by_name_and_inherited),
    WORLD_TEST(maxseg_limits_both_ways))
