# program: curl
# role: client
# tried: http, https, http2, 50 transfers at once, upload and back
# version: curl --version
curl -sS -o a http://www.lab/1M.bin
same a "$www/1M.bin"
curl -sS --http1.1 -o b https://www.lab/10M.bin
same b "$www/10M.bin"
curl -sS --http2 -o c -w '%{http_version}\n' https://www.lab/10M.bin | grep -qx '[12].*'
same c "$www/10M.bin"
curl -sS --parallel --parallel-max 50 -o 'many-#1' 'http://www.lab/1M.bin?[1-50]'
for i in $(seq 50); do same "many-$i" "$www/1M.bin"; done
head -c 300000 /dev/urandom >upload
curl -sS -T upload http://www.lab/
curl -sS -o again http://www.lab/upload
same upload again
