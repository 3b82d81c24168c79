/* SPDX-License-Identifier: MIT */
/*
 * Owns the pointers to the functions that we stand in front of. Never calls one of ours.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "preload/real.h"

/* A C library without a function that its programs nevertheless call: cannot be, so say it loudly. */
static _Noreturn void real_missing(const char *name)
{
	static const char sentence[] = "teachnet: the C library has no function ";

	(void)!real.write(STDERR_FILENO, sentence, sizeof(sentence) - 1);
	(void)!real.write(STDERR_FILENO, name, strlen(name));
	(void)!real.write(STDERR_FILENO, "\n", 1);
	abort();
}

#define CALL(type, name, parameters, arguments)                                                    \
	static type missing_##name parameters                                                      \
	{                                                                                          \
		real_missing(#name);                                                               \
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include "preload/libc_calls.def"
#pragma GCC diagnostic pop
#undef CALL

static void *real_lookup(const char *name, void *missing)
{
	int saved = errno;
	void *found = dlsym(RTLD_NEXT, name);

	errno = saved;
	return found != NULL ? found : missing;
}

/* A plain store: every thread that races here writes the same value. */
#define CALL(type, name, parameters, arguments)                                                    \
	static void bind_##name(void)                                                              \
	{                                                                                          \
		void *found = real_lookup(#name, (void *)missing_##name);                          \
		__atomic_store_n((void **)&real.name, found, __ATOMIC_RELEASE);                    \
	}                                                                                          \
	static type first_##name parameters                                                        \
	{                                                                                          \
		bind_##name();                                                                     \
		return real.name arguments;                                                        \
	}
#include "preload/libc_calls.def"
#undef CALL

struct real real = {
#define CALL(type, name, parameters, arguments) .name = first_##name,
#include "preload/libc_calls.def"
#undef CALL
};

void real_bind_all(void)
{
#define CALL(type, name, parameters, arguments) bind_##name();
#include "preload/libc_calls.def"
#undef CALL
}
