/* SPDX-License-Identifier: MIT */
/*
 * tests/sim/sim [--seeds N] [--from SEED] [--verbose]: runs N worlds and prints TAP, a line
 * for each hundred. A world that fails is told with its seed, run once more with a capture beside
 * it, and the rest goes on. SEEDS in the environment is --seeds. Worlds run in child processes, so
 * that a trap in the engine is a failed seed and no more.
 */
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/sim.h"

#define GROUP 100
#define WORLD_SECONDS 10 /* of real time: a world takes milliseconds */

struct shared {
	volatile uint64_t seed; /* that the child is at */
};

static FILE *open_capture(uint64_t seed)
{
	static const uint32_t head[] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 70000, 101};
	const char *folder = getenv("TMPDIR");
	char name[500];
	FILE *f;

	snprintf(name, sizeof(name), "%s/teachnet-sim-%llu.pcap", folder ? folder : "/tmp", (unsigned long long)seed);
	f = fopen(name, "wb");
	if (f) {
		fwrite(head, sizeof(head), 1, f);
		printf("#   capture: %s\n#   again: tests/sim/sim --from %llu --seeds 1\n", name, (unsigned long long)seed);
		fflush(stdout);
	}
	return f;
}

/* Runs [from, end) in a child. Returns true when all went well; else *failed is the seed. */
static bool run_child(struct shared *shared, uint64_t from, uint64_t end, FILE *pcap, bool verbose, uint64_t *failed)
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		for (uint64_t s = from; s < end; s++) {
			shared->seed = s;
			alarm(WORLD_SECONDS);
			world_run(s, pcap, verbose);
		}
		fflush(stdout);
		if (pcap)
			fclose(pcap);
		exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0) {
		printf("Bail out! no child process\n");
		exit(99);
	}
	*failed = shared->seed;
	if (WIFSIGNALED(status) && !pcap)
		printf("# seed %llu: ended by signal %d (%s)\n", (unsigned long long)shared->seed, WTERMSIG(status),
		    WTERMSIG(status) == SIGALRM ? "too long" : "a CHECK, or memory");
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static unsigned run_group(struct shared *shared, uint64_t from, uint64_t end, bool verbose)
{
	unsigned failures = 0;
	uint64_t failed, ignored;

	while (from < end && !run_child(shared, from, end, NULL, verbose, &failed)) {
		FILE *pcap = failures < 5 ? open_capture(failed) : NULL;

		if (pcap) {
			run_child(shared, failed, failed + 1, pcap, verbose, &ignored);
			fclose(pcap);
		}
		failures++;
		from = failed + 1;
	}
	return failures;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"seeds", required_argument, NULL, 'n'}, {"from", required_argument, NULL, 'f'},
	    {"verbose", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0},
	};
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t seeds = getenv("SEEDS") ? strtoull(getenv("SEEDS"), NULL, 0) : 3000, from = 1;
	bool verbose = false;
	unsigned bad = 0, point = 0;
	int c;

	while ((c = getopt_long(argc, argv, "n:f:v", options, NULL)) != -1) {
		if (c == 'n')
			seeds = strtoull(optarg, NULL, 0);
		else if (c == 'f')
			from = strtoull(optarg, NULL, 0);
		else if (c == 'v')
			verbose = true;
		else
			return 99;
	}
	printf("1..%llu\n", (unsigned long long)((seeds + GROUP - 1) / GROUP));
	for (uint64_t at = from; at < from + seeds; at += GROUP) {
		uint64_t end = at + GROUP < from + seeds ? at + GROUP : from + seeds;
		unsigned failures = run_group(shared, at, end, verbose);

		printf("%s %u - seeds %llu to %llu: every byte arrives, every invariant holds\n",
		    failures ? "not ok" : "ok", ++point, (unsigned long long)at, (unsigned long long)end - 1);
		bad += failures;
	}
	if (bad)
		printf("# %u of %llu seeds failed\n", bad, (unsigned long long)seeds);
	return bad != 0;
}
