/* SPDX-License-Identifier: MIT */
/*
 * connect(), and the state of a stream that it leaves behind.
 *
 * A connect in progress looks right to poll because the pair is filled with throw-away bytes: not
 * writable. teachnetd drains them when the connection stands (writable, one edge), or closes with
 * them unread when it fails (ERR, HUP). Blocking means: begin it, then poll. DESIGN.md 2.1;
 * tests/assume/unix_connect.c holds the kernel to it.
 *
 * State, beside the flags of the descriptor table:
 *
 *   idle         nothing yet: data calls give ENOTCONN, EPIPE; connect() asks teachnetd
 *   connecting   the pair is filled. Reading waits or gives EAGAIN, so does writing (the pair has
 *                room left: it is the shim that must not write before the bytes are drained)
 *   connected    for good, as far as this table can know
 *   failed       the far end is closed. The first to ask gets the error; the next connect() on it
 *                puts a new socket under the same number, because Linux lets a program try again.
 *                Caveats: options, a bound address and epoll's watch do not move along.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "preload/real.h"
#include "preload/sockets.h"
#include "preload/user.h"

#define FILL_MAX 131072U

static short stream_bits(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP };
	int saved = errno;

	(void)real.poll(&p, 1, 0);
	errno = saved;
	return p.revents;
}

/* The pair's own view of a stream that is not known to be connected. 0: it cannot tell. */
static int pair_state(struct descriptor *d, int *error)
{
	short bits = stream_bits(d->fd);
	int ignored;

	if ((bits & (POLLERR | POLLHUP)) != 0) {
		*error = request_take_error(d, ECONNRESET);
		return STREAM_CONNECTED;
	}
	if ((bits & POLLOUT) != 0 || (bits & POLLRDHUP) != 0)
		return STREAM_IDLE;
	/* Full: a connect() in progress, or a listener that another process has made. */
	if (!descriptor_is(d, DESCRIPTOR_CONNECTING) && request_option(d, SOL_SOCKET, SO_ACCEPTCONN, &ignored) == 1) {
		descriptor_mark(d, DESCRIPTOR_LISTENING, DESCRIPTOR_FRESH);
		return STREAM_LISTENING;
	}
	return STREAM_CONNECTING;
}

/* The connection may be over for teachnetd before a program that inherited it has read anything:
 * then the peer's bytes lie in the pair, or its end of file, which an idle pair never has. */
static bool has_been_connected(int fd)
{
	char byte;
	short bits = stream_bits(fd);

	return ((bits & POLLRDHUP) != 0 && (bits & POLLHUP) == 0) ||
	    real.recv(fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) > 0;
}

int stream_state(struct descriptor *d)
{
	bool connecting = descriptor_is(d, DESCRIPTOR_CONNECTING);
	int64_t named;
	int error = 0;
	int state;

	if (descriptor_is(d, DESCRIPTOR_CONNECTED))
		return STREAM_CONNECTED;
	if (descriptor_is(d, DESCRIPTOR_LISTENING))
		return STREAM_LISTENING;
	state = pair_state(d, &error);
	if (error > 0)
		return -error;
	if (state == STREAM_CONNECTED && connecting)
		return state; /* it failed, and somebody has been told: end of file from now on */
	/* Drained: connected. Nobody filled it here: only teachnetd knows. */
	if (state == STREAM_IDLE && !connecting) {
		named = request_plain(d, CONTROL_GETPEERNAME);
		state = named == 0 || has_been_connected(d->fd) ? STREAM_CONNECTED : STREAM_IDLE;
	} else if (state == STREAM_IDLE) {
		state = STREAM_CONNECTED;
	} else if (state == STREAM_CONNECTED) {
		/* Hung up. A socket that was never connected has no peer to have done so, but the
		 * difference is teachnetd's to know, and it may have forgotten. */
		named = request_plain(d, CONTROL_GETPEERNAME);
		state = named == -ENOTCONN && !has_been_connected(d->fd) ? STREAM_IDLE : STREAM_CONNECTED;
	}
	if (state == STREAM_CONNECTED)
		descriptor_mark(d, DESCRIPTOR_CONNECTED, DESCRIPTOR_CONNECTING | DESCRIPTOR_FRESH);
	return state;
}

/* ---- waiting ---- */

/*
 * Linux restarts a call like connect() when the handler was installed with SA_RESTART; poll() is
 * never restarted and does not say which signal came. If every handler of this process has
 * SA_RESTART (or none has), the answer is known; with both kinds it is the safe one: EINTR.
 */
bool interrupted_restarts(void)
{
	bool restarts = false;

	for (int s = 1; s < _NSIG; s++) {
		struct sigaction action;

		if (sigaction(s, NULL, &action) < 0 || action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN)
			continue;
		if ((action.sa_flags & SA_RESTART) == 0)
			return false;
		restarts = true;
	}
	return restarts;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* SO_RCVTIMEO or SO_SNDTIMEO in milliseconds; -1: for ever. They live on the pair itself. */
static int64_t timeout_ms(const struct descriptor *d, int option)
{
	struct timeval t = { 0 };
	socklen_t bytes = sizeof(t);

	if (real.getsockopt(d->fd, SOL_SOCKET, option, &t, &bytes) < 0 || (t.tv_sec == 0 && t.tv_usec == 0))
		return -1;
	return (int64_t)t.tv_sec * 1000 + (t.tv_usec + 999) / 1000;
}

int stream_await_connected(struct descriptor *d, int timeout_option)
{
	int64_t limit = timeout_ms(d, timeout_option);
	int64_t end = limit >= 0 ? now_ms() + limit : -1;
	struct pollfd p = { .fd = d->fd, .events = POLLOUT };

	for (;;) {
		int64_t left = end >= 0 ? end - now_ms() : -1;
		int state;
		int ready;

		if (end >= 0 && left <= 0)
			return -EAGAIN;
		ready = real.poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);
		if (ready < 0 && (errno != EINTR || end >= 0 || !interrupted_restarts()))
			return -errno;
		if (ready <= 0)
			continue;
		state = stream_state(d);
		if (state != STREAM_CONNECTING)
			return state < 0 ? state : 0;
	}
}

/* ---- connecting ---- */

uint32_t stream_fill(const struct descriptor *d)
{
	static char waste[FILL_MAX]; /* never written: all of it is the kernel's one page of zeros */
	int room = 0;
	socklen_t bytes = sizeof(room);
	uint32_t filled = 0;
	uint32_t wanted;

	if (real.getsockopt(d->fd, SOL_SOCKET, SO_SNDBUF, &room, &bytes) < 0 || room <= 0)
		room = 212992;
	wanted = (uint32_t)room / 4 + 8192; /* writable means: a quarter of the buffer or less is used */
	if (wanted > FILL_MAX)
		wanted = FILL_MAX;
	while (filled < wanted) {
		ssize_t sent = real.send(d->fd, waste, wanted - filled, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent <= 0)
			break;
		filled += (uint32_t)sent;
	}
	return filled;
}

/* A failed connect() has closed the far end. A fresh socket takes the number over. */
static int renew(struct descriptor *d)
{
	int descriptor_flags = real.fcntl(d->fd, F_GETFD, 0);
	int status_flags = real.fcntl(d->fd, F_GETFL, 0);
	int fresh;
	struct descriptor made;

	request_types(d);
	fresh = call_socket(descriptor_is(d, DESCRIPTOR_INET6) ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fresh < 0)
		return -errno;
	if (!descriptor_find(fresh, &made)) {
		real.close(fresh);
		return -ENETDOWN;
	}
	if (descriptor_is(d, DESCRIPTOR_TIMEOUTS)) {
		struct timeval t;
		socklen_t bytes = sizeof(t);

		if (real.getsockopt(d->fd, SOL_SOCKET, SO_SNDTIMEO, &t, &bytes) == 0)
			real.setsockopt(fresh, SOL_SOCKET, SO_SNDTIMEO, &t, bytes);
		if (real.getsockopt(d->fd, SOL_SOCKET, SO_RCVTIMEO, &t, &bytes) == 0)
			real.setsockopt(fresh, SOL_SOCKET, SO_RCVTIMEO, &t, bytes);
	}
	real.fcntl(fresh, F_SETFL, (long)status_flags);
	if (real.dup3(fresh, d->fd, (descriptor_flags & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0) < 0) {
		real.close(fresh);
		return -errno;
	}
	descriptor_forget(fresh);
	real.close(fresh);
	descriptor_set(d->fd, (made.facts & UINT32_MAX) | DESCRIPTOR_FRESH |
	    (d->facts & DESCRIPTOR_TIMEOUTS), made.socket_id, d);
	return 0;
}

/* Begins it: -EINPROGRESS, or 0 when it was done at once. */
static int connect_begin(struct descriptor *d, const struct control_address *address)
{
	struct exchange x = { .request.address = *address };
	int result;

	x.request.fill_bytes = stream_fill(d);
	if (x.request.fill_bytes == 0)
		return -ENETDOWN;
	result = (int)request_exchange(d, CONTROL_CONNECT, &x);
	if (result == 0)
		descriptor_mark(d, DESCRIPTOR_CONNECTED, DESCRIPTOR_FRESH | DESCRIPTOR_CONNECTING);
	else if (result == -EINPROGRESS)
		descriptor_mark(d, DESCRIPTOR_CONNECTING, DESCRIPTOR_FRESH);
	return result;
}

static bool is_nonblocking(const struct descriptor *d)
{
	return (real.fcntl(d->fd, F_GETFL, 0) & O_NONBLOCK) != 0;
}

/* The rest of a connect() that has begun, here or in an earlier call. */
static int connect_finish(struct descriptor *d)
{
	int result = is_nonblocking(d) ? -EINPROGRESS : stream_await_connected(d, SO_SNDTIMEO);

	if (result == -EAGAIN)
		return -EINPROGRESS;
	if (result != -EINPROGRESS && result != -EINTR)
		descriptor_mark(d, 0, DESCRIPTOR_CONNECTING);
	return result;
}

/* connect() on a socket that is not fresh: what became of the earlier one? 1: begin anew. */
static int connect_again(struct descriptor *d)
{
	bool connecting = descriptor_is(d, DESCRIPTOR_CONNECTING);
	int state = stream_state(d);

	if (state < 0) {
		descriptor_mark(d, 0, DESCRIPTOR_CONNECTING);
		return connecting ? state : 1;
	}
	switch ((enum stream_state)state) {
	case STREAM_CONNECTING:
		return is_nonblocking(d) ? -EALREADY : connect_finish(d);
	case STREAM_CONNECTED:
		/* A blocking connect() that a signal interrupted is finished by the second one. */
		if (!connecting)
			return (stream_bits(d->fd) & POLLHUP) != 0 &&
			    request_plain(d, CONTROL_GETPEERNAME) == -ENOTCONN ? 1 : -EISCONN;
		if ((stream_bits(d->fd) & (POLLHUP | POLLERR)) != 0) {
			/* Failed, and somebody has taken the error already. */
			descriptor_mark(d, 0, DESCRIPTOR_CONNECTED | DESCRIPTOR_CONNECTING);
			return -ECONNABORTED;
		}
		return 0;
	case STREAM_LISTENING:
		return -EISCONN;
	case STREAM_IDLE:
		break;
	}
	return 1;
}

static int connect_stream(struct descriptor *d, const struct control_address *address)
{
	int result;

	if (!descriptor_is(d, DESCRIPTOR_FRESH)) {
		result = connect_again(d);
		if (result <= 0)
			return result;
		if ((stream_bits(d->fd) & (POLLHUP | POLLERR)) != 0 && (result = renew(d)) < 0)
			return result;
	}
	result = connect_begin(d, address);
	return result == -EINPROGRESS ? connect_finish(d) : result;
}

/* AF_UNSPEC dissolves an association. */
static int dissolve(struct descriptor *d, const struct control_address *address)
{
	struct exchange x = { .request.address = *address };
	int result = (int)request_exchange(d, CONTROL_CONNECT, &x);

	if (result == 0) {
		descriptor_mark(d, 0, DESCRIPTOR_CONNECTED | DESCRIPTOR_CONNECTING | DESCRIPTOR_LISTENING);
		descriptor_set_last_destination(d, 0);
	}
	return result;
}

static int connect_datagram(struct descriptor *d, const struct control_address *address)
{
	struct exchange x = { .request.address = *address };
	int result = (int)request_exchange(d, CONTROL_CONNECT, &x);

	if (result == 0)
		descriptor_mark(d, DESCRIPTOR_CONNECTED, 0);
	return result;
}

/* Is this an address that teachnetd could take? The pair must not be filled for one that is not. */
static int judge_address(const struct descriptor *d, const struct control_address *address, sa_family_t family)
{
	bool six = descriptor_is(d, DESCRIPTOR_INET6);

	if (address->bytes < (six ? 24U : (unsigned)sizeof(struct sockaddr_in)))
		return -EINVAL;
	return family == (six ? AF_INET6 : AF_INET) ? 0 : -EAFNOSUPPORT;
}

int connect_descriptor(struct descriptor *d, const struct sockaddr *address, socklen_t bytes)
{
	struct control_address taken;
	sa_family_t family;
	int error = user_take_address(&taken, address, bytes);

	if (error < 0)
		return error;
	if (taken.bytes < sizeof(family))
		return -EINVAL;
	memcpy(&family, taken.sockaddr, sizeof(family));
	if (family == AF_UNSPEC)
		return dissolve(d, &taken);
	if (descriptor_kind(d) == DESCRIPTOR_DATAGRAM)
		return connect_datagram(d, &taken);
	request_types(d);
	error = judge_address(d, &taken, family);
	if (error < 0 && descriptor_is(d, DESCRIPTOR_CONNECTED))
		return -EISCONN;
	return error < 0 ? error : connect_stream(d, &taken);
}

int call_connect(int fd, const struct sockaddr *address, socklen_t bytes)
{
	struct descriptor d;

	if (!descriptor_find(fd, &d))
		return real.connect(fd, address, bytes);
	return answer_int(connect_descriptor(&d, address, bytes));
}

int call___connect(int fd, const struct sockaddr *address, socklen_t bytes)
{
	return call_connect(fd, address, bytes);
}
