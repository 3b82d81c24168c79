/* SPDX-License-Identifier: MIT */
/*
 * Receiving through memory that the kernel fills (PACKET_RX_RING, packet_mmap(7), TPACKET_V2): for
 * when the socket's receive buffer may not be made large enough. Without CAP_NET_ADMIN over the
 * whole machine (in `teachnet lab` for an ordinary user, say) the limit is net.core.rmem_max, and
 * the 208 KiB that many systems set hold six frames of 64 KiB: one TCP window overflows it. The ring
 * is not counted against that limit.
 *
 * A slot has room for any frame; the kernel fills them in order and marks them ours, we mark them
 * the kernel's again. What receive() has handed out goes back at its next call.
 */
#include <errno.h>
#include <sys/mman.h>

#include "netif/packet.h"

/* A slot is as large as the other way's buffer; a block is what the kernel allocates at once: 255
 * pages, just below a power of two. */
#define RING_SLOTS_PER_BLOCK 15U
#define RING_BLOCKS 34U
#define RING_SLOTS (RING_SLOTS_PER_BLOCK * RING_BLOCKS)
#define RING_BLOCK_BYTES (RING_SLOTS_PER_BLOCK * PACKET_BUFFER_BYTES)
#define RING_BYTES ((size_t)RING_BLOCKS * RING_BLOCK_BYTES)

static struct tpacket2_hdr *slot_at(const struct packet *p, unsigned i)
{
	return (struct tpacket2_hdr *)(void *)(p->ring + (size_t)(i % RING_SLOTS) * PACKET_BUFFER_BYTES);
}

int packet_ring_open(struct packet *p)
{
	struct tpacket_req request = {.tp_block_size = RING_BLOCK_BYTES,
	    .tp_block_nr = RING_BLOCKS,
	    .tp_frame_size = PACKET_BUFFER_BYTES,
	    .tp_frame_nr = RING_SLOTS};
	int version = TPACKET_V2;
	void *at;

	if (setsockopt(p->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) ||
	    setsockopt(p->fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)))
		return -errno;
	at = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, p->fd, 0);
	if (at == MAP_FAILED) {
		int error = -errno;

		request = (struct tpacket_req){0};
		setsockopt(p->fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request));
		return error;
	}
	p->ring = at;
	return 0;
}

void packet_ring_close(struct packet *p)
{
	munmap(p->ring, RING_BYTES);
}

/* The kernel looks at the status word from another processor: it is written last, read first. */
static void give_back(struct packet *p)
{
	for (; p->ring_lent; p->ring_lent--)
		__atomic_store_n(&slot_at(p, p->ring_next + RING_SLOTS - p->ring_lent)->tp_status, TP_STATUS_KERNEL,
		    __ATOMIC_RELEASE);
}

/* An error of the socket is told by nothing but this, as nothing is read from the socket. */
static int socket_error(const struct packet *p)
{
	int error = 0;
	socklen_t bytes = sizeof(error);

	return getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &bytes) ? -errno : -error;
}

int packet_ring_receive(struct packet *p, struct frame_in *frames, unsigned max)
{
	unsigned taken = 0;

	give_back(p);
	while (taken < max && p->ring_lent < RING_SLOTS / 2) {
		struct tpacket2_hdr *slot = slot_at(p, p->ring_next);
		const uint8_t *data;

		if (!(__atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
			break;
		p->ring_next = (p->ring_next + 1) % RING_SLOTS;
		p->ring_lent++;
		if (slot->tp_snaplen < slot->tp_len || slot->tp_snaplen == 0) {
			p->netif.counters.in_dropped++;
			continue;
		}
		data = (const uint8_t *)slot + slot->tp_mac;
		frames[taken] = (struct frame_in){.data = data, .bytes = slot->tp_snaplen};
		packet_describe(&frames[taken++],
		    (const struct virtio_net_hdr *)(const void *)(data - sizeof(struct virtio_net_hdr)));
	}
	return taken ? (int)taken : socket_error(p);
}
