/* SPDX-License-Identifier: MIT */
/*
 * What the narrator says. A frame is shown as tcpdump would, followed by what it means in the
 * conversation; every other event is a sentence with the reason that the engine gave for it.
 *
 *     12:00:00.000123 -> 10.0.0.2:40000 > 10.0.0.1:80: TCP S 1:1(0) win 64240 <...>   asks for a connection
 *     12:00:00.000340    tcp #12: SYN-SENT becomes ESTABLISHED (RFC 9293 3.10.7.3)
 */
#include "service/narrate_lines.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <jansson.h>
#include <netinet/if_ether.h>
#include <resolv.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "service/pair.h"
#include "stack/wire/print.h"

#define DNS_PORT 53U
#define SLOT_MASK 0xfffffU /* pair.c: the low bits of an id are its place, which is short enough to read */

struct line {
	char *at;
	size_t room_bytes;
};

static void say(struct line *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct line *l, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(l->at, l->room_bytes, format, arguments);
	va_end(arguments);
	if (n < 0)
		return;
	if ((size_t)n >= l->room_bytes)
		n = (int)l->room_bytes - 1;
	l->at += n;
	l->room_bytes -= (size_t)n;
}

static void say_time(struct line *l, uint64_t wall_ns)
{
	time_t seconds = (time_t)(wall_ns / NSEC_PER_SEC);
	struct tm t;

	localtime_r(&seconds, &t);
	say(l, "%02d:%02d:%02d.%06u ", t.tm_hour, t.tm_min, t.tm_sec, (unsigned)(wall_ns % NSEC_PER_SEC / 1000));
}

/* ---- frames ---- */

static bool read_frame(struct service *s, const struct trace_event *e, struct print_facts *f, char text[PRINT_LINE_BYTES])
{
	bool has_link_header = s->netif && e->interface == s->netif_index && s->netif->facts.has_link_header;

	text[0] = '\0';
	return e->frame_in ? print_frame_in(e->frame_in, has_link_header, f, text)
	                   : print_frame_out(e->frame_out, has_link_header, f, text);
}

/* The UDP payload of a frame, in one run; the DNS parser wants it so. */
static struct span udp_payload(const struct trace_event *e, const struct print_facts *f)
{
	static uint8_t room[2048];
	uint32_t link_bytes = f->has_link ? ETH_HLEN : 0, header_bytes;
	struct span frame = {room, 0}, none = {room, 0};

	if (e->frame_in)
		frame = (struct span){e->frame_in->data, e->frame_in->bytes};
	else if (frame_bytes(e->frame_out) <= sizeof(room))
		frame.bytes = frame_flatten(e->frame_out, room, sizeof(room));
	if (frame.bytes <= link_bytes || frame.data[link_bytes] >> 4 != 4)
		return none;
	header_bytes = link_bytes + (frame.data[link_bytes] & 15U) * 4 + 8;
	if (frame.bytes < header_bytes + f->payload_bytes)
		return none;
	return (struct span){frame.data + header_bytes, f->payload_bytes};
}

static void say_dns_answers(struct line *l, ns_msg *m)
{
	char text[NS_MAXDNAME];
	ns_rr rr;

	for (int i = 0; i < ns_msg_count(*m, ns_s_an) && i < 4; i++) {
		if (ns_parserr(m, ns_s_an, i, &rr) < 0)
			return;
		say(l, i ? ", " : ": ");
		if (ns_rr_type(rr) == ns_t_a && ns_rr_rdlen(rr) == 4)
			say(l, "address %s", inet_ntop(AF_INET, ns_rr_rdata(rr), text, sizeof(text)));
		else if (ns_rr_type(rr) == ns_t_aaaa && ns_rr_rdlen(rr) == 16)
			say(l, "address %s", inet_ntop(AF_INET6, ns_rr_rdata(rr), text, sizeof(text)));
		else if (ns_rr_type(rr) == ns_t_cname &&
		         dn_expand(ns_msg_base(*m), ns_msg_end(*m), ns_rr_rdata(rr), text, sizeof(text)) >= 0)
			say(l, "its real name is %s", text);
		else
			say(l, "a record of type %d", ns_rr_type(rr));
	}
}

static void say_dns(struct line *l, struct span payload)
{
	ns_msg m;
	ns_rr question;

	if (ns_initparse(payload.data, (int)payload.bytes, &m) < 0 || ns_parserr(&m, ns_s_qd, 0, &question) < 0)
		return;
	if (!ns_msg_getflag(m, ns_f_qr)) {
		say(l, "   asks DNS for %s of %s", ns_rr_type(question) == ns_t_a ? "the address (A)"
		    : ns_rr_type(question) == ns_t_aaaa                          ? "the IPv6 address (AAAA)"
		    : ns_rr_type(question) == ns_t_ptr                           ? "the name (PTR)"
		                                                                 : "a record",
		    ns_rr_name(question));
		return;
	}
	switch (ns_msg_getflag(m, ns_f_rcode)) {
	case ns_r_noerror:
		say(l, "   DNS answers for %s", ns_rr_name(question));
		if (ns_msg_count(m, ns_s_an) == 0)
			say(l, ": there is no such record");
		say_dns_answers(l, &m);
		break;
	case ns_r_nxdomain:
		say(l, "   DNS answers: there is no name %s", ns_rr_name(question));
		break;
	default:
		say(l, "   DNS cannot answer for %s (code %d)", ns_rr_name(question), ns_msg_getflag(m, ns_f_rcode));
	}
}

static void say_tcp(struct line *l, const struct print_facts *f)
{
	uint8_t flags = f->tcp.flags;

	if (flags & TCP_RST)
		say(l, "   breaks the connection off");
	else if (flags & TCP_SYN && flags & TCP_ACK)
		say(l, "   accepts the connection and asks for the other direction");
	else if (flags & TCP_SYN)
		say(l, "   asks for a connection");
	else if (f->payload_bytes && flags & TCP_FIN)
		say(l, "   the last %u bytes, and no more will come", f->payload_bytes);
	else if (flags & TCP_FIN)
		say(l, "   no more will come");
	else if (f->payload_bytes)
		say(l, "   %u bytes of data", f->payload_bytes);
	else if (flags & TCP_ACK)
		say(l, "   acknowledges");
}

static void say_arp(struct line *l, const struct arp *a)
{
	char text[IP_TEXT_BYTES];

	if (a->operation != ARP_REQUEST)
		say(l, "   tells which hardware address it has");
	else if (ip_is_unspecified(&a->sender))
		say(l, "   checks that nobody has %s yet", ip_print(&a->target, text));
	else if (ip_equal(&a->sender, &a->target))
		say(l, "   announces that it has %s", ip_print(&a->sender, text));
	else
		say(l, "   asks everybody which hardware address %s has", ip_print(&a->target, text));
}

static void say_meaning(struct line *l, const struct trace_event *e, const struct print_facts *f)
{
	switch (f->kind) {
	case PRINT_ARP:
		say_arp(l, &f->arp);
		break;
	case PRINT_ICMP:
		if (f->icmp.type == ICMP_ECHO)
			say(l, "   asks: are you there?");
		else if (f->icmp.type == ICMP_ECHO_REPLY)
			say(l, "   yes, here");
		break;
	case PRINT_UDP:
		if (f->source.port == DNS_PORT || f->destination.port == DNS_PORT)
			say_dns(l, udp_payload(e, f));
		break;
	case PRINT_TCP:
		say_tcp(l, f);
		break;
	case PRINT_UNKNOWN:
	case PRINT_BROKEN:
	case PRINT_FRAGMENT:
	case PRINT_ICMPV6:
		break;
	}
}

static void say_frame(struct service *s, const struct trace_event *e, struct line *l)
{
	char text[PRINT_LINE_BYTES];
	struct print_facts f;

	read_frame(s, e, &f, text);
	say(l, "%s %s", e->kind == TRACE_FRAME_IN ? "<-" : "->", text);
	say_meaning(l, e, &f);
}

/* ---- the other events ---- */

static void say_span(struct line *l, uint64_t ns)
{
	if (ns >= NSEC_PER_SEC)
		say(l, "%.3g s", (double)ns / 1e9);
	else if (ns >= NSEC_PER_MSEC)
		say(l, "%.4g ms", (double)ns / 1e6);
	else
		say(l, "%.4g us", (double)ns / 1e3);
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static void say_socket(struct service *s, const struct trace_event *e, struct line *l)
{
	struct pair *p = e->socket_id ? pair_find(s, e->socket_id) : NULL;
	char local[ENDPOINT_TEXT_BYTES], remote[ENDPOINT_TEXT_BYTES];

	if (e->socket_id)
		say(l, "#%llu ", (unsigned long long)(e->socket_id & SLOT_MASK));
	if (p && p->owner[0].pid && e->kind != TRACE_CALL)
		say(l, "(%s) ", p->owner[0].program);
	if (e->remote.port)
		say(l, "%s > %s ", endpoint_print(&e->local, local), endpoint_print(&e->remote, remote));
	else if (e->local.port)
		say(l, "%s ", endpoint_print(&e->local, local));
}

static void say_numbered(const struct trace_event *e, struct line *l)
{
	switch (e->kind) {
	case TRACE_DROP:
		say(l, "dropped %llu bytes: %s", (unsigned long long)e->number[0], or_empty(e->text));
		break;
	case TRACE_TIMER_SET:
		say(l, "timer %s: in ", or_empty(e->text));
		say_span(l, e->number[0]);
		break;
	case TRACE_RETRANSMIT:
		say(l, "sends %llu bytes from %llu again: %s", (unsigned long long)e->number[1],
		    (unsigned long long)e->number[0], or_empty(e->text));
		if (e->number[2]) {
			say(l, " ");
			say_span(l, e->number[2]);
		}
		break;
	case TRACE_CONGESTION:
		say(l, "congestion window %llu bytes, threshold %llu: %s", (unsigned long long)e->number[0],
		    (unsigned long long)e->number[1], or_empty(e->text));
		break;
	case TRACE_RTT:
		say(l, "round trip ");
		say_span(l, e->number[0]);
		say(l, ", smoothed ");
		say_span(l, e->number[1]);
		say(l, ", timeout ");
		say_span(l, e->number[2]);
		break;
	case TRACE_WINDOW:
		say(l, "%s: %llu bytes", or_empty(e->text), (unsigned long long)e->number[0]);
		break;
	case TRACE_ACK_DELAYED:
		say(l, "acknowledgement waits up to ");
		say_span(l, e->number[0]);
		say(l, ": %s", or_empty(e->text));
		break;
	case TRACE_DELIVERED:
		say(l, "%llu bytes given to the program", (unsigned long long)e->number[0]);
		break;
	case TRACE_QUEUED:
		say(l, "%llu bytes taken from the program", (unsigned long long)e->number[0]);
		break;
	case TRACE_FRAME_IN:
	case TRACE_FRAME_OUT:
	case TRACE_SOCKET_OPENED:
	case TRACE_SOCKET_BOUND:
	case TRACE_SOCKET_CLOSED:
	case TRACE_STATE:
	case TRACE_TIMER_FIRED:
	case TRACE_NEIGHBOUR:
	case TRACE_ADDRESS:
	case TRACE_ROUTE:
	case TRACE_ICMP_ERROR:
	case TRACE_CALL:
		break;
	}
}

static void say_named(const struct trace_event *e, struct line *l)
{
	char ip[IP_TEXT_BYTES], mac[MAC_TEXT_BYTES];
	static const struct mac_addr none;

	switch (e->kind) {
	case TRACE_SOCKET_OPENED:
		say(l, "a %s socket is made", or_empty(e->text));
		break;
	case TRACE_SOCKET_BOUND:
		say(l, "has its local address");
		break;
	case TRACE_SOCKET_CLOSED:
		say(l, "the socket is gone%s%s", e->text ? ": " : "", or_empty(e->text));
		break;
	case TRACE_STATE:
		say(l, "%s becomes %s", or_empty(e->detail), or_empty(e->text));
		break;
	case TRACE_TIMER_FIRED:
		say(l, "timer %s fires", or_empty(e->text));
		break;
	case TRACE_NEIGHBOUR:
		say(l, "neighbour %s", ip_print(&e->remote.addr, ip));
		if (!mac_equal(&e->mac, &none))
			say(l, " (%s)", mac_print(&e->mac, mac));
		say(l, ": %s becomes %s", or_empty(e->detail), or_empty(e->text));
		break;
	case TRACE_ADDRESS:
		say(l, "address %s: %s", ip_print(&e->local.addr, ip), or_empty(e->text));
		break;
	case TRACE_ROUTE:
		say(l, "route to %s: %s", ip_print(&e->remote.addr, ip), or_empty(e->text));
		break;
	case TRACE_ICMP_ERROR:
		say(l, "ICMP: %s (%s)", or_empty(e->text), strerror((int)e->number[0]));
		break;
	case TRACE_CALL:
		say(l, "%s: %s", or_empty(e->detail), or_empty(e->text));
		break;
	case TRACE_FRAME_IN:
	case TRACE_FRAME_OUT:
	case TRACE_DROP:
	case TRACE_TIMER_SET:
	case TRACE_RETRANSMIT:
	case TRACE_CONGESTION:
	case TRACE_RTT:
	case TRACE_WINDOW:
	case TRACE_ACK_DELAYED:
	case TRACE_DELIVERED:
	case TRACE_QUEUED:
		say_numbered(e, l);
		break;
	}
}

void narrate_text(struct service *s, const struct trace_event *e, uint64_t wall_ns, char line[NARRATE_LINE_BYTES])
{
	struct line l = {line, NARRATE_LINE_BYTES - 1};

	say_time(&l, wall_ns);
	if (e->kind == TRACE_FRAME_IN || e->kind == TRACE_FRAME_OUT) {
		say_frame(s, e, &l);
	} else {
		say(&l, "   ");
		if (e->kind != TRACE_NEIGHBOUR && e->kind != TRACE_ADDRESS && e->kind != TRACE_ROUTE)
			say_socket(s, e, &l);
		say_named(e, &l);
	}
	if (e->reason)
		say(&l, " (%s)", e->reason);
	l.room_bytes++;
	say(&l, "\n");
}

/* ---- JSON ---- */

static const char *const kind_names[] = {
#define TRACE(name, text) [TRACE_##name] = text,
    TRACE_KINDS(TRACE)
#undef TRACE
};

static void put_endpoint(json_t *o, const char *name, const struct endpoint *e)
{
	char text[ENDPOINT_TEXT_BYTES];

	if (e->port)
		json_object_set_new(o, name, json_string(endpoint_print(e, text)));
	else if (!ip_is_unspecified(&e->addr))
		json_object_set_new(o, name, json_string(ip_print(&e->addr, text)));
}

static void put_frame(struct service *s, const struct trace_event *e, json_t *o)
{
	char meaning[1024] = "", text[PRINT_LINE_BYTES];
	struct line l = {meaning, sizeof(meaning)};
	struct print_facts f;

	read_frame(s, e, &f, text);
	say_meaning(&l, e, &f);
	json_object_set_new(o, "frame", json_string(text));
	json_object_set_new(o, "protocol", json_string(f.kind_text));
	json_object_set_new(o, "bytes", json_integer(f.frame_bytes));
	put_endpoint(o, "source", &f.source);
	put_endpoint(o, "destination", &f.destination);
	if (f.kind == PRINT_TCP) {
		json_object_set_new(o, "seq", json_integer(f.tcp.seq.n));
		json_object_set_new(o, "ack", json_integer(f.tcp.ack.n));
		json_object_set_new(o, "flags", json_integer(f.tcp.flags));
		json_object_set_new(o, "window", json_integer(f.tcp.window));
	}
	json_object_set_new(o, "payload_bytes", json_integer(f.payload_bytes));
	if (*meaning)
		json_object_set_new(o, "meaning", json_string(meaning + strspn(meaning, " ")));
}

void narrate_json(struct service *s, const struct trace_event *e, uint64_t wall_ns, char line[NARRATE_LINE_BYTES])
{
	json_t *o = json_object();
	char id[17], mac[MAC_TEXT_BYTES];
	static const struct mac_addr none;
	size_t bytes;

	json_object_set_new(o, "time_s", json_real((double)(wall_ns / 1000) / 1e6));
	json_object_set_new(o, "kind", json_string(kind_names[e->kind]));
	if (e->socket_id) {
		snprintf(id, sizeof(id), "%016llx", (unsigned long long)e->socket_id);
		json_object_set_new(o, "socket", json_string(id));
	}
	if (e->interface)
		json_object_set_new(o, "interface", json_integer(e->interface));
	put_endpoint(o, "local", &e->local);
	put_endpoint(o, "remote", &e->remote);
	if (!mac_equal(&e->mac, &none))
		json_object_set_new(o, "mac", json_string(mac_print(&e->mac, mac)));
	if (e->text)
		json_object_set_new(o, "text", json_string(e->text));
	if (e->detail)
		json_object_set_new(o, "detail", json_string(e->detail));
	if (e->reason)
		json_object_set_new(o, "reason", json_string(e->reason));
	if (e->frame_in || e->frame_out)
		put_frame(s, e, o);
	else
		json_object_set_new(o, "numbers", json_pack("[I,I,I]", (json_int_t)e->number[0], (json_int_t)e->number[1],
		    (json_int_t)e->number[2]));
	bytes = json_dumpb(o, line, NARRATE_LINE_BYTES - 2, JSON_COMPACT | JSON_REAL_PRECISION(17));
	json_decref(o);
	if (bytes > NARRATE_LINE_BYTES - 2)
		bytes = 0;
	if (bytes)
		line[bytes++] = '\n';
	line[bytes] = '\0';
}
