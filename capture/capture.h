/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_CAPTURE_H
#define HEDDLE_CAPTURE_CAPTURE_H

/*
 * Capture: makes what changed in an overlay since its last state a new state, and moves the thread's head to
 * it.
 *
 * The tree is that of one instant; the thread may be written to all the while. Over a git commit equal content
 * always gets the equal tree (canonical_content.h); over a directory, what is the same as in the head at the same path
 * is referred to by the head's own references. So changing something and changing it back is no change. Times, owners
 * and extended attributes are kept in a state, but they alone do not make one.
 *
 * A capture of some paths (capture_select.h) leaves everything else uncaptured. The live tree is then what it was, over
 * another head, and the next capture goes again where this one went: it costs what changed since the last whole one.
 *
 * Ownership   Options are borrowed during the call; *RET_STATE is the caller's to clear.
 * Threads     Any; captures of one overlay happen one after the other.
 * Durability  When the call returns 0 the state, its trees and all bytes it names survive a power cut; so does the live
 *             tree as it was when the call began, also when nothing makes a state or only some paths do. Only what is
 *             kept aside says nothing of the live tree.
 *             Until the one transaction that publishes it there is no trace of it; killed at any point,
 *             the next capture finds everything unharmed.
 * Errors      -HD_E_THREAD_MOVED when the head was moved by somebody else meanwhile (nothing is lost: the
 *             changes are still in the overlay), -ENOENT for a chosen path that is nowhere,
 *             -HD_E_IDENTITY_INVALID, -HD_E_FACT_INVALID, errors of snapshot and store.
 */

#include "capture/capture_select.h"
#include "capture/growth.h"
#include "overlay/overlay.h"

/* A moment as its author's clock showed it. */
struct hd_capture_time {
	int64_t time_s;
	uint32_t time_ns;
	int32_t zone_minutes;
};

struct hd_provenance_actor;

/* Who knows which processes changed what. Calls come from the capturing thread, in this order. */
struct hd_capture_witness {
	void *payload;
	uint64_t (*mark)(
		void *payload);        /* before the snapshot: what is noted from now on may come after it */
	void (*settle)(void *payload); /* what it is about to find out may be waited for */
	/* Who changed inode INO, or what the directory INO has under NAME: numbers, the last one first. */
	unsigned (*who)(void *payload, hd_ino ino, const char *name, uint32_t *ret_numbers);
	int (*actor)(void *payload, uint32_t number, struct hd_provenance_actor *ret_actor);
	bool (*is_incomplete)(void *payload);
	void (*forget)(void *payload, uint64_t mark); /* it is in a state now */
	/* The same of inode INO, or of what it has under NAME, alone. */
	void (*forget_one)(void *payload, hd_ino ino, const char *name, uint64_t mark);
};

struct hd_capture_options {
	const char *message; /* NULL: empty */
	const char *author;  /* "Name <mail>", see identity.h */
	/* In any order. A key occurs once, is 1..64 of [A-Za-z0-9._-], begins with a letter, is neither "state" nor
	 * "provenance". */
	const struct hd_state_fact *facts;
	size_t n_facts;
	const struct hd_capture_time *time; /* NULL: now, in the local zone */
	struct hd_capture_choice choice;    /* all zero: everything */
	struct hd_growth *growth; /* borrowed, empty, filled if a state is made; NULL: nobody asks */
	/*
	 * Makes the state and moves nothing: the thread's head stays, and what changed is still uncaptured. To keep a tree
	 * that something else takes the place of; so times, owners and extended attributes alone do make such a state.
	 */
	bool aside;
	const struct hd_capture_witness *witness; /* NULL: nobody knows who changed what */
};

/*
 * The numbers of a state are those of tree_comparison.h against its parent. `moved` is how many files and directories
 * were moved, of which nothing else is counted. The directories are the state's moves.
 *
 * Sets *RET_STATE to the new state; or, when nothing that makes a state has changed, to the head, with
 * *RET_NOTHING true.
 */
int hd_capture_run(struct hd_overlay *overlay, const struct hd_capture_options *options,
	struct hd_state *ret_state, bool *ret_nothing);

/* Now, with the offset of the local zone. */
struct hd_capture_time hd_capture_time_now(void);

#endif
