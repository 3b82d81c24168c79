/* SPDX-License-Identifier: MIT */
/*
 * The relay of datagram and raw sockets: each message on the pair is one struct control_datagram and
 * the payload, both ways. A program that does not read loses datagrams, as UDP's receive buffer does;
 * what the engine refuses after sendto() has returned comes back as an error record, which the shim
 * reports as Linux reports ICMP errors.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include <linux/errqueue.h>

#include "service/pair.h"

#define BATCH 16U
#define PAYLOAD_BYTES_MAX 65535U
#define MESSAGE_BYTES_MAX (sizeof(struct control_datagram) + PAYLOAD_BYTES_MAX + 1)
/* Batches that one pair may send before the others have their turn. */
#define BATCHES_PER_TURN 8U

/* ---- engine to program ---- */

static bool give(struct pair *p, const struct control_datagram *head, const struct span *part, unsigned parts)
{
	struct iovec iov[1 + 2] = {{(void *)(uintptr_t)head, sizeof(*head)}};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = 1 + parts};

	if (p->watch.fd < 0)
		return false;
	for (unsigned i = 0; i < parts; i++)
		iov[1 + i] = (struct iovec){(void *)(uintptr_t)part[i].data, part[i].bytes};
	if (sendmsg(p->watch.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
		p->service->counters.datagrams_in++;
		return true;
	}
	p->service->counters.datagrams_overflow++;
	return false;
}

/* CLOCK_REALTIME of an instant of the engine's clock. */
static uint64_t wall_time(const struct service *s, uint64_t at_ns)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec - (s->now_ns - (at_ns ? at_ns : s->now_ns));
}

bool datagram_relay_in(struct pair *p, const struct datagram *d, const struct span *part, unsigned parts)
{
	struct control_datagram head = {
	    .magic = CONTROL_MAGIC,
	    .kind = CONTROL_DATAGRAM_DATA,
	    .flags = CONTROL_DATAGRAM_HAS_LOCAL,
	    .ttl = d->ttl,
	    .tos = d->tos,
	    .gso_bytes = d->gso_bytes,
	    .interface = d->interface,
	    .time_ns = wall_time(p->service, d->time_ns),
	};
	struct endpoint local = {.addr = d->local};

	CHECK(parts <= 2);
	address_to_control(&d->remote, p->family, &head.remote);
	address_to_control(&local, p->family, &head.local);
	return give(p, &head, part, parts);
}

void datagram_relay_error(struct pair *p, const struct datagram_error *e, struct span payload)
{
	struct control_datagram head = {
	    .magic = CONTROL_MAGIC,
	    .kind = CONTROL_DATAGRAM_ERROR,
	    .ttl = -1,
	    .tos = -1,
	    .time_ns = wall_time(p->service, 0),
	    .error = e->error,
	    .error_origin = e->origin,
	    .error_type = e->type,
	    .error_code = e->code,
	    .error_info = e->info,
	};
	struct endpoint offender = {.addr = e->offender};

	address_to_control(&e->remote, p->family, &head.remote);
	if (e->origin != SO_EE_ORIGIN_LOCAL && e->origin != SO_EE_ORIGIN_NONE)
		address_to_control(&offender, p->family, &head.error_offender);
	give(p, &head, &payload, payload.bytes ? 1 : 0);
}

/* ---- program to engine ---- */

static void refused(struct pair *p, const struct datagram *d, struct span payload, int error)
{
	struct datagram_error e = {.error = -error, .origin = SO_EE_ORIGIN_LOCAL, .remote = d->remote};
	uint32_t mtu_bytes = 0;
	struct ip_addr source;

	p->service->counters.datagrams_refused++;
	/* A full queue loses datagrams without a word, as in Linux without IP_RECVERR. */
	if (error == -EAGAIN || error == -ENOBUFS || error == -ENOMEM)
		return;
	if (error == -EMSGSIZE && stack_source_for(p->service->stack, &d->remote, &source, &mtu_bytes) == 0)
		e.info = mtu_bytes;
	if (payload.bytes > 512)
		payload.bytes = 512;
	datagram_relay_error(p, &e, payload);
}

static bool read_head(struct pair *p, const struct control_datagram *head, struct datagram *d)
{
	struct endpoint local;

	if (head->magic != CONTROL_MAGIC || head->kind != CONTROL_DATAGRAM_DATA)
		return false;
	*d = (struct datagram){.ttl = head->ttl, .tos = head->tos, .gso_bytes = head->gso_bytes, .interface = head->interface};
	if (head->ttl < -1 || head->ttl > 255 || head->tos < -1 || head->tos > 255)
		return false;
	if (head->remote.bytes && address_from_control(&head->remote, p->family, &d->remote) < 0)
		return false;
	if (head->flags & CONTROL_DATAGRAM_HAS_LOCAL) {
		if (address_from_control(&head->local, p->family, &local) < 0)
			return false;
		d->local = local.addr;
	}
	return true;
}

static void take_one(struct pair *p, const uint8_t *message, size_t bytes)
{
	struct control_datagram head;
	struct span payload;
	struct datagram d;
	int error;

	if (bytes < sizeof(head) || bytes > sizeof(head) + PAYLOAD_BYTES_MAX) {
		p->service->counters.datagrams_malformed++;
		return;
	}
	memcpy(&head, message, sizeof(head));
	if (!read_head(p, &head, &d)) {
		p->service->counters.datagrams_malformed++;
		return;
	}
	payload = (struct span){message + sizeof(head), bytes - sizeof(head)};
	p->service->counters.datagrams_out++;
	error = socket_send_datagram(p->socket, &d, payload, p->service->now_ns);
	if (error < 0)
		refused(p, &d, payload, error);
}

/* Messages taken; 0: no more for now; -EPIPE: no more for ever. */
static int take_batch(struct pair *p)
{
	static uint8_t room[BATCH][MESSAGE_BYTES_MAX];
	struct mmsghdr message[BATCH];
	struct iovec iov[BATCH];
	int count;

	for (unsigned i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){room[i], MESSAGE_BYTES_MAX};
		message[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &iov[i], .msg_iovlen = 1}};
	}
	count = recvmmsg(p->watch.fd, message, BATCH, MSG_DONTWAIT, NULL);
	if (count < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
	for (int i = 0; i < count; i++) {
		/* Nothing at all is what end of file looks like; no message of ours is empty. */
		if (message[i].msg_len == 0)
			return -EPIPE;
		take_one(p, room[i], message[i].msg_len);
	}
	return count == (int)BATCH ? count : 0;
}

void datagram_drain(struct pair *p)
{
	for (unsigned turn = 0; turn < BATCHES_PER_TURN && !p->closing && p->socket; turn++) {
		int count = take_batch(p);

		if (count == -EPIPE && p->hung_up)
			pair_let_go(p, false);
		if (count <= 0)
			return;
	}
	pair_mark(p, PAIR_WORK_READ);
}

void datagram_ready(struct service *s, struct watch *w, uint32_t events)
{
	struct pair *p = (struct pair *)((char *)w - offsetof(struct pair, watch));

	(void)s;
	if (events & EPOLLHUP)
		p->hung_up = true;
	if (events & EPOLLERR) {
		int error = 0;
		socklen_t bytes = sizeof(error);

		/* Closed with datagrams unread: of no interest to anybody. */
		getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
	}
	pair_mark(p, PAIR_WORK_READ);
}

void datagram_work(struct pair *p, unsigned work)
{
	if (p->closing)
		return;
	if (!p->socket)
		pair_let_go(p, false);
	else if (work & PAIR_WORK_READ)
		datagram_drain(p);
}
