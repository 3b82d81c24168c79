#!/bin/bash
# SPDX-License-Identifier: MIT
# The story: a program cannot tell our stack from the kernel's. The same programs run on both, each
# in a private network of the same shape, and every line that they print is a check: it must be the
# same. A line that may differ is a row of DIFFERENCES.md, which says what each stack prints and why.
# time limit: 240 s
. "$top_srcdir/tests/shell/lib.sh"

programs='errors connecting listening streaming datagrams options waiting processes names'
here=$top_srcdir/tests/shim
library=$top_builddir/.libs/libteachnet.so

[ -x "$top_builddir/teachnetd" ] || skip_all "teachnetd is not built"
if [ "$(id -u)" = 0 ]; then alone=(unshare -n); else alone=(unshare -rn); fi
"${alone[@]}" true 2>/dev/null || skip_all "needs network namespaces: run as root, or allow user namespaces"

# A network with loopback and one link, whose far end (`far`) is of no interest here.
network='ip link set lo up && ip link add link0 type veth peer name far &&
	ip link set link0 up && ip link set far up'

run_kernel() {
	"${alone[@]}" sh -c "$network && ip addr add 10.99.0.2/24 dev link0 && exec timeout 60 \"\$@\"" \
		sh "$top_builddir/tests/shim/$1"
}

run_shim() {
	mkdir -m 700 "$scratch/$1"
	TEACHNET_STACK=shim TEACHNET_RUNTIME_DIR=$scratch/$1 TEACHNET_INTERFACE=link0 \
	TEACHNET_ADDR=10.99.0.2/24 TEACHNET_IDLE_EXIT=1 \
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 \
	"${alone[@]}" sh -c "$network && exec env LD_PRELOAD='$TEACHNET_PRELOAD $library' timeout 60 \"\$@\"" \
		sh "$top_builddir/tests/shim/$1"
}

# `case: what = seen` lines: the label is made unique by a count, so that one line that is missing
# does not shift the others.
label() {
	awk '{ at = index($0, " = "); if (!at) at = length($0) + 1
		name = substr($0, 1, at - 1); print name " #" ++seen[name] "\t" substr($0, at + 3) }' "$1"
}

for program in $programs; do
	run_kernel "$program" >"$scratch/$program.kernel" 2>&1
	echo $? >>"$scratch/$program.kernel"
	run_shim "$program" >"$scratch/$program.shim" 2>&1
	echo $? >>"$scratch/$program.shim"
	label "$scratch/$program.kernel" | sed "s/^/$program: /" >>"$scratch/kernel"
	label "$scratch/$program.shim" | sed "s/^/$program: /" >>"$scratch/shim"
done

# The rows of DIFFERENCES.md, as `program: label #n<TAB>kernel<TAB>ours`.
sed -n 's/^| `\([^`]*\)` | `\([^`]*\)` | `\([^`]*\)` | .*/\1\t\2\t\3/p' "$here/DIFFERENCES.md" >"$scratch/rows"

awk -F '\t' '
	FILENAME == ARGV[1] { accepted[$1] = $2 "\t" $3; unused[$1] = 1; next }
	FILENAME == ARGV[2] { ours[$1] = $2; next }
	{
		count++
		got = $1 in ours ? ours[$1] : "(no such line)"
		if (got == $2) {
			print "ok " count " - " $1
		} else if (accepted[$1] == $2 "\t" got) {
			print "ok " count " - " $1 ": differs as DIFFERENCES.md says"
			delete unused[$1]
		} else {
			print "not ok " count " - " $1
			print "# kernel: " $2
			print "# ours:   " got
		}
	}
	END {
		for (row in unused) {
			stale++
			print "# no such difference: " row
		}
		print (stale ? "not ok " : "ok ") ++count " - every row of DIFFERENCES.md is needed"
		print "1.." count
	}
' "$scratch/rows" "$scratch/shim" "$scratch/kernel" >"$scratch/tap"
sed 's/#\([0-9]*\)/no. \1/' "$scratch/tap" | sed 's/^no\. \([0-9]*\)/#\1/'
! grep -q '^not ok' "$scratch/tap"
