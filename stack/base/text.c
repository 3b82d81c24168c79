/* SPDX-License-Identifier: MIT */
/* Bounded text without stdio; see text.h. */
#include "stack/base/text.h"

size_t text_length(const char *string)
{
	size_t length = 0;

	while (length < TEXT_LENGTH_MAX && string[length])
		length++;
	return length;
}

bool text_equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

struct text text_into(char *buffer, size_t bytes)
{
	buffer[0] = '\0';
	return (struct text){buffer, bytes};
}

static void put_char(struct text *t, char c)
{
	if (t->room_bytes < 2)
		return;
	*t->at++ = c;
	*t->at = '\0';
	t->room_bytes--;
}

void text_put(struct text *t, const char *string)
{
	while (*string)
		put_char(t, *string++);
}

static void put_digits(struct text *t, uint64_t n, unsigned base, unsigned digits)
{
	char reversed[20];
	unsigned count = 0;

	do {
		reversed[count++] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n || count < digits);
	while (count)
		put_char(t, reversed[--count]);
}

void text_put_number(struct text *t, uint64_t n)
{
	put_digits(t, n, 10, 1);
}

void text_put_hex(struct text *t, uint32_t n, unsigned digits)
{
	put_digits(t, n, 16, digits);
}
