/* SPDX-License-Identifier: MIT */
/* Calls that move bytes or ask whether bytes could move: read, write, poll, epoll. */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "stack/protocol/socket.h"
#include "tests/script/world.h"

/* ---- reading ---- */

static int64_t read_datagram(struct descriptor *d, int64_t bytes)
{
	int64_t n;

	if (d->inbox_count == 0) {
		int64_t error = call_take_error(d);

		return error ? -error : d->nonblocking ? -EAGAIN : CALL_BLOCKS;
	}
	n = (int64_t)d->inbox[0].bytes < bytes ? (int64_t)d->inbox[0].bytes : bytes;
	d->inbox_count--;
	memmove(d->inbox, d->inbox + 1, d->inbox_count * sizeof(d->inbox[0]));
	return n;
}

/* What has arrived must be the pattern of its place in the stream, or what the script says. */
static void check_data(struct descriptor *d, struct span s, const struct expr *text, uint64_t offset)
{
	for (size_t i = 0; i < s.bytes; i++) {
		uint64_t at = offset + i;

		if (text->kind == EXPR_STRING && at < text->bytes)
			continue; /* peers send a pattern; literal text is for the script's reader */
		if (d->connection && !d->connection->urgent_seen &&
		    s.data[i] != pattern_byte((uint32_t)(d->read_position + at + 1)))
			script_fail("byte %llu of the stream is not what the peer sent",
			    (unsigned long long)(d->read_position + at));
	}
}

static int64_t read_urgent(struct descriptor *d)
{
	int64_t n = d->has_urgent ? 1 : -EINVAL;

	d->has_urgent = false;
	return n;
}

/* The urgent byte stands beside the stream (SO_OOBINLINE off): a read stops before it, the next one
 * goes on behind it. True when it is the reader's turn to stop. */
static bool take_urgent(struct world *w, struct descriptor *d, struct span *s, int64_t got)
{
	if (s->bytes > 1) {
		s->bytes--;
		return false;
	}
	d->has_urgent = true;
	d->read_position++;
	socket_receive_consume(d->socket, 1, w->now_ns);
	s->bytes = 0;
	return got > 0;
}

int64_t data_read(struct world *w, struct descriptor *d, int64_t bytes, int flags, const struct expr *text, bool first)
{
	struct span span[2];
	bool urgent = false;
	unsigned n;
	int64_t got = 0, error;

	(void)first;
	if (d->datagram)
		return read_datagram(d, bytes);
	if (d->listening)
		return -ENOTCONN;
	if (flags & MSG_OOB)
		return read_urgent(d);
	do {
		n = socket_receive_spans(d->socket, span, &urgent);
		if (n == 1 && urgent && !d->socket->option.oob_inline && take_urgent(w, d, &span[0], got))
			break;
		for (unsigned i = 0; i < n && got < bytes; i++) {
			if ((int64_t)span[i].bytes > bytes - got)
				span[i].bytes = (size_t)(bytes - got);
			check_data(d, span[i], text, (uint64_t)(flags & MSG_PEEK ? got : 0));
			got += (int64_t)span[i].bytes;
			if (!(flags & MSG_PEEK)) {
				socket_receive_consume(d->socket, (uint32_t)span[i].bytes, w->now_ns);
				d->read_position += span[i].bytes;
				break; /* the second span has moved: ask again */
			}
		}
	} while (n && got < bytes && !(flags & MSG_PEEK));
	if (got || bytes == 0)
		return got;
	error = call_take_error(d);
	if (error)
		return -error;
	if (d->peer_closed || d->shut_read)
		return 0;
	if (d->connecting)
		return d->nonblocking || flags & MSG_DONTWAIT ? -EAGAIN : CALL_BLOCKS;
	if (!d->connected)
		return d->was_connected ? 0 : -ENOTCONN;
	return d->nonblocking || flags & MSG_DONTWAIT ? -EAGAIN : CALL_BLOCKS;
}

/* ---- writing ---- */

static void remember(struct connection *c, uint8_t byte)
{
	if (!c)
		return;
	if (c->written_bytes == c->written_room) {
		c->written_room = c->written_room ? 2 * c->written_room : 4096;
		c->written = realloc(c->written, c->written_room);
	}
	c->written[c->written_bytes++] = byte;
}

static struct connection *connection_of(struct world *w, struct descriptor *d)
{
	struct endpoint local, peer;

	if (!d->connection && d->socket && socket_peer(d->socket, &peer) == 0) {
		socket_local(d->socket, &local);
		d->connection = world_connection(w, local.port, peer.port);
	}
	return d->connection;
}

/* How far a blocked write has come. */
static struct {
	const struct expr *text;
	int64_t done;
} writing;

int64_t data_write(struct world *w, struct descriptor *d, const struct expr *text, int64_t bytes, int flags, bool first)
{
	struct connection *c = connection_of(w, d);
	struct space space[2];
	int64_t done, error;

	if (first || writing.text != text)
		writing.done = 0;
	writing.text = text;
	done = writing.done;
	error = call_take_error(d);
	if (error)
		return done ? done : -error;
	if (d->shut_write || (!d->connected && !d->connecting))
		return done ? done : -EPIPE;
	while (done < bytes) {
		unsigned n = socket_send_space(d->socket, space);
		uint32_t put = 0;

		if (n == 0 || space[0].bytes == 0)
			break;
		for (; put < space[0].bytes && done + put < bytes; put++) {
			uint8_t byte = text->kind == EXPR_STRING && (size_t)(done + put) < text->bytes
					 ? (uint8_t)text->text[done + put]
					 : pattern_byte((uint32_t)(c ? c->written_bytes : 0) + 77);

			space[0].data[put] = byte;
			remember(c, byte);
		}
		done += put;
		socket_send_commit(d->socket, put, flags & MSG_OOB && done == bytes,
		    flags & MSG_MORE || done < bytes, w->now_ns);
	}
	writing.done = done;
	if (done == bytes)
		return done;
	if (d->nonblocking || flags & MSG_DONTWAIT)
		return done ? done : -EAGAIN;
	return CALL_BLOCKS;
}

/* ---- waiting ---- */

unsigned call_poll(struct descriptor *d)
{
	struct span in[2];
	struct space out[2];
	bool urgent;
	unsigned events = 0;

	if (!d->socket)
		return POLLHUP;
	if (d->datagram)
		return (d->inbox_count ? POLLIN | POLLRDNORM : 0U) | POLLOUT | POLLWRNORM;
	if (d->listening)
		return d->seen_events & SOCKET_EVENT_ACCEPTABLE ? POLLIN | POLLRDNORM : 0U;
	if (!d->kept_error)
		d->kept_error = socket_take_error(d->socket);
	if (d->kept_error)
		events |= POLLERR;
	if (d->connecting)
		return events;
	if (socket_receive_spans(d->socket, in, &urgent) || d->peer_closed || d->shut_read)
		events |= POLLIN | POLLRDNORM;
	if (d->peer_closed || d->shut_read)
		events |= POLLRDHUP;
	if (!d->connected || (d->peer_closed && d->shut_write))
		events |= POLLHUP;
	if (!d->connected)
		return events | POLLOUT | POLLWRNORM | POLLIN | POLLRDNORM | POLLRDHUP;
	if (d->shut_write || socket_send_space(d->socket, out))
		events |= POLLOUT | POLLWRNORM;
	return events;
}

static struct descriptor *descriptor_of(struct world *w, int64_t fd)
{
	for (unsigned i = 0; i < FDS_MAX; i++)
		if (w->descriptor[i].open && w->descriptor[i].fd == fd)
			return &w->descriptor[i];
	return NULL;
}

static uint64_t wait_until;

/* Blocks, unless the time that the call allows is over. */
static int64_t wait_or(struct world *w, int64_t timeout_ms, bool first, int64_t expired)
{
	if (timeout_ms == 0)
		return expired;
	if (first)
		wait_until = timeout_ms < 0 ? TIME_NEVER : w->now_ns + (uint64_t)timeout_ms * NSEC_PER_MSEC;
	return w->now_ns >= wait_until ? expired : CALL_BLOCKS;
}

int64_t poll_call(struct world *w, const struct event *e, bool first)
{
	const struct expr *list = e->argument[0];
	unsigned ready[16] = {0};
	int64_t count = 0;

	for (unsigned i = 0; i < list->count && i < 16; i++) {
		const struct expr *item = list->item[i], *fd = expr_field(item, "fd"), *want = expr_field(item, "events");
		struct descriptor *d = fd ? descriptor_of(w, fd->number) : NULL;

		ready[i] = d ? call_poll(d) & ((unsigned)(want ? want->number : 0) | POLLERR | POLLHUP) : POLLNVAL;
		count += ready[i] != 0;
	}
	if (count == 0) {
		int64_t result = wait_or(w, call_number(e, 2), first, 0);

		if (result == CALL_BLOCKS)
			return result;
	}
	for (unsigned i = 0; i < list->count && i < 16; i++) {
		const struct expr *told = expr_field(list->item[i], "revents");

		if (told && told->kind == EXPR_NUMBER && (unsigned)told->number != ready[i])
			script_fail("line %u: poll says 0x%x, not 0x%x (%s)", e->line, ready[i],
			    (unsigned)told->number, e->source);
	}
	return count;
}

int64_t epoll_ctl_call(struct world *w, const struct event *e)
{
	struct descriptor *ep = call_descriptor(w, e, 0);
	int64_t op = call_number(e, 1), fd = call_number(e, 2);
	const struct expr *events = e->argument_count > 3 ? expr_field(e->argument[3], "events") : NULL;
	unsigned at = 0;

	while (at < ep->watch_count && ep->watch[at].fd != fd)
		at++;
	if (op == EPOLL_CTL_ADD ? at < ep->watch_count : at == ep->watch_count)
		return op == EPOLL_CTL_ADD ? -EEXIST : -ENOENT;
	if (op == EPOLL_CTL_DEL) {
		ep->watch[at] = ep->watch[--ep->watch_count];
		return 0;
	}
	if (at == 16)
		script_fail("line %u: more than 16 descriptors watched", e->line);
	if (events && events->number & EPOLLET)
		script_fail("line %u: edges belong to the kernel's epoll, which the shim leaves alone", e->line);
	ep->watch[at].fd = (int)fd;
	ep->watch[at].events = events ? (uint32_t)events->number : 0;
	if (op == EPOLL_CTL_ADD)
		ep->watch_count++;
	return 0;
}

int64_t epoll_wait_call(struct world *w, const struct event *e, bool first)
{
	struct descriptor *ep = call_descriptor(w, e, 0);
	const struct expr *told = e->argument[1];
	int64_t count = 0;
	uint32_t ready = 0;

	for (unsigned i = 0; i < ep->watch_count; i++) {
		struct descriptor *d = descriptor_of(w, ep->watch[i].fd);
		uint32_t bits = d ? call_poll(d) & (ep->watch[i].events | POLLERR | POLLHUP) : 0;

		if (bits && count++ == 0)
			ready = bits;
	}
	if (count == 0) {
		int64_t result = wait_or(w, call_number(e, 3), first, 0);

		if (result == CALL_BLOCKS)
			return result;
	}
	if (told->kind == EXPR_LIST && told->count)
		told = told->item[0];
	told = expr_field(told, "events");
	if (count && told && (uint32_t)told->number != ready)
		script_fail("line %u: epoll says 0x%x, not 0x%x", e->line, ready, (uint32_t)told->number);
	return count;
}
