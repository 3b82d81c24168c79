/* SPDX-License-Identifier: MIT */
/* SOL_SOCKET and IPPROTO_IP as socket(7) and ip(7) have them: defaults, sizes, ranges, errno. */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/unit/host_fixture.h"

/* What a fresh socket answers, as on Linux. */
static void defaults_are_linux_s(void **state)
{
	struct host *h = *state;
	struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, NULL);
	static const struct {
		int level, name, value;
	} row[] = {
	    {SOL_SOCKET, SO_TYPE, SOCK_DGRAM}, {SOL_SOCKET, SO_DOMAIN, AF_INET},
	    {SOL_SOCKET, SO_PROTOCOL, IPPROTO_UDP}, {SOL_SOCKET, SO_ACCEPTCONN, 0},
	    {SOL_SOCKET, SO_ERROR, 0}, {SOL_SOCKET, SO_REUSEADDR, 0}, {SOL_SOCKET, SO_BROADCAST, 0},
	    {SOL_SOCKET, SO_SNDBUF, 212992}, {SOL_SOCKET, SO_RCVBUF, 212992}, {SOL_SOCKET, SO_RCVLOWAT, 1},
	    {SOL_SOCKET, SO_SNDLOWAT, 1}, {SOL_SOCKET, SO_PRIORITY, 0}, {IPPROTO_IP, IP_TTL, 64},
	    {IPPROTO_IP, IP_TOS, 0}, {IPPROTO_IP, IP_MULTICAST_TTL, 1}, {IPPROTO_IP, IP_MULTICAST_LOOP, 1},
	    {IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_WANT}, {IPPROTO_IP, IP_RECVERR, 0}};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_int_equal(get_int(h, so, row[i].level, row[i].name), row[i].value);
}

/* socket(7): buffer sizes are doubled, and kept within bounds rather than refused. */
static void buffers_are_doubled_within_bounds(void **state)
{
	struct host *h = *state;
	struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, NULL);

	set_int(h, so, SOL_SOCKET, SO_SNDBUF, 10000);
	set_int(h, so, SOL_SOCKET, SO_RCVBUF, 20000);
	assert_int_equal(get_int(h, so, SOL_SOCKET, SO_SNDBUF), 20000);
	assert_int_equal(get_int(h, so, SOL_SOCKET, SO_RCVBUF), 40000);
	set_int(h, so, SOL_SOCKET, SO_SNDBUF, 1);
	set_int(h, so, SOL_SOCKET, SO_RCVBUF, 0);
	assert_int_equal(get_int(h, so, SOL_SOCKET, SO_SNDBUF), 4608);
	assert_int_equal(get_int(h, so, SOL_SOCKET, SO_RCVBUF), 2304);
	set_int(h, so, SOL_SOCKET, SO_RCVBUF, 1 << 30);
	assert_int_equal(get_int(h, so, SOL_SOCKET, SO_RCVBUF), 2 * 212992);
}

/* What Linux refuses is refused with the same errno, and changes nothing. */
static void refusals_have_linux_s_errno(void **state)
{
	struct host *h = *state;
	struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, NULL);
	static const struct {
		int level, name, value, error;
		uint32_t bytes;
	} row[] = {
	    {SOL_SOCKET, SO_REUSEADDR, 1, EINVAL, 3}, {SOL_SOCKET, SO_TYPE, 1, ENOPROTOOPT, 4},
	    {SOL_SOCKET, 9999, 1, ENOPROTOOPT, 4}, {IPPROTO_IP, 9999, 1, ENOPROTOOPT, 4},
	    {IPPROTO_IP, IP_TTL, 0, EINVAL, 4}, {IPPROTO_IP, IP_TTL, 256, EINVAL, 4},
	    {IPPROTO_IP, IP_TTL, 1, EINVAL, 0}, {IPPROTO_IP, IP_MTU_DISCOVER, 6, EINVAL, 4},
	    {SOL_SOCKET, SO_LINGER, 1, EINVAL, 4}, {SOL_SOCKET, SO_PRIORITY, 7, EPERM, 4},
	    {SOL_SOCKET, SO_BUSY_POLL, -1, EINVAL, 4}, {IPPROTO_IP, IP_MTU, 1500, ENOPROTOOPT, 4}};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_int_equal(socket_set_option(so, row[i].level, row[i].name, &row[i].value, row[i].bytes,
		                     h->now_ns), -row[i].error);
	assert_int_equal(get_int(h, so, IPPROTO_IP, IP_TTL), 64);
}

/* ip(7): one byte is enough for a small number, both ways. */
static void ip_options_may_be_one_byte(void **state)
{
	struct host *h = *state;
	struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, NULL);
	uint8_t byte = 7;
	uint32_t bytes = 1;

	assert_int_equal(socket_set_option(so, IPPROTO_IP, IP_TTL, &byte, 1, h->now_ns), 0);
	assert_int_equal(get_int(h, so, IPPROTO_IP, IP_TTL), 7);
	byte = 0;
	assert_int_equal(socket_get_option(so, IPPROTO_IP, IP_TTL, &byte, &bytes, h->now_ns), 0);
	assert_true(byte == 7 && bytes == 1);
	set_int(h, so, IPPROTO_IP, IP_TTL, -1);
	assert_int_equal(get_int(h, so, IPPROTO_IP, IP_TTL), 64);
}

static void linger_and_device_are_structures(void **state)
{
	struct host *h = *state;
	struct socket *so = host_socket(h, SOCKET_UDP, IPPROTO_UDP, NULL);
	struct linger linger = {1, 5}, seen;
	char name[16] = "";
	uint32_t bytes = sizeof(seen);

	assert_int_equal(socket_set_option(so, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger), h->now_ns), 0);
	assert_int_equal(socket_get_option(so, SOL_SOCKET, SO_LINGER, &seen, &bytes, h->now_ns), 0);
	assert_true(bytes == sizeof(seen) && seen.l_onoff == 1 && seen.l_linger == 5);
	assert_int_equal(socket_set_option(so, SOL_SOCKET, SO_BINDTODEVICE, "nope", 5, h->now_ns), -ENODEV);
	assert_int_equal(socket_set_option(so, SOL_SOCKET, SO_BINDTODEVICE, "test0", 6, h->now_ns), 0);
	bytes = sizeof(name);
	assert_int_equal(socket_get_option(so, SOL_SOCKET, SO_BINDTODEVICE, name, &bytes, h->now_ns), 0);
	assert_string_equal(name, "test0");
	assert_int_equal(bytes, 6);
	assert_int_equal(socket_set_option(so, SOL_SOCKET, SO_BINDTODEVICE, "", 0, h->now_ns), 0);
	bytes = sizeof(name);
	assert_int_equal(socket_get_option(so, SOL_SOCKET, SO_BINDTODEVICE, name, &bytes, h->now_ns), 0);
	assert_int_equal(bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    HOST_TEST(defaults_are_linux_s),
	    HOST_TEST(buffers_are_doubled_within_bounds),
	    HOST_TEST(refusals_have_linux_s_errno),
	    HOST_TEST(ip_options_may_be_one_byte),
	    HOST_TEST(linger_and_device_are_structures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
