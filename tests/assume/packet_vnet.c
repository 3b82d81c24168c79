/* SPDX-License-Identifier: MIT */
/*
 * The story (DESIGN.md 2.4): with PACKET_VNET_HDR one message is a TCP segment of 64 KiB. It crosses
 * a veth pair in one piece and comes up in one piece; where the other side cannot take it so, the
 * kernel cuts it and completes the checksums; and the kernel's own TCP hands its segments over whole.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>

#include "tests/assume/packet.h"

#define PAYLOAD_BYTES 64000U
#define PIECE_BYTES 1448U
#define HEADER_BYTES 54U

static uint8_t frame[FRAME_ROOM], seen[FRAME_ROOM];

static uint32_t sum_16(const uint8_t *data, size_t bytes, uint32_t sum)
{
	for (size_t i = 0; i + 1 < bytes; i += 2)
		sum += (uint32_t)(data[i] << 8 | data[i + 1]);
	if (bytes & 1)
		sum += (uint32_t)data[bytes - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static uint32_t pseudo_sum(const uint8_t *ip, size_t tcp_bytes)
{
	return sum_16(ip + 12, 8, 6 + (uint32_t)tcp_bytes);
}

/* 10.0.0.1 to 10.0.0.2, the checksum field holding the pseudo-header's sum. */
static struct virtio_net_hdr build_segment(void)
{
	struct virtio_net_hdr h = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
	    .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
	    .hdr_len = HEADER_BYTES,
	    .gso_size = PIECE_BYTES,
	    .csum_start = 34,
	    .csum_offset = 16};
	uint32_t total = 40 + PAYLOAD_BYTES, sum;
	uint8_t *ip = frame + 14, *tcp = ip + 20;

	packet_fill(frame, other_mac);
	memset(ip, 0, 40);
	frame[12] = 8;
	frame[13] = 0;
	ip[0] = 0x45;
	ip[2] = (uint8_t)(total >> 8);
	ip[3] = (uint8_t)total;
	ip[8] = 64;
	ip[9] = 6;
	memcpy(ip + 12, (uint8_t[]){10, 0, 0, 1, 10, 0, 0, 2}, 8);
	sum = ~sum_16(ip, 20, 0) & 0xffff;
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	tcp[12] = 5 << 4;
	tcp[13] = 0x10;
	sum = pseudo_sum(ip, 20 + PAYLOAD_BYTES);
	tcp[16] = (uint8_t)(sum >> 8);
	tcp[17] = (uint8_t)sum;
	for (uint32_t i = 0; i < PAYLOAD_BYTES; i++)
		frame[HEADER_BYTES + i] = (uint8_t)(i * 7 + i / 256);
	return h;
}

static void whole_through_a_veth_pair(int out, int in)
{
	struct virtio_net_hdr h = build_segment(), got;
	ssize_t bytes;

	CHECK_THAT(packet_send(out, &h, frame, HEADER_BYTES + PAYLOAD_BYTES) ==
	               (ssize_t)(sizeof(h) + HEADER_BYTES + PAYLOAD_BYTES),
	    "a segment of 64,000 bytes is sent with one call");
	bytes = packet_receive(in, &got, seen);
	CHECK_THAT(bytes == HEADER_BYTES + PAYLOAD_BYTES, "and received with one");
	CHECK_THAT(memcmp(frame, seen, HEADER_BYTES + PAYLOAD_BYTES) == 0, "as it was");
	CHECK_THAT((got.gso_type & ~VIRTIO_NET_HDR_GSO_ECN) == VIRTIO_NET_HDR_GSO_TCPV4 && got.gso_size == PIECE_BYTES,
	    "with the size of its pieces");
	CHECK_THAT(got.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM, "and the word that its checksum never was complete");
}

static void cut_by_the_kernel_where_it_must_be(int out, int in)
{
	struct virtio_net_hdr h = build_segment(), got;
	uint32_t received = 0;
	bool fits = true, right = true;
	ssize_t bytes;

	MUST(link_setup_offload("la", false) == 0);
	MUST(packet_send(out, &h, frame, HEADER_BYTES + PAYLOAD_BYTES) > 0);
	while ((bytes = packet_receive(in, &got, seen)) > (ssize_t)HEADER_BYTES) {
		size_t tcp_bytes = (size_t)bytes - 34;

		fits &= bytes <= 1514 && got.gso_type == VIRTIO_NET_HDR_GSO_NONE;
		right &= sum_16(seen + 34, tcp_bytes, pseudo_sum(seen + 14, tcp_bytes)) == 0xffff;
		right &= memcmp(seen + HEADER_BYTES, frame + HEADER_BYTES + received, (size_t)bytes - HEADER_BYTES) == 0;
		received += (uint32_t)bytes - HEADER_BYTES;
	}
	CHECK_THAT(received == PAYLOAD_BYTES, "without offloads every byte of it arrives");
	CHECK_THAT(fits, "in frames of the MTU");
	CHECK_THAT(right, "in order, with complete checksums");
	MUST(link_setup_offload("la", true) == 0);
}

/* The kernel's TCP on la, 10.0.0.1, talks to itself in another namespace on lb; we listen to lb. */
static void segments_of_the_kernels_tcp(void)
{
	int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), there, in, server, client, peer;
	struct prefix a = {ip_from_v4(0x0a010001), 24}, b = {ip_from_v4(0x0a010002), 24};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr = {htonl(0x0a010002)}};
	struct virtio_net_hdr h;
	ssize_t bytes, largest = 0;

	MUST(here >= 0 && unshare(CLONE_NEWNET) == 0);
	there = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	MUST(there >= 0 && link_setup_veth("ka", here, "kb", there) == 0);
	MUST(link_setup_up("kb") == 0 && link_setup_address("kb", &b) == 0);
	server = socket(AF_INET, SOCK_STREAM, 0);
	in = packet_socket(true);
	packet_listen(in, "kb");
	MUST(bind(server, (struct sockaddr *)&to, sizeof(to)) == 0 && listen(server, 1) == 0);
	MUST(setns(here, CLONE_NEWNET) == 0);
	MUST(link_setup_up("ka") == 0 && link_setup_address("ka", &a) == 0);
	client = socket(AF_INET, SOCK_STREAM, 0);
	MUST(connect(client, (struct sockaddr *)&to, sizeof(to)) == 0);
	peer = accept(server, NULL, NULL);
	for (int i = 0; i < 40; i++) {
		MUST(send(client, frame, 60000, 0) == 60000);
		MUST(recv(peer, seen, 60000, MSG_WAITALL) == 60000);
	}
	while ((bytes = packet_receive(in, &h, seen)) > 0)
		if (bytes > largest && h.gso_size > 0 && (h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
			largest = bytes;
	CHECK_THAT(largest > 16000, "the kernel's TCP on the other side of a veth pair hands over large segments");
	close(client);
	close(peer);
	close(server);
	close(in);
	close(here);
	close(there);
}

int main(void)
{
	int out, in;

	if (!packet_network())
		return 0;
	out = packet_socket(true);
	in = packet_socket(true);
	packet_listen(out, "la");
	packet_listen(in, "lb");
	whole_through_a_veth_pair(out, in);
	cut_by_the_kernel_where_it_must_be(out, in);
	segments_of_the_kernels_tcp();
	close(out);
	close(in);
	return tap_done();
}
