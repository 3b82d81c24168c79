#!/bin/bash
# SPDX-License-Identifier: MIT
# A newcomer wants to know before trying whether a program will run on our stack: `teachnet check`
# reads the file and says what will not work, and why.
# shellcheck source=tests/shell/lib.sh
. "$top_srcdir/tests/shell/lib.sh"
plan 9

teachnet=$top_builddir/teachnet
printf 'int main(void) { return 0; }\n' >"$scratch/main.c"

like "an ordinary program runs" "$("$teachnet" check curl 2>&1)" 'runs on our stack$'
printf '#!/bin/sh\nexit 0\n' >"$scratch/script"
chmod 755 "$scratch/script"
like "a script is what its interpreter is" "$("$teachnet" check "$scratch/script" 2>&1)" 'script for /bin/sh.*runs on our stack'
${CC:-gcc} -static -o "$scratch/static" "$scratch/main.c" 2>/dev/null
like "a static program will not work" "$("$teachnet" check "$scratch/static" 2>&1)" 'statically linked'
fails "and the exit status says so" "$teachnet" check "$scratch/static"
printf '#include <unistd.h>\nint main(void) { return (int)syscall(39) < 0; }\n' >"$scratch/call.c"
${CC:-gcc} -o "$scratch/call" "$scratch/call.c"
like "system calls by number are told" "$("$teachnet" check "$scratch/call" 2>&1)" 'by number'
printf 'x' >"$scratch/junk"
chmod 755 "$scratch/junk"
like "what is no program is told" "$("$teachnet" check "$scratch/junk" 2>&1)" 'neither an ELF program nor a script'
head -c 64 "$scratch/call" >"$scratch/cut"
chmod 755 "$scratch/cut"
fails "a file that is cut off harms nobody" "$teachnet" check "$scratch/cut"
like "a name that is nowhere" "$("$teachnet" check no-such-program 2>&1)" "no program 'no-such-program'"
like "no name at all" "$("$teachnet" check 2>&1)" 'which program'
