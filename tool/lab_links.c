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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netif/link_setup.h"
#include "tool/command.h"
#include "tool/lab.h"

enum { DEFAULT_MTU_BYTES = 1500 };

void lab_enter(int ns_fd)
{
	if (setns(ns_fd, CLONE_NEWNET) < 0)
		_exit(complain("cannot change the network namespace: %m"));
}

/* A container may have made /proc/sys unwritable: nothing that is set here is vital. */
static void set_kernel(const char *name, const char *value)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, value, strlen(value)) < 0)
		fprintf(stderr, "%s: cannot write %s: %m\n", command_name, path);
	close(fd);
}

/* No chatter of kernels on the wire: IPv6 stays off where it is not wanted (its loopback does no harm),
 * and where it is, nobody is asked for routers, and addresses are ready at once. */
static void quiet_ipv6(void)
{
	set_kernel("ipv6/conf/default/disable_ipv6", "1");
	set_kernel("ipv6/conf/default/accept_ra", "0");
	set_kernel("ipv6/conf/default/accept_dad", "0");
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

/* Prints the sentence for a step that failed. */
static int made(int result, const char *step)
{
	return result ? complain("cannot %s: %s", step, strerror(-result)) : 0;
}

static int make_pair(const char *name_a, int ns_a, const char *name_b, int ns_b)
{
	return made(link_setup_veth(name_a, ns_a, name_b, ns_b), "make a veth pair (is the kernel's veth module there?)");
}

static int bring_up(const char *name, int mtu_bytes)
{
	return made(link_setup_mtu(name, (uint32_t)mtu_bytes), "set the MTU") ||
	    made(link_setup_up(name), "bring an interface up");
}

static struct ip_addr address6(uint8_t last_octet)
{
	return (struct ip_addr){{0x20, 0x01, 0x0d, 0xb8, [15] = last_octet}};
}

/* The addresses end in the same number in both families. A kernel may have been built without IPv6. */
static int give_addresses(uint32_t address)
{
	struct prefix p = {.addr = ip_from_v4(address), .bits = LAB_PREFIX_BITS};
	struct prefix p6 = {.addr = address6((uint8_t)address), .bits = LAB_PREFIX6_BITS};

	return made(link_setup_address(LAB_INTERFACE, &p), "set an address") ||
	    (access("/proc/sys/net/ipv6", F_OK) == 0 &&
		made(link_setup_address(LAB_INTERFACE, &p6), "set an IPv6 address"));
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

/* In a namespace of its own: host and peer see their own ends only. */
static int make_wire(struct lab *lab, int mtu_bytes)
{
	int wire_ns_fd, result;

	if (!*lab->places.wire)
		return complain("teachnet-wire is neither in %s nor in %s: build it (make) or install it (make install)",
		    lab->places.folder, TEACHNET_PKGLIBEXECDIR);
	wire_ns_fd = new_network();
	if (wire_ns_fd < 0)
		return STATUS_ERROR;
	result = make_pair("left", wire_ns_fd, LAB_INTERFACE, lab->host_ns_fd) ||
	    make_pair("right", wire_ns_fd, LAB_INTERFACE, lab->peer_ns_fd) || bring_up("left", mtu_bytes) ||
	    bring_up("right", mtu_bytes) || start_wire(lab);
	close(wire_ns_fd);
	return result;
}

static int set_up_host(const struct lab *lab, int mtu_bytes)
{
	const struct ip_addr gateway = ip_from_v4(LAB_PEER_NUMBER), gateway6 = address6((uint8_t)LAB_PEER_NUMBER);
	int result;

	lab_enter(lab->host_ns_fd);
	if (lab->kernel_stack)
		set_kernel("ipv6/conf/" LAB_INTERFACE "/disable_ipv6", "0");
	result = made(link_setup_up("lo"), "bring lo up") || bring_up(LAB_INTERFACE, mtu_bytes);
	if (!result && lab->kernel_stack)
		result = give_addresses(LAB_HOST_NUMBER) ||
		    made(link_setup_route_default(LAB_INTERFACE, &gateway), "set the default route") ||
		    (access("/proc/sys/net/ipv6", F_OK) == 0 &&
			made(link_setup_route_default(LAB_INTERFACE, &gateway6), "set the IPv6 default route"));
	return result;
}

static int set_up_peer(const struct lab *lab, int mtu_bytes)
{
	int result;

	lab_enter(lab->peer_ns_fd);
	set_kernel("ipv6/conf/" LAB_INTERFACE "/disable_ipv6", "0");
	result = made(link_setup_up("lo"), "bring lo up") || bring_up(LAB_INTERFACE, mtu_bytes) ||
	    give_addresses(LAB_PEER_NUMBER);
	/* It is our gateway; as it knows no way to the world it says so (ICMP), and nobody has to wait. */
	set_kernel("ipv4/ip_forward", "1");
	set_kernel("ipv6/conf/all/forwarding", "1");
	lab_enter(lab->host_ns_fd);
	return result;
}

int lab_links_make(struct lab *lab)
{
	int mtu_bytes = lab->mtu_bytes ? lab->mtu_bytes : DEFAULT_MTU_BYTES, result;
	char pin[PLACE_BYTES + 16];

	quiet_ipv6();
	lab->host_ns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	lab->peer_ns_fd = new_network();
	if (lab->host_ns_fd < 0 || lab->peer_ns_fd < 0 || lab_file_write(lab, "peer.net", 0444, "%s", ""))
		return STATUS_ERROR;
	/* For teachnet peer. The mount keeps the namespace until the lab's mount namespace ends. */
	snprintf(pin, sizeof(pin), "%s/peer.net", lab->folder);
	if (mount("/proc/self/ns/net", pin, NULL, MS_BIND, NULL) < 0)
		return complain("cannot mount on %s: %m", pin);
	if (wants_wire(lab))
		result = make_wire(lab, mtu_bytes);
	else
		result = make_pair(LAB_INTERFACE, lab->host_ns_fd, LAB_INTERFACE, lab->peer_ns_fd);
	return result || set_up_host(lab, mtu_bytes) || set_up_peer(lab, mtu_bytes);
}
