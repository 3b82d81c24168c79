# program: wrk, ab, h2load
# role: client
# tried: 2 threads and 50 connections for a second; 3,000 requests; 3,000 over http/2 with TLS
# needs: wrk ab h2load
# version: ab -V
wrk -t 2 -c 50 -d 1s http://www.lab/1K.bin | tee a
! grep -q 'Socket errors\|Non-2xx' a
grep -q 'requests in' a
for k in "" -k; do
	ab -q $k -c 30 -n 3000 http://www.lab/1K.bin >b
	grep -q '^Failed requests: *0$' b
	grep -q '^Complete requests: *3000$' b
done
h2load -n 3000 -c 10 -m 10 https://www.lab/1K.bin | tee c
grep -q '3000 succeeded, 0 failed, 0 errored' c
