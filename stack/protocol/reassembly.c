/* SPDX-License-Identifier: MIT */
/* Putting fragments together; see reassembly.h. */
#include "stack/protocol/reassembly.h"

#include <errno.h>

#include "stack/protocol/icmp.h"
#include "stack/protocol/icmpv6.h"

#define TIME_V4_NS (30 * NSEC_PER_SEC)
#define TIME_V6_NS (60 * NSEC_PER_SEC)
#define WHOLE_ROOM_BYTES (FRAME_PACKET_MAX + 64U)

/* A fragment that waits: its octets behind it. */
struct piece {
	struct list link; /* by offset */
	uint32_t offset_bytes, bytes;
	uint32_t header_bytes; /* data[] begins with the header; 0 but for the first piece */
	uint8_t data[];
};

struct datagram_in_pieces {
	struct hash_link link;
	struct list age; /* oldest first */
	struct stack *stack;
	struct fragment_key key;
	struct list pieces;
	struct timer timer;
	uint32_t piece_count;
	uint32_t held_bytes;   /* payload */
	uint32_t memory_bytes;
	uint32_t total_bytes;  /* UINT32_MAX until the last piece is there */
	bool group_frame;
};

struct reassembly {
	struct hash_table table;
	struct list by_age;
	uint64_t memory_bytes;
	uint8_t *whole; /* taken with the first fragment */
};

static uint64_t hash_of(const struct stack *s, const struct fragment_key *k)
{
	struct fragment_key clean;

	memset(&clean, 0, sizeof(clean));
	clean.source = k->source;
	clean.destination = k->destination;
	clean.id = k->id;
	clean.interface = k->interface;
	clean.protocol = k->protocol;
	return siphash(&s->key, &clean, sizeof(clean));
}

static bool same_key(const struct fragment_key *a, const struct fragment_key *b)
{
	return a->id == b->id && a->protocol == b->protocol && a->interface == b->interface &&
	       ip_equal(&a->source, &b->source) && ip_equal(&a->destination, &b->destination);
}

static void forget_piece(struct datagram_in_pieces *d, struct piece *p)
{
	struct stack *s = d->stack;
	uint32_t bytes = (uint32_t)sizeof(*p) + p->header_bytes + p->bytes;

	list_remove(&p->link);
	d->memory_bytes -= bytes;
	s->reassembly->memory_bytes -= bytes;
	mem_give(&s->mem, p, bytes);
}

static void forget(struct datagram_in_pieces *d)
{
	struct stack *s = d->stack;

	list_for_each_safe(it, &d->pieces)
		forget_piece(d, container_of(it, struct piece, link));
	timer_cancel(&s->timers, &d->timer);
	stack_reserve_timers(s, -1);
	hash_remove(&s->reassembly->table, &d->link);
	list_remove(&d->age);
	s->reassembly->memory_bytes -= sizeof(*d);
	mem_give(&s->mem, d, sizeof(*d));
}

static void fail(struct datagram_in_pieces *d, const char *why)
{
	struct stack *s = d->stack;

	s->counters.ip_reassembly_failed++;
	trace_drop(s, why, "RFC 815, RFC 5722", d->held_bytes);
	forget(d);
}

static void tell_sender(struct datagram_in_pieces *d, const struct piece *first)
{
	struct span packet = {first->data, first->header_bytes + first->bytes};

	if (ip_is_v4(&d->key.source)) {
		icmp_send_reassembly_exceeded(d->stack, packet, d->key.interface, d->group_frame);
	} else {
		struct ip_packet p = {.source = d->key.source, .destination = d->key.destination,
		    .interface = d->key.interface, .broadcast = d->group_frame, .header = {packet.data, first->header_bytes},
		    .payload = {packet.data + first->header_bytes, first->bytes}};

		icmpv6_send_error(d->stack, ICMPV6_TIME_EXCEEDED, ICMP_REASSEMBLY_EXCEEDED, 0, &p);
	}
}

/* RFC 1122 3.3.2: time exceeded is sent only if the first fragment is there to be quoted. */
static void time_over(struct timer *t, uint64_t now_ns)
{
	struct datagram_in_pieces *d = container_of(t, struct datagram_in_pieces, timer);
	struct list *first = list_first(&d->pieces);

	(void)now_ns; /* it is the stack's time */
	if (first) {
		struct piece *p = container_of(first, struct piece, link);

		if (p->offset_bytes == 0)
			tell_sender(d, p);
	}
	fail(d, "fragments did not all arrive in time");
}

static struct datagram_in_pieces *find(struct stack *s, const struct fragment_key *key)
{
	struct hash_table *t = &s->reassembly->table;

	for (struct hash_link *l = hash_first(t, hash_of(s, key)); l; l = hash_next(l)) {
		struct datagram_in_pieces *d = container_of(l, struct datagram_in_pieces, link);

		if (same_key(&d->key, key))
			return d;
	}
	return NULL;
}

static struct datagram_in_pieces *make(struct stack *s, const struct fragment *f)
{
	struct datagram_in_pieces *d = mem_take_zeroed(&s->mem, sizeof(*d));

	if (!d)
		return NULL;
	if (stack_reserve_timers(s, 1)) {
		mem_give(&s->mem, d, sizeof(*d));
		return NULL;
	}
	d->stack = s;
	d->key = f->key;
	d->total_bytes = UINT32_MAX;
	list_init(&d->pieces);
	timer_init(&d->timer, time_over);
	timer_arm(&s->timers, &d->timer, time_after(s->now_ns, ip_is_v4(&f->key.source) ? TIME_V4_NS : TIME_V6_NS));
	list_append(&s->reassembly->by_age, &d->age);
	hash_insert(&s->reassembly->table, &d->link, hash_of(s, &f->key));
	s->reassembly->memory_bytes += sizeof(*d);
	return d;
}

/* Where it goes: *before is the piece behind it. What lies within one piece is a duplicate, and
 * harmless (Linux inet_frag_queue_insert()). */
enum fit { FIT_NEW, FIT_DUPLICATE, FIT_OVERLAP };

static enum fit find_place(struct datagram_in_pieces *d, const struct fragment *f, struct list **before)
{
	uint32_t end = f->offset_bytes + (uint32_t)f->payload.bytes;
	struct list *at = &d->pieces;

	/* From the end: fragments mostly arrive in order. */
	while (at->prev != &d->pieces) {
		const struct piece *p = container_of(at->prev, struct piece, link);

		if (p->offset_bytes + p->bytes <= f->offset_bytes)
			break;
		if (p->offset_bytes <= f->offset_bytes && p->offset_bytes + p->bytes >= end)
			return FIT_DUPLICATE;
		if (p->offset_bytes < end)
			return FIT_OVERLAP;
		at = at->prev;
	}
	*before = at;
	return FIT_NEW;
}

static const char *check_end(struct datagram_in_pieces *d, const struct fragment *f)
{
	uint32_t end = f->offset_bytes + (uint32_t)f->payload.bytes;

	if (!f->more) {
		const struct piece *last = list_empty(&d->pieces)
					       ? NULL
					       : container_of(d->pieces.prev, struct piece, link);

		if (d->total_bytes != UINT32_MAX && d->total_bytes != end)
			return "two last fragments";
		if (last && last->offset_bytes + last->bytes > end)
			return "fragments beyond the last one";
		d->total_bytes = end;
	} else if (end > d->total_bytes) {
		return "fragments beyond the last one";
	}
	return NULL;
}

static int store(struct datagram_in_pieces *d, const struct fragment *f, struct list *before)
{
	struct stack *s = d->stack;
	uint32_t header_bytes = f->offset_bytes == 0 ? (uint32_t)f->header.bytes : 0;
	uint32_t bytes = (uint32_t)(sizeof(struct piece) + header_bytes + f->payload.bytes);
	struct piece *p = mem_take(&s->mem, bytes);

	if (!p)
		return -ENOMEM;
	p->offset_bytes = f->offset_bytes;
	p->bytes = (uint32_t)f->payload.bytes;
	p->header_bytes = header_bytes;
	memcpy(p->data, f->header.data, header_bytes);
	memcpy(p->data + header_bytes, f->payload.data, f->payload.bytes);
	list_insert_before(before, &p->link);
	d->piece_count++;
	d->held_bytes += p->bytes;
	d->memory_bytes += bytes;
	s->reassembly->memory_bytes += bytes;
	return 0;
}

static bool put_together(struct datagram_in_pieces *d, struct space *whole, uint32_t *header_bytes)
{
	struct stack *s = d->stack;
	uint8_t *out = s->reassembly->whole;
	uint32_t at = 0;

	*header_bytes = container_of(list_first(&d->pieces), struct piece, link)->header_bytes;
	if (*header_bytes + d->total_bytes > FRAME_PACKET_MAX) {
		fail(d, "larger than a packet can be");
		return false;
	}
	list_for_each(it, &d->pieces)
	{
		const struct piece *p = container_of(it, struct piece, link);

		memcpy(out + at, p->data, p->header_bytes + p->bytes);
		at += p->header_bytes + p->bytes;
	}
	*whole = (struct space){out, at};
	s->counters.ip_reassembled++;
	forget(d);
	return true;
}

static void make_room(struct stack *s)
{
	while (s->reassembly->memory_bytes > REASSEMBLY_BYTES_MAX)
		fail(container_of(list_first(&s->reassembly->by_age), struct datagram_in_pieces, age),
		    "too many fragments wait");
}

bool reassembly_add(struct stack *s, const struct fragment *f, struct space *whole, uint32_t *header_bytes)
{
	struct datagram_in_pieces *d;
	struct list *before = NULL;
	const char *wrong;

	s->counters.ip_fragments_in++;
	make_room(s);
	if (!s->reassembly->whole)
		s->reassembly->whole = mem_take(&s->mem, WHOLE_ROOM_BYTES);
	d = find(s, &f->key);
	if (!d && s->reassembly->whole)
		d = make(s, f);
	if (!d || !f->payload.bytes || f->offset_bytes + f->payload.bytes > FRAME_PACKET_MAX ||
	    (f->more && f->payload.bytes % 8)) {
		s->counters.ip_reassembly_failed++;
		if (d)
			forget(d);
		return false;
	}
	switch (find_place(d, f, &before)) {
	case FIT_DUPLICATE:
		return false;
	case FIT_OVERLAP:
		fail(d, "fragments overlap");
		return false;
	case FIT_NEW:
		break;
	}
	wrong = check_end(d, f);
	if (!wrong && d->piece_count >= REASSEMBLY_FRAGMENTS_MAX)
		wrong = "too many fragments of one packet";
	if (!wrong && store(d, f, before))
		wrong = "no memory for fragments";
	if (wrong) {
		fail(d, wrong);
		return false;
	}
	d->group_frame |= f->group_frame;
	return d->held_bytes == d->total_bytes && put_together(d, whole, header_bytes);
}

int reassembly_create(struct stack *s)
{
	struct reassembly *r = mem_take_zeroed(&s->mem, sizeof(*r));

	if (!r)
		return -ENOMEM;
	list_init(&r->by_age);
	if (hash_table_init(&r->table, &s->mem)) {
		mem_give(&s->mem, r, sizeof(*r));
		return -ENOMEM;
	}
	s->reassembly = r;
	return 0;
}

void reassembly_destroy(struct stack *s)
{
	struct reassembly *r = s->reassembly;

	if (!r)
		return;
	list_for_each_safe(it, &r->by_age)
		forget(container_of(it, struct datagram_in_pieces, age));
	hash_table_destroy(&r->table);
	if (r->whole)
		mem_give(&s->mem, r->whole, WHOLE_ROOM_BYTES);
	mem_give(&s->mem, r, sizeof(*r));
	s->reassembly = NULL;
}

uint64_t reassembly_bytes(const struct stack *s)
{
	return s->reassembly->memory_bytes;
}
