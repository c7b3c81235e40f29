/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/bases/directory/base_directory_seen.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/lock.h"

/*
 * A reference to host content is a path and says nothing about the bytes, so the only witness is this table.
 * It remembers what was seen first and keeps it: that is what the overlay shows, however often the directory
 * is listed again. Size, inode and both times are compared; the change time catches a file that was rewritten
 * and got its old modification time back, at the price that a chmod or a new hard link counts as a change
 * too.
 *
 * Limits, by design: a base that was changed while nothing had it mounted is taken as it is, as is a file
 * changed between a worker's death and its successor's first look; and beyond HD_SEEN_LIMIT files the oldest
 * of a set of four is forgotten, and taken as it is at its next look.
 *
 * The table is a cache of sets: no growth, no rehash, one short lock. Path ids are as good as random.
 */

#define WAYS 4
#define SETS (HD_SEEN_LIMIT / WAYS)

struct fingerprint {
	uint64_t size;
	uint64_t inode;
	struct timespec modify_time;
	struct timespec change_time;
};

struct seen_file {
	uint8_t id[HD_PATH_ID_SIZE];
	bool used;
	struct fingerprint fingerprint;
};

struct seen_set {
	struct seen_file files[WAYS];
	unsigned next; /* the way that is overwritten next */
};

struct hd_seen_files {
	struct hd_mutex lock;
	struct seen_set *sets; /* owned array of SETS; (lock) */
};

static struct fingerprint fingerprint_of(const struct stat *status)
{
	return (struct fingerprint){
		.size = (uint64_t)status->st_size,
		.inode = status->st_ino,
		.modify_time = status->st_mtim,
		.change_time = status->st_ctim,
	};
}

static bool fingerprints_equal(const struct fingerprint *a, const struct fingerprint *b)
{
	return a->size == b->size && a->inode == b->inode &&
	       hd_clock_is_same(&a->modify_time, &b->modify_time) &&
	       hd_clock_is_same(&a->change_time, &b->change_time);
}

static struct seen_file *find_locked(struct seen_set *set, const uint8_t *id)
{
	for (unsigned i = 0; i < WAYS; i++) {
		if (set->files[i].used && memcmp(set->files[i].id, id, HD_PATH_ID_SIZE) == 0)
			return &set->files[i];
	}
	return NULL;
}

static void remember_locked(struct seen_set *set, const uint8_t *id, const struct fingerprint *fingerprint)
{
	struct seen_file *file = &set->files[set->next];

	set->next = (set->next + 1) % WAYS;
	memcpy(file->id, id, HD_PATH_ID_SIZE);
	file->fingerprint = *fingerprint;
	file->used = true;
}

int hd_seen_files_check(
	struct hd_seen_files *seen, const uint8_t id[HD_PATH_ID_SIZE], const struct stat *status)
{
	struct fingerprint now = fingerprint_of(status);
	const struct seen_file *file;
	struct seen_set *set;
	uint32_t hash;
	bool same = true;

	memcpy(&hash, id, sizeof(hash));
	set = &seen->sets[hash % SETS];
	hd_mutex_lock(&seen->lock);
	file = find_locked(set, id);
	if (file)
		same = fingerprints_equal(&file->fingerprint, &now);
	else
		remember_locked(set, id, &now);
	hd_mutex_unlock(&seen->lock);
	return same ? 0 : -HD_E_BASE_CHANGED;
}

int hd_seen_files_new(struct hd_seen_files **ret_seen)
{
	struct hd_seen_files *seen = calloc(1, sizeof(*seen));

	if (!seen)
		return -ENOMEM;
	/* Far above the allocator's mapping threshold: pages nobody touches cost nothing. */
	seen->sets = calloc(SETS, sizeof(*seen->sets));
	if (!seen->sets) {
		free(seen);
		return -ENOMEM;
	}
	hd_mutex_init(&seen->lock, HD_RANK_BASE);
	*ret_seen = seen;
	return 0;
}

void hd_seen_files_free(struct hd_seen_files *seen)
{
	if (!seen)
		return;
	hd_mutex_destroy(&seen->lock);
	free(seen->sets);
	free(seen);
}
