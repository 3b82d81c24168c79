/* SPDX-License-Identifier: MIT */
/*
 * The story: the packet driver puts a 64 KiB segment on an interface in one piece and takes it in
 * one piece at the other end, hears what is meant for it and nothing else, gets over an interface
 * that goes down or vanishes, and says in a sentence why it cannot open one.
 */
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/capability.h>
#include <linux/if_tun.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#include "netif/link_setup.h"
#include "netif/packet.h"
#include "tests/unit/netif_frames.h"
#include "tests/unit/netif_namespace.h"

static int no_network;
static enum packet_receive how; /* every test runs with both ways of receiving */
static const struct mac_addr mac_a = {{2, 0, 0, 0, 0, 1}}, mac_b = {{2, 0, 0, 0, 0, 2}};

static int make_pair(void **state)
{
	(void)state;
	no_network = test_private_network();
	if (no_network) {
		print_message("# no network namespace for the test: %s\n", strerror(-no_network));
		return 0;
	}
	test_no_ipv6_noise();
	return link_setup_veth("pa", -1, "pb", -1) || link_setup_up("pa") || link_setup_up("pb") ||
	       link_setup_wait_running("pa", 3000) || link_setup_wait_running("pb", 3000);
}

static void need_network(void)
{
	if (no_network)
		skip();
}

static struct netif *open_end(const char *name, const struct mac_addr *mac, bool no_offload)
{
	struct packet_config config = {.mac = mac, .no_offload = no_offload, .receive = how};
	char message[NETIF_MESSAGE_BYTES] = "";
	struct netif *n = NULL;

	if (packet_open(name, &config, &n, message))
		fail_msg("%s", message);
	return n;
}

/* Waits a moment for something to arrive; 0 when nothing does. */
static int receive(struct netif *n, struct frame_in *in, unsigned max)
{
	struct pollfd waiting = {.fd = netif_fd(n), .events = POLLIN};

	poll(&waiting, 1, 200);
	return netif_receive(n, in, max, 0);
}

static struct test_frame shape(unsigned version, uint8_t *payload, uint32_t bytes, uint16_t gso_bytes)
{
	return (struct test_frame){.version = version, .protocol = 6, .flags = TEST_FLAG_ACK, .sequence = 1,
	    .gso_bytes = gso_bytes, .link_header = true, .payload = payload, .payload_bytes = bytes};
}

static void large_segments_stay_whole(void **state)
{
	static const enum frame_gso kinds[2][2] = {
	    {FRAME_GSO_TCP_V4, FRAME_GSO_TCP_V6}, {FRAME_GSO_UDP, FRAME_GSO_UDP}};
	struct netif *a, *b;
	uint8_t *payload = test_payload(60000);

	(void)state;
	need_network();
	a = open_end("pa", &mac_a, false);
	b = open_end("pb", &mac_b, false);
	for (unsigned i = 0; i < 4; i++) {
		struct test_frame t = shape(i & 1 ? 6 : 4, payload, 60000, 1400);
		struct frame_out f;
		struct frame_in in;
		uint32_t header;

		t.protocol = i < 2 ? 6 : 17;
		test_frame_build(&f, &t);
		header = frame_header_bytes(&f);
		assert_int_equal(netif_transmit(a, &f, 1, 0), 1);
		assert_int_equal(receive(b, &in, 1), 1);
		assert_int_equal(in.gso, kinds[i / 2][i & 1]);
		assert_int_equal(in.gso_bytes, 1400);
		assert_true(in.checksum_verified);
		assert_int_equal(in.bytes, header + 60000);
		assert_memory_equal(in.data, frame_header(&f), header);
		assert_memory_equal(in.data + header, payload, 60000);
	}
	assert_int_equal(a->counters.out_frames, 4);
	assert_int_equal(b->counters.in_frames, 4);
	netif_close(a);
	netif_close(b);
	free(payload);
}

/* Without offloads the same segment leaves as packets with complete checksums. */
static void without_offload_it_is_cut_here(void **state)
{
	uint8_t *payload = test_payload(14000);
	struct test_frame t = shape(4, payload, 14000, 1400);
	struct frame_in in[NETIF_BATCH_MAX];
	struct frame_out f;
	struct netif *a, *b;
	uint32_t received = 0;

	(void)state;
	need_network();
	a = open_end("pa", &mac_a, true);
	b = open_end("pb", &mac_b, false);
	test_frame_build(&f, &t);
	assert_int_equal(netif_transmit(a, &f, 1, 0), 1);
	for (int count; (count = receive(b, in, NETIF_BATCH_MAX)) > 0;)
		for (int i = 0; i < count; i++) {
			assert_int_equal(in[i].gso, FRAME_GSO_NONE);
			assert_false(in[i].checksum_verified);
			assert_true(test_checksum_right(&t, in[i].data, in[i].bytes));
			received += in[i].bytes - frame_header_bytes(&f);
		}
	assert_int_equal(received, 14000);
	netif_close(a);
	/* And it hears frames whose checksum the sender never wrote. */
	a = open_end("pa", &mac_a, true);
	t = shape(4, payload, 1000, 0);
	test_frame_build(&f, &t);
	memcpy(f.header + f.header_start, mac_a.octet, 6);
	assert_int_equal(netif_transmit(b, &f, 1, 0), 1);
	assert_int_equal(receive(a, in, 1), 1);
	assert_true(in[0].checksum_verified);
	netif_close(a);
	netif_close(b);
	free(payload);
}

static void only_our_frames_are_heard(void **state)
{
	static const struct {
		uint8_t to[6];
		int heard;
	} cases[] = {
	    {{2, 0, 0, 0, 0, 2}, 1},                   /* ours */
	    {{2, 0, 0, 0, 0, 3}, 0},                   /* somebody else's */
	    {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 1}, /* broadcast */
	    {{0x33, 0x33, 0, 0, 0, 1}, 1},             /* multicast, IPv6 */
	    {{1, 0, 0x5e, 0, 0, 1}, 1},                /* multicast, IPv4 */
	};
	struct packet_config config = {.mac = &mac_b, .promiscuous = true, .receive = how};
	char message[NETIF_MESSAGE_BYTES];
	struct netif *a, *b, *all;
	struct frame_in in[2];

	(void)state;
	need_network();
	a = open_end("pa", &mac_a, false);
	b = open_end("pb", &mac_b, false);
	assert_int_equal(packet_open("pb", &config, &all, message), 0);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t payload[100] = {0};
		struct test_frame t = shape(4, payload, sizeof(payload), 0);
		struct frame_out f;

		test_frame_build(&f, &t);
		memcpy(f.header + f.header_start, cases[i].to, 6);
		assert_int_equal(netif_transmit(a, &f, 1, 0), 1);
		assert_int_equal(receive(all, in, 2), 1); /* a bridge hears everything */
		assert_int_equal(netif_receive(b, in, 2, 0), cases[i].heard);
		assert_int_equal(netif_receive(a, in, 2, 0), 0); /* nobody hears himself */
	}
	netif_close(a);
	netif_close(b);
	netif_close(all);
}

static void a_batch_goes_in_order(void **state)
{
	struct frame_out f[NETIF_BATCH_MAX + 8];
	uint8_t payload[NETIF_BATCH_MAX + 8];
	struct frame_in in[NETIF_BATCH_MAX];
	struct netif *a, *b;
	unsigned seen = 0, total = sizeof(f) / sizeof(f[0]);

	(void)state;
	need_network();
	a = open_end("pa", &mac_a, false);
	b = open_end("pb", &mac_b, false);
	for (unsigned i = 0; i < total; i++) {
		struct test_frame t = shape(4, &payload[i], 1, 0);

		payload[i] = (uint8_t)i;
		test_frame_build(&f[i], &t);
	}
	assert_int_equal(netif_transmit(a, f, total, 0), total);
	for (int count; (count = receive(b, in, NETIF_BATCH_MAX)) > 0;)
		for (int i = 0; i < count; i++)
			assert_int_equal(in[i].data[in[i].bytes - 1], seen++);
	assert_int_equal(seen, total);
	netif_close(a);
	netif_close(b);
}

static void transmit_one(struct netif *n, uint64_t now_ns, int expected)
{
	uint8_t payload[100] = {0};
	struct test_frame t = shape(4, payload, sizeof(payload), 0);
	struct frame_out f;

	test_frame_build(&f, &t);
	assert_int_equal(netif_transmit(n, &f, 1, now_ns), expected);
}

static void an_interface_that_goes_down_is_told_and_got_over(void **state)
{
	struct netif *a, *b;
	struct frame_in in;

	(void)state;
	need_network();
	a = open_end("pa", &mac_a, false);
	b = open_end("pb", &mac_b, false);
	assert_int_equal(netif_deadline(b), TIME_NEVER);
	assert_int_equal(link_setup_down("pb"), 0);
	assert_int_equal(netif_receive(b, &in, 1, 100), -ENETDOWN);
	assert_int_equal(netif_deadline(b), 100 + NSEC_PER_SEC);
	assert_int_equal(netif_receive(b, &in, 1, 200), 0);
	transmit_one(b, 300, -ENETDOWN);
	assert_int_equal(link_setup_up("pb"), 0);
	assert_int_equal(netif_receive(b, &in, 1, 2 * NSEC_PER_SEC), 0);
	assert_int_equal(netif_deadline(b), TIME_NEVER);
	assert_int_equal(link_setup_wait_running("pa", 3000), 0);
	transmit_one(a, 0, 1);
	assert_int_equal(receive(b, &in, 1), 1);
	/* It vanishes, and another of the same name appears. */
	assert_int_equal(link_setup_delete("pb"), 0);
	assert_int_equal(netif_receive(b, &in, 1, 3 * NSEC_PER_SEC), -ENETDOWN);
	transmit_one(b, 3 * NSEC_PER_SEC, -ENETDOWN);
	netif_receive(b, &in, 1, 5 * NSEC_PER_SEC);
	assert_true(netif_deadline(b) != TIME_NEVER);
	assert_int_equal(link_setup_veth("pa", -1, "pb", -1), 0);
	assert_int_equal(link_setup_up("pa"), 0);
	assert_int_equal(link_setup_up("pb"), 0);
	netif_close(a);
	a = open_end("pa", &mac_a, false);
	assert_int_equal(netif_receive(b, &in, 1, 7 * NSEC_PER_SEC), 0);
	assert_int_equal(netif_deadline(b), TIME_NEVER);
	assert_int_equal(link_setup_wait_running("pa", 3000), 0);
	transmit_one(a, 0, 1);
	assert_int_equal(receive(b, &in, 1), 1);
	transmit_one(b, 0, 1);
	netif_close(a);
	netif_close(b);
}

/* The frame that cannot go is refused by itself; the others go. */
static void a_frame_beyond_the_mtu_is_refused(void **state)
{
	uint8_t *payload = test_payload(5000);
	struct test_frame t = shape(4, payload, 5000, 0);
	struct frame_out f[2];
	struct netif *a;

	(void)state;
	need_network();
	a = open_end("pa", &mac_a, false);
	test_frame_build(&f[1], &t);
	t.payload_bytes = 100;
	test_frame_build(&f[0], &t);
	assert_int_equal(netif_transmit(a, f, 2, 0), 1);
	assert_int_equal(netif_transmit(a, f + 1, 1, 0), -EMSGSIZE);
	netif_close(a);
	free(payload);
}

/* A tun device carries bare IP: no link header either way. */
static void a_link_without_header(void **state)
{
	struct ifreq request = {.ifr_name = "pt", .ifr_flags = IFF_TUN | IFF_NO_PI};
	int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	uint8_t payload[100] = {0}, seen[200];
	struct test_frame t = shape(6, payload, sizeof(payload), 0);
	struct frame_out f;
	struct frame_in in;
	struct netif *n;
	uint32_t bytes;

	(void)state;
	need_network();
	if (tun < 0 || ioctl(tun, TUNSETIFF, &request)) {
		print_message("# no tun device: %s\n", strerror(errno));
		skip();
	}
	assert_int_equal(link_setup_up("pt"), 0);
	n = open_end("pt", NULL, false);
	assert_false(n->facts.has_link_header);
	t.link_header = false;
	test_frame_build(&f, &t);
	bytes = frame_bytes(&f);
	assert_int_equal(netif_transmit(n, &f, 1, 0), 1);
	assert_int_equal(read(tun, seen, sizeof(seen)), bytes);
	assert_true(test_checksum_right(&t, seen, bytes));
	assert_int_equal(write(tun, seen, bytes), bytes);
	assert_int_equal(receive(n, &in, 1), 1);
	assert_int_equal(in.bytes, bytes);
	assert_memory_equal(in.data, seen, bytes);
	netif_close(n);
	close(tun);
}

static void a_refusal_says_what_to_do(void **state)
{
	char message[NETIF_MESSAGE_BYTES];
	struct netif *n;

	(void)state;
	need_network();
	assert_int_equal(netif_packet_open("nowhere", NULL, &n, message), -ENODEV);
	assert_non_null(strstr(message, "TEACHNET_INTERFACE"));
	assert_int_equal(netif_packet_open("lo", NULL, &n, message), -EOPNOTSUPP);
	assert_non_null(strstr(message, "loopback"));
	assert_int_equal(link_setup_down("pa"), 0);
	assert_int_equal(netif_packet_open("pa", NULL, &n, message), -ENETDOWN);
	assert_non_null(strstr(message, "ip link set up"));
	assert_int_equal(link_setup_up("pa"), 0);
}

static int try_without_privilege(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};
	char message[NETIF_MESSAGE_BYTES];
	struct netif *n;

	if (syscall(SYS_capset, &header, none))
		return 2;
	return netif_packet_open("pa", NULL, &n, message) == -EPERM && strstr(message, "cap_net_raw") ? 0 : 1;
}

static void without_privilege_it_says_how_to_get_it(void **state)
{
	pid_t child;
	int status;

	(void)state;
	need_network();
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(try_without_privilege());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* More frames than the ring has slots, taken as they come: each once and in order. */
static void a_long_run_goes_round(void **state)
{
	struct frame_in in[NETIF_BATCH_MAX];
	struct netif *a, *b;
	uint32_t sent = 0, seen = 0;

	(void)state;
	need_network();
	a = open_end("pa", &mac_a, false);
	b = open_end("pb", &mac_b, false);
	while (seen < 2000) {
		int count;

		for (int i = 0; i < 50 && sent < 2000 && sent - seen < 400; i++, sent++) {
			uint8_t payload = 0;
			struct test_frame t = shape(4, &payload, 1, 0);
			struct frame_out f;

			t.sequence = sent;
			test_frame_build(&f, &t);
			assert_int_equal(netif_transmit(a, &f, 1, 0), 1);
		}
		count = receive(b, in, seen % NETIF_BATCH_MAX + 1);
		assert_true(count > 0);
		for (int i = 0; i < count; i++)
			assert_int_equal(test_get_32(in[i].data + 14 + 20 + 4), seen++);
	}
	assert_int_equal(netif_receive(b, in, NETIF_BATCH_MAX, 0), 0);
	assert_int_equal(b->counters.in_frames, 2000);
	assert_int_equal(b->counters.in_dropped, 0);
	netif_close(a);
	netif_close(b);
}

static int use_socket(void **state)
{
	(void)state;
	how = PACKET_RECEIVE_SOCKET;
	return 0;
}

static int use_ring(void **state)
{
	(void)state;
	how = PACKET_RECEIVE_RING;
	return 0;
}

#define BOTH(test) {#test, test, use_socket, NULL, NULL}, {#test " through a ring", test, use_ring, NULL, NULL}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    BOTH(large_segments_stay_whole),
	    BOTH(without_offload_it_is_cut_here),
	    BOTH(only_our_frames_are_heard),
	    BOTH(a_batch_goes_in_order),
	    BOTH(a_long_run_goes_round),
	    BOTH(an_interface_that_goes_down_is_told_and_got_over),
	    BOTH(a_frame_beyond_the_mtu_is_refused),
	    BOTH(a_link_without_header),
	    cmocka_unit_test(a_refusal_says_what_to_do),
	    cmocka_unit_test(without_privilege_it_says_how_to_get_it),
	};

	return cmocka_run_group_tests(tests, make_pair, NULL);
}
