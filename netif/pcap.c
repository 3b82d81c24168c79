/* SPDX-License-Identifier: MIT */
/*
 * The capture layer: what passes through a netif, in both directions, goes to a pcap file with
 * nanosecond stamps, through libpcap.
 *
 * A frame is written as it is: a segment of 64 KiB that the card will cut is one record, as in a
 * capture that tcpdump takes on the same machine. A transport checksum that was left for the card
 * is completed in the copy (over the whole segment, whose IP header says its whole length), so that
 * a reader who checks them sees no errors that were none on the wire.
 *
 * Stamps are wall-clock time when the caller's clock is the machine's monotonic one; a virtual
 * clock's are written as they are, so that the same run gives the same file.
 *
 * The file is flushed PCAP_FLUSH_NS after a frame at the latest: a reader sees what happens, and a
 * kill -9 loses no more than that.
 */
#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "netif/netif.h"
#include "netif/segment.h"
#include "stack/base/list.h"

#define PCAP_SNAP_BYTES 262144
#define PCAP_FLUSH_NS (100 * NSEC_PER_MSEC)
#define PCAP_BUFFER_BYTES (256U << 10)
/* A clock this close to the machine's is the machine's. */
#define PCAP_CLOCK_CLOSE_NS NSEC_PER_SEC

struct capture {
	struct netif netif;
	struct netif *inner;
	pcap_t *pcap;
	pcap_dumper_t *dumper; /* NULL after a failed write */
	bool clock_known;
	uint64_t clock_offset_ns; /* what makes the caller's time wall-clock time */
	uint64_t flush_ns;     /* when what was written must be in the file; TIME_NEVER */
	char file[128];
	char message[NETIF_MESSAGE_BYTES]; /* why the capture has ended; "" */
	uint8_t room[SEGMENT_ROOM_BYTES];
};

static struct capture *capture_of(struct netif *n)
{
	return container_of(n, struct capture, netif);
}

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

static void learn_clock(struct capture *c, uint64_t now_ns)
{
	uint64_t monotonic_ns = clock_ns(CLOCK_MONOTONIC);
	uint64_t apart_ns = monotonic_ns > now_ns ? monotonic_ns - now_ns : now_ns - monotonic_ns;

	c->clock_known = true;
	c->clock_offset_ns = apart_ns < PCAP_CLOCK_CLOSE_NS ? clock_ns(CLOCK_REALTIME) - monotonic_ns : 0;
}

static void stop(struct capture *c)
{
	snprintf(c->message, sizeof(c->message), "the capture to %s has ended: %s", c->file, strerror(errno));
	pcap_dump_close(c->dumper);
	c->dumper = NULL;
	c->flush_ns = TIME_NEVER;
}

static void flush_if_due(struct capture *c, uint64_t now_ns)
{
	if (!c->dumper || now_ns < c->flush_ns)
		return;
	c->flush_ns = TIME_NEVER;
	if (pcap_dump_flush(c->dumper))
		stop(c);
}

static void record(struct capture *c, const uint8_t *data, uint32_t bytes, uint64_t now_ns)
{
	struct pcap_pkthdr header = {.caplen = bytes, .len = bytes};
	uint64_t stamp_ns;

	if (!c->clock_known)
		learn_clock(c, now_ns);
	stamp_ns = now_ns + c->clock_offset_ns;
	header.ts.tv_sec = (time_t)(stamp_ns / NSEC_PER_SEC);
	header.ts.tv_usec = (suseconds_t)(stamp_ns % NSEC_PER_SEC); /* nanoseconds: so the file is opened */
	pcap_dump((u_char *)c->dumper, &header, data);
	if (ferror(pcap_dump_file(c->dumper))) {
		stop(c);
		return;
	}
	if (c->flush_ns == TIME_NEVER)
		c->flush_ns = time_after(now_ns, PCAP_FLUSH_NS);
}

static void record_out(struct capture *c, const struct frame_out *f, uint64_t now_ns)
{
	uint32_t bytes = frame_flatten(f, c->room, sizeof(c->room));

	if (f->checksum_needed)
		segment_complete_checksum(c->room, bytes, c->netif.facts.has_link_header);
	record(c, c->room, bytes, now_ns);
}

static void record_in(struct capture *c, const struct frame_in *f, uint64_t now_ns)
{
	if (!f->checksum_verified || f->bytes > sizeof(c->room)) {
		record(c, f->data, f->bytes, now_ns);
		return;
	}
	memcpy(c->room, f->data, f->bytes);
	segment_complete_checksum(c->room, f->bytes, c->netif.facts.has_link_header);
	record(c, c->room, f->bytes, now_ns);
}

static int capture_receive(struct netif *n, struct frame_in *frames, unsigned max, uint64_t now_ns)
{
	struct capture *c = capture_of(n);
	int count = netif_receive(c->inner, frames, max, now_ns);

	for (int i = 0; i < count && c->dumper; i++)
		record_in(c, &frames[i], now_ns);
	flush_if_due(c, now_ns);
	n->counters = c->inner->counters;
	return count;
}

static int capture_transmit(struct netif *n, const struct frame_out *frames, unsigned count, uint64_t now_ns)
{
	struct capture *c = capture_of(n);
	int taken = netif_transmit(c->inner, frames, count, now_ns);

	for (int i = 0; i < taken && c->dumper; i++)
		record_out(c, &frames[i], now_ns);
	flush_if_due(c, now_ns);
	n->counters = c->inner->counters;
	return taken;
}

static int capture_fd(const struct netif *n)
{
	return netif_fd(container_of(n, const struct capture, netif)->inner);
}

static uint64_t capture_deadline(const struct netif *n)
{
	const struct capture *c = container_of(n, const struct capture, netif);

	return time_earlier(c->flush_ns, netif_deadline(c->inner));
}

static void capture_close(struct netif *n)
{
	struct capture *c = capture_of(n);

	if (c->dumper)
		pcap_dump_close(c->dumper);
	if (c->pcap)
		pcap_close(c->pcap);
	netif_close(c->inner);
	free(c);
}

static const struct netif_ops capture_ops = {
    .fd = capture_fd,
    .receive = capture_receive,
    .transmit = capture_transmit,
    .deadline = capture_deadline,
    .close = capture_close,
};

const char *netif_pcap_failure(const struct netif *n)
{
	const struct capture *c = container_of(n, const struct capture, netif);

	return n->ops == &capture_ops && c->message[0] ? c->message : NULL;
}

static int open_file(struct capture *c, const char *file)
{
	int type = c->netif.facts.has_link_header ? DLT_EN10MB : DLT_RAW;
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	FILE *stream = fd < 0 ? NULL : fdopen(fd, "w");

	if (!stream) {
		int error = -errno;

		if (fd >= 0)
			close(fd);
		return error;
	}
	setvbuf(stream, NULL, _IOFBF, PCAP_BUFFER_BYTES);
	c->pcap = pcap_open_dead_with_tstamp_precision(type, PCAP_SNAP_BYTES, PCAP_TSTAMP_PRECISION_NANO);
	c->dumper = c->pcap ? pcap_dump_fopen(c->pcap, stream) : NULL;
	if (!c->dumper) {
		fclose(stream);
		return -ENOMEM;
	}
	return pcap_dump_flush(c->dumper) ? -errno : 0; /* a reader finds a file header at once */
}

int netif_pcap_wrap(struct netif *inner, const char *file, struct netif **out, char message[NETIF_MESSAGE_BYTES])
{
	struct capture *c = calloc(1, sizeof(*c));
	int result = c ? 0 : -ENOMEM;

	if (c) {
		c->netif = (struct netif){.ops = &capture_ops, .facts = inner->facts};
		c->flush_ns = TIME_NEVER;
		snprintf(c->file, sizeof(c->file), "%s", file);
		result = open_file(c, file);
	}
	if (result) {
		snprintf(message, NETIF_MESSAGE_BYTES, "cannot write the capture file %.128s: %s", file, strerror(-result));
		if (c && c->dumper)
			pcap_dump_close(c->dumper);
		if (c && c->pcap)
			pcap_close(c->pcap);
		free(c);
		return result;
	}
	c->inner = inner;
	*out = &c->netif;
	return 0;
}
