/* SPDX-License-Identifier: MIT */
/*
 * Where the other parts of teachnet are: in the build tree when this very program runs from one,
 * else where they were installed. Paths are absolute; functions return 0 or a negative errno.
 */
#ifndef TOOL_PLACES_H
#define TOOL_PLACES_H

#include <stdbool.h>

#define PLACE_BYTES 4096U

struct places {
	char folder[PLACE_BYTES];   /* of teachnet itself */
	char library[PLACE_BYTES];  /* libteachnet.so */
	char daemon[PLACE_BYTES];   /* teachnetd; TEACHNET_DAEMON wins */
	char wire[PLACE_BYTES];     /* teachnet-wire */
};

/* -ENOENT when the library or the daemon is nowhere, and need_stack; then a sentence was printed. */
int places_find(struct places *out, bool need_stack);

/* Our folder for what may be made again: /var/cache/teachnet for root, else
 * $XDG_CACHE_HOME/teachnet, ~/.cache/teachnet, or /var/tmp/teachnet-UID. Makes it. */
int places_cache(char out[PLACE_BYTES]);

/* What LD_PRELOAD has to be: the library, behind AddressSanitizer's run-time where that is in it,
 * in front of what the environment's LD_PRELOAD says already. */
void places_preload(const struct places *places, char *out, unsigned room);

#endif
