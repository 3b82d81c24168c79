/* SPDX-License-Identifier: MIT */
/* Segmentation and checksums in software; see segment.h. */
#include "netif/segment.h"

#include <errno.h>
#include <string.h>

#include "netif/layout.h"
#include "stack/base/check.h"
#include "stack/base/checksum.h"

enum {
	TCP_FIN = 0x01,
	TCP_PSH = 0x08,
	TCP_CWR = 0x80,
	TCP_FLAGS_AT = 13,
	SPANS_MAX = FRAME_PARTS_MAX + 1, /* and what the header array holds behind the headers */
};

/* One frame being cut. room holds the headers throughout; only what changes is written anew. */
struct cut {
	uint8_t *room;
	uint32_t header_bytes; /* all headers that each piece repeats */
	uint32_t network, transport;
	uint32_t piece_bytes;
	uint8_t protocol;
	struct span span[SPANS_MAX];
	unsigned span_count;
	uint32_t left_bytes;
	/* As they were in the frame. */
	uint32_t sequence;
	uint16_t identification;
	uint8_t flags;
};

static void store_16(uint8_t *at, uint32_t n)
{
	struct be16 v = be16_make((uint16_t)n);

	memcpy(at, &v, sizeof(v));
}

static void store_32(uint8_t *at, uint32_t n)
{
	struct be32 v = be32_make(n);

	memcpy(at, &v, sizeof(v));
}

static uint16_t load_16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t load_32(const uint8_t *at)
{
	return (uint32_t)load_16(at) << 16 | load_16(at + 2);
}

/* The field is where offset says in the message at transport; a sum of zero is sent as all ones by
 * UDP, where zero means "none" (RFC 768; RFC 8200 8.1). */
static void store_checksum(uint8_t *at, struct checksum sum, bool udp)
{
	struct be16 value = checksum_finish(sum);

	if (udp && be16_get(value) == 0)
		value = be16_make(UINT16_MAX);
	memcpy(at, &value, sizeof(value));
}

static void set_transport_checksum(uint8_t *ip, uint8_t *transport, uint8_t protocol, uint32_t length)
{
	uint8_t *field = transport + layout_checksum_offset(protocol);
	struct checksum sum = {0};

	if (protocol != LAYOUT_ICMP)
		sum = layout_pseudo_header(ip, protocol, length);
	store_16(field, 0);
	sum = checksum_add(sum, transport, length);
	store_checksum(field, sum, protocol == LAYOUT_UDP);
}

static void cut_add_span(struct cut *c, const uint8_t *data, size_t bytes)
{
	if (bytes == 0)
		return;
	c->span[c->span_count++] = (struct span){data, bytes};
	c->left_bytes += (uint32_t)bytes;
}

/* Takes bytes of payload from the front of the spans. */
static void cut_take_payload(struct cut *c, uint8_t *out, uint32_t bytes)
{
	unsigned used = 0;

	c->left_bytes -= bytes;
	while (bytes) {
		struct span *s = &c->span[used];
		uint32_t run = s->bytes < bytes ? (uint32_t)s->bytes : bytes;

		memcpy(out, s->data, run);
		out += run;
		bytes -= run;
		s->data += run;
		s->bytes -= run;
		if (s->bytes == 0)
			used++;
	}
	if (used) {
		c->span_count -= used;
		memmove(c->span, c->span + used, c->span_count * sizeof(c->span[0]));
	}
}

static void cut_write_network(struct cut *c, uint32_t index, uint32_t payload_bytes)
{
	uint8_t *ip = c->room + c->network;
	uint32_t packet_bytes = c->header_bytes - c->network + payload_bytes;
	struct checksum sum = {0};

	if (ip[0] >> 4 == 6) {
		store_16(ip + 4, packet_bytes - 40);
		return;
	}
	store_16(ip + 2, packet_bytes);
	store_16(ip + 4, c->identification + index);
	store_16(ip + 10, 0);
	store_checksum(ip + 10, checksum_add(sum, ip, (ip[0] & 15U) * 4), false);
}

static void cut_write_transport(struct cut *c, uint32_t offset_bytes, uint32_t payload_bytes)
{
	uint8_t *transport = c->room + c->transport;
	uint32_t length = c->header_bytes - c->transport + payload_bytes;

	if (c->protocol == LAYOUT_TCP) {
		uint8_t flags = c->flags;

		if (c->left_bytes)
			flags &= (uint8_t)~(TCP_FIN | TCP_PSH);
		if (offset_bytes)
			flags &= (uint8_t)~TCP_CWR;
		store_32(transport + 4, c->sequence + offset_bytes);
		transport[TCP_FLAGS_AT] = flags;
	} else {
		store_16(transport + 4, length);
	}
	set_transport_checksum(c->room + c->network, transport, c->protocol, length);
}

static int cut_run(struct cut *c, segment_emit emit, void *context)
{
	uint32_t offset_bytes = 0;
	uint32_t index = 0;
	int result;

	c->identification = load_16(c->room + c->network + 4);
	if (c->protocol == LAYOUT_TCP) {
		c->sequence = load_32(c->room + c->transport + 4);
		c->flags = c->room[c->transport + TCP_FLAGS_AT];
	}
	do {
		uint32_t bytes = c->left_bytes < c->piece_bytes ? c->left_bytes : c->piece_bytes;

		cut_take_payload(c, c->room + c->header_bytes, bytes);
		cut_write_network(c, index++, bytes);
		cut_write_transport(c, offset_bytes, bytes);
		offset_bytes += bytes;
		result = emit(context, c->room, c->header_bytes + bytes);
	} while (result == 0 && c->left_bytes);
	return result;
}

static int emit_whole(const struct frame_out *f, uint8_t *room, segment_emit emit, void *context)
{
	uint32_t bytes = frame_flatten(f, room, SEGMENT_ROOM_BYTES);

	if (f->checksum_needed) {
		uint8_t *transport = room + f->checksum_start;
		struct checksum sum =
		    checksum_add((struct checksum){0}, transport, bytes - f->checksum_start);

		store_checksum(transport + f->checksum_offset, sum,
		    f->checksum_offset == layout_checksum_offset(LAYOUT_UDP));
	}
	return emit(context, room, bytes);
}

int segment_frame_out(const struct frame_out *f, bool has_link_header,
    uint8_t room[SEGMENT_ROOM_BYTES], segment_emit emit, void *context)
{
	struct cut c = {.room = room,
	    .header_bytes = f->gso_header_bytes,
	    .network = has_link_header ? LAYOUT_ETHERNET_BYTES : 0,
	    .transport = f->checksum_start,
	    .piece_bytes = f->gso_bytes,
	    .protocol = f->gso == FRAME_GSO_UDP ? LAYOUT_UDP : LAYOUT_TCP};

	if (f->gso == FRAME_GSO_NONE)
		return emit_whole(f, room, emit, context);
	CHECK(f->checksum_needed && f->gso_bytes && f->gso_header_bytes > f->checksum_start);
	CHECK(f->gso_header_bytes <= frame_header_bytes(f) && f->checksum_start > c.network);
	memcpy(room, frame_header(f), c.header_bytes);
	cut_add_span(&c, frame_header(f) + c.header_bytes, frame_header_bytes(f) - c.header_bytes);
	for (unsigned i = 0; i < f->part_count; i++)
		cut_add_span(&c, f->part[i].data, f->part[i].bytes);
	return cut_run(&c, emit, context);
}

int segment_frame_in(const struct frame_in *f, bool has_link_header,
    uint8_t room[SEGMENT_ROOM_BYTES], segment_emit emit, void *context)
{
	struct cut c = {.room = room, .piece_bytes = f->gso_bytes};
	struct layout at;

	if (f->bytes > SEGMENT_ROOM_BYTES)
		return -EMSGSIZE;
	if (f->gso == FRAME_GSO_NONE) {
		if (!f->checksum_verified)
			return emit(context, f->data, f->bytes);
		memcpy(room, f->data, f->bytes);
		segment_complete_checksum(room, f->bytes, has_link_header);
		return emit(context, room, f->bytes);
	}
	c.protocol = f->gso == FRAME_GSO_UDP ? LAYOUT_UDP : LAYOUT_TCP;
	if (f->gso_bytes == 0 || !layout_find(f->data, f->bytes, has_link_header, &at) || at.fragment ||
	    at.protocol != c.protocol || at.payload > SEGMENT_ROOM_BYTES - f->gso_bytes)
		return -EBADMSG;
	c.header_bytes = at.payload;
	c.network = at.network;
	c.transport = at.transport;
	memcpy(room, f->data, c.header_bytes);
	cut_add_span(&c, f->data + at.payload, at.end - at.payload);
	return cut_run(&c, emit, context);
}

void segment_complete_checksum(uint8_t *frame, uint32_t bytes, bool has_link_header)
{
	struct layout at;
	uint32_t offset;

	if (!layout_find(frame, bytes, has_link_header, &at) || at.fragment)
		return;
	offset = layout_checksum_offset(at.protocol);
	if (offset == 0 || at.end - at.transport < offset + 2)
		return;
	if (at.protocol == LAYOUT_UDP && at.version == 4 && load_16(frame + at.transport + offset) == 0)
		return;
	set_transport_checksum(frame + at.network, frame + at.transport, at.protocol, at.end - at.transport);
}
