/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/check/check_types.h"
#include "overlay/hot/hot_tier.h"
#include "overlay/journal/journal.h"
#include "overlay/journal/journal_origins.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/files/memory_file.h"
#include "overlay/platform/threads/work.h"

/*
 * Threads. The journal is replayed into an arena of our own, without the bytes of files: of those only which blocks came
 * is noted. Tables and bitmap are address space, so that costs what the thread uses.
 */

#define WHERE_SIZE 256

struct replayed {
	struct hd_arena *arena; /* owned */
	uint8_t *blocks;        /* owned; one bit per hot block whose data came */
	uint32_t block_limit;
};

static int replay_record(void *payload, unsigned table, uint32_t index, const void *data, size_t size)
{
	const struct replayed *replayed = payload;

	return hd_arena_restore(replayed->arena, table, index, data, size);
}

static int replay_block(void *payload, uint32_t block, const void *data, size_t size)
{
	struct replayed *replayed = payload;
	uint64_t count = (size + HD_BLOCK_SIZE - 1) / HD_BLOCK_SIZE;

	(void)data;
	if (block < HD_BLOCK_FIRST || block + count > replayed->block_limit)
		return hd_fail(HD_E_JOURNAL_CORRUPT, "data for hot block %u", block);
	for (uint64_t i = 0; i < count; i++)
		replayed->blocks[(block + i) / 8] |= (uint8_t)(1u << ((block + i) % 8));
	return 0;
}

static int replay_large(void *payload, uint32_t slot, uint64_t offset, const void *data, size_t size)
{
	(void)payload;
	(void)data;
	return offset > (uint64_t)INT64_MAX - size
		       ? hd_fail(HD_E_JOURNAL_CORRUPT, "data for large file %u", slot)
		       : 0;
}

static void replayed_clear(struct replayed *replayed)
{
	hd_arena_unmap(replayed->arena);
	free(replayed->blocks);
}

static int replayed_init(struct replayed *replayed)
{
	HD_AUTO_CLOSE int fd = hd_memory_file_create("heddle-check", hd_arena_size());
	int r;

	*replayed = (struct replayed){.block_limit = (uint32_t)(hd_hot_file_size() / HD_BLOCK_SIZE)};
	if (fd < 0)
		return hd_fail_in(fd, "make memory for the tables");
	replayed->blocks = calloc(1, replayed->block_limit / 8 + 1);
	if (!replayed->blocks)
		return -ENOMEM;
	r = hd_arena_map(fd, &replayed->arena);
	if (r < 0)
		replayed_clear(replayed);
	return r;
}

static bool is_in_use(struct hd_check *check, int directory_fd, const char *where)
{
	bool writable;
	HD_AUTO_CLOSE int fd = hd_file_open_or_read(directory_fd, "lock", 0, &writable);

	if (fd < 0 && fd != -ENOENT)
		hd_check_problem(check, "%s: its lock: %s", where, hd_error_message(fd));
	return fd >= 0 && hd_file_lock(fd) == -EWOULDBLOCK;
}

/* A failure that says something of the journal is told; any other ends the check. */
static int tell(struct hd_check *check, int r, const char *where)
{
	if (r != -HD_E_JOURNAL_CORRUPT && r != -HD_E_JOURNAL_VERSION)
		return r;
	hd_check_problem(check, "%s: %s", where, hd_error_message(r));
	return 0;
}

static int check_journal(
	struct hd_check *check, int directory_fd, uint32_t thread, bool in_use, const char *where)
{
	struct replayed replayed;
	struct hd_replay replay = {
		.payload = &replayed, .record = replay_record, .block = replay_block, .large = replay_large};
	struct hd_replay_report report = {0};
	int r = replayed_init(&replayed);

	if (r < 0)
		return r;
	r = hd_journal_replay(directory_fd, thread, &replay, &report);
	check->report.epochs += report.origin_epochs + report.epochs;
	if (r < 0)
		r = tell(check, r, where);
	else if (report.origin_epochs + report.epochs > 0)
		r = hd_check_arena(check, replayed.arena, replayed.blocks, where);
	if (r == 0 && report.torn_bytes && !in_use)
		hd_check_remark(check, "%s: %llu bytes behind the journal's last whole epoch are torn", where,
			(unsigned long long)report.torn_bytes);
	replayed_clear(&replayed);
	return r;
}

static bool belongs(const char *name)
{
	static const char *const names[] = {
		"journal", "journal.end", "journal.torn", "lock", "volatile", "changes"};
	/* Those of forks; pinned ones are left when somebody is killed, and go when the thread is opened. */
	static const char *const prefixes[] = {"journal.damaged", HD_ORIGIN_PREFIX, HD_ORIGIN_PINNED_PREFIX};

	for (size_t i = 0; i < HD_ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	for (size_t i = 0; i < HD_ARRAY_SIZE(prefixes); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

static int check_name(const char *name, unsigned char type, void *payload)
{
	(void)type;
	if (!belongs(name))
		hd_check_remark(payload,
			"'%s' in a thread's directory does not belong there; it may be deleted", name);
	return 0;
}

static int check_head(
	struct hd_check *check, const struct hd_state_id *id, const char *where, const char *what)
{
	char text[HD_STATE_ID_TEXT_SIZE];
	struct hd_state state;
	int r = hd_index_get_state(check->store->index, id, &state);

	if (r == 0) {
		hd_state_clear(&state);
		return 0;
	}
	if (r != -HD_E_STATE_MISSING)
		return r == -HD_E_STORE_CORRUPT ? 0 : r; /* told with the states */
	hd_state_id_format(id, text);
	hd_check_problem(check, "%s: its %s, state %s, is not there", where, what, text);
	return 0;
}

static int check_thread(const struct hd_thread *thread, void *payload)
{
	struct hd_check *check = payload;
	HD_AUTO_CLOSE int fd = -1;
	char path[64], where[WHERE_SIZE];
	int r;

	r = hd_work_advance(1);
	if (r < 0)
		return r;
	check->report.threads++;
	(void)snprintf(where, sizeof(where), "thread '%s'", thread->name);
	r = check_head(check, &thread->head, where, "head");
	if (r == 0)
		r = check_head(check, &thread->base, where, "base");
	if (r == 0)
		r = check_head(check, &thread->tree, where, "tree");
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "threads/%u", thread->number);
	fd = hd_directory_open(check->store->fd, path);
	if (fd == -ENOENT)
		return 0; /* never mounted */
	if (fd < 0)
		return fd;
	if (is_in_use(check, fd, where))
		return check_journal(check, fd, thread->number, true, where);
	r = hd_directory_list(fd, ".", check_name, check);
	return r < 0 ? r : check_journal(check, fd, thread->number, false, where);
}

int hd_check_threads(struct hd_check *check)
{
	hd_work_step(HD_WORK_CHECKING_THREADS, 0);
	return hd_index_list_threads(check->store->index, check_thread, check);
}
