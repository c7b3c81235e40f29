/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CONTENTS_HOT_TIER_TYPES_H
#define HEDDLE_CONTENTS_HOT_TIER_TYPES_H

/* What hot_tier.c and hot_large.c share; nobody else includes this. */

#include "overlay/hot/hot_tier.h"
#include "overlay/platform/lock.h"

struct hd_block_stack {
	uint32_t *blocks; /* owned */
	size_t count, capacity;
};

struct hd_large_slot {
	int fd;    /* owned; -1: the slot is free */
	bool held; /* dropped, but a flush may still read it */
};

struct hd_hot_tier {
	struct hd_mutex lock; /* rank LEAF; protects all but fd, limit and freed */
	int fd;               /* borrowed */
	uint64_t limit;       /* blocks */
	struct hd_block_stack free;
	struct hd_block_stack freed; /* in the running transaction (namespace lock) */
	struct hd_block_stack held;  /* freed during a flush */
	unsigned holds;
	uint32_t next_untouched;     /* no block from here on was ever used */
	uint64_t used;               /* blocks in use or reserved, large files included */
	struct hd_large_slot *large; /* owned; slot 0 is never used */
	uint32_t large_capacity;
	uint32_t large_files;
	int (*hold)(void *payload, uint32_t slot, int fd);
	void *hold_payload;
};

/* For freeing the tier: closes every slot. */
void hd_hot_large_close_all(struct hd_hot_tier *tier);
/* Closes what was dropped while a flush was reading. */
void hd_hot_large_drop_held_locked(struct hd_hot_tier *tier);

#endif
