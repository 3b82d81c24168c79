/* SPDX-License-Identifier: MIT */
/*
 * LAN drivers. A netif sends and receives frames (stack/base/frame.h) on one interface; it knows
 * nothing of what is inside them but their sizes. Drivers: packet (AF_PACKET with
 * PACKET_VNET_HDR, DESIGN.md 2.4) and sim (an in-memory wire). Layers wrap any netif and are one
 * themselves: pcap (writes what passes to a file), fault (loses, delays, reorders, repeats).
 *
 * Single-threaded, never blocks. Functions return 0 or a count, or a negative errno; those that
 * make something also give a sentence that says what to do, in a buffer of the caller's.
 */
#ifndef NETIF_NETIF_H
#define NETIF_NETIF_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/base/addr.h"
#include "stack/base/frame.h"
#include "stack/base/time.h"

#define NETIF_BATCH_MAX 32U
#define NETIF_MESSAGE_BYTES 256U

struct netif_facts {
	char name[16];
	struct mac_addr mac;         /* the address that our stack uses on it */
	uint32_t mtu_bytes;
	bool has_link_header;
	bool gso_tcp, gso_udp, checksum_offload; /* what transmit() accepts */
};

struct netif_counters {
	uint64_t in_frames, in_bytes, in_dropped; /* dropped: by the kernel or the layer, before us */
	uint64_t out_frames, out_bytes, out_dropped;
};

struct netif {
	const struct netif_ops *ops;
	struct netif_facts facts;
	struct netif_counters counters;
};

struct netif_ops {
	/* Readable when receive() has something, writable when transmit() would take a frame again. -1: none. */
	int (*fd)(const struct netif *n);
	/* Fills up to max frames; they stay valid until the next call of receive(). 0: nothing now.
	 * -ENETDOWN and others: the interface is gone or down. */
	int (*receive)(struct netif *n, struct frame_in *frames, unsigned max, uint64_t now_ns);
	/* Sends frames in order; returns how many were taken (0: full, wait for the fd to be writable)
	 * or a negative errno for the first frame, which is then to be given up. */
	int (*transmit)(struct netif *n, const struct frame_out *frames, unsigned count, uint64_t now_ns);
	/* When receive() or transmit() has to be called although the fd says nothing; TIME_NEVER. */
	uint64_t (*deadline)(const struct netif *n);
	/* Closes what it wraps, too, and frees. */
	void (*close)(struct netif *n);
};

static inline int netif_fd(const struct netif *n)
{
	return n->ops->fd(n);
}

static inline int netif_receive(struct netif *n, struct frame_in *frames, unsigned max, uint64_t now_ns)
{
	return n->ops->receive(n, frames, max, now_ns);
}

static inline int netif_transmit(struct netif *n, const struct frame_out *frames, unsigned count, uint64_t now_ns)
{
	return n->ops->transmit(n, frames, count, now_ns);
}

static inline uint64_t netif_deadline(const struct netif *n)
{
	return n->ops->deadline(n);
}

static inline void netif_close(struct netif *n)
{
	if (n)
		n->ops->close(n);
}

/* ---- drivers ---- */

/* A packet socket on a real interface. mac: the stack's own; NULL: a locally administered one that
 * is always the same for this interface, stack name and machine (made by link_stable_mac()). */
int netif_packet_open(const char *interface, const struct mac_addr *mac, struct netif **out,
    char message[NETIF_MESSAGE_BYTES]);

/* Two ends of a simulated wire; the wire lives as long as one of them. Everything on it happens in
 * the caller's (virtual) time and is a function of the seed. Frames beyond the MTU are cut here. */
struct fault_config {
	uint64_t seed;
	double loss, reorder, duplicate, corrupt; /* probabilities, 0 to 1 */
	uint64_t delay_ns, jitter_ns;             /* one way */
	uint64_t rate_bits_per_s;                 /* 0: no limit */
	uint32_t queue_bytes;                     /* in front of the rate limit; 0: a default */
};
int netif_sim_pair(const struct fault_config *each_way, uint32_t mtu_bytes, struct netif *ends[2]);

/* ---- layers: they own what they wrap ---- */

/* Writes frames in both directions to a capture file. A failed write ends the capture, with a
 * message to be fetched, and never the traffic. */
int netif_pcap_wrap(struct netif *inner, const char *file, struct netif **out, char message[NETIF_MESSAGE_BYTES]);
/* Why the capture has ended, or NULL; n is the layer itself. */
const char *netif_pcap_failure(const struct netif *n);
/* Applies the faults to both directions (out and in each with its own stream of chance). */
int netif_fault_wrap(struct netif *inner, const struct fault_config *config, struct netif **out);

/* ---- facts about interfaces, through libmnl ---- */

struct link_facts {
	char name[16];
	int index;
	bool up, has_link_header, loopback;
	struct mac_addr mac;
	uint32_t mtu_bytes;
	unsigned address_count;
	struct prefix address[16];
	struct ip_addr gateway4, gateway6;   /* default route through it; unspecified when none */
};
int link_read(const char *interface, struct link_facts *out, char message[NETIF_MESSAGE_BYTES]);
/* Name of the interface that the default route uses (IPv4 first). */
int link_default(char name[16], char message[NETIF_MESSAGE_BYTES]);
/* Locally administered, unicast, derived from the interface's MAC and the stack's name. */
struct mac_addr link_stable_mac(const struct link_facts *facts, const char *stack_name);

#endif
