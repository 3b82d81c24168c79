/* SPDX-License-Identifier: MIT */
/* ARP (RFC 826, with RFC 5227's probes and announcements): the questions and answers; the table is
 * the neighbour table. */
#ifndef STACK_PROTOCOL_ARP_H
#define STACK_PROTOCOL_ARP_H

#include "stack/protocol/interface.h"

void arp_input(struct interface *i, struct span packet);
/* Who has target? to NULL: everybody. */
void arp_ask(struct interface *i, const struct ip_addr *target, const struct mac_addr *to);
/* RFC 5227 2.1.1: a question whose sender address is 0, which changes nobody's table. */
void arp_probe(struct interface *i, const struct ip_addr *target);
/* RFC 5227 2.3: sender and target are both ours. */
void arp_announce(struct interface *i, const struct ip_addr *ours);

#endif
