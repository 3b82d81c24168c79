/* SPDX-License-Identifier: MIT */
/* The UDP header (RFC 768). No state. */
#ifndef STACK_WIRE_UDP_H
#define STACK_WIRE_UDP_H

#include <stdbool.h>

#include "stack/base/bytes.h"

#define UDP_HEADER_BYTES 8U
#define UDP_CHECKSUM_OFFSET 6U

struct udp {
	uint16_t source_port, destination_port;
	uint16_t length_bytes;  /* header and payload, as the header says */
	bool has_checksum;      /* the field is not zero */
	struct span datagram;   /* header and payload: what the checksum covers */
	struct span payload;
};

/* False: shorter than its header, or a length below 8 or beyond the packet. Octets beyond the length
 * are cut, as Linux does. */
bool udp_parse(struct span packet, struct udp *out);
/* A header with checksum zero. */
void udp_emit(uint8_t out[UDP_HEADER_BYTES], uint16_t source_port, uint16_t destination_port,
    uint32_t payload_bytes);

#endif
