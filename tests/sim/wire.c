/* SPDX-License-Identifier: MIT */
/*
 * The wire between the two engines: rate, queue, delay, jitter, loss, duplication, reordering and
 * corruption, from the world's seed. Frames beyond the MTU are cut as a network card does it, or
 * handed over in one piece as a driver that puts segments together does it.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

uint64_t chance_next(struct chance *c)
{
	uint64_t z = c->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t chance_below(struct chance *c, uint64_t limit)
{
	return limit ? chance_next(c) % limit : 0;
}

bool chance_percent(struct chance *c, double percent)
{
	return (double)(chance_next(c) >> 11) / 9007199254740992.0 * 100.0 < percent;
}

static bool before(const struct flying *a, const struct flying *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static void swap(struct flying *a, struct flying *b)
{
	struct flying t = *a;

	*a = *b;
	*b = t;
}

static void capture(struct wire *w, const uint8_t *data, uint32_t bytes, uint64_t now_ns)
{
	uint32_t head[4] = {(uint32_t)(now_ns / NSEC_PER_SEC), (uint32_t)(now_ns % NSEC_PER_SEC / 1000), bytes, bytes};

	if (!w->pcap)
		return;
	fwrite(head, sizeof(head), 1, w->pcap);
	fwrite(data, bytes, 1, w->pcap);
}

static void push(struct wire *w, unsigned to, const uint8_t *data, uint32_t bytes, uint16_t gso, uint64_t due_ns)
{
	uint32_t i = w->count++;

	if (w->count > w->room) {
		w->room = w->room ? 2 * w->room : 64;
		w->heap = realloc(w->heap, w->room * sizeof(*w->heap));
	}
	w->heap[i] = (struct flying){.due_ns = due_ns, .order = w->order++, .to = to, .bytes = bytes, .gso_bytes = gso};
	w->heap[i].data = malloc(bytes);
	memcpy(w->heap[i].data, data, bytes);
	for (; i && before(&w->heap[i], &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&w->heap[i], &w->heap[(i - 1) / 2]);
}

bool wire_take(struct wire *w, uint64_t now_ns, struct flying *out)
{
	uint32_t i = 0;

	if (!w->count || w->heap[0].due_ns > now_ns)
		return false;
	*out = w->heap[0];
	w->heap[0] = w->heap[--w->count];
	for (;;) {
		uint32_t least = i;

		for (uint32_t k = 2 * i + 1; k <= 2 * i + 2 && k < w->count; k++)
			if (before(&w->heap[k], &w->heap[least]))
				least = k;
		if (least == i)
			return true;
		swap(&w->heap[i], &w->heap[least]);
		i = least;
	}
}

uint64_t wire_deadline(const struct wire *w)
{
	return w->count ? w->heap[0].due_ns : TIME_NEVER;
}

void wire_destroy(struct wire *w)
{
	for (uint32_t i = 0; i < w->count; i++)
		free(w->heap[i].data);
	free(w->heap);
	w->heap = NULL;
	w->count = w->room = 0;
}

void wire_put(struct world *w, unsigned to, const uint8_t *data, uint32_t bytes, uint64_t delay_ns)
{
	capture(&w->wire, data, bytes, w->now_ns);
	push(&w->wire, to, data, bytes, 0, w->now_ns + delay_ns);
}

/* One packet meets its fate. */
static void travel(struct world *w, unsigned from, uint8_t *data, uint32_t bytes, uint16_t gso)
{
	struct wire *n = &w->wire;
	const struct faults *f = &n->faults;
	uint64_t leave_ns = w->now_ns, due_ns;

	n->sent++;
	capture(n, data, bytes, w->now_ns);
	if (f->rate_bytes_per_s) {
		uint64_t start = n->busy_until_ns[from] > w->now_ns ? n->busy_until_ns[from] : w->now_ns;
		uint64_t backlog = (start - w->now_ns) * f->rate_bytes_per_s / NSEC_PER_SEC;

		if (backlog + bytes > f->queue_bytes) {
			n->lost++;
			return;
		}
		leave_ns = n->busy_until_ns[from] = start + bytes * NSEC_PER_SEC / f->rate_bytes_per_s;
	}
	if (chance_percent(&w->chance, f->loss)) {
		n->lost++;
		return;
	}
	due_ns = leave_ns + f->delay_ns + chance_below(&w->chance, f->jitter_ns + 1);
	if (chance_percent(&w->chance, f->reorder))
		due_ns += chance_below(&w->chance, 2 * f->delay_ns + NSEC_PER_MSEC);
	if (chance_percent(&w->chance, f->duplicate))
		push(n, !from, data, bytes, gso, due_ns + chance_below(&w->chance, f->delay_ns + NSEC_PER_MSEC));
	if (chance_percent(&w->chance, f->corrupt)) {
		data[chance_below(&w->chance, bytes)] ^= (uint8_t)(1U << chance_below(&w->chance, 8));
		n->corrupted++;
	}
	push(n, !from, data, bytes, gso, due_ns);
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t sum(const uint8_t *p, uint32_t bytes, uint32_t s)
{
	for (uint32_t i = 0; i + 1 < bytes; i += 2)
		s += (uint32_t)p[i] << 8 | p[i + 1];
	if (bytes & 1)
		s += (uint32_t)p[bytes - 1] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

void packet_finish(uint8_t *ip, uint32_t bytes)
{
	uint32_t header = (ip[0] & 0xfU) * 4;

	put16(ip + 2, bytes);
	put16(ip + 10, 0);
	put16(ip + 10, ~sum(ip, header, 0) & 0xffff);
	if (ip[9] != 6)
		return;
	put16(ip + header + 16, 0);
	put16(ip + header + 16,
	    ~sum(ip + header, bytes - header, sum(ip + 12, 8, 0) + 6 + bytes - header) & 0xffff);
}

/* What a network card does with a frame that is too large: RFC 9293 knows nothing of it. */
static void cut(struct world *w, unsigned from, const uint8_t *data, uint32_t bytes, uint16_t piece)
{
	uint32_t ip = (data[0] & 0xfU) * 4, header = ip + (uint32_t)(data[ip + 12] >> 4) * 4;
	uint8_t out[65536];

	for (uint32_t at = header; at < bytes; at += piece) {
		uint32_t n = bytes - at < piece ? bytes - at : piece;

		memcpy(out, data, header);
		memcpy(out + header, data + at, n);
		put32(out + ip + 4, get32(data + ip + 4) + at - header);
		if (at + n < bytes)
			out[ip + 13] &= (uint8_t)~(TCP_FIN | TCP_PSH);
		if (at > header)
			out[ip + 13] &= (uint8_t)~TCP_CWR;
		packet_finish(out, header + n);
		travel(w, from, out, header + n, 0);
	}
}

void wire_send(struct world *w, unsigned from, const struct frame_out *f)
{
	static uint8_t data[70000];
	uint32_t bytes;

	if (w->liar.on) {
		liar_see(w, f);
		return;
	}
	bytes = frame_flatten(f, data, sizeof(data));
	if (f->checksum_needed)
		packet_finish(data, bytes);
	if (f->gso == FRAME_GSO_NONE)
		travel(w, from, data, bytes, 0);
	else if (chance_percent(&w->chance, 50))
		travel(w, from, data, bytes, f->gso_bytes);
	else
		cut(w, from, data, bytes, f->gso_bytes);
}
