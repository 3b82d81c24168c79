/* SPDX-License-Identifier: MIT */
/*
 * Who has which port: TCP, UDP and the identifiers of ping sockets, each kind with a space of its
 * own; raw sockets are filed under their protocol. The rules of who may share are Linux's
 * (socket(7), SO_REUSEADDR and SO_REUSEPORT; ip(7)): programs are written for them.
 *
 * A bucket is a port in use. Those who asked for the port by bind() stand in `bound`; connections
 * that were given one by connect(), accepted ones and TIME-WAIT stand in `shared`: so looking for a
 * listener never walks over its ten thousand connections.
 */
#include <errno.h>
#include <string.h>

#include "stack/base/check.h"
#include "stack/protocol/socket.h"

struct port_table {
	struct hash_table buckets;
};

struct port_bucket {
	struct hash_link link;
	enum socket_kind kind;
	uint16_t port;
	struct list bound;
	struct list shared;
};

int ports_create(struct stack *s)
{
	int error;

	s->ports = mem_take_zeroed(&s->mem, sizeof(*s->ports));
	if (!s->ports)
		return -ENOMEM;
	error = hash_table_init(&s->ports->buckets, &s->mem);
	if (error) {
		mem_give(&s->mem, s->ports, sizeof(*s->ports));
		s->ports = NULL;
	}
	return error;
}

void ports_destroy(struct stack *s)
{
	if (!s->ports)
		return;
	CHECK(s->ports->buckets.count == 0);
	hash_table_destroy(&s->ports->buckets);
	mem_give(&s->mem, s->ports, sizeof(*s->ports));
	s->ports = NULL;
}

/* ---- buckets ---- */

static uint64_t hash_port(const struct stack *s, enum socket_kind kind, uint16_t port)
{
	uint32_t key = (uint32_t)kind << 16 | port;

	return siphash(&s->key, &key, sizeof(key));
}

static struct port_bucket *bucket_find(const struct stack *s, enum socket_kind kind, uint16_t port)
{
	struct hash_link *l = hash_first(&s->ports->buckets, hash_port(s, kind, port));

	for (; l; l = hash_next(l)) {
		struct port_bucket *b = container_of(l, struct port_bucket, link);

		if (b->kind == kind && b->port == port)
			return b;
	}
	return NULL;
}

static struct port_bucket *bucket_make(struct stack *s, enum socket_kind kind, uint16_t port)
{
	struct port_bucket *b = bucket_find(s, kind, port);

	if (b)
		return b;
	b = mem_take_zeroed(&s->mem, sizeof(*b));
	if (!b)
		return NULL;
	b->kind = kind;
	b->port = port;
	list_init(&b->bound);
	list_init(&b->shared);
	hash_insert(&s->ports->buckets, &b->link, hash_port(s, kind, port));
	return b;
}

static void fill_entry(struct socket *so, const struct ip_addr *addr)
{
	struct port_entry *e = &so->port;

	e->socket = so;
	e->addr = *addr;
	e->interface = so->bound_interface;
	e->v6_only = so->family == 6 && so->option.v6_only;
	e->reuse_address = so->option.reuse_address;
	e->reuse_port = so->option.reuse_port;
	e->listening = false;
}

static int enter(struct socket *so, const struct ip_addr *addr, uint16_t port, bool shared)
{
	struct port_bucket *b;

	port_release(so);
	b = bucket_make(so->stack, so->kind, port);
	if (!b)
		return -ENOMEM;
	fill_entry(so, addr);
	so->port.bucket = b;
	/* The newest first: among equals, Linux finds it first. */
	list_prepend(shared ? &b->shared : &b->bound, &so->port.link);
	so->local = (struct endpoint){.addr = *addr, .port = port, .scope = so->local.scope};
	so->bound = true;
	return 0;
}

void port_entry_release(struct stack *s, struct port_entry *e)
{
	struct port_bucket *b = e->bucket;

	if (!b)
		return;
	list_remove(&e->link);
	e->bucket = NULL;
	if (!list_empty(&b->bound) || !list_empty(&b->shared))
		return;
	hash_remove(&s->ports->buckets, &b->link);
	mem_give(&s->mem, b, sizeof(*b));
}

void port_release(struct socket *so)
{
	port_entry_release(so->stack, &so->port);
	so->bound = false;
}

void port_set_address(struct socket *so, const struct ip_addr *addr)
{
	so->local.addr = so->port.addr = *addr;
}

void port_hand_over(struct socket *so, struct port_entry *heir)
{
	*heir = so->port;
	heir->socket = NULL;
	heir->listening = false;
	list_init(&heir->link);
	if (!heir->bucket)
		return;
	list_append(&heir->bucket->shared, &heir->link);
	list_remove(&so->port.link);
	so->port.bucket = NULL;
	so->bound = false;
}

void port_share(struct socket *child, struct socket *listener)
{
	CHECK(listener->port.bucket && !child->port.bucket);
	fill_entry(child, &child->local.addr);
	child->port.bucket = listener->port.bucket;
	list_append(&listener->port.bucket->shared, &child->port.link);
	child->local.port = listener->local.port;
	child->bound = true;
}

/* ---- who may share ---- */

/* Could one packet be for both of these local addresses? */
static bool addresses_overlap(const struct port_entry *a, const struct port_entry *b)
{
	bool a_any = ip_is_unspecified(&a->addr), b_any = ip_is_unspecified(&b->addr);
	bool a_v4 = ip_is_v4(&a->addr), b_v4 = ip_is_v4(&b->addr);

	if (!a_any && !b_any)
		return ip_equal(&a->addr, &b->addr);
	if (a_v4 == b_v4)
		return true;
	/* Different families meet only in a dual-stack wildcard. */
	return (!a_v4 && a_any && !a->v6_only) || (!b_v4 && b_any && !b->v6_only);
}

static bool conflicts(enum socket_kind kind, const struct port_entry *old, const struct port_entry *new)
{
	if (kind == SOCKET_RAW || old == new)
		return false;
	if (old->interface && new->interface && old->interface != new->interface)
		return false;
	/* What counts of the one that is there is its setting now, not when it was bound. */
	if ((old->socket ? old->socket->option.reuse_address : old->reuse_address) && new->reuse_address &&
	    !old->listening)
		return false;
	if (old->reuse_port && new->reuse_port)
		return false;
	return addresses_overlap(old, new);
}

static bool list_conflicts(enum socket_kind kind, const struct list *entries, const struct port_entry *new)
{
	list_for_each(link, entries)
		if (conflicts(kind, container_of(link, struct port_entry, link), new))
			return true;
	return false;
}

static bool port_is_taken(struct socket *so, const struct ip_addr *addr, uint16_t port)
{
	const struct port_bucket *b = bucket_find(so->stack, so->kind, port);
	struct port_entry wanted = {.addr = *addr, .interface = so->bound_interface,
	    .v6_only = so->family == 6 && so->option.v6_only,
	    .reuse_address = so->option.reuse_address, .reuse_port = so->option.reuse_port};

	return b && (list_conflicts(so->kind, &b->bound, &wanted) ||
	                list_conflicts(so->kind, &b->shared, &wanted));
}

int port_check_listen(struct socket *so)
{
	const struct port_bucket *b = so->port.bucket;

	CHECK(b);
	if (list_conflicts(so->kind, &b->bound, &so->port))
		return -EADDRINUSE;
	so->port.listening = true;
	return 0;
}

/* ---- binding ---- */

/* A walk over the ephemeral ports that starts anywhere and meets each once. */
struct walk {
	uint32_t first, count, start, step;
};

static struct walk walk_begin(struct stack *s, uint32_t start)
{
	struct walk w = {.first = s->config.port_first,
	    .count = (uint32_t)(s->config.port_last - s->config.port_first) + 1};

	w.start = start % w.count;
	return w;
}

static bool walk_next(struct walk *w, uint16_t *port)
{
	if (w->step == w->count)
		return false;
	*port = (uint16_t)(w->first + (w->start + w->step++) % w->count);
	return true;
}

int port_bind(struct socket *so, const struct endpoint *local)
{
	struct walk w;
	uint16_t port;

	if (so->kind == SOCKET_RAW)
		return enter(so, &local->addr, so->protocol, false);
	if (local->port) {
		if (port_is_taken(so, &local->addr, local->port))
			return -EADDRINUSE;
		return enter(so, &local->addr, local->port, false);
	}
	w = walk_begin(so->stack, (uint32_t)random_next(&so->stack->random));
	while (walk_next(&w, &port))
		if (!port_is_taken(so, &local->addr, port))
			return enter(so, &local->addr, port, false);
	return -EADDRINUSE;
}

/* RFC 6056 algorithm 3: where the walk starts depends on the destination and on a secret, and a
 * counter moves it on, so that ports are hard to guess and are not used again soon. */
static uint32_t connect_start(struct stack *s, const struct endpoint *local, const struct endpoint *remote)
{
	struct {
		struct ip_addr local, remote;
		uint32_t port;
	} key = {local->addr, remote->addr, remote->port};

	return (uint32_t)siphash(&s->key, &key, sizeof(key)) + (uint32_t)s->counters.tcp_active_opens * 2 +
	       random_below(&s->random, 8);
}

int port_bind_for_connect(struct socket *so, const struct endpoint *local, const struct endpoint *remote,
    bool (*is_free)(struct socket *so, const struct endpoint *local, const struct endpoint *remote))
{
	struct walk w = walk_begin(so->stack, connect_start(so->stack, local, remote));
	struct endpoint candidate = *local;

	while (walk_next(&w, &candidate.port)) {
		const struct port_bucket *b = bucket_find(so->stack, so->kind, candidate.port);

		if (b && (!list_empty(&b->bound) || !is_free(so, &candidate, remote)))
			continue;
		return enter(so, &candidate.addr, candidate.port, true);
	}
	return -EADDRNOTAVAIL;
}

/* ---- finding the socket that a packet is for ---- */

/* Linux's score: the more of a packet a socket names, the better; -1: not for this socket. */
static int score(const struct port_entry *e, const struct endpoint *local,
    const struct endpoint *remote, uint32_t interface)
{
	const struct socket *so = e->socket;
	int points = so->family == 4 ? 1 : 0;

	if (so->family == 4 && !ip_is_v4(&local->addr))
		return -1;
	if (so->family == 6 && e->v6_only && ip_is_v4(&local->addr))
		return -1;
	if (!ip_is_unspecified(&e->addr)) {
		if (!ip_equal(&e->addr, &local->addr))
			return -1;
		points += 4;
	}
	if (so->connected) {
		if (!ip_equal(&so->remote.addr, &remote->addr))
			return -1;
		if (so->kind == SOCKET_UDP && so->remote.port != remote->port)
			return -1;
		points += 8;
	}
	if (so->bound_interface) {
		if (so->bound_interface != interface)
			return -1;
		points += 4;
	}
	return points;
}

static uint32_t flow_hash(const struct stack *s, const struct endpoint *local, const struct endpoint *remote)
{
	struct {
		struct ip_addr local, remote;
		uint16_t local_port, remote_port;
	} key = {local->addr, remote->addr, local->port, remote->port};

	return (uint32_t)siphash(&s->key, &key, sizeof(key));
}

struct socket *port_find(struct stack *s, enum socket_kind kind, uint8_t protocol, const struct endpoint *local,
    const struct endpoint *remote, uint32_t interface, bool (*accepts)(const struct socket *so))
{
	struct port_bucket *b = bucket_find(s, kind, local->port);
	struct socket *best = NULL;
	uint32_t flow = flow_hash(s, local, remote);
	int best_score = -1;
	uint32_t equals = 0;

	if (!b)
		return NULL;
	list_for_each(link, &b->bound) {
		const struct port_entry *e = container_of(link, struct port_entry, link);
		int points;

		if (e->socket->protocol != protocol || (accepts && !accepts(e->socket)))
			continue;
		points = score(e, local, remote, interface);
		if (points < 0 || points < best_score)
			continue;
		if (points > best_score) {
			best_score = points;
			best = e->socket;
			equals = 1;
			continue;
		}
		/* Equals of a SO_REUSEPORT group: each flow stays with one of them. The n-th takes the
		 * place with a chance of 1/n, drawn from the flow's hash, so no second walk is needed. */
		if (e->reuse_port && best->option.reuse_port) {
			flow = flow * 1664525U + 1013904223U;
			if ((uint64_t)flow * ++equals >> 32 == 0)
				best = e->socket;
		}
	}
	return best;
}

void port_for_each(struct stack *s, enum socket_kind kind, const struct endpoint *local,
    const struct endpoint *remote, uint32_t interface,
    void (*visit)(struct socket *so, void *context), void *context)
{
	struct port_bucket *b = bucket_find(s, kind, local->port);

	if (!b)
		return;
	list_for_each_safe(link, &b->bound) {
		const struct port_entry *e = container_of(link, struct port_entry, link);

		if (score(e, local, remote, interface) >= 0)
			visit(e->socket, context);
	}
}
