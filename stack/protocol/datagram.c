/* SPDX-License-Identifier: MIT */
/* What UDP, ping and raw sockets share; see datagram.h. Linux is the specification (ip(7)). */
#include "stack/protocol/datagram.h"

#include <errno.h>
#include <netinet/in.h>

#include "stack/base/check.h"
#include "stack/protocol/multicast.h"

#define DEFAULT_TTL 64

static const struct socket_ops *ops_of(enum socket_kind kind)
{
	switch (kind) {
	case SOCKET_UDP:
		return &udp_socket_ops;
	case SOCKET_ICMP:
		return &ping_socket_ops;
	case SOCKET_RAW:
		return &raw_socket_ops;
	case SOCKET_TCP:
		break;
	}
	return NULL;
}

int datagram_socket_create(struct stack *s, enum socket_kind kind, uint8_t family, uint8_t protocol,
    uint64_t id, void *user, struct socket **out)
{
	const struct socket_ops *ops = ops_of(kind);
	struct datagram_socket *ds;
	int error;

	CHECK(ops);
	ds = mem_take_zeroed(&s->mem, sizeof(*ds));
	if (!ds)
		return -ENOBUFS;
	list_init(&ds->memberships);
	error = socket_setup(&ds->socket, s, ops, kind, family, protocol, id, user);
	if (error) {
		mem_give(&s->mem, ds, sizeof(*ds));
		return error;
	}
	if (kind == SOCKET_RAW) /* hears its protocol from the start */
		error = port_bind(&ds->socket, &ds->socket.local);
	if (error) {
		datagram_abort(&ds->socket);
		return error;
	}
	*out = &ds->socket;
	return 0;
}

void datagram_sockets_destroy(struct stack *s)
{
	list_for_each_safe(link, &s->sockets) {
		struct socket *so = container_of(link, struct socket, all);

		if (so->kind != SOCKET_TCP)
			datagram_abort(so);
	}
}

void datagram_abort(struct socket *so)
{
	struct stack *s = so->stack;

	multicast_leave_all(so);
	socket_teardown(so);
	mem_give(&s->mem, datagram_of(so), sizeof(struct datagram_socket));
}

void datagram_close(struct socket *so, bool unread)
{
	(void)unread;
	socket_notify(so, SOCKET_EVENT_GONE);
	datagram_abort(so);
}

int datagram_shutdown(struct socket *so, unsigned how)
{
	datagram_of(so)->shut |= how;
	return so->connected ? 0 : -ENOTCONN;
}

void datagram_info(const struct socket *so, struct socket_info *out)
{
	out->state = so->connected ? "ESTAB" : "UNCONN";
}

/* ---- the way out ---- */

static bool is_blank(const struct endpoint *e)
{
	return e->port == 0 && ip_is_unspecified(&e->addr);
}

/* Linux sends what is meant for 0.0.0.0 or :: to this host itself. */
static struct ip_addr real_destination(const struct ip_addr *a)
{
	static const struct ip_addr loopback6 = {.octet = {[15] = 1}};

	if (!ip_is_unspecified(a))
		return *a;
	return ip_is_v4(a) ? ip_from_v4(INADDR_LOOPBACK) : loopback6;
}

static uint32_t outgoing_interface(const struct socket *so, const struct ip_addr *destination, uint32_t asked)
{
	if (so->bound_interface)
		return so->bound_interface;
	if (asked)
		return asked;
	if (!ip_is_multicast(destination))
		return 0;
	return ip_is_v4(destination) ? so->option.multicast_interface : so->option.multicast_interface6;
}

static uint8_t outgoing_ttl(const struct socket *so, const struct ip_addr *destination, int16_t asked)
{
	bool v4 = ip_is_v4(destination);
	int16_t own = v4 ? so->option.ttl : so->option.hop_limit;

	if (asked >= 0)
		return (uint8_t)asked;
	if (ip_is_multicast(destination))
		return (uint8_t)(v4 ? so->option.multicast_ttl : so->option.multicast_hops);
	return (uint8_t)(own < 0 ? DEFAULT_TTL : own);
}

static uint8_t mtu_discovery(const struct socket *so, const struct ip_addr *destination)
{
	return ip_is_v4(destination) ? so->option.mtu_discover : so->option.mtu_discover6;
}

static bool fragmentation_forbidden(const struct socket *so, const struct ip_addr *destination)
{
	uint8_t mode = mtu_discovery(so, destination);

	return mode == IP_PMTUDISC_DO || mode == IP_PMTUDISC_PROBE;
}

static int bind_if_needed(struct socket *so)
{
	struct endpoint any = {.addr = so->local.addr};

	if (so->bound)
		return 0;
	return port_bind(so, &any) ? -EAGAIN : 0;
}

static void fill_flow(const struct socket *so, const struct datagram *d, struct datagram_way *way)
{
	bool v4 = ip_is_v4(&way->remote.addr);

	way->flow.source = way->path.source;
	way->flow.destination = way->remote.addr;
	way->flow.protocol = so->protocol;
	way->flow.ttl = outgoing_ttl(so, &way->remote.addr, d->ttl);
	way->flow.tos = d->tos >= 0 ? (uint8_t)d->tos : v4 ? so->option.tos : so->option.traffic_class;
	way->flow.dont_fragment = fragmentation_forbidden(so, &way->remote.addr);
	way->flow.no_loop = !(v4 ? so->option.multicast_loop : so->option.multicast_loop6);
	way->flow.discover_mtu = mtu_discovery(so, &way->remote.addr) == IP_PMTUDISC_WANT;
	/* PROBE, INTERFACE and OMIT do not believe what was learned of the path. */
	if (mtu_discovery(so, &way->remote.addr) >= IP_PMTUDISC_PROBE)
		way->path.mtu_bytes = ip_link_mtu(so->stack, &way->path);
}

int datagram_route(struct socket *so, const struct datagram *d, struct datagram_way *way)
{
	const struct ip_addr *source = ip_is_unspecified(&d->local) ? &so->local.addr : &d->local;
	uint32_t interface;
	int error;

	if (datagram_of(so)->shut & SOCKET_SHUT_WRITE)
		return -EPIPE;
	if (is_blank(&d->remote) && !so->connected)
		return -EDESTADDRREQ;
	way->remote = is_blank(&d->remote) ? so->remote : d->remote;
	if (!way->remote.port && so->kind == SOCKET_UDP)
		return -EINVAL;
	error = bind_if_needed(so);
	if (error)
		return error;
	way->remote.addr = real_destination(&way->remote.addr);
	interface = outgoing_interface(so, &way->remote.addr, d->interface ? d->interface : way->remote.scope);
	if (ip_is_multicast(source) || ip_is_unspecified(source) || ip_is_broadcast_here(so->stack, source))
		source = NULL;
	if (is_blank(&d->remote) && source == &so->local.addr && interface == so->bound_interface) {
		error = ip_path_refresh(so->stack, &way->remote.addr, source, interface, &so->path);
		way->path = so->path;
	} else {
		error = ip_path_find(so->stack, &way->remote.addr, source, interface, &way->path);
	}
	if (error)
		return error;
	if (way->path.broadcast && !so->option.broadcast)
		return -EACCES;
	if (source)
		way->path.source = *source;
	fill_flow(so, d, way);
	return 0;
}

/* ---- connect ---- */

static int dissolve(struct socket *so)
{
	so->connected = false;
	so->remote = (struct endpoint){.addr = so->family == 4 ? ip_from_v4(0) : (struct ip_addr){{0}}};
	so->path.generation = 0;
	if (!so->bound_address)
		port_set_address(so, &so->remote.addr);
	if (!so->bound_port && so->kind != SOCKET_RAW) {
		port_release(so);
		so->local.port = 0;
	}
	return 0;
}

int datagram_connect(struct socket *so, const struct endpoint *remote)
{
	struct ip_path path = {0};
	struct ip_addr destination;
	const struct ip_addr *source = NULL;
	int error;

	if (!remote)
		return dissolve(so);
	destination = real_destination(&remote->addr);
	if (so->bound_address && !ip_is_multicast(&so->local.addr))
		source = &so->local.addr;
	error = ip_path_find(so->stack, &destination, source,
	    outgoing_interface(so, &destination, remote->scope), &path);
	if (error)
		return error;
	if (path.broadcast && !so->option.broadcast)
		return -EACCES;
	error = bind_if_needed(so);
	if (error)
		return error;
	if (!so->bound_address)
		port_set_address(so, &path.source);
	so->remote = *remote;
	so->remote.addr = destination;
	so->path = path;
	so->connected = true;
	return 0;
}

/* ---- the way in ---- */

bool datagram_deliver(struct socket *so, const struct ip_packet *p, uint16_t remote_port,
    const struct span *part, unsigned parts)
{
	struct datagram d = {
	    .remote = {.addr = p->source, .port = remote_port,
	        .scope = ip_is_link_local(&p->source) ? p->interface : 0},
	    .local = p->destination,
	    .interface = p->interface,
	    .ttl = p->ttl,
	    .tos = p->tos,
	    .gso_bytes = p->gso_bytes,
	    .time_ns = so->stack->now_ns,
	    .checksum_verified = p->checksum_verified,
	};
	struct trace_event e = {.kind = TRACE_DELIVERED, .socket_id = so->id};

	if (datagram_of(so)->shut & SOCKET_SHUT_READ || !so->user)
		return false;
	if (!so->stack->owner.deliver_datagram(so->user, &d, part, parts))
		return false;
	if (trace_on(so->stack)) {
		for (unsigned i = 0; i < parts; i++)
			e.number[0] += part[i].bytes;
		e.remote = d.remote;
		trace_emit(so->stack, &e);
	}
	return true;
}

void datagram_fail(struct socket *so, const struct ip_error *e, uint16_t remote_port, struct span payload)
{
	bool asked = ip_is_v4(&e->destination) ? so->option.receive_error : so->option.receive_error6;
	uint8_t mode = mtu_discovery(so, &e->destination);
	bool discovers = mode != IP_PMTUDISC_DONT;
	bool hard = e->error == EMSGSIZE ? discovers : e->hard;
	struct datagram_error out = {
	    .error = e->error,
	    .origin = ip_is_v4(&e->destination) ? 2 /* SO_EE_ORIGIN_ICMP */ : 3 /* SO_EE_ORIGIN_ICMP6 */,
	    .type = e->type,
	    .code = e->code,
	    .info = e->mtu_bytes,
	    .remote = {.addr = e->destination, .port = remote_port},
	    .offender = e->offender,
	};

	if (e->mtu_bytes && mode != IP_PMTUDISC_INTERFACE && mode != IP_PMTUDISC_OMIT)
		ip_path_lower_mtu(so->stack, &e->destination, e->mtu_bytes);
	if (!so->user || (!asked && !(hard && so->connected)))
		return;
	so->stack->owner.datagram_error(so->user, &out, payload);
}
