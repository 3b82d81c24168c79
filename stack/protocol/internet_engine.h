/* SPDX-License-Identifier: MIT */
/*
 * What the engine calls of the internet layer: life of its tables, frames in, and ready-made and
 * looped-back packets out. The transports use ip.h instead.
 */
#ifndef STACK_PROTOCOL_INTERNET_ENGINE_H
#define STACK_PROTOCOL_INTERNET_ENGINE_H

#include "stack/protocol/host.h"

/* Each makes one table of struct stack: 0 or -ENOMEM. Destroying what was not made is harmless. */
int interfaces_create(struct stack *s); /* with the loopback interface */
void interfaces_destroy(struct stack *s);
int neighbours_create(struct stack *s);
void neighbours_destroy(struct stack *s);
int routes_create(struct stack *s);
void routes_destroy(struct stack *s);
int paths_create(struct stack *s);
void paths_destroy(struct stack *s);
int reassembly_create(struct stack *s);
void reassembly_destroy(struct stack *s);
int packets_create(struct stack *s);
void packets_destroy(struct stack *s);
int icmp_create(struct stack *s);
void icmp_destroy(struct stack *s);

/* Of an interface that there is. */
const char *interface_name(const struct stack *s, uint32_t interface);

/* A frame from the driver: Ethernet, or IP on a link without a link header. */
void link_input(struct stack *s, uint32_t interface, const struct frame_in *f);

/* The next ready-made packet, complete with its link header. Its parts stay valid until
 * packets_recycle(), which every call that gives the engine input makes first. */
bool packets_next(struct stack *s, struct frame_out *f);
bool packets_waiting(const struct stack *s);
void packets_recycle(struct stack *s);

/* The next packet that we sent to ourselves; valid until the next call of loopback_next(). */
bool loopback_next(struct stack *s, struct span *packet, uint16_t *gso_bytes);
bool loopback_waiting(const struct stack *s);
/* Its way in: as link_input(), without a link header, a checksum or a driver. */
void loopback_input(struct stack *s, struct span packet, uint16_t gso_bytes);

/* Which packets may still be taken for datagrams and control messages, for `teachnet stat`. */
void internet_visit_bounds(struct stack *s,
    void (*visit)(void *context, const char *name, const char *text, uint64_t value, uint64_t limit), void *context);

#endif
