#!/bin/bash
# SPDX-License-Identifier: MIT
# time limit: 180 s
# The story: on a LAN where a DHCP server and a router of IPv6 speak, nothing needs to be configured:
# the stack gets address, route, name servers and domain, gives up an address that somebody has
# already, gives its lease back at the end, and takes a link-local address where nobody answers.
. "$top_srcdir/tests/shell/lib.sh"
. "$top_srcdir/tests/shell/lab.sh"

[ "$E2E_STACK" = default ] || skip_all "about our own stack only"
plan 6

# Tries for 20 s.
export until='t=0; until_() { until eval "$1" 2>/dev/null; do t=$((t + 1)); test $t -lt 100 || return 1; sleep 0.2; done; }'

ok "curl works with nothing configured" lab --dhcp bash -ec '
	curl -fsS http://www.lab/ | cmp - $TEACHNET_LAB/www/index.html
	teachnet addr | grep -q "inet 192.0.2.2/24"; teachnet route | grep -Eq "^default +192.0.2.1 "'
ok "name servers and domain are the lease's" lab --dhcp env TEACHNET_RESOLV_CONF=/dev/null bash -ec '
	curl -fsS http://www/ | cmp - $TEACHNET_LAB/www/index.html'
ok "an IPv6 address comes from the router's prefix" lab --dhcp bash -ec "$until"'
	nc -l -p 5000 & curl -fsS -o /dev/null http://www.lab/
	until_ "teachnet addr | grep -Eq \"inet6 2001:db8::.*/64 PREFERRED\""
	curl -6 -fsS http://www.lab/ | cmp - $TEACHNET_LAB/www/index.html; kill %1'
ok "a lease is given back at the end" lab --dhcp bash -ec "$until"'
	curl -fsS -o /dev/null http://www.lab/; teachnet stop
	until_ "grep -q DHCPRELEASE.*192.0.2.2 \$TEACHNET_LAB/dnsmasq.log"'
ok "an address that somebody has already is declined, and another one leased" lab --dhcp bash -ec "$until"'
	teachnet peer ip address add 192.0.2.2/24 dev eth0
	nc -l -p 5000 & until_ "grep -q DHCPDECLINE.*192.0.2.2 \$TEACHNET_LAB/dnsmasq.log"
	until_ "teachnet addr | grep -q \"inet 192.0.2.3/24\""
	curl -fsS http://www.lab/ | cmp - $TEACHNET_LAB/www/index.html; kill %1'
ok "where nobody answers, a link-local address serves" lab env TEACHNET_ADDR=dhcp TEACHNET_GATEWAY= bash -ec '
	teachnet peer ip address add 169.254.0.1/16 dev eth0
	test "$(echo hello | nc -4 -N -w 5 169.254.0.1 7)" = hello
	teachnet addr | grep -q "inet 169.254\..*/16"'
