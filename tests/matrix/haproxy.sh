# program: haproxy
# role: client and server
# tried: http and tcp modes in front of the second host's nginx, 2 threads, 2,000 requests
# needs: haproxy curl ab
# version: haproxy -v
cat >conf <<-END
	global
		nbthread 2
	defaults
		timeout client 10s
		timeout server 10s
		timeout connect 5s
	listen web
		mode http
		bind :8080
		server s1 192.0.2.1:80 check
	listen tls
		mode tcp
		bind :8443
		server s2 192.0.2.1:443
END
haproxy -db -f conf >log 2>&1 &
ours_up 8080
teachnet peer curl -sS -o a http://host.lab:8080/10M.bin
same a "$www/10M.bin"
teachnet peer curl -sS --connect-to www.lab:443:host.lab:8443 -o b https://www.lab/10M.bin
same b "$www/10M.bin"
for k in "" -k; do
	teachnet peer ab -q $k -c 20 -n 1000 http://host.lab:8080/1K.bin >ab.log
	grep -q '^Failed requests: *0$' ab.log
	grep -q '^Complete requests: *1000$' ab.log
done
