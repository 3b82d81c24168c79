/* SPDX-License-Identifier: MIT */
/*
 * One engine and the programs on it. Every byte that arrives is compared with what the other
 * program sent at that place of the stream; every connection is checked after every event.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

uint8_t stream_byte(uint64_t seed, unsigned connection, unsigned side, uint64_t position)
{
	uint64_t x = (position + (seed << 40) + ((uint64_t)(connection * 2 + side) << 34)) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint8_t)((x ^ x >> 29) * UINT64_C(0xbf58476d1ce4e5b9) >> 56);
}

uint32_t ip_of(unsigned host)
{
	return 0x0a000001U + host;
}

/* ---- memory ---- */

static void *take(void *context, size_t bytes)
{
	struct host *h = context;

	if (h->running && h->memory_fails > 0 && chance_percent(&h->memory_chance, h->memory_fails))
		return NULL;
	h->allocated_bytes += bytes;
	return malloc(bytes ? bytes : 1);
}

static void give(void *context, void *block, size_t bytes)
{
	struct host *h = context;

	if (!block)
		return;
	h->allocated_bytes -= bytes;
	free(block);
}

/* ---- callbacks ---- */

static void check_bytes(struct end *e, const uint8_t *data, size_t bytes)
{
	struct world *w = (struct world *)((char *)(e->connection - e->connection->number) - offsetof(struct world, connection));
	unsigned side = e == &e->connection->end[0] ? 1 : 0;

	if (w->liar.on) { /* its bytes are what they are */
		e->received += bytes;
		return;
	}
	for (size_t i = 0; i < bytes; i++)
		if (data[i] != stream_byte(w->seed, e->connection->number, side, e->received + i))
			world_fail(w, "connection %u, host %u: byte %llu is wrong", e->connection->number, e->host,
			    (unsigned long long)(e->received + i));
	e->received += bytes;
	if (e->received > e->connection->end[side].sent)
		world_fail(w, "connection %u, host %u: more bytes arrived than were sent", e->connection->number, e->host);
}

static size_t deliver(void *user, struct span data, bool urgent)
{
	struct end *e = user;

	(void)urgent;
	if (!e || e->pause_ns)
		return 0;
	if (e->read_most && data.bytes > e->read_most)
		data.bytes = e->read_most;
	check_bytes(e, data.data, data.bytes);
	return data.bytes;
}

static bool deliver_datagram(void *user, const struct datagram *d, const struct span *part, unsigned parts)
{
	(void)user;
	(void)d;
	(void)part;
	(void)parts;
	return false;
}

static void datagram_error(void *user, const struct datagram_error *x, struct span payload)
{
	(void)user;
	(void)x;
	(void)payload;
}

static void notify(void *user, unsigned events)
{
	struct end *e = user;

	if (!e)
		return;
	if (events & SOCKET_EVENT_CONNECTED)
		e->connected = true;
	if (events & SOCKET_EVENT_PEER_CLOSED)
		e->peer_closed = true;
	if (events & SOCKET_EVENT_ERROR)
		e->failed = true;
	if (events & SOCKET_EVENT_GONE) {
		e->gone = true;
		e->socket = NULL;
	}
}

static unsigned accept_queued(void *user)
{
	(void)user;
	return 0;
}

static void address_told(void *context, uint32_t interface, const struct ip_addr *a, bool conflict,
    const struct mac_addr *other)
{
	(void)context;
	(void)interface;
	(void)a;
	(void)conflict;
	(void)other;
}

/* ---- life ---- */

void host_create(struct world *w, unsigned number)
{
	struct host *h = &w->host[number];
	struct interface_config link = {.name = "sim0", .mtu_bytes = w->mtu};
	struct prefix p = {.addr = ip_from_v4(ip_of(number)), .bits = 24};
	int index;

	h->number = number;
	h->world = w;
	h->mem = (struct mem){take, give, h};
	h->owner = (struct stack_owner){.deliver = deliver, .deliver_datagram = deliver_datagram,
	    .datagram_error = datagram_error, .notify = notify, .accept_queued = accept_queued,
	    .address = address_told, .context = h};
	for (unsigned i = 0; i < sizeof(h->config.secret); i++)
		h->config.secret[i] = (uint8_t)chance_next(&w->chance);
	link.gso_tcp = link.checksum_offload = chance_percent(&w->chance, 40);
	h->stack = stack_create(&h->config, &h->owner, &h->mem, w->now_ns);
	if (!h->stack)
		world_fail(w, "no stack");
	index = stack_interface_add(h->stack, &link);
	if (index < 0 || stack_address_add(h->stack, (uint32_t)index, &p, false, w->now_ns) < 0)
		world_fail(w, "no interface");
	h->interface = (uint32_t)index;
}

void host_destroy(struct host *h)
{
	if (h->stack)
		stack_destroy(h->stack);
	h->stack = NULL;
}

void host_check(struct world *w, unsigned number)
{
	const struct stack *s = w->host[number].stack;

	for (const struct list *l = s->sockets.next; l != &s->sockets; l = l->next) {
		const struct socket *so = container_of(l, struct socket, all);

		if (so->kind == SOCKET_TCP)
			tcp_check(tcb_of_const(so));
	}
}

void host_drain(struct world *w, unsigned number)
{
	struct frame_out f;
	unsigned frames = 0;

	while (stack_output(w->host[number].stack, &f, w->now_ns)) {
		if (f.interface == w->host[number].interface)
			wire_send(w, number, &f);
		if (++frames > 100000)
			world_fail(w, "host %u sends without end", number);
	}
}

/* ---- what a program does ---- */

static void start(struct world *w, struct end *e)
{
	struct host *h = &w->host[e->host];
	struct endpoint remote = {.addr = ip_from_v4(ip_of(!e->host)), .port = SERVER_PORT}, local = {.addr = ip_from_v4(0)};
	struct connection *c = e->connection;
	int result;

	e->started = true;
	result = socket_create(h->stack, SOCKET_TCP, 4, 6, c->number * 2U + e->host + 1, e, w->now_ns, &e->socket);
	if (result < 0) {
		e->socket = NULL;
		e->gone = e->failed = e->closed = true;
		e->error = -result;
		return;
	}
	if (c->simultaneous) {
		local.port = (uint16_t)(1000 + 2 * c->number + (e == &c->end[1]));
		remote.port = (uint16_t)(1000 + 2 * c->number + (e == &c->end[0]));
		result = socket_bind(e->socket, &local, w->now_ns);
	}
	if (result == 0)
		result = socket_connect(e->socket, &remote, w->now_ns);
	if (result < 0 && result != -EINPROGRESS) {
		e->failed = true;
		e->error = -result;
	}
	socket_local(e->socket, &local);
	if (e == &c->end[0])
		c->iss = tcb_of(e->socket)->iss.n;
}

static void accept_all(struct world *w, unsigned number)
{
	struct host *h = &w->host[number];
	struct socket *so;

	/* Whose it is tells the opener's first number: a port may be in use again already. */
	while (h->listener && (so = socket_accept(h->listener, 1000, NULL, w->now_ns))) {
		struct end *e = NULL;

		for (unsigned i = 0; i < w->connection_count; i++) {
			struct connection *c = &w->connection[i];

			if (w->liar.on ? !c->end[1].started
				       : c->end[1].host == number && c->end[0].started && c->iss == tcb_of(so)->irs.n &&
					     !c->end[1].started && !c->simultaneous)
				e = &c->end[1];
		}
		if (!e) {
			/* It was never one of ours: the checksum let a forged SYN through. */
			socket_abort(so, w->now_ns);
			continue;
		}
		so->user = e;
		e->socket = so;
		e->started = e->connected = true;
		if (tcb_of(so)->rcv.fin)
			e->peer_closed = true;
		if (so->error)
			e->failed = true;
	}
}

static void write_some(struct world *w, struct end *e)
{
	struct space space[2];

	while (e->sent < e->to_send && socket_send_space(e->socket, space)) {
		uint64_t n = space[0].bytes;
		unsigned side = e == &e->connection->end[0] ? 0 : 1;

		if (n > e->to_send - e->sent)
			n = e->to_send - e->sent;
		if (e->write_most && n > e->write_most)
			n = 1 + chance_below(&w->chance, e->write_most);
		if (n == 0)
			return;
		for (uint64_t i = 0; i < n; i++)
			space[0].data[i] = stream_byte(w->seed, e->connection->number, side, e->sent + i);
		e->sent += n;
		socket_send_commit(e->socket, (uint32_t)n, false, chance_percent(&w->chance, 5), w->now_ns);
		if (!e->socket)
			return;
	}
}

static void read_some(struct world *w, struct end *e)
{
	struct span span[2];
	/* Who pauses takes so much at a time; who does not takes all, in small bites. */
	uint64_t left = e->read_most && e->pause_ns ? e->read_most : UINT64_MAX;
	bool urgent;

	if (w->now_ns < e->read_again_ns)
		return;
	while (left && e->socket && socket_receive_spans(e->socket, span, &urgent)) {
		size_t n = span[0].bytes < left ? span[0].bytes : (size_t)left;

		if (e->read_most && n > e->read_most)
			n = e->read_most;
		check_bytes(e, span[0].data, n);
		left -= n;
		socket_receive_consume(e->socket, (uint32_t)n, w->now_ns);
	}
	if (e->pause_ns)
		e->read_again_ns = w->now_ns + e->pause_ns;
}

static void end_close(struct world *w, struct end *e)
{
	e->closed = true;
	socket_close(e->socket, false, w->now_ns);
}

static void pump_end(struct world *w, struct end *e)
{
	struct end *other = &e->connection->end[e == &e->connection->end[0]];
	struct span span[2];
	bool urgent;

	if (!e->socket || e->closed)
		return;
	if (e->connected)
		read_some(w, e);
	if (!e->socket)
		return;
	if (e->failed) {
		if (!e->error)
			e->error = socket_take_error(e->socket);
		end_close(w, e);
		return;
	}
	if (!e->connected)
		return;
	if (e->finish == FINISH_ABORT && e->sent + e->received >= e->abort_after) {
		e->closed = e->gone = true;
		socket_abort(e->socket, w->now_ns);
		e->socket = NULL;
		return;
	}
	write_some(w, e);
	if (!e->socket || e->failed || e->sent < e->to_send)
		return;
	if (e->finish == FINISH_AT_ONCE) {
		end_close(w, e);
		return;
	}
	if (!e->shut) {
		e->shut = true;
		socket_shutdown(e->socket, SOCKET_SHUT_WRITE, w->now_ns);
	}
	if (e->socket && e->peer_closed && !socket_receive_spans(e->socket, span, &urgent)) {
		if (e->received != other->sent && !other->failed && !w->liar.on)
			world_fail(w, "connection %u, host %u: end of file after %llu of %llu bytes", e->connection->number,
			    e->host, (unsigned long long)e->received, (unsigned long long)other->sent);
		end_close(w, e);
	}
}

void host_pump(struct world *w, unsigned number)
{
	accept_all(w, number);
	for (unsigned i = 0; i < w->connection_count; i++) {
		struct connection *c = &w->connection[i];

		for (unsigned k = 0; k < 2; k++) {
			struct end *e = &c->end[k];

			if (e->host != number)
				continue;
			if (!e->started && (k == 0 || c->simultaneous) && w->now_ns >= c->start_ns)
				start(w, e);
			pump_end(w, e);
		}
	}
}

uint64_t host_program_deadline(const struct world *w, unsigned number)
{
	uint64_t due = TIME_NEVER;

	for (unsigned i = 0; i < w->connection_count; i++)
		for (unsigned k = 0; k < 2; k++) {
			const struct end *e = &w->connection[i].end[k];

			if (e->host != number)
				continue;
			if (!e->started && (k == 0 || w->connection[i].simultaneous))
				due = time_earlier(due, w->connection[i].start_ns);
			/* A paused reader wakes only when there is something to read. */
			if (e->socket && !e->closed && e->read_again_ns > w->now_ns && socket_unread_bytes(e->socket))
				due = time_earlier(due, e->read_again_ns);
		}
	return due;
}
