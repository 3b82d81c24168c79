/* SPDX-License-Identifier: MIT */
/* TCP_INFO: what a connection tells of itself, in Linux's layout. */
#ifndef STACK_PROTOCOL_TCP_INFO_H
#define STACK_PROTOCOL_TCP_INFO_H

#include "stack/protocol/tcp/tcb.h"

/* Fills value with as much as *bytes allows; *bytes: how much that was. 0. */
int tcp_info_copy(const struct tcb *t, void *value, uint32_t *bytes);

#endif
