/* SPDX-License-Identifier: MIT */
/* Neighbours: the question, the wait, the answer, the states of RFC 4861 7.3.2 with Linux's times,
 * and what becomes of packets when nobody answers. */
#include <errno.h>
#include <netinet/in.h>

#include "tests/unit/frames.h"

struct seen {
	struct neighbour_info info;
	unsigned count;
};

static void see(void *context, const struct neighbour_info *i)
{
	struct seen *s = context;

	s->info = *i;
	s->count++;
}

static struct seen look(struct host *h)
{
	struct seen s = {.count = 0};

	stack_visit_neighbours(h->stack, see, &s);
	return s;
}

static int send_to_peer(struct host *h, struct socket *so)
{
	struct datagram d = {.remote = at(THEIR_ADDRESS, 9), .local = ip_from_v4(0), .ttl = -1, .tos = -1};

	return socket_send_datagram(so, &d, (struct span){(const uint8_t *)"hello", 5}, h->now_ns);
}

static unsigned count_requests(struct host *h)
{
	struct built b;
	struct print_facts facts;
	unsigned n = 0;

	while (host_output(h, &b, &facts))
		n += facts.kind == PRINT_ARP && facts.arp.operation == ARP_REQUEST;
	return n;
}

static void a_packet_waits_for_the_answer(void **state)
{
	struct host *h = *state;
	struct heard heard;
	struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &heard);
	struct built b;
	struct print_facts facts;

	assert_int_equal(send_to_peer(h, so), 0);
	assert_true(host_output(h, &b, &facts));
	assert_int_equal(facts.kind, PRINT_ARP);
	assert_true(mac_equal(&facts.link_destination, &ethernet_broadcast));
	assert_int_equal(ip_to_v4(&facts.arp.target), THEIR_ADDRESS);
	assert_int_equal(ip_to_v4(&facts.arp.sender), OUR_ADDRESS);
	assert_false(host_output(h, &b, &facts));
	assert_string_equal(look(h).info.state, "INCOMPLETE");
	assert_int_equal(look(h).info.queued_packets, 1);

	build_arp(&b, ARP_REPLY, THEIR_ADDRESS, OUR_ADDRESS);
	host_input(h, &b);
	assert_true(host_output(h, &b, &facts));
	assert_int_equal(facts.kind, PRINT_UDP);
	assert_true(mac_equal(&facts.link_destination, &their_mac));
	assert_string_equal(look(h).info.state, "REACHABLE");

	/* From now on nothing waits. */
	assert_int_equal(send_to_peer(h, so), 0);
	assert_true(host_output(h, &b, &facts));
	assert_int_equal(facts.kind, PRINT_UDP);
}

static void silence_is_an_error_for_the_sender(void **state)
{
	struct host *h = *state;
	struct heard heard;
	struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &heard);
	unsigned requests;

	set_int(h, so, IPPROTO_IP, IP_RECVERR, 1);
	assert_int_equal(send_to_peer(h, so), 0);
	requests = count_requests(h);
	for (int second = 0; second < 4; second++) {
		host_wait(h, NSEC_PER_SEC);
		requests += count_requests(h);
	}
	assert_int_equal(requests, 3);
	assert_string_equal(look(h).info.state, "FAILED");
	assert_int_equal(heard.errors, 1);
	assert_int_equal(heard.last_error.error, EHOSTUNREACH);
	assert_int_equal(host_counter(h, "neighbour_failed"), 1);
	/* The next packet asks again. */
	assert_int_equal(send_to_peer(h, so), 0);
	assert_int_equal(count_requests(h), 1);
}

/* A flood for a silent neighbour keeps the latest packets only, within a bound. */
static void the_queue_is_bounded(void **state)
{
	struct host *h = *state;
	struct heard heard;
	struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &heard);

	for (int n = 0; n < 1000; n++)
		assert_int_equal(send_to_peer(h, so), 0);
	assert_true(look(h).info.queued_packets <= 101);
	assert_true(host_counter(h, "neighbour_dropped") >= 899);
}

static void stale_then_delay_then_probe(void **state)
{
	struct host *h = *state;
	struct heard heard;
	struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &heard);
	struct built b;
	struct print_facts facts;

	host_meets_peer(h);
	assert_string_equal(look(h).info.state, "STALE");
	assert_int_equal(send_to_peer(h, so), 0);
	assert_true(host_output(h, &b, &facts));
	assert_int_equal(facts.kind, PRINT_UDP);
	assert_string_equal(look(h).info.state, "DELAY");
	host_wait(h, 5 * NSEC_PER_SEC);
	assert_true(host_output(h, &b, &facts));
	assert_int_equal(facts.kind, PRINT_ARP);
	/* A probe goes to the neighbour itself, not to everybody. */
	assert_true(mac_equal(&facts.link_destination, &their_mac));
	assert_string_equal(look(h).info.state, "PROBE");
	build_arp(&b, ARP_REPLY, THEIR_ADDRESS, OUR_ADDRESS);
	host_input(h, &b);
	assert_string_equal(look(h).info.state, "REACHABLE");
	/* 15 to 45 s later, unused, it is stale again; and an idle neighbour makes no noise. */
	host_wait(h, 46 * NSEC_PER_SEC);
	assert_false(host_output(h, &b, &facts));
	assert_string_equal(look(h).info.state, "STALE");
	assert_true(stack_deadline(h->stack) == TIME_NEVER);
}

/* At the bound the entry that was unused for longest gives way. */
static void the_table_is_bounded(void **state)
{
	struct host *h = *state;
	struct built b;
	struct frame_out f;

	for (uint32_t n = 0; n < 2000; n++) {
		build_arp(&b, ARP_REQUEST, 0xc0000200U + 3 + n % 250, OUR_ADDRESS);
		b.octet[ETHERNET_HEADER_BYTES + 14] = (uint8_t)(n / 250);
		host_input(h, &b);
		while (stack_output(h->stack, &f, h->now_ns))
			;
	}
	assert_int_equal(look(h).count, 1024);
	assert_int_equal(host_counter(h, "neighbours"), 1024);
}

static void gone_with_the_interface(void **state)
{
	struct host *h = *state;

	host_meets_peer(h);
	assert_int_equal(look(h).count, 1);
	assert_int_equal(stack_interface_remove(h->stack, h->interface), 0);
	assert_int_equal(look(h).count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    HOST_TEST(a_packet_waits_for_the_answer), HOST_TEST(silence_is_an_error_for_the_sender),
	    HOST_TEST(the_queue_is_bounded), HOST_TEST(stale_then_delay_then_probe),
	    HOST_TEST(the_table_is_bounded), HOST_TEST(gone_with_the_interface),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
