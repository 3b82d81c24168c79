/* SPDX-License-Identifier: MIT */
/*
 * The story: the lab's wire, as the program that the lab starts, between two veth pairs: it carries
 * packets of the MTU and no larger, late by what was asked for, loses the same ones for the same
 * seed, and says what it did and what it could not understand.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "netif/link_setup.h"
#include "netif/packet.h"
#include "tests/unit/netif_frames.h"
#include "tests/unit/netif_namespace.h"

#define ARGUMENTS_MAX 16
#define SAID_BYTES 4096

static int no_network;
static char program[512];
static const struct mac_addr mac_a = {{2, 0, 0, 0, 0, 1}}, mac_b = {{2, 0, 0, 0, 0, 2}};

/* a - wa, wire, wb - b: all in one namespace, which is enough for frames. */
static int make_links(void **state)
{
	static const char *const links[] = {"a", "wa", "b", "wb"};
	const char *build = getenv("top_builddir");

	(void)state;
	snprintf(program, sizeof(program), "%s/teachnet-wire", build ? build : ".");
	no_network = access(program, X_OK) ? -errno : test_private_network();
	if (no_network) {
		print_message("# no wire or no network namespace: %s\n", strerror(-no_network));
		return 0;
	}
	test_no_ipv6_noise();
	if (link_setup_veth("a", -1, "wa", -1) || link_setup_veth("b", -1, "wb", -1))
		return -1;
	for (int i = 0; i < 4; i++)
		if (link_setup_up(links[i]))
			return -1;
	return 0;
}

static void need_network(void)
{
	if (no_network)
		skip();
}

struct wire {
	pid_t pid;
	int out; /* what it says, on both channels */
	char said[SAID_BYTES];
	size_t said_bytes;
};

/* Starts teachnet-wire with these arguments, the last of which is NULL. */
static void wire_start(struct wire *w, const char *const argument[])
{
	const char *all[ARGUMENTS_MAX + 2] = {program};
	int fd[2];

	for (int i = 0; argument[i]; i++)
		all[i + 1] = argument[i];
	*w = (struct wire){0};
	assert_int_equal(pipe(fd), 0);
	w->pid = fork();
	assert_true(w->pid >= 0);
	if (w->pid == 0) {
		dup2(fd[1], 1);
		dup2(fd[1], 2);
		close(fd[0]);
		close(fd[1]);
		execv(program, (char *const *)(uintptr_t)all);
		_exit(127);
	}
	close(fd[1]);
	w->out = fd[0];
}

/* Reads on until it has said this; false at the end of what it says. */
static bool wire_says(struct wire *w, const char *text)
{
	while (!strstr(w->said, text)) {
		ssize_t got = read(w->out, w->said + w->said_bytes, SAID_BYTES - 1 - w->said_bytes);

		if (got <= 0)
			return false;
		w->said_bytes += (size_t)got;
	}
	return true;
}

/* Its exit status, after everything that it had to say. */
static int wire_end(struct wire *w, int signal)
{
	int status;

	if (signal)
		kill(w->pid, signal);
	wire_says(w, "\x01never");
	close(w->out);
	assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static struct netif *open_end(const char *name, const struct mac_addr *mac)
{
	struct packet_config config = {.mac = mac};
	char message[NETIF_MESSAGE_BYTES] = "";
	struct netif *n = NULL;

	if (packet_open(name, &config, &n, message))
		fail_msg("%s", message);
	return n;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

static struct test_frame shape(uint8_t *payload, uint32_t bytes, uint16_t gso_bytes)
{
	return (struct test_frame){.version = 4, .protocol = 6, .flags = TEST_FLAG_ACK, .gso_bytes = gso_bytes,
	    .link_header = true, .payload = payload, .payload_bytes = bytes};
}

static int receive(struct netif *n, struct frame_in *in, unsigned max, int limit_ms)
{
	struct pollfd waiting = {.fd = netif_fd(n), .events = POLLIN};

	poll(&waiting, 1, limit_ms);
	return netif_receive(n, in, max, 0);
}

static void large_frames_become_packets(void **state)
{
	static const char *const arguments[] = {"wa", "wb", NULL};
	uint8_t *payload = test_payload(60000);
	struct test_frame t = shape(payload, 60000, 1448);
	struct frame_in in[NETIF_BATCH_MAX];
	struct netif *a, *b;
	struct frame_out f;
	struct wire w;
	uint32_t at = 0;

	(void)state;
	need_network();
	wire_start(&w, arguments);
	assert_true(wire_says(&w, "ready\n"));
	a = open_end("a", &mac_a);
	b = open_end("b", &mac_b);
	test_frame_build(&f, &t);
	assert_int_equal(netif_transmit(a, &f, 1, 0), 1);
	for (int count; at < 60000 && (count = receive(b, in, NETIF_BATCH_MAX, 2000)) > 0;)
		for (int i = 0; i < count; i++) {
			uint32_t bytes = in[i].bytes - frame_header_bytes(&f);

			assert_int_equal(in[i].gso, FRAME_GSO_NONE);
			assert_true(in[i].bytes <= 1514 && test_checksum_right(&t, in[i].data, in[i].bytes));
			assert_memory_equal(in[i].data + frame_header_bytes(&f), payload + at, bytes);
			at += bytes;
		}
	assert_int_equal(at, 60000);
	assert_int_equal(wire_end(&w, SIGTERM), 0);
	assert_non_null(strstr(w.said, "wa -> wb: 42 frames, 0 lost"));
	netif_close(a);
	netif_close(b);
	free(payload);
}

/* Sends 1000 one-byte segments one by one and notes which arrive. */
static unsigned survivors(const char *seed, bool survived[1000])
{
	const char *const arguments[] = {"--loss=20%", "--seed", seed, "wa", "wb", NULL};
	struct netif *a, *b;
	struct wire w;
	unsigned count = 0;

	wire_start(&w, arguments);
	assert_true(wire_says(&w, "ready\n"));
	a = open_end("a", &mac_a);
	b = open_end("b", &mac_b);
	memset(survived, 0, 1000 * sizeof(survived[0]));
	for (uint32_t i = 0; i < 1000; i++) {
		uint8_t payload = 0;
		struct test_frame t = shape(&payload, 1, 0);
		struct frame_out f;

		t.sequence = i;
		test_frame_build(&f, &t);
		assert_int_equal(netif_transmit(a, &f, 1, 0), 1);
	}
	for (struct frame_in in; receive(b, &in, 1, 500) > 0; count++)
		survived[test_get_32(in.data + 14 + 20 + 4)] = true;
	assert_int_equal(wire_end(&w, SIGTERM), 0);
	netif_close(a);
	netif_close(b);
	return count;
}

static void the_seed_says_what_is_lost(void **state)
{
	static bool first[1000], again[1000], other[1000];

	(void)state;
	need_network();
	assert_in_range(survivors("7", first), 740, 860);
	survivors("7", again);
	survivors("8", other);
	assert_memory_equal(first, again, sizeof(first));
	assert_memory_not_equal(first, other, sizeof(first));
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Never too early; how late depends on who else uses the machine, so only the best is judged. */
static void the_delay_is_what_was_asked_for(void **state)
{
	static const char *const arguments[] = {"--delay", "20ms", "wa", "wb", NULL};
	uint64_t took_ns[21];
	struct netif *a, *b;
	struct wire w;

	(void)state;
	need_network();
	wire_start(&w, arguments);
	assert_true(wire_says(&w, "ready\n"));
	a = open_end("a", &mac_a);
	b = open_end("b", &mac_b);
	for (int i = 0; i < 21; i++) {
		uint8_t payload[100] = {0};
		struct test_frame t = shape(payload, sizeof(payload), 0);
		struct frame_out f;
		struct frame_in in;
		uint64_t start_ns;

		test_frame_build(&f, &t);
		start_ns = now();
		assert_int_equal(netif_transmit(a, &f, 1, 0), 1);
		assert_int_equal(receive(b, &in, 1, 3000), 1);
		took_ns[i] = now() - start_ns;
	}
	qsort(took_ns, 21, sizeof(took_ns[0]), compare);
	print_message("# 20 ms took %.3f ms at best, %.3f ms in the median\n", (double)took_ns[0] / 1e6,
	    (double)took_ns[10] / 1e6);
	assert_in_range(took_ns[0], 20000000, 22000000);
	assert_int_equal(wire_end(&w, SIGINT), 0);
	netif_close(a);
	netif_close(b);
}

static void what_it_cannot_do_is_a_sentence(void **state)
{
	static const struct {
		const char *argument[4];
		const char *said;
		int status;
	} cases[] = {
	    {{"--loss", "many", "wa", "wb"}, "--loss=many cannot be understood: write it like 3%", 2},
	    {{"--rate", "100", "wa", "wb"}, "--rate=100 cannot be understood: write it like 100mbit", 2},
	    {{"wa"}, "two interfaces are needed", 2},
	    {{"--nonsense"}, "try --help", 2},
	    {{"wa", "nowhere"}, "there is no interface \"nowhere\"", 1},
	    {{"--pcap", "/nowhere/file", "wa", "wb"}, "/nowhere/file", 1},
	};

	(void)state;
	need_network();
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *arguments[5] = {cases[i].argument[0], cases[i].argument[1], cases[i].argument[2],
		    cases[i].argument[3], NULL};
		struct wire w;

		wire_start(&w, arguments);
		assert_int_equal(wire_end(&w, 0), cases[i].status);
		if (!strstr(w.said, cases[i].said))
			fail_msg("said \"%s\" where \"%s\" was expected", w.said, cases[i].said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(large_frames_become_packets),
	    cmocka_unit_test(the_seed_says_what_is_lost),
	    cmocka_unit_test(the_delay_is_what_was_asked_for),
	    cmocka_unit_test(what_it_cannot_do_is_a_sentence),
	};

	return cmocka_run_group_tests(tests, make_links, NULL);
}
