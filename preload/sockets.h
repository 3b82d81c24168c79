/* SPDX-License-Identifier: MIT */
/*
 * What the calls of this folder share: requests about one socket, and the three families of data
 * calls. Everything returns 0 or more, or a negative errno; the call_* functions turn that into
 * errno and -1.
 */
#ifndef PRELOAD_SOCKETS_H
#define PRELOAD_SOCKETS_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "preload/channel.h"
#include "preload/descriptors.h"

/* ---- request.c ---- */

/* x's request about d's socket. Proves possession when teachnetd asks for it. */
int64_t request_exchange(struct descriptor *d, enum control_operation operation, struct exchange *x);
/* Without address, arguments or payload. */
int64_t request_plain(struct descriptor *d, enum control_operation operation);
/* An option's value as an int; negative errno in *error. */
int request_option(struct descriptor *d, int level, int name, int *error);
/* The pending error as a positive errno, 0 when there is none; gone is what it is when teachnetd
 * does not live to tell. */
int request_take_error(struct descriptor *d, int gone);
/* SO_TYPE, SO_PROTOCOL and SO_DOMAIN of a descriptor that we did not make here. */
void request_types(struct descriptor *d);
int descriptor_type(const struct descriptor *d);
int descriptor_protocol(const struct descriptor *d);

/* ---- connect.c ---- */

enum stream_state { STREAM_IDLE, STREAM_CONNECTING, STREAM_CONNECTED, STREAM_LISTENING };
/* Asks whom it must. Negative errno: a connect() has failed, and this was its error. */
int stream_state(struct descriptor *d);
/* Waits until a connect() in progress has ended. 0, or a negative errno: -EINTR, that of the
 * connection, or -EAGAIN after SO_RCVTIMEO or SO_SNDTIMEO (timeout_option). */
int stream_await_connected(struct descriptor *d, int timeout_option);
/* Fills the pair until poll() does not call it writable any more. How many bytes that took. */
uint32_t stream_fill(const struct descriptor *d);
/* connect() without errno. */
int connect_descriptor(struct descriptor *d, const struct sockaddr *address, socklen_t bytes);
/* After a signal, in a call that Linux restarts: would it? */
bool interrupted_restarts(void);

/* ---- stream.c ---- */

ssize_t stream_send(struct descriptor *d, const struct msghdr *message, int flags);
ssize_t stream_receive(struct descriptor *d, struct msghdr *message, int flags);
/* Has teachnetd closed its end altogether? A FIN alone is not that. */
bool stream_hung_up(int fd);
/* After read() of a connected stream said end of file or error: what TCP would have said. */
ssize_t stream_received(struct descriptor *d, ssize_t result, int flags);
/* Likewise send(); raises SIGPIPE where TCP does. */
ssize_t stream_sent(struct descriptor *d, ssize_t result, int flags);

/* ---- datagram.c ---- */

ssize_t datagram_send(struct descriptor *d, const struct msghdr *message, int flags);
ssize_t datagram_receive(struct descriptor *d, struct msghdr *message, int flags);
/* An error about an earlier datagram, as a negative errno, or 0. */
ssize_t datagram_earlier_error(struct descriptor *d);
/* UDP_CORK: gathers from now on, or sends what was gathered. */
ssize_t datagram_cork(struct descriptor *d, bool on);
bool datagram_corked(const struct descriptor *d);
/* Is the next message an error? */
bool datagram_error_next(const struct descriptor *d);
/* Has one been told once, and waits in the error queue? */
bool datagram_error_kept(const struct descriptor *d);
/* Payload bytes of the next datagram (FIONREAD). */
int datagram_next_bytes(struct descriptor *d);

/* ---- interfaces.c ---- */

/* SIOCGIF*: true when it is one of them, with its outcome. */
bool interfaces_ioctl(unsigned long request, void *argument, int *result);

#endif
