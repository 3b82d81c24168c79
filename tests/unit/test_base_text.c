/* SPDX-License-Identifier: MIT */
/* Text that does not fit is cut, and always ends. */
#include "tests/unit/cmocka_tap.h"

#include "stack/base/text.h"

static void numbers_have_their_digits(void **state)
{
	char buffer[64];
	struct text t = text_into(buffer, sizeof(buffer));

	(void)state;
	text_put(&t, "a ");
	text_put_number(&t, 0);
	text_put(&t, " ");
	text_put_number(&t, UINT64_MAX);
	text_put(&t, " ");
	text_put_hex(&t, 0xab, 4);
	text_put_hex(&t, 0, 1);
	assert_string_equal(buffer, "a 0 18446744073709551615 00ab0");
}

static void what_does_not_fit_is_cut(void **state)
{
	char buffer[5] = {'x', 'x', 'x', 'x', 'x'};
	struct text t = text_into(buffer, 4);

	(void)state;
	text_put(&t, "abcdef");
	text_put_number(&t, 7);
	assert_string_equal(buffer, "abc");
	assert_int_equal(buffer[4], 'x');
	t = text_into(buffer, 1);
	text_put(&t, "abc");
	assert_string_equal(buffer, "");
}

static void strings_are_measured_and_compared(void **state)
{
	(void)state;
	assert_int_equal(text_length(""), 0);
	assert_int_equal(text_length("eth0"), 4);
	assert_true(text_equal("eth0", "eth0") && text_equal("", ""));
	assert_false(text_equal("eth0", "eth") || text_equal("eth", "eth0") || text_equal("eth0", "eth1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers_have_their_digits),
	    cmocka_unit_test(what_does_not_fit_is_cut),
	    cmocka_unit_test(strings_are_measured_and_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
