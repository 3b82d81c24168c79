#!/bin/bash
# SPDX-License-Identifier: MIT
# time limit: 300 s
# The story: unmodified clients move every byte over IPv6, too: e2e_fetch.t in labs whose names have no IPv4 address.
export E2E_FAMILY=6
. "$top_srcdir/tests/shell/e2e_fetch.t"
