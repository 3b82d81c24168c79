/* SPDX-License-Identifier: MIT */
/*
 * Data calls of stream sockets. Once connected they are the kernel's own, on the pair; only results
 * that TCP words otherwise are translated: an end of file that was a reset, a broken pipe that is
 * one only the second time. The pair says when that can be: POLLHUP means that teachnetd has closed
 * its end altogether, a FIN alone shows as RDHUP.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "preload/real.h"
#include "preload/sandbox.h"
#include "preload/sockets.h"

/* What TCP reads but the pair does not know. */
#define FLAGS_NOT_FOR_PAIR (MSG_CONFIRM | MSG_DONTROUTE | MSG_MORE | MSG_FASTOPEN | MSG_ZEROCOPY | MSG_EOR)

bool stream_hung_up(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return real.poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR)) != 0;
}

ssize_t stream_received(struct descriptor *d, ssize_t result, int flags)
{
	int error;

	if (result > 0 || (result < 0 && result != -ECONNRESET) || sandbox_entered)
		return result;
	if (result == 0 && !stream_hung_up(d->fd))
		return 0;
	if (!descriptor_verify(d))
		return result;
	if ((flags & MSG_PEEK) != 0 && result == 0)
		return 0;
	error = request_take_error(d, ECONNRESET);
	if (error == 0 && result < 0)
		return 0; /* somebody else has been told */
	return -error;
}

static void raise_broken_pipe(void)
{
	real.syscall(SYS_tgkill, real.syscall(SYS_getpid, 0, 0, 0, 0, 0, 0),
	    real.syscall(SYS_gettid, 0, 0, 0, 0, 0, 0), SIGPIPE, 0, 0, 0);
}

ssize_t stream_sent(struct descriptor *d, ssize_t result, int flags)
{
	int error;

	if (result != -EPIPE && result != -ECONNRESET)
		return result;
	if (descriptor_verify(d)) {
		error = request_take_error(d, ECONNRESET);
		if (error > 0 && error != EPIPE) /* EPIPE: a reset in CLOSE-WAIT, and worth a signal */
			return -error;
	}
	if ((flags & MSG_NOSIGNAL) == 0)
		raise_broken_pipe();
	return -EPIPE;
}

static bool is_patient(const struct descriptor *d, int flags)
{
	return (flags & MSG_DONTWAIT) == 0 && (real.fcntl(d->fd, F_GETFL, 0) & O_NONBLOCK) == 0;
}

/* A stream that may send and receive: 0. Waits for a connect() in progress if it may. */
static int await_ready(struct descriptor *d, int flags, int timeout_option)
{
	int state = stream_state(d);

	if (state < 0)
		return state;
	switch ((enum stream_state)state) {
	case STREAM_CONNECTED:
		return 0;
	case STREAM_CONNECTING:
		return is_patient(d, flags) ? stream_await_connected(d, timeout_option) : -EAGAIN;
	case STREAM_IDLE:
	case STREAM_LISTENING:
		break;
	}
	return -ENOTCONN;
}

/* sendto() and sendmsg() with MSG_FASTOPEN connect first (RFC 7413's interface in Linux). */
static int fast_open(struct descriptor *d, const struct msghdr *message)
{
	int result;

	if (message->msg_name == NULL || message->msg_namelen == 0)
		return -EINVAL;
	result = connect_descriptor(d, message->msg_name, message->msg_namelen);
	return result == -EINPROGRESS || result == -EISCONN ? 0 : result;
}

ssize_t stream_send(struct descriptor *d, const struct msghdr *message, int flags)
{
	struct msghdr plain = { .msg_iov = message->msg_iov, .msg_iovlen = message->msg_iovlen };
	int error = 0;

	if ((flags & MSG_FASTOPEN) != 0 && !descriptor_is(d, DESCRIPTOR_CONNECTED))
		error = fast_open(d, message);
	if (error == 0 && !descriptor_is(d, DESCRIPTOR_CONNECTED))
		error = await_ready(d, flags, SO_SNDTIMEO);
	if (error == -ENOTCONN) {
		if ((flags & MSG_NOSIGNAL) == 0)
			raise_broken_pipe();
		return -EPIPE;
	}
	if (error < 0)
		return error;
	/* A name and descriptors in SCM_RIGHTS mean nothing to TCP; to the pair they would. */
	return stream_sent(d, outcome(real.sendmsg(d->fd, &plain, (flags & ~FLAGS_NOT_FOR_PAIR) | MSG_NOSIGNAL)), flags);
}

/* recv(MSG_TRUNC) on TCP throws the bytes away. */
static ssize_t discard(struct descriptor *d, const struct msghdr *message, int flags)
{
	char waste[4096];
	size_t wanted = 0;
	ssize_t done = 0;

	for (size_t i = 0; i < message->msg_iovlen; i++)
		wanted += message->msg_iov[i].iov_len;
	while ((size_t)done < wanted) {
		size_t piece = wanted - (size_t)done < sizeof(waste) ? wanted - (size_t)done : sizeof(waste);
		ssize_t got = real.recv(d->fd, waste, piece, flags | (done > 0 ? MSG_DONTWAIT : 0));

		if (got <= 0)
			return done > 0 ? done : stream_received(d, outcome(got), flags);
		done += got;
	}
	return done;
}

ssize_t stream_receive(struct descriptor *d, struct msghdr *message, int flags)
{
	struct msghdr plain = { .msg_iov = message->msg_iov, .msg_iovlen = message->msg_iovlen };
	ssize_t result;
	int error = 0;

	if ((flags & MSG_ERRQUEUE) != 0)
		return -EAGAIN; /* TCP has an error queue only for timestamps and zero-copy */
	if (!descriptor_is(d, DESCRIPTOR_CONNECTED))
		error = await_ready(d, flags, SO_RCVTIMEO);
	if (error < 0)
		return error;
	if ((flags & (MSG_TRUNC | MSG_PEEK)) == MSG_TRUNC)
		result = discard(d, message, flags & ~MSG_TRUNC);
	else
		result = stream_received(d, outcome(real.recvmsg(d->fd, &plain, flags & ~MSG_TRUNC)), flags);
	message->msg_namelen = 0;
	message->msg_controllen = 0;
	message->msg_flags = result >= 0 ? plain.msg_flags & (MSG_OOB | MSG_CMSG_CLOEXEC) : 0;
	return result;
}
