/* SPDX-License-Identifier: MIT */
/* ICMPv6 and neighbour discovery's messages; see icmpv6.h. */
#include "stack/wire/icmpv6.h"

enum nd_option {
	OPTION_SOURCE_LINK_ADDRESS = 1,
	OPTION_TARGET_LINK_ADDRESS = 2,
	OPTION_PREFIX = 3,
	OPTION_MTU = 5,
};

const struct ip_addr ipv6_all_nodes = {.octet = {0xff, 2, [15] = 1}};
const struct ip_addr ipv6_all_routers = {.octet = {0xff, 2, [15] = 2}};

static uint32_t get32(const uint8_t *o)
{
	return (uint32_t)o[0] << 24 | (uint32_t)o[1] << 16 | (uint32_t)o[2] << 8 | o[3];
}

static void read_prefix(const uint8_t *o, struct nd_message *out)
{
	struct nd_prefix *p = &out->prefix[out->prefix_count];

	if (out->prefix_count == ND_PREFIXES_MAX || o[2] > 128)
		return;
	out->prefix_count++;
	p->prefix.bits = o[2];
	p->on_link = o[3] & 0x80;
	p->autonomous = o[3] & 0x40;
	p->valid_s = get32(o + 4);
	p->preferred_s = get32(o + 8);
	memcpy(p->prefix.addr.octet, o + 16, 16);
}

static void read_option(const uint8_t *o, size_t bytes, uint8_t wanted_mac, struct nd_message *out)
{
	if (o[0] == wanted_mac && bytes == 8) {
		out->has_mac = true;
		memcpy(out->mac.octet, o + 2, 6);
	} else if (o[0] == OPTION_PREFIX && bytes == 32) {
		read_prefix(o, out);
	} else if (o[0] == OPTION_MTU && bytes == 8) {
		out->mtu_bytes = get32(o + 4);
	}
}

static bool read_options(struct span rest, uint8_t wanted_mac, struct nd_message *out)
{
	while (rest.bytes) {
		size_t bytes = rest.bytes < 2 ? 0 : 8 * (size_t)rest.data[1];

		if (bytes == 0 || bytes > rest.bytes)
			return false;
		read_option(rest.data, bytes, wanted_mac, out);
		rest = (struct span){rest.data + bytes, rest.bytes - bytes};
	}
	return true;
}

/* Octets before the options; 0: no message of neighbour discovery. */
static size_t fixed_bytes(uint8_t type)
{
	switch (type) {
	case ICMPV6_ROUTER_SOLICITATION:
		return 8;
	case ICMPV6_ROUTER_ADVERTISEMENT:
		return 16;
	case ICMPV6_NEIGHBOUR_SOLICITATION:
	case ICMPV6_NEIGHBOUR_ADVERTISEMENT:
		return 24;
	case ICMPV6_REDIRECT:
		return 40;
	default:
		return 0;
	}
}

static bool mac_is_of_target(uint8_t type)
{
	return type == ICMPV6_NEIGHBOUR_ADVERTISEMENT || type == ICMPV6_REDIRECT;
}

bool nd_parse(struct span message, struct nd_message *out)
{
	const uint8_t *o = message.data;
	size_t fixed = message.bytes ? fixed_bytes(o[0]) : 0;

	if (!fixed || message.bytes < fixed)
		return false;
	*out = (struct nd_message){.type = o[0]};
	if (o[0] == ICMPV6_ROUTER_ADVERTISEMENT) {
		out->hop_limit = o[4];
		out->managed = o[5] & 0x80;
		out->other = o[5] & 0x40;
		out->router_lifetime_s = (uint16_t)(o[6] << 8 | o[7]);
	} else if (o[0] != ICMPV6_ROUTER_SOLICITATION) {
		out->router = o[4] & 0x80;
		out->solicited = o[4] & 0x40;
		out->override = o[4] & 0x20;
		memcpy(out->target.octet, o + 8, 16);
	}
	if (o[0] == ICMPV6_REDIRECT)
		memcpy(out->destination.octet, o + 24, 16);
	return read_options((struct span){o + fixed, message.bytes - fixed},
	    mac_is_of_target(o[0]) ? OPTION_TARGET_LINK_ADDRESS : OPTION_SOURCE_LINK_ADDRESS, out);
}

uint32_t nd_emit(uint8_t out[ND_MESSAGE_MAX], const struct nd_message *m)
{
	uint32_t bytes = (uint32_t)fixed_bytes(m->type);

	memset(out, 0, ND_MESSAGE_MAX);
	out[0] = m->type;
	if (m->type == ICMPV6_NEIGHBOUR_ADVERTISEMENT)
		out[4] = (uint8_t)((m->router ? 0x80 : 0) | (m->solicited ? 0x40 : 0) | (m->override ? 0x20 : 0));
	if (bytes == 24)
		memcpy(out + 8, m->target.octet, 16);
	if (!m->has_mac)
		return bytes;
	out[bytes] = mac_is_of_target(m->type) ? OPTION_TARGET_LINK_ADDRESS : OPTION_SOURCE_LINK_ADDRESS;
	out[bytes + 1] = 1;
	memcpy(out + bytes + 2, m->mac.octet, 6);
	return bytes + 8;
}

struct ip_addr ipv6_solicited_node(const struct ip_addr *a)
{
	struct ip_addr group = {.octet = {0xff, 2, [11] = 1, [12] = 0xff}};

	memcpy(group.octet + 13, a->octet + 13, 3);
	return group;
}
