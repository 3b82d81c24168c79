/* SPDX-License-Identifier: MIT */
/* cmocka wants these four in this order. */
#ifndef TESTS_UNIT_CMOCKA_TAP_H
#define TESTS_UNIT_CMOCKA_TAP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
