/* SPDX-License-Identifier: MIT */
/*
 * A packet socket (packet(7)) as a netif. packet_setup.c opens it and says which frames are ours;
 * packet.c moves frames. Most callers want netif_packet_open() of netif.h; the lab's wire and the
 * tests ask for more with packet_open().
 */
#ifndef NETIF_PACKET_H
#define NETIF_PACKET_H

#include <linux/virtio_net.h>
#include <net/if.h>
#include <sys/socket.h>
#include <linux/if_packet.h>

#include "netif/netif.h"

/* How frames are taken from the kernel: through the socket's buffer, or, where that may not be made
 * large enough, through a mapped ring. */
enum packet_receive {
	PACKET_RECEIVE_AUTO,
	PACKET_RECEIVE_SOCKET,
	PACKET_RECEIVE_RING,
};

struct packet_config {
	const struct mac_addr *mac; /* NULL: link_stable_mac() for the stack "default" */
	bool promiscuous;           /* every frame, whatever its address: for a bridge */
	bool no_offload;            /* do without PACKET_VNET_HDR (and so without the ring) */
	enum packet_receive receive;
};

int packet_open(const char *interface, const struct packet_config *config, struct netif **out,
    char message[NETIF_MESSAGE_BYTES]);

/* ---- between packet_setup.c, packet.c and packet_ring.c ---- */

/* A whole 64 KiB packet, its link header and some; a multiple of the page. */
#define PACKET_BUFFER_BYTES (68U << 10)
/* vnet header, headers, payload. */
#define PACKET_VECTOR_MAX (2U + FRAME_PARTS_MAX)

union packet_control {
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
};

struct packet {
	struct netif netif;
	int fd;
	int index;           /* of the interface that the socket is bound to */
	bool vnet;           /* each message begins with a struct virtio_net_hdr */
	bool promiscuous;
	bool down;           /* told to the caller; looked at again at check_ns */
	uint64_t check_ns;
	uint64_t statistics_ns; /* when to ask the kernel for its count of drops again */
	struct sockaddr_ll to[2]; /* without a link header the kernel must be told: IPv4, IPv6 */
	uint8_t *ring;       /* the mapped ring, or NULL, and then: */
	uint8_t *buffers;    /* NETIF_BATCH_MAX of PACKET_BUFFER_BYTES */
	unsigned ring_next;  /* slot that the kernel fills next, as far as we know */
	unsigned ring_lent;  /* slots before it that were handed out by the last receive() */
	uint8_t *room;       /* for cutting in software; NULL until it is needed */
	struct mmsghdr in[NETIF_BATCH_MAX];
	struct iovec in_vector[NETIF_BATCH_MAX][2];
	struct virtio_net_hdr in_header[NETIF_BATCH_MAX];
	union packet_control in_control[NETIF_BATCH_MAX];
	struct mmsghdr out[NETIF_BATCH_MAX];
	struct iovec out_vector[NETIF_BATCH_MAX][PACKET_VECTOR_MAX];
	struct virtio_net_hdr out_header[NETIF_BATCH_MAX];
};

/* Binds the socket to the interface of this name and joins what it must hear. 0 or -errno. */
int packet_bind(struct packet *p);

/* What the header says of a frame. */
void packet_describe(struct frame_in *f, const struct virtio_net_hdr *h);

/* 0, or -errno when the kernel gives none. */
int packet_ring_open(struct packet *p);
void packet_ring_close(struct packet *p);
/* As netif_receive(). */
int packet_ring_receive(struct packet *p, struct frame_in *frames, unsigned max);

extern const struct netif_ops packet_ops;

#endif
