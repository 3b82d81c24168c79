/* SPDX-License-Identifier: MIT */
/* What the files of this folder share. */
#ifndef STACK_ENGINE_ENGINE_H
#define STACK_ENGINE_ENGINE_H

#include "stack/protocol/host.h"
#include "stack/protocol/interface.h"

/* Every public call that may make something happen begins here: it sets the time, which never goes
 * back, and ends the life of what the frames pulled before pointed to. */
void engine_enter(struct stack *s, uint64_t now_ns);

/* A frame that came by i, from the driver or from ourselves. */
void engine_frame_input(struct stack *s, struct interface *i, const struct frame_in *frame);

/* owner.notify while everything is taken down. */
void ignore_notify(void *user, unsigned events);

#endif
