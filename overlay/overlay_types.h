/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_OVERLAY_OVERLAY_TYPES_H
#define HEDDLE_OVERLAY_OVERLAY_TYPES_H

/*
 * The overlay's parts, as the files of this folder share them; nobody outside overlay/ includes this.
 *
 * Three locks matter. A file's lock (one of HD_FILE_LOCKS, by inode) orders readers and writers of its bytes;
 * the namespace lock orders everything in the arena; the change lock has no bytes half changed when a snapshot is taken
 * (contents/kept_files.h). Who needs several takes the change lock first, then the file's. None is ever
 * held while a base is read or a disk is written: plans are made under the lock, carried out without it, and
 * checked again.
 */

#include "overlay/arena/arena.h"
#include "overlay/arena/block_map.h"
#include "overlay/arena/entry_table.h"
#include "overlay/arena/inode_table.h"
#include "overlay/bases/base.h"
#include "overlay/hot/hot_tier.h"
#include "overlay/inodes/request.h"
#include "overlay/overlay.h"
#include "overlay/platform/error_codes.h"
#include "overlay/platform/lock.h"

#define HD_FILE_LOCKS 256
#define HD_NAME_LIMIT 255
#define HD_LINK_LIMIT 65000u /* names of one file, as many as ext4 allows */

struct hd_change_log;
struct hd_loader;
struct hd_promoter;
struct hd_flusher;
struct hd_inode_numbers;
struct hd_link_groups;
struct hd_state_nodes;
struct hd_state_listings;
struct hd_kept_files;

struct hd_overlay {
	struct hd_store *store;    /* borrowed */
	struct hd_base_set *bases; /* owned */
	char *thread;              /* owned */
	uint32_t thread_number;
	int directory_fd;     /* owned: threads/<n>/ in the store */
	int lock_fd;          /* owned: its lock */
	int arena_fd, hot_fd; /* owned copies */
	struct hd_recovery_report recovery;
	void (*on_damage)(void *payload);
	void *damage_payload;
	unsigned deadline_ms;
	uint32_t large_blocks;
	bool ignores_opens;
	bool is_volatile;
	bool inherited[HD_REQUEST_SLOTS +
		       1];                 /* result records of a dead process that nobody has claimed yet */
	struct hd_base_directory fallback; /* immutable: times and owners of base entries that keep none */

	struct hd_rwlock lock;            /* rank NAMESPACE; protects the arena, `groups` and `numbers` */
	struct hd_arena *arena;           /* owned */
	struct hd_link_groups *groups;    /* owned: base hard links by group */
	struct hd_inode_numbers *numbers; /* owned: of the base, that are shown */
	struct hd_change_log *changes;    /* owned; NULL where nobody will ask; protected by the same lock */
	struct hd_state_nodes *state_nodes; /* owned; protected by the same lock */
	struct hd_rwlock
		change_lock; /* rank CHANGE; for reading while a file's bytes are changed; protects `kept` */
	struct hd_kept_files *kept; /* owned by the snapshots that are being stored: what files were then */
	struct hd_rwlock file_locks[HD_FILE_LOCKS]; /* rank FILE */
	struct hd_hot_tier *hot;                    /* owned */
	struct hd_state_listings *state_listings;   /* owned */
	struct hd_loader *loader;                   /* owned */
	struct hd_promoter *promoter;               /* owned */
	struct hd_flusher *flusher;                 /* owned */
	struct hd_mutex capture_lock;               /* rank CAPTURE; protects captures and capturer */
	struct hd_condition capture_ended;
	unsigned captures; /* that `capturer` holds */
	pthread_t capturer;
};

static inline struct hd_rwlock *hd_file_lock_of(struct hd_overlay *overlay, uint32_t index)
{
	return &overlay->file_locks[index % HD_FILE_LOCKS];
}

/* Commits, and tells the hot tier which blocks are free now. Needs the namespace lock for writing. */
int hd_overlay_commit(struct hd_overlay *overlay, struct hd_transaction *transaction);

/* Checks an id: its record, -ESTALE. Needs the namespace lock. */
int hd_overlay_inode(struct hd_overlay *overlay, hd_ino ino, const struct hd_inode **ret_inode);

/* Checks the length of a new or looked-up name: -ENAMETOOLONG, -EINVAL for "", ".", "..", '/'. */
int hd_overlay_check_name(const char *name, size_t *ret_length);

#endif
