/* SPDX-License-Identifier: MIT */
/*
 * The story: a program talks to itself over the loopback while memory runs out, once at every
 * request for it. Whatever fails, nothing traps, every invariant holds after every step, and when
 * the stack is destroyed all memory has come back. With memory, every byte arrives.
 */
#include <errno.h>

#include "stack/protocol/tcp/tcp.h"
#include "tests/unit/cmocka_tap.h"
#include "tests/unit/memory.h"

#define TOTAL_BYTES 200000U
#define STEPS_MAX 4000

struct end {
	struct socket *socket;
	unsigned events;
	uint64_t sent, received;
	bool wrong, closed, gone;
};

struct world {
	struct stack *stack;
	struct end listener, client, server;
	uint64_t now_ns;
};

static uint8_t byte_at(uint64_t position)
{
	return (uint8_t)(position * 13 + (position >> 8));
}

static size_t deliver(void *user, struct span data, bool urgent)
{
	struct end *e = user;

	(void)urgent;
	for (size_t i = 0; i < data.bytes; i++)
		e->wrong |= data.data[i] != byte_at(e->received + i);
	e->received += data.bytes;
	return data.bytes;
}

static void notify(void *user, unsigned events)
{
	struct end *e = user;

	e->events |= events;
	if (events & SOCKET_EVENT_GONE) {
		e->gone = true;
		e->socket = NULL;
	}
}

static unsigned none_queued(void *user)
{
	(void)user;
	return 0;
}

static void check_all(const struct stack *s)
{
	list_for_each(l, &s->sockets)
		tcp_check(tcb_of(container_of(l, struct socket, all)));
}

static void give_data(struct world *w, struct end *e)
{
	struct space space[2];
	unsigned count;

	while (e->sent < TOTAL_BYTES && (count = socket_send_space(e->socket, space))) {
		uint32_t bytes = 0;

		for (unsigned i = 0; i < count; i++)
			for (size_t j = 0; j < space[i].bytes && e->sent + bytes < TOTAL_BYTES; j++, bytes++)
				space[i].data[j] = byte_at(e->sent + bytes);
		e->sent += bytes;
		socket_send_commit(e->socket, bytes, false, false, w->now_ns);
	}
}

static void take_data(struct world *w, struct end *e)
{
	struct span span[2];
	bool urgent;
	unsigned count;

	while ((count = socket_receive_spans(e->socket, span, &urgent))) {
		uint32_t bytes = 0;

		for (unsigned i = 0; i < count; i++)
			bytes += (uint32_t)deliver(e, span[i], false);
		socket_receive_consume(e->socket, bytes, w->now_ns);
	}
}

static void close_when_done(struct world *w, struct end *e)
{
	bool failed = e->events & SOCKET_EVENT_ERROR;
	bool done = e->sent == TOTAL_BYTES && (e->events & SOCKET_EVENT_PEER_CLOSED);

	if (!e->socket || e->closed)
		return;
	if (!failed && e->sent < TOTAL_BYTES && e->socket->connected)
		give_data(w, e);
	if (!failed && e->sent == TOTAL_BYTES)
		socket_shutdown(e->socket, SOCKET_SHUT_WRITE, w->now_ns);
	if (!failed && !done)
		return;
	e->closed = true;
	socket_close(e->socket, false, w->now_ns);
}

static void begin(struct world *w)
{
	struct endpoint local = {ip_from_v4(0), 80, 0}, remote = {ip_from_v4(0x7f000001), 80, 0};

	if (socket_create(w->stack, SOCKET_TCP, 4, 6, 1, &w->listener, w->now_ns, &w->listener.socket) == 0 &&
	    socket_bind(w->listener.socket, &local, w->now_ns) == 0)
		socket_listen(w->listener.socket, 1, w->now_ns);
	if (socket_create(w->stack, SOCKET_TCP, 4, 6, 2, &w->client, w->now_ns, &w->client.socket) == 0 &&
	    socket_connect(w->client.socket, &remote, w->now_ns) != -EINPROGRESS)
		w->client.events |= SOCKET_EVENT_ERROR;
}

static void step(struct world *w)
{
	struct frame_out frame;
	uint64_t next;

	while (stack_output(w->stack, &frame, w->now_ns))
		;
	check_all(w->stack);
	if (w->listener.events & SOCKET_EVENT_ACCEPTABLE && !w->server.socket && !w->server.gone) {
		w->server.socket = socket_accept(w->listener.socket, 3, &w->server, w->now_ns);
		if (w->server.socket)
			take_data(w, &w->server);
	}
	for (struct end *e = &w->client; e <= &w->server; e++) {
		if (e->socket && !e->closed && (e->events & SOCKET_EVENT_RECEIVABLE))
			take_data(w, e);
		close_when_done(w, e);
	}
	next = stack_deadline(w->stack);
	if (next != TIME_NEVER && next > w->now_ns)
		w->now_ns = next;
}

/* Runs until both ends are gone or nothing happens any more. */
static void run(struct world *w, const struct mem *mem)
{
	const struct stack_owner owner = {.deliver = deliver, .notify = notify, .accept_queued = none_queued};
	const struct stack_config config = {.secret = {1, 2, 3}, .tcp_retries2 = 4, .tcp_syn_retries = 2};

	w->now_ns = NSEC_PER_SEC;
	w->stack = stack_create(&config, &owner, mem, w->now_ns);
	if (!w->stack)
		return;
	begin(w);
	for (int i = 0; i < STEPS_MAX && !(w->client.gone && w->server.gone); i++)
		step(w);
	stack_destroy(w->stack);
}

static void with_memory_every_byte_arrives(void **state)
{
	struct world w = {0};
	TEST_MEMORY(mem);

	(void)state;
	run(&w, &mem);
	assert_true(w.client.gone && w.server.gone);
	assert_int_equal(w.client.received, TOTAL_BYTES);
	assert_int_equal(w.server.received, TOTAL_BYTES);
	assert_false(w.client.wrong || w.server.wrong);
	assert_int_equal(mem_state.bytes_out, 0);
}

/* From the n-th request on there is none, until a run does not need that many. */
static void at_every_request_for_memory(void **state)
{
	bool whole = false;

	(void)state;
	for (long n = 0; n < 2000 && !whole; n++) {
		struct world w = {0};
		TEST_MEMORY(mem);

		mem_state.takes_left = n;
		run(&w, &mem);
		assert_false(w.client.wrong || w.server.wrong);
		assert_int_equal(mem_state.bytes_out, 0);
		whole = w.client.received == TOTAL_BYTES && w.server.received == TOTAL_BYTES && mem_state.takes_left > 0;
	}
	assert_true(whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(with_memory_every_byte_arrives),
	    cmocka_unit_test(at_every_request_for_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
