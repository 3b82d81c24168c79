/* SPDX-License-Identifier: MIT */
/*
 * The lab's small services, on the second host, over TCP and UDP: echo (RFC 862, port 7), discard
 * (RFC 863, port 9), chargen (RFC 864, port 19). A process per TCP connection; one loop for all
 * the rest. Never answers a datagram from one of these ports (two such services would talk forever).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tool/command.h"
#include "tool/lab.h"

enum { BUFFER_BYTES = 1 << 16, LINE_CHARS = 72, LINE_BYTES = LINE_CHARS + 2, PRINTABLE_CHARS = 95 };

static char buffer[BUFFER_BYTES];

/* RFC 864: lines of 72 of the 95 printable characters, each beginning one further on. */
static size_t chargen_fill(char *to, size_t room)
{
	size_t filled = 0;

	for (unsigned line = 0; filled + LINE_BYTES <= room && line < PRINTABLE_CHARS; line++) {
		for (unsigned i = 0; i < LINE_CHARS; i++)
			to[filled++] = (char)(' ' + (line + i) % PRINTABLE_CHARS);
		to[filled++] = '\r';
		to[filled++] = '\n';
	}
	return filled;
}

static bool write_all(int fd, const char *from, size_t bytes)
{
	while (bytes) {
		ssize_t written = write(fd, from, bytes);

		if (written < 0)
			return false;
		from += written;
		bytes -= (size_t)written;
	}
	return true;
}

static void echo_stream(int fd)
{
	ssize_t got;

	while ((got = read(fd, buffer, sizeof(buffer))) > 0)
		if (!write_all(fd, buffer, (size_t)got))
			break;
}

static void discard_stream(int fd)
{
	while (recv(fd, buffer, sizeof(buffer), MSG_TRUNC) > 0)
		;
}

static void chargen_stream(int fd)
{
	size_t bytes = chargen_fill(buffer, sizeof(buffer));

	while (write_all(fd, buffer, bytes))
		;
}

static void echo_datagram(int fd, size_t got, const struct sockaddr *from, socklen_t from_bytes)
{
	sendto(fd, buffer, got, 0, from, from_bytes);
}

static void discard_datagram(int fd, size_t got, const struct sockaddr *from, socklen_t from_bytes)
{
	(void)fd, (void)got, (void)from, (void)from_bytes;
}

/* RFC 864: an answer of 0 to 512 characters; we send all the whole lines that this allows. */
static void chargen_datagram(int fd, size_t got, const struct sockaddr *from, socklen_t from_bytes)
{
	(void)got;
	sendto(fd, buffer, chargen_fill(buffer, 512), 0, from, from_bytes);
}

static struct service {
	uint16_t port;
	void (*stream)(int fd);
	void (*datagram)(int fd, size_t got, const struct sockaddr *from, socklen_t from_bytes);
	int tcp, udp;
} services[] = {
	{7, echo_stream, echo_datagram, -1, -1},
	{9, discard_stream, discard_datagram, -1, -1},
	{19, chargen_stream, chargen_datagram, -1, -1},
};

enum { SERVICE_COUNT = sizeof(services) / sizeof(services[0]) };

/* Both families on one socket; IPv4 alone where the kernel has no IPv6. */
static int open_port(int type, uint16_t port)
{
	struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	int on = 1, off = 0, fd, result;

	fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		result = bind(fd, (struct sockaddr *)&any6, sizeof(any6));
	} else {
		fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
		if (fd < 0)
			return -1;
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		result = bind(fd, (struct sockaddr *)&any4, sizeof(any4));
	}
	if (result < 0 || (type == SOCK_STREAM && listen(fd, SOMAXCONN) < 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

int peerd_open(void)
{
	for (unsigned i = 0; i < SERVICE_COUNT; i++) {
		services[i].tcp = open_port(SOCK_STREAM, services[i].port);
		services[i].udp = open_port(SOCK_DGRAM, services[i].port);
		if (services[i].tcp < 0 || services[i].udp < 0)
			return complain("cannot serve port %u: %m", services[i].port);
	}
	return 0;
}

static void serve_stream(const struct service *s)
{
	int fd = accept(s->tcp, NULL, NULL);

	if (fd < 0)
		return;
	if (fork() == 0) {
		for (unsigned i = 0; i < SERVICE_COUNT; i++) {
			close(services[i].tcp);
			close(services[i].udp);
		}
		s->stream(fd);
		_exit(0);
	}
	close(fd);
}

static void serve_datagram(const struct service *s)
{
	struct sockaddr_storage from;
	socklen_t from_bytes = sizeof(from);
	ssize_t got = recvfrom(s->udp, buffer, sizeof(buffer), MSG_DONTWAIT, (struct sockaddr *)&from, &from_bytes);
	/* The port lies at the same place in both families' addresses. */
	uint16_t port = ntohs(((const struct sockaddr_in *)&from)->sin_port);

	if (got < 0)
		return;
	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		if (port == services[i].port)
			return;
	s->datagram(s->udp, (size_t)got, (const struct sockaddr *)&from, from_bytes);
}

void peerd_run(void)
{
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		struct pollfd wait[2 * SERVICE_COUNT];

		for (unsigned i = 0; i < SERVICE_COUNT; i++) {
			wait[2 * i] = (struct pollfd){.fd = services[i].tcp, .events = POLLIN};
			wait[2 * i + 1] = (struct pollfd){.fd = services[i].udp, .events = POLLIN};
		}
		if (poll(wait, 2 * SERVICE_COUNT, -1) < 0 && errno != EINTR)
			_exit(1);
		for (unsigned i = 0; i < SERVICE_COUNT; i++) {
			if (wait[2 * i].revents)
				serve_stream(&services[i]);
			if (wait[2 * i + 1].revents)
				serve_datagram(&services[i]);
		}
	}
}
