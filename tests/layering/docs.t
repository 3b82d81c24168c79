#!/bin/bash
# SPDX-License-Identifier: MIT
# The story: a table that is kept by hand drifts from the code. README's table of the
# configuration is the one that config-table makes of service/config.def (`make docs`).
. "$top_srcdir/tests/shell/lib.sh"

cd "$top_srcdir" || exit 99
plan 4

rows=$(grep -c '^CONFIG(' service/config.def)
table=$(bash tests/layering/config-table)
is "every row of config.def becomes a row of the table" "$(echo "$table" | grep -c '^| `TEACHNET_')" "$rows"
is "README.md shows that table" "$(sed -n '/<!-- configuration: begin -->/,/<!-- configuration: end -->/p' \
	README.md | sed '1d;$d')" "$table"

# (Files that a program makes, such as recorded measurements, need not exist yet.)
is "files that the chapters name exist" "$(for readme in README.md ./*/README.md; do
	grep -oE '`(stack|netif|service|preload|tool|tests|demo|bench)/[A-Za-z0-9_./-]*`' "$readme" |
		tr -d '`' | grep -v '\.json$' | sort -u | while read -r path; do
			[ -e "$path" ] || [ -e "$path.c" ] || [ -e "$path.h" ] || echo "$readme: $path"
		done
done)" ""

is "links between the chapters lead somewhere" "$(for readme in README.md ./*/README.md; do
	grep -oE '\]\([A-Za-z0-9_./-]+\)' "$readme" | sed 's/^](//; s/)$//' | while read -r path; do
		[ -e "$(dirname "$readme")/$path" ] || echo "$readme: $path"
	done
done)" ""
