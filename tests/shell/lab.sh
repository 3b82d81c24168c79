# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For shell tests that run programs in a lab; sourced after lib.sh.
#
#	lab [OPTIONS] CMD...       # with a narrated log and a capture, whose paths a failure prints
#	lab_bulk [OPTIONS] CMD...  # without: for what moves many bytes
#
# E2E_FAMILY=6 runs the same tests in labs whose names have IPv6 addresses only.
# E2E_STACK=kernel runs the same tests on the kernel's stack: what fails there is the test's fault.

export teachnet=$top_builddir/teachnet
export PATH=$top_builddir:$PATH
: "${E2E_STACK:=default}"
: "${E2E_FAMILY:=0}"
# For programs that listen in one family only: nc $nc_family -l, http.server $any_address.
export nc_family=-4 any_address=
[ "$E2E_FAMILY" != 6 ] || nc_family=-6 any_address="--bind ::"
# What a failure leaves lies beside the test's log.
lab_kept=$top_builddir/tests/shell/kept/$(basename "$0" .t)
rm -rf "$lab_kept"
at_exit "rmdir $lab_kept"

[ -x "$teachnet" ] || skip_all "teachnet is not built"
if ! reason=$("$teachnet" lab --stack=kernel true 2>&1); then
	skip_all "no lab can be made here: $(echo "$reason" | tail -n 1)"
fi

# Prints the options that choose stack and family.
lab_on() {
	[ "$E2E_STACK" = default ] || echo "--stack=$E2E_STACK"
	[ "$E2E_FAMILY" = 0 ] || echo "--family=$E2E_FAMILY"
}

# lab_kept_run FOLDER COMMAND...: what to look at is named when it fails, and removed when not.
lab_kept_run() {
	local folder=$1 status
	shift
	"$@"
	status=$?
	if [ $status -eq 0 ]; then
		rm -rf "$folder"
	else
		echo "status $status; look at:" "$folder"/*
	fi
	return $status
}

lab() {
	local folder
	folder=$(mkdir -p "$lab_kept" && mktemp -d "$lab_kept/XXXX")
	# shellcheck disable=SC2046
	TEACHNET_PCAP=${E2E_PCAP-$folder/stack.pcap} lab_kept_run "$folder" \
		timeout -k 5 100 "$teachnet" lab $(lab_on) --log "$folder/stack.log" "$@"
}

lab_bulk() {
	local folder
	folder=$(mkdir -p "$lab_kept" && mktemp -d "$lab_kept/XXXX")
	# shellcheck disable=SC2046
	TEACHNET_LOG=$folder/stack.log lab_kept_run "$folder" timeout -k 5 300 "$teachnet" lab $(lab_on) "$@"
}

# In the lab: the one instance of teachnetd (its process id), or nothing.
export daemon_pid='teachnet stat --json | grep -oE "\"pid\": [0-9]+" | grep -oE "[0-9]+"'
