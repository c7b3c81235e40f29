/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/recovery/recovery.h"
#include "overlay/bases/base_root.h"
#include "overlay/inodes/orphan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "overlay/arena/cells.h"
#include "overlay/changes/changes_open.h"
#include "overlay/contents/file_data.h"
#include "overlay/inodes/request_note.h"
#include "overlay/journal/flush.h"
#include "overlay/journal/journal.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/files/memory_file.h"
#include "overlay/platform/kill_point.h"
#include "overlay/platform/log.h"
#include "overlay/recovery/replayed_blocks.h"
#include "overlay/switch/tree_switch.h"

/*
 * A replayed arena has lost nothing but what the kernel held, which is gone with the mount, so references are
 * cleared and orphans released. An attached one may contain a committed transaction that is not in the tables
 * yet, and knows nothing of what is on disk: its redo is applied and everything mapped counts as dirty.
 */

struct replaying {
	struct hd_overlay *overlay;
	struct hd_recovered *recovered;
	struct hd_replayed_blocks blocks;
};

static int replay_record(void *payload, unsigned table, uint32_t index, const void *data, size_t size)
{
	struct replaying *replaying = payload;

	return hd_arena_restore(replaying->overlay->arena, table, index, data, size);
}

static int replay_block(void *payload, uint32_t block, const void *data, size_t size)
{
	struct replaying *replaying = payload;

	return hd_replayed_block(&replaying->blocks, block, data, size);
}

static int large_fd(struct hd_recovered *recovered, uint32_t slot)
{
	struct hd_recovered_large *large;
	int fd;

	for (size_t i = 0; i < recovered->n_large; i++)
		if (recovered->large[i].slot == slot)
			return recovered->large[i].fd;
	large = reallocarray(recovered->large, recovered->n_large + 1, sizeof(*large));
	if (!large)
		return -ENOMEM;
	recovered->large = large;
	fd = hd_memory_file_create("heddle-large", 0);
	if (fd == -EMFILE)
		return hd_fail(EMFILE,
			"the journal has more than %zu large files, each of which needs a descriptor, and "
			"%lu "
			"are allowed",
			recovered->n_large, hd_descriptor_limit());
	if (fd >= 0)
		large[recovered->n_large++] = (struct hd_recovered_large){.slot = slot, .fd = fd};
	return fd;
}

static int replay_large(void *payload, uint32_t slot, uint64_t offset, const void *data, size_t size)
{
	struct replaying *replaying = payload;
	int fd = large_fd(replaying->recovered, slot);

	if (fd < 0)
		return fd;
	if (offset > (uint64_t)INT64_MAX - size)
		return hd_fail(HD_E_JOURNAL_CORRUPT, "data for large file %u", slot);
	return hd_memory_file_write(fd, data, size, offset);
}

/* A mount that goes on: what the kernel holds stays counted, what it asks again is known. */
static void keep_references(struct hd_overlay *overlay)
{
	hd_arena_clear_pins(overlay->arena);
	hd_requests_inherit(overlay);
}

static int verify_memory(struct hd_overlay *overlay, bool all)
{
	struct hd_memory_report *memory = &overlay->recovery.memory;
	struct hd_arena_recovery found;
	int r = hd_arena_recover(overlay->arena, all, &found);

	overlay->recovery.redo_applied = found.redo_applied;
	*memory = (struct hd_memory_report){.state = r < 0           ? HD_MEMORY_LOST
						     : found.damaged ? HD_MEMORY_SHOWN
								     : HD_MEMORY_SOUND,
		.owner_died = found.owner_died,
		.owner = found.owner,
		.has_operation = found.has_operation,
		.operation = found.operation,
		.subject = found.subject};
	memcpy(memory->flaw, found.flaw, sizeof(memory->flaw));
	return r;
}

static int attach(struct hd_overlay *overlay, bool goes_on)
{
	int r;

	if (!hd_arena_is_ready(overlay->arena))
		return hd_fail(HD_E_ARENA_CORRUPT, "its last process died before it had read the journal");
	/* Nobody waits for who only brings it to the disk. */
	r = verify_memory(overlay, !goes_on);
	if (r < 0)
		return r;
	if (goes_on) {
		keep_references(overlay);
	} else {
		hd_arena_clear_references(overlay->arena);
		hd_requests_forget(overlay->arena);
	}
	/* The tables may refer to what the dead one stored and nobody synced. */
	hd_object_store_distrust(overlay->store->objects);
	hd_index_distrust_host_paths(overlay->store->index);
	return 0;
}

static int recover(
	struct hd_overlay *overlay, const struct hd_overlay_options *options, struct hd_recovered *ret)
{
	struct replaying replaying = {
		.overlay = overlay, .recovered = ret, .blocks = {.fd = overlay->hot_fd}};
	struct hd_replay replay = {
		.payload = &replaying, .record = replay_record, .block = replay_block, .large = replay_large};
	struct hd_replay_report report;
	int r;

	/* The journal of an attached overlay is older than its memory: the next flush writes a new one. */
	if (options->attach)
		return attach(overlay, options->keep_references);
	r = hd_journal_replay(overlay->directory_fd, overlay->thread_number, &replay, &report);
	if (r == 0)
		r = hd_replayed_blocks_write(&replaying.blocks);
	hd_replayed_blocks_clear(&replaying.blocks);
	if (r < 0)
		return r;
	ret->journal_size = report.size;
	ret->journal_epochs = report.epochs;
	overlay->recovery.journal_epochs = report.origin_epochs + report.epochs;
	overlay->recovery.torn_bytes = report.torn_bytes;
	return 0;
}

/*
 * The dead one's memory is left as it is. What the journal has goes into memory of our own, which nobody else will ever
 * hold: nothing is written there that matters.
 */
static int go_back(struct hd_overlay *overlay, struct hd_overlay_options *options, struct hd_recovered *ret)
{
	int r;

	hd_arena_unmap(HD_STEAL(overlay->arena));
	hd_descriptor_close(&overlay->arena_fd);
	hd_descriptor_close(&overlay->hot_fd);
	overlay->arena_fd = overlay->hot_fd = -1;
	options->attach = options->background = false;
	options->hold_large = NULL;
	options->n_large = 0;
	hd_error_clear();
	r = hd_overlay_memory(&overlay->arena_fd, &overlay->hot_fd);
	if (r == 0)
		r = hd_arena_map(overlay->arena_fd, &overlay->arena);
	return r < 0 ? r : recover(overlay, options, ret);
}

int hd_recover(struct hd_overlay *overlay, struct hd_overlay_options *options, struct hd_recovered *ret)
{
	struct hd_memory_report *memory = &overlay->recovery.memory;
	int r = hd_arena_map(overlay->arena_fd, &overlay->arena);

	HD_KILL_POINT(arena_mapped);
	if (r == -HD_E_ARENA_CORRUPT && options->attach) {
		memory->state = HD_MEMORY_LOST;
		(void)snprintf(memory->flaw, sizeof(memory->flaw), "%s", hd_error_message(r));
	} else if (r == 0) {
		r = recover(overlay, options, ret);
	}
	return memory->state == HD_MEMORY_LOST ? go_back(overlay, options, ret) : r;
}

void hd_recovered_clear(struct hd_recovered *recovered)
{
	for (size_t i = 0; i < recovered->n_large; i++)
		hd_descriptor_close(&recovered->large[i].fd);
	free(recovered->large);
}

static bool is_large(const struct hd_inode *inode)
{
	return inode->state != HD_INODE_FREE && hd_inode_is_file(inode) && inode->flags & HD_INODE_LARGE;
}

/* The memory file of SLOT that somebody kept or that the replay made; borrowed; -ENOENT. */
static int find_large(
	const struct hd_overlay_options *options, const struct hd_recovered *recovered, uint32_t slot)
{
	for (size_t i = 0; i < options->n_large; i++)
		if (options->large[i].slot == slot)
			return options->large[i].fd;
	for (size_t i = 0; i < recovered->n_large; i++)
		if (recovered->large[i].slot == slot)
			return recovered->large[i].fd;
	return -ENOENT;
}

static int64_t count_large_blocks(const struct hd_arena *arena, const struct hd_inode *inode)
{
	uint64_t block = 0;
	int64_t count = 0;
	uint32_t value;

	for (; hd_block_next(arena, inode, block, &block, &value); block++)
		count += value == HD_BLOCK_LARGE;
	return count;
}

/* A large file whose blocks were all cut off has no data in the journal: it gets an empty memory file. */
static int adopt_slot(struct hd_overlay *overlay, uint32_t index, bool attached, int kept_fd)
{
	HD_AUTO_CLOSE int new_fd = kept_fd < 0 ? hd_memory_file_create("heddle-large", 0) : -1;
	int fd = kept_fd < 0 ? new_fd : kept_fd;
	const struct hd_inode *inode = hd_record_inode(overlay->arena, index);
	int64_t blocks = count_large_blocks(overlay->arena, inode);

	if (attached && kept_fd < 0 && blocks > 0)
		hd_log(HD_LOG_ERROR,
			"nobody held the memory of large file %u (inode %u): %lld blocks of it are lost",
			inode->part.file.large_slot, index, (long long)blocks);
	hd_hot_large_account(overlay->hot, blocks);
	return fd < 0 ? fd : hd_hot_large_adopt(overlay->hot, inode->part.file.large_slot, fd);
}

/* The overlay has a descriptor of its own: two of each file might be more than this process may have. */
static void let_replayed_go(struct hd_recovered *recovered, uint32_t slot)
{
	for (size_t i = 0; i < recovered->n_large; i++)
		if (recovered->large[i].slot == slot)
			hd_descriptor_close(&recovered->large[i].fd);
}

/* Only what a file refers to is taken over: slots of files that are gone stay behind in a long journal. */
int hd_recover_large(
	struct hd_overlay *overlay, const struct hd_overlay_options *options, struct hd_recovered *recovered)
{
	uint32_t i = 0;
	int r = 0;

	if (options->attach)
		hd_flusher_note_everything(overlay->flusher);
	while (r == 0 && (i = hd_arena_next_flagged(overlay->arena, i + 1))) {
		const struct hd_inode *inode = hd_record_inode(overlay->arena, i);
		uint32_t slot = inode->part.file.large_slot;

		if (!is_large(inode))
			continue;
		r = adopt_slot(overlay, i, options->attach, find_large(options, recovered, slot));
		let_replayed_go(recovered, slot);
	}
	return r;
}

static int make_root(struct hd_overlay *overlay, const struct hd_state *state,
	const struct hd_base_entry *entry, bool is_first)
{
	struct hd_transaction transaction;
	struct hd_thread_head *head;
	struct hd_inode *inode;
	uint32_t index;

	hd_transaction_begin(overlay->arena, &transaction);
	index = hd_inode_new(&transaction, S_IFDIR | (entry->mode & 07777), &entry->modify_time);
	if (index != hd_ino_index(HD_ROOT_INO)) {
		hd_transaction_abort(&transaction);
		return hd_fail(HD_E_ARENA_CORRUPT, "the first inode is %u", index);
	}
	inode = hd_edit_inode(&transaction, index);
	inode->uid = entry->uid;
	inode->gid = entry->gid;
	inode->access_time = hd_time_from(&entry->access_time);
	inode->change_time = hd_time_from(&entry->change_time);
	inode->birth_time = hd_time_from(&entry->birth_time);
	if (entry->xattrs) {
		inode->xattrs = hd_cells_store(&transaction, entry->xattrs, entry->xattrs_size);
		inode->xattrs_size = entry->xattrs_size;
	}
	inode->content = entry->content;
	inode->part.directory.attributes = entry->attributes;
	if (!hd_content_is_none(&entry->content))
		inode->flags = HD_INODE_UNLOADED;
	head = hd_edit_thread(&transaction);
	head->state = state->id;
	head->fallback_time_s = overlay->fallback.fallback_time.tv_sec;
	head->fallback_time_ns = (uint32_t)overlay->fallback.fallback_time.tv_nsec;
	head->initialized = 1;
	if (!is_first)
		head->unmarked = ++head->change;
	return hd_overlay_commit(overlay, &transaction);
}

/*
 * The index says what the head is. It is another than this overlay's tree came from when a capture was published there
 * and its process died before it was told here, when a head was moved while nobody had the thread open (an undo), and
 * when the tree is that of a state that was restored. What is marked may then differ from the head or not, and so may
 * what is not marked: but every directory that is not marked has a true reference, so that it is enough to mark the root
 * for the two trees to be compared. The head is read again, because only now, with the thread's lock held, nobody else
 * moves it.
 */
int hd_overlay_take_head(struct hd_overlay *overlay, const struct hd_state_id *head)
{
	struct hd_transaction transaction;
	int r = 0;

	hd_rwlock_write(&overlay->lock);
	if (!hd_state_id_equal(&hd_record_thread(overlay->arena)->state, head)) {
		hd_transaction_begin(overlay->arena, &transaction);
		hd_edit_thread(&transaction)->state = *head;
		hd_inode_mark_changed(&transaction, hd_ino_index(HD_ROOT_INO));
		r = hd_overlay_commit(overlay, &transaction);
	}
	hd_rwlock_unlock(&overlay->lock);
	return r;
}

int hd_overlay_follow_head(struct hd_overlay *overlay)
{
	struct hd_thread thread = {0};
	int r = hd_index_get_thread(overlay->store->index, overlay->thread, &thread);

	if (r >= 0)
		r = hd_overlay_take_head(overlay, &thread.head);
	hd_thread_clear(&thread);
	return r;
}

/*
 * What a commit of git has shows the time of the commit that the thread began at, in every state of it and whatever tree it was
 * given: a file that nobody touched must not look new to make(1), and the next state has the same time.
 */
static int use_time_of_base(struct hd_overlay *overlay)
{
	struct hd_state first = {0};
	int r = hd_index_find_thread_first(overlay->store->index, overlay->thread, NULL, &first);

	if (r < 0)
		return r;
	overlay->fallback.fallback_time =
		(struct timespec){.tv_sec = first.time_s, .tv_nsec = (long)first.time_ns};
	hd_state_clear(&first);
	return 0;
}

int hd_prepare_root(struct hd_overlay *overlay, const struct hd_state *state)
{
	const struct hd_thread_head *head = hd_record_thread(overlay->arena);
	struct hd_base_entry entry;
	int r = 0;

	if (!head->initialized) {
		r = hd_base_set_root(overlay->bases, state, &entry, &overlay->fallback);
		if (r == 0)
			r = use_time_of_base(overlay);
		if (r == 0) {
			bool is_first = hd_overlay_is_at_first(overlay, state);

			hd_rwlock_write(&overlay->lock);
			r = make_root(overlay, state, &entry, is_first);
			hd_rwlock_unlock(&overlay->lock);
			hd_base_root_clear(&entry);
		}
	}
	if (r == 0)
		r = hd_overlay_follow_head(overlay);
	if (r == 0)
		hd_arena_mark_ready(overlay->arena);
	overlay->fallback = (struct hd_base_directory){
		.fallback_time = {.tv_sec = head->fallback_time_s, .tv_nsec = head->fallback_time_ns},
		.fallback_uid = geteuid(),
		.fallback_gid = getegid(),
	};
	return r;
}

int hd_recover_truncations(struct hd_overlay *overlay)
{
	uint32_t i = 0;
	int r = 0;

	while (r == 0 && (i = hd_arena_next_flagged(overlay->arena, i + 1))) {
		hd_ino ino = hd_inode_id(overlay->arena, i);
		struct hd_file_view view;

		if (!(hd_record_inode(overlay->arena, i)->flags & HD_INODE_OVERHANG))
			continue;
		hd_rwlock_write(hd_file_lock_of(overlay, i));
		r = hd_file_view(overlay, ino, &view);
		if (r == 0)
			r = hd_file_cut_overhang_locked(overlay, ino, &view);
		hd_rwlock_unlock(hd_file_lock_of(overlay, i));
	}
	return r;
}

int hd_recover_orphans(struct hd_overlay *overlay)
{
	uint32_t i = 0;

	while ((i = hd_arena_next_flagged(overlay->arena, i + 1)))
		if (hd_record_inode(overlay->arena, i)->state == HD_INODE_ORPHAN)
			hd_overlay_release_orphan(overlay, i);
	return 0;
}
