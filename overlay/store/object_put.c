/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/file.h"
#include "overlay/store/object_store_types.h"

/*
 * Putting an object: hash, look under the names 0, 1, 2, ... of that hash, stop at the first that has the
 * bytes or is free. No lock: the filesystem's link(2) decides between writers, in one process or several; who
 * comes second finds the file and compares.
 *
 *     file under the name     what happens
 *     none                    written under it
 *     the same bytes          nothing to write
 *     other bytes, sound      a collision: next number
 *     other bytes, damaged    replaced: the name says what it should have held (a power cut before a sync)
 *
 * Replacing is the one change of an existing name, hence under a lock between processes: of two writers whose
 * bytes collide, the slower one must see that the file is sound by now and belongs to the other.
 */

#define COMPARE_BLOCK ((size_t)128 << 10)
#define REPLACE_RETRY_NS 1000000u

/* 1 when the file's bytes are DATA, 0 when they are others. */
static int compare_file(int fd, uint64_t file_size, const uint8_t *data, size_t size)
{
	HD_AUTO_FREE uint8_t *block = NULL;
	size_t offset = 0;

	if (file_size != size)
		return 0;
	block = malloc(size < COMPARE_BLOCK ? size + 1 : COMPARE_BLOCK);
	if (!block)
		return -ENOMEM;
	while (offset < size) {
		size_t wanted = size - offset < COMPARE_BLOCK ? size - offset : COMPARE_BLOCK;
		size_t got = 0;
		int r = hd_file_read_at(fd, block, wanted, offset, &got);

		if (r < 0)
			return r;
		if (got != wanted || memcmp(block, data + offset, got) != 0)
			return 0;
		offset += got;
	}
	return 1;
}

static int make_fanout(struct hd_object_store *store, const struct hd_object_id *id)
{
	unsigned fanout = id->hash.bytes[0];
	char name[HD_OBJECT_FANOUT_NAME_SIZE];
	int r;

	if (atomic_load(&store->fanout_made[fanout]))
		return 0;
	hd_object_fanout_name(fanout, name);
	r = hd_directory_make(store->objects_fd, name, 0700);
	if (r == 0)
		atomic_store(&store->fanout_made[fanout], true);
	return r;
}

static int write_file(struct hd_object_store *store, const struct hd_object_id *id, const void *data,
	size_t size, bool replace)
{
	char path[HD_OBJECT_PATH_SIZE];
	struct hd_atomic_file file;
	int r;

	r = make_fanout(store, id);
	if (r < 0)
		return r;
	r = hd_file_atomic_begin(store->objects_fd, 0400, &file);
	if (r < 0)
		return r;
	r = hd_file_write_at(file.fd, data, size, 0);
	if (r < 0) {
		hd_file_atomic_abort(&file);
		return r;
	}
	/* What replaces goes to the disk at once: it must not be worse off than what it replaces. */
	r = hd_file_atomic_commit(&file, hd_object_id_path(id, path), replace, replace);
	/* Somebody removed the subdirectory: the next put makes it again. */
	if (r == -ENOENT)
		atomic_store(&store->fanout_made[id->hash.bytes[0]], false);
	return r;
}

enum comparison { COMPARISON_FREE, COMPARISON_SAME, COMPARISON_OTHER, COMPARISON_DAMAGED };

/* What stands under the name ID for somebody who wants DATA there: enum comparison, or a negative code. */
static int look_at(
	struct hd_object_store *store, const struct hd_object_id *id, const void *data, size_t size)
{
	HD_AUTO_CLOSE int fd = -1;
	uint64_t file_size = 0;
	int r;

	fd = hd_object_open(store, id, &file_size);
	if (fd == -HD_E_OBJECT_MISSING)
		return COMPARISON_FREE;
	if (fd < 0)
		return fd;
	r = compare_file(fd, file_size, data, size);
	/* An unreadable block is damage like any other; the check below reads it again and says so. */
	if (r < 0 && r != -EIO)
		return r;
	if (r > 0)
		return COMPARISON_SAME;
	r = hd_object_check_file(store, id, fd, file_size);
	if (r == -HD_E_OBJECT_CORRUPT || r == -EIO)
		return COMPARISON_DAMAGED;
	return r < 0 ? r : COMPARISON_OTHER;
}

static int lock_replacing(struct hd_object_store *store)
{
	HD_AUTO_CLOSE int fd = -1;
	int r;

	fd = hd_directory_open(store->objects_fd, ".");
	if (fd < 0)
		return fd;
	/* The holder replaces one object and lets go: there is no need for anything finer than asking again.
	 */
	while ((r = hd_file_lock(fd)) == -EWOULDBLOCK)
		hd_clock_sleep_ns(REPLACE_RETRY_NS);
	return r < 0 ? r : hd_steal_fd(&fd);
}

int hd_object_replace(struct hd_object_store *store, const struct hd_object_id *id, const void *data,
	size_t size, bool force)
{
	HD_AUTO_CLOSE int lock_fd = -1;
	int r;

	lock_fd = lock_replacing(store);
	if (lock_fd < 0)
		return lock_fd;
	r = look_at(store, id, data, size);
	if (r < 0)
		return r;
	if (r == COMPARISON_OTHER)
		return -EEXIST;
	if (r == COMPARISON_SAME && !force)
		return 0;
	return write_file(store, id, data, size, true);
}

/* 0 when the bytes are under the name, 1 when the name belongs to others. *RET_WRITTEN: the file is a new one. */
static int put_under(struct hd_object_store *store, const struct hd_object_id *id, const void *data,
	size_t size, bool *ret_written)
{
	int r;

	*ret_written = false;
	for (;;) {
		r = look_at(store, id, data, size);
		if (r < 0)
			return r;
		switch ((enum comparison)r) {
		case COMPARISON_SAME:
			return 0;
		case COMPARISON_OTHER:
			return 1;
		case COMPARISON_FREE:
			r = write_file(store, id, data, size, false);
			break;
		case COMPARISON_DAMAGED:
			r = hd_object_replace(store, id, data, size, false);
			break;
		}
		/* -EEXIST: somebody was faster; what he wrote decides. */
		if (r != -EEXIST) {
			*ret_written = r == 0;
			return r;
		}
	}
}

int hd_object_store_put(
	struct hd_object_store *store, const void *data, size_t size, struct hd_content *ret_content)
{
	struct hd_object_id id = hd_object_id_compute(store, data, size);
	char path[HD_OBJECT_PATH_SIZE];
	bool written = false;
	int r;

	while ((r = put_under(store, &id, data, size, &written)) > 0)
		id.number++;
	if (r < 0)
		return hd_fail_in(r, "store object %s", hd_object_id_path(&id, path));
	r = hd_object_sync_add(store, &id, written);
	if (r < 0)
		return r;
	*ret_content = hd_object_id_to_content(&id, HD_CONTENT_OBJECT);
	return 0;
}
