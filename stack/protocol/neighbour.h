/* SPDX-License-Identifier: MIT */
/*
 * The neighbour table: who on the link has which address, for ARP and neighbour discovery alike,
 * with the states of RFC 4861 7.3.2 and Linux's timers (Linux uses the same machine for both).
 *
 *   NONE        a fresh entry, before anything was asked or heard
 *   INCOMPLETE  asked, no answer yet; packets wait in a bounded queue
 *   REACHABLE   confirmed within the reachable time, which is drawn from 15 to 45 s
 *   STALE       known, but long unconfirmed: used, and then it becomes DELAY
 *   DELAY       used while stale: for 5 s a hint from above (TCP) may still confirm it
 *   PROBE       asked directly, once a second, three times
 *   FAILED      did not answer; the next packet begins again
 *
 * The table is bounded: at the bound the entry that was unused for longest gives way.
 */
#ifndef STACK_PROTOCOL_NEIGHBOUR_H
#define STACK_PROTOCOL_NEIGHBOUR_H

#include "stack/protocol/interface.h"

/* NEIGHBOUR(NAME) */
#define NEIGHBOUR_STATES(NEIGHBOUR)                                                                \
	NEIGHBOUR(NONE)                                                                            \
	NEIGHBOUR(INCOMPLETE)                                                                      \
	NEIGHBOUR(REACHABLE)                                                                       \
	NEIGHBOUR(STALE)                                                                           \
	NEIGHBOUR(DELAY)                                                                           \
	NEIGHBOUR(PROBE)                                                                           \
	NEIGHBOUR(FAILED)

enum neighbour_state {
#define NEIGHBOUR(name) NEIGHBOUR_##name,
	NEIGHBOUR_STATES(NEIGHBOUR)
#undef NEIGHBOUR
};

int neighbour_table_create(struct stack *s);
void neighbour_table_destroy(struct stack *s);

/* The link address of addr if a packet may go to it now. False: the packet must wait
 * (neighbour_wait()); the question has been asked. */
bool neighbour_resolve(struct interface *i, const struct ip_addr *addr, struct mac_addr *mac);
/* p goes out when addr answers, or is dropped when it does not: then the transport hears
 * EHOSTUNREACH. Takes p. 0, -ENOBUFS, -ENOMEM. */
int neighbour_wait(struct interface *i, const struct ip_addr *addr, struct packet *p);

/* Something was heard of addr. */
enum neighbour_news {
	NEIGHBOUR_ANSWERED,  /* it answered our question: reachable */
	NEIGHBOUR_ASKED_US,  /* it asked us: the entry is made if need be, and is stale */
	NEIGHBOUR_ANNOUNCED, /* unasked: only an entry that exists changes */
};
void neighbour_heard(struct interface *i, const struct ip_addr *addr, const struct mac_addr *mac, enum neighbour_news news);
/* Its link address, if it has one. */
bool neighbour_known(const struct interface *i, const struct ip_addr *addr, struct mac_addr *mac);
/* A layer above has seen that packets arrive there (RFC 4861 7.3.1). */
void neighbour_confirm(struct interface *i, const struct ip_addr *addr);

void neighbour_forget_interface(struct stack *s, uint32_t interface);
uint32_t neighbour_count(const struct stack *s);

#endif
