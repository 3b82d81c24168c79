/* SPDX-License-Identifier: MIT */
/*
 * The system calls of a script: descriptors, connections, and what each call returns, emulated
 * over the engine's public face as our service and shim do it together. A call that would block
 * says so and is tried again after every step of the engine.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "tests/script/world.h"

int64_t call_number(const struct event *e, unsigned argument)
{
	const struct expr *a = argument < e->argument_count ? e->argument[argument] : NULL;

	if (a && a->kind == EXPR_LIST && a->count == 1)
		a = a->item[0];
	if (!a || a->kind != EXPR_NUMBER)
		script_fail("line %u: argument %u of %s is not a number", e->line, argument + 1, e->name);
	return a->number;
}

struct descriptor *call_descriptor(struct world *w, const struct event *e, unsigned argument)
{
	int64_t fd = call_number(e, argument);

	for (unsigned i = 0; i < FDS_MAX; i++)
		if (w->descriptor[i].open && w->descriptor[i].fd == fd)
			return &w->descriptor[i];
	return NULL;
}

struct descriptor *call_new_descriptor(struct world *w)
{
	for (unsigned i = 0; i < FDS_MAX; i++) {
		struct descriptor *d = &w->descriptor[i];

		/* A closed one whose socket lives on is still told of it. */
		if (d->open || d->socket)
			continue;
		*d = (struct descriptor){.fd = w->next_fd++, .open = true};
		return d;
	}
	script_fail("more than %d descriptors", FDS_MAX);
}

const struct expr *expr_field(const struct expr *e, const char *key)
{
	for (unsigned i = 0; e && e->kind == EXPR_STRUCT && i < e->count; i++)
		if (e->key[i] && !strcmp(e->key[i], key))
			return e->item[i];
	return NULL;
}

int64_t call_take_error(struct descriptor *d)
{
	int error = d->kept_error;

	if (!error && d->socket)
		error = socket_take_error(d->socket);
	d->kept_error = 0;
	return error;
}

/* ---- life ---- */

static int64_t do_socket(struct world *w, const struct event *e)
{
	const struct expr *domain = e->argument[0];
	int type = (int)call_number(e, 1);
	bool v6 = domain->kind == EXPR_NUMBER && domain->number == AF_INET6;
	bool datagram = (type & 0xf) == SOCK_DGRAM;
	struct descriptor *d = call_new_descriptor(w);
	int result = socket_create(w->stack, datagram ? SOCKET_UDP : SOCKET_TCP, v6 ? 6 : 4,
	    datagram ? IPPROTO_UDP : IPPROTO_TCP, (uint64_t)d->fd, d, w->now_ns, &d->socket);

	if (result < 0) {
		d->open = false;
		return result;
	}
	d->datagram = datagram;
	d->nonblocking = type & SOCK_NONBLOCK;
	if (!w->under_test || !w->under_test->open)
		w->under_test = d;
	return d->fd;
}

/* ... stands for the usual address; {sa_family=, sin_port=, sin_addr=} says it. */
static struct endpoint address_of(const struct event *e, unsigned argument, uint32_t ip, uint16_t port)
{
	const struct expr *a = argument < e->argument_count ? e->argument[argument] : NULL;
	const struct expr *sin_port = expr_field(a, "sin_port"), *sin_addr = expr_field(a, "sin_addr");
	struct endpoint out = {.addr = ip_from_v4(ip), .port = port};
	unsigned b[4];

	if (sin_port && sin_port->kind == EXPR_NUMBER)
		out.port = (uint16_t)sin_port->number;
	if (sin_addr && sin_addr->kind == EXPR_NUMBER)
		out.addr = ip_from_v4((uint32_t)sin_addr->number);
	if (sin_addr && sin_addr->kind == EXPR_STRING &&
	    sscanf(sin_addr->text, "%u.%u.%u.%u", &b[0], &b[1], &b[2], &b[3]) == 4)
		out.addr = ip_from_v4(b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3]);
	return out;
}

static int64_t do_bind(struct world *w, const struct event *e, struct descriptor *d)
{
	struct endpoint local = address_of(e, 1, LOCAL_IP, LISTEN_PORT);
	int result = socket_bind(d->socket, &local, w->now_ns);

	if (result == 0)
		w->bound_port = local.port;
	return result;
}

static int64_t do_listen(struct world *w, const struct event *e, struct descriptor *d)
{
	int result = socket_listen(d->socket, (int)call_number(e, 1), w->now_ns);

	if (result == 0) {
		d->listening = true;
		w->listen_is_new = true;
		w->under_test = d;
	}
	return result;
}

static int64_t do_accept(struct world *w, const struct event *e, struct descriptor *d, bool four)
{
	struct descriptor *n;
	struct socket *so;
	struct endpoint peer, local;

	if (!d->listening)
		return -EINVAL;
	n = call_new_descriptor(w);
	so = socket_accept(d->socket, (uint64_t)n->fd, n, w->now_ns);
	if (!so) {
		n->open = false;
		w->next_fd--;
		return d->nonblocking ? -EAGAIN : CALL_BLOCKS;
	}
	n->socket = so;
	n->connected = n->was_connected = true;
	n->nonblocking = four && (call_number(e, 3) & SOCK_NONBLOCK);
	socket_local(so, &local);
	if (socket_peer(so, &peer) == 0)
		n->connection = world_connection(w, local.port, peer.port);
	w->under_test = n;
	return n->fd;
}

/* Also what a blocked connect() comes back to. */
static int64_t connect_result(struct descriptor *d)
{
	int64_t error;

	if (d->connected)
		return 0;
	if (!d->connecting) {
		error = call_take_error(d);
		return error ? -error : -ECONNABORTED;
	}
	return CALL_BLOCKS;
}

static int64_t do_connect(struct world *w, const struct event *e, struct descriptor *d, bool first)
{
	struct endpoint remote = address_of(e, 1, REMOTE_IP, LISTEN_PORT);
	const struct expr *a = e->argument_count > 1 ? e->argument[1] : NULL;
	const struct expr *family = expr_field(a, "sa_family");
	int result;

	if (!first)
		return connect_result(d);
	if (d->connecting)
		return d->nonblocking ? -EALREADY : CALL_BLOCKS;
	if (family && family->kind == EXPR_NUMBER && family->number == AF_UNSPEC)
		return socket_connect(d->socket, NULL, w->now_ns);
	/* A failed attempt is told once by connect() itself. */
	if (d->seen_events & SOCKET_EVENT_ERROR) {
		int64_t error = call_take_error(d);

		d->seen_events &= ~(unsigned)SOCKET_EVENT_ERROR;
		if (error)
			return -error;
	}
	d->connecting = !d->datagram;
	result = socket_connect(d->socket, &remote, w->now_ns);
	if (result == -EINPROGRESS) {
		if (!w->current || !w->under_test->connection)
			w->current = NULL; /* the SYN that follows begins a connection */
		w->under_test = d;
		return d->nonblocking ? -EINPROGRESS : CALL_BLOCKS;
	}
	d->connecting = false;
	if (result == 0 && !d->datagram)
		d->connected = d->was_connected = true;
	return result;
}

static int64_t do_close(struct world *w, struct descriptor *d)
{
	struct socket *so = d->socket;

	d->open = false;
	if (so)
		socket_close(so, !d->listening && !d->datagram && socket_unread_bytes(so) > 0, w->now_ns);
	return 0;
}

static int64_t do_shutdown(struct world *w, const struct event *e, struct descriptor *d)
{
	int64_t how = call_number(e, 1);
	unsigned bits = how == SHUT_RD ? SOCKET_SHUT_READ
		      : how == SHUT_WR ? SOCKET_SHUT_WRITE
				       : SOCKET_SHUT_READ | SOCKET_SHUT_WRITE;
	int result = socket_shutdown(d->socket, bits, w->now_ns);

	if (result == 0) {
		d->shut_read |= (bits & SOCKET_SHUT_READ) != 0;
		d->shut_write |= (bits & SOCKET_SHUT_WRITE) != 0;
	}
	return result;
}

/* ---- small ones ---- */

static int64_t do_fcntl(const struct event *e, struct descriptor *d)
{
	if (call_number(e, 1) == F_GETFL)
		return O_RDWR | (d->nonblocking ? O_NONBLOCK : 0);
	if (call_number(e, 1) == F_SETFL) {
		d->nonblocking = call_number(e, 2) & O_NONBLOCK;
		return 0;
	}
	return -EINVAL;
}

static int64_t do_ioctl(const struct event *e, struct descriptor *d)
{
	int64_t value = -1, request = call_number(e, 1);

	if (request == FIONBIO) {
		d->nonblocking = call_number(e, 2) != 0;
		return 0;
	}
	if (request == FIONREAD)
		value = socket_unread_bytes(d->socket);
	else if (request == SIOCOUTQ)
		value = socket_unacked_bytes(d->socket);
	else if (request == SIOCOUTQNSD)
		value = socket_unsent_bytes(d->socket);
	else
		return -EINVAL;
	if (value != call_number(e, 2))
		script_fail("line %u: ioctl gave %lld", e->line, (long long)value);
	return 0;
}

/* sendto() with MSG_FASTOPEN connects on the way; the shim asks for TCP_FASTOPEN_CONNECT and writes. */
static int64_t do_send(struct world *w, const struct event *e, struct descriptor *d, bool first)
{
	int flags = e->argument_count > 3 ? (int)call_number(e, 3) : 0;
	int64_t bytes = call_number(e, 2), result;
	int on = 1;

	if (d->datagram) {
		struct datagram out = {.ttl = -1, .tos = -1};
		uint8_t *data = script_take((size_t)bytes + 1);

		for (int64_t i = 0; i < bytes; i++)
			data[i] = pattern_byte((uint32_t)i);
		if (e->argument_count > 4)
			out.remote = address_of(e, 4, REMOTE_IP, LISTEN_PORT);
		result = socket_send_datagram(d->socket, &out, (struct span){data, (size_t)bytes}, w->now_ns);
		return result < 0 ? result : bytes;
	}
	if (first && flags & MSG_FASTOPEN && !d->connected) {
		struct endpoint remote = address_of(e, 4, REMOTE_IP, LISTEN_PORT);

		if (d->connecting)
			return -EALREADY;
		result = socket_set_option(d->socket, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on), w->now_ns);
		if (result < 0)
			return result;
		result = socket_connect(d->socket, &remote, w->now_ns);
		w->under_test = d;
		w->current = NULL;
		if (result < 0) {
			d->connecting = result == -EINPROGRESS;
			return d->nonblocking || !d->connecting ? result : CALL_BLOCKS;
		}
		d->connected = d->was_connected = true;
	}
	if (d->connecting)
		return d->nonblocking ? -EAGAIN : CALL_BLOCKS;
	return data_write(w, d, e->argument[1], bytes, flags, first);
}

/* [{..., 1000}, {..., 500}] as one run of bytes. */
static int64_t vector_bytes(const struct event *e, const struct expr *list)
{
	int64_t bytes = 0;

	for (unsigned i = 0; list && i < list->count; i++) {
		const struct expr *v = list->item[i];

		if (v->kind != EXPR_STRUCT || v->count != 2 || v->item[1]->kind != EXPR_NUMBER)
			script_fail("line %u: iovec is {..., BYTES}", e->line);
		bytes += v->item[1]->number;
	}
	return bytes;
}

static int64_t do_message(struct world *w, const struct event *e, struct descriptor *d, bool receive, bool first)
{
	static const struct expr any = {.kind = EXPR_ELLIPSIS};
	int64_t bytes = vector_bytes(e, expr_field(e->argument[1], "msg_iov"));
	int flags = (int)call_number(e, 2);

	return receive ? data_read(w, d, bytes, flags, &any, first) : data_write(w, d, &any, bytes, flags, first);
}

static int64_t io_call(struct world *w, const struct event *e, struct descriptor *d, bool first)
{
	static const struct expr any = {.kind = EXPR_ELLIPSIS};
	const char *n = e->name;

	if (!strcmp(n, "read"))
		return data_read(w, d, call_number(e, 2), 0, e->argument[1], first);
	if (!strcmp(n, "recv") || !strcmp(n, "recvfrom"))
		return data_read(w, d, call_number(e, 2), (int)call_number(e, 3), e->argument[1], first);
	if (!strcmp(n, "readv"))
		return data_read(w, d, vector_bytes(e, e->argument[1]), 0, &any, first);
	if (!strcmp(n, "write"))
		return data_write(w, d, e->argument[1], call_number(e, 2), 0, first);
	if (!strcmp(n, "writev"))
		return data_write(w, d, &any, vector_bytes(e, e->argument[1]), 0, first);
	if (!strcmp(n, "send") || !strcmp(n, "sendto"))
		return do_send(w, e, d, first);
	if (!strcmp(n, "sendmsg") || !strcmp(n, "recvmsg"))
		return do_message(w, e, d, n[0] == 'r', first);
	script_fail("line %u: the call %s is not known", e->line, n);
}

int64_t call_try(struct world *w, const struct event *e, bool first)
{
	const char *n = e->name;
	struct descriptor *d;

	if (!strcmp(n, "socket"))
		return do_socket(w, e);
	if (!strcmp(n, "poll"))
		return poll_call(w, e, first);
	if (!strcmp(n, "epoll_create") || !strcmp(n, "epoll_create1")) {
		d = call_new_descriptor(w);
		d->epoll = true;
		return d->fd;
	}
	d = call_descriptor(w, e, 0);
	if (!d)
		return -EBADF;
	if (!strcmp(n, "epoll_ctl"))
		return epoll_ctl_call(w, e);
	if (!strcmp(n, "epoll_wait"))
		return epoll_wait_call(w, e, first);
	if (!strcmp(n, "close"))
		return do_close(w, d);
	if (!strcmp(n, "fcntl"))
		return do_fcntl(e, d);
	if (!d->socket)
		return -ENOTCONN;
	if (!strcmp(n, "bind"))
		return do_bind(w, e, d);
	if (!strcmp(n, "listen"))
		return do_listen(w, e, d);
	if (!strcmp(n, "accept") || !strcmp(n, "accept4"))
		return do_accept(w, e, d, n[6] == '4');
	if (!strcmp(n, "connect"))
		return do_connect(w, e, d, first);
	if (!strcmp(n, "shutdown"))
		return do_shutdown(w, e, d);
	if (!strcmp(n, "ioctl"))
		return do_ioctl(e, d);
	if (!strcmp(n, "setsockopt"))
		return sockopt_set(w, e);
	if (!strcmp(n, "getsockopt"))
		return sockopt_get(w, e);
	return io_call(w, e, d, first);
}

void call_finish(struct world *w, const struct event *e, int64_t result)
{
	int64_t want = e->result->number;

	(void)w;
	if (e->result->kind == EXPR_ANY)
		return;
	if (result == CALL_BLOCKS)
		script_fail("line %u: %s blocks for ever\nexpected %s", e->line, e->name, e->source);
	if (result < 0) {
		if (want != -1 || (e->error && -result != e->error))
			script_fail("line %u: %s failed\nexpected %s\nseen     -1 %s", e->line, e->name, e->source,
			    symbol_errno((int)-result));
	} else if (want != result) {
		script_fail("line %u: another result\nexpected %s\nseen     %lld", e->line, e->source,
		    (long long)result);
	}
}
