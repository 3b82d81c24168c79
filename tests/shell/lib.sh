# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# TAP for shell tests. A test is a bash script that opens with its story and begins with:
#
#	. "$top_srcdir/tests/shell/lib.sh"
#	plan 3                          # or: skip_all "needs root"
#
# and then says, for each point of its plan, one of:
#
#	ok "NAME" COMMAND [ARGS...]     # passes when the command succeeds
#	fails "NAME" COMMAND [ARGS...]  # passes when the command fails
#	is "NAME" "$got" "$expected"    # passes when the two strings are equal
#	like "NAME" "$got" 'REGEX'      # passes when the string matches the extended regex
#	skip "NAME" "REASON"            # counts as skipped, with its reason
#	pass "NAME"; fail "NAME" ["DIAGNOSTIC"...]
#
# diag prints a comment, retry SECONDS COMMAND... tries until it succeeds, at_exit COMMAND runs
# it at the end (last first), $scratch is a folder of the test's own that is removed.
# A script that ends early leaves its plan short, which the TAP driver counts as a failure.

: "${top_srcdir:=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}"
: "${top_builddir:=$top_srcdir/build}"
export top_srcdir top_builddir

tap_count=0
tap_failed=0
tap_cleanup=()
scratch=$(mktemp -d "${TMPDIR:-/tmp}/teachnet-t.XXXXXX") || exit 99

tap_finish() {
	local status=$? i
	for ((i = ${#tap_cleanup[@]} - 1; i >= 0; i--)); do
		eval "${tap_cleanup[i]}" >/dev/null 2>&1
	done
	rm -rf "$scratch"
	[ "$status" -ne 0 ] || [ "$tap_failed" -eq 0 ] || status=1
	exit "$status"
}
trap tap_finish EXIT
trap 'exit 130' INT TERM HUP

plan() { echo "1..$1"; }

skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}

diag() { printf '%s\n' "$@" | sed 's/^/# /'; }

pass() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1"
}

fail() {
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - $1"
	shift
	[ $# -eq 0 ] || diag "$@"
	return 0
}

skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

ok() {
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then
		pass "$name"
	else
		fail "$name" "status $? of: $*" "$out"
	fi
}

fails() {
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then
		fail "$name" "succeeded: $*" "$out"
	else
		pass "$name"
	fi
}

is() {
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1" "got:      $2" "expected: $3"
	fi
}

like() {
	if [[ $2 =~ $3 ]]; then
		pass "$1"
	else
		fail "$1" "got:            $2" "does not match: $3"
	fi
}

at_exit() { tap_cleanup+=("$*"); }

retry() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}
