/* SPDX-License-Identifier: MIT */
/* Looking inside: sockets and counters as `teachnet ss` and `teachnet stat` show them. The other
 * tables are visited by the files that own them. */
#include <string.h>

#include "stack/protocol/neighbour.h"
#include "stack/protocol/packet.h"
#include "stack/protocol/path.h"
#include "stack/protocol/reassembly.h"
#include "stack/protocol/route.h"
#include "stack/protocol/socket.h"

static void describe(const struct socket *so, struct socket_info *i)
{
	memset(i, 0, sizeof(*i));
	i->id = so->id;
	i->kind = so->kind;
	i->family = so->family;
	i->protocol = so->protocol;
	i->local = so->local;
	i->remote = so->remote;
	i->orphan = so->closing;
	i->state = so->connected ? "ESTAB" : "UNCONN";
	i->timer = "";
	so->ops->info(so, i);
}

void stack_visit_sockets(struct stack *s, uint64_t now_ns,
    void (*visit)(void *context, const struct socket_info *i), void *context)
{
	struct socket_info info;

	if (now_ns > s->now_ns)
		s->now_ns = now_ns;
	list_for_each(link, &s->sockets) {
		describe(container_of(link, struct socket, all), &info);
		visit(context, &info);
	}
	tcp_visit_minor(s, visit, context);
}

void stack_visit_counters(struct stack *s,
    void (*visit)(void *context, const char *name, const char *text, uint64_t value, uint64_t limit), void *context)
{
#define COUNTER(name, text) visit(context, #name, text, s->counters.name, 0);
#include "stack/protocol/counters.def"
#undef COUNTER
	visit(context, "memory_bytes", "memory in use by the stack", s->memory_used_bytes,
	    s->config.memory_max_bytes);
	visit(context, "sockets", "sockets", s->socket_count, s->config.sockets_max);
	visit(context, "timers", "timers armed", s->timers.count, s->timers.capacity);
	visit(context, "neighbours", "neighbours known", neighbour_count(s), s->config.neighbours_max);
	visit(context, "routes", "routes", s->routes->count, ROUTES_MAX);
	visit(context, "paths", "destinations with a path MTU of their own", path_count(s), PATHS_MAX);
	visit(context, "reassembly_bytes", "bytes of fragments that wait for others", reassembly_bytes(s),
	    REASSEMBLY_BYTES_MAX);
	visit(context, "packets_waiting", "packets that wait for the driver", s->packets->count,
	    s->packets->count_max);
	visit(context, "packets_waiting_bytes", "memory of these packets", s->packets->bytes,
	    s->packets->bytes_max);
	tcp_visit_bounds(s, visit, context);
}

uint64_t stack_out_of_order(const struct stack *s)
{
	return s->counters.tcp_in_out_of_order;
}
