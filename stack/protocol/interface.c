/* SPDX-License-Identifier: MIT */
/* Interfaces and addresses; see interface.h. */
#include "stack/protocol/interface.h"

#include <errno.h>

#include "stack/protocol/acd.h"
#include "stack/protocol/multicast.h"
#include "stack/protocol/nd.h"
#include "stack/protocol/neighbour.h"
#include "stack/protocol/route.h"

#define MTU_MIN_BYTES 68U /* RFC 791 */

struct interface *interface_find(const struct stack *s, uint32_t index)
{
	return index < INTERFACES_MAX ? s->interface[index] : NULL;
}

static struct interface_address *find_on(const struct interface *i, const struct ip_addr *a)
{
	list_for_each(it, &i->addresses)
	{
		struct interface_address *have = container_of(it, struct interface_address, link);

		if (ip_equal(&have->prefix.addr, a))
			return have;
	}
	return NULL;
}

struct interface_address *interface_address_find(const struct stack *s, uint32_t index, const struct ip_addr *a)
{
	struct interface_address *found = NULL;

	if (index)
		return interface_find(s, index) ? find_on(interface_find(s, index), a) : NULL;
	for (uint32_t i = 1; i < INTERFACES_MAX && !found; i++)
		if (s->interface[i])
			found = find_on(s->interface[i], a);
	return found;
}

bool interface_address_is_usable(const struct interface_address *a)
{
	if (a->state == ADDRESS_TENTATIVE)
		return ip_is_v4(&a->prefix.addr) || a->optimistic;
	return a->state != ADDRESS_CONFLICT;
}

struct interface_address *interface_address_usable(const struct stack *s, uint32_t index, const struct ip_addr *a)
{
	struct interface_address *found = interface_address_find(s, index, a);

	return found && interface_address_is_usable(found) ? found : NULL;
}

static bool broadcasts_on(const struct interface *i, const struct ip_addr *a)
{
	list_for_each(it, &i->addresses)
	{
		struct interface_address *have = container_of(it, struct interface_address, link);
		struct ip_addr broadcast;

		if (prefix_broadcast(&have->prefix, &broadcast) && ip_equal(&broadcast, a))
			return true;
	}
	return false;
}

bool interface_is_broadcast(const struct stack *s, uint32_t index, const struct ip_addr *a)
{
	if (index)
		return interface_find(s, index) && broadcasts_on(interface_find(s, index), a);
	for (uint32_t i = 1; i < INTERFACES_MAX; i++)
		if (s->interface[i] && broadcasts_on(s->interface[i], a))
			return true;
	return false;
}

bool interface_source(const struct interface *i, const struct ip_addr *destination,
    const struct ip_addr *next_hop, struct ip_addr *out)
{
	const struct interface_address *best = NULL;

	if (!ip_is_v4(destination))
		return source_select(i->stack, i->index, destination, out);
	/* Linux inet_select_addr(): an address whose network holds the next hop, else the first. */
	list_for_each(it, &i->addresses)
	{
		const struct interface_address *have = container_of(it, struct interface_address, link);

		if (!ip_is_v4(&have->prefix.addr) || have->state == ADDRESS_CONFLICT)
			continue;
		if (prefix_contains(&have->prefix, next_hop)) {
			best = have;
			break;
		}
		if (!best)
			best = have;
	}
	if (!best)
		return false;
	*out = best->prefix.addr;
	return true;
}

const char *address_state_text(enum address_state state)
{
	static const char *const text[] = {
#define ADDRESS(name, text) [ADDRESS_##name] = text,
	    ADDRESS_STATES(ADDRESS)
#undef ADDRESS
	};

	return text[state];
}

void address_trace(const struct interface_address *a, const char *text, const char *reason,
    const struct mac_addr *other)
{
	struct stack *s = a->interface->stack;
	struct trace_event e = {.kind = TRACE_ADDRESS, .text = text, .reason = reason,
	    .interface = a->interface->index, .local = {.addr = a->prefix.addr}, .number = {a->prefix.bits}};

	if (!trace_on(s))
		return;
	if (other)
		e.mac = *other;
	trace_emit(s, &e);
}

int interface_send(struct interface *i, struct packet *p, const struct mac_addr *to, enum ethernet_type type)
{
	struct ethernet header = {.source = i->config.mac, .type = (uint16_t)type};

	p->interface = i->index;
	if (i->config.has_link_header) {
		header.destination = *to;
		ethernet_emit(packet_push(p, ETHERNET_HEADER_BYTES), &header);
	}
	return packet_queue_append(i->stack, i->stack->packets, p);
}

/* ---- life ---- */

static int interface_make(struct stack *s, uint32_t index, const struct interface_config *config)
{
	struct interface *i = mem_take_zeroed(&s->mem, sizeof(*i));

	if (!i)
		return -ENOMEM;
	i->stack = s;
	i->index = index;
	i->config = *config;
	i->config.name[sizeof(i->config.name) - 1] = 0;
	list_init(&i->addresses);
	list_init(&i->groups);
	s->interface[index] = i;
	return 0;
}

static void address_free(struct interface_address *a)
{
	struct stack *s = a->interface->stack;

	timer_cancel(&s->timers, &a->timer);
	stack_reserve_timers(s, -1);
	list_remove(&a->link);
	a->interface->address_count--;
	mem_give(&s->mem, a, sizeof(*a));
}

static void interface_free(struct interface *i)
{
	struct stack *s = i->stack;

	router_end(i);
	multicast_forget_interface(i);
	list_for_each_safe(it, &i->addresses)
		address_free(container_of(it, struct interface_address, link));
	s->interface[i->index] = NULL;
	mem_give(&s->mem, i, sizeof(*i));
}

int interface_table_create(struct stack *s)
{
	static const struct interface_config loopback = {
	    .name = "lo", .mtu_bytes = LOOPBACK_MTU_BYTES, .gso_tcp = true, .gso_udp = true, .checksum_offload = true};
	static const struct prefix home6 = {{.octet = {[15] = 1}}, 128};
	const struct prefix home = {ip_from_v4(0x7f000001), 8};
	int error = interface_make(s, STACK_LOOPBACK_INDEX, &loopback);

	if (error)
		return error;
	error = stack_address_add(s, STACK_LOOPBACK_INDEX, &home, false, s->now_ns);
	if (!error)
		error = stack_address_add(s, STACK_LOOPBACK_INDEX, &home6, false, s->now_ns);
	if (error)
		interface_table_destroy(s); /* half made */
	return error;
}

void interface_table_destroy(struct stack *s)
{
	for (uint32_t i = 1; i < INTERFACES_MAX; i++)
		if (s->interface[i])
			interface_free(s->interface[i]);
}

int stack_interface_add(struct stack *s, const struct interface_config *config)
{
	int error;

	if (config->mtu_bytes < MTU_MIN_BYTES || mac_is_group(&config->mac))
		return -EINVAL;
	for (uint32_t index = STACK_LOOPBACK_INDEX + 1; index < INTERFACES_MAX; index++) {
		if (s->interface[index])
			continue;
		error = interface_make(s, index, config);
		if (error)
			return error;
		route_touch(s);
		error = router_begin(s->interface[index]);
		if (error)
			stack_interface_remove(s, index);
		return error ? error : (int)index;
	}
	return -ENOSPC;
}

int stack_interface_set_mtu(struct stack *s, uint32_t interface, uint32_t mtu_bytes)
{
	struct interface *i = interface_find(s, interface);

	if (!i)
		return -ENODEV;
	if (mtu_bytes < MTU_MIN_BYTES)
		return -EINVAL;
	if (i->config.mtu_bytes != mtu_bytes) {
		i->config.mtu_bytes = mtu_bytes;
		route_touch(s);
	}
	return 0;
}

int stack_interface_remove(struct stack *s, uint32_t interface)
{
	struct interface *i = interface_find(s, interface);

	if (!i)
		return -ENODEV;
	if (interface == STACK_LOOPBACK_INDEX)
		return -EPERM;
	neighbour_forget_interface(s, interface);
	while (!list_empty(&i->addresses)) {
		struct interface_address *a = container_of(list_first(&i->addresses), struct interface_address, link);
		struct ip_addr gone = a->prefix.addr;

		stack_address_remove(s, interface, &gone, s->now_ns);
	}
	route_delete_interface(s, interface);
	interface_free(i);
	route_touch(s);
	return 0;
}

/* ---- addresses ---- */

/* What the kernel derives from an address: it is local, and its network is on the link. */
static struct route local_route(const struct interface *i, const struct prefix *p)
{
	struct route r = {.destination = *p, .interface = i->index, .kind = ROUTE_LOCAL, .source = p->addr,
	    .gateway = ip_is_v4(&p->addr) ? ip_from_v4(0) : (struct ip_addr){{0}}};

	/* All of 127.0.0.0/8 is this host (RFC 1122 3.2.1.3 g). */
	if (!ip_is_loopback(&p->addr))
		r.destination.bits = ip_is_v4(&p->addr) ? 32 : 128;
	return r;
}

static struct route link_route(const struct interface *i, const struct prefix *p)
{
	struct route r = local_route(i, p);

	r.destination = *p;
	r.kind = ROUTE_UNICAST;
	return r;
}

static bool wants_link_route(const struct prefix *p)
{
	return !ip_is_loopback(&p->addr) && p->bits < (ip_is_v4(&p->addr) ? 32 : 128);
}

static int add_link_route(const struct interface *i, const struct prefix *p)
{
	struct route r = link_route(i, p);
	int error = wants_link_route(p) ? route_insert(i->stack, &r) : 0;

	/* A second address of the same network shares the first one's route. */
	return error == -EEXIST ? 0 : error;
}

static bool address_is_sane(const struct prefix *p)
{
	if (p->bits > (ip_is_v4(&p->addr) ? 32 : 128))
		return false;
	return !ip_is_unspecified(&p->addr) && !ip_is_multicast(&p->addr) && !ip_is_broadcast(&p->addr);
}

/* RFC 5942: an address says nothing about its network, but for the link-local one. */
static bool owns_link_route(const struct interface_address *a)
{
	return !a->automatic || ip_is_link_local(&a->prefix.addr);
}

static int add_routes_of(const struct interface_address *a)
{
	struct route r = local_route(a->interface, &a->prefix);
	int error = route_insert(a->interface->stack, &r);

	if (error || !owns_link_route(a))
		return error;
	error = add_link_route(a->interface, &a->prefix);
	if (error)
		route_delete(a->interface->stack, &r);
	return error;
}

static void check_for_duplicate(struct interface_address *a, bool probe)
{
	if (ip_is_v4(&a->prefix.addr) || !probe || !a->interface->config.has_link_header)
		acd_begin(a, probe && a->interface->config.has_link_header);
	else
		dad_begin(a);
}

int interface_address_make(struct interface *i, const struct prefix *p, bool probe, bool automatic,
    struct interface_address **made)
{
	struct stack *s = i->stack;
	struct interface_address *a;
	int error;

	if (!address_is_sane(p))
		return -EINVAL;
	if (find_on(i, &p->addr))
		return -EEXIST;
	if (i->address_count >= ADDRESSES_MAX)
		return -ENOSPC;
	a = mem_take_zeroed(&s->mem, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->interface = i;
	a->prefix = *p;
	a->automatic = automatic;
	error = stack_reserve_timers(s, 1);
	if (!error) {
		error = add_routes_of(a);
		if (error)
			stack_reserve_timers(s, -1);
	}
	if (error) {
		mem_give(&s->mem, a, sizeof(*a));
		return error;
	}
	list_append(&i->addresses, &a->link);
	i->address_count++;
	address_trace(a, "added", NULL, NULL);
	check_for_duplicate(a, probe);
	if (made)
		*made = a;
	return 0;
}

int stack_address_add(struct stack *s, uint32_t interface, const struct prefix *p, bool probe, uint64_t now_ns)
{
	struct interface *i = interface_find(s, interface);

	s->now_ns = now_ns;
	return i ? interface_address_make(i, p, probe, false, NULL) : -ENODEV;
}

int stack_address_remove(struct stack *s, uint32_t interface, const struct ip_addr *addr, uint64_t now_ns)
{
	struct interface_address *a = interface_address_find(s, interface, addr);
	struct route r;
	struct prefix gone;
	struct interface *i;
	bool had_link_route;

	s->now_ns = now_ns;
	if (!a)
		return -EADDRNOTAVAIL;
	i = a->interface;
	gone = a->prefix;
	had_link_route = owns_link_route(a) && wants_link_route(&gone);
	address_trace(a, "removed", NULL, NULL);
	address_free(a);
	r = local_route(i, &gone);
	route_delete(s, &r);
	if (!had_link_route)
		return 0;
	r = link_route(i, &gone);
	route_delete(s, &r);
	/* Another address of the same network takes the route over. */
	list_for_each(it, &i->addresses)
	{
		struct interface_address *other = container_of(it, struct interface_address, link);

		if (other->prefix.bits == gone.bits && owns_link_route(other) && prefix_contains(&gone, &other->prefix.addr))
			return add_link_route(i, &other->prefix);
	}
	return 0;
}

void stack_visit_addresses(struct stack *s, void (*visit)(void *context, const struct address_info *i), void *context)
{
	for (uint32_t index = 1; index < INTERFACES_MAX; index++) {
		const struct interface *i = s->interface[index];
		struct address_info info;

		if (!i)
			continue;
		info = (struct address_info){.interface = index, .interface_name = i->config.name,
		    .mac = i->config.mac, .mtu_bytes = i->config.mtu_bytes, .state = ""};
		if (list_empty(&i->addresses))
			visit(context, &info);
		list_for_each(it, &i->addresses)
		{
			const struct interface_address *a = container_of(it, struct interface_address, link);

			info.has_address = true;
			info.prefix = a->prefix;
			info.state = address_state_text(a->state);
			visit(context, &info);
		}
	}
}
