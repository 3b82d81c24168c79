/* SPDX-License-Identifier: MIT */
/*
 * The engine of a script in virtual time, on a link without link headers, so that a script begins
 * with its first IP packet. After every step all connections are checked (tcp_check) and the
 * pending call, if any, is tried again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stack/protocol/host.h"
#include "stack/protocol/tcp/tcp.h"
#include "tests/script/world.h"

/* ---- memory of the engine: counted, so that a leak is seen ---- */

static void *take(void *context, size_t bytes)
{
	*(size_t *)context += bytes;
	return malloc(bytes ? bytes : 1);
}

static void give(void *context, void *block, size_t bytes)
{
	if (!block)
		return;
	*(size_t *)context -= bytes;
	free(block);
}

/* ---- what the engine tells ---- */

static size_t deliver(void *user, struct span data, bool urgent)
{
	(void)user;
	(void)data;
	(void)urgent;
	return 0; /* it waits in the engine until the script reads, as in a kernel's socket */
}

static bool deliver_datagram(void *user, const struct datagram *d, const struct span *part, unsigned parts)
{
	struct descriptor *to = user;
	size_t bytes = 0;
	unsigned n = to ? to->inbox_count : 16;

	if (n == 16)
		return false;
	for (unsigned i = 0; i < parts; i++)
		bytes += part[i].bytes;
	to->inbox[n].d = *d;
	to->inbox[n].bytes = bytes;
	to->inbox[n].data = script_take(bytes + 1);
	bytes = 0;
	for (unsigned i = 0; i < parts; i++) {
		memcpy(to->inbox[n].data + bytes, part[i].data, part[i].bytes);
		bytes += part[i].bytes;
	}
	to->inbox_count++;
	return true;
}

static void datagram_error(void *user, const struct datagram_error *e, struct span payload)
{
	(void)user;
	(void)e;
	(void)payload;
}

static void notify(void *user, unsigned events)
{
	struct descriptor *d = user;

	if (!d)
		return;
	d->seen_events |= events;
	if (events & SOCKET_EVENT_CONNECTED) {
		d->connected = d->was_connected = true;
		d->connecting = false;
	}
	if (events & SOCKET_EVENT_PEER_CLOSED)
		d->peer_closed = true;
	if (events & SOCKET_EVENT_ERROR)
		d->connected = d->connecting = false;
	if (events & SOCKET_EVENT_GONE)
		d->socket = NULL;
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

static struct prefix prefix_of(uint32_t v4, uint8_t bits)
{
	return (struct prefix){.addr = ip_from_v4(v4), .bits = bits};
}

void world_create(struct world *w, struct script *s)
{
	struct interface_config link = {.name = "tun0", .mtu_bytes = s->mtu};
	struct prefix local = prefix_of(LOCAL_IP, 16);
	struct route route = {.destination = prefix_of(0, 0), .gateway = ip_from_v4(0)};
	int index;

	memset(w, 0, sizeof(*w));
	w->script = s;
	w->last = &w->first;
	w->next_fd = 3;
	w->next_remote_port = 53055;
	w->bound_port = LISTEN_PORT;
	w->start_ns = w->now_ns = 1000 * NSEC_PER_SEC;
	memset(w->config.secret, 0x5a, sizeof(w->config.secret));
	w->config.tcp_timestamps = w->config.tcp_sack = w->config.tcp_window_scaling = 0;
	for (unsigned i = 0; i < s->event_count && s->event[i].kind == EVENT_SHELL; i++)
		sysctl_apply(&w->config, s->event[i].text, s->event[i].line);
	w->mem = (struct mem){take, give, &w->allocated_bytes};
	w->owner = (struct stack_owner){.deliver = deliver, .deliver_datagram = deliver_datagram,
	    .datagram_error = datagram_error, .notify = notify, .accept_queued = accept_queued,
	    .address = address_told, .context = w};
	w->stack = stack_create(&w->config, &w->owner, &w->mem, w->now_ns);
	if (!w->stack)
		script_fail("the engine could not be made");
	index = stack_interface_add(w->stack, &link);
	if (index < 0 || stack_address_add(w->stack, (uint32_t)index, &local, false, w->now_ns) < 0)
		script_fail("the interface could not be made");
	w->interface = route.interface = (uint32_t)index;
	if (stack_route_add(w->stack, &route) < 0)
		script_fail("the route could not be made");
	world_settle(w);
}

void world_destroy(struct world *w)
{
	struct captured *p;

	if (w->stack)
		stack_destroy(w->stack);
	w->stack = NULL;
	while ((p = world_take_packet(w)))
		free(p);
	for (unsigned i = 0; i < w->connection_count; i++)
		free(w->connection[i].written);
}

double world_seconds(const struct world *w, uint64_t ns)
{
	return (double)(int64_t)(ns - w->start_ns) / 1e9;
}

uint8_t pattern_byte(uint32_t position)
{
	return (uint8_t)(position * 2654435761U >> 24);
}

/* ---- running ---- */

static void check_all(struct world *w)
{
	struct list *l;

	for (l = w->stack->sockets.next; l != &w->stack->sockets; l = l->next) {
		struct socket *so = container_of(l, struct socket, all);

		if (so->kind == SOCKET_TCP)
			tcp_check(tcb_of_const(so));
	}
}

static void try_pending(struct world *w)
{
	const struct event *e = w->pending;
	int64_t result;

	if (!e)
		return;
	result = call_try(w, e, false);
	if (result == CALL_BLOCKS)
		return;
	w->pending = NULL;
	if (w->pending_end_ns && (w->now_ns + (uint64_t)w->script->tolerance_ns < w->pending_end_ns ||
				     w->now_ns > w->pending_end_ns + (uint64_t)w->script->tolerance_ns))
		script_fail("line %u: %s returned at %.6f, not at %.6f", e->line, e->name,
		    world_seconds(w, w->now_ns), world_seconds(w, w->pending_end_ns));
	call_finish(w, e, result);
}

static bool drain(struct world *w)
{
	struct frame_out f;
	bool any = false;

	while (stack_output(w->stack, &f, w->now_ns)) {
		struct captured *p;

		if (f.interface != w->interface)
			continue;
		p = malloc(sizeof(*p) + PACKET_BYTES_MAX);
		p->next = NULL;
		p->time_ns = w->now_ns;
		p->bytes = frame_flatten(&f, p->data, PACKET_BYTES_MAX);
		*w->last = p;
		w->last = &p->next;
		any = true;
	}
	check_all(w);
	return any;
}

void world_settle(struct world *w)
{
	do {
		drain(w);
		try_pending(w);
	} while (stack_deadline(w->stack) <= w->now_ns && drain(w));
}

bool world_run(struct world *w, uint64_t until_ns, bool for_packet)
{
	unsigned idle = 0;

	for (;;) {
		uint64_t next;

		world_settle(w);
		if (for_packet && w->first)
			return true;
		next = stack_deadline(w->stack);
		if (next > until_ns)
			break;
		idle = next <= w->now_ns ? idle + 1 : 0;
		if (idle > 1000)
			script_fail("the engine's deadline lies in the past for ever (at %.6f)",
			    world_seconds(w, w->now_ns));
		if (next > w->now_ns)
			w->now_ns = next;
	}
	if (until_ns > w->now_ns)
		w->now_ns = until_ns;
	world_settle(w);
	return w->first != NULL;
}

struct captured *world_take_packet(struct world *w)
{
	struct captured *p = w->first;

	if (p) {
		w->first = p->next;
		if (!w->first)
			w->last = &w->first;
	}
	return p;
}

void world_inject(struct world *w, const uint8_t *packet, uint32_t bytes)
{
	/* A copy of its own size, so that a sanitizer sees every octet read too many. */
	uint8_t *copy = malloc(bytes);
	struct frame_in f = {.data = copy, .bytes = bytes};

	memcpy(copy, packet, bytes);
	stack_input(w->stack, w->interface, &f, w->now_ns);
	free(copy);
	world_settle(w);
}

/* ---- connections ---- */

struct connection *world_connection(struct world *w, uint16_t local_port, uint16_t remote_port)
{
	for (unsigned i = w->connection_count; i-- > 0;) {
		struct connection *c = &w->connection[i];

		if (c->local_port == local_port && c->remote_port == remote_port)
			return c;
	}
	return NULL;
}

struct connection *world_new_connection(struct world *w, uint16_t local_port, uint16_t remote_port)
{
	struct connection *c;

	if (w->connection_count == CONNECTIONS_MAX)
		script_fail("more than %d connections in one script", CONNECTIONS_MAX);
	c = &w->connection[w->connection_count++];
	*c = (struct connection){.local_port = local_port, .remote_port = remote_port};
	w->current = c;
	return c;
}
