/* SPDX-License-Identifier: MIT */
/* Ready-made packets and their queues; see packet.h. */
#include "stack/protocol/packet.h"

#include <errno.h>

#define READY_PACKETS_MAX 4096U
#define READY_BYTES_MAX (16U << 20)
/* How much of a packet goes into the frame's own header octets, so that whoever looks at a frame
 * finds its headers in one run. */
#define HEADER_COPY_BYTES 128U

struct packet *packet_make(struct stack *s, uint32_t bytes)
{
	uint32_t room = PACKET_HEADROOM + bytes;
	struct packet *p = mem_take(&s->mem, sizeof(*p) + room);

	if (!p)
		return NULL;
	*p = (struct packet){.room_bytes = room, .start = PACKET_HEADROOM, .bytes = bytes};
	list_init(&p->link);
	return p;
}

struct packet *packet_from_frame(struct stack *s, const struct frame_out *f)
{
	struct packet *p = packet_make(s, frame_bytes(f));

	if (!p)
		return NULL;
	frame_flatten(f, packet_data(p), p->bytes);
	p->interface = f->interface;
	p->checksum_needed = f->checksum_needed;
	p->checksum_start = f->checksum_start;
	p->checksum_offset = f->checksum_offset;
	p->gso = f->gso;
	p->gso_bytes = f->gso_bytes;
	p->gso_header_bytes = f->gso_header_bytes;
	return p;
}

void packet_free(struct stack *s, struct packet *p)
{
	if (!p)
		return;
	CHECK(!list_linked(&p->link));
	mem_give(&s->mem, p, sizeof(*p) + p->room_bytes);
}

uint8_t *packet_push(struct packet *p, uint32_t bytes)
{
	CHECK(bytes <= p->start);
	p->start -= bytes;
	p->bytes += bytes;
	p->checksum_start = (uint16_t)(p->checksum_start + bytes);
	if (p->gso != FRAME_GSO_NONE)
		p->gso_header_bytes = (uint16_t)(p->gso_header_bytes + bytes);
	return packet_data(p);
}

void packet_queue_init(struct packet_queue *q, uint32_t count_max, uint64_t bytes_max)
{
	*q = (struct packet_queue){.count_max = count_max, .bytes_max = bytes_max};
	list_init(&q->list);
}

bool packet_queue_has_room(const struct packet_queue *q)
{
	return q->count < q->count_max && q->bytes < q->bytes_max;
}

int packet_queue_append(struct stack *s, struct packet_queue *q, struct packet *p)
{
	if (!packet_queue_has_room(q)) {
		s->counters.ip_out_no_memory++;
		trace_drop(s, "output queue full", NULL, p->bytes);
		packet_free(s, p);
		return -ENOBUFS;
	}
	list_append(&q->list, &p->link);
	q->count++;
	q->bytes += sizeof(*p) + p->room_bytes;
	return 0;
}

struct packet *packet_queue_take(struct packet_queue *q)
{
	struct list *first = list_take_first(&q->list);
	struct packet *p;

	if (!first)
		return NULL;
	p = container_of(first, struct packet, link);
	q->count--;
	q->bytes -= sizeof(*p) + p->room_bytes;
	return p;
}

void packet_queue_clear(struct stack *s, struct packet_queue *q)
{
	struct packet *p;

	while ((p = packet_queue_take(q)))
		packet_free(s, p);
}

static void spend(struct stack *s, struct packet *p)
{
	list_append(&s->spent, &p->link);
	if (++s->spent_count <= PACKETS_SPENT_MAX)
		return;
	p = container_of(list_take_first(&s->spent), struct packet, link);
	s->spent_count--;
	packet_free(s, p);
}

bool packet_queue_pull(struct stack *s, struct packet_queue *q, struct frame_out *f)
{
	struct packet *p = packet_queue_take(q);
	uint32_t header_bytes;

	if (!p)
		return false;
	header_bytes = p->gso != FRAME_GSO_NONE ? p->gso_header_bytes : HEADER_COPY_BYTES;
	if (header_bytes > p->bytes)
		header_bytes = p->bytes;
	frame_init(f);
	memcpy(frame_push(f, header_bytes), packet_data(p), header_bytes);
	frame_add_part(f, packet_data(p) + header_bytes, p->bytes - header_bytes);
	f->interface = p->interface;
	f->checksum_needed = p->checksum_needed;
	f->checksum_start = p->checksum_start;
	f->checksum_offset = p->checksum_offset;
	f->gso = p->gso;
	f->gso_bytes = p->gso_bytes;
	f->gso_header_bytes = p->gso_header_bytes;
	spend(s, p);
	return true;
}

void packets_release_spent(struct stack *s)
{
	struct list *first;

	while ((first = list_take_first(&s->spent)))
		packet_free(s, container_of(first, struct packet, link));
	s->spent_count = 0;
}

int packets_create(struct stack *s)
{
	list_init(&s->spent);
	s->spent_count = 0;
	s->packets = mem_take(&s->mem, sizeof(*s->packets));
	if (!s->packets)
		return -ENOMEM;
	packet_queue_init(s->packets, READY_PACKETS_MAX, READY_BYTES_MAX);
	return 0;
}

void packets_destroy(struct stack *s)
{
	packets_release_spent(s);
	if (!s->packets)
		return;
	packet_queue_clear(s, s->packets);
	mem_give(&s->mem, s->packets, sizeof(*s->packets));
	s->packets = NULL;
}
