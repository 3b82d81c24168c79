/* SPDX-License-Identifier: MIT */
/* Timers fire once, in order, never early; cancelling and moving work from anywhere. */
#include "tests/unit/cmocka_tap.h"

#include "stack/base/list.h"
#include "stack/base/random.h"
#include "stack/base/timer.h"
#include "tests/unit/memory.h"

#define COUNT 200

struct clock_hand {
	struct timer timer;
	uint64_t wanted_ns;
	int fired;
};

static struct {
	uint64_t last_due_ns;
	struct timer_heap *heap;
	struct timer *rearm;
} seen;

static void fire(struct timer *t, uint64_t now_ns)
{
	struct clock_hand *hand = container_of(t, struct clock_hand, timer);

	assert_false(timer_armed(t));
	assert_true(hand->wanted_ns <= now_ns);
	assert_true(hand->wanted_ns >= seen.last_due_ns);
	seen.last_due_ns = hand->wanted_ns;
	hand->fired++;
}

/* Two hundred timers, armed, moved and cancelled at random, fire exactly when they should. */
static void fire_in_order_and_never_early(void **state)
{
	TEST_MEMORY(mem);
	struct random random = {.key = {3, 4}};
	struct timer_heap heap;
	static struct clock_hand hand[COUNT];

	(void)state;
	timer_heap_init(&heap, &mem);
	assert_int_equal(timer_heap_deadline(&heap), TIME_NEVER);
	assert_int_equal(timer_heap_reserve(&heap, COUNT), 0);
	for (int i = 0; i < COUNT; i++)
		timer_init(&hand[i].timer, fire);
	for (uint64_t now = 0; now < 2000; now++) {
		uint64_t first = TIME_NEVER;

		for (int n = 0; n < 5; n++) {
			struct clock_hand *h = &hand[random_below(&random, COUNT)];

			if (random_below(&random, 4) == 0) {
				timer_cancel(&heap, &h->timer);
				h->wanted_ns = TIME_NEVER;
			} else {
				h->wanted_ns = now + random_below(&random, 300);
				timer_arm(&heap, &h->timer, h->wanted_ns);
			}
		}
		seen.last_due_ns = 0;
		timer_heap_run(&heap, now);
		for (int i = 0; i < COUNT; i++) {
			if (timer_armed(&hand[i].timer)) {
				assert_true(hand[i].wanted_ns > now);
				first = time_earlier(first, hand[i].wanted_ns);
			}
		}
		assert_int_equal(timer_heap_deadline(&heap), first);
	}
	timer_heap_destroy(&heap);
	assert_int_equal(mem_state.bytes_out, 0);
}

static void fire_and_arm_again(struct timer *t, uint64_t now_ns)
{
	container_of(t, struct clock_hand, timer)->fired++;
	timer_arm(seen.heap, t, now_ns);
}

/* A timer that arms itself for "now" does not keep the engine for ever: it waits for the next run. */
static void a_run_ends(void **state)
{
	TEST_MEMORY(mem);
	struct timer_heap heap;
	struct clock_hand hand = {.fired = 0};

	(void)state;
	timer_heap_init(&heap, &mem);
	assert_int_equal(timer_heap_reserve(&heap, 1), 0);
	seen.heap = &heap;
	timer_init(&hand.timer, fire_and_arm_again);
	timer_arm(&heap, &hand.timer, 5);
	assert_int_equal(timer_heap_run(&heap, 4), 0);
	assert_int_equal(timer_heap_run(&heap, 5), 1);
	assert_int_equal(timer_heap_run(&heap, 5), 1);
	assert_int_equal(hand.fired, 2);
	timer_cancel(&heap, &hand.timer);
	timer_cancel(&heap, &hand.timer); /* harmless */
	timer_heap_destroy(&heap);
}

static char order[4];

static void note_order(struct timer *t, uint64_t now_ns)
{
	static const struct clock_hand *base;

	(void)now_ns;
	if (!base)
		base = container_of(t, struct clock_hand, timer);
	for (int i = 0; i < 3; i++)
		if (!order[i]) {
			order[i] = (char)('a' + (container_of(t, struct clock_hand, timer) - base));
			break;
		}
}

/* What is due at the same instant fires in the order of arming: a run replays exactly. */
static void ties_keep_their_order(void **state)
{
	TEST_MEMORY(mem);
	struct timer_heap heap;
	static struct clock_hand hand[3];

	(void)state;
	timer_heap_init(&heap, &mem);
	assert_int_equal(timer_heap_reserve(&heap, 3), 0);
	for (int i = 0; i < 3; i++)
		timer_init(&hand[i].timer, note_order);
	for (int i = 0; i < 3; i++)
		timer_arm(&heap, &hand[i].timer, 10);
	timer_heap_run(&heap, 10);
	assert_string_equal(order, "abc");
	timer_heap_destroy(&heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fire_in_order_and_never_early),
	    cmocka_unit_test(a_run_ends),
	    cmocka_unit_test(ties_keep_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
