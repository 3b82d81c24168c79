/* SPDX-License-Identifier: MIT */
/* The Ethernet II frame header (IEEE 802.3 3.2, RFC 894, RFC 2464). No state. */
#ifndef STACK_WIRE_ETHERNET_H
#define STACK_WIRE_ETHERNET_H

#include <stdbool.h>

#include "stack/base/addr.h"

#define ETHERNET_HEADER_BYTES 14U

enum ethernet_type {
	ETHERNET_IPV4 = 0x0800,
	ETHERNET_ARP = 0x0806,
	ETHERNET_IPV6 = 0x86dd,
};

struct ethernet {
	struct mac_addr destination, source;
	uint16_t type; /* enum ethernet_type, or any other number; below 0x600 it is a length */
};

/* False: shorter than the header. payload: all that follows, padding included. */
bool ethernet_parse(struct span frame, struct ethernet *out, struct span *payload);
void ethernet_emit(uint8_t out[ETHERNET_HEADER_BYTES], const struct ethernet *e);

extern const struct mac_addr ethernet_broadcast;

static inline bool mac_is_group(const struct mac_addr *m)
{
	return m->octet[0] & 1;
}

/* The group address that an IP multicast address maps to (RFC 1112 6.4, RFC 2464 7). */
struct mac_addr ethernet_multicast(const struct ip_addr *group);

#endif
