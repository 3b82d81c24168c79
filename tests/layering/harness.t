#!/bin/bash
# SPDX-License-Identifier: MIT
# The story: a harness that calls a crash, a hang or a silent program a success proves nothing.
# Here programs that misbehave go through the very driver and limit that every test goes through.
. "$top_srcdir/tests/shell/lib.sh"

cd "$scratch" || exit 99
plan 10

# outcome NAME: feeds the script on standard input through the harness, prints the results.
outcome() {
	cat >"$1.t"
	SANITIZED='' TEST_SECONDS=1 AM_TAP_AWK=awk timeout 20 sh "$top_srcdir/build-aux/tap-driver.sh" \
		--test-name "$1" --log-file "$1.log" --trs-file "$1.trs" -- \
		bash "$top_srcdir/tests/lib/limit" "$scratch/$1.t" >/dev/null
	sed -n 's/^:test-result: \([A-Z]*\).*/\1/p' "$1.trs" | tr '\n' ' '
}

is "a good program passes" "$(outcome good <<<'echo 1..2; echo ok 1; echo ok 2')" "PASS PASS "
is "a skip is a skip" "$(outcome skip <<<'echo "1..1"; echo "ok 1 # SKIP no such thing"')" "SKIP "
is "a failure fails" "$(outcome bad <<<'echo 1..1; echo not ok 1')" "FAIL "
is "a crash fails" "$(outcome crash <<<'echo 1..1; echo ok 1; kill -SEGV $$')" "PASS ERROR "
is "an exit status alone fails" "$(outcome status <<<'echo 1..1; echo ok 1; exit 3')" "PASS ERROR "
is "a short plan fails" "$(outcome short <<<'echo 1..2; echo ok 1')" "PASS ERROR "
is "silence fails" "$(outcome silence <<<'exit 0')" "ERROR "
is "a hang fails" "$(outcome hang <<<'echo 1..2; echo ok 1; sleep 60')" "PASS ERROR ERROR "

# A process that stays behind neither holds the harness up nor outlives it.
before=$SECONDS
outcome orphan <<<'echo 1..1; echo ok 1; setsid sleep 30 & echo $! >'"$scratch/orphan.pid" >orphan.out
ok "a process left behind does not hold up the run" test $((SECONDS - before)) -lt 10
# (Killed but not yet waited for by init, it would still answer kill -0; its command line is gone.)
fails "and is gone afterwards" grep -q . "/proc/$(cat orphan.pid)/cmdline"
