/* SPDX-License-Identifier: MIT */
/*
 * The calls that move data: read, write, send, recv and their kin. Each asks the descriptor table
 * once; what is not ours, and most of what is, goes straight to the kernel.
 */
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "preload/real.h"
#include "preload/sandbox.h"
#include "preload/sockets.h"
#include "preload/user.h"

/* ---- one way in for each direction ---- */

static ssize_t ours_send(struct descriptor *d, const struct msghdr *message, int flags)
{
	if (descriptor_kind(d) == DESCRIPTOR_STREAM)
		return stream_send(d, message, flags);
	return datagram_send(d, message, flags);
}

static ssize_t ours_receive(struct descriptor *d, struct msghdr *message, int flags)
{
	if (descriptor_kind(d) == DESCRIPTOR_STREAM)
		return stream_receive(d, message, flags);
	return datagram_receive(d, message, flags);
}

static ssize_t send_parts(struct descriptor *d, const struct iovec *iov, int count, int flags)
{
	struct msghdr message = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)count };

	return count < 0 || count > IOV_MAX ? -EINVAL : ours_send(d, &message, flags);
}

static ssize_t receive_parts(struct descriptor *d, const struct iovec *iov, int count, int flags)
{
	struct msghdr message = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)count };

	return count < 0 || count > IOV_MAX ? -EINVAL : ours_receive(d, &message, flags);
}

static bool is_connected_stream(const struct descriptor *d)
{
	return descriptor_kind(d) == DESCRIPTOR_STREAM && descriptor_is(d, DESCRIPTOR_CONNECTED);
}

/* ---- receiving ---- */

ssize_t call_recv(int fd, void *buffer, size_t bytes, int flags)
{
	struct iovec iov = { .iov_base = buffer, .iov_len = bytes };
	struct descriptor d;
	ssize_t result;

	if (!descriptor_find(fd, &d))
		return real.recv(fd, buffer, bytes, flags);
	if (!is_connected_stream(&d) || (flags & (MSG_TRUNC | MSG_ERRQUEUE)) != 0)
		return answer_size(receive_parts(&d, &iov, 1, flags));
	result = real.recv(fd, buffer, bytes, flags);
	if (result > 0 || bytes == 0)
		return result;
	return answer_size(stream_received(&d, outcome(result), flags));
}

ssize_t call_read(int fd, void *buffer, size_t bytes)
{
	struct iovec iov = { .iov_base = buffer, .iov_len = bytes };
	struct descriptor d;
	ssize_t result;

	if (!descriptor_find(fd, &d))
		return real.read(fd, buffer, bytes);
	if (bytes == 0)
		return 0;
	if (!is_connected_stream(&d))
		return answer_size(receive_parts(&d, &iov, 1, 0));
	result = real.read(fd, buffer, bytes);
	return result > 0 ? result : answer_size(stream_received(&d, outcome(result), 0));
}

ssize_t call___read(int fd, void *buffer, size_t bytes)
{
	return call_read(fd, buffer, bytes);
}

ssize_t call_readv(int fd, const struct iovec *iov, int count)
{
	struct descriptor d;

	if (!descriptor_find(fd, &d) || (sandbox_entered && is_connected_stream(&d)))
		return real.readv(fd, iov, count);
	return answer_size(receive_parts(&d, iov, count, 0));
}

/* A socket has no position: only offset -1 is allowed, and means readv() (likewise below). */
ssize_t call_preadv2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
	struct descriptor d;

	if (offset != -1 || (flags & ~RWF_NOWAIT) != 0 || !descriptor_find(fd, &d))
		return real.preadv2(fd, iov, count, offset, flags);
	return answer_size(receive_parts(&d, iov, count, (flags & RWF_NOWAIT) != 0 ? MSG_DONTWAIT : 0));
}

ssize_t call_preadv64v2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
	return call_preadv2(fd, iov, count, offset, flags);
}

ssize_t call_recvfrom(int fd, void *buffer, size_t bytes, int flags, struct sockaddr *from, socklen_t *from_bytes)
{
	struct iovec iov = { .iov_base = buffer, .iov_len = bytes };
	struct control_address name = { .bytes = 0 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct descriptor d;
	ssize_t result;

	if (!descriptor_find(fd, &d))
		return real.recvfrom(fd, buffer, bytes, flags, from, from_bytes);
	if (from == NULL && is_connected_stream(&d))
		return call_recv(fd, buffer, bytes, flags);
	if (from != NULL) {
		message.msg_name = name.sockaddr;
		message.msg_namelen = sizeof(name.sockaddr);
	}
	result = ours_receive(&d, &message, flags);
	if (result >= 0 && from != NULL) {
		int error;

		name.bytes = message.msg_namelen <= sizeof(name.sockaddr) ? (uint16_t)message.msg_namelen : 0;
		error = user_give_address(from, from_bytes, &name);
		if (error < 0)
			result = error;
	}
	return answer_size(result);
}

ssize_t call___read_chk(int fd, void *buffer, size_t bytes, size_t room)
{
	if (bytes > room)
		return real.__read_chk(fd, buffer, bytes, room); /* ends the program with its message */
	return call_read(fd, buffer, bytes);
}

ssize_t call___recv_chk(int fd, void *buffer, size_t bytes, size_t room, int flags)
{
	if (bytes > room)
		return real.__recv_chk(fd, buffer, bytes, room, flags);
	return call_recv(fd, buffer, bytes, flags);
}

ssize_t call___recvfrom_chk(int fd, void *buffer, size_t bytes, size_t room, int flags, struct sockaddr *from,
    socklen_t *from_bytes)
{
	if (bytes > room)
		return real.__recvfrom_chk(fd, buffer, bytes, room, flags, from, from_bytes);
	return call_recvfrom(fd, buffer, bytes, flags, from, from_bytes);
}

/* Descriptors that came with a message have numbers that we may remember otherwise. */
static void forget_received(struct msghdr *message)
{
	if (message->msg_control == NULL || message->msg_controllen == 0)
		return;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = CMSG_LEN(0); at + sizeof(int) <= c->cmsg_len; at += sizeof(int)) {
			int fd;

			memcpy(&fd, (char *)c + at, sizeof(fd));
			descriptor_forget(fd);
		}
	}
}

ssize_t call_recvmsg(int fd, struct msghdr *message, int flags)
{
	struct descriptor d;
	ssize_t result;

	if (!descriptor_find(fd, &d)) {
		result = real.recvmsg(fd, message, flags);
		if (result >= 0)
			forget_received(message);
		return result;
	}
	if (user_probe(message, sizeof(*message)) < 0)
		return answer_size(-EFAULT);
	if (message->msg_iovlen > IOV_MAX)
		return answer_size(-EMSGSIZE);
	return answer_size(ours_receive(&d, message, flags));
}

static bool time_is_over(const struct timespec *end)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > end->tv_sec || (now.tv_sec == end->tv_sec && now.tv_nsec >= end->tv_nsec);
}

/* Linux looks at the timeout only between messages (recvmmsg(2), BUGS). */
static int receive_many(struct descriptor *d, struct mmsghdr *messages, unsigned count, int flags,
    struct timespec *timeout)
{
	struct timespec end;
	unsigned done = 0;
	ssize_t result = 0;

	if (timeout != NULL) {
		if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec > 999999999)
			return -EINVAL;
		clock_gettime(CLOCK_MONOTONIC, &end);
		end.tv_sec += timeout->tv_sec;
		end.tv_nsec += timeout->tv_nsec;
		if (end.tv_nsec > 999999999) {
			end.tv_sec++;
			end.tv_nsec -= 1000000000;
		}
	}
	while (done < count) {
		result = ours_receive(d, &messages[done].msg_hdr, flags & ~MSG_WAITFORONE);
		if (result < 0)
			break;
		messages[done++].msg_len = (unsigned)result;
		if ((flags & MSG_WAITFORONE) != 0)
			flags |= MSG_DONTWAIT;
		if (timeout != NULL && time_is_over(&end))
			break;
	}
	return done > 0 ? (int)done : (int)result;
}

int call_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout)
{
	struct descriptor d;

	if (!descriptor_find(fd, &d)) {
		int got = real.recvmmsg(fd, messages, count, flags, timeout);

		for (int i = 0; i < got; i++)
			forget_received(&messages[i].msg_hdr);
		return got;
	}
	return answer_int(receive_many(&d, messages, count < IOV_MAX ? count : IOV_MAX, flags, timeout));
}

/* ---- sending ---- */

ssize_t call_send(int fd, const void *buffer, size_t bytes, int flags)
{
	struct iovec iov = { .iov_base = (void *)buffer, .iov_len = bytes };
	struct descriptor d;
	ssize_t result;

	if (!descriptor_find(fd, &d))
		return real.send(fd, buffer, bytes, flags);
	if (!is_connected_stream(&d) || (flags & ~(MSG_NOSIGNAL | MSG_DONTWAIT)) != 0)
		return answer_size(send_parts(&d, &iov, 1, flags));
	result = real.send(fd, buffer, bytes, flags | MSG_NOSIGNAL);
	return result >= 0 ? result : answer_size(stream_sent(&d, outcome(result), flags));
}

ssize_t call___send(int fd, const void *buffer, size_t bytes, int flags)
{
	return call_send(fd, buffer, bytes, flags);
}

ssize_t call_write(int fd, const void *buffer, size_t bytes)
{
	struct iovec iov = { .iov_base = (void *)buffer, .iov_len = bytes };
	struct descriptor d;
	ssize_t result;

	if (!descriptor_find(fd, &d))
		return real.write(fd, buffer, bytes);
	if (!is_connected_stream(&d))
		return answer_size(send_parts(&d, &iov, 1, 0));
	if (sandbox_entered)
		return real.write(fd, buffer, bytes);
	result = real.send(fd, buffer, bytes, MSG_NOSIGNAL);
	if (result >= 0)
		return result;
	if (errno == ENOTSOCK && !descriptor_verify(&d))
		return real.write(fd, buffer, bytes);
	return answer_size(stream_sent(&d, outcome(result), 0));
}

ssize_t call___write(int fd, const void *buffer, size_t bytes)
{
	return call_write(fd, buffer, bytes);
}

ssize_t call_writev(int fd, const struct iovec *iov, int count)
{
	struct descriptor d;
	ssize_t result;

	if (!descriptor_find(fd, &d) || (sandbox_entered && is_connected_stream(&d)))
		return real.writev(fd, iov, count);
	result = send_parts(&d, iov, count, 0);
	if (result == -ENOTSOCK && !descriptor_verify(&d))
		return real.writev(fd, iov, count);
	return answer_size(result);
}

ssize_t call_pwritev2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
	struct descriptor d;

	if (offset != -1 || (flags & ~RWF_NOWAIT) != 0 || !descriptor_find(fd, &d))
		return real.pwritev2(fd, iov, count, offset, flags);
	return answer_size(send_parts(&d, iov, count, (flags & RWF_NOWAIT) != 0 ? MSG_DONTWAIT : 0));
}

ssize_t call_pwritev64v2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
	return call_pwritev2(fd, iov, count, offset, flags);
}

ssize_t call_sendto(int fd, const void *buffer, size_t bytes, int flags, const struct sockaddr *to,
    socklen_t to_bytes)
{
	struct iovec iov = { .iov_base = (void *)buffer, .iov_len = bytes };
	struct msghdr message = {
		.msg_name = (void *)to,
		.msg_namelen = to_bytes,
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	struct descriptor d;

	if (!descriptor_find(fd, &d))
		return real.sendto(fd, buffer, bytes, flags, to, to_bytes);
	return answer_size(ours_send(&d, &message, flags));
}

ssize_t call_sendmsg(int fd, const struct msghdr *message, int flags)
{
	struct descriptor d;

	if (!descriptor_find(fd, &d))
		return real.sendmsg(fd, message, flags);
	if (user_probe(message, sizeof(*message)) < 0)
		return answer_size(-EFAULT);
	if (message->msg_iovlen > IOV_MAX)
		return answer_size(-EMSGSIZE);
	return answer_size(ours_send(&d, message, flags));
}

int call_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	struct descriptor d;
	unsigned done = 0;
	ssize_t result = 0;

	if (!descriptor_find(fd, &d))
		return real.sendmmsg(fd, messages, count, flags);
	if (count > IOV_MAX)
		count = IOV_MAX;
	while (done < count) {
		result = ours_send(&d, &messages[done].msg_hdr, flags);
		if (result < 0)
			break;
		messages[done++].msg_len = (unsigned)result;
	}
	return done > 0 ? (int)done : answer_int(result);
}

/* A datagram for each piece that is read, as the kernel's would be; a stream's is native. */
static ssize_t sendfile_datagram(struct descriptor *d, int in, off_t *offset, size_t bytes)
{
	char piece[4096];
	size_t done = 0;

	while (done < bytes) {
		size_t wanted = bytes - done < sizeof(piece) ? bytes - done : sizeof(piece);
		struct iovec iov = { .iov_base = piece };
		ssize_t got;

		if (offset != NULL) {
			struct iovec part = { .iov_base = piece, .iov_len = wanted };

			got = outcome(real.preadv2(in, &part, 1, *offset, 0));
		} else {
			got = outcome(real.read(in, piece, wanted));
		}
		if (got <= 0)
			return done > 0 ? (ssize_t)done : got;
		iov.iov_len = (size_t)got;
		got = send_parts(d, &iov, 1, 0);
		if (got < 0)
			return done > 0 ? (ssize_t)done : got;
		if (offset != NULL)
			*offset += got;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

static ssize_t sendfile_ours(struct descriptor *d, int in, off_t *offset, size_t bytes)
{
	ssize_t result;
	int state;

	if (descriptor_kind(d) == DESCRIPTOR_DATAGRAM)
		return sendfile_datagram(d, in, offset, bytes);
	if (!descriptor_is(d, DESCRIPTOR_CONNECTED)) {
		/* Sending nothing has the right errors, and waits for a connect() in progress. */
		struct msghdr nothing = { .msg_iovlen = 0 };

		state = (int)stream_send(d, &nothing, 0);
		if (state < 0)
			return state;
	}
	result = outcome(real.sendfile(d->fd, in, offset, bytes));
	/* The pair has raised SIGPIPE already. */
	return stream_sent(d, result, MSG_NOSIGNAL);
}

ssize_t call_sendfile(int out, int in, off_t *offset, size_t bytes)
{
	struct descriptor d;

	if (!descriptor_find(out, &d))
		return real.sendfile(out, in, offset, bytes);
	return answer_size(sendfile_ours(&d, in, offset, bytes));
}

ssize_t call_sendfile64(int out, int in, off_t *offset, size_t bytes)
{
	return call_sendfile(out, in, offset, bytes);
}
