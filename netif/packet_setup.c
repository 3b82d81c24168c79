/* SPDX-License-Identifier: MIT */
/*
 * Opens a packet socket and says which frames are ours: those to our own hardware address, and all
 * broadcast and multicast ones, judged by a filter that runs in the kernel (compiled by libpcap).
 * The socket is made for no protocol, so that it hears nothing before the filter is in place; only
 * bind() opens its ears.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <net/if_arp.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "netif/packet.h"

/* Room in the kernel: what can arrive while we are busy, and what may wait to be sent. Without
 * CAP_NET_ADMIN the kernel grants net.core.rmem_max and wmem_max. */
#define PACKET_RECEIVE_BYTES (32 << 20)
#define PACKET_SEND_BYTES (8 << 20)
/* Less than this (as SO_RCVBUF tells it) is not enough for a stream of large frames. */
#define PACKET_RECEIVE_BYTES_MIN (4 << 20)
#define FILTER_SNAP_BYTES 262144
#define FILTER_MAX 64U

static int refuse(char message[NETIF_MESSAGE_BYTES], int error, const char *interface, const char *what)
{
	snprintf(message, NETIF_MESSAGE_BYTES, "interface %s: %s (%s)", interface, what, strerror(-error));
	return error;
}

static int no_socket(char message[NETIF_MESSAGE_BYTES], int error)
{
	const char *what = "the kernel gives no packet socket";

	if (error == -EPERM || error == -EACCES)
		what = "no permission for packet sockets: say `sudo setcap cap_net_raw+ep` and the path of "
		       "teachnetd, or start it as root, or use `teachnet lab`, which needs neither";
	if (error == -EAFNOSUPPORT)
		what = "this kernel has no packet sockets: say `sudo modprobe af_packet`";
	snprintf(message, NETIF_MESSAGE_BYTES, "%s (%s)", what, strerror(-error));
	return error;
}

static int set_option(int fd, int option, int value)
{
	return setsockopt(fd, SOL_PACKET, option, &value, sizeof(value)) ? -errno : 0;
}

/* ---- the filter ---- */

/* Frames that arrived with a VLAN tag belong to another network; the kernel has taken the tag away,
 * so that only this ancillary word tells. */
static const struct bpf_insn without_tag[] = {
    {BPF_LD | BPF_W | BPF_ABS, 0, 0, (bpf_u_int32)(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT)},
    {BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0},
    {BPF_RET | BPF_K, 0, 0, 0},
};

static int compile_filter(const char *text, struct bpf_program *program)
{
	pcap_t *dead = pcap_open_dead(DLT_EN10MB, FILTER_SNAP_BYTES);
	int result;

	if (!dead)
		return -ENOMEM;
	result = pcap_compile(dead, program, text, 1, PCAP_NETMASK_UNKNOWN) ? -EINVAL : 0;
	pcap_close(dead);
	return result;
}

static int attach_filter(const struct packet *p)
{
	struct bpf_insn instruction[FILTER_MAX];
	struct bpf_program ours;
	struct sock_fprog program;
	char text[128] = "", mac[MAC_TEXT_BYTES];
	unsigned prologue = sizeof(without_tag) / sizeof(without_tag[0]);
	int result;

	_Static_assert(sizeof(struct bpf_insn) == sizeof(struct sock_filter), "libpcap's is the kernel's");
	if (!p->promiscuous)
		snprintf(text, sizeof(text), "ether dst %s or ether multicast", mac_print(&p->netif.facts.mac, mac));
	result = compile_filter(text, &ours);
	if (result)
		return result;
	if (prologue + ours.bf_len > FILTER_MAX) {
		pcap_freecode(&ours);
		return -E2BIG;
	}
	memcpy(instruction, without_tag, sizeof(without_tag));
	memcpy(instruction + prologue, ours.bf_insns, ours.bf_len * sizeof(instruction[0]));
	program.len = (unsigned short)(prologue + ours.bf_len);
	program.filter = (struct sock_filter *)instruction;
	pcap_freecode(&ours);
	return setsockopt(p->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ? -errno : 0;
}

/* ---- what the card must let through ---- */

static int join(const struct packet *p, unsigned short type, const struct mac_addr *mac)
{
	struct packet_mreq request = {.mr_ifindex = p->index, .mr_type = type};

	if (mac) {
		request.mr_alen = sizeof(mac->octet);
		memcpy(request.mr_address, mac->octet, sizeof(mac->octet));
	}
	return setsockopt(p->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof(request)) ? -errno : 0;
}

static int join_all(const struct packet *p)
{
	int result;

	if (!p->netif.facts.has_link_header)
		return 0;
	if (p->promiscuous)
		return join(p, PACKET_MR_PROMISC, NULL);
	/* A card that cannot listen to a second address has to listen to everything. */
	result = join(p, PACKET_MR_UNICAST, &p->netif.facts.mac);
	if (result)
		result = join(p, PACKET_MR_PROMISC, NULL);
	return result ? result : join(p, PACKET_MR_ALLMULTI, NULL);
}

int packet_bind(struct packet *p)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET};
	unsigned short protocols[] = {ETH_P_IP, ETH_P_IPV6};

	p->index = (int)if_nametoindex(p->netif.facts.name);
	if (p->index == 0)
		return -ENODEV;
	at.sll_ifindex = p->index;
	for (int i = 0; i < 2; i++) {
		p->to[i] = at;
		p->to[i].sll_protocol = htons(protocols[i]);
	}
	at.sll_protocol = htons(ETH_P_ALL);
	if (bind(p->fd, (struct sockaddr *)&at, sizeof(at)))
		return -errno;
	return join_all(p);
}

/* ---- opening ---- */

static void set_buffer(int fd, int forced, int plain, int bytes)
{
	if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof(bytes)))
		setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof(bytes));
}

static int set_options(struct packet *p, bool no_offload)
{
	int result = set_option(p->fd, PACKET_IGNORE_OUTGOING, 1);

	if (result)
		return result;
	p->vnet = !no_offload && set_option(p->fd, PACKET_VNET_HDR, 1) == 0;
	if (!p->vnet)
		set_option(p->fd, PACKET_AUXDATA, 1);
	set_buffer(p->fd, SO_RCVBUFFORCE, SO_RCVBUF, PACKET_RECEIVE_BYTES);
	set_buffer(p->fd, SO_SNDBUFFORCE, SO_SNDBUF, PACKET_SEND_BYTES);
	return 0;
}

/* Links whose frames begin with the IP header. */
static bool carries_bare_ip(int fd, const char *interface)
{
	struct ifreq request = {0};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (ioctl(fd, SIOCGIFHWADDR, &request))
		return false;
	switch (request.ifr_hwaddr.sa_family) {
	case ARPHRD_NONE:
	case ARPHRD_PPP:
	case ARPHRD_RAWIP:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
		return true;
	}
	return false;
}

static bool buffer_is_small(int fd)
{
	int bytes = 0;
	socklen_t size = sizeof(bytes);

	return getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &size) == 0 && bytes < PACKET_RECEIVE_BYTES_MIN;
}

/* Where received frames go: data behind two octets, so that IP is aligned behind Ethernet. */
static int make_buffers(struct packet *p)
{
	size_t pad = p->netif.facts.has_link_header ? 2 : 0;
	uint8_t *at = mmap(NULL, (size_t)NETIF_BATCH_MAX * PACKET_BUFFER_BYTES, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return -ENOMEM;
	p->buffers = at;
	for (unsigned i = 0; i < NETIF_BATCH_MAX; i++, at += PACKET_BUFFER_BYTES) {
		unsigned used = 0;

		if (p->vnet)
			p->in_vector[i][used++] = (struct iovec){&p->in_header[i], sizeof(p->in_header[i])};
		p->in_vector[i][used++] = (struct iovec){at + pad, PACKET_BUFFER_BYTES - pad};
		p->in[i].msg_hdr.msg_iov = p->in_vector[i];
		p->in[i].msg_hdr.msg_iovlen = used;
	}
	return 0;
}

static int make_ring_or_buffers(struct packet *p, enum packet_receive how)
{
	bool ring = how == PACKET_RECEIVE_RING || (how == PACKET_RECEIVE_AUTO && buffer_is_small(p->fd));

	if (ring && p->vnet && packet_ring_open(p) == 0)
		return 0;
	return make_buffers(p);
}

static int open_on(struct packet *p, const struct link_facts *link, const struct packet_config *config,
    char message[NETIF_MESSAGE_BYTES])
{
	int result;

	if (link->loopback)
		return refuse(message, -EOPNOTSUPP, link->name,
		    "it is the kernel's own loopback; our stack has one of its own");
	if (!link->has_link_header && !carries_bare_ip(p->fd, link->name))
		return refuse(message, -EOPNOTSUPP, link->name, "it is neither Ethernet nor a link of bare IP packets");
	if (!link->up)
		return refuse(message, -ENETDOWN, link->name, "it is down; say `sudo ip link set up dev` and its name");
	result = set_options(p, config->no_offload);
	if (result)
		return refuse(message, result, link->name, "a kernel of version 4.20 or later is needed");
	result = link->has_link_header ? attach_filter(p) : 0;
	if (result)
		return refuse(message, result, link->name, "the kernel refused the packet filter");
	result = make_ring_or_buffers(p, config->receive);
	if (result)
		return refuse(message, result, link->name, "no memory for receive buffers");
	result = packet_bind(p);
	return result ? refuse(message, result, link->name, "the packet socket cannot listen there") : 0;
}

int packet_open(const char *interface, const struct packet_config *config, struct netif **out,
    char message[NETIF_MESSAGE_BYTES])
{
	struct link_facts link;
	struct packet *p;
	int result = link_read(interface, &link, message);

	if (result)
		return result;
	p = calloc(1, sizeof(*p));
	if (!p)
		return refuse(message, -ENOMEM, interface, "no memory");
	p->netif = (struct netif){.ops = &packet_ops,
	    .facts = {.mac = config->mac ? *config->mac : link_stable_mac(&link, "default"),
	        .mtu_bytes = link.mtu_bytes,
	        .has_link_header = link.has_link_header,
	        .gso_tcp = true,
	        .gso_udp = true,
	        .checksum_offload = true}};
	snprintf(p->netif.facts.name, sizeof(p->netif.facts.name), "%s", link.name);
	p->promiscuous = config->promiscuous;
	p->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	result = p->fd < 0 ? no_socket(message, -errno) : open_on(p, &link, config, message);
	if (result) {
		netif_close(&p->netif);
		return result;
	}
	*out = &p->netif;
	return 0;
}

int netif_packet_open(const char *interface, const struct mac_addr *mac, struct netif **out,
    char message[NETIF_MESSAGE_BYTES])
{
	struct packet_config config = {.mac = mac};

	return packet_open(interface, &config, out, message);
}
