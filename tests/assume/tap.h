/* SPDX-License-Identifier: MIT */
/*
 * TAP for small programs: CHECK_THAT(condition, "what holds", ...). The plan is printed at the end.
 */
#ifndef TESTS_ASSUME_TAP_H
#define TESTS_ASSUME_TAP_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count;
static int tap_failed;

static inline bool tap_check(bool good, const char *file, int line, const char *condition, const char *what)
{
	tap_count++;
	printf("%sok %d - %s\n", good ? "" : "not ", tap_count, what);
	if (!good) {
		tap_failed++;
		printf("# %s:%d: %s (errno: %s)\n", file, line, condition, strerror(errno));
	}
	return good;
}
#define CHECK_THAT(condition, what) tap_check((condition), __FILE__, __LINE__, #condition, (what))

/* What must work before anything can be tested. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			printf("Bail out! %s:%d: %s: %s\n", __FILE__, __LINE__, #condition,        \
			    strerror(errno));                                                      \
			exit(99);                                                                  \
		}                                                                                  \
	} while (0)

static inline int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed == 0 ? 0 : 1;
}

#endif
