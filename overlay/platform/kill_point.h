/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_KILL_POINT_H
#define HEDDLE_PLATFORM_KILL_POINT_H

/*
 * Kill points: named places at which a test lets a process die.
 *
 * Builds with HD_CHECKS have them; in others they are nothing. A program that called hd_kill_points_arm obeys
 *
 *     HEDDLE_KILL_POINT=NAME:COUNT[:segv]    dies when NAME is reached for the COUNT-th time, of SIGKILL or SIGSEGV
 *     HEDDLE_KILL_POINT=NAME:COUNT:hang      hangs there
 *     HEDDLE_KILL_POINT=any:COUNT            chooses NAME, a count up to COUNT and the signal by itself
 *     HEDDLE_KILL_POINT=NAME,NAME,...:COUNT  the same, of those names
 *
 * and writes "kill point NAME" to its log before. While the file HEDDLE_KILL_POINT_OFF exists, arming does nothing.
 *
 * Threads     Any.
 */

#define HD_KILL_POINTS(x)                                                                                 \
	x(request_read)            /* a message is in its slot */                                         \
		x(request_begun)   /* its number is known, another thread may read */                     \
		x(request_served)  /* the handler has returned, the reply is written */                   \
		x(message_cleared) /* the slot has no message, its result is still there */               \
		x(entry_reply)     /* before a reply that carries a lookup */                             \
		x(status_reply)    /* before one that says that something is done */                      \
		x(written_reply)   /* before one to a write */                                            \
		x(listing_reply)   /* before a listing whose lookups are counted */                       \
		x(redo_built)      /* the edits are there, and not declared */                            \
		x(redo_declared)   /* declared, and not in the tables */                                  \
		x(redo_half)       /* one edit is in the tables */                                        \
		x(redo_applied)    /* all are, and the redo area is still valid */                        \
		x(redo_cleared)    /* the transaction is over */                                          \
		x(forget_begun)    /* a FORGET is read, and the kernel will not repeat it */              \
		x(forget_counted)  /* one step of a FORGET is done */                                     \
		x(name_removed)    /* an orphan that nobody holds is not released yet */                  \
		x(orphan_unmapped) /* an orphan's blocks are gone, its record is not */                   \
		x(size_set)        /* a truncation is done, the other attributes are not */               \
		x(bytes_written)   /* bytes are in memory, no block map names them */                     \
		x(bytes_read)      /* a read is done, its reply is not */                                 \
		x(blocks_named)    /* a write is done, its reply is not */                                \
		x(large_made)      /* a file's own memory file is there, its blocks are not in it */      \
		x(flush_cut)       /* what a flush writes is copied */                                    \
		x(flush_written)   /* and is on disk */                                                   \
		x(content_stored)  /* a file's bytes are in the store, the file does not refer to them */ \
		x(fork_pinned)     /* what a fork begins with has names that stay */                      \
		x(fork_filled)     /* its directory is there, and not on disk */                          \
		x(fork_made)       /* it is, and the thread has no row */                                 \
		x(fork_recorded)   /* the thread is there, nobody has heard of it */                      \
		x(arena_mapped)    /* taking over: nothing is recovered yet */                            \
		x(arena_recovered) /* the redo area is dealt with */                                      \
		x(overlay_opened) x(init_repeated) x(forgets_finished) x(slots_cleared)                   \
			x(asked_again) /* the kernel sends again, nobody reads */

enum hd_kill_point {
#define HD_KILL_POINT_ENUM(name) HD_KILL_POINT_##name,
	HD_KILL_POINTS(HD_KILL_POINT_ENUM)
#undef HD_KILL_POINT_ENUM
		HD_KILL_POINT_COUNT
};

#ifdef HD_CHECKS
#define HD_KILL_POINT(name) hd_kill_point_reach(HD_KILL_POINT_##name)
#else
#define HD_KILL_POINT(name) ((void)0)
#endif

/* From now on the calling process obeys HEDDLE_KILL_POINT. */
void hd_kill_points_arm(void);
void hd_kill_point_reach(enum hd_kill_point point);

#endif
