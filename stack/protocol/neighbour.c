/* SPDX-License-Identifier: MIT */
/* The neighbour table; see neighbour.h. */
#include "stack/protocol/neighbour.h"

#include <errno.h>

#include "stack/protocol/arp.h"
#include "stack/protocol/icmp.h"
#include "stack/protocol/nd.h"

#define REACHABLE_BASE_MSEC 30000U /* drawn from half to one and a half of it, RFC 4861 6.3.2 */
#define DELAY_NS (5 * NSEC_PER_SEC)
#define RETRANSMIT_NS NSEC_PER_SEC
#define PROBES_MAX 3U
#define LOCK_NS NSEC_PER_SEC /* Linux's locktime: a second answer does not steal the entry at once */
#define WAITING_PACKETS_MAX 101U
#define WAITING_BYTES_MAX 212992U /* Linux's unres_qlen_bytes */
#define NEIGHBOURS_MAX_DEFAULT 1024U

struct neighbour {
	struct hash_link link;
	struct list used_link; /* table->by_use, longest unused first */
	struct interface *interface;
	struct ip_addr addr;
	struct mac_addr mac;
	enum neighbour_state state;
	struct timer timer;
	uint32_t probes;
	uint64_t confirmed_ns, used_ns, updated_ns;
	uint64_t reachable_ns; /* how long a confirmation holds */
	struct packet_queue waiting;
};

struct neighbour_table {
	struct hash_table by_addr;
	struct list by_use;
};

static const char *state_text(enum neighbour_state state)
{
	static const char *const text[] = {
#define NEIGHBOUR(name) [NEIGHBOUR_##name] = #name,
	    NEIGHBOUR_STATES(NEIGHBOUR)
#undef NEIGHBOUR
	};

	return text[state];
}

static void set_state(struct neighbour *n, enum neighbour_state state, const char *reason)
{
	struct stack *s = n->interface->stack;
	struct trace_event e = {.kind = TRACE_NEIGHBOUR, .text = state_text(state), .detail = state_text(n->state),
	    .reason = reason, .interface = n->interface->index, .remote = {.addr = n->addr}, .mac = n->mac};

	if (n->state == state)
		return;
	n->state = state;
	if (trace_on(s))
		trace_emit(s, &e);
}

static uint64_t hash_of(const struct stack *s, uint32_t interface, const struct ip_addr *addr)
{
	struct {
		struct ip_addr addr;
		uint32_t interface;
	} key = {*addr, interface};

	return siphash(&s->key, &key, sizeof(key));
}

static struct neighbour *find(const struct interface *i, const struct ip_addr *addr)
{
	const struct hash_table *t = &i->stack->neighbours->by_addr;

	for (struct hash_link *l = hash_first(t, hash_of(i->stack, i->index, addr)); l; l = hash_next(l)) {
		struct neighbour *n = container_of(l, struct neighbour, link);

		if (n->interface == i && ip_equal(&n->addr, addr))
			return n;
	}
	return NULL;
}

static void free_neighbour(struct neighbour *n)
{
	struct stack *s = n->interface->stack;

	timer_cancel(&s->timers, &n->timer);
	stack_reserve_timers(s, -1);
	packet_queue_clear(s, &n->waiting);
	hash_remove(&s->neighbours->by_addr, &n->link);
	list_remove(&n->used_link);
	mem_give(&s->mem, n, sizeof(*n));
}

static void arm(struct neighbour *n, uint64_t span_ns)
{
	struct stack *s = n->interface->stack;

	timer_arm(&s->timers, &n->timer, time_after(s->now_ns, span_ns));
}

static void ask(struct neighbour *n, bool directly)
{
	n->probes++;
	if (ip_is_v4(&n->addr))
		arp_ask(n->interface, &n->addr, directly ? &n->mac : NULL);
	else
		nd_ask(n->interface, &n->addr, directly ? &n->mac : NULL);
	arm(n, RETRANSMIT_NS);
}

/* Its packets go nowhere: whoever sent them hears of it, as Linux's arp_error_report() does. */
static void fail(struct neighbour *n)
{
	struct stack *s = n->interface->stack;
	struct packet_queue lost = n->waiting;
	struct packet *p;

	set_state(n, NEIGHBOUR_FAILED, "no answer to three questions");
	s->counters.neighbour_failed++;
	packet_queue_init(&lost, WAITING_PACKETS_MAX, WAITING_BYTES_MAX);
	while ((p = packet_queue_take(&n->waiting)))
		packet_queue_append(s, &lost, p);
	while ((p = packet_queue_take(&lost))) {
		s->counters.neighbour_dropped++;
		icmp_host_unreachable_here(s, (struct span){packet_data(p), p->bytes});
		packet_free(s, p);
	}
}

/* When the reachable time is over: was it used lately? Linux neigh_timer_handler(). */
static void reachable_over(struct neighbour *n, uint64_t now_ns)
{
	if (now_ns < time_after(n->confirmed_ns, n->reachable_ns)) {
		arm(n, n->confirmed_ns + n->reachable_ns - now_ns);
	} else if (now_ns < time_after(n->used_ns, DELAY_NS)) {
		set_state(n, NEIGHBOUR_DELAY, "in use, not confirmed lately");
		arm(n, DELAY_NS);
	} else {
		set_state(n, NEIGHBOUR_STALE, "not confirmed lately");
	}
}

static void timer_fired(struct timer *t, uint64_t now_ns)
{
	struct neighbour *n = container_of(t, struct neighbour, timer);

	switch (n->state) {
	case NEIGHBOUR_REACHABLE:
		reachable_over(n, now_ns);
		break;
	case NEIGHBOUR_DELAY:
		if (n->confirmed_ns && now_ns < time_after(n->confirmed_ns, DELAY_NS)) {
			set_state(n, NEIGHBOUR_REACHABLE, "RFC 4861 7.3.1: progress above");
			arm(n, n->confirmed_ns + n->reachable_ns - now_ns);
			break;
		}
		set_state(n, NEIGHBOUR_PROBE, "RFC 4861 7.3.2: in use, nothing confirmed it");
		n->probes = 0;
		ask(n, true);
		break;
	case NEIGHBOUR_INCOMPLETE:
	case NEIGHBOUR_PROBE:
		if (n->probes < PROBES_MAX)
			ask(n, n->state == NEIGHBOUR_PROBE);
		else
			fail(n);
		break;
	case NEIGHBOUR_NONE:
	case NEIGHBOUR_STALE:
	case NEIGHBOUR_FAILED:
		break;
	}
}

/* At the bound the longest unused entry gives way; one with packets waiting only if all have. */
static void make_room(struct stack *s)
{
	struct neighbour_table *t = s->neighbours;
	struct neighbour *victim = NULL;

	if (t->by_addr.count < s->config.neighbours_max)
		return;
	list_for_each(it, &t->by_use)
	{
		victim = container_of(it, struct neighbour, used_link);
		if (victim->state != NEIGHBOUR_INCOMPLETE)
			break;
	}
	if (victim && victim->state == NEIGHBOUR_INCOMPLETE)
		victim = container_of(list_first(&t->by_use), struct neighbour, used_link);
	if (!victim)
		return;
	s->counters.neighbour_dropped += victim->waiting.count;
	free_neighbour(victim);
}

static struct neighbour *make(struct interface *i, const struct ip_addr *addr)
{
	struct stack *s = i->stack;
	struct neighbour *n;

	make_room(s);
	n = mem_take_zeroed(&s->mem, sizeof(*n));
	if (!n)
		return NULL;
	if (stack_reserve_timers(s, 1)) {
		mem_give(&s->mem, n, sizeof(*n));
		return NULL;
	}
	n->interface = i;
	n->addr = *addr;
	n->state = NEIGHBOUR_NONE;
	n->used_ns = s->now_ns;
	n->reachable_ns = (REACHABLE_BASE_MSEC / 2 + random_below(&s->random, REACHABLE_BASE_MSEC)) * NSEC_PER_MSEC;
	timer_init(&n->timer, timer_fired);
	packet_queue_init(&n->waiting, WAITING_PACKETS_MAX, WAITING_BYTES_MAX);
	list_append(&s->neighbours->by_use, &n->used_link);
	hash_insert(&s->neighbours->by_addr, &n->link, hash_of(s, i->index, addr));
	return n;
}

static bool has_address(const struct neighbour *n)
{
	return n->state != NEIGHBOUR_NONE && n->state != NEIGHBOUR_INCOMPLETE && n->state != NEIGHBOUR_FAILED;
}

bool neighbour_resolve(struct interface *i, const struct ip_addr *addr, struct mac_addr *mac)
{
	struct stack *s = i->stack;
	struct neighbour *n = find(i, addr);

	if (!n)
		n = make(i, addr);
	if (!n)
		return false;
	n->used_ns = s->now_ns;
	list_remove(&n->used_link);
	list_append(&s->neighbours->by_use, &n->used_link);
	switch (n->state) {
	case NEIGHBOUR_NONE:
	case NEIGHBOUR_FAILED:
		set_state(n, NEIGHBOUR_INCOMPLETE, "somebody has something to send");
		n->probes = 0;
		ask(n, false);
		return false;
	case NEIGHBOUR_INCOMPLETE:
		return false;
	case NEIGHBOUR_STALE:
		set_state(n, NEIGHBOUR_DELAY, "used while stale");
		arm(n, DELAY_NS);
		break;
	case NEIGHBOUR_REACHABLE:
	case NEIGHBOUR_DELAY:
	case NEIGHBOUR_PROBE:
		break;
	}
	*mac = n->mac;
	return true;
}

int neighbour_wait(struct interface *i, const struct ip_addr *addr, struct packet *p)
{
	struct stack *s = i->stack;
	struct neighbour *n = find(i, addr);

	if (!n || n->state != NEIGHBOUR_INCOMPLETE) {
		packet_free(s, p);
		return -ENOMEM;
	}
	/* RFC 1122 2.3.2.2: keep the latest. */
	while (!packet_queue_has_room(&n->waiting)) {
		packet_free(s, packet_queue_take(&n->waiting));
		s->counters.neighbour_dropped++;
	}
	return packet_queue_append(s, &n->waiting, p);
}

/* What waited goes out. */
static void flush(struct neighbour *n)
{
	struct packet *p;

	while ((p = packet_queue_take(&n->waiting)))
		interface_send(n->interface, p, &n->mac, ip_is_v4(&n->addr) ? ETHERNET_IPV4 : ETHERNET_IPV6);
}

static void become_reachable(struct neighbour *n, const char *reason)
{
	n->confirmed_ns = n->interface->stack->now_ns;
	n->probes = 0;
	set_state(n, NEIGHBOUR_REACHABLE, reason);
	arm(n, n->reachable_ns);
}

static void become_stale(struct neighbour *n, const char *reason)
{
	timer_cancel(&n->interface->stack->timers, &n->timer);
	n->probes = 0;
	set_state(n, NEIGHBOUR_STALE, reason);
}

void neighbour_heard(struct interface *i, const struct ip_addr *addr, const struct mac_addr *mac, enum neighbour_news news)
{
	struct stack *s = i->stack;
	struct neighbour *n = find(i, addr);
	bool known, same;

	if (!n && news == NEIGHBOUR_ASKED_US)
		n = make(i, addr);
	if (!n)
		return;
	known = has_address(n);
	same = known && mac_equal(&n->mac, mac);
	if (known && !same && s->now_ns < time_after(n->updated_ns, LOCK_NS))
		return;
	n->mac = *mac;
	if (!same)
		n->updated_ns = s->now_ns;
	if (news == NEIGHBOUR_ANSWERED)
		become_reachable(n, "it answered");
	else if (!same)
		become_stale(n, known ? "its link address changed" : "it was heard of");
	else if (n->state != NEIGHBOUR_REACHABLE) /* Linux neigh_update(): heard of, not confirmed */
		become_stale(n, "it was heard of");
	flush(n);
}

void neighbour_confirm(struct interface *i, const struct ip_addr *addr)
{
	struct neighbour *n = find(i, addr);

	if (!n || !has_address(n))
		return;
	n->confirmed_ns = i->stack->now_ns;
	if (n->state == NEIGHBOUR_PROBE || n->state == NEIGHBOUR_STALE)
		become_reachable(n, "RFC 4861 7.3.1: progress above");
}

bool neighbour_known(const struct interface *i, const struct ip_addr *addr, struct mac_addr *mac)
{
	const struct neighbour *n = find(i, addr);

	if (!n || !has_address(n))
		return false;
	*mac = n->mac;
	return true;
}

int neighbour_table_create(struct stack *s)
{
	int error;

	if (!s->config.neighbours_max)
		s->config.neighbours_max = NEIGHBOURS_MAX_DEFAULT;
	s->neighbours = mem_take_zeroed(&s->mem, sizeof(*s->neighbours));
	if (!s->neighbours)
		return -ENOMEM;
	list_init(&s->neighbours->by_use);
	error = hash_table_init(&s->neighbours->by_addr, &s->mem);
	if (error) {
		mem_give(&s->mem, s->neighbours, sizeof(*s->neighbours));
		s->neighbours = NULL;
	}
	return error;
}

void neighbour_table_destroy(struct stack *s)
{
	struct neighbour_table *t = s->neighbours;

	if (!t)
		return;
	list_for_each_safe(it, &t->by_use)
		free_neighbour(container_of(it, struct neighbour, used_link));
	hash_table_destroy(&t->by_addr);
	mem_give(&s->mem, t, sizeof(*t));
	s->neighbours = NULL;
}

void neighbour_forget_interface(struct stack *s, uint32_t interface)
{
	list_for_each_safe(it, &s->neighbours->by_use)
	{
		struct neighbour *n = container_of(it, struct neighbour, used_link);

		if (n->interface->index == interface)
			free_neighbour(n);
	}
}

uint32_t neighbour_count(const struct stack *s)
{
	return s->neighbours->by_addr.count;
}

void stack_visit_neighbours(struct stack *s, void (*visit)(void *context, const struct neighbour_info *i), void *context)
{
	list_for_each(it, &s->neighbours->by_use)
	{
		const struct neighbour *n = container_of(it, struct neighbour, used_link);
		struct neighbour_info info = {.interface = n->interface->index, .addr = n->addr, .mac = n->mac,
		    .state = state_text(n->state), .confirmed_ns = n->confirmed_ns, .used_ns = n->used_ns,
		    .probes = n->probes, .queued_packets = n->waiting.count};

		visit(context, &info);
	}
}
