# program: lighttpd
# role: server
# tried: 10 MiB, 1,000 requests with keep-alive and 1,000 without
# needs: lighttpd curl ab
# version: lighttpd -v
printf 'server.document-root = "%s"\nserver.port = 8080\nserver.errorlog = "%s"\n' "$www" "$PWD/log" >conf
lighttpd -D -f conf &
ours_up 8080
teachnet peer curl -sS -o a http://host.lab:8080/10M.bin
same a "$www/10M.bin"
for k in "" -k; do
	teachnet peer ab -q $k -c 20 -n 1000 http://host.lab:8080/1K.bin >ab.log
	grep -q '^Failed requests: *0$' ab.log
	grep -q '^Complete requests: *1000$' ab.log
done
