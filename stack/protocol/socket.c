/* SPDX-License-Identifier: MIT */
/* The common part of every socket: set-up with Linux's defaults, and taking it out of all tables. */
#include "stack/protocol/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

/* net.core.wmem_default and rmem_default, which datagram sockets begin with. */
#define BUFFER_DEFAULT_BYTES 212992U

static const struct socket_options defaults = {
    .send_buffer_bytes = BUFFER_DEFAULT_BYTES,
    .receive_buffer_bytes = BUFFER_DEFAULT_BYTES,
    .receive_low_water = 1,
    .max_pacing_bytes_per_s = UINT64_MAX,
    .ttl = -1,
    .hop_limit = -1,
    .multicast_ttl = 1,
    .multicast_hops = 1,
    .multicast_loop = true,
    .multicast_loop6 = true,
    .multicast_all = true,
    .multicast_all6 = true,
    .mtu_discover = IP_PMTUDISC_WANT,
    .mtu_discover6 = IPV6_PMTUDISC_WANT,
    .incoming_cpu = -1,
};

int socket_setup(struct socket *so, struct stack *s, const struct socket_ops *ops,
    enum socket_kind kind, uint8_t family, uint8_t protocol, uint64_t id, void *user)
{
	if (s->socket_count >= s->config.sockets_max)
		return -ENFILE;
	so->stack = s;
	so->ops = ops;
	so->kind = kind;
	so->family = family;
	so->protocol = protocol;
	so->id = id;
	so->user = user;
	so->option = defaults;
	if (family == 4)
		so->local.addr = so->remote.addr = ip_from_v4(0);
	list_init(&so->ready);
	list_init(&so->port.link);
	list_append(&s->sockets, &so->all);
	s->socket_count++;
	return 0;
}

void socket_teardown(struct socket *so)
{
	struct trace_event e = {.kind = TRACE_SOCKET_CLOSED, .socket_id = so->id, .local = so->local,
	    .remote = so->remote, .text = so->ops->name};

	if (trace_on(so->stack))
		trace_emit(so->stack, &e);
	port_release(so);
	list_remove(&so->ready);
	list_remove(&so->all);
	so->stack->socket_count--;
}

void socket_fail(struct socket *so, int error)
{
	so->error = error;
	socket_notify(so, SOCKET_EVENT_ERROR);
}
