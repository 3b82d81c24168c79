/* SPDX-License-Identifier: MIT */
/*
 * ICMPv6 (RFC 4443) and the messages and options of neighbour discovery (RFC 4861 4). No state. The
 * header is laid out like ICMP's, so struct icmp and icmp_parse() serve both; the checksum covers a
 * pseudo-header and is the internet layer's business.
 */
#ifndef STACK_WIRE_ICMPV6_H
#define STACK_WIRE_ICMPV6_H

#include <stdbool.h>

#include "stack/base/addr.h"
#include "stack/wire/icmp.h"

enum icmpv6_type {
	ICMPV6_UNREACHABLE = 1,
	ICMPV6_TOO_BIG = 2,
	ICMPV6_TIME_EXCEEDED = 3,
	ICMPV6_PARAMETER_PROBLEM = 4,
	ICMPV6_ECHO = 128,
	ICMPV6_ECHO_REPLY = 129,
	ICMPV6_MLD_QUERY = 130,
	ICMPV6_ROUTER_SOLICITATION = 133,
	ICMPV6_ROUTER_ADVERTISEMENT = 134,
	ICMPV6_NEIGHBOUR_SOLICITATION = 135,
	ICMPV6_NEIGHBOUR_ADVERTISEMENT = 136,
	ICMPV6_REDIRECT = 137,
	ICMPV6_MLD_V2_REPORT = 143,
};

enum icmpv6_unreachable_code {
	ICMPV6_NO_ROUTE = 0,
	ICMPV6_ADDRESS_UNREACHABLE = 3,
	ICMPV6_PORT_UNREACHABLE = 4,
};

enum icmpv6_parameter_code { ICMPV6_BAD_FIELD = 0, ICMPV6_UNKNOWN_HEADER = 1, ICMPV6_UNKNOWN_OPTION = 2 };

/* RFC 4443 2.1: types below 128 tell of errors. */
static inline bool icmpv6_is_error(uint8_t type)
{
	return type < 128;
}

#define ND_PREFIXES_MAX 8U

struct nd_prefix {
	struct prefix prefix;
	bool on_link, autonomous;
	uint32_t valid_s, preferred_s; /* UINT32_MAX: for ever */
};

/* Any message of neighbour discovery; what its type does not have is zero. */
struct nd_message {
	uint8_t type;
	struct ip_addr target;        /* solicitation, advertisement, redirect */
	struct ip_addr destination;   /* redirect */
	bool router, solicited, override;
	uint8_t hop_limit;            /* router advertisement */
	bool managed, other;
	uint16_t router_lifetime_s;
	bool has_mac;                 /* source link address, or target's in an advertisement */
	struct mac_addr mac;
	uint32_t mtu_bytes;           /* option; 0: none */
	struct nd_prefix prefix[ND_PREFIXES_MAX];
	uint8_t prefix_count;
};

/* message from the ICMPv6 header on. False: too short, or an option of length zero or beyond the end
 * (RFC 4861 6.1, 7.1, 8.1). Unknown options are passed over. */
bool nd_parse(struct span message, struct nd_message *out);

#define ND_MESSAGE_MAX 32U
/* A router or neighbour solicitation or a neighbour advertisement, checksum zero. Returns its length. */
uint32_t nd_emit(uint8_t out[ND_MESSAGE_MAX], const struct nd_message *m);

/* ff02::1:ffXX:XXXX (RFC 4291 2.7.1). */
struct ip_addr ipv6_solicited_node(const struct ip_addr *a);

extern const struct ip_addr ipv6_all_nodes, ipv6_all_routers;

#endif
