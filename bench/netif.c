/* SPDX-License-Identifier: MIT */
/*
 * How fast the drivers alone are, with no stack above them: TCP segments of 64,000 bytes over a veth
 * pair in a namespace of its own, sent by one process and taken by another; the same without
 * offloads; and the simulated wire. Each line is a figure of this machine in this moment.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "netif/link_setup.h"
#include "netif/packet.h"
#include "stack/base/checksum.h"

#define PAYLOAD_BYTES 64000U
#define PIECE_BYTES 1448U
#define RUN_NS (2 * NSEC_PER_SEC)

/* What the receiving process has counted. */
struct tally {
	volatile uint64_t frames, bytes, dropped;
	volatile int ready;
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "bench/netif: %s\n", what);
	exit(1);
}

static void build(struct frame_out *f, const uint8_t *payload, const struct mac_addr *to)
{
	struct ip_addr a = ip_from_v4(0x0a000001), b = ip_from_v4(0x0a000002);
	uint32_t length = 20 + PAYLOAD_BYTES;
	struct be16 sum = checksum_partial(checksum_pseudo_header(&a, &b, 6, length));
	uint8_t *at;

	frame_init(f);
	at = frame_push(f, 20);
	memset(at, 0, 20);
	at[12] = 5 << 4;
	at[13] = 0x10;
	memcpy(at + 16, &sum, 2);
	f->checksum_needed = true;
	f->checksum_start = 0;
	f->checksum_offset = 16;
	at = frame_push(f, 20);
	memset(at, 0, 20);
	at[0] = 0x45;
	at[2] = (uint8_t)((length + 20) >> 8);
	at[3] = (uint8_t)(length + 20);
	at[8] = 64;
	at[9] = 6;
	memcpy(at + 12, a.octet + 12, 4);
	memcpy(at + 16, b.octet + 12, 4);
	sum = checksum_finish(checksum_add((struct checksum){0}, at, 20));
	memcpy(at + 10, &sum, 2);
	at = frame_push(f, 14);
	memset(at, 0, 14);
	memcpy(at, to->octet, 6);
	at[6] = 2;
	at[12] = 8;
	f->gso = FRAME_GSO_TCP_V4;
	f->gso_bytes = PIECE_BYTES;
	f->gso_header_bytes = 54;
	frame_add_part(f, payload, PAYLOAD_BYTES);
}

static void count_received(struct netif *n, struct tally *t)
{
	struct frame_in in[NETIF_BATCH_MAX];
	struct pollfd waiting = {.fd = netif_fd(n), .events = POLLIN};

	t->ready = 1;
	for (;;) {
		int count = netif_receive(n, in, NETIF_BATCH_MAX, now());

		if (count == 0)
			poll(&waiting, 1, -1);
		for (int i = 0; i < count; i++) {
			t->frames++;
			t->bytes += in[i].bytes;
		}
		t->dropped = n->counters.in_dropped;
	}
}

/* Segments go out for a while; with to_us, to the hardware address that the receiver listens to. */
static void run(const char *name, struct packet_config out_config, bool to_us, enum packet_receive how,
    struct tally *t)
{
	static uint8_t payload[PAYLOAD_BYTES];
	static struct frame_out f[NETIF_BATCH_MAX];
	struct mac_addr mac = {{2, 0, 0, 0, 0, 9}}, nobody = {{2, 0, 0, 0, 0, 8}};
	struct packet_config in_config = {.mac = &mac, .receive = how};
	struct netif *out, *in;
	char message[NETIF_MESSAGE_BYTES];
	uint64_t start_ns, sent_bytes = 0;
	pid_t receiver;

	memset((void *)(uintptr_t)t, 0, sizeof(*t));
	if (packet_open("na", &out_config, &out, message) || packet_open("nb", &in_config, &in, message))
		die(message);
	for (unsigned i = 0; i < NETIF_BATCH_MAX; i++)
		build(&f[i], payload, to_us ? &mac : &nobody);
	receiver = fork();
	if (receiver == 0)
		count_received(in, t);
	while (!t->ready)
		usleep(1000);
	start_ns = now();
	while (now() - start_ns < RUN_NS) {
		int taken = netif_transmit(out, f, NETIF_BATCH_MAX, now());

		if (taken < 0)
			die(strerror(-taken));
		sent_bytes += (uint64_t)taken * frame_bytes(&f[0]);
	}
	printf("%-34s out %6.1f Gbit/s", name, (double)sent_bytes * 8 / (double)(now() - start_ns));
	if (to_us)
		printf("   in %6.1f Gbit/s   frames in %llu, dropped %llu",
		    (double)t->bytes * 8 / (double)(now() - start_ns), (unsigned long long)t->frames,
		    (unsigned long long)t->dropped);
	putchar('\n');
	kill(receiver, SIGKILL);
	waitpid(receiver, NULL, 0);
	netif_close(out);
	netif_close(in);
}

static void run_sim(void)
{
	static uint8_t payload[PAYLOAD_BYTES];
	struct fault_config config = {.seed = 1, .loss = 0.01, .reorder = 0.01, .delay_ns = NSEC_PER_MSEC,
	    .rate_bits_per_s = 10000000000};
	struct frame_in in[NETIF_BATCH_MAX];
	struct netif *end[2];
	struct frame_out f;
	uint64_t start_ns = now(), virtual_ns = 0;

	if (netif_sim_pair(&config, 1500, end))
		die("no memory");
	build(&f, payload, &end[1]->facts.mac);
	while (now() - start_ns < RUN_NS) {
		netif_transmit(end[0], &f, 1, virtual_ns);
		virtual_ns += 60 * NSEC_PER_USEC;
		while (netif_receive(end[1], in, NETIF_BATCH_MAX, virtual_ns) > 0)
			;
	}
	printf("%-34s %.2f million packets/s\n", "simulated wire, 1% loss",
	    (double)end[0]->counters.out_frames * 1e3 / (double)(now() - start_ns));
	netif_close(end[0]);
	netif_close(end[1]);
}

int main(void)
{
	struct tally *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (t == MAP_FAILED || (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)))
		die("no network namespace");
	if (link_setup_veth("na", -1, "nb", -1) || link_setup_up("na") || link_setup_up("nb") ||
	    link_setup_wait_running("na", 3000) || link_setup_wait_running("nb", 3000))
		die("no veth pair");
	run("packet socket, nobody listens", (struct packet_config){0}, false, PACKET_RECEIVE_SOCKET, t);
	run("packet socket to packet socket", (struct packet_config){0}, true, PACKET_RECEIVE_SOCKET, t);
	run("the same, cut in software", (struct packet_config){.no_offload = true}, true, PACKET_RECEIVE_SOCKET, t);
	run("packet socket to ring", (struct packet_config){0}, true, PACKET_RECEIVE_RING, t);
	run("the same, cut in software", (struct packet_config){.no_offload = true}, true, PACKET_RECEIVE_RING, t);
	run_sim();
	return 0;
}
