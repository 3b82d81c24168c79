#!/bin/bash
# SPDX-License-Identifier: MIT
# The story: shims are left by their users over a missing symbol. Whatever the C library exports that
# speaks of sockets, descriptors, processes or host names is either a row of libc_calls.def, and then
# our library exports it, or a row of libc_native.def, with a reason.
. "$top_srcdir/tests/shell/lib.sh"

plan 6
calls=$top_srcdir/preload/libc_calls.def
native=$top_srcdir/preload/libc_native.def
speaks='sock|send|recv|accept|^_*bind|connect|listen|shutdown|ioctl|fcntl|poll|select|splice|sendfile'
speaks+='|addrinfo|nameinfo|hostby|ifaddrs|^if_|res_|rcmd|rresv|rexec|ruserok'
speaks+='|^_*(p?read|p?write)(v?2?|64|64v2?|v64v?2?)?(_chk|_nocancel)?$|^_*close(_range|from|_nocancel)?$|^_*dup[23]?$'
speaks+='|^_*v?fork|clone|spawn|^_*f?exec|syscall|prctl|aio|lio_|gai_|pmap|svc|clnt'
speaks+='|fclose|freopen|fcloseall|syslog|vmsplice|^tee$|copy_file|pidfd_getfd'

libc=$(ldd /bin/sh | awk '$1 == "libc.so.6" { print $3 }')
nm -D --defined-only "$libc" | awk '$2 ~ /[TWi]/ { sub(/@.*/, "", $3); print $3 }' | sort -u >"$scratch/libc"
sed -n 's/^CALL([^,]*, \([a-z_A-Z0-9]*\),.*/\1/p' "$calls" | sort >"$scratch/calls"
sed -n 's/^NATIVE(\([a-z_A-Z0-9]*\), ".*/\1/p' "$native" | sort >"$scratch/native"
grep -iE "$speaks" "$scratch/libc" >"$scratch/speaking"

ok "libc.so.6 was read ($(wc -l <"$scratch/speaking") names of interest)" test "$(wc -l <"$scratch/speaking")" -gt 200
is "every call of interest is in one of the tables" \
	"$(sort -u "$scratch/calls" "$scratch/native" | comm -23 "$scratch/speaking" -)" ""
is "no call is in both" "$(comm -12 "$scratch/calls" "$scratch/native")" ""
is "no row twice" "$(cat "$scratch/calls" "$scratch/native" | sort | uniq -d)" ""
is "the C library has every call that we stand in front of" "$(comm -23 "$scratch/calls" "$scratch/libc")" ""
nm -D --defined-only "$top_builddir/.libs/libteachnet.so" | awk '$2 ~ /[TW]/ { print $3 }' |
	grep -vE '^_(init|fini)$' | sort >"$scratch/ours"
is "our library exports the table, and nothing else" "$(comm -3 "$scratch/calls" "$scratch/ours")" ""
