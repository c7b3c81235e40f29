/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_FUZZ_FS_DRAW_H
#define HEDDLE_TESTS_FUZZ_FS_DRAW_H

/*
 * Draws the parts of operations: paths, numbers, modes.
 *
 * Names come from a small alphabet, so that operations meet each other; most paths are walked down the native
 * side as it is, so that most operations find something. Paths hold FUZZ_PATH_SIZE bytes.
 */

#include "tests/fuzz_fs/operation.h"

#define FUZZ_PICK(random, array) ((array)[fuzz_random_below(random, sizeof(array) / sizeof((array)[0]))])

/* Adds a name of the alphabet to PATH; rarely a numbered one, one of the longest allowed length, or too long. */
void fuzz_draw_name(struct fuzz_random *random, char *path);

/* A directory, empty text for the root. */
void fuzz_draw_directory(struct fuzz_world *world, char *path);

/* Where something may be made: a name, taken or not, in a directory; rarely below a file or a missing
 * directory. */
void fuzz_draw_new(struct fuzz_world *world, char *path);

/* Mostly something that exists; never empty. */
void fuzz_draw_target(struct fuzz_world *world, char *path);

/* The same, and mostly of one of the TYPES: a mask of FUZZ_TYPE(S_IFREG) and its like. */
void fuzz_draw_typed(struct fuzz_world *world, unsigned types, char *path);

#define FUZZ_TYPE(format) (1U << ((format) >> 12))
#define FUZZ_NO_DIRECTORY (~FUZZ_TYPE(S_IFDIR))

/* Rarely writes PATH in another way: a slash or "/." at its end, a doubled slash. */
void fuzz_decorate(struct fuzz_random *random, char *path);

/* Mostly a slot that is open, with one of the TYPES and for ACCESS_MODE (O_RDONLY: any). */
int fuzz_draw_handle(struct fuzz_world *world, unsigned types, int access_mode);

uint64_t fuzz_draw_offset(struct fuzz_random *random);
uint64_t fuzz_draw_length(struct fuzz_random *random);
mode_t fuzz_draw_mode(struct fuzz_world *world);
int fuzz_draw_open_flags(struct fuzz_random *random);

/* Times that the run itself cannot make, so that the comparison can demand equality; UTIME_NOW and _OMIT. */
void fuzz_draw_times(struct fuzz_random *random, struct timespec times[2]);

#endif
