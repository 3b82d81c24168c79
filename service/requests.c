/* SPDX-License-Identifier: MIT */
/*
 * The requests about sockets, and the table of all requests. A handler sees a request whose sizes
 * are right, and checks what they mean. Those about a socket go through socket_requests, which find
 * the socket, ask whether this lineage may, and drain its pair first (rule (1) of DESIGN.md 2.1).
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "service/channel.h"
#include "service/narrate.h"
#include "service/pair.h"
#include "service/requests.h"

/* ---- sockets are made ---- */

struct socket_type {
	enum socket_kind kind;
	uint8_t protocol;
};

/* What socket(2) says of these numbers in Linux. */
static int check_type(int domain, int type, int protocol, struct socket_type *out)
{
	if (domain != AF_INET && domain != AF_INET6)
		return -EAFNOSUPPORT;
	if (protocol < 0 || protocol > 255)
		return -EINVAL;
	switch (type) {
	case SOCK_STREAM:
		*out = (struct socket_type){SOCKET_TCP, IPPROTO_TCP};
		return protocol == 0 || protocol == IPPROTO_TCP ? 0 : -EPROTONOSUPPORT;
	case SOCK_DGRAM:
		*out = (struct socket_type){SOCKET_UDP, IPPROTO_UDP};
		if (protocol == 0 || protocol == IPPROTO_UDP)
			return 0;
		*out = (struct socket_type){SOCKET_ICMP, (uint8_t)protocol};
		return protocol == (domain == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6) ? 0 : -EPROTONOSUPPORT;
	case SOCK_RAW:
		*out = (struct socket_type){SOCKET_RAW, (uint8_t)protocol};
		return protocol != 0 ? 0 : -EPROTONOSUPPORT;
	default:
		return type >= 0 && type <= SOCK_PACKET ? -ESOCKTNOSUPPORT : -EINVAL;
	}
}

int request_socket(struct service *s, struct channel *c, struct request *q, struct reply *r)
{
	int flags = q->head.argument[1] & (SOCK_NONBLOCK | SOCK_CLOEXEC);
	uint8_t family = q->head.argument[0] == AF_INET6 ? 6 : 4;
	struct socket_type type;
	struct pair *p;
	int error = check_type(q->head.argument[0], q->head.argument[1] & ~flags, q->head.argument[2], &type);

	if (error < 0)
		return error;
	p = pair_create(s, type.kind == SOCKET_TCP ? SOCK_STREAM : SOCK_SEQPACKET, flags, &r->fd, &error);
	if (!p)
		return error;
	p->kind = type.kind;
	p->family = family;
	p->protocol = type.protocol;
	error = socket_create(s->stack, type.kind, family, type.protocol, p->id, p, s->now_ns, &p->socket);
	if (error < 0) {
		p->socket = NULL;
		pair_forget(p);
		close(r->fd);
		r->fd = -1;
		return error;
	}
	pair_permit(p, c->lineage);
	pair_note_owner(p, c->pid, c->program);
	r->head.socket_id = p->id;
	return 0;
}

int request_adopt(struct service *s, struct channel *c, struct request *q, struct reply *r)
{
	struct pair *p = pair_find(s, q->head.socket_id);
	struct tombstone *t = tombstone_find(s, q->head.socket_id);
	struct stat st;

	(void)r;
	if (fstat(q->fd, &st) < 0 || !S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	if (p && !p->closing) {
		if (st.st_ino != p->inode)
			return -EPERM;
		listen_claim(p);
		pair_permit(p, c->lineage);
		pair_note_owner(p, c->pid, c->program);
		return 0;
	}
	if (!t)
		return -EBADF;
	if (st.st_ino != t->inode)
		return -EPERM;
	tombstone_permit(t, c->lineage);
	return 0;
}

/* ---- about a socket: p is open and its pair drained ---- */

static int serve_bind(struct pair *p, struct request *q, struct reply *r)
{
	struct endpoint local;
	int error = address_from_control(&q->head.address, p->family, &local);

	(void)r;
	return error < 0 ? error : socket_bind(p->socket, &local, p->service->now_ns);
}

static int connect_stream(struct pair *p, const struct endpoint *remote, uint32_t fill_bytes)
{
	int error = socket_connect(p->socket, remote, p->service->now_ns);

	if (error == -EINPROGRESS) {
		p->connecting = true;
		p->fill_bytes = fill_bytes;
		return error;
	}
	/* It never began, or was going on already: poll() shall speak again, or stay as it was. */
	if (p->connecting) {
		p->fill_bytes += fill_bytes;
		return error;
	}
	if (!p->connected) {
		p->fill_bytes = fill_bytes;
		stream_drop_fill(p);
	}
	if (error == 0 && !remote)
		p->connected = false;
	return error;
}

static int serve_connect(struct pair *p, struct request *q, struct reply *r)
{
	const struct control_address *a = &q->head.address;
	struct endpoint remote;
	sa_family_t family;
	int error;

	(void)r;
	if (a->bytes < sizeof(family))
		return -EINVAL;
	memcpy(&family, a->sockaddr, sizeof(family));
	error = family == AF_UNSPEC ? 0 : address_from_control(a, p->family, &remote);
	if (error < 0) {
		if (!p->connecting && !p->connected && p->relay == PAIR_STREAM) {
			p->fill_bytes = q->head.fill_bytes;
			stream_drop_fill(p);
		}
		return error;
	}
	if (p->relay == PAIR_STREAM)
		return connect_stream(p, family == AF_UNSPEC ? NULL : &remote, q->head.fill_bytes);
	return socket_connect(p->socket, family == AF_UNSPEC ? NULL : &remote, p->service->now_ns);
}

static int serve_listen(struct pair *p, struct request *q, struct reply *r)
{
	int error = socket_listen(p->socket, q->head.argument[0], p->service->now_ns);

	(void)r;
	if (error < 0 || p->relay != PAIR_STREAM)
		return error;
	p->relay = PAIR_LISTENER;
	pair_await(p, false, false);
	return 0;
}

static int serve_shutdown(struct pair *p, struct request *q, struct reply *r)
{
	int how = q->head.argument[0];
	unsigned bits = (unsigned)how + 1; /* SHUT_RD 0, SHUT_WR 1, SHUT_RDWR 2 */

	(void)r;
	if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
		return -EINVAL;
	if (p->relay == PAIR_STREAM && p->connected) {
		int error = bits & SOCKET_SHUT_READ
		                ? socket_shutdown(p->socket, SOCKET_SHUT_READ, p->service->now_ns)
		                : 0;

		if (error == 0 && bits & SOCKET_SHUT_WRITE)
			stream_shut_write(p);
		return error;
	}
	return socket_shutdown(p->socket, bits, p->service->now_ns);
}

static int serve_getsockname(struct pair *p, struct request *q, struct reply *r)
{
	struct endpoint e;

	(void)q;
	socket_local(p->socket, &e);
	address_to_control(&e, p->family, &r->head.address);
	return 0;
}

static int serve_getpeername(struct pair *p, struct request *q, struct reply *r)
{
	struct endpoint e;
	int error = socket_peer(p->socket, &e);

	(void)q;
	if (error == 0)
		address_to_control(&e, p->family, &r->head.address);
	return error;
}

static int serve_setsockopt(struct pair *p, struct request *q, struct reply *r)
{
	int level = q->head.argument[0], name = q->head.argument[1], value;
	int error = socket_set_option(p->socket, level, name, q->payload, q->head.payload_bytes, p->service->now_ns);

	(void)r;
	/* What waits in the pair has been received as well: it counts against the same bound. */
	if (error == 0 && level == SOL_SOCKET && (name == SO_RCVBUF || name == SO_RCVBUFFORCE) &&
	    q->head.payload_bytes >= sizeof(value) && p->watch.fd >= 0) {
		memcpy(&value, q->payload, sizeof(value));
		setsockopt(p->watch.fd, SOL_SOCKET, SO_SNDBUF, &value, sizeof(value));
		p->wide = true;
	}
	return error;
}

static int take_error(struct pair *p)
{
	int error = p->error ? p->error : socket_take_error(p->socket);

	p->error = 0;
	return error;
}

static int serve_getsockopt(struct pair *p, struct request *q, struct reply *r)
{
	int32_t room = q->head.argument[2];
	int error;

	if (room < 0)
		return -EINVAL;
	r->payload_bytes = room < (int32_t)sizeof(r->payload) ? (uint32_t)room : sizeof(r->payload);
	if (q->head.argument[0] == SOL_SOCKET && q->head.argument[1] == SO_ERROR && p->error) {
		error = take_error(p);
		if (r->payload_bytes > sizeof(error))
			r->payload_bytes = sizeof(error);
		memcpy(r->payload, &error, r->payload_bytes);
		return 0;
	}
	error = socket_get_option(p->socket, q->head.argument[0], q->head.argument[1], r->payload, &r->payload_bytes,
	    p->service->now_ns);
	if (error < 0)
		r->payload_bytes = 0;
	return error;
}

static int serve_take_error(struct pair *p, struct request *q, struct reply *r)
{
	(void)q;
	(void)r;
	return take_error(p);
}

static int serve_queues(struct pair *p, struct request *q, struct reply *r)
{
	int in_pair = 0;

	(void)q;
	/* What still lies in the pair has been written, and is not sent. */
	if (p->relay == PAIR_STREAM && p->connected)
		ioctl(p->watch.fd, FIONREAD, &in_pair);
	r->head.argument[0] = (int64_t)socket_unsent_bytes(p->socket) + in_pair;
	r->head.argument[1] = (int64_t)socket_unacked_bytes(p->socket) + in_pair;
	r->head.argument[2] = socket_unread_bytes(p->socket);
	return 0;
}

/* ---- about a socket that is finished, while a program may still hold its descriptor ---- */

static int dead_take_error(struct tombstone *t, struct request *q, struct reply *r)
{
	int error = t->error;

	(void)q;
	(void)r;
	t->error = 0;
	return error;
}

static int dead_getsockname(struct tombstone *t, struct request *q, struct reply *r)
{
	(void)q;
	address_to_control(&t->local, t->family, &r->head.address);
	return 0;
}

static int dead_getsockopt(struct tombstone *t, struct request *q, struct reply *r)
{
	size_t room = q->head.argument[2] > 0 ? (size_t)q->head.argument[2] : 0;
	union {
		int error;
		struct tcp_info tcp;
	} value = {0};
	size_t bytes;

	if (q->head.argument[0] == SOL_SOCKET && q->head.argument[1] == SO_ERROR) {
		value.error = dead_take_error(t, q, r);
		bytes = sizeof(value.error);
	} else if (q->head.argument[0] == IPPROTO_TCP && q->head.argument[1] == TCP_INFO && t->kind == SOCKET_TCP) {
		value.tcp.tcpi_state = TCP_CLOSE;
		bytes = sizeof(value.tcp);
	} else {
		return -ESTALE;
	}
	r->payload_bytes = (uint32_t)(room < bytes ? room : bytes);
	memcpy(r->payload, &value, r->payload_bytes);
	return 0;
}

static int dead_nothing(struct tombstone *t, struct request *q, struct reply *r)
{
	(void)t;
	(void)q;
	(void)r;
	return 0;
}

static int dead_not_connected(struct tombstone *t, struct request *q, struct reply *r)
{
	(void)t;
	(void)q;
	(void)r;
	return -ENOTCONN;
}

/* It cannot be used again: the program's shim makes another one in its place. */
static int dead_stale(struct tombstone *t, struct request *q, struct reply *r)
{
	(void)t;
	(void)q;
	(void)r;
	return -ESTALE;
}

/* ---- the tables ---- */

static const struct {
	int (*open)(struct pair *p, struct request *q, struct reply *r);
	int (*dead)(struct tombstone *t, struct request *q, struct reply *r);
} socket_requests[CONTROL_OPERATION_COUNT] = {
    [CONTROL_BIND] = {serve_bind, dead_stale},
    [CONTROL_CONNECT] = {serve_connect, dead_stale},
    [CONTROL_LISTEN] = {serve_listen, dead_stale},
    [CONTROL_SHUTDOWN] = {serve_shutdown, dead_not_connected},
    [CONTROL_GETSOCKNAME] = {serve_getsockname, dead_getsockname},
    [CONTROL_GETPEERNAME] = {serve_getpeername, dead_not_connected},
    [CONTROL_SETSOCKOPT] = {serve_setsockopt, dead_nothing},
    [CONTROL_GETSOCKOPT] = {serve_getsockopt, dead_getsockopt},
    [CONTROL_TAKE_ERROR] = {serve_take_error, dead_take_error},
    [CONTROL_QUEUES] = {serve_queues, dead_nothing},
};

/* The calls that a learner would type, as the narrator tells them: name, argument, result. */
static void tell_call(struct service *s, const struct channel *c, const struct request *q, uint64_t id, int result)
{
	static const char *const calls[CONTROL_OPERATION_COUNT] = {
	    [CONTROL_SOCKET] = "socket", [CONTROL_BIND] = "bind", [CONTROL_CONNECT] = "connect",
	    [CONTROL_LISTEN] = "listen", [CONTROL_SHUTDOWN] = "shutdown", [CONTROL_SETSOCKOPT] = "setsockopt"};
	char text[128], address[ENDPOINT_TEXT_BYTES] = "";
	struct endpoint e;
	int bytes;

	if (!narrate_wanted(s) || !calls[q->head.operation])
		return;
	if (q->head.address.bytes && (address_from_control(&q->head.address, 4, &e) == 0 || address_from_control(&q->head.address, 6, &e) == 0))
		endpoint_print(&e, address);
	else if (q->head.operation == CONTROL_SETSOCKOPT)
		snprintf(address, sizeof(address), "level %d, option %d", q->head.argument[0], q->head.argument[1]);
	else if (q->head.operation == CONTROL_LISTEN || q->head.operation == CONTROL_SHUTDOWN)
		snprintf(address, sizeof(address), "%d", q->head.argument[0]);
	bytes = snprintf(text, sizeof(text), "%s(%s)%s%s", calls[q->head.operation], address, result < 0 ? ": " : "",
	    result < 0 ? strerrorname_np(-result) : "");
	narrate_call(s, c->program, (int)c->pid, id, text, (uint32_t)bytes);
}

static int serve_open(struct service *s, struct channel *c, struct pair *p, struct request *q, struct reply *r)
{
	int result = socket_requests[q->head.operation].open(p, q, r);

	if (result == -EADDRINUSE) {
		pair_notice_hangups(s);
		if (p->closing || !p->socket)
			return -EBADF;
		result = socket_requests[q->head.operation].open(p, q, r);
	}
	tell_call(s, c, q, p->id, result);
	return result;
}

static int request_of_socket(struct service *s, struct channel *c, struct request *q, struct reply *r)
{
	struct pair *p = pair_find(s, q->head.socket_id);
	struct tombstone *t;

	if (p && !p->closing) {
		if (!pair_permits(p, c->lineage)) {
			s->counters.requests_denied++;
			return -EPERM;
		}
		pair_note_owner(p, c->pid, c->program);
		/* Asking is as good as writing: this connection was accepted. */
		listen_claim(p);
		pair_drain(p);
		if (!p->closing && p->socket)
			return serve_open(s, c, p, q, r);
	}
	t = tombstone_find(s, q->head.socket_id);
	if (!t)
		return -EBADF;
	if (!tombstone_permits(t, c->lineage)) {
		s->counters.requests_denied++;
		return -EPERM;
	}
	return socket_requests[q->head.operation].dead(t, q, r);
}

const struct request_row request_rows[CONTROL_OPERATION_COUNT] = {
    [CONTROL_HELLO] = {"HELLO", request_hello, .before_hello = true},
    [CONTROL_OPEN] = {"OPEN", request_open, .takes_fd = true},
    [CONTROL_ADOPT] = {"ADOPT", request_adopt, .takes_fd = true},
    [CONTROL_SOCKET] = {"SOCKET", request_socket},
    [CONTROL_BIND] = {"BIND", request_of_socket},
    [CONTROL_CONNECT] = {"CONNECT", request_of_socket},
    [CONTROL_LISTEN] = {"LISTEN", request_of_socket},
    [CONTROL_SHUTDOWN] = {"SHUTDOWN", request_of_socket},
    [CONTROL_GETSOCKNAME] = {"GETSOCKNAME", request_of_socket},
    [CONTROL_GETPEERNAME] = {"GETPEERNAME", request_of_socket},
    [CONTROL_SETSOCKOPT] = {"SETSOCKOPT", request_of_socket},
    [CONTROL_GETSOCKOPT] = {"GETSOCKOPT", request_of_socket},
    [CONTROL_TAKE_ERROR] = {"TAKE_ERROR", request_of_socket},
    [CONTROL_QUEUES] = {"QUEUES", request_of_socket},
    [CONTROL_SOURCE_FOR] = {"SOURCE_FOR", request_source_for},
    [CONTROL_INTERFACES] = {"INTERFACES", request_interfaces},
    [CONTROL_RESOLVER] = {"RESOLVER", request_resolver},
    [CONTROL_STATUS] = {"STATUS", request_status},
    [CONTROL_TRACE] = {"TRACE", request_trace, .takes_fd = true},
    [CONTROL_CHANGE] = {"CHANGE", request_change},
    [CONTROL_CALL_NOTE] = {"CALL_NOTE", request_call_note},
    [CONTROL_STOP] = {"STOP", request_stop},
};
