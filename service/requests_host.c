/* SPDX-License-Identifier: MIT */
/* The requests about the host as a whole: who is asking, interfaces, name servers, status, trace. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/dhcp.h"
#include "service/narrate.h"
#include "service/pair.h"
#include "service/requests.h"

/* ---- channels ---- */

int request_hello(struct service *s, struct channel *c, struct request *q, struct reply *r)
{
	struct control_hello hello;

	if (q->head.payload_bytes != sizeof(hello))
		return -EBADMSG;
	memcpy(&hello, q->payload, sizeof(hello));
	hello.program[sizeof(hello.program) - 1] = '\0';
	for (char *at = hello.program; *at; at++)
		if (!isgraph((unsigned char)*at))
			*at = '?';
	memcpy(c->program, hello.program, sizeof(c->program));
	/* The kernel's word counts; it has none (0) for a process of another pid namespace. */
	if (c->pid <= 0)
		c->pid = hello.pid;
	c->greeted = true;
	r->head.argument[0] = getpid();
	(void)s;
	return 0;
}

int request_open(struct service *s, struct channel *c, struct request *q, struct reply *r)
{
	int domain = 0, type = 0;
	socklen_t bytes = sizeof(domain);

	r->none = true;
	if (getsockopt(q->fd, SOL_SOCKET, SO_DOMAIN, &domain, &bytes) < 0 || domain != AF_UNIX ||
	    getsockopt(q->fd, SOL_SOCKET, SO_TYPE, &type, &bytes) < 0 || type != SOCK_SEQPACKET)
		return -EBADMSG;
	channel_add(s, q->fd, c->lineage);
	q->fd = -1;
	return 0;
}

static bool may_change(const struct channel *c)
{
	return c->uid == geteuid() || c->uid == 0;
}

int request_stop(struct service *s, struct channel *c, struct request *q, struct reply *r)
{
	(void)q;
	(void)r;
	if (!may_change(c))
		return -EPERM;
	log_write(LOG_LEVEL_NOTE, "%s (process %d) asks teachnetd to stop", c->program, (int)c->pid);
	s->stopping = true;
	return 0;
}

/* ---- the host ---- */

int request_source_for(struct service *s, struct channel *c, struct request *q, struct reply *r)
{
	struct endpoint remote, source = {0};
	sa_family_t family;
	uint32_t mtu_bytes = 0;
	int error;

	(void)c;
	if (q->head.address.bytes < sizeof(family))
		return -EINVAL;
	memcpy(&family, q->head.address.sockaddr, sizeof(family));
	if (family != AF_INET && family != AF_INET6)
		return -EAFNOSUPPORT;
	error = address_from_control(&q->head.address, family == AF_INET ? 4 : 6, &remote);
	if (error == 0)
		error = stack_source_for(s->stack, &remote, &source.addr, &mtu_bytes);
	if (error < 0)
		return error;
	address_to_control(&source, family == AF_INET ? 4 : 6, &r->head.address);
	r->head.argument[0] = mtu_bytes;
	return 0;
}

static void add_interface(void *context, const struct address_info *i)
{
	struct reply *r = context;
	struct control_interface out = {.index = i->interface, .mtu_bytes = i->mtu_bytes};

	if (r->payload_bytes + sizeof(out) > sizeof(r->payload))
		return;
	snprintf(out.name, sizeof(out.name), "%s", i->interface_name);
	out.flags = IFF_UP | IFF_RUNNING | (i->interface == STACK_LOOPBACK_INDEX ? IFF_LOOPBACK : IFF_BROADCAST | IFF_MULTICAST);
	memcpy(out.mac, i->mac.octet, sizeof(out.mac));
	if (i->has_address) {
		struct endpoint e = {.addr = i->prefix.addr};
		uint8_t family = ip_is_v4(&e.addr) ? 4 : 6;

		out.has_address = 1;
		out.prefix_bits = i->prefix.bits;
		if (ip_is_link_local(&e.addr) && family == 6)
			e.scope = i->interface;
		address_to_control(&e, family, &out.address);
	}
	memcpy(r->payload + r->payload_bytes, &out, sizeof(out));
	r->payload_bytes += (uint32_t)sizeof(out);
}

int request_interfaces(struct service *s, struct channel *c, struct request *q, struct reply *r)
{
	(void)c;
	(void)q;
	stack_visit_addresses(s->stack, add_interface, r);
	return (int)(r->payload_bytes / sizeof(struct control_interface));
}

/* What remains of a resolv.conf when other name servers are in force: search, options, sortlist. */
static void add_text(struct reply *r, const char *text, size_t bytes)
{
	if (bytes > sizeof(r->payload) - r->payload_bytes)
		bytes = sizeof(r->payload) - r->payload_bytes;
	memcpy(r->payload + r->payload_bytes, text, bytes);
	r->payload_bytes += (uint32_t)bytes;
}

static void add_name_server(struct reply *r, const struct config_address *a)
{
	char line[INET6_ADDRSTRLEN + 16] = "nameserver ";

	inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->octet, line + strlen(line), INET6_ADDRSTRLEN);
	strcat(line, "\n");
	add_text(r, line, strlen(line));
}

/* The lease's name servers and domain; false: it has none. */
static bool add_lease_servers(struct service *s, struct reply *r)
{
	const struct dhcp_lease *lease = dhcp_lease_in_force(s);
	char line[DHCP_TEXT_BYTES + 16];

	for (unsigned i = 0; lease && i < lease->facts.dns_count; i++) {
		struct config_address a = {.family = 4};

		memcpy(a.octet, lease->facts.dns[i].octet + 12, 4);
		add_name_server(r, &a);
	}
	if (lease && *lease->facts.domain) {
		snprintf(line, sizeof(line), "search %s\n", lease->facts.domain);
		add_text(r, line, strlen(line));
	}
	return lease && lease->facts.dns_count;
}

int request_resolver(struct service *s, struct channel *c, struct request *q, struct reply *r)
{
	const struct config_value *servers = &s->config->value[CONFIG_KEY_DNS];
	const char *path = s->config->value[CONFIG_KEY_RESOLV_CONF].text;
	char text[CONTROL_PAYLOAD_MAX + 1];
	bool have_servers = servers->set;
	ssize_t n;
	int fd;

	(void)c;
	(void)q;
	if (!have_servers)
		have_servers = add_lease_servers(s, r);
	for (unsigned i = 0; servers->set && i < servers->addresses.count; i++)
		add_name_server(r, &servers->addresses.at[i]);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	for (char *line = text, *end; line && *line; line = end) {
		end = strchr(line, '\n');
		end = end ? end + 1 : line + strlen(line);
		if (!have_servers || strncmp(line + strspn(line, " \t"), "nameserver", strlen("nameserver")) != 0)
			add_text(r, line, (size_t)(end - line));
	}
	return 0;
}

/* ---- looking inside ---- */

int request_status(struct service *s, struct channel *c, struct request *q, struct reply *r)
{
	char word[16];
	int fd;

	(void)c;
	if (q->head.payload_bytes >= sizeof(word))
		return -EINVAL;
	memcpy(word, q->payload, q->head.payload_bytes);
	word[q->head.payload_bytes] = '\0';
	fd = status_document(s, word);
	if (fd < 0) {
		reply_sentence(r, "there is no status `%s`: ask for ss, neigh, route, addr, stat or config", word);
		return fd;
	}
	r->fd = fd;
	return 0;
}

int request_trace(struct service *s, struct channel *c, struct request *q, struct reply *r)
{
	bool json = q->head.payload_bytes >= 4 && memcmp(q->payload, "json", 4) == 0;
	bool text = q->head.payload_bytes >= 4 && memcmp(q->payload, "text", 4) == 0;
	struct stat st;
	int error;

	(void)c;
	if (!json && !text) {
		reply_sentence(r, "there is no such form of the trace: ask for text or json");
		return -EINVAL;
	}
	/* Only what can be written without waiting. */
	if (fstat(q->fd, &st) < 0 || (!S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode)))
		return -EBADF;
	if (fcntl(q->fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	error = narrate_subscribe(s, q->fd, json ? NARRATE_JSON : NARRATE_TEXT);
	if (error == 0)
		q->fd = -1;
	return error;
}

int request_call_note(struct service *s, struct channel *c, struct request *q, struct reply *r)
{
	r->none = true;
	narrate_call(s, c->program, (int)c->pid, q->head.socket_id, (const char *)q->payload, q->head.payload_bytes);
	return 0;
}

int request_change(struct service *s, struct channel *c, struct request *q, struct reply *r)
{
	if (!may_change(c)) {
		reply_sentence(r, "only the user of this teachnetd, or root, may change its addresses and routes");
		return -EPERM;
	}
	return change_apply(s, (const char *)q->payload, q->head.payload_bytes, r);
}
