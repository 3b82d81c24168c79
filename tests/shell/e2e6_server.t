#!/bin/bash
# SPDX-License-Identifier: MIT
# time limit: 240 s
# The story: servers on our stack serve over IPv6, too: e2e_server.t in labs whose names have no IPv4 address.
export E2E_FAMILY=6
. "$top_srcdir/tests/shell/e2e_server.t"
