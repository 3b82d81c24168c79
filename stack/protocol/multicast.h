/* SPDX-License-Identifier: MIT */
/*
 * Multicast, the host's side: which groups a socket is a member of, with which sources (RFC 3376 2,
 * RFC 3678), what follows from that for an interface (RFC 3376 3.2), and telling routers (IGMPv3,
 * RFC 3376; MLDv2, RFC 3810; multicast_report.c).
 */
#ifndef STACK_PROTOCOL_MULTICAST_H
#define STACK_PROTOCOL_MULTICAST_H

#include "stack/protocol/interface.h"
#include "stack/protocol/ip.h"
#include "stack/protocol/socket.h"

/* Linux: igmp_max_memberships, igmp_max_msf, mld_max_msf. IPv6 has no limit there; we have one. */
#define MEMBERSHIPS_MAX4 20U
#define MEMBERSHIPS_MAX6 64U
#define SOURCES_MAX4 10U
#define SOURCES_MAX6 64U
#define IP_PROTOCOL_IGMP 2

/* From whom: from all but source[] (excludes), or from source[] only. */
struct source_filter {
	bool excludes;
	unsigned count;
	struct ip_addr source[SOURCES_MAX6];
};

/* One socket in one group; on the list of the socket. */
struct membership {
	struct list link;
	struct ip_addr group;
	uint32_t interface;
	struct source_filter filter;
};

/* A group that some socket of this host is in, on one interface; and, without members, one whose end
 * is still to be told. */
struct group {
	struct list link; /* interface->groups */
	struct interface *interface;
	struct ip_addr addr;
	uint32_t members;
	struct source_filter filter;
	struct timer timer;       /* next report */
	uint8_t changes_left;     /* reports of a change that are still to be sent */
	bool answers_v2;          /* the query to be answered was one of IGMPv2 */
};

/* Is the group one of a member on this interface? The loopback asks for any interface's. */
bool multicast_is_member(const struct stack *s, const struct interface *i, const struct ip_addr *group);
/* Does so hear what p brings to a group: its filter, or (no membership) IP_MULTICAST_ALL. */
bool multicast_is_heard(const struct socket *so, const struct ip_packet *p);

/* interface 0 is ours to choose. source NULL: from everybody. exclude: source is one not to be heard.
 * Linux's errors: -EINVAL, -ENODEV, -EADDRINUSE, -EADDRNOTAVAIL, -ENOBUFS. */
int multicast_join(struct socket *so, const struct ip_addr *group, uint32_t interface);
int multicast_leave(struct socket *so, const struct ip_addr *group, uint32_t interface);
int multicast_source(struct socket *so, const struct ip_addr *group, uint32_t interface, const struct ip_addr *source,
    bool add, bool excludes);
void multicast_leave_all(struct socket *so);
/* The interface goes away. */
void multicast_forget_interface(struct interface *i);
/* The interface for group when the program names none; 0: there is none. */
uint32_t multicast_interface(const struct stack *s, const struct ip_addr *group);

/* ---- multicast_report.c ---- */

/* g has changed, or has lost its last member: tells routers, and once more within a second. */
void multicast_tell(struct group *g);
void multicast_timer(struct timer *t, uint64_t now_ns);
/* Forgets a group without members. */
void multicast_group_free(struct group *g);
/* Queries of routers. */
void igmp_input(struct stack *s, const struct ip_packet *p);
void mld_input(struct stack *s, const struct ip_packet *p);

#endif
