# program: nginx
# role: server
# tried: 4 workers, sendfile, https, keep-alive; reload and binary upgrade while ab asks for 20,000 files, none lost
# needs: nginx curl ab openssl
# seconds: 90
# version: nginx -v
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=host.lab \
	-addext subjectAltName=DNS:host.lab -keyout key.pem -out cert.pem 2>/dev/null
mkdir body proxy
user=$([ "$(id -u)" != 0 ] || echo 'user root;')
# The new binary gets no variable that the configuration does not name.
variables=$(env | sed -n 's/^\(LD_PRELOAD\|TEACHNET_[A-Z_]*\)=.*/env \1;/p')
cat >nginx.conf <<-END
	$variables
	$user
	worker_processes 4;
	pid $PWD/nginx.pid;
	error_log $PWD/error.log;
	events { worker_connections 1024; }
	http {
		access_log off;
		sendfile on;
		keepalive_requests 100000;
		client_body_temp_path $PWD/body;
		proxy_temp_path $PWD/proxy;
		fastcgi_temp_path $PWD/fastcgi;
		uwsgi_temp_path $PWD/uwsgi;
		scgi_temp_path $PWD/scgi;
		server {
			listen 8080;
			listen 8443 ssl;
			ssl_certificate $PWD/cert.pem;
			ssl_certificate_key $PWD/key.pem;
			root $www;
		}
	}
END
"$(command -v nginx)" -c "$PWD/nginx.conf"
ours_up 8080
teachnet peer curl -sS -o a http://host.lab:8080/10M.bin
same a "$www/10M.bin"
teachnet peer curl -sS --cacert cert.pem -o b https://host.lab:8443/10M.bin
same b "$www/10M.bin"
teachnet peer sh -c 'curl -sS --parallel --parallel-max 30 -o "many-#1" "http://host.lab:8080/1M.bin?[1-30]"'
for i in $(seq 30); do same "many-$i" "$www/1M.bin"; done

teachnet peer ab -q -c 20 -n 20000 http://host.lab:8080/1K.bin >ab.log 2>&1 &
load=$!
sleep 0.3
"$(command -v nginx)" -c "$PWD/nginx.conf" -s reload
sleep 0.3
kill -USR2 "$(cat nginx.pid)"
within 10 test -s nginx.pid.oldbin
within 10 test -s nginx.pid
sleep 0.3
kill -QUIT "$(cat nginx.pid.oldbin)"
wait $load || { cat ab.log; false; }
grep -q '^Complete requests: *20000$' ab.log
grep -q '^Failed requests: *0$' ab.log || { cat ab.log; false; }
within 20 sh -c '! test -e nginx.pid.oldbin'
teachnet peer curl -sS -o c http://host.lab:8080/1M.bin
same c "$www/1M.bin"
