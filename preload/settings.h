/* SPDX-License-Identifier: MIT */
/*
 * What the program was told about us: TEACHNET_* variables, then the configuration file
 * (service/config.def). The environment is copied before main, because programs overwrite theirs;
 * the file is read when the first socket is made. Values are judged by teachnetd, which reads the
 * same sources; here only those that the shim itself needs are looked at.
 */
#ifndef PRELOAD_SETTINGS_H
#define PRELOAD_SETTINGS_H

#include <stdbool.h>

enum setting {
#define CONFIG(name, type, standard, meaning) SETTING_##name,
#include "service/config.def"
#undef CONFIG
	SETTING_COUNT,
};

/* Copies the environment; a second call does nothing. Allocates nothing. */
void settings_from_environment(void);
/* Reads the configuration file, too. The caller holds the channel's lock. */
void settings_complete(void);
/* Never NULL; the default when nothing was said. */
const char *settings_value(enum setting s);
/* TEACHNET_STACK=kernel: leave everything alone. */
bool settings_kernel(void);
/* RUNTIME_DIR as it is after its rules, without a slash at the end. */
const char *settings_runtime_dir(void);

#endif
