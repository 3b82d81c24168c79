/* SPDX-License-Identifier: MIT */
/*
 * The fault layer: any netif, with a bad wire in front of it in both directions (impair.h). Both
 * ways a frame is first cut to what a real wire carries, so that a fault hits packets and not
 * 64 KiB segments. Time is the caller's; what is due is moved whenever it calls, and deadline()
 * says when it must.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netif/impair.h"
#include "netif/netif.h"
#include "netif/segment.h"
#include "stack/base/list.h"

/* When the wrapped netif is full: it would say so by its descriptor, which our caller only watches
 * for writing when it was we who were full. */
#define FAULT_RETRY_NS NSEC_PER_MSEC
/* How many batches one receive() takes from below, most of which may be delayed or lost. */
#define FAULT_BATCHES_MAX 16

enum { OUT, IN };

struct fault {
	struct netif netif;
	struct netif *inner;
	struct impair impair[2];
	struct impair_frame *lent;        /* handed out by the last receive() */
	struct impair_frame *ready[NETIF_BATCH_MAX]; /* due, and not yet taken by inner */
	unsigned ready_count;
	uint64_t retry_ns;                /* when to offer them again */
	int error;                        /* of inner's receive(), not yet told */
	struct frame_in below[NETIF_BATCH_MAX];
	struct frame_out sending[NETIF_BATCH_MAX];
	uint8_t room[SEGMENT_ROOM_BYTES];
};

struct fault_pushing {
	struct fault *fault;
	unsigned direction;
	uint64_t now_ns;
};

static struct fault *fault_of(struct netif *n)
{
	return container_of(n, struct fault, netif);
}

static int push(void *context, const uint8_t *data, uint32_t bytes)
{
	struct fault_pushing *p = context;

	return impair_push(&p->fault->impair[p->direction], data, bytes,
	    p->fault->netif.facts.has_link_header, p->now_ns);
}

static void ready_drop(struct fault *f, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		impair_give_back(&f->impair[OUT], f->ready[i]);
	f->ready_count -= count;
	memmove(f->ready, f->ready + count, f->ready_count * sizeof(f->ready[0]));
}

static void ready_fill(struct fault *f, uint64_t now_ns)
{
	struct impair_frame *frame;

	while (f->ready_count < NETIF_BATCH_MAX && (frame = impair_pop(&f->impair[OUT], now_ns)))
		f->ready[f->ready_count++] = frame;
	for (unsigned i = 0; i < f->ready_count; i++) {
		frame_init(&f->sending[i]);
		frame_add_part(&f->sending[i], f->ready[i]->data, f->ready[i]->bytes);
	}
}

/* Gives what is due to the wrapped netif; what it refuses for good is lost like on a wire. */
static void send_due(struct fault *f, uint64_t now_ns)
{
	f->retry_ns = TIME_NEVER;
	for (;;) {
		int taken;

		ready_fill(f, now_ns);
		if (f->ready_count == 0)
			return;
		taken = netif_transmit(f->inner, f->sending, f->ready_count, now_ns);
		if (taken == 0) {
			f->retry_ns = time_after(now_ns, FAULT_RETRY_NS);
			return;
		}
		if (taken < 0)
			f->netif.counters.out_dropped++;
		ready_drop(f, taken < 0 ? 1 : (unsigned)taken);
	}
}

static void take_from_below(struct fault *f, uint64_t now_ns)
{
	struct fault_pushing p = {f, IN, now_ns};

	for (int batch = 0; batch < FAULT_BATCHES_MAX; batch++) {
		int count = netif_receive(f->inner, f->below, NETIF_BATCH_MAX, now_ns);

		if (count < 0)
			f->error = count;
		for (int i = 0; i < count; i++)
			if (segment_frame_in(&f->below[i], f->netif.facts.has_link_header, f->room, push, &p))
				f->netif.counters.in_dropped++;
		if (count < (int)NETIF_BATCH_MAX)
			break;
	}
}

static int fault_receive(struct netif *n, struct frame_in *frames, unsigned max, uint64_t now_ns)
{
	struct fault *f = fault_of(n);
	struct impair_frame *frame;
	unsigned count = 0;
	int error;

	while ((frame = f->lent)) {
		f->lent = frame->next;
		impair_give_back(&f->impair[IN], frame);
	}
	send_due(f, now_ns);
	take_from_below(f, now_ns);
	while (count < max && (frame = impair_pop(&f->impair[IN], now_ns))) {
		frame->next = f->lent;
		f->lent = frame;
		frames[count++] = (struct frame_in){.data = frame->data, .bytes = frame->bytes};
		n->counters.in_frames++;
		n->counters.in_bytes += frame->bytes;
	}
	if (count)
		return (int)count;
	error = f->error;
	f->error = 0;
	return error;
}

static int fault_transmit(struct netif *n, const struct frame_out *frames, unsigned count, uint64_t now_ns)
{
	struct fault *f = fault_of(n);
	struct fault_pushing p = {f, OUT, now_ns};

	for (unsigned i = 0; i < count; i++) {
		n->counters.out_frames++;
		n->counters.out_bytes += frame_bytes(&frames[i]);
		if (segment_frame_out(&frames[i], n->facts.has_link_header, f->room, push, &p))
			n->counters.out_dropped++;
	}
	send_due(f, now_ns);
	return (int)count;
}

static uint64_t fault_deadline(const struct netif *n)
{
	const struct fault *f = container_of(n, const struct fault, netif);
	uint64_t due_ns = time_earlier(netif_deadline(f->inner), f->retry_ns);

	due_ns = time_earlier(due_ns, impair_deadline(&f->impair[IN]));
	/* While the wrapped netif is full, what is due waits for the retry. */
	return f->ready_count ? due_ns : time_earlier(due_ns, impair_deadline(&f->impair[OUT]));
}

static int fault_fd(const struct netif *n)
{
	return netif_fd(container_of(n, const struct fault, netif)->inner);
}

static void fault_close(struct netif *n)
{
	struct fault *f = fault_of(n);

	while (f->lent) {
		struct impair_frame *next = f->lent->next;

		impair_give_back(&f->impair[IN], f->lent);
		f->lent = next;
	}
	ready_drop(f, f->ready_count);
	impair_destroy(&f->impair[OUT]);
	impair_destroy(&f->impair[IN]);
	netif_close(f->inner);
	free(f);
}

static const struct netif_ops fault_ops = {
    .fd = fault_fd,
    .receive = fault_receive,
    .transmit = fault_transmit,
    .deadline = fault_deadline,
    .close = fault_close,
};

int netif_fault_wrap(struct netif *inner, const struct fault_config *config, struct netif **out)
{
	struct fault *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->netif.ops = &fault_ops;
	f->netif.facts = inner->facts;
	f->netif.facts.gso_tcp = f->netif.facts.gso_udp = f->netif.facts.checksum_offload = true;
	f->inner = inner;
	f->retry_ns = TIME_NEVER;
	impair_init(&f->impair[OUT], config, OUT);
	impair_init(&f->impair[IN], config, IN);
	*out = &f->netif;
	return 0;
}
