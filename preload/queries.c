/* SPDX-License-Identifier: MIT */
/*
 * res_query(3) and its family: raw questions and answers. The C library asks them from inside, where
 * nobody can stand in between, so they are asked by the resolver module, over our own stack. Of the
 * state of the res_n* calls nothing is used: resolv.conf in force is teachnetd's. The names with two
 * underscores are those of programs that were linked before glibc 2.34.
 */
#include <stdio.h>

#include "preload/names.h"
#include "preload/real.h"

#define NAME_MAX_BYTES 1026

static int no_module(void)
{
	h_errno = NO_RECOVERY;
	return -1;
}

static int ask(const char *name, int class, int type, int search, unsigned char *answer, int room)
{
	bool kernel;
	const struct resolver_module *m = names_module(&kernel);

	if (kernel)
		return search ? real.res_search(name, class, type, answer, room) :
		    real.res_query(name, class, type, answer, room);
	return m != NULL ? m->query(name, class, type, search, answer, room) : no_module();
}

int call_res_query(const char *name, int class, int type, unsigned char *answer, int room)
{
	return ask(name, class, type, 0, answer, room);
}

int call_res_search(const char *name, int class, int type, unsigned char *answer, int room)
{
	return ask(name, class, type, 1, answer, room);
}

/* The name in that domain; no domain: the name as it is, without a dot at its end. */
int call_res_querydomain(const char *name, const char *domain, int class, int type, unsigned char *answer, int room)
{
	char whole[NAME_MAX_BYTES];
	int bytes = domain != NULL ? snprintf(whole, sizeof(whole), "%s.%s", name, domain) :
	    snprintf(whole, sizeof(whole), "%s", name);

	if (bytes >= (int)sizeof(whole))
		return no_module();
	return ask(whole, class, type, 0, answer, room);
}

int call_res_send(const unsigned char *question, int bytes, unsigned char *answer, int room)
{
	bool kernel;
	const struct resolver_module *m = names_module(&kernel);

	if (kernel)
		return real.res_send(question, bytes, answer, room);
	return m != NULL ? m->send(question, bytes, answer, room) : no_module();
}

/* ---- with a state, and by their old names ---- */

int call___res_query(const char *name, int class, int type, unsigned char *answer, int room)
{
	return call_res_query(name, class, type, answer, room);
}

int call_res_nquery(void *state, const char *name, int class, int type, unsigned char *answer, int room)
{
	(void)state;
	return call_res_query(name, class, type, answer, room);
}

int call___res_nquery(void *state, const char *name, int class, int type, unsigned char *answer, int room)
{
	(void)state;
	return call_res_query(name, class, type, answer, room);
}

int call___res_search(const char *name, int class, int type, unsigned char *answer, int room)
{
	return call_res_search(name, class, type, answer, room);
}

int call_res_nsearch(void *state, const char *name, int class, int type, unsigned char *answer, int room)
{
	(void)state;
	return call_res_search(name, class, type, answer, room);
}

int call___res_nsearch(void *state, const char *name, int class, int type, unsigned char *answer, int room)
{
	(void)state;
	return call_res_search(name, class, type, answer, room);
}

int call___res_querydomain(const char *name, const char *domain, int class, int type, unsigned char *answer, int room)
{
	return call_res_querydomain(name, domain, class, type, answer, room);
}

int call_res_nquerydomain(void *state, const char *name, const char *domain, int class, int type,
    unsigned char *answer, int room)
{
	(void)state;
	return call_res_querydomain(name, domain, class, type, answer, room);
}

int call___res_nquerydomain(void *state, const char *name, const char *domain, int class, int type,
    unsigned char *answer, int room)
{
	(void)state;
	return call_res_querydomain(name, domain, class, type, answer, room);
}

int call___res_send(const unsigned char *question, int bytes, unsigned char *answer, int room)
{
	return call_res_send(question, bytes, answer, room);
}

int call_res_nsend(void *state, const unsigned char *question, int bytes, unsigned char *answer, int room)
{
	(void)state;
	return call_res_send(question, bytes, answer, room);
}

int call___res_nsend(void *state, const unsigned char *question, int bytes, unsigned char *answer, int room)
{
	(void)state;
	return call_res_send(question, bytes, answer, room);
}
