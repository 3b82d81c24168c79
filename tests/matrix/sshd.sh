# program: sshd
# role: server
# tried: login with and without a terminal, scp both ways, -L and -R with 10 MiB through each
# needs: ssh scp sshd curl python3
# version: ssh -V
ssh_keys
"${sshd_command[@]}" 2>sshd.log &
ours_up 2222
[ "$(teachnet peer ssh "${ssh_options[@]}" -p 2222 host.lab echo in)" = in ]
teachnet peer ssh "${ssh_options[@]}" -p 2222 -tt host.lab tty </dev/null | grep -q /dev/pts
teachnet peer scp -q "${ssh_options[@]}" -P 2222 "host.lab:$www/10M.bin" a
same a "$www/10M.bin"
teachnet peer scp -q -O "${ssh_options[@]}" -P 2222 a "host.lab:$PWD/b"
same b "$www/10M.bin"
teachnet peer ssh "${ssh_options[@]}" -p 2222 -N -L 8001:127.0.0.1:8003 -R 8002:www.lab:80 host.lab &
mkdir served && ln -s "$www/10M.bin" served/
python3 -m http.server --directory served 8003 >http.log 2>&1 &
within 10 teachnet peer curl -s -o /dev/null http://127.0.0.1:8001/
teachnet peer curl -sS -o c http://127.0.0.1:8001/10M.bin
same c "$www/10M.bin"
curl -sS -o d http://127.0.0.1:8002/10M.bin
same d "$www/10M.bin"
