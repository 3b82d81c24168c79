/* SPDX-License-Identifier: MIT */
/*
 * ICMP (RFC 792, 1122 3.2.2): answers echo requests, tells peers of errors within the rate limits,
 * and hands the errors that peers tell of to the transport that they concern.
 */
#ifndef STACK_PROTOCOL_ICMP_H
#define STACK_PROTOCOL_ICMP_H

#include "stack/protocol/internet.h"
#include "stack/wire/icmp.h"

int icmp_create(struct stack *s);
void icmp_destroy(struct stack *s);

void icmp_input(struct stack *s, const struct ip_packet *p);

/* An error about p, if RFC 1122 3.2.2 allows one and the limits do. word: the header's second 32
 * bits (next hop MTU, pointer). */
void icmp_send_error(struct stack *s, enum icmp_type type, uint8_t code, uint32_t word, const struct ip_packet *p);
void icmp_send_reassembly_exceeded(struct stack *s, struct span packet, uint32_t interface, bool group_frame);

/* Hands an error to the sockets that it concerns, of either family. */
void icmp_dispatch(struct stack *s, const struct ip_error *e);
/* Our own verdict about a packet of ours: its neighbour does not answer. */
void icmp_host_unreachable_here(struct stack *s, struct span packet);

/* Linux's icmp_err_convert: errno of a destination unreachable code, and whether it is fatal. */
int icmp_unreachable_errno(uint8_t code, bool *hard);

/* icmp_limit.c: may an error go to peer now? Counts it when not. */
bool icmp_within_limits(struct stack *s, const struct ip_addr *peer);

#endif
