/* SPDX-License-Identifier: MIT */
/*
 * The story: two hosts on a wire in memory see what two hosts on a real wire would see, at the time
 * at which they would see it; and the same faults can be put in front of any other driver.
 */
#include <errno.h>

#include "netif/netif.h"
#include "tests/unit/netif_frames.h"

#define MTU_BYTES 1500U

static struct test_frame large(uint8_t *payload)
{
	return (struct test_frame){.version = 4, .protocol = 6, .flags = TEST_FLAG_ACK, .sequence = 1,
	    .gso_bytes = 1448, .link_header = true, .payload = payload, .payload_bytes = 14480};
}

/* Receives everything that is due at now; every frame fits the MTU and has a right checksum. */
static unsigned receive_all(struct netif *n, const struct test_frame *t, uint64_t now_ns)
{
	struct frame_in in[4];
	unsigned sum = 0;
	int count;

	while ((count = netif_receive(n, in, 4, now_ns)) > 0)
		for (int i = 0; i < count; i++, sum++) {
			assert_true(in[i].bytes <= MTU_BYTES + 14);
			assert_int_equal(in[i].gso, FRAME_GSO_NONE);
			assert_false(in[i].checksum_verified);
			assert_true(test_checksum_right(t, in[i].data, in[i].bytes));
		}
	assert_int_equal(count, 0);
	return sum;
}

static void large_frame_arrives_in_pieces_when_due(void **state)
{
	struct fault_config config = {.seed = 1, .delay_ns = 1000, .rate_bits_per_s = 1000000000};
	uint8_t *payload = test_payload(14480);
	struct test_frame t = large(payload);
	struct netif *end[2];
	struct frame_out f;

	(void)state;
	assert_int_equal(netif_sim_pair(&config, MTU_BYTES, end), 0);
	assert_true(end[0]->facts.gso_tcp && end[0]->facts.checksum_offload);
	assert_false(mac_equal(&end[0]->facts.mac, &end[1]->facts.mac));
	assert_int_equal(netif_fd(end[0]), -1);
	assert_int_equal(netif_deadline(end[1]), TIME_NEVER);
	test_frame_build(&f, &t);
	assert_int_equal(netif_transmit(end[0], &f, 1, 5000), 1);
	assert_int_equal(netif_deadline(end[0]), TIME_NEVER);
	assert_int_equal(netif_deadline(end[1]), 5000 + 1000 + 1514 * 8);
	assert_int_equal(receive_all(end[1], &t, 5000 + 1000 + 1514 * 8 - 1), 0);
	assert_int_equal(receive_all(end[1], &t, 5000 + 1000 + 1514 * 8), 1);
	assert_int_equal(receive_all(end[1], &t, NSEC_PER_SEC), 9);
	assert_int_equal(end[1]->counters.in_frames, 10);
	assert_int_equal(receive_all(end[0], &t, NSEC_PER_SEC), 0);
	netif_close(end[0]);
	netif_close(end[1]);
	free(payload);
}

static void loss_hits_packets_of_both_directions(void **state)
{
	struct fault_config config = {.seed = 4, .loss = 0.5};
	uint8_t *payload = test_payload(14480);
	struct test_frame t = large(payload);
	struct netif *end[2];
	struct frame_out f;
	unsigned arrived[2] = {0, 0}, differ = 0;

	(void)state;
	assert_int_equal(netif_sim_pair(&config, MTU_BYTES, end), 0);
	test_frame_build(&f, &t);
	for (int i = 0; i < 100; i++) {
		unsigned once[2];

		for (int k = 0; k < 2; k++) {
			assert_int_equal(netif_transmit(end[k], &f, 1, 0), 1);
			once[k] = receive_all(end[1 - k], &t, 0);
			arrived[k] += once[k];
		}
		differ += once[0] != once[1];
	}
	assert_in_range(arrived[0], 400, 600);
	assert_in_range(arrived[1], 400, 600);
	assert_true(differ > 10); /* each direction has its own chance */
	netif_close(end[1]);
	netif_close(end[0]);
	free(payload);
}

/* Whoever is left on the wire may go on sending; nothing piles up, nothing leaks. */
static void one_end_may_leave_first(void **state)
{
	struct fault_config config = {.seed = 1, .delay_ns = NSEC_PER_SEC};
	uint8_t *payload = test_payload(14480);
	struct test_frame t = large(payload);
	struct netif *end[2];
	struct frame_in in;
	struct frame_out f;

	(void)state;
	assert_int_equal(netif_sim_pair(&config, MTU_BYTES, end), 0);
	test_frame_build(&f, &t);
	assert_int_equal(netif_transmit(end[0], &f, 1, 0), 1);
	assert_int_equal(netif_transmit(end[1], &f, 1, 0), 1);
	assert_int_equal(netif_receive(end[1], &in, 1, NSEC_PER_SEC), 1);
	netif_close(end[1]);
	assert_int_equal(netif_transmit(end[0], &f, 1, 0), 1);
	assert_int_equal(receive_all(end[0], &t, NSEC_PER_SEC), 10);
	netif_close(end[0]);
	free(payload);
}

static void frame_beyond_the_mtu_is_refused(void **state)
{
	struct fault_config config = {.seed = 1};
	uint8_t *payload = test_payload(14480);
	struct test_frame t = large(payload);
	struct netif *end[2];
	struct frame_out f[2];

	(void)state;
	assert_int_equal(netif_sim_pair(&config, MTU_BYTES, end), 0);
	test_frame_build(&f[0], &t);
	t.gso_bytes = 0;
	test_frame_build(&f[1], &t);
	assert_int_equal(netif_transmit(end[0], f, 2, 0), 1);
	assert_int_equal(netif_transmit(end[0], f + 1, 1, 0), -EMSGSIZE);
	netif_close(end[0]);
	netif_close(end[1]);
	free(payload);
}

/* ---- the fault layer, with the wire above as the driver below it ---- */

static void faults_wrap_any_driver_both_ways(void **state)
{
	struct fault_config good = {.seed = 1};
	struct fault_config slow = {.seed = 1, .delay_ns = 1000};
	uint8_t *payload = test_payload(14480);
	struct test_frame t = large(payload);
	struct netif *end[2], *layer;
	struct frame_out f;

	(void)state;
	assert_int_equal(netif_sim_pair(&good, MTU_BYTES, end), 0);
	assert_int_equal(netif_fault_wrap(end[0], &slow, &layer), 0);
	assert_true(mac_equal(&layer->facts.mac, &end[0]->facts.mac));
	test_frame_build(&f, &t);
	/* Out: nothing reaches the driver before its time. */
	assert_int_equal(netif_transmit(layer, &f, 1, 0), 1);
	assert_int_equal(receive_all(end[1], &t, 0), 0);
	assert_int_equal(netif_deadline(layer), 1000);
	assert_int_equal(receive_all(layer, &t, 1000), 0);
	assert_int_equal(receive_all(end[1], &t, 1000), 10);
	assert_int_equal(netif_deadline(layer), TIME_NEVER);
	/* In. */
	assert_int_equal(netif_transmit(end[1], &f, 1, 2000), 1);
	assert_int_equal(netif_deadline(layer), 2000);
	assert_int_equal(receive_all(layer, &t, 2000), 0);
	assert_int_equal(netif_deadline(layer), 3000);
	assert_int_equal(receive_all(layer, &t, 3000), 10);
	/* Closed with frames under way. */
	assert_int_equal(netif_transmit(end[1], &f, 1, 4000), 1);
	assert_int_equal(receive_all(layer, &t, 4000), 0);
	assert_int_equal(netif_transmit(layer, &f, 1, 4000), 1);
	netif_close(layer);
	netif_close(end[1]);
	free(payload);
}

/* A driver that takes nothing for a while, takes two, and refuses one for good. */
struct moody {
	struct netif netif;
	int answer;
	unsigned taken;
};

static int moody_fd(const struct netif *n)
{
	(void)n;
	return 77;
}

static int moody_receive(struct netif *n, struct frame_in *frames, unsigned max, uint64_t now_ns)
{
	(void)n;
	(void)frames;
	(void)max;
	(void)now_ns;
	return -ENETDOWN;
}

static int moody_transmit(struct netif *n, const struct frame_out *frames, unsigned count, uint64_t now_ns)
{
	struct moody *m = (struct moody *)n;
	int answer = m->answer < (int)count ? m->answer : (int)count;

	(void)now_ns;
	assert_true(frame_bytes(&frames[0]) <= MTU_BYTES + 14);
	m->answer = m->answer < 0 ? 100 : 0;
	if (answer > 0)
		m->taken += (unsigned)answer;
	return answer;
}

static uint64_t moody_deadline(const struct netif *n)
{
	(void)n;
	return TIME_NEVER;
}

static void moody_close(struct netif *n)
{
	((struct moody *)n)->answer = -1;
}

static void a_full_or_failing_driver_loses_no_more_than_it_must(void **state)
{
	static const struct netif_ops ops = {
	    moody_fd, moody_receive, moody_transmit, moody_deadline, moody_close};
	struct moody m = {.netif = {.ops = &ops, .facts = {.mtu_bytes = MTU_BYTES, .has_link_header = true}}};
	struct fault_config good = {.seed = 1};
	uint8_t *payload = test_payload(14480);
	struct test_frame t = large(payload);
	struct netif *layer;
	struct frame_in in;
	struct frame_out f;

	(void)state;
	assert_int_equal(netif_fault_wrap(&m.netif, &good, &layer), 0);
	assert_int_equal(netif_fd(layer), 77);
	test_frame_build(&f, &t);
	assert_int_equal(netif_transmit(layer, &f, 1, 0), 1); /* ten packets, all wait */
	assert_int_equal(m.taken, 0);
	assert_int_equal(netif_deadline(layer), NSEC_PER_MSEC);
	m.answer = 2;
	assert_int_equal(netif_receive(layer, &in, 1, NSEC_PER_MSEC), -ENETDOWN);
	assert_int_equal(m.taken, 2);
	m.answer = -EMSGSIZE; /* the third is given up, the rest goes through */
	assert_int_equal(netif_receive(layer, &in, 1, 2 * NSEC_PER_MSEC), -ENETDOWN);
	assert_int_equal(m.taken, 9);
	assert_int_equal(layer->counters.out_dropped, 1);
	assert_int_equal(netif_deadline(layer), TIME_NEVER);
	netif_close(layer);
	assert_int_equal(m.answer, -1);
	free(payload);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(large_frame_arrives_in_pieces_when_due),
	    cmocka_unit_test(loss_hits_packets_of_both_directions),
	    cmocka_unit_test(one_end_may_leave_first),
	    cmocka_unit_test(frame_beyond_the_mtu_is_refused),
	    cmocka_unit_test(faults_wrap_any_driver_both_ways),
	    cmocka_unit_test(a_full_or_failing_driver_loses_no_more_than_it_must),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
