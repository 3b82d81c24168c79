/* SPDX-License-Identifier: MIT */
/* ICMP for IPv4 (RFC 792, 1122 3.2.2, 1191 4). No state. */
#ifndef STACK_WIRE_ICMP_H
#define STACK_WIRE_ICMP_H

#include <stdbool.h>

#include "stack/base/bytes.h"

#define ICMP_HEADER_BYTES 8U

enum icmp_type {
	ICMP_ECHO_REPLY = 0,
	ICMP_UNREACHABLE = 3,
	ICMP_SOURCE_QUENCH = 4,
	ICMP_REDIRECT = 5,
	ICMP_ECHO = 8,
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAMETER_PROBLEM = 12,
	ICMP_TIMESTAMP = 13,
	ICMP_TIMESTAMP_REPLY = 14,
};

enum icmp_unreachable_code {
	ICMP_NET_UNREACHABLE = 0,
	ICMP_HOST_UNREACHABLE = 1,
	ICMP_PROTOCOL_UNREACHABLE = 2,
	ICMP_PORT_UNREACHABLE = 3,
	ICMP_FRAGMENTATION_NEEDED = 4,
};

enum icmp_time_exceeded_code { ICMP_TTL_EXCEEDED = 0, ICMP_REASSEMBLY_EXCEEDED = 1 };

struct icmp {
	uint8_t type, code;
	uint16_t id, sequence; /* echo: both. Fragmentation needed: sequence is the next hop's MTU */
	struct span payload;   /* after the 8 octets: echo data, or what an error quotes */
};

/* Does this type tell of an error, so that no error may be sent about it (RFC 1122 3.2.2)? Unknown
 * types count as errors. */
bool icmp_is_error(uint8_t type);

/* False: shorter than its header, or (verify) with a wrong checksum. */
bool icmp_parse(struct span message, bool verify, struct icmp *out);
/* The 8 octets, checksum zero: whoever sends the message sums it. */
void icmp_emit(uint8_t out[ICMP_HEADER_BYTES], const struct icmp *m);

#endif
