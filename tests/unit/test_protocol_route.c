/* SPDX-License-Identifier: MIT */
/* Routes and sources: longest prefix, metric, gateways, blackholes, local before the rest; what
 * stack_source_for() says is what a packet does. */
#include <errno.h>
#include <netinet/in.h>

#include "tests/unit/frames.h"

#define GATEWAY 0xc00002feU

static struct route route_to(uint32_t network, uint8_t bits, uint32_t gateway, uint32_t metric)
{
	return (struct route){.destination = {ip_from_v4(network), bits}, .gateway = ip_from_v4(gateway),
	    .source = ip_from_v4(0), .metric = metric};
}

static int source_for(struct host *h, uint32_t destination, uint32_t *source)
{
	struct endpoint remote = at(destination, 9);
	struct ip_addr a;
	uint32_t mtu_bytes;
	int error = stack_source_for(h->stack, &remote, &a, &mtu_bytes);

	*source = error ? 0 : ip_to_v4(&a);
	return error;
}

/* The target of the question that a datagram to destination makes us ask. */
static uint32_t next_hop_for(struct host *h, uint32_t destination)
{
	struct heard heard;
	struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &heard);
	struct datagram d = {.remote = at(destination, 9), .local = ip_from_v4(0), .ttl = -1, .tos = -1};
	struct built b;
	struct print_facts facts;
	uint32_t target = 0;

	if (socket_send_datagram(so, &d, (struct span){(const uint8_t *)"x", 1}, h->now_ns) == 0 && host_output(h, &b, &facts))
		target = ip_to_v4(&facts.arp.target);
	socket_close(so, false, h->now_ns);
	return target;
}

static void without_a_route_there_is_no_way(void **state)
{
	struct host *h = *state;
	uint32_t source;

	assert_int_equal(source_for(h, 0x0a000001, &source), -ENETUNREACH);
	assert_int_equal(source_for(h, THEIR_ADDRESS, &source), 0);
	assert_int_equal(source, OUR_ADDRESS);
	assert_int_equal(source_for(h, 0x7f000005, &source), 0);
	assert_int_equal(source, INADDR_LOOPBACK);
	assert_int_equal(source_for(h, OUR_ADDRESS, &source), 0);
	assert_int_equal(source, OUR_ADDRESS);
	assert_int_equal(source_for(h, 0xffffffff, &source), -ENETUNREACH);
}

static void the_longest_prefix_wins(void **state)
{
	struct host *h = *state;
	struct route all = route_to(0, 0, GATEWAY, 0), part = route_to(0x0a000000, 8, GATEWAY - 1, 0),
		     smaller = route_to(0x0a010000, 16, GATEWAY - 2, 100);

	assert_int_equal(stack_route_add(h->stack, &part), 0);
	assert_int_equal(stack_route_add(h->stack, &all), 0);
	assert_int_equal(stack_route_add(h->stack, &smaller), 0);
	assert_int_equal(next_hop_for(h, 0x08080808), GATEWAY);
	assert_int_equal(next_hop_for(h, 0x0a020000), GATEWAY - 1);
	assert_int_equal(next_hop_for(h, 0x0a010203), GATEWAY - 2);
	assert_int_equal(stack_route_remove(h->stack, &smaller), 0);
	assert_int_equal(stack_route_remove(h->stack, &smaller), -ESRCH);
	/* Who was cached is looked up anew: the neighbour question for the /8's gateway was answered by
	 * nobody yet, so it waits there. */
	assert_int_equal(next_hop_for(h, 0x0a010204), 0);
}

static void the_smaller_metric_wins(void **state)
{
	struct host *h = *state;
	struct route far = route_to(0, 0, GATEWAY, 100), near = route_to(0, 0, GATEWAY - 1, 50);

	assert_int_equal(stack_route_add(h->stack, &far), 0);
	assert_int_equal(stack_route_add(h->stack, &near), 0);
	assert_int_equal(stack_route_add(h->stack, &near), -EEXIST);
	assert_int_equal(next_hop_for(h, 0x08080808), GATEWAY - 1);
}

static void bad_routes_are_refused(void **state)
{
	struct host *h = *state;
	struct route r = route_to(0, 0, 0x0a000001, 0);

	assert_int_equal(stack_route_add(h->stack, &r), -ENETUNREACH);
	r = route_to(0, 0, OUR_ADDRESS, 0);
	assert_true(stack_route_add(h->stack, &r) < 0);
	r = route_to(0, 33, GATEWAY, 0);
	assert_int_equal(stack_route_add(h->stack, &r), -EINVAL);
	r = route_to(0, 0, 0, 0);
	r.interface = 9;
	assert_int_equal(stack_route_add(h->stack, &r), -ENODEV);
}

static void a_blackhole_swallows(void **state)
{
	struct host *h = *state;
	struct route all = route_to(0, 0, GATEWAY, 0), hole = route_to(0x0a000000, 8, 0, 0);
	struct heard heard;
	struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &heard);
	struct endpoint remote = at(0x0a000001, 9);

	hole.kind = ROUTE_BLACKHOLE;
	assert_int_equal(stack_route_add(h->stack, &all), 0);
	assert_int_equal(stack_route_add(h->stack, &hole), 0);
	assert_int_equal(socket_connect(so, &remote, h->now_ns), -EINVAL); /* as Linux */
	remote = at(0x0b000001, 9);
	assert_int_equal(socket_connect(so, &remote, h->now_ns), 0);
}

/* ip route add local: a whole network is this host. */
static void a_local_route_is_ours(void **state)
{
	struct host *h = *state;
	struct route r = route_to(0xcb007100, 24, 0, 0);
	struct heard heard;
	struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &heard);

	r.kind = ROUTE_LOCAL;
	assert_int_equal(host_bind(h, so, 0xcb007105, 7), -99);
	assert_int_equal(stack_route_add(h->stack, &r), 0);
	assert_int_equal(host_bind(h, so, 0xcb007105, 7), 0);
}

static void count(void *context, const struct route *r)
{
	(void)r;
	++*(unsigned *)context;
}

static unsigned routes(struct host *h)
{
	unsigned n = 0;

	stack_visit_routes(h->stack, count, &n);
	return n;
}

/* An address brings its routes and takes them away; a second one of the same network keeps the link's. */
static void addresses_bring_routes(void **state)
{
	struct host *h = *state;
	struct prefix second = {ip_from_v4(OUR_ADDRESS + 1), 24};
	struct ip_addr first = ip_from_v4(OUR_ADDRESS);
	unsigned before = routes(h);
	uint32_t source;

	assert_int_equal(stack_address_add(h->stack, h->interface, &second, false, h->now_ns), 0);
	assert_int_equal(stack_address_add(h->stack, h->interface, &second, false, h->now_ns), -EEXIST);
	assert_int_equal(routes(h), before + 1);
	assert_int_equal(stack_address_remove(h->stack, h->interface, &first, h->now_ns), 0);
	assert_int_equal(source_for(h, THEIR_ADDRESS, &source), 0);
	assert_int_equal(source, OUR_ADDRESS + 1);
	assert_int_equal(stack_address_remove(h->stack, h->interface, &second.addr, h->now_ns), 0);
	assert_int_equal(source_for(h, THEIR_ADDRESS, &source), -ENETUNREACH);
	assert_int_equal(stack_address_remove(h->stack, h->interface, &first, h->now_ns), -EADDRNOTAVAIL);
}

static void the_table_is_bounded(void **state)
{
	struct host *h = *state;
	unsigned added = 0;

	for (uint32_t n = 0; n < 5000; n++) {
		struct route r = route_to(0x0a000000 + (n << 8), 24, GATEWAY, 0);

		added += stack_route_add(h->stack, &r) == 0;
	}
	assert_true(added < 4096 && routes(h) == 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    HOST_TEST(without_a_route_there_is_no_way), HOST_TEST(the_longest_prefix_wins),
	    HOST_TEST(the_smaller_metric_wins), HOST_TEST(bad_routes_are_refused), HOST_TEST(a_blackhole_swallows),
	    HOST_TEST(a_local_route_is_ours), HOST_TEST(addresses_bring_routes), HOST_TEST(the_table_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
