/* SPDX-License-Identifier: MIT */
/* Options that join and leave groups, in the forms of ip(7), ipv6(7) and RFC 3678; rows in options.def. */
#ifndef STACK_PROTOCOL_OPTIONS_MULTICAST_H
#define STACK_PROTOCOL_OPTIONS_MULTICAST_H

#include "stack/protocol/socket.h"

#define MULTICAST_SETTER(name) int name(struct socket *so, const void *value, uint32_t bytes)
MULTICAST_SETTER(option_join4);
MULTICAST_SETTER(option_leave4);
MULTICAST_SETTER(option_source_add4);
MULTICAST_SETTER(option_source_drop4);
MULTICAST_SETTER(option_source_block4);
MULTICAST_SETTER(option_source_unblock4);
MULTICAST_SETTER(option_join6);
MULTICAST_SETTER(option_leave6);
MULTICAST_SETTER(option_group_join);
MULTICAST_SETTER(option_group_leave);
MULTICAST_SETTER(option_group_source_join);
MULTICAST_SETTER(option_group_source_leave);
MULTICAST_SETTER(option_group_block);
MULTICAST_SETTER(option_group_unblock);
MULTICAST_SETTER(option_set_interface4);
#undef MULTICAST_SETTER
int option_get_interface4(struct socket *so, void *value, uint32_t *bytes);

#endif
