/* SPDX-License-Identifier: MIT */
/* The IPv4 header; see ipv4.h. */
#include "stack/wire/ipv4.h"

#include "stack/base/checksum.h"

static uint16_t get16(const uint8_t *o)
{
	return (uint16_t)(o[0] << 8 | o[1]);
}

static void put16(uint8_t *o, uint16_t n)
{
	o[0] = (uint8_t)(n >> 8);
	o[1] = (uint8_t)n;
}

static struct ip_addr get_addr(const uint8_t *o)
{
	return ip_from_v4((uint32_t)get16(o) << 16 | get16(o + 2));
}

static enum ipv4_verdict parse_header(struct span packet, struct ipv4 *out)
{
	const uint8_t *o = packet.data;
	size_t header_bytes;

	if (packet.bytes < IPV4_HEADER_BYTES)
		return IPV4_SHORT;
	if (o[0] >> 4 != 4)
		return IPV4_VERSION;
	header_bytes = 4 * (size_t)(o[0] & 15);
	if (header_bytes < IPV4_HEADER_BYTES || header_bytes > packet.bytes)
		return IPV4_HEADER_LENGTH;
	*out = (struct ipv4){
	    .tos = o[1],
	    .id = get16(o + 4),
	    .dont_fragment = o[6] & 0x40,
	    .more_fragments = o[6] & 0x20,
	    .offset_bytes = (uint16_t)(8 * (get16(o + 6) & 0x1fff)),
	    .ttl = o[8],
	    .protocol = o[9],
	    .source = get_addr(o + 12),
	    .destination = get_addr(o + 16),
	    .header = {o, header_bytes},
	    .options = {o + IPV4_HEADER_BYTES, header_bytes - IPV4_HEADER_BYTES},
	};
	return IPV4_OK;
}

enum ipv4_verdict ipv4_parse(struct span packet, struct ipv4 *out)
{
	enum ipv4_verdict verdict = parse_header(packet, out);
	struct be16 sum;
	size_t total;

	if (verdict != IPV4_OK)
		return verdict;
	total = get16(packet.data + 2);
	if (total < out->header.bytes || total > packet.bytes)
		return IPV4_TOTAL_LENGTH;
	sum = checksum_finish(checksum_add((struct checksum){0}, out->header.data, out->header.bytes));
	if (be16_get(sum) != 0)
		return IPV4_CHECKSUM;
	out->payload = (struct span){packet.data + out->header.bytes, total - out->header.bytes};
	return IPV4_OK;
}

enum ipv4_verdict ipv4_parse_quoted(struct span packet, struct ipv4 *out)
{
	enum ipv4_verdict verdict = parse_header(packet, out);
	size_t total;

	if (verdict != IPV4_OK)
		return verdict;
	total = get16(packet.data + 2);
	if (total < out->header.bytes)
		return IPV4_TOTAL_LENGTH;
	if (total > packet.bytes)
		total = packet.bytes;
	out->payload = (struct span){packet.data + out->header.bytes, total - out->header.bytes};
	return IPV4_OK;
}

const char *ipv4_verdict_text(enum ipv4_verdict v)
{
	static const char *const text[] = {
#define IPV4(name, text) [IPV4_##name] = text,
	    IPV4_VERDICTS(IPV4)
#undef IPV4
	};

	return text[v];
}

void ipv4_emit_checksum(uint8_t *header, uint32_t header_bytes)
{
	struct be16 sum;

	put16(header + 10, 0);
	sum = checksum_finish(checksum_add((struct checksum){0}, header, header_bytes));
	memcpy(header + 10, &sum, sizeof(sum));
}

void ipv4_emit(uint8_t out[IPV4_HEADER_BYTES], const struct ipv4 *ip, uint32_t payload_bytes)
{
	uint16_t flags = (uint16_t)((ip->dont_fragment ? 0x4000 : 0) | (ip->more_fragments ? 0x2000 : 0));

	out[0] = 0x45;
	out[1] = ip->tos;
	put16(out + 2, (uint16_t)(IPV4_HEADER_BYTES + payload_bytes));
	put16(out + 4, ip->id);
	put16(out + 6, (uint16_t)(flags | ip->offset_bytes / 8));
	out[8] = ip->ttl;
	out[9] = ip->protocol;
	memcpy(out + 12, ip->source.octet + 12, 4);
	memcpy(out + 16, ip->destination.octet + 12, 4);
	ipv4_emit_checksum(out, IPV4_HEADER_BYTES);
}
