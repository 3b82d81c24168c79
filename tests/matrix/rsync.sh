# program: rsync
# role: client and server
# tried: a daemon on each host in turn, a tree of 201 files both ways, and a changed one
# version: rsync --version
mkdir tree
for i in $(seq 200); do head -c $((i * 137)) /dev/urandom >tree/$i; done
cp "$www/10M.bin" tree/
printf 'use chroot = no\nuid = %s\n[tree]\npath = %s\nread only = no\n' "$(id -u)" "$PWD/tree" >rsyncd.conf
rsync --daemon --no-detach --port=8873 --config=rsyncd.conf >daemon.log 2>&1 &
teachnet peer rsync --daemon --no-detach --port=8874 --config=rsyncd.conf >daemon2.log 2>&1 &
ours_up 8873
theirs_up 8874
teachnet peer rsync -a rsync://host.lab:8873/tree/ a/
diff -r tree a
rsync -a rsync://peer.lab:8874/tree/ b/
diff -r tree b
echo more >>a/7
rsync -a -c a/ rsync://peer.lab:8874/tree/
diff -r tree a
echo less >b/8
teachnet peer rsync -a -c b/ rsync://host.lab:8873/tree/
diff -r tree b
