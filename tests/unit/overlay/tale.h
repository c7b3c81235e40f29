/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_UNIT_OVERLAY_TALE_H
#define HEDDLE_TESTS_UNIT_OVERLAY_TALE_H

/*
 * A tale: a long sequence of changes of two dozen files, each determined by the seed and its number alone, so that a
 * process that survives can say what the files were after the changes of one that died.
 *
 * Calling sequence
 *     tale_begin → tale_step on a model with an overlay (does both) or without one (the model alone) →
 *     tale_compare → tale_end
 */

#include "tests/unit/overlay/yard.h"

#define TALE_FILES 24
#define TALE_DIRECTORIES 3
#define TALE_SIZE (256u << 10)
#define TALE_LARGE_SIZE (6u << 20) /* of the first two files */

struct tale_file {
	bool exists;
	uint64_t size;
	uint8_t *bytes; /* owned */
	uint32_t mark;  /* an extended attribute's value */
	bool is_marked;
	uint64_t touched; /* number of the last step that concerned this name */
};

struct tale {
	uint64_t seed, steps; /* steps done */
	struct tale_file files[TALE_FILES];
};

void tale_begin(struct tale *tale, uint64_t seed);
void tale_end(struct tale *tale);

/* Makes the directories that the files lie in. */
void tale_make_directories(struct hd_overlay *overlay);

/* The next change, of the model and, if OVERLAY is given, of the overlay. */
void tale_step(struct tale *tale, struct hd_overlay *overlay);

/*
 * Asserts that every file that no step above SINCE concerned is what the model says. With ADOPT the others become in
 * the model what they are in the overlay.
 */
void tale_compare(struct tale *tale, struct hd_overlay *overlay, uint64_t since, bool adopt);

#endif
