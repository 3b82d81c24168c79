/* SPDX-License-Identifier: MIT */
/* The IPv6 header and its extension headers (RFC 8200 3, 4). No state; never reads beyond the span. */
#ifndef STACK_WIRE_IPV6_H
#define STACK_WIRE_IPV6_H

#include <stdbool.h>

#include "stack/base/addr.h"

#define IPV6_HEADER_BYTES 40U
#define IPV6_FRAGMENT_BYTES 8U
#define IPV6_MTU_MIN_BYTES 1280U
#define IPV6_EXTENSIONS_MAX 8U /* more than that is nobody's honest packet */

enum ipv6_next {
	IPV6_HOP_BY_HOP = 0,
	IPV6_ROUTING = 43,
	IPV6_FRAGMENT = 44,
	IPV6_NONE = 59,
	IPV6_DESTINATION_OPTIONS = 60,
};

struct ipv6 {
	uint8_t traffic_class;
	uint32_t flow_label;
	uint8_t hop_limit;
	uint8_t next;          /* what follows the fixed header */
	struct ip_addr source, destination;
	struct span packet;    /* fixed header and payload; padding of the link is cut */
	struct span payload;   /* behind the fixed header */
};

/* What the chain of extension headers says. */
struct ipv6_chain {
	uint8_t protocol;           /* of the first header that is no extension */
	uint32_t offset_bytes;      /* where that begins, from the fixed header's first octet */
	uint32_t protocol_at;       /* where the octet is that names it (RFC 4443 3.4's pointer) */
	bool is_fragment, more_fragments, router_alert;
	uint32_t fragment_id;
	uint32_t fragment_offset_bytes;
	uint32_t fragment_at;       /* where the fragment header begins */
	uint32_t fragment_next_at;  /* where the octet is that names the fragment header */
};

/* IPV6(NAME, "what is wrong") */
#define IPV6_VERDICTS(IPV6)                                                                        \
	IPV6(OK, "")                                                                               \
	IPV6(SHORT, "shorter than an IPv6 header")                                                 \
	IPV6(VERSION, "not version 6")                                                             \
	IPV6(LENGTH, "payload length beyond the packet")                                           \
	IPV6(EXTENSION_SHORT, "extension header cut short")                                        \
	IPV6(TOO_MANY, "too many extension headers")                                               \
	IPV6(MISPLACED, "hop-by-hop options not in front")                                         \
	IPV6(UNKNOWN_OPTION, "option that must be understood")                                     \
	IPV6(ROUTING_TYPE, "routing header that is not over")

enum ipv6_verdict {
#define IPV6(name, text) IPV6_##name,
	IPV6_VERDICTS(IPV6)
#undef IPV6
};

enum ipv6_verdict ipv6_parse(struct span packet, struct ipv6 *out);
/* The same for a packet that ends early: what an ICMPv6 error quotes. */
enum ipv6_verdict ipv6_parse_quoted(struct span packet, struct ipv6 *out);

/*
 * Walks the extension headers up to the first that is none, or up to and with the fragment header of
 * a fragment. On UNKNOWN_OPTION, MISPLACED and ROUTING_TYPE, *pointer is the offset of the octet at
 * fault, and *action the two highest bits of an unknown option's type (RFC 8200 4.2).
 */
enum ipv6_verdict ipv6_walk(const struct ipv6 *ip, struct ipv6_chain *out, uint32_t *pointer, uint8_t *action);
const char *ipv6_verdict_text(enum ipv6_verdict v);

void ipv6_emit(uint8_t out[IPV6_HEADER_BYTES], const struct ipv6 *ip, uint32_t payload_bytes);
/* next: what the fragment holds. */
void ipv6_emit_fragment(uint8_t out[IPV6_FRAGMENT_BYTES], uint8_t next, uint32_t offset_bytes, bool more, uint32_t id);

#endif
