/* SPDX-License-Identifier: MIT */
/*
 * Where the headers lie in a frame of bytes: just enough of Ethernet (IEEE 802.3), IPv4 (RFC 791),
 * IPv6 (RFC 8200), TCP and UDP for a driver that has to cut a frame or complete a checksum. It
 * judges nothing: a frame that it does not understand is passed on as it is.
 */
#ifndef NETIF_LAYOUT_H
#define NETIF_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/base/checksum.h"

#define LAYOUT_ETHERNET_BYTES 14U
/* Ethernet with two VLAN tags in front of the largest packet. */
#define LAYOUT_FRAME_MAX (65535U + LAYOUT_ETHERNET_BYTES + 8U)

enum {
	LAYOUT_ICMP = 1,
	LAYOUT_TCP = 6,
	LAYOUT_UDP = 17,
	LAYOUT_ICMPV6 = 58,
};

/* Offsets from the frame's first octet. */
struct layout {
	uint32_t network;   /* IP header */
	uint32_t transport; /* what follows IP's headers */
	uint32_t payload;   /* behind the TCP or UDP header; transport for any other protocol */
	uint32_t end;       /* end of the IP packet: link padding may follow */
	uint8_t version;    /* 4 or 6 */
	uint8_t protocol;   /* of what is at transport */
	bool fragment;      /* one of several: there is no whole transport message here */
};

/* False when it is no IP packet, or one that is cut short. */
bool layout_find(const uint8_t *data, uint32_t bytes, bool has_link_header, struct layout *out);

/* The sum of the pseudo-header for a transport message of length bytes; ip is the IP header. */
struct checksum layout_pseudo_header(const uint8_t *ip, uint8_t protocol, uint32_t length);

/* Offset of the checksum field in the transport header, or 0 when the protocol has none that we know. */
uint32_t layout_checksum_offset(uint8_t protocol);

#endif
