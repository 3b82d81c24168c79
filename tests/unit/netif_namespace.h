/* SPDX-License-Identifier: MIT */
/*
 * A network of the test's own: the process moves into a fresh network namespace (and, when it is
 * not root, into a user namespace that allows it), where it may make interfaces at will. It vanishes
 * with the process.
 */
#ifndef TESTS_UNIT_NETIF_NAMESPACE_H
#define TESTS_UNIT_NETIF_NAMESPACE_H

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* 0 or -errno. */
static inline int test_private_network(void)
{
	unsigned user = (unsigned)getuid();
	FILE *f;

	if (unshare(CLONE_NEWNET) == 0)
		return 0;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return -errno;
	/* As the namespace's root: a program that the test starts may then do there what the test may. */
	f = fopen("/proc/self/uid_map", "w");
	if (!f)
		return -errno;
	fprintf(f, "0 %u 1\n", user);
	return fclose(f) ? -errno : 0;
}

/* Interfaces that are made from now on speak no IPv6 of their own: no noise on the wire. */
static inline void test_no_ipv6_noise(void)
{
	FILE *f = fopen("/proc/sys/net/ipv6/conf/default/disable_ipv6", "w");

	if (!f)
		return;
	fputs("1\n", f);
	fclose(f);
}

#endif
