/* SPDX-License-Identifier: MIT */
/* DHCP messages; see dhcp_message.h. */
#include "service/dhcp_message.h"

#include <string.h>

/* Offsets of the fixed part (RFC 2131 figure 1). */
#define AT_OP 0
#define AT_TRANSACTION 4
#define AT_SECONDS 8
#define AT_FLAGS 10
#define AT_CLIENT 12
#define AT_YOURS 16
#define AT_MAC 28
#define AT_SERVER_NAME 44
#define AT_FILE 108
#define AT_COOKIE 236
#define AT_OPTIONS 240
#define MESSAGE_MIN 300U

enum dhcp_option {
	OPTION_PAD = 0,
	OPTION_MASK = 1,
	OPTION_ROUTER = 3,
	OPTION_DNS = 6,
	OPTION_HOST_NAME = 12,
	OPTION_DOMAIN = 15,
	OPTION_MTU = 26,
	OPTION_REQUESTED = 50,
	OPTION_LEASE = 51,
	OPTION_OVERLOAD = 52,
	OPTION_TYPE = 53,
	OPTION_SERVER = 54,
	OPTION_WANTED = 55,
	OPTION_MAX_SIZE = 57,
	OPTION_RENEW = 58,
	OPTION_REBIND = 59,
	OPTION_CLIENT_ID = 61,
	OPTION_ROUTES = 121,
	OPTION_END = 255,
};

static const uint8_t cookie[4] = {99, 130, 83, 99};

/* ---- reading ---- */

static uint32_t number(const uint8_t *octet, size_t bytes)
{
	uint32_t n = 0;

	while (bytes--)
		n = n << 8 | *octet++;
	return n;
}

static struct ip_addr address(const uint8_t *octet)
{
	return ip_from_v4(number(octet, 4));
}

static void read_addresses(struct span value, struct ip_addr *out, unsigned most, unsigned *count)
{
	for (size_t at = 0; at + 4 <= value.bytes && *count < most; at += 4)
		out[(*count)++] = address(value.data + at);
}

static void read_text(struct span value, char out[DHCP_TEXT_BYTES])
{
	size_t length = 0;

	/* Only what can stand in a domain name: this text goes into a resolver's configuration. */
	while (length < value.bytes && length < DHCP_TEXT_BYTES - 1) {
		char c = (char)value.data[length];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
		        c == '.' || c == '_'))
			break;
		out[length++] = c;
	}
	out[length] = '\0';
}

/* RFC 3442: width, then as many octets of the network as it needs, then the router. */
static void read_routes(struct span value, struct dhcp_reply *out)
{
	size_t at = 0;

	while (at < value.bytes && out->route_count < DHCP_ROUTES_MAX) {
		uint8_t bits = value.data[at++];
		size_t significant = (bits + 7U) / 8U;
		uint8_t network[4] = {0};

		if (bits > 32 || at + significant + 4 > value.bytes)
			return;
		memcpy(network, value.data + at, significant);
		at += significant;
		out->route[out->route_count].destination = (struct prefix){address(network), bits};
		out->route[out->route_count].gateway = address(value.data + at);
		out->route_count++;
		at += 4;
	}
}

static void read_option(uint8_t code, struct span value, struct dhcp_reply *out)
{
	unsigned one = 0;

	switch (code) {
	case OPTION_TYPE:
		out->type = value.bytes == 1 ? value.data[0] : 0;
		break;
	case OPTION_MASK:
		if (value.bytes == 4)
			out->mask = address(value.data);
		break;
	case OPTION_ROUTER:
		read_addresses(value, &out->router, 1, &one);
		break;
	case OPTION_DNS:
		read_addresses(value, out->dns, DHCP_SERVERS_MAX, &out->dns_count);
		break;
	case OPTION_SERVER:
		if (value.bytes == 4)
			out->server = address(value.data);
		break;
	case OPTION_DOMAIN:
		read_text(value, out->domain);
		break;
	case OPTION_MTU:
		if (value.bytes == 2)
			out->mtu_bytes = (uint16_t)number(value.data, 2);
		break;
	case OPTION_LEASE:
		out->lease_s = value.bytes == 4 ? number(value.data, 4) : 0;
		break;
	case OPTION_RENEW:
		out->renew_s = value.bytes == 4 ? number(value.data, 4) : 0;
		break;
	case OPTION_REBIND:
		out->rebind_s = value.bytes == 4 ? number(value.data, 4) : 0;
		break;
	case OPTION_ROUTES:
		read_routes(value, out);
		break;
	default:
		break;
	}
}

/* One run of options; overload says which other fields hold more (RFC 2132 9.3). */
static bool read_options(struct span run, struct dhcp_reply *out, uint8_t *overload)
{
	size_t at = 0;

	while (at < run.bytes && run.data[at] != OPTION_END) {
		uint8_t code = run.data[at++];
		struct span value;

		if (code == OPTION_PAD)
			continue;
		if (at >= run.bytes || at + 1 + run.data[at] > run.bytes)
			return false;
		value = (struct span){run.data + at + 1, run.data[at]};
		at += 1 + value.bytes;
		if (code == OPTION_OVERLOAD && value.bytes == 1)
			*overload = value.data[0];
		else
			read_option(code, value, out);
	}
	return true;
}

bool dhcp_reply_parse(struct span message, struct dhcp_reply *out)
{
	const uint8_t *m = message.data;
	const struct ip_addr none = ip_from_v4(0);
	uint8_t overload = 0, ignored = 0;

	if (message.bytes < AT_OPTIONS || m[AT_OP] != 2 || m[1] != 1 || m[2] != 6 ||
	    memcmp(m + AT_COOKIE, cookie, sizeof(cookie)) != 0)
		return false;
	*out = (struct dhcp_reply){.transaction = number(m + AT_TRANSACTION, 4), .address = address(m + AT_YOURS),
	    .mask = none, .server = none, .router = none};
	memcpy(out->mac.octet, m + AT_MAC, sizeof(out->mac.octet));
	if (!read_options((struct span){m + AT_OPTIONS, message.bytes - AT_OPTIONS}, out, &overload))
		return false;
	if (overload & 1 && !read_options((struct span){m + AT_FILE, AT_COOKIE - AT_FILE}, out, &ignored))
		return false;
	if (overload & 2 && !read_options((struct span){m + AT_SERVER_NAME, AT_FILE - AT_SERVER_NAME}, out, &ignored))
		return false;
	return out->type == DHCP_OFFER || out->type == DHCP_ACK || out->type == DHCP_NAK;
}

/* ---- writing ---- */

static void put_number(uint8_t *out, uint32_t n, size_t bytes)
{
	while (bytes--) {
		out[bytes] = (uint8_t)n;
		n >>= 8;
	}
}

static uint8_t *put_option(uint8_t *at, enum dhcp_option code, const void *value, uint8_t bytes)
{
	at[0] = (uint8_t)code;
	at[1] = bytes;
	memcpy(at + 2, value, bytes);
	return at + 2 + bytes;
}

static uint8_t *put_address(uint8_t *at, enum dhcp_option code, const struct ip_addr *a)
{
	return ip_is_unspecified(a) ? at : put_option(at, code, a->octet + 12, 4);
}

static uint8_t *put_wishes(uint8_t *at, const struct dhcp_question *q)
{
	static const uint8_t wanted[] = {OPTION_MASK, OPTION_ROUTES, OPTION_ROUTER, OPTION_DNS, OPTION_DOMAIN,
	    OPTION_MTU, OPTION_LEASE, OPTION_RENEW, OPTION_REBIND};
	static const uint8_t most[2] = {DHCP_MESSAGE_MAX >> 8, DHCP_MESSAGE_MAX & 255};
	size_t length = q->host_name ? strnlen(q->host_name, 63) : 0;

	at = put_option(at, OPTION_MAX_SIZE, most, sizeof(most));
	at = put_option(at, OPTION_WANTED, wanted, sizeof(wanted));
	return length ? put_option(at, OPTION_HOST_NAME, q->host_name, (uint8_t)length) : at;
}

uint32_t dhcp_question_emit(const struct dhcp_question *q, uint8_t out[DHCP_MESSAGE_MAX])
{
	uint8_t type = (uint8_t)q->type, client_id[7] = {1};
	uint8_t *at = out + AT_OPTIONS;
	bool holds_address = !ip_is_unspecified(&q->client);

	memset(out, 0, DHCP_MESSAGE_MAX);
	out[AT_OP] = 1;
	out[1] = 1; /* Ethernet */
	out[2] = 6;
	put_number(out + AT_TRANSACTION, q->transaction, 4);
	put_number(out + AT_SECONDS, q->seconds, 2);
	/* Without an address we cannot be reached by unicast: the answer shall be a broadcast. */
	put_number(out + AT_FLAGS, holds_address ? 0 : 0x8000, 2);
	memcpy(out + AT_CLIENT, q->client.octet + 12, 4);
	memcpy(out + AT_MAC, q->mac.octet, 6);
	memcpy(out + AT_COOKIE, cookie, sizeof(cookie));
	memcpy(client_id + 1, q->mac.octet, 6);
	at = put_option(at, OPTION_TYPE, &type, 1);
	at = put_option(at, OPTION_CLIENT_ID, client_id, sizeof(client_id));
	at = put_address(at, OPTION_REQUESTED, &q->requested);
	at = put_address(at, OPTION_SERVER, &q->server);
	if (q->type == DHCP_DISCOVER || q->type == DHCP_REQUEST)
		at = put_wishes(at, q);
	*at++ = OPTION_END;
	return (uint32_t)(at - out) < MESSAGE_MIN ? MESSAGE_MIN : (uint32_t)(at - out);
}
