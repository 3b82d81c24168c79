/* SPDX-License-Identifier: MIT */
/*
 * The relay of stream sockets, row by row of the table in DESIGN.md 2.1. No byte is copied on the
 * way but by the two system calls: what the program wrote is received straight into the engine's
 * send ring, and what the engine hands up is sent straight from the received frame, or from its
 * receive ring when the program's end was full.
 *
 *     program -> pair -> socket_send_space()            stream_drain()
 *     engine -> stream_deliver() -> pair -> program     rest: stream_refill()
 *
 * Everything is edge-triggered. A ring or a pair that is full costs no wake-ups: whoever makes room
 * (SENDABLE from the engine, EPOLLOUT from the kernel) starts the flow again.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <linux/sockios.h>

#include "service/pair.h"

/* How much one pair may move before the others have their turn. */
#define DRAIN_BYTES_MAX (1024U * 1024U)
/* What the pair holds for a program that has been seen to read slower than the wire; the kernel
 * doubles it, and may allow less. The pair is "writable" again only when three quarters are read:
 * more room means that both work at the same time. */
#define WIDE_BYTES (512 * 1024)

/* ---- program to engine ---- */

/* Is the next byte of the pair the urgent one? */
static bool at_mark(const struct pair *p)
{
	int mark = 0;

	return p->urgent && ioctl(p->watch.fd, SIOCATMARK, &mark) == 0 && mark;
}

/* Removes what the shim put in to keep poll() silent while connecting. */
void stream_drop_fill(struct pair *p)
{
	static char waste[65536];

	while (p->fill_bytes) {
		size_t want = p->fill_bytes < sizeof(waste) ? p->fill_bytes : sizeof(waste);
		ssize_t n = recv(p->watch.fd, waste, want, MSG_DONTWAIT);

		if (n <= 0) {
			/* Fewer than announced: whoever says so loses nothing but its own poll(). */
			p->fill_bytes = 0;
			break;
		}
		p->fill_bytes -= (uint32_t)n;
	}
}

/* The program will write nothing more. */
static void program_is_done(struct pair *p)
{
	if (p->program_shut)
		return;
	p->program_shut = true;
	if (p->hung_up || p->write_shut) {
		pair_let_go(p, p->unread || (p->socket && socket_unread_bytes(p->socket) > 0));
		return;
	}
	pair_await(p, false, p->out_blocked);
	socket_shutdown(p->socket, SOCKET_SHUT_WRITE, p->service->now_ns);
}

/* One recvmsg() into the send ring. Bytes taken, 0: the ring is full, negative: the pair has no more
 * for now, or for ever. */
static ssize_t take_some(struct pair *p, bool *more)
{
	struct space space[2];
	struct iovec iov[2];
	unsigned count = socket_send_space(p->socket, space);
	bool urgent = count && at_mark(p);
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = urgent ? 1 : count};
	size_t room_bytes = 0;
	ssize_t n;

	if (count == 0)
		return 0;
	for (unsigned i = 0; i < m.msg_iovlen; i++) {
		iov[i] = (struct iovec){space[i].data, urgent ? 1 : space[i].bytes};
		room_bytes += iov[i].iov_len;
	}
	n = recvmsg(p->watch.fd, &m, MSG_DONTWAIT);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -EPIPE;
	socket_send_commit(p->socket, (uint32_t)n, urgent, false, p->service->now_ns);
	p->service->counters.stream_out_bytes += (uint64_t)n;
	/* A short count says that the pair is empty, or that something stands at a message's border:
	 * the urgent mark, or descriptors that the program tried to pass (the kernel drops them). */
	*more = (size_t)n == room_bytes || p->urgent || m.msg_flags & MSG_CTRUNC || p->end_follows;
	if (urgent)
		p->urgent = false;
	return n;
}

void stream_drain(struct pair *p)
{
	size_t moved = 0;
	bool more = true;

	if (!p->connected || p->closing || p->program_shut || p->failed)
		return;
	/* Whoever writes, or asks about it, has it. */
	listen_claim(p);
	while (more) {
		ssize_t n = take_some(p, &more);

		if (n == 0) {
			/* Full. SENDABLE resumes; the program's writes until then are no news. */
			p->read_waits = true;
			pair_await(p, false, p->out_blocked);
			return;
		}
		if (n == -EAGAIN || n == -EINTR)
			break;
		if (n == -EPIPE) {
			program_is_done(p);
			return;
		}
		if (n < 0) {
			/* ECONNRESET: the program closed with data unread. */
			p->unread = p->hung_up = true;
			program_is_done(p);
			return;
		}
		moved += (size_t)n;
		if (moved >= DRAIN_BYTES_MAX && more) {
			pair_mark(p, PAIR_WORK_READ);
			return;
		}
	}
	p->read_waits = false;
	if (p->shut_wanted)
		program_is_done(p);
	else
		pair_await(p, true, p->out_blocked);
}

void stream_shut_write(struct pair *p)
{
	if (p->read_waits)
		p->shut_wanted = true;
	else
		program_is_done(p);
}

/* ---- engine to program ---- */

/* True, once: the pair has been given more room, and the send is worth another try. */
static bool widened(struct pair *p)
{
	if (p->wide)
		return false;
	p->wide = true;
	return setsockopt(p->watch.fd, SOL_SOCKET, SO_SNDBUF, &(int){WIDE_BYTES}, sizeof(int)) == 0;
}

static void blocked(struct pair *p)
{
	p->out_blocked = true;
	pair_await(p, !p->read_waits && !p->program_shut, true);
}

/* Called by the engine in the middle of stack_input(): may not call it back. */
size_t stream_deliver(struct pair *p, struct span data, bool urgent)
{
	size_t plain = urgent ? data.bytes - 1 : data.bytes, sent = 0;
	ssize_t n;

	if (p->watch.fd < 0 || p->out_blocked || p->write_shut || p->fill_bytes)
		return 0;
	while (sent < plain) {
		n = send(p->watch.fd, data.data + sent, plain - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n <= 0 && !(errno == EAGAIN && widened(p)))
			break;
		sent += n > 0 ? (size_t)n : 0;
	}
	if (urgent && sent == plain &&
	    send(p->watch.fd, data.data + sent, 1, MSG_DONTWAIT | MSG_NOSIGNAL | MSG_OOB) == 1)
		sent++;
	if (sent < data.bytes)
		blocked(p);
	p->delivered = p->delivered || sent;
	p->service->counters.stream_in_bytes += sent;
	return sent;
}

/* The program has been told everything: tell it that there is no more. */
static void end_of_file(struct pair *p)
{
	if (p->write_shut)
		return;
	p->write_shut = true;
	if (p->program_shut) {
		pair_let_go(p, false);
		return;
	}
	shutdown(p->watch.fd, SHUT_WR);
}

/* Sends what waits in the engine. True: nothing waits any more. */
static bool refill(struct pair *p)
{
	for (;;) {
		struct span span[2];
		struct iovec iov[2];
		bool urgent = false;
		unsigned count = socket_receive_spans(p->socket, span, &urgent);
		struct msghdr m = {.msg_iov = iov, .msg_iovlen = count};
		size_t bytes = 0;
		ssize_t n;

		if (count == 0)
			return true;
		for (unsigned i = 0; i < count; i++) {
			iov[i] = (struct iovec){(void *)(uintptr_t)span[i].data, span[i].bytes};
			bytes += span[i].bytes;
		}
		if (urgent && bytes == 1) {
			n = send(p->watch.fd, iov[0].iov_base, 1, MSG_DONTWAIT | MSG_NOSIGNAL | MSG_OOB);
		} else {
			/* The urgent byte is the last: it goes by itself in the next turn. */
			if (urgent)
				iov[count - 1].iov_len--;
			n = sendmsg(p->watch.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
		}
		if (n <= 0)
			return false;
		p->delivered = true;
		socket_receive_consume(p->socket, (uint32_t)n, p->service->now_ns);
		p->service->counters.stream_in_bytes += (uint64_t)n;
	}
}

/* The connection is dead, p->error says why; what was received before is still the program's. */
static void end_of_failed(struct pair *p)
{
	/* Closing with bytes unread in our end is what gives the program ECONNRESET, IN, HUP and
	 * ERR: the throw-away bytes of a connect() in progress, or what it wrote in vain. Without
	 * them it sees end of file and HUP, and the shim asks TAKE_ERROR. */
	pair_let_go(p, false);
}

static void stream_refill(struct pair *p)
{
	if (!p->socket || p->closing || p->write_shut)
		return;
	p->out_blocked = false;
	if (!refill(p)) {
		blocked(p);
		return;
	}
	pair_await(p, !p->read_waits && !p->program_shut, false);
	if (p->failed)
		end_of_failed(p);
	else if (p->peer_closed)
		end_of_file(p);
}

/* ---- events ---- */

static void stream_connected(struct pair *p)
{
	p->connecting = false;
	p->connected = true;
	stream_drop_fill(p);
	stream_drain(p);
}

static void stream_failed(struct pair *p)
{
	int error = socket_take_error(p->socket);

	if (error)
		p->error = error;
	p->failed = true;
	if (p->hung_up) {
		pair_let_go(p, false);
		return;
	}
	/* Bytes that the program has not read yet stand in front of the news. */
	if (p->connected && !p->write_shut)
		stream_refill(p);
	else
		end_of_failed(p);
}

/* The program's end is closed. */
static void stream_hung_up(struct pair *p)
{
	p->hung_up = true;
	if (listen_unclaimed(p)) {
		/* Never taken from the listener: Linux resets those (inet_csk_listen_stop). */
		pair_abort(p);
	} else if (!p->connected || p->unread || p->failed || !p->socket) {
		pair_let_go(p, p->unread);
	} else if (socket_unread_bytes(p->socket) > 0) {
		pair_let_go(p, true);
	} else if (p->program_shut) {
		pair_let_go(p, false);
	} else {
		/* What was in flight is still sent: up to the end of file. */
		stream_drain(p);
	}
}

void stream_ready(struct service *s, struct watch *w, uint32_t events)
{
	struct pair *p = (struct pair *)((char *)w - offsetof(struct pair, watch));

	(void)s;
	if (events & EPOLLPRI)
		p->urgent = true;
	if (events & (EPOLLRDHUP | EPOLLHUP))
		p->end_follows = true;
	/* HUP after our own shutdown() says only that both directions are shut: stream_drain() finds
	 * the end of file, and that is the end of both. */
	if (events & EPOLLHUP && !p->write_shut)
		p->hung_up = true;
	if (events & EPOLLERR) {
		int error = 0;
		socklen_t bytes = sizeof(error);

		getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
		if (error) {
			p->hung_up = p->unread = true;
		}
	}
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		p->work |= PAIR_WORK_READ;
	if (events & EPOLLOUT)
		p->work |= PAIR_WORK_WRITE;
	pair_mark(p, 0);
}

void stream_work(struct pair *p, unsigned work)
{
	if (p->closing)
		return;
	if (work & SOCKET_EVENT_CONNECTED && !p->connected)
		stream_connected(p);
	if (p->closing)
		return;
	if (work & (PAIR_WORK_WRITE | SOCKET_EVENT_RECEIVABLE) &&
	    (work & PAIR_WORK_WRITE || !p->out_blocked))
		stream_refill(p);
	if (p->closing)
		return;
	if (work & SOCKET_EVENT_PEER_CLOSED) {
		p->peer_closed = true;
		if (!p->out_blocked)
			stream_refill(p);
	}
	if (p->closing)
		return;
	if (work & SOCKET_EVENT_ERROR) {
		stream_failed(p);
		return;
	}
	if (p->hung_up)
		stream_hung_up(p);
	else if (work & (PAIR_WORK_READ | SOCKET_EVENT_SENDABLE) &&
	         (work & PAIR_WORK_READ || p->read_waits))
		stream_drain(p);
}
