/* SPDX-License-Identifier: MIT */
/* IPv6's way out: headers, and fragments, which only the source makes (RFC 8200 4.5). */
#include <errno.h>

#include "stack/protocol/internet.h"

void ipv6_write_header(uint8_t *at, const struct ip_flow *flow, uint32_t payload_bytes)
{
	const struct ipv6 ip = {.traffic_class = flow->tos, .next = flow->protocol, .hop_limit = flow->ttl,
	    .source = flow->source, .destination = flow->destination};

	ipv6_emit(at, &ip, payload_bytes);
}

static struct packet *make_piece(struct stack *s, struct ipv6 *ip, struct span payload, uint32_t offset_bytes, bool more, uint32_t id)
{
	struct packet *piece = packet_make(s, (uint32_t)payload.bytes);
	uint8_t protocol = ip->next;

	if (!piece)
		return NULL;
	memcpy(packet_data(piece), payload.data, payload.bytes);
	ipv6_emit_fragment(packet_push(piece, IPV6_FRAGMENT_BYTES), protocol, offset_bytes, more, id);
	ip->next = IPV6_FRAGMENT;
	ipv6_emit(packet_push(piece, IPV6_HEADER_BYTES), ip, (uint32_t)payload.bytes + IPV6_FRAGMENT_BYTES);
	ip->next = protocol;
	return piece;
}

int ipv6_fragment(struct stack *s, struct packet *p, const struct ip_path *path)
{
	size_t piece_max = (path->mtu_bytes - IPV6_HEADER_BYTES - IPV6_FRAGMENT_BYTES) & ~7U;
	uint32_t id = (uint32_t)random_next(&s->random); /* RFC 7739 */
	uint32_t offset_bytes = 0;
	struct ipv6 ip;
	struct span rest;
	int error = 0;

	if (ipv6_parse((struct span){packet_data(p), p->bytes}, &ip) != IPV6_OK) {
		packet_free(s, p);
		return -EMSGSIZE;
	}
	rest = ip.payload;
	while (rest.bytes && !error) {
		size_t bytes = rest.bytes > piece_max ? piece_max : rest.bytes;
		struct packet *piece = make_piece(s, &ip, (struct span){rest.data, bytes}, offset_bytes, bytes < rest.bytes, id);

		error = piece ? ip_transmit(s, piece, path) : -ENOBUFS;
		s->counters.ip_fragments_out++;
		offset_bytes += (uint32_t)bytes;
		rest = (struct span){rest.data + bytes, rest.bytes - bytes};
	}
	packet_free(s, p);
	return error;
}
