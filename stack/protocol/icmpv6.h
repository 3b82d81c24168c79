/* SPDX-License-Identifier: MIT */
/* ICMPv6 (RFC 4443): echo, errors out within the limits, errors in to the transports; neighbour
 * discovery's messages go on to nd.c. */
#ifndef STACK_PROTOCOL_ICMPV6_H
#define STACK_PROTOCOL_ICMPV6_H

#include "stack/protocol/internet.h"
#include "stack/wire/icmpv6.h"

void icmpv6_input(struct stack *s, const struct ip_packet *p);
/* An error about p, if RFC 4443 2.4 e allows one and the limits do. word: MTU or pointer. */
void icmpv6_send_error(struct stack *s, enum icmpv6_type type, uint8_t code, uint32_t word, const struct ip_packet *p);
/* Our own verdict about a packet of ours: its neighbour does not answer. */
void icmpv6_address_unreachable_here(struct stack *s, struct span packet);

#endif
