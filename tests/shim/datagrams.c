/* SPDX-License-Identifier: MIT */
/* UDP: borders, truncation, names, connected and not, errors of earlier datagrams, control messages. */
#include "tests/shim/shim.h"

#include <linux/errqueue.h>
#include <netinet/udp.h>

static void exchange(void)
{
	struct sockaddr_in a;
	struct sockaddr_in b;
	struct sockaddr_in from = { 0 };
	socklen_t bytes = sizeof(from);
	int one = shim_datagram(&a);
	int two = shim_datagram(&b);
	char text[16] = "";
	int value = -1;

	CASE("exchange");
	BITS("nothing there", one);
	TRY(sendto(one, "hello", 5, 0, SA(&b), sizeof(b)));
	shim_bits("something there", shim_await(two, POLLIN));
	TRY(recvfrom(two, text, sizeof(text), 0, SA(&from), &bytes));
	SAY("from", "%d %u", memcmp(&from, &a, sizeof(a)) == 0, bytes);
	TRY(recv(two, text, sizeof(text), MSG_DONTWAIT));
	TRY(sendto(one, "", 0, 0, SA(&b), sizeof(b)));
	shim_await(two, POLLIN);
	TRY(ioctl(two, FIONREAD, &value));
	SAY("FIONREAD of an empty one", "%d", value);
	TRY(recv(two, text, sizeof(text), 0));
	TRY(sendto(one, "truncated", 9, 0, SA(&b), sizeof(b)));
	TRY(sendto(one, "next", 4, 0, SA(&b), sizeof(b)));
	shim_await(two, POLLIN);
	shim_sleep(20);
	TRY(ioctl(two, FIONREAD, &value));
	SAY("FIONREAD", "%d", value);
	TRY(recv(two, text, 3, MSG_PEEK));
	TRY(recv(two, text, 3, MSG_TRUNC | MSG_PEEK));
	TRY(recv(two, text, 3, MSG_TRUNC));
	TRY(read(two, text, sizeof(text)));
	SAY("text", "%.4s", text);
	TRY(recv(two, text, 1, MSG_DONTWAIT));
	close(one);
	close(two);
}

static void messages(void)
{
	struct sockaddr_in a;
	struct sockaddr_in b;
	struct sockaddr_in from;
	int one = shim_datagram(&a);
	int two = shim_datagram(&b);
	char x[4];
	char y[4];
	struct iovec in[2] = { { x, 3 }, { y, 3 } };
	struct iovec out[2] = { { (void *)"abcd", 4 }, { (void *)"efgh", 4 } };
	struct msghdr m = { .msg_name = &b, .msg_namelen = sizeof(b), .msg_iov = out, .msg_iovlen = 2 };
	struct mmsghdr many[3] = { { .msg_hdr = m }, { .msg_hdr = m }, { .msg_hdr = m } };

	CASE("messages");
	TRY(sendmsg(one, &m, 0));
	m = (struct msghdr){ .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = in, .msg_iovlen = 2 };
	TRY(recvmsg(two, &m, 0));
	SAY("cut", "%d %u", (m.msg_flags & MSG_TRUNC) != 0, m.msg_namelen);
	TRY(sendmmsg(one, many, 3, 0));
	SAY("lengths", "%u %u %u", many[0].msg_len, many[1].msg_len, many[2].msg_len);
	shim_await(two, POLLIN);
	shim_sleep(20);
	for (int i = 0; i < 3; i++)
		many[i].msg_hdr = (struct msghdr){ .msg_iov = in, .msg_iovlen = 2 };
	TRY(recvmmsg(two, many, 2, 0, NULL));
	TRY(recvmmsg(two, many, 3, MSG_DONTWAIT, NULL));
	TRY(recvmmsg(two, many, 3, MSG_DONTWAIT, NULL));
	TRY(sendmsg(one, &(struct msghdr){ .msg_iovlen = 2000 }, 0));
	close(one);
	close(two);
}

static void sizes(void)
{
	static char large[70000];
	struct sockaddr_in a;
	struct sockaddr_in b;
	int one = shim_datagram(&a);
	int two = shim_datagram(&b);
	int on = IP_PMTUDISC_DO;

	CASE("sizes");
	TRY(sendto(one, large, 65507, 0, SA(&b), sizeof(b)));
	shim_await(two, POLLIN);
	TRY(recv(two, large, sizeof(large), 0));
	TRY(sendto(one, large, 65508, 0, SA(&b), sizeof(b)));
	TRY(sendto(one, large, 70000, 0, SA(&b), sizeof(b)));
	TRY(setsockopt(one, IPPROTO_IP, IP_MTU_DISCOVER, &on, sizeof(on)));
	TRY(sendto(one, large, 65507, 0, SA(&b), sizeof(b)));
	TRY(sendto(one, "x", 1, MSG_OOB, SA(&b), sizeof(b)));
	close(one);
	close(two);
}

static void connected(void)
{
	struct sockaddr_in a;
	struct sockaddr_in b;
	struct sockaddr_in name = { 0 };
	socklen_t bytes = sizeof(name);
	int one = socket(AF_INET, SOCK_DGRAM, 0);
	int two = shim_datagram(&b);
	int three = shim_datagram(&a);
	char text[16];

	CASE("connected");
	SAY("no port before", "%d", shim_name(one).sin_port == 0);
	TRY(connect(one, SA(&b), sizeof(b)));
	name = shim_name(one);
	SAY("a name after", "%d %d", name.sin_addr.s_addr == htonl(INADDR_LOOPBACK), name.sin_port != 0);
	TRY(getpeername(one, SA(&name), &bytes));
	SAY("the peer", "%d", memcmp(&name, &b, sizeof(b)) == 0);
	TRY(send(one, "hi", 2, 0));
	TRY(write(one, "ho", 2));
	shim_await(two, POLLIN);
	TRY(recv(two, text, sizeof(text), 0));
	TRY(recv(two, text, sizeof(text), 0));
	name = shim_name(one);
	TRY(sendto(three, "stranger", 8, 0, SA(&name), sizeof(name)));
	shim_sleep(20);
	TRY(recv(one, text, sizeof(text), MSG_DONTWAIT));
	TRY(sendto(one, "elsewhere", 9, 0, SA(&a), sizeof(a)));
	shim_await(three, POLLIN);
	TRY(recv(three, text, sizeof(text), 0));
	TRY(connect(one, SA(&a), sizeof(a)));
	TRY(send(one, "x", 1, 0));
	shim_await(three, POLLIN);
	TRY(recv(three, text, sizeof(text), 0));
	name = (struct sockaddr_in){ .sin_family = AF_UNSPEC };
	TRY(connect(one, SA(&name), sizeof(name)));
	TRY(send(one, "x", 1, 0));
	bytes = sizeof(name);
	TRY(getpeername(one, SA(&name), &bytes));
	close(one);
	close(two);
	close(three);
}

static void nobody_there(void)
{
	struct sockaddr_in nobody = shim_nobody(SOCK_DGRAM);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	char text[16];
	int error = -1;
	socklen_t bytes = sizeof(error);

	CASE("nobody there, connected");
	MUST(connect(fd, SA(&nobody), sizeof(nobody)) == 0);
	TRY(send(fd, "x", 1, 0));
	shim_sleep(30);
	TRY(recv(fd, text, sizeof(text), MSG_DONTWAIT));
	TRY(recv(fd, text, sizeof(text), MSG_DONTWAIT));
	TRY(send(fd, "x", 1, 0));
	shim_sleep(30);
	TRY(send(fd, "x", 1, 0));
	TRY(send(fd, "x", 1, 0));
	shim_sleep(30);
	TRY(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes));
	SAY("SO_ERROR", "%s", error > 0 ? strerrorname_np(error) : "0");
	TRY(recv(fd, text, sizeof(text), MSG_DONTWAIT));
	close(fd);
	CASE("nobody there, not connected");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	TRY(sendto(fd, "x", 1, 0, SA(&nobody), sizeof(nobody)));
	shim_sleep(30);
	TRY(recv(fd, text, sizeof(text), MSG_DONTWAIT));
	TRY(sendto(fd, "x", 1, 0, SA(&nobody), sizeof(nobody)));
	close(fd);
}

static void say_select(const char *what, int fd)
{
	fd_set sets[3];
	struct timeval at_once = { .tv_sec = 0 };
	int result;

	for (int i = 0; i < 3; i++) {
		FD_ZERO(&sets[i]);
		FD_SET(fd, &sets[i]);
	}
	result = select(fd + 1, &sets[0], &sets[1], &sets[2], &at_once);
	printf("%s: select %s = %d: %d %d %d\n", shim_case, what, result, FD_ISSET(fd, &sets[0]) != 0,
	    FD_ISSET(fd, &sets[1]) != 0, FD_ISSET(fd, &sets[2]) != 0);
}

static void error_queue(void)
{
	struct sockaddr_in nobody = shim_nobody(SOCK_DGRAM);
	struct sockaddr_in to = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int on = 1;
	char text[16] = "";
	union {
		struct cmsghdr header;
		char bytes[256];
	} control;
	struct iovec iov = { text, sizeof(text) };
	struct msghdr m = { .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control) };
	struct sock_extended_err facts;

	CASE("error queue");
	TRY(setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)));
	TRY(recvmsg(fd, &m, MSG_ERRQUEUE));
	BITS("nothing lost", fd);
	TRY(sendto(fd, "lost", 4, 0, SA(&nobody), sizeof(nobody)));
	shim_sleep(30);
	BITS("lost", fd);
	say_select("lost", fd);
	TRY(recv(fd, text, sizeof(text), MSG_DONTWAIT));
	BITS("told once", fd);
	SAY("ppoll, told once", "%d", ppoll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, NULL, NULL));
	TRY(recvmsg(fd, &m, MSG_ERRQUEUE));
	BITS("told twice", fd);
	SAY("payload", "%.4s", text);
	SAY("where it went", "%d", to.sin_port == nobody.sin_port && to.sin_addr.s_addr == nobody.sin_addr.s_addr);
	SAY("flags", "%d", (m.msg_flags & MSG_ERRQUEUE) != 0);
	memcpy(&facts, CMSG_DATA(&control.header), sizeof(facts));
	SAY("control message", "%d %d", control.header.cmsg_level, control.header.cmsg_type);
	SAY("facts", "%u %u %u %u", facts.ee_errno, facts.ee_origin, facts.ee_type, facts.ee_code);
	TRY(recvmsg(fd, &m, MSG_ERRQUEUE));
	TRY(recv(fd, text, sizeof(text), MSG_DONTWAIT));
	CASE("error queue first");
	MUST(connect(fd, SA(&nobody), sizeof(nobody)) == 0);
	TRY(send(fd, "lost", 4, 0));
	shim_bits("lost again", shim_await(fd, POLLERR));
	m.msg_controllen = sizeof(control);
	TRY(recvmsg(fd, &m, MSG_ERRQUEUE));
	BITS("taken", fd);
	TRY(recv(fd, text, sizeof(text), MSG_DONTWAIT));
	close(fd);
}

static void say_control(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			SAY("IP_PKTINFO", "%d %d %d", info.ipi_ifindex, info.ipi_addr.s_addr == htonl(INADDR_LOOPBACK),
			    info.ipi_spec_dst.s_addr == htonl(INADDR_LOOPBACK));
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) {
			int ttl;

			memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
			SAY("IP_TTL", "%d", ttl);
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
			SAY("IP_TOS", "%d %zu", *CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMP) {
			struct timeval t;

			memcpy(&t, CMSG_DATA(c), sizeof(t));
			SAY("SO_TIMESTAMP is about now", "%d", labs((long)(t.tv_sec - time(NULL))) < 3);
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			struct timespec t;

			memcpy(&t, CMSG_DATA(c), sizeof(t));
			SAY("SO_TIMESTAMPNS is about now", "%d", labs((long)(t.tv_sec - time(NULL))) < 3);
		} else {
			SAY("another", "%d %d", c->cmsg_level, c->cmsg_type);
		}
	}
}

static void ancillary(void)
{
	struct sockaddr_in a;
	struct sockaddr_in b;
	int one = shim_datagram(&a);
	int two = shim_datagram(&b);
	int on = 1;
	int tos = 0x48;
	int ttl = 33;
	char text[8];
	union {
		struct cmsghdr header;
		char bytes[256];
	} control = { .bytes = { 0 } };
	struct iovec iov = { text, sizeof(text) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };

	CASE("control messages");
	TRY(setsockopt(two, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)));
	TRY(setsockopt(two, IPPROTO_IP, IP_RECVTTL, &on, sizeof(on)));
	TRY(setsockopt(two, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on)));
	TRY(setsockopt(two, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on)));
	TRY(setsockopt(one, IPPROTO_IP, IP_TOS, &tos, sizeof(tos)));
	TRY(sendto(one, "x", 1, 0, SA(&b), sizeof(b)));
	TRY(recvmsg(two, &m, 0));
	say_control(&m);
	CASE("control messages of the sender");
	TRY(setsockopt(two, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)));
	control.header = (struct cmsghdr){ .cmsg_level = IPPROTO_IP, .cmsg_type = IP_TTL, .cmsg_len = CMSG_LEN(sizeof(ttl)) };
	memcpy(CMSG_DATA(&control.header), &ttl, sizeof(ttl));
	m.msg_controllen = CMSG_SPACE(sizeof(ttl));
	m.msg_name = &b;
	m.msg_namelen = sizeof(b);
	TRY(sendmsg(one, &m, 0));
	m.msg_name = NULL;
	m.msg_namelen = 0;
	m.msg_controllen = sizeof(control);
	TRY(recvmsg(two, &m, 0));
	say_control(&m);
	control.header = (struct cmsghdr){ .cmsg_level = IPPROTO_IP, .cmsg_type = 999, .cmsg_len = CMSG_LEN(sizeof(ttl)) };
	m.msg_controllen = CMSG_SPACE(sizeof(ttl));
	m.msg_name = &b;
	m.msg_namelen = sizeof(b);
	TRY(sendmsg(one, &m, 0));
	ttl = 0;
	control.header = (struct cmsghdr){ .cmsg_level = IPPROTO_IP, .cmsg_type = IP_TTL, .cmsg_len = CMSG_LEN(sizeof(ttl)) };
	memcpy(CMSG_DATA(&control.header), &ttl, sizeof(ttl));
	TRY(sendmsg(one, &m, 0));
	CASE("control messages without room");
	TRY(sendto(one, "x", 1, 0, SA(&b), sizeof(b)));
	m = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = 24 };
	TRY(recvmsg(two, &m, 0));
	SAY("MSG_CTRUNC", "%d %zu", (m.msg_flags & MSG_CTRUNC) != 0, m.msg_controllen);
	TRY(sendto(one, "x", 1, 0, SA(&b), sizeof(b)));
	m = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
	TRY(recvmsg(two, &m, 0));
	SAY("no room at all", "%d %zu", (m.msg_flags & MSG_CTRUNC) != 0, m.msg_controllen);
	close(one);
	close(two);
}

static void in_parts(void)
{
	static char large[60000];
	struct sockaddr_in a;
	struct sockaddr_in b;
	int one = shim_datagram(&a);
	int two = shim_datagram(&b);
	int on = 1;
	socklen_t bytes = sizeof(on);
	char text[16] = "";

	CASE("in parts");
	TRY(sendto(one, "abc", 3, MSG_MORE, SA(&b), sizeof(b)));
	shim_sleep(20);
	TRY(recv(two, text, sizeof(text), MSG_DONTWAIT));
	TRY(sendto(one, "de", 2, MSG_MORE, SA(&a), sizeof(a)));
	TRY(sendto(one, "f", 1, 0, SA(&b), sizeof(b)));
	shim_await(two, POLLIN);
	TRY(recv(two, text, sizeof(text), MSG_DONTWAIT));
	SAY("together", "%.6s", text);
	TRY(sendto(one, large, sizeof(large), MSG_MORE, SA(&b), sizeof(b)));
	TRY(sendto(one, large, sizeof(large), MSG_MORE, SA(&b), sizeof(b)));
	TRY(sendto(one, "alone", 5, 0, SA(&b), sizeof(b)));
	shim_await(two, POLLIN);
	TRY(recv(two, text, sizeof(text), MSG_DONTWAIT));
	CASE("UDP_CORK");
	MUST(connect(one, SA(&b), sizeof(b)) == 0);
	TRY(setsockopt(one, IPPROTO_UDP, UDP_CORK, &on, sizeof(on)));
	on = -1;
	TRY(getsockopt(one, IPPROTO_UDP, UDP_CORK, &on, &bytes));
	SAY("corked", "%d", on);
	TRY(send(one, "one", 3, 0));
	TRY(write(one, "two", 3));
	shim_sleep(20);
	TRY(recv(two, text, sizeof(text), MSG_DONTWAIT));
	on = 0;
	TRY(setsockopt(one, IPPROTO_UDP, UDP_CORK, &on, sizeof(on)));
	shim_await(two, POLLIN);
	TRY(recv(two, text, sizeof(text), MSG_DONTWAIT));
	SAY("together", "%.6s", text);
	TRY(send(one, "free", 4, 0));
	shim_await(two, POLLIN);
	TRY(recv(two, text, sizeof(text), MSG_DONTWAIT));
	TRY(send(one, "lost", 4, MSG_MORE));
	TRY(close(one));
	shim_sleep(20);
	TRY(recv(two, text, sizeof(text), MSG_DONTWAIT));
	close(two);
}

static void unreachable(void)
{
	struct sockaddr_in to = shim_address(INADDR_BROADCAST, 9);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	CASE("addresses");
	TRY(sendto(fd, "x", 1, 0, SA(&to), sizeof(to)));
	to = shim_address(0x08080808, 9);
	TRY(sendto(fd, "x", 1, 0, SA(&to), sizeof(to)));
	TRY(connect(fd, SA(&to), sizeof(to)));
	to = shim_address(INADDR_ANY, ntohs(shim_nobody(SOCK_DGRAM).sin_port));
	TRY(sendto(fd, "x", 1, 0, SA(&to), sizeof(to)));
	SAY("a port was chosen", "%d", shim_name(fd).sin_port != 0);
	SAY("for any address", "%d", shim_name(fd).sin_addr.s_addr == 0);
	TRY(sendto(fd, "x", 1, 0, SA(&to), (socklen_t)-1));
	if (BAD_POINTERS) {
		TRY(sendto(fd, "x", 1, 0, (struct sockaddr *)8, sizeof(to)));
		TRY(sendto(fd, (void *)8, 1, 0, SA(&to), sizeof(to)));
	}
	close(fd);
}

static void same_port(void)
{
	struct sockaddr_in a;
	int one = shim_datagram(&a);
	int two = socket(AF_INET, SOCK_DGRAM, 0);
	int on = 1;

	CASE("one port twice");
	TRY(bind(two, SA(&a), sizeof(a)));
	TRY(setsockopt(one, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
	TRY(setsockopt(two, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
	TRY(bind(two, SA(&a), sizeof(a)));
	close(one);
	close(two);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	exchange();
	messages();
	sizes();
	connected();
	nobody_there();
	error_queue();
	ancillary();
	in_parts();
	unreachable();
	same_port();
	return 0;
}
