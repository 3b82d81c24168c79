/* SPDX-License-Identifier: MIT */
/* Where the headers lie in a frame; see layout.h. */
#include "netif/layout.h"

#include <string.h>

#include "stack/base/bytes.h"

enum {
	ETHERTYPE_AT = 12,
	TYPE_IPV4 = 0x0800,
	TYPE_IPV6 = 0x86dd,
	TYPE_VLAN = 0x8100,
	TYPE_VLAN_SERVICE = 0x88a8,
	EXTENSIONS_MAX = 8,
};

static uint16_t load_16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* Sets network and says which IP version follows; 0 when none does. */
static unsigned find_network(const uint8_t *data, uint32_t bytes, bool has_link_header, struct layout *out)
{
	uint32_t at = ETHERTYPE_AT;
	uint16_t type;

	out->network = 0;
	if (!has_link_header)
		return bytes ? data[0] >> 4 : 0;
	if (bytes < LAYOUT_ETHERNET_BYTES)
		return 0;
	type = load_16(data + at);
	while (type == TYPE_VLAN || type == TYPE_VLAN_SERVICE) {
		at += 4;
		if (at + 2 > bytes)
			return 0;
		type = load_16(data + at);
	}
	out->network = at + 2;
	return type == TYPE_IPV4 ? 4 : type == TYPE_IPV6 ? 6 : 0;
}

static bool find_v4(const uint8_t *data, uint32_t bytes, struct layout *out)
{
	const uint8_t *ip = data + out->network;
	uint32_t room = bytes - out->network;
	uint32_t header, total;

	if (room < 20 || ip[0] >> 4 != 4)
		return false;
	header = (ip[0] & 15U) * 4;
	total = load_16(ip + 2);
	if (total == 0) /* what a sender's offload leaves for the card to fill in */
		total = room;
	if (header < 20 || header > total || total > room)
		return false;
	out->transport = out->network + header;
	out->end = out->network + total;
	out->protocol = ip[9];
	out->fragment = (load_16(ip + 6) & 0x3fff) != 0;
	return true;
}

/* Is it an extension header whose length we can step over? RFC 8200 4. */
static bool is_extension(uint8_t protocol)
{
	return protocol == 0 || protocol == 43 || protocol == 44 || protocol == 60;
}

static bool find_v6(const uint8_t *data, uint32_t bytes, struct layout *out)
{
	const uint8_t *ip = data + out->network;
	uint32_t room = bytes - out->network;
	uint32_t length, at;

	if (room < 40 || ip[0] >> 4 != 6)
		return false;
	length = load_16(ip + 4);
	if (length == 0)
		length = room - 40;
	if (length > room - 40)
		return false;
	out->end = out->network + 40 + length;
	out->protocol = ip[6];
	at = out->network + 40;
	for (int i = 0; i < EXTENSIONS_MAX && is_extension(out->protocol); i++) {
		if (at + 8 > out->end)
			return false;
		if (out->protocol == 44) {
			out->fragment = (load_16(data + at + 2) & 0xfff9) != 0;
			out->protocol = data[at];
			at += 8;
			if (out->fragment)
				break;
			continue;
		}
		out->protocol = data[at];
		at += 8U * (1U + data[at + 1]);
	}
	out->transport = at;
	return at <= out->end;
}

bool layout_find(const uint8_t *data, uint32_t bytes, bool has_link_header, struct layout *out)
{
	unsigned version = find_network(data, bytes, has_link_header, out);

	out->fragment = false;
	if (version == 4 ? !find_v4(data, bytes, out) : version == 6 ? !find_v6(data, bytes, out) : true)
		return false;
	out->version = (uint8_t)version;
	out->payload = out->transport;
	if (out->fragment)
		return true;
	if (out->protocol == LAYOUT_TCP) {
		if (out->end - out->transport < 20)
			return false;
		out->payload = out->transport + (data[out->transport + 12] >> 4) * 4U;
		return out->payload >= out->transport + 20 && out->payload <= out->end;
	}
	if (out->protocol == LAYOUT_UDP)
		out->payload = out->transport + 8;
	return out->payload <= out->end;
}

struct checksum layout_pseudo_header(const uint8_t *ip, uint8_t protocol, uint32_t length)
{
	uint8_t tail[8] = {(uint8_t)(length >> 24), (uint8_t)(length >> 16), (uint8_t)(length >> 8),
	    (uint8_t)length, 0, 0, 0, protocol};
	struct checksum c = {0};

	if (ip[0] >> 4 == 4)
		c = checksum_add(c, ip + 12, 8);
	else
		c = checksum_add(c, ip + 8, 32);
	return checksum_add(c, tail, sizeof(tail));
}

uint32_t layout_checksum_offset(uint8_t protocol)
{
	switch (protocol) {
	case LAYOUT_TCP:
		return 16;
	case LAYOUT_UDP:
		return 6;
	case LAYOUT_ICMP:
	case LAYOUT_ICMPV6:
		return 2;
	}
	return 0;
}
