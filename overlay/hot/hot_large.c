/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "overlay/contents/hot_tier_types.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/files/memory_file.h"

/*
 * Memory files of large files. A slot's number is kept in the inode, the descriptor here and, through the
 * hold callback, in a process that outlives this one. When descriptors run short, or nobody would hold it, no new one is
 * made and the file simply stays in the shared memory file: a descriptor is an advantage here, never a condition.
 */

#define SLOT_LIMIT 8192u

static int find_slot_locked(struct hd_hot_tier *tier, uint32_t *ret_slot)
{
	uint32_t slot = 1;

	while (slot < tier->large_capacity && (tier->large[slot].fd >= 0 || tier->large[slot].held))
		slot++;
	if (slot >= SLOT_LIMIT)
		return -EMFILE;
	*ret_slot = slot;
	return 0;
}

static int make_room_locked(struct hd_hot_tier *tier, uint32_t slot)
{
	uint32_t capacity = tier->large_capacity ? tier->large_capacity : 16;
	struct hd_large_slot *large;

	while (capacity <= slot)
		capacity *= 2;
	if (capacity == tier->large_capacity)
		return 0;
	large = reallocarray(tier->large, capacity, sizeof(*large));
	if (!large)
		return -ENOMEM;
	for (uint32_t i = tier->large_capacity; i < capacity; i++)
		large[i] = (struct hd_large_slot){.fd = -1};
	tier->large = large;
	tier->large_capacity = capacity;
	return 0;
}

static int put_locked(struct hd_hot_tier *tier, uint32_t slot, int fd)
{
	int r = slot == 0 || slot >= SLOT_LIMIT ? -EINVAL : make_room_locked(tier, slot);

	if (r == 0 && tier->large[slot].fd >= 0)
		r = -EEXIST;
	if (r == 0) {
		tier->large[slot].fd = fd;
		tier->large_files++;
	}
	return r;
}

static void close_locked(struct hd_hot_tier *tier, uint32_t slot)
{
	hd_descriptor_close(&tier->large[slot].fd);
	tier->large[slot] = (struct hd_large_slot){.fd = -1};
	tier->large_files--;
}

/*
 * All of them are to fit a process twice: one that takes them over has what it was given and what it keeps, besides all
 * that it needs otherwise. The lowest number that is free says how many there are.
 */
static bool leaves_room(int fd)
{
	return (unsigned long)fd < hd_descriptor_limit() / 2;
}

int hd_hot_large_new(struct hd_hot_tier *tier, uint32_t *ret_slot)
{
	int fd = hd_memory_file_create("heddle-large", 0);
	int r;

	if (fd < 0)
		return fd;
	if (!leaves_room(fd)) {
		hd_descriptor_close(&fd);
		return -EMFILE;
	}
	hd_mutex_lock(&tier->lock);
	r = find_slot_locked(tier, ret_slot);
	if (r == 0)
		r = put_locked(tier, *ret_slot, fd);
	hd_mutex_unlock(&tier->lock);
	if (r < 0) {
		hd_descriptor_close(&fd);
		return r;
	}
	if (tier->hold)
		r = tier->hold(tier->hold_payload, *ret_slot, fd);
	if (r < 0) {
		hd_mutex_lock(&tier->lock);
		close_locked(tier, *ret_slot);
		hd_mutex_unlock(&tier->lock);
	}
	return r;
}

int hd_hot_large_adopt(struct hd_hot_tier *tier, uint32_t slot, int fd)
{
	int copy = hd_descriptor_duplicate(fd);
	int r;

	if (copy < 0)
		return copy;
	hd_mutex_lock(&tier->lock);
	r = put_locked(tier, slot, copy);
	hd_mutex_unlock(&tier->lock);
	if (r < 0)
		hd_descriptor_close(&copy);
	else if (tier->hold)
		(void)tier->hold(tier->hold_payload, slot, copy); /* it comes from whoever holds it */
	return r;
}

int hd_hot_large_fd(struct hd_hot_tier *tier, uint32_t slot)
{
	int fd = -EIO;

	hd_mutex_lock(&tier->lock);
	if (slot > 0 && slot < tier->large_capacity && tier->large[slot].fd >= 0)
		fd = tier->large[slot].fd;
	hd_mutex_unlock(&tier->lock);
	return fd;
}

/* The holder hears of it first: once the slot is free, its number may be somebody else's. */
void hd_hot_large_drop(struct hd_hot_tier *tier, uint32_t slot)
{
	if (tier->hold)
		(void)tier->hold(tier->hold_payload, slot, -1);
	hd_mutex_lock(&tier->lock);
	if (slot > 0 && slot < tier->large_capacity && tier->large[slot].fd >= 0) {
		if (tier->holds > 0)
			tier->large[slot].held = true;
		else
			close_locked(tier, slot);
	}
	hd_mutex_unlock(&tier->lock);
}

void hd_hot_large_drop_held_locked(struct hd_hot_tier *tier)
{
	for (uint32_t slot = 1; slot < tier->large_capacity; slot++)
		if (tier->large[slot].held)
			close_locked(tier, slot);
}

void hd_hot_large_close_all(struct hd_hot_tier *tier)
{
	for (uint32_t slot = 1; slot < tier->large_capacity; slot++)
		if (tier->large[slot].fd >= 0)
			hd_descriptor_close(&tier->large[slot].fd);
}

void hd_hot_large_account(struct hd_hot_tier *tier, int64_t blocks)
{
	hd_mutex_lock(&tier->lock);
	tier->used = (uint64_t)((int64_t)tier->used + blocks);
	hd_mutex_unlock(&tier->lock);
}
