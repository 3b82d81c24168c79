/* SPDX-License-Identifier: MIT */
/* The Internet checksum against the definition (RFC 1071): a loop over 16-bit words. */
#include "tests/unit/cmocka_tap.h"

#include <string.h>

#include "stack/base/checksum.h"
#include "stack/base/random.h"

static uint16_t by_definition(const uint8_t *data, size_t bytes)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < bytes; i++) {
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)~sum;
}

/* Every length, every alignment: the wide sum is the plain sum. */
static void is_the_sum_of_rfc_1071(void **state)
{
	struct random random = {.key = {5, 6}};
	uint8_t data[300];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)random_next(&random);
	memset(data + 200, 0xff, 100); /* carries */
	for (size_t from = 0; from < 16; from++)
		for (size_t bytes = 0; from + bytes <= sizeof(data); bytes++)
			assert_int_equal(be16_get(checksum_finish(checksum_add((struct checksum){0}, data + from, bytes))),
			    by_definition(data + from, bytes));
}

/* The example of RFC 1071 section 3. */
static void sums_the_rfc_s_example(void **state)
{
	const uint8_t data[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
	struct checksum c = checksum_add((struct checksum){0}, data, sizeof(data));

	(void)state;
	assert_int_equal(be16_get(checksum_partial(c)), 0xddf2);
	assert_int_equal(be16_get(checksum_finish(c)), 0x220d);
}

/* A message in pieces has the sum of the whole, wherever it is cut. */
static void pieces_add_up(void **state)
{
	uint8_t data[101];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 37 + 11);
	for (size_t cut = 0; cut <= sizeof(data); cut++) {
		struct checksum c = checksum_add((struct checksum){0}, data, cut);

		c = cut % 2 ? checksum_add_odd(c, data + cut, sizeof(data) - cut)
			    : checksum_add(c, data + cut, sizeof(data) - cut);
		assert_int_equal(be16_get(checksum_finish(c)), by_definition(data, sizeof(data)));
	}
}

/* RFC 9293 3.1: the pseudo-header is what a receiver with the same fields sums, in both families. */
static void the_pseudo_header_has_its_fields(void **state)
{
	struct ip_addr a4 = ip_from_v4(0xc0000201), b4 = ip_from_v4(0xc0000202);
	struct ip_addr a6 = {{0x20, 0x01, 0x0d, 0xb8, [15] = 1}}, b6 = {{0x20, 0x01, 0x0d, 0xb8, [15] = 2}};
	const uint8_t v4[] = {192, 0, 2, 1, 192, 0, 2, 2, 0, 6, 0x12, 0x34};
	uint8_t v6[40] = {0};

	(void)state;
	assert_int_equal(be16_get(checksum_finish(checksum_pseudo_header(&a4, &b4, 6, 0x1234))),
	    by_definition(v4, sizeof(v4)));
	memcpy(v6, a6.octet, 16);
	memcpy(v6 + 16, b6.octet, 16);
	v6[33] = 1; /* 0x00011234 */
	v6[34] = 0x12;
	v6[35] = 0x34;
	v6[39] = 6;
	assert_int_equal(be16_get(checksum_finish(checksum_pseudo_header(&a6, &b6, 6, 0x11234))),
	    by_definition(v6, sizeof(v6)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(is_the_sum_of_rfc_1071),
	    cmocka_unit_test(sums_the_rfc_s_example),
	    cmocka_unit_test(pieces_add_up),
	    cmocka_unit_test(the_pseudo_header_has_its_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
