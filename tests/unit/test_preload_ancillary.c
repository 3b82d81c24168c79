/* SPDX-License-Identifier: MIT */
/* Control messages: bad ones are refused, those that do not fit are cut as Linux cuts them, and a
 * bad pointer is an error, not a crash. */
#include "tests/unit/cmocka_tap.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <netinet/in.h>

#include "preload/ancillary.h"
#include "preload/user.h"

union room {
	struct cmsghdr align;
	char bytes[512];
};

static struct msghdr one_message(union room *room, int level, int type, const void *data, size_t bytes)
{
	memset(room, 0, sizeof(*room));
	room->align = (struct cmsghdr){ .cmsg_level = level, .cmsg_type = type, .cmsg_len = CMSG_LEN(bytes) };
	memcpy(CMSG_DATA(&room->align), data, bytes);
	return (struct msghdr){ .msg_control = room, .msg_controllen = CMSG_SPACE(bytes) };
}

static void good_ones_are_taken(void **state)
{
	union room room;
	int ttl = 9;
	struct in_pktinfo info = { .ipi_ifindex = 2, .ipi_spec_dst.s_addr = htonl(0x0a000001) };
	struct control_datagram h = { .ttl = -1, .tos = -1 };
	struct msghdr m = one_message(&room, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));

	(void)state;
	assert_int_equal(ancillary_take(&h, &m), 0);
	assert_int_equal(h.ttl, 9);
	m = one_message(&room, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	assert_int_equal(ancillary_take(&h, &m), 0);
	assert_int_equal(h.interface, 2);
	assert_int_equal(h.flags, CONTROL_DATAGRAM_HAS_LOCAL);
	m = (struct msghdr){ .msg_control = NULL };
	assert_int_equal(ancillary_take(&h, &m), 0);
}

static void bad_ones_are_refused(void **state)
{
	union room room;
	int ttl = 300;
	struct control_datagram h = { .ttl = -1 };
	struct msghdr m = one_message(&room, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));

	(void)state;
	assert_int_equal(ancillary_take(&h, &m), -EINVAL);
	m = one_message(&room, IPPROTO_IP, IP_TTL, &ttl, 3);
	assert_int_equal(ancillary_take(&h, &m), -EINVAL);
	m = one_message(&room, 99, 99, &ttl, sizeof(ttl));
	assert_int_equal(ancillary_take(&h, &m), -EINVAL);
	m = one_message(&room, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	room.align.cmsg_len = 4;
	assert_int_equal(ancillary_take(&h, &m), -EINVAL);
	room.align.cmsg_len = 4000;
	assert_int_equal(ancillary_take(&h, &m), -EINVAL);
	m = (struct msghdr){ .msg_control = (void *)8, .msg_controllen = 64 };
	assert_int_equal(ancillary_take(&h, &m), -EFAULT);
	assert_int_equal(h.ttl, -1);
}

static void what_does_not_fit_is_cut(void **state)
{
	struct descriptor d = { .facts = DESCRIPTOR_DATAGRAM | DESCRIPTOR_RECVTTL | DESCRIPTOR_RECVTOS };
	struct control_datagram h = { .ttl = 64, .tos = 8 };
	size_t whole = CMSG_SPACE(sizeof(int)) + CMSG_SPACE(1);
	union room room;

	(void)state;
	for (size_t given = 0; given <= whole; given++) {
		struct msghdr m = { .msg_control = &room, .msg_controllen = given };

		memset(&room, 0x55, sizeof(room));
		ancillary_give(&d, &h, &m);
		assert_true(m.msg_controllen <= given);
		assert_int_equal(room.bytes[given], 0x55);
		assert_int_equal((m.msg_flags & MSG_CTRUNC) != 0, given < CMSG_SPACE(sizeof(int)) + CMSG_LEN(1));
	}
}

static void pointers_are_looked_at_first(void **state)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct control_address a;

	(void)state;
	assert_int_equal(munmap(page + 4096, 4096), 0);
	assert_int_equal(user_probe(page, 4096), 0);
	assert_int_equal(user_probe(page + 4095, 1), 0);
	assert_int_equal(user_probe(page + 4095, 2), -EFAULT);
	assert_int_equal(user_probe(page + 4096, 1), -EFAULT);
	assert_int_equal(user_probe(NULL, 0), 0);
	assert_int_equal(user_take_address(&a, (struct sockaddr *)(page + 4090), 16), -EFAULT);
	assert_int_equal(user_take_address(&a, (struct sockaddr *)page, 129), -EINVAL);
	assert_int_equal(user_take_address(&a, (struct sockaddr *)page, 128), 0);
	assert_int_equal(a.bytes, sizeof(a.sockaddr));
	munmap(page, 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones_are_taken),
		cmocka_unit_test(bad_ones_are_refused),
		cmocka_unit_test(what_does_not_fit_is_cut),
		cmocka_unit_test(pointers_are_looked_at_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
