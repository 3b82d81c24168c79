/* SPDX-License-Identifier: MIT */
/*
 * Owns the wording of control messages: ip(7), ipv6(7), udp(7), socket(7). A row for each that a
 * program may send; the order of those that it receives is Linux's.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <linux/errqueue.h>
#include <netinet/udp.h>

#include "preload/ancillary.h"
#include "preload/real.h"
#include "preload/user.h"

/* ---- from the program ---- */

static int take_pktinfo(struct control_datagram *h, const void *data)
{
	struct in_pktinfo info;
	struct sockaddr_in local = { .sin_family = AF_INET };

	memcpy(&info, data, sizeof(info));
	local.sin_addr = info.ipi_spec_dst;
	h->interface = (uint32_t)info.ipi_ifindex;
	h->flags |= CONTROL_DATAGRAM_HAS_LOCAL;
	h->local.bytes = sizeof(local);
	memcpy(h->local.sockaddr, &local, sizeof(local));
	return 0;
}

static int take_pktinfo6(struct control_datagram *h, const void *data)
{
	struct in6_pktinfo info;
	struct sockaddr_in6 local = { .sin6_family = AF_INET6 };

	memcpy(&info, data, sizeof(info));
	local.sin6_addr = info.ipi6_addr;
	h->interface = info.ipi6_ifindex;
	h->flags |= CONTROL_DATAGRAM_HAS_LOCAL;
	h->local.bytes = sizeof(local);
	memcpy(h->local.sockaddr, &local, sizeof(local));
	return 0;
}

static int take_ttl(struct control_datagram *h, const void *data)
{
	int ttl;

	memcpy(&ttl, data, sizeof(ttl));
	if (ttl < 1 || ttl > 255)
		return -EINVAL;
	h->ttl = (int16_t)ttl;
	return 0;
}

static int take_hop_limit(struct control_datagram *h, const void *data)
{
	int limit;

	memcpy(&limit, data, sizeof(limit));
	if (limit < -1 || limit > 255)
		return -EINVAL;
	h->ttl = (int16_t)limit;
	return 0;
}

static int take_tos(struct control_datagram *h, const void *data)
{
	int tos;

	memcpy(&tos, data, sizeof(tos));
	if (tos < 0 || tos > 255)
		return -EINVAL;
	h->tos = (int16_t)tos;
	return 0;
}

static int take_tos_byte(struct control_datagram *h, const void *data)
{
	h->tos = *(const uint8_t *)data;
	return 0;
}

static int take_class(struct control_datagram *h, const void *data)
{
	int class;

	memcpy(&class, data, sizeof(class));
	if (class < -1 || class > 255)
		return -EINVAL;
	h->tos = (int16_t)class;
	return 0;
}

static int take_segment(struct control_datagram *h, const void *data)
{
	memcpy(&h->gso_bytes, data, sizeof(h->gso_bytes));
	return 0;
}

static const struct {
	int level, type;
	size_t bytes;
	int (*take)(struct control_datagram *h, const void *data);
} rows[] = {
	{ IPPROTO_IP, IP_PKTINFO, sizeof(struct in_pktinfo), take_pktinfo },
	{ IPPROTO_IP, IP_TTL, sizeof(int), take_ttl },
	{ IPPROTO_IP, IP_TOS, sizeof(int), take_tos },
	{ IPPROTO_IP, IP_TOS, sizeof(uint8_t), take_tos_byte },
	{ IPPROTO_IPV6, IPV6_PKTINFO, sizeof(struct in6_pktinfo), take_pktinfo6 },
	{ IPPROTO_IPV6, IPV6_HOPLIMIT, sizeof(int), take_hop_limit },
	{ IPPROTO_IPV6, IPV6_TCLASS, sizeof(int), take_class },
	{ SOL_UDP, UDP_SEGMENT, sizeof(uint16_t), take_segment },
};

static int take_one(struct control_datagram *header, const struct cmsghdr *c)
{
	if (c->cmsg_level == SOL_SOCKET && (c->cmsg_type == SCM_RIGHTS || c->cmsg_type == SCM_CREDENTIALS))
		return 0; /* Linux passes over these, too */
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].level == c->cmsg_level && rows[i].type == c->cmsg_type &&
		    c->cmsg_len == CMSG_LEN(rows[i].bytes))
			return rows[i].take(header, CMSG_DATA(c));
	return -EINVAL;
}

int ancillary_take(struct control_datagram *header, const struct msghdr *message)
{
	struct msghdr copy = *message;
	int error = 0;

	if (copy.msg_control == NULL || copy.msg_controllen == 0)
		return 0;
	if (user_probe(copy.msg_control, copy.msg_controllen) < 0)
		return -EFAULT;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&copy); c != NULL && error == 0; c = CMSG_NXTHDR(&copy, c)) {
		size_t before = (size_t)((char *)c - (char *)copy.msg_control);

		if (c->cmsg_len < sizeof(*c) || c->cmsg_len > copy.msg_controllen - before)
			return -EINVAL;
		error = take_one(header, c);
	}
	return error;
}

/* ---- to the program ---- */

struct writer {
	char *at;
	size_t room;
	size_t used;
	int flags;
};

/* Linux's put_cmsg(): what does not fit is cut, and MSG_CTRUNC says so. */
static void put(struct writer *w, int level, int type, const void *data, size_t bytes)
{
	struct cmsghdr header = { .cmsg_level = level, .cmsg_type = type, .cmsg_len = CMSG_LEN(bytes) };
	size_t space = CMSG_SPACE(bytes);

	if (w->room < sizeof(header)) {
		w->flags |= MSG_CTRUNC;
		return;
	}
	if (w->room < header.cmsg_len) {
		w->flags |= MSG_CTRUNC;
		header.cmsg_len = w->room;
	}
	memcpy(w->at, &header, sizeof(header));
	memcpy(w->at + CMSG_LEN(0), data, header.cmsg_len - CMSG_LEN(0));
	if (space > w->room)
		space = w->room;
	w->at += space;
	w->room -= space;
	w->used += space;
}

static void put_time(const struct descriptor *d, const struct control_datagram *h, struct writer *w)
{
	if (descriptor_is(d, DESCRIPTOR_TIMESTAMPNS)) {
		struct timespec t = { (time_t)(h->time_ns / 1000000000U), (long)(h->time_ns % 1000000000U) };

		put(w, SOL_SOCKET, SCM_TIMESTAMPNS, &t, sizeof(t));
	} else if (descriptor_is(d, DESCRIPTOR_TIMESTAMP)) {
		struct timeval t = { (time_t)(h->time_ns / 1000000000U),
			(suseconds_t)(h->time_ns % 1000000000U / 1000U) };

		put(w, SOL_SOCKET, SCM_TIMESTAMP, &t, sizeof(t));
	}
}

static void put_pktinfo(const struct descriptor *d, const struct control_datagram *h, struct writer *w)
{
	if (descriptor_is(d, DESCRIPTOR_INET6)) {
		struct in6_pktinfo info = { .ipi6_ifindex = h->interface };

		memcpy(&info.ipi6_addr, h->local.sockaddr + offsetof(struct sockaddr_in6, sin6_addr), sizeof(info.ipi6_addr));
		put(w, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	} else {
		struct in_pktinfo info = { .ipi_ifindex = (int)h->interface };

		memcpy(&info.ipi_addr, h->local.sockaddr + offsetof(struct sockaddr_in, sin_addr), sizeof(info.ipi_addr));
		info.ipi_spec_dst = info.ipi_addr;
		put(w, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	}
}

static void put_header_fields(const struct descriptor *d, const struct control_datagram *h, struct writer *w)
{
	bool six = descriptor_is(d, DESCRIPTOR_INET6);
	int level = six ? IPPROTO_IPV6 : IPPROTO_IP;
	int ttl = h->ttl;
	int class = h->tos;
	uint8_t tos = (uint8_t)h->tos;

	if (descriptor_is(d, DESCRIPTOR_RECVTTL) && h->ttl >= 0)
		put(w, level, six ? IPV6_HOPLIMIT : IP_TTL, &ttl, sizeof(ttl));
	if (descriptor_is(d, DESCRIPTOR_RECVTOS) && h->tos >= 0) {
		if (six)
			put(w, level, IPV6_TCLASS, &class, sizeof(class));
		else
			put(w, level, IP_TOS, &tos, sizeof(tos));
	}
}

static struct writer writer_of(const struct msghdr *message)
{
	return (struct writer){
		.at = message->msg_control,
		.room = message->msg_control != NULL ? message->msg_controllen : 0,
	};
}

static void writer_done(const struct writer *w, struct msghdr *message)
{
	message->msg_controllen = w->used;
	message->msg_flags |= w->flags;
}

void ancillary_give(const struct descriptor *d, const struct control_datagram *header, struct msghdr *message)
{
	struct writer w = writer_of(message);

	put_time(d, header, &w);
	if (descriptor_is(d, DESCRIPTOR_GRO) && header->gso_bytes > 0) {
		int segment = header->gso_bytes;

		put(&w, SOL_UDP, UDP_GRO, &segment, sizeof(segment));
	}
	if (descriptor_is(d, DESCRIPTOR_PKTINFO) && header->local.bytes > 0)
		put_pktinfo(d, header, &w);
	put_header_fields(d, header, &w);
	writer_done(&w, message);
}

void ancillary_give_error(const struct descriptor *d, const struct control_datagram *header, struct msghdr *message)
{
	bool six = descriptor_is(d, DESCRIPTOR_INET6);
	struct {
		struct sock_extended_err error;
		unsigned char offender[sizeof(struct sockaddr_in6)];
	} facts = {
		.error = {
			.ee_errno = (uint32_t)header->error,
			.ee_origin = header->error_origin,
			.ee_type = header->error_type,
			.ee_code = header->error_code,
			.ee_info = header->error_info,
		},
	};
	size_t address = six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	struct writer w = writer_of(message);

	memcpy(facts.offender, header->error_offender.sockaddr,
	    header->error_offender.bytes < address ? header->error_offender.bytes : address);
	put(&w, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_RECVERR : IP_RECVERR, &facts,
	    sizeof(facts.error) + address);
	writer_done(&w, message);
}
