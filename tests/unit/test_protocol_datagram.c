/* SPDX-License-Identifier: MIT */
/* Datagram sockets from outside: UDP, ping and raw over the loopback, and what Linux answers when a
 * datagram cannot be sent. */
#include <errno.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/unit/host_fixture.h"

static int send_to(struct host *h, struct socket *so, uint32_t address, uint16_t port, const void *data, size_t bytes)
{
	struct datagram d = {.remote = at(address, port), .local = ip_from_v4(0), .ttl = -1, .tos = -1};

	return socket_send_datagram(so, &d, (struct span){data, bytes}, h->now_ns);
}

/* RFC 768: what is sent arrives whole, with its sender's address; an empty datagram is one, too. */
static void udp_carries_datagrams(void **state)
{
	struct host *h = *state;
	struct heard server, client;
	struct socket *a = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &server), *b = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &client);
	struct endpoint local;

	assert_int_equal(host_bind(h, a, INADDR_ANY, 7), 0);
	assert_int_equal(send_to(h, b, INADDR_LOOPBACK, 7, "question", 8), 0);
	host_settle(h);
	assert_int_equal(server.datagrams, 1);
	assert_memory_equal(server.payload, "question", 8);
	socket_local(b, &local);
	assert_int_equal(server.last.remote.port, local.port);
	assert_int_equal(ip_to_v4(&server.last.remote.addr), INADDR_LOOPBACK);
	assert_int_equal(send_to(h, a, INADDR_LOOPBACK, local.port, "", 0), 0);
	host_settle(h);
	assert_true(client.datagrams == 1 && client.payload_bytes == 0);
}

/* 65,507 octets is the most that fits; it goes in fragments and comes out whole. */
static void the_largest_datagram_passes(void **state)
{
	struct host *h = *state;
	static uint8_t data[65508];
	struct heard server, client;
	struct socket *a = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &server), *b = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &client);

	assert_int_equal(host_bind(h, a, INADDR_ANY, 7), 0);
	assert_int_equal(send_to(h, b, INADDR_LOOPBACK, 7, data, sizeof(data)), -EMSGSIZE);
	assert_int_equal(send_to(h, b, INADDR_LOOPBACK, 7, data, sizeof(data) - 1), 0);
	host_settle(h);
	assert_int_equal(server.datagrams, 1);
}

/* RFC 1122 4.1.3.1: nobody there: the sender is told, if it is connected or asked (ip(7)). */
static void an_unreachable_port_is_told(void **state)
{
	struct host *h = *state;
	struct heard heard;
	struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &heard);
	struct endpoint remote = at(INADDR_LOOPBACK, 9);

	assert_int_equal(send_to(h, so, INADDR_LOOPBACK, 9, "x", 1), 0);
	host_settle(h);
	assert_int_equal(heard.errors, 0);
	set_int(h, so, IPPROTO_IP, IP_RECVERR, 1);
	assert_int_equal(send_to(h, so, INADDR_LOOPBACK, 9, "x", 1), 0);
	host_settle(h);
	assert_int_equal(heard.errors, 1);
	set_int(h, so, IPPROTO_IP, IP_RECVERR, 0);
	assert_int_equal(socket_connect(so, &remote, h->now_ns), 0);
	assert_int_equal(send_to(h, so, INADDR_LOOPBACK, 9, "x", 1), 0);
	host_settle(h);
	assert_int_equal(heard.errors, 2);
	assert_int_equal(heard.last_error.error, ECONNREFUSED);
	assert_int_equal(heard.last_error.remote.port, 9);
}

/* The errno of each way in which sending fails at once. */
static void failures_have_linux_s_errno(void **state)
{
	struct host *h = *state;
	struct heard heard;
	struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &heard);
	struct datagram d = {.local = ip_from_v4(0), .ttl = -1, .tos = -1};
	uint8_t big[1473] = {0};

	assert_int_equal(socket_send_datagram(so, &d, (struct span){big, 1}, h->now_ns), -EDESTADDRREQ);
	assert_int_equal(send_to(h, so, 0x08080808, 53, "x", 1), -ENETUNREACH);
	assert_int_equal(send_to(h, so, THEIR_ADDRESS, 0, "x", 1), -EINVAL);
	assert_int_equal(send_to(h, so, 0xc00002ff, 53, "x", 1), -EACCES);
	set_int(h, so, SOL_SOCKET, SO_BROADCAST, 1);
	assert_int_equal(send_to(h, so, 0xc00002ff, 53, "x", 1), 0);
	set_int(h, so, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
	assert_int_equal(send_to(h, so, THEIR_ADDRESS, 53, big, sizeof(big)), -EMSGSIZE);
	assert_int_equal(send_to(h, so, THEIR_ADDRESS, 53, big, sizeof(big) - 1), 0);
	assert_int_equal(socket_listen(so, 5, h->now_ns), -EOPNOTSUPP);
}

/* A socket that is full loses the datagram, and the counter knows. */
static void a_full_socket_drops(void **state)
{
	struct host *h = *state;
	struct heard server, client;
	struct socket *a = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &server), *b = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &client);

	assert_int_equal(host_bind(h, a, INADDR_ANY, 7), 0);
	server.refuses = true;
	assert_int_equal(send_to(h, b, INADDR_LOOPBACK, 7, "x", 1), 0);
	host_settle(h);
	assert_true(server.datagrams == 0 && client.errors == 0);
}

/* icmp(7): an echo request with our identifier; the reply comes back to the socket. */
static void ping_sockets_ping(void **state)
{
	struct host *h = *state;
	struct heard heard;
	struct socket *so = host_socket(h, SOCKET_ICMP, IPPROTO_ICMP, &heard);
	uint8_t request[12] = {8, 0, 0, 0, 0xaa, 0xaa, 0, 1, 'p', 'i', 'n', 'g'}, wrong[8] = {0};
	struct endpoint local;

	assert_int_equal(send_to(h, so, INADDR_LOOPBACK, 0, wrong, sizeof(wrong)), -EINVAL);
	assert_int_equal(send_to(h, so, INADDR_LOOPBACK, 0, request, sizeof(request)), 0);
	host_settle(h);
	socket_local(so, &local);
	assert_int_equal(heard.datagrams, 1);
	assert_int_equal(heard.payload_bytes, 12);
	assert_int_equal(heard.payload[0], 0); /* echo reply */
	assert_int_equal(heard.payload[4] << 8 | heard.payload[5], local.port);
	assert_memory_equal(heard.payload + 6, request + 6, 6);
}

/* raw(7): a copy of each packet of the protocol, with its IP header, unless the filter says no. */
static void raw_sockets_hear_their_protocol(void **state)
{
	struct host *h = *state;
	struct heard raw, ping;
	struct socket *listener = host_socket(h, SOCKET_RAW, IPPROTO_ICMP, &raw);
	struct socket *pinger = host_socket(h, SOCKET_ICMP, IPPROTO_ICMP, &ping);
	uint8_t request[8] = {8, 0, 0, 0, 0, 0, 0, 1};
	uint32_t no_requests = 1U << 8;

	assert_int_equal(send_to(h, pinger, INADDR_LOOPBACK, 0, request, sizeof(request)), 0);
	host_settle(h);
	assert_int_equal(raw.datagrams, 2); /* the request and the reply */
	assert_true(raw.payload_bytes == 28 && raw.payload[0] == 0x45 && raw.payload[9] == IPPROTO_ICMP);
	assert_int_equal(socket_set_option(listener, 255, 1, &no_requests, 4, h->now_ns), 0);
	assert_int_equal(send_to(h, pinger, INADDR_LOOPBACK, 0, request, sizeof(request)), 0);
	host_settle(h);
	assert_int_equal(raw.datagrams, 3);
	assert_int_equal(raw.payload[20], 0);
}

/* udp(7): one call, several datagrams of the same size and a shorter last one. */
static void udp_segment_cuts(void **state)
{
	struct host *h = *state;
	struct heard heard;
	struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &heard);
	uint8_t data[2500] = {0};
	struct datagram d = {.remote = at(THEIR_ADDRESS, 9), .local = ip_from_v4(0), .ttl = -1, .tos = -1,
	    .gso_bytes = 1473};

	assert_int_equal(socket_send_datagram(so, &d, (struct span){data, sizeof(data)}, h->now_ns), -EINVAL);
	d.gso_bytes = 1000;
	assert_int_equal(socket_send_datagram(so, &d, (struct span){data, sizeof(data)}, h->now_ns), 0);
	set_int(h, so, IPPROTO_UDP, UDP_SEGMENT, 500);
	assert_int_equal(get_int(h, so, IPPROTO_UDP, UDP_SEGMENT), 500);
}

/* Out of memory is an error of the call, and loses nothing but the datagram. */
static void no_memory_is_an_errno(void **state)
{
	struct host *h = *state;
	struct heard server, client;
	struct socket *a = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &server), *b = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &client);
	struct socket *none;

	assert_int_equal(host_bind(h, a, INADDR_ANY, 7), 0);
	assert_int_equal(host_bind(h, b, INADDR_ANY, 8), 0);
	h->memory.takes_left = 0;
	assert_int_equal(send_to(h, b, INADDR_LOOPBACK, 7, "x", 1), -ENOBUFS);
	assert_int_equal(socket_create(h->stack, SOCKET_UDP, 4, IPPROTO_UDP, 99, NULL, h->now_ns, &none), -ENOBUFS);
	h->memory.takes_left = -1;
	assert_int_equal(send_to(h, b, INADDR_LOOPBACK, 7, "x", 1), 0);
	host_settle(h);
	assert_int_equal(server.datagrams, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    HOST_TEST(udp_carries_datagrams),
	    HOST_TEST(the_largest_datagram_passes),
	    HOST_TEST(an_unreachable_port_is_told),
	    HOST_TEST(failures_have_linux_s_errno),
	    HOST_TEST(a_full_socket_drops),
	    HOST_TEST(ping_sockets_ping),
	    HOST_TEST(raw_sockets_hear_their_protocol),
	    HOST_TEST(udp_segment_cuts),
	    HOST_TEST(no_memory_is_an_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
