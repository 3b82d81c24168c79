#!/bin/bash
# SPDX-License-Identifier: MIT
# The story: what the lab's web server offers is known byte by byte, so that a transfer can be
# judged without asking anyone. The sums that the source states are those of the files, and
# https, uploads, DNS and the small services answer as soon as CMD runs.
. "$top_srcdir/tests/shell/lib.sh"
. "$top_srcdir/tests/shell/lab.sh"

E2E_STACK=kernel
plan 10

# shellcheck disable=SC2016
ok "every file has the sum that SHA256SUMS states" lab_bulk bash -c \
	'cd "$TEACHNET_LAB/www" && curl -fsS http://www.lab/SHA256SUMS | sha256sum -c --quiet'
ok "there are five of them" lab bash -c 'test "$(curl -fsS http://www.lab/SHA256SUMS | wc -l)" = 5'
ok "curl, wget and python3 trust the lab's https" lab bash -ec '
	curl -fsS https://www.lab/ | grep -q Hello
	wget -qO- https://www.lab/ | grep -q Hello
	python3 -c "import urllib.request as u; u.urlopen(\"https://www.lab/\").read()"'
ok "another name is not trusted" lab bash -c '
	curl -s --resolve other.lab:443:192.0.2.1 https://other.lab/; test $? = 60'
ok "what is uploaded comes back" lab bash -ec '
	head -c 3000000 /dev/urandom >"$TEACHNET_LAB/mine"
	curl -fsS -T "$TEACHNET_LAB/mine" http://www.lab/deep/er/mine
	curl -fsS http://www.lab/deep/er/mine | cmp - "$TEACHNET_LAB/mine"'
ok "names have addresses, addresses have names, others are unknown" lab bash -ec '
	getent ahostsv4 www.lab | grep -q "^192.0.2.1 "
	getent ahostsv4 peer.lab | grep -q "^192.0.2.1 "
	getent ahostsv4 host | grep -q "^192.0.2.2 "
	getent hosts 192.0.2.1 | grep -qE "(www|peer).lab"
	! getent ahosts nobody.lab
	! getent ahosts example.org'
ok "echo answers over TCP and UDP" lab bash -ec '
	test "$(echo one | nc -N -w 5 peer.lab 7)" = one
	test "$(echo two | nc -u -w 1 peer.lab 7)" = two'
ok "chargen talks, discard does not" lab bash -ec '
	test "$(nc -d -w 5 peer.lab 19 | head -c 74 | cut -c 1-4)" = " !\"#"
	test "$(echo x | nc -u -w 1 peer.lab 19 | wc -c)" = 444
	test -z "$(head -c 1000000 /dev/zero | nc -N -w 5 peer.lab 9)"'
ok "iperf3 serves" lab iperf3 -t 1 -c peer.lab
ok "the world is out of reach, and the gateway says so at once" lab bash -c '
	curl -sS -m 5 http://198.51.100.1/; test $? = 7'
