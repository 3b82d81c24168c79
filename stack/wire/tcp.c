/* SPDX-License-Identifier: MIT */
/* The TCP segment on the wire; see tcp.h. */
#include "stack/wire/tcp.h"

#include <errno.h>

#include "stack/base/text.h"

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* ---- parsing: a handler sees the octets after kind and length, and exactly how many ---- */

typedef void (*option_fn)(struct tcp_options *o, const uint8_t *value, uint32_t bytes);

static void parse_MSS(struct tcp_options *o, const uint8_t *value, uint32_t bytes)
{
	(void)bytes;
	o->mss_bytes = get16(value);
	o->has_mss = o->mss_bytes != 0; /* as Linux: 0 says nothing */
}

static void parse_WINDOW_SCALE(struct tcp_options *o, const uint8_t *value, uint32_t bytes)
{
	(void)bytes;
	o->has_scale = true;
	o->scale = value[0];
}

static void parse_SACK_PERMITTED(struct tcp_options *o, const uint8_t *value, uint32_t bytes)
{
	(void)value, (void)bytes;
	o->sack_permitted = true;
}

static void parse_SACK(struct tcp_options *o, const uint8_t *value, uint32_t bytes)
{
	if (bytes % 8 != 0)
		return;
	o->sack_count = 0; /* of several such options the last one counts: it fits */
	for (uint32_t i = 0; i < bytes; i += 8)
		o->sack[o->sack_count++] =
		    (struct sack_block){seq_make(get32(value + i)), seq_make(get32(value + i + 4))};
}

static void parse_TIMESTAMPS(struct tcp_options *o, const uint8_t *value, uint32_t bytes)
{
	(void)bytes;
	o->has_timestamps = true;
	o->ts_value = get32(value);
	o->ts_echo = get32(value + 4);
}

static void parse_FASTOPEN(struct tcp_options *o, const uint8_t *value, uint32_t bytes)
{
	/* RFC 7413 4.1.1: 4 to 16 octets, an even number; or none: a request. */
	if (bytes != 0 && (bytes < 4 || bytes % 2 != 0))
		return;
	o->has_cookie = true;
	o->cookie_bytes = (uint8_t)bytes;
	memcpy(o->cookie, value, bytes);
}

#define FASTOPEN_MAGIC 0xF989U

static void parse_EXPERIMENT(struct tcp_options *o, const uint8_t *value, uint32_t bytes)
{
	if (get16(value) != FASTOPEN_MAGIC || o->has_cookie)
		return;
	parse_FASTOPEN(o, value + 2, bytes - 2);
	o->cookie_experimental = o->has_cookie;
}

static const struct option_row {
	uint8_t kind, least, most;
	bool syn_only;
	option_fn parse;
} option_rows[] = {
#define OPTION(name, kind, least, most, syn) {kind, least, most, syn, parse_##name},
    TCP_OPTIONS(OPTION)
#undef OPTION
};

static const struct option_row *option_row(uint8_t kind)
{
	for (unsigned i = 0; i < sizeof(option_rows) / sizeof(option_rows[0]); i++)
		if (option_rows[i].kind == kind)
			return &option_rows[i];
	return NULL;
}

/* The one loop that owns every bound. */
static void parse_options(struct tcp_options *o, const uint8_t *p, uint32_t room, bool syn)
{
	while (room > 0 && p[0] != TCP_OPTION_END) {
		const struct option_row *row;
		uint32_t bytes;

		if (p[0] == TCP_OPTION_NOP) {
			p++, room--;
			continue;
		}
		if (room < 2 || p[1] < 2 || p[1] > room)
			return;
		bytes = p[1];
		row = option_row(p[0]);
		if (row && bytes >= row->least && bytes <= row->most && (syn || !row->syn_only))
			row->parse(o, p + 2, bytes - 2);
		p += bytes;
		room -= bytes;
	}
}

int tcp_parse(struct tcp_segment *seg, struct span packet)
{
	const struct tcp_header *h = (const struct tcp_header *)packet.data;
	uint32_t header;

	_Static_assert(sizeof(*h) == TCP_HEADER_BYTES, "the header has no padding");
	if (packet.bytes < TCP_HEADER_BYTES)
		return -EBADMSG;
	header = (uint32_t)(h->offset >> 4) * 4;
	if (header < TCP_HEADER_BYTES || header > packet.bytes)
		return -EBADMSG;
	seg->source_port = be16_get(h->source);
	seg->destination_port = be16_get(h->destination);
	seg->seq = seq_make(be32_get(h->seq));
	seg->ack = seq_make(be32_get(h->ack));
	seg->window = be16_get(h->window);
	seg->urgent = be16_get(h->urgent);
	seg->flags = h->flags;
	seg->ae = h->offset & 1;
	seg->data = (struct span){packet.data + header, packet.bytes - header};
	seg->length = (uint32_t)seg->data.bytes + !!(h->flags & TCP_SYN) + !!(h->flags & TCP_FIN);
	seg->options.has_mss = seg->options.has_scale = seg->options.sack_permitted = false;
	seg->options.has_timestamps = seg->options.has_cookie = false;
	seg->options.cookie_experimental = false;
	seg->options.sack_count = 0;
	parse_options(&seg->options, packet.data + TCP_HEADER_BYTES, header - TCP_HEADER_BYTES,
	    h->flags & TCP_SYN);
	return 0;
}

/* ---- emitting: Linux's order and alignment ---- */

struct out {
	uint8_t *at;
};

static void put8(struct out *o, unsigned n)
{
	*o->at++ = (uint8_t)n;
}

static void put16(struct out *o, unsigned n)
{
	put8(o, n >> 8);
	put8(o, n);
}

static void put32(struct out *o, uint32_t n)
{
	put16(o, n >> 16);
	put16(o, n & 0xffff);
}

static void put_kind(struct out *o, unsigned kind, unsigned bytes)
{
	put8(o, kind);
	put8(o, bytes);
}

static void put_timestamps(struct out *out, const struct tcp_options *o)
{
	put_kind(out, TCP_OPTION_TIMESTAMPS, 10);
	put32(out, o->ts_value);
	put32(out, o->ts_echo);
}

static void put_cookie(struct out *out, const struct tcp_options *o)
{
	unsigned bytes = o->cookie_bytes;

	if (o->cookie_experimental) {
		put_kind(out, TCP_OPTION_EXPERIMENT, 4 + bytes);
		put16(out, FASTOPEN_MAGIC);
		bytes += 2;
	} else {
		put_kind(out, TCP_OPTION_FASTOPEN, 2 + bytes);
	}
	memcpy(out->at, o->cookie, o->cookie_bytes);
	out->at += o->cookie_bytes;
	for (bytes += 2; bytes % 4 != 0; bytes++)
		put8(out, TCP_OPTION_NOP);
}

/* SACK-permitted shares its word with the timestamps when both are there. */
static void put_options(struct out *out, const struct tcp_options *o)
{
	if (o->has_mss) {
		put_kind(out, TCP_OPTION_MSS, 4);
		put16(out, o->mss_bytes);
	}
	if (o->has_timestamps != o->sack_permitted)
		put16(out, TCP_OPTION_NOP << 8 | TCP_OPTION_NOP);
	if (o->sack_permitted)
		put_kind(out, TCP_OPTION_SACK_PERMITTED, 2);
	if (o->has_timestamps)
		put_timestamps(out, o);
	if (o->has_scale) {
		put8(out, TCP_OPTION_NOP);
		put_kind(out, TCP_OPTION_WINDOW_SCALE, 3);
		put8(out, o->scale);
	}
	if (o->sack_count) {
		put16(out, TCP_OPTION_NOP << 8 | TCP_OPTION_NOP);
		put_kind(out, TCP_OPTION_SACK, 2 + 8U * o->sack_count);
		for (unsigned i = 0; i < o->sack_count; i++) {
			put32(out, o->sack[i].first.n);
			put32(out, o->sack[i].end.n);
		}
	}
	if (o->has_cookie)
		put_cookie(out, o);
}

uint32_t tcp_options_bytes(const struct tcp_options *o)
{
	uint32_t bytes = 0;

	bytes += o->has_mss ? 4 : 0;
	bytes += o->has_timestamps ? 12 : o->sack_permitted ? 4 : 0;
	bytes += o->has_scale ? 4 : 0;
	bytes += o->sack_count ? 4 + 8U * o->sack_count : 0;
	if (o->has_cookie)
		bytes += (2U + (o->cookie_experimental ? 2U : 0U) + o->cookie_bytes + 3U) & ~3U;
	return bytes;
}

uint32_t tcp_emit(const struct tcp_segment *seg, uint8_t start[TCP_HEADER_BYTES + TCP_OPTIONS_MAX])
{
	struct tcp_header h = {
	    .source = be16_make(seg->source_port),
	    .destination = be16_make(seg->destination_port),
	    .seq = be32_make(seg->seq.n),
	    .ack = be32_make(seg->flags & TCP_ACK ? seg->ack.n : 0),
	    .flags = seg->flags,
	    .window = be16_make((uint16_t)seg->window),
	    .urgent = be16_make(seg->urgent),
	};
	struct out out = {start + TCP_HEADER_BYTES};
	uint32_t bytes;

	put_options(&out, &seg->options);
	bytes = (uint32_t)(out.at - start);
	h.offset = (uint8_t)(bytes / 4 << 4 | seg->ae);
	memcpy(start, &h, TCP_HEADER_BYTES);
	return bytes;
}

/* ---- printing ---- */

static void print_flags(struct text *t, const struct tcp_segment *seg)
{
	static const struct {
		enum tcp_flag flag;
		const char *letter;
	} letters[] = {{TCP_FIN, "F"}, {TCP_SYN, "S"}, {TCP_RST, "R"}, {TCP_PSH, "P"},
	    {TCP_URG, "U"}, {TCP_ECE, "E"}, {TCP_CWR, "W"}, {TCP_ACK, "."}};

	for (unsigned i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (seg->flags & letters[i].flag)
			text_put(t, letters[i].letter);
}

static void print_pair(struct text *t, const char *name, uint64_t a, const char *between, uint64_t b)
{
	text_put(t, name);
	text_put_number(t, a);
	text_put(t, between);
	text_put_number(t, b);
}

static void print_options(struct text *t, const struct tcp_options *o)
{
	if (o->has_mss) {
		text_put(t, " mss ");
		text_put_number(t, o->mss_bytes);
	}
	if (o->sack_permitted)
		text_put(t, " sackOK");
	if (o->has_timestamps)
		print_pair(t, " TS val ", o->ts_value, " ecr ", o->ts_echo);
	if (o->has_scale) {
		text_put(t, " wscale ");
		text_put_number(t, o->scale);
	}
	for (unsigned i = 0; i < o->sack_count; i++)
		print_pair(t, " sack ", o->sack[i].first.n, ":", o->sack[i].end.n);
	if (o->has_cookie) {
		text_put(t, " FO ");
		for (unsigned i = 0; i < o->cookie_bytes; i++)
			text_put_hex(t, o->cookie[i], 2);
	}
}

char *tcp_print(const struct tcp_segment *seg, char text[TCP_TEXT_BYTES])
{
	struct text t = text_into(text, TCP_TEXT_BYTES);

	print_flags(&t, seg);
	print_pair(&t, " ", seg->seq.n, ":", seq_add(seg->seq, (uint32_t)seg->data.bytes).n);
	text_put(&t, "(");
	text_put_number(&t, seg->data.bytes);
	text_put(&t, ")");
	if (seg->flags & TCP_ACK) {
		text_put(&t, " ack ");
		text_put_number(&t, seg->ack.n);
	}
	text_put(&t, " win ");
	text_put_number(&t, seg->window);
	if (seg->flags & TCP_URG) {
		text_put(&t, " urg ");
		text_put_number(&t, seg->urgent);
	}
	if (tcp_options_bytes(&seg->options)) {
		text_put(&t, " <");
		print_options(&t, &seg->options);
		text_put(&t, " >");
	}
	return text;
}
