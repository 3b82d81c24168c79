/* SPDX-License-Identifier: MIT */
/*
 * Neighbour discovery for IPv6 (RFC 4861 7): the questions and answers about who has an address; the
 * table is the neighbour table. dad.c asks whether an address of ours is free (RFC 4862 5.4),
 * router.c hears what routers say.
 */
#ifndef STACK_PROTOCOL_ND_H
#define STACK_PROTOCOL_ND_H

#include "stack/protocol/internet.h"
#include "stack/wire/icmpv6.h"

/* A message of neighbour discovery, checksum verified. */
void nd_input(struct stack *s, const struct ip_packet *p);
/* Who has target? to NULL: everybody whose address ends like it. */
void nd_ask(struct interface *i, const struct ip_addr *target, const struct mac_addr *to);
/* RFC 4862 5.4.2: the same with the unspecified address as source. */
void nd_probe(struct interface *i, const struct ip_addr *target);
/* Sends m from source to destination with hop limit 255 (RFC 4861 4). to: link address, NULL: that
 * of the group. */
void nd_send(struct interface *i, const struct nd_message *m, const struct ip_addr *source,
    const struct ip_addr *destination, const struct mac_addr *to);

/* dad.c: duplicate address detection for a of IPv6. */
void dad_begin(struct interface_address *a);
/* Somebody else asks for or has the address of a. */
void dad_conflict(struct interface_address *a, const struct mac_addr *other);

/* router.c: begins to listen on i: link-local address, router solicitations. */
int router_begin(struct interface *i);
void router_end(struct interface *i);
void router_heard(struct interface *i, const struct nd_message *m, const struct ip_addr *source);
/* The duplicate a was made by address autoconfiguration: another one is made (RFC 7217 6). */
void router_address_conflict(struct interface_address *a);

#endif
