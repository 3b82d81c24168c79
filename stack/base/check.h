/* SPDX-License-Identifier: MIT */
/*
 * CHECK: a condition that only a bug of ours can break. It stays on in release builds, because a
 * stack that goes on with a broken invariant sends wrong bytes. Input from the wire, from a program
 * or from the configuration is never checked with it: that gets a counter, a verdict or an errno.
 *
 * The engine links to nothing, so a failed check is a trap; the debugger and the core file show
 * where. (STYLE.md: "Asserts are for our own bugs, never for input, and stay on in release.")
 */
#ifndef STACK_BASE_CHECK_H
#define STACK_BASE_CHECK_H

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (__builtin_expect(!(condition), 0))                                             \
			__builtin_trap();                                                          \
	} while (0)

#endif
