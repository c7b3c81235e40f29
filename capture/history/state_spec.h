/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_HISTORY_STATE_SPEC_H
#define HEDDLE_CAPTURE_HISTORY_STATE_SPEC_H

/*
 * State spec: how a person names a state.
 *
 *     @              the head of the current thread
 *     <thread>       the head of that thread
 *     <tag>          the state of that tag
 *     <hex>          the state whose id begins with these 4 to 32 digits
 *     <commit>       the state that was imported as, or exported to, the commit with these 40 digits
 *     <spec>~<n>     the n-th first parent of it; ~ alone is ~1; may be repeated
 *
 * A thread's exact name is tried before anything else, so that no thread is hidden by an id or a '~' in its
 * name; then a tag's, then an id. A prefix of more than one id is -HD_E_STATE_AMBIGUOUS, with those ids in the detail.
 *
 * Threads     Any.
 * Errors      -HD_E_STATE_MISSING (also: no such parent), -HD_E_STATE_AMBIGUOUS, -HD_E_STATE_SPEC.
 */

#include "overlay/store/index/index.h"

/* CURRENT_THREAD may be NULL; "@" is -HD_E_STATE_SPEC then. */
int hd_state_spec_resolve(
	struct hd_index *index, const char *spec, const char *current_thread, struct hd_state_id *ret_id);

/*
 * The thread from whose head SPEC counts ("@", "@~2", "main", "main~"), in fresh memory; NULL where it is a tag's or an id, or names
 * nothing.
 */
int hd_state_spec_thread(
	struct hd_index *index, const char *spec, const char *current_thread, char **ret_thread);

#endif
