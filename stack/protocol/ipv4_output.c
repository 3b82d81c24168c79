/* SPDX-License-Identifier: MIT */
/* IPv4's way out: headers, identifications (RFC 6864, RFC 7739 on not being guessable), fragments. */
#include <errno.h>

#include "stack/protocol/internet.h"

/*
 * Identifications come from counters that are chosen by hash of source, destination and protocol:
 * two packets of one flow never have the same one within 65536, and one flow's counter tells
 * nothing about another's.
 */
static uint16_t next_id(struct stack *s, const struct ip_flow *flow, uint32_t segments)
{
	struct {
		struct ip_addr source, destination;
		uint32_t protocol;
	} key = {flow->source, flow->destination, flow->protocol};
	uint64_t hash = siphash(&s->key, &key, sizeof(key));
	uint32_t *counter = &s->ipv4_id[hash % IPV4_ID_COUNTERS];
	uint16_t id = (uint16_t)(*counter + (uint16_t)(hash >> 32));

	*counter += segments;
	return id;
}

void ipv4_write_header(struct stack *s, uint8_t *at, const struct ip_flow *flow, uint32_t payload_bytes, uint32_t segments)
{
	struct ipv4 ip = {.tos = flow->tos, .ttl = flow->ttl, .protocol = flow->protocol,
	    .dont_fragment = flow->dont_fragment, .id = next_id(s, flow, segments),
	    .source = flow->source, .destination = flow->destination};

	ipv4_emit(at, &ip, payload_bytes);
}

static struct packet *make_piece(struct stack *s, struct ipv4 *ip, struct span payload)
{
	struct packet *piece = packet_make(s, (uint32_t)payload.bytes);

	if (!piece)
		return NULL;
	memcpy(packet_data(piece), payload.data, payload.bytes);
	ipv4_emit(packet_push(piece, IPV4_HEADER_BYTES), ip, (uint32_t)payload.bytes);
	return piece;
}

int ipv4_fragment(struct stack *s, struct packet *p, const struct ip_path *path)
{
	size_t piece_max = (path->mtu_bytes - IPV4_HEADER_BYTES) & ~7U;
	struct ipv4 ip;
	struct span rest;
	int error = 0;

	if (ipv4_parse((struct span){packet_data(p), p->bytes}, &ip) != IPV4_OK || ip.options.bytes) {
		packet_free(s, p);
		return -EMSGSIZE;
	}
	rest = ip.payload;
	while (rest.bytes && !error) {
		size_t bytes = rest.bytes > piece_max ? piece_max : rest.bytes;
		struct packet *piece;

		ip.more_fragments = bytes < rest.bytes;
		piece = make_piece(s, &ip, (struct span){rest.data, bytes});
		error = piece ? ip_transmit(s, piece, path) : -ENOBUFS;
		s->counters.ip_fragments_out++;
		ip.offset_bytes = (uint16_t)(ip.offset_bytes + bytes);
		rest = (struct span){rest.data + bytes, rest.bytes - bytes};
	}
	packet_free(s, p);
	return error;
}
