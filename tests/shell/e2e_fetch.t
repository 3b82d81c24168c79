#!/bin/bash
# SPDX-License-Identifier: MIT
# time limit: 300 s
# The story: unmodified clients on our stack move every byte, both ways, however many there are:
# 1 GiB down and up, and 100 MiB on a wire that loses, delays and reorders.
. "$top_srcdir/tests/shell/lib.sh"
. "$top_srcdir/tests/shell/lab.sh"

plan 12

bad_wire=(--loss 3% --reorder 5% --delay 10ms --seed 7)

ok "curl fetches a page" lab bash -c 'curl -fsS http://www.lab/ | cmp - $TEACHNET_LAB/www/index.html'
ok "curl fetches it over https" lab bash -c 'curl -fsS https://www.lab/ | cmp - $TEACHNET_LAB/www/index.html'
ok "wget does" lab bash -c 'wget -qO- http://www.lab/1M.bin | cmp - $TEACHNET_LAB/www/1M.bin'
ok "a thousand fetches over one connection" lab_bulk bash -c '
	test $(curl -fsS "http://www.lab/1K.bin?[1-1000]" | wc -c) = 1024000'
ok "a hundred downloads at once" lab_bulk bash -c '
	seq 100 | xargs -P 100 -I{} curl -fsS http://www.lab/1M.bin?{} -o $TEACHNET_LAB/got{} &&
	for i in $(seq 100); do cmp $TEACHNET_LAB/got$i $TEACHNET_LAB/www/1M.bin || exit 1; done'
ok "1 GiB down" lab_bulk bash -c 'curl -fsS http://www.lab/1G.bin | cmp - $TEACHNET_LAB/www/1G.bin'
ok "1 GiB up" lab_bulk bash -c '
	curl -fsS -T $TEACHNET_LAB/www/1G.bin http://www.lab/up && cmp $TEACHNET_LAB/upload/up $TEACHNET_LAB/www/1G.bin'
ok "100 MiB up with nc, end of file included" lab_bulk bash -c '
	teachnet peer nc $nc_family -l -p 5000 >$TEACHNET_LAB/got & sleep 0.3
	nc -N peer.lab 5000 <$TEACHNET_LAB/www/100M.bin && wait && cmp $TEACHNET_LAB/got $TEACHNET_LAB/www/100M.bin'
# What loses 3 % leaves Reno and CUBIC some 0.4 MB/s, on any stack; BBR does not mind. Where the second
# host's kernel has no BBR, it sends a tenth.
ok "100 MiB down on a bad wire" lab_bulk "${bad_wire[@]}" bash -c '
	file=100M.bin
	teachnet peer sysctl -qw net.ipv4.tcp_congestion_control=bbr 2>/dev/null || file=10M.bin
	curl -fsS http://www.lab/$file | cmp - $TEACHNET_LAB/www/$file'
ok "100 MiB up on a bad wire" lab_bulk "${bad_wire[@]}" env TEACHNET_CONGESTION=bbr bash -c '
	curl -fsS -T $TEACHNET_LAB/www/100M.bin http://www.lab/up && cmp $TEACHNET_LAB/upload/up $TEACHNET_LAB/www/100M.bin'
ok "5 MiB up on it with CUBIC" lab_bulk "${bad_wire[@]}" env TEACHNET_CONGESTION=cubic bash -c '
	head -c 5000000 $TEACHNET_LAB/www/100M.bin >$TEACHNET_LAB/some
	curl -fsS -T $TEACHNET_LAB/some http://www.lab/up && cmp $TEACHNET_LAB/upload/up $TEACHNET_LAB/some'
ok "10 MiB both ways where a tenth arrives twice" lab_bulk --duplicate 10% --delay 1ms --seed 7 bash -c '
	curl -fsS http://www.lab/10M.bin | cmp - $TEACHNET_LAB/www/10M.bin &&
	curl -fsS -T $TEACHNET_LAB/www/10M.bin http://www.lab/up && cmp $TEACHNET_LAB/upload/up $TEACHNET_LAB/www/10M.bin'
