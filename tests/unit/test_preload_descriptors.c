/* SPDX-License-Identifier: MIT */
/* The descriptor table is a cache: it learns what a descriptor is, and what it forgets or has wrong
 * does no harm. */
#include "tests/unit/cmocka_tap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "preload/descriptors.h"
#include "preload/real.h"
#include "preload/sandbox.h"

bool sandbox_entered;

/* A pair whose far end is named as teachnetd names it. */
static void make_pair(int type, char kind, unsigned id, int fd[2])
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int bytes;

	assert_int_equal(socketpair(AF_UNIX, type, 0, fd), 0);
	bytes = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "teachnet/%016x/%c/%016x", (unsigned)getpid(), kind, id);
	assert_int_equal(bind(fd[1], (struct sockaddr *)&name,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)bytes)), 0);
}

static void close_pair(int fd[2])
{
	descriptor_forget(fd[0]);
	close(fd[0]);
	close(fd[1]);
}

static void a_name_says_what_it_is(void **state)
{
	struct descriptor d;
	int fd[2];

	(void)state;
	make_pair(SOCK_STREAM, 's', 0xabc, fd);
	assert_true(descriptor_find(fd[0], &d));
	assert_int_equal(descriptor_kind(&d), DESCRIPTOR_STREAM);
	assert_int_equal(d.socket_id, 0xabc);
	assert_false(descriptor_find(fd[1], &d)); /* its far end, the program's, has no name */
	close_pair(fd);
	make_pair(SOCK_SEQPACKET, 'd', 7, fd);
	assert_true(descriptor_find(fd[0], &d));
	assert_int_equal(descriptor_kind(&d), DESCRIPTOR_DATAGRAM);
	close_pair(fd);
}

static void other_descriptors_are_foreign(void **state)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct descriptor d;
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	errno = 42;
	assert_false(descriptor_find(fd[0], &d));
	assert_false(descriptor_find(fd[0], &d));
	assert_false(descriptor_find(-1, &d));
	assert_false(descriptor_find(1 << 21, &d));
	assert_int_equal(errno, 42);
	close_pair(fd);
	descriptor_forget(fd[0]);
	/* A name that only begins like ours. */
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	memcpy(name.sun_path, "\0teachnet/short", 15);
	assert_int_equal(bind(fd[1], (struct sockaddr *)&name, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 15)), 0);
	assert_false(descriptor_find(fd[0], &d));
	close_pair(fd);
}

static void a_number_that_is_another_now_is_noticed(void **state)
{
	struct descriptor d;
	int fd[2];
	int ends[2];

	(void)state;
	make_pair(SOCK_STREAM, 's', 1, fd);
	assert_true(descriptor_find(fd[0], &d));
	assert_true(descriptor_verify(&d));
	/* Behind the table's back the number becomes a pipe. */
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(dup2(ends[0], fd[0]), fd[0]);
	assert_true(descriptor_find(fd[0], &d));
	assert_false(descriptor_verify(&d));
	assert_false(descriptor_find(fd[0], &d));
	close(ends[0]);
	close(ends[1]);
	close_pair(fd);
}

static void marks_stay_with_their_descriptor(void **state)
{
	struct descriptor d;
	struct descriptor old;
	int fd[2];

	(void)state;
	make_pair(SOCK_STREAM, 's', 2, fd);
	descriptor_set(fd[0], DESCRIPTOR_STREAM | DESCRIPTOR_FRESH, 2, &d);
	assert_true(descriptor_is(&d, DESCRIPTOR_FRESH));
	descriptor_mark(&d, DESCRIPTOR_CONNECTED, DESCRIPTOR_FRESH);
	old = d;
	assert_true(descriptor_find(fd[0], &d));
	assert_true(descriptor_is(&d, DESCRIPTOR_CONNECTED));
	assert_false(descriptor_is(&d, DESCRIPTOR_FRESH));
	/* The number is forgotten and known anew: what belonged to its earlier life changes nothing. */
	descriptor_forget(fd[0]);
	assert_true(descriptor_find(fd[0], &d));
	assert_false(descriptor_is(&d, DESCRIPTOR_CONNECTED));
	descriptor_mark(&old, DESCRIPTOR_LISTENING, 0);
	assert_true(descriptor_find(fd[0], &d));
	assert_false(descriptor_is(&d, DESCRIPTOR_LISTENING));
	descriptor_set_last_destination(&d, 99);
	assert_int_equal(descriptor_last_destination(&d), 99);
	descriptor_set(fd[0], DESCRIPTOR_STREAM, 2, &d);
	assert_int_equal(descriptor_last_destination(&d), 0);
	close_pair(fd);
}

static void ours_alone_is_hidden(void **state)
{
	struct descriptor d;
	int fd[2];

	(void)state;
	make_pair(SOCK_SEQPACKET, 'c', 3, fd);
	descriptor_set(fd[0], DESCRIPTOR_INTERNAL, 0, NULL);
	assert_true(descriptor_internal(fd[0]));
	assert_false(descriptor_find(fd[0], &d));
	assert_int_equal(descriptor_next_internal(0, ~0U), fd[0]);
	assert_int_equal(descriptor_next_internal((unsigned)fd[0] + 1, ~0U), -1);
	descriptor_forget_range(0, ~0U);
	assert_true(descriptor_internal(fd[0]));
	close_pair(fd);
	assert_false(descriptor_internal(fd[0]));
}

static void a_vfork_child_writes_nothing(void **state)
{
	struct descriptor d;
	int fd[2];
	pid_t child;
	int status;

	(void)state;
	make_pair(SOCK_STREAM, 's', 4, fd);
	assert_false(descriptor_cached(fd[0], &d));
	child = vfork();
	if (child == 0) {
		bool found = descriptor_find(fd[0], &d);

		_exit(found ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_false(descriptor_cached(fd[0], &d));
	assert_true(descriptor_find(fd[0], &d));
	assert_true(descriptor_cached(fd[0], &d));
	close_pair(fd);
}

static void in_a_sandbox_nothing_is_asked(void **state)
{
	struct descriptor d;
	int known[2];
	int unknown[2];

	(void)state;
	make_pair(SOCK_STREAM, 's', 5, known);
	make_pair(SOCK_STREAM, 's', 6, unknown);
	assert_true(descriptor_find(known[0], &d));
	sandbox_entered = true;
	assert_true(descriptor_find(known[0], &d));
	assert_false(descriptor_find(unknown[0], &d));
	sandbox_entered = false;
	assert_true(descriptor_find(unknown[0], &d));
	close_pair(known);
	close_pair(unknown);
}

/* One thread makes the number a socket and a pipe in turn, the other looks: whatever it is told
 * fits one of the two. */
static int race_number;
static int race_sources[2];
static volatile bool race_over;
static volatile unsigned race_turns;

static void *change(void *unused)
{
	(void)unused;
	for (unsigned i = 0; !race_over || (i & 1) == 1; i++) {
		race_turns = i;
		descriptor_forget(race_number);
		dup2(race_sources[i & 1], race_number);
		if ((i & 1) == 0)
			descriptor_set(race_number, DESCRIPTOR_STREAM, 8, NULL);
		else
			descriptor_forget(race_number);
	}
	return NULL;
}

static void threads_do_not_mix_rows(void **state)
{
	struct descriptor d;
	pthread_t thread;
	int fd[2];
	int ends[2];
	unsigned seen = 0;

	(void)state;
	make_pair(SOCK_STREAM, 's', 8, fd);
	assert_int_equal(pipe(ends), 0);
	race_sources[0] = fd[0];
	race_sources[1] = ends[0];
	race_number = fcntl(fd[0], F_DUPFD, 300);
	assert_int_equal(pthread_create(&thread, NULL, change, NULL), 0);
	while (race_turns < 5000 || seen == 0) {
		if (!descriptor_find(race_number, &d))
			continue;
		assert_int_equal(d.socket_id, 8);
		seen++;
	}
	race_over = true;
	pthread_join(thread, NULL);
	/* The last turn made it a pipe: after all that, the table must not call it a socket. */
	assert_false(descriptor_find(race_number, &d));
	close(race_number);
	close(ends[0]);
	close(ends[1]);
	close_pair(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_says_what_it_is),
		cmocka_unit_test(other_descriptors_are_foreign),
		cmocka_unit_test(a_number_that_is_another_now_is_noticed),
		cmocka_unit_test(marks_stay_with_their_descriptor),
		cmocka_unit_test(ours_alone_is_hidden),
		cmocka_unit_test(a_vfork_child_writes_nothing),
		cmocka_unit_test(in_a_sandbox_nothing_is_asked),
		cmocka_unit_test(threads_do_not_mix_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
