#!/bin/bash
# SPDX-License-Identifier: MIT
# The story: a test script with an unquoted variable passes until a path has a blank in it. What
# the shell linter warns of in our scripts is mended.
. "$top_srcdir/tests/shell/lib.sh"

command -v shellcheck >/dev/null || skip_all "shellcheck is not installed"
cd "$top_srcdir" || exit 99
plan 2

mapfile -t scripts < <(grep -lrIE '^#!/bin/(ba)?sh' tests demo bench .ci 2>/dev/null | sort)
scripts+=(tests/shell/lib.sh)
ok "there are scripts to judge (${#scripts[@]})" test "${#scripts[@]}" -gt 5
is "shellcheck warns of nothing" "$(shellcheck -x -S warning -f gcc "${scripts[@]}" 2>&1)" ""
