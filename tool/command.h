/* SPDX-License-Identifier: MIT */
/*
 * What the sub-commands of teachnet share: their prototypes (from commands.def), the way an error
 * is said, and option parsing. A sub-command returns the program's exit status: 0, 1 for an
 * error, 2 for wrong usage; lab, peer and run return CMD's.
 */
#ifndef TOOL_COMMAND_H
#define TOOL_COMMAND_H

#include <popt.h>
#include <stdbool.h>

#define COMMAND(name, arguments, help) int command_##name(int argc, const char **argv);
#include "tool/commands.def"
#undef COMMAND

enum { STATUS_OK = 0, STATUS_ERROR = 1, STATUS_USAGE = 2 };

/* Prints "teachnet NAME: MESSAGE" to stderr and returns STATUS_ERROR. */
__attribute__((format(printf, 1, 2))) int complain(const char *format, ...);

/* The name that complain() puts in front: "teachnet lab". */
extern const char *command_name;

/* Parses options into what the table points to; stops at the first word that is none, so that
 * CMD's own options stay CMD's. Returns the index in argv of that word (argc when there is none),
 * -1 after a message about wrong usage; --help ends the program. */
int options_parse(int argc, const char **argv, const struct poptOption *table);

/* An argument of popt's that asks for --help's text. */
#define OPTIONS_END POPT_AUTOHELP POPT_TABLEEND

#endif
