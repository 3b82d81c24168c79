#!/bin/bash
# SPDX-License-Identifier: MIT
# time limit: 240 s
# The story: an unmodified server on our stack serves clients of the kernel's: one after the other,
# a hundred at once, every byte, and no socket stays behind but TIME-WAIT.
. "$top_srcdir/tests/shell/lib.sh"
. "$top_srcdir/tests/shell/lab.sh"

plan 6

cat >"$scratch/up" <<'END'
# Starts a server on 8000 in a folder with a file of 100 KiB, and waits until it answers.
cd "$TEACHNET_LAB/temp" && head -c 102400 ../www/1M.bin >file
python3 -m http.server 8000 $any_address >../server.log 2>&1 &
server=$!
for _ in $(seq 100); do
	teachnet peer curl -fsS -o first http://host.lab:8000/file 2>/dev/null && break
	sleep 0.1
done
same() { for i in "$@"; do cmp "$i" file || exit 1; done; }
END

ok "http.server: 1,000 fetches, one after the other" lab_bulk bash -ec ". $scratch/up"'
	teachnet peer curl -fsS "http://host.lab:8000/file?[1-1000]" -o "got#1"
	same got*; test $(ls got* | wc -l) = 1000'
ok "100 clients at once" lab_bulk bash -ec ". $scratch/up"'
	teachnet peer sh -c "seq 100 | xargs -P 100 -I{} curl -fsS http://host.lab:8000/file -o got{}"
	same got*; test $(ls got* | wc -l) = 100'
if [ "$E2E_STACK" = kernel ]; then
	skip "no socket is left" "the kernel's are not in teachnet ss"
else
	ok "no socket is left but the listener and TIME-WAIT" lab_bulk bash -ec ". $scratch/up"'
		teachnet peer sh -c "seq 100 | xargs -P 20 -I{} curl -fsS http://host.lab:8000/file -o /dev/null"
		sleep 1
		teachnet ss -tan | tee left
		test "$(grep -c LISTEN left)" = 1
		! tail -n +2 left | grep -vE "LISTEN|TIME-WAIT"'
fi
ok "when it ends, its port is free" lab_bulk bash -ec ". $scratch/up"'
	kill $server; wait $server || :
	! teachnet peer curl -fsS --max-time 3 http://host.lab:8000/file
	python3 -m http.server 8000 $any_address >../server.log 2>&1 & server=$!
	for _ in $(seq 50); do teachnet peer curl -fsS -o again http://host.lab:8000/file && break; sleep 0.1; done
	cmp again file; kill $server'
ok "nginx serves 100 MiB and a hundred small ones at once" lab_bulk bash -ec '
	cd $TEACHNET_LAB/temp
	cat >our.conf <<-END
	daemon off; worker_processes 2; pid our.pid; error_log stderr;
	events { worker_connections 1000; }
	http { access_log off; client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3;
	uwsgi_temp_path t4; scgi_temp_path t5; server { listen 8080; listen [::]:8080; root $TEACHNET_LAB/www; } }
	END
	PATH=$PATH:/usr/sbin
	nginx -p ./ -e stderr -c our.conf >../our-nginx.log 2>&1 &
	for _ in $(seq 50); do teachnet peer curl -fsS -o /dev/null http://host.lab:8080/1K.bin 2>/dev/null && break; sleep 0.1; done
	teachnet peer curl -fsS http://host.lab:8080/100M.bin | cmp - ../www/100M.bin
	teachnet peer sh -c "seq 100 | xargs -P 50 -I{} curl -fsS http://host.lab:8080/1M.bin -o got{}"
	for i in $(seq 100); do cmp got$i ../www/1M.bin; done'
ok "an upload into a server of ours arrives whole" lab_bulk bash -ec '
	nc $nc_family -l -p 5000 >$TEACHNET_LAB/got & sleep 0.5
	teachnet peer nc -N host.lab 5000 <$TEACHNET_LAB/www/100M.bin
	wait $!; cmp $TEACHNET_LAB/got $TEACHNET_LAB/www/100M.bin'
