# program: lftp
# role: client
# tried: mirror of a folder over http, a file in four parts
# needs: lftp python3
# version: lftp --version
mkdir tree
for i in $(seq 30); do head -c $((i * 1371)) /dev/urandom >tree/$i; done
teachnet peer python3 -m http.server --directory tree 8000 >http.log 2>&1 &
theirs_up 8000
lftp -c 'set cmd:fail-exit yes; mirror --parallel=4 http://peer.lab:8000/ a'
diff -r tree a
lftp -c 'set cmd:fail-exit yes; pget -n 4 http://www.lab/10M.bin -o b'
same b "$www/10M.bin"
