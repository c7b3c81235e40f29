/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_EXPORT_NOTE_TEXT_H
#define HEDDLE_CAPTURE_GIT_EXPORT_NOTE_TEXT_H

/*
 * Note text: what git's note of an exported state says: its facts as they are, and who changed what. A commit's trailers say
 * them as well, but for the letters of keys that trailers have not, and for who changed what.
 *
 *     state <id>
 *     <key>: <value>                for each fact, by key; every further line of a value begins with a space
 *
 *     changed by <actor>, call <tool call>, <program>:      for each of those that changed something, if that was recorded
 *         <path>                    after a tab; as git quotes them, and no more than HD_NOTE_PATHS of each
 *
 * It is a pure function of the state: equal notes wherever it is exported.
 *
 * Threads     Any. Errors: those of provenance_groups.h.
 */

#include "overlay/platform/buffer.h"
#include "overlay/store/store.h"

#define HD_NOTE_PATHS 100

/* Appends the note of STATE, which has facts. */
int hd_note_text_put(struct hd_store *store, const struct hd_state *state, struct hd_buffer *out);

#endif
