/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/workload.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "capture/capture.h"
#include "overlay/contents/promotion.h"
#include "overlay/journal/flush.h"
#include "overlay/platform/cleanup.h"
#include "overlay/store/index/index_operations.h"
#include "tests/torture/workload_moves.h"

/*
 *     a      a file of the state, 30 bytes            c      a file that is written, but in no state, 5000 bytes
 *     b      a file of the state, 9000 bytes          l      a symbolic link of the state
 *     d/x    a file of the state in a directory       e/     an empty directory of the state
 */

uint32_t workload_large_blocks = HD_LARGE_BLOCKS;

static const struct hd_caller caller = {.uid = 0, .gid = 0, .umask = 022};

static int find(struct hd_overlay *overlay, hd_ino parent, const char *name, hd_ino *ret_ino)
{
	struct hd_attributes attributes;
	int r = hd_overlay_lookup(overlay, parent, name, &attributes);

	if (r == 0) {
		*ret_ino = attributes.ino;
		hd_overlay_forget(overlay, attributes.ino, 1);
	}
	return r;
}

/* A missing file is nobody's failure here. */
static int nothing_there(int r)
{
	return r == -ENOENT || r == -EEXIST || r == -ENOTDIR || r == -EISDIR || r == -ENOTEMPTY ? 0 : r;
}

static int write_at(
	struct hd_overlay *overlay, const char *name, uint64_t offset, const void *data, size_t size)
{
	size_t written;
	hd_ino ino = 0;
	int r = find(overlay, HD_ROOT_INO, name, &ino);

	if (r == 0)
		r = hd_overlay_open_file(overlay, ino, O_RDWR);
	if (r < 0)
		return nothing_there(r);
	r = hd_overlay_write(overlay, ino, data, size, offset, &written);
	if (r == 0 && written != size)
		r = -EIO;
	(void)hd_overlay_release(overlay, ino);
	return r;
}

static int create(struct hd_overlay *overlay, const char *name, const void *data, size_t size)
{
	struct hd_attributes attributes;
	size_t written = 0;
	int r = hd_overlay_create(overlay, &caller, HD_ROOT_INO, name, 0644, &attributes);

	if (r < 0)
		return r;
	if (size)
		r = hd_overlay_write(overlay, attributes.ino, data, size, 0, &written);
	(void)hd_overlay_release(overlay, attributes.ino);
	hd_overlay_forget(overlay, attributes.ino, 1);
	return r < 0 ? r : written == size ? 0 : -EIO;
}

static int set(
	struct hd_overlay *overlay, const char *name, unsigned what, const struct hd_attributes *values)
{
	struct hd_attributes ignored;
	hd_ino ino = 0;
	int r = find(overlay, HD_ROOT_INO, name, &ino);

	return nothing_there(r < 0 ? r : hd_overlay_setattr(overlay, &caller, ino, what, values, &ignored));
}

static int rename_to(struct hd_overlay *overlay, const char *from, const char *to, unsigned flags)
{
	return nothing_there(hd_overlay_rename(overlay, HD_ROOT_INO, from, HD_ROOT_INO, to, flags));
}

/* ---- the operations ---- */

static int do_create(struct hd_overlay *overlay)
{
	return nothing_there(create(overlay, "n", NULL, 0));
}

static int do_create_full(struct hd_overlay *overlay)
{
	return nothing_there(create(overlay, "f", "full of bytes", 13));
}

static int do_overwrite(struct hd_overlay *overlay)
{
	return write_at(overlay, "a", 3, "OVERWRITTEN", 11);
}

static int do_append(struct hd_overlay *overlay)
{
	return write_at(overlay, "b", 9000, "appended", 8);
}

static int do_write_memory(struct hd_overlay *overlay)
{
	return write_at(overlay, "c", 4090, "across blocks", 13);
}

static int do_shorten(struct hd_overlay *overlay)
{
	return set(overlay, "b", HD_SET_SIZE, &(struct hd_attributes){.size = 4100});
}

static int do_extend(struct hd_overlay *overlay)
{
	return set(overlay, "a", HD_SET_SIZE, &(struct hd_attributes){.size = 20000});
}

static int do_chmod(struct hd_overlay *overlay)
{
	return set(overlay, "a", HD_SET_MODE, &(struct hd_attributes){.mode = 0100755});
}

static int do_setxattr(struct hd_overlay *overlay)
{
	hd_ino ino = 0;
	int r = find(overlay, HD_ROOT_INO, "a", &ino);

	return nothing_there(r < 0 ? r : hd_overlay_setxattr(overlay, ino, "user.mark", "value", 5, 0));
}

static int do_rename(struct hd_overlay *overlay)
{
	return rename_to(overlay, "a", "r", 0);
}

static int do_rename_over(struct hd_overlay *overlay)
{
	return rename_to(overlay, "c", "b", 0);
}

static int do_exchange(struct hd_overlay *overlay)
{
	return rename_to(overlay, "a", "b", RENAME_EXCHANGE);
}

/* How editors save: a new file, its bytes, its name over the old one, and no fsync. */
static int do_replace(struct hd_overlay *overlay)
{
	int r = create(overlay, "a.new", "the new content of a", 20);

	return r < 0 ? nothing_there(r) : rename_to(overlay, "a.new", "a", 0);
}

static int do_rename_directory(struct hd_overlay *overlay)
{
	return rename_to(overlay, "d", "moved", 0);
}

static int do_link(struct hd_overlay *overlay)
{
	struct hd_attributes attributes;
	hd_ino ino = 0;
	int r = find(overlay, HD_ROOT_INO, "b", &ino);

	if (r == 0)
		r = hd_overlay_link(overlay, ino, HD_ROOT_INO, "hard", &attributes);
	if (r == 0)
		hd_overlay_forget(overlay, attributes.ino, 1);
	return nothing_there(r);
}

static int do_unlink(struct hd_overlay *overlay)
{
	return nothing_there(hd_overlay_unlink(overlay, HD_ROOT_INO, "a"));
}

static int do_unlink_memory(struct hd_overlay *overlay)
{
	return nothing_there(hd_overlay_unlink(overlay, HD_ROOT_INO, "c"));
}

static int do_unlink_below(struct hd_overlay *overlay)
{
	hd_ino ino = 0;
	int r = find(overlay, HD_ROOT_INO, "d", &ino);

	return nothing_there(r < 0 ? r : hd_overlay_unlink(overlay, ino, "x"));
}

static int do_mkdir(struct hd_overlay *overlay)
{
	struct hd_attributes attributes;
	int r = hd_overlay_mkdir(overlay, &caller, HD_ROOT_INO, "m", 0755, &attributes);

	if (r == 0)
		hd_overlay_forget(overlay, attributes.ino, 1);
	return nothing_there(r);
}

static int do_rmdir(struct hd_overlay *overlay)
{
	return nothing_there(hd_overlay_rmdir(overlay, HD_ROOT_INO, "e"));
}

static int do_symlink(struct hd_overlay *overlay)
{
	struct hd_attributes attributes;
	int r = hd_overlay_symlink(overlay, &caller, HD_ROOT_INO, "s", "where/it/points", &attributes);

	if (r == 0)
		hd_overlay_forget(overlay, attributes.ino, 1);
	return nothing_there(r);
}

static int do_punch(struct hd_overlay *overlay)
{
	hd_ino ino = 0;
	int r = find(overlay, HD_ROOT_INO, "b", &ino);

	return nothing_there(r < 0 ? r
				   : hd_overlay_fallocate(overlay, ino,
					     FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
}

/* Grows beyond what stays in the shared memory file. */
static int do_large(struct hd_overlay *overlay)
{
	size_t piece = (size_t)workload_large_blocks * HD_BLOCK_SIZE / 4, size = 5 * piece;
	uint8_t *bytes = malloc(size);
	int r = bytes ? create(overlay, "large", NULL, 0) : -ENOMEM;

	for (size_t i = 0; bytes && i < size; i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 24);
	for (size_t at = 0; r == 0 && at < size; at += piece)
		r = write_at(overlay, "large", at, bytes + at, piece);
	free(bytes);
	return nothing_there(r);
}

/* What the background thread does with files that nobody writes any more. */
static int do_settle(struct hd_overlay *overlay)
{
	return hd_settle_all(overlay, false);
}

static int capture_of(struct hd_overlay *overlay, const char *const *paths, size_t n_paths)
{
	struct hd_capture_options options = {
		.message = "captured", .author = "A <a@b>", .choice = {.paths = paths, .n_paths = n_paths}};
	struct hd_state state = {0};
	bool nothing = false;
	int r = hd_capture_run(overlay, &options, &state, &nothing);

	hd_state_clear(&state);
	return r < 0 ? r : 0;
}

static int do_capture(struct hd_overlay *overlay)
{
	return capture_of(overlay, NULL, 0);
}

/* Whatever else changed stays uncaptured; often there is nothing to capture at all. */
static int do_capture_path(struct hd_overlay *overlay)
{
	static const char *const paths[] = {"b"};

	return capture_of(overlay, paths, 1);
}

static int do_fsync(struct hd_overlay *overlay)
{
	return hd_overlay_fsync(overlay, HD_ROOT_INO, false);
}

static int do_checkpoint(struct hd_overlay *overlay)
{
	return hd_flush_checkpoint(overlay);
}

const struct workload_operation workload_operations[] = {
	{.name = "create", .run = do_create},
	{.name = "create-full", .run = do_create_full},
	{.name = "overwrite", .run = do_overwrite},
	{.name = "append", .run = do_append},
	{.name = "write-memory", .run = do_write_memory},
	{.name = "shorten", .run = do_shorten},
	{.name = "extend", .run = do_extend},
	{.name = "punch", .run = do_punch},
	{.name = "chmod", .run = do_chmod},
	{.name = "setxattr", .run = do_setxattr},
	{.name = "rename", .run = do_rename},
	{.name = "rename-over", .run = do_rename_over},
	{.name = "replace", .run = do_replace},
	{.name = "exchange", .run = do_exchange},
	{.name = "rename-directory", .run = do_rename_directory},
	{.name = "link", .run = do_link},
	{.name = "unlink", .run = do_unlink},
	{.name = "unlink-memory", .run = do_unlink_memory},
	{.name = "unlink-below", .run = do_unlink_below},
	{.name = "mkdir", .run = do_mkdir},
	{.name = "rmdir", .run = do_rmdir},
	{.name = "symlink", .run = do_symlink},
	{.name = "settle", .run = do_settle},
	{.name = "large", .run = do_large, .heavy = true},
	{.name = "restore", .run = workload_restore, .names = true},
	{.name = "restore-path", .run = workload_restore_path, .names = true},
	{.name = "undo", .run = workload_undo, .names = true},
	{.name = "redo", .run = workload_redo, .names = true},
	{.name = "tag", .run = workload_tag, .names = true},
	{.name = "untag", .run = workload_untag, .names = true},
	{.name = "thread-create", .run = workload_thread_create, .names = true},
	{.name = "thread-fork", .run = workload_thread_fork, .names = true},
	{.name = "thread-write", .run = workload_thread_write},
	{.name = "thread-rename", .run = workload_thread_rename, .names = true},
	{.name = "thread-drop", .run = workload_thread_drop, .names = true},
	{.name = "capture", .run = do_capture, .syncs = true, .names = true},
	{.name = "capture-path", .run = do_capture_path, .syncs = true, .names = true},
	{.name = "fsync", .run = do_fsync, .syncs = true},
	{.name = "checkpoint", .run = do_checkpoint, .syncs = true},
};
const size_t workload_operation_count = HD_ARRAY_SIZE(workload_operations);

const struct workload_operation *workload_find(const char *name)
{
	for (size_t i = 0; i < workload_operation_count; i++)
		if (strcmp(workload_operations[i].name, name) == 0)
			return &workload_operations[i];
	return NULL;
}

/* ---- stores ---- */

static int fill(struct hd_overlay *overlay)
{
	struct hd_attributes attributes;
	char bytes[9000];
	int r;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)('a' + i % 23);
	r = create(overlay, "a", "the first content of the file", 29);
	if (r == 0)
		r = create(overlay, "b", bytes, sizeof(bytes));
	if (r == 0)
		r = hd_overlay_symlink(overlay, &caller, HD_ROOT_INO, "l", "a", &attributes);
	if (r == 0)
		r = hd_overlay_mkdir(overlay, &caller, HD_ROOT_INO, "e", 0755, &attributes);
	if (r == 0)
		r = hd_overlay_mkdir(overlay, &caller, HD_ROOT_INO, "d", 0755, &attributes);
	if (r == 0)
		r = hd_overlay_mknod(overlay, &caller, attributes.ino, "x", 0100644, 0, &attributes);
	if (r == 0)
		r = do_capture(overlay);
	if (r == 0)
		r = workload_tag_first(overlay);
	if (r == 0)
		r = create(overlay, "c", bytes + 1000, 5000);
	return r;
}

static int make_thread(struct hd_store *store)
{
	struct hd_state state = {.author = (char *)"A <a@b>",
		.message = (char *)"base",
		.root_mode = 0755,
		.time_s = 1700000000};
	int r = hd_index_publish(store->index, &state, NULL, NULL);

	return r < 0 ? r : hd_index_create_thread(store->index, "main", &state.id);
}

int workload_make_store(const char *directory)
{
	struct hd_overlay_options options = {.thread = "main", .arena_fd = -1, .hot_fd = -1};
	struct hd_overlay *overlay = NULL;
	char path[PATH_MAX];
	int r, closed;

	(void)snprintf(path, sizeof(path), "%s/.heddle", directory);
	r = hd_store_create(path, &options.store);
	if (r < 0)
		return r;
	r = make_thread(options.store);
	if (r == 0)
		r = hd_overlay_open(&options, &overlay);
	if (r == 0) {
		r = fill(overlay);
		closed = hd_overlay_close(overlay);
		if (r == 0)
			r = closed;
	}
	hd_store_free(options.store);
	return r;
}

int workload_open(const char *directory, struct hd_store **ret_store, struct hd_overlay **ret_overlay)
{
	struct hd_overlay_options options = {
		.thread = "main", .arena_fd = -1, .hot_fd = -1, .large_blocks = workload_large_blocks};
	char path[PATH_MAX];
	int r;

	(void)snprintf(path, sizeof(path), "%s/.heddle", directory);
	r = hd_store_open(path, &options.store);
	if (r < 0)
		return r;
	r = hd_overlay_open(&options, ret_overlay);
	if (r < 0) {
		hd_store_free(options.store);
		return r;
	}
	*ret_store = options.store;
	return 0;
}
