/* SPDX-License-Identifier: MIT */
/*
 * The story: what the shim does behind the program's back stays there. A page that is wiped on
 * fork tells a child from its parent and leaves a vfork child its parent's; a child without an exit
 * signal that never calls exec is not seen by waitpid(-1) nor told by SIGCHLD; a descriptor can
 * live above the soft limit; and the kernel reads a signal mask before it finds fault with `how`.
 */
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/assume/pair.h"

static volatile int *page;

static int look(void *unused)
{
	(void)unused;
	_exit(*page == 7 ? 0 : 1);
}

static char stack[65536] __attribute__((aligned(16)));

static void wiped_page(void)
{
	int status;
	pid_t child;

	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(page != MAP_FAILED);
	CHECK_THAT(madvise((void *)page, 4096, MADV_WIPEONFORK) == 0, "a page can be wiped on fork");
	*page = 7;
	child = fork();
	MUST(child >= 0);
	if (child == 0)
		_exit(*page == 0 ? 0 : 1);
	CHECK_THAT(waitpid(child, &status, 0) == child && status == 0, "the child finds zeroes");
	CHECK_THAT(*page == 7, "the parent what it wrote");
	child = clone(look, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
	CHECK_THAT(child > 0 && waitpid(child, &status, 0) == child && status == 0, "a vfork child sees its parent's");
}

static volatile sig_atomic_t told;

static void on_child(int signal_number)
{
	(void)signal_number;
	told++;
}

static int leave(void *unused)
{
	(void)unused;
	_exit(0);
}

static void silent_child(void)
{
	pid_t child;
	int status;

	signal(SIGCHLD, on_child);
	child = clone(leave, stack + sizeof(stack), CLONE_VM | CLONE_VFORK, NULL);
	MUST(child > 0);
	CHECK_THAT(waitpid(-1, &status, WNOHANG) < 0 && errno == ECHILD, "waitpid(-1) does not see a child without exit signal");
	CHECK_THAT(waitpid(child, &status, __WALL) == child, "who knows it can wait for it");
	CHECK_THAT(told == 0, "no SIGCHLD was sent");
}

static void above_the_limit(void)
{
	struct rlimit limit;
	struct rlimit low;
	int fd;

	MUST(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	low = limit;
	low.rlim_cur = 64;
	MUST(setrlimit(RLIMIT_NOFILE, &low) == 0);
	low.rlim_cur = 128;
	if (limit.rlim_max < 128) {
		printf("# the hard limit is too low for this\n");
		return;
	}
	MUST(setrlimit(RLIMIT_NOFILE, &low) == 0);
	fd = fcntl(0, F_DUPFD, 100);
	low.rlim_cur = 64;
	MUST(setrlimit(RLIMIT_NOFILE, &low) == 0);
	CHECK_THAT(fd >= 100 && fcntl(fd, F_GETFD) == 0, "a descriptor may stay above the soft limit");
	close(fd);
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void probe(void)
{
	sigset_t before;
	sigset_t after;
	long word[2] = { 0, -1L };

	sigprocmask(SIG_BLOCK, NULL, &before);
	CHECK_THAT(syscall(SYS_rt_sigprocmask, -1, word, NULL, 8) < 0 && errno == EINVAL, "a readable word is EINVAL");
	CHECK_THAT(syscall(SYS_rt_sigprocmask, -1, (void *)8, NULL, 8) < 0 && errno == EFAULT, "an unreadable one EFAULT");
	sigprocmask(SIG_BLOCK, NULL, &after);
	CHECK_THAT(memcmp(&before, &after, 8) == 0, "and the mask is as it was");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	wiped_page();
	silent_child();
	above_the_limit();
	probe();
	return tap_done();
}
