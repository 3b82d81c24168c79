/* SPDX-License-Identifier: MIT */
/* IPv4 address conflict detection; see acd.h. The constants are those of RFC 5227 1.1. */
#include "stack/protocol/acd.h"

#include "stack/protocol/arp.h"
#include "stack/protocol/route.h"

#define PROBE_COUNT 3U
#define PROBE_MIN_MSEC 1000U
#define PROBE_MAX_MSEC 2000U
#define ANNOUNCE_WAIT_NS (2 * NSEC_PER_SEC)
#define ANNOUNCE_COUNT 2U
#define ANNOUNCE_INTERVAL_NS (2 * NSEC_PER_SEC)
#define DEFEND_INTERVAL_NS (10 * NSEC_PER_SEC)

static void arm(struct interface_address *a, uint64_t span_ns)
{
	struct stack *s = a->interface->stack;

	timer_arm(&s->timers, &a->timer, time_after(s->now_ns, span_ns));
}

static void tell_owner(const struct interface_address *a, bool conflict, const struct mac_addr *other)
{
	struct stack *s = a->interface->stack;

	if (s->owner.address)
		s->owner.address(s->owner.context, a->interface->index, &a->prefix.addr, conflict, other);
}

static void send_probe(struct interface_address *a)
{
	struct stack *s = a->interface->stack;
	uint32_t span_msec = PROBE_MIN_MSEC + random_below(&s->random, PROBE_MAX_MSEC - PROBE_MIN_MSEC + 1);

	arp_probe(a->interface, &a->prefix.addr);
	a->probes_left--;
	arm(a, a->probes_left ? span_msec * NSEC_PER_MSEC : ANNOUNCE_WAIT_NS);
}

static void send_announcement(struct interface_address *a)
{
	arp_announce(a->interface, &a->prefix.addr);
	a->announcements_left--;
	if (a->announcements_left)
		arm(a, ANNOUNCE_INTERVAL_NS);
}

static void step(struct timer *t, uint64_t now_ns)
{
	struct interface_address *a = container_of(t, struct interface_address, timer);

	(void)now_ns; /* stack_output() has set the stack's time to it */
	if (a->probes_left) {
		send_probe(a);
		return;
	}
	if (a->state == ADDRESS_TENTATIVE) {
		a->state = ADDRESS_PREFERRED;
		address_trace(a, "free", "RFC 5227 2.1.1: nobody answered the probes", NULL);
		tell_owner(a, false, NULL);
	}
	if (a->announcements_left)
		send_announcement(a);
}

void acd_begin(struct interface_address *a, bool probe)
{
	timer_init(&a->timer, step);
	a->state = ADDRESS_PREFERRED;
	if (!probe)
		return;
	a->state = ADDRESS_TENTATIVE;
	a->probes_left = PROBE_COUNT;
	a->announcements_left = ANNOUNCE_COUNT;
	/* RFC 5227 2.1.1 waits up to a second first, for the sake of many hosts that are switched on at
	 * once. We start when somebody asks for us, and who asks wants to know soon. */
	arm(a, 0);
}

void acd_conflict(struct interface_address *a, const struct mac_addr *other, bool other_probes)
{
	struct stack *s = a->interface->stack;

	if (a->state == ADDRESS_TENTATIVE) {
		s->counters.arp_conflicts++;
		timer_cancel(&s->timers, &a->timer);
		a->probes_left = a->announcements_left = 0;
		a->state = ADDRESS_CONFLICT;
		route_touch(s);
		address_trace(a, "conflict", "RFC 5227 2.1.1: another station has it or wants it, too", other);
		tell_owner(a, true, other);
		return;
	}
	/* The other station's probe is answered like any question, which tells it enough. */
	if (a->state == ADDRESS_CONFLICT || other_probes)
		return;
	s->counters.arp_conflicts++;
	address_trace(a, "conflict", "RFC 5227 2.4: another station uses it", other);
	if (a->defended_ns && s->now_ns - a->defended_ns < DEFEND_INTERVAL_NS)
		return;
	a->defended_ns = s->now_ns ? s->now_ns : 1;
	tell_owner(a, true, other);
	arp_announce(a->interface, &a->prefix.addr);
}
