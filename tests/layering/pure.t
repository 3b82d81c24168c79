#!/bin/bash
# SPDX-License-Identifier: MIT
# The story: the engine does no I/O, reads no clock, allocates nothing and has no global state.
# So the archive, linked alone, needs nothing but memcpy and its kin (and what the compiler
# itself puts in), and it has not a byte of writable data.
. "$top_srcdir/tests/shell/lib.sh"

allowed='mem(cpy|move|set|cmp)|__mem(cpy|move|set)_chk|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_'
archive=$top_builddir/libstack.a
[ -z "${SANITIZED:-}" ] || skip_all "the sanitizers' runtime is not ours to judge"
plan 4

ok "libstack.a has objects" test "$(ar t "$archive" | wc -l)" -gt 0

# shellcheck disable=SC2086
ok "links alone" ${CC:-gcc} -r -nostdlib -o "$scratch/stack.o" \
	-Wl,--whole-archive "$archive" -Wl,--no-whole-archive

undefined=$(nm -u "$scratch/stack.o" | awk '{ print $2 }' | grep -vxE "$allowed")
is "needs no symbol of anybody else" "$undefined" ""

# .data.rel.ro holds tables of pointers: the loader makes it read-only before main.
writable=$(nm -A "$archive" 2>/dev/null | awk '$(NF - 1) ~ /^[bBdDcCsSgG]$/' |
	while read -r where _ name; do
		object=${where#*:}
		objdump -t "$archive" | grep -qE " \.data\.rel\.ro(\.local)?[[:space:]].* $name\$" ||
			echo "${object%%:*} $name"
	done)
sections=$(objdump -h "$archive" | awk '$2 ~ /^\.(data|bss|tdata|tbss)/ && $2 !~ /^\.data\.rel\.ro/ &&
	$3 !~ /^0+$/ { print $2, $3 }')
is "has no writable data" "$writable$sections" ""
