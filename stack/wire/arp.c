/* SPDX-License-Identifier: MIT */
/* ARP packets; see arp.h. */
#include "stack/wire/arp.h"

static const uint8_t fixed[6] = {0, 1, 0x08, 0, 6, 4}; /* Ethernet, IPv4, and their lengths */

static struct ip_addr get_v4(const uint8_t *octet)
{
	struct be32 raw;

	memcpy(&raw, octet, sizeof(raw));
	return ip_from_v4(be32_get(raw));
}

bool arp_parse(struct span packet, struct arp *out)
{
	const uint8_t *o = packet.data;

	if (packet.bytes < ARP_BYTES || memcmp(o, fixed, sizeof(fixed)) != 0)
		return false;
	out->operation = (uint16_t)(o[6] << 8 | o[7]);
	memcpy(out->sender_mac.octet, o + 8, 6);
	out->sender = get_v4(o + 14);
	memcpy(out->target_mac.octet, o + 18, 6);
	out->target = get_v4(o + 24);
	return true;
}

void arp_emit(uint8_t out[ARP_BYTES], const struct arp *a)
{
	memcpy(out, fixed, sizeof(fixed));
	out[6] = (uint8_t)(a->operation >> 8);
	out[7] = (uint8_t)a->operation;
	memcpy(out + 8, a->sender_mac.octet, 6);
	memcpy(out + 14, a->sender.octet + 12, 4);
	memcpy(out + 18, a->target_mac.octet, 6);
	memcpy(out + 24, a->target.octet + 12, 4);
}
