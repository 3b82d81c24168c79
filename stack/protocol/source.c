/* SPDX-License-Identifier: MIT */
/*
 * Which of our IPv6 addresses a packet comes from (RFC 6724 5): the rules in their order, each only
 * asked when those before see no difference. Rules 4 and 7 (home and temporary addresses) have
 * nothing to look at here.
 */
#include "stack/protocol/interface.h"

/* RFC 6724 2.1, as programs know it from gai.conf. Longest prefix first. */
static const struct {
	struct prefix prefix;
	uint8_t label;
} policy[] = {
    {{{{[15] = 1}}, 128}, 0},
    {{{{0x20, 0x01}}, 32}, 5},
    {{{{0x20, 0x02}}, 16}, 2},
    {{{{0x3f, 0xfe}}, 16}, 12},
    {{{{0xfe, 0xc0}}, 10}, 11},
    {{{{0xfc}}, 7}, 13},
    {{{{0}}, 96}, 3},
    {{{{0}}, 0}, 1},
};

static unsigned label_of(const struct ip_addr *a)
{
	for (size_t i = 0; i < sizeof(policy) / sizeof(policy[0]); i++)
		if (prefix_contains(&policy[i].prefix, a))
			return policy[i].label;
	return 1;
}

/* RFC 4291 2.7's numbers, for unicast addresses, too. */
enum scope { SCOPE_INTERFACE = 1, SCOPE_LINK = 2, SCOPE_SITE = 5, SCOPE_GLOBAL = 14 };

static unsigned scope_of(const struct ip_addr *a)
{
	if (ip_is_multicast(a))
		return a->octet[1] & 15;
	if (ip_is_loopback(a) || ip_is_link_local(a))
		return SCOPE_LINK;
	return a->octet[0] == 0xfe && (a->octet[1] & 0xc0) == 0xc0 ? SCOPE_SITE : SCOPE_GLOBAL;
}

static unsigned common_bits(const struct ip_addr *a, const struct ip_addr *b, unsigned limit)
{
	unsigned n = 0;

	while (n < limit && !((a->octet[n / 8] ^ b->octet[n / 8]) & 0x80 >> n % 8))
		n++;
	return n;
}

/* Is a the better source? Each rule answers with a difference, or passes the question on. */
static bool is_better(const struct interface_address *a, const struct interface_address *b,
    const struct ip_addr *destination, uint32_t interface)
{
	const struct ip_addr *x = &a->prefix.addr, *y = &b->prefix.addr;
	unsigned sx = scope_of(x), sy = scope_of(y), sd = scope_of(destination);

	if (ip_equal(x, destination) != ip_equal(y, destination)) /* 1: the same address */
		return ip_equal(x, destination);
	if (sx != sy) /* 2: the smallest scope that is large enough */
		return sx < sy ? sx >= sd : sy < sd;
	if ((a->state == ADDRESS_DEPRECATED) != (b->state == ADDRESS_DEPRECATED)) /* 3 */
		return b->state == ADDRESS_DEPRECATED;
	if (a->interface != b->interface && (a->interface->index == interface || b->interface->index == interface)) /* 5 */
		return a->interface->index == interface;
	if ((label_of(x) == label_of(destination)) != (label_of(y) == label_of(destination))) /* 6 */
		return label_of(x) == label_of(destination);
	return common_bits(x, destination, a->prefix.bits) > common_bits(y, destination, b->prefix.bits); /* 8 */
}

static const struct interface_address *best_of(const struct interface *i, const struct interface_address *best,
    const struct ip_addr *destination, uint32_t interface)
{
	list_for_each(it, &i->addresses)
	{
		const struct interface_address *a = container_of(it, struct interface_address, link);

		if (ip_is_v4(&a->prefix.addr) || !interface_address_is_usable(a))
			continue;
		if (!best || is_better(a, best, destination, interface))
			best = a;
	}
	return best;
}

bool source_select(const struct stack *s, uint32_t interface, const struct ip_addr *destination, struct ip_addr *out)
{
	/* RFC 6724 4: for the link itself only its own addresses are candidates. */
	bool own_only = interface && (ip_is_multicast(destination) || ip_is_link_local(destination));
	const struct interface_address *best = NULL;

	for (uint32_t n = 1; n < INTERFACES_MAX; n++)
		if (s->interface[n] && (!own_only || n == interface) && (n != STACK_LOOPBACK_INDEX || interface == n))
			best = best_of(s->interface[n], best, destination, interface);
	if (!best)
		return false;
	*out = best->prefix.addr;
	return true;
}
