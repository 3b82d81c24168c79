#!/bin/bash
# SPDX-License-Identifier: MIT
# The story: what works in the build tree works when it is installed, too, also under a folder that
# configure was not told of; and uninstalling leaves nothing.
. "$top_srcdir/tests/shell/lib.sh"
plan 7

installed=$scratch/root
ok "make install" make -s -C "$top_builddir" install DESTDIR="$installed"

prefix=$(dirname "$(dirname "$(find "$installed" -name teachnetd -type f | head -n 1)")")
is "the commands, the library, its resolver and the wire are there" "$(cd "$prefix" 2>/dev/null && for f in \
	bin/teachnet bin/teachnetd lib/libteachnet.so lib/teachnet/libteachnet-resolver.so \
	libexec/teachnet/teachnet-wire; do
	[ -x "$f" ] || echo "$f is missing"
done)" ""

like "with DESTDIR, install says which capability to give" \
	"$(make -s -C "$top_builddir" install DESTDIR="$installed" 2>&1)" 'setcap cap_net_raw\+ep .*/bin/teachnetd'

# The library that is installed, not the one of the build tree, is what a program of the lab has.
is "the installed lab loads the installed library" \
	"$(timeout 60 "$prefix/bin/teachnet" lab sh -c 'echo "$LD_PRELOAD" | tr " " "\n" | grep libteachnet | xargs realpath' 2>/dev/null)" \
	"$(realpath "$prefix/lib/libteachnet.so")"
like "and carries a page over an impaired wire" \
	"$(timeout 60 "$prefix/bin/teachnet" lab --delay 1ms --seed 1 curl -s http://www.lab/ 2>&1)" 'Hello from www.lab'

ok "make uninstall" make -s -C "$top_builddir" uninstall DESTDIR="$installed"
is "leaves no file" "$(find "$installed" -type f -o -type l)" ""
