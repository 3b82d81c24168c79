/* SPDX-License-Identifier: MIT */
/*
 * The story: urgent data crosses the pair as MSG_OOB, and the program sees of it what it sees of
 * TCP's: POLLPRI, recv(MSG_OOB), and the mark.
 */
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "tests/assume/pair.h"

int main(void)
{
	struct pair p = pair_make(SOCK_STREAM);
	char text[8] = "";
	int mark = -1;
	int on = 1;

	if (send(p.stack, "!", 1, MSG_OOB) < 0 && errno == EOPNOTSUPP) {
		printf("1..0 # SKIP this kernel has no MSG_OOB on AF_UNIX\n");
		return 0;
	}
	CHECK_THAT((pair_bits(p.program) & POLLPRI) != 0, "an urgent byte: POLLPRI");
	CHECK_THAT(recv(p.program, text, sizeof(text), MSG_OOB) == 1 && text[0] == '!', "recv(MSG_OOB) takes it");
	CHECK_THAT((pair_bits(p.program) & POLLPRI) == 0, "then it is gone");

	MUST(send(p.stack, "ab", 2, 0) == 2 && send(p.stack, "!", 1, MSG_OOB) == 1 && send(p.stack, "cd", 2, 0) == 2);
	CHECK_THAT(recv(p.program, text, sizeof(text), 0) == 2 && memcmp(text, "ab", 2) == 0, "reading stops at the mark");
	CHECK_THAT(ioctl(p.program, SIOCATMARK, &mark) == 0 && mark == 1, "SIOCATMARK says so");
	CHECK_THAT(recv(p.program, text, sizeof(text), 0) == 2 && memcmp(text, "cd", 2) == 0, "the next read skips the urgent byte");

	MUST(setsockopt(p.program, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on)) == 0);
	MUST(send(p.stack, "x", 1, 0) == 1 && send(p.stack, "!", 1, MSG_OOB) == 1);
	CHECK_THAT(recv(p.program, text, sizeof(text), 0) == 1 && recv(p.program, text, sizeof(text), 0) == 1 && text[0] == '!',
	    "SO_OOBINLINE leaves it in the stream");
	pair_close(&p);
	return tap_done();
}
