/* SPDX-License-Identifier: MIT */
/* ICMP messages: read, written, and which of them tell of an error (RFC 792, RFC 1122 3.2.2). */
#include "stack/base/checksum.h"
#include "stack/wire/icmp.h"
#include "tests/unit/cmocka_tap.h"

static void a_message_survives_the_wire(void **state)
{
	uint8_t octet[12] = {[8] = 'a', 'b', 'c', 'd'};
	struct icmp in = {.type = ICMP_ECHO, .code = 0, .id = 0x1234, .sequence = 7}, out;
	struct be16 sum;

	(void)state;
	icmp_emit(octet, &in);
	sum = checksum_finish(checksum_add((struct checksum){0}, octet, sizeof(octet)));
	assert_false(icmp_parse((struct span){octet, sizeof(octet)}, true, &out));
	memcpy(octet + 2, &sum, sizeof(sum));
	assert_true(icmp_parse((struct span){octet, sizeof(octet)}, true, &out));
	assert_true(out.type == ICMP_ECHO && out.id == 0x1234 && out.sequence == 7 && out.payload.bytes == 4);
	octet[9] ^= 1;
	assert_false(icmp_parse((struct span){octet, sizeof(octet)}, true, &out));
	assert_true(icmp_parse((struct span){octet, sizeof(octet)}, false, &out));
	assert_false(icmp_parse((struct span){octet, 7}, false, &out));
}

static void errors_are_known_from_queries(void **state)
{
	static const uint8_t query[] = {0, 8, 9, 10, 13, 14, 15, 16, 17, 18};
	static const uint8_t error[] = {3, 4, 5, 11, 12, 1, 31, 40, 255};

	(void)state;
	for (size_t i = 0; i < sizeof(query); i++)
		assert_false(icmp_is_error(query[i]));
	for (size_t i = 0; i < sizeof(error); i++)
		assert_true(icmp_is_error(error[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_message_survives_the_wire),
	    cmocka_unit_test(errors_are_known_from_queries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
