/* SPDX-License-Identifier: MIT */
/*
 * The calls that make and name an endpoint: socket, bind, listen, accept, getsockname, getpeername,
 * shutdown. connect() has a file of its own.
 */
#include <fcntl.h>
#include <stddef.h>
#include <string.h>

#include "preload/real.h"
#include "preload/settings.h"
#include "preload/sockets.h"
#include "preload/user.h"

/* ---- socket ---- */

/* A socket of ours, or a negative errno. */
static int socket_ours(int domain, int type, int protocol)
{
	struct exchange x = {
		.request = { .operation = CONTROL_SOCKET, .argument = { domain, type & ~SOCK_CLOEXEC, protocol } },
		.wants_descriptor = true,
		.close_on_exec = (type & SOCK_CLOEXEC) != 0,
		.start = true,
	};
	int64_t result = channel_exchange(&x);
	bool stream = (type & 15) == SOCK_STREAM;
	uint64_t facts;

	if (settings_kernel()) /* said by the configuration file, which is read when it is needed */
		return (int)outcome(real.socket(domain, type, protocol));
	if (result < 0)
		return (int)result;
	if (x.received < 0)
		return -EMFILE;
	if (protocol == 0)
		protocol = stream ? IPPROTO_TCP : IPPROTO_UDP;
	facts = stream ? DESCRIPTOR_STREAM | DESCRIPTOR_FRESH : DESCRIPTOR_DATAGRAM | DESCRIPTOR_OPTIONS;
	facts |= DESCRIPTOR_TYPED | (domain == AF_INET6 ? DESCRIPTOR_INET6 : 0) |
	    (uint64_t)(type & 15) << DESCRIPTOR_TYPE_SHIFT | (uint64_t)(protocol & 511) << DESCRIPTOR_PROTOCOL_SHIFT;
	descriptor_set(x.received, facts, x.reply.socket_id, NULL);
	return x.received;
}

int call_socket(int domain, int type, int protocol)
{
	int fd;

	if (settings_kernel() || (domain != AF_INET && domain != AF_INET6) || (type & 15) == SOCK_PACKET) {
		fd = real.socket(domain, type, protocol);
		descriptor_forget(fd);
		return fd;
	}
	if ((type & ~(15 | SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0)
		return answer_int(-EINVAL);
	return answer_int(socket_ours(domain, type, protocol));
}

/* ---- names ---- */

static int bind_ours(struct descriptor *d, const struct sockaddr *address, socklen_t bytes)
{
	struct exchange x = { 0 };
	int error = user_take_address(&x.request.address, address, bytes);

	if (error < 0)
		return error;
	error = (int)request_exchange(d, CONTROL_BIND, &x);
	/* A port that was just closed: teachnetd sees the pair hang up in its round, the request may
	 * have overtaken that. By the second one it has seen it. */
	return error == -EADDRINUSE ? (int)request_exchange(d, CONTROL_BIND, &x) : error;
}

int call_bind(int fd, const struct sockaddr *address, socklen_t bytes)
{
	struct descriptor d;

	if (!descriptor_find(fd, &d))
		return real.bind(fd, address, bytes);
	return answer_int(bind_ours(&d, address, bytes));
}

/* A port below 1024 that is free, as rsh wants it (RFC 1282). */
int call_bindresvport(int fd, struct sockaddr_in *address)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	struct descriptor d;
	int error = -EADDRINUSE;

	if (!descriptor_find(fd, &d))
		return real.bindresvport(fd, address);
	if (address == NULL)
		address = &any;
	else if (address->sin_family != AF_INET)
		return answer_int(-EAFNOSUPPORT);
	for (unsigned port = 1023; port >= 600 && error == -EADDRINUSE; port--) {
		address->sin_port = htons((uint16_t)port);
		error = bind_ours(&d, (struct sockaddr *)address, sizeof(*address));
	}
	return answer_int(error);
}

static int name_ours(struct descriptor *d, enum control_operation operation, struct sockaddr *address, socklen_t *bytes)
{
	struct exchange x = { 0 };
	int64_t result = request_exchange(d, operation, &x);

	return result < 0 ? (int)result : user_give_address(address, bytes, &x.reply.address);
}

int call_getsockname(int fd, struct sockaddr *address, socklen_t *bytes)
{
	struct descriptor d;

	if (!descriptor_find(fd, &d))
		return real.getsockname(fd, address, bytes);
	return answer_int(name_ours(&d, CONTROL_GETSOCKNAME, address, bytes));
}

int call_getpeername(int fd, struct sockaddr *address, socklen_t *bytes)
{
	struct descriptor d;

	if (!descriptor_find(fd, &d))
		return real.getpeername(fd, address, bytes);
	return answer_int(name_ours(&d, CONTROL_GETPEERNAME, address, bytes));
}

/* ---- listen and accept ---- */

int call_listen(int fd, int backlog)
{
	struct exchange x = { .request.argument = { backlog } };
	struct descriptor d;
	int64_t result;

	if (!descriptor_find(fd, &d))
		return real.listen(fd, backlog);
	if (descriptor_kind(&d) != DESCRIPTOR_STREAM)
		return answer_int(-EOPNOTSUPP);
	result = request_exchange(&d, CONTROL_LISTEN, &x);
	if (result == 0 && !descriptor_is(&d, DESCRIPTOR_LISTENING))
		(void)stream_fill(&d); /* a listener is never writable; these bytes stay in the pair */
	if (result == 0)
		descriptor_mark(&d, DESCRIPTOR_LISTENING, DESCRIPTOR_FRESH);
	return answer_int(result);
}

/* Linux takes a descriptor before it looks for a connection. If there is none, the record must stay
 * in the queue: received without room for its descriptor, the connection would be lost. */
static int descriptor_is_free(int fd)
{
	int spare = real.fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (spare < 0)
		return errno == EINVAL ? -EMFILE : -errno;
	real.close(spare);
	return 0;
}

/* The record, and the descriptor that came with it: that, or a negative errno. */
static int receive_record(struct descriptor *d, struct control_accepted *record, int flags)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = record, .iov_len = sizeof(*record) };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t got = real.recvmsg(d->fd, &message, (flags & SOCK_CLOEXEC) != 0 ? MSG_CMSG_CLOEXEC : 0);
	int fd = -1;

	if (got < 0 && errno != ECONNRESET)
		return -errno;
	if (got > 0 && message.msg_controllen >= CMSG_LEN(sizeof(int)) && control.header.cmsg_level == SOL_SOCKET &&
	    control.header.cmsg_type == SCM_RIGHTS) {
		memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
		descriptor_forget(fd);
	}
	if (got == sizeof(*record) && record->magic == CONTROL_MAGIC)
		return fd >= 0 ? fd : -EMFILE;
	if (fd >= 0)
		real.close(fd);
	if (got <= 0) /* shut down, or teachnetd has gone */
		return request_plain(d, CONTROL_GETSOCKNAME) == -ENETDOWN ? -ENETDOWN : -EINVAL;
	return -EPROTO;
}

/* Linux's clone of the listener has its timeouts, too. */
static void inherit_timeouts(int from, int to)
{
	static const int names[] = { SO_RCVTIMEO, SO_SNDTIMEO };

	for (unsigned i = 0; i < 2; i++) {
		struct timeval value;
		socklen_t bytes = sizeof(value);

		if (real.getsockopt(from, SOL_SOCKET, names[i], &value, &bytes) == 0)
			real.setsockopt(to, SOL_SOCKET, names[i], &value, bytes);
	}
}

static int accept_ours(struct descriptor *d, struct sockaddr *address, socklen_t *bytes, int flags)
{
	struct control_accepted record;
	uint64_t facts = DESCRIPTOR_STREAM | DESCRIPTOR_CONNECTED;
	int error;
	int fd;

	if (descriptor_kind(d) != DESCRIPTOR_STREAM)
		return -EOPNOTSUPP;
	if (!descriptor_is(d, DESCRIPTOR_LISTENING)) {
		if (request_option(d, SOL_SOCKET, SO_ACCEPTCONN, &error) == 0)
			return error < 0 ? error : -EINVAL;
		descriptor_mark(d, DESCRIPTOR_LISTENING, DESCRIPTOR_FRESH);
	}
	error = descriptor_is_free(d->fd);
	if (error < 0)
		return error;
	fd = receive_record(d, &record, flags);
	if (fd < 0)
		return fd;
	if ((flags & SOCK_NONBLOCK) != 0)
		real.fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
	if (descriptor_is(d, DESCRIPTOR_TIMEOUTS)) {
		inherit_timeouts(d->fd, fd);
		facts |= DESCRIPTOR_TIMEOUTS;
	}
	error = address != NULL ? user_give_address(address, bytes, &record.peer) : 0;
	if (error < 0) {
		real.close(fd);
		return error;
	}
	facts |= DESCRIPTOR_TYPED | (record.local.sockaddr[0] == AF_INET6 ? DESCRIPTOR_INET6 : 0) |
	    (uint64_t)SOCK_STREAM << DESCRIPTOR_TYPE_SHIFT | (uint64_t)IPPROTO_TCP << DESCRIPTOR_PROTOCOL_SHIFT;
	descriptor_set(fd, facts, record.socket_id, NULL);
	return fd;
}

int call_accept4(int fd, struct sockaddr *address, socklen_t *bytes, int flags)
{
	struct descriptor d;

	if (!descriptor_find(fd, &d)) {
		int accepted = real.accept4(fd, address, bytes, flags);

		descriptor_forget(accepted);
		return accepted;
	}
	if ((flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0)
		return answer_int(-EINVAL);
	return answer_int(accept_ours(&d, address, bytes, flags));
}

int call_accept(int fd, struct sockaddr *address, socklen_t *bytes)
{
	struct descriptor d;

	if (!descriptor_find(fd, &d)) {
		int accepted = real.accept(fd, address, bytes);

		descriptor_forget(accepted);
		return accepted;
	}
	return answer_int(accept_ours(&d, address, bytes, 0));
}

/* ---- shutdown ---- */

static int shutdown_request(struct descriptor *d, int how)
{
	struct exchange x = { .request.argument = { how } };

	return (int)request_exchange(d, CONTROL_SHUTDOWN, &x);
}

/*
 * Of a connection, the pair itself can close the sending side: teachnetd reads up to the end of
 * file. The receiving side it must know of, so that what comes later is not an error. Anything
 * else (a listener, a connect() in progress, a datagram socket) is for teachnetd alone, before the
 * pair's own state changes.
 */
static int shutdown_ours(struct descriptor *d, int how)
{
	int state = descriptor_kind(d) == DESCRIPTOR_STREAM ? stream_state(d) : STREAM_LISTENING;
	int result;

	if (state < 0)
		return -ENOTCONN;
	if (state == STREAM_CONNECTED && how == SHUT_WR && !stream_hung_up(d->fd))
		return (int)outcome(real.shutdown(d->fd, SHUT_WR));
	result = shutdown_request(d, how);
	if (state == STREAM_CONNECTED && how == SHUT_RDWR)
		real.shutdown(d->fd, SHUT_RDWR);
	else if (how != SHUT_WR && state != STREAM_IDLE)
		real.shutdown(d->fd, SHUT_RD);
	if (descriptor_kind(d) == DESCRIPTOR_STREAM && state != STREAM_CONNECTED && how != SHUT_WR)
		descriptor_mark(d, 0, DESCRIPTOR_FRESH | DESCRIPTOR_LISTENING | DESCRIPTOR_CONNECTING);
	return result;
}

int call_shutdown(int fd, int how)
{
	struct descriptor d;

	if (!descriptor_find(fd, &d))
		return real.shutdown(fd, how);
	if (how < SHUT_RD || how > SHUT_RDWR)
		return answer_int(-EINVAL);
	return answer_int(shutdown_ours(&d, how));
}
