/* SPDX-License-Identifier: MIT */
/*
 * What happens before main, and in the child after fork: next to nothing. No descriptor, no
 * process, no thread, no allocation; a program that never uses the network never pays for it.
 */
#include <pthread.h>

#include "preload/descriptors.h"
#include "preload/real.h"
#include "preload/settings.h"

static void __attribute__((constructor)) init(void)
{
	real_bind_all();
	settings_from_environment();
	pthread_atfork(NULL, NULL, descriptor_after_fork);
}
