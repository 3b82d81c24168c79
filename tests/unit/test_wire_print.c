/* SPDX-License-Identifier: MIT */
/* Frames as lines: the words that a reader of the log sees, and that broken frames are shown, too. */
#include "tests/unit/frames.h"

static void line_of(const struct built *b, char line[PRINT_LINE_BYTES], struct print_facts *facts)
{
	struct frame_in f = {.data = b->octet, .bytes = b->bytes};

	print_frame_in(&f, true, facts, line);
}

#define assert_line(b, expected)                                                                   \
	do {                                                                                       \
		char line_[PRINT_LINE_BYTES];                                                      \
		struct print_facts facts_;                                                         \
                                                                                                   \
		line_of(b, line_, &facts_);                                                        \
		assert_string_equal(line_, expected);                                              \
	} while (0)

static void arp_speaks(void **state)
{
	struct built b;

	(void)state;
	build_arp(&b, ARP_REQUEST, THEIR_ADDRESS, OUR_ADDRESS);
	assert_line(&b, "ARP who has 192.0.2.2? tell 192.0.2.1");
	build_arp(&b, ARP_REPLY, THEIR_ADDRESS, OUR_ADDRESS);
	assert_line(&b, "ARP 192.0.2.1 is at 02:00:00:00:00:01");
	build_arp(&b, ARP_REQUEST, 0, OUR_ADDRESS);
	assert_line(&b, "ARP probe: who has 192.0.2.2");
	build_arp(&b, ARP_REQUEST, THEIR_ADDRESS, THEIR_ADDRESS);
	assert_line(&b, "ARP announcement: 192.0.2.1 is at 02:00:00:00:00:01");
}

static void transports_speak(void **state)
{
	struct built b;
	struct ipv4 ip = ip_to_us(6);
	struct tcp_segment seg = {.source_port = 1, .destination_port = 2, .seq = {100}, .window = 5, .flags = TCP_SYN};
	uint8_t octet[TCP_HEADER_BYTES + TCP_OPTIONS_MAX] = {0};
	char line[PRINT_LINE_BYTES];
	struct print_facts facts;
	uint32_t header_bytes;

	(void)state;
	build_udp(&b, 1000, 53, "question", 8);
	assert_line(&b, "IP 192.0.2.1:1000 > 192.0.2.2:53: UDP, length 8");
	build_icmp(&b, ICMP_ECHO, 0, 3U << 16 | 4, "12345678", 8);
	assert_line(&b, "IP 192.0.2.1 > 192.0.2.2: ICMP echo request, id 3, seq 4, length 8");
	build_icmp(&b, ICMP_UNREACHABLE, 4, 1400, "12345678", 8);
	assert_line(&b, "IP 192.0.2.1 > 192.0.2.2: ICMP fragmentation needed, mtu 1400, length 8");
	header_bytes = tcp_emit(&seg, octet);
	build_ipv4(&b, &ip, octet, header_bytes);
	line_of(&b, line, &facts);
	assert_int_equal(facts.kind, PRINT_TCP);
	assert_int_equal(facts.tcp.seq.n, 100);
	assert_non_null(strstr(line, "192.0.2.1:1 > 192.0.2.2:2: "));
}

static void fragments_and_strangers_speak(void **state)
{
	struct built b;
	struct ipv4 ip = ip_to_us(17);

	(void)state;
	ip.offset_bytes = 1480;
	build_ipv4(&b, &ip, "12345678", 8);
	assert_line(&b, "IP 192.0.2.1 > 192.0.2.2: protocol 17, length 8 (fragment of id 77, offset 1480, last)");
	ip = ip_to_us(132);
	build_ipv4(&b, &ip, "12345678", 8);
	assert_line(&b, "IP 192.0.2.1 > 192.0.2.2: protocol 132, length 8");
	build_link(&b, &our_mac, 0x88cc);
	assert_line(&b, "02:00:00:00:00:01 > 02:00:00:00:00:02, type 0x88cc, length 14");
}

/* Every beginning of a frame can be shown, and says that it is broken. */
static void broken_frames_are_shown(void **state)
{
	struct built b;
	struct print_facts facts;
	char line[PRINT_LINE_BYTES];

	(void)state;
	build_udp(&b, 1000, 53, "question", 8);
	for (b.bytes = 49; b.bytes > 0; b.bytes--) {
		line_of(&b, line, &facts);
		assert_int_equal(facts.kind, PRINT_BROKEN);
		assert_string_equal(facts.kind_text, "broken");
	}
}

/* Outgoing frames lie in several parts; large ones are trains of packets. */
static void parts_are_one_frame(void **state)
{
	static const uint8_t payload[4000];
	struct frame_out f;
	struct print_facts facts;
	char line[PRINT_LINE_BYTES];
	struct ipv4 ip = ip_to_us(17);

	(void)state;
	frame_init(&f);
	frame_add_part(&f, payload, 1000);
	frame_add_part(&f, payload, 3000);
	udp_emit(frame_push(&f, UDP_HEADER_BYTES), 5, 6, 4000);
	ipv4_emit(frame_push(&f, IPV4_HEADER_BYTES), &ip, 4008);
	f.gso = FRAME_GSO_UDP;
	f.gso_bytes = 1000;
	assert_true(print_frame_out(&f, false, &facts, line));
	assert_string_equal(line, "IP 192.0.2.1:5 > 192.0.2.2:6: UDP, length 4000 [4 x 1000]");
	assert_int_equal(facts.frame_bytes, 4028);
	assert_int_equal(facts.payload_bytes, 4000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(arp_speaks), cmocka_unit_test(transports_speak),
	    cmocka_unit_test(fragments_and_strangers_speak), cmocka_unit_test(broken_frames_are_shown),
	    cmocka_unit_test(parts_are_one_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
