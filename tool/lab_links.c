/* SPDX-License-Identifier: MIT */
/*
 * The lab's network. One veth pair joins the two hosts when nothing is to happen on the wire: then
 * it is as fast as the kernel can copy. Otherwise each host has a pair to a third namespace, where
 * teachnet-wire carries frames from one to the other, and spoils some:
 *
 *	host.lab eth0 ===================================== eth0 peer.lab
 *	host.lab eth0 ===== left  [teachnet-wire]  right ===== eth0 peer.lab
 *
 * The kernel has no address on our host's eth0, unless --stack=kernel: our stack alone answers there.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tool/command.h"
#include "tool/lab.h"

enum { DEFAULT_MTU_BYTES = 1500 };

void lab_enter(int ns_fd)
{
	if (setns(ns_fd, CLONE_NEWNET) < 0)
		_exit(complain("cannot change the network namespace: %m"));
}

/* IPv6 stays off until the lab has addresses of that family to give. A container may have made
 * /proc/sys unwritable; then the kernel's IPv6 chatter is seen on the wire, and harms nothing. */
static void quiet_ipv6(void)
{
	static const char *const files[] = {"/proc/sys/net/ipv6/conf/all/disable_ipv6",
		"/proc/sys/net/ipv6/conf/default/disable_ipv6"};

	for (unsigned i = 0; i < 2; i++) {
		int fd = open(files[i], O_WRONLY | O_CLOEXEC);

		if (fd < 0)
			continue;
		if (write(fd, "1", 1) < 0)
			fprintf(stderr, "%s: cannot write %s: %m\n", command_name, files[i]);
		close(fd);
	}
}

/* A new network namespace, which becomes ours; returns its descriptor. */
static int new_network(void)
{
	int fd = -1;

	if (unshare(CLONE_NEWNET) == 0)
		fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		complain("cannot make a network namespace: %m");
	else
		quiet_ipv6();
	return fd;
}

static int ip(const char *format, ...)
{
	char command[512];
	va_list list;

	va_start(list, format);
	vsnprintf(command, sizeof(command), format, list);
	va_end(list);
	return system(command) == 0 ? 0 : STATUS_ERROR;
}

/* teachnet lab's options are teachnet-wire's. */
static void become_wire(const struct lab *lab, int ready_fd)
{
	const struct {
		const char *option, *value;
	} passed[] = {{"--loss", lab->loss}, {"--delay", lab->delay}, {"--rate", lab->rate},
		{"--reorder", lab->reorder}, {"--duplicate", lab->duplicate}, {"--seed", lab->seed},
		{"--pcap", lab->pcap}};
	const char *words[20];
	unsigned count = 0;

	words[count++] = lab->places.wire;
	for (unsigned i = 0; i < sizeof(passed) / sizeof(passed[0]); i++) {
		if (!passed[i].value)
			continue;
		words[count++] = passed[i].option;
		words[count++] = passed[i].value;
	}
	words[count++] = "left";
	words[count++] = "right";
	words[count] = NULL;
	dup2(ready_fd, STDOUT_FILENO);
	execv(words[0], (char *const *)words);
	complain("cannot run %s: %m", words[0]);
	_exit(1);
}

/* Starts the wire in the current namespace and waits until it says that it is ready; what it says
 * otherwise is its complaint about an option's value. */
static int start_wire(struct lab *lab)
{
	char said[256];
	FILE *in;
	int ready[2], errors = dup(STDERR_FILENO), result = STATUS_ERROR;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return complain("cannot make a pipe: %m");
	lab->wire_pid = lab_spawn(lab, "wire");
	if (lab->wire_pid == 0) {
		dup2(errors, STDERR_FILENO);
		become_wire(lab, ready[1]);
	}
	close(errors);
	close(ready[1]);
	in = fdopen(ready[0], "r");
	if (fgets(said, sizeof(said), in) && !strcmp(said, "ready\n"))
		result = 0;
	fclose(in);
	return result;
}

static bool wants_wire(const struct lab *lab)
{
	return lab->loss || lab->delay || lab->rate || lab->reorder || lab->duplicate || lab->seed || lab->pcap;
}

static int make_wire(struct lab *lab, const char *peer_net, int mtu_bytes)
{
	char host_net[64];

	snprintf(host_net, sizeof(host_net), "/proc/%d/fd/%d", (int)getpid(), lab->host_ns_fd);
	if (new_network() < 0)
		return STATUS_ERROR;
	if (ip("ip link add left mtu %d type veth peer name " LAB_INTERFACE " mtu %d netns %s", mtu_bytes, mtu_bytes, host_net) ||
	    ip("ip link add right mtu %d type veth peer name " LAB_INTERFACE " mtu %d netns %s", mtu_bytes, mtu_bytes, peer_net) ||
	    ip("ip link set left up; ip link set right up"))
		return STATUS_ERROR;
	return start_wire(lab);
}

int lab_links_make(struct lab *lab)
{
	int mtu_bytes = lab->mtu_bytes ? lab->mtu_bytes : DEFAULT_MTU_BYTES;
	char peer_net[PLACE_BYTES + 16];

	snprintf(peer_net, sizeof(peer_net), "%s/peer.net", lab->folder);
	quiet_ipv6();
	lab->host_ns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	lab->peer_ns_fd = new_network();
	if (lab->host_ns_fd < 0 || lab->peer_ns_fd < 0 || lab_file_write(lab, "peer.net", 0444, "%s", ""))
		return STATUS_ERROR;
	/* For teachnet peer. The mount keeps the namespace until the lab's mount namespace ends. */
	if (mount("/proc/self/ns/net", peer_net, NULL, MS_BIND, NULL) < 0)
		return complain("cannot mount on %s: %m", peer_net);
	if (wants_wire(lab) && make_wire(lab, peer_net, mtu_bytes))
		return STATUS_ERROR;
	lab_enter(lab->host_ns_fd);
	if (!lab->wire_pid && ip("ip link add " LAB_INTERFACE " mtu %d type veth peer name " LAB_INTERFACE " mtu %d netns %s",
				  mtu_bytes, mtu_bytes, peer_net))
		return STATUS_ERROR;
	if (ip("ip link set lo up; ip link set " LAB_INTERFACE " up"))
		return STATUS_ERROR;
	if (lab->kernel_stack && ip("ip addr add " LAB_HOST_ADDRESS "/%d dev " LAB_INTERFACE
				    "; ip route add default via " LAB_PEER_ADDRESS, LAB_PREFIX_BITS))
		return STATUS_ERROR;
	lab_enter(lab->peer_ns_fd);
	if (ip("ip link set lo up; ip link set " LAB_INTERFACE " up; ip addr add " LAB_PEER_ADDRESS "/%d dev " LAB_INTERFACE,
		LAB_PREFIX_BITS))
		return STATUS_ERROR;
	lab_enter(lab->host_ns_fd);
	return 0;
}
