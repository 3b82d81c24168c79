/* SPDX-License-Identifier: MIT */
/* The UDP header (RFC 768): lengths that lie, octets behind the length, no checksum. */
#include "stack/wire/udp.h"
#include "tests/unit/cmocka_tap.h"

static void a_datagram_survives_the_wire(void **state)
{
	uint8_t octet[16] = {0};
	struct udp u;

	(void)state;
	udp_emit(octet, 1234, 53, 4);
	assert_true(udp_parse((struct span){octet, sizeof(octet)}, &u));
	assert_true(u.source_port == 1234 && u.destination_port == 53 && u.length_bytes == 12);
	assert_true(u.payload.bytes == 4 && u.payload.data == octet + 8 && u.datagram.bytes == 12);
	assert_false(u.has_checksum);
	octet[7] = 1;
	assert_true(udp_parse((struct span){octet, sizeof(octet)}, &u) && u.has_checksum);
}

static void lying_lengths_are_refused(void **state)
{
	uint8_t octet[16] = {0};
	struct udp u;

	(void)state;
	udp_emit(octet, 1, 2, 8);
	for (size_t bytes = 0; bytes < 16; bytes++)
		assert_false(udp_parse((struct span){octet, bytes}, &u));
	octet[5] = 7;
	assert_false(udp_parse((struct span){octet, 16}, &u));
	octet[5] = 8;
	assert_true(udp_parse((struct span){octet, 16}, &u) && u.payload.bytes == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_datagram_survives_the_wire),
	    cmocka_unit_test(lying_lengths_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
