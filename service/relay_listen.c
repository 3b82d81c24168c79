/* SPDX-License-Identifier: MIT */
/*
 * Listeners. Each new connection goes to the program as one record with its descriptor on the
 * listener's own pair, so that readiness, several acceptors and fork are the kernel's affair. How
 * many records the program has not taken yet is read from the kernel: each costs the same amount of
 * its memory, which is measured once.
 *
 * When a listener closes, the kernel drops the ends in the records that nobody took, and we see each
 * hang up. As in Linux those connections are reset; one that was taken and closed gets its FIN.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "service/pair.h"

/* Connections of one listener that may not have been taken yet, before we ask. */
#define CHILDREN_MAX 256U

static ssize_t send_record(int fd, const struct control_accepted *record, int passed)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.room = {0}};
	struct iovec iov = {(void *)(uintptr_t)record, sizeof(*record)};
	struct msghdr m = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.room,
	    .msg_controllen = sizeof(control.room)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &passed, sizeof(int));
	return sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int listen_measure(struct service *s)
{
	struct control_accepted record = {.magic = CONTROL_MAGIC};
	int fd[2], used = 0, error;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) < 0)
		return -errno;
	error = (int)send_record(fd[0], &record, fd[0]);
	if (error == 0 && ioctl(fd[0], SIOCOUTQ, &used) < 0)
		error = -errno;
	if (error == 0 && used <= 0)
		error = -EPROTO;
	s->accept_record_bytes = (unsigned)used;
	close(fd[0]);
	close(fd[1]);
	return error;
}

static unsigned records_in_pair(const struct pair *p)
{
	int used = 0;

	if (p->watch.fd < 0 || ioctl(p->watch.fd, SIOCOUTQ, &used) < 0 || used <= 0)
		return 0;
	return (unsigned)used / p->service->accept_record_bytes;
}

/* For the engine, which counts them against the backlog. */
unsigned listen_queued(struct pair *p)
{
	return records_in_pair(p) + p->heir_pending;
}

/* ---- who has been taken ---- */

void listen_claim(struct pair *p)
{
	p->maybe_untaken = false;
	if (!p->parent)
		return;
	TAILQ_REMOVE(&p->parent->children, p, child_link);
	p->parent->child_count--;
	p->parent = NULL;
}

/* Records are taken in order: all but the newest ones, those left in the pair, have been. A closed
 * listener's pair is empty, too, because the kernel emptied it: whoever counted makes sure that it
 * was open afterwards. */
static void claim_taken(struct pair *p, unsigned left)
{
	while (p->child_count > left)
		listen_claim(TAILQ_FIRST(&p->children));
}

bool listen_unclaimed(struct pair *p)
{
	if (p->parent) {
		struct pollfd f = {.fd = p->parent->watch.fd};
		unsigned left = records_in_pair(p->parent);

		poll(&f, 1, 0);
		if (f.revents & POLLHUP) {
			stream_ready(p->service, &p->parent->watch, EPOLLHUP | EPOLLERR);
			pair_let_go(p->parent, false);
		} else {
			claim_taken(p->parent, left);
		}
	}
	return p->parent || (p->maybe_untaken && !p->delivered);
}

/* ---- handing over ---- */

static void tie_heir(struct pair *p, struct socket *so)
{
	struct pair *heir = p->heir;

	heir->socket = so;
	heir->kind = p->kind;
	heir->family = p->family;
	heir->protocol = p->protocol;
	heir->connected = true;
	memcpy(heir->lineage, p->lineage, sizeof(heir->lineage));
	memcpy(heir->owner, p->owner, sizeof(heir->owner));
	p->heir_pending = true;
}

static bool make_heir(struct pair *p)
{
	int error;

	p->heir = pair_create(p->service, SOCK_STREAM, 0, &p->heir_fd, &error);
	if (p->heir)
		return true;
	log_seldom(LOG_LEVEL_WARNING, "connections wait because no descriptor can be made for them: %s",
	    strerror(-error));
	p->service->starved = true;
	return false;
}

/* 0, -EAGAIN when the listener's pair is full, or another errno: given up. */
static int hand_over(struct pair *p)
{
	struct control_accepted record = {.magic = CONTROL_MAGIC, .socket_id = p->heir->id};
	struct pair *heir = p->heir;
	/* Asking the kernel for each one would be felt; a crowd is looked through now and then. */
	bool crowd = p->child_count >= CHILDREN_MAX;
	unsigned left = crowd ? records_in_pair(p) : 0;
	struct endpoint e;
	int error;

	if (socket_peer(heir->socket, &e) == 0)
		address_to_control(&e, heir->family, &record.peer);
	socket_local(heir->socket, &e);
	address_to_control(&e, heir->family, &record.local);
	error = (int)send_record(p->watch.fd, &record, p->heir_fd);
	if (error == -EAGAIN)
		return error;
	p->heir = NULL;
	p->heir_pending = false;
	close(p->heir_fd);
	p->heir_fd = -1;
	if (error < 0) {
		/* EPIPE: the listener is about to be seen closed. ETOOMANYREFS: too many on the way. */
		if (error != -EPIPE)
			log_seldom(LOG_LEVEL_WARNING, "a connection was given up, it cannot be handed to its program: %s",
			    strerror(-error));
		p->service->counters.accept_failed++;
		pair_abort(heir);
		return error;
	}
	if (crowd)
		claim_taken(p, left);
	heir->parent = p;
	TAILQ_INSERT_TAIL(&p->children, heir, child_link);
	p->child_count++;
	p->service->counters.accepted++;
	return 0;
}

static void accept_all(struct pair *p)
{
	for (;;) {
		if (!p->heir_pending) {
			struct socket *so;

			if (!p->heir && !make_heir(p))
				return;
			so = socket_accept(p->socket, p->heir->id, p->heir, p->service->now_ns);
			if (!so)
				break;
			tie_heir(p, so);
		}
		if (hand_over(p) == -EAGAIN) {
			p->out_blocked = true;
			pair_await(p, false, true);
			return;
		}
	}
	p->out_blocked = false;
	pair_await(p, false, false);
}

static void retry_one(struct pair *p, void *context)
{
	(void)context;
	if (p->relay == PAIR_LISTENER && !p->closing)
		pair_mark(p, SOCKET_EVENT_ACCEPTABLE);
}

void listen_retry(struct service *s)
{
	if (!s->starved)
		return;
	s->starved = false;
	pair_visit(s, retry_one, NULL);
}

void listen_work(struct pair *p, unsigned work)
{
	if (p->closing)
		return;
	if (p->hung_up) {
		pair_let_go(p, false);
		return;
	}
	if (work & PAIR_WORK_WRITE || (work & SOCKET_EVENT_ACCEPTABLE && !p->out_blocked))
		accept_all(p);
}

/* The listener closes: what it had not handed over is reset, what it had is watched for. */
void listen_let_go(struct pair *p)
{
	struct pair *child;

	while ((child = TAILQ_FIRST(&p->children))) {
		listen_claim(child);
		/* unread: the program left records in its end. Which, only their hanging up tells. */
		child->maybe_untaken = p->unread;
	}
	if (!p->heir)
		return;
	close(p->heir_fd);
	p->heir_fd = -1;
	if (p->heir_pending)
		pair_abort(p->heir);
	else
		pair_forget(p->heir);
	p->heir = NULL;
}
