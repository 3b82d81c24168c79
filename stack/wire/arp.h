/* SPDX-License-Identifier: MIT */
/* ARP for IPv4 over Ethernet (RFC 826). No state; protocol/arp.c knows what to do with it. */
#ifndef STACK_WIRE_ARP_H
#define STACK_WIRE_ARP_H

#include <stdbool.h>

#include "stack/base/addr.h"

#define ARP_BYTES 28U

enum arp_operation { ARP_REQUEST = 1, ARP_REPLY = 2 };

struct arp {
	uint16_t operation; /* enum arp_operation or any other number */
	struct mac_addr sender_mac, target_mac;
	struct ip_addr sender, target;
};

/* False: too short, or not about IPv4 over Ethernet. */
bool arp_parse(struct span packet, struct arp *out);
void arp_emit(uint8_t out[ARP_BYTES], const struct arp *a);

#endif
