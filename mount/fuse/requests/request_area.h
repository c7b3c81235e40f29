/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_REQUESTS_REQUEST_AREA_H
#define HEDDLE_MOUNT_FUSE_REQUESTS_REQUEST_AREA_H

/*
 * Request area: the memory file in which requests are read and long replies are made. It outlives the worker, so that
 * its successor knows what was being worked on: the kernel sends most requests again by itself, but never a FORGET,
 * and never the INIT that was answered.
 *
 * A slot is one thread's: a message, and room for the data of its reply. The message's length is 0 while there is none
 * that matters; it is cleared when the reply was written.
 *
 * Ownership   The descriptor is borrowed by _map. Threads: a slot is its taker's; the rest is for the time before
 *             threads run, but for _take, _give_back and syncs.
 * Errors      -errno.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "overlay/inodes/request.h"

#define HD_REQUEST_AREA_VERSION 1u /* a change of anything that lies in the file changes it */
#define HD_AREA_INIT_SIZE 256u
#define HD_AREA_SUSPECTS 64u
#define HD_AREA_SYNCS 4200u /* more than can wait in sync_pool.h */

struct hd_request_area;

/* A new memory file for one mount. */
int hd_request_area_create(void);
int hd_request_area_map(int fd, struct hd_request_area **ret_area);
/* NULL is fine. */
void hd_request_area_unmap(struct hd_request_area *area);

/* ---- slots ---- */

/* Takes a slot that no thread has, that holds no message, and that OVERLAY keeps no result for. Its message is in
 * resident memory, because what the kernel copies into absent pages of a process that is being killed is lost. -EAGAIN when there is none. */
int hd_request_area_take(struct hd_request_area *area, const struct hd_overlay *overlay, uint32_t *ret_slot);
/* Its memory goes back to the system. */
void hd_request_area_give_back(struct hd_request_area *area, uint32_t slot);

/* The taker of SLOT, which has no message, will not need its memory for long: it goes back to the system. Nothing may be
 * read into it before _rouse. */
void hd_request_area_rest(const struct hd_request_area *area, uint32_t slot);
void hd_request_area_rouse(const struct hd_request_area *area, uint32_t slot);

/* HD_FUSE_MESSAGE_SIZE and HD_FUSE_DATA_SIZE bytes. */
void *hd_request_area_message(const struct hd_request_area *area, uint32_t slot);
void *hd_request_area_reply(const struct hd_request_area *area, uint32_t slot);
/* One above the last slot that was ever taken. */
uint32_t hd_request_area_limit(const struct hd_request_area *area);
/* There is no message in the slot any more. */
void hd_request_area_clear(const struct hd_request_area *area, uint32_t slot);

/* ---- INIT ---- */

/* Keeps the kernel's INIT and the answer that is about to be written. */
void hd_request_area_save_init(
	struct hd_request_area *area, const void *message, size_t size, const void *reply, size_t reply_size);
/* Copies them; false when there are none. Both have room for HD_AREA_INIT_SIZE bytes. */
bool hd_request_area_saved_init(const struct hd_request_area *area, void *message, size_t *ret_size,
	void *reply, size_t *ret_reply_size);

/* ---- syncs: requests that wait on another thread, when their slot has the next message already ---- */

/* Notes that UNIQUE is under way; returns what _sync_end takes when it was answered. */
uint32_t hd_request_area_sync_begin(struct hd_request_area *area, uint64_t unique);
void hd_request_area_sync_end(struct hd_request_area *area, uint32_t place);
/* Hands over what a dead process had under way, and forgets it. Returns how many. */
size_t hd_request_area_take_syncs(struct hd_request_area *area, uint64_t uniques[HD_AREA_SYNCS]);

/* ---- requests that processes died of ---- */

/* The last process died while it worked on these N requests. What is not among them did no harm. */
void hd_request_area_accuse(struct hd_request_area *area, const uint64_t *uniques, size_t n);
/* Processes in a row that died while they worked on UNIQUE. */
unsigned hd_request_area_deaths(const struct hd_request_area *area, uint64_t unique);

#endif
