/* SPDX-License-Identifier: MIT */
/*
 * What routers say (RFC 4861 6.3) and the addresses that follow from it (RFC 4862 5.5) with stable,
 * opaque interface identifiers (RFC 7217). One timer for each interface serves solicitations and
 * every lifetime; all lists are bounded.
 */
#include <errno.h>

#include "stack/protocol/nd.h"
#include "stack/protocol/route.h"

#define SOLICITATIONS 3U
#define SOLICITATION_INTERVAL_NS (4 * NSEC_PER_SEC)
#define SOLICITATION_DELAY_MAX_MSEC 1000U
#define ROUTE_METRIC 1024U        /* Linux's IP6_RT_PRIO_USER */
#define TWO_HOURS_S 7200U
#define ADDRESS_ATTEMPTS_MAX 3U   /* RFC 7217 6: IDGEN_RETRIES */
#define IDENTIFIER_BITS 64U

static const struct ip_addr nobody;
static const struct prefix link_local_prefix = {{{0xfe, 0x80}}, 64};

static uint64_t lifetime_end(const struct stack *s, uint32_t seconds)
{
	return seconds == UINT32_MAX ? TIME_NEVER : time_after(s->now_ns, seconds * NSEC_PER_SEC);
}

/* ---- addresses ---- */

/* RFC 7217 5: the identifier is a function of prefix, interface, attempt and secret; the same network
 * gives the same address again, another network gives another. */
static struct ip_addr stable_address(const struct interface *i, const struct prefix *p, uint32_t attempt)
{
	struct {
		uint8_t prefix[8];
		char name[16];
		uint8_t mac[8];
		uint32_t attempt, purpose;
	} key;
	struct ip_addr a = p->addr;
	uint64_t identifier;

	memset(&key, 0, sizeof(key));
	memcpy(key.prefix, p->addr.octet, sizeof(key.prefix));
	memcpy(key.name, i->config.name, sizeof(key.name));
	memcpy(key.mac, i->config.mac.octet, sizeof(i->config.mac));
	key.attempt = attempt;
	key.purpose = 7217;
	identifier = siphash(&i->stack->key, &key, sizeof(key));
	memcpy(a.octet + 8, &identifier, sizeof(identifier));
	return a;
}

/* RFC 4291 appendix A: Linux's link-local addresses are made from the hardware address. */
static struct ip_addr link_local_address(const struct interface *i)
{
	const uint8_t *m = i->config.mac.octet;

	return (struct ip_addr){{0xfe, 0x80, 0, 0, 0, 0, 0, 0, m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]}};
}

static int add_address(struct interface *i, const struct prefix *network, uint32_t attempt, uint64_t valid_ns, uint64_t preferred_ns)
{
	struct prefix p = {stable_address(i, network, attempt), network->bits};
	struct interface_address *a;
	int error;

	if (network->addr.octet[0] == 0xfe && attempt == 0)
		p.addr = link_local_address(i);
	error = interface_address_make(i, &p, true, true, &a);
	if (error)
		return error;
	a->attempt = (uint8_t)attempt;
	a->valid_until_ns = valid_ns;
	a->preferred_until_ns = preferred_ns;
	return 0;
}

void router_address_conflict(struct interface_address *a)
{
	struct prefix network = a->prefix;

	if (a->attempt + 1U >= ADDRESS_ATTEMPTS_MAX)
		return;
	add_address(a->interface, &network, a->attempt + 1U, a->valid_until_ns, a->preferred_until_ns);
}

/* RFC 4862 5.5.3 e: a stranger may not end an address's life within two hours. */
static void refresh_address(struct interface_address *a, const struct nd_prefix *p)
{
	struct stack *s = a->interface->stack;
	uint64_t told_ns = lifetime_end(s, p->valid_s);
	uint64_t two_hours_ns = time_after(s->now_ns, TWO_HOURS_S * NSEC_PER_SEC);

	if (p->valid_s > TWO_HOURS_S || told_ns > a->valid_until_ns)
		a->valid_until_ns = told_ns;
	else if (a->valid_until_ns > two_hours_ns)
		a->valid_until_ns = two_hours_ns;
	a->preferred_until_ns = lifetime_end(s, p->preferred_s);
	if (a->state == ADDRESS_DEPRECATED && a->preferred_until_ns > s->now_ns) {
		a->state = ADDRESS_PREFERRED;
		route_touch(s);
	}
}

static void autoconfigure(struct interface *i, const struct nd_prefix *p)
{
	bool known = false;

	if (p->prefix.bits != IDENTIFIER_BITS || p->preferred_s > p->valid_s)
		return;
	list_for_each(it, &i->addresses)
	{
		struct interface_address *a = container_of(it, struct interface_address, link);

		if (a->automatic && prefix_contains(&p->prefix, &a->prefix.addr)) {
			refresh_address(a, p);
			known = true;
		}
	}
	if (!known && p->valid_s)
		add_address(i, &p->prefix, 0, lifetime_end(i->stack, p->valid_s), lifetime_end(i->stack, p->preferred_s));
}

/* Lets automatic addresses grow old; returns when the next one does. */
static uint64_t age_addresses(struct interface *i)
{
	struct stack *s = i->stack;
	uint64_t next_ns = TIME_NEVER;

	list_for_each_safe(it, &i->addresses)
	{
		struct interface_address *a = container_of(it, struct interface_address, link);
		struct ip_addr addr = a->prefix.addr;

		if (!a->automatic)
			continue;
		if (a->valid_until_ns <= s->now_ns) {
			stack_address_remove(s, i->index, &addr, s->now_ns);
			continue;
		}
		next_ns = time_earlier(next_ns, a->valid_until_ns);
		if (a->preferred_until_ns > s->now_ns) {
			next_ns = time_earlier(next_ns, a->preferred_until_ns);
		} else if (a->state == ADDRESS_PREFERRED) {
			a->state = ADDRESS_DEPRECATED;
			address_trace(a, "deprecated", "RFC 4862 5.5.4", NULL);
			route_touch(s);
		}
	}
	return next_ns;
}

/* ---- routers and networks on the link ---- */

static struct route route_of(const struct interface *i, const struct learned_route *l)
{
	return (struct route){.destination = l->destination, .gateway = l->gateway, .interface = i->index, .metric = ROUTE_METRIC};
}

static void forget_route(struct interface *i, struct learned_route *l)
{
	struct route r = route_of(i, l);

	if (l->in_use)
		route_delete(i->stack, &r);
	l->in_use = false;
}

/* until_ns in the past: it is no more. */
static void learn_route(struct interface *i, const struct prefix *destination, const struct ip_addr *gateway, uint64_t until_ns)
{
	struct learned_route *free_slot = NULL;
	struct route r;

	for (unsigned n = 0; n < LEARNED_ROUTES_MAX; n++) {
		struct learned_route *l = &i->v6.route[n];

		if (l->in_use && l->destination.bits == destination->bits &&
		    ip_equal(&l->destination.addr, &destination->addr) && ip_equal(&l->gateway, gateway)) {
			l->until_ns = until_ns;
			if (until_ns <= i->stack->now_ns)
				forget_route(i, l);
			return;
		}
		if (!l->in_use && !free_slot)
			free_slot = l;
	}
	if (!free_slot || until_ns <= i->stack->now_ns)
		return;
	*free_slot = (struct learned_route){.destination = *destination, .gateway = *gateway, .until_ns = until_ns};
	r = route_of(i, free_slot);
	free_slot->in_use = route_insert(i->stack, &r) == 0;
}

static uint64_t age_routes(struct interface *i)
{
	uint64_t next_ns = TIME_NEVER;

	for (unsigned n = 0; n < LEARNED_ROUTES_MAX; n++) {
		struct learned_route *l = &i->v6.route[n];

		if (l->in_use && l->until_ns <= i->stack->now_ns)
			forget_route(i, l);
		if (l->in_use)
			next_ns = time_earlier(next_ns, l->until_ns);
	}
	return next_ns;
}

/* ---- the timer ---- */

static bool has_usable_link_local(const struct interface *i)
{
	list_for_each(it, &i->addresses)
	{
		const struct interface_address *a = container_of(it, struct interface_address, link);

		if (!ip_is_v4(&a->prefix.addr) && ip_is_link_local(&a->prefix.addr) && a->state == ADDRESS_PREFERRED)
			return true;
	}
	return false;
}

static void solicit(struct interface *i)
{
	bool named = has_usable_link_local(i);
	struct nd_message m = {.type = ICMPV6_ROUTER_SOLICITATION, .has_mac = named, .mac = i->config.mac};
	struct ip_addr source = named ? link_local_address(i) : nobody;

	nd_send(i, &m, &source, &ipv6_all_routers, NULL);
}

static void set_timer(struct interface *i)
{
	struct stack *s = i->stack;
	uint64_t next_ns = time_earlier(age_addresses(i), age_routes(i));

	if (i->v6.solicitations_left)
		next_ns = time_earlier(next_ns, i->v6.solicit_ns);
	timer_cancel(&s->timers, &i->v6.timer);
	if (next_ns != TIME_NEVER)
		timer_arm(&s->timers, &i->v6.timer, next_ns);
}

static void step(struct timer *t, uint64_t now_ns)
{
	struct interface *i = container_of(t, struct interface, v6.timer);

	if (i->v6.solicitations_left && i->v6.solicit_ns <= now_ns) {
		i->v6.solicitations_left--;
		i->v6.solicit_ns = time_after(now_ns, SOLICITATION_INTERVAL_NS);
		solicit(i);
	}
	set_timer(i);
}

/* ---- entry points ---- */

/* RFC 4861 6.3.4. */
void router_heard(struct interface *i, const struct nd_message *m, const struct ip_addr *source)
{
	static const struct prefix everything = {{{0}}, 0};
	struct stack *s = i->stack;

	if (!i->config.ipv6)
		return;
	if (m->router_lifetime_s)
		i->v6.solicitations_left = 0;
	learn_route(i, &everything, source, time_after(s->now_ns, m->router_lifetime_s * NSEC_PER_SEC));
	if (m->mtu_bytes >= IPV6_MTU_MIN_BYTES && m->mtu_bytes <= i->config.mtu_bytes && m->mtu_bytes != i->v6.mtu_bytes) {
		i->v6.mtu_bytes = m->mtu_bytes;
		route_touch(s);
	}
	for (unsigned n = 0; n < m->prefix_count; n++) {
		const struct nd_prefix *p = &m->prefix[n];

		if (ip_is_link_local(&p->prefix.addr) || ip_is_multicast(&p->prefix.addr) || ip_is_v4(&p->prefix.addr))
			continue;
		if (p->on_link)
			learn_route(i, &p->prefix, &nobody, lifetime_end(s, p->valid_s));
		if (p->autonomous)
			autoconfigure(i, p);
	}
	set_timer(i);
}

int router_begin(struct interface *i)
{
	struct stack *s = i->stack;
	int error;

	timer_init(&i->v6.timer, step);
	if (!i->config.ipv6)
		return 0;
	error = stack_reserve_timers(s, 1);
	if (error)
		return error;
	i->v6.has_timer = true;
	error = add_address(i, &link_local_prefix, 0, TIME_NEVER, TIME_NEVER);
	if (error)
		return error;
	i->v6.solicitations_left = SOLICITATIONS;
	i->v6.solicit_ns = time_after(s->now_ns, random_below(&s->random, SOLICITATION_DELAY_MAX_MSEC) * NSEC_PER_MSEC);
	set_timer(i);
	return 0;
}

void router_end(struct interface *i)
{
	if (!i->v6.has_timer)
		return;
	timer_cancel(&i->stack->timers, &i->v6.timer);
	stack_reserve_timers(i->stack, -1);
	i->v6.has_timer = false;
}
