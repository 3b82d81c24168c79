/* SPDX-License-Identifier: MIT */
/*
 * What the algorithms behind congestion.h share, and the list of them. For congestion.c,
 * newreno.c, cubic.c and bbr.c only.
 */
#ifndef STACK_PROTOCOL_TCP_CONGESTION_RULE_H
#define STACK_PROTOCOL_TCP_CONGESTION_RULE_H

#include "stack/protocol/tcp/congestion.h"

extern const struct congestion_ops congestion_newreno, congestion_cubic, congestion_bbr;

/* Did the window hold us back in this or the last round trip? In slow start it counts as well if
 * more than half of it was used: it doubles, so it is needed soon. */
bool congestion_was_limited(const struct congestion *c);
/* RFC 5681 (2): one segment for each acknowledged one, up to ssthresh. Returns what is left over. */
uint32_t congestion_slow_start(struct congestion *c, uint32_t acked_segments);
/* One segment for every `every` acknowledged ones: RFC 5681 (3), counted as RFC 3465 2.1 wants. */
void congestion_grow_every(struct congestion *c, uint32_t every, uint32_t acked_segments);
/* bytes as whole segments; the rest is carried over to the next call. */
uint32_t congestion_whole_segments(struct congestion *c, uint32_t bytes);
/* The window before the reduction, if it was larger. */
uint32_t congestion_prior_segments(struct congestion *c);

#endif
