# program: redis-server
# role: server and client
# tried: redis-benchmark with 50 connections and pipelining while BGSAVE forks; a value of 5 MiB
# needs: redis-server redis-cli redis-benchmark
# version: redis-server --version
redis-server --port 6379 --save "" --appendonly no --protected-mode no --dir "$PWD" >log 2>&1 &
ours_up 6379
head -c 5242880 "$www/10M.bin" | base64 -w 0 >value
teachnet peer sh -c 'redis-cli -h host.lab -x set big <value; redis-cli -h host.lab get big >got'
head -c -1 got | cmp - value
teachnet peer redis-benchmark -h host.lab -q -n 40000 -c 50 -P 4 -r 100000 -t set,get,lpush >bench.log &
bench=$!
for i in 1 2 3; do
	sleep 0.3
	teachnet peer redis-cli -h host.lab bgsave
	within 10 sh -c 'teachnet peer redis-cli -h host.lab info persistence | grep -q rdb_bgsave_in_progress:0'
done
wait $bench
teachnet peer redis-cli -h host.lab info persistence | grep -q rdb_last_bgsave_status:ok
redis-check-rdb dump.rdb | grep -q 'RDB looks OK'
redis-benchmark -h 127.0.0.1 -q -n 10000 -t ping
