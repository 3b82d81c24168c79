# program: postgres, psql, pgbench
# role: server and client
# tried: a cluster of its own; pgbench with 10 connections from the second host, psql COPY out and in compared; a process per connection
# needs: pgbench python3
# seconds: 90
# version: pgbench --version
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
mkdir pg
# postgres will not be root. Who has a socket of ours keeps the right to the stack through setuid().
cat >as-nobody.py <<-'END'
	import os, socket, sys
	keep = socket.socket()
	if os.getuid() == 0:
	    os.chown("pg", 65534, 65534)
	    os.setgroups([])
	    os.setgid(65534)
	    os.setuid(65534)
	os.execv(sys.argv[1], sys.argv[1:])
END
python3 as-nobody.py "$bin/initdb" -D pg/data -U lab -A trust --no-sync >init.log
printf 'host all all %s trust\n' 192.0.2.0/24 2001:db8::/32 >>pg/data/pg_hba.conf
python3 as-nobody.py "$bin/postgres" -D pg/data -c listen_addresses='*' -c unix_socket_directories= -c fsync=off >pg.log 2>&1 &
within 20 teachnet peer "$bin/pg_isready" -h host.lab -U lab -d postgres
teachnet peer pgbench -h host.lab -U lab -i -s 2 -q postgres
teachnet peer pgbench -h host.lab -U lab -c 10 -j 2 -t 100 postgres | tee bench
grep -q 'actually processed: 1000/1000' bench
teachnet peer psql -h host.lab -U lab -qc '\copy pgbench_accounts to a.csv csv' postgres
psql -h 127.0.0.1 -U lab -qc 'create table b (like pgbench_accounts)' -c '\copy b from a.csv csv' -c '\copy b to b.csv csv' postgres
[ "$(wc -l <a.csv)" = 200000 ]
same a.csv b.csv
