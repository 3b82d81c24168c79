/* SPDX-License-Identifier: MIT */
/*
 * Duplicate address detection for IPv6 (RFC 4862 5.4): one probe, one second, as in Linux. An address
 * that autoconfiguration has made is not used while it is being probed. One that was configured is
 * (RFC 4429, optimistic): our host comes up with the first program that needs it, which should not
 * wait for two seconds; its probe goes out at once, and what is said about it meanwhile overrides
 * nothing that others know.
 */
#include "stack/protocol/nd.h"
#include "stack/protocol/route.h"

#define DELAY_MAX_MSEC 1000U /* RFC 4862 5.4.2: not all hosts of a link at once */
#define RETRANSMIT_NS NSEC_PER_SEC

static void tell(struct interface_address *a, bool conflict, const struct mac_addr *other)
{
	struct stack *s = a->interface->stack;

	address_trace(a, conflict ? "conflict" : "free", "RFC 4862 5.4", other);
	if (s->owner.address)
		s->owner.address(s->owner.context, a->interface->index, &a->prefix.addr, conflict, other);
}

static void step(struct timer *t, uint64_t now_ns)
{
	struct interface_address *a = container_of(t, struct interface_address, timer);
	struct stack *s = a->interface->stack;

	if (a->probes_left) {
		a->probes_left--;
		nd_probe(a->interface, &a->prefix.addr);
		timer_arm(&s->timers, &a->timer, time_after(now_ns, RETRANSMIT_NS));
		return;
	}
	a->state = ADDRESS_PREFERRED;
	route_touch(s);
	tell(a, false, NULL);
}

void dad_begin(struct interface_address *a)
{
	struct stack *s = a->interface->stack;

	timer_init(&a->timer, step);
	a->state = ADDRESS_TENTATIVE;
	a->probes_left = 1;
	a->optimistic = !a->automatic;
	if (a->optimistic)
		timer_arm(&s->timers, &a->timer, s->now_ns);
	else
		timer_arm(&s->timers, &a->timer, time_after(s->now_ns, random_below(&s->random, DELAY_MAX_MSEC) * NSEC_PER_MSEC));
}

void dad_conflict(struct interface_address *a, const struct mac_addr *other)
{
	struct stack *s = a->interface->stack;

	s->counters.nd_conflicts++;
	/* RFC 4862 5.4.5: an address in use is not given up for what somebody claims. */
	if (a->state != ADDRESS_TENTATIVE) {
		address_trace(a, "conflict", "RFC 4861 7.2.5: another station advertises it", other);
		return;
	}
	timer_cancel(&s->timers, &a->timer);
	a->probes_left = 0;
	a->state = ADDRESS_CONFLICT;
	route_touch(s);
	tell(a, true, other);
	if (a->automatic)
		router_address_conflict(a);
}
