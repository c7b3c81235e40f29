/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_TORTURE_WORKLOAD_H
#define HEDDLE_TESTS_TORTURE_WORKLOAD_H

/*
 * Small operations on a thread's overlay, by name, for sequences of them; and what a tree is, as one number.
 *
 * They drive the library without a kernel. Every operation is a constant number of transactions on the same few names,
 * so that any sequence of them can be run; one that has nothing to act on (a file that an earlier one removed) does
 * nothing. Operations return 0 or the overlay's code.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "overlay/overlay.h"

struct workload_operation {
	const char *name;
	int (*run)(struct hd_overlay *overlay);
	bool syncs; /* when it returns 0, everything before it is durable */
	bool heavy; /* megabytes */
	bool names; /* when it returns 0, where threads and tags are is durable */
};

extern const struct workload_operation workload_operations[];
extern const size_t workload_operation_count;
/* NULL if there is none. */
const struct workload_operation *workload_find(const char *name);

/* A store in DIRECTORY/.heddle whose thread "main" has a state with some files. A code. */
int workload_make_store(const char *directory);

int workload_open(const char *directory, struct hd_store **ret_store, struct hd_overlay **ret_overlay);

/*
 * Names, types, modes, links, sizes, bytes, targets, attributes (and, with TIMES, times of change) of everything below
 * the root, as one number. DESCRIPTION, if not NULL, gets fresh memory with a line per name.
 */
int workload_digest(struct hd_overlay *overlay, bool times, uint64_t *ret_digest, char **ret_description);

/*
 * The same of a tree that may be damaged: what cannot be read is a line "path ?", or "path/ ?" for the names in a
 * directory; *RET_UNREAD is how many there are.
 */
int workload_describe(struct hd_overlay *overlay, char **ret_description, unsigned *ret_unread);

/* From how many blocks on a file has memory of its own; the operation "large" writes a quarter more. */
extern uint32_t workload_large_blocks;

#endif
