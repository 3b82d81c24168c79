/* SPDX-License-Identifier: MIT */
/*
 * From a decision to a frame: the header of a segment of this connection, its options, its
 * checksum and its payload straight from the send ring. Decides nothing.
 */
#ifndef STACK_PROTOCOL_TCP_EMIT_H
#define STACK_PROTOCOL_TCP_EMIT_H

#include "stack/protocol/tcp/tcb.h"

/* A record of the scoreboard, for the first time or again. */
enum socket_output tcp_emit_record(struct tcb *t, struct frame_out *f, struct sent *r, bool again);
/* The rest of a record that the driver cannot cut: while t->cut is not NULL. */
enum socket_output tcp_emit_cut(struct tcb *t, struct frame_out *f);
/* A SYN, with the data that goes with it (NULL: none). */
enum socket_output tcp_emit_syn(struct tcb *t, struct frame_out *f, struct sent *syn, struct sent *data);
/* A segment without data. */
enum socket_output tcp_emit_bare(struct tcb *t, struct frame_out *f, uint8_t flags, struct seq seq);

#endif
