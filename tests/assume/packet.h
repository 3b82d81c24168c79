/* SPDX-License-Identifier: MIT */
/*
 * A veth pair in a network of our own, and packet sockets on it as the driver of DESIGN.md 2.4 opens
 * them. Only the making of the pair is code of ours (netif/link_setup.c).
 */
#ifndef TESTS_ASSUME_PACKET_H
#define TESTS_ASSUME_PACKET_H

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "netif/link_setup.h"
#include "tests/assume/tap.h"

#define FRAME_ROOM 70000U
/* Ours, so that no other protocol's noise is taken for a frame of the test. */
#define TEST_ETHERTYPE 0x88b5

static const uint8_t other_mac[6] = {2, 0, 0, 0, 0, 9};

/* Moves into a namespace with the pair la - lb, up. False, with a plan that says why, if it may not. */
static inline bool packet_network(void)
{
	FILE *f;

	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
		printf("1..0 # SKIP no network namespace: %s\n", strerror(errno));
		return false;
	}
	f = fopen("/proc/sys/net/ipv6/conf/default/disable_ipv6", "w");
	if (f) {
		fputs("1\n", f);
		fclose(f);
	}
	MUST(link_setup_veth("la", -1, "lb", -1) == 0);
	MUST(link_setup_up("la") == 0 && link_setup_up("lb") == 0);
	MUST(link_setup_wait_running("la", 3000) == 0 && link_setup_wait_running("lb", 3000) == 0);
	return true;
}

/* Not bound yet: it must not hear anything. */
static inline int packet_socket(bool vnet)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), one = 1;

	MUST(fd >= 0);
	MUST(!vnet || setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) == 0);
	return fd;
}

static inline void packet_listen(int fd, const char *interface)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
	    .sll_protocol = htons(ETH_P_ALL),
	    .sll_ifindex = (int)if_nametoindex(interface)};

	MUST(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
}

static inline ssize_t packet_send(int fd, const struct virtio_net_hdr *h, const uint8_t *frame, size_t bytes)
{
	struct iovec v[2] = {{(void *)(uintptr_t)h, sizeof(*h)}, {(void *)(uintptr_t)frame, bytes}};

	return writev(fd, h ? v : v + 1, h ? 2 : 1);
}

/* The next frame within a moment; its length, or -1 with errno (EAGAIN: none). */
static inline ssize_t packet_receive(int fd, struct virtio_net_hdr *h, uint8_t frame[FRAME_ROOM])
{
	struct iovec v[2] = {{h, sizeof(*h)}, {frame, FRAME_ROOM}};
	struct msghdr m = {.msg_iov = h ? v : v + 1, .msg_iovlen = h ? 2 : 1};
	struct pollfd waiting = {.fd = fd, .events = POLLIN};
	ssize_t got;

	poll(&waiting, 1, 200);
	got = recvmsg(fd, &m, MSG_DONTWAIT);
	return got > 0 && h ? got - (ssize_t)sizeof(*h) : got;
}

/* A minimal frame of the test's own protocol. */
static inline size_t packet_fill(uint8_t frame[FRAME_ROOM], const uint8_t to[6])
{
	static const uint8_t from[6] = {2, 0, 0, 0, 0, 1};

	memset(frame, 0, 60);
	memcpy(frame, to, 6);
	memcpy(frame + 6, from, 6);
	frame[12] = TEST_ETHERTYPE >> 8;
	frame[13] = TEST_ETHERTYPE & 0xff;
	return 60;
}

#endif
