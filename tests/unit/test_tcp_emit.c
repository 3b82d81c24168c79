/* SPDX-License-Identifier: MIT */
/* stack/protocol/tcp/emit.c: what a segment looks like on the wire. That each checksum is right the
 * fixture says of all of them. */
#include "tests/unit/tcp_fixture.h"

/* RFC 791, RFC 1191: the program's TTL and TOS, and DF so that the path can say its MTU. */
static void headers_are_the_programs(void **state)
{
	const struct seen *e;
	struct world *w = *state;

	w->socket = new_socket(w, &w->program);
	set_option(w, w->socket, IPPROTO_IP, 2 /* IP_TTL */, 33);
	set_option(w, w->socket, IPPROTO_IP, 1 /* IP_TOS */, 0x20);
	establish_actively(w, NULL);
	program_sends(w, 100);
	e = expect_segment(w, TCP_ACK, 1, 100, 1);
	assert_int_equal(e->ip.ttl, 33);
	assert_int_equal(e->ip.tos, 0x20);
	assert_true(e->ip.dont_fragment);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(e->segment.data.data[i], byte_at(i));
}

/* No driver cuts here: a train leaves as segments that fit, in order, of the right bytes, FIN with
 * the last one only. */
static void trains_are_cut(void **state)
{
	uint32_t position = 0;
	struct world *w = *state;

	establish_actively(w, NULL);
	set_option(w, w->socket, IPPROTO_TCP, TCP_CORK, 1);
	program_sends(w, 4 * MSS_BYTES + 7);
	assert_int_equal(socket_shutdown(w->socket, SOCKET_SHUT_WRITE, w->now_ns), 0);
	settle(w);
	for (unsigned i = 0; i < 5; i++) {
		const struct seen *e = expect_segment(w, i < 4 ? TCP_ACK : TCP_FIN | TCP_ACK, 1 + position,
		    i < 4 ? MSS_BYTES : 7, 1);

		for (uint32_t j = 0; j < e->bytes; j++)
			assert_int_equal(e->segment.data.data[j], byte_at(position + j));
		position += e->bytes;
	}
	expect_silence(w);
}

WORLD_MAIN(WORLD_TEST(headers_are_the_programs), WORLD_TEST(trains_are_cut))
