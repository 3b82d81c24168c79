/* SPDX-License-Identifier: MIT */
/* Reads one packet of a script: TCP, UDP or ICMP, in the notation of tcpdump and packetdrill. */
#include <ctype.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stack/wire/tcp.h"
#include "tests/script/script.h"

/* first:end(bytes) */
static void parse_range(struct reader *r, struct packet_spec *p)
{
	p->first = (uint32_t)parse_number(r);
	expect_text(r, ":");
	p->end = (uint32_t)parse_number(r);
	expect_text(r, "(");
	p->payload = (uint32_t)parse_number(r);
	expect_text(r, ")");
	if (p->end - p->first != p->payload)
		script_fail("line %u: %u:%u is not %u bytes", r->line, p->first, p->end, p->payload);
}

/* [ect0], [noecn], [ttl 5], several with commas. */
static void parse_ip_info(struct reader *r, struct packet_spec *p)
{
	static const struct {
		const char *word;
		int ecn;
	} marks[] = {{"noecn", 0}, {"nonect", 0}, {"ect1", 1}, {"ect0", 2}, {"ce", 3}, {"ect01", -2}};

	p->ecn = -1;
	p->ttl = -1;
	if (!accept_text(r, "["))
		return;
	while (!accept_text(r, "]")) {
		bool found = false;

		if (accept_text(r, ","))
			continue;
		if (accept_word(r, "ttl")) {
			p->ttl = (int)parse_number(r);
			continue;
		}
		if (accept_word(r, "tos")) {
			p->ecn = (int)parse_number(r) & 3;
			continue;
		}
		for (unsigned i = 0; i < sizeof(marks) / sizeof(marks[0]) && !found; i++)
			if (accept_word(r, marks[i].word)) {
				p->ecn = marks[i].ecn;
				found = true;
			}
		if (!found)
			script_fail("line %u: IP information not understood: %.20s", r->line, r->at);
	}
}

static void parse_flags(struct reader *r, struct packet_spec *p)
{
	static const char letters[] = "FSRP.UEW";

	skip_space(r);
	if (*r->at == '-') {
		r->at++;
		return;
	}
	for (; *r->at && !isspace((unsigned char)*r->at); r->at++) {
		const char *l = strchr(letters, *r->at);

		if (*r->at == 'A')
			p->ae = true;
		else if (*r->at == 'C')
			p->flags |= TCP_CWR;
		else if (l && *l)
			p->flags |= (uint8_t)(1U << (l - letters));
		else
			script_fail("line %u: unknown TCP flag %c", r->line, *r->at);
	}
}

static void parse_cookie(struct reader *r, struct spec_option *o)
{
	skip_space(r);
	while (isxdigit((unsigned char)r->at[0]) && isxdigit((unsigned char)r->at[1])) {
		if (o->count == sizeof(o->cookie))
			script_fail("line %u: cookie of more than 16 octets", r->line);
		o->cookie[o->count++] = (uint8_t)strtol((char[]){r->at[0], r->at[1], 0}, NULL, 16);
		r->at += 2;
	}
}

static void parse_option(struct reader *r, struct spec_option *o)
{
	if (accept_word(r, "nop")) {
		o->kind = TCP_OPTION_NOP;
	} else if (accept_word(r, "eol")) {
		o->kind = TCP_OPTION_END;
	} else if (accept_word(r, "mss")) {
		o->kind = TCP_OPTION_MSS;
		o->value = (uint32_t)parse_number(r);
	} else if (accept_word(r, "wscale")) {
		o->kind = TCP_OPTION_WINDOW_SCALE;
		o->value = (uint32_t)parse_number(r);
	} else if (accept_word(r, "sackOK")) {
		o->kind = TCP_OPTION_SACK_PERMITTED;
	} else if (accept_word(r, "TS")) {
		o->kind = TCP_OPTION_TIMESTAMPS;
		if (!accept_word(r, "val"))
			script_fail("line %u: TS val N ecr N", r->line);
		o->value = (uint32_t)parse_number(r);
		if (!accept_word(r, "ecr"))
			script_fail("line %u: TS val N ecr N", r->line);
		o->echo = (uint32_t)parse_number(r);
	} else if (accept_word(r, "sack")) {
		o->kind = TCP_OPTION_SACK;
		for (skip_space(r); isdigit((unsigned char)*r->at); skip_space(r)) {
			if (o->count == SPEC_SACKS_MAX)
				script_fail("line %u: more than 4 SACK blocks", r->line);
			o->block[o->count].first = (uint32_t)parse_number(r);
			expect_text(r, ":");
			o->block[o->count++].end = (uint32_t)parse_number(r);
		}
	} else if (accept_word(r, "FOEXP")) {
		o->kind = TCP_OPTION_EXPERIMENT;
		o->experimental = true;
		parse_cookie(r, o);
	} else if (accept_word(r, "FO")) {
		o->kind = TCP_OPTION_FASTOPEN;
		parse_cookie(r, o);
	} else {
		script_fail("line %u: TCP option not understood (MD5, AO and MPTCP are not spoken): %.30s",
		    r->line, r->at);
	}
}

static void parse_options(struct reader *r, struct packet_spec *p)
{
	if (!accept_text(r, "<"))
		return;
	if (accept_text(r, "...")) {
		p->any_options = true;
		expect_text(r, ">");
		return;
	}
	while (!accept_text(r, ">")) {
		if (p->option_count == SPEC_OPTIONS_MAX)
			script_fail("line %u: too many TCP options", r->line);
		parse_option(r, &p->option[p->option_count++]);
		if (!accept_text(r, ",")) {
			expect_text(r, ">");
			break;
		}
	}
}

/* 8080 > 53055, before the flags: another connection than the current one. */
static void parse_ports(struct reader *r, struct packet_spec *p)
{
	skip_space(r);
	if (!isdigit((unsigned char)*r->at))
		return;
	p->source_port = (uint16_t)parse_number(r);
	expect_text(r, ">");
	p->destination_port = (uint16_t)parse_number(r);
}

static void parse_tcp(struct reader *r, struct packet_spec *p)
{
	p->kind = SPEC_TCP;
	parse_ports(r, p);
	parse_flags(r, p);
	parse_range(r, p);
	for (;;) {
		if (accept_word(r, "ack")) {
			p->has_ack = true;
			p->ack = (uint32_t)parse_number(r);
		} else if (accept_word(r, "win")) {
			p->has_window = true;
			p->window = (uint32_t)parse_number(r);
		} else if (accept_word(r, "urg")) {
			p->has_urgent = true;
			p->urgent = (uint32_t)parse_number(r);
		} else {
			break;
		}
	}
	/* Options are on the same line: what begins the next event can be '<' too. */
	while (*r->at == ' ' || *r->at == '\t')
		r->at++;
	if (*r->at == '<')
		parse_options(r, p);
}

static void parse_icmp(struct reader *r, struct packet_spec *p)
{
	static const struct {
		const char *word;
		uint8_t type, code;
	} kinds[] = {
	    {"net_unreachable", 3, 0}, {"network_unreachable", 3, 0}, {"host_unreachable", 3, 1},
	    {"protocol_unreachable", 3, 2}, {"proto_unreachable", 3, 2}, {"port_unreachable", 3, 3},
	    {"frag_needed", 3, 4}, {"source_route_failed", 3, 5}, {"net_unknown", 3, 6},
	    {"host_unknown", 3, 7}, {"source_host_isolated", 3, 8}, {"net_prohibited", 3, 9},
	    {"host_prohibited", 3, 10}, {"packet_filtered", 3, 13}, {"admin_prohibited", 3, 13},
	    {"ttl_exceeded", 11, 0}, {"reassembly_timeout", 11, 1},
	};
	bool found = false;

	p->kind = SPEC_ICMP;
	if (!accept_word(r, "unreachable") && !accept_word(r, "time_exceeded"))
		script_fail("line %u: ICMP message not understood: %.30s", r->line, r->at);
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && !found; i++)
		if (accept_word(r, kinds[i].word)) {
			p->icmp_type = kinds[i].type;
			p->icmp_code = kinds[i].code;
			found = true;
		}
	if (!found)
		script_fail("line %u: ICMP code not understood: %.30s", r->line, r->at);
	if (accept_word(r, "mtu"))
		p->icmp_mtu = (uint32_t)parse_number(r);
	if (accept_text(r, "[")) {
		if (accept_word(r, "udp")) {
			expect_text(r, "(");
			p->payload = (uint32_t)parse_number(r);
			expect_text(r, ")");
			p->flags = 1; /* the quote is of a datagram */
		} else {
			parse_range(r, p);
		}
		p->has_quote = true;
		expect_text(r, "]");
	}
}

void parse_packet(struct reader *r, struct packet_spec *p)
{
	parse_ip_info(r, p);
	if (accept_word(r, "icmp")) {
		parse_icmp(r, p);
	} else if (accept_word(r, "udp")) {
		p->kind = SPEC_UDP;
		expect_text(r, "(");
		p->payload = (uint32_t)parse_number(r);
		expect_text(r, ")");
	} else {
		parse_tcp(r, p);
	}
}
