/* SPDX-License-Identifier: MIT */
/*
 * The files that the lab's web server offers, made once and kept in the cache folder: index.html,
 * 1K.bin to 1G.bin, SHA256SUMS. The .bin files are the first bytes of one endless stream that
 * never repeats, so that a byte that is lost, doubled or in the wrong place is seen. As the
 * stream is fixed, so are the sums: they are written here, and tests/shell/lab_content.t checks them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/command.h"
#include "tool/lab.h"

enum { CHUNK_BYTES = 1 << 20 };

/* CONTENT(name, bytes, sum) */
#define CONTENTS(CONTENT)									\
	CONTENT("1K.bin", 1ULL << 10,								\
	    "79b857605c8e365750212fa51d6257014da97adebb16f980754f9252f5721de3")			\
	CONTENT("1M.bin", 1ULL << 20,								\
	    "bc9d1d01517351f3e2c02d32495b3bfbcba5ec54e5f1a44b06f51755d0086a01")			\
	CONTENT("10M.bin", 10ULL << 20,								\
	    "8cffd8002686922ba14095d8620c35b6f5b7089799baaab5c862c533326364ca")			\
	CONTENT("100M.bin", 100ULL << 20,							\
	    "a2b51c82d0c981aeb3a066532996b511fe6b9b472b13cab727ffcc81f5855af5")			\
	CONTENT("1G.bin", 1ULL << 30,								\
	    "614fca74fb317f993d2a562fb5425e0658a182dd123ba7f7c6eb34c14405d510")

static const struct content {
	const char *name;
	uint64_t bytes;
	const char *sum;
} contents[] = {
#define CONTENT(name, bytes, sum) {name, bytes, sum},
	CONTENTS(CONTENT)
#undef CONTENT
};

enum { CONTENT_COUNT = sizeof(contents) / sizeof(contents[0]) };

static const char sums[] =
#define CONTENT(name, bytes, sum) sum "  " name "\n"
    CONTENTS(CONTENT)
#undef CONTENT
    ;

static const char index_html[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head><title>www.lab</title></head>\n"
    "<body>\n"
    "<h1>Hello from www.lab</h1>\n"
    "<p>If you read this on host.lab, every byte of it came through a TCP/IP stack of our own.</p>\n"
    "<p>More to fetch: <a href=\"1K.bin\">1K.bin</a> <a href=\"1M.bin\">1M.bin</a>\n"
    "<a href=\"10M.bin\">10M.bin</a> <a href=\"100M.bin\">100M.bin</a> <a href=\"1G.bin\">1G.bin</a>;\n"
    "their sums: <a href=\"SHA256SUMS\">SHA256SUMS</a>. To send: curl -T FILE http://www.lab/</p>\n"
    "</body>\n"
    "</html>\n";

/* Word number n of the stream: splitmix64's output function (Steele, Lea, Flood 2014). */
static uint64_t stream_word(uint64_t n)
{
	uint64_t z = (n + 1) * 0x9e3779b97f4a7c15U;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return z ^ (z >> 31);
}

static int write_stream(int fd, uint64_t bytes)
{
	uint64_t *chunk = malloc(CHUNK_BYTES);
	uint64_t done = 0;
	int result = 0;

	if (!chunk)
		return -ENOMEM;
	while (done < bytes && !result) {
		size_t now = bytes - done < CHUNK_BYTES ? (size_t)(bytes - done) : CHUNK_BYTES;
		const char *from = (const char *)chunk;

		for (size_t i = 0; i < now / sizeof(*chunk); i++)
			chunk[i] = htole64(stream_word(done / sizeof(*chunk) + i));
		done += now;
		while (now) {
			ssize_t written = write(fd, from, now);

			if (written < 0) {
				result = -errno;
				break;
			}
			from += written;
			now -= (size_t)written;
		}
	}
	free(chunk);
	return result;
}

/* text NULL: bytes of the stream. Written beside its place and renamed, so it is whole or absent. */
static int make_file(int folder_fd, const char *name, const char *text, uint64_t bytes)
{
	struct stat facts;
	int fd, result;

	if (fstatat(folder_fd, name, &facts, 0) == 0 && (uint64_t)facts.st_size == bytes && !text)
		return 0;
	fd = openat(folder_fd, "new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	fchmod(fd, 0644);
	if (text)
		result = write(fd, text, bytes) == (ssize_t)bytes ? 0 : -EIO;
	else
		result = write_stream(fd, bytes);
	close(fd);
	if (!result && renameat(folder_fd, "new", folder_fd, name) < 0)
		result = -errno;
	if (result)
		unlinkat(folder_fd, "new", 0);
	return result;
}

int lab_content_make(const char *cache)
{
	char folder[PLACE_BYTES + 8];
	struct stat facts;
	int fd, result = 0;

	snprintf(folder, sizeof(folder), "%s/www", cache);
	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return complain("cannot make %s: %m", folder);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return complain("cannot open %s: %m", folder);
	flock(fd, LOCK_EX); /* another first lab may be at it */
	if (fstatat(fd, contents[CONTENT_COUNT - 1].name, &facts, 0) < 0)
		fprintf(stderr, "%s: making the files that www.lab offers, once (1.1 GiB in %s)\n",
		    command_name, folder);
	for (unsigned i = 0; i < CONTENT_COUNT && !result; i++) {
		result = make_file(fd, contents[i].name, NULL, contents[i].bytes);
		if (result)
			complain("cannot write %s/%s: %s", folder, contents[i].name, strerror(-result));
	}
	if (!result)
		result = make_file(fd, "SHA256SUMS", sums, sizeof(sums) - 1);
	if (!result)
		result = make_file(fd, "index.html", index_html, sizeof(index_html) - 1);
	close(fd);
	return result ? STATUS_ERROR : 0;
}
