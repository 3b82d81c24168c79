/* SPDX-License-Identifier: MIT */
/*
 * The lab: a private network of two hosts, made of namespaces that have no name, so that they
 * vanish with the last process in them. README.md draws it. The parts, in the order in which they
 * act:
 *
 *	lab.c           options; the launcher, which waits outside
 *	lab_content.c   the files that the web server offers, made once
 *	lab_init.c      process 1 of the lab: puts everything in place, runs CMD, ends everything
 *	lab_links.c     interfaces, addresses and the wire
 *	lab_files.c     what programs read: service configuration, certificates, resolv.conf, hosts
 *	lab_services.c  the second host's services: start, readiness, end
 *	peerd.c         echo, discard and chargen
 */
#ifndef TOOL_LAB_H
#define TOOL_LAB_H

#include <stdbool.h>
#include <sys/types.h>

#include "tool/places.h"

/* RFC 5737's first documentation network: it cannot be anyone's real one. */
#define LAB_NETWORK "192.0.2"
#define LAB_PEER_ADDRESS LAB_NETWORK ".1"
#define LAB_HOST_ADDRESS LAB_NETWORK ".2"
#define LAB_PEER_NUMBER 0xc0000201U
#define LAB_HOST_NUMBER 0xc0000202U
#define LAB_PREFIX_BITS 24
/* RFC 3849's prefix, of which the same holds. */
#define LAB_NETWORK6 "2001:db8:"
#define LAB_PEER_ADDRESS6 LAB_NETWORK6 ":1"
#define LAB_HOST_ADDRESS6 LAB_NETWORK6 ":2"
#define LAB_PREFIX6_BITS 64
#define LAB_INTERFACE "eth0" /* on both hosts */

/* Where our lab's folder is told to the processes in it. */
#define LAB_VARIABLE "TEACHNET_LAB"

struct lab {
	/* What was asked for; NULL or 0: not. */
	char *loss, *delay, *rate, *reorder, *duplicate, *seed, *pcap, *stack, *keep, *log;
	int mtu_bytes;
	int dhcp;   /* our stack gets its addresses from the second host */
	int family; /* 0: the hosts' names have addresses of both */
	const char **command; /* NULL: a shell */

	struct places places;
	char cache[PLACE_BYTES];  /* outlives the lab: what the web server offers */
	char folder[PLACE_BYTES]; /* the lab's own files; a file system of its own, gone with the lab */
	bool kernel_stack;        /* --stack=kernel */
	bool change_user;         /* we are the machine's root: services become nobody */
	int alive_fd;             /* hangs up when the launcher is gone */
	int host_ns_fd, peer_ns_fd;
	pid_t wire_pid;           /* 0: the two hosts share one veth pair */
};

/* lab_init.c: what process 1 does; never returns. */
__attribute__((noreturn)) void lab_init(struct lab *lab);

/* lab_content.c: 0 or STATUS_ERROR after a sentence. */
int lab_content_make(const char *cache);

/* Where the names are asked for. */
static inline const char *lab_name_server(const struct lab *lab)
{
	return lab->family == 6 ? LAB_PEER_ADDRESS6 : LAB_PEER_ADDRESS;
}

/* lab_links.c: makes interfaces and the second host's namespace (pinned to folder/peer.net), and
 * starts the wire. 0 or STATUS_ERROR after a sentence. */
int lab_links_make(struct lab *lab);
/* Moves the calling process to the second host or back. */
void lab_enter(int ns_fd);

/* lab_files.c: all 0 or STATUS_ERROR after a sentence. */
__attribute__((format(printf, 4, 5))) int lab_file_write(
    const struct lab *lab, const char *name, mode_t mode, const char *format, ...);
int lab_files_make(const struct lab *lab);
/* Puts our resolv.conf, hosts, nsswitch.conf and certificates in place of the system's, in this
 * lab's mount namespace only. */
int lab_files_mount(const struct lab *lab);

/* lab_services.c */
int lab_services_check(void);            /* are the programs installed? */
int lab_services_start(struct lab *lab); /* returns when all answer */
void lab_services_stop(struct lab *lab);
/* To be told of each child that has ended: true when it was a service. */
bool lab_services_ended(pid_t pid, int status);

/* Forks; the child has its own session, default signals, no input, and output in folder/NAME.log. */
pid_t lab_spawn(const struct lab *lab, const char *name);

/* peerd.c: serves on all addresses of the namespace until it is killed. 0: ports are bound and
 * the caller may call peerd_run(). */
int peerd_open(void);
__attribute__((noreturn)) void peerd_run(void);

#endif
