/* SPDX-License-Identifier: MIT */
/*
 * Interfaces and the addresses that they have. Index 1 is the loopback, which is always there and
 * never leaves the stack. An address that is being probed (RFC 5227, RFC 4862 5.4) is a state of
 * the address: acd.c drives it for IPv4.
 */
#ifndef STACK_PROTOCOL_INTERFACE_H
#define STACK_PROTOCOL_INTERFACE_H

#include "stack/protocol/host.h"
#include "stack/protocol/packet.h"
#include "stack/wire/ethernet.h"

#define ADDRESSES_MAX 64U /* on one interface */
#define LOOPBACK_MTU_BYTES 65536U

/* ADDRESS(NAME, "what teachnet addr shows") */
#define ADDRESS_STATES(ADDRESS)                                                                    \
	ADDRESS(PREFERRED, "PREFERRED")   /* usable without reservation */                         \
	ADDRESS(TENTATIVE, "TENTATIVE")   /* being probed. IPv4: usable all the same, as in Linux */ \
	ADDRESS(DEPRECATED, "DEPRECATED") /* IPv6: valid, but not for new conversations */         \
	ADDRESS(CONFLICT, "CONFLICT")     /* somebody else has it: never used as a source */

enum address_state {
#define ADDRESS(name, text) ADDRESS_##name,
	ADDRESS_STATES(ADDRESS)
#undef ADDRESS
};

struct interface_address {
	struct list link;      /* interface->addresses */
	struct interface *interface;
	struct prefix prefix;  /* addr is the whole address */
	enum address_state state;
	struct timer timer;    /* next probe, announcement, or change of state */
	uint8_t probes_left, announcements_left;
	uint64_t defended_ns;  /* when it was last defended against another station; 0: never */
	bool optimistic;       /* RFC 4429: used while it is being probed */
	bool automatic;        /* made by address autoconfiguration (router.c): it grows old */
	uint8_t attempt;       /* which of the addresses that could be made, after conflicts */
	uint64_t valid_until_ns, preferred_until_ns;
};

/* What routers have told us (router.c): a default route, or a network that is on the link. */
#define LEARNED_ROUTES_MAX 16U
struct learned_route {
	bool in_use;
	struct prefix destination;
	struct ip_addr gateway; /* unspecified: on the link */
	uint64_t until_ns;
};

struct interface_v6 {
	bool has_timer;
	struct timer timer;           /* solicitations, and whatever grows old next */
	uint8_t solicitations_left;
	uint64_t solicit_ns;
	uint32_t mtu_bytes;           /* as advertised; 0: the link's */
	struct learned_route route[LEARNED_ROUTES_MAX];
};

struct interface {
	struct stack *stack;
	uint32_t index;
	struct interface_config config;
	struct list addresses;
	uint32_t address_count;
	struct list groups;    /* struct group: multicast.h */
	struct interface_v6 v6;
};

/* Makes the loopback with 127.0.0.1/8 and ::1/128. 0 or -ENOMEM. */
int interface_table_create(struct stack *s);
void interface_table_destroy(struct stack *s);

/* NULL: none with this index. */
struct interface *interface_find(const struct stack *s, uint32_t index);
/* The address a of this interface, or of any (interface 0); NULL when it is not ours. */
struct interface_address *interface_address_find(const struct stack *s, uint32_t index, const struct ip_addr *a);
/* The same, if it may be used to send and receive: not tentative (IPv6) and no duplicate. */
struct interface_address *interface_address_usable(const struct stack *s, uint32_t index, const struct ip_addr *a);
bool interface_address_is_usable(const struct interface_address *a);
/* stack_address_add() for an address that was made by autoconfiguration: it brings no route to its
 * network, which routers tell of separately (RFC 5942). */
int interface_address_make(struct interface *i, const struct prefix *p, bool probe, bool automatic,
    struct interface_address **made);
/* Is a the directed broadcast address of a prefix of this interface (0: of any)? */
bool interface_is_broadcast(const struct stack *s, uint32_t index, const struct ip_addr *a);
/* The source that we give a packet that leaves by i for destination (next_hop: the station it goes
 * to). false: the interface has no address of that family. */
bool interface_source(const struct interface *i, const struct ip_addr *destination,
    const struct ip_addr *next_hop, struct ip_addr *out);

/* source.c: RFC 6724 5 among the addresses of IPv6 that we have; interface 0: any. */
bool source_select(const struct stack *s, uint32_t interface, const struct ip_addr *destination, struct ip_addr *out);

const char *address_state_text(enum address_state state);
void address_trace(const struct interface_address *a, const char *text, const char *reason,
    const struct mac_addr *other);

/* Puts the link header in front of p (none on links without) and queues it to be pulled. p is gone
 * afterwards, whatever happens. 0 or -ENOBUFS. */
int interface_send(struct interface *i, struct packet *p, const struct mac_addr *to, enum ethernet_type type);

#endif
