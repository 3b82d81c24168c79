/* SPDX-License-Identifier: MIT */
/* What is emitted is parsed back, what is short is refused, groups map to group addresses. */
#include "stack/wire/ethernet.h"
#include "tests/unit/cmocka_tap.h"

static void a_header_survives_the_wire(void **state)
{
	uint8_t octet[20] = {0};
	struct ethernet in = {.destination = {{1, 2, 3, 4, 5, 6}}, .source = {{7, 8, 9, 10, 11, 12}}, .type = 0x86dd}, out;
	struct span payload;

	(void)state;
	ethernet_emit(octet, &in);
	assert_true(ethernet_parse((struct span){octet, sizeof(octet)}, &out, &payload));
	assert_true(mac_equal(&in.destination, &out.destination) && mac_equal(&in.source, &out.source));
	assert_int_equal(out.type, 0x86dd);
	assert_ptr_equal(payload.data, octet + 14);
	assert_int_equal(payload.bytes, 6);
}

static void a_short_frame_is_refused(void **state)
{
	uint8_t octet[14] = {0};
	struct ethernet out;
	struct span payload;

	(void)state;
	for (size_t bytes = 0; bytes < 14; bytes++)
		assert_false(ethernet_parse((struct span){octet, bytes}, &out, &payload));
	assert_true(ethernet_parse((struct span){octet, 14}, &out, &payload));
	assert_int_equal(payload.bytes, 0);
}

/* RFC 1112 6.4: the lower 23 bits. RFC 2464 7: the lower 32. */
static void groups_have_group_addresses(void **state)
{
	struct ip_addr v4 = ip_from_v4(0xe0ff0a0b), v6 = {.octet = {0xff, 2, [12] = 0xaa, 0xbb, 0xcc, 0xdd}};
	struct mac_addr four = ethernet_multicast(&v4), six = ethernet_multicast(&v6);

	(void)state;
	assert_memory_equal(four.octet, ((uint8_t[]){0x01, 0, 0x5e, 0x7f, 0x0a, 0x0b}), 6);
	assert_memory_equal(six.octet, ((uint8_t[]){0x33, 0x33, 0xaa, 0xbb, 0xcc, 0xdd}), 6);
	assert_true(mac_is_group(&four) && mac_is_group(&six) && mac_is_group(&ethernet_broadcast));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_header_survives_the_wire),
	    cmocka_unit_test(a_short_frame_is_refused),
	    cmocka_unit_test(groups_have_group_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
