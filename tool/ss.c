/* SPDX-License-Identifier: MIT */
/*
 * teachnet ss: the sockets of our stack, in the columns that users of ss and netstat know. What is
 * shown without options follows ss: connections; -l listeners and unconnected sockets; -a all.
 */
#include <dirent.h>
#include <netdb.h>
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/client.h"
#include "tool/command.h"
#include "tool/table.h"

static int want_tcp, want_udp, want_raw, want_listening, want_all, numeric, want_descriptors, want_retries,
    want_block, want_json, only4, only6;

static const struct poptOption options[] = {
	{"all", 'a', POPT_ARG_NONE, &want_all, 0, "All sockets", NULL},
	{"listening", 'l', POPT_ARG_NONE, &want_listening, 0, "Only sockets that wait for others", NULL},
	{"tcp", 't', POPT_ARG_NONE, &want_tcp, 0, "TCP sockets", NULL},
	{"udp", 'u', POPT_ARG_NONE, &want_udp, 0, "UDP sockets", NULL},
	{"raw", 'w', POPT_ARG_NONE, &want_raw, 0, "Raw and ICMP sockets", NULL},
	{"ipv4", '4', POPT_ARG_NONE, &only4, 0, "Only IPv4", NULL},
	{"ipv6", '6', POPT_ARG_NONE, &only6, 0, "Only IPv6", NULL},
	{"numeric", 'n', POPT_ARG_NONE, &numeric, 0, "Port numbers instead of service names", NULL},
	{"processes", 'p', POPT_ARG_NONE, &want_descriptors, 0, "The descriptors that processes hold the socket by", NULL},
	{"options", 'o', POPT_ARG_NONE, &want_retries, 0, "How often the timer has run out, too", NULL},
	{"info", 'i', POPT_ARG_NONE, &want_block, 0, "The control block of each TCP connection", NULL},
	{"json", 'j', POPT_ARG_NONE, &want_json, 0, "Print JSON (service/README.md names the fields)", NULL},
	OPTIONS_END
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static json_int_t integer_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static double number_of(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static bool wanted_kind(const json_t *s)
{
	const char *kind = text_of(s, "kind");
	json_int_t family = integer_of(s, "family");

	if ((only4 && family == 6) || (only6 && family == 4))
		return only4 && only6;
	if (!want_tcp && !want_udp && !want_raw)
		return true;
	if (!strcmp(kind, "tcp"))
		return want_tcp;
	if (!strcmp(kind, "udp"))
		return want_udp;
	return want_raw;
}

static bool wanted(const json_t *s)
{
	const char *state = text_of(s, "state");
	bool waits = !strcmp(state, "LISTEN") || !strcmp(state, "UNCONN");

	if (!wanted_kind(s))
		return false;
	if (want_all)
		return true;
	if (want_listening)
		return waits;
	return !waits && strcmp(state, "TIME-WAIT") && strcmp(state, "SYN-RECV");
}

static const char *service_name(json_int_t port, const char *kind)
{
	const struct servent *entry =
	    numeric ? NULL : getservbyport(htons((uint16_t)port), strcmp(kind, "tcp") ? "udp" : "tcp");

	return entry ? entry->s_name : NULL;
}

/* As ss writes it: IPv6 in brackets, * for what is not bound. */
static void endpoint_cell(struct table *t, const json_t *endpoint, const char *kind)
{
	const char *address = text_of(endpoint, "address"), *name;
	json_int_t port = integer_of(endpoint, "port");
	bool brackets = strchr(address, ':');
	char number[16] = "*";

	if (port)
		snprintf(number, sizeof(number), "%u", (unsigned)port);
	name = port ? service_name(port, kind) : NULL;
	table_cell(t, "%s%s%s:%s", brackets ? "[" : "", *address ? address : "*", brackets ? "]" : "",
	    name ? name : number);
}

static void timer_cell(struct table *t, const json_t *timer)
{
	double left_ms = number_of(timer, "expires_ms");
	char left[32];

	if (!timer) {
		table_cell(t, "%s", "");
		return;
	}
	if (left_ms < 1000)
		snprintf(left, sizeof(left), "%.3gms", left_ms < 0 ? 0 : left_ms);
	else if (left_ms < 60000)
		snprintf(left, sizeof(left), "%.3gsec", left_ms / 1000);
	else
		snprintf(left, sizeof(left), "%dmin%dsec", (int)(left_ms / 60000), (int)(left_ms / 1000) % 60);
	if (want_retries)
		table_cell(t, "timer:(%s,%s,%d)", text_of(timer, "name"), left, (int)integer_of(timer, "retries"));
	else
		table_cell(t, "timer:(%s,%s)", text_of(timer, "name"), left);
}

/* The number by which a process holds the socket with this inode; -1 when that cannot be seen. */
static int find_descriptor(json_int_t pid, json_int_t inode)
{
	char path[300], target[64], looked_for[64];
	struct dirent *entry;
	int found = -1;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	snprintf(looked_for, sizeof(looked_for), "socket:[%lld]", (long long)inode);
	folder = opendir(path);
	while (folder && found < 0 && (entry = readdir(folder))) {
		ssize_t bytes;

		snprintf(path, sizeof(path), "/proc/%d/fd/%s", (int)pid, entry->d_name);
		bytes = readlink(path, target, sizeof(target) - 1);
		target[bytes < 0 ? 0 : bytes] = 0;
		if (!strcmp(target, looked_for))
			found = atoi(entry->d_name);
	}
	if (folder)
		closedir(folder);
	return found;
}

static void process_cell(struct table *t, const json_t *s)
{
	char text[TABLE_CELL_BYTES] = "";
	size_t index, used = 0;
	json_t *owner;

	json_array_foreach(json_object_get(s, "owners"), index, owner) {
		json_int_t pid = integer_of(owner, "pid");
		int fd = want_descriptors ? find_descriptor(pid, integer_of(s, "inode")) : -1;
		char descriptor[24] = "";

		if (fd >= 0)
			snprintf(descriptor, sizeof(descriptor), ",fd=%d", fd);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s(\"%s\",pid=%d%s)", index ? "," : "",
		    text_of(owner, "program"), (int)pid, descriptor);
		if (used >= sizeof(text))
			break;
	}
	if (*text)
		table_cell(t, "users:(%s)", text);
	else
		table_cell(t, "%s", json_is_true(json_object_get(s, "orphan")) ? "(no process)" : "");
}

/* The control block, four lines: what was agreed, time, windows, sequence numbers; then counts. */
static void block_below(struct table *t, const json_t *b)
{
	static const struct {
		const char *key, *word;
	} agreed[] = {{"timestamps", " ts"}, {"sack", " sack"}, {"ecn", " ecn"}, {"fastopen", " fastopen"}};
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	if (!out)
		exit(complain("no memory for the table"));
	fprintf(out, "\t%s %s", text_of(b, "congestion"), text_of(b, "congestion_state"));
	for (unsigned i = 0; i < sizeof(agreed) / sizeof(agreed[0]); i++)
		if (json_is_true(json_object_get(b, agreed[i].key)))
			fputs(agreed[i].word, out);
#define INTEGER(key) (long long)integer_of(b, key)
	fprintf(out, " wscale:%lld,%lld mss:%lld peer_mss:%lld pmtu:%lld\n", INTEGER("snd_scale"), INTEGER("rcv_scale"),
	    INTEGER("mss_bytes"), INTEGER("peer_mss_bytes"), INTEGER("path_mtu_bytes"));
	fprintf(out, "\trtt:%.3g/%.3gms minrtt:%.3gms rto:%.3gms pacing:%lldB/s delivery:%lldB/s\n",
	    number_of(b, "srtt_ms"), number_of(b, "rttvar_ms"), number_of(b, "rtt_min_ms"), number_of(b, "rto_ms"),
	    INTEGER("pacing_bytes_per_s"), INTEGER("delivery_bytes_per_s"));
	fprintf(out, "\tcwnd:%lldB ", INTEGER("cwnd_bytes"));
	if (INTEGER("ssthresh_bytes") >= INT32_MAX)
		fputs("ssthresh:none", out);
	else
		fprintf(out, "ssthresh:%lldB", INTEGER("ssthresh_bytes"));
	fprintf(out, " snd.wnd:%lldB rcv.wnd:%lldB in_flight:%lldB sacked:%lldB lost:%lldB out_of_order:%lldB buffers:%lld,%lldB\n",
	    INTEGER("snd_wnd_bytes"), INTEGER("rcv_wnd_bytes"), INTEGER("in_flight_bytes"), INTEGER("sacked_bytes"),
	    INTEGER("lost_bytes"), INTEGER("out_of_order_bytes"), INTEGER("send_buffer_bytes"),
	    INTEGER("receive_buffer_bytes"));
	fprintf(out, "\tiss:%lld snd.una:%lld snd.nxt:%lld snd.wl1:%lld snd.wl2:%lld irs:%lld rcv.nxt:%lld\n", INTEGER("iss"),
	    INTEGER("snd_una"), INTEGER("snd_nxt"), INTEGER("snd_wl1"), INTEGER("snd_wl2"), INTEGER("irs"),
	    INTEGER("rcv_nxt"));
	fprintf(out, "\tbytes_sent:%lld bytes_acked:%lld bytes_retrans:%lld bytes_received:%lld segs_out:%lld segs_in:%lld retrans:%lld\n",
	    INTEGER("bytes_sent"), INTEGER("bytes_acked"), INTEGER("bytes_retransmitted"), INTEGER("bytes_received"),
	    INTEGER("segments_out"), INTEGER("segments_in"), INTEGER("retransmits"));
#undef INTEGER
	fclose(out);
	table_below(t, text);
	free(text);
}

static void print_sockets(const json_t *sockets)
{
	static const char *const heading[] = {"Netid", "State", "Recv-Q", "Send-Q", "Local Address:Port",
		"Peer Address:Port", "Timer", "Process"};
	struct table t = {.row = NULL};
	size_t index;
	json_t *s;

	table_start_row(&t);
	for (unsigned i = 0; i < sizeof(heading) / sizeof(heading[0]); i++)
		table_cell(&t, "%s", heading[i]);
	json_array_foreach(sockets, index, s) {
		const json_t *block = json_object_get(s, "tcp");

		table_start_row(&t);
		table_cell(&t, "%s", text_of(s, "kind"));
		table_cell(&t, "%s", text_of(s, "state"));
		table_cell(&t, "%lld", (long long)integer_of(s, "receive_queue_bytes"));
		table_cell(&t, "%lld", (long long)integer_of(s, "send_queue_bytes"));
		endpoint_cell(&t, json_object_get(s, "local"), text_of(s, "kind"));
		endpoint_cell(&t, json_object_get(s, "remote"), text_of(s, "kind"));
		timer_cell(&t, json_object_get(s, "timer"));
		process_cell(&t, s);
		if (want_block && block)
			block_below(&t, block);
	}
	table_print(&t);
}

int command_ss(int argc, const char **argv)
{
	json_t *status, *sockets;
	int first = options_parse(argc, argv, options);

	if (first < 0)
		return STATUS_USAGE;
	if (first < argc)
		return complain("'%s' is not understood: there are options only (see --help)", argv[first]), STATUS_USAGE;
	status = client_status("ss");
	if (!status)
		return STATUS_ERROR;
	sockets = json_object_get(status, "sockets");
	for (size_t i = json_array_size(sockets); i-- > 0;)
		if (!wanted(json_array_get(sockets, i)))
			json_array_remove(sockets, i);
	if (want_json) {
		json_dumpf(status, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		print_sockets(sockets);
	}
	json_decref(status);
	return STATUS_OK;
}
