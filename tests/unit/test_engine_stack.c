/* SPDX-License-Identifier: MIT */
/* The engine from outside: life, memory with a bound, the three verbs, and what is shown of it.
 * (engine/stack.c, input.c, output.c, socket_calls.c and inspect.c) */
#include <errno.h>
#include <netinet/in.h>

#include "stack/engine/engine.h"
#include "tests/unit/host_fixture.h"

/* Whichever request for memory fails, a stack is made whole or not at all, and nothing is lost. */
static void creation_survives_any_lack_of_memory(void **state)
{
	const struct stack_config config = {.secret = {9}};
	const struct stack_owner owner = {heard_deliver, heard_datagram, heard_error, heard_events,
	    heard_nothing_queued, heard_address, NULL, NULL};
	struct stack *s = NULL;

	(void)state;
	for (long takes = 0; !s; takes++) {
		TEST_MEMORY(mem);

		mem_state.takes_left = takes;
		s = stack_create(&config, &owner, &mem, 1);
		if (s) {
			stack_destroy(s);
			assert_true(takes > 5);
		}
		assert_int_equal(mem_state.bytes_out, 0);
	}
	stack_destroy(NULL);
}

/* The bound of the configuration holds, whatever is asked for. */
static void memory_is_bounded(void **state)
{
	struct host *h = *state;
	struct mem *mem = &h->stack->mem;
	void *block;

	h->stack->config.memory_max_bytes = h->stack->memory_used_bytes + 1000;
	assert_null(mem_take(mem, 1001));
	block = mem_take(mem, 1000);
	assert_non_null(block);
	assert_null(mem_take(mem, 1));
	mem_give(mem, block, 1000);
	assert_null(mem_take(mem, SIZE_MAX));
}

/* With nothing to do the deadline is never; with something to send it is now. */
static void the_deadline_says_when_to_ask(void **state)
{
	struct host *h = *state;
	struct heard heard;
	struct datagram d = {.remote = at(THEIR_ADDRESS, 9), .local = ip_from_v4(0), .ttl = -1, .tos = -1};
	struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &heard);

	host_settle(h);
	assert_true(stack_deadline(h->stack) > h->now_ns);
	assert_int_equal(socket_send_datagram(so, &d, (struct span){(const uint8_t *)"x", 1}, h->now_ns), 0);
	assert_true(stack_deadline(h->stack) <= h->now_ns);
	assert_int_equal(host_settle(h), 1); /* the ARP question; the datagram waits for its answer */
	assert_in_range(stack_deadline(h->stack), h->now_ns + 1, h->now_ns + 2 * NSEC_PER_SEC);
}

/* Time never goes back, whatever a caller says. */
static void time_never_goes_back(void **state)
{
	struct host *h = *state;
	struct frame_out f;
	uint64_t now_ns = h->stack->now_ns + NSEC_PER_SEC;

	stack_output(h->stack, &f, now_ns);
	stack_output(h->stack, &f, 5);
	assert_true(h->stack->now_ns == now_ns);
}

/* Frames for others, of unknown types, cut short, and from an interface that is none. */
static void senseless_frames_are_counted(void **state)
{
	struct host *h = *state;
	uint8_t frame[60] = {2, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 1, 8, 0};
	struct frame_in in = {.data = frame, .bytes = sizeof(frame)};

	stack_input(h->stack, h->interface, &in, h->now_ns);
	assert_int_equal(h->stack->counters.link_in_foreign, 1);
	frame[5] = 2; /* ours, but no protocol that we speak */
	frame[12] = 0x12;
	stack_input(h->stack, h->interface, &in, h->now_ns);
	assert_int_equal(h->stack->counters.link_in_foreign, 2);
	in.bytes = 13;
	stack_input(h->stack, h->interface, &in, h->now_ns);
	assert_int_equal(h->stack->counters.link_in_short, 1);
	stack_input(h->stack, 12, &in, h->now_ns);
	assert_int_equal(h->stack->counters.link_in_frames, 3);
}

/* The checks that are the same for every kind of socket, with Linux's errno. */
static void calls_are_checked_in_linux_s_order(void **state)
{
	struct host *h = *state;
	struct heard heard;
	struct socket *udp = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &heard), *tcp = host_socket(h, SOCKET_TCP, IPPROTO_TCP, &heard);
	struct endpoint six = {.addr = {{0x20, 1}}, .port = 1}, out;
	struct datagram d = {.ttl = -1, .tos = -1};

	assert_int_equal(socket_bind(udp, &six, h->now_ns), -EAFNOSUPPORT);
	assert_int_equal(socket_connect(udp, &six, h->now_ns), -EAFNOSUPPORT);
	assert_int_equal(socket_listen(udp, 1, h->now_ns), -EOPNOTSUPP);
	assert_null(socket_accept(udp, 77, NULL, h->now_ns));
	assert_int_equal(socket_send_datagram(tcp, &d, (struct span){NULL, 0}, h->now_ns), -EOPNOTSUPP);
	assert_int_equal(socket_peer(udp, &out), -ENOTCONN);
	assert_int_equal(socket_peer(tcp, &out), -ENOTCONN);
	assert_int_equal(socket_id(tcp), h->next_id);
}

struct seen {
	unsigned sockets, counters, listening, bounds;
};

static void see_socket(void *context, const struct socket_info *i)
{
	struct seen *seen = context;

	seen->sockets++;
	seen->listening += i->has_tcp || i->state[0] == 'L';
}

static void see_counter(void *context, const char *name, const char *text, uint64_t value, uint64_t limit)
{
	struct seen *seen = context;

	assert_true(name[0] && text[0]);
	assert_true(!limit || value <= limit);
	seen->counters++;
	seen->bounds += limit != 0;
}

/* Every socket and every counter is shown once; every cache and queue with its bound. */
static void everything_can_be_seen(void **state)
{
	struct host *h = *state;
	struct heard heard;
	struct seen seen = {0};
	struct socket *so = host_socket(h, SOCKET_TCP, IPPROTO_TCP, &heard);

	host_socket(h, SOCKET_UDP, IPPROTO_UDP, &heard);
	assert_int_equal(host_bind(h, so, INADDR_ANY, 80), 0);
	assert_int_equal(socket_listen(so, 5, h->now_ns), 0);
	stack_visit_sockets(h->stack, h->now_ns, see_socket, &seen);
	assert_int_equal(seen.sockets, 2);
	assert_int_equal(seen.listening, 1);
	stack_visit_counters(h->stack, see_counter, &seen);
	assert_true(seen.counters > 60 && seen.bounds >= 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(creation_survives_any_lack_of_memory),
	    HOST_TEST(memory_is_bounded),
	    HOST_TEST(the_deadline_says_when_to_ask),
	    HOST_TEST(time_never_goes_back),
	    HOST_TEST(senseless_frames_are_counted),
	    HOST_TEST(calls_are_checked_in_linux_s_order),
	    HOST_TEST(everything_can_be_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
