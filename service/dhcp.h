/* SPDX-License-Identifier: MIT */
/*
 * The stack's address by DHCP (RFC 2131): drives the client of dhcp_client.h over a UDP socket of
 * our own engine, and puts its leases into force: address, routes, MTU, name servers, domain. When no
 * server answers for a while, a link-local address (RFC 3927) serves until one does.
 */
#ifndef SERVICE_DHCP_H
#define SERVICE_DHCP_H

#include "service/dhcp_client.h"
#include "service/service.h"

/* Begins to ask on s->netif. 0 or a negative errno with a sentence. */
int dhcp_begin(struct service *s, char message[CONFIG_MESSAGE_BYTES]);
/* Gives the lease back and forgets everything. Harmless when there is no client. */
void dhcp_end(struct service *s);

/* Is there no address yet, neither leased nor link-local? */
bool dhcp_is_waiting(const struct service *s);
/* Nobody has answered: takes a link-local address, and says so. */
void dhcp_fall_back(struct service *s);
/* The lease in force, or NULL. */
const struct dhcp_lease *dhcp_lease_in_force(const struct service *s);

/* For the loop: when dhcp_work() has something to do; it sends, and puts news into force. */
uint64_t dhcp_deadline(const struct service *s);
void dhcp_work(struct service *s);

/* For owner.c, called by the engine. Is this user of a socket our client? */
bool dhcp_is_user(const void *user);
void dhcp_hear(void *user, const struct span *part, unsigned parts);
/* Somebody else has a: true when that is ours to deal with. */
bool dhcp_heard_conflict(struct service *s, const struct ip_addr *a);

#endif
