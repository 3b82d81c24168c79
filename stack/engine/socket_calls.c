/* SPDX-License-Identifier: MIT */
/*
 * The public socket_* calls: what is the same for all kinds of sockets, in the order in which Linux
 * checks it, before the kind's own part (struct socket_ops) is asked.
 */
#include <errno.h>
#include <string.h>

#include "stack/engine/engine.h"
#include "stack/protocol/socket.h"

int socket_create(struct stack *s, enum socket_kind kind, uint8_t family, uint8_t protocol,
    uint64_t id, void *user, uint64_t now_ns, struct socket **out)
{
	struct trace_event e = {.kind = TRACE_SOCKET_OPENED, .socket_id = id};
	int error;

	engine_enter(s, now_ns);
	if (family != 4 && !(family == 6 && stack_has_ipv6(s)))
		return -EAFNOSUPPORT;
	if (s->socket_count >= s->config.sockets_max)
		return -ENFILE;
	error = kind == SOCKET_TCP ? tcp_socket_create(s, family, id, user, out)
				   : datagram_socket_create(s, kind, family, protocol, id, user, out);
	if (!error && trace_on(s)) {
		e.text = (*out)->ops->name;
		trace_emit(s, &e);
	}
	return error;
}

/* Can a socket of this family use this address at all? */
static int check_family(const struct socket *so, const struct ip_addr *a)
{
	if (so->family == 4)
		return ip_is_v4(a) ? 0 : -EAFNOSUPPORT;
	if (ip_is_v4(a) && so->option.v6_only)
		return -ENETUNREACH;
	return 0;
}

static int check_local_address(const struct socket *so, const struct ip_addr *a)
{
	if (ip_is_unspecified(a) || so->option.ip_free_bind || ip_is_local(so->stack, a))
		return 0;
	if (so->kind != SOCKET_TCP && (ip_is_multicast(a) || ip_is_broadcast_here(so->stack, a)))
		return 0;
	return -EADDRNOTAVAIL;
}

/* RFC 4007: an address of a link needs the link, by its scope or the interface that the socket is bound
 * to; Linux then binds the socket to it. */
static int check_scope(struct socket *so, const struct endpoint *e)
{
	if (ip_is_v4(&e->addr) || !ip_is_link_local(&e->addr))
		return 0;
	if (e->scope && so->bound_interface && so->bound_interface != e->scope)
		return -EINVAL;
	if (e->scope)
		so->bound_interface = e->scope;
	return so->bound_interface ? 0 : -EINVAL;
}

int socket_bind(struct socket *so, const struct endpoint *local, uint64_t now_ns)
{
	struct trace_event e = {.kind = TRACE_SOCKET_BOUND, .socket_id = so->id};
	int error;

	engine_enter(so->stack, now_ns);
	error = check_family(so, &local->addr);
	if (!error)
		error = check_scope(so, local);
	if (!error)
		error = check_local_address(so, &local->addr);
	if (error)
		return error;
	if (so->bound && so->kind != SOCKET_RAW)
		return -EINVAL;
	error = port_bind(so, local);
	if (error)
		return error;
	so->bound_address = !ip_is_unspecified(&local->addr);
	so->bound_port = local->port != 0;
	if (trace_on(so->stack)) {
		e.local = so->local;
		trace_emit(so->stack, &e);
	}
	return 0;
}

int socket_connect(struct socket *so, const struct endpoint *remote, uint64_t now_ns)
{
	int error;

	engine_enter(so->stack, now_ns);
	if (!so->ops->connect)
		return -EOPNOTSUPP;
	error = remote ? check_family(so, &remote->addr) : 0;
	if (!error && remote)
		error = check_scope(so, remote);
	return error ? error : so->ops->connect(so, remote);
}

int socket_listen(struct socket *so, int backlog, uint64_t now_ns)
{
	engine_enter(so->stack, now_ns);
	return so->ops->listen ? so->ops->listen(so, backlog) : -EOPNOTSUPP;
}

struct socket *socket_accept(struct socket *so, uint64_t id, void *user, uint64_t now_ns)
{
	engine_enter(so->stack, now_ns);
	return so->ops->accept ? so->ops->accept(so, id, user) : NULL;
}

unsigned socket_send_space(struct socket *so, struct space out[2])
{
	return so->ops->send_space ? so->ops->send_space(so, out) : 0;
}

void socket_send_commit(struct socket *so, uint32_t bytes, bool urgent, bool more, uint64_t now_ns)
{
	engine_enter(so->stack, now_ns);
	so->ops->send_commit(so, bytes, urgent, more);
}

unsigned socket_receive_spans(struct socket *so, struct span out[2], bool *urgent_at_end)
{
	*urgent_at_end = false;
	return so->ops->receive_spans ? so->ops->receive_spans(so, out, urgent_at_end) : 0;
}

void socket_receive_consume(struct socket *so, uint32_t bytes, uint64_t now_ns)
{
	engine_enter(so->stack, now_ns);
	so->ops->receive_consume(so, bytes);
}

int socket_send_datagram(struct socket *so, const struct datagram *d, struct span payload, uint64_t now_ns)
{
	int error = 0;

	engine_enter(so->stack, now_ns);
	if (!so->ops->send_datagram)
		return -EOPNOTSUPP;
	if (d->remote.port || !ip_is_unspecified(&d->remote.addr))
		error = check_family(so, &d->remote.addr);
	return error ? error : so->ops->send_datagram(so, d, payload);
}

int socket_shutdown(struct socket *so, unsigned how, uint64_t now_ns)
{
	engine_enter(so->stack, now_ns);
	return so->ops->shutdown(so, how);
}

void socket_close(struct socket *so, bool unread, uint64_t now_ns)
{
	engine_enter(so->stack, now_ns);
	so->closing = true;
	so->ops->close(so, unread);
}

void socket_abort(struct socket *so, uint64_t now_ns)
{
	engine_enter(so->stack, now_ns);
	so->closing = true;
	so->user = NULL;
	so->ops->abort(so);
}

/* The kind's own levels first, so that it can refine what is common. */
int socket_set_option(struct socket *so, int level, int name, const void *value, uint32_t bytes, uint64_t now_ns)
{
	int error = -ENOPROTOOPT;

	engine_enter(so->stack, now_ns);
	if (so->ops->set_option)
		error = so->ops->set_option(so, level, name, value, bytes);
	if (error != -ENOPROTOOPT)
		return error;
	error = option_set(so, level, name, value, bytes);
	if (!error && so->ops->option_changed)
		so->ops->option_changed(so, level, name);
	return error;
}

/* Linux asks level by level: of a level that an IPv4 socket does not have, it says so. */
static bool has_level(const struct socket *so, int level)
{
	enum { LEVEL_IP = 0, LEVEL_SOCKET = 1, LEVEL_TCP = 6, LEVEL_UDP = 17 };

	return so->family != 4 || level == LEVEL_SOCKET || level == LEVEL_IP ||
	    (so->kind == SOCKET_TCP && level == LEVEL_TCP) || (so->kind == SOCKET_UDP && level == LEVEL_UDP);
}

int socket_get_option(struct socket *so, int level, int name, void *value, uint32_t *bytes, uint64_t now_ns)
{
	int error = -ENOPROTOOPT;

	engine_enter(so->stack, now_ns);
	if (so->ops->get_option)
		error = so->ops->get_option(so, level, name, value, bytes);
	if (error == -ENOPROTOOPT)
		error = option_get(so, level, name, value, bytes);
	return error == -ENOPROTOOPT && !has_level(so, level) ? -EOPNOTSUPP : error;
}

int socket_take_error(struct socket *so)
{
	int error = so->error;

	so->error = 0;
	return error;
}

static void queues(const struct socket *so, uint32_t *unsent, uint32_t *unacked, uint32_t *unread)
{
	*unsent = *unacked = *unread = 0;
	if (so->ops->queues)
		so->ops->queues(so, unsent, unacked, unread);
}

uint32_t socket_unsent_bytes(const struct socket *so)
{
	uint32_t unsent, unacked, unread;

	queues(so, &unsent, &unacked, &unread);
	return unsent;
}

uint32_t socket_unacked_bytes(const struct socket *so)
{
	uint32_t unsent, unacked, unread;

	queues(so, &unsent, &unacked, &unread);
	return unacked;
}

uint32_t socket_unread_bytes(const struct socket *so)
{
	uint32_t unsent, unacked, unread;

	queues(so, &unsent, &unacked, &unread);
	return unread;
}

void socket_local(const struct socket *so, struct endpoint *out)
{
	*out = so->local;
}

int socket_peer(const struct socket *so, struct endpoint *out)
{
	if (!so->connected)
		return -ENOTCONN;
	*out = so->remote;
	return 0;
}

uint64_t socket_id(const struct socket *so)
{
	return so->id;
}
