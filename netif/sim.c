/* SPDX-License-Identifier: MIT */
/*
 * A wire in memory with two ends, for tests: two engines, a virtual clock, a seed. What goes in at
 * one end comes out at the other when it is due; nothing else happens, no system call is made and
 * no clock read. A frame is cut to the MTU before it meets its fate (segment.h, impair.h), so that
 * a loss takes what a real wire would lose.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netif/impair.h"
#include "netif/layout.h"
#include "netif/netif.h"
#include "netif/segment.h"
#include "stack/base/list.h"

struct sim_wire;

struct sim_end {
	struct netif netif;
	struct sim_wire *wire;
	struct sim_end *peer;
	struct impair arriving; /* what the peer has sent */
	struct impair_frame *lent; /* handed out by the last receive() */
	bool closed;               /* what is sent to it goes nowhere */
};

struct sim_wire {
	struct sim_end end[2];
	uint8_t room[SEGMENT_ROOM_BYTES];
};

struct sim_sending {
	struct sim_end *end;
	uint64_t now_ns;
};

static struct sim_end *sim_of(struct netif *n)
{
	return container_of(n, struct sim_end, netif);
}

static int sim_fd(const struct netif *n)
{
	(void)n;
	return -1;
}

static void give_back_lent(struct sim_end *end)
{
	while (end->lent) {
		struct impair_frame *frame = end->lent;

		end->lent = frame->next;
		impair_give_back(&end->arriving, frame);
	}
}

static int sim_receive(struct netif *n, struct frame_in *frames, unsigned max, uint64_t now_ns)
{
	struct sim_end *end = sim_of(n);
	struct impair_frame *frame;
	unsigned count = 0;

	give_back_lent(end);
	while (count < max && (frame = impair_pop(&end->arriving, now_ns))) {
		frame->next = end->lent;
		end->lent = frame;
		frames[count++] = (struct frame_in){.data = frame->data, .bytes = frame->bytes};
		n->counters.in_frames++;
		n->counters.in_bytes += frame->bytes;
	}
	return (int)count;
}

static int sim_emit(void *context, const uint8_t *data, uint32_t bytes)
{
	struct sim_sending *s = context;
	struct sim_end *peer = s->end->peer;

	s->end->netif.counters.out_frames++;
	s->end->netif.counters.out_bytes += bytes;
	if (bytes > peer->netif.facts.mtu_bytes + LAYOUT_ETHERNET_BYTES)
		return -EMSGSIZE;
	if (peer->closed)
		return 0;
	return impair_push(&peer->arriving, data, bytes, true, s->now_ns);
}

static int sim_transmit(struct netif *n, const struct frame_out *frames, unsigned count, uint64_t now_ns)
{
	struct sim_sending s = {sim_of(n), now_ns};

	for (unsigned i = 0; i < count; i++) {
		int result = segment_frame_out(&frames[i], true, s.end->wire->room, sim_emit, &s);

		if (result < 0) {
			n->counters.out_dropped++;
			return i ? (int)i : result;
		}
	}
	return (int)count;
}

static uint64_t sim_deadline(const struct netif *n)
{
	return impair_deadline(&container_of(n, const struct sim_end, netif)->arriving);
}

/* The other end keeps the wire, and may go on sending into nothing. */
static void sim_close(struct netif *n)
{
	struct sim_end *end = sim_of(n);
	struct sim_wire *wire = end->wire;

	end->closed = true;
	give_back_lent(end);
	impair_destroy(&end->arriving);
	if (end->peer->closed)
		free(wire);
}

static const struct netif_ops sim_ops = {
    .fd = sim_fd,
    .receive = sim_receive,
    .transmit = sim_transmit,
    .deadline = sim_deadline,
    .close = sim_close,
};

int netif_sim_pair(const struct fault_config *each_way, uint32_t mtu_bytes, struct netif *ends[2])
{
	struct sim_wire *wire = calloc(1, sizeof(*wire));

	if (!wire)
		return -ENOMEM;
	for (unsigned i = 0; i < 2; i++) {
		struct sim_end *end = &wire->end[i];

		end->wire = wire;
		end->peer = &wire->end[1 - i];
		end->netif = (struct netif){.ops = &sim_ops,
		    .facts = {.mac = {{2, 0, 0, 0, 0, (uint8_t)(i + 1)}},
		        .mtu_bytes = mtu_bytes,
		        .has_link_header = true,
		        .gso_tcp = true,
		        .gso_udp = true,
		        .checksum_offload = true}};
		snprintf(end->netif.facts.name, sizeof(end->netif.facts.name), "sim%u", i);
		impair_init(&end->arriving, each_way, i);
		ends[i] = &end->netif;
	}
	return 0;
}
