/* SPDX-License-Identifier: MIT */
/* What each call says of a socket in the wrong state, of a descriptor that is none, of bad arguments. */
#include "tests/shim/shim.h"

static struct sockaddr_in here;

static void fresh_stream(void)
{
	int fd;
	char text[8];
	struct sockaddr_in name;
	socklen_t bytes = sizeof(name);

	CASE("fresh stream");
	fd = TRY_FD(socket(AF_INET, SOCK_STREAM, 0));
	TRY(recv(fd, text, sizeof(text), 0));
	TRY(recv(fd, text, sizeof(text), MSG_DONTWAIT));
	TRY(read(fd, text, sizeof(text)));
	TRY(send(fd, "x", 1, MSG_NOSIGNAL));
	TRY(getpeername(fd, SA(&name), &bytes));
	TRY(getsockname(fd, SA(&name), &bytes));
	SAY("its name", "%d %u %u %u", name.sin_family, ntohl(name.sin_addr.s_addr), name.sin_port, bytes);
	TRY(accept(fd, NULL, NULL));
	TRY(shutdown(fd, SHUT_RDWR));
	TRY(shutdown(fd, 7));
	TRY(listen(fd, 1));
	TRY(shutdown(fd, SHUT_WR));
	TRY(recv(fd, text, sizeof(text), 0));
	TRY(connect(fd, SA(&here), sizeof(here)));
	close(fd);
}

static void fresh_datagram(void)
{
	int fd;
	char text[8];
	struct sockaddr_in name;
	socklen_t bytes = sizeof(name);

	CASE("fresh datagram");
	fd = TRY_FD(socket(AF_INET, SOCK_DGRAM, 0));
	TRY(recv(fd, text, sizeof(text), MSG_DONTWAIT));
	TRY(send(fd, "x", 1, 0));
	TRY(write(fd, "x", 1));
	TRY(sendto(fd, "x", 1, 0, SA(&here), 4));
	TRY(getpeername(fd, SA(&name), &bytes));
	TRY(listen(fd, 1));
	TRY(accept(fd, NULL, NULL));
	TRY(shutdown(fd, SHUT_RD));
	BITS("after shutdown", fd);
	close(fd);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	here.sin_family = AF_UNIX;
	TRY(sendto(fd, "x", 1, 0, SA(&here), sizeof(here)));
	here.sin_family = AF_INET;
	name = shim_address(INADDR_LOOPBACK, 0);
	TRY(sendto(fd, "x", 1, 0, SA(&name), sizeof(name)));
	TRY(connect(fd, SA(&name), 2));
	TRY(connect(fd, SA(&name), 15));
	close(fd);
}

static void making(void)
{
	int fd;

	CASE("socket");
	TRY_FD(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	TRY_FD(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
	TRY_FD(socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));
	TRY_FD(socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
	TRY_FD(socket(AF_INET, SOCK_SEQPACKET, 0));
	TRY_FD(socket(AF_INET, SOCK_RAW, 0));
	TRY_FD(socket(AF_INET, 9, 0));
	TRY_FD(socket(AF_INET, 11, 0));
	TRY_FD(socket(AF_INET, 0, 0));
	TRY_FD(socket(AF_INET, SOCK_STREAM | 0x100000, 0));
	TRY_FD(socket(AF_INET, SOCK_STREAM, -1));
	TRY_FD(socket(AF_INET, SOCK_STREAM, 1000));
	TRY_FD(socket(99, SOCK_STREAM, 0));
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	SAY("flags asked for", "%d %d", (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0, fcntl(fd, F_GETFD));
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	SAY("flags not asked for", "%d %d", fcntl(fd, F_GETFL) == O_RDWR, fcntl(fd, F_GETFD));
	close(fd);
}

static void bad_descriptor(void)
{
	char text[8] = "";
	struct sockaddr_in name;
	socklen_t bytes = sizeof(name);
	int value = 1;
	int pipe_ends[2];

	CASE("no descriptor");
	TRY(bind(-1, SA(&here), sizeof(here)));
	TRY(connect(-1, SA(&here), sizeof(here)));
	TRY(listen(-1, 1));
	TRY(accept(-1, NULL, NULL));
	TRY(send(-1, text, 1, 0));
	TRY(recv(-1, text, 1, 0));
	TRY(getsockname(-1, SA(&name), &bytes));
	TRY(setsockopt(-1, SOL_SOCKET, SO_REUSEADDR, &value, sizeof(value)));
	TRY(shutdown(-1, SHUT_RD));
	TRY(close(-1));
	CASE("no socket");
	MUST(pipe(pipe_ends) == 0);
	TRY(bind(pipe_ends[0], SA(&here), sizeof(here)));
	TRY(connect(pipe_ends[0], SA(&here), sizeof(here)));
	TRY(listen(pipe_ends[0], 1));
	TRY(accept(pipe_ends[0], NULL, NULL));
	TRY(send(pipe_ends[1], text, 1, 0));
	TRY(recv(pipe_ends[0], text, 1, 0));
	TRY(getsockopt(pipe_ends[0], SOL_SOCKET, SO_TYPE, &value, &bytes));
	TRY(write(pipe_ends[1], text, 1));
	TRY(read(pipe_ends[0], text, 1));
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

static void binding(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int other = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in at = shim_address(INADDR_LOOPBACK, 0);

	CASE("bind");
	TRY(bind(fd, SA(&at), 2));
	TRY(bind(fd, SA(&at), 15));
	at.sin_family = AF_UNIX;
	TRY(bind(fd, SA(&at), sizeof(at)));
	at = shim_address(0x08080808, 0);
	TRY(bind(fd, SA(&at), sizeof(at)));
	at = shim_address(INADDR_LOOPBACK, 0);
	TRY(bind(fd, SA(&at), 200));
	TRY(bind(fd, SA(&at), sizeof(at)));
	SAY("a port was chosen", "%d", shim_name(fd).sin_port != 0);
	TRY(bind(fd, SA(&at), sizeof(at)));
	at = shim_name(fd);
	TRY(bind(other, SA(&at), sizeof(at)));
	at.sin_addr.s_addr = htonl(INADDR_ANY);
	TRY(bind(other, SA(&at), sizeof(at)));
	at.sin_addr.s_addr = htonl(0x7f000002);
	TRY(bind(other, SA(&at), sizeof(at)));
	at.sin_family = AF_UNSPEC;
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	at.sin_addr.s_addr = htonl(INADDR_ANY);
	at.sin_port = 0;
	TRY(bind(fd, SA(&at), sizeof(at)));
	if (BAD_POINTERS) {
		TRY(bind(fd, NULL, sizeof(at)));
		TRY(bind(fd, (struct sockaddr *)8, sizeof(at)));
	}
	close(fd);
	close(other);
}

static void bad_pointers(void)
{
	struct shim_pair p = shim_connected();
	struct sockaddr_in name;
	socklen_t bytes = sizeof(name);
	socklen_t negative = (socklen_t)-1;
	char text[8];

	CASE("bad pointers");
	TRY(getsockname(p.client, (struct sockaddr *)8, &bytes));
	TRY(getsockname(p.client, SA(&name), (socklen_t *)8));
	TRY(getsockname(p.client, SA(&name), &negative));
	TRY(getpeername(p.client, (struct sockaddr *)8, &bytes));
	TRY(connect(p.client, (struct sockaddr *)8, sizeof(name)));
	TRY(send(p.client, (void *)8, 4, MSG_NOSIGNAL));
	MUST(send(p.server, "data", 4, 0) == 4);
	shim_await(p.client, POLLIN);
	TRY(recv(p.client, (void *)8, 4, 0));
	TRY(recv(p.client, text, sizeof(text), 0));
	TRY(setsockopt(p.client, SOL_SOCKET, SO_KEEPALIVE, (void *)8, 4));
	TRY(getsockopt(p.client, SOL_SOCKET, SO_TYPE, text, (socklen_t *)8));
	TRY(getsockopt(p.client, SOL_SOCKET, SO_TYPE, text, &negative));
	TRY(recvmsg(p.client, (struct msghdr *)8, 0));
	TRY(sendmsg(p.client, (struct msghdr *)8, 0));
	bytes = 4;
	memset(&name, 0, sizeof(name));
	TRY(getpeername(p.client, SA(&name), &bytes));
	SAY("a short room gets the beginning and the whole length", "%d %u %d", name.sin_family, bytes, name.sin_addr.s_addr == 0);
	shim_close(&p);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	here = shim_nobody(SOCK_STREAM);
	making();
	fresh_stream();
	fresh_datagram();
	bad_descriptor();
	binding();
	if (BAD_POINTERS)
		bad_pointers();
	return 0;
}
