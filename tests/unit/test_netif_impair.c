/* SPDX-License-Identifier: MIT */
/*
 * The story: a bad wire is only useful when it is bad in exactly the way that was asked for, and in
 * the same way again for the same seed.
 */
#include "netif/impair.h"
#include "netif/segment.h"
#include "tests/unit/netif_frames.h"

#define FRAMES 20000U
#define FRAME_BYTES 1000U

/* Frame number n: its number is in the first four octets. Not IP, so never corrupted. */
static void push_number(struct impair *im, uint32_t n, uint64_t now_ns)
{
	uint8_t data[FRAME_BYTES] = {0};

	memcpy(data, &n, sizeof(n));
	assert_int_equal(impair_push(im, data, sizeof(data), true, now_ns), 0);
}

static uint32_t number_of(const struct impair_frame *frame)
{
	uint32_t n;

	memcpy(&n, frame->data, sizeof(n));
	return n;
}

/* What came out, in order. */
struct arrivals {
	uint32_t number[2 * FRAMES];
	uint64_t time_ns[2 * FRAMES];
	uint32_t count;
};

static struct arrivals *drain(struct impair *im)
{
	struct arrivals *a = calloc(1, sizeof(*a));
	uint64_t now_ns;

	assert_non_null(a);
	while ((now_ns = impair_deadline(im)) != TIME_NEVER) {
		struct impair_frame *frame;

		if (now_ns)
			assert_null(impair_pop(im, now_ns - 1));
		frame = impair_pop(im, now_ns);
		assert_non_null(frame);
		a->number[a->count] = number_of(frame);
		a->time_ns[a->count++] = now_ns;
		impair_give_back(im, frame);
	}
	return a;
}

/* All frames at once through a wire of this kind. */
static struct arrivals *through(struct fault_config config, struct impair_counters *counters)
{
	struct impair im;
	struct arrivals *a;

	impair_init(&im, &config, 0);
	for (uint32_t n = 0; n < FRAMES; n++)
		push_number(&im, n, 0);
	a = drain(&im);
	if (counters)
		*counters = im.counters;
	assert_int_equal(im.held_bytes, 0);
	impair_destroy(&im);
	return a;
}

static bool about(double value, double wanted)
{
	return value > wanted * 0.9 && value < wanted * 1.1;
}

static void good_wire_changes_nothing(void **state)
{
	struct arrivals *a = through((struct fault_config){.seed = 1}, NULL);

	(void)state;
	assert_int_equal(a->count, FRAMES);
	for (uint32_t n = 0; n < FRAMES; n++) {
		assert_int_equal(a->number[n], n);
		assert_int_equal(a->time_ns[n], 0);
	}
	free(a);
}

static void loss_is_as_much_as_was_asked_for(void **state)
{
	struct impair_counters c;
	struct arrivals *a = through((struct fault_config){.seed = 1, .loss = 0.1}, &c);

	(void)state;
	assert_true(about(FRAMES - a->count, 0.1 * FRAMES));
	assert_int_equal(c.lost, FRAMES - a->count);
	for (uint32_t i = 1; i < a->count; i++)
		assert_true(a->number[i] > a->number[i - 1]);
	free(a);
}

static void duplicates_follow_their_original(void **state)
{
	struct impair_counters c;
	struct arrivals *a = through((struct fault_config){.seed = 1, .duplicate = 0.05}, &c);
	uint32_t twice = 0;

	(void)state;
	for (uint32_t i = 1; i < a->count; i++)
		twice += a->number[i] == a->number[i - 1];
	assert_int_equal(a->count, FRAMES + twice);
	assert_int_equal(c.duplicated, twice);
	assert_true(about(twice, 0.05 * FRAMES));
	free(a);
}

/* A reordered frame is overtaken by one to three that came after it, and none is lost. */
static void reordering_is_near_and_complete(void **state)
{
	struct impair_counters c;
	struct arrivals *a = through((struct fault_config){.seed = 1, .reorder = 0.05}, &c);
	static uint8_t seen[FRAMES];
	uint32_t late = 0, highest = 0;

	(void)state;
	assert_int_equal(a->count, FRAMES);
	assert_true(about((double)c.reordered, 0.05 * FRAMES));
	for (uint32_t i = 0; i < a->count; i++) {
		seen[a->number[i]]++;
		if (a->number[i] < highest) {
			late++;
			assert_true(highest - a->number[i] < 16);
		} else {
			highest = a->number[i];
		}
	}
	assert_true(about(late, 0.05 * FRAMES));
	for (uint32_t n = 0; n < FRAMES; n++)
		assert_int_equal(seen[n], 1);
	free(a);
}

/* With nothing behind it that could overtake it, a frame is late and not lost. */
static void last_frame_is_not_held_for_ever(void **state)
{
	struct fault_config config = {.seed = 1, .reorder = 1};
	struct impair im;
	struct arrivals *a;

	(void)state;
	impair_init(&im, &config, 0);
	push_number(&im, 7, 1000);
	assert_int_equal(impair_deadline(&im), 1000 + IMPAIR_HOLD_NS);
	a = drain(&im);
	assert_int_equal(a->count, 1);
	free(a);
	impair_destroy(&im);
}

static void delay_varies_but_keeps_the_order(void **state)
{
	struct fault_config config = {.seed = 1, .delay_ns = 10 * NSEC_PER_MSEC, .jitter_ns = 2 * NSEC_PER_MSEC};
	struct impair im;
	struct impair_frame *frame;
	uint64_t shortest = TIME_NEVER, longest = 0;

	(void)state;
	impair_init(&im, &config, 0);
	for (uint32_t n = 0; n < 1000; n++) {
		uint64_t sent_ns = n * 20 * NSEC_PER_MSEC, spent_ns;

		push_number(&im, n, sent_ns);
		frame = impair_pop(&im, impair_deadline(&im));
		assert_int_equal(number_of(frame), n);
		spent_ns = frame->due_ns - sent_ns;
		shortest = spent_ns < shortest ? spent_ns : shortest;
		longest = spent_ns > longest ? spent_ns : longest;
		impair_give_back(&im, frame);
	}
	assert_in_range(shortest, 8000000, 8100000);
	assert_in_range(longest, 11900000, 12000000);
	/* Sent closer together than the jitter, they still arrive in order. */
	for (uint32_t n = 0; n < 1000; n++)
		push_number(&im, n, 30 * NSEC_PER_SEC + n * NSEC_PER_USEC);
	for (uint32_t n = 0; n < 1000; n++) {
		frame = impair_pop(&im, TIME_NEVER - 1);
		assert_int_equal(number_of(frame), n);
		impair_give_back(&im, frame);
	}
	impair_destroy(&im);
}

/* 8 Mbit/s is 1000 bytes a millisecond, and a queue of 10,000 bytes is ten frames behind the one
 * that is being sent. */
static void rate_and_queue(void **state)
{
	struct fault_config config = {.seed = 1, .rate_bits_per_s = 8000000, .queue_bytes = 10 * FRAME_BYTES};
	struct impair im;
	struct arrivals *a;

	(void)state;
	impair_init(&im, &config, 0);
	for (uint32_t n = 0; n < 30; n++)
		push_number(&im, n, 0);
	assert_int_equal(im.counters.queue_dropped, 20);
	push_number(&im, 30, 5 * NSEC_PER_MSEC); /* by now there is room again */
	a = drain(&im);
	assert_int_equal(a->count, 11);
	for (uint32_t i = 0; i < a->count; i++)
		assert_int_equal(a->time_ns[i], (i + 1) * NSEC_PER_MSEC);
	free(a);
	impair_destroy(&im);
}

static void queue_has_a_sensible_default(void **state)
{
	struct fault_config config = {.rate_bits_per_s = 10000000};

	(void)state;
	assert_int_equal(impair_queue_bytes(&config), IMPAIR_QUEUE_BYTES_MIN);
	config.rate_bits_per_s = 1000000000;
	config.delay_ns = 50 * NSEC_PER_MSEC;
	assert_int_equal(impair_queue_bytes(&config), 12500000); /* 1 Gbit/s for 100 ms */
	config.delay_ns = 50 * NSEC_PER_SEC;
	assert_int_equal(impair_queue_bytes(&config), IMPAIR_QUEUE_BYTES_MAX);
	config.queue_bytes = 1;
	assert_int_equal(impair_queue_bytes(&config), 1);
}

/* Whatever bit was flipped, the transport's checksum sees it. */
static void corruption_is_always_noticed(void **state)
{
	static const uint8_t protocols[] = {6, 17};
	static uint8_t room[SEGMENT_ROOM_BYTES];
	struct fault_config config = {.seed = 3, .corrupt = 1};
	uint8_t *payload = test_payload(300);
	struct impair im;

	(void)state;
	impair_init(&im, &config, 1);
	for (unsigned i = 0; i < 8000; i++) {
		struct test_frame t = {.version = i & 1 ? 4 : 6,
		    .protocol = protocols[i >> 1 & 1],
		    .link_header = true,
		    .payload = payload,
		    .payload_bytes = i % 300};
		struct impair_frame *frame;
		struct frame_out f;
		uint32_t bytes, different = 0, at = test_transport_at(&t);

		test_frame_build(&f, &t);
		bytes = frame_flatten(&f, room, sizeof(room));
		segment_complete_checksum(room, bytes, true);
		assert_int_equal(impair_push(&im, room, bytes, true, 0), 0);
		frame = impair_pop(&im, 0);
		assert_int_equal(frame->bytes, bytes);
		for (uint32_t k = 0; k < bytes; k++)
			different += frame->data[k] != room[k];
		assert_int_equal(different, 1);
		assert_memory_equal(frame->data, room, at);
		assert_true(test_checksum_right(&t, room, bytes));
		assert_false(test_checksum_right(&t, frame->data, bytes));
		assert_true(t.protocol != 17 || test_get_16(frame->data + at + 6) != 0);
		impair_give_back(&im, frame);
	}
	assert_int_equal(im.counters.corrupted, 8000);
	impair_destroy(&im);
	free(payload);
}

/* The same seed is the same wire; another seed, or the other direction, is another. A frame that
 * is lost is lost whatever else the wire does. */
static void seed_decides_everything(void **state)
{
	struct fault_config config = {.seed = 9, .loss = 0.1, .duplicate = 0.1, .reorder = 0.1,
	    .delay_ns = 1000000, .jitter_ns = 500000};
	struct arrivals *a = through(config, NULL), *b = through(config, NULL), *c;
	struct fault_config only_loss = {.seed = 9, .loss = 0.1};
	static bool survived[2][FRAMES];

	(void)state;
	assert_memory_equal(a, b, sizeof(*a));
	config.seed = 10;
	c = through(config, NULL);
	assert_memory_not_equal(a, c, sizeof(*a));
	free(c);
	c = through(only_loss, NULL);
	for (uint32_t i = 0; i < a->count; i++)
		survived[0][a->number[i]] = true;
	for (uint32_t i = 0; i < c->count; i++)
		survived[1][c->number[i]] = true;
	assert_memory_equal(survived[0], survived[1], sizeof(survived[0]));
	free(a);
	free(b);
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_wire_changes_nothing),
	    cmocka_unit_test(loss_is_as_much_as_was_asked_for),
	    cmocka_unit_test(duplicates_follow_their_original),
	    cmocka_unit_test(reordering_is_near_and_complete),
	    cmocka_unit_test(last_frame_is_not_held_for_ever),
	    cmocka_unit_test(delay_varies_but_keeps_the_order),
	    cmocka_unit_test(rate_and_queue),
	    cmocka_unit_test(queue_has_a_sensible_default),
	    cmocka_unit_test(corruption_is_always_noticed),
	    cmocka_unit_test(seed_decides_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
