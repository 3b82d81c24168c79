/* SPDX-License-Identifier: MIT */
/* Who may have which port: socket(7)'s SO_REUSEADDR and SO_REUSEPORT, wildcards, and balance. */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/unit/host_fixture.h"

/* A second bind to the same port is refused, whatever wildcard either has; another address, another
 * port and another protocol are free. */
static void a_port_has_one_owner(void **state)
{
	struct host *h = *state;
	struct socket *a = host_socket(h, SOCKET_UDP, IPPROTO_UDP, NULL), *b = host_socket(h, SOCKET_UDP, IPPROTO_UDP, NULL);
	struct socket *tcp = host_socket(h, SOCKET_TCP, IPPROTO_TCP, NULL);

	assert_int_equal(host_bind(h, a, OUR_ADDRESS, 53), 0);
	assert_int_equal(host_bind(h, b, OUR_ADDRESS, 53), -EADDRINUSE);
	assert_int_equal(host_bind(h, b, INADDR_ANY, 53), -EADDRINUSE);
	assert_int_equal(host_bind(h, tcp, INADDR_ANY, 53), 0);
	assert_int_equal(host_bind(h, b, INADDR_LOOPBACK, 53), 0);
	assert_int_equal(host_bind(h, b, INADDR_LOOPBACK, 54), -EINVAL);
}

/* Addresses that are not ours cannot be bound, but for those that ask for it (IP_FREEBIND). */
static void only_our_addresses_can_be_bound(void **state)
{
	struct host *h = *state;
	struct socket *a = host_socket(h, SOCKET_TCP, IPPROTO_TCP, NULL);

	assert_int_equal(host_bind(h, a, THEIR_ADDRESS, 80), -EADDRNOTAVAIL);
	assert_int_equal(host_bind(h, a, 0xe0000001, 80), -EADDRNOTAVAIL);
	set_int(h, a, IPPROTO_IP, IP_FREEBIND, 1);
	assert_int_equal(host_bind(h, a, THEIR_ADDRESS, 80), 0);
}

/* Two datagram sockets that both say SO_REUSEADDR share; the newest hears. One alone does not. */
static void reuse_address_needs_both(void **state)
{
	struct host *h = *state;
	struct heard old, new, sender;
	struct socket *a = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &old), *b = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &new);
	struct socket *c = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &sender);
	struct datagram d = {.remote = at(INADDR_LOOPBACK, 53), .local = ip_from_v4(0), .ttl = -1, .tos = -1};

	set_int(h, b, SOL_SOCKET, SO_REUSEADDR, 1);
	assert_int_equal(host_bind(h, a, INADDR_ANY, 53), 0);
	assert_int_equal(host_bind(h, b, INADDR_ANY, 53), -EADDRINUSE);
	socket_close(a, false, h->now_ns);
	a = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &old);
	set_int(h, a, SOL_SOCKET, SO_REUSEADDR, 1);
	assert_int_equal(host_bind(h, a, INADDR_ANY, 53), 0);
	assert_int_equal(host_bind(h, b, INADDR_ANY, 53), 0);
	assert_int_equal(socket_send_datagram(c, &d, (struct span){(const uint8_t *)"x", 1}, h->now_ns), 0);
	host_settle(h);
	assert_int_equal(old.datagrams, 0);
	assert_int_equal(new.datagrams, 1);
}

/* SO_REUSEPORT: flows spread over the group, and each flow stays with its socket. */
static void reuse_port_balances_flows(void **state)
{
	struct host *h = *state;
	struct heard member[4], sender;
	struct datagram d = {.remote = at(INADDR_LOOPBACK, 53), .local = ip_from_v4(0), .ttl = -1, .tos = -1};

	for (int i = 0; i < 4; i++) {
		struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &member[i]);

		set_int(h, so, SOL_SOCKET, SO_REUSEPORT, 1);
		assert_int_equal(host_bind(h, so, INADDR_ANY, 53), 0);
	}
	for (int flow = 0; flow < 400; flow++) {
		struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &sender);

		for (int i = 0; i < 2; i++)
			assert_int_equal(socket_send_datagram(so, &d, (struct span){(const uint8_t *)"x", 1}, h->now_ns), 0);
		host_settle(h);
		socket_close(so, false, h->now_ns);
	}
	for (int i = 0; i < 4; i++) {
		assert_int_equal(member[i].datagrams % 2, 0);
		assert_in_range(member[i].datagrams, 100, 320); /* 200 each if chance were exact */
	}
}

/* The most specific socket hears: connected before bound to an address before a wildcard. */
static void the_most_specific_socket_hears(void **state)
{
	struct host *h = *state;
	struct heard any, specific, connected, sender;
	struct socket *a = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &any);
	struct socket *b = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &specific);
	struct socket *c = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &connected);
	struct socket *from = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &sender);
	struct datagram d = {.remote = at(INADDR_LOOPBACK, 53), .local = ip_from_v4(0), .ttl = -1, .tos = -1};
	struct endpoint remote = at(INADDR_LOOPBACK, 4000);
	struct socket *all[] = {c, b, a};

	for (int i = 0; i < 3; i++)
		set_int(h, all[i], SOL_SOCKET, SO_REUSEADDR, 1);
	assert_int_equal(host_bind(h, c, INADDR_LOOPBACK, 53), 0);
	assert_int_equal(socket_connect(c, &remote, h->now_ns), 0);
	assert_int_equal(host_bind(h, b, INADDR_LOOPBACK, 53), 0);
	assert_int_equal(host_bind(h, a, INADDR_ANY, 53), 0);
	assert_int_equal(host_bind(h, from, INADDR_LOOPBACK, 4000), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(socket_send_datagram(from, &d, (struct span){(const uint8_t *)"x", 1}, h->now_ns), 0);
		host_settle(h);
		socket_close(all[i], false, h->now_ns);
	}
	assert_int_equal(connected.datagrams, 1);
	assert_int_equal(specific.datagrams, 1);
	assert_int_equal(any.datagrams, 1);
}

/* bind to port 0 finds a free ephemeral port, and says EADDRINUSE when all are taken. */
static void ephemeral_ports_are_distinct_and_finite(void **state)
{
	struct host *h = *state;
	static bool taken[65536];
	struct endpoint local;
	struct socket *so;
	unsigned count = 60999 - 32768 + 1;

	memset(taken, 0, sizeof(taken));
	for (unsigned i = 0; i < count; i++) {
		so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, NULL);
		assert_int_equal(host_bind(h, so, INADDR_ANY, 0), 0);
		socket_local(so, &local);
		assert_in_range(local.port, 32768, 60999);
		assert_false(taken[local.port]);
		taken[local.port] = true;
	}
	so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, NULL);
	assert_int_equal(host_bind(h, so, INADDR_ANY, 0), -EADDRINUSE);
}

/* Dissolving a connection gives back what connect() chose, and keeps what the program chose. */
static void dissolving_gives_back_what_connect_chose(void **state)
{
	struct host *h = *state;
	struct heard heard;
	struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &heard);
	struct endpoint remote = at(THEIR_ADDRESS, 53), local;

	assert_int_equal(socket_connect(so, &remote, h->now_ns), 0);
	socket_local(so, &local);
	assert_true(local.port != 0 && ip_to_v4(&local.addr) == OUR_ADDRESS);
	assert_int_equal(socket_connect(so, NULL, h->now_ns), 0);
	socket_local(so, &local);
	assert_true(local.port == 0 && ip_to_v4(&local.addr) == 0);
	assert_int_equal(host_bind(h, so, INADDR_ANY, 5353), 0);
	assert_int_equal(socket_connect(so, &remote, h->now_ns), 0);
	assert_int_equal(socket_connect(so, NULL, h->now_ns), 0);
	socket_local(so, &local);
	assert_true(local.port == 5353 && ip_to_v4(&local.addr) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    HOST_TEST(a_port_has_one_owner),
	    HOST_TEST(only_our_addresses_can_be_bound),
	    HOST_TEST(reuse_address_needs_both),
	    HOST_TEST(reuse_port_balances_flows),
	    HOST_TEST(the_most_specific_socket_hears),
	    HOST_TEST(ephemeral_ports_are_distinct_and_finite),
	    HOST_TEST(dissolving_gives_back_what_connect_chose),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
