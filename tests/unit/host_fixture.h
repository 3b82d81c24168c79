/* SPDX-License-Identifier: MIT */
/*
 * One host with its whole stack, 192.0.2.2/24 on an Ethernet interface, for tests of the engine from
 * outside: its owner's callbacks write down what they are told. user of a socket is a struct heard.
 */
#ifndef TESTS_UNIT_HOST_FIXTURE_H
#define TESTS_UNIT_HOST_FIXTURE_H

#include <string.h>

#include "stack/stack.h"
#include "tests/unit/cmocka_tap.h"
#include "tests/unit/memory.h"

#define OUR_ADDRESS 0xc0000202U   /* 192.0.2.2 */
#define THEIR_ADDRESS 0xc0000201U /* 192.0.2.1 */

/* What the owner was told of one socket. */
struct heard {
	unsigned events;
	unsigned datagrams, errors;
	struct datagram last;
	struct datagram_error last_error;
	uint8_t payload[2048];
	size_t payload_bytes; /* of the last datagram */
	bool refuses;         /* takes no datagram */
};

struct host {
	struct test_memory memory;
	struct mem mem;
	struct stack *stack;
	uint32_t interface;
	uint64_t now_ns;
	uint64_t next_id;
};

static inline size_t heard_deliver(void *user, struct span data, bool urgent)
{
	(void)user;
	(void)urgent;
	return data.bytes;
}

static inline bool heard_datagram(void *user, const struct datagram *d, const struct span *part, unsigned parts)
{
	struct heard *h = user;

	if (h->refuses)
		return false;
	h->datagrams++;
	h->last = *d;
	h->payload_bytes = 0;
	for (unsigned i = 0; i < parts; i++) {
		size_t bytes = part[i].bytes;

		if (bytes > sizeof(h->payload) - h->payload_bytes)
			bytes = sizeof(h->payload) - h->payload_bytes;
		if (bytes)
			memcpy(h->payload + h->payload_bytes, part[i].data, bytes);
		h->payload_bytes += bytes;
	}
	return true;
}

static inline void heard_error(void *user, const struct datagram_error *e, struct span payload)
{
	struct heard *h = user;

	(void)payload;
	h->errors++;
	h->last_error = *e;
}

static inline void heard_events(void *user, unsigned events)
{
	((struct heard *)user)->events |= events;
}

static inline unsigned heard_nothing_queued(void *user)
{
	(void)user;
	return 0;
}

static inline void heard_address(void *context, uint32_t interface, const struct ip_addr *a, bool conflict,
    const struct mac_addr *other)
{
	(void)context, (void)interface, (void)a, (void)conflict, (void)other;
}

static inline int host_setup(void **state)
{
	static struct host h;
	const struct stack_config config = {.secret = {1, 2, 3}};
	const struct stack_owner owner = {heard_deliver, heard_datagram, heard_error, heard_events,
	    heard_nothing_queued, heard_address, NULL, NULL};
	const struct interface_config link = {.name = "test0", .mac = {{2, 0, 0, 0, 0, 2}}, .mtu_bytes = 1500,
	    .has_link_header = true};
	const struct prefix address = {ip_from_v4(OUR_ADDRESS), 24};
	int index;

	h = (struct host){.memory = {.takes_left = -1}, .now_ns = NSEC_PER_SEC};
	h.mem = (struct mem){test_memory_take, test_memory_give, &h.memory};
	h.stack = stack_create(&config, &owner, &h.mem, h.now_ns);
	assert_non_null(h.stack);
	index = stack_interface_add(h.stack, &link);
	assert_true(index > 0);
	h.interface = (uint32_t)index;
	assert_int_equal(stack_address_add(h.stack, h.interface, &address, false, h.now_ns), 0);
	*state = &h;
	return 0;
}

/* Nothing may be left when a stack is gone, whatever the test left open. */
static inline int host_teardown(void **state)
{
	struct host *h = *state;

	stack_destroy(h->stack);
	assert_int_equal(h->memory.bytes_out, 0);
	return 0;
}

static inline struct socket *host_socket(struct host *h, enum socket_kind kind, uint8_t protocol, struct heard *heard)
{
	struct socket *so = NULL;

	if (heard)
		*heard = (struct heard){0};
	assert_int_equal(socket_create(h->stack, kind, 4, protocol, ++h->next_id, heard, h->now_ns, &so), 0);
	return so;
}

/* Lets everything happen that is due now; frames to the wire are counted and lost. */
static inline unsigned host_settle(struct host *h)
{
	struct frame_out frame;
	unsigned frames = 0;

	h->now_ns += NSEC_PER_USEC;
	while (stack_output(h->stack, &frame, h->now_ns))
		frames++;
	return frames;
}

static inline struct endpoint at(uint32_t address, uint16_t port)
{
	return (struct endpoint){.addr = ip_from_v4(address), .port = port};
}

static inline int host_bind(struct host *h, struct socket *so, uint32_t address, uint16_t port)
{
	struct endpoint e = at(address, port);

	return socket_bind(so, &e, h->now_ns);
}

static inline void set_int(struct host *h, struct socket *so, int level, int name, int value)
{
	assert_int_equal(socket_set_option(so, level, name, &value, sizeof(value), h->now_ns), 0);
}

static inline int get_int(struct host *h, struct socket *so, int level, int name)
{
	int value = -12345;
	uint32_t bytes = sizeof(value);

	assert_int_equal(socket_get_option(so, level, name, &value, &bytes, h->now_ns), 0);
	assert_int_equal(bytes, sizeof(value));
	return value;
}

#define HOST_TEST(name) cmocka_unit_test_setup_teardown(name, host_setup, host_teardown)

#endif
