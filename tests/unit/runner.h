/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The shared test runner. A test program defines suite(); the runner's main() runs
 * it and prints "RESULT passed failed skipped", which tests/run-tests adds up. It
 * fails when no test ran at all.
 */

#include <check.h>

Suite *suite(void);

/* Count a test as skipped and say why. Call it instead of testing, then return. */
void skip_test(const char *test, const char *why);
