/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_TORTURE_FAULT_STORY_H
#define HEDDLE_TESTS_TORTURE_FAULT_STORY_H

/*
 * A story in which calls fail, and what must be true afterwards.
 *
 * A story opens a store's thread, runs operations of the workload and ends. Every operation says whether it succeeded;
 * after each, with no call failing, the live tree's digest is taken. In the end nothing fails any more. Then either the
 * process goes on ("there is room again"): one more operation, a sync and the close must succeed, and the tree found
 * later must be the last one; or it dies: the tree found later must be one that was live at or after the last sync that
 * succeeded, or that of a move of the thread which was refused since: of what is refused because the disk fails, nobody knows.
 * What another thread was given is there as long as that thread is.
 *
 * Errors      All failures of the harness itself end the program with a message.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/torture/fault_library.h"

#define STORY_STEPS 24

struct story {
	const char *name;
	const char *words; /* operations; "init" alone: a store is made */
};

extern const struct story stories[];
extern const size_t story_count;

enum story_end { STORY_GOES_ON, STORY_DIES };

/* Shared with the process that runs the story. */
struct story_log {
	struct fault_plan plan;
	int opened;                    /* the result of opening */
	unsigned steps;                /* done */
	int results[STORY_STEPS];      /* of each */
	uint64_t digests[STORY_STEPS]; /* [i]: after i steps */
	unsigned synced;               /* the tree after so many steps is durable */
	bool is_synced;
	bool moved[STORY_STEPS]; /* the step moves threads */
	bool gave_way; /* in the step behind these it was left to the next process to finish what was begun */
	bool other_has_file; /* the other thread was given its file */
	int after;           /* STORY_GOES_ON: the result of going on */
	uint64_t last_digest;
	char message[512];
};

/* Runs STORY with PLAN on the store below ROOT, in a process of its own; false, with log->message, when it crashed or hung. */
bool story_run(const struct story *story, const char *root, const struct fault_plan *plan, enum story_end end,
	struct story_log *log);

/* What is true now; false with a line in log->message when it should not be. REFERENCE: the log without faults. */
bool story_check(const struct story *story, const char *root, enum story_end end,
	const struct story_log *reference, struct story_log *log);

#endif
