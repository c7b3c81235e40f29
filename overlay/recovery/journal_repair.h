/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_RECOVERY_JOURNAL_REPAIR_H
#define HEDDLE_RECOVERY_JOURNAL_REPAIR_H

/*
 * A thread whose journal is damaged goes on with what is whole in front of the damage. The damaged file is kept beside it,
 * as journal.damaged or journal.damaged.<n>, and nothing of it is changed.
 *
 * Whoever asks must have been told what that gives up: everything since the damaged epoch that is in no state.
 *
 * Threads     One at a time for a thread; it must be open nowhere (-HD_E_THREAD_BUSY).
 * Durability  When it returns 0 the new journal is on disk. Who is killed before has the damaged one under one name or
 *             the other, and may ask again.
 */

#include "overlay/store/store.h"

struct hd_journal_repair {
	bool was_damaged;   /* false: nothing was done */
	uint64_t epochs;    /* whole ones, which are kept; 0: the thread begins with its state's tree again */
	uint64_t kept;      /* bytes of them */
	uint64_t set_aside; /* bytes behind them */
	char aside[40]; /* name of the damaged file in the thread's directory; "" if the journal was gone */
};

/* Does nothing to a journal that is not damaged. -errno of the disk. */
int hd_journal_repair(
	struct hd_store *store, const struct hd_thread *thread, struct hd_journal_repair *ret_repair);

#endif
