/* SPDX-License-Identifier: MIT */
/*
 * Control messages (cmsg(3)) of datagram sockets, to and from struct control_datagram.
 */
#ifndef PRELOAD_ANCILLARY_H
#define PRELOAD_ANCILLARY_H

#include <sys/socket.h>

#include "preload/descriptors.h"
#include "service/control.h"

/* What the program attached to a datagram: 0 or -EINVAL. */
int ancillary_take(struct control_datagram *header, const struct msghdr *message);
/* What it asked to be told about one that arrived (the flags of d), written to message. */
void ancillary_give(const struct descriptor *d, const struct control_datagram *header, struct msghdr *message);
/* IP_RECVERR's facts. */
void ancillary_give_error(const struct descriptor *d, const struct control_datagram *header, struct msghdr *message);

#endif
