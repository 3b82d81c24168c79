/* SPDX-License-Identifier: MIT */
/*
 * The table of pairs: ids, names, who may ask, the queue of those that have something to do, and the
 * tombstones of those that are gone. What a pair relays is the affair of relay_*.c.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "service/pair.h"

#define SLOT_BITS 20U
#define SLOTS_MAX (1U << SLOT_BITS)
#define TOMBSTONES_MAX 2048U
#define CHANCES 32U
/* How much of the queue one round works off. */
#define WORK_PER_ROUND_MAX 4096U

struct tombstone_ring {
	struct tombstone at[TOMBSTONES_MAX];
	unsigned next;
};

struct pair_table {
	struct pair **slot;
	uint32_t *free_slot;    /* a stack of slots that were given back */
	uint32_t free_count, slot_count, slots_used_max;
	unsigned count;
	uint64_t chance[CHANCES];
	unsigned chance_left;
	/* Those with an error are looked for; the others come in crowds and must not push them out. */
	struct tombstone_ring failed, ended;
};

int pair_table_create(struct service *s)
{
	s->pairs = calloc(1, sizeof(*s->pairs));
	TAILQ_INIT(&s->work);
	return s->pairs ? 0 : -ENOMEM;
}

static void destroy_one(struct pair *p, void *context)
{
	(void)context;
	watch_close(&p->watch);
	if (p->heir_fd >= 0)
		close(p->heir_fd);
	free(p);
}

void pair_table_destroy(struct service *s)
{
	if (!s->pairs)
		return;
	pair_visit(s, destroy_one, NULL);
	free(s->pairs->slot);
	free(s->pairs->free_slot);
	free(s->pairs);
	s->pairs = NULL;
}

unsigned pair_count(const struct service *s)
{
	return s->pairs->count;
}

static int take_slot(struct pair_table *t, uint32_t *out)
{
	if (t->free_count) {
		*out = t->free_slot[--t->free_count];
		return 0;
	}
	if (t->slots_used_max == t->slot_count) {
		uint32_t count = t->slot_count ? t->slot_count * 2 : 256;
		struct pair **slot;
		uint32_t *free_slot;

		if (count > SLOTS_MAX)
			return -ENFILE;
		slot = realloc(t->slot, count * sizeof(struct pair *));
		if (!slot)
			return -ENOMEM;
		t->slot = slot;
		memset(slot + t->slot_count, 0, (count - t->slot_count) * sizeof(struct pair *));
		free_slot = realloc(t->free_slot, count * sizeof(*free_slot));
		if (!free_slot)
			return -ENOMEM;
		t->free_slot = free_slot;
		t->slot_count = count;
	}
	*out = t->slots_used_max++;
	return 0;
}

/* Chance by the handful: a system call for each pair would be felt. */
static int draw(struct pair_table *t, uint64_t *out)
{
	if (t->chance_left == 0) {
		if (getrandom(t->chance, sizeof(t->chance), 0) != sizeof(t->chance))
			return -1;
		t->chance_left = CHANCES;
	}
	*out = t->chance[--t->chance_left];
	t->chance[t->chance_left] = 0;
	return 0;
}

static int name_pair(struct service *s, int fd, int type, uint64_t id)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int bytes = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, CONTROL_NAME_PREFIX "%016llx/%c/%016llx",
	    (unsigned long long)s->instance, type == SOCK_STREAM ? 's' : 'd', (unsigned long long)id);

	if (bind(fd, (struct sockaddr *)&name, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)bytes)) < 0)
		return -errno;
	return 0;
}

struct pair *pair_create(struct service *s, int type, int flags, int *program_fd, int *error)
{
	struct pair_table *t = s->pairs;
	struct pair *p = calloc(1, sizeof(*p));
	int fd[2] = {-1, -1};
	uint64_t chance;
	struct stat st;
	uint32_t slot = UINT32_MAX;

	*error = p ? take_slot(t, &slot) : -ENOMEM;
	if (*error < 0)
		goto fail;
	if (draw(t, &chance) < 0 || socketpair(AF_UNIX, type | SOCK_CLOEXEC | (flags & SOCK_NONBLOCK), 0, fd) < 0 ||
	    fstat(fd[1], &st) < 0) {
		*error = -errno;
		goto fail;
	}
	p->service = s;
	p->id = (chance | 1U) << SLOT_BITS | slot; /* never 0 */
	p->inode = st.st_ino;
	p->heir_fd = -1;
	TAILQ_INIT(&p->children);
	p->relay = type == SOCK_STREAM ? PAIR_STREAM : PAIR_DATAGRAM;
	/* An urgent byte is then never skipped by a read that did not know of it. */
	if (type == SOCK_STREAM)
		setsockopt(fd[0], SOL_SOCKET, SO_OOBINLINE, &(int){1}, sizeof(int));
	*error = name_pair(s, fd[0], type, p->id);
	if (*error < 0)
		goto fail;
	p->watch = (struct watch){.fd = fd[0], .ready = type == SOCK_STREAM ? stream_ready : datagram_ready};
	*error = watch_add(s, &p->watch, EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLET);
	if (*error < 0)
		goto fail;
	t->slot[slot] = p;
	t->count++;
	*program_fd = fd[1];
	return p;

fail:
	if (fd[0] >= 0) {
		close(fd[0]);
		close(fd[1]);
	}
	if (slot != UINT32_MAX)
		t->free_slot[t->free_count++] = slot;
	free(p);
	return NULL;
}

struct pair *pair_find(struct service *s, uint64_t id)
{
	uint32_t slot = (uint32_t)(id & (SLOTS_MAX - 1));

	if (slot >= s->pairs->slots_used_max || !s->pairs->slot[slot] || s->pairs->slot[slot]->id != id)
		return NULL;
	return s->pairs->slot[slot];
}

void pair_visit(struct service *s, void (*visit)(struct pair *p, void *context), void *context)
{
	for (uint32_t i = 0; i < s->pairs->slots_used_max; i++)
		if (s->pairs->slot[i])
			visit(s->pairs->slot[i], context);
}

/* ---- hang-ups that the loop has not been told of yet ---- */

#define POLLED_AT_ONCE 256U

struct polled {
	struct pollfd entry[POLLED_AT_ONCE];
	struct pair *pair[POLLED_AT_ONCE];
	unsigned count;
};

static void notice_polled(struct polled *b)
{
	if (poll(b->entry, b->count, 0) > 0)
		for (unsigned i = 0; i < b->count; i++)
			if (b->entry[i].revents & POLLHUP)
				b->pair[i]->watch.ready(b->pair[i]->service, &b->pair[i]->watch,
				    (uint32_t)b->entry[i].revents);
	b->count = 0;
}

static void add_polled(struct pair *p, void *context)
{
	struct polled *b = context;

	if (p->watch.fd < 0)
		return;
	b->pair[b->count] = p;
	b->entry[b->count++] = (struct pollfd){.fd = p->watch.fd, .events = POLLRDHUP};
	if (b->count == POLLED_AT_ONCE)
		notice_polled(b);
}

void pair_notice_hangups(struct service *s)
{
	struct polled batch = {.count = 0};

	pair_visit(s, add_polled, &batch);
	if (batch.count)
		notice_polled(&batch);
	pair_work(s);
}

/* ---- the queue of work ---- */

void pair_mark(struct pair *p, unsigned work)
{
	p->work |= work;
	if (p->queued)
		return;
	p->queued = true;
	TAILQ_INSERT_TAIL(&p->service->work, p, work_link);
}

bool pair_work(struct service *s)
{
	for (unsigned i = 0; i < WORK_PER_ROUND_MAX; i++) {
		struct pair *p = TAILQ_FIRST(&s->work);
		unsigned work;

		if (!p)
			return false;
		TAILQ_REMOVE(&s->work, p, work_link);
		p->queued = false;
		work = p->work;
		p->work = 0;
		if (work & SOCKET_EVENT_GONE) {
			pair_forget(p);
			continue;
		}
		switch (p->relay) {
		case PAIR_STREAM:
			stream_work(p, work);
			break;
		case PAIR_LISTENER:
			listen_work(p, work);
			break;
		case PAIR_DATAGRAM:
			datagram_work(p, work);
			break;
		}
	}
	return true;
}

void pair_drain(struct pair *p)
{
	switch (p->relay) {
	case PAIR_STREAM:
		stream_drain(p);
		break;
	case PAIR_DATAGRAM:
		datagram_drain(p);
		break;
	case PAIR_LISTENER:
		break;
	}
}

void pair_await(struct pair *p, bool in, bool out)
{
	uint32_t events = EPOLLRDHUP | EPOLLET | (in ? EPOLLIN | EPOLLPRI : 0) | (out ? EPOLLOUT : 0);

	if (p->watch.fd >= 0 && events != p->watch.events)
		watch_change(p->service, &p->watch, events);
}

/* ---- the end ---- */

static void leave_tombstone(struct pair *p)
{
	struct pair_table *t = p->service->pairs;
	struct tombstone_ring *ring = p->error ? &t->failed : &t->ended;
	struct tombstone *grave = &ring->at[ring->next++ % TOMBSTONES_MAX];

	*grave = (struct tombstone){
	    .id = p->id, .error = p->error, .inode = p->inode, .kind = p->kind, .family = p->family};
	memcpy(grave->lineage, p->lineage, sizeof(grave->lineage));
	if (p->socket)
		socket_local(p->socket, &grave->local);
}

static bool resets_on_close(struct pair *p)
{
	struct linger linger = {0, 0};
	uint32_t bytes = sizeof(linger);

	return socket_get_option(p->socket, SOL_SOCKET, SO_LINGER, &linger, &bytes, p->service->now_ns) == 0 &&
	       linger.l_onoff && linger.l_linger == 0;
}

void pair_let_go(struct pair *p, bool unread)
{
	if (p->closing)
		return;
	p->closing = true;
	if (p->relay == PAIR_LISTENER)
		listen_let_go(p);
	listen_claim(p);
	watch_close(&p->watch);
	leave_tombstone(p);
	listen_retry(p->service);
	/* On a kernel, send() has put on the wire what fits before close() resets the connection. Here
	 * both can be read in one round, so what was just read goes out first. */
	if (p->socket && socket_unsent_bytes(p->socket) > 0 && resets_on_close(p))
		frames_transmit(p->service);
	if (p->socket)
		socket_close(p->socket, unread, p->service->now_ns);
	else
		pair_forget(p);
}

void pair_abort(struct pair *p)
{
	struct socket *so = p->socket;

	p->socket = NULL;
	if (so)
		socket_abort(so, p->service->now_ns);
	if (p->closing)
		pair_forget(p);
	else
		pair_let_go(p, false);
}

void pair_forget(struct pair *p)
{
	struct service *s = p->service;
	uint32_t slot = (uint32_t)(p->id & (SLOTS_MAX - 1));

	watch_close(&p->watch);
	if (p->queued)
		TAILQ_REMOVE(&s->work, p, work_link);
	p->queued = false;
	s->pairs->slot[slot] = NULL;
	s->pairs->free_slot[s->pairs->free_count++] = slot;
	s->pairs->count--;
	service_bury(s, &p->grave, p);
}

struct tombstone *tombstone_find(struct service *s, uint64_t id)
{
	struct tombstone_ring *rings[] = {&s->pairs->failed, &s->pairs->ended};

	if (id == 0)
		return NULL;
	for (unsigned r = 0; r < 2; r++)
		for (unsigned i = 0; i < TOMBSTONES_MAX; i++)
			if (rings[r]->at[i].id == id)
				return &rings[r]->at[i];
	return NULL;
}

/* ---- who may ask ---- */

static bool permits(const uint64_t lineages[PAIR_LINEAGES], uint64_t lineage)
{
	for (unsigned i = 0; i < PAIR_LINEAGES; i++)
		if (lineages[i] == lineage)
			return true;
	return false;
}

static void permit(uint64_t lineages[PAIR_LINEAGES], uint64_t lineage)
{
	if (permits(lineages, lineage))
		return;
	/* The newest come first; who falls out at the end adopts again. */
	memmove(lineages + 1, lineages, (PAIR_LINEAGES - 1) * sizeof(*lineages));
	lineages[0] = lineage;
}

bool pair_permits(const struct pair *p, uint64_t lineage)
{
	return permits(p->lineage, lineage);
}

void pair_permit(struct pair *p, uint64_t lineage)
{
	permit(p->lineage, lineage);
}

bool tombstone_permits(const struct tombstone *t, uint64_t lineage)
{
	return permits(t->lineage, lineage);
}

void tombstone_permit(struct tombstone *t, uint64_t lineage)
{
	permit(t->lineage, lineage);
}

void pair_note_owner(struct pair *p, pid_t pid, const char *program)
{
	struct pair_owner *place = NULL;

	for (unsigned i = 0; i < PAIR_OWNERS; i++) {
		if (p->owner[i].pid == pid)
			return;
		if (!place && p->owner[i].pid == 0)
			place = &p->owner[i];
	}
	if (!place || pid <= 0)
		return;
	place->pid = pid;
	snprintf(place->program, sizeof(place->program), "%s", program);
}

static void drop_owner(struct pair *p, void *context)
{
	pid_t pid = *(pid_t *)context;

	for (unsigned i = 0; i < PAIR_OWNERS; i++)
		if (p->owner[i].pid == pid)
			p->owner[i].pid = 0;
}

void pair_drop_owner(struct service *s, pid_t pid)
{
	if (pid > 0)
		pair_visit(s, drop_owner, &pid);
}
