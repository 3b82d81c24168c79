/* SPDX-License-Identifier: MIT */
/*
 * Telling routers which groups we want: IGMPv3 (RFC 3376 4.2, 5) and MLDv2 (RFC 3810 5.2, 6) reports,
 * a record each. A change is told at once and again within a second, always as the filter that holds
 * now (CHANGE_TO_...), which tells a router as much as the differences would. A query of IGMPv2 is
 * answered in its own words.
 */
#include "stack/base/checksum.h"
#include "stack/protocol/internet.h"
#include "stack/protocol/multicast.h"
#include "stack/wire/icmpv6.h"

#define ROBUSTNESS 2U /* RFC 3376 8.1 */
#define CHANGE_INTERVAL_MSEC 1000U
#define RECORD_HEADER4 8U
#define RECORD_HEADER6 20U
#define REPORT_HEADER 8U
#define REPORT_MAX (REPORT_HEADER + RECORD_HEADER6 + SOURCES_MAX6 * 16U)
#define QUERY_V2_BYTES 8U
#define QUERY_V3_BYTES 12U
#define MLD_QUERY_BYTES 24U

enum igmp_type { IGMP_QUERY = 0x11, IGMP_V2_REPORT = 0x16, IGMP_V3_REPORT = 0x22 };
enum record_type { IS_INCLUDE = 1, IS_EXCLUDE = 2, TO_INCLUDE = 3, TO_EXCLUDE = 4 };

static const struct ip_addr mld_routers = {{0xff, 2, [15] = 0x16}};

/* ---- out ---- */

static void put16(uint8_t *at, uint32_t n)
{
	at[0] = (uint8_t)(n >> 8);
	at[1] = (uint8_t)n;
}

/* Behind IP's header with a router alert (RFC 2113). */
static void send4(struct interface *i, const struct ip_addr *to, const uint8_t *message, uint32_t bytes)
{
	static const uint8_t router_alert[] = {0x94, 4, 0, 0};
	struct ipv4 ip = {.ttl = 1, .tos = 0xc0, .protocol = IP_PROTOCOL_IGMP, .dont_fragment = true,
	    .source = ip_from_v4(0), .destination = *to};
	struct packet *p = packet_make(i->stack, bytes);
	struct mac_addr group = ethernet_multicast(to);
	uint8_t *at;

	if (!p)
		return;
	/* RFC 3376 4.2.13: without an address, from 0.0.0.0. */
	interface_source(i, to, to, &ip.source);
	memcpy(packet_data(p), message, bytes);
	memcpy(packet_push(p, sizeof(router_alert)), router_alert, sizeof(router_alert));
	at = packet_push(p, IPV4_HEADER_BYTES);
	ipv4_emit(at, &ip, bytes + sizeof(router_alert));
	at[0] = 0x46;
	ipv4_emit_checksum(at, IPV4_HEADER_BYTES + sizeof(router_alert));
	i->stack->counters.ip_out_packets++;
	interface_send(i, p, &group, ETHERNET_IPV4);
}

/* Behind hop-by-hop options with a router alert (RFC 2711). */
static void send6(struct interface *i, uint8_t *message, uint32_t bytes)
{
	static const uint8_t router_alert[] = {IP_PROTOCOL_ICMPV6, 0, 5, 2, 0, 0, 1, 0};
	struct ipv6 ip = {.next = IPV6_HOP_BY_HOP, .hop_limit = 1, .destination = mld_routers};
	struct mac_addr group = ethernet_multicast(&mld_routers);
	struct packet *p = packet_make(i->stack, bytes);
	struct be16 sum;

	if (!p)
		return;
	/* RFC 3810 5.2.13: a link-local address, or none. */
	if (!interface_source(i, &mld_routers, &mld_routers, &ip.source) || !ip_is_link_local(&ip.source))
		ip.source = (struct ip_addr){{0}};
	sum = checksum_finish(checksum_add(
	    checksum_pseudo_header(&ip.source, &ip.destination, IP_PROTOCOL_ICMPV6, bytes), message, bytes));
	memcpy(message + 2, &sum, sizeof(sum));
	memcpy(packet_data(p), message, bytes);
	memcpy(packet_push(p, sizeof(router_alert)), router_alert, sizeof(router_alert));
	ipv6_emit(packet_push(p, IPV6_HEADER_BYTES), &ip, bytes + (uint32_t)sizeof(router_alert));
	i->stack->counters.ip_out_packets++;
	i->stack->counters.icmp_out_messages++;
	interface_send(i, p, &group, ETHERNET_IPV6);
}

static uint32_t write_record(uint8_t *at, const struct group *g, enum record_type type)
{
	bool v4 = ip_is_v4(&g->addr);
	uint32_t length = v4 ? 4 : 16, skip = 16 - length, used = 4 + length;

	at[0] = (uint8_t)type;
	put16(at + 2, g->filter.count);
	memcpy(at + 4, g->addr.octet + skip, length);
	for (unsigned i = 0; i < g->filter.count; i++, used += length)
		memcpy(at + used, g->filter.source[i].octet + skip, length);
	return used;
}

static void finish4(uint8_t *message, uint32_t bytes)
{
	struct be16 sum = checksum_finish(checksum_add((struct checksum){0}, message, bytes));

	memcpy(message + 2, &sum, sizeof(sum));
}

static void report_v2(const struct group *g)
{
	uint8_t message[8] = {IGMP_V2_REPORT};

	memcpy(message + 4, g->addr.octet + 12, 4);
	finish4(message, sizeof(message));
	send4(g->interface, &g->addr, message, sizeof(message));
}

static void report(const struct group *g, enum record_type type)
{
	uint8_t message[REPORT_MAX] = {0};
	uint32_t bytes = REPORT_HEADER + write_record(message + REPORT_HEADER, g, type);
	const struct ip_addr routers = ip_from_v4(0xe0000016);

	put16(message + 6, 1);
	message[0] = ip_is_v4(&g->addr) ? IGMP_V3_REPORT : ICMPV6_MLD_V2_REPORT;
	if (ip_is_v4(&g->addr)) {
		finish4(message, bytes);
		send4(g->interface, &routers, message, bytes);
	} else {
		send6(g->interface, message, bytes);
	}
}

/* Groups of which nobody is told: all hosts, and those that do not leave the link's end. */
static bool is_silent(const struct group *g)
{
	if (g->interface->index == STACK_LOOPBACK_INDEX)
		return true;
	if (ip_is_v4(&g->addr))
		return ip_to_v4(&g->addr) == 0xe0000001;
	return ip_equal(&g->addr, &ipv6_all_nodes) || (g->addr.octet[1] & 15) < 2;
}

static void tell_change(struct group *g)
{
	report(g, g->filter.excludes ? TO_EXCLUDE : TO_INCLUDE);
	if (--g->changes_left) {
		struct stack *s = g->interface->stack;

		timer_arm(&s->timers, &g->timer,
		    time_after(s->now_ns, (1 + random_below(&s->random, CHANGE_INTERVAL_MSEC)) * NSEC_PER_MSEC));
	} else if (!g->members) {
		multicast_group_free(g);
	}
}

void multicast_tell(struct group *g)
{
	if (is_silent(g)) {
		if (!g->members)
			multicast_group_free(g);
		return;
	}
	g->changes_left = ROBUSTNESS;
	tell_change(g);
}

void multicast_timer(struct timer *t, uint64_t now_ns)
{
	struct group *g = container_of(t, struct group, timer);

	(void)now_ns;
	if (g->changes_left)
		tell_change(g);
	else if (g->answers_v2)
		report_v2(g);
	else
		report(g, g->filter.excludes ? IS_EXCLUDE : IS_INCLUDE);
}

/* ---- in ---- */

/* A code of 128 and more is a small floating-point number (RFC 3376 4.1.1, RFC 3810 5.1.3). */
static uint32_t read_code(uint32_t code, unsigned mantissa_bits)
{
	uint32_t top = 1U << (mantissa_bits + 3);

	if (code < top)
		return code;
	return ((code & ((1U << mantissa_bits) - 1)) | 1U << mantissa_bits) << ((code >> mantissa_bits & 7) + 3);
}

/* RFC 3376 5.2: each group answers at a time of its own before limit; one that is due earlier stays. */
static void answer(struct interface *i, const struct ip_addr *group, uint32_t limit_msec, bool v2)
{
	struct stack *s = i->stack;

	list_for_each(it, &i->groups)
	{
		struct group *g = container_of(it, struct group, link);
		uint64_t due_ns = time_after(s->now_ns, random_below(&s->random, limit_msec + 1) * NSEC_PER_MSEC);

		if (!g->members || is_silent(g) || ip_is_v4(&g->addr) != ip_is_v4(group) ||
		    (!ip_is_unspecified(group) && !ip_equal(group, &g->addr)))
			continue;
		g->answers_v2 = v2;
		if (!timer_armed(&g->timer) || g->timer.due_ns > due_ns)
			timer_arm(&s->timers, &g->timer, due_ns);
	}
}

void igmp_input(struct stack *s, const struct ip_packet *p)
{
	struct interface *i = interface_find(s, p->interface);
	const uint8_t *m = p->payload.data;
	struct ip_addr group;
	bool v2;

	if (!i || p->payload.bytes < QUERY_V2_BYTES || m[0] != IGMP_QUERY)
		return;
	if (be16_get(checksum_finish(checksum_add((struct checksum){0}, m, p->payload.bytes))) != 0) {
		trace_drop(s, "wrong IGMP checksum", "RFC 3376 4.1.2", (uint32_t)p->payload.bytes);
		return;
	}
	group = ip_from_v4((uint32_t)m[4] << 24 | (uint32_t)m[5] << 16 | (uint32_t)m[6] << 8 | m[7]);
	v2 = p->payload.bytes < QUERY_V3_BYTES;
	/* In tenths of seconds; IGMPv1, which has no such field, means ten seconds. */
	answer(i, &group, 100 * (m[1] == 0 ? (v2 ? 100U : 1U) : v2 ? m[1] : read_code(m[1], 4)), v2);
}

void mld_input(struct stack *s, const struct ip_packet *p)
{
	struct interface *i = interface_find(s, p->interface);
	const uint8_t *m = p->payload.data;
	struct ip_addr group;

	/* RFC 3810 6.2: from a router on this link. */
	if (!i || p->payload.bytes < MLD_QUERY_BYTES || !ip_is_link_local(&p->source) || p->ttl != 1)
		return;
	memcpy(group.octet, m + 8, sizeof(group.octet));
	answer(i, &group, read_code((uint32_t)m[4] << 8 | m[5], 12), false);
}
