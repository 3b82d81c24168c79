/* SPDX-License-Identifier: MIT */
/* Rules of IPPROTO_IPV6's options (ipv6(7)), for the rows in options.def. */
#ifndef STACK_PROTOCOL_OPTIONS_IPV6_H
#define STACK_PROTOCOL_OPTIONS_IPV6_H

#include "stack/protocol/socket.h"

int option6_set_v6_only(struct socket *so, int value);
int option6_get_v6_only(const struct socket *so, int *value);
int option6_set_hops(struct socket *so, int value);
int option6_get_hops(const struct socket *so, int *value);
int option6_set_multicast_hops(struct socket *so, int value);
int option6_get_multicast_hops(const struct socket *so, int *value);
int option6_set_multicast_loop(struct socket *so, int value);
int option6_get_multicast_loop(const struct socket *so, int *value);
int option6_set_multicast_interface(struct socket *so, int value);
int option6_get_multicast_interface(const struct socket *so, int *value);
int option6_set_class(struct socket *so, int value);
int option6_get_class(const struct socket *so, int *value);

#endif
