/* SPDX-License-Identifier: MIT */
/* One direction of a bad wire; see impair.h. */
#include "netif/impair.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netif/layout.h"
#include "stack/base/check.h"

#define IMPAIR_SPARE_BYTES 2048U

/* What a number is drawn for: each has its own stream. */
enum chance {
	CHANCE_LOSS,
	CHANCE_CORRUPT,
	CHANCE_CORRUPT_WHERE,
	CHANCE_DUPLICATE,
	CHANCE_JITTER,
	CHANCE_REORDER,
	CHANCE_REORDER_BY,
};

/* The number drawn for this frame. */
static uint64_t draw(const struct impair *im, enum chance what)
{
	uint64_t of[2] = {im->counters.frames, what};

	return siphash(&im->key, of, sizeof(of));
}

static bool happens(const struct impair *im, enum chance what, double probability)
{
	if (probability <= 0)
		return false;
	return (double)(draw(im, what) >> 11) * 0x1p-53 < probability;
}

static uint32_t draw_below(const struct impair *im, enum chance what, uint32_t limit)
{
	return (uint32_t)(((draw(im, what) & UINT32_MAX) * limit) >> 32);
}

uint32_t impair_queue_bytes(const struct fault_config *config)
{
	double round_trip_bytes;

	if (config->queue_bytes)
		return config->queue_bytes;
	round_trip_bytes = (double)config->rate_bits_per_s / 8 * (double)config->delay_ns * 2e-9;
	if (round_trip_bytes > IMPAIR_QUEUE_BYTES_MAX)
		return IMPAIR_QUEUE_BYTES_MAX;
	if (round_trip_bytes < IMPAIR_QUEUE_BYTES_MIN)
		return IMPAIR_QUEUE_BYTES_MIN;
	return (uint32_t)round_trip_bytes;
}

void impair_init(struct impair *im, const struct fault_config *config, unsigned direction)
{
	*im = (struct impair){.config = *config, .key = {config->seed, direction}};
	im->config.queue_bytes = impair_queue_bytes(config);
}

void impair_destroy(struct impair *im)
{
	for (uint32_t i = 0; i < im->count; i++)
		free(im->slot[i]);
	for (unsigned i = 0; i < im->held_count; i++)
		free(im->held[i].frame);
	while (im->spare) {
		struct impair_frame *next = im->spare->next;

		free(im->spare);
		im->spare = next;
	}
	free(im->slot);
	*im = (struct impair){0};
}

/* ---- the heap ---- */

static bool earlier(const struct impair_frame *a, const struct impair_frame *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

/* Makes sure that every frame in flight, held or not, has a slot. */
static int heap_reserve(struct impair *im)
{
	struct impair_frame **slot;
	uint32_t capacity = im->capacity ? im->capacity * 2 : 64;

	if (im->count + im->held_count < im->capacity)
		return 0;
	slot = realloc(im->slot, capacity * sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	im->slot = slot;
	im->capacity = capacity;
	return 0;
}

static void heap_insert(struct impair *im, struct impair_frame *frame)
{
	uint32_t at = im->count++;

	while (at > 0 && earlier(frame, im->slot[(at - 1) / 2])) {
		im->slot[at] = im->slot[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	im->slot[at] = frame;
}

static struct impair_frame *heap_take_first(struct impair *im)
{
	struct impair_frame *first = im->slot[0];
	struct impair_frame *last = im->slot[--im->count];
	uint32_t at = 0;

	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= im->count)
			break;
		if (child + 1 < im->count && earlier(im->slot[child + 1], im->slot[child]))
			child++;
		if (!earlier(im->slot[child], last))
			break;
		im->slot[at] = im->slot[child];
		at = child;
	}
	im->slot[at] = last;
	return first;
}

/* ---- frames ---- */

static struct impair_frame *frame_new(struct impair *im, const uint8_t *data, uint32_t bytes)
{
	struct impair_frame *frame = im->spare;
	uint32_t room = bytes < IMPAIR_SPARE_BYTES ? IMPAIR_SPARE_BYTES : bytes;

	if (room == IMPAIR_SPARE_BYTES && frame)
		im->spare = frame->next;
	else
		frame = malloc(sizeof(*frame) + room);
	if (!frame)
		return NULL;
	frame->room_bytes = room;
	frame->bytes = bytes;
	frame->next = NULL;
	memcpy(frame->data, data, bytes);
	return frame;
}

void impair_give_back(struct impair *im, struct impair_frame *frame)
{
	if (frame->room_bytes != IMPAIR_SPARE_BYTES) {
		free(frame);
		return;
	}
	frame->next = im->spare;
	im->spare = frame;
}

/* ---- the faults ---- */

/* When the frame leaves the queue and the rate limit; false when the queue is full. */
static bool through_queue(struct impair *im, uint32_t bytes, uint64_t now_ns, uint64_t *out_ns)
{
	uint64_t rate = im->config.rate_bits_per_s;
	uint64_t start = im->link_free_ns > now_ns ? im->link_free_ns : now_ns;
	double waiting_bytes;

	*out_ns = now_ns;
	if (rate == 0)
		return true;
	waiting_bytes = (double)(start - now_ns) * (double)rate / 8e9;
	if (waiting_bytes + bytes > im->config.queue_bytes && start > now_ns)
		return false;
	im->link_free_ns = start + (uint64_t)((double)bytes * 8e9 / (double)rate);
	*out_ns = im->link_free_ns;
	return true;
}

/* Flips one bit that the transport checksum covers, other than UDP's checksum field itself, where
 * a flip could say "none". False: nothing in this frame has a checksum. */
static bool corrupt(struct impair *im, struct impair_frame *frame, bool has_link_header)
{
	struct layout at;
	uint32_t where, length, field;

	if (!layout_find(frame->data, frame->bytes, has_link_header, &at) || at.fragment)
		return false;
	field = layout_checksum_offset(at.protocol);
	length = at.end - at.transport;
	if (field == 0 || length < 8)
		return false;
	if (at.protocol == LAYOUT_UDP && frame->data[at.transport + 6] == 0 && frame->data[at.transport + 7] == 0)
		return false;
	where = draw_below(im, CHANCE_CORRUPT_WHERE, (length - 2) * 8);
	if (where >= field * 8)
		where += 16;
	frame->data[at.transport + where / 8] ^= (uint8_t)(1U << where % 8);
	return true;
}

static uint64_t delayed(struct impair *im, uint64_t from_ns)
{
	uint64_t delay = im->config.delay_ns;
	uint64_t jitter = im->config.jitter_ns;
	uint64_t due;

	if (jitter) {
		delay += draw(im, CHANCE_JITTER) % (2 * jitter + 1);
		delay = delay > jitter ? delay - jitter : 0;
	}
	due = time_after(from_ns, delay);
	if (due < im->last_due_ns)
		due = im->last_due_ns;
	im->last_due_ns = due;
	return due;
}

static void held_release(struct impair *im, unsigned i, uint64_t due_ns)
{
	struct impair_frame *frame = im->held[i].frame;

	im->held_count--;
	memmove(&im->held[i], &im->held[i + 1], (im->held_count - i) * sizeof(im->held[0]));
	frame->due_ns = due_ns;
	frame->order = im->order++;
	heap_insert(im, frame);
}

/* A frame has gone on its way: those that waited for it follow right behind. */
static void overtake(struct impair *im, uint64_t due_ns)
{
	for (unsigned i = 0; i < im->held_count;) {
		if (--im->held[i].overtakers == 0)
			held_release(im, i, due_ns);
		else
			i++;
	}
}

static void depart(struct impair *im, struct impair_frame *frame, uint64_t due_ns)
{
	frame->due_ns = due_ns;
	frame->order = im->order++;
	im->held_bytes += frame->bytes;
	if (im->held_count < IMPAIR_HELD_MAX && happens(im, CHANCE_REORDER, im->config.reorder)) {
		im->counters.reordered++;
		frame->due_ns = time_after(due_ns, IMPAIR_HOLD_NS);
		im->held[im->held_count++] =
		    (struct impair_held){frame, 1 + draw_below(im, CHANCE_REORDER_BY, 3)};
		return;
	}
	heap_insert(im, frame);
	overtake(im, due_ns);
}

int impair_push(struct impair *im, const uint8_t *data, uint32_t bytes, bool has_link_header, uint64_t now_ns)
{
	struct impair_frame *frame, *twin;
	uint64_t out_ns, due_ns;

	im->counters.frames++;
	if (im->held_bytes > IMPAIR_HELD_BYTES_MAX || !through_queue(im, bytes, now_ns, &out_ns)) {
		im->counters.queue_dropped++;
		return 0;
	}
	if (happens(im, CHANCE_LOSS, im->config.loss)) {
		im->counters.lost++;
		return 0;
	}
	frame = heap_reserve(im) ? NULL : frame_new(im, data, bytes);
	if (!frame)
		return -ENOMEM;
	if (happens(im, CHANCE_CORRUPT, im->config.corrupt) && corrupt(im, frame, has_link_header))
		im->counters.corrupted++;
	due_ns = delayed(im, out_ns);
	depart(im, frame, due_ns);
	if (!happens(im, CHANCE_DUPLICATE, im->config.duplicate))
		return 0;
	twin = heap_reserve(im) ? NULL : frame_new(im, frame->data, frame->bytes);
	if (!twin)
		return -ENOMEM;
	im->counters.duplicated++;
	twin->due_ns = due_ns;
	twin->order = im->order++;
	im->held_bytes += twin->bytes;
	heap_insert(im, twin);
	return 0;
}

static uint64_t held_first(const struct impair *im, unsigned *index)
{
	uint64_t first_ns = TIME_NEVER;

	for (unsigned i = 0; i < im->held_count; i++)
		if (im->held[i].frame->due_ns < first_ns) {
			first_ns = im->held[i].frame->due_ns;
			*index = i;
		}
	return first_ns;
}

struct impair_frame *impair_pop(struct impair *im, uint64_t now_ns)
{
	struct impair_frame *frame;
	unsigned index = 0;
	uint64_t held_ns;

	while ((held_ns = held_first(im, &index)) <= now_ns)
		held_release(im, index, held_ns);
	if (im->count == 0 || im->slot[0]->due_ns > now_ns)
		return NULL;
	frame = heap_take_first(im);
	im->held_bytes -= frame->bytes;
	return frame;
}

uint64_t impair_deadline(const struct impair *im)
{
	unsigned index = 0;
	uint64_t first_ns = held_first(im, &index);

	return im->count ? time_earlier(first_ns, im->slot[0]->due_ns) : first_ns;
}
