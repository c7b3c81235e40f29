/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/store/objects/object_store_types.h"

/*
 * The file of an object: opening it, comparing it with bytes, writing it, replacing it.
 *
 * Replacing is the one change of an existing name, hence under a lock between processes: of two writers whose
 * bytes collide, the slower one must see that the file is sound by now and belongs to the other.
 */

#define COMPARE_BLOCK ((size_t)128 << 10)
#define REPLACE_RETRY_NS 1000000u

int hd_object_open(struct hd_object_store *store, const struct hd_object_id *id, uint64_t *ret_size)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
	char path[HD_OBJECT_PATH_SIZE];
	HD_AUTO_CLOSE int fd = -1;
	struct stat st;
	int r;

	/* O_NONBLOCK: somebody's FIFO in place of an object must not hang us. Access times are nobody's business, where we may. */
	fd = hd_file_open(store->objects_fd, hd_object_id_path(id, path), flags | O_NOATIME, 0);
	if (fd == -EPERM)
		fd = hd_file_open(store->objects_fd, path, flags, 0);
	if (fd == -ENOENT)
		return -HD_E_OBJECT_MISSING;
	if (fd == -ELOOP)
		return -HD_E_OBJECT_CORRUPT;
	if (fd < 0)
		return fd;
	r = hd_file_stat(fd, &st);
	if (r < 0)
		return r;
	if (!S_ISREG(st.st_mode))
		return -HD_E_OBJECT_CORRUPT;
	*ret_size = (uint64_t)st.st_size;
	return hd_steal_fd(&fd);
}

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

int hd_object_write_file(struct hd_object_store *store, const struct hd_object_id *id, const void *data,
	size_t size, enum hd_object_write_mode mode)
{
	char path[HD_OBJECT_PATH_SIZE];
	struct hd_atomic_file file;
	bool replace = mode == HD_OBJECT_REPLACING;
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
	r = mode == HD_OBJECT_NEW
		    ? link_file(store, id, &file)
		    : hd_file_atomic_commit(&file, hd_object_id_path(id, path), replace, replace);
	/* Somebody removed the subdirectory: the next put makes it again. */
	if (r == -ENOENT)
		atomic_store(&store->fanout_made[id->hash.bytes[0]], false);
	return r;
}

int hd_object_compare(struct hd_object_store *store, const struct hd_object_id *id,
	const struct hd_object_place *place, const void *data, size_t size)
{
	int r;

	r = compare_place(place, data, size);
	/* An unreadable block is damage like any other; the check below reads it again and says so. */
	if (r < 0 && r != -EIO)
		return r;
	if (r > 0)
		return HD_OBJECT_SAME;
	r = hd_object_check_place(store, id, place);
	if (r == -HD_E_OBJECT_CORRUPT || r == -EIO)
		return HD_OBJECT_DAMAGED;
	return r < 0 ? r : HD_OBJECT_OTHER;
}

int hd_object_compare_file(
	struct hd_object_store *store, const struct hd_object_id *id, const void *data, size_t size)
{
	struct hd_object_place place = {0};
	int r;

	place.fd = hd_object_open(store, id, &place.size);
	if (place.fd < 0)
		return place.fd == -HD_E_OBJECT_MISSING ? HD_OBJECT_FREE : place.fd;
	r = hd_object_compare(store, id, &place, data, size);
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
	r = hd_object_compare_file(store, id, data, size);
	if (r < 0)
		return r;
	if (r == HD_OBJECT_OTHER)
		return -EEXIST;
	if (r == HD_OBJECT_SAME && !force)
		return 0;
	return hd_object_write_file(store, id, data, size, HD_OBJECT_REPLACING);
}

int hd_object_put_file(struct hd_object_store *store, const struct hd_object_id *id, const void *data,
	size_t size, bool again)
{
	int r;

	if (again)
		return hd_object_replace(store, id, data, size, true);
	r = hd_object_write_file(store, id, data, size, HD_OBJECT_FROM_LOG);
	if (r != -EEXIST)
		return r;
	r = hd_object_compare_file(store, id, data, size);
	if (r == HD_OBJECT_DAMAGED)
		return hd_object_replace(store, id, data, size, false);
	/* Other, sound bytes cannot be there: who put them would have seen the log. */
	return r == HD_OBJECT_OTHER ? -HD_E_OBJECT_CORRUPT : r < 0 ? r : 0;
}
