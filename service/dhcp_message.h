/* SPDX-License-Identifier: MIT */
/*
 * DHCP messages as a client reads and writes them (RFC 2131 2, RFC 2132, RFC 3442, RFC 3396). No
 * state, no I/O. Whatever comes from the wire is read within its bounds.
 */
#ifndef SERVICE_DHCP_MESSAGE_H
#define SERVICE_DHCP_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/stack.h"

#define DHCP_SERVER_PORT 67
#define DHCP_CLIENT_PORT 68
#define DHCP_MESSAGE_MAX 576U
#define DHCP_SERVERS_MAX 4U
#define DHCP_ROUTES_MAX 16U
#define DHCP_TEXT_BYTES 256U

enum dhcp_type {
	DHCP_DISCOVER = 1,
	DHCP_OFFER = 2,
	DHCP_REQUEST = 3,
	DHCP_DECLINE = 4,
	DHCP_ACK = 5,
	DHCP_NAK = 6,
	DHCP_RELEASE = 7,
};

/* What a server told us. Addresses that it did not tell are unspecified, numbers are 0. */
struct dhcp_reply {
	enum dhcp_type type;
	uint32_t transaction;
	struct mac_addr mac;
	struct ip_addr address, mask, server;
	struct ip_addr router;
	unsigned dns_count;
	struct ip_addr dns[DHCP_SERVERS_MAX];
	unsigned route_count;       /* RFC 3442: when there are any, router means nothing */
	struct {
		struct prefix destination;
		struct ip_addr gateway;
	} route[DHCP_ROUTES_MAX];
	uint16_t mtu_bytes;
	char domain[DHCP_TEXT_BYTES];
	uint32_t lease_s, renew_s, rebind_s;
};

/* False: not a reply to a client, or malformed. */
bool dhcp_reply_parse(struct span message, struct dhcp_reply *out);

/* What we say. */
struct dhcp_question {
	enum dhcp_type type;
	uint32_t transaction;
	uint16_t seconds;           /* since we began */
	struct mac_addr mac;
	struct ip_addr client;      /* ciaddr: an address that we hold and answer for */
	struct ip_addr requested, server; /* unspecified: option left out */
	const char *host_name;      /* may be NULL */
};

/* Returns the length, padded to the 300 octets that old relays want. */
uint32_t dhcp_question_emit(const struct dhcp_question *q, uint8_t out[DHCP_MESSAGE_MAX]);

#endif
