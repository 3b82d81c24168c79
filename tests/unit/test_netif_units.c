/* SPDX-License-Identifier: MIT */
/*
 * The story: `--loss 3% --delay 10ms --rate 100mbit` means what the reader thinks, and what cannot
 * be understood is refused instead of guessed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "netif/units.h"

static void percentages(void **state)
{
	double p = -1;

	(void)state;
	assert_int_equal(units_parse_percent("3%", &p), 0);
	assert_float_equal(p, 0.03, 1e-12);
	assert_int_equal(units_parse_percent("3", &p), 0);
	assert_float_equal(p, 0.03, 1e-12);
	assert_int_equal(units_parse_percent("0.5%", &p), 0);
	assert_float_equal(p, 0.005, 1e-12);
	assert_int_equal(units_parse_percent("100%", &p), 0);
	assert_float_equal(p, 1, 0);
	assert_int_equal(units_parse_percent("0", &p), 0);
	assert_float_equal(p, 0, 0);
	assert_int_equal(units_parse_percent("100.1%", &p), -ERANGE);
}

static void durations(void **state)
{
	uint64_t ns = 1;

	(void)state;
	assert_int_equal(units_parse_duration("10ms", &ns), 0);
	assert_int_equal(ns, 10000000);
	assert_int_equal(units_parse_duration("1.5s", &ns), 0);
	assert_int_equal(ns, 1500000000);
	assert_int_equal(units_parse_duration("250us", &ns), 0);
	assert_int_equal(ns, 250000);
	assert_int_equal(units_parse_duration("7ns", &ns), 0);
	assert_int_equal(ns, 7);
	assert_int_equal(units_parse_duration("2M", &ns), 0);
	assert_int_equal(ns, 120000000000);
	assert_int_equal(units_parse_duration("0", &ns), 0);
	assert_int_equal(ns, 0);
	assert_int_equal(units_parse_duration("10", &ns), -EINVAL);
	assert_int_equal(units_parse_duration("9999999999999999999s", &ns), -ERANGE);
}

static void rates_and_sizes(void **state)
{
	uint64_t n = 1;

	(void)state;
	assert_int_equal(units_parse_rate("100mbit", &n), 0);
	assert_int_equal(n, 100000000);
	assert_int_equal(units_parse_rate("2.5Gbit", &n), 0);
	assert_int_equal(n, 2500000000);
	assert_int_equal(units_parse_rate("9600bit", &n), 0);
	assert_int_equal(n, 9600);
	assert_int_equal(units_parse_rate("0", &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(units_parse_rate("100", &n), -EINVAL);
	assert_int_equal(units_parse_rate("100mbps", &n), -EINVAL);
	assert_int_equal(units_parse_bytes("65536", &n), 0);
	assert_int_equal(n, 65536);
	assert_int_equal(units_parse_bytes("256k", &n), 0);
	assert_int_equal(n, 262144);
	assert_int_equal(units_parse_bytes("1MiB", &n), 0);
	assert_int_equal(n, 1048576);
}

static void nonsense_is_refused(void **state)
{
	static const char *const nonsense[] = {
	    "", "%", "-1%", "+1", " 1%", "1 %", "1%%", "0x10", "1e1", "nan", "inf", ".", "1,5%", "ms"};
	uint64_t n = 42;
	double p = 42;

	(void)state;
	for (unsigned i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		assert_int_equal(units_parse_percent(nonsense[i], &p), -EINVAL);
		assert_int_equal(units_parse_duration(nonsense[i], &n), -EINVAL);
		assert_int_equal(units_parse_rate(nonsense[i], &n), -EINVAL);
		assert_int_equal(units_parse_bytes(nonsense[i], &n), -EINVAL);
	}
	assert_int_equal(units_parse_duration(NULL, &n), -EINVAL);
	/* A refused text changes nothing. */
	assert_int_equal(n, 42);
	assert_float_equal(p, 42, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(percentages),
	    cmocka_unit_test(durations),
	    cmocka_unit_test(rates_and_sizes),
	    cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
