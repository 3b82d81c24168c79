/* SPDX-License-Identifier: MIT */
/*
 * The resolver module, loaded by the first who asks for it.
 */
#ifndef PRELOAD_NAMES_H
#define PRELOAD_NAMES_H

#include <stdbool.h>

#include "preload/resolver/resolver.h"

/* NULL: no module, or the kernel's stack is wanted (then *kernel is true). */
const struct resolver_module *names_module(bool *kernel);

#endif
