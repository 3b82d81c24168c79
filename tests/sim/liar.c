/* SPDX-License-Identifier: MIT */
/*
 * A peer that lies. It knows every number exactly and uses them badly: it shrinks and reopens its
 * window, takes SACK blocks back, acknowledges what was never sent, sends options that are cut short or
 * contradict each other, wraps sequence numbers, repeats and overlaps data with other content, sends FIN and
 * SYN in the middle, resets, and quotes us in forged ICMP. No promise about the data can hold here;
 * but the engine must keep every invariant, answer each segment with a bounded number of frames,
 * give up in bounded time and leave nothing behind.
 */
#include <string.h>

#include "tests/sim/sim.h"

#define STEPS 300
#define FRAMES_MOST 5000U /* in answer to one lie: a window may open once */

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Seen by the liar: what the engine sent last. */
void liar_see(struct world *w, const struct frame_out *f)
{
	static uint8_t data[70000];
	uint32_t bytes = frame_flatten(f, data, sizeof(data)), header;
	struct liar *l = &w->liar;

	l->frames++;
	if (bytes < 40 || data[9] != 6)
		return;
	header = 20 + (uint32_t)(data[32] >> 4) * 4;
	l->port = (uint16_t)(data[20] << 8 | data[21]);
	l->remote_port = (uint16_t)(data[22] << 8 | data[23]);
	if (data[33] & TCP_SYN) {
		l->theirs_first = get32(data + 24);
		l->synced = data[33] & TCP_ACK || !l->passive;
	}
	l->theirs_nxt = get32(data + 24) + bytes - header + ((data[33] & (TCP_SYN | TCP_FIN)) != 0);
	if (data[33] & TCP_ACK)
		l->ours_acked = get32(data + 28);
}

static uint32_t put_options(struct world *w, uint8_t *p, uint8_t flags)
{
	struct chance *c = &w->chance;
	struct liar *l = &w->liar;
	uint32_t n = 0;

	if (flags & TCP_SYN) {
		put32(p, 0x02040000U | (uint32_t)(chance_percent(c, 20) ? chance_below(c, 65536) : 1460));
		put32(p + 4, 0x01010402);
		put32(p + 8, 0x01030300U | (uint32_t)chance_below(c, 20));
		n = 12;
	}
	if (l->timestamps || chance_percent(c, 3)) {
		put32(p + n, 0x0101080a);
		put32(p + n + 4, l->clock + (uint32_t)(chance_percent(c, 3) ? chance_next(c) : 0));
		put32(p + n + 8, (uint32_t)(chance_percent(c, 10) ? chance_next(c) : 0));
		n += 12;
	}
	if (!(flags & TCP_SYN) && chance_percent(c, 40)) {
		uint32_t blocks = 1 + (uint32_t)chance_below(c, n ? 2 : 3), at = n;

		put16(p + at, 0x0101);
		p[at + 2] = 5;
		p[at + 3] = (uint8_t)(2 + 8 * blocks);
		for (uint32_t i = 0; i < blocks; i++) {
			uint32_t span = l->theirs_nxt - l->theirs_first + 3000;
			uint32_t first = l->theirs_first + (uint32_t)chance_below(c, span);

			put32(p + at + 4 + 8 * i, chance_percent(c, 95) ? first : (uint32_t)chance_next(c));
			put32(p + at + 8 + 8 * i, first + (uint32_t)chance_below(c, 4000) - (chance_percent(c, 5) ? 2000U : 0));
		}
		n += 4 + 8 * blocks;
	}
	/* Garbage: kinds that nobody knows, lengths of 0, 1 or beyond the end. */
	while (n + 4 <= 40 && chance_percent(c, 15)) {
		put32(p + n, (uint32_t)chance_next(c));
		n += 4;
	}
	return n;
}

static uint8_t lie_flags(struct world *w)
{
	struct chance *c = &w->chance;
	uint8_t flags = TCP_ACK;

	if (chance_percent(c, 4))
		flags |= TCP_FIN;
	if (chance_percent(c, 2))
		flags |= TCP_SYN;
	if (chance_percent(c, 3))
		flags |= TCP_URG;
	if (chance_percent(c, 10))
		flags |= TCP_ECE;
	if (chance_percent(c, 10))
		flags |= TCP_CWR;
	if (chance_percent(c, 30))
		flags |= TCP_PSH;
	if (chance_percent(c, 1) && w->liar.steps > STEPS / 2)
		flags |= TCP_RST;
	return chance_percent(c, 2) ? (uint8_t)chance_next(c) : flags;
}

static void lie(struct world *w, uint8_t flags)
{
	static uint8_t p[20 + 60 + 3000];
	struct chance *c = &w->chance;
	struct liar *l = &w->liar;
	uint32_t seq = l->ours_nxt, ack = l->theirs_nxt, data = 0, options;

	if (!(flags & TCP_SYN) || !chance_percent(c, 90)) {
		if (chance_percent(c, 40))
			data = (uint32_t)chance_below(c, 3000);
		if (chance_percent(c, 30))
			seq += (uint32_t)chance_below(c, 8000) - 4000U;
		if (chance_percent(c, 2))
			seq = (uint32_t)chance_next(c);
		if (chance_percent(c, 40))
			ack = l->theirs_first + (uint32_t)chance_below(c, l->theirs_nxt - l->theirs_first + 2000);
		if (chance_percent(c, 2))
			ack = (uint32_t)chance_next(c);
	}
	memset(p, 0, 100);
	p[0] = 0x45;
	p[1] = (uint8_t)chance_below(c, 4);
	p[8] = 64;
	p[9] = 6;
	put32(p + 12, ip_of(1));
	put32(p + 16, ip_of(0));
	put16(p + 20, l->remote_port);
	put16(p + 22, l->port);
	put32(p + 24, seq);
	put32(p + 28, ack);
	p[33] = flags;
	put16(p + 34, (uint32_t)(chance_percent(c, 20) ? 0 : chance_percent(c, 30) ? chance_below(c, 3000) : 65535));
	put16(p + 38, (uint32_t)chance_below(c, 4000));
	options = put_options(w, p + 40, flags);
	p[32] = (uint8_t)((20 + options) / 4 << 4);
	memset(p + 40 + options, (int)chance_below(c, 256), data);
	packet_finish(p, 40 + options + data);
	if (seq == l->ours_nxt)
		l->ours_nxt += data + ((flags & TCP_SYN) != 0) + ((flags & TCP_FIN) != 0);
	l->clock += (uint32_t)chance_below(c, 50);
	wire_put(w, 0, p, 40 + options + data, 0);
}

/* ICMP about a segment that is really out. */
static void lie_by_icmp(struct world *w)
{
	uint8_t p[20 + 8 + 28] = {0x45, 0, 0, 0, 0, 0, 0, 0, 64, 1};
	struct chance *c = &w->chance;
	struct liar *l = &w->liar;
	uint32_t s = 0;

	put32(p + 12, ip_of(1));
	put32(p + 16, ip_of(0));
	p[20] = 3;
	p[21] = (uint8_t)(chance_percent(c, 60) ? 4 : chance_below(c, 16));
	put16(p + 26, (uint32_t)chance_below(c, 2000));
	p[28] = 0x45;
	put16(p + 30, 1500);
	p[36] = 64;
	p[37] = 6;
	put32(p + 40, ip_of(0));
	put32(p + 44, ip_of(1));
	put16(p + 48, l->port);
	put16(p + 50, l->remote_port);
	put32(p + 52, l->theirs_nxt - (uint32_t)chance_below(c, 1500));
	for (unsigned i = 20; i < sizeof(p); i += 2)
		s += (uint32_t)p[i] << 8 | p[i + 1];
	s = (s & 0xffff) + (s >> 16);
	put16(p + 22, ~(s + (s >> 16)) & 0xffff);
	packet_finish(p, sizeof(p));
	wire_put(w, 0, p, sizeof(p), 0);
}

void liar_step(struct world *w)
{
	struct liar *l = &w->liar;

	if (l->frames > FRAMES_MOST)
		world_fail(w, "%u frames in answer to one segment", l->frames);
	l->frames = 0;
	if (l->steps++ > STEPS)
		return;
	if (!l->synced)
		lie(w, l->passive ? TCP_SYN : TCP_SYN | TCP_ACK);
	else if (chance_percent(&w->chance, 3))
		lie_by_icmp(w);
	else
		lie(w, lie_flags(w));
	/* Mostly at once, sometimes long after: timers must fire in between. */
	l->next_ns = w->now_ns + (chance_percent(&w->chance, 5) ? chance_below(&w->chance, 3 * NSEC_PER_SEC)
							       : chance_below(&w->chance, 20 * NSEC_PER_MSEC));
	if (l->steps > STEPS)
		l->next_ns = TIME_NEVER;
}

void liar_begin(struct world *w)
{
	struct liar *l = &w->liar;

	l->passive = chance_percent(&w->chance, 50);
	l->timestamps = chance_percent(&w->chance, 50);
	l->port = SERVER_PORT;
	l->remote_port = SERVER_PORT + 40000;
	/* Wraps in mid-stream, often. */
	l->ours_nxt = (uint32_t)(chance_percent(&w->chance, 50) ? 0U - chance_below(&w->chance, 20000) : chance_next(&w->chance));
	l->next_ns = w->now_ns + NSEC_PER_MSEC;
}
