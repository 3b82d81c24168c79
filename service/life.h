/* SPDX-License-Identifier: MIT */
/*
 * Life of the process: one teachnetd for each stack, in the background when a program started it, with
 * no more privilege than it needs.
 */
#ifndef SERVICE_LIFE_H
#define SERVICE_LIFE_H

#include "service/config.h"

/*
 * Takes the lock of this stack, for all of the process's life (it is in *fd then). wait: another
 * teachnetd may hold it: then wait until it either serves (-EALREADY) or has let go. 0; -EALREADY;
 * -EBUSY and others with a sentence.
 */
int life_lock(const struct config *c, bool wait, int *fd, char message[CONFIG_MESSAGE_BYTES]);

/* Leaves the caller's session and process group behind: returns in a grandchild, whose parent is not
 * the program; the first process ends. keep_fd and the standard three stay open. */
void life_daemonize(int keep_fd);

/* Gives up all capabilities but CAP_NET_RAW, and the way to new ones. 0 or a sentence. */
int life_drop_privileges(char message[CONFIG_MESSAGE_BYTES]);
/* As many descriptors as we may have. */
void life_raise_limits(void);

#endif
