#!/bin/bash
# SPDX-License-Identifier: MIT
# The story: a lab leaves no process, mount, link or file behind, however it ends, and labs do not
# see each other.
. "$top_srcdir/tests/shell/lib.sh"
. "$top_srcdir/tests/shell/lab.sh"

E2E_STACK=kernel
plan 13

no_process() { [ -z "$(pgrep -f "$1")" ]; }
sleeper=$((RANDOM + 100000)).5

is "CMD's status is the lab's" "$(lab sh -c 'exit 7' >/dev/null; echo $?)" 7
is "CMD's signal is the lab's status as in a shell" "$(lab sh -c 'kill -9 $$' >/dev/null; echo $?)" 137
is "a command that does not exist" "$("$teachnet" lab --stack=kernel /no/such 2>&1; echo $?)" \
	"teachnet lab: cannot run /no/such: No such file or directory
127"
ok "input and output are CMD's" test "$(echo through | "$teachnet" lab --stack=kernel cat)" = through

start() {
	"$teachnet" lab --stack=kernel sh -c "echo up >$scratch/up; sleep $sleeper & sleep $sleeper" &
	started=$!
	retry 10 test -e "$scratch/up" || fail "the lab came up"
	rm -f "$scratch/up"
}

start
kill -9 $started
wait $started 2>/dev/null
ok "kill -9 of the command that was typed ends the lab" retry 3 no_process "sleep $sleeper"

start
kill -TERM $started
wait $started
is "SIGTERM is handed on" $? 143
ok "and ends what CMD left in the background" retry 3 no_process "sleep $sleeper"

start
init=$(pgrep -P $started)
kill -9 "$init"
wait $started
is "kill -9 of the lab's first process" $? 137
ok "ends everything, too" retry 3 no_process "sleep $sleeper"

setsid --wait bash -c "trap : INT; env --default-signal=INT '$teachnet' lab --stack=kernel sleep $sleeper & sleep 1; kill -INT -\$\$; wait"
ok "an interrupt at the terminal ends CMD and the lab" retry 3 no_process "sleep $sleeper"

ok "no mount and no link is left" bash -c '! grep teachnet-lab /proc/self/mounts && ! ip link | grep -w left'
empty() { [ -z "$(find /var/cache/teachnet/lab ~/.cache/teachnet/lab /var/tmp/teachnet-$UID/lab -mindepth 1 2>/dev/null)" ]; }
ok "no file is left" empty

many() {
	local i pids=()
	for i in 1 2 3 4 5 6; do
		"$teachnet" lab --stack=kernel sh -c "echo $i >\$TEACHNET_LAB/mine; sleep 0.3; test \$(cat \$TEACHNET_LAB/mine) = $i &&
			curl -fsS http://www.lab/1M.bin | sha256sum | grep -q bc9d1d01" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || return 1
	done
}
ok "six labs at once do not disturb each other" many
