/* SPDX-License-Identifier: MIT */
/*
 * Bounded text without stdio, for the printers of stack/wire and the trace. Text that does not fit
 * is cut, and the result always ends with a zero.
 */
#ifndef STACK_BASE_TEXT_H
#define STACK_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *at;
	size_t room_bytes; /* with the terminating zero; at least 1 */
};

/* At most TEXT_LENGTH_MAX: every loop is bounded, and gcc makes of one that is not a strlen(). */
#define TEXT_LENGTH_MAX 65535U
size_t text_length(const char *string);
bool text_equal(const char *a, const char *b);

/* bytes is at least 1. */
struct text text_into(char *buffer, size_t bytes);
void text_put(struct text *t, const char *string);
void text_put_number(struct text *t, uint64_t n);
/* Lower-case hexadecimal with at least digits digits. */
void text_put_hex(struct text *t, uint32_t n, unsigned digits);

#endif
