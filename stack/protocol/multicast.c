/* SPDX-License-Identifier: MIT */
/* Memberships of sockets and groups of interfaces; see multicast.h. */
#include "stack/protocol/multicast.h"

#include <errno.h>

#include "stack/protocol/datagram.h"
#include "stack/protocol/route.h"
#include "stack/wire/icmpv6.h"

static struct list *memberships_of(const struct socket *so)
{
	return &datagram_of((struct socket *)so)->memberships;
}

static bool filter_names(const struct source_filter *f, const struct ip_addr *source)
{
	for (unsigned i = 0; i < f->count; i++)
		if (ip_equal(&f->source[i], source))
			return true;
	return false;
}

static struct membership *find(const struct socket *so, const struct ip_addr *group, uint32_t interface)
{
	list_for_each(it, memberships_of(so))
	{
		struct membership *m = container_of(it, struct membership, link);

		if (ip_equal(&m->group, group) && (!interface || m->interface == interface))
			return m;
	}
	return NULL;
}

static struct group *group_find(const struct interface *i, const struct ip_addr *addr)
{
	list_for_each(it, &i->groups)
	{
		struct group *g = container_of(it, struct group, link);

		if (ip_equal(&g->addr, addr))
			return g;
	}
	return NULL;
}

bool multicast_is_member(const struct stack *s, const struct interface *i, const struct ip_addr *group)
{
	const struct group *g = group_find(i, group);
	bool found = g && g->members;

	for (uint32_t n = 1; i->index == STACK_LOOPBACK_INDEX && n < INTERFACES_MAX && !found; n++) {
		g = s->interface[n] ? group_find(s->interface[n], group) : NULL;
		found = g && g->members;
	}
	return found;
}

bool multicast_is_heard(const struct socket *so, const struct ip_packet *p)
{
	/* What we send to a group comes back to us by the loopback. */
	uint32_t interface = p->interface == STACK_LOOPBACK_INDEX ? 0 : p->interface;
	const struct membership *m;

	if (!ip_is_multicast(&p->destination))
		return true;
	m = find(so, &p->destination, interface);
	if (!m)
		return ip_is_v4(&p->destination) ? so->option.multicast_all : so->option.multicast_all6;
	return filter_names(&m->filter, &p->source) != m->filter.excludes;
}

uint32_t multicast_interface(const struct stack *s, const struct ip_addr *group)
{
	const struct route *r = route_lookup(s, group, 0);

	if (r && r->kind == ROUTE_UNICAST)
		return r->interface;
	for (uint32_t n = STACK_LOOPBACK_INDEX + 1; n < INTERFACES_MAX && !ip_is_v4(group); n++)
		if (s->interface[n])
			return n;
	return 0;
}

/* ---- what the members of a group want together (RFC 3376 3.2) ---- */

static const struct source_filter *filter_of(const struct socket *so, const struct group *g)
{
	const struct membership *m = so->kind == SOCKET_TCP ? NULL : find(so, &g->addr, g->interface->index);

	return m ? &m->filter : NULL;
}

static void add_sources(struct source_filter *f, const struct source_filter *more)
{
	for (unsigned i = 0; i < more->count && f->count < SOURCES_MAX6; i++)
		if (!filter_names(f, &more->source[i]))
			f->source[f->count++] = more->source[i];
}

/* Does some member want what comes from source? */
static bool is_wanted(const struct group *g, const struct ip_addr *source)
{
	list_for_each(it, &g->interface->stack->sockets)
	{
		const struct source_filter *f = filter_of(container_of(it, struct socket, all), g);

		if (f && filter_names(f, source) != f->excludes)
			return true;
	}
	return false;
}

static void merge(struct group *g)
{
	struct source_filter all = {.excludes = false};
	bool excludes = false;
	unsigned kept = 0;

	list_for_each(it, &g->interface->stack->sockets)
	{
		const struct source_filter *f = filter_of(container_of(it, struct socket, all), g);

		if (f && f->excludes)
			excludes = true;
	}
	list_for_each(it, &g->interface->stack->sockets)
	{
		const struct source_filter *f = filter_of(container_of(it, struct socket, all), g);

		if (f && f->excludes == excludes)
			add_sources(&all, f);
	}
	for (unsigned i = 0; i < all.count; i++)
		if (!excludes || !is_wanted(g, &all.source[i]))
			all.source[kept++] = all.source[i];
	all.count = kept;
	all.excludes = excludes;
	g->filter = all;
}

/* ---- groups ---- */

static struct group *group_make(struct interface *i, const struct ip_addr *addr)
{
	struct stack *s = i->stack;
	struct group *g = group_find(i, addr);

	if (g)
		return g;
	g = mem_take_zeroed(&s->mem, sizeof(*g));
	if (!g)
		return NULL;
	if (stack_reserve_timers(s, 1)) {
		mem_give(&s->mem, g, sizeof(*g));
		return NULL;
	}
	g->interface = i;
	g->addr = *addr;
	timer_init(&g->timer, multicast_timer);
	list_append(&i->groups, &g->link);
	return g;
}

void multicast_group_free(struct group *g)
{
	struct stack *s = g->interface->stack;

	timer_cancel(&s->timers, &g->timer);
	stack_reserve_timers(s, -1);
	list_remove(&g->link);
	mem_give(&s->mem, g, sizeof(*g));
}

void multicast_forget_interface(struct interface *i)
{
	list_for_each_safe(it, &i->groups)
		multicast_group_free(container_of(it, struct group, link));
}

/* ---- memberships ---- */

static unsigned count(const struct socket *so)
{
	unsigned n = 0;

	list_for_each(it, memberships_of(so))
		n++;
	return n;
}

static int judge(const struct socket *so, const struct ip_addr *group, uint32_t *interface)
{
	if (!ip_is_multicast(group))
		return -EINVAL;
	if (so->kind == SOCKET_TCP)
		return -EPROTO;
	if (!*interface)
		*interface = multicast_interface(so->stack, group);
	return interface_find(so->stack, *interface) ? 0 : -ENODEV;
}

static int make(struct socket *so, const struct ip_addr *group, uint32_t interface, bool excludes, struct membership **out)
{
	struct stack *s = so->stack;
	struct membership *m;
	struct group *g;

	if (count(so) >= (ip_is_v4(group) ? MEMBERSHIPS_MAX4 : MEMBERSHIPS_MAX6))
		return -ENOBUFS;
	g = group_make(interface_find(s, interface), group);
	m = g ? mem_take_zeroed(&s->mem, sizeof(*m)) : NULL;
	if (!m) {
		if (g && !g->members && !g->changes_left)
			multicast_group_free(g);
		return -ENOBUFS;
	}
	m->group = *group;
	m->interface = interface;
	m->filter.excludes = excludes;
	list_append(memberships_of(so), &m->link);
	g->members++;
	*out = m;
	return 0;
}

static void changed(struct socket *so, uint32_t interface, const struct ip_addr *group)
{
	struct interface *i = interface_find(so->stack, interface);
	struct group *g = i ? group_find(i, group) : NULL;

	if (!g)
		return;
	merge(g);
	multicast_tell(g);
}

static void end(struct socket *so, struct membership *m)
{
	struct interface *i = interface_find(so->stack, m->interface);
	struct group *g = i ? group_find(i, &m->group) : NULL;
	struct ip_addr group = m->group;
	uint32_t interface = m->interface;

	list_remove(&m->link);
	mem_give(&so->stack->mem, m, sizeof(*m));
	if (g)
		g->members--;
	changed(so, interface, &group);
}

int multicast_join(struct socket *so, const struct ip_addr *group, uint32_t interface)
{
	struct membership *m;
	int error = judge(so, group, &interface);

	if (error)
		return error;
	if (find(so, group, interface))
		return -EADDRINUSE;
	error = make(so, group, interface, true, &m);
	if (!error)
		changed(so, interface, group);
	return error;
}

int multicast_leave(struct socket *so, const struct ip_addr *group, uint32_t interface)
{
	struct membership *m;

	if (!ip_is_multicast(group) && !ip_is_v4(group))
		return -EINVAL;
	if (so->kind == SOCKET_TCP)
		return -EPROTO;
	m = find(so, group, interface);
	if (!m)
		return -EADDRNOTAVAIL;
	end(so, m);
	return 0;
}

static int add_source(struct membership *m, const struct ip_addr *source)
{
	if (filter_names(&m->filter, source))
		return -EADDRNOTAVAIL;
	if (m->filter.count >= (ip_is_v4(source) ? SOURCES_MAX4 : SOURCES_MAX6))
		return -ENOBUFS;
	m->filter.source[m->filter.count++] = *source;
	return 0;
}

static int remove_source(struct membership *m, const struct ip_addr *source)
{
	for (unsigned i = 0; i < m->filter.count; i++) {
		if (!ip_equal(&m->filter.source[i], source))
			continue;
		m->filter.source[i] = m->filter.source[--m->filter.count];
		return 0;
	}
	return -EADDRNOTAVAIL;
}

/* RFC 3678 4.1: a membership lists sources to be heard, or sources not to be heard; mixing is EINVAL. */
int multicast_source(struct socket *so, const struct ip_addr *group, uint32_t interface, const struct ip_addr *source,
    bool add, bool excludes)
{
	struct membership *m;
	int error = judge(so, group, &interface);

	if (error)
		return error;
	m = find(so, group, interface);
	if (m && m->filter.excludes != excludes)
		return -EINVAL;
	if (!m && (excludes || !add))
		return excludes ? -EINVAL : -EADDRNOTAVAIL;
	if (!m)
		error = make(so, group, interface, false, &m);
	if (!error)
		error = add ? add_source(m, source) : remove_source(m, source);
	if (error)
		return error;
	if (!m->filter.excludes && m->filter.count == 0)
		end(so, m);
	else
		changed(so, interface, group);
	return 0;
}

void multicast_leave_all(struct socket *so)
{
	list_for_each_safe(it, memberships_of(so))
		end(so, container_of(it, struct membership, link));
}
