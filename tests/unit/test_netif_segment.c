/* SPDX-License-Identifier: MIT */
/*
 * The story: a 64 KiB segment that no card will cut for us must leave as the very frames that a
 * card would have made of it: every byte once and in order, and each frame right by itself.
 */
#include <errno.h>

#include "netif/layout.h"
#include "netif/segment.h"
#include "tests/unit/netif_frames.h"

#define PAYLOAD_BYTES 10000U
#define GSO_BYTES 1448U

struct seen {
	const struct test_frame *t;
	const uint8_t *payload;
	uint32_t payload_bytes; /* collected so far */
	unsigned pieces;
	int stop_after; /* 0: never */
};

static void judge_network(const struct seen *s, const uint8_t *data, uint32_t bytes)
{
	const uint8_t *ip = data + (s->t->link_header ? 14 : 0);

	if (s->t->version == 4) {
		assert_int_equal(test_get_16(ip + 2), bytes - (ip - data));
		assert_int_equal(test_get_16(ip + 4), (s->t->identification + s->pieces) & 0xffff);
		assert_int_equal(be16_get(checksum_finish(checksum_add((struct checksum){0}, ip, 20))), 0);
	} else {
		assert_int_equal(test_get_16(ip + 4), bytes - (ip - data) - 40);
	}
}

static void judge_transport(const struct seen *s, const uint8_t *at, uint32_t payload, bool last)
{
	uint8_t flags = s->t->flags;

	if (s->t->protocol == 17) {
		assert_int_equal(test_get_16(at + 4), 8 + payload);
		return;
	}
	if (!last)
		flags &= (uint8_t)~(TEST_FLAG_FIN | TEST_FLAG_PSH);
	if (s->pieces)
		flags &= (uint8_t)~TEST_FLAG_CWR;
	assert_int_equal(at[13], flags);
	assert_int_equal(test_get_32(at + 4), s->t->sequence + s->payload_bytes);
}

static int collect(void *context, const uint8_t *data, uint32_t bytes)
{
	struct seen *s = context;
	uint32_t at = test_transport_at(s->t);
	uint32_t header = at + test_transport_bytes(s->t);
	uint32_t payload = bytes - header;
	bool last = s->payload_bytes + payload == s->t->payload_bytes;

	judge_network(s, data, bytes);
	judge_transport(s, data + at, payload, last);
	assert_true(test_checksum_right(s->t, data, bytes));
	assert_memory_equal(data + header, s->payload + s->payload_bytes, payload);
	if (!last && s->t->gso_bytes)
		assert_int_equal(payload, s->t->gso_bytes);
	s->payload_bytes += payload;
	s->pieces++;
	return s->stop_after && (int)s->pieces == s->stop_after ? -ENOBUFS : 0;
}

static struct test_frame shape(unsigned version, uint8_t protocol, uint32_t payload_bytes, uint16_t gso_bytes)
{
	return (struct test_frame){.version = version,
	    .protocol = protocol,
	    .flags = TEST_FLAG_ACK | TEST_FLAG_PSH | TEST_FLAG_FIN | TEST_FLAG_CWR,
	    .sequence = 0xfffffe00U, /* wraps on the way */
	    .identification = 0xfffe,
	    .gso_bytes = gso_bytes,
	    .link_header = true,
	    .payload_bytes = payload_bytes};
}

static void cut_out(struct test_frame t, unsigned pieces)
{
	static uint8_t room[SEGMENT_ROOM_BYTES];
	struct seen s = {.t = &t};
	struct frame_out f;
	uint8_t *payload = test_payload(t.payload_bytes);

	t.payload = s.payload = payload;
	test_frame_build(&f, &t);
	assert_int_equal(segment_frame_out(&f, t.link_header, room, collect, &s), 0);
	assert_int_equal(s.payload_bytes, t.payload_bytes);
	assert_int_equal(s.pieces, pieces);
	free(payload);
}

static void out_is_cut_into_right_frames(void **state)
{
	static const uint8_t protocols[] = {LAYOUT_TCP, LAYOUT_UDP};

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		for (unsigned version = 4; version <= 6; version += 2) {
			cut_out(shape(version, protocols[i], PAYLOAD_BYTES, GSO_BYTES), 7);
			cut_out(shape(version, protocols[i], 65000, GSO_BYTES), 45);
			cut_out(shape(version, protocols[i], 3 * GSO_BYTES, GSO_BYTES), 3);
			cut_out(shape(version, protocols[i], 3 * GSO_BYTES + 1, GSO_BYTES), 4);
			cut_out(shape(version, protocols[i], 5, 1), 5);
			cut_out(shape(version, protocols[i], 100, GSO_BYTES), 1);
		}
}

static void out_without_link_header(void **state)
{
	struct test_frame t = shape(4, LAYOUT_TCP, PAYLOAD_BYTES, GSO_BYTES);

	(void)state;
	t.link_header = false;
	cut_out(t, 7);
	t.version = 6;
	cut_out(t, 7);
}

static void small_frame_only_gets_its_checksum(void **state)
{
	(void)state;
	for (unsigned version = 4; version <= 6; version += 2) {
		cut_out(shape(version, LAYOUT_TCP, 0, 0), 1);
		cut_out(shape(version, LAYOUT_TCP, 1447, 0), 1);
		cut_out(shape(version, LAYOUT_UDP, 33, 0), 1);
	}
}

/* A datagram whose sum comes out as zero says 0xffff: zero would mean that there is none. */
static void udp_sum_of_zero_is_all_ones(void **state)
{
	static uint8_t room[SEGMENT_ROOM_BYTES];
	struct test_frame t = shape(4, LAYOUT_UDP, 2, 0);
	struct seen s = {.t = &t};
	uint8_t payload[2] = {0, 0};
	struct frame_out f;
	struct checksum sum = {0};
	struct be16 complement;

	(void)state;
	t.payload = s.payload = payload;
	test_frame_build(&f, &t);
	sum = checksum_add(sum, frame_header(&f) + f.checksum_start, 8);
	complement = checksum_finish(sum);
	memcpy(payload, &complement, 2);
	assert_int_equal(segment_frame_out(&f, true, room, collect, &s), 0);
	assert_int_equal(test_get_16(room + f.checksum_start + 6), 0xffff);
}

static void emit_can_end_it(void **state)
{
	static uint8_t room[SEGMENT_ROOM_BYTES];
	struct test_frame t = shape(4, LAYOUT_TCP, PAYLOAD_BYTES, GSO_BYTES);
	struct seen s = {.t = &t, .stop_after = 3};
	uint8_t *payload = test_payload(t.payload_bytes);
	struct frame_out f;

	(void)state;
	t.payload = s.payload = payload;
	test_frame_build(&f, &t);
	assert_int_equal(segment_frame_out(&f, true, room, collect, &s), -ENOBUFS);
	assert_int_equal(s.pieces, 3);
	free(payload);
}

static int cut_in(struct test_frame *t, struct seen *s, uint32_t padding_bytes, uint32_t missing_bytes)
{
	static uint8_t room[SEGMENT_ROOM_BYTES], wire[SEGMENT_ROOM_BYTES];
	uint8_t *payload = test_payload(t->payload_bytes);
	struct frame_out f;
	struct frame_in in = {.data = wire, .checksum_verified = true};
	int result;

	t->payload = payload;
	test_frame_build(&f, t);
	in.bytes = frame_flatten(&f, wire, sizeof(wire)) + padding_bytes - missing_bytes;
	in.gso = f.gso;
	in.gso_bytes = f.gso_bytes;
	*s = (struct seen){.t = t, .payload = payload};
	result = segment_frame_in(&in, t->link_header, room, collect, s);
	free(payload);
	return result;
}

static void in_is_cut_the_same_way(void **state)
{
	struct seen s;

	(void)state;
	for (unsigned version = 4; version <= 6; version += 2)
		for (unsigned link = 0; link <= 1; link++) {
			struct test_frame t = shape(version, LAYOUT_TCP, PAYLOAD_BYTES, GSO_BYTES);

			t.link_header = link;
			assert_int_equal(cut_in(&t, &s, 0, 0), 0);
			assert_int_equal(s.pieces, 7);
			t.protocol = LAYOUT_UDP;
			assert_int_equal(cut_in(&t, &s, 0, 0), 0);
			assert_int_equal(s.pieces, 7);
			/* Not to be cut, but it never left this machine: the checksum is only begun. */
			t.gso_bytes = 0;
			t.payload_bytes = 1400;
			assert_int_equal(cut_in(&t, &s, 0, 0), 0);
			assert_int_equal(s.pieces, 1);
		}
}

static void in_that_lies_is_refused(void **state)
{
	struct test_frame t = shape(4, LAYOUT_TCP, PAYLOAD_BYTES, GSO_BYTES);
	struct seen s;

	(void)state;
	assert_int_equal(cut_in(&t, &s, 0, 1), -EBADMSG);
	assert_int_equal(cut_in(&t, &s, 0, PAYLOAD_BYTES + 20), -EBADMSG);
	assert_int_equal(cut_in(&t, &s, 4, 0), 0); /* padding is not payload */
}

static int count_bytes(void *context, const uint8_t *data, uint32_t bytes)
{
	(void)data;
	*(uint32_t *)context += bytes;
	return 0;
}

/* Every shortened or changed frame is either cut or refused, and never read beyond its end. */
static void in_never_reads_beyond_the_end(void **state)
{
	static uint8_t room[SEGMENT_ROOM_BYTES], wire[SEGMENT_ROOM_BYTES];
	struct test_frame t = shape(6, LAYOUT_TCP, 200, 50);
	uint8_t *payload = test_payload(t.payload_bytes);
	struct frame_out f;
	uint32_t bytes, sum = 0;

	(void)state;
	t.payload = payload;
	test_frame_build(&f, &t);
	bytes = frame_flatten(&f, wire, sizeof(wire));
	for (uint32_t length = 0; length <= bytes; length++)
		for (uint32_t changed = 0; changed < 90; changed++) {
			uint8_t *exact = malloc(length ? length : 1);
			struct frame_in in = {.data = exact, .bytes = length, .checksum_verified = true};

			memcpy(exact, wire, length);
			if (changed < length)
				exact[changed] ^= (uint8_t)(length * 37 + changed);
			segment_frame_in(&in, true, room, count_bytes, &sum);
			in.gso = changed % 2 ? FRAME_GSO_TCP_V6 : FRAME_GSO_UDP;
			in.gso_bytes = (uint16_t)(changed % 3 * 25);
			segment_frame_in(&in, true, room, count_bytes, &sum);
			free(exact);
		}
	assert_true(sum > 0);
	free(payload);
}

static void checksum_is_left_alone_where_there_is_none(void **state)
{
	static uint8_t wire[SEGMENT_ROOM_BYTES], before[SEGMENT_ROOM_BYTES];
	struct test_frame t = shape(4, LAYOUT_UDP, 64, 0);
	uint8_t *payload = test_payload(t.payload_bytes);
	struct frame_out f;
	uint32_t bytes;

	(void)state;
	t.payload = payload;
	test_frame_build(&f, &t);
	bytes = frame_flatten(&f, wire, sizeof(wire));
	test_put_16(wire + 14 + 20 + 6, 0); /* UDP without a checksum */
	memcpy(before, wire, bytes);
	segment_complete_checksum(wire, bytes, true);
	assert_memory_equal(wire, before, bytes);
	test_put_16(wire + 14 + 20 + 6, 0x1234);
	test_put_16(wire + 14 + 6, 0x2000); /* a first fragment */
	memcpy(before, wire, bytes);
	segment_complete_checksum(wire, bytes, true);
	assert_memory_equal(wire, before, bytes);
	free(payload);
}

/* A VLAN tag and IPv6's extension headers are stepped over to find the checksum. */
static void layout_steps_over_what_is_in_between(void **state)
{
	uint8_t data[14 + 4 + 40 + 8 + 16 + 20] = {0};
	struct layout at;

	(void)state;
	test_put_16(data + 12, 0x8100);
	test_put_16(data + 16, 0x86dd);
	data[18] = 0x60;
	test_put_16(data + 18 + 4, 8 + 16 + 20);
	data[18 + 6] = 0;      /* hop-by-hop options, 8 octets */
	data[58] = 60;         /* destination options, 16 octets */
	data[66] = LAYOUT_TCP;
	data[67] = 1;
	data[82 + 12] = 5 << 4;
	assert_true(layout_find(data, sizeof(data), true, &at));
	assert_int_equal(at.network, 18);
	assert_int_equal(at.transport, 82);
	assert_int_equal(at.payload, 102);
	assert_int_equal(at.end, sizeof(data));
	assert_false(at.fragment);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(out_is_cut_into_right_frames),
	    cmocka_unit_test(out_without_link_header),
	    cmocka_unit_test(small_frame_only_gets_its_checksum),
	    cmocka_unit_test(udp_sum_of_zero_is_all_ones),
	    cmocka_unit_test(emit_can_end_it),
	    cmocka_unit_test(in_is_cut_the_same_way),
	    cmocka_unit_test(in_that_lies_is_refused),
	    cmocka_unit_test(in_never_reads_beyond_the_end),
	    cmocka_unit_test(checksum_is_left_alone_where_there_is_none),
	    cmocka_unit_test(layout_steps_over_what_is_in_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
