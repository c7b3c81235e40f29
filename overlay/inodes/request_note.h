/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_INODES_REQUEST_NOTE_H
#define HEDDLE_INODES_REQUEST_NOTE_H

/* What request.c does for the files of this folder alone. */

#include "overlay/arena/arena.h"
#include "overlay/inodes/request.h"

/* hd_request_note with the size of a reply that lies in the slot's memory. */
void hd_request_note_size(struct hd_transaction *transaction, hd_ino ino, uint64_t size);
/* One more step of a request that has many. */
void hd_request_step(struct hd_transaction *transaction);

/* The records that a dead process left, which its successor's requests may claim. */
void hd_requests_inherit(struct hd_overlay *overlay);
/* Nobody will ask for any. */
void hd_requests_forget(struct hd_arena *arena);

#endif
