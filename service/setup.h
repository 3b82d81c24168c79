/* SPDX-License-Identifier: MIT */
/* From the configuration's forms to the engine's; setup_stack() itself is in service.h. */
#ifndef SERVICE_SETUP_H
#define SERVICE_SETUP_H

#include "service/service.h"

struct prefix setup_prefix(const struct config_address *a);
/* What the engine calls: owner.c. */
struct stack_owner owner_callbacks(struct service *s);

#endif
