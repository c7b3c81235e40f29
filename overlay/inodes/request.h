/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_INODES_REQUEST_H
#define HEDDLE_INODES_REQUEST_H

/*
 * Request: does once what is asked twice.
 *
 * A kernel sends a request again when the process that read it died before it answered. What the first try changed is
 * in the arena; its result is there too, in the same transaction, under the request's number. The second try finds it
 * and changes nothing.
 *
 *     hd_request_begin → an operation → the reply is written → hd_request_end
 *
 * Who takes over after a death finds out which requests with results are unanswered, says so (hd_request_await), has the
 * kernel send again what it has, and calls hd_requests_drained when all of that was begun. A result that is awaited
 * and was not claimed then is of a request whose program was killed meanwhile: the kernel has withdrawn it, and holds
 * nothing of what was done for it. One that is not awaited was answered.
 *
 * An operation that must not be done twice does two things: it asks hd_request_is_done before it begins, and calls
 * hd_request_note in the transaction that decides its outcome. One that may be done twice (setattr, every kind of reading)
 * does neither: the kernel gives values, not differences. Of writes it gives offsets, but the file may be another tree's when
 * one is asked for again.
 *
 * Slots       A request runs in a slot, a number below HD_REQUEST_SLOTS that its thread has to itself; its result lies
 *             in the arena's record of that slot. Slots whose records a dead process left are not given out before
 *             the records are claimed or dropped (hd_request_slot_is_free).
 * Threads     A request is its thread's: begin, the operation and end run in one thread. hd_request_begin with RESENT
 *             and hd_requests_drained may not run at the same time.
 */

#include <stdbool.h>
#include <stdint.h>

#include "overlay/overlay.h"

#define HD_REQUEST_SLOTS 512u

struct hd_transaction;

/* The calling thread works on request UNIQUE from now on. RESENT: it may have been done before. */
void hd_request_begin(struct hd_overlay *overlay, uint32_t slot, uint64_t unique, bool resent);
/* Its reply is written: the result is forgotten. */
void hd_request_end(struct hd_overlay *overlay);

/* ---- in operations ---- */

/* Whether the calling thread's request was done by a process that is dead. */
bool hd_request_is_done(void);
/* Of one that was done: the inode that it made or found, 0 for none. A lookup of it is counted, so it cannot have gone. */
hd_ino hd_request_done_ino(void);
/* Keeps the result of the calling thread's request in TRANSACTION; nothing in a thread without one. */
void hd_request_note(struct hd_transaction *transaction, hd_ino ino);

/* ---- around operations ---- */

/* Steps of the calling thread's request that are done: each hd_overlay_forget is one. */
uint64_t hd_request_steps(void);
/* Where in which slot's memory the reply to a listing is, when hd_request_is_done: what hd_overlay_count_lookups
 * noted. */
uint32_t hd_request_done_slot(void);
uint64_t hd_request_done_size(void);

bool hd_request_slot_is_free(const struct hd_overlay *overlay, uint32_t slot);
/* UNIQUE, of KIND (not 0) and asked of inode SUBJECT, is unanswered: if it has a result, that is to be claimed. */
void hd_request_await(struct hd_overlay *overlay, uint64_t unique, uint32_t kind, hd_ino subject);

/* A request that was done, and that nobody asks for any more. */
struct hd_withdrawn {
	uint32_t kind;
	hd_ino subject;
	hd_ino ino;    /* what was made or found; 0: none */
	uint32_t slot; /* SIZE bytes of the slot's reply are a listing */
	uint64_t size;
};

/*
 * Every request that the kernel sends again was begun: results that none of them claimed are dropped, those that are
 * awaited after TAKE_BACK, which may be NULL, has heard of them. A death in the middle takes back one too few, never
 * one too many.
 */
void hd_requests_drained(struct hd_overlay *overlay,
	void (*take_back)(void *payload, const struct hd_withdrawn *withdrawn), void *payload);

#endif
