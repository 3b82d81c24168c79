/* SPDX-License-Identifier: MIT */
/*
 * A DHCP client (RFC 2131 4.4) as a pure state machine: messages and time in, messages and news out.
 * It owns no socket and adds no address; dhcp.c does, on the engine, as dhclient would on a kernel.
 *
 *   INIT -> SELECTING -> REQUESTING -> BOUND -> RENEWING -> REBINDING -> INIT
 *
 *   SELECTING   asked everybody; the first usable offer is taken
 *   REQUESTING  asked for what was offered; a NAK or silence leads back to INIT
 *   BOUND       the address is ours until T1
 *   RENEWING    asking our server, by unicast, until T2
 *   REBINDING   asking everybody, until the lease ends and the address with it
 */
#ifndef SERVICE_DHCP_CLIENT_H
#define SERVICE_DHCP_CLIENT_H

#include "service/dhcp_message.h"

enum dhcp_state { DHCP_INIT, DHCP_SELECTING, DHCP_REQUESTING, DHCP_BOUND, DHCP_RENEWING, DHCP_REBINDING, DHCP_STOPPED };

/* What the owner has to do. */
enum dhcp_news {
	DHCP_NEWS_NONE,
	DHCP_NEWS_BOUND,  /* lease is new or has changed: put it into force */
	DHCP_NEWS_LOST,   /* the lease that was in force is over */
	DHCP_NEWS_SILENT, /* four questions without an answer; we go on asking */
};

struct dhcp_lease {
	struct dhcp_reply facts;
	struct prefix address;
	uint64_t renew_ns, rebind_ns, end_ns; /* instants; TIME_NEVER for ever */
};

struct dhcp_client {
	enum dhcp_state state;
	struct mac_addr mac;
	char host_name[64];
	uint64_t random;            /* state of the small generator below; seeded by the owner */
	uint32_t transaction;
	uint64_t began_ns, next_ns; /* when we began to ask; when to send or to change state */
	unsigned attempts;
	struct dhcp_reply offer;
	bool has_lease;
	struct dhcp_lease lease;
	enum dhcp_news news;
	bool send_decline, send_release;
};

/* One message to be sent. */
struct dhcp_outgoing {
	uint8_t message[DHCP_MESSAGE_MAX];
	uint32_t bytes;
	struct ip_addr destination; /* broadcast or our server; port DHCP_SERVER_PORT */
	struct ip_addr source;      /* unspecified while we have no address */
};

void dhcp_client_start(struct dhcp_client *c, const struct mac_addr *mac, const char *host_name, uint64_t seed,
    uint64_t now_ns);
void dhcp_client_input(struct dhcp_client *c, struct span message, uint64_t now_ns);
/* True: send out. Ask until it says no. */
bool dhcp_client_output(struct dhcp_client *c, struct dhcp_outgoing *out, uint64_t now_ns);
uint64_t dhcp_client_deadline(const struct dhcp_client *c);
/* What is new since the last time it was asked. */
enum dhcp_news dhcp_client_news(struct dhcp_client *c);
/* Somebody else has the address that we were given: tell the server and begin anew. */
void dhcp_client_decline(struct dhcp_client *c, uint64_t now_ns);
/* We leave: the server may give the address to others. */
void dhcp_client_release(struct dhcp_client *c);

#endif
