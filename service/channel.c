/* SPDX-License-Identifier: MIT */
/* The door and the channels: see channel.h. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "service/channel.h"
#include "service/pair.h"

#define CHANNELS_MAX 16384U
#define DOOR_BACKLOG 1024
#define REQUESTS_PER_TURN 32U
/* Descriptors that one message can bring before the kernel itself drops the rest. */
#define DESCRIPTORS_MAX 4U

void reply_sentence(struct reply *r, const char *format, ...)
{
	va_list arguments;
	int bytes;

	va_start(arguments, format);
	bytes = vsnprintf((char *)r->payload, sizeof(r->payload), format, arguments);
	va_end(arguments);
	r->payload_bytes = bytes < 0 ? 0 : bytes < (int)sizeof(r->payload) ? (uint32_t)bytes : sizeof(r->payload) - 1;
}

/* ---- life of a channel ---- */

static void channel_close(struct service *s, struct channel *c)
{
	struct channel *other;

	if (c->watch.fd < 0)
		return;
	watch_close(&c->watch);
	TAILQ_REMOVE(&s->channels, c, link);
	s->channel_count--;
	service_bury(s, &c->grave, c);
	TAILQ_FOREACH(other, &s->channels, link)
		if (other->pid == c->pid)
			return;
	pair_drop_owner(s, c->pid);
}

void channel_close_all(struct service *s)
{
	while (!TAILQ_EMPTY(&s->channels))
		channel_close(s, TAILQ_FIRST(&s->channels));
}

/* ---- replies ---- */

static void send_reply(struct service *s, struct channel *c, struct reply *r)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.room = {0}};
	struct iovec iov[2] = {{&r->head, sizeof(r->head)}, {r->payload, r->payload_bytes}};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = r->payload_bytes ? 2 : 1};
	ssize_t n;

	r->head.magic = CONTROL_MAGIC;
	r->head.payload_bytes = r->payload_bytes;
	if (r->fd >= 0) {
		struct cmsghdr *h;

		m.msg_control = control.room;
		m.msg_controllen = sizeof(control.room);
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &r->fd, sizeof(int));
	}
	n = sendmsg(c->watch.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (r->fd >= 0)
		close(r->fd);
	if (n < 0) {
		/* Who asks and asks and never reads the answers gets no more of them. */
		if (errno == EAGAIN || errno == ETOOMANYREFS)
			log_seldom(LOG_LEVEL_WARNING, "%s (process %d) does not read its replies: its channel ends",
			    c->program, (int)c->pid);
		channel_close(s, c);
	}
}

/* ---- requests ---- */

static void malformed(struct service *s, struct channel *c, const struct control_request *head, const char *why)
{
	static struct reply r;

	s->counters.requests_malformed++;
	log_seldom(LOG_LEVEL_WARNING, "a control message of %s (process %d) makes no sense: %s",
	    c->program, (int)c->pid, why);
	r = (struct reply){.head = {.result = -EBADMSG, .serial = head ? head->serial : 0}, .fd = -1};
	reply_sentence(&r, "this control message makes no sense to teachnetd %s: %s", TEACHNET_VERSION, why);
	send_reply(s, c, &r);
	channel_close(s, c);
}

static void other_version(struct service *s, struct channel *c, const struct control_request *head)
{
	static struct reply r;

	r = (struct reply){.head = {.result = -EPROTO, .serial = head->serial}, .fd = -1};
	reply_sentence(&r,
	    "the running teachnetd (process %d, version %s) speaks control protocol %u and this program %u: "
	    "stop it (kill %d) and let it be started anew",
	    (int)getpid(), TEACHNET_VERSION, CONTROL_VERSION, head->version, (int)getpid());
	log_write(LOG_LEVEL_WARNING, "process %d speaks control protocol %u and this teachnetd %u", (int)c->pid,
	    head->version, CONTROL_VERSION);
	send_reply(s, c, &r);
	channel_close(s, c);
}

static void serve(struct service *s, struct channel *c, struct request *q)
{
	static struct reply r; /* large, and one at a time */
	const struct request_row *row = &request_rows[q->head.operation];

	memset(&r.head, 0, sizeof(r.head));
	r.payload_bytes = 0;
	r.fd = -1;
	r.none = false;
	r.head.serial = q->head.serial;
	r.head.socket_id = q->head.socket_id;
	s->counters.requests++;
	r.head.result = row->handle(s, c, q, &r);
	if (r.head.result == -EBADMSG) {
		if (r.fd >= 0)
			close(r.fd);
		malformed(s, c, &q->head, row->name);
	} else if (!r.none) {
		send_reply(s, c, &r);
	}
}

/* Why a message cannot be a request; NULL when it can. */
static const char *find_fault(const struct channel *c, const struct control_request *head, size_t bytes, unsigned fd_count,
    int flags)
{
	const struct request_row *row;

	if (bytes < sizeof(*head))
		return "it is too short";
	if (flags & (MSG_TRUNC | MSG_CTRUNC))
		return "it is too long, or brings too many descriptors";
	if (head->magic != CONTROL_MAGIC)
		return "it does not begin with the magic number";
	if (head->operation >= CONTROL_OPERATION_COUNT)
		return "there is no such operation";
	row = &request_rows[head->operation];
	if (head->payload_bytes != bytes - sizeof(*head) || head->payload_bytes > CONTROL_PAYLOAD_MAX)
		return "its payload has another size than it says";
	if (head->address.bytes > sizeof(head->address.sockaddr))
		return "its address is too long";
	if (fd_count != (row->takes_fd ? 1 : 0))
		return row->takes_fd ? "it must bring one descriptor" : "it brings a descriptor that it should not";
	if (!c->greeted && !row->before_hello)
		return "it comes before HELLO";
	return NULL;
}

static unsigned take_descriptors(struct msghdr *m, int fd[DESCRIPTORS_MAX])
{
	unsigned count = 0;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = CMSG_LEN(0); at + sizeof(int) <= h->cmsg_len && count < DESCRIPTORS_MAX; at += sizeof(int))
			memcpy(&fd[count++], (char *)h + at, sizeof(int));
	}
	return count;
}

/* False: nothing more to read, or the channel is closed. */
static bool take_request(struct service *s, struct channel *c)
{
	static uint8_t room[sizeof(struct control_request) + CONTROL_PAYLOAD_MAX + 1];
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
	} control;
	struct iovec iov = {room, sizeof(room) - 1};
	struct msghdr m = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.room,
	    .msg_controllen = sizeof(control.room)};
	struct request q = {.fd = -1};
	int fd[DESCRIPTORS_MAX];
	unsigned fd_count;
	const char *fault;
	ssize_t n = recvmsg(c->watch.fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		channel_close(s, c);
		return false;
	}
	fd_count = take_descriptors(&m, fd);
	if ((size_t)n >= sizeof(q.head))
		memcpy(&q.head, room, sizeof(q.head));
	fault = find_fault(c, &q.head, (size_t)n, fd_count, m.msg_flags);
	if ((size_t)n >= sizeof(q.head) && q.head.magic == CONTROL_MAGIC && q.head.version != CONTROL_VERSION) {
		other_version(s, c, &q.head);
	} else if (fault) {
		malformed(s, c, (size_t)n >= sizeof(q.head) ? &q.head : NULL, fault);
	} else {
		q.payload = room + sizeof(q.head);
		room[n] = '\0';
		if (fd_count)
			q.fd = fd[0];
		serve(s, c, &q);
		if (fd_count)
			fd[0] = q.fd;
	}
	for (unsigned i = 0; i < fd_count; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	return c->watch.fd >= 0;
}

static void channel_ready(struct service *s, struct watch *w, uint32_t events)
{
	struct channel *c = (struct channel *)((char *)w - offsetof(struct channel, watch));

	(void)events;
	/* Level-triggered: what is left comes in the next round. */
	for (unsigned i = 0; i < REQUESTS_PER_TURN; i++)
		if (!take_request(s, c))
			return;
}

int channel_add(struct service *s, int fd, uint64_t lineage)
{
	struct channel *c = calloc(1, sizeof(*c));
	struct ucred who = {0};
	socklen_t bytes = sizeof(who);
	int error;

	if (!c || s->channel_count >= CHANNELS_MAX) {
		error = c ? -EMFILE : -ENOMEM;
		goto fail;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &bytes) < 0) {
		error = -errno;
		goto fail;
	}
	c->watch = (struct watch){.fd = fd, .ready = channel_ready};
	c->lineage = lineage ? lineage : ++s->next_lineage;
	c->pid = who.pid;
	c->uid = who.uid;
	snprintf(c->program, sizeof(c->program), "a program");
	error = watch_add(s, &c->watch, EPOLLIN);
	if (error < 0)
		goto fail;
	TAILQ_INSERT_TAIL(&s->channels, c, link);
	s->channel_count++;
	return 0;

fail:
	free(c);
	close(fd);
	return error;
}

/* ---- the door ---- */

static void refuse_stranger(struct service *s, int fd, const struct ucred *who)
{
	struct control_reply head = {.magic = CONTROL_MAGIC, .result = -EPERM};

	s->counters.channels_refused++;
	log_seldom(LOG_LEVEL_WARNING, "process %d of user %u may not use the teachnetd of user %u",
	    (int)who->pid, (unsigned)who->uid, (unsigned)geteuid());
	send(fd, &head, sizeof(head), MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

static bool let_in(struct service *s)
{
	int fd = accept4(s->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred who = {0};
	socklen_t bytes = sizeof(who);

	if (fd < 0)
		return false;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &bytes) < 0 || (who.uid != geteuid() && who.uid != 0)) {
		refuse_stranger(s, fd, &who);
		return true;
	}
	channel_add(s, fd, 0);
	return true;
}

static void door_ready(struct service *s, struct watch *w, uint32_t events)
{
	(void)w;
	(void)events;
	for (unsigned i = 0; i < REQUESTS_PER_TURN && let_in(s); i++)
		;
}

int channel_open_door(struct service *s, char message[CONFIG_MESSAGE_BYTES])
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error;

	/* Whatever lies there is of a teachnetd that was killed: we hold the lock. */
	unlink(s->socket_path);
	snprintf(name.sun_path, sizeof(name.sun_path), "%.107s", s->socket_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof(name)) < 0 || chmod(s->socket_path, 0600) < 0 ||
	    listen(fd, DOOR_BACKLOG) < 0) {
		error = errno;
		snprintf(message, CONFIG_MESSAGE_BYTES, "cannot listen at %.200s: %s", s->socket_path, strerror(error));
		if (fd >= 0)
			close(fd);
		return -error;
	}
	s->listener = (struct watch){.fd = fd, .ready = door_ready};
	return watch_add(s, &s->listener, EPOLLIN);
}

bool channel_close_door(struct service *s)
{
	char message[CONFIG_MESSAGE_BYTES];
	bool somebody = false;

	/* Once the name is gone nobody new can come; who has come before is in the queue. */
	unlink(s->socket_path);
	while (let_in(s))
		somebody = true;
	watch_close(&s->listener);
	return !(somebody && s->channel_count > 0 && channel_open_door(s, message) == 0);
}
