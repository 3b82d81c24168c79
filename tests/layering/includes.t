#!/bin/bash
# SPDX-License-Identifier: MIT
# The story: the folders are the layers of the textbook picture, and they stay so only if an
# #include that goes upward or sideways fails here. The table is DESIGN's "who may include whom".
. "$top_srcdir/tests/shell/lib.sh"

# stack/stack.h is the public face: types that protocol and engine implement, itself above base
# and the trace only.
#
# Beyond DESIGN.md's table: the narrator (service/) prints frames with the words of stack/wire; the
# tool lays the lab's wire with netif's link_setup; sizes and rates are read by one parser, units.
#
# files of                may include (extended regex on the path as it is written)
table='
stack/base/              stack/base/[a-z0-9_/]+\.(h|def)
stack/wire/              stack/(base|wire)/[a-z0-9_/]+\.(h|def)
stack/protocol/          stack/((base|wire|protocol)/[a-z0-9_/]+\.(h|def)|stack\.h)
stack/engine/            stack/((base|wire|protocol|engine)/[a-z0-9_/]+\.(h|def)|stack\.h)
stack/stack\.h$          stack/(base/[a-z0-9_]+|protocol/trace)\.h
netif/                   (netif|stack/base)/[a-z0-9_/]+\.(h|def)
service/                 service/[a-z0-9_/]+\.(h|def)|stack/(stack|wire/print)\.h|netif/(netif|units)\.h
preload/                 preload/[a-z0-9_/]+\.(h|def)|service/(control|config)\.(h|def)
tool/                    tool/[a-z0-9_/]+\.(h|def)|service/(control|config)\.(h|def)|netif/(link_setup|units)\.h
'
# The engine is pure: of the system it sees types, limits, the names of errors, and memcpy; where
# the numbers of socket options and the like are the kernel's, its headers for those constants.
pure='(stdint|stddef|stdbool|stdarg|limits|string|errno|inttypes)\.h'
numbers='(sys/socket|netinet/(in|tcp|udp|ip_icmp|icmp6)|linux/(udp|errqueue|net_tstamp))\.h'

cd "$top_srcdir" || exit 99
plan 3

# Every #include line as `file:line:path`, < or " kept in front of the path.
sources=$(find stack netif service preload tool -name '*.[ch]' -o -name '*.def' 2>/dev/null | sort)
# shellcheck disable=SC2086
includes=$([ -z "$sources" ] || grep -nHoE '^[ \t]*#[ \t]*include[ \t]*[<"][^>"]*' $sources |
	sed -E 's/:[ \t]*#[ \t]*include[ \t]*/:/')

wrong=$(echo "$table" | awk -v includes="$includes" '
	NF == 2 { folder[++rules] = "^" $1; allowed[rules] = "^(" $2 ")$" }
	END {
		n = split(includes, line, "\n")
		for (i = 1; i <= n; i++) {
			if (!match(line[i], /:[0-9]+:"/))
				continue
			file = line[i]; sub(/:.*/, "", file)
			path = line[i]; sub(/^[^"]*"/, "", path)
			verdict = "no rule for this folder"
			for (r = 1; r <= rules; r++)
				if (file ~ folder[r]) {
					verdict = path ~ allowed[r] ? "" : "not allowed here"
					break
				}
			if (verdict != "")
				print line[i] "\": " verdict
		}
	}')
is "quoted includes go downward, and are written from the repository root" "$wrong" ""

impure=$(echo "$includes" | grep -E '^stack/[^:]*:[0-9]+:<' | grep -vE ":<$pure\$" |
	grep -vE "^stack/(protocol|engine)/[^:]*:[0-9]+:<$numbers\$")
is "stack/ includes no system header but the plainest" "$impure" ""

# A rule that is never exercised would be a test that cannot fail.
count=$(echo "$includes" | grep -cE '^stack/.*:"')
ok "there are includes to judge ($count)" test "$count" -gt 0
