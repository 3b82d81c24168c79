/* SPDX-License-Identifier: MIT */
/*
 * Starting teachnetd, and reaching the one that runs.
 *
 * Contract with teachnetd: whoever holds the lock file RUNTIME_DIR/STACK.start.lock may start one,
 * as `teachnetd --auto --ready-fd=3`. It writes "ok\n" to that descriptor when its socket can be
 * connected to, or "error: SENTENCE\n", which is passed on to stderr once. The program never sees
 * the child: it is a grandchild, and the one in between is not reported by SIGCHLD or waitpid(-1).
 */
#ifndef PRELOAD_START_H
#define PRELOAD_START_H

#include <stdbool.h>

/* A connected SEQPACKET socket, bound to own_name (own_bytes long, abstract), or a negative errno.
 * start: start teachnetd when nobody listens. */
int start_connect(const char *own_name, unsigned own_bytes, bool start);
/* "teachnet: SENTENCE" on stderr. */
void start_complain(const char *sentence);

#endif
