# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced in the lab before each program's script, which runs under set -euo pipefail in a folder
# of its own. $www is what the second host's web server offers; host.lab is our stack.

www=$TEACHNET_LAB/www
mkdir -p "$TEACHNET_LAB/temp/matrix" && cd "$TEACHNET_LAB/temp/matrix"
export HOME=$PWD
matrix=$top_srcdir/tests/matrix

# same FILE FILE: byte by byte.
same() { cmp "$1" "$2"; }

# within SECONDS COMMAND...: tries until it succeeds.
within() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || { echo "never came true: $*"; return 1; }
		sleep 0.05
	done
}

# Waits for a TCP server: on our stack (asked by the second host), or on the second host.
ours_up() { within 15 teachnet peer nc -z host.lab "$1"; }
theirs_up() { within 15 nc -z peer.lab "$1"; }

# ssh_keys: host and user keys, and how to use them, for a server whose configuration is our own.
ssh_keys() {
	ssh-keygen -q -t ed25519 -N "" -f host
	ssh-keygen -q -t ed25519 -N "" -f user
	cp user.pub authorized
	chmod 600 authorized
	[ "$(id -u)" != 0 ] || mkdir -p /run/sshd
	sshd_command=("$(command -v sshd)" -D -e -f /dev/null -p 2222 -h "$PWD/host" -o PidFile=none
		-o UsePAM=no -o StrictModes=no -o "AuthorizedKeysFile=$PWD/authorized"
		-o PermitRootLogin=yes -o "Subsystem=sftp internal-sftp")
	ssh_options=(-F none -i "$PWD/user" -o StrictHostKeyChecking=no -o IdentitiesOnly=yes
		-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR)
}
