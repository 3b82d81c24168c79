#!/bin/bash
# SPDX-License-Identifier: MIT
# The story: one teachnetd for each stack, however many programs ask for it at once; it tells
# whoever waits, keeps out of the way while nothing happens, leaves when it is not needed, and
# whatever stops it from starting is a sentence that says what to do. No wire is needed for that:
# the stack of these tests has a loopback only.
. "$top_srcdir/tests/shell/lib.sh"

plan 31

daemon=$top_builddir/teachnetd
export TEACHNET_RUNTIME_DIR=$scratch/run TEACHNET_INTERFACE=lo TEACHNET_IDLE_EXIT=1
unset LD_PRELOAD TEACHNET_STACK TEACHNET_CONFIG

# start [VARIABLE=VALUE...]: as the shim does, prints what comes on the ready descriptor.
start() { env "$@" timeout 20 "$daemon" --auto --ready-fd=3 3>&1 >/dev/null 2>&1; }
pid() { cat "$scratch/run/${1:-default}.lock" 2>/dev/null; }
alive() { kill -0 "$1" 2>/dev/null; }
gone() { ! alive "$1"; }
switches() { sed -n 's/^voluntary_ctxt_switches:[^0-9]*//p' "/proc/$1/status"; }
at_exit 'kill $(cat "$scratch"/run/*.lock)'

# --- twenty at once ---
for i in $(seq 20); do
	# through a pipe, whose end comes only when the daemon has said its word
	(start TEACHNET_IDLE_EXIT=60 | cat >"$scratch/start.$i") &
done
wait
is "20 starts at once: each is told ok" "$(cat "$scratch"/start.* | sort | uniq -c | tr -s ' ')" " 20 ok"
one=$(pid)
running=$(grep -lzF "TEACHNET_RUNTIME_DIR=$scratch/run" /proc/[0-9]*/environ 2>/dev/null | while read -r f; do
	p=${f#/proc/}; p=${p%/environ}
	[ "$(cat "/proc/$p/comm" 2>/dev/null)" = teachnetd ] && echo "$p"
done | sort -u | wc -l)
is "one teachnetd runs" "$running" 1
ok "it is in the lock file" alive "$one"
is "the folder is private" "$(stat -c %a "$scratch/run")" 700
is "the control socket, too" "$(stat -c %a "$scratch/run/default.sock")" 600
is "it has left the session of whoever started it" "$(ps -o sid= -p "$one" | tr -d ' ' | grep -vx "$(ps -o sid= -p $$ | tr -d ' ')" | wc -l)" 1
is "nobody's child" "$(ps -o ppid= -p "$one" | tr -d ' ' | grep -cx $$)" 0
is "its folder is /" "$(readlink "/proc/$one/cwd")" /
is "it has no capability but CAP_NET_RAW" "$(awk '/^Cap(Prm|Eff|Inh)/ && $2 !~ /^0000000000002000$|^0+$/' "/proc/$one/status")" ""
is "and no way to new ones" "$(awk '/^NoNewPrivs/ { print $2 }' "/proc/$one/status")" 1
is "no descriptor of the caller came along" "$(find "/proc/$one/fd" -lname "$scratch/start*")" ""

out=$(timeout 10 "$daemon" --foreground 2>&1)
like "a second one says who serves already" "$out" "a teachnetd serves the stack .default. already \(process $one\).*TEACHNET_STACK"
is "another stack is another teachnetd" "$(start TEACHNET_STACK=other)" ok
fails "with its own process" test "$(pid other)" = "$one"

# --- nothing to do ---
sleep 0.5
before=$(switches "$one")
sleep 2
is "an idle teachnetd is never woken up" "$(($(switches "$one") - before))" 0

# --- the end ---
kill -9 "$one"
retry 5 gone "$one"
is "after kill -9 the next start finds its way" "$(start TEACHNET_IDLE_EXIT=1)" ok
two=$(pid)
ok "with a new teachnetd" test "$two" != "$one"
ok "which leaves when nobody needs it" retry 6 gone "$two"
fails "and takes its socket along" test -e "$scratch/run/default.sock"
is "again and again" "$(start)" ok
kill -TERM "$(pid)"
ok "SIGTERM ends it" retry 5 gone "$(pid)"
fails "and its socket" test -e "$scratch/run/default.sock"

# --- sentences ---
like "no such interface" "$(start TEACHNET_INTERFACE=nope0)" '^error: .*nope0'
like "no such interface" "$(start TEACHNET_INTERFACE=none0 TEACHNET_ADDR=192.0.2.1/24)" '^error: .*none0'
like "a malformed value" "$(start TEACHNET_ADDR=192.0.2.1)" \
	'^error: TEACHNET_ADDR is .192.0.2.1.: give addresses with their prefix lengths, as 192.0.2.10/24, or dhcp$'
like "a folder of others" "$(mkdir -m 777 "$scratch/open" && start TEACHNET_RUNTIME_DIR="$scratch/open")" \
	'^error: .*can be written by others: remove it, or set TEACHNET_RUNTIME_DIR'
like "no folder" "$(start TEACHNET_RUNTIME_DIR=/proc/none)" '^error: .*Set TEACHNET_RUNTIME_DIR'
like "the kernel is no stack of ours" "$(start TEACHNET_STACK=kernel)" '^error: TEACHNET_STACK is .kernel.'
like "--config-check names the mistake" "$(TEACHNET_LOSS=lots "$daemon" --config-check 2>&1)" \
	'TEACHNET_LOSS is .lots.: give a share from 0 to 100'
like "and warns of what is misspelt" "$(TEACHNET_ADRR=x "$daemon" --config-check 2>&1)" 'did you mean TEACHNET_ADDR'
like "an unknown option" "$("$daemon" --forground 2>&1)" 'see --help'
