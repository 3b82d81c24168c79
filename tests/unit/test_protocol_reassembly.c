/* SPDX-License-Identifier: MIT */
/* Fragments (RFC 815, RFC 5722): in any order, twice, never all, overlapping, endless. What is not
 * whole changes nothing but counters. */
#include <netinet/in.h>
#include <stdlib.h>

#include "stack/base/random.h"
#include "tests/unit/frames.h"

#define WHOLE 1000U

static uint8_t whole[WHOLE]; /* a UDP message */

struct fixture {
	struct host *h;
	struct heard heard;
};

static void prepare(struct fixture *f, void **state)
{
	struct ipv4 ip = ip_to_us(17);
	uint8_t data[WHOLE - UDP_HEADER_BYTES];

	f->h = *state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	build_udp_message(whole, &ip, 9, 7, data, sizeof(data));
	assert_int_equal(host_bind(f->h, host_socket(f->h, SOCKET_UDP, IPPROTO_UDP, &f->heard), INADDR_ANY, 7), 0);
}

static void piece(struct fixture *f, uint16_t id, uint32_t first, uint32_t end)
{
	struct ipv4 ip = ip_to_us(17);
	struct built b;

	ip.id = id;
	ip.offset_bytes = (uint16_t)first;
	ip.more_fragments = end < WHOLE;
	build_ipv4(&b, &ip, whole + first, end - first);
	host_input(f->h, &b);
}

static void in_order_and_out_of_order(void **state)
{
	struct fixture f;

	prepare(&f, state);
	piece(&f, 1, 0, 400);
	piece(&f, 1, 400, 800);
	assert_int_equal(f.heard.datagrams, 0);
	piece(&f, 1, 800, WHOLE);
	assert_int_equal(f.heard.datagrams, 1);
	assert_int_equal(f.heard.payload_bytes, WHOLE - UDP_HEADER_BYTES);
	assert_memory_equal(f.heard.payload, whole + UDP_HEADER_BYTES, f.heard.payload_bytes);
	piece(&f, 2, 800, WHOLE);
	piece(&f, 2, 400, 800);
	piece(&f, 2, 400, 800); /* a duplicate does no harm */
	piece(&f, 2, 0, 400);
	assert_int_equal(f.heard.datagrams, 2);
	assert_int_equal(host_counter(f.h, "ip_reassembled"), 2);
	assert_int_equal(host_counter(f.h, "reassembly_bytes"), 0);
}

static void two_at_once(void **state)
{
	struct fixture f;

	prepare(&f, state);
	piece(&f, 1, 0, 400);
	piece(&f, 2, 0, 400);
	piece(&f, 1, 400, WHOLE);
	assert_int_equal(f.heard.datagrams, 1);
	piece(&f, 2, 400, WHOLE);
	assert_int_equal(f.heard.datagrams, 2);
}

/* RFC 5722: an overlap condemns the whole datagram. */
static void overlaps_condemn(void **state)
{
	static const uint32_t overlap[][2] = {{392, 800}, {0, 408}, {8, 408}, {392, WHOLE}};
	struct fixture f;

	prepare(&f, state);
	for (uint16_t i = 0; i < 4; i++) {
		piece(&f, i, 0, 400);
		piece(&f, i, overlap[i][0], overlap[i][1]);
		assert_int_equal(host_counter(f.h, "ip_reassembly_failed"), i + 1U);
		piece(&f, i, 400, WHOLE);
	}
	assert_int_equal(f.heard.datagrams, 0);
}

/* The end is where the last fragment says, and only there. */
static void ends_that_disagree_condemn(void **state)
{
	struct fixture f;
	struct ipv4 ip = ip_to_us(17);
	struct built b;

	prepare(&f, state);
	piece(&f, 1, 800, WHOLE);
	ip.id = 1;
	ip.more_fragments = true;
	ip.offset_bytes = 1000;
	build_ipv4(&b, &ip, whole, 8);
	host_input(f.h, &b);
	assert_int_equal(host_counter(f.h, "ip_reassembly_failed"), 1);
	/* Not a multiple of eight, and beyond 64 KiB (the ping of death). */
	ip.id = 2;
	ip.offset_bytes = 0;
	build_ipv4(&b, &ip, whole, 9);
	host_input(f.h, &b);
	ip.more_fragments = false;
	ip.offset_bytes = 65528;
	build_ipv4(&b, &ip, whole, 64);
	host_input(f.h, &b);
	assert_int_equal(host_counter(f.h, "ip_reassembly_failed"), 3);
	assert_int_equal(host_counter(f.h, "reassembly_bytes"), 0);
}

/* RFC 1122 3.3.2: after the time the sender is told, if the first fragment is there to be quoted. */
static void time_runs_out(void **state)
{
	struct fixture f;
	struct built b;
	struct print_facts facts;

	prepare(&f, state);
	host_meets_peer(f.h);
	piece(&f, 1, 0, 400);
	piece(&f, 2, 400, 800);
	host_wait(f.h, 29 * NSEC_PER_SEC);
	while (host_output(f.h, &b, &facts))
		assert_int_equal(facts.kind, PRINT_ARP);
	host_wait(f.h, 2 * NSEC_PER_SEC);
	build_arp(&b, ARP_REPLY, THEIR_ADDRESS, OUR_ADDRESS);
	host_input(f.h, &b);
	assert_true(host_output(f.h, &b, &facts));
	assert_int_equal(facts.kind, PRINT_ICMP);
	assert_true(facts.icmp.type == ICMP_TIME_EXCEEDED && facts.icmp.code == ICMP_REASSEMBLY_EXCEEDED);
	assert_false(host_output(f.h, &b, &facts));
	assert_int_equal(host_counter(f.h, "ip_reassembly_failed"), 2);
}

/* Fragments that are never finished stay within the bound, and honest ones get through afterwards. */
static void endless_fragments_are_bounded(void **state)
{
	struct fixture f;
	struct random r = {.key = {1, 9}};

	prepare(&f, state);
	for (uint32_t n = 0; n < 30000; n++) {
		uint32_t first = 8 * random_below(&r, 60);

		piece(&f, (uint16_t)(n / 2 + 10), first, first + 8 * (1 + random_below(&r, 60)));
		assert_true(host_counter(f.h, "reassembly_bytes") <= (4U << 20) + 2048);
	}
	piece(&f, 1, 0, 400);
	piece(&f, 1, 400, WHOLE);
	assert_true(f.heard.datagrams >= 1);
}

/* Any cut and any order gives the same datagram. */
static void every_cut_is_put_together(void **state)
{
	struct fixture f;
	struct random r = {.key = {2, 2}};

	prepare(&f, state);
	for (uint16_t n = 0; n < 500; n++) {
		uint32_t cut[32], count = 0;

		for (uint32_t at = 0; at < WHOLE; at += 8 * (1 + random_below(&r, 20)))
			if (count < 31)
				cut[count++] = at;
		cut[count] = WHOLE;
		for (uint32_t left = count; left > 0; left--) {
			uint32_t pick = random_below(&r, left), seen = 0;

			for (uint32_t i = 0; i < count; i++) {
				if (cut[i] & 1U << 31 || seen++ != pick)
					continue;
				piece(&f, n, cut[i], cut[i + 1] & ~(1U << 31));
				cut[i] |= 1U << 31;
				break;
			}
		}
		assert_int_equal(f.heard.datagrams, n + 1U);
		assert_memory_equal(f.heard.payload, whole + UDP_HEADER_BYTES, WHOLE - UDP_HEADER_BYTES);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    HOST_TEST(in_order_and_out_of_order), HOST_TEST(two_at_once), HOST_TEST(overlaps_condemn),
	    HOST_TEST(ends_that_disagree_condemn), HOST_TEST(time_runs_out),
	    HOST_TEST(endless_fragments_are_bounded), HOST_TEST(every_cut_is_put_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
