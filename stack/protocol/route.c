/* SPDX-License-Identifier: MIT */
/* The routing table; see route.h. Routes are few and ways are cached, so it is a sorted array. */
#include "stack/protocol/route.h"

#include <errno.h>

#include "stack/protocol/interface.h"

int route_table_create(struct stack *s)
{
	s->routes = mem_take_zeroed(&s->mem, sizeof(*s->routes));
	if (!s->routes)
		return -ENOMEM;
	s->routes->generation = 1;
	return 0;
}

void route_table_destroy(struct stack *s)
{
	struct route_table *t = s->routes;

	if (!t)
		return;
	mem_give(&s->mem, t->route, t->capacity * sizeof(*t->route));
	mem_give(&s->mem, t, sizeof(*t));
	s->routes = NULL;
}

const struct route *route_lookup(const struct stack *s, const struct ip_addr *destination, uint32_t interface)
{
	const struct route_table *t = s->routes;

	for (uint32_t i = 0; i < t->count; i++) {
		const struct route *r = &t->route[i];

		if (interface && r->interface && r->interface != interface && r->kind == ROUTE_UNICAST)
			continue;
		if (prefix_contains(&r->destination, destination))
			return r;
	}
	return NULL;
}

static bool tried_before(const struct route *a, const struct route *b)
{
	bool a_local = a->kind == ROUTE_LOCAL;
	bool b_local = b->kind == ROUTE_LOCAL;

	if (a_local != b_local)
		return a_local;
	if (a->destination.bits != b->destination.bits)
		return a->destination.bits > b->destination.bits;
	return a->metric < b->metric;
}

static bool same_destination(const struct route *a, const struct route *b)
{
	return a->destination.bits == b->destination.bits && ip_equal(&a->destination.addr, &b->destination.addr) &&
	       a->metric == b->metric;
}

/* Two routes with the same metric may stand beside each other (two routers, two links); the one that
 * was there first is used. */
static bool is_same(const struct route *a, const struct route *b)
{
	return same_destination(a, b) && a->kind == b->kind && a->interface == b->interface && ip_equal(&a->gateway, &b->gateway);
}

static bool unspecified_or_equal(const struct ip_addr *wanted, const struct ip_addr *have)
{
	return ip_is_unspecified(wanted) || ip_equal(wanted, have);
}

/* Network bits only, so that equal networks compare equal. */
static struct prefix network_of(const struct prefix *p)
{
	struct prefix n = *p;
	unsigned bits = p->bits + (ip_is_v4(&p->addr) ? 96U : 0U);

	for (unsigned i = bits; i < 128; i++)
		n.addr.octet[i / 8] &= (uint8_t)~(0x80 >> i % 8);
	return n;
}

static int make_room(struct stack *s)
{
	struct route_table *t = s->routes;
	uint32_t capacity = t->capacity ? 2 * t->capacity : 16;
	struct route *route;

	if (t->count < t->capacity)
		return 0;
	if (t->count >= ROUTES_MAX)
		return -ENOSPC;
	route = mem_take(&s->mem, capacity * sizeof(*route));
	if (!route)
		return -ENOMEM;
	if (t->count)
		memcpy(route, t->route, t->count * sizeof(*route));
	mem_give(&s->mem, t->route, t->capacity * sizeof(*route));
	t->route = route;
	t->capacity = capacity;
	return 0;
}

static void tell(struct stack *s, const struct route *r, const char *text)
{
	struct trace_event e = {.kind = TRACE_ROUTE, .text = text, .interface = r->interface,
	    .local = {.addr = r->destination.addr}, .remote = {.addr = r->gateway},
	    .number = {r->destination.bits, r->metric}};

	if (trace_on(s))
		trace_emit(s, &e);
}

int route_insert(struct stack *s, const struct route *r)
{
	struct route_table *t = s->routes;
	struct route fresh = *r;
	uint32_t at = 0;
	int error;

	fresh.destination = network_of(&r->destination);
	for (uint32_t i = 0; i < t->count; i++)
		if (is_same(&t->route[i], &fresh))
			return -EEXIST;
	error = make_room(s);
	if (error)
		return error;
	while (at < t->count && !tried_before(&fresh, &t->route[at]))
		at++;
	memmove(&t->route[at + 1], &t->route[at], (t->count - at) * sizeof(*t->route));
	t->route[at] = fresh;
	t->count++;
	route_touch(s);
	tell(s, &fresh, "added");
	return 0;
}

static void remove_at(struct stack *s, uint32_t at)
{
	struct route_table *t = s->routes;
	struct route gone = t->route[at];

	t->count--;
	memmove(&t->route[at], &t->route[at + 1], (t->count - at) * sizeof(*t->route));
	route_touch(s);
	tell(s, &gone, "removed");
}

int route_delete(struct stack *s, const struct route *r)
{
	struct route_table *t = s->routes;
	struct prefix network = network_of(&r->destination);

	for (uint32_t i = 0; i < t->count; i++) {
		const struct route *have = &t->route[i];

		if (have->kind == r->kind && have->destination.bits == network.bits &&
		    ip_equal(&have->destination.addr, &network.addr) &&
		    (!r->metric || r->metric == have->metric) &&
		    (!r->interface || r->interface == have->interface) &&
		    unspecified_or_equal(&r->gateway, &have->gateway)) {
			remove_at(s, i);
			return 0;
		}
	}
	return -ESRCH;
}

void route_delete_interface(struct stack *s, uint32_t interface)
{
	for (uint32_t i = s->routes->count; i-- > 0;)
		if (s->routes->route[i].interface == interface)
			remove_at(s, i);
}

static bool prefix_is_sane(const struct prefix *p)
{
	return p->bits <= (ip_is_v4(&p->addr) ? 32 : 128);
}

int stack_route_add(struct stack *s, const struct route *r)
{
	struct route fresh = *r;
	const struct route *way;
	bool has_gateway = !ip_is_unspecified(&r->gateway);

	if (!prefix_is_sane(&r->destination))
		return -EINVAL;
	if (r->kind != ROUTE_UNICAST) {
		fresh.interface = r->kind == ROUTE_LOCAL ? STACK_LOOPBACK_INDEX : 0;
		return route_insert(s, &fresh);
	}
	if (has_gateway && ip_is_v4(&r->gateway) != ip_is_v4(&r->destination.addr))
		return -EINVAL;
	if (has_gateway && !fresh.interface) {
		/* Linux: a gateway must be on a link of ours ("Nexthop has invalid gateway"). */
		way = route_lookup(s, &r->gateway, 0);
		if (!way || way->kind != ROUTE_UNICAST || !ip_is_unspecified(&way->gateway))
			return -ENETUNREACH;
		fresh.interface = way->interface;
	}
	if (has_gateway && interface_address_find(s, 0, &r->gateway))
		return -EINVAL;
	if (!interface_find(s, fresh.interface))
		return -ENODEV;
	if (!ip_is_unspecified(&r->source) && !interface_address_find(s, 0, &r->source))
		return -EINVAL;
	/* Linux's "File exists": a program that adds a route means the only one. */
	fresh.destination = network_of(&r->destination);
	for (uint32_t i = 0; i < s->routes->count; i++)
		if (s->routes->route[i].kind != ROUTE_LOCAL && same_destination(&s->routes->route[i], &fresh))
			return -EEXIST;
	return route_insert(s, &fresh);
}

int stack_route_remove(struct stack *s, const struct route *r)
{
	struct route wanted = *r;

	if (!prefix_is_sane(&r->destination))
		return -EINVAL;
	if (r->kind != ROUTE_UNICAST)
		wanted.interface = 0;
	return route_delete(s, &wanted);
}

void stack_visit_routes(struct stack *s, void (*visit)(void *context, const struct route *r), void *context)
{
	for (uint32_t i = 0; i < s->routes->count; i++)
		visit(context, &s->routes->route[i]);
}
