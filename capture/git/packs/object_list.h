/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_PACKS_OBJECT_LIST_H
#define HEDDLE_CAPTURE_GIT_PACKS_OBJECT_LIST_H

/*
 * Object list: objects in the order in which they were added, each once, found by their ids. Owned by whoever clears it; a zeroed
 * one is empty. Threads: one. Errors: -ENOMEM, -EFBIG from 2^32 objects on.
 */

#include "capture/git/packs/pack_writer.h"

struct hd_object_list {
	struct hd_pack_entry *entries; /* owned array; whoever sorts it can find nothing any more */
	size_t count, capacity;
	uint32_t *slots; /* owned: places in `entries`, from 1 on, by id; a power of two, at most half full */
	size_t n_slots;
};

/* The entry of ID, borrowed until the next is added; NULL if there is none. */
struct hd_pack_entry *hd_object_list_find(const struct hd_object_list *list, const git_oid *id);

/* Adds ENTRY, which is not there yet, at the end. */
int hd_object_list_add(struct hd_object_list *list, const struct hd_pack_entry *entry);

/* Frees the entries; the list is empty and can be used again. */
void hd_object_list_clear(struct hd_object_list *list);

#endif
