/* SPDX-License-Identifier: MIT */
/* The UDP header; see udp.h. */
#include "stack/wire/udp.h"

bool udp_parse(struct span packet, struct udp *out)
{
	const uint8_t *o = packet.data;
	uint16_t length;

	if (packet.bytes < UDP_HEADER_BYTES)
		return false;
	length = (uint16_t)(o[4] << 8 | o[5]);
	if (length < UDP_HEADER_BYTES || length > packet.bytes)
		return false;
	*out = (struct udp){
	    .source_port = (uint16_t)(o[0] << 8 | o[1]),
	    .destination_port = (uint16_t)(o[2] << 8 | o[3]),
	    .length_bytes = length,
	    .has_checksum = o[6] || o[7],
	    .datagram = {o, length},
	    .payload = {o + UDP_HEADER_BYTES, (size_t)length - UDP_HEADER_BYTES},
	};
	return true;
}

void udp_emit(uint8_t out[UDP_HEADER_BYTES], uint16_t source_port, uint16_t destination_port,
    uint32_t payload_bytes)
{
	uint32_t length = UDP_HEADER_BYTES + payload_bytes;

	out[0] = (uint8_t)(source_port >> 8);
	out[1] = (uint8_t)source_port;
	out[2] = (uint8_t)(destination_port >> 8);
	out[3] = (uint8_t)destination_port;
	out[4] = (uint8_t)(length >> 8);
	out[5] = (uint8_t)length;
	out[6] = out[7] = 0;
}
