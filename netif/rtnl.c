/* SPDX-License-Identifier: MIT */
/* One question to the kernel's routing socket; see rtnl.h. */
#include "netif/rtnl.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define ANSWER_BYTES 32768
#define SEQUENCE 1U /* one question a socket */

void *rtnl_begin(union rtnl_request *r, uint16_t type, uint16_t flags, size_t family_bytes)
{
	struct nlmsghdr *h;

	memset(r, 0, sizeof(*r));
	h = mnl_nlmsg_put_header(r);
	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	h->nlmsg_seq = SEQUENCE;
	return mnl_nlmsg_put_extra_header(h, family_bytes);
}

/* The callbacks of libmnl answer 1 to go on, 0 when done and -1 with errno. */
static int collect(struct mnl_socket *nl, mnl_cb_t each, void *context)
{
	char answer[ANSWER_BYTES];
	int more = 1;

	while (more > 0) {
		ssize_t bytes = mnl_socket_recvfrom(nl, answer, sizeof(answer));

		if (bytes < 0 && errno == EINTR)
			continue;
		if (bytes < 0)
			return -errno;
		more = mnl_cb_run(answer, (size_t)bytes, SEQUENCE, mnl_socket_get_portid(nl), each, context);
	}
	return more < 0 ? -errno : 0;
}

int rtnl_ask(union rtnl_request *r, mnl_cb_t each, void *context)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int result;

	if (!nl)
		return -errno;
	/* A dump ends by itself; anything else ends with the acknowledgement. (NLM_F_DUMP is two
	 * bits, of which NLM_F_EXCL is one.) */
	if ((r->header.nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		r->header.nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(nl, &r->header, r->header.nlmsg_len) < 0)
		result = -errno;
	else
		result = collect(nl, each, context);
	mnl_socket_close(nl);
	return result;
}
