/* SPDX-License-Identifier: MIT */
/*
 * IPv6 from outside: neighbour discovery in the place of ARP, echo, UDP, fragments, errors, path MTU,
 * and dual-stack sockets. The host is 2001:db8::2, its neighbour 2001:db8::1.
 */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>

#include "stack/wire/icmpv6.h"
#include "stack/wire/ipv6.h"
#include "tests/unit/frames.h"

static const struct ip_addr us = {.octet = {0x20, 1, 0xd, 0xb8, [15] = 2}};
static const struct ip_addr them = {.octet = {0x20, 1, 0xd, 0xb8, [15] = 1}};
static const struct ip_addr loopback6 = {.octet = {[15] = 1}};
static const struct ip_addr any6 = {.octet = {0}};

static void build_ipv6(struct built *b, const struct ipv6 *ip, const void *payload, uint32_t bytes)
{
	build_link(b, &our_mac, ETHERNET_IPV6);
	ipv6_emit(b->octet + b->bytes, ip, bytes);
	b->bytes += IPV6_HEADER_BYTES;
	memcpy(b->octet + b->bytes, payload, bytes);
	b->bytes += bytes;
}

static struct ipv6 v6_to_us(uint8_t next, uint8_t hop_limit)
{
	return (struct ipv6){.next = next, .hop_limit = hop_limit, .source = them, .destination = us};
}

static void sum_message(const struct ipv6 *ip, uint8_t protocol, uint8_t *message, uint32_t bytes, uint32_t offset)
{
	message[offset] = message[offset + 1] = 0;
	store_sum(message + offset, checksum_add(checksum_pseudo_header(&ip->source, &ip->destination, protocol, bytes), message, bytes));
}

static void send_nd(struct host *h, const struct ipv6 *ip, const struct nd_message *m)
{
	uint8_t message[ND_MESSAGE_MAX];
	uint32_t bytes = nd_emit(message, m);
	struct built b;

	sum_message(ip, IPPROTO_ICMPV6, message, bytes, 2);
	build_ipv6(&b, ip, message, bytes);
	host_input(h, &b);
}

struct answer {
	struct ipv6 ip;
	struct ipv6_chain chain;
	struct icmp icmp;
	struct nd_message nd;
	struct span payload;
	struct mac_addr to;
	struct built frame;
};

/* The next IPv6 packet that the host sends; its checksum is verified if it is ICMPv6. */
static bool answered(struct host *h, struct answer *a)
{
	struct ethernet link;
	struct span packet;
	struct frame_out f;
	uint32_t pointer;
	uint8_t action;

	if (!stack_output(h->stack, &f, h->now_ns))
		return false;
	a->frame.bytes = frame_flatten(&f, a->frame.octet, BUILT_MAX);
	assert_true(ethernet_parse((struct span){a->frame.octet, a->frame.bytes}, &link, &packet));
	assert_int_equal(link.type, ETHERNET_IPV6);
	a->to = link.destination;
	assert_int_equal(ipv6_parse(packet, &a->ip), IPV6_OK);
	assert_int_equal(ipv6_walk(&a->ip, &a->chain, &pointer, &action), IPV6_OK);
	a->payload = (struct span){a->ip.packet.data + a->chain.offset_bytes, a->ip.packet.bytes - a->chain.offset_bytes};
	if (a->chain.protocol != IPPROTO_ICMPV6 || a->chain.is_fragment)
		return true;
	assert_true(icmp_parse(a->payload, false, &a->icmp));
	assert_int_equal(be16_get(checksum_finish(checksum_add(checksum_pseudo_header(&a->ip.source, &a->ip.destination,
	    IPPROTO_ICMPV6, (uint32_t)a->payload.bytes), a->payload.data, a->payload.bytes))), 0);
	nd_parse(a->payload, &a->nd);
	return true;
}

static int v6_setup(void **state)
{
	struct prefix p = {us, 64};

	host_setup(state);
	struct host *h = *state;
	assert_int_equal(stack_address_add(h->stack, h->interface, &p, false, h->now_ns), 0);
	return 0;
}

static void meet(struct host *h)
{
	struct ipv6 ip = v6_to_us(IPPROTO_ICMPV6, 255);
	struct nd_message m = {.type = ICMPV6_NEIGHBOUR_SOLICITATION, .target = us, .has_mac = true, .mac = their_mac};
	struct answer a;

	send_nd(h, &ip, &m);
	assert_true(answered(h, &a));
	assert_int_equal(a.nd.type, ICMPV6_NEIGHBOUR_ADVERTISEMENT);
}

static void a_solicitation_is_answered(void **state)
{
	struct host *h = *state;
	struct ipv6 ip = v6_to_us(IPPROTO_ICMPV6, 255);
	struct nd_message m = {.type = ICMPV6_NEIGHBOUR_SOLICITATION, .target = us, .has_mac = true, .mac = their_mac};
	struct answer a;

	ip.destination = ipv6_solicited_node(&us);
	send_nd(h, &ip, &m);
	assert_true(answered(h, &a));
	assert_int_equal(a.ip.hop_limit, 255);
	assert_true(a.nd.solicited && a.nd.override && !a.nd.router && a.nd.has_mac);
	assert_true(mac_equal(&a.nd.mac, &our_mac) && mac_equal(&a.to, &their_mac));
	assert_true(ip_equal(&a.nd.target, &us) && ip_equal(&a.ip.destination, &them));
	/* RFC 4861 7.1.1: who is not on the link is not believed. */
	ip.hop_limit = 254;
	send_nd(h, &ip, &m);
	assert_false(answered(h, &a));
	assert_int_equal(host_counter(h, "nd_in_invalid"), 1);
	/* Somebody probes for our address: all nodes are told. */
	ip.hop_limit = 255;
	ip.source = any6;
	m.has_mac = false;
	send_nd(h, &ip, &m);
	assert_true(answered(h, &a));
	assert_true(!a.nd.solicited && ip_equal(&a.ip.destination, &ipv6_all_nodes));
}

static void an_echo_is_answered(void **state)
{
	struct host *h = *state;
	struct ipv6 ip = v6_to_us(IPPROTO_ICMPV6, 64);
	uint8_t message[64];
	uint32_t bytes = build_icmp_message(message, ICMPV6_ECHO, 0, 5U << 16 | 6, "payload", 7);
	struct built b;
	struct answer a;

	meet(h);
	sum_message(&ip, IPPROTO_ICMPV6, message, bytes, 2);
	build_ipv6(&b, &ip, message, bytes);
	host_input(h, &b);
	assert_true(answered(h, &a));
	assert_true(a.icmp.type == ICMPV6_ECHO_REPLY && a.icmp.id == 5 && a.icmp.sequence == 6);
	assert_memory_equal(a.icmp.payload.data, "payload", 7);
	b.octet[b.bytes - 1] ^= 1;
	host_input(h, &b);
	assert_false(answered(h, &a));
	assert_int_equal(host_counter(h, "icmp_in_errors"), 1);
}

static struct socket *socket6(struct host *h, enum socket_kind kind, uint8_t protocol, struct heard *heard)
{
	struct socket *so = NULL;

	*heard = (struct heard){0};
	assert_int_equal(socket_create(h->stack, kind, 6, protocol, ++h->next_id, heard, h->now_ns, &so), 0);
	return so;
}

static int send6(struct host *h, struct socket *so, const struct ip_addr *to, uint16_t port, const void *data, size_t bytes)
{
	struct datagram d = {.remote = {.addr = *to, .port = port}, .ttl = -1, .tos = -1};

	return socket_send_datagram(so, &d, (struct span){data, bytes}, h->now_ns);
}

static void a_neighbour_is_asked_for(void **state)
{
	struct host *h = *state;
	struct heard heard;
	struct socket *so = socket6(h, SOCKET_UDP, IPPROTO_UDP, &heard);
	struct nd_message m = {.type = ICMPV6_NEIGHBOUR_ADVERTISEMENT, .target = them, .solicited = true, .override = true,
	    .has_mac = true, .mac = their_mac};
	struct ipv6 ip = v6_to_us(IPPROTO_ICMPV6, 255);
	struct answer a;

	assert_int_equal(send6(h, so, &them, 9, "hello", 5), 0);
	assert_true(answered(h, &a));
	assert_int_equal(a.nd.type, ICMPV6_NEIGHBOUR_SOLICITATION);
	assert_true(ip_equal(&a.nd.target, &them) && a.ip.destination.octet[0] == 0xff && a.to.octet[0] == 0x33);
	assert_false(answered(h, &a));
	send_nd(h, &ip, &m);
	assert_true(answered(h, &a));
	assert_int_equal(a.chain.protocol, IPPROTO_UDP);
	assert_int_equal(a.ip.hop_limit, 64);
	sum_message(&a.ip, 17, a.frame.octet + 54, a.frame.bytes - 54, 6);
	assert_int_equal(a.payload.bytes, 13);
	/* Nobody else answers: three questions, then EHOSTUNREACH. */
	struct ip_addr other = them;
	int one = 1;

	other.octet[15] = 7;
	assert_int_equal(socket_set_option(so, IPPROTO_IPV6, IPV6_RECVERR, &one, sizeof(one), h->now_ns), 0);
	assert_int_equal(send6(h, so, &other, 9, "hello", 5), 0);
	for (int second = 0; second < 4; second++) {
		while (answered(h, &a))
			assert_int_equal(a.nd.type, ICMPV6_NEIGHBOUR_SOLICITATION);
		host_wait(h, NSEC_PER_SEC);
	}
	assert_int_equal(heard.errors, 1);
	assert_int_equal(heard.last_error.error, EHOSTUNREACH);
	assert_int_equal(heard.last_error.origin, 3);
}

static void a_closed_port_is_unreachable(void **state)
{
	struct host *h = *state;
	struct ipv6 ip = v6_to_us(IPPROTO_UDP, 64);
	uint8_t message[16] = {0};
	struct built b;
	struct answer a;

	meet(h);
	udp_emit(message, 1, 9999, 4);
	sum_message(&ip, 17, message, 12, 6);
	build_ipv6(&b, &ip, message, 12);
	host_input(h, &b);
	assert_true(answered(h, &a));
	assert_true(a.icmp.type == ICMPV6_UNREACHABLE && a.icmp.code == ICMPV6_PORT_UNREACHABLE);
	assert_int_equal(a.icmp.payload.bytes, 52);
	/* RFC 8200 8.1: without a checksum it is no datagram. */
	b.octet[60] = b.octet[61] = 0;
	host_input(h, &b);
	assert_false(answered(h, &a));
	assert_int_equal(host_counter(h, "udp_in_errors"), 1);
	/* RFC 4443 3.4: an unknown next header is told, and where. */
	build_ipv6(&b, &ip, message, 12);
	b.octet[20] = 200;
	host_input(h, &b);
	assert_true(answered(h, &a));
	assert_true(a.icmp.type == ICMPV6_PARAMETER_PROBLEM && a.icmp.code == 1 && a.icmp.sequence == 6);
}

static void fragments_come_and_go(void **state)
{
	struct host *h = *state;
	struct heard heard;
	struct socket *so = socket6(h, SOCKET_UDP, IPPROTO_UDP, &heard);
	struct endpoint local = {.addr = any6, .port = 7};
	static uint8_t data[3000];
	struct answer a;
	struct built piece[4];
	unsigned pieces = 0;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 5);
	assert_int_equal(socket_bind(so, &local, h->now_ns), 0);
	meet(h);
	assert_int_equal(send6(h, so, &them, 7, data, 2000), 0);
	while (answered(h, &a)) {
		assert_true(a.chain.is_fragment && a.frame.bytes <= 1514);
		piece[pieces++] = a.frame;
	}
	assert_int_equal(pieces, 2);
	/* Sent back with the addresses exchanged: the sum stays right. */
	while (pieces-- > 0) {
		uint8_t *o = piece[pieces].octet;

		memcpy(o, our_mac.octet, 6);
		memcpy(o + 22, them.octet, 16);
		memcpy(o + 38, us.octet, 16);
		host_input(h, &piece[pieces]);
	}
	assert_int_equal(heard.datagrams, 1);
	assert_int_equal(heard.payload_bytes, 2000);
	assert_memory_equal(heard.payload, data, 2000);
}

static void too_big_lowers_the_path(void **state)
{
	struct host *h = *state;
	struct heard heard;
	struct socket *so = socket6(h, SOCKET_UDP, IPPROTO_UDP, &heard);
	struct endpoint peer = {.addr = them, .port = 9}, local;
	struct ipv6 ip = v6_to_us(IPPROTO_ICMPV6, 64), quoted = {.next = 17, .hop_limit = 1, .source = us, .destination = them};
	uint8_t quote[48], message[64];
	struct built b;
	uint32_t bytes;

	assert_int_equal(socket_connect(so, &peer, h->now_ns), 0);
	socket_local(so, &local);
	assert_true(ip_equal(&local.addr, &us));
	ipv6_emit(quote, &quoted, 8);
	udp_emit(quote + 40, local.port, 9, 0);
	bytes = build_icmp_message(message, ICMPV6_TOO_BIG, 0, 1400, quote, sizeof(quote));
	sum_message(&ip, IPPROTO_ICMPV6, message, bytes, 2);
	build_ipv6(&b, &ip, message, bytes);
	host_input(h, &b);
	assert_int_equal(get_int(h, so, IPPROTO_IPV6, IPV6_MTU), 1400);
	assert_int_equal(heard.last_error.error, EMSGSIZE);
	assert_int_equal(heard.last_error.info, 1400);
}

/* ::1 is always there; a dual-stack socket hears both families, and IPV6_V6ONLY ends that. */
static void sockets_are_dual_stack(void **state)
{
	struct host *h = *state;
	struct heard both, only, client;
	struct socket *dual = socket6(h, SOCKET_UDP, IPPROTO_UDP, &both), *strict = socket6(h, SOCKET_UDP, IPPROTO_UDP, &only),
		      *c6 = socket6(h, SOCKET_UDP, IPPROTO_UDP, &client), *c4 = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &client);
	struct endpoint port7 = {.addr = any6, .port = 7}, port8 = {.addr = any6, .port = 8};
	struct datagram d = {.remote = at(INADDR_LOOPBACK, 7), .local = ip_from_v4(0), .ttl = -1, .tos = -1};
	struct ip_addr mapped = ip_from_v4(INADDR_LOOPBACK);

	assert_int_equal(socket_bind(dual, &port7, h->now_ns), 0);
	set_int(h, strict, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	assert_int_equal(socket_bind(strict, &port8, h->now_ns), 0);
	assert_int_equal(send6(h, c6, &loopback6, 7, "six", 3), 0);
	host_settle(h);
	assert_int_equal(both.datagrams, 1);
	assert_true(ip_equal(&both.last.remote.addr, &loopback6));
	assert_int_equal(socket_send_datagram(c4, &d, (struct span){(const uint8_t *)"four", 4}, h->now_ns), 0);
	host_settle(h);
	assert_int_equal(both.datagrams, 2);
	assert_true(ip_equal(&both.last.remote.addr, &mapped));
	assert_int_equal(send6(h, c6, &mapped, 7, "mapped", 6), 0);
	host_settle(h);
	assert_int_equal(both.datagrams, 3);
	d.remote.port = 8;
	assert_int_equal(socket_send_datagram(c4, &d, (struct span){(const uint8_t *)"four", 4}, h->now_ns), 0);
	host_settle(h);
	assert_int_equal(only.datagrams, 0);
	assert_int_equal(send6(h, c6, &loopback6, 8, "six", 3), 0);
	host_settle(h);
	assert_int_equal(only.datagrams, 1);
}

/* RFC 4007: a link-local address means nothing without its link. */
static void link_local_needs_a_scope(void **state)
{
	struct host *h = *state;
	struct heard heard;
	struct socket *so = socket6(h, SOCKET_UDP, IPPROTO_UDP, &heard);
	struct endpoint e = {.addr = {.octet = {0xfe, 0x80, [15] = 9}}, .port = 9};
	struct prefix ours = {{.octet = {0xfe, 0x80, [15] = 2}}, 64};

	assert_int_equal(stack_address_add(h->stack, h->interface, &ours, false, h->now_ns), 0);
	assert_int_equal(socket_connect(so, &e, h->now_ns), -EINVAL);
	e.scope = h->interface;
	assert_int_equal(socket_connect(so, &e, h->now_ns), 0);
	socket_local(so, &e);
	assert_true(ip_equal(&e.addr, &ours.addr));
}

static void mapped_addresses_stay_off_the_wire(void **state)
{
	struct host *h = *state;
	struct heard heard;
	struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &heard);
	struct ipv6 ip = v6_to_us(IPPROTO_UDP, 64);
	uint8_t message[16] = {0};
	struct built b;

	assert_int_equal(host_bind(h, so, INADDR_ANY, 7), 0);
	ip.source = ip_from_v4(THEIR_ADDRESS);
	ip.destination = ip_from_v4(OUR_ADDRESS);
	udp_emit(message, 1, 7, 4);
	build_ipv6(&b, &ip, message, 12);
	host_input(h, &b);
	assert_int_equal(heard.datagrams, 0);
	assert_int_equal(host_counter(h, "ip_in_address_errors"), 1);
}

/* TCP does not care which family carries it. */
static void tcp_runs_over_ipv6(void **state)
{
	struct host *h = *state;
	struct heard server, client, accepted;
	struct socket *l = socket6(h, SOCKET_TCP, IPPROTO_TCP, &server), *c = socket6(h, SOCKET_TCP, IPPROTO_TCP, &client), *a;
	struct endpoint port80 = {.addr = any6, .port = 80}, to = {.addr = loopback6, .port = 80}, peer;
	struct space room[2];

	assert_int_equal(socket_bind(l, &port80, h->now_ns), 0);
	assert_int_equal(socket_listen(l, 8, h->now_ns), 0);
	assert_int_equal(socket_connect(c, &to, h->now_ns), -EINPROGRESS);
	host_settle(h);
	assert_true(client.events & SOCKET_EVENT_CONNECTED);
	assert_true(server.events & SOCKET_EVENT_ACCEPTABLE);
	accepted = (struct heard){0};
	a = socket_accept(l, ++h->next_id, &accepted, h->now_ns);
	assert_non_null(a);
	assert_int_equal(socket_peer(a, &peer), 0);
	assert_true(ip_equal(&peer.addr, &loopback6));
	assert_true(socket_send_space(c, room) > 0 && room[0].bytes >= 5);
	memcpy(room[0].data, "hello", 5);
	socket_send_commit(c, 5, false, false, h->now_ns);
	host_settle(h);
	assert_int_equal(socket_unacked_bytes(c), 0);
}

#define V6_TEST(name) cmocka_unit_test_setup_teardown(name, v6_setup, host_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    V6_TEST(a_solicitation_is_answered), V6_TEST(an_echo_is_answered), V6_TEST(a_neighbour_is_asked_for),
	    V6_TEST(a_closed_port_is_unreachable), V6_TEST(fragments_come_and_go), V6_TEST(too_big_lowers_the_path),
	    V6_TEST(sockets_are_dual_stack), V6_TEST(link_local_needs_a_scope),
	    V6_TEST(mapped_addresses_stay_off_the_wire), V6_TEST(tcp_runs_over_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
