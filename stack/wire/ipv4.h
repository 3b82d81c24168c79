/* SPDX-License-Identifier: MIT */
/* The IPv4 header (RFC 791 3.1). No state; never reads beyond the span that it is given. */
#ifndef STACK_WIRE_IPV4_H
#define STACK_WIRE_IPV4_H

#include <stdbool.h>

#include "stack/base/addr.h"

#define IPV4_HEADER_BYTES 20U
#define IPV4_HEADER_MAX 60U

struct ipv4 {
	uint8_t tos;
	uint8_t ttl;
	uint8_t protocol;
	uint16_t id;
	bool dont_fragment, more_fragments;
	uint16_t offset_bytes; /* of this fragment's payload in the whole */
	struct ip_addr source, destination;
	struct span header;  /* with options */
	struct span options; /* inside header */
	struct span payload; /* as long as the header says: padding of the link is cut */
};

/* IPV4(NAME, "what is wrong") */
#define IPV4_VERDICTS(IPV4)                                                                        \
	IPV4(OK, "")                                                                               \
	IPV4(SHORT, "shorter than an IPv4 header")                                                 \
	IPV4(VERSION, "not version 4")                                                             \
	IPV4(HEADER_LENGTH, "header length below 20 or beyond the packet")                         \
	IPV4(TOTAL_LENGTH, "total length below the header's or beyond the packet")                 \
	IPV4(CHECKSUM, "wrong header checksum")

enum ipv4_verdict {
#define IPV4(name, text) IPV4_##name,
	IPV4_VERDICTS(IPV4)
#undef IPV4
};

/* Checks what RFC 1122 3.2.1 asks of the header itself. */
enum ipv4_verdict ipv4_parse(struct span packet, struct ipv4 *out);
/* The same for a packet that ends early and whose header checksum may have been changed on the way:
 * what an ICMP error quotes (RFC 792). payload is what there is of it. */
enum ipv4_verdict ipv4_parse_quoted(struct span packet, struct ipv4 *out);
/* A sentence for the trace. */
const char *ipv4_verdict_text(enum ipv4_verdict v);

/* A header without options and with its checksum. payload_bytes: what will follow. Of *ip, header,
 * options and payload are not looked at. */
void ipv4_emit(uint8_t out[IPV4_HEADER_BYTES], const struct ipv4 *ip, uint32_t payload_bytes);
/* Recomputes the checksum of a header that is complete otherwise. */
void ipv4_emit_checksum(uint8_t *header, uint32_t header_bytes);

#endif
