/* SPDX-License-Identifier: MIT */
/*
 * Questions to name servers, asked by c-ares through sockets of our own stack. A lookup has a
 * c-ares channel of its own, so that threads do not wait for each other; what resolv.conf says
 * comes from teachnetd (TEACHNET_DNS, TEACHNET_RESOLV_CONF, or what DHCP told it).
 */
#include <ares.h>
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "preload/resolver/lookup.h"

#define SERVERS_MAX 8U
#define DOMAINS_MAX 8
#define TEXT_MAX 8192U

/* DNS's own numbers (RFC 1035 3.2, RFC 3596). */
enum { DNS_CLASS_IN = 1, DNS_TYPE_A = 1, DNS_TYPE_PTR = 12, DNS_TYPE_AAAA = 28 };

/* ---- the sockets: named here, so that they are the interposed ones ---- */

static ares_socket_t open_socket(int family, int type, int protocol, void *user)
{
	(void)user;
	return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

static int close_socket(ares_socket_t fd, void *user)
{
	(void)user;
	return close(fd);
}

static int connect_socket(ares_socket_t fd, const struct sockaddr *address, ares_socklen_t bytes, void *user)
{
	(void)user;
	return connect(fd, address, bytes);
}

static ares_ssize_t receive(ares_socket_t fd, void *buffer, size_t bytes, int flags, struct sockaddr *from,
    ares_socklen_t *from_bytes, void *user)
{
	(void)user;
	return recvfrom(fd, buffer, bytes, flags, from, from_bytes);
}

static ares_ssize_t send_parts(ares_socket_t fd, const struct iovec *iov, int count, void *user)
{
	(void)user;
	return writev(fd, iov, count);
}

static const struct ares_socket_functions sockets = {
	.asocket = open_socket,
	.aclose = close_socket,
	.aconnect = connect_socket,
	.arecvfrom = receive,
	.asendv = send_parts,
};

/* ---- resolv.conf(5) ---- */

struct configuration {
	char text[TEXT_MAX];
	char servers[512];     /* separated by commas */
	char *domains[DOMAINS_MAX];
	int domain_count;
	int ndots, timeout_ms, tries;
	bool rotate;
	bool use_tcp;
};

static void add_server(struct configuration *c, const char *server)
{
	size_t used = strlen(c->servers);

	if (server != NULL && used + strlen(server) + 2 < sizeof(c->servers))
		snprintf(c->servers + used, sizeof(c->servers) - used, "%s%s", used > 0 ? "," : "", server);
}

/* The number behind NAME: or -1; at most max. */
static int number_of(const char *word, const char *name, int max)
{
	size_t bytes = strlen(name);
	long value;

	if (strncmp(word, name, bytes) != 0 || word[bytes] != ':')
		return -1;
	value = strtol(word + bytes + 1, NULL, 10);
	return value < 0 ? -1 : value > max ? max : (int)value;
}

static void take_option(struct configuration *c, const char *word)
{
	int number;

	if ((number = number_of(word, "ndots", 15)) >= 0)
		c->ndots = number;
	else if ((number = number_of(word, "timeout", 30)) > 0)
		c->timeout_ms = number * 1000;
	else if ((number = number_of(word, "attempts", 5)) > 0)
		c->tries = number;
	else if (strcmp(word, "rotate") == 0)
		c->rotate = true;
	else if (strcmp(word, "use-vc") == 0)
		c->use_tcp = true;
}

static void take_line(struct configuration *c, char *line)
{
	char *rest;
	char *keyword = strtok_r(line, " \t\r", &rest);
	char *word;

	if (keyword == NULL || *keyword == '#' || *keyword == ';')
		return;
	if (strcmp(keyword, "nameserver") == 0) {
		add_server(c, strtok_r(NULL, " \t\r", &rest));
	} else if (strcmp(keyword, "search") == 0 || strcmp(keyword, "domain") == 0) {
		c->domain_count = 0; /* the last line wins */
		while ((word = strtok_r(NULL, " \t\r", &rest)) != NULL && c->domain_count < DOMAINS_MAX)
			c->domains[c->domain_count++] = word;
	} else if (strcmp(keyword, "options") == 0) {
		while ((word = strtok_r(NULL, " \t\r", &rest)) != NULL)
			take_option(c, word);
	}
}

/* 0 or a negative errno. The words point into c->text. */
static int read_configuration(struct configuration *c)
{
	char *rest;
	int bytes;

	/* c-ares doubles the wait with each try: 1, 2, 4 and 8 s. Together as long as glibc's two tries of
	 * 5 s with that rule, but a lost datagram costs one second rather than five. */
	*c = (struct configuration){ .ndots = 1, .timeout_ms = 1000, .tries = 4 };
	bytes = lookup_host.configuration(c->text, sizeof(c->text));
	if (bytes < 0)
		return bytes;
	for (char *line = strtok_r(c->text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
		take_line(c, line);
	if (c->servers[0] == 0)
		add_server(c, "127.0.0.1"); /* as the C library does */
	return 0;
}

/* ---- a channel, and waiting for its answers ---- */

/* flags: ARES_FLAG_* beside those that resolv.conf asks for. */
static int open_channel(ares_channel *channel, int flags)
{
	struct configuration *c = malloc(sizeof(*c));
	struct ares_options options = { 0 };
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS | ARES_OPT_DOMAINS |
	    ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF;
	int status = ARES_ENOMEM;

	if (c == NULL)
		return EAI_MEMORY;
	if (read_configuration(c) < 0)
		goto out;
	options.flags = flags | (c->use_tcp ? ARES_FLAG_USEVC : 0);
	options.timeout = c->timeout_ms;
	options.tries = c->tries;
	options.ndots = c->ndots;
	options.domains = c->domains;
	options.ndomains = c->domain_count;
	options.lookups = (char *)"b";
	options.resolvconf_path = (char *)"/dev/null"; /* read already */
	mask |= c->rotate ? ARES_OPT_ROTATE : ARES_OPT_NOROTATE;
	status = ares_library_init(ARES_LIB_INIT_ALL);
	if (status != ARES_SUCCESS)
		goto out;
	status = ares_init_options(channel, &options, mask);
	if (status != ARES_SUCCESS)
		goto out;
	ares_set_socket_functions(*channel, &sockets, NULL);
	status = ares_set_servers_ports_csv(*channel, c->servers);
	if (status != ARES_SUCCESS)
		ares_destroy(*channel);
out:
	free(c);
	return status == ARES_SUCCESS ? 0 : EAI_AGAIN;
}

/* One question's answer. */
struct question {
	struct lookup *found;
	int family;
	int status;
	bool asked;
};

/* Runs the channel until every question has its answer: c-ares keeps the time limits. */
static void run_channel(ares_channel channel)
{
	for (;;) {
		ares_socket_t fds[ARES_GETSOCK_MAXNUM];
		struct pollfd p[ARES_GETSOCK_MAXNUM];
		nfds_t count = 0;
		struct timeval left;
		int bits = ares_getsock(channel, fds, ARES_GETSOCK_MAXNUM);
		struct timeval *wait = ares_timeout(channel, NULL, &left);

		for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
			short events = (short)((ARES_GETSOCK_READABLE(bits, i) ? POLLIN : 0) |
			    (ARES_GETSOCK_WRITABLE(bits, i) ? POLLOUT : 0));

			if (events != 0)
				p[count++] = (struct pollfd){ .fd = fds[i], .events = events };
		}
		if (count == 0 && wait == NULL)
			return;
		if (poll(p, count, wait != NULL ? (int)(left.tv_sec * 1000 + left.tv_usec / 1000 + 1) : -1) < 0)
			count = 0;
		for (nfds_t i = 0; i < count; i++) {
			bool readable = (p[i].revents & (POLLIN | POLLERR | POLLHUP)) != 0;
			bool writable = (p[i].revents & (POLLOUT | POLLERR | POLLHUP)) != 0;

			if (readable || writable)
				ares_process_fd(channel, readable && (p[i].events & POLLIN) != 0 ? p[i].fd : ARES_SOCKET_BAD,
				    writable && (p[i].events & POLLOUT) != 0 ? p[i].fd : ARES_SOCKET_BAD);
		}
		ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	}
}

/* ---- questions ---- */

static void take_host(struct lookup *l, const struct hostent *host)
{
	if (l->name[0] == 0 && host->h_name != NULL && strlen(host->h_name) < LOOKUP_NAME_MAX)
		strcpy(l->name, host->h_name);
	for (char **alias = host->h_aliases; alias != NULL && *alias != NULL; alias++)
		lookup_add_alias(l, *alias);
}

static void answer_addresses(void *user, int status, int timeouts, unsigned char *answer, int bytes)
{
	struct question *q = user;
	struct hostent *host = NULL;

	(void)timeouts;
	q->status = status;
	if (status != ARES_SUCCESS)
		return;
	q->status = q->family == AF_INET6 ? ares_parse_aaaa_reply(answer, bytes, &host, NULL, NULL) :
	    ares_parse_a_reply(answer, bytes, &host, NULL, NULL);
	if (q->status != ARES_SUCCESS)
		return;
	take_host(q->found, host);
	for (char **address = host->h_addr_list; *address != NULL; address++)
		lookup_add(q->found, q->family, *address);
	ares_free_hostent(host);
}

static int error_of(int status)
{
	switch (status) {
	case ARES_SUCCESS:
		return 0;
	case ARES_ENOTFOUND:
	case ARES_EBADNAME:
		return EAI_NONAME;
	case ARES_ENODATA:
		return EAI_NODATA;
	case ARES_ENOMEM:
		return EAI_MEMORY;
	case ARES_ETIMEOUT:
	case ARES_ESERVFAIL:
	case ARES_ECONNREFUSED:
	case ARES_ECANCELLED:
	case ARES_EREFUSED:
		return EAI_AGAIN;
	default:
		return EAI_FAIL;
	}
}

/* Of two failures, the one that says more: the name exists, or it may exist. */
static int worse_of(const struct question q[2])
{
	static const int order[] = { EAI_NODATA, EAI_AGAIN, EAI_MEMORY, EAI_FAIL };

	for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		for (unsigned k = 0; k < 2; k++)
			if (q[k].asked && error_of(q[k].status) == order[i])
				return order[i];
	return EAI_NONAME;
}

int dns_name(const char *name, int family, struct lookup *l)
{
	struct question q[2] = {
		{ .found = l, .family = AF_INET, .asked = family != AF_INET6 },
		{ .found = l, .family = AF_INET6, .asked = family != AF_INET },
	};
	ares_channel channel;
	int error = open_channel(&channel, 0);

	if (error != 0)
		return error;
	for (unsigned i = 0; i < 2; i++)
		if (q[i].asked)
			ares_search(channel, name, DNS_CLASS_IN, q[i].family == AF_INET6 ? DNS_TYPE_AAAA : DNS_TYPE_A,
			    answer_addresses, &q[i]);
	run_channel(channel);
	ares_destroy(channel);
	return l->count > 0 ? 0 : worse_of(q);
}

static void answer_name(void *user, int status, int timeouts, unsigned char *answer, int bytes)
{
	struct question *q = user;
	struct hostent *host = NULL;

	(void)timeouts;
	q->status = status;
	if (status == ARES_SUCCESS)
		q->status = ares_parse_ptr_reply(answer, bytes, NULL, 0, q->family, &host);
	if (q->status == ARES_SUCCESS) {
		take_host(q->found, host);
		ares_free_hostent(host);
	}
}

/* "4.3.2.1.in-addr.arpa", or 32 nibbles and "ip6.arpa". */
static void reverse_name(const struct lookup_address *a, char name[LOOKUP_NAME_MAX])
{
	char *at = name;

	for (size_t i = lookup_address_bytes(a->family); i-- > 0;) {
		if (a->family == AF_INET)
			at += sprintf(at, "%u.", a->bytes[i]);
		else
			at += sprintf(at, "%x.%x.", a->bytes[i] & 15, a->bytes[i] >> 4);
	}
	strcpy(at, a->family == AF_INET ? "in-addr.arpa" : "ip6.arpa");
}

int dns_address(const struct lookup_address *a, struct lookup *l)
{
	struct question q = { .found = l, .family = a->family };
	char name[LOOKUP_NAME_MAX];
	ares_channel channel;
	int error = open_channel(&channel, 0);

	if (error != 0)
		return error;
	reverse_name(a, name);
	ares_query(channel, name, DNS_CLASS_IN, DNS_TYPE_PTR, answer_name, &q);
	run_channel(channel);
	ares_destroy(channel);
	if (l->name[0] == 0)
		return q.status == ARES_SUCCESS ? EAI_NONAME : error_of(q.status);
	lookup_add(l, a->family, a->bytes);
	return 0;
}

/* ---- raw questions ---- */

struct raw_answer {
	unsigned char *bytes;
	int room;
	int length;     /* -1: none */
	int status;
};

static void keep_answer(void *user, int status, int timeouts, unsigned char *answer, int bytes)
{
	struct raw_answer *r = user;

	(void)timeouts;
	r->status = status;
	if (answer == NULL)
		return;
	r->length = bytes;
	memcpy(r->bytes, answer, (size_t)(bytes < r->room ? bytes : r->room));
}

static int host_error_of(int status)
{
	switch (error_of(status)) {
	case 0:
		return NETDB_SUCCESS;
	case EAI_NONAME:
		return HOST_NOT_FOUND;
	case EAI_NODATA:
		return NO_DATA;
	case EAI_AGAIN:
		return TRY_AGAIN;
	default:
		return NO_RECOVERY;
	}
}

int dns_query(const char *name, int class, int type, int search, unsigned char *answer, int room)
{
	struct raw_answer r = { .bytes = answer, .room = room < 0 ? 0 : room, .length = -1 };
	ares_channel channel;

	if (open_channel(&channel, 0) != 0) {
		h_errno = TRY_AGAIN;
		return -1;
	}
	if (search)
		ares_search(channel, name, class, type, keep_answer, &r);
	else
		ares_query(channel, name, class, type, keep_answer, &r);
	run_channel(channel);
	ares_destroy(channel);
	h_errno = host_error_of(r.status);
	return r.status == ARES_SUCCESS ? r.length : -1;
}

/* Whatever the server says is an answer, also that there is none. */
int dns_send(const unsigned char *question, int bytes, unsigned char *answer, int room)
{
	struct raw_answer r = { .bytes = answer, .room = room < 0 ? 0 : room, .length = -1 };
	ares_channel channel;

	if (open_channel(&channel, ARES_FLAG_NOCHECKRESP) != 0) {
		errno = ENETDOWN;
		return -1;
	}
	ares_send(channel, question, bytes, keep_answer, &r);
	run_channel(channel);
	ares_destroy(channel);
	if (r.length < 0)
		errno = r.status == ARES_ETIMEOUT ? ETIMEDOUT : ECONNREFUSED;
	return r.length;
}
