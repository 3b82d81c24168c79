/* SPDX-License-Identifier: MIT */
/* Ready-made packets: built with room in front, queued within bounds, pulled as frames that stay
 * valid as long as promised. */
#include <errno.h>

#include "stack/protocol/packet.h"
#include "tests/unit/host_fixture.h"

/* Headers are pushed in front of what is there, and the checksum's place moves along. */
static void headers_go_in_front(void **state)
{
	struct host *h = *state;
	struct packet *p = packet_make(h->stack, 5);

	assert_non_null(p);
	memcpy(packet_data(p), "hello", 5);
	p->checksum_start = 2;
	memcpy(packet_push(p, 3), "IP:", 3);
	assert_int_equal(p->bytes, 8);
	assert_int_equal(p->checksum_start, 5);
	assert_memory_equal(packet_data(p), "IP:hello", 8);
	packet_free(h->stack, p);
}

/* What is pulled is what was queued, in order; its octets live until they are released. */
static void a_queue_keeps_order_and_octets(void **state)
{
	struct host *h = *state;
	struct packet_queue q;
	struct frame_out f;
	uint8_t seen[400];

	packet_queue_init(&q, 10, 1 << 20);
	for (uint8_t i = 0; i < 3; i++) {
		struct packet *p = packet_make(h->stack, 300);

		memset(packet_data(p), 'a' + i, 300);
		assert_int_equal(packet_queue_append(h->stack, &q, p), 0);
	}
	for (uint8_t i = 0; i < 3; i++) {
		assert_true(packet_queue_pull(h->stack, &q, &f));
		assert_int_equal(frame_flatten(&f, seen, sizeof(seen)), 300);
		assert_true(seen[0] == 'a' + i && seen[299] == 'a' + i);
	}
	assert_false(packet_queue_pull(h->stack, &q, &f));
	packets_release_spent(h->stack);
}

/* A full queue refuses, frees and counts: by packets and by bytes. */
static void a_full_queue_refuses(void **state)
{
	struct host *h = *state;
	struct packet_queue q;
	uint64_t before = h->stack->counters.ip_out_no_memory;

	packet_queue_init(&q, 2, 1 << 20);
	assert_int_equal(packet_queue_append(h->stack, &q, packet_make(h->stack, 10)), 0);
	assert_int_equal(packet_queue_append(h->stack, &q, packet_make(h->stack, 10)), 0);
	assert_int_equal(packet_queue_append(h->stack, &q, packet_make(h->stack, 10)), -ENOBUFS);
	assert_int_equal(q.count, 2);
	packet_queue_clear(h->stack, &q);
	packet_queue_init(&q, 100, 1000);
	assert_int_equal(packet_queue_append(h->stack, &q, packet_make(h->stack, 2000)), 0);
	assert_false(packet_queue_has_room(&q));
	assert_int_equal(packet_queue_append(h->stack, &q, packet_make(h->stack, 1)), -ENOBUFS);
	packet_queue_clear(h->stack, &q);
	assert_int_equal(h->stack->counters.ip_out_no_memory - before, 2);
}

static void no_memory_is_told(void **state)
{
	struct host *h = *state;

	h->memory.takes_left = 0;
	assert_null(packet_make(h->stack, 10));
	h->memory.takes_left = -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    HOST_TEST(headers_go_in_front),
	    HOST_TEST(a_queue_keeps_order_and_octets),
	    HOST_TEST(a_full_queue_refuses),
	    HOST_TEST(no_memory_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
