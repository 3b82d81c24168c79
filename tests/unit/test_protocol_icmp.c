/* SPDX-License-Identifier: MIT */
/* ICMP (RFC 792, RFC 1122 3.2.2): echo, errors sent and withheld, errors received. */
#include <errno.h>
#include <netinet/in.h>

#include "tests/unit/frames.h"

static void a_ping_is_answered(void **state)
{
	struct host *h = *state;
	struct built b;
	struct print_facts facts;

	host_meets_peer(h);
	build_icmp(&b, ICMP_ECHO, 0, 5U << 16 | 6, "payload", 7);
	b.octet[ETHERNET_HEADER_BYTES + 1] = 0x20;
	ipv4_emit_checksum(b.octet + ETHERNET_HEADER_BYTES, 20);
	host_input(h, &b);
	assert_true(host_output(h, &b, &facts));
	assert_int_equal(facts.icmp.type, ICMP_ECHO_REPLY);
	assert_true(facts.icmp.id == 5 && facts.icmp.sequence == 6 && facts.payload_bytes == 7);
	assert_int_equal(facts.tos, 0x20);
	assert_memory_equal(b.octet + b.bytes - 7, "payload", 7);
	assert_int_equal(be16_get(checksum_finish(checksum_add((struct checksum){0}, b.octet + 34, b.bytes - 34))), 0);
}

static void a_ping_for_everybody_is_not(void **state)
{
	struct host *h = *state;
	struct built b;
	struct print_facts facts;
	struct ipv4 ip = ip_to_us(1);
	uint8_t message[64];
	uint32_t bytes = build_icmp_message(message, ICMP_ECHO, 0, 1, "x", 1);

	host_meets_peer(h);
	ip.destination = ip_from_v4(0xc00002ff);
	build_ipv4(&b, &ip, message, bytes);
	host_input(h, &b);
	ip.destination = ip_from_v4(0xffffffff);
	build_ipv4(&b, &ip, message, bytes);
	host_input(h, &b);
	assert_false(host_output(h, &b, &facts));
	assert_int_equal(host_counter(h, "icmp_in_echo"), 2);
}

static void a_closed_port_is_unreachable(void **state)
{
	struct host *h = *state;
	struct built b, sent;
	struct print_facts facts;

	host_meets_peer(h);
	build_udp(&sent, 1234, 9999, "question", 8);
	host_input(h, &sent);
	assert_true(host_output(h, &b, &facts));
	assert_int_equal(facts.icmp.type, ICMP_UNREACHABLE);
	assert_int_equal(facts.icmp.code, ICMP_PORT_UNREACHABLE);
	assert_int_equal(facts.tos, 0xc0);
	/* It quotes the whole of a small packet, header first (RFC 1812 4.3.2.3). */
	assert_int_equal(facts.payload_bytes, sent.bytes - ETHERNET_HEADER_BYTES);
	assert_memory_equal(b.octet + 42, sent.octet + 14, facts.payload_bytes);
}

static void an_unknown_protocol_is_unreachable(void **state)
{
	struct host *h = *state;
	struct built b;
	struct print_facts facts;
	struct ipv4 ip = ip_to_us(132);

	host_meets_peer(h);
	build_ipv4(&b, &ip, "12345678", 8);
	host_input(h, &b);
	assert_true(host_output(h, &b, &facts));
	assert_int_equal(facts.icmp.code, ICMP_PROTOCOL_UNREACHABLE);
}

static bool answers(struct host *h, const struct ipv4 *ip, const void *payload, uint32_t bytes)
{
	struct built b;
	struct print_facts facts;
	bool any = false;

	build_ipv4(&b, ip, payload, bytes);
	host_input(h, &b);
	while (host_output(h, &b, &facts))
		any |= facts.kind == PRINT_ICMP;
	return any;
}

/* RFC 1122 3.2.2: never about an error, a group, a fragment that is not the first, a source that is nobody. */
static void some_things_are_never_complained_about(void **state)
{
	struct host *h = *state;
	struct ipv4 ip = ip_to_us(17);
	uint8_t message[64];
	uint32_t bytes = build_udp_message(message, &ip, 1, 9999, "x", 1);

	host_meets_peer(h);
	assert_true(answers(h, &ip, message, bytes));
	ip.destination = ip_from_v4(0xc00002ff);
	bytes = build_udp_message(message, &ip, 1, 9999, "x", 1);
	assert_false(answers(h, &ip, message, bytes));
	ip = ip_to_us(17);
	ip.source = ip_from_v4(0xe0000001);
	assert_false(answers(h, &ip, message, bytes));
	ip = ip_to_us(17);
	ip.offset_bytes = 8;
	assert_false(answers(h, &ip, message, bytes));
	ip = ip_to_us(1);
	bytes = build_icmp_message(message, ICMP_UNREACHABLE, 1, 0, "garbage", 7);
	assert_false(answers(h, &ip, message, bytes));
}

/* As Linux: a peer gets six at once and then one a second. */
static void errors_are_rationed(void **state)
{
	struct host *h = *state;
	struct built b;
	struct print_facts facts;
	unsigned errors = 0;

	host_meets_peer(h);
	for (int n = 0; n < 100; n++) {
		build_udp(&b, 1234, 9999, "x", 1);
		host_input(h, &b);
		errors += host_output(h, &b, &facts);
	}
	assert_int_equal(errors, 6);
	assert_int_equal(host_counter(h, "icmp_out_limited"), 94);
	host_wait(h, 2 * NSEC_PER_SEC);
	for (int n = 0; n < 10; n++) {
		build_udp(&b, 1234, 9999, "x", 1);
		host_input(h, &b);
		errors += host_output(h, &b, &facts);
	}
	assert_int_equal(errors, 8);
}

static void report(struct host *h, uint8_t type, uint8_t code, uint32_t word, uint32_t source, uint16_t from, uint16_t to)
{
	uint8_t quote[28];
	struct ipv4 ip = {.ttl = 1, .protocol = 17, .source = ip_from_v4(source), .destination = ip_from_v4(THEIR_ADDRESS)};
	struct built b;

	ipv4_emit(quote, &ip, 8);
	udp_emit(quote + IPV4_HEADER_BYTES, from, to, 0);
	build_icmp(&b, type, code, word, quote, sizeof(quote));
	host_input(h, &b);
}

/* Linux's icmp_err_convert, as a connected UDP socket sees it. */
static void errors_reach_their_socket(void **state)
{
	static const struct {
		uint8_t type, code;
		int error; /* 0: not told */
	} row[] = {
	    {3, 0, 0}, {3, 1, 0}, {3, 2, ENOPROTOOPT}, {3, 3, ECONNREFUSED}, {3, 4, EMSGSIZE}, {3, 5, 0},
	    {3, 6, ENETUNREACH}, {3, 7, EHOSTDOWN}, {3, 8, ENONET}, {3, 9, ENETUNREACH}, {3, 10, EHOSTUNREACH},
	    {3, 11, 0}, {3, 12, 0}, {3, 13, EHOSTUNREACH}, {3, 14, EHOSTUNREACH}, {3, 15, EHOSTUNREACH},
	    {11, 0, 0}, {12, 0, EPROTO}, {4, 0, 0},
	};
	struct host *h = *state;
	struct heard heard;
	struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &heard);
	struct endpoint peer = at(THEIR_ADDRESS, 9), local;

	assert_int_equal(socket_connect(so, &peer, h->now_ns), 0);
	socket_local(so, &local);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		heard.errors = 0;
		report(h, row[i].type, row[i].code, 1400, OUR_ADDRESS, local.port, 9);
		assert_int_equal(heard.errors, row[i].error != 0);
		if (row[i].error)
			assert_int_equal(heard.last_error.error, row[i].error);
	}
	/* With IP_RECVERR the soft ones are told, too. */
	set_int(h, so, IPPROTO_IP, IP_RECVERR, 1);
	heard.errors = 0;
	report(h, 11, 0, 0, OUR_ADDRESS, local.port, 9);
	assert_int_equal(heard.errors, 1);
	assert_true(heard.last_error.error == EHOSTUNREACH && heard.last_error.type == 11);
	assert_int_equal(ip_to_v4(&heard.last_error.offender), THEIR_ADDRESS);
}

static void errors_about_strangers_are_ignored(void **state)
{
	struct host *h = *state;
	struct heard heard;
	struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &heard);
	struct endpoint peer = at(THEIR_ADDRESS, 9), local;

	assert_int_equal(socket_connect(so, &peer, h->now_ns), 0);
	socket_local(so, &local);
	report(h, 3, 3, 0, OUR_ADDRESS + 1, local.port, 9);
	report(h, 3, 3, 0, OUR_ADDRESS, (uint16_t)(local.port + 1), 9);
	report(h, 3, 3, 0, OUR_ADDRESS, local.port, 10);
	assert_int_equal(heard.errors, 0);
	assert_int_equal(host_counter(h, "icmp_in_errors"), 1);
}

/* RFC 1191: what was learned is used for the next datagram, never below Linux's 552, and forgotten
 * after ten minutes. */
static void the_path_mtu_is_learned(void **state)
{
	struct host *h = *state;
	struct heard heard;
	struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &heard);
	struct endpoint peer = at(THEIR_ADDRESS, 9), local;
	struct ip_addr source;
	uint32_t mtu_bytes;

	assert_int_equal(socket_connect(so, &peer, h->now_ns), 0);
	socket_local(so, &local);
	report(h, 3, 4, 1400, OUR_ADDRESS, local.port, 9);
	assert_int_equal(get_int(h, so, IPPROTO_IP, IP_MTU), 1400);
	report(h, 3, 4, 1450, OUR_ADDRESS, local.port, 9);
	assert_int_equal(get_int(h, so, IPPROTO_IP, IP_MTU), 1400);
	report(h, 3, 4, 100, OUR_ADDRESS, local.port, 9);
	assert_int_equal(get_int(h, so, IPPROTO_IP, IP_MTU), 552);
	host_wait(h, 601 * NSEC_PER_SEC);
	host_settle(h);
	assert_int_equal(stack_source_for(h->stack, &peer, &source, &mtu_bytes), 0);
	assert_int_equal(mtu_bytes, 1500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    HOST_TEST(a_ping_is_answered), HOST_TEST(a_ping_for_everybody_is_not),
	    HOST_TEST(a_closed_port_is_unreachable), HOST_TEST(an_unknown_protocol_is_unreachable),
	    HOST_TEST(some_things_are_never_complained_about), HOST_TEST(errors_are_rationed),
	    HOST_TEST(errors_reach_their_socket), HOST_TEST(errors_about_strangers_are_ignored),
	    HOST_TEST(the_path_mtu_is_learned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
