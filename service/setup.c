/* SPDX-License-Identifier: MIT */
/*
 * The stack that the configuration asks for: the engine, the driver with its layers, addresses and
 * routes. Whatever cannot be had ends the start with a sentence that says what to do.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "service/dhcp.h"
#include "service/pair.h"
#include "service/setup.h"

/* No program's buffer grows beyond this, whatever the kernel would allow. */
#define TCP_BUFFER_BOUND_BYTES (64U << 20)

#define MTU_MIN_BYTES 576U
#define LOOPBACK_NAME "lo"

static const struct config_value *value(const struct service *s, enum config_key key)
{
	return &s->config->value[key];
}

struct prefix setup_prefix(const struct config_address *a)
{
	struct prefix p = {.bits = a->bits};

	if (a->family == 4)
		p.addr = ip_from_v4((uint32_t)a->octet[0] << 24 | (uint32_t)a->octet[1] << 16 |
		                    (uint32_t)a->octet[2] << 8 | a->octet[3]);
	else
		memcpy(p.addr.octet, a->octet, 16);
	return p;
}

/* ---- the engine ---- */

/* All chance comes from one secret: drawn, or spread from SEED. */
static int draw_secret(const struct service *s, uint8_t secret[32])
{
	uint64_t state = value(s, CONFIG_KEY_SEED)->number;

	if (!value(s, CONFIG_KEY_SEED)->set)
		return getrandom(secret, 32, 0) == 32 ? 0 : -errno;
	for (unsigned i = 0; i < 32; i++) {
		/* Knuth's MMIX constants: spreads, and need do no more. */
		state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		secret[i] = (uint8_t)(state >> 56);
	}
	return 0;
}

/* Buffers within the bounds of this machine's kernel (tcp(7): tcp_rmem, tcp_wmem), so that programs
 * see on our stack what they would see on it. Without the file the engine's defaults stay. */
static void take_kernel_bounds(const char *file, uint32_t bounds[3])
{
	FILE *f = fopen(file, "re");
	uint32_t seen[3];

	if (!f)
		return;
	if (fscanf(f, "%u %u %u", &seen[0], &seen[1], &seen[2]) == 3 && seen[0] > 0 && seen[0] <= seen[1] &&
	    seen[1] <= seen[2] && seen[2] <= TCP_BUFFER_BOUND_BYTES)
		memcpy(bounds, seen, sizeof(seen));
	fclose(f);
}

static int make_engine(struct service *s, char message[CONFIG_MESSAGE_BYTES])
{
	struct stack_config c = {.trace_frames = true};
	struct stack_owner owner = owner_callbacks(s);
	int error = draw_secret(s, c.secret);

	take_kernel_bounds("/proc/sys/net/ipv4/tcp_rmem", c.tcp_receive_buffer_bytes);
	take_kernel_bounds("/proc/sys/net/ipv4/tcp_wmem", c.tcp_send_buffer_bytes);
	snprintf(c.tcp_congestion, sizeof(c.tcp_congestion), "%.15s", value(s, CONFIG_KEY_CONGESTION)->text);
	if (error == 0)
		s->stack = stack_create(&c, &owner, &s->mem, s->now_ns);
	if (s->stack)
		return 0;
	snprintf(message, CONFIG_MESSAGE_BYTES, "cannot make the stack: there is no memory, or no congestion control `%s`",
	    c.tcp_congestion);
	return -ENOMEM;
}

/* ---- the driver and its layers ---- */

static int wrap_faults(struct service *s, char message[CONFIG_MESSAGE_BYTES])
{
	struct fault_config f = {
	    .seed = value(s, CONFIG_KEY_SEED)->number,
	    .loss = value(s, CONFIG_KEY_LOSS)->share,
	    .reorder = value(s, CONFIG_KEY_REORDER)->share,
	    .duplicate = value(s, CONFIG_KEY_DUPLICATE)->share,
	    .delay_ns = value(s, CONFIG_KEY_DELAY)->ns,
	    .rate_bits_per_s = value(s, CONFIG_KEY_RATE)->bits_per_s,
	};
	struct netif *wrapped;
	int error;

	if (f.loss <= 0 && f.reorder <= 0 && f.duplicate <= 0 && !f.delay_ns && !f.rate_bits_per_s)
		return 0;
	if (!value(s, CONFIG_KEY_SEED)->set && getrandom(&f.seed, sizeof(f.seed), 0) != sizeof(f.seed))
		return -errno;
	error = netif_fault_wrap(s->netif, &f, &wrapped);
	if (error < 0)
		snprintf(message, CONFIG_MESSAGE_BYTES, "cannot make the bad wire that is configured: %s", strerror(-error));
	else
		s->netif = wrapped;
	return error;
}

static int wrap_capture(struct service *s, char message[CONFIG_MESSAGE_BYTES])
{
	char why[NETIF_MESSAGE_BYTES] = "";
	struct netif *wrapped;
	int error;

	if (!value(s, CONFIG_KEY_PCAP)->set)
		return 0;
	error = netif_pcap_wrap(s->netif, value(s, CONFIG_KEY_PCAP)->text, &wrapped, why);
	if (error < 0)
		snprintf(message, CONFIG_MESSAGE_BYTES, "%s", why);
	else
		s->netif = wrapped;
	return error;
}

static int find_link(struct service *s, struct link_facts *facts, char message[CONFIG_MESSAGE_BYTES])
{
	char name[16], why[NETIF_MESSAGE_BYTES] = "";
	int error = 0;

	snprintf(name, sizeof(name), "%s", value(s, CONFIG_KEY_INTERFACE)->text);
	if (!*name && link_default(name, why) < 0) {
		snprintf(message, CONFIG_MESSAGE_BYTES,
		    "%s: set TEACHNET_INTERFACE to the interface that the stack shall use, and TEACHNET_ADDR to its address there",
		    why);
		return -ENODEV;
	}
	error = link_read(name, facts, why);
	if (error < 0)
		snprintf(message, CONFIG_MESSAGE_BYTES, "%s", why);
	return error;
}

/* 0 or a negative errno with a sentence. */
static int open_driver(struct service *s, const struct link_facts *facts, char message[CONFIG_MESSAGE_BYTES])
{
	struct mac_addr mac = link_stable_mac(facts, value(s, CONFIG_KEY_STACK)->text);
	char why[NETIF_MESSAGE_BYTES] = "";
	int error;

	if (value(s, CONFIG_KEY_MAC)->set)
		memcpy(mac.octet, value(s, CONFIG_KEY_MAC)->mac, sizeof(mac.octet));
	error = netif_packet_open(facts->name, &mac, &s->netif, why);
	if (error < 0) {
		snprintf(message, CONFIG_MESSAGE_BYTES, "%s", why);
		return error;
	}
	error = wrap_faults(s, message);
	return error < 0 ? error : wrap_capture(s, message);
}

/* Wanted in so many words, or by an address of that family; with nothing configured, as the machine
 * itself does on this interface. */
static bool wants_ipv6(const struct service *s, const struct link_facts *facts)
{
	const struct config_value *own = value(s, CONFIG_KEY_ADDR), *asked = value(s, CONFIG_KEY_IPV6);

	for (unsigned i = 0; !asked->set && i < own->addresses.count; i++)
		if (own->addresses.at[i].family == 6)
			return true;
	if (!asked->set && !own->set)
		return !ip_is_unspecified(&facts->gateway6);
	return asked->set && asked->yes;
}

static int add_interface(struct service *s, const struct link_facts *facts, char message[CONFIG_MESSAGE_BYTES])
{
	const struct netif_facts *f = &s->netif->facts;
	struct interface_config c = {
	    .mac = f->mac,
	    .mtu_bytes = f->mtu_bytes,
	    .has_link_header = f->has_link_header,
	    .gso_tcp = f->gso_tcp,
	    .gso_udp = f->gso_udp,
	    .checksum_offload = f->checksum_offload,
	    .ipv6 = wants_ipv6(s, facts),
	};
	const struct config_value *mtu = value(s, CONFIG_KEY_MTU);
	int index;

	memcpy(c.name, f->name, sizeof(c.name));
	if (mtu->set && (mtu->number < MTU_MIN_BYTES || mtu->number > f->mtu_bytes)) {
		snprintf(message, CONFIG_MESSAGE_BYTES, "TEACHNET_MTU is %s: %s takes packets of %u to %u bytes", mtu->text,
		    f->name, MTU_MIN_BYTES, f->mtu_bytes);
		return -EINVAL;
	}
	if (mtu->set)
		c.mtu_bytes = (uint32_t)mtu->number;
	index = stack_interface_add(s->stack, &c);
	if (index < 0) {
		snprintf(message, CONFIG_MESSAGE_BYTES, "cannot use the interface %s: %s", f->name, strerror(-index));
		return index;
	}
	s->netif_index = (uint32_t)index;
	return 0;
}

/* ---- addresses and routes ---- */

/* By DHCP, unless there are addresses without that word among them. */
static bool wants_dhcp(const struct service *s)
{
	const struct config_value *own = value(s, CONFIG_KEY_ADDR);

	return !own->set || own->addresses.dhcp;
}

static int add_address(struct service *s, const struct link_facts *facts, const struct prefix *p, char message[CONFIG_MESSAGE_BYTES])
{
	char text[IP_TEXT_BYTES];
	int error;

	ip_print(&p->addr, text);
	if (!ip_is_v4(&p->addr) && !wants_ipv6(s, facts)) {
		snprintf(message, CONFIG_MESSAGE_BYTES, "TEACHNET_ADDR has %s, and TEACHNET_IPV6 is no: leave one of them out", text);
		return -EINVAL;
	}
	for (unsigned i = 0; i < facts->address_count; i++)
		if (ip_equal(&facts->address[i].addr, &p->addr)) {
			snprintf(message, CONFIG_MESSAGE_BYTES,
			    "%s is this machine's own address on %s: set TEACHNET_ADDR to a free one, the stack is a host of its own",
			    text, facts->name);
			return -EADDRINUSE;
		}
	error = stack_address_add(s->stack, s->netif_index, p, true, s->now_ns);
	if (error < 0)
		snprintf(message, CONFIG_MESSAGE_BYTES, "the stack cannot have the address %s/%u: %s", text, p->bits,
		    strerror(-error));
	return error;
}

static int add_gateway(struct service *s, const struct ip_addr *gateway, char message[CONFIG_MESSAGE_BYTES])
{
	struct route r = {.gateway = *gateway, .interface = s->netif_index};
	char text[IP_TEXT_BYTES];
	int error;

	if (ip_is_v4(gateway))
		r.destination.addr = ip_from_v4(0);
	error = stack_route_add(s->stack, &r);
	if (error < 0)
		snprintf(message, CONFIG_MESSAGE_BYTES,
		    "%s cannot be the gateway (%s): set TEACHNET_GATEWAY to an address of the network of TEACHNET_ADDR",
		    ip_print(gateway, text), strerror(-error));
	return error;
}

/* The interface's own gateway serves, when nothing else is said and it is on a network of ours. One
 * of IPv6 is link-local most of the time, and then on every network. */
static bool serves_us(const struct service *s, const struct ip_addr *gateway)
{
	const struct config_value *own = value(s, CONFIG_KEY_ADDR);

	for (unsigned i = 0; i < own->addresses.count && !ip_is_unspecified(gateway); i++) {
		struct prefix p = setup_prefix(&own->addresses.at[i]);

		if (prefix_contains(&p, gateway) || (own->addresses.at[i].family == 6 && ip_is_link_local(gateway) && !ip_is_v4(gateway)))
			return true;
	}
	return false;
}

static int add_addresses(struct service *s, const struct link_facts *facts, char message[CONFIG_MESSAGE_BYTES])
{
	const struct config_value *own = value(s, CONFIG_KEY_ADDR), *gateways = value(s, CONFIG_KEY_GATEWAY);
	const struct ip_addr *of_link[] = {&facts->gateway4, &facts->gateway6};
	int error = 0;

	for (unsigned i = 0; i < own->addresses.count && error == 0; i++) {
		struct prefix p = setup_prefix(&own->addresses.at[i]);

		error = add_address(s, facts, &p, message);
	}
	for (unsigned i = 0; !gateways->set && i < 2 && error == 0; i++)
		if (serves_us(s, of_link[i]))
			error = add_gateway(s, of_link[i], message);
	for (unsigned i = 0; gateways->set && i < gateways->addresses.count && error == 0; i++) {
		struct ip_addr gateway = setup_prefix(&gateways->addresses.at[i]).addr;

		/* One of IPv4 is on the network of a lease that there is not yet: dhcp.c adds it then. */
		if (!ip_is_v4(&gateway) || !wants_dhcp(s))
			error = add_gateway(s, &gateway, message);
	}
	return error;
}

int setup_stack(struct service *s, char message[CONFIG_MESSAGE_BYTES])
{
	struct link_facts facts;
	int error = make_engine(s, message);

	/* Without a wire: programs of this stack talk to each other only, and nobody needs a privilege. */
	if (error < 0 || strcmp(value(s, CONFIG_KEY_INTERFACE)->text, LOOPBACK_NAME) == 0)
		return error;
	error = find_link(s, &facts, message);
	if (error == 0 && facts.loopback) {
		snprintf(message, CONFIG_MESSAGE_BYTES, "%s is the machine's own loopback: set TEACHNET_INTERFACE to a real interface",
		    facts.name);
		error = -EINVAL;
	}
	if (error == 0 && wants_dhcp(s) && !facts.has_link_header) {
		snprintf(message, CONFIG_MESSAGE_BYTES, "%s has no hardware addresses, so that DHCP cannot be asked there: set TEACHNET_ADDR",
		    facts.name);
		error = -EADDRNOTAVAIL;
	}
	if (error == 0)
		error = open_driver(s, &facts, message);
	if (error == 0)
		error = add_interface(s, &facts, message);
	if (error == 0)
		error = add_addresses(s, &facts, message);
	return error == 0 && wants_dhcp(s) ? dhcp_begin(s, message) : error;
}

void setup_undo(struct service *s)
{
	if (s->stack)
		stack_destroy(s->stack);
	netif_close(s->netif);
	s->stack = NULL;
	s->netif = NULL;
}
