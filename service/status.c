/* SPDX-License-Identifier: MIT */
/*
 * The documents of STATUS, field by field as README.md lists them: what the engine shows of itself,
 * joined with what only teachnetd knows (owners, inodes, what waits in the pairs).
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "service/channel.h"
#include "service/pair.h"

struct visit {
	struct service *s;
	json_t *list;
};

static void put_text(json_t *o, const char *name, const char *text)
{
	json_object_set_new(o, name, json_string(text ? text : ""));
}

static void put_number(json_t *o, const char *name, uint64_t n)
{
	json_object_set_new(o, name, json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n));
}

static void put_bool(json_t *o, const char *name, bool yes)
{
	json_object_set_new(o, name, json_boolean(yes));
}

/* Whole microseconds are enough, and print without a tail of digits. */
static void put_ms(json_t *o, const char *name, uint64_t ns)
{
	json_object_set_new(o, name, json_real((double)(ns / 1000) / 1000.0));
}

static void put_address(json_t *o, const char *name, const struct ip_addr *a)
{
	char text[IP_TEXT_BYTES];

	put_text(o, name, ip_print(a, text));
}

static void put_mac(json_t *o, const char *name, const struct mac_addr *m)
{
	char text[MAC_TEXT_BYTES];

	put_text(o, name, mac_print(m, text));
}

/* ---- ss ---- */

static const char *kind_name(enum socket_kind kind)
{
	switch (kind) {
	case SOCKET_TCP:
		return "tcp";
	case SOCKET_UDP:
		return "udp";
	case SOCKET_ICMP:
		return "icmp";
	case SOCKET_RAW:
		return "raw";
	}
	return "";
}

static void put_endpoint(json_t *o, const char *name, const struct endpoint *e)
{
	json_t *place = json_object();

	put_address(place, "address", &e->addr);
	put_number(place, "port", e->port);
	if (e->scope)
		put_number(place, "scope", e->scope);
	json_object_set_new(o, name, place);
}

/* One row each: what a reader sees, and where it comes from. */
#define TCP_NUMBERS(ROW)                                                                           \
	ROW(pacing_bytes_per_s, pacing_bytes_per_s)                                                \
	ROW(delivery_bytes_per_s, delivery_bytes_per_s)                                            \
	ROW(mss_bytes, mss_bytes)                                                                  \
	ROW(peer_mss_bytes, peer_mss_bytes)                                                        \
	ROW(path_mtu_bytes, path_mtu_bytes)                                                        \
	ROW(cwnd_bytes, cwnd_bytes)                                                                \
	ROW(ssthresh_bytes, ssthresh_bytes)                                                        \
	ROW(iss, iss)                                                                              \
	ROW(irs, irs)                                                                              \
	ROW(snd_una, snd_una)                                                                      \
	ROW(snd_nxt, snd_nxt)                                                                      \
	ROW(snd_wnd_bytes, snd_wnd)                                                                \
	ROW(snd_wl1, snd_wl1)                                                                      \
	ROW(snd_wl2, snd_wl2)                                                                      \
	ROW(snd_up, snd_up)                                                                        \
	ROW(rcv_nxt, rcv_nxt)                                                                      \
	ROW(rcv_wnd_bytes, rcv_wnd)                                                                \
	ROW(rcv_up, rcv_up)                                                                        \
	ROW(snd_scale, snd_scale)                                                                  \
	ROW(rcv_scale, rcv_scale)                                                                  \
	ROW(in_flight_bytes, in_flight_bytes)                                                      \
	ROW(lost_bytes, lost_bytes)                                                                \
	ROW(sacked_bytes, sacked_bytes)                                                            \
	ROW(out_of_order_bytes, out_of_order_bytes)                                                \
	ROW(send_buffer_bytes, send_buffer_bytes)                                                  \
	ROW(receive_buffer_bytes, receive_buffer_bytes)                                            \
	ROW(bytes_sent, bytes_sent)                                                                \
	ROW(bytes_acked, bytes_acked)                                                              \
	ROW(bytes_received, bytes_received)                                                        \
	ROW(bytes_retransmitted, bytes_retransmitted)                                              \
	ROW(segments_out, segments_out)                                                            \
	ROW(segments_in, segments_in)                                                              \
	ROW(retransmits, retransmits)

static json_t *tcp_block(const struct socket_info *i)
{
	json_t *o = json_object();

	put_text(o, "congestion", i->tcp.congestion);
	put_text(o, "congestion_state", i->tcp.congestion_state);
	put_ms(o, "srtt_ms", i->tcp.srtt_ns);
	put_ms(o, "rttvar_ms", i->tcp.rttvar_ns);
	put_ms(o, "rto_ms", i->tcp.rto_ns);
	put_ms(o, "rtt_min_ms", i->tcp.rtt_min_ns);
#define ROW(name, field) put_number(o, #name, i->tcp.field);
	TCP_NUMBERS(ROW)
#undef ROW
	put_bool(o, "timestamps", i->tcp.timestamps);
	put_bool(o, "sack", i->tcp.sack);
	put_bool(o, "ecn", i->tcp.ecn);
	put_bool(o, "fastopen", i->tcp.fastopen);
	return o;
}

static void put_owners(json_t *o, const struct pair *p)
{
	json_t *owners = json_array();

	for (unsigned i = 0; p && i < PAIR_OWNERS; i++) {
		json_t *owner;

		if (p->owner[i].pid == 0)
			continue;
		owner = json_object();
		put_number(owner, "pid", (uint64_t)p->owner[i].pid);
		put_text(owner, "program", p->owner[i].program);
		json_array_append_new(owners, owner);
	}
	json_object_set_new(o, "owners", owners);
}

/* Bytes that wait in the pair, on their way out and in. */
static void look_into_pair(const struct pair *p, int *written, int *unread_memory)
{
	*written = *unread_memory = 0;
	if (!p || p->watch.fd < 0)
		return;
	if (p->relay == PAIR_STREAM && p->connected)
		ioctl(p->watch.fd, FIONREAD, written);
	if (p->relay != PAIR_LISTENER)
		ioctl(p->watch.fd, SIOCOUTQ, unread_memory);
}

static void add_socket(void *context, const struct socket_info *i)
{
	struct visit *v = context;
	struct pair *p = i->id ? pair_find(v->s, i->id) : NULL;
	json_t *o = json_object();
	int written, unread_memory;
	char id[17];

	look_into_pair(p, &written, &unread_memory);
	snprintf(id, sizeof(id), "%016llx", (unsigned long long)i->id);
	put_text(o, "id", id);
	put_text(o, "kind", kind_name(i->kind));
	put_number(o, "family", i->family);
	put_number(o, "protocol", i->protocol);
	put_text(o, "state", i->state);
	put_endpoint(o, "local", &i->local);
	put_endpoint(o, "remote", &i->remote);
	put_number(o, "receive_queue_bytes", i->receive_queue_bytes);
	put_number(o, "send_queue_bytes", (uint64_t)i->send_queue_bytes + (uint64_t)written);
	put_number(o, "pair_unread_memory_bytes", (uint64_t)unread_memory);
	put_bool(o, "orphan", i->orphan || (p && p->closing));
	if (p && !p->closing)
		put_number(o, "inode", p->inode);
	put_owners(o, p && !p->closing ? p : NULL);
	if (i->timer && *i->timer) {
		json_t *timer = json_object();

		put_text(timer, "name", i->timer);
		put_ms(timer, "expires_ms", i->timer_expires_ns > v->s->now_ns ? i->timer_expires_ns - v->s->now_ns : 0);
		put_number(timer, "retries", i->timer_retries);
		json_object_set_new(o, "timer", timer);
	}
	if (i->has_tcp)
		json_object_set_new(o, "tcp", tcp_block(i));
	json_array_append_new(v->list, o);
}

static void fill_ss(struct visit *v, json_t *document)
{
	stack_visit_sockets(v->s->stack, v->s->now_ns, add_socket, v);
	json_object_set(document, "sockets", v->list);
}

/* ---- neigh, route, addr ---- */

struct name_search {
	uint32_t interface;
	char name[16];
};

static void compare_name(void *context, const struct address_info *i)
{
	struct name_search *search = context;

	if (i->interface == search->interface)
		snprintf(search->name, sizeof(search->name), "%s", i->interface_name);
}

static void put_interface(json_t *o, struct service *s, uint32_t interface)
{
	struct name_search search = {.interface = interface};

	stack_visit_addresses(s->stack, compare_name, &search);
	put_number(o, "interface", interface);
	put_text(o, "interface_name", search.name);
}

static void put_age(json_t *o, const char *name, uint64_t at_ns, uint64_t now_ns)
{
	if (at_ns)
		put_ms(o, name, now_ns > at_ns ? now_ns - at_ns : 0);
}

static void add_neighbour(void *context, const struct neighbour_info *i)
{
	static const struct mac_addr none;
	struct visit *v = context;
	json_t *o = json_object();

	put_interface(o, v->s, i->interface);
	put_address(o, "address", &i->addr);
	if (!mac_equal(&i->mac, &none))
		put_mac(o, "mac", &i->mac);
	put_text(o, "state", i->state);
	put_age(o, "confirmed_ms", i->confirmed_ns, v->s->now_ns);
	put_age(o, "used_ms", i->used_ns, v->s->now_ns);
	put_number(o, "probes", i->probes);
	put_number(o, "queued_packets", i->queued_packets);
	json_array_append_new(v->list, o);
}

static void fill_neigh(struct visit *v, json_t *document)
{
	stack_visit_neighbours(v->s->stack, add_neighbour, v);
	json_object_set(document, "neighbours", v->list);
}

static void add_route(void *context, const struct route *i)
{
	static const char *const kinds[] = {
	    [ROUTE_UNICAST] = "unicast", [ROUTE_LOCAL] = "local", [ROUTE_BLACKHOLE] = "blackhole"};
	char text[IP_TEXT_BYTES + 8];
	struct visit *v = context;
	json_t *o = json_object();

	ip_print(&i->destination.addr, text);
	snprintf(text + strlen(text), 8, "/%u", i->destination.bits);
	put_text(o, "destination", i->destination.bits == 0 ? "default" : text);
	if (!ip_is_unspecified(&i->gateway))
		put_address(o, "gateway", &i->gateway);
	if (!ip_is_unspecified(&i->source))
		put_address(o, "source", &i->source);
	put_interface(o, v->s, i->interface);
	put_number(o, "metric", i->metric);
	put_text(o, "kind", kinds[i->kind]);
	json_array_append_new(v->list, o);
}

static void fill_route(struct visit *v, json_t *document)
{
	stack_visit_routes(v->s->stack, add_route, v);
	json_object_set(document, "routes", v->list);
}

/* Addresses of one interface come one after the other. */
static void add_address(void *context, const struct address_info *i)
{
	struct visit *v = context;
	json_t *o = json_array_get(v->list, json_array_size(v->list) - 1), *address;

	if (!o || json_integer_value(json_object_get(o, "index")) != i->interface) {
		o = json_object();
		put_number(o, "index", i->interface);
		put_text(o, "name", i->interface_name);
		put_mac(o, "mac", &i->mac);
		put_number(o, "mtu_bytes", i->mtu_bytes);
		json_object_set_new(o, "addresses", json_array());
		json_array_append_new(v->list, o);
	}
	if (!i->has_address)
		return;
	address = json_object();
	put_address(address, "address", &i->prefix.addr);
	put_number(address, "prefix_bits", i->prefix.bits);
	put_text(address, "state", i->state);
	json_array_append_new(json_object_get(o, "addresses"), address);
}

static void fill_addr(struct visit *v, json_t *document)
{
	stack_visit_addresses(v->s->stack, add_address, v);
	json_object_set(document, "interfaces", v->list);
}

/* ---- stat, config ---- */

static void add_counter(void *context, const char *name, const char *text, uint64_t value, uint64_t limit)
{
	struct visit *v = context;
	json_t *o = json_object();

	put_text(o, "name", name);
	put_text(o, "text", text);
	put_number(o, "value", value);
	if (limit)
		put_number(o, "limit", limit);
	json_array_append_new(v->list, o);
}

static void fill_stat(struct visit *v, json_t *document)
{
	struct service *s = v->s;

	stack_visit_counters(s->stack, add_counter, v);
	if (s->netif) {
		const struct netif_counters *c = &s->netif->counters;

		add_counter(v, "driver_in_frames", "frames that the driver received", c->in_frames, 0);
		add_counter(v, "driver_in_bytes", "bytes that the driver received", c->in_bytes, 0);
		add_counter(v, "driver_in_dropped", "frames lost before they reached us", c->in_dropped, 0);
		add_counter(v, "driver_out_frames", "frames that the driver sent", c->out_frames, 0);
		add_counter(v, "driver_out_bytes", "bytes that the driver sent", c->out_bytes, 0);
		add_counter(v, "driver_out_dropped", "frames that the driver lost", c->out_dropped, 0);
	}
#define SERVICE_COUNTER(name, text) add_counter(v, "service_" #name, text, s->counters.name, 0);
#include "service/counters.def"
#undef SERVICE_COUNTER
	add_counter(v, "service_pairs", "sockets of programs, orphans included", pair_count(s), 0);
	add_counter(v, "service_channels", "control channels of programs", s->channel_count, 0);
	json_object_set(document, "counters", v->list);
}

static void fill_config(struct visit *v, json_t *document)
{
	const struct config *c = v->s->config;

	for (unsigned i = 0; i < CONFIG_KEY_COUNT; i++) {
		char name[48], source[CONFIG_PATH_BYTES + 16] = "default";
		json_t *o = json_object();

		snprintf(name, sizeof(name), "TEACHNET_%s", config_rows[i].name);
		if (c->value[i].source == CONFIG_SOURCE_ENVIRONMENT)
			snprintf(source, sizeof(source), "environment");
		else if (c->value[i].source == CONFIG_SOURCE_FILE)
			snprintf(source, sizeof(source), "%s:%u", c->file, c->value[i].line);
		put_text(o, "name", name);
		put_text(o, "value", c->value[i].text);
		put_text(o, "source", source);
		put_text(o, "text", config_rows[i].text);
		json_array_append_new(v->list, o);
	}
	json_object_set(document, "settings", v->list);
}

/* ---- the document ---- */

static int write_document(const json_t *document)
{
	int fd = memfd_create("teachnet-status", MFD_CLOEXEC), error = 0;

	if (fd < 0)
		return -errno;
	if (json_dumpfd(document, fd, JSON_COMPACT | JSON_REAL_PRECISION(15)) < 0)
		error = -ENOMEM;
	else if (lseek(fd, 0, SEEK_SET) < 0)
		error = -errno;
	if (error < 0)
		close(fd);
	return error < 0 ? error : fd;
}

int status_document(struct service *s, const char *word)
{
	static const struct {
		const char *word;
		void (*fill)(struct visit *v, json_t *document);
	} documents[] = {
	    {"ss", fill_ss},
	    {"neigh", fill_neigh},
	    {"route", fill_route},
	    {"addr", fill_addr},
	    {"stat", fill_stat},
	    {"config", fill_config},
	};
	struct timespec t;
	int fd = -EINVAL;

	for (unsigned i = 0; i < sizeof(documents) / sizeof(*documents); i++) {
		struct visit v = {.s = s};
		json_t *document;

		if (strcmp(documents[i].word, word) != 0)
			continue;
		clock_gettime(CLOCK_REALTIME, &t);
		document = json_object();
		v.list = json_array();
		put_text(document, "document", word);
		put_text(document, "stack", s->config->value[CONFIG_KEY_STACK].text);
		put_number(document, "pid", (uint64_t)getpid());
		put_text(document, "version", TEACHNET_VERSION);
		put_ms(document, "time_ms", (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec);
		documents[i].fill(&v, document);
		fd = write_document(document);
		json_decref(v.list);
		json_decref(document);
	}
	return fd;
}
