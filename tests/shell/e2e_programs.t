#!/bin/bash
# SPDX-License-Identifier: MIT
# time limit: 240 s
# The story: programs that know nothing of us work: netcat, iperf3 both ways, python's asyncio and
# sockets, redis and its benchmark, ssh, git. Those that are not installed are skipped by name.
. "$top_srcdir/tests/shell/lib.sh"
. "$top_srcdir/tests/shell/lab.sh"

plan 12

# with PROGRAM NAME COMMAND...: ok, when there is such a program.
with() {
	local program=$1 name=$2
	shift 2
	if PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null; then
		ok "$name" "$@"
	else
		skip "$name" "$program is not installed"
	fi
}

with nc "nc: TCP echo" lab bash -c 'test "$(echo hello | nc -N -w 5 peer.lab 7)" = hello'
with nc "nc: UDP to the peer and back" lab bash -c 'test "$(echo hello | nc -u -w 1 peer.lab 7)" = hello'
with nc "nc: UDP from the peer and back" lab bash -ec '
	(sleep 1.5; echo answer; sleep 1) | nc $nc_family -u -l -p 5000 >$TEACHNET_LAB/heard & sleep 0.5
	(echo question; sleep 3) | teachnet peer timeout 3 nc $nc_family -u host.lab 5000 >$TEACHNET_LAB/got || :
	grep -qx question $TEACHNET_LAB/heard; grep -qx answer $TEACHNET_LAB/got'
with iperf3 "iperf3: out" lab_bulk iperf3 -c peer.lab -t 2
with iperf3 "iperf3: in" lab_bulk iperf3 -c peer.lab -t 2 -R
with iperf3 "iperf3: four streams, both ways at once" lab_bulk iperf3 -c peer.lab -t 2 -P 4 --bidir
with iperf3 "iperf3: UDP loses little of 20 Mbit/s" lab_bulk bash -c '
	iperf3 -c peer.lab -u -b 20M -t 2 | tee /dev/stderr | grep -E "\(0(\.[0-9]+)?%\).*receiver|\([0-9](\.[0-9]+)?%\).*receiver"'
with iperf3 "iperf3: a server on our stack, both ways" lab_bulk bash -ec '
	iperf3 -s -p 5999 >$TEACHNET_LAB/iperf.log & sleep 0.5
	teachnet peer iperf3 -c host.lab -p 5999 -t 1
	sleep 0.5 # between two clients iperf3 closes its listener and opens another
	teachnet peer iperf3 -c host.lab -p 5999 -t 1 -R'
with python3 "python: asyncio, 200 connections to the echo service at once" lab_bulk python3 -c '
import asyncio
async def one(i):
    r, w = await asyncio.open_connection("peer.lab", 7)
    data = bytes([i % 256]) * 5000
    w.write(data)
    assert await r.readexactly(5000) == data
    w.close()
    await w.wait_closed()
async def main():
    await asyncio.gather(*[one(i) for i in range(200)])
asyncio.run(main())'
with redis-server "redis: a server on our stack, its benchmark on the kernel's" lab_bulk bash -ec '
	redis-server --port 6379 --save "" --appendonly no --protected-mode no --dir $TEACHNET_LAB/temp >$TEACHNET_LAB/redis.log &
	for _ in $(seq 50); do teachnet peer redis-cli -h host.lab ping 2>/dev/null | grep -q PONG && break; sleep 0.1; done
	teachnet peer redis-benchmark -h host.lab -q -n 20000 -c 50 -t get,set'
with redis-server "redis: the other way round" lab_bulk bash -ec '
	teachnet peer redis-server --port 6379 --save "" --appendonly no --protected-mode no --dir $TEACHNET_LAB/temp >$TEACHNET_LAB/redis.log &
	for _ in $(seq 50); do teachnet peer redis-cli ping 2>/dev/null | grep -q PONG && break; sleep 0.1; done
	redis-benchmark -h peer.lab -q -n 20000 -c 50 -t get,set'
with sshd "ssh: to a server on the second host, and 10 MiB through it" lab_bulk bash -ec '
	cd $TEACHNET_LAB/temp && mkdir -p -m 700 ssh && cd ssh
	ssh-keygen -q -t ed25519 -N "" -f host; ssh-keygen -q -t ed25519 -N "" -f user; cp user.pub authorized; chmod 600 authorized
	[ "$(id -u)" != 0 ] || mkdir -p /run/sshd
	teachnet peer /usr/sbin/sshd -D -e -f /dev/null -p 2222 -h $PWD/host -o PidFile=none -o UsePAM=no -o StrictModes=no -o AuthorizedKeysFile=$PWD/authorized -o PermitRootLogin=yes 2>../../sshd.log & sleep 0.5
	ssh -F none -p 2222 -i user -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o IdentitiesOnly=yes -o LogLevel=ERROR peer.lab \
		cat $TEACHNET_LAB/www/10M.bin | cmp - $TEACHNET_LAB/www/10M.bin'
