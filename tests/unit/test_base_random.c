/* SPDX-License-Identifier: MIT */
/* SipHash-2-4 against its authors' published vectors, and the numbers drawn from it. */
#include "tests/unit/cmocka_tap.h"

#include "stack/base/random.h"

/* Key 00..0f, message 00..n-1: first lines of the reference table of the SipHash paper's code. */
static void is_siphash_2_4(void **state)
{
	const struct hash_key key = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
	uint8_t message[15];

	(void)state;
	for (uint8_t i = 0; i < 15; i++)
		message[i] = i;
	assert_true(siphash(&key, message, 0) == UINT64_C(0x726fdb47dd0e0e31));
	assert_true(siphash(&key, message, 15) == UINT64_C(0xa129ca6149be45e5)); /* appendix A */
}

/* The same secret gives the same numbers, another gives others, and a limit is kept. */
static void draws_repeat_and_stay_below(void **state)
{
	struct random a = {.key = {1, 2}}, b = {.key = {1, 2}}, c = {.key = {1, 3}};
	int same = 0;
	unsigned seen[10] = {0};

	(void)state;
	for (int i = 0; i < 1000; i++) {
		uint64_t n = random_next(&a);

		assert_true(n == random_next(&b));
		same += n == random_next(&c);
		seen[random_below(&a, 10)]++;
		random_below(&b, 10);
	}
	assert_int_equal(same, 0);
	for (int i = 0; i < 10; i++)
		assert_true(seen[i] > 50 && seen[i] < 200);
	assert_int_equal(random_below(&a, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(is_siphash_2_4),
	    cmocka_unit_test(draws_repeat_and_stay_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
