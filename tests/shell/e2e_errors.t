#!/bin/bash
# SPDX-License-Identifier: MIT
# The story: whoever does something wrong reads a sentence that says what to do about it.
. "$top_srcdir/tests/shell/lib.sh"
. "$top_srcdir/tests/shell/lab.sh"

plan 19
said() { "$@" 2>&1 </dev/null; }

like "a command that is nearly right" "$(said teachnet lba)" "did you mean 'teachnet lab'"
said teachnet lba >/dev/null
is "is wrong usage" $? 2
like "an option that does not exist" "$(said teachnet lab --los 3%)" "--los: unknown option"
like "teachnet ss without a stack" "$(TEACHNET_RUNTIME_DIR=$scratch said teachnet ss)" "no teachnetd runs"
TEACHNET_RUNTIME_DIR=$scratch said teachnet ss >/dev/null
is "is an error" $? 1
is "and starts none" "$(ls -A "$scratch")" ""
like "teachnet peer outside of a lab" "$(said teachnet peer true)" "inside of teachnet lab"
like "a wire that is no number" "$(said teachnet lab --loss lots true)" "loss.*(percent|share|%)"
like "a malformed setting, to the tool" "$(TEACHNET_ADDR=10.0.0.300/24 said teachnet ss)" "TEACHNET_ADDR.*10.0.0.300"
like "programs that are missing" "$(PATH=$scratch said "$teachnet" lab true; true)" "^$|apt-get install"

[ "$E2E_STACK" = default ] || { for i in 11 12 13 14 15 16 17 18 19; do skip "point $i" "about our own stack only"; done; exit 0; }
curl='curl -sS -m 5 -o /dev/null http://192.0.2.1/1K.bin'
like "a malformed setting, to a program" "$(said teachnet lab sh -c "TEACHNET_ADDR=10.0.0.300/24 $curl")" \
	"TEACHNET_ADDR.*10.0.0.300"
like "an interface that does not exist" "$(said teachnet lab sh -c "TEACHNET_INTERFACE=nope0 $curl")" "nope0"
like "no address, and nobody to ask" "$(said teachnet lab sh -c "TEACHNET_ADDR= $curl; cat \$TEACHNET_RUNTIME_DIR/*.log")" \
	"no DHCP server.*TEACHNET_ADDR"
like "no permission" "$(said teachnet lab setpriv --inh-caps -all --ambient-caps -all --bounding-set -net_raw --no-new-privs sh -c "$curl")" \
	"(CAP_NET_RAW|cap_net_raw|root|permission)"
like "an address that is taken on the LAN" "$(said teachnet lab sh -c "TEACHNET_ADDR=192.0.2.1/24 TEACHNET_GATEWAY= curl -sS -m 5 http://192.0.2.9/ ; cat \$TEACHNET_RUNTIME_DIR/*.log")" \
	"192.0.2.1.*(taken|in use|another|already|conflict)"
like "a setting that nobody knows" "$(said teachnet lab sh -c "TEACHNET_ADRESS=1 $curl; cat \$TEACHNET_RUNTIME_DIR/*.log")" "TEACHNET_ADRESS"
like "a route without meaning" "$(said teachnet lab sh -c "$curl; teachnet route add nonsense")" "nonsense|route add"
like "an address without meaning" "$(said teachnet lab sh -c "$curl; teachnet addr add nonsense")" "nonsense|addr add"
like "a name that does not exist" "$(said teachnet lab curl -sS http://nobody.lab/)" "resolve.*nobody.lab"
