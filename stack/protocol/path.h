/* SPDX-License-Identifier: MIT */
/*
 * What is known of the way to single destinations beyond the routing table: the path MTU (RFC 1191,
 * RFC 8201). Bounded; an entry is forgotten after ten minutes, as in Linux, so that a path that got
 * better is found again.
 */
#ifndef STACK_PROTOCOL_PATH_H
#define STACK_PROTOCOL_PATH_H

#include "stack/protocol/host.h"

#define PATHS_MAX 4096U
#define PATH_EXPIRES_NS (600 * NSEC_PER_SEC)
/* Linux's min_pmtu, and RFC 8200 5: below this nobody is believed. */
#define PATH_MTU_MIN_V4 552U
#define PATH_MTU_MIN_V6 1280U

int path_table_create(struct stack *s);
void path_table_destroy(struct stack *s);
/* mtu_bytes, or less if less is known. */
uint32_t path_mtu(struct stack *s, const struct ip_addr *destination, uint32_t mtu_bytes);
uint32_t path_count(const struct stack *s);

#endif
