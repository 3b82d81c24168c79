/* SPDX-License-Identifier: MIT */
/*
 * Frames through a packet socket, in batches: recvmmsg() into buffers of our own, sendmmsg() from
 * wherever the engine keeps the bytes. With PACKET_VNET_HDR each message begins with a struct
 * virtio_net_hdr (Virtual I/O Device 1.2, 5.1.6), by which a frame of 64 KiB goes down as one and
 * comes up as one, and the transport checksum is somebody else's work. What the kernel will not cut
 * for us is cut by segment.c.
 *
 * Frames of one flow may come up out of order now and then (the sender's work is spread over
 * processors): they are handed over as they come.
 */
#include "netif/packet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "netif/segment.h"
#include "stack/base/list.h"

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4 /* Linux 6.2 */
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

/* How often an interface that is down is looked at, and the kernel asked for its drops. */
#define PACKET_CHECK_NS NSEC_PER_SEC
#define PACKET_STATISTICS_NS NSEC_PER_SEC
/* Frames that the kernel could not describe to us in one call of receive(). */
#define PACKET_UNREADABLE_MAX 64

static struct packet *packet_of(struct netif *n)
{
	return container_of(n, struct packet, netif);
}

static int packet_fd(const struct netif *n)
{
	return container_of(n, const struct packet, netif)->fd;
}

/* ---- an interface that is down, or gone, or has come back under its name ---- */

static int went_down(struct packet *p, uint64_t now_ns)
{
	p->down = true;
	p->check_ns = time_after(now_ns, PACKET_CHECK_NS);
	return -ENETDOWN;
}

/* Down and up again, the kernel goes on by itself; a new interface of the name must be bound to. */
static void look_again(struct packet *p, uint64_t now_ns)
{
	struct ifreq request = {0};

	p->check_ns = time_after(now_ns, PACKET_CHECK_NS);
	memcpy(request.ifr_name, p->netif.facts.name, sizeof(request.ifr_name));
	if (ioctl(p->fd, SIOCGIFFLAGS, &request) || !(request.ifr_flags & IFF_UP))
		return;
	if ((int)if_nametoindex(p->netif.facts.name) != p->index && packet_bind(p))
		return;
	p->down = false;
	p->check_ns = TIME_NEVER;
}

/* ---- receiving ---- */

static enum frame_gso gso_of(const struct virtio_net_hdr *h)
{
	switch (h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return FRAME_GSO_TCP_V4;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return FRAME_GSO_TCP_V6;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		return FRAME_GSO_UDP;
	}
	return FRAME_GSO_NONE;
}

void packet_describe(struct frame_in *f, const struct virtio_net_hdr *h)
{
	f->checksum_verified = h->flags & (VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID);
	f->gso = gso_of(h);
	f->gso_bytes = f->gso == FRAME_GSO_NONE ? 0 : h->gso_size;
}

/* Without the header, the kernel at least says what is known of the checksum. */
static void describe_by_control(struct frame_in *f, struct msghdr *m)
{
	struct tpacket_auxdata data;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&data, CMSG_DATA(c), sizeof(data));
		f->checksum_verified = data.tp_status & (TP_STATUS_CSUMNOTREADY | TP_STATUS_CSUM_VALID);
	}
}

/* False for a message that holds no whole frame. */
static bool take_message(struct packet *p, unsigned i, struct frame_in *f)
{
	struct mmsghdr *m = &p->in[i];
	uint32_t header = p->vnet ? sizeof(p->in_header[i]) : 0;

	if ((m->msg_hdr.msg_flags & MSG_TRUNC) || m->msg_len <= header)
		return false;
	*f = (struct frame_in){
	    .data = m->msg_hdr.msg_iov[p->vnet ? 1 : 0].iov_base, .bytes = m->msg_len - header};
	if (p->vnet)
		packet_describe(f, &p->in_header[i]);
	else
		describe_by_control(f, &m->msg_hdr);
	return true;
}

static int receive_messages(struct packet *p, unsigned max)
{
	int count = -1;

	if (!p->vnet)
		for (unsigned i = 0; i < max; i++) {
			p->in[i].msg_hdr.msg_control = &p->in_control[i];
			p->in[i].msg_hdr.msg_controllen = sizeof(p->in_control[i]);
		}
	/* EINVAL: a frame (of a tunnel, say) that a virtio_net_hdr cannot describe; it is gone. */
	for (int tries = 0; tries < PACKET_UNREADABLE_MAX; tries++) {
		count = recvmmsg(p->fd, p->in, max, MSG_DONTWAIT, NULL);
		if (count >= 0 || errno != EINVAL)
			break;
		p->netif.counters.in_dropped++;
	}
	return count < 0 ? -errno : count;
}

static void ask_statistics(struct packet *p, uint64_t now_ns)
{
	struct tpacket_stats since_last;
	socklen_t bytes = sizeof(since_last);

	p->statistics_ns = time_after(now_ns, PACKET_STATISTICS_NS);
	if (getsockopt(p->fd, SOL_PACKET, PACKET_STATISTICS, &since_last, &bytes) == 0)
		p->netif.counters.in_dropped += since_last.tp_drops;
}

static int take_messages(struct packet *p, struct frame_in *frames, unsigned max)
{
	int count = receive_messages(p, max < NETIF_BATCH_MAX ? max : NETIF_BATCH_MAX);
	unsigned taken = 0;

	for (int i = 0; i < count; i++) {
		if (take_message(p, (unsigned)i, &frames[taken]))
			taken++;
		else
			p->netif.counters.in_dropped++;
	}
	return count < 0 ? count : (int)taken;
}

static int packet_receive(struct netif *n, struct frame_in *frames, unsigned max, uint64_t now_ns)
{
	struct packet *p = packet_of(n);
	int count;

	if (now_ns >= p->statistics_ns)
		ask_statistics(p, now_ns);
	if (p->down && now_ns >= p->check_ns)
		look_again(p, now_ns);
	count = p->ring ? packet_ring_receive(p, frames, max) : take_messages(p, frames, max);
	if (count == -ENETDOWN || count == -ENXIO || count == -ENODEV)
		return went_down(p, now_ns);
	if (count < 0)
		return count == -EAGAIN || count == -EINTR || count == -EINVAL ? 0 : count;
	n->counters.in_frames += (unsigned)count;
	for (int i = 0; i < count; i++)
		n->counters.in_bytes += frames[i].bytes;
	return count;
}

/* ---- transmitting ---- */

static uint8_t virtio_gso_of(const struct frame_out *f)
{
	switch (f->gso) {
	case FRAME_GSO_NONE:
		return VIRTIO_NET_HDR_GSO_NONE;
	case FRAME_GSO_TCP_V4:
		return VIRTIO_NET_HDR_GSO_TCPV4;
	case FRAME_GSO_TCP_V6:
		return VIRTIO_NET_HDR_GSO_TCPV6;
	case FRAME_GSO_UDP:
		return VIRTIO_NET_HDR_GSO_UDP_L4;
	}
	return VIRTIO_NET_HDR_GSO_NONE;
}

static void fill_header(struct virtio_net_hdr *h, const struct frame_out *f)
{
	*h = (struct virtio_net_hdr){.gso_type = virtio_gso_of(f)};
	if (f->checksum_needed) {
		h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h->csum_start = f->checksum_start;
		h->csum_offset = f->checksum_offset;
	}
	if (f->gso != FRAME_GSO_NONE) {
		h->gso_size = f->gso_bytes;
		h->hdr_len = f->gso_header_bytes;
	}
}

/* On a link without header the kernel cannot see what the packet is. */
static void address(struct packet *p, struct msghdr *m, uint8_t first_octet)
{
	if (p->netif.facts.has_link_header)
		return;
	m->msg_name = &p->to[first_octet >> 4 == 6];
	m->msg_namelen = sizeof(p->to[0]);
}

static void fill_message(struct packet *p, unsigned i, const struct frame_out *f)
{
	struct msghdr *m = &p->out[i].msg_hdr;
	struct iovec *v = p->out_vector[i];
	unsigned used = 0;

	*m = (struct msghdr){.msg_iov = v};
	fill_header(&p->out_header[i], f);
	v[used++] = (struct iovec){&p->out_header[i], sizeof(p->out_header[i])};
	if (frame_header_bytes(f))
		v[used++] = (struct iovec){(void *)(uintptr_t)frame_header(f), frame_header_bytes(f)};
	for (unsigned k = 0; k < f->part_count; k++)
		v[used++] = (struct iovec){(void *)(uintptr_t)f->part[k].data, f->part[k].bytes};
	m->msg_iovlen = used;
	if (used > 1)
		address(p, m, *(const uint8_t *)v[1].iov_base);
}

/* One piece that segment.c has cut: the vnet header, where there is one, says nothing. */
static int send_piece(void *context, const uint8_t *data, uint32_t bytes)
{
	struct packet *p = context;
	struct virtio_net_hdr nothing = {0};
	struct iovec v[2] = {{&nothing, sizeof(nothing)}, {(void *)(uintptr_t)data, bytes}};
	struct msghdr m = {.msg_iov = p->vnet ? v : v + 1, .msg_iovlen = p->vnet ? 2 : 1};

	address(p, &m, data[0]);
	if (sendmsg(p->fd, &m, MSG_DONTWAIT) < 0)
		return -errno;
	p->netif.counters.out_frames++;
	p->netif.counters.out_bytes += bytes;
	return 0;
}

/* 1 when taken, 0 when there is no room. When the room ends in the middle, the rest of the frame is
 * lost, as if on the wire: nothing of a frame may be sent twice. */
static int transmit_in_software(struct packet *p, const struct frame_out *f)
{
	uint64_t before = p->netif.counters.out_frames;
	int result;

	if (!p->room)
		p->room = malloc(SEGMENT_ROOM_BYTES);
	if (!p->room)
		return -ENOMEM;
	result = segment_frame_out(f, p->netif.facts.has_link_header, p->room, send_piece, p);
	if (result == 0)
		return 1;
	if (p->netif.counters.out_frames != before) {
		p->netif.counters.out_dropped++;
		return 1;
	}
	return result == -EAGAIN || result == -ENOBUFS ? 0 : result;
}

static int transmit_messages(struct packet *p, const struct frame_out *frames, unsigned count)
{
	int sent;

	for (unsigned i = 0; i < count; i++)
		fill_message(p, i, &frames[i]);
	do
		sent = sendmmsg(p->fd, p->out, count, MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	if (sent < 0 && errno == EINVAL && frames[0].gso != FRAME_GSO_NONE)
		return transmit_in_software(p, &frames[0]);
	if (sent < 0)
		return errno == EAGAIN || errno == ENOBUFS ? 0 : -errno;
	for (int i = 0; i < sent; i++) {
		p->netif.counters.out_frames++;
		p->netif.counters.out_bytes += p->out[i].msg_len - sizeof(p->out_header[i]);
	}
	return sent;
}

static int packet_transmit(struct netif *n, const struct frame_out *frames, unsigned count, uint64_t now_ns)
{
	struct packet *p = packet_of(n);
	unsigned taken = 0;
	int result = 0;

	while (taken < count) {
		unsigned batch = count - taken < NETIF_BATCH_MAX ? count - taken : NETIF_BATCH_MAX;

		if (p->vnet)
			result = transmit_messages(p, frames + taken, batch);
		else
			result = transmit_in_software(p, frames + taken);
		if (result <= 0)
			break;
		taken += (unsigned)result;
	}
	if (taken || result >= 0)
		return (int)taken;
	n->counters.out_dropped++;
	if (result == -ENETDOWN || result == -ENXIO || result == -ENODEV)
		return went_down(p, now_ns);
	return result;
}

/* ---- the rest ---- */

static uint64_t packet_deadline(const struct netif *n)
{
	const struct packet *p = container_of(n, const struct packet, netif);

	return p->down ? p->check_ns : TIME_NEVER;
}

static void packet_close(struct netif *n)
{
	struct packet *p = packet_of(n);

	if (p->ring)
		packet_ring_close(p);
	if (p->fd >= 0)
		close(p->fd);
	if (p->buffers)
		munmap(p->buffers, (size_t)NETIF_BATCH_MAX * PACKET_BUFFER_BYTES);
	free(p->room);
	free(p);
}

const struct netif_ops packet_ops = {
    .fd = packet_fd,
    .receive = packet_receive,
    .transmit = packet_transmit,
    .deadline = packet_deadline,
    .close = packet_close,
};
