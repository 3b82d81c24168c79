/* SPDX-License-Identifier: MIT */
/*
 * The internet layer's way out, for both families: IP header, checksum, fragments, link address
 * (RFC 1122 3.3, RFC 8200). What differs between the families is in ipv4_output.c and ipv6_output.c;
 * which way to go was found by ip_path.c.
 */
#include <errno.h>

#include "stack/base/checksum.h"
#include "stack/protocol/internet.h"
#include "stack/protocol/neighbour.h"
#include "stack/wire/udp.h"

static uint32_t header_bytes_of(const struct ip_flow *flow)
{
	return ip_is_v4(&flow->destination) ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
}

static void write_header(struct stack *s, uint8_t *at, const struct ip_flow *flow, uint32_t payload_bytes, uint32_t segments)
{
	if (ip_is_v4(&flow->destination))
		ipv4_write_header(s, at, flow, payload_bytes, segments);
	else
		ipv6_write_header(at, flow, payload_bytes);
}

static int fragment(struct stack *s, struct packet *p, const struct ip_path *path)
{
	return ip_is_v4(&path->next_hop) ? ipv4_fragment(s, p, path) : ipv6_fragment(s, p, path);
}

static uint32_t segments_of(uint32_t payload_bytes, uint16_t gso_bytes)
{
	return gso_bytes ? (payload_bytes + gso_bytes - 1) / gso_bytes : 1;
}

/* ---- the link ---- */

/* The link address for a packet on its way: false, it must wait. */
static bool link_address(struct interface *i, const struct ip_path *path, struct mac_addr *mac)
{
	if (path->broadcast)
		*mac = ethernet_broadcast;
	else if (path->multicast)
		*mac = ethernet_multicast(&path->next_hop);
	else
		return neighbour_resolve(i, &path->next_hop, mac);
	return true;
}

static enum ethernet_type ethernet_type_of(const struct ip_path *path)
{
	return ip_is_v4(&path->next_hop) ? ETHERNET_IPV4 : ETHERNET_IPV6;
}

static struct interface *interface_of(const struct stack *s, const struct ip_path *path)
{
	return interface_find(s, path->local ? STACK_LOOPBACK_INDEX : path->interface);
}

int ip_transmit(struct stack *s, struct packet *p, const struct ip_path *path)
{
	struct interface *i = interface_of(s, path);
	struct mac_addr mac = {{0}};

	if (!i) {
		packet_free(s, p);
		return -ENETDOWN;
	}
	p->interface = i->index;
	s->counters.ip_out_packets++;
	if (i->config.has_link_header && !link_address(i, path, &mac))
		return neighbour_wait(i, &path->next_hop, p);
	return interface_send(i, p, &mac, ethernet_type_of(path));
}

/* ---- checksums ---- */

static struct be16 transport_sum(struct checksum c, const struct ip_flow *flow)
{
	struct be16 sum = checksum_finish(c);

	/* RFC 768: zero means none, so a sum of zero is sent as its other form. */
	if (flow->protocol == IP_PROTOCOL_UDP && be16_get(sum) == 0)
		sum = be16_make(0xffff);
	return sum;
}

/* Stores the sum of a message at its offset; partial: only what the driver needs to do it. */
static void store_checksum(uint8_t *message, uint32_t bytes, uint16_t offset, const struct ip_flow *flow, bool partial)
{
	struct checksum c = {0};
	struct be16 sum;

	if (flow->protocol != IP_PROTOCOL_ICMP)
		c = checksum_pseudo_header(&flow->source, &flow->destination, flow->protocol, bytes);
	sum = partial ? checksum_partial(c) : transport_sum(checksum_add(c, message, bytes), flow);
	memcpy(message + offset, &sum, sizeof(sum));
}

/* The sum of a frame that the driver cannot complete. */
static void complete_checksum(struct frame_out *f, const struct ip_flow *flow)
{
	uint8_t *message = f->header + f->header_start + f->checksum_start;
	uint32_t in_header = frame_header_bytes(f) - f->checksum_start;
	struct checksum c = checksum_add((struct checksum){0}, message, in_header);
	bool odd = in_header & 1;
	struct be16 sum;

	for (unsigned i = 0; i < f->part_count; i++) {
		c = odd ? checksum_add_odd(c, f->part[i].data, f->part[i].bytes)
			: checksum_add(c, f->part[i].data, f->part[i].bytes);
		odd ^= f->part[i].bytes & 1;
	}
	sum = transport_sum(c, flow);
	memcpy(message + f->checksum_offset, &sum, sizeof(sum));
	f->checksum_needed = false;
}

/* ---- frames of sockets ---- */

static void output_too_big(struct stack *s, const struct frame_out *f, const struct ip_flow *flow, const struct ip_path *path)
{
	struct packet *p = flow->dont_fragment ? NULL : packet_from_frame(s, f);

	if (p) {
		fragment(s, p, path);
		return;
	}
	s->counters.ip_out_no_memory += !flow->dont_fragment;
	trace_drop(s, "larger than the path allows", "RFC 1191, RFC 8201", frame_bytes(f));
}

enum ip_output ip_output(struct stack *s, struct frame_out *f, const struct ip_flow *flow, const struct ip_path *path)
{
	struct interface *i = interface_of(s, path);
	uint32_t header_bytes = header_bytes_of(flow);
	uint32_t payload_bytes = frame_bytes(f);
	struct ethernet link = {.type = (uint16_t)ethernet_type_of(path)};
	struct packet *p;

	if (!i)
		return IP_OUTPUT_GONE;
	write_header(s, frame_push(f, header_bytes), flow, payload_bytes, segments_of(payload_bytes, f->gso_bytes));
	f->gso_header_bytes = (uint16_t)(f->gso_header_bytes + header_bytes);
	f->interface = i->index;
	if (f->checksum_needed && !path->local && !path->checksum_offload)
		complete_checksum(f, flow);
	if (f->gso == FRAME_GSO_NONE && frame_bytes(f) > path->mtu_bytes) {
		output_too_big(s, f, flow, path);
		return IP_OUTPUT_GONE;
	}
	s->counters.ip_out_packets++;
	if (!i->config.has_link_header)
		return IP_OUTPUT_FRAME;
	if (!link_address(i, path, &link.destination)) {
		p = packet_from_frame(s, f);
		if (!p || neighbour_wait(i, &path->next_hop, p))
			s->counters.ip_out_no_memory++;
		return IP_OUTPUT_GONE;
	}
	link.source = i->config.mac;
	ethernet_emit(frame_push(f, ETHERNET_HEADER_BYTES), &link);
	f->gso_header_bytes = (uint16_t)(f->gso_header_bytes + ETHERNET_HEADER_BYTES);
	return IP_OUTPUT_FRAME;
}

/* ---- ready-made packets ---- */

/* One block with the parts in a row, room for headers in front. */
static struct packet *gather(struct stack *s, const struct span *part, unsigned parts)
{
	size_t bytes = 0;
	struct packet *p;
	uint8_t *at;

	for (unsigned i = 0; i < parts; i++)
		bytes += part[i].bytes;
	p = packet_make(s, (uint32_t)bytes);
	if (!p) {
		s->counters.ip_out_no_memory++;
		return NULL;
	}
	at = packet_data(p);
	for (unsigned i = 0; i < parts; i++) {
		if (part[i].bytes)
			memcpy(at, part[i].data, part[i].bytes);
		at += part[i].bytes;
	}
	return p;
}

/* A copy for the sockets of this host: members of the group, or whoever listens to broadcasts. */
static void loop_copy(struct stack *s, const struct packet *p)
{
	struct packet *copy = packet_make(s, p->bytes);

	if (!copy)
		return;
	memcpy(packet_data(copy), p->data + p->start, p->bytes);
	copy->interface = STACK_LOOPBACK_INDEX;
	packet_queue_append(s, s->packets, copy);
}

/* May the driver sum what we send this way? What looks at its own packets (raw sockets that hear
 * ICMP) wants to see the real sum. */
static bool driver_sums(const struct ip_flow *flow, const struct ip_path *path)
{
	bool icmp = flow->protocol == IP_PROTOCOL_ICMP || flow->protocol == IP_PROTOCOL_ICMPV6;

	return (path->local || path->checksum_offload) && !icmp;
}

/* p holds the message. Takes it. */
static int send_message(struct stack *s, struct packet *p, struct ip_flow flow, const struct ip_path *path,
    uint16_t checksum_offset, uint16_t gso_bytes)
{
	uint32_t header_bytes = header_bytes_of(&flow), payload_bytes = p->bytes;
	bool too_big = !gso_bytes && payload_bytes + header_bytes > path->mtu_bytes;
	bool partial = driver_sums(&flow, path) && !too_big;

	if (payload_bytes + header_bytes > FRAME_PACKET_MAX || (too_big && flow.dont_fragment)) {
		packet_free(s, p);
		return -EMSGSIZE;
	}
	if (checksum_offset != UINT16_MAX) {
		store_checksum(packet_data(p), payload_bytes, checksum_offset, &flow, partial);
		p->checksum_needed = partial;
		p->checksum_offset = checksum_offset;
	}
	if (gso_bytes) {
		p->gso = FRAME_GSO_UDP;
		p->gso_bytes = gso_bytes;
		p->gso_header_bytes = UDP_HEADER_BYTES; /* packet_push() adds the others */
	}
	flow.dont_fragment |= flow.discover_mtu && !too_big;
	write_header(s, packet_push(p, header_bytes), &flow, payload_bytes, segments_of(payload_bytes, gso_bytes));
	if ((path->multicast && !flow.no_loop) || path->broadcast)
		loop_copy(s, p);
	return too_big ? fragment(s, p, path) : ip_transmit(s, p, path);
}

/* UDP_SEGMENT where the driver cannot cut: a datagram for each piece. message is the whole, its UDP
 * header in front. */
static int send_pieces(struct stack *s, struct packet *message, const struct ip_flow *flow, const struct ip_path *path,
    uint16_t checksum_offset, uint16_t gso_bytes)
{
	struct span rest = {packet_data(message) + UDP_HEADER_BYTES, message->bytes - UDP_HEADER_BYTES};
	uint8_t header[UDP_HEADER_BYTES];
	struct packet *piece;
	int error = 0;

	memcpy(header, packet_data(message), sizeof(header));
	while (rest.bytes && !error) {
		size_t bytes = rest.bytes < gso_bytes ? rest.bytes : gso_bytes;
		struct span part[2] = {{header, sizeof(header)}, {rest.data, bytes}};

		header[4] = (uint8_t)((sizeof(header) + bytes) >> 8);
		header[5] = (uint8_t)(sizeof(header) + bytes);
		piece = gather(s, part, 2);
		error = piece ? send_message(s, piece, *flow, path, checksum_offset, 0) : -ENOBUFS;
		rest = (struct span){rest.data + bytes, rest.bytes - bytes};
	}
	packet_free(s, message);
	return error;
}

int ip_send(struct stack *s, const struct ip_flow *asked, const struct ip_path *path, const struct span *part,
    unsigned parts, uint16_t checksum_offset, uint16_t gso_bytes)
{
	struct ip_flow flow = *asked;
	struct ip_path found;
	struct packet *p;
	int error;

	if (!path) {
		error = ip_path_find(s, &flow.destination, &flow.source, 0, &found);
		if (error)
			return error;
		path = &found;
	}
	if (ip_is_unspecified(&flow.source) && !ip_is_unspecified(&path->source))
		flow.source = path->source;
	p = gather(s, part, parts);
	if (!p)
		return -ENOBUFS;
	if (gso_bytes && (path->local || !path->gso_udp || !path->checksum_offload || path->multicast || path->broadcast))
		return send_pieces(s, p, &flow, path, checksum_offset, gso_bytes);
	return send_message(s, p, flow, path, checksum_offset, gso_bytes);
}
