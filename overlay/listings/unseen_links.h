/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_LISTINGS_UNSEEN_LINKS_H
#define HEDDLE_LISTINGS_UNSEEN_LINKS_H

/*
 * Unseen links: finding the names of a changed file that lie in directories nobody looked into yet.
 *
 * A tree as of one instant has to show a change at every name of the file. Nothing tells where the names are, so the
 * directories of the base are loaded until all of them were met or nothing is left to load; then what was not met lies
 * outside of the base, and nobody waits for it any more. This happens only if a file was changed of which names are
 * missing, and all of the base is loaded at most once in a thread's life.
 *
 * Threads     Any. Blocks on the base, so the caller holds no lock.
 * Errors      None. A directory that cannot be loaded now is passed over: its names get the change when it is loaded.
 */

#include "overlay/overlay_types.h"

/*
 * Takes the change lock and the namespace lock for writing, at a moment when no changed file has unseen names that could be
 * found.
 */
void hd_lock_with_links_seen(struct hd_overlay *overlay);

#endif
