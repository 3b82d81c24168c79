/* SPDX-License-Identifier: MIT */
/* Every option that the manual pages name: its value at first, setting it, and what it is then. */
#include "tests/shim/shim.h"

#include <linux/in6.h>
#include <linux/udp.h>

static void say_value(const char *what, int fd, int level, int name)
{
	unsigned char value[256] = { 0 };
	socklen_t bytes = sizeof(value);
	int number = 0;

	errno = 0;
	if (getsockopt(fd, level, name, value, &bytes) < 0) {
		SAY(what, "%s", shim_error());
		return;
	}
	memcpy(&number, value, sizeof(number));
	SAY(what, "%d in %u bytes", bytes >= sizeof(number) ? number : value[0], bytes);
}

/* An int option: what it is, setting it to value, what it is then. */
#define OPTION(fd, level, name, value)                                                             \
	do {                                                                                       \
		int option_value = (value);                                                        \
		say_value(#name " at first", fd, level, name);                                     \
		errno = 0;                                                                         \
		SAY(#name " set to " #value, "%s",                                                 \
		    setsockopt(fd, level, name, &option_value, sizeof(option_value)) == 0 ? "0" : shim_error()); \
		say_value(#name " then", fd, level, name);                                         \
	} while (0)

static void of_both(int fd)
{
	OPTION(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	OPTION(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	OPTION(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	OPTION(fd, SOL_SOCKET, SO_BROADCAST, 7);
	OPTION(fd, SOL_SOCKET, SO_DONTROUTE, 1);
	OPTION(fd, SOL_SOCKET, SO_OOBINLINE, 1);
	OPTION(fd, SOL_SOCKET, SO_PRIORITY, 3);
	OPTION(fd, SOL_SOCKET, SO_PRIORITY, 0);
	OPTION(fd, SOL_SOCKET, SO_RCVLOWAT, 5);
	OPTION(fd, SOL_SOCKET, SO_SNDLOWAT, 5);
	OPTION(fd, SOL_SOCKET, SO_RCVBUF, 20000);
	OPTION(fd, SOL_SOCKET, SO_SNDBUF, 20000);
	OPTION(fd, SOL_SOCKET, SO_RCVBUF, 1);
	OPTION(fd, SOL_SOCKET, SO_SNDBUF, 1);
	OPTION(fd, SOL_SOCKET, SO_TYPE, 1);
	OPTION(fd, SOL_SOCKET, SO_DOMAIN, 1);
	OPTION(fd, SOL_SOCKET, SO_PROTOCOL, 1);
	OPTION(fd, SOL_SOCKET, SO_ERROR, 1);
	OPTION(fd, SOL_SOCKET, SO_ACCEPTCONN, 1);
	OPTION(fd, SOL_SOCKET, SO_TIMESTAMP, 1);
	OPTION(fd, SOL_SOCKET, SO_NO_CHECK, 0);
	OPTION(fd, SOL_SOCKET, 9999, 1);
	OPTION(fd, 9999, 1, 1);
	OPTION(fd, IPPROTO_IP, IP_TTL, 42);
	OPTION(fd, IPPROTO_IP, IP_TTL, 256);
	OPTION(fd, IPPROTO_IP, IP_TTL, 0);
	OPTION(fd, IPPROTO_IP, IP_TTL, -1);
	OPTION(fd, IPPROTO_IP, IP_TOS, 0x10);
	OPTION(fd, IPPROTO_IP, IP_TOS, 0xff);
	OPTION(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
	OPTION(fd, IPPROTO_IP, IP_MTU_DISCOVER, 99);
	OPTION(fd, IPPROTO_IP, IP_RECVERR, 1);
	OPTION(fd, IPPROTO_IP, IP_RECVTTL, 1);
	OPTION(fd, IPPROTO_IP, IP_RECVTOS, 1);
	OPTION(fd, IPPROTO_IP, IP_PKTINFO, 1);
	OPTION(fd, IPPROTO_IP, IP_MULTICAST_TTL, 5);
	OPTION(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
	OPTION(fd, IPPROTO_IP, IP_MTU, 1000);
	OPTION(fd, IPPROTO_IP, IP_FREEBIND, 1);
	OPTION(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	OPTION(fd, IPPROTO_IP, IP_HDRINCL, 1);
	OPTION(fd, IPPROTO_IP, 9999, 1);
	OPTION(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
}

static void of_tcp(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct linger linger = { .l_onoff = 1, .l_linger = 3 };
	socklen_t bytes = sizeof(linger);
	char name[16] = "reno";
	struct timeval t = { .tv_sec = 2, .tv_usec = 500000 };

	CASE("tcp");
	of_both(fd);
	OPTION(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	OPTION(fd, IPPROTO_TCP, TCP_NODELAY, 0);
	OPTION(fd, IPPROTO_TCP, TCP_MAXSEG, 1000);
	OPTION(fd, IPPROTO_TCP, TCP_MAXSEG, 10);
	OPTION(fd, IPPROTO_TCP, TCP_CORK, 1);
	OPTION(fd, IPPROTO_TCP, TCP_CORK, 0);
	OPTION(fd, IPPROTO_TCP, TCP_KEEPIDLE, 100);
	OPTION(fd, IPPROTO_TCP, TCP_KEEPIDLE, 0);
	OPTION(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
	OPTION(fd, IPPROTO_TCP, TCP_KEEPINTVL, 40000);
	OPTION(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
	OPTION(fd, IPPROTO_TCP, TCP_KEEPCNT, 128);
	OPTION(fd, IPPROTO_TCP, TCP_SYNCNT, 3);
	OPTION(fd, IPPROTO_TCP, TCP_LINGER2, 30);
	OPTION(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5);
	OPTION(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 5000);
	OPTION(fd, IPPROTO_TCP, TCP_QUICKACK, 0);
	OPTION(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000);
	OPTION(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, -1);
	OPTION(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16384);
	OPTION(fd, IPPROTO_TCP, 9999, 1);
	OPTION(fd, IPPROTO_UDP, UDP_CORK, 1);
	TRY(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, 4));
	memset(name, 0, sizeof(name));
	bytes = sizeof(name);
	TRY(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &bytes));
	SAY("TCP_CONGESTION", "%s in %u", name, bytes);
	TRY(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "none such", 9));
	TRY(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	TRY(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, 4));
	memset(&linger, 0, sizeof(linger));
	bytes = sizeof(linger);
	TRY(getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &bytes));
	SAY("SO_LINGER", "%d %d in %u", linger.l_onoff, linger.l_linger, bytes);
	TRY(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)));
	t.tv_usec = 2000000;
	TRY(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)));
	memset(&t, 0, sizeof(t));
	bytes = sizeof(t);
	TRY(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, &bytes));
	SAY("SO_RCVTIMEO", "%ld %d in %u", (long)t.tv_sec, t.tv_usec >= 500000, bytes);
	close(fd);
}

static void of_udp(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	CASE("udp");
	of_both(fd);
	OPTION(fd, IPPROTO_UDP, UDP_SEGMENT, 1200);
	OPTION(fd, IPPROTO_UDP, UDP_SEGMENT, 0);
	OPTION(fd, IPPROTO_UDP, UDP_GRO, 1);
	OPTION(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	close(fd);
}

static void lengths(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int value = 1;
	unsigned char byte = 1;
	socklen_t bytes;

	CASE("lengths");
	TRY(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, 3));
	TRY(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, 0));
	TRY(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, 100));
	TRY(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &byte, 1));
	TRY(setsockopt(fd, IPPROTO_IP, IP_TOS, &byte, 1));
	TRY(setsockopt(fd, IPPROTO_IP, IP_TTL, &byte, 1));
	bytes = 1;
	TRY(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &bytes));
	SAY("one byte of it", "%u", bytes);
	bytes = 1;
	TRY(getsockopt(fd, IPPROTO_IP, IP_TOS, &value, &bytes));
	SAY("one byte of it", "%u", bytes);
	bytes = 0;
	TRY(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &bytes));
	SAY("nothing of it", "%u", bytes);
	bytes = 100;
	TRY(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &bytes));
	SAY("no more than there is", "%u", bytes);
	close(fd);
}

static void inherited(void)
{
	struct sockaddr_in at;
	int listener = shim_listener(&at, 5);
	int client = socket(AF_INET, SOCK_STREAM, 0);
	int on = 1;
	int ttl = 99;
	int fd;

	CASE("of an accepted connection");
	MUST(setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
	MUST(setsockopt(listener, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) == 0);
	MUST(setsockopt(listener, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)) == 0);
	MUST(connect(client, SA(&at), sizeof(at)) == 0);
	fd = accept(listener, NULL, NULL);
	say_value("TCP_NODELAY", fd, IPPROTO_TCP, TCP_NODELAY);
	say_value("SO_KEEPALIVE", fd, SOL_SOCKET, SO_KEEPALIVE);
	say_value("IP_TTL", fd, IPPROTO_IP, IP_TTL);
	say_value("SO_ACCEPTCONN", fd, SOL_SOCKET, SO_ACCEPTCONN);
	say_value("SO_TYPE", fd, SOL_SOCKET, SO_TYPE);
	say_value("SO_DOMAIN", fd, SOL_SOCKET, SO_DOMAIN);
	say_value("SO_PROTOCOL", fd, SOL_SOCKET, SO_PROTOCOL);
	close(fd);
	close(client);
	close(listener);
}

static void state(const char *what, int fd)
{
	struct tcp_info info = { 0 };
	socklen_t bytes = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) < 0)
		SAY(what, "%s", shim_error());
	else
		SAY(what, "%u, timestamps %u, SACK %u", info.tcpi_state, info.tcpi_options & TCPI_OPT_TIMESTAMPS,
		    (info.tcpi_options & TCPI_OPT_SACK) != 0);
}

static void tcp_info(void)
{
	struct shim_pair p;
	struct sockaddr_in at;
	int listener = shim_listener(&at, 5);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CASE("TCP_INFO");
	state("fresh", fd);
	state("listener", listener);
	p = shim_connected();
	state("connected", p.client);
	MUST(shutdown(p.client, SHUT_WR) == 0);
	shim_await(p.server, POLLRDHUP);
	state("half closed by the peer", p.server);
	shim_close(&p);
	close(fd);
	close(listener);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	of_tcp();
	of_udp();
	lengths();
	inherited();
	tcp_info();
	return 0;
}
