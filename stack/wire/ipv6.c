/* SPDX-License-Identifier: MIT */
/* IPv6 headers; see ipv6.h. */
#include "stack/wire/ipv6.h"

enum option_type { OPTION_PAD1 = 0, OPTION_ROUTER_ALERT = 5 };

static uint16_t get16(const uint8_t *o)
{
	return (uint16_t)(o[0] << 8 | o[1]);
}

static enum ipv6_verdict parse_header(struct span packet, struct ipv6 *out)
{
	const uint8_t *o = packet.data;

	if (packet.bytes < IPV6_HEADER_BYTES)
		return IPV6_SHORT;
	if (o[0] >> 4 != 6)
		return IPV6_VERSION;
	*out = (struct ipv6){
	    .traffic_class = (uint8_t)(o[0] << 4 | o[1] >> 4),
	    .flow_label = (uint32_t)(o[1] & 15) << 16 | get16(o + 2),
	    .next = o[6],
	    .hop_limit = o[7],
	};
	memcpy(out->source.octet, o + 8, 16);
	memcpy(out->destination.octet, o + 24, 16);
	return IPV6_OK;
}

static enum ipv6_verdict parse(struct span packet, bool whole, struct ipv6 *out)
{
	enum ipv6_verdict verdict = parse_header(packet, out);
	size_t payload_bytes;

	if (verdict != IPV6_OK)
		return verdict;
	payload_bytes = get16(packet.data + 4);
	if (payload_bytes > packet.bytes - IPV6_HEADER_BYTES) {
		if (whole)
			return IPV6_LENGTH;
		payload_bytes = packet.bytes - IPV6_HEADER_BYTES;
	}
	out->packet = (struct span){packet.data, IPV6_HEADER_BYTES + payload_bytes};
	out->payload = (struct span){packet.data + IPV6_HEADER_BYTES, payload_bytes};
	return IPV6_OK;
}

enum ipv6_verdict ipv6_parse(struct span packet, struct ipv6 *out)
{
	return parse(packet, true, out);
}

enum ipv6_verdict ipv6_parse_quoted(struct span packet, struct ipv6 *out)
{
	return parse(packet, false, out);
}

/* RFC 8200 4.2: options of a hop-by-hop or destination options header that lies at at. */
static enum ipv6_verdict walk_options(const uint8_t *o, uint32_t at, uint32_t bytes, struct ipv6_chain *out,
    uint32_t *pointer, uint8_t *action)
{
	uint32_t end = at + bytes;

	at += 2;
	while (at < end) {
		uint8_t type = o[at];

		if (type == OPTION_PAD1) {
			at++;
			continue;
		}
		if (end - at < 2 || end - at < 2U + o[at + 1])
			return IPV6_EXTENSION_SHORT;
		if (type == OPTION_ROUTER_ALERT && o[at + 1] == 2)
			out->router_alert = true;
		else if (type >> 6 != 0) {
			*pointer = at;
			*action = type >> 6;
			return IPV6_UNKNOWN_OPTION;
		}
		at += 2U + o[at + 1];
	}
	return IPV6_OK;
}

static void read_fragment(const uint8_t *o, uint32_t at, struct ipv6_chain *out)
{
	out->is_fragment = true;
	out->fragment_at = at;
	out->fragment_next_at = out->protocol_at;
	out->fragment_offset_bytes = get16(o + at + 2) & 0xfff8U;
	out->more_fragments = o[at + 3] & 1;
	out->fragment_id = (uint32_t)get16(o + at + 4) << 16 | get16(o + at + 6);
}

static bool is_extension(uint8_t next)
{
	return next == IPV6_HOP_BY_HOP || next == IPV6_ROUTING || next == IPV6_FRAGMENT ||
	       next == IPV6_DESTINATION_OPTIONS;
}

/* One extension header at out->offset_bytes: checks it, and moves on behind it. */
static enum ipv6_verdict step(const struct ipv6 *ip, struct ipv6_chain *out, uint32_t *pointer, uint8_t *action)
{
	const uint8_t *o = ip->packet.data;
	uint32_t at = out->offset_bytes, left = (uint32_t)ip->packet.bytes - at, bytes = IPV6_FRAGMENT_BYTES;
	enum ipv6_verdict verdict = IPV6_OK;

	*pointer = out->protocol_at;
	if (out->protocol == IPV6_HOP_BY_HOP && at != IPV6_HEADER_BYTES)
		return IPV6_MISPLACED;
	if (left < IPV6_FRAGMENT_BYTES)
		return IPV6_EXTENSION_SHORT;
	if (out->protocol != IPV6_FRAGMENT)
		bytes = 8U * (o[at + 1] + 1U);
	if (bytes > left)
		return IPV6_EXTENSION_SHORT;
	switch (out->protocol) {
	case IPV6_HOP_BY_HOP:
	case IPV6_DESTINATION_OPTIONS:
		verdict = walk_options(o, at, bytes, out, pointer, action);
		break;
	case IPV6_ROUTING:
		/* RFC 8200 4.4: a host passes over one with no segments left. Type 0 is dead (RFC 5095). */
		if (o[at + 3] != 0) {
			*pointer = at + 2;
			verdict = IPV6_ROUTING_TYPE;
		}
		break;
	default:
		read_fragment(o, at, out);
		break;
	}
	out->protocol = o[at];
	out->protocol_at = at;
	out->offset_bytes = at + bytes;
	return verdict;
}

enum ipv6_verdict ipv6_walk(const struct ipv6 *ip, struct ipv6_chain *out, uint32_t *pointer, uint8_t *action)
{
	enum ipv6_verdict verdict = IPV6_OK;
	unsigned count = 0;

	*out = (struct ipv6_chain){.protocol = ip->next, .offset_bytes = IPV6_HEADER_BYTES, .protocol_at = 6};
	*pointer = 0;
	*action = 0;
	while (verdict == IPV6_OK && is_extension(out->protocol)) {
		if (count++ == IPV6_EXTENSIONS_MAX)
			return IPV6_TOO_MANY;
		verdict = step(ip, out, pointer, action);
		/* What follows in a fragment that is not the first is no header. */
		if (out->is_fragment && (out->fragment_offset_bytes || out->more_fragments))
			break;
	}
	return verdict;
}

const char *ipv6_verdict_text(enum ipv6_verdict v)
{
	static const char *const text[] = {
#define IPV6(name, text) [IPV6_##name] = text,
	    IPV6_VERDICTS(IPV6)
#undef IPV6
	};

	return text[v];
}

void ipv6_emit(uint8_t out[IPV6_HEADER_BYTES], const struct ipv6 *ip, uint32_t payload_bytes)
{
	out[0] = (uint8_t)(0x60 | ip->traffic_class >> 4);
	out[1] = (uint8_t)(ip->traffic_class << 4 | (ip->flow_label >> 16 & 15));
	out[2] = (uint8_t)(ip->flow_label >> 8);
	out[3] = (uint8_t)ip->flow_label;
	out[4] = (uint8_t)(payload_bytes >> 8);
	out[5] = (uint8_t)payload_bytes;
	out[6] = ip->next;
	out[7] = ip->hop_limit;
	memcpy(out + 8, ip->source.octet, 16);
	memcpy(out + 24, ip->destination.octet, 16);
}

void ipv6_emit_fragment(uint8_t out[IPV6_FRAGMENT_BYTES], uint8_t next, uint32_t offset_bytes, bool more, uint32_t id)
{
	out[0] = next;
	out[1] = 0;
	out[2] = (uint8_t)(offset_bytes >> 8);
	out[3] = (uint8_t)((offset_bytes & 0xf8) | more);
	out[4] = (uint8_t)(id >> 24);
	out[5] = (uint8_t)(id >> 16);
	out[6] = (uint8_t)(id >> 8);
	out[7] = (uint8_t)id;
}
