#!/bin/bash
# SPDX-License-Identifier: MIT
# time limit: 420 s
# The story: programs that were never written for us do real work on our stack, with their own
# configuration, and every byte is right. A script of this folder is a program: its first lines
# say what it is, the rest runs in a lab under `set -euo pipefail` (tests/matrix/inside.sh).
#
#	tests/matrix/matrix.t [NAME]...   # all of them, or these; MATRIX_RESULTS=FILE keeps a table
#
# E2E_STACK=kernel runs them on the kernel's stack: what fails there is the test's fault.
: "${top_srcdir:=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}"
. "$top_srcdir/tests/shell/lib.sh"
. "$top_srcdir/tests/shell/lab.sh"
export PATH=$PATH:/usr/sbin:/sbin
: "${MATRIX_RESULTS:=/dev/null}"

# head_of FIELD SCRIPT: what a line `# FIELD: ...` of the script says.
head_of() { sed -n "s/^# $1: //p" "$2" | head -n 1; }

# version_of SCRIPT: the first thing like a version in what its command prints.
version_of() {
	bash -c "$(head_of version "$1")" </dev/null 2>&1 | grep -oE 'v?[0-9]+\.[0-9][0-9A-Za-z.]*' | head -n 1
}

# lacks PROGRAM...: the first that is not installed.
lacks() {
	local program
	for program; do
		command -v "$program" >/dev/null || { echo "$program"; return 0; }
	done
	return 1
}

# record SCRIPT RESULT: a line for the page.
record() {
	printf '%s\t%s\t%s\t%s\t%s\n' "$(head_of program "$1")" "${3:-}" "$(head_of role "$1")" \
		"$(head_of tried "$1")" "$2" >>"$MATRIX_RESULTS"
}

# one SCRIPT: a point of the plan.
one() {
	local script=$1 name needs header missing out folder
	name="$(head_of program "$script") ($(head_of role "$script")): $(head_of tried "$script")"
	needs=$(head_of needs "$script")
	# shellcheck disable=SC2086
	header=$(head_of header "$script")
	if missing=$(lacks ${needs:-$(head_of program "$script" | cut -d' ' -f1 | tr -d ,)}) ||
		{ missing=$header && [ -n "$header" ] && [ ! -e "/usr/include/$header" ]; }; then
		skip "$name" "$missing is not installed"
		record "$script" "skipped: $missing is not installed"
		return
	fi
	folder=$(mkdir -p "$lab_kept" && mktemp -d "$lab_kept/XXXX")
	# shellcheck disable=SC2046
	if out=$(TEACHNET_LOG=$folder/stack.log timeout -k 5 "$(head_of seconds "$script" | grep . || echo 60)" \
		"$teachnet" lab $(lab_on) bash -euo pipefail -c ". '$top_srcdir/tests/matrix/inside.sh'; . '$script'" \
		2>&1 </dev/null); then
		pass "$name"
		record "$script" pass "$(version_of "$script")"
		rm -rf "$folder"
	else
		fail "$name" "status $?; look at $folder/stack.log" "$(tail -n 30 <<<"$out")"
		record "$script" FAIL "$(version_of "$script")"
	fi
}

if [ $# -gt 0 ]; then
	scripts=("${@/#/$top_srcdir/tests/matrix/}")
	scripts=("${scripts[@]/%/.sh}")
else
	scripts=()
	for script in "$top_srcdir"/tests/matrix/*.sh; do
		[ "${script##*/}" = inside.sh ] || scripts+=("$script")
	done
fi
plan ${#scripts[@]}
for script in "${scripts[@]}"; do
	one "$script"
done
