/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "overlay/arena/inode_numbers.h"
#include "overlay/arena/link_groups.h"
#include "overlay/changes/changes_open.h"
#include "overlay/contents/promotion.h"
#include "overlay/journal/flush.h"
#include "overlay/journal/volatile_mark.h"
#include "overlay/listings/base_loader.h"
#include "overlay/overlay_types.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/files/memory_file.h"
#include "overlay/platform/kill_point.h"
#include "overlay/platform/processes/memory_limit.h"
#include "overlay/platform/random.h"
#include "overlay/recovery/recovery.h"
#include "overlay/states/state_listings.h"
#include "overlay/states/state_nodes.h"
#include "overlay/switch/tree_switch.h"

/*
 * Opening and closing. An overlay comes from one of three places: the memory of a worker that died (attach),
 * the journal on disk, or, for a thread that was never mounted, the root of its state. All three end in the
 * same arena; what is private to the process is rebuilt from it.
 */

#define DEFAULT_DEADLINE_MS 30000u
#define DEFAULT_FLUSH_MS 5000u
#define DEFAULT_IDLE_MS 1000u
#define CLOSE_JOURNAL_BYTES (64u << 20)

static int lock_thread(struct hd_overlay *overlay)
{
	char holder[32] = "";
	size_t size = 0;
	int r;

	overlay->lock_fd = hd_file_open_lock(overlay->directory_fd, "lock");
	if (overlay->lock_fd < 0)
		return hd_fail_in(overlay->lock_fd, "open the lock of thread '%s'", overlay->thread);
	r = hd_file_lock(overlay->lock_fd);
	if (r == -EWOULDBLOCK) {
		(void)hd_file_read_at(overlay->lock_fd, holder, sizeof(holder) - 1, 0, &size);
		holder[strcspn(holder, "\n")] = '\0';
		return hd_fail(HD_E_THREAD_BUSY, "thread '%s' is held by process %s", overlay->thread,
			holder[0] ? holder : "?");
	}
	return r < 0 ? hd_fail_in(r, "lock thread '%s'", overlay->thread) : 0;
}

/* Takes milliseconds while the disk's journal is being written. */
void hd_overlay_sign_lock(struct hd_overlay *overlay)
{
	char holder[32];

	(void)snprintf(holder, sizeof(holder), "%ld\n", (long)getpid());
	/* Who is refused is told; no harm if a disk that is full or read-only does not take it. */
	(void)hd_file_truncate(overlay->lock_fd, 0);
	(void)hd_file_write_at(overlay->lock_fd, holder, strlen(holder), 0);
}

static int open_directory(struct hd_overlay *overlay)
{
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), "threads/%u", overlay->thread_number);
	r = hd_directory_make(overlay->store->fd, path, 0700);
	if (r < 0)
		return hd_fail_in(r, "make the directory of thread '%s'", overlay->thread);
	overlay->directory_fd = hd_directory_open(overlay->store->fd, path);
	return overlay->directory_fd < 0 ? hd_fail_in(overlay->directory_fd,
						   "open the directory of thread '%s'", overlay->thread)
					 : 0;
}

static int open_memory(struct hd_overlay *overlay, const struct hd_overlay_options *options)
{
	if (options->arena_fd < 0)
		return hd_overlay_memory(&overlay->arena_fd, &overlay->hot_fd);
	overlay->arena_fd = hd_descriptor_duplicate(options->arena_fd);
	overlay->hot_fd = hd_descriptor_duplicate(options->hot_fd);
	return overlay->arena_fd < 0 ? overlay->arena_fd : overlay->hot_fd < 0 ? overlay->hot_fd : 0;
}

static uint64_t hot_limit(const struct hd_overlay_options *options)
{
	if (options->hot_limit_bytes)
		return options->hot_limit_bytes;
	return hd_memory_limit() / 2;
}

static int start_threads(struct hd_overlay *overlay, const struct hd_overlay_options *options)
{
	int r = 0;

	if (options->background && !options->keep_in_memory)
		r = hd_promoter_start(overlay->promoter);
	if (r == 0 && options->background && !options->is_volatile)
		r = hd_flusher_start(overlay->flusher);
	return r;
}

/* The mark of a volatile mount that died is there until another mount has begun. */
static int mark_volatile(struct hd_overlay *overlay, const struct hd_overlay_options *options)
{
	int r;

	if (options->attach)
		return 0;
	r = hd_volatile_mark_read(overlay->directory_fd, overlay->recovery.volatile_since);
	if (r < 0 || !options->background)
		return r;
	if (options->is_volatile)
		return hd_volatile_mark_set(overlay->directory_fd);
	return overlay->recovery.volatile_since[0] ? hd_volatile_mark_clear(overlay->directory_fd) : 0;
}

/* What the last process could not finish. In damaged memory it stays as it is: there it is only looked at. */
static int finish_for_the_last(struct hd_overlay *overlay, const struct hd_overlay_options *options)
{
	int r;

	if (overlay->recovery.memory.state != HD_MEMORY_SOUND) {
		/* Ids of a later time are in the kernel: those that are made now must be none of them. */
		hd_arena_seed_generations(overlay->arena, (uint32_t)hd_random64());
		return 0;
	}
	r = hd_recover_truncations(overlay);
	/* Who only brings a dead worker's memory to the disk leaves it to the next one. */
	if (r == 0 && (!options->attach || options->keep_references))
		r = hd_switch_recover(overlay);
	return r < 0 ? r : hd_recover_orphans(overlay);
}

static int open_state_trees(struct hd_overlay *overlay, const struct hd_overlay_options *options)
{
	overlay->state_listings = hd_state_listings_new();
	if (!overlay->state_listings)
		return -ENOMEM;
	return hd_state_nodes_new(
		overlay->arena, options->attach && options->keep_references, &overlay->state_nodes);
}

static int open_parts(
	struct hd_overlay *overlay, struct hd_overlay_options *options, const struct hd_state *state)
{
	struct hd_recovered recovered = {0};
	int r = open_directory(overlay);

	if (r == 0)
		r = lock_thread(overlay);
	if (r == 0 && !(options->attach && options->background))
		hd_overlay_sign_lock(overlay);
	if (r == 0)
		r = open_memory(overlay, options);
	if (r == 0)
		r = hd_recover(overlay, options, &recovered);
	HD_KILL_POINT(arena_recovered);
	if (r == 0)
		r = hd_hot_tier_new(overlay->hot_fd, overlay->arena, hot_limit(options), options->hold_large,
			options->hold_payload, &overlay->hot);
	if (r == 0)
		r = hd_loader_new(&overlay->loader);
	if (r == 0)
		r = hd_promoter_new(overlay,
			options->promote_idle_ms ? options->promote_idle_ms : DEFAULT_IDLE_MS,
			&overlay->promoter);
	if (r == 0)
		r = hd_flusher_new(overlay, recovered.journal_size, recovered.journal_epochs,
			options->flush_interval_ms ? options->flush_interval_ms : DEFAULT_FLUSH_MS,
			&overlay->flusher);
	if (r == 0)
		r = hd_recover_large(overlay, options, &recovered);
	if (r == 0)
		r = hd_changes_open(overlay, options, state);
	if (r == 0)
		r = hd_prepare_root(overlay, state);
	if (r == 0)
		r = hd_link_groups_new(overlay->arena, &overlay->groups);
	if (r == 0)
		r = hd_inode_numbers_new(overlay->arena, &overlay->numbers);
	if (r == 0)
		r = open_state_trees(overlay, options);
	if (r == 0)
		r = finish_for_the_last(overlay, options);
	if (r == 0)
		r = mark_volatile(overlay, options);
	if (r == 0)
		r = start_threads(overlay, options);
	hd_recovered_clear(&recovered);
	return r;
}

static void free_overlay(struct hd_overlay *overlay)
{
	hd_promoter_free(overlay->promoter);
	hd_flusher_free(overlay->flusher);
	hd_loader_free(overlay->loader);
	hd_hot_tier_free(overlay->hot);
	hd_link_groups_free(overlay->groups);
	hd_inode_numbers_free(overlay->numbers);
	hd_state_nodes_free(overlay->state_nodes);
	hd_state_listings_free(overlay->state_listings);
	hd_changes_free(overlay);
	hd_arena_unmap(overlay->arena);
	hd_base_set_free(overlay->bases);
	for (size_t i = 0; i < HD_FILE_LOCKS; i++)
		hd_rwlock_destroy(&overlay->file_locks[i]);
	hd_rwlock_destroy(&overlay->lock);
	hd_condition_destroy(&overlay->capture_ended);
	hd_rwlock_destroy(&overlay->change_lock);
	hd_mutex_destroy(&overlay->capture_lock);
	hd_cleanup_close(&overlay->arena_fd);
	hd_cleanup_close(&overlay->hot_fd);
	hd_cleanup_close(&overlay->lock_fd);
	hd_cleanup_close(&overlay->directory_fd);
	free(overlay->thread);
	free(overlay);
}

static struct hd_overlay *allocate(const struct hd_overlay_options *options, const struct hd_thread *thread)
{
	struct hd_overlay *overlay = calloc(1, sizeof(*overlay));

	if (!overlay)
		return NULL;
	overlay->store = options->store;
	overlay->thread = strdup(thread->name);
	overlay->thread_number = thread->number;
	overlay->directory_fd = overlay->lock_fd = overlay->arena_fd = overlay->hot_fd = -1;
	overlay->deadline_ms = options->base_deadline_ms ? options->base_deadline_ms : DEFAULT_DEADLINE_MS;
	overlay->large_blocks = options->large_blocks ? options->large_blocks : HD_LARGE_BLOCKS;
	overlay->ignores_opens = options->ignores_opens;
	overlay->on_damage = options->on_damage;
	overlay->damage_payload = options->damage_payload;
	overlay->is_volatile = options->is_volatile;
	hd_rwlock_init(&overlay->lock, HD_RANK_NAMESPACE);
	for (size_t i = 0; i < HD_FILE_LOCKS; i++)
		hd_rwlock_init(&overlay->file_locks[i], HD_RANK_FILE);
	hd_rwlock_init(&overlay->change_lock, HD_RANK_CHANGE);
	hd_mutex_init(&overlay->capture_lock, HD_RANK_CAPTURE);
	hd_condition_init(&overlay->capture_ended);
	return overlay;
}

int hd_overlay_open(const struct hd_overlay_options *options, struct hd_overlay **ret_overlay)
{
	struct hd_overlay_options settings = *options;
	struct hd_overlay *overlay = NULL;
	struct hd_thread thread = {0};
	struct hd_state state = {0};
	int r = hd_index_get_thread(options->store->index, options->thread, &thread);

	if (r == 0)
		r = hd_index_get_state(options->store->index, &thread.tree, &state);
	if (r == 0) {
		overlay = allocate(options, &thread);
		r = overlay && overlay->thread ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = hd_base_set_new(options->store, overlay->deadline_ms, &overlay->bases);
	if (r == 0)
		r = open_parts(overlay, &settings, &state);
	hd_state_clear(&state);
	hd_thread_clear(&thread);
	if (r < 0) {
		if (overlay)
			free_overlay(overlay);
		return hd_fail_in(r, "open thread '%s'", options->thread);
	}
	*ret_overlay = overlay;
	return 0;
}

int hd_overlay_save(struct hd_overlay *overlay)
{
	/* What is on disk is what we show. */
	if (overlay->recovery.memory.state == HD_MEMORY_LOST)
		return 0;
	/*
	 * A little goes into the journal faster than into objects of its own, and comes back from it when the
	 * thread is opened again. What cannot be settled, because the store refuses, goes there as well.
	 */
	if (hd_hot_usage(overlay->hot).bytes > CLOSE_JOURNAL_BYTES && hd_settle_all(overlay, false) < 0)
		hd_error_clear();
	return hd_flush_and_compact(overlay);
}

int hd_overlay_close(struct hd_overlay *overlay)
{
	int r;

	hd_promoter_stop(overlay->promoter);
	hd_flusher_stop(overlay->flusher);
	r = hd_overlay_save(overlay);
	if (r >= 0 && overlay->recovery.memory.state != HD_MEMORY_LOST)
		hd_flusher_seal(overlay->flusher);
	if (r >= 0)
		hd_changes_close(overlay);
	if (r >= 0 && overlay->is_volatile && overlay->recovery.memory.state != HD_MEMORY_LOST)
		r = hd_volatile_mark_clear(overlay->directory_fd);
	free_overlay(overlay);
	return r;
}

void hd_overlay_tidy(struct hd_overlay *overlay)
{
	if (hd_promoter_tidy(overlay->promoter) < 0)
		hd_error_clear();
}

void hd_overlay_recovery(const struct hd_overlay *overlay, struct hd_recovery_report *ret_report)
{
	*ret_report = overlay->recovery;
}

uint32_t hd_overlay_thread_number(const struct hd_overlay *overlay)
{
	return overlay->thread_number;
}

const char *hd_overlay_thread(const struct hd_overlay *overlay)
{
	return overlay->thread;
}

struct hd_store *hd_overlay_store(struct hd_overlay *overlay)
{
	return overlay->store;
}

struct hd_base_set *hd_overlay_bases(struct hd_overlay *overlay)
{
	return overlay->bases;
}

void hd_overlay_head(struct hd_overlay *overlay, struct hd_state_id *ret_id)
{
	hd_rwlock_read(&overlay->lock);
	*ret_id = hd_record_thread(overlay->arena)->state;
	hd_rwlock_unlock(&overlay->lock);
}
