/* SPDX-License-Identifier: MIT */
/* The DHCP client against a server that is played by the test, in virtual time: RFC 2131's
 * conversation from discover to the end of the lease, and everything that can go wrong on the way. */
#include "tests/unit/cmocka_tap.h"

#include <string.h>

#include "service/dhcp_client.h"

static const struct mac_addr mac = {{2, 0, 0, 0, 0, 2}};

/* What the test's server found in a question. */
struct question {
	uint8_t type, flags;
	uint32_t transaction, client, requested, server;
};

static uint32_t word(const uint8_t *octet)
{
	return (uint32_t)octet[0] << 24 | (uint32_t)octet[1] << 16 | (uint32_t)octet[2] << 8 | octet[3];
}

static struct question read_question(const struct dhcp_outgoing *out)
{
	struct question q = {.transaction = word(out->message + 4), .flags = out->message[10],
	    .client = word(out->message + 12)};

	assert_in_range(out->bytes, 300, DHCP_MESSAGE_MAX);
	assert_int_equal(word(out->message + 236), 0x63825363);
	for (uint32_t at = 240; out->message[at] != 255; at += 2U + out->message[at + 1]) {
		const uint8_t *value = out->message + at + 2;

		assert_true(at < out->bytes);
		if (out->message[at] == 53)
			q.type = *value;
		if (out->message[at] == 50)
			q.requested = word(value);
		if (out->message[at] == 54)
			q.server = word(value);
	}
	return q;
}

struct answer {
	uint8_t message[400];
	uint32_t bytes;
};

static void add(struct answer *a, uint8_t code, const void *value, uint8_t bytes)
{
	a->message[a->bytes++] = code;
	a->message[a->bytes++] = bytes;
	memcpy(a->message + a->bytes, value, bytes);
	a->bytes += bytes;
}

/* 192.0.2.77/24 from 192.0.2.1 for an hour, with router, two name servers, a domain and an MTU. */
static struct answer make_answer(uint8_t type, uint32_t transaction)
{
	struct answer a = {.bytes = 240};
	static const uint8_t yours[] = {192, 0, 2, 77}, server[] = {192, 0, 2, 1}, mask[] = {255, 255, 255, 0},
	    dns[] = {192, 0, 2, 1, 192, 0, 2, 53}, hour[] = {0, 0, 14, 16}, mtu[] = {0x05, 0x78};

	a.message[0] = 2;
	a.message[1] = 1;
	a.message[2] = 6;
	for (int i = 0; i < 4; i++)
		a.message[4 + i] = (uint8_t)(transaction >> (24 - 8 * i));
	memcpy(a.message + 16, yours, 4);
	memcpy(a.message + 28, mac.octet, 6);
	memcpy(a.message + 236, "\x63\x82\x53\x63", 4);
	add(&a, 53, &type, 1);
	add(&a, 54, server, 4);
	if (type == DHCP_NAK)
		return a;
	add(&a, 51, hour, 4);
	add(&a, 1, mask, 4);
	add(&a, 3, server, 4);
	add(&a, 6, dns, 8);
	add(&a, 15, "lab", 3);
	add(&a, 26, mtu, 2);
	return a;
}

static void answer(struct dhcp_client *c, uint8_t type, uint32_t transaction, uint64_t now_ns)
{
	struct answer a = make_answer(type, transaction);

	dhcp_client_input(c, (struct span){a.message, a.bytes}, now_ns);
}

static struct question expect_question(struct dhcp_client *c, uint64_t now_ns, uint8_t type)
{
	struct dhcp_outgoing out;
	struct question q;

	assert_true(dhcp_client_output(c, &out, now_ns));
	q = read_question(&out);
	assert_int_equal(q.type, type);
	return q;
}

static void bind_client(struct dhcp_client *c, uint64_t now_ns)
{
	struct question q;

	dhcp_client_start(c, &mac, "host", 42, now_ns);
	q = expect_question(c, now_ns, DHCP_DISCOVER);
	assert_int_equal(q.flags, 0x80); /* we cannot hear a unicast yet */
	answer(c, DHCP_OFFER, q.transaction, now_ns);
	q = expect_question(c, now_ns, DHCP_REQUEST);
	assert_int_equal(q.requested, 0xc000024d);
	assert_int_equal(q.server, 0xc0000201);
	answer(c, DHCP_ACK, q.transaction, now_ns);
	assert_int_equal(dhcp_client_news(c), DHCP_NEWS_BOUND);
}

/* RFC 2131 3.1: discover, offer, request, acknowledge; what the server told is in the lease. */
static void four_messages_make_a_lease(void **state)
{
	struct dhcp_client c;
	struct dhcp_outgoing out;

	(void)state;
	bind_client(&c, 0);
	assert_int_equal(c.lease.address.bits, 24);
	assert_int_equal(ip_to_v4(&c.lease.address.addr), 0xc000024d);
	assert_int_equal(ip_to_v4(&c.lease.facts.router), 0xc0000201);
	assert_int_equal(c.lease.facts.dns_count, 2);
	assert_int_equal(c.lease.facts.mtu_bytes, 1400);
	assert_string_equal(c.lease.facts.domain, "lab");
	assert_false(dhcp_client_output(&c, &out, NSEC_PER_SEC));
	assert_true(dhcp_client_deadline(&c) == 1800 * NSEC_PER_SEC);
}

/* RFC 2131 4.4.5: at T1 our server is asked by unicast, at T2 everybody, and at the end it is over. */
static void renews_then_rebinds_then_loses(void **state)
{
	struct dhcp_client c;
	struct dhcp_outgoing out;
	struct question q;
	uint64_t now_ns;
	unsigned unicast = 0, broadcast = 0;

	(void)state;
	bind_client(&c, 0);
	q = expect_question(&c, 1800 * NSEC_PER_SEC, DHCP_REQUEST);
	assert_true(q.client == 0xc000024d && q.requested == 0 && q.server == 0);
	answer(&c, DHCP_ACK, q.transaction, 1801 * NSEC_PER_SEC);
	assert_int_equal(dhcp_client_news(&c), DHCP_NEWS_NONE); /* the same terms: nothing to do */
	assert_true(dhcp_client_deadline(&c) == (1801 + 1800) * NSEC_PER_SEC);
	while ((now_ns = dhcp_client_deadline(&c)) < (1801 + 3600) * NSEC_PER_SEC) {
		if (!dhcp_client_output(&c, &out, now_ns))
			continue;
		assert_true(now_ns < (1801 + 3150) * NSEC_PER_SEC ? c.state == DHCP_RENEWING : c.state == DHCP_REBINDING);
		if (ip_is_broadcast(&out.destination))
			broadcast++;
		else
			unicast++;
	}
	assert_true(unicast >= 2 && broadcast >= 2 && unicast + broadcast < 40);
	assert_false(dhcp_client_output(&c, &out, now_ns));
	assert_int_equal(dhcp_client_news(&c), DHCP_NEWS_LOST);
	expect_question(&c, now_ns, DHCP_DISCOVER);
}

/* RFC 2131 4.1: silence is answered with longer and longer waits, and told once. */
static void backs_off_while_nobody_answers(void **state)
{
	struct dhcp_client c;
	uint64_t now_ns = 0, last_ns = 0;
	unsigned told = 0;

	(void)state;
	dhcp_client_start(&c, &mac, "host", 7, 0);
	for (int i = 0; i < 8; i++) {
		static const uint64_t wait_s[] = {0, 4, 8, 16, 32, 64, 64, 64};

		expect_question(&c, now_ns, DHCP_DISCOVER);
		if (i > 0)
			assert_in_range(now_ns - last_ns, (wait_s[i] - 1) * NSEC_PER_SEC, (wait_s[i] + 1) * NSEC_PER_SEC);
		told += dhcp_client_news(&c) == DHCP_NEWS_SILENT;
		last_ns = now_ns;
		now_ns = dhcp_client_deadline(&c);
	}
	assert_int_equal(told, 1);
}

/* A refusal, or a request that nobody acknowledges, leads back to the beginning. */
static void begins_again_after_a_refusal(void **state)
{
	struct dhcp_client c;
	struct question q;

	(void)state;
	dhcp_client_start(&c, &mac, "host", 1, 0);
	q = expect_question(&c, 0, DHCP_DISCOVER);
	answer(&c, DHCP_OFFER, q.transaction, 0);
	q = expect_question(&c, 0, DHCP_REQUEST);
	answer(&c, DHCP_NAK, q.transaction, 0);
	q = expect_question(&c, 0, DHCP_DISCOVER);
	answer(&c, DHCP_OFFER, q.transaction, 0);
	for (int i = 0; i < 4; i++)
		expect_question(&c, dhcp_client_deadline(&c), DHCP_REQUEST);
	expect_question(&c, dhcp_client_deadline(&c), DHCP_DISCOVER);
}

/* Somebody has the address already (RFC 5227): the server is told, and we wait before we ask anew. */
static void declines_an_address_that_is_taken(void **state)
{
	struct dhcp_client c;
	struct dhcp_outgoing out;
	struct question q;

	(void)state;
	bind_client(&c, 0);
	dhcp_client_decline(&c, NSEC_PER_SEC);
	assert_int_equal(dhcp_client_news(&c), DHCP_NEWS_LOST);
	q = expect_question(&c, NSEC_PER_SEC, DHCP_DECLINE);
	assert_true(q.requested == 0xc000024d && q.server == 0xc0000201 && q.client == 0);
	assert_false(dhcp_client_output(&c, &out, 10 * NSEC_PER_SEC));
	expect_question(&c, 11 * NSEC_PER_SEC, DHCP_DISCOVER);
}

static void releases_when_it_leaves(void **state)
{
	struct dhcp_client c;
	struct dhcp_outgoing out;
	struct question q;

	(void)state;
	bind_client(&c, 0);
	dhcp_client_release(&c);
	assert_true(dhcp_client_output(&c, &out, 5));
	q = read_question(&out);
	assert_true(q.type == DHCP_RELEASE && q.client == 0xc000024d && q.server == 0xc0000201);
	assert_int_equal(ip_to_v4(&out.destination), 0xc0000201);
	assert_false(dhcp_client_output(&c, &out, 6));
	assert_true(dhcp_client_deadline(&c) == TIME_NEVER);
}

/* Answers to others, to older questions, cut or garbled ones change nothing and read nothing that is
 * not there (the sanitizers watch). */
static void ignores_what_is_not_for_it(void **state)
{
	struct dhcp_client c;
	struct answer a;
	struct question q;
	uint64_t chance = 88172645463325252;

	(void)state;
	dhcp_client_start(&c, &mac, "host", 3, 0);
	q = expect_question(&c, 0, DHCP_DISCOVER);
	answer(&c, DHCP_OFFER, q.transaction + 1, 0);
	answer(&c, DHCP_ACK, q.transaction, 0);
	assert_int_equal(c.state, DHCP_SELECTING);
	a = make_answer(DHCP_OFFER, q.transaction);
	a.message[28] ^= 1; /* another station's */
	dhcp_client_input(&c, (struct span){a.message, a.bytes}, 0);
	assert_int_equal(c.state, DHCP_SELECTING);
	for (int i = 0; i < 20000; i++) {
		uint8_t *copy;
		size_t bytes;

		chance ^= chance << 13, chance ^= chance >> 7, chance ^= chance << 17;
		a = make_answer(DHCP_NAK, q.transaction);
		a.message[240 + chance % (a.bytes - 240)] = (uint8_t)(chance >> 32);
		bytes = (chance >> 20) % (a.bytes + 1);
		copy = test_malloc(bytes ? bytes : 1); /* exact, so that reading beyond is seen */
		memcpy(copy, a.message, bytes);
		dhcp_client_input(&c, (struct span){copy, bytes}, 0);
		test_free(copy);
	}
}

/* RFC 3442: classless routes, each with as many octets as its width needs. */
static void classless_routes_are_read(void **state)
{
	struct answer a = make_answer(DHCP_ACK, 1);
	struct dhcp_reply r;
	static const uint8_t routes[] = {0, 192, 0, 2, 1, 24, 10, 1, 2, 192, 0, 2, 2, 33};

	(void)state;
	add(&a, 121, routes, sizeof(routes));
	assert_true(dhcp_reply_parse((struct span){a.message, a.bytes}, &r));
	assert_int_equal(r.route_count, 2);
	assert_int_equal(r.route[0].destination.bits, 0);
	assert_int_equal(r.route[1].destination.bits, 24);
	assert_int_equal(ip_to_v4(&r.route[1].destination.addr), 0x0a010200);
	assert_int_equal(ip_to_v4(&r.route[1].gateway), 0xc0000202);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(four_messages_make_a_lease),
	    cmocka_unit_test(renews_then_rebinds_then_loses),
	    cmocka_unit_test(backs_off_while_nobody_answers),
	    cmocka_unit_test(begins_again_after_a_refusal),
	    cmocka_unit_test(declines_an_address_that_is_taken),
	    cmocka_unit_test(releases_when_it_leaves),
	    cmocka_unit_test(ignores_what_is_not_for_it),
	    cmocka_unit_test(classless_routes_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
