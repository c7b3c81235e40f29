/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_FUZZ_FS_SEQUENCE_H
#define HEDDLE_TESTS_FUZZ_FS_SEQUENCE_H

/*
 * Operations as text, one per line, to read, to record and to repeat.
 *
 *     open handle=3 path=dir/with%20blank flags=02102 mode=0644
 *
 * A field that is zero or empty is left out; bytes of names that are not plain are %XX. Lines that are empty or
 * begin with # do not count. What is read is what was written: a run can be repeated, and cut down
 * (tests/fuzz_fs/minimize.py), from its lines alone.
 */

#include "tests/fuzz_fs/operation.h"

void fuzz_sequence_write(FILE *stream, const struct fuzz_operation *operation);

/* The next operation of STREAM: 1, or 0 at its end, or -1 with a message on stderr for a line that is none. */
int fuzz_sequence_read(FILE *stream, struct fuzz_operation *operation);

#endif
