/* SPDX-License-Identifier: MIT */
/*
 * Frames between the driver and the engine. In: batches, each frame into stack_input(). Out: the
 * engine is pulled into a batch, which the driver takes as a whole.
 *
 * The parts of a frame that is on its way out still belong to the engine, until its next input. So
 * a batch never outlives frames_transmit(): when the driver is full we wait a moment for it, and
 * what it then still does not take is lost, as in any full queue, and counted.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>

#include "service/pair.h"
#include "service/service.h"

#define RECEIVE_BATCHES_PER_ROUND 4U
#define LARGE_FRAME_BYTES 16384U
#define LARGE_BATCH 4U
#define OVERTAKEN_WAIT_NS (50 * NSEC_PER_USEC)
#define TRANSMIT_BATCHES_PER_ROUND 8U
#define FULL_WAIT_MS 2
#define FULL_WAITS_MAX 5U

static void netif_ready(struct service *s, struct watch *w, uint32_t events)
{
	(void)w;
	(void)events;
	s->netif_readable = true;
}

void frames_open(struct service *s)
{
	s->netif_watch = (struct watch){.fd = s->netif ? netif_fd(s->netif) : -1, .ready = netif_ready};
	if (s->netif_watch.fd >= 0)
		watch_add(s, &s->netif_watch, EPOLLIN);
}

static void interface_failed(struct service *s, int error)
{
	if (error == -ENETDOWN) {
		log_seldom(LOG_LEVEL_WARNING, "the interface %s is down: nothing goes in or out until it is up",
		    s->netif->facts.name);
		s->netif_readable = false;
		return;
	}
	if (!s->netif_down)
		log_write(LOG_LEVEL_ERROR, "the interface %s is gone (%s): stop teachnetd and start it on another one",
		    s->netif->facts.name, strerror(-error));
	s->netif_down = true;
	s->netif_readable = false;
	watch_remove(s, &s->netif_watch);
}

/* How many frames to take at once. Each is copied into a pair right after it was copied from the
 * driver: large ones only as many as the processor's cache holds, small ones by the crowd. */
static unsigned next_batch(const struct frame_in *frame, int count)
{
	uint64_t bytes = 0;

	for (int i = 0; i < count; i++)
		bytes += frame[i].bytes;
	return bytes > (uint64_t)count * LARGE_FRAME_BYTES ? LARGE_BATCH : NETIF_BATCH_MAX;
}

/* One batch into the engine; the number of frames. */
static int take_batch(struct service *s)
{
	static struct frame_in frame[NETIF_BATCH_MAX];
	static unsigned max = NETIF_BATCH_MAX;
	unsigned asked = max;
	int count = netif_receive(s->netif, frame, asked, s->now_ns);

	if (count < 0) {
		interface_failed(s, count);
		return 0;
	}
	for (int i = 0; i < count; i++)
		stack_input(s->stack, s->netif_index, &frame[i], s->now_ns);
	max = next_batch(frame, count);
	s->netif_readable = count == (int)asked;
	return count;
}

/* A sender that works on two processors lets frames overtake one another by some microseconds. When
 * a hole is new, we look for what is missing before an ACK complains of it: the sender would send it
 * again and slow down. A hole that stays is a loss: then nothing is awaited until it is filled. */
static void await_overtaken(struct service *s, uint64_t holes_before)
{
	uint64_t end_ns;

	if (stack_out_of_order(s->stack) == holes_before || s->hole_is_old) {
		s->hole_is_old = s->hole_is_old && stack_out_of_order(s->stack) != holes_before;
		return;
	}
	end_ns = clock_now_ns() + OVERTAKEN_WAIT_NS;
	while (!s->netif_down && clock_now_ns() < end_ns) {
		holes_before = stack_out_of_order(s->stack);
		if (take_batch(s) && stack_out_of_order(s->stack) == holes_before)
			return;
	}
	s->hole_is_old = true;
}

void frames_receive(struct service *s)
{
	uint64_t holes_before;

	if (!s->netif || s->netif_down)
		return;
	if (!s->netif_readable && netif_deadline(s->netif) > s->now_ns)
		return;
	holes_before = stack_out_of_order(s->stack);
	for (unsigned batch = 0; batch < RECEIVE_BATCHES_PER_ROUND; batch++) {
		take_batch(s);
		if (!s->netif_readable)
			break;
	}
	await_overtaken(s, holes_before);
}

static void send_batch(struct service *s, const struct frame_out *frame, unsigned count)
{
	unsigned waits = 0;

	while (count) {
		int taken = netif_transmit(s->netif, frame, count, s->now_ns);

		if (taken < 0) {
			if (taken == -ENETDOWN || taken == -ENXIO || taken == -ENODEV)
				interface_failed(s, taken);
			s->counters.out_dropped++;
			taken = 1;
		} else if (taken == 0) {
			struct pollfd f = {.fd = netif_fd(s->netif), .events = POLLOUT};

			if (waits++ == FULL_WAITS_MAX) {
				s->counters.out_dropped += count;
				return;
			}
			poll(&f, f.fd >= 0, FULL_WAIT_MS);
		}
		frame += taken;
		count -= (unsigned)taken;
	}
}

bool frames_transmit(struct service *s)
{
	static struct frame_out frame[NETIF_BATCH_MAX];

	for (unsigned batch = 0; batch < TRANSMIT_BATCHES_PER_ROUND; batch++) {
		unsigned count = 0;

		while (count < NETIF_BATCH_MAX && stack_output(s->stack, &frame[count], s->now_ns))
			count++;
		if (count && s->netif && !s->netif_down)
			send_batch(s, frame, count);
		else
			s->counters.out_dropped += count;
		if (count < NETIF_BATCH_MAX)
			return false;
	}
	return true;
}
