# program: ssh, scp, sftp
# role: client
# tried: login with and without a terminal, scp both ways, sftp, -L and -R with 10 MiB through each
# needs: ssh scp sshd curl python3
# version: ssh -V
ssh_keys
teachnet peer "${sshd_command[@]}" 2>sshd.log &
theirs_up 2222
[ "$(ssh "${ssh_options[@]}" -p 2222 peer.lab echo in)" = in ]
ssh "${ssh_options[@]}" -p 2222 -tt peer.lab 'tty && stty size' </dev/null | grep -q /dev/pts
scp -q "${ssh_options[@]}" -P 2222 "peer.lab:$www/10M.bin" a
same a "$www/10M.bin"
scp -q -O "${ssh_options[@]}" -P 2222 a "peer.lab:$PWD/b"
same b "$www/10M.bin"
ssh "${ssh_options[@]}" -p 2222 -N -L 127.0.0.1:8001:www.lab:80 -R 8002:127.0.0.1:8003 peer.lab &
mkdir served && ln -s "$www/10M.bin" served/
python3 -m http.server --directory served --bind 127.0.0.1 8003 >http.log 2>&1 &
within 10 curl -s -o /dev/null http://127.0.0.1:8001/1K.bin
curl -sS -o c http://127.0.0.1:8001/10M.bin
same c "$www/10M.bin"
within 10 curl -s -o /dev/null http://127.0.0.1:8003/
teachnet peer curl -sS -o d http://127.0.0.1:8002/10M.bin
same d "$www/10M.bin"
