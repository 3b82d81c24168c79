#!/bin/bash
# SPDX-License-Identifier: MIT
# The story: the stack behaves like an operating system's over IPv6, too: e2e_local.t in labs whose names have no IPv4 address.
export E2E_FAMILY=6
. "$top_srcdir/tests/shell/e2e_local.t"
