/* SPDX-License-Identifier: MIT */
/* Data over a connection: flags of the calls, ends of file, resets, broken pipes, urgent data. */
#include <linux/sockios.h>

#include "tests/shim/shim.h"

static volatile sig_atomic_t pipes;

static void on_pipe(int number)
{
	(void)number;
	pipes++;
}

static void calls(void)
{
	struct shim_pair p = shim_connected();
	struct iovec out[2] = { { (void *)"ab", 2 }, { (void *)"cd", 2 } };
	char text[16] = "";
	struct iovec in[2] = { { text, 3 }, { text + 3, 5 } };
	char name[64];
	struct msghdr m = { .msg_iov = in, .msg_iovlen = 2, .msg_name = name, .msg_namelen = sizeof(name) };
	struct sockaddr_in from;
	socklen_t bytes = sizeof(from);
	char control[64];

	CASE("calls");
	TRY(writev(p.client, out, 2));
	shim_await(p.server, POLLIN);
	TRY(readv(p.server, in, 2));
	TRY(sendto(p.client, "efgh", 4, 0, NULL, 0));
	TRY(recvfrom(p.server, text, 4, 0, SA(&from), &bytes));
	SAY("TCP tells no sender", "%u", bytes);
	from = shim_address(INADDR_LOOPBACK, 9);
	TRY(sendto(p.client, "ijkl", 4, 0, SA(&from), sizeof(from)));
	m.msg_control = control;
	m.msg_controllen = sizeof(control);
	TRY(recvmsg(p.server, &m, 0));
	SAY("nor a control message", "%u %zu %d", m.msg_namelen, m.msg_controllen, m.msg_flags);
	TRY(send(p.client, "", 0, 0));
	TRY(write(p.client, "mnop", 4));
	shim_await(p.server, POLLIN);
	TRY(recv(p.server, text, 2, MSG_PEEK));
	TRY(recv(p.server, text, 2, 0));
	TRY(recv(p.server, text, 8, MSG_DONTWAIT));
	TRY(recv(p.server, text, 8, MSG_DONTWAIT));
	TRY(recv(p.server, text, 8, MSG_ERRQUEUE));
	TRY(recv(p.server, text, 8, MSG_OOB));
	MUST(send(p.client, "abcdef", 6, 0) == 6);
	TRY(recv(p.server, text, 6, MSG_WAITALL));
	MUST(send(p.client, "abcdef", 6, 0) == 6);
	shim_await(p.server, POLLIN);
	TRY(recv(p.server, NULL, 4, MSG_TRUNC));
	TRY(recv(p.server, text, 8, 0));
	SAY("MSG_TRUNC throws away", "%.2s", text);
	TRY(read(p.server, text, 0));
	TRY(write(p.client, text, 0));
	TRY(pread(p.server, text, 1, 0));
	TRY(lseek(p.server, 0, SEEK_SET));
	shim_close(&p);
}

static void queues(void)
{
	struct shim_pair p = shim_connected();
	char text[100] = "";
	int value = -1;

	CASE("queues");
	TRY(ioctl(p.server, FIONREAD, &value));
	SAY("FIONREAD", "%d", value);
	MUST(send(p.client, text, 100, 0) == 100);
	shim_await(p.server, POLLIN);
	shim_sleep(20);
	TRY(ioctl(p.server, FIONREAD, &value));
	SAY("FIONREAD", "%d", value);
	TRY(ioctl(p.client, SIOCOUTQ, &value));
	SAY("SIOCOUTQ, all acknowledged", "%d", value);
	TRY(ioctl(p.client, SIOCOUTQNSD, &value));
	SAY("SIOCOUTQNSD", "%d", value);
	MUST(recv(p.server, text, 60, 0) == 60);
	TRY(ioctl(p.server, FIONREAD, &value));
	SAY("FIONREAD", "%d", value);
	value = 1;
	TRY(ioctl(p.server, FIONBIO, &value));
	SAY("FIONBIO", "%d", (fcntl(p.server, F_GETFL) & O_NONBLOCK) != 0);
	shim_close(&p);
}

static void half_close(void)
{
	struct shim_pair p = shim_connected();
	char text[16] = "";

	CASE("half close");
	TRY(shutdown(p.client, SHUT_WR));
	shim_bits("who was told", shim_await(p.server, POLLRDHUP));
	BITS("who said it", p.client);
	TRY(recv(p.server, text, 1, 0));
	TRY(recv(p.server, text, 1, 0));
	TRY(send(p.server, "answer", 6, 0));
	TRY(recv(p.client, text, 16, 0));
	TRY(send(p.client, "x", 1, MSG_NOSIGNAL));
	TRY(shutdown(p.client, SHUT_WR));
	TRY(shutdown(p.server, SHUT_WR));
	shim_bits("both closed", shim_await(p.client, POLLHUP));
	TRY(recv(p.client, text, 1, 0));
	TRY(recv(p.client, text, 1, MSG_PEEK));
	TRY(shutdown(p.server, SHUT_RD));
	shim_close(&p);
	CASE("reading shut");
	p = shim_connected();
	TRY(shutdown(p.client, SHUT_RD));
	BITS("ours", p.client);
	TRY(recv(p.client, text, 1, 0));
	TRY(send(p.client, "still", 5, 0));
	TRY(recv(p.server, text, 16, 0));
	TRY(send(p.server, "late", 4, MSG_NOSIGNAL));
	shim_sleep(20);
	TRY(send(p.server, "late", 4, MSG_NOSIGNAL));
	shim_close(&p);
}

static void pipes_break(void)
{
	struct shim_pair p = shim_connected();
	int before;

	CASE("broken pipe");
	signal(SIGPIPE, on_pipe);
	close(p.server);
	shim_await(p.client, POLLRDHUP);
	TRY(send(p.client, "first", 5, 0));
	shim_bits("after the RST", shim_await(p.client, POLLHUP));
	before = pipes;
	TRY(send(p.client, "second", 6, 0));
	SAY("signals", "%d", pipes - before);
	TRY(send(p.client, "third", 5, MSG_NOSIGNAL));
	SAY("signals", "%d", pipes - before);
	TRY(write(p.client, "fourth", 6));
	SAY("signals", "%d", pipes - before);
	close(p.client);
	CASE("broken pipe of our own making");
	p = shim_connected();
	MUST(shutdown(p.client, SHUT_WR) == 0);
	before = pipes;
	TRY(send(p.client, "x", 1, 0));
	SAY("signals", "%d", pipes - before);
	TRY(writev(p.client, &(struct iovec){ (void *)"x", 1 }, 1));
	SAY("signals", "%d", pipes - before);
	shim_close(&p);
	CASE("never connected");
	p.client = socket(AF_INET, SOCK_STREAM, 0);
	before = pipes;
	TRY(send(p.client, "x", 1, 0));
	SAY("signals", "%d", pipes - before);
	close(p.client);
	signal(SIGPIPE, SIG_DFL);
}

static void resets(void)
{
	struct shim_pair p = shim_connected();
	struct linger hard = { .l_onoff = 1 };
	char text[16] = "";
	int error = -1;
	socklen_t bytes = sizeof(error);

	CASE("reset by SO_LINGER");
	TRY(setsockopt(p.server, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)));
	close(p.server);
	shim_bits("the other end", shim_await(p.client, POLLHUP));
	TRY(recv(p.client, text, 1, 0));
	TRY(recv(p.client, text, 1, 0));
	TRY(send(p.client, "x", 1, MSG_NOSIGNAL));
	close(p.client);
	CASE("reset, SO_ERROR");
	p = shim_connected();
	MUST(setsockopt(p.server, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)) == 0);
	close(p.server);
	shim_await(p.client, POLLHUP);
	TRY(getsockopt(p.client, SOL_SOCKET, SO_ERROR, &error, &bytes));
	SAY("SO_ERROR", "%s", error > 0 ? strerrorname_np(error) : "0");
	TRY(recv(p.client, text, 1, 0));
	close(p.client);
	CASE("reset over unread data");
	p = shim_connected();
	MUST(send(p.client, "never read", 10, 0) == 10);
	shim_await(p.server, POLLIN);
	close(p.server);
	shim_await(p.client, POLLHUP);
	TRY(recv(p.client, text, 1, 0));
	close(p.client);
	CASE("reset behind data");
	p = shim_connected();
	MUST(send(p.client, "x", 1, 0) == 1);
	MUST(send(p.server, "data", 4, 0) == 4);
	shim_await(p.server, POLLIN);
	shim_await(p.client, POLLIN);
	close(p.server);
	shim_await(p.client, POLLHUP);
	TRY(recv(p.client, text, 16, 0));
	TRY(recv(p.client, text, 16, 0));
	close(p.client);
}

static void urgent(void)
{
	struct shim_pair p = shim_connected();
	char text[16] = "";
	int mark = -1;

	CASE("urgent data");
	TRY(send(p.client, "ab!", 3, MSG_OOB));
	shim_bits("there is some", shim_await(p.server, POLLPRI));
	shim_sleep(20);
	TRY(recv(p.server, text, 16, 0));
	TRY(ioctl(p.server, SIOCATMARK, &mark));
	SAY("at the mark", "%d", mark);
	TRY(recv(p.server, text, 1, MSG_OOB));
	SAY("the urgent byte", "%c", text[0]);
	TRY(recv(p.server, text, 1, MSG_OOB | MSG_DONTWAIT));
	TRY(send(p.client, "cd", 2, 0));
	TRY(recv(p.server, text, 16, 0));
	shim_close(&p);
}

static void amounts(void)
{
	enum { TOTAL = 3000000 };
	struct shim_pair p = shim_connected();
	static char block[65536];
	unsigned long sum = 0;
	unsigned long expected = 0;
	size_t done = 0;
	pid_t child;

	CASE("three megabytes");
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (char)(i * 7 + i / 251);
	fflush(stdout);
	child = fork();
	MUST(child >= 0);
	if (child == 0) {
		close(p.server);
		while (done < TOTAL) {
			size_t piece = TOTAL - done < sizeof(block) ? TOTAL - done : sizeof(block);
			ssize_t sent = write(p.client, block, piece);

			if (sent <= 0 || sent > (ssize_t)piece)
				_exit(1);
			done += (size_t)sent;
			if ((size_t)sent < piece)
				_exit(2); /* a blocking write writes all */
		}
		_exit(0);
	}
	close(p.client);
	for (size_t i = 0; i < TOTAL; i++)
		expected = expected * 31 + (unsigned char)block[i % sizeof(block)];
	for (;;) {
		static char in[65536];
		ssize_t got = read(p.server, in, sizeof(in));

		if (got <= 0) {
			SAY("the end", "%zd", got);
			break;
		}
		for (ssize_t i = 0; i < got; i++)
			sum = sum * 31 + (unsigned char)in[i];
		done += (size_t)got;
	}
	SAY("bytes", "%zu", done);
	SAY("every byte right", "%d", sum == expected);
	MUST(waitpid(child, NULL, 0) == child);
	close(p.server);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* close() with a time: until all is acknowledged, or the time is over. */
static void lingers(bool full, bool nonblocking)
{
	static char piece[65536];
	struct linger soft = { .l_onoff = 1, .l_linger = 1 };
	struct shim_pair p = shim_connected();
	int flags = fcntl(p.client, F_GETFL);
	double begin;

	MUST(setsockopt(p.client, SOL_SOCKET, SO_LINGER, &soft, sizeof(soft)) == 0);
	shim_nonblocking(p.client);
	MUST(send(p.client, "some", 4, 0) == 4);
	for (int quiet = 0; full && quiet < 5; shim_sleep(20))
		quiet = send(p.client, piece, sizeof(piece), 0) > 0 ? 0 : quiet + 1;
	if (!nonblocking)
		MUST(fcntl(p.client, F_SETFL, flags) == 0);
	begin = seconds();
	TRY(close(p.client));
	begin = seconds() - begin;
	SAY("waited", "%s", begin < 0.4 ? "not at all" : begin > 0.9 && begin < 2.5 ? "its time" : "otherwise");
	TRY(recv(p.server, piece, 4, 0));
	close(p.server);
}

static void lingering(void)
{
	CASE("close() with SO_LINGER, all taken");
	lingers(false, false);
	CASE("close() with SO_LINGER, not taken");
	lingers(true, false);
	CASE("close() with SO_LINGER, non-blocking");
	lingers(true, true);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	calls();
	queues();
	half_close();
	pipes_break();
	resets();
	urgent();
	lingering();
	amounts();
	return 0;
}
