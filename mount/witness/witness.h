/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_WITNESS_WITNESS_H
#define HEDDLE_MOUNT_WITNESS_WITNESS_H

/*
 * Witness: notes for a mount which process changes which inode or name, until a capture asks.
 *
 *     hd_witness_new → hd_witness_note per change → hd_witness_mark, _settle, _who …, hd_witness_forget at a capture
 *
 * A note costs a lookup in two tables in memory and a short call; who the process is, is found out by a thread of the
 * witness. A process that has ended by then is known by its number alone. A number is one process for as long as that lives
 * and executes the same program: its end is watched, and the program is asked for with each change.
 *
 * Memory      HD_WITNESS_CHANGES inodes and names and HD_WITNESS_ACTORS processes that changed them last between two captures;
 *             what exceeds that is not noted, and the capture says so. All of it ends with the process: what a worker that died had noted
 *             is not known afterwards, nor what was changed before the last unmount and is not captured.
 * Ownership   The caller frees texts that he is given. NULL is a witness who notes nothing.
 * Threads     Any. _settle waits; _note waits, once per process, for ten milliseconds at most; nothing else does.
 */

#include <stdbool.h>

#include "overlay/overlay.h"
#include "overlay/store/provenance.h"

#define HD_WITNESS_CHANGES 1048576u
#define HD_WITNESS_ACTORS 65536u

struct hd_witness;

/* Begins with nothing noted. */
int hd_witness_new(struct hd_witness **ret_witness);
/* Ends its thread; nobody notes anything any more. NULL is fine. */
void hd_witness_free(struct hd_witness *witness);

/* Asks as a process that the mount's namespace of processes has no number for. */
#define HD_WITNESS_OUTSIDE ((pid_t)-1)

/*
 * PID changes inode INO; or, with NAME of LENGTH bytes, what that directory has under it. PID 0: the kernel writes what
 * somebody has written to its cache: the last known to have changed the file, or else to have opened it for that.
 */
void hd_witness_note(struct hd_witness *witness, hd_ino ino, const char *name, size_t length, pid_t pid);
/* What is there now was put there by nobody who was seen, as by a restore: those noted before did not make it. */
void hd_witness_note_replaced(struct hd_witness *witness, hd_ino ino, const char *name);
/* Something that is in no state yet was changed, and who did that was not noted, or is not known any more. NULL is fine. */
void hd_witness_miss(struct hd_witness *witness);
/* PID is about to change something, and waits: the time to look at it. */
void hd_witness_see(struct hd_witness *witness, pid_t pid);
/* PID has INO open for writing. */
void hd_witness_note_opened(struct hd_witness *witness, hd_ino ino, pid_t pid);
/* One of those has closed it, and what it had mapped of it is written. */
void hd_witness_note_released(struct hd_witness *witness, hd_ino ino);

/* The moment: what is noted from now on survives hd_witness_forget of it. */
uint64_t hd_witness_mark(struct hd_witness *witness);
void hd_witness_forget(struct hd_witness *witness, uint64_t mark);
/* That of one inode, or of one name in it, alone. */
void hd_witness_forget_one(struct hd_witness *witness, hd_ino ino, const char *name, uint64_t mark);
/* Waits, but not long, until the processes noted so far were looked at. */
void hd_witness_settle(struct hd_witness *witness);

/* The numbers of those that changed it, the last one first; how many. NAME is NUL-terminated, or NULL. */
unsigned hd_witness_who(
	struct hd_witness *witness, hd_ino ino, const char *name, uint32_t numbers[HD_PROVENANCE_LIMIT]);
/* One of those; fresh texts. */
int hd_witness_actor(struct hd_witness *witness, uint32_t number, struct hd_provenance_actor *ret_actor);
/* Whether something was changed since the last forgetting that there was no room for. */
bool hd_witness_is_incomplete(struct hd_witness *witness);

#endif
