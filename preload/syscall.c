/* SPDX-License-Identifier: MIT */
/*
 * syscall(2): programs that name the system call instead of the function reach ours all the same.
 * Instructions that enter the kernel by themselves do not (Go, static programs): `teachnet check`.
 */
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/real.h"
#include "preload/sandbox.h"

bool sandbox_entered;

int call_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
	int result = real.prctl(option, a, b, c, d);

	if (option == PR_SET_SECCOMP && result == 0)
		sandbox_entered = true;
	return result;
}

static long call_seccomp(long a, long b, long c)
{
	long result = real.syscall(SYS_seccomp, a, b, c, 0, 0, 0);

	/* The first two operations enter one; the others only ask. */
	if ((a == 0 || a == 1) && result >= 0)
		sandbox_entered = true;
	return result;
}

/* NAME(arguments) of every row that is a system call of ours. */
#define P(type, value) ((type)(value))
#define SYSTEM_CALLS(CALL)                                                                         \
	CALL(socket, ((int)a, (int)b, (int)c))                                                     \
	CALL(bind, ((int)a, P(const struct sockaddr *, b), (socklen_t)c))                          \
	CALL(connect, ((int)a, P(const struct sockaddr *, b), (socklen_t)c))                       \
	CALL(listen, ((int)a, (int)b))                                                             \
	CALL(accept4, ((int)a, P(struct sockaddr *, b), P(socklen_t *, c), (int)d))                \
	CALL(getsockname, ((int)a, P(struct sockaddr *, b), P(socklen_t *, c)))                    \
	CALL(getpeername, ((int)a, P(struct sockaddr *, b), P(socklen_t *, c)))                    \
	CALL(getsockopt, ((int)a, (int)b, (int)c, P(void *, d), P(socklen_t *, e)))                \
	CALL(setsockopt, ((int)a, (int)b, (int)c, P(const void *, d), (socklen_t)e))               \
	CALL(shutdown, ((int)a, (int)b))                                                           \
	CALL(ioctl, ((int)a, (unsigned long)b, P(void *, c)))                                      \
	CALL(read, ((int)a, P(void *, b), (size_t)c))                                              \
	CALL(readv, ((int)a, P(const struct iovec *, b), (int)c))                                  \
	CALL(recvfrom, ((int)a, P(void *, b), (size_t)c, (int)d, P(struct sockaddr *, e), P(socklen_t *, f))) \
	CALL(recvmsg, ((int)a, P(struct msghdr *, b), (int)c))                                     \
	CALL(recvmmsg, ((int)a, P(struct mmsghdr *, b), (unsigned)c, (int)d, P(struct timespec *, e))) \
	CALL(write, ((int)a, P(const void *, b), (size_t)c))                                       \
	CALL(writev, ((int)a, P(const struct iovec *, b), (int)c))                                 \
	CALL(sendto, ((int)a, P(const void *, b), (size_t)c, (int)d, P(const struct sockaddr *, e), (socklen_t)f)) \
	CALL(sendmsg, ((int)a, P(const struct msghdr *, b), (int)c))                               \
	CALL(sendmmsg, ((int)a, P(struct mmsghdr *, b), (unsigned)c, (int)d))                      \
	CALL(sendfile, ((int)a, (int)b, P(off_t *, c), (size_t)d))                                 \
	CALL(close, ((int)a))                                                                      \
	CALL(close_range, ((unsigned)a, (unsigned)b, (int)c))                                      \
	CALL(dup, ((int)a))                                                                        \
	CALL(dup3, ((int)a, (int)b, (int)c))                                                       \
	CALL(fcntl, ((int)a, (int)b, c))                                                           \
	CALL(prctl, ((int)a, (unsigned long)b, (unsigned long)c, (unsigned long)d, (unsigned long)e)) \
	CALL(seccomp, (a, b, c))

long call_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	switch (number) {
#define CALL(name, arguments)                                                                      \
	case SYS_##name:                                                                           \
		return call_##name arguments;
		SYSTEM_CALLS(CALL)
#undef CALL
#ifdef SYS_accept
	case SYS_accept:
		return call_accept((int)a, P(struct sockaddr *, b), P(socklen_t *, c));
#endif
#ifdef SYS_dup2
	case SYS_dup2:
		return call_dup2((int)a, (int)b);
#endif
	default:
		return real.syscall(number, a, b, c, d, e, f);
	}
}
