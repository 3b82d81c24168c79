/* SPDX-License-Identifier: MIT */
/*
 * The story: whoever opens the capture file, while it is written or after a crash, sees every frame
 * with the time at which it passed and no checksum error that was none; and a disk that is full
 * ends the capture and not the conversation.
 */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "netif/netif.h"
#include "tests/unit/netif_frames.h"

#define MTU_BYTES 1500U

static char file[] = "/tmp/netif-pcap-XXXXXX";

static int make_file(void **state)
{
	int fd = mkstemp(file);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(file);
}

static struct test_frame large(uint8_t *payload)
{
	return (struct test_frame){.version = 4, .protocol = 6, .flags = TEST_FLAG_ACK, .sequence = 1,
	    .gso_bytes = 1448, .link_header = true, .payload = payload, .payload_bytes = 14480};
}

/* One end of a perfect wire with a capture on it. */
static void open_captured(struct netif *end[2], struct netif **layer, const char *path)
{
	struct fault_config good = {.seed = 1};
	char message[NETIF_MESSAGE_BYTES];

	assert_int_equal(netif_sim_pair(&good, MTU_BYTES, end), 0);
	assert_int_equal(netif_pcap_wrap(end[0], path, layer, message), 0);
}

static pcap_t *open_for_reading(void)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *p = pcap_open_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, why);

	assert_non_null(p);
	assert_int_equal(pcap_datalink(p), DLT_EN10MB);
	return p;
}

static unsigned records_now(void)
{
	pcap_t *p = open_for_reading();
	struct pcap_pkthdr *header;
	const uint8_t *data;
	unsigned count = 0;

	while (pcap_next_ex(p, &header, &data) == 1)
		count++;
	pcap_close(p);
	return count;
}

static void both_directions_with_their_times(void **state)
{
	uint8_t *payload = test_payload(14480);
	struct test_frame t = large(payload), small = large(payload);
	struct netif *end[2], *layer;
	struct pcap_pkthdr *header;
	struct frame_in in[32];
	struct frame_out f;
	const uint8_t *data;
	pcap_t *p;

	(void)state;
	open_captured(end, &layer, file);
	assert_true(layer->facts.gso_tcp && mac_equal(&layer->facts.mac, &end[0]->facts.mac));
	test_frame_build(&f, &t);
	assert_int_equal(netif_transmit(layer, &f, 1, 1500000007), 1);
	small.gso_bytes = 0;
	small.payload_bytes = 9;
	test_frame_build(&f, &small);
	assert_int_equal(netif_transmit(end[1], &f, 1, 1600000000), 1);
	assert_int_equal(netif_receive(layer, in, 32, 2000000001), 1);
	assert_int_equal(netif_receive(end[1], in, 32, 2000000001), 10);
	assert_int_equal(layer->counters.in_frames, 1);
	netif_close(layer);
	netif_close(end[1]);

	p = open_for_reading();
	assert_int_equal(pcap_next_ex(p, &header, &data), 1);
	assert_int_equal(header->ts.tv_sec, 1);
	assert_int_equal(header->ts.tv_usec, 500000007);
	assert_int_equal(header->caplen, 14 + 20 + 32 + 14480); /* whole, as it was given to the driver */
	assert_true(test_checksum_right(&t, data, header->caplen));
	assert_memory_equal(data + 66, payload, 14480);
	assert_int_equal(pcap_next_ex(p, &header, &data), 1);
	assert_int_equal(header->ts.tv_sec, 2);
	assert_int_equal(header->ts.tv_usec, 1);
	assert_int_equal(header->len, 14 + 20 + 32 + 9);
	assert_true(test_checksum_right(&small, data, header->caplen));
	assert_int_equal(pcap_next_ex(p, &header, &data), PCAP_ERROR_BREAK);
	pcap_close(p);
	free(payload);
}

/* Nobody closes the file: what passed 100 ms ago is in it all the same. */
static void a_reader_sees_it_while_it_is_written(void **state)
{
	uint8_t *payload = test_payload(14480);
	struct test_frame t = large(payload);
	struct netif *end[2], *layer;
	struct frame_in in;
	struct frame_out f;

	(void)state;
	open_captured(end, &layer, file);
	assert_int_equal(records_now(), 0);
	assert_int_equal(netif_deadline(layer), TIME_NEVER);
	test_frame_build(&f, &t);
	assert_int_equal(netif_transmit(layer, &f, 1, NSEC_PER_SEC), 1);
	assert_int_equal(netif_deadline(layer), NSEC_PER_SEC + 100 * NSEC_PER_MSEC);
	assert_int_equal(netif_receive(layer, &in, 1, netif_deadline(layer)), 0);
	assert_int_equal(records_now(), 1);
	assert_int_equal(netif_deadline(layer), TIME_NEVER);
	netif_close(layer);
	netif_close(end[1]);
	free(payload);
}

static void the_machines_own_clock_becomes_wall_clock_time(void **state)
{
	uint8_t payload[10] = {0};
	struct test_frame t = large(payload);
	struct netif *end[2], *layer;
	struct pcap_pkthdr *header;
	struct timespec monotonic;
	struct frame_out f;
	const uint8_t *data;
	pcap_t *p;

	(void)state;
	open_captured(end, &layer, file);
	t.gso_bytes = 0;
	t.payload_bytes = sizeof(payload);
	test_frame_build(&f, &t);
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	assert_int_equal(netif_transmit(layer, &f, 1,
	                     (uint64_t)monotonic.tv_sec * NSEC_PER_SEC + (uint64_t)monotonic.tv_nsec),
	    1);
	netif_close(layer);
	netif_close(end[1]);
	p = open_for_reading();
	assert_int_equal(pcap_next_ex(p, &header, &data), 1);
	assert_in_range(header->ts.tv_sec, time(NULL) - 60, time(NULL) + 1);
	pcap_close(p);
}

static void a_full_disk_ends_the_capture_only(void **state)
{
	uint8_t *payload = test_payload(14480);
	struct test_frame t = large(payload);
	struct netif *end[2], *layer;
	char message[NETIF_MESSAGE_BYTES];
	struct fault_config good = {.seed = 1};
	struct frame_in in[32];
	struct frame_out f;

	(void)state;
	assert_int_equal(netif_sim_pair(&good, MTU_BYTES, end), 0);
	/* Full from the start: it cannot even be opened. */
	assert_int_equal(netif_pcap_wrap(end[0], "/dev/full", &layer, message), -ENOSPC);
	assert_non_null(strstr(message, "/dev/full"));
	assert_int_equal(netif_pcap_wrap(end[0], "/nowhere/file", &layer, message), -ENOENT);
	assert_non_null(strstr(message, "/nowhere/file"));
	/* Full later: /dev/full takes the place of the file behind the open descriptor. */
	assert_int_equal(netif_pcap_wrap(end[0], file, &layer, message), 0);
	assert_null(netif_pcap_failure(layer));
	for (int fd = 3; fd < 64; fd++) {
		char path[64], target[256] = "";

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (readlink(path, target, sizeof(target) - 1) > 0 && strcmp(target, file) == 0) {
			FILE *full = fopen("/dev/full", "w");

			assert_non_null(full);
			assert_int_equal(dup2(fileno(full), fd), fd);
			fclose(full);
		}
	}
	test_frame_build(&f, &t);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(netif_transmit(layer, &f, 1, NSEC_PER_SEC), 1);
		assert_int_equal(netif_receive(end[1], in, 32, NSEC_PER_SEC), 10);
	}
	assert_non_null(netif_pcap_failure(layer));
	assert_non_null(strstr(netif_pcap_failure(layer), file));
	assert_int_equal(netif_deadline(layer), TIME_NEVER);
	netif_close(layer);
	netif_close(end[1]);
	free(payload);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(both_directions_with_their_times),
	    cmocka_unit_test(a_reader_sees_it_while_it_is_written),
	    cmocka_unit_test(the_machines_own_clock_becomes_wall_clock_time),
	    cmocka_unit_test(a_full_disk_ends_the_capture_only),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
