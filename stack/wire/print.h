/* SPDX-License-Identifier: MIT */
/*
 * Frames for readers: one line in the way of tcpdump, and the facts of it for JSON. A reader of the
 * trace (DESIGN.md 2.5) needs no other parser. Nothing is judged here: what is wrong is shown.
 */
#ifndef STACK_WIRE_PRINT_H
#define STACK_WIRE_PRINT_H

#include <stdbool.h>

#include "stack/base/addr.h"
#include "stack/base/frame.h"
#include "stack/wire/arp.h"
#include "stack/wire/icmpv6.h"
#include "stack/wire/tcp.h"

/* PRINT(NAME, "the word for it") */
#define PRINT_KINDS(PRINT)                                                                         \
	PRINT(UNKNOWN, "unknown")   /* an Ethernet type or IP protocol that we do not speak */     \
	PRINT(BROKEN, "broken")     /* cut short, or it lies about its lengths */                  \
	PRINT(ARP, "arp")                                                                          \
	PRINT(FRAGMENT, "fragment") /* not the first: no transport header inside */                \
	PRINT(ICMP, "icmp")                                                                        \
	PRINT(ICMPV6, "icmp6")                                                                     \
	PRINT(UDP, "udp")                                                                          \
	PRINT(TCP, "tcp")

enum print_kind {
#define PRINT(name, text) PRINT_##name,
	PRINT_KINDS(PRINT)
#undef PRINT
};

struct print_facts {
	enum print_kind kind;
	const char *kind_text;
	uint32_t frame_bytes;
	bool has_link;
	struct mac_addr link_source, link_destination;
	uint16_t link_type;
	bool has_ip;
	struct endpoint source, destination; /* port 0: the packet has none (has_ports) */
	bool has_ports;
	uint8_t ip_protocol, ttl, tos;
	uint16_t ip_id;
	bool dont_fragment, more_fragments;
	uint32_t fragment_offset_bytes;
	uint32_t payload_bytes;   /* of the transport: what a program sent */
	uint16_t gso_bytes;       /* 0, or it stands for a train of packets with this payload each */
	struct arp arp;           /* kind ARP */
	struct icmp icmp;         /* kind ICMP, ICMPV6; payload is not valid after the call */
	bool has_nd;
	struct nd_message nd;     /* kind ICMPV6, a message of neighbour discovery */
	struct tcp_segment tcp;   /* kind TCP; data is not valid after the call */
};

#define PRINT_LINE_BYTES 512

/* line may be NULL. Both return true; false when there is not even a link header. */
bool print_frame_in(const struct frame_in *f, bool has_link_header, struct print_facts *facts,
    char line[PRINT_LINE_BYTES]);
bool print_frame_out(const struct frame_out *f, bool has_link_header, struct print_facts *facts,
    char line[PRINT_LINE_BYTES]);

/* "echo request", "port unreachable" ...; "" when there is no word for it. */
const char *print_icmp_text(uint8_t type, uint8_t code);

#endif
