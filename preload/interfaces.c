/* SPDX-License-Identifier: MIT */
/*
 * The interfaces of the stack, as getifaddrs(3), if_nametoindex(3) and the SIOCGIF* requests tell
 * them: they are teachnetd's, not the kernel's. With no stack to ask, there are none.
 */
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "preload/real.h"
#include "preload/settings.h"
#include "preload/sockets.h"
#include "preload/user.h"

#define INTERFACES_MAX 64U

/* How many rows of the table were filled: an interface has one for each address. */
static int64_t list_interfaces(struct control_interface table[INTERFACES_MAX])
{
	struct exchange x = {
		.request.operation = CONTROL_INTERFACES,
		.room = table,
		.room_bytes = INTERFACES_MAX * sizeof(table[0]),
		.start = true,
	};
	int64_t result = channel_exchange(&x);

	return result < 0 ? result : (int64_t)(x.received_bytes / sizeof(table[0]));
}

static sa_family_t family_of(const struct control_interface *i)
{
	sa_family_t family;

	memcpy(&family, i->address.sockaddr, sizeof(family));
	return i->has_address && i->address.bytes >= sizeof(family) ? family : AF_UNSPEC;
}

static void make_mask(const struct control_interface *i, struct sockaddr_storage *mask)
{
	unsigned char *bytes;

	memset(mask, 0, sizeof(*mask));
	mask->ss_family = family_of(i);
	if (mask->ss_family == AF_INET6)
		bytes = (unsigned char *)&((struct sockaddr_in6 *)mask)->sin6_addr;
	else
		bytes = (unsigned char *)&((struct sockaddr_in *)mask)->sin_addr;
	for (unsigned bit = 0; bit < i->prefix_bits; bit++)
		bytes[bit / 8] = (unsigned char)(bytes[bit / 8] | 0x80U >> bit % 8);
}

static in_addr_t broadcast_of(const struct control_interface *i)
{
	struct sockaddr_in in;
	uint32_t hosts = i->prefix_bits >= 32 ? 0 : UINT32_MAX >> i->prefix_bits;

	memcpy(&in, i->address.sockaddr, sizeof(in));
	return in.sin_addr.s_addr | htonl(hosts);
}

/* ---- getifaddrs ---- */

/* One entry and everything that it points to, in one block. */
struct entry {
	struct ifaddrs head;
	char name[IFNAMSIZ];
	struct sockaddr_storage address, mask, broadcast;
};

static struct entry *append(struct ifaddrs ***tail, const struct control_interface *i)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	memcpy(e->name, i->name, sizeof(e->name) - 1);
	e->head.ifa_name = e->name;
	e->head.ifa_flags = i->flags;
	**tail = &e->head;
	*tail = &e->head.ifa_next;
	return e;
}

static bool append_link(struct ifaddrs ***tail, const struct control_interface *i)
{
	struct entry *e = append(tail, i);
	struct sockaddr_ll *ll;

	if (e == NULL)
		return false;
	ll = (struct sockaddr_ll *)&e->address;
	ll->sll_family = AF_PACKET;
	ll->sll_ifindex = (int)i->index;
	ll->sll_hatype = (i->flags & IFF_LOOPBACK) != 0 ? ARPHRD_LOOPBACK : ARPHRD_ETHER;
	ll->sll_halen = sizeof(i->mac);
	memcpy(ll->sll_addr, i->mac, sizeof(i->mac));
	e->head.ifa_addr = (struct sockaddr *)&e->address;
	ll = (struct sockaddr_ll *)&e->broadcast;
	*ll = *(struct sockaddr_ll *)&e->address;
	memset(ll->sll_addr, (i->flags & IFF_LOOPBACK) != 0 ? 0 : 0xff, sizeof(i->mac));
	e->head.ifa_broadaddr = (struct sockaddr *)&e->broadcast;
	return true;
}

static bool append_address(struct ifaddrs ***tail, const struct control_interface *i)
{
	struct entry *e = append(tail, i);

	if (e == NULL)
		return false;
	memcpy(&e->address, i->address.sockaddr, i->address.bytes);
	e->head.ifa_addr = (struct sockaddr *)&e->address;
	make_mask(i, &e->mask);
	e->head.ifa_netmask = (struct sockaddr *)&e->mask;
	if (family_of(i) == AF_INET && (i->flags & (IFF_BROADCAST | IFF_LOOPBACK)) != 0) {
		struct sockaddr_in *b = (struct sockaddr_in *)&e->broadcast;

		b->sin_family = AF_INET;
		b->sin_addr.s_addr = (i->flags & IFF_LOOPBACK) != 0 ?
		    ((struct sockaddr_in *)&e->address)->sin_addr.s_addr : broadcast_of(i);
		e->head.ifa_broadaddr = (struct sockaddr *)&e->broadcast;
	}
	return true;
}

static void free_entries(struct ifaddrs *list)
{
	while (list != NULL) {
		struct ifaddrs *next = list->ifa_next;

		free(list);
		list = next;
	}
}

/* Links first, then the addresses, as glibc orders them. */
int call_getifaddrs(struct ifaddrs **list)
{
	struct control_interface table[INTERFACES_MAX];
	struct ifaddrs **tail = list;
	int64_t count;
	bool good = true;

	if (settings_kernel())
		return real.getifaddrs(list);
	*list = NULL;
	count = list_interfaces(table);
	if (count < 0)
		return answer_int(count);
	for (int64_t i = 0; i < count && good; i++)
		if (i == 0 || table[i].index != table[i - 1].index)
			good = append_link(&tail, &table[i]);
	for (int64_t i = 0; i < count && good; i++)
		if (family_of(&table[i]) != AF_UNSPEC)
			good = append_address(&tail, &table[i]);
	if (good)
		return 0;
	free_entries(*list);
	*list = NULL;
	return answer_int(-ENOMEM);
}

void call_freeifaddrs(struct ifaddrs *list)
{
	if (settings_kernel())
		real.freeifaddrs(list);
	else
		free_entries(list);
}

/* ---- names and indices ---- */

unsigned call_if_nametoindex(const char *name)
{
	struct control_interface table[INTERFACES_MAX];
	int64_t count;

	if (settings_kernel())
		return real.if_nametoindex(name);
	count = list_interfaces(table);
	for (int64_t i = 0; i < count; i++)
		if (strncmp(table[i].name, name, sizeof(table[i].name)) == 0)
			return table[i].index;
	errno = count < 0 ? (int)-count : ENODEV;
	return 0;
}

char *call_if_indextoname(unsigned index, char *name)
{
	struct control_interface table[INTERFACES_MAX];
	int64_t count;

	if (settings_kernel())
		return real.if_indextoname(index, name);
	count = list_interfaces(table);
	for (int64_t i = 0; i < count; i++) {
		if (table[i].index == index) {
			memcpy(name, table[i].name, IFNAMSIZ);
			name[IFNAMSIZ - 1] = 0;
			return name;
		}
	}
	errno = count < 0 ? (int)-count : ENXIO;
	return NULL;
}

struct if_nameindex *call_if_nameindex(void)
{
	struct control_interface table[INTERFACES_MAX];
	struct if_nameindex *list;
	int64_t count;
	unsigned used = 0;

	if (settings_kernel())
		return real.if_nameindex();
	count = list_interfaces(table);
	if (count < 0) {
		errno = (int)-count;
		return NULL;
	}
	/* The names lie behind the table, in the same block. */
	list = calloc((size_t)count + 1, sizeof(*list) + IFNAMSIZ);
	if (list == NULL)
		return NULL;
	for (int64_t i = 0; i < count; i++) {
		char *name = (char *)(list + count + 1) + (size_t)i * IFNAMSIZ;

		if (i > 0 && table[i].index == table[i - 1].index)
			continue;
		memcpy(name, table[i].name, IFNAMSIZ - 1);
		list[used++] = (struct if_nameindex){ .if_index = table[i].index, .if_name = name };
	}
	return list;
}

void call_if_freenameindex(struct if_nameindex *list)
{
	if (settings_kernel())
		real.if_freenameindex(list);
	else
		free(list);
}

/* ---- ioctl ---- */

static int interface_list(struct ifconf *conf)
{
	struct control_interface table[INTERFACES_MAX];
	int64_t count = list_interfaces(table);
	int used = 0;

	if (count < 0)
		return (int)count;
	for (int64_t i = 0; i < count; i++) {
		struct ifreq entry = { 0 };

		if (family_of(&table[i]) != AF_INET)
			continue;
		if (conf->ifc_req != NULL) {
			if (conf->ifc_len - used < (int)sizeof(entry))
				break;
			memcpy(entry.ifr_name, table[i].name, IFNAMSIZ - 1);
			memcpy(&entry.ifr_addr, table[i].address.sockaddr, sizeof(entry.ifr_addr));
			memcpy((char *)conf->ifc_buf + used, &entry, sizeof(entry));
		}
		used += (int)sizeof(entry);
	}
	conf->ifc_len = used;
	return 0;
}

static int fill_hardware(const struct control_interface *i, struct ifreq *r)
{
	r->ifr_hwaddr.sa_family = (i->flags & IFF_LOOPBACK) != 0 ? ARPHRD_LOOPBACK : ARPHRD_ETHER;
	memcpy(r->ifr_hwaddr.sa_data, i->mac, sizeof(i->mac));
	return 0;
}

static int fill_broadcast(const struct control_interface *i, struct ifreq *r)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	if ((i->flags & IFF_BROADCAST) != 0)
		in.sin_addr.s_addr = broadcast_of(i);
	memcpy(&r->ifr_broadaddr, &in, sizeof(in));
	return 0;
}

static int fill_request(unsigned long request, const struct control_interface *i, struct ifreq *r)
{
	struct sockaddr_storage mask;

	switch (request) {
	case SIOCGIFINDEX:
		r->ifr_ifindex = (int)i->index;
		return 0;
	case SIOCGIFFLAGS:
		r->ifr_flags = (short)i->flags;
		return 0;
	case SIOCGIFMTU:
		r->ifr_mtu = (int)i->mtu_bytes;
		return 0;
	case SIOCGIFMETRIC:
		r->ifr_metric = 0;
		return 0;
	case SIOCGIFTXQLEN:
		r->ifr_qlen = 1000;
		return 0;
	case SIOCGIFHWADDR:
		return fill_hardware(i, r);
	default:
		break;
	}
	if (family_of(i) != AF_INET)
		return -EADDRNOTAVAIL;
	switch (request) {
	case SIOCGIFNETMASK:
		make_mask(i, &mask);
		memcpy(&r->ifr_netmask, &mask, sizeof(r->ifr_netmask));
		return 0;
	case SIOCGIFBRDADDR:
		return fill_broadcast(i, r);
	default: /* SIOCGIFADDR, and SIOCGIFDSTADDR: the same where there is no far end */
		memcpy(&r->ifr_addr, i->address.sockaddr, sizeof(r->ifr_addr));
		return 0;
	}
}

static int interface_name(struct ifreq *r)
{
	unsigned index = (unsigned)r->ifr_ifindex;
	char name[IFNAMSIZ];

	if (call_if_indextoname(index, name) == NULL)
		return errno == ENXIO ? -ENODEV : -errno;
	memcpy(r->ifr_name, name, sizeof(name));
	return 0;
}

/* The interface's row with an IPv4 address if it has one. */
static int interface_request(unsigned long request, struct ifreq *r)
{
	struct control_interface table[INTERFACES_MAX];
	const struct control_interface *found = NULL;
	int64_t count = list_interfaces(table);

	if (count < 0)
		return (int)count;
	for (int64_t i = 0; i < count; i++)
		if (strncmp(table[i].name, r->ifr_name, IFNAMSIZ) == 0 &&
		    (found == NULL || (family_of(found) != AF_INET && family_of(&table[i]) == AF_INET)))
			found = &table[i];
	return found != NULL ? fill_request(request, found, r) : -ENODEV;
}

bool interfaces_ioctl(unsigned long request, void *argument, int *result)
{
	switch (request) {
	case SIOCGIFCONF:
		*result = user_probe(argument, sizeof(struct ifconf)) < 0 ? -EFAULT : interface_list(argument);
		return true;
	case SIOCGIFNAME:
		*result = user_probe(argument, sizeof(struct ifreq)) < 0 ? -EFAULT : interface_name(argument);
		return true;
	case SIOCGIFINDEX:
	case SIOCGIFFLAGS:
	case SIOCGIFMTU:
	case SIOCGIFMETRIC:
	case SIOCGIFTXQLEN:
	case SIOCGIFHWADDR:
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR:
	case SIOCGIFNETMASK:
	case SIOCGIFBRDADDR:
		*result = user_probe(argument, sizeof(struct ifreq)) < 0 ? -EFAULT : interface_request(request, argument);
		return true;
	default:
		return false;
	}
}
