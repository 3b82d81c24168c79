/* SPDX-License-Identifier: MIT */
/*
 * The TCP segment on the wire: RFC 9293 3.1 (header), 3.2 (options), RFC 7323 (window scale,
 * timestamps), 2018 (SACK), 7413 (fast open). Parse, emit, print; no state, no opinion about
 * whether a segment is acceptable.
 */
#ifndef STACK_WIRE_TCP_H
#define STACK_WIRE_TCP_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/base/bytes.h"
#include "stack/base/seq.h"

struct tcp_header {
	struct be16 source, destination;
	struct be32 seq, ack;
	uint8_t offset; /* header length in 32-bit words << 4; lowest bit: AE (AccECN) */
	uint8_t flags;
	struct be16 window, checksum, urgent;
};

#define TCP_HEADER_BYTES 20U
#define TCP_OPTIONS_MAX 40U
#define TCP_CHECKSUM_OFFSET 16U
#define TCP_SACK_BLOCKS_MAX 4U
#define TCP_COOKIE_MAX 16U

enum tcp_flag {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
	TCP_ECE = 0x40,
	TCP_CWR = 0x80,
};

/* OPTION(NAME, kind, least and most octets with kind and length; SYN only?) */
#define TCP_OPTIONS(OPTION)                                                                        \
	OPTION(MSS, 2, 4, 4, true)                                                                 \
	OPTION(WINDOW_SCALE, 3, 3, 3, true)                                                        \
	OPTION(SACK_PERMITTED, 4, 2, 2, true)                                                      \
	OPTION(SACK, 5, 10, 34, false)                                                             \
	OPTION(TIMESTAMPS, 8, 10, 10, false)                                                       \
	OPTION(FASTOPEN, 34, 2, 18, true)                                                          \
	OPTION(EXPERIMENT, 254, 4, 20, true)

enum tcp_option_kind {
	TCP_OPTION_END = 0,
	TCP_OPTION_NOP = 1,
#define OPTION(name, kind, least, most, syn) TCP_OPTION_##name = kind,
	TCP_OPTIONS(OPTION)
#undef OPTION
};

struct sack_block {
	struct seq first, end;
};

/* Every option that we know, in a form that needs no second look. */
struct tcp_options {
	bool has_mss, has_scale, sack_permitted, has_timestamps;
	bool has_cookie;            /* fast open; cookie_bytes 0 asks for one */
	bool cookie_experimental;   /* it came as kind 254 (RFC 7413 appendix A) */
	uint8_t scale;              /* as sent: may exceed 14 */
	uint8_t sack_count;
	uint8_t cookie_bytes;
	uint16_t mss_bytes;
	uint32_t ts_value, ts_echo;
	struct sack_block sack[TCP_SACK_BLOCKS_MAX];
	uint8_t cookie[TCP_COOKIE_MAX];
};

/* A parsed segment. data belongs to the packet. */
struct tcp_segment {
	uint16_t source_port, destination_port;
	struct seq seq, ack;
	uint32_t window; /* the field, not scaled */
	uint16_t urgent;
	uint8_t flags;
	bool ae;         /* the AE bit of AccECN */
	struct tcp_options options;
	struct span data;
	uint32_t length; /* SEG.LEN: data, and one each for SYN and FIN */
};

/* Takes a whole TCP packet apart. 0, or -EBADMSG when the header is cut short or lies about its
 * length. Options that are malformed are ignored from there on, as Linux does. */
int tcp_parse(struct tcp_segment *seg, struct span packet);

/* What an emitted header says; options as Linux orders them. Returns the header's length, a
 * multiple of 4 of at most 60; out has room for 60. The checksum field is left zero. */
uint32_t tcp_emit(const struct tcp_segment *seg, uint8_t out[TCP_HEADER_BYTES + TCP_OPTIONS_MAX]);
/* How many octets tcp_emit() spends on options. */
uint32_t tcp_options_bytes(const struct tcp_options *o);

/* "S. 1:1(0) ack 1 win 64240 <mss 1460,...>", the way of tcpdump. Returns text. */
#define TCP_TEXT_BYTES 320
char *tcp_print(const struct tcp_segment *seg, char text[TCP_TEXT_BYTES]);

#endif
