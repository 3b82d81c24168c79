/* SPDX-License-Identifier: MIT */
/*
 * The TCP segment on the wire (RFC 9293 3.1, 3.2): what is emitted comes back, options stand in
 * Linux's order, and headers or options that lie are refused or passed over without reading a byte
 * too far (the sanitizers watch).
 */
#include "stack/wire/tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/cmocka_tap.h"

#define HEADER_MAX (TCP_HEADER_BYTES + TCP_OPTIONS_MAX)

static struct tcp_segment syn(void)
{
	struct tcp_segment seg = {.source_port = 1234, .destination_port = 80, .seq = {0xfffffff0},
	    .flags = TCP_SYN, .window = 64240};

	seg.options = (struct tcp_options){.has_mss = true, .mss_bytes = 1460, .sack_permitted = true,
	    .has_timestamps = true, .ts_value = 0x01020304, .has_scale = true, .scale = 7};
	return seg;
}

/* A copy that ends where the packet ends, so that reading further is seen. */
static int parse_exactly(struct tcp_segment *seg, const uint8_t *octet, size_t bytes)
{
	uint8_t *copy = malloc(bytes ? bytes : 1);
	int result;

	assert_non_null(copy);
	memcpy(copy, octet, bytes);
	result = tcp_parse(seg, (struct span){copy, bytes});
	seg->data.data = NULL;
	free(copy);
	return result;
}

static void a_syn_looks_like_linux(void **state)
{
	static const uint8_t options[20] = {2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7};
	struct tcp_segment seg = syn(), back;
	uint8_t octet[HEADER_MAX];
	uint32_t bytes = tcp_emit(&seg, octet);

	(void)state;
	assert_int_equal(bytes, 40);
	assert_int_equal(tcp_options_bytes(&seg.options), 20);
	assert_memory_equal(octet + TCP_HEADER_BYTES, options, sizeof(options));
	assert_int_equal(parse_exactly(&back, octet, bytes), 0);
	assert_true(back.flags == TCP_SYN && back.seq.n == 0xfffffff0 && back.window == 64240 && back.length == 1);
	assert_true(back.options.has_mss && back.options.mss_bytes == 1460 && back.options.sack_permitted);
	assert_true(back.options.has_timestamps && back.options.ts_value == 0x01020304 && back.options.scale == 7);
}

static void sack_blocks_come_back(void **state)
{
	struct tcp_segment seg = {.flags = TCP_ACK, .seq = {1}, .ack = {2}}, back;
	uint8_t octet[HEADER_MAX];
	uint32_t bytes;

	(void)state;
	seg.options.has_timestamps = true;
	seg.options.sack_count = 3;
	for (uint32_t i = 0; i < 3; i++)
		seg.options.sack[i] = (struct sack_block){{100 * i}, {100 * i + 50}};
	bytes = tcp_emit(&seg, octet);
	assert_int_equal(bytes, HEADER_MAX);
	assert_int_equal(parse_exactly(&back, octet, bytes), 0);
	assert_int_equal(back.options.sack_count, 3);
	assert_true(back.options.sack[2].first.n == 200 && back.options.sack[2].end.n == 250);
}

static void fast_open_cookies_come_back(void **state)
{
	(void)state;
	for (unsigned experimental = 0; experimental < 2; experimental++) {
		for (uint8_t n = 0; n <= 16; n = (uint8_t)(n ? n + 2 : 4)) {
			struct tcp_segment seg = {.flags = TCP_SYN}, back;
			uint8_t octet[HEADER_MAX];
			uint32_t bytes;

			seg.options.has_cookie = true;
			seg.options.cookie_experimental = experimental;
			seg.options.cookie_bytes = n;
			memset(seg.options.cookie, 0x5a, n);
			bytes = tcp_emit(&seg, octet);
			assert_int_equal(bytes, TCP_HEADER_BYTES + tcp_options_bytes(&seg.options));
			assert_int_equal(parse_exactly(&back, octet, bytes), 0);
			assert_true(back.options.has_cookie && back.options.cookie_bytes == n);
			assert_memory_equal(back.options.cookie, seg.options.cookie, n);
		}
	}
}

static void headers_that_lie_are_refused(void **state)
{
	struct tcp_segment seg = syn(), back;
	uint8_t octet[HEADER_MAX];
	uint32_t bytes = tcp_emit(&seg, octet);

	(void)state;
	for (size_t cut = 0; cut < bytes; cut++)
		assert_int_equal(parse_exactly(&back, octet, cut), -EBADMSG);
	octet[12] = 4 << 4;
	assert_int_equal(parse_exactly(&back, octet, bytes), -EBADMSG);
	octet[12] = 15 << 4;
	assert_int_equal(parse_exactly(&back, octet, bytes), -EBADMSG);
}

/* Each length from 0 to 255 of each option, where it does not fit, says nothing or ends the list. */
static void options_that_lie_are_passed_over(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 256; kind++) {
		for (unsigned length = 0; length < 256; length++) {
			uint8_t octet[TCP_HEADER_BYTES + 8] = {[12] = 7 << 4, [13] = TCP_SYN};
			struct tcp_segment back;

			octet[TCP_HEADER_BYTES] = (uint8_t)kind;
			octet[TCP_HEADER_BYTES + 1] = (uint8_t)length;
			assert_int_equal(parse_exactly(&back, octet, sizeof(octet)), 0);
			assert_true(back.options.sack_count <= TCP_SACK_BLOCKS_MAX);
			assert_true(back.options.cookie_bytes <= TCP_COOKIE_MAX || !back.options.has_cookie);
			assert_false(back.options.has_timestamps);
		}
	}
}

static void options_of_a_syn_count_in_a_syn_only(void **state)
{
	struct tcp_segment seg = syn(), back;
	uint8_t octet[HEADER_MAX];
	uint32_t bytes = tcp_emit(&seg, octet);

	(void)state;
	octet[13] = TCP_ACK;
	assert_int_equal(parse_exactly(&back, octet, bytes), 0);
	assert_true(back.options.has_timestamps);
	assert_false(back.options.has_mss || back.options.has_scale || back.options.sack_permitted);
}

/* Two SACK options and a zero MSS: the last list counts, and 0 is no size. */
static void odd_options(void **state)
{
	uint8_t octet[HEADER_MAX] = {[12] = 15 << 4, [13] = TCP_ACK};
	struct tcp_segment back;

	(void)state;
	octet[20] = 5, octet[21] = 18;
	octet[38] = 5, octet[39] = 10;
	octet[47] = 9;
	assert_int_equal(parse_exactly(&back, octet, sizeof(octet)), 0);
	assert_int_equal(back.options.sack_count, 1);
	assert_int_equal(back.options.sack[0].end.n, 9);
	memset(octet + 20, 0, 40);
	octet[13] = TCP_SYN;
	octet[20] = 2, octet[21] = 4;
	assert_int_equal(parse_exactly(&back, octet, sizeof(octet)), 0);
	assert_false(back.options.has_mss);
}

static void it_prints_like_tcpdump(void **state)
{
	struct tcp_segment seg = syn();
	char text[TCP_TEXT_BYTES];

	(void)state;
	seg.seq.n = 7;
	assert_string_equal(tcp_print(&seg, text), "S 7:7(0) win 64240 < mss 1460 sackOK TS val 16909060 ecr 0 wscale 7 >");
	seg = (struct tcp_segment){.flags = TCP_ACK | TCP_PSH | TCP_URG, .seq = {1}, .ack = {9}, .window = 5, .urgent = 3};
	seg.data.bytes = 4;
	assert_string_equal(tcp_print(&seg, text), "PU. 1:5(4) ack 9 win 5 urg 3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_syn_looks_like_linux),
	    cmocka_unit_test(sack_blocks_come_back),
	    cmocka_unit_test(fast_open_cookies_come_back),
	    cmocka_unit_test(headers_that_lie_are_refused),
	    cmocka_unit_test(options_that_lie_are_passed_over),
	    cmocka_unit_test(options_of_a_syn_count_in_a_syn_only),
	    cmocka_unit_test(odd_options),
	    cmocka_unit_test(it_prints_like_tcpdump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
