/* SPDX-License-Identifier: MIT */
/*
 * What programs hand us by pointer: addresses and small values. Looked at before it is read, so
 * that a bad pointer is EFAULT here as it is in the kernel.
 */
#ifndef PRELOAD_USER_H
#define PRELOAD_USER_H

#include <stddef.h>
#include <sys/socket.h>

#include "service/control.h"

/* 0, or -EFAULT when a byte of it cannot be read. Looks at both ends. */
int user_probe(const void *from, size_t bytes);
/* 0, -EINVAL (no address is that long), -EFAULT. */
int user_take_address(struct control_address *to, const struct sockaddr *from, socklen_t bytes);
/* As much of the address as there is room for, and its whole length: 0, -EINVAL, -EFAULT. */
int user_give_address(struct sockaddr *to, socklen_t *bytes, const struct control_address *from);
/* Likewise a socket option's value. */
int user_give_value(void *to, socklen_t *bytes, const void *from, size_t from_bytes);

#endif
