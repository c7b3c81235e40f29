/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_UNIT_PLATFORM_CHILD_H
#define HEDDLE_TESTS_UNIT_PLATFORM_CHILD_H

/* Runs code that ends its process, or changes it for good, in a child. */

#include <stddef.h>

/*
 * Runs BODY in a child that exits with its result. Returns waitpid's status. What the child writes to its
 * standard error is put in WORDS (of WORDS_SIZE bytes, may be NULL).
 */
int child_run(int (*body)(void *payload), void *payload, char *words, size_t words_size);

#endif
