#!/bin/bash
# SPDX-License-Identifier: MIT
# The story: other stacks are small functions everywhere and one monster, nearly always TCP
# input. Ours has none: a function of the engine is at most a screen and a half, and a source
# file is one idea of at most 600 lines. All offenders are named at once.
. "$top_srcdir/tests/shell/lib.sh"

function_lines=75
file_lines=600

cd "$top_srcdir" || exit 99
plan 3

engine=$(find stack -name '*.[ch]' | sort)
all=$(find stack netif service preload tool tests demo bench -name '*.[ch]' 2>/dev/null | sort)

# The style puts a function's braces in the first column, or the opening one after its `)`.
# shellcheck disable=SC2086
functions=$(awk '
	FNR == 1 { start = 0 }
	/^[A-Za-z_].*\(/ { name = $0 }
	/^\{/ || /^[A-Za-z_].*\) \{$/ { start = FNR }
	/^\}/ && start { print FNR - start + 1, FILENAME ":" start ": " name; start = 0 }
' $engine)
is "no function of stack/ is longer than $function_lines lines" \
	"$(echo "$functions" | awk -v max=$function_lines '$1 > max' | sort -rn)" ""
# shellcheck disable=SC2086
is "no source file is longer than $file_lines lines" \
	"$(wc -l $all | awk -v max=$file_lines '$2 != "total" && $1 > max' | sort -rn)" ""
count=$(echo "$functions" | wc -l)
ok "functions were found ($count)" test "$count" -gt 20
