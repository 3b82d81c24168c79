# program: nc, ncat, socat
# role: client and server
# tried: 10 MiB through each as client and as server; ncat --exec, socat with exec and fork; UDP
# needs: nc ncat socat
# version: ncat --version
nc -l 5000 >heard </dev/null &
sleep 0.5
teachnet peer sh -c "nc -N host.lab 5000 <$www/1M.bin"
wait $!
same heard "$www/1M.bin"
ncat -k -l 5001 --exec "/bin/cat $www/10M.bin" &
ours_up 5001
for i in 1 2 3; do
	teachnet peer sh -c "ncat --recv-only host.lab 5001 >b$i"
	same b$i "$www/10M.bin"
done
socat TCP-LISTEN:5002,fork,reuseaddr EXEC:cat &
ours_up 5002
for i in $(seq 20); do
	teachnet peer sh -c "socat -t 10 - TCP:host.lab:5002 <$www/1M.bin >c$i" &
done
for job in $(jobs -p | tail -n 20); do wait "$job"; done
for i in $(seq 20); do same c$i "$www/1M.bin"; done
socat -u "OPEN:$www/10M.bin" TCP:peer.lab:9
socat UDP-RECVFROM:5003,fork EXEC:'tr a-z A-Z' &
sleep 0.3
[ "$(echo question | teachnet peer socat -t 2 - UDP:host.lab:5003)" = QUESTION ]
[ "$(printf x | socat -t 2 - UDP:peer.lab:7)" = x ]
ncat peer.lab 7 <"$www/10M.bin" >d
same d "$www/10M.bin"
