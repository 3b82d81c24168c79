/* SPDX-License-Identifier: MIT */
/*
 * The story: how a connection ends is told across the pair in both directions, so that the stack
 * can send FIN or RST as Linux would, also when the program is killed, and the program sees a FIN
 * of the peer as an end of file behind the last byte.
 */
#include <signal.h>
#include <sys/wait.h>

#include "tests/assume/pair.h"

static void peer_sent_fin(void)
{
	struct pair p = pair_make(SOCK_STREAM);
	char text[8] = "";

	MUST(send(p.stack, "last", 4, 0) == 4);
	MUST(shutdown(p.stack, SHUT_WR) == 0);
	CHECK_THAT(pair_bits(p.program) == (POLLIN | POLLOUT | POLLRDHUP), "FIN: IN RDHUP, still writable, no HUP");
	CHECK_THAT(recv(p.program, text, sizeof(text), 0) == 4, "the rest is read first");
	CHECK_THAT(recv(p.program, text, sizeof(text), 0) == 0, "then end of file");
	CHECK_THAT(send(p.program, "more", 4, MSG_NOSIGNAL) == 4, "the other direction goes on");
	pair_close(&p);
}

static void both_directions(void)
{
	struct pair p = pair_make(SOCK_STREAM);

	MUST(shutdown(p.stack, SHUT_WR) == 0 && shutdown(p.program, SHUT_WR) == 0);
	CHECK_THAT((pair_bits(p.program) & (POLLHUP | POLLRDHUP)) == (POLLHUP | POLLRDHUP), "both directions shut: HUP");
	pair_close(&p);
}

static void program_left_data(void)
{
	struct pair p = pair_make(SOCK_STREAM);
	char text[8] = "";

	MUST(send(p.stack, "unread", 6, 0) == 6);
	MUST(send(p.program, "sent", 4, 0) == 4);
	close(p.program);
	p.program = -1;
	CHECK_THAT((pair_bits(p.stack) & POLLERR) != 0, "closed with unread data: ERR at the stack's end");
	CHECK_THAT(recv(p.stack, text, sizeof(text), 0) == 4, "what was in flight comes first");
	CHECK_THAT(recv(p.stack, text, sizeof(text), 0) < 0 && errno == ECONNRESET, "then ECONNRESET: time for an RST (RFC 2525)");
	pair_close(&p);
}

static void program_closed(void)
{
	struct pair p = pair_make(SOCK_STREAM);
	char text[8] = "";

	MUST(send(p.program, "flight", 6, 0) == 6);
	close(p.program);
	p.program = -1;
	CHECK_THAT((pair_bits(p.stack) & (POLLHUP | POLLERR)) == POLLHUP, "closed cleanly: HUP without ERR");
	CHECK_THAT(recv(p.stack, text, sizeof(text), 0) == 6, "what was in flight is still there");
	CHECK_THAT(recv(p.stack, text, sizeof(text), 0) == 0, "then end of file: time for the FIN");
	pair_close(&p);
}

static void program_killed(void)
{
	struct pair p = pair_make(SOCK_STREAM);
	char text[8] = "";
	pid_t child = fork();

	MUST(child >= 0);
	if (child == 0) {
		(void)!send(p.program, "flight", 6, 0);
		for (;;)
			pause();
	}
	close(p.program);
	p.program = -1;
	MUST(recv(p.stack, text, 1, MSG_PEEK) == 1);
	MUST(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
	CHECK_THAT(recv(p.stack, text, sizeof(text), 0) == 6 && recv(p.stack, text, sizeof(text), 0) == 0,
	    "kill -9: what was in flight, then end of file");
	pair_close(&p);
}

static void stack_closed(void)
{
	struct pair p = pair_make(SOCK_STREAM);

	close(p.stack);
	p.stack = -1;
	signal(SIGPIPE, SIG_IGN);
	CHECK_THAT((pair_bits(p.program) & POLLHUP) != 0, "the stack's end closed: HUP, so ask for the error");
	CHECK_THAT(write(p.program, "x", 1) < 0 && errno == EPIPE, "writing gives EPIPE");
	CHECK_THAT(send(p.program, "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE, "without a signal when asked so");
	pair_close(&p);
}

int main(void)
{
	peer_sent_fin();
	both_directions();
	program_left_data();
	program_closed();
	program_killed();
	stack_closed();
	return tap_done();
}
