/* SPDX-License-Identifier: MIT */
/* The Ethernet header; see ethernet.h. */
#include "stack/wire/ethernet.h"

const struct mac_addr ethernet_broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

bool ethernet_parse(struct span frame, struct ethernet *out, struct span *payload)
{
	if (frame.bytes < ETHERNET_HEADER_BYTES)
		return false;
	memcpy(out->destination.octet, frame.data, 6);
	memcpy(out->source.octet, frame.data + 6, 6);
	out->type = (uint16_t)(frame.data[12] << 8 | frame.data[13]);
	*payload = (struct span){frame.data + ETHERNET_HEADER_BYTES, frame.bytes - ETHERNET_HEADER_BYTES};
	return true;
}

void ethernet_emit(uint8_t out[ETHERNET_HEADER_BYTES], const struct ethernet *e)
{
	memcpy(out, e->destination.octet, 6);
	memcpy(out + 6, e->source.octet, 6);
	out[12] = (uint8_t)(e->type >> 8);
	out[13] = (uint8_t)e->type;
}

struct mac_addr ethernet_multicast(const struct ip_addr *group)
{
	const uint8_t *g = group->octet;

	if (ip_is_v4(group))
		return (struct mac_addr){{0x01, 0x00, 0x5e, g[13] & 0x7f, g[14], g[15]}};
	return (struct mac_addr){{0x33, 0x33, g[12], g[13], g[14], g[15]}};
}
