/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/file.h"
#include "overlay/store/object_store_types.h"

/*
 * Putting an object: hash, look under the names 0, 1, 2, ... of that hash, in the logs and for a file, stop at the first
 * that has the bytes or is free. What is new gets its place while nobody else can give it one (hd_object_log_hold); who
 * comes second finds it there and compares.
 *
 *     under the name          what happens
 *     nothing                 appended to a log, or a large one written to a file
 *     the same bytes          nothing to write
 *     other bytes, sound      a collision: next number
 *     other bytes, damaged    replaced: the name says what it should have held (a power cut before a sync)
 *
 * Replacing is the one change of an existing name, hence under a lock between processes: of two writers whose
 * bytes collide, the slower one must see that the file is sound by now and belongs to the other.
 */

#define COMPARE_BLOCK ((size_t)128 << 10)
#define REPLACE_RETRY_NS 1000000u

/* 1 when the bytes at PLACE are DATA, 0 when they are others. */
static int compare_place(const struct hd_object_place *place, const uint8_t *data, size_t size)
{
	HD_AUTO_FREE uint8_t *block = NULL;
	size_t offset = 0;

	if (place->size != size)
		return 0;
	block = malloc(size < COMPARE_BLOCK ? size + 1 : COMPARE_BLOCK);
	if (!block)
		return -ENOMEM;
	while (offset < size) {
		size_t wanted = size - offset < COMPARE_BLOCK ? size - offset : COMPARE_BLOCK;
		size_t got = 0;
		int r = hd_file_read_at(place->fd, block, wanted, place->offset + offset, &got);

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

/* Gives FILE the name of ID unless a log has that: nobody else can put one there meanwhile. Ends FILE. */
static int link_file(
	struct hd_object_store *store, const struct hd_object_id *id, struct hd_atomic_file *file)
{
	char path[HD_OBJECT_PATH_SIZE];
	int r;

	r = hd_object_log_hold(store);
	if (r < 0) {
		hd_file_atomic_abort(file);
		return r;
	}
	if (hd_object_log_has_held(store, id)) {
		hd_file_atomic_abort(file);
		r = -EEXIST;
	} else {
		r = hd_file_atomic_commit(file, hd_object_id_path(id, path), false, false);
	}
	hd_object_log_let_go(store);
	return r;
}

enum write_mode {
	WRITE_NEW,      /* -EEXIST if it is there, or in a log */
	WRITE_FROM_LOG, /* -EEXIST if it is there */
	WRITE_REPLACING /* and synced at once: it must not be worse off than what it replaces */
};

static int write_file(struct hd_object_store *store, const struct hd_object_id *id, const void *data,
	size_t size, enum write_mode mode)
{
	char path[HD_OBJECT_PATH_SIZE];
	struct hd_atomic_file file;
	bool replace = mode == WRITE_REPLACING;
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
	r = mode == WRITE_NEW ? link_file(store, id, &file)
			      : hd_file_atomic_commit(&file, hd_object_id_path(id, path), replace, replace);
	/* Somebody removed the subdirectory: the next put makes it again. */
	if (r == -ENOENT)
		atomic_store(&store->fanout_made[id->hash.bytes[0]], false);
	return r;
}

enum comparison { COMPARISON_FREE, COMPARISON_SAME, COMPARISON_OTHER, COMPARISON_DAMAGED };

/* What stands at PLACE for somebody who wants DATA there: enum comparison, or a negative code. */
static int compare(struct hd_object_store *store, const struct hd_object_id *id,
	const struct hd_object_place *place, const void *data, size_t size)
{
	int r;

	r = compare_place(place, data, size);
	/* An unreadable block is damage like any other; the check below reads it again and says so. */
	if (r < 0 && r != -EIO)
		return r;
	if (r > 0)
		return COMPARISON_SAME;
	r = hd_object_check_place(store, id, place);
	if (r == -HD_E_OBJECT_CORRUPT || r == -EIO)
		return COMPARISON_DAMAGED;
	return r < 0 ? r : COMPARISON_OTHER;
}

/* The same for the file ID. */
static int look_at_file(
	struct hd_object_store *store, const struct hd_object_id *id, const void *data, size_t size)
{
	struct hd_object_place place = {0};
	int r;

	place.fd = hd_object_open(store, id, &place.size);
	if (place.fd < 0)
		return place.fd == -HD_E_OBJECT_MISSING ? COMPARISON_FREE : place.fd;
	r = compare(store, id, &place, data, size);
	hd_cleanup_close(&place.fd);
	return r;
}

/* For ID wherever it is; *RET_LOGGED: in a log. What others have just put is found out when something is to be written. */
static int look_at(struct hd_object_store *store, const struct hd_object_id *id, const void *data,
	size_t size, bool *ret_logged)
{
	struct hd_object_place place;
	int r;

	r = hd_object_log_find(store, id, false, &place);
	*ret_logged = r > 0;
	if (r <= 0)
		return r < 0 ? r : look_at_file(store, id, data, size);
	r = compare(store, id, &place, data, size);
	hd_cleanup_close(&place.fd);
	return r;
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
	r = look_at_file(store, id, data, size);
	if (r < 0)
		return r;
	if (r == COMPARISON_OTHER)
		return -EEXIST;
	if (r == COMPARISON_SAME && !force)
		return 0;
	return write_file(store, id, data, size, WRITE_REPLACING);
}

int hd_object_put_file(struct hd_object_store *store, const struct hd_object_id *id, const void *data,
	size_t size, bool again)
{
	int r;

	if (again)
		return hd_object_replace(store, id, data, size, true);
	r = write_file(store, id, data, size, WRITE_FROM_LOG);
	if (r != -EEXIST)
		return r;
	r = look_at_file(store, id, data, size);
	if (r == COMPARISON_DAMAGED)
		return hd_object_replace(store, id, data, size, false);
	/* Other, sound bytes cannot be there: who put them would have seen the log. */
	return r == COMPARISON_OTHER ? -HD_E_OBJECT_CORRUPT : r < 0 ? r : 0;
}

/* In a log, or if that cannot be as a file; *RET_LOGGED says which. */
static int write_new(struct hd_object_store *store, const struct hd_object_id *id, const void *data,
	size_t size, bool *ret_logged)
{
	int r = hd_object_log_append(store, id, data, size, false);

	*ret_logged = r != -EFBIG;
	return r == -EFBIG ? write_file(store, id, data, size, WRITE_NEW) : r;
}

static int write_damaged(struct hd_object_store *store, const struct hd_object_id *id, const void *data,
	size_t size, const bool *logged)
{
	if (!*logged)
		return hd_object_replace(store, id, data, size, false);
	return hd_object_log_append(store, id, data, size, true);
}

/* 0 when the bytes are under the name, 1 when the name belongs to others. *RET_WRITTEN: there is a new file; *RET_LOGGED:
 * the bytes are in a log. */
static int put_under(struct hd_object_store *store, const struct hd_object_id *id, const void *data,
	size_t size, bool *ret_written, bool *ret_logged)
{
	int r;

	*ret_written = false;
	for (;;) {
		r = look_at(store, id, data, size, ret_logged);
		if (r < 0)
			return r;
		switch ((enum comparison)r) {
		case COMPARISON_SAME:
			return 0;
		case COMPARISON_OTHER:
			return 1;
		case COMPARISON_FREE:
			r = write_new(store, id, data, size, ret_logged);
			break;
		case COMPARISON_DAMAGED:
			r = write_damaged(store, id, data, size, ret_logged);
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
	bool written = false, logged = false;
	int r;

	while ((r = put_under(store, &id, data, size, &written, &logged)) > 0)
		id.number++;
	if (r < 0)
		return hd_fail_in(r, "store object %s", hd_object_id_path(&id, path));
	if (!logged || !hd_object_log_need(store, &id))
		r = hd_object_sync_add(store, &id, written);
	if (r < 0)
		return r;
	*ret_content = hd_object_id_to_content(&id, HD_CONTENT_OBJECT);
	return 0;
}
