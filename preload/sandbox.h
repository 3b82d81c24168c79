/* SPDX-License-Identifier: MIT */
/*
 * A program that puts itself into a seccomp sandbox has chosen the system calls that it will make,
 * and may be killed for any other. From then on the shim makes none of its own: read() is read()
 * and write() is write(), what was not known before stays unknown, and results are not translated.
 * (OpenSSH's network process is one.)
 */
#ifndef PRELOAD_SANDBOX_H
#define PRELOAD_SANDBOX_H

#include <stdbool.h>

extern bool sandbox_entered;

#endif
