/* SPDX-License-Identifier: MIT */
/*
 * The internet layer's way out, for both families: which way, which source, which link address
 * (RFC 1122 3.3.1, 8200). Headers are written by ipv4_output.c.
 */
#include <errno.h>

#include "stack/base/checksum.h"
#include "stack/protocol/internet.h"
#include "stack/protocol/neighbour.h"
#include "stack/protocol/path.h"
#include "stack/protocol/route.h"

bool ip_is_local(const struct stack *s, const struct ip_addr *a)
{
	const struct route *r;

	if (interface_address_find(s, 0, a))
		return true;
	r = route_lookup(s, a, 0);
	return r && r->kind == ROUTE_LOCAL;
}

bool ip_is_broadcast_here(const struct stack *s, const struct ip_addr *a)
{
	return ip_is_broadcast(a) || (ip_is_v4(a) && interface_is_broadcast(s, 0, a));
}

/* Linux: with an interface given and no route through it, the destination is taken to be on its
 * link. Without, broadcast and multicast need a route like everything else. */
static int find_interface(struct stack *s, const struct ip_addr *destination, uint32_t interface,
    struct ip_path *out, const struct route **found)
{
	const struct route *r = route_lookup(s, destination, interface);

	*found = r;
	out->next_hop = *destination;
	if (r && r->kind == ROUTE_BLACKHOLE)
		return -EINVAL;
	if (r) {
		out->local = r->kind == ROUTE_LOCAL;
		out->interface = out->local ? STACK_LOOPBACK_INDEX : r->interface;
		if (!out->local && !ip_is_unspecified(&r->gateway) && !out->broadcast && !out->multicast)
			out->next_hop = r->gateway;
		return 0;
	}
	if (!interface || !interface_find(s, interface))
		return -ENETUNREACH;
	out->interface = interface;
	return 0;
}

static bool find_source(struct stack *s, const struct ip_addr *destination, const struct ip_addr *wanted,
    const struct route *r, struct ip_path *out)
{
	const struct interface *i = interface_find(s, out->interface);

	if (wanted && !ip_is_unspecified(wanted)) {
		out->source = *wanted;
		return true;
	}
	if (out->local) {
		/* To ourselves: from the address itself; 127.0.0.1 for all of 127.0.0.0/8. */
		out->source = r && r->destination.bits < 32 && !ip_is_unspecified(&r->source) ? r->source : *destination;
		return true;
	}
	if (r && !ip_is_unspecified(&r->source) && interface_address_find(s, 0, &r->source) &&
	    interface_address_find(s, 0, &r->source)->state != ADDRESS_CONFLICT) {
		out->source = r->source;
		return true;
	}
	if (i && interface_source(i, destination, &out->next_hop, &out->source))
		return true;
	/* An interface without addresses borrows one (Linux inet_select_addr()). */
	for (uint32_t n = STACK_LOOPBACK_INDEX + 1; n < INTERFACES_MAX; n++)
		if (s->interface[n] && interface_source(s->interface[n], destination, &out->next_hop, &out->source))
			return true;
	return false;
}

int ip_path_find(struct stack *s, const struct ip_addr *destination, const struct ip_addr *source,
    uint32_t interface, struct ip_path *out)
{
	const struct interface *i;
	const struct route *r;
	int error;

	*out = (struct ip_path){.multicast = ip_is_multicast(destination),
	    .broadcast = ip_is_broadcast_here(s, destination)};
	error = find_interface(s, destination, interface, out, &r);
	if (error) {
		s->counters.ip_out_no_route++;
		return error;
	}
	if (!find_source(s, destination, source, r, out))
		return -ENETUNREACH;
	i = interface_find(s, out->interface);
	if (!i)
		return -ENETUNREACH;
	out->mtu_bytes = path_mtu(s, destination, i->config.mtu_bytes);
	if (out->mtu_bytes > FRAME_PACKET_MAX)
		out->mtu_bytes = FRAME_PACKET_MAX;
	out->gso_tcp = i->config.gso_tcp;
	out->gso_udp = i->config.gso_udp;
	out->checksum_offload = i->config.checksum_offload;
	out->generation = s->routes->generation;
	return 0;
}

int ip_path_refresh(struct stack *s, const struct ip_addr *destination, const struct ip_addr *source,
    uint32_t interface, struct ip_path *path)
{
	if (path->generation == s->routes->generation)
		return 0;
	return ip_path_find(s, destination, source, interface, path);
}

void ip_path_confirm(struct stack *s, const struct ip_path *path)
{
	struct interface *i = interface_find(s, path->interface);

	if (i && i->config.has_link_header && !path->local && !path->broadcast && !path->multicast)
		neighbour_confirm(i, &path->next_hop);
}

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

int ip_transmit(struct stack *s, struct packet *p, const struct ip_path *path, struct packet_queue *queue)
{
	struct interface *i = interface_find(s, path->local ? STACK_LOOPBACK_INDEX : path->interface);
	struct mac_addr mac = {{0}};

	if (!i) {
		packet_free(s, p);
		return -ENETDOWN;
	}
	p->interface = i->index;
	s->counters.ip_out_packets++;
	if (i->config.has_link_header && !link_address(i, path, &mac))
		return neighbour_wait(i, &path->next_hop, p);
	return interface_send(i, p, &mac, ethernet_type_of(path), queue);
}

void ip_finish_checksum(uint8_t *message, uint32_t bytes, uint16_t offset, const struct ip_flow *flow, bool partial)
{
	struct checksum c = {0};
	struct be16 sum;

	if (flow->protocol != IP_PROTOCOL_ICMP)
		c = checksum_pseudo_header(&flow->source, &flow->destination, flow->protocol, bytes);
	if (partial) {
		sum = checksum_partial(c);
	} else {
		sum = checksum_finish(checksum_add(c, message, bytes));
		/* RFC 768: zero means none, so a sum of zero is sent as its other form. */
		if (flow->protocol == IP_PROTOCOL_UDP && be16_get(sum) == 0)
			sum = be16_make(0xffff);
	}
	memcpy(message + offset, &sum, sizeof(sum));
}

/* The sum of a frame that the driver cannot complete. */
static void complete_checksum(struct frame_out *f)
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
	sum = checksum_finish(c);
	memcpy(message + f->checksum_offset, &sum, sizeof(sum));
	f->checksum_needed = false;
}

static uint32_t segments_of(uint32_t payload_bytes, uint16_t gso_bytes)
{
	return gso_bytes ? (payload_bytes + gso_bytes - 1) / gso_bytes : 1;
}

static enum ip_output output_too_big(struct stack *s, struct frame_out *f, const struct ip_flow *flow,
    const struct ip_path *path)
{
	struct packet *p;

	if (flow->dont_fragment || !(p = packet_from_frame(s, f))) {
		s->counters.ip_out_no_memory += !flow->dont_fragment;
		trace_drop(s, "larger than the path allows", "RFC 1191", frame_bytes(f));
		return IP_OUTPUT_GONE;
	}
	ipv4_fragment(s, p, path, s->packets);
	return IP_OUTPUT_GONE;
}

enum ip_output ip_output(struct stack *s, struct frame_out *f, const struct ip_flow *flow, const struct ip_path *path)
{
	struct interface *i = interface_find(s, path->local ? STACK_LOOPBACK_INDEX : path->interface);
	uint32_t payload_bytes = frame_bytes(f);
	struct ethernet link = {.type = (uint16_t)ethernet_type_of(path)};
	struct packet *p;

	if (!i)
		return IP_OUTPUT_GONE;
	ipv4_write_header(s, frame_push(f, IPV4_HEADER_BYTES), flow, payload_bytes, segments_of(payload_bytes, f->gso_bytes));
	f->gso_header_bytes = (uint16_t)(f->gso_header_bytes + IPV4_HEADER_BYTES);
	f->interface = i->index;
	if (f->checksum_needed && !path->local && !path->checksum_offload)
		complete_checksum(f);
	if (f->gso == FRAME_GSO_NONE && frame_bytes(f) > path->mtu_bytes)
		return output_too_big(s, f, flow, path);
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

/* One block with the parts in a row, room for headers in front. */
static struct packet *gather(struct stack *s, const struct span *part, unsigned parts)
{
	size_t bytes = 0;
	struct packet *p;
	uint8_t *at;

	for (unsigned i = 0; i < parts; i++)
		bytes += part[i].bytes;
	p = packet_make(s, (uint32_t)bytes);
	if (!p)
		return NULL;
	at = packet_data(p);
	for (unsigned i = 0; i < parts; i++) {
		if (part[i].bytes)
			memcpy(at, part[i].data, part[i].bytes);
		at += part[i].bytes;
	}
	return p;
}

/* A copy for the sockets of this host: members of the group, or anybody who listens to broadcasts. */
static void loop_copy(struct stack *s, const struct packet *p)
{
	struct packet *copy = packet_make(s, p->bytes);

	if (!copy)
		return;
	memcpy(packet_data(copy), p->data + p->start, p->bytes);
	copy->checksum_needed = p->checksum_needed;
	copy->interface = STACK_LOOPBACK_INDEX;
	packet_queue_append(s, s->packets, copy);
}

int ip_request_send(struct stack *s, const struct ip_request *r)
{
	struct ip_flow flow = *r->flow;
	struct packet_queue *queue = r->queue ? r->queue : s->packets;
	struct ip_path found;
	const struct ip_path *path = r->path;
	struct packet *p;
	uint32_t payload_bytes;
	bool too_big, partial;
	int error;

	if (!path) {
		error = ip_path_find(s, &flow.destination, &flow.source, 0, &found);
		if (error)
			return error;
		path = &found;
	}
	if (ip_is_unspecified(&flow.source) && !ip_is_unspecified(&path->source))
		flow.source = path->source;
	p = gather(s, r->part, r->parts);
	if (!p) {
		s->counters.ip_out_no_memory++;
		return -ENOBUFS;
	}
	too_big = !r->gso_bytes && p->bytes + IPV4_HEADER_BYTES > path->mtu_bytes;
	if (p->bytes + IPV4_HEADER_BYTES > FRAME_PACKET_MAX || (too_big && flow.dont_fragment)) {
		packet_free(s, p);
		return -EMSGSIZE;
	}
	partial = (path->local || path->checksum_offload) && !too_big && flow.protocol != IP_PROTOCOL_ICMP;
	if (r->checksum_offset != UINT16_MAX) {
		ip_finish_checksum(packet_data(p), p->bytes, r->checksum_offset, &flow, partial);
		p->checksum_needed = partial;
		p->checksum_offset = r->checksum_offset;
	}
	if (r->gso_bytes) {
		p->gso = FRAME_GSO_UDP;
		p->gso_bytes = r->gso_bytes;
		p->gso_header_bytes = 8; /* the UDP header; packet_push() adds the others */
	}
	payload_bytes = p->bytes;
	ipv4_write_header(s, packet_push(p, IPV4_HEADER_BYTES), &flow, payload_bytes,
	    segments_of(payload_bytes, r->gso_bytes));
	if ((path->multicast && r->loop_multicast) || path->broadcast)
		loop_copy(s, p);
	return too_big ? ipv4_fragment(s, p, path, queue) : ip_transmit(s, p, path, queue);
}

int ip_send(struct stack *s, const struct ip_flow *flow, const struct ip_path *path, const struct span *part,
    unsigned parts, uint16_t checksum_offset, uint16_t gso_bytes)
{
	const struct ip_request r = {.flow = flow, .path = path, .part = part, .parts = parts,
	    .checksum_offset = checksum_offset, .gso_bytes = gso_bytes, .loop_multicast = true};

	return ip_request_send(s, &r);
}

int stack_source_for(struct stack *s, const struct endpoint *remote, struct ip_addr *source, uint32_t *mtu_bytes)
{
	struct ip_path path;
	int error = ip_path_find(s, &remote->addr, NULL, remote->scope, &path);

	if (error)
		return error == -EINVAL ? -EHOSTUNREACH : error;
	*source = path.source;
	*mtu_bytes = path.mtu_bytes;
	return 0;
}
