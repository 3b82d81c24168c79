#!/bin/bash
# SPDX-License-Identifier: MIT
# The story: a few habits that a machine can hold us to. Every source file names its licence
# first, nothing is left "to do", no struct hides behind a typedef, and each folder has its
# chapter.
. "$top_srcdir/tests/shell/lib.sh"

cd "$top_srcdir" || exit 99
plan 6

folders=$(for f in stack netif service preload tool demo bench tests; do
	[ -n "$(find $f -type f ! -path '*/.*' 2>/dev/null | head -n 1)" ] && echo $f
done)
# shellcheck disable=SC2086
sources=$(find $folders -name '*.[ch]' -o -name '*.def' | sort)

# shellcheck disable=SC2086
is "every source file opens with its licence" "$(for f in $sources; do
	head -n 1 "$f" | grep -qF '/* SPDX-License-Identifier: MIT */' || echo "$f"
done)" ""

# The words are put together here so that this line does not find itself.
marks="TO""DO|FIX""ME|XX""X"
# shellcheck disable=SC2086
is "nothing is left to do" "$(grep -nwE "$marks" $sources)" ""

# shellcheck disable=SC2086
is "no struct hides behind a typedef" \
	"$(grep -nE '^typedef struct [a-z_]+ ' $sources | grep -v '{')" ""

# shellcheck disable=SC2086
is "no line ends in white space" "$(grep -nE '[[:space:]]+$' $sources | head -n 20)" ""

is "every folder has its chapter" "$(for f in $folders; do
	[ -s "$f/README.md" ] || echo "$f/README.md"
done)" ""

# What is not in Makefile.am, itself or with its folder, is neither built nor in a release.
listed=$(tr -s ' \t\\' '\n' <Makefile.am | sort -u)
# shellcheck disable=SC2086
is "every file is in Makefile.am" "$(find $folders -type f ! -path '*/.*' ! -path '*/__pycache__/*' | sort |
	while read -r f; do
		grep -qxF -e "$f" -e "$(dirname "$f")" <<<"$listed" || echo "$f"
	done)" ""
