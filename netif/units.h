/* SPDX-License-Identifier: MIT */
/*
 * Quantities as people write them: 3%, 10ms, 100mbit, 256k. Used by the lab's wire and for
 * TEACHNET_LOSS and its kin. A number has digits and perhaps a decimal point; letters may be of
 * either case; nothing may follow. A quantity other than zero needs its unit (a percentage and a
 * size do not): "10" seconds or milliseconds is a guess that we do not make.
 *
 * All return 0, -EINVAL (not such a quantity) or -ERANGE.
 */
#ifndef NETIF_UNITS_H
#define NETIF_UNITS_H

#include <stdint.h>

/* 3, 3%, 0.5% -> 0.03, 0.03, 0.005. At most 100. */
int units_parse_percent(const char *text, double *probability);
/* ns, us, ms, s, m (minutes). */
int units_parse_duration(const char *text, uint64_t *duration_ns);
/* bit, kbit, mbit, gbit (powers of 1000, a second). 0 is no limit. */
int units_parse_rate(const char *text, uint64_t *rate_bits_per_s);
/* b, k, kb, kib, m, mb, mib, g, gb, gib: all powers of 1024. */
int units_parse_bytes(const char *text, uint64_t *bytes);

#endif
