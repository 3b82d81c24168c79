/* SPDX-License-Identifier: MIT */
/*
 * Data calls of datagram and raw sockets: each message on the pair is a struct control_datagram
 * and the payload. What Linux refuses at once (no route, too long, no destination) is refused
 * here: a destination is asked about once, and remembered with its size limit until something
 * changes. Errors about earlier datagrams arrive in the same queue, in order; see errors_*.
 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <linux/errqueue.h>
#include <netinet/udp.h>

#include "preload/ancillary.h"
#include "preload/gather.h"
#include "preload/real.h"
#include "preload/sockets.h"
#include "preload/user.h"

#define UDP_BYTES_MAX 65507U /* 65535 less the headers of IP and UDP */
#define IP_BYTES_MAX 65535U
#define IOV_MOST 1024U

/* ---- errors that wait for MSG_ERRQUEUE ---- */

/*
 * With IP_RECVERR an error is told twice: as the result of the next call, and in the error queue.
 * Whoever takes it from the pair for the first keeps it here for the second. Few and bounded: when
 * all places are taken the oldest news is lost, as in a kernel without memory.
 */
#define ERRORS_MAX 16U
#define ERROR_PAYLOAD_MAX 576U

static struct kept_error {
	_Atomic uint64_t socket_id;   /* 0: free; BUSY: being written or read */
	uint64_t order;
	size_t payload_bytes;
	struct control_datagram header;
	unsigned char payload[ERROR_PAYLOAD_MAX];
} errors[ERRORS_MAX];
static _Atomic uint64_t errors_order;
#define BUSY UINT64_MAX

static void errors_keep(uint64_t socket_id, const struct control_datagram *header, const void *payload, size_t bytes)
{
	for (unsigned i = 0; i < ERRORS_MAX; i++) {
		uint64_t nobody = 0;

		if (!atomic_compare_exchange_strong(&errors[i].socket_id, &nobody, BUSY))
			continue;
		errors[i].order = atomic_fetch_add(&errors_order, 1);
		errors[i].header = *header;
		errors[i].payload_bytes = bytes < ERROR_PAYLOAD_MAX ? bytes : ERROR_PAYLOAD_MAX;
		memcpy(errors[i].payload, payload, errors[i].payload_bytes);
		atomic_store(&errors[i].socket_id, socket_id);
		return;
	}
}

/* The oldest of this socket: true. */
static bool errors_take(uint64_t socket_id, struct control_datagram *header, void *payload, size_t *bytes)
{
	struct kept_error *oldest = NULL;

	for (unsigned i = 0; i < ERRORS_MAX; i++)
		if (atomic_load(&errors[i].socket_id) == socket_id &&
		    (oldest == NULL || errors[i].order < oldest->order))
			oldest = &errors[i];
	if (oldest == NULL || !atomic_compare_exchange_strong(&oldest->socket_id, &(uint64_t){ socket_id }, BUSY))
		return false;
	*header = oldest->header;
	*bytes = oldest->payload_bytes;
	memcpy(payload, oldest->payload, oldest->payload_bytes);
	atomic_store(&oldest->socket_id, 0);
	return true;
}

bool datagram_error_kept(const struct descriptor *d)
{
	for (unsigned i = 0; i < ERRORS_MAX; i++)
		if (atomic_load_explicit(&errors[i].socket_id, memory_order_relaxed) == d->socket_id)
			return true;
	return false;
}

bool datagram_error_next(const struct descriptor *d)
{
	struct control_datagram header;
	int saved = errno;
	ssize_t got = real.recv(d->fd, &header, sizeof(header), MSG_PEEK | MSG_DONTWAIT);

	errno = saved;
	return got == sizeof(header) && header.magic == CONTROL_MAGIC && header.kind == CONTROL_DATAGRAM_ERROR;
}

/* ---- what the program wants to be told ---- */

static void learn_options(struct descriptor *d)
{
	static const struct {
		int level4, name4, level6, name6;
		enum descriptor_flag flag;
	} wanted[] = {
		{ IPPROTO_IP, IP_PKTINFO, IPPROTO_IPV6, IPV6_RECVPKTINFO, DESCRIPTOR_PKTINFO },
		{ IPPROTO_IP, IP_RECVTTL, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, DESCRIPTOR_RECVTTL },
		{ IPPROTO_IP, IP_RECVTOS, IPPROTO_IPV6, IPV6_RECVTCLASS, DESCRIPTOR_RECVTOS },
		{ IPPROTO_IP, IP_RECVERR, IPPROTO_IPV6, IPV6_RECVERR, DESCRIPTOR_RECVERR },
		{ SOL_SOCKET, SO_TIMESTAMP, SOL_SOCKET, SO_TIMESTAMP, DESCRIPTOR_TIMESTAMP },
		{ SOL_SOCKET, SO_TIMESTAMPNS, SOL_SOCKET, SO_TIMESTAMPNS, DESCRIPTOR_TIMESTAMPNS },
		{ SOL_UDP, UDP_GRO, SOL_UDP, UDP_GRO, DESCRIPTOR_GRO },
	};
	uint64_t flags = DESCRIPTOR_OPTIONS;

	if (descriptor_is(d, DESCRIPTOR_OPTIONS))
		return;
	request_types(d);
	for (unsigned i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		bool six = descriptor_is(d, DESCRIPTOR_INET6);
		int error;

		if (request_option(d, six ? wanted[i].level6 : wanted[i].level4,
		    six ? wanted[i].name6 : wanted[i].name4, &error) != 0)
			flags |= wanted[i].flag;
	}
	descriptor_mark(d, flags, 0);
}

/* ---- receiving ---- */

/* message's parts behind a header of ours. iov has room for one more than message has. */
static void prefix_iov(struct iovec *iov, struct control_datagram *header, const struct msghdr *message)
{
	iov[0] = (struct iovec){ .iov_base = header, .iov_len = sizeof(*header) };
	if (message->msg_iovlen > 0)
		memcpy(iov + 1, message->msg_iov, message->msg_iovlen * sizeof(iov[0]));
}

static int judge_iov(const struct msghdr *message)
{
	if (message->msg_iovlen >= IOV_MOST) /* one place is ours */
		return -EMSGSIZE;
	return user_probe(message->msg_iov, message->msg_iovlen * sizeof(struct iovec));
}

static void give_name(struct msghdr *message, const struct control_address *from)
{
	socklen_t bytes = message->msg_namelen;

	if (message->msg_name == NULL || from->bytes > sizeof(from->sockaddr))
		return;
	if (bytes > from->bytes)
		bytes = from->bytes;
	memcpy(message->msg_name, from->sockaddr, bytes);
	message->msg_namelen = from->bytes;
}

/* An error has been read from the pair (or only looked at, with MSG_PEEK). */
static ssize_t tell_error(struct descriptor *d, const struct control_datagram *header, const void *payload,
    size_t bytes, int flags)
{
	char waste;

	learn_options(d);
	if ((flags & MSG_PEEK) != 0)
		(void)!real.recv(d->fd, &waste, sizeof(waste), MSG_DONTWAIT);
	if (descriptor_is(d, DESCRIPTOR_RECVERR))
		errors_keep(d->socket_id, header, payload, bytes);
	descriptor_set_last_destination(d, 0);
	return header->error > 0 && header->error < 4096 ? -header->error : -EIO;
}

static bool stack_gone(const struct descriptor *d)
{
	struct pollfd p = { .fd = d->fd, .events = POLLIN };

	return real.poll(&p, 1, 0) > 0 && (p.revents & POLLHUP) != 0;
}

static void copy_out(const struct iovec *iov, size_t count, unsigned char *to, size_t bytes)
{
	for (size_t i = 0; i < count && bytes > 0; i++) {
		size_t piece = iov[i].iov_len < bytes ? iov[i].iov_len : bytes;

		memcpy(to, iov[i].iov_base, piece);
		to += piece;
		bytes -= piece;
	}
}

/* One message from the pair. Its payload's whole length, -EAGAIN: it was none (try again), others. */
static ssize_t receive_one(struct descriptor *d, struct control_datagram *header, const struct msghdr *message,
    int flags, int *received_flags)
{
	struct iovec iov[message->msg_iovlen + 1];
	struct msghdr pair = { .msg_iov = iov, .msg_iovlen = message->msg_iovlen + 1 };
	unsigned char payload[ERROR_PAYLOAD_MAX];
	size_t capacity = 0;
	ssize_t got;

	prefix_iov(iov, header, message);
	got = real.recvmsg(d->fd, &pair, (flags & ~MSG_OOB) | MSG_TRUNC);
	if (got < 0)
		return errno == ECONNRESET ? -ENETDOWN : -errno;
	if (got == 0)
		return stack_gone(d) ? -ENETDOWN : 0;
	if ((size_t)got < sizeof(*header) || header->magic != CONTROL_MAGIC)
		return -EBADMSG;
	got -= (ssize_t)sizeof(*header);
	*received_flags = pair.msg_flags;
	if (header->kind == CONTROL_DATAGRAM_DATA)
		return got;
	for (size_t i = 1; i <= message->msg_iovlen; i++)
		capacity += iov[i].iov_len;
	if (capacity > (size_t)got)
		capacity = (size_t)got;
	if (capacity > sizeof(payload))
		capacity = sizeof(payload);
	copy_out(iov + 1, message->msg_iovlen, payload, capacity);
	return tell_error(d, header, payload, capacity, flags);
}

static ssize_t receive_error_queue(struct descriptor *d, struct msghdr *message)
{
	struct control_datagram header;
	unsigned char payload[ERROR_PAYLOAD_MAX];
	struct iovec iov[2] = {
		{ .iov_base = &header, .iov_len = sizeof(header) },
		{ .iov_base = payload, .iov_len = sizeof(payload) },
	};
	struct msghdr pair = { .msg_iov = iov, .msg_iovlen = 2 };
	size_t bytes = 0;
	size_t given = 0;

	learn_options(d);
	if (!errors_take(d->socket_id, &header, payload, &bytes)) {
		ssize_t got = real.recv(d->fd, &header, sizeof(header), MSG_PEEK | MSG_DONTWAIT);

		if (got != sizeof(header) || header.kind != CONTROL_DATAGRAM_ERROR)
			return -EAGAIN;
		got = real.recvmsg(d->fd, &pair, MSG_DONTWAIT);
		if (got < (ssize_t)sizeof(header))
			return -EAGAIN;
		bytes = (size_t)got - sizeof(header);
	}
	for (size_t i = 0; i < message->msg_iovlen && given < bytes; i++) {
		size_t piece = bytes - given < message->msg_iov[i].iov_len ? bytes - given : message->msg_iov[i].iov_len;

		memcpy(message->msg_iov[i].iov_base, payload + given, piece);
		given += piece;
	}
	message->msg_flags = MSG_ERRQUEUE | (given < bytes ? MSG_TRUNC : 0);
	give_name(message, &header.remote);
	ancillary_give_error(d, &header, message);
	return (ssize_t)given;
}

ssize_t datagram_receive(struct descriptor *d, struct msghdr *message, int flags)
{
	struct control_datagram header = { .magic = 0 };
	int received_flags = 0;
	size_t capacity = 0;
	ssize_t got;
	int error = judge_iov(message);

	if (error < 0)
		return error;
	if ((flags & MSG_ERRQUEUE) != 0)
		return receive_error_queue(d, message);
	do
		got = receive_one(d, &header, message, flags, &received_flags);
	while (got == -EBADMSG && descriptor_verify(d));
	if (got < 0)
		return got == -EBADMSG ? -ENOTSOCK : got;
	message->msg_flags = received_flags & (MSG_TRUNC | MSG_CMSG_CLOEXEC);
	if (got == 0 && header.magic != CONTROL_MAGIC) {
		message->msg_controllen = 0;
		return 0; /* shut down */
	}
	give_name(message, &header.remote);
	if (message->msg_control != NULL && message->msg_controllen > 0)
		learn_options(d);
	ancillary_give(d, &header, message);
	for (size_t i = 0; i < message->msg_iovlen; i++)
		capacity += message->msg_iov[i].iov_len;
	return (flags & MSG_TRUNC) != 0 || (size_t)got < capacity ? got : (ssize_t)capacity;
}

int datagram_next_bytes(struct descriptor *d)
{
	struct control_datagram header;
	ssize_t got = real.recv(d->fd, &header, sizeof(header), MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);

	if (got < (ssize_t)sizeof(header) || header.kind != CONTROL_DATAGRAM_DATA)
		return 0;
	return (int)(got - (ssize_t)sizeof(header));
}

/* ---- sending ---- */

/* An error about an earlier datagram is the result of the next send, as in Linux. */
ssize_t datagram_earlier_error(struct descriptor *d)
{
	struct control_datagram header;
	unsigned char payload[ERROR_PAYLOAD_MAX];
	struct iovec iov = { .iov_base = payload, .iov_len = sizeof(payload) };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t got;
	int ignored;

	got = real.recv(d->fd, &header, sizeof(header), MSG_PEEK | MSG_DONTWAIT);
	if (got != sizeof(header) || header.magic != CONTROL_MAGIC || header.kind != CONTROL_DATAGRAM_ERROR)
		return 0;
	got = receive_one(d, &header, &message, MSG_DONTWAIT, &ignored);
	return got < 0 && got != -EAGAIN ? got : 0;
}

static uint64_t hash_address(const struct control_address *a)
{
	uint64_t hash = 14695981039346656037ULL;

	for (unsigned i = 0; i < a->bytes; i++)
		hash = (hash ^ a->sockaddr[i]) * 1099511628211ULL;
	return hash | 1ULL << 63;
}

/* The largest payload that this socket sends there: the header's limit, or the path's when the
 * program has forbidden fragments. */
static uint64_t size_limit(struct descriptor *d, int64_t mtu_bytes)
{
	bool six = descriptor_is(d, DESCRIPTOR_INET6);
	int error;
	int discover = request_option(d, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &error);
	int64_t headers = (six ? 40 : 20) + (descriptor_type(d) == SOCK_RAW ? 0 : 8);

	if (error < 0 || (discover != IP_PMTUDISC_DO && discover != IP_PMTUDISC_PROBE))
		return UINT16_MAX;
	if (mtu_bytes <= 0)
		mtu_bytes = request_option(d, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_MTU : IP_MTU, &error);
	return mtu_bytes > headers && mtu_bytes - headers < UINT16_MAX ? (uint64_t)(mtu_bytes - headers) : UINT16_MAX;
}

static bool is_broadcast(const struct control_address *a)
{
	struct sockaddr_in in;

	memcpy(&in, a->sockaddr, sizeof(in));
	return in.sin_family == AF_INET && in.sin_addr.s_addr == INADDR_BROADCAST;
}

/* Would Linux send there at once? 0, -ENETUNREACH, -EACCES, -EMSGSIZE ... */
static int judge_destination(struct descriptor *d, const struct control_address *to, size_t bytes, bool segmented)
{
	uint64_t key = (to->bytes > 0 ? hash_address(to) : 1ULL << 63) & ~(uint64_t)UINT16_MAX;
	uint64_t known = descriptor_last_destination(d);

	if ((known & ~(uint64_t)UINT16_MAX) != key) {
		struct exchange x = { .request.address = *to };
		int64_t mtu = 0;
		int error = 0;

		request_types(d);
		if (to->bytes > 0) {
			error = (int)request_exchange(d, CONTROL_SOURCE_FOR, &x);
			if (error < 0)
				return error;
			if (is_broadcast(to) && request_option(d, SOL_SOCKET, SO_BROADCAST, &error) == 0)
				return error < 0 ? error : -EACCES;
			mtu = x.reply.argument[0];
		}
		known = key | size_limit(d, mtu);
		descriptor_set_last_destination(d, known);
	}
	return !segmented && bytes > (known & UINT16_MAX) ? -EMSGSIZE : 0;
}

/* Where to: a good address in header, or none for a connected socket. */
static int take_destination(struct descriptor *d, struct control_datagram *header, const struct msghdr *message)
{
	struct sockaddr_in to;
	int64_t peer;
	int error;

	if (message->msg_name == NULL || message->msg_namelen == 0) {
		if (descriptor_is(d, DESCRIPTOR_CONNECTED))
			return 0;
		peer = request_plain(d, CONTROL_GETPEERNAME);
		if (peer < 0)
			return peer == -ENOTCONN ? -EDESTADDRREQ : (int)peer;
		descriptor_mark(d, DESCRIPTOR_CONNECTED, 0);
		return 0;
	}
	error = user_take_address(&header->remote, message->msg_name, message->msg_namelen);
	if (error < 0)
		return error;
	request_types(d);
	if (descriptor_is(d, DESCRIPTOR_INET6)) /* judged by teachnetd */
		return header->remote.bytes < 24 ? -EINVAL : 0;
	if (header->remote.bytes < sizeof(to))
		return -EINVAL;
	memcpy(&to, header->remote.sockaddr, sizeof(to));
	if (to.sin_family != AF_INET && to.sin_family != AF_UNSPEC)
		return -EAFNOSUPPORT;
	if (to.sin_port == 0 && descriptor_type(d) == SOCK_DGRAM && descriptor_protocol(d) == IPPROTO_UDP)
		return -EINVAL;
	if (to.sin_addr.s_addr == INADDR_ANY)
		to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_family = AF_INET;
	header->remote.bytes = sizeof(to);
	memcpy(header->remote.sockaddr, &to, sizeof(to));
	return 0;
}

static ssize_t send_pair(struct descriptor *d, struct control_datagram *header, const struct msghdr *message, int flags)
{
	struct iovec iov[message->msg_iovlen + 1];
	struct msghdr pair = { .msg_iov = iov, .msg_iovlen = message->msg_iovlen + 1 };
	ssize_t sent;

	prefix_iov(iov, header, message);
	sent = real.sendmsg(d->fd, &pair, (flags & MSG_DONTWAIT) | MSG_NOSIGNAL);
	if (sent >= 0)
		return sent - (ssize_t)sizeof(*header);
	if (errno == EPIPE || errno == ECONNRESET)
		return -ENETDOWN;
	return -errno;
}

/* Where to and how, judged by its first part (or all) of so many bytes. */
static ssize_t prepare(struct descriptor *d, struct control_datagram *header, const struct msghdr *message, size_t bytes)
{
	ssize_t error;

	*header = (struct control_datagram){
		.magic = CONTROL_MAGIC,
		.kind = CONTROL_DATAGRAM_DATA,
		.ttl = -1,
		.tos = -1,
	};
	error = take_destination(d, header, message);
	if (error == 0)
		error = ancillary_take(header, message);
	if (error == 0)
		error = judge_destination(d, &header->remote, bytes, header->gso_bytes > 0);
	if (error == 0 && descriptor_type(d) == SOCK_DGRAM && bytes > UDP_BYTES_MAX)
		error = -EMSGSIZE;
	if (error == 0 && (d->facts & (DESCRIPTOR_CONNECTED | DESCRIPTOR_RECVERR)) != 0)
		error = datagram_earlier_error(d);
	return error;
}

static ssize_t send_gathered(struct descriptor *d, struct gathered *g, int flags)
{
	struct iovec iov = { .iov_base = g->payload, .iov_len = g->bytes };
	struct msghdr whole = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t error = judge_destination(d, &g->header.remote, g->bytes, g->header.gso_bytes > 0);

	if (error == 0 && descriptor_type(d) == SOCK_DGRAM && g->bytes > UDP_BYTES_MAX)
		error = -EMSGSIZE;
	return error < 0 ? error : send_pair(d, &g->header, &whole, flags);
}

/* One part more. An error loses the parts before it, as in Linux. */
static ssize_t send_part(struct descriptor *d, struct gathered *g, const struct msghdr *message, size_t bytes, int flags)
{
	bool corked = g->corked;
	ssize_t error = g->begun ? 0 : prepare(d, &g->header, message, bytes);

	if (error == 0)
		error = gather_append(g, message->msg_iov, message->msg_iovlen, bytes);
	if (error == 0)
		g->begun = true;
	if (error == 0 && !corked && (flags & MSG_MORE) == 0)
		error = send_gathered(d, g, flags);
	if (error == 0 && (corked || (flags & MSG_MORE) != 0)) {
		gather_leave(g, d->socket_id);
	} else if (corked) {
		g->begun = false;
		g->bytes = 0;
		gather_leave(g, d->socket_id);
	} else {
		gather_end(g);
	}
	return error < 0 ? error : (ssize_t)bytes;
}

ssize_t datagram_cork(struct descriptor *d, bool on)
{
	struct gathered *g = gather_take(d->socket_id);
	ssize_t error = 0;

	if (g == NULL && on)
		g = gather_begin();
	if (g == NULL)
		return on ? -ENOBUFS : 0;
	g->corked = on;
	if (on) {
		gather_leave(g, d->socket_id);
		return 0;
	}
	if (g->begun)
		error = send_gathered(d, g, 0);
	gather_end(g);
	return error < 0 ? error : 0;
}

bool datagram_corked(const struct descriptor *d)
{
	struct gathered *g = gather_take(d->socket_id);
	bool corked = g != NULL && g->corked;

	if (g != NULL)
		gather_leave(g, d->socket_id);
	return corked;
}

ssize_t datagram_send(struct descriptor *d, const struct msghdr *message, int flags)
{
	struct control_datagram header;
	struct gathered *g;
	size_t bytes = 0;
	ssize_t error = judge_iov(message);

	if (error < 0)
		return error;
	for (size_t i = 0; i < message->msg_iovlen; i++)
		if (__builtin_add_overflow(bytes, message->msg_iov[i].iov_len, &bytes))
			return -EINVAL;
	if (bytes > IP_BYTES_MAX)
		return -EMSGSIZE;
	if ((flags & MSG_OOB) != 0)
		return -EOPNOTSUPP;
	g = gather_take(d->socket_id);
	if (g == NULL && (flags & MSG_MORE) != 0) {
		g = gather_begin();
		if (g == NULL)
			return -ENOBUFS;
	}
	if (g != NULL)
		return send_part(d, g, message, bytes, flags);
	error = prepare(d, &header, message, bytes);
	return error < 0 ? error : send_pair(d, &header, message, flags);
}
