/* SPDX-License-Identifier: MIT */
/* IP's way out: fragments, DF, identifications, UDP_SEGMENT, checksums with and without a driver that
 * completes them. */
#include <errno.h>
#include <linux/udp.h>
#include <netinet/in.h>

#include "tests/unit/frames.h"

static int send_bytes(struct host *h, struct socket *so, size_t bytes, uint16_t gso_bytes)
{
	static const uint8_t data[66000];
	struct datagram d = {.remote = at(THEIR_ADDRESS, 9), .local = ip_from_v4(0), .ttl = -1, .tos = -1, .gso_bytes = gso_bytes};

	return socket_send_datagram(so, &d, (struct span){data, bytes}, h->now_ns);
}

static bool udp_sum_is_right(const struct built *b, const struct print_facts *f)
{
	uint32_t bytes = b->bytes - 34;
	struct checksum c = checksum_pseudo_header(&f->source.addr, &f->destination.addr, 17, bytes);

	return be16_get(checksum_finish(checksum_add(c, b->octet + 34, bytes))) == 0;
}

static void a_small_packet_goes_whole_with_df(void **state)
{
	struct host *h = *state;
	struct heard heard;
	struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &heard);
	struct built b;
	struct print_facts facts;
	uint16_t id;

	host_meets_peer(h);
	assert_int_equal(send_bytes(h, so, 1472, 0), 0);
	assert_true(host_output(h, &b, &facts));
	assert_int_equal(b.bytes, 1514);
	assert_true(facts.dont_fragment && !facts.more_fragments);
	assert_true(udp_sum_is_right(&b, &facts));
	id = facts.ip_id;
	assert_int_equal(send_bytes(h, so, 1, 0), 0);
	assert_true(host_output(h, &b, &facts));
	assert_int_equal(facts.ip_id, (uint16_t)(id + 1));
	assert_true(udp_sum_is_right(&b, &facts));
}

static void a_large_packet_goes_in_fragments(void **state)
{
	struct host *h = *state;
	struct heard heard;
	struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &heard);
	struct built b;
	struct print_facts facts;
	uint32_t at = 0;
	uint16_t id = 0;

	host_meets_peer(h);
	assert_int_equal(send_bytes(h, so, 4000, 0), 0);
	while (host_output(h, &b, &facts)) {
		assert_true(b.bytes <= 1514 && !facts.dont_fragment);
		assert_int_equal(facts.fragment_offset_bytes, at);
		if (at)
			assert_int_equal(facts.ip_id, id);
		id = facts.ip_id;
		at += b.bytes - 34;
		assert_int_equal(facts.more_fragments, at < 4008);
	}
	assert_int_equal(at, 4008);
	assert_int_equal(host_counter(h, "ip_fragments_out"), 3);
}

static void df_that_does_not_fit_is_refused(void **state)
{
	struct host *h = *state;
	struct heard heard;
	struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &heard);
	struct built b;
	struct print_facts facts;

	host_meets_peer(h);
	set_int(h, so, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
	assert_int_equal(send_bytes(h, so, 1473, 0), -EMSGSIZE);
	assert_int_equal(send_bytes(h, so, 1472, 0), 0);
	assert_true(host_output(h, &b, &facts) && facts.dont_fragment);
	set_int(h, so, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
	assert_int_equal(send_bytes(h, so, 10, 0), 0);
	assert_true(host_output(h, &b, &facts) && !facts.dont_fragment);
}

/* UDP_SEGMENT where the driver cannot cut: each piece is a datagram of its own. */
static void a_train_is_cut_here(void **state)
{
	struct host *h = *state;
	struct heard heard;
	struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &heard);
	struct built b;
	struct print_facts facts;

	host_meets_peer(h);
	assert_int_equal(send_bytes(h, so, 2500, 1000), 0);
	for (uint32_t left = 2500; left > 0; left -= facts.payload_bytes) {
		assert_true(host_output(h, &b, &facts));
		assert_int_equal(facts.payload_bytes, left < 1000 ? left : 1000);
		assert_true(udp_sum_is_right(&b, &facts));
	}
	assert_false(host_output(h, &b, &facts));
}

/* A driver that cuts and sums gets the train whole, with what it needs to do so. */
static void a_train_is_left_to_the_driver(void **state)
{
	struct host *h = *state;
	const struct interface_config link = {.name = "fast0", .mac = {{2, 0, 0, 0, 0, 3}}, .mtu_bytes = 1500,
	    .gso_udp = true, .checksum_offload = true};
	const struct prefix address = {ip_from_v4(0x0a000001), 24};
	int index = stack_interface_add(h->stack, &link);
	struct heard heard;
	struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, &heard);
	static const uint8_t data[2500];
	struct datagram d = {.remote = at(0x0a000002, 9), .local = ip_from_v4(0), .ttl = -1, .tos = -1, .gso_bytes = 1000};
	struct frame_out f;

	assert_int_equal(stack_address_add(h->stack, (uint32_t)index, &address, false, h->now_ns), 0);
	assert_int_equal(socket_send_datagram(so, &d, (struct span){data, sizeof(data)}, h->now_ns), 0);
	assert_true(stack_output(h->stack, &f, h->now_ns));
	assert_int_equal(f.gso, FRAME_GSO_UDP);
	assert_int_equal(f.gso_bytes, 1000);
	assert_int_equal(f.gso_header_bytes, 28);
	assert_true(f.checksum_needed && f.checksum_start == 20 && f.checksum_offset == 6);
	assert_int_equal(frame_header_bytes(&f), 28);
	assert_int_equal(frame_bytes(&f), 2528);
	assert_false(stack_output(h->stack, &f, h->now_ns));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    HOST_TEST(a_small_packet_goes_whole_with_df), HOST_TEST(a_large_packet_goes_in_fragments),
	    HOST_TEST(df_that_does_not_fit_is_refused), HOST_TEST(a_train_is_cut_here),
	    HOST_TEST(a_train_is_left_to_the_driver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
