# program: git
# role: client and server
# tried: clone over http and over ssh from the second host, git daemon on our stack
# needs: git python3 ssh sshd
# version: git --version
export GIT_CONFIG_GLOBAL=$PWD/gitconfig
git config --global user.name lab
git config --global user.email lab@host.lab
git config --global safe.directory '*'
git init -q origin
for i in $(seq 40); do
	head -c 50000 /dev/urandom >"origin/file$i"
	git -C origin add .
	git -C origin commit -q -m "$i"
done
git clone -q --bare origin origin.git
git -C origin.git update-server-info
want=$(git -C origin rev-parse HEAD)

teachnet peer python3 -m http.server 8000 >http.log 2>&1 &
theirs_up 8000
git clone -q http://peer.lab:8000/origin.git over-http
git -C over-http fsck
[ "$(git -C over-http rev-parse HEAD)" = "$want" ]

ssh_keys
teachnet peer "${sshd_command[@]}" 2>sshd.log &
theirs_up 2222
GIT_SSH_COMMAND="ssh ${ssh_options[*]} -p 2222" git clone -q "peer.lab:$PWD/origin.git" over-ssh
[ "$(git -C over-ssh rev-parse HEAD)" = "$want" ]

git daemon --reuseaddr --export-all --base-path="$PWD" >daemon.log 2>&1 &
ours_up 9418
teachnet peer git clone -q git://host.lab/origin.git from-ours
[ "$(git -C from-ours rev-parse HEAD)" = "$want" ]
