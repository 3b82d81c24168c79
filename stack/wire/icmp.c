/* SPDX-License-Identifier: MIT */
/* ICMP messages; see icmp.h. */
#include "stack/wire/icmp.h"

#include "stack/base/checksum.h"

bool icmp_is_error(uint8_t type)
{
	/* Echo, router, timestamp, information and mask messages; the rest are errors or unknown. */
	const uint32_t queries = 1U << ICMP_ECHO_REPLY | 1U << ICMP_ECHO | 1U << 9 | 1U << 10 |
				 1U << ICMP_TIMESTAMP | 1U << ICMP_TIMESTAMP_REPLY | 1U << 15 |
				 1U << 16 | 1U << 17 | 1U << 18;

	return type > 31 || !(queries >> type & 1);
}

bool icmp_parse(struct span message, bool verify, struct icmp *out)
{
	const uint8_t *o = message.data;
	struct be16 sum;

	if (message.bytes < ICMP_HEADER_BYTES)
		return false;
	if (verify) {
		sum = checksum_finish(checksum_add((struct checksum){0}, o, message.bytes));
		if (be16_get(sum) != 0)
			return false;
	}
	*out = (struct icmp){
	    .type = o[0],
	    .code = o[1],
	    .id = (uint16_t)(o[4] << 8 | o[5]),
	    .sequence = (uint16_t)(o[6] << 8 | o[7]),
	    .payload = {o + ICMP_HEADER_BYTES, message.bytes - ICMP_HEADER_BYTES},
	};
	return true;
}

void icmp_emit(uint8_t out[ICMP_HEADER_BYTES], const struct icmp *m)
{
	out[0] = m->type;
	out[1] = m->code;
	out[2] = out[3] = 0;
	out[4] = (uint8_t)(m->id >> 8);
	out[5] = (uint8_t)m->id;
	out[6] = (uint8_t)(m->sequence >> 8);
	out[7] = (uint8_t)m->sequence;
}
