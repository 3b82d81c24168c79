# program: sockperf
# role: client and server
# tried: ping-pong over TCP and UDP in both roles, 1 second each, nothing lost
# version: sockperf --version
for p in "" --tcp; do
	sockperf server $p -p 5100 >server.log 2>&1 &
	server=$!
	teachnet peer sockperf server $p -p 5101 >server2.log 2>&1 &
	sleep 0.7
	teachnet peer sockperf ping-pong $p -i 192.0.2.2 -p 5100 -t 1 | tee a
	grep -q 'dropped messages = 0' a
	sockperf ping-pong $p -i 192.0.2.1 -p 5101 -t 1 | tee b
	grep -q 'dropped messages = 0' b
	kill $server; wait $server || :
	teachnet peer sh -c 'kill $(pgrep -x sockperf)'
done
