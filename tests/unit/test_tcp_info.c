/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/info.c: TCP_INFO in Linux's layout, and what `teachnet ss` shows. */
#include "tests/unit/tcp_fixture.h"

/* The numbers of a connection whose every segment is known; a short buffer gets the beginning. */
static void tells_what_happened(void **state)
{
	struct tcp_info i;
	uint32_t bytes = sizeof(i);
	struct world *w = *state;

	memset(&i, 0xee, sizeof(i));
	establish_actively(w, NULL);
	program_sends(w, 2 * MSS_BYTES);
	forget_segments(w);
	advance(w, ROUND_TRIP_NS);
	peer_acks(w, 1, 1 + MSS_BYTES, NULL);
	peer_sends(w, TCP_ACK, 1, 1 + MSS_BYTES, 30000, NULL, 123);
	assert_int_equal(socket_get_option(w->socket, IPPROTO_TCP, TCP_INFO, &i, &bytes, w->now_ns), 0);
	assert_int_equal(i.tcpi_state, 1);
	assert_int_equal(i.tcpi_options & TCPI_OPT_SACK, TCPI_OPT_SACK);
	assert_int_equal(i.tcpi_options & TCPI_OPT_TIMESTAMPS, 0);
	assert_int_equal(i.tcpi_snd_mss, MSS_BYTES);
	assert_int_equal(i.tcpi_unacked, 1);
	assert_in_range(i.tcpi_rtt, 9900, 10100);
	assert_int_equal(i.tcpi_pmtu, MTU_BYTES);
	assert_int_equal(i.tcpi_bytes_acked, 1 + MSS_BYTES); /* the SYN counts, as in Linux */
	assert_int_equal(i.tcpi_bytes_received, 123);
	assert_int_equal(i.tcpi_data_segs_out, 2);
	assert_int_equal(i.tcpi_data_segs_in, 1);
	assert_int_equal(i.tcpi_total_retrans, 0);
	bytes = 4;
	memset(&i, 0xee, sizeof(i));
	assert_int_equal(socket_get_option(w->socket, IPPROTO_TCP, TCP_INFO, &i, &bytes, w->now_ns), 0);
	assert_int_equal(bytes, 4);
	assert_int_equal(i.tcpi_state, 1);
	assert_int_equal(i.tcpi_rto, 0xeeeeeeee);
}

struct visit {
	unsigned listening, half_open, established;
	uint32_t send_queue_bytes;
};

static void visited(void *context, const struct socket_info *i)
{
	struct visit *v = context;

	v->listening += strcmp(i->state, "LISTEN") == 0;
	v->half_open += strcmp(i->state, "SYN-RECV") == 0;
	if (strcmp(i->state, "ESTAB") == 0) {
		v->established++;
		v->send_queue_bytes = i->send_queue_bytes;
	}
}

/* Every socket is visited, half-open ones, too. */
static void every_socket_is_visited(void **state)
{
	struct visit v = {0};
	struct world *w = *state;

	establish_passively(w, NULL);
	program_sends(w, 77);
	w->peer_port = 5001;
	peer_sends(w, TCP_SYN, 0, 0, 65535, NULL, 0);
	stack_visit_sockets(w->stack, w->now_ns, visited, &v);
	assert_int_equal(v.listening, 1);
	assert_int_equal(v.half_open, 1);
	assert_int_equal(v.established, 1);
	assert_int_equal(v.send_queue_bytes, 77);
}

WORLD_MAIN(WORLD_TEST(tells_what_happened), WORLD_TEST(every_socket_is_visited))
