/* SPDX-License-Identifier: MIT */
/* ARP as in RFC 826: the octets are those of a real request, and only IPv4 over Ethernet is ARP to us. */
#include "stack/wire/arp.h"
#include "tests/unit/cmocka_tap.h"

static const uint8_t request[ARP_BYTES] = {0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 192, 0, 2, 1,
    0, 0, 0, 0, 0, 0, 192, 0, 2, 2};

static void a_request_is_read_and_written(void **state)
{
	struct arp a;
	uint8_t out[ARP_BYTES];

	(void)state;
	assert_true(arp_parse((struct span){request, sizeof(request)}, &a));
	assert_int_equal(a.operation, ARP_REQUEST);
	assert_int_equal(ip_to_v4(&a.sender), 0xc0000201);
	assert_int_equal(ip_to_v4(&a.target), 0xc0000202);
	assert_int_equal(a.sender_mac.octet[5], 1);
	arp_emit(out, &a);
	assert_memory_equal(out, request, sizeof(request));
}

static void other_address_families_are_not_ours(void **state)
{
	struct arp a;

	(void)state;
	for (size_t at = 0; at < 6; at++) {
		uint8_t bent[ARP_BYTES];

		memcpy(bent, request, sizeof(bent));
		bent[at] ^= 1;
		assert_false(arp_parse((struct span){bent, sizeof(bent)}, &a));
	}
	for (size_t bytes = 0; bytes < ARP_BYTES; bytes++)
		assert_false(arp_parse((struct span){request, bytes}, &a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_request_is_read_and_written),
	    cmocka_unit_test(other_address_families_are_not_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
