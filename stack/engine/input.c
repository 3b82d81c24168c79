/* SPDX-License-Identifier: MIT */
/* The first verb: a frame has arrived. The link header is taken off here; what is behind it goes to
 * ARP or to the internet layer. */
#include "stack/engine/engine.h"
#include "stack/protocol/arp.h"
#include "stack/protocol/internet.h"

void engine_enter(struct stack *s, uint64_t now_ns)
{
	if (now_ns > s->now_ns)
		s->now_ns = now_ns;
	s->pulling = false;
	packets_release_spent(s);
}

static void trace_frame_in(struct stack *s, uint32_t interface, const struct frame_in *frame)
{
	struct trace_event e = {.kind = TRACE_FRAME_IN, .interface = interface, .frame_in = frame};

	if (trace_on(s) && s->config.trace_frames)
		trace_emit(s, &e);
}

static void ethernet_input(struct stack *s, struct interface *i, const struct frame_in *frame)
{
	struct ip_arrival how = {.interface = i, .checksum_verified = frame->checksum_verified,
	    .gso_bytes = frame->gso_bytes};
	struct ethernet e;
	struct span payload;

	if (!ethernet_parse((struct span){frame->data, frame->bytes}, &e, &payload)) {
		s->counters.link_in_short++;
		trace_drop(s, "shorter than an Ethernet header", NULL, frame->bytes);
		return;
	}
	how.group_frame = mac_is_group(&e.destination);
	if (!how.group_frame && !mac_equal(&e.destination, &i->config.mac)) {
		s->counters.link_in_foreign++; /* for another station: no word about it, there can be many */
		return;
	}
	switch (e.type) {
	case ETHERNET_ARP:
		arp_input(i, payload);
		break;
	case ETHERNET_IPV4:
	case ETHERNET_IPV6:
		ip_input(s, payload, &how);
		break;
	default:
		s->counters.link_in_foreign++;
		break;
	}
}

void engine_frame_input(struct stack *s, struct interface *i, const struct frame_in *frame)
{
	struct ip_arrival how = {.interface = i, .checksum_verified = frame->checksum_verified,
	    .gso_bytes = frame->gso_bytes};

	if (i->config.has_link_header)
		ethernet_input(s, i, frame);
	else
		ip_input(s, (struct span){frame->data, frame->bytes}, &how);
}

void stack_input(struct stack *s, uint32_t interface, const struct frame_in *frame, uint64_t now_ns)
{
	struct interface *i = interface_find(s, interface);

	engine_enter(s, now_ns);
	/* Nobody outside can speak as our own loopback. */
	if (!i || interface == STACK_LOOPBACK_INDEX)
		return;
	trace_frame_in(s, interface, frame);
	s->counters.link_in_frames++;
	engine_frame_input(s, i, frame);
}
