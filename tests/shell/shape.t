#!/bin/bash
# SPDX-License-Identifier: MIT
# The story: in the plain cases (connect, request, response, close by either side, refused, timed
# out, reset, zero window, half-close, keepalive) nobody who looks at the wire can tell our stack
# from Linux's: tests/shape captures both and compares.
# time limit: 180 s
. "$top_srcdir/tests/shell/lib.sh"
. "$top_srcdir/tests/shell/lab.sh"

command -v python3 >/dev/null || skip_all "needs python3"
PYTHONDONTWRITEBYTECODE=1 python3 "$top_srcdir/tests/shape/shape" --teachnet "$teachnet"
