/* SPDX-License-Identifier: MIT */
/*
 * Addresses, dual-stack from the first day. An IPv4 address is held in its IPv4-mapped form
 * ::ffff:a.b.c.d (RFC 4291 2.5.5.2), so that one comparison serves both families; on the wire and
 * in text each family has its own form. The unspecified address of IPv4 is ::ffff:0.0.0.0, that of
 * IPv6 is ::, and a dual-stack socket that is bound to :: matches both.
 */
#ifndef STACK_BASE_ADDR_H
#define STACK_BASE_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "stack/base/bytes.h"

struct mac_addr {
	uint8_t octet[6];
};

struct ip_addr {
	uint8_t octet[16]; /* network order */
};

/* A transport address. Port in host order; scope is an interface index, 0 for none. */
struct endpoint {
	struct ip_addr addr;
	uint16_t port;
	uint32_t scope;
};

/* An address and how many leading bits of it name the network (of 32 for IPv4, 128 for IPv6). */
struct prefix {
	struct ip_addr addr;
	uint8_t bits;
};

static inline bool ip_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static inline bool mac_equal(const struct mac_addr *a, const struct mac_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static inline struct ip_addr ip_from_v4(uint32_t host_order)
{
	return (struct ip_addr){{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff,
	    (uint8_t)(host_order >> 24), (uint8_t)(host_order >> 16), (uint8_t)(host_order >> 8),
	    (uint8_t)host_order}};
}

bool ip_is_v4(const struct ip_addr *a);          /* IPv4-mapped */
bool ip_is_unspecified(const struct ip_addr *a); /* 0.0.0.0 or :: */
bool ip_is_loopback(const struct ip_addr *a);    /* 127.0.0.0/8 or ::1 */
bool ip_is_multicast(const struct ip_addr *a);   /* 224.0.0.0/4 or ff00::/8 */
bool ip_is_link_local(const struct ip_addr *a);  /* 169.254.0.0/16 or fe80::/10 */
bool ip_is_broadcast(const struct ip_addr *a);   /* 255.255.255.255 only */

/* The IPv4 address as a number in host order. Only for ip_is_v4() addresses. */
uint32_t ip_to_v4(const struct ip_addr *a);

/* Is a inside the network of p? Addresses of the other family never are. */
bool prefix_contains(const struct prefix *p, const struct ip_addr *a);

/* The directed broadcast address of an IPv4 prefix of at most 30 bits; false for any other. */
bool prefix_broadcast(const struct prefix *p, struct ip_addr *out);

static inline bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && ip_equal(&a->addr, &b->addr);
}

/* Longest text of each with its terminating zero. */
#define IP_TEXT_BYTES 46
#define ENDPOINT_TEXT_BYTES (IP_TEXT_BYTES + 8)
#define MAC_TEXT_BYTES 18

/* Text forms: dotted quad, RFC 5952, a.b.c.d:port, [v6]:port, aa:bb:cc:dd:ee:ff. Return text. */
char *ip_print(const struct ip_addr *a, char text[IP_TEXT_BYTES]);
char *endpoint_print(const struct endpoint *e, char text[ENDPOINT_TEXT_BYTES]);
char *mac_print(const struct mac_addr *m, char text[MAC_TEXT_BYTES]);

#endif
