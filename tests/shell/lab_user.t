#!/bin/bash
# SPDX-License-Identifier: MIT
# The story: a lab needs no privilege. An ordinary user (nobody, when the tests run as root) gets
# the same lab, stays the user that they are, and has no power over the machine there.
. "$top_srcdir/tests/shell/lib.sh"
. "$top_srcdir/tests/shell/lab.sh"

plan 6

as_user() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/nonexistent "$@"
	else
		"$@"
	fi
}
export top_builddir
user_lab() { as_user timeout -k 5 100 "$teachnet" lab --stack=kernel "$@"; }

if ! as_user "$teachnet" lab --stack=kernel true 2>"$scratch/why"; then
	grep -q 'does not let users' "$scratch/why" && skip_all "$(cat "$scratch/why")"
fi
ok "services answer" user_lab bash -ec '
	curl -fsS https://www.lab/ | grep -q Hello
	head -c 100000 /dev/zero | curl -fsS -T - http://www.lab/zero
	test $(curl -fsS http://www.lab/zero | wc -c) = 100000
	test "$(echo one | nc -N -w 5 peer.lab 7)" = one'
is "the user is the same in the lab" "$(user_lab id -u)" "$(as_user id -u)"
ok "the second host can be used" user_lab teachnet peer ping -c 1 -W 2 host.lab
fails "the machine's own network is out of reach" user_lab ip netns add tool-test
fails "so is its clock" user_lab date -s 2020-01-01
ok "the wire can be bad there, too" user_lab --delay 20ms --seed 1 curl -fsS -o /dev/null http://www.lab/1M.bin
