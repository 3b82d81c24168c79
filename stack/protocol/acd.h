/* SPDX-License-Identifier: MIT */
/*
 * IPv4 address conflict detection (RFC 5227): three probes before an address is announced twice,
 * and a defence afterwards, at most one in ten seconds. As in Linux the address is usable from the
 * first moment; what the probes find is told to the owner.
 */
#ifndef STACK_PROTOCOL_ACD_H
#define STACK_PROTOCOL_ACD_H

#include "stack/protocol/interface.h"

/* probe false: the address is preferred at once, and nothing is sent. */
void acd_begin(struct interface_address *a, bool probe);
/* An ARP packet from another station claims the address of a, or (probing) asks for it as a probe. */
void acd_conflict(struct interface_address *a, const struct mac_addr *other, bool other_probes);

#endif
