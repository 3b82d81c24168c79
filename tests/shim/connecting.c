/* SPDX-License-Identifier: MIT */
/* connect(): blocking and not, established, refused, twice, dissolved, and what poll and epoll show. */
#include "tests/shim/shim.h"

static int error_of(int fd)
{
	int error = -1;
	socklen_t bytes = sizeof(error);

	MUST(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0);
	return error;
}

static void say_error(int fd)
{
	int error = error_of(fd);

	SAY("SO_ERROR", "%s", error == 0 ? "0" : strerrorname_np(error));
}

static void blocking(void)
{
	struct sockaddr_in at;
	struct sockaddr_in name;
	socklen_t bytes = sizeof(name);
	int listener = shim_listener(&at, 5);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CASE("blocking");
	TRY(connect(fd, SA(&at), sizeof(at)));
	TRY(getpeername(fd, SA(&name), &bytes));
	SAY("the peer is who was asked for", "%d", memcmp(&name, &at, sizeof(at)) == 0);
	SAY("we are on loopback", "%d", shim_name(fd).sin_addr.s_addr == htonl(INADDR_LOOPBACK));
	SAY("with a port", "%d", shim_name(fd).sin_port != 0);
	TRY(connect(fd, SA(&at), sizeof(at)));
	BITS("connected", fd);
	say_error(fd);
	TRY(bind(fd, SA(&at), sizeof(at)));
	TRY(listen(fd, 1));
	TRY(accept(fd, NULL, NULL));
	close(fd);
	close(listener);
}

static void refused(void)
{
	struct sockaddr_in nobody = shim_nobody(SOCK_STREAM);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char byte;

	CASE("refused, blocking");
	TRY(connect(fd, SA(&nobody), sizeof(nobody)));
	say_error(fd);
	TRY(connect(fd, SA(&nobody), sizeof(nobody)));
	TRY(connect(fd, SA(&nobody), sizeof(nobody)));
	TRY(send(fd, "x", 1, MSG_NOSIGNAL));
	TRY(recv(fd, &byte, 1, 0));
	close(fd);
	CASE("refused, non-blocking");
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	errno = 0;
	SAY("connect", "%d", connect(fd, SA(&nobody), sizeof(nobody)) < 0 && (errno == EINPROGRESS || errno == ECONNREFUSED));
	shim_await(fd, POLLERR | POLLHUP);
	BITS("when it has failed", fd);
	say_error(fd);
	say_error(fd);
	TRY(recv(fd, &byte, 1, 0));
	close(fd);
	CASE("refused, asked by connect");
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	(void)connect(fd, SA(&nobody), sizeof(nobody));
	shim_await(fd, POLLERR | POLLHUP);
	TRY(connect(fd, SA(&nobody), sizeof(nobody)));
	close(fd);
	CASE("refused, asked by recv");
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	(void)connect(fd, SA(&nobody), sizeof(nobody));
	shim_await(fd, POLLERR | POLLHUP);
	TRY(recv(fd, &byte, 1, 0));
	TRY(recv(fd, &byte, 1, 0));
	close(fd);
	CASE("refused, asked by send");
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	(void)connect(fd, SA(&nobody), sizeof(nobody));
	shim_await(fd, POLLERR | POLLHUP);
	TRY(send(fd, "x", 1, MSG_NOSIGNAL));
	TRY(send(fd, "x", 1, MSG_NOSIGNAL));
	close(fd);
}

static void again(void)
{
	struct sockaddr_in nobody = shim_nobody(SOCK_STREAM);
	struct sockaddr_in at;
	int listener = shim_listener(&at, 5);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int flags;

	CASE("refused, then accepted");
	TRY(connect(fd, SA(&nobody), sizeof(nobody)));
	TRY(connect(fd, SA(&at), sizeof(at)));
	TRY(send(fd, "hello", 5, 0));
	flags = fcntl(fd, F_GETFL);
	SAY("flags", "%d", flags == O_RDWR);
	close(fd);
	CASE("AF_UNSPEC");
	fd = socket(AF_INET, SOCK_STREAM, 0);
	MUST(connect(fd, SA(&at), sizeof(at)) == 0);
	nobody.sin_family = AF_UNSPEC;
	TRY(connect(fd, SA(&nobody), sizeof(nobody)));
	TRY(send(fd, "x", 1, MSG_NOSIGNAL));
	close(fd);
	close(listener);
}

static void non_blocking(void)
{
	struct sockaddr_in at;
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };
	int listener = shim_listener(&at, 5);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	int epoll = epoll_create1(0);
	char byte;

	CASE("non-blocking");
	errno = 0;
	SAY("connect", "%d", connect(fd, SA(&at), sizeof(at)) == 0 || errno == EINPROGRESS);
	MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) == 0);
	SAY("epoll", "%d", epoll_wait(epoll, &e, 1, 2000));
	shim_bits("first edge", (short)e.events);
	SAY("epoll again", "%d", epoll_wait(epoll, &e, 1, 20));
	BITS("connected", fd);
	say_error(fd);
	TRY(connect(fd, SA(&at), sizeof(at)));
	TRY(connect(fd, SA(&at), sizeof(at)));
	TRY(recv(fd, &byte, 1, 0));
	TRY(send(fd, "x", 1, 0));
	close(fd);
	close(epoll);
	close(listener);
}

static void bad_addresses(void)
{
	struct sockaddr_in at = shim_address(INADDR_LOOPBACK, 80);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CASE("addresses");
	TRY(connect(fd, SA(&at), 1));
	TRY(connect(fd, SA(&at), 15));
	TRY(connect(fd, SA(&at), 1000));
	at.sin_family = AF_INET6;
	TRY(connect(fd, SA(&at), sizeof(at)));
	at.sin_family = AF_UNIX;
	TRY(connect(fd, SA(&at), sizeof(at)));
	at = shim_address(0xe0000001, 80);
	TRY(connect(fd, SA(&at), sizeof(at)));
	at = shim_address(INADDR_BROADCAST, 80);
	TRY(connect(fd, SA(&at), sizeof(at)));
	BITS("still idle but for HUP, which is in DIFFERENCES.md", fd);
	close(fd);
}

static void to_any(void)
{
	struct sockaddr_in at;
	int listener = shim_listener(&at, 5);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CASE("to 0.0.0.0");
	at.sin_addr.s_addr = htonl(INADDR_ANY);
	TRY(connect(fd, SA(&at), sizeof(at)));
	close(fd);
	close(listener);
}

static void to_itself(void)
{
	struct sockaddr_in at = shim_address(INADDR_LOOPBACK, 0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char text[8] = "";

	CASE("simultaneous open with itself");
	MUST(bind(fd, SA(&at), sizeof(at)) == 0);
	at = shim_name(fd);
	TRY(connect(fd, SA(&at), sizeof(at)));
	TRY(send(fd, "echo", 4, 0));
	TRY(recv(fd, text, sizeof(text), 0));
	SAY("text", "%s", text);
	close(fd);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	blocking();
	refused();
	again();
	non_blocking();
	bad_addresses();
	to_any();
	to_itself();
	return 0;
}
