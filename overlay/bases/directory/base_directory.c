/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/bases/base.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/bases/directory/base_directory_handles.h"
#include "overlay/bases/directory/base_directory_paths.h"
#include "overlay/bases/directory/base_directory_seen.h"
#include "overlay/bases/directory/base_directory_store.h"
#include "overlay/bases/directory/base_directory_xattrs.h"
#include "overlay/platform/checksum.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/beneath.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/files/file_copy.h"
#include "overlay/platform/files/file_entry.h"
#include "overlay/store/link_group.h"

/*
 * A directory of the host, read where it is.
 *
 * A content reference is the id of a path relative to the root; the index knows the path. Paths are resolved
 * below the root's descriptor without following any link, so neither a link in the base nor somebody who
 * swaps a directory for one leads out of it. Mounts inside are entered like directories.
 *
 * A host directory can change behind the mount. The first look at a file decides what this process accepts of
 * it (base_directory_seen.c, with its limits); a file that is gone or differs is -HD_E_BASE_CHANGED. The
 * comparison follows each read: bytes that were read before the file still looked the same are the bytes that
 * were listed.
 *
 * Locks   None here; handles and fingerprints have their own. The index is asked with no lock held.
 */

#define LINK_TARGET_LIMIT 4096 /* PATH_MAX; no link's target is longer */

struct directory_base {
	struct hd_base head;
	char *location;         /* owned */
	struct hd_index *index; /* borrowed */
	int root_fd;            /* owned */
	uint64_t root_device;
	struct hd_store_place store; /* no part of the tree */
	uint16_t number;
	_Atomic bool all_named;          /* base_directory_paths.h, by this process */
	struct hd_content root;          /* what stands for the root itself */
	struct hd_seen_files *seen;      /* owned */
	struct hd_file_handles *handles; /* owned */
};

static struct directory_base *directory_base_of(struct hd_base *base)
{
	return (struct directory_base *)base;
}

/* What opening a path that was listed answers when the path no longer leads there. */
static int changed_or(int r, const char *path)
{
	if (r == -ENOENT || r == -ENOTDIR || r == -ELOOP || r == -EXDEV || r == -HD_E_BASE_CHANGED)
		return hd_fail(HD_E_BASE_CHANGED, "'%s'", path);
	return r < 0 ? hd_fail(r, "base file '%s'", path) : r;
}

static int content_of_path(struct directory_base *base, const char *path, struct hd_content *ret_content)
{
	struct hd_content content = {
		.kind = HD_CONTENT_HOST, .length = HD_PATH_ID_SIZE, .base = base->number};
	int r = hd_index_host_path_id(base->index, base->number, path, content.bytes);

	if (r < 0)
		return r;
	*ret_content = content;
	return 0;
}

static int path_of_content(struct directory_base *base, const struct hd_content *content, char **ret_path)
{
	int r;

	if (content->kind != HD_CONTENT_HOST || content->length != HD_PATH_ID_SIZE)
		return hd_fail(HD_E_CONTENT_KIND, "content of kind %u and length %u in a base directory",
			content->kind, content->length);
	r = hd_index_host_path(base->index, base->number, content->bytes, ret_path);
	if (r != -HD_E_BASE_OBJECT || atomic_load(&base->all_named))
		return r;
	/* A process that could not save it may have given it out, and died. */
	hd_error_clear();
	r = hd_base_paths_name_all(base->index, base->number, base->root_fd, &base->store);
	if (r < 0)
		return r;
	atomic_store(&base->all_named, true);
	(void)hd_index_save_host_paths(base->index);
	return hd_index_host_path(base->index, base->number, content->bytes, ret_path);
}

/* ---- list ---- */

struct listing {
	struct directory_base *base;
	const char *path; /* of the directory, "" for the root */
	int fd;
	hd_base_emit emit;
	void *payload;
	struct hd_file_xattrs xattrs;
};

/*
 * On the root's own filesystem the inode number itself, which cannot collide; on others mounted below, a hash
 * with the top bit set.
 */
static uint64_t link_group_of(const struct directory_base *base, const struct stat *status)
{
	const uint64_t other = (uint64_t)1 << 63;
	uint64_t key[2] = {status->st_dev, status->st_ino};

	if (S_ISDIR(status->st_mode) || status->st_nlink < 2)
		return 0;
	if (status->st_dev == base->root_device && status->st_ino != 0 && status->st_ino < other)
		return status->st_ino;
	return hd_checksum64(key, sizeof(key)) | other;
}

/*
 * By the room that it takes. Filesystems that count none at all are not believed: for tar a file without blocks is one hole.
 */
static uint64_t holes_of(const struct stat *status)
{
	uint64_t size = ((uint64_t)status->st_size + 4095) / 4096 * 4096;
	uint64_t room = status->st_blocks > 0 ? (uint64_t)status->st_blocks * 512 : 4096;

	return room < size ? size - room : 0;
}

static void fill_status(const struct stat *status, const struct timespec *birth, struct hd_base_entry *entry)
{
	entry->mode = status->st_mode;
	entry->uid = status->st_uid;
	entry->gid = status->st_gid;
	entry->device = S_ISCHR(status->st_mode) || S_ISBLK(status->st_mode) ? (uint32_t)status->st_rdev : 0;
	entry->size = S_ISREG(status->st_mode) || S_ISLNK(status->st_mode) ? (uint64_t)status->st_size : 0;
	entry->holes = S_ISREG(status->st_mode) ? holes_of(status) : 0;
	entry->access_time = status->st_atim;
	entry->modify_time = status->st_mtim;
	entry->change_time = status->st_ctim;
	entry->birth_time = *birth;
}

static bool has_content(const struct stat *status)
{
	return S_ISDIR(status->st_mode) || S_ISLNK(status->st_mode) ||
	       (S_ISREG(status->st_mode) && status->st_size > 0);
}

static int fill_content(
	struct listing *listing, const char *name, const struct stat *status, struct hd_base_entry *entry)
{
	HD_AUTO_FREE char *path = NULL;
	int r;

	if (!has_content(status))
		return 0;
	if (asprintf(&path, "%s%s%s", listing->path, listing->path[0] ? "/" : "", name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = content_of_path(listing->base, path, &entry->content);
	/* A file that differs from what was shown is listed as it is now; only its bytes are refused. */
	if (r == 0 && !S_ISDIR(status->st_mode))
		(void)hd_seen_files_check(listing->base->seen, entry->content.bytes, status);
	return r;
}

static int list_one(const char *name, unsigned char type, void *payload)
{
	struct listing *listing = payload;
	struct hd_base_entry entry = {.name = name};
	struct timespec birth;
	struct stat status;
	int r;

	(void)type;
	r = hd_file_entry_status(listing->fd, name, &status, &birth);
	if (r == -ENOENT)
		return 0; /* removed since its name was read */
	if (r < 0)
		return hd_fail(r, "base file '%s/%s'", listing->path, name);
	if (hd_store_place_is(&listing->base->store, listing->fd, !listing->path[0], name, &status))
		return 0;
	fill_status(&status, &birth, &entry);
	/* Other filesystems below the base count for themselves: there the number may occur twice. */
	entry.number = status.st_dev == listing->base->root_device ? status.st_ino : 0;
	r = fill_content(listing, name, &status, &entry);
	entry.link_group = hd_link_group_kept(link_group_of(listing->base, &status), &entry.content);
	entry.links = entry.link_group ? (uint32_t)status.st_nlink : 0;
	if (r == 0)
		r = hd_file_xattrs_read(&listing->xattrs, listing->fd, name);
	if (r < 0)
		return hd_fail_in(r, "base file '%s/%s'", listing->path, name);
	entry.xattrs = listing->xattrs.encoded.size > 0 ? listing->xattrs.encoded.data : NULL;
	entry.xattrs_size = (uint32_t)listing->xattrs.encoded.size;
	return listing->emit(&entry, listing->payload);
}

static int directory_list(
	struct hd_base *base, const struct hd_base_directory *directory, hd_base_emit emit, void *payload)
{
	struct directory_base *self = directory_base_of(base);
	HD_AUTO_FREE char *path = NULL;
	HD_AUTO_CLOSE int fd = -1;
	struct listing listing = {.base = self, .emit = emit, .payload = payload};
	int r;

	r = path_of_content(self, &directory->content, &path);
	if (r < 0)
		return r;
	fd = hd_beneath_open(self->root_fd, path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return changed_or(fd, path);
	listing.path = path;
	listing.fd = fd;
	r = hd_directory_list(fd, ".", list_one, &listing);
	hd_file_xattrs_clear(&listing.xattrs);
	/*
	 * The ids that were given out must mean something after this process, too. A store that cannot be written
	 * must not keep anybody from reading the base; the paths stay pending, and a flush will tell.
	 */
	(void)hd_index_save_host_paths(self->index);
	return r;
}

/* ---- read ---- */

/* FD of a regular file that looks as it did. O_NONBLOCK: what was a file may be a FIFO by now. */
static int open_file(
	struct directory_base *base, const struct hd_content *file, struct hd_file_handle **ret_handle)
{
	HD_AUTO_FREE char *path = NULL;
	HD_AUTO_CLOSE int fd = -1;
	struct stat status;
	int r = path_of_content(base, file, &path);

	if (r < 0)
		return r;
	fd = hd_beneath_open(base->root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_NOATIME);
	if (fd == -ELOOP)
		return -ELOOP;
	if (fd < 0)
		return changed_or(fd, path);
	r = hd_file_stat(fd, &status);
	if (r == 0)
		r = S_ISREG(status.st_mode) ? hd_seen_files_check(base->seen, file->bytes, &status)
					    : -HD_E_BASE_CHANGED;
	if (r < 0)
		return changed_or(r, path);
	return hd_file_handles_add(base->handles, file->bytes, hd_steal_fd(&fd), ret_handle);
}

static int read_file(struct directory_base *base, const struct hd_content *file,
	struct hd_file_handle *handle, void *buffer, size_t size, uint64_t offset, size_t *ret_size)
{
	int fd = hd_file_handle_fd(handle);
	struct stat status;
	size_t got = 0;
	int r = hd_file_read_at(fd, buffer, size, offset, &got);

	if (r == 0)
		r = hd_file_stat(fd, &status);
	if (r == 0)
		r = hd_seen_files_check(base->seen, file->bytes, &status);
	if (r < 0) {
		/* Whatever is wrong with this descriptor, the next reader begins anew. */
		hd_file_handles_forget(base->handles, handle);
		return r == -HD_E_BASE_CHANGED ? hd_fail(r, "a file of %s", base->location) : r;
	}
	*ret_size = got;
	return 0;
}

static int read_link(struct directory_base *base, const struct hd_content *file, void *buffer, size_t size,
	uint64_t offset, size_t *ret_size)
{
	HD_AUTO_FREE char *path = NULL;
	HD_AUTO_CLOSE int fd = -1;
	char target[LINK_TARGET_LIMIT];
	struct stat status;
	size_t length = 0;
	int r = path_of_content(base, file, &path);

	if (r < 0)
		return r;
	fd = hd_beneath_open(base->root_fd, path, O_PATH | O_NOFOLLOW);
	r = fd < 0 ? fd : hd_file_stat(fd, &status);
	if (r == 0)
		r = S_ISLNK(status.st_mode) ? hd_seen_files_check(base->seen, file->bytes, &status)
					    : -HD_E_BASE_CHANGED;
	if (r == 0)
		r = hd_file_read_link(fd, "", target, sizeof(target), &length);
	if (r < 0)
		return changed_or(r, path);
	*ret_size = offset >= length ? 0 : length - (size_t)offset < size ? length - (size_t)offset : size;
	if (*ret_size > 0)
		memcpy(buffer, target + offset, *ret_size);
	return 0;
}

static int directory_read(struct hd_base *base, const struct hd_content *file, void *buffer, size_t size,
	uint64_t offset, size_t *ret_size)
{
	struct directory_base *self = directory_base_of(base);
	struct hd_file_handle *handle;
	int r = 0;

	handle = hd_file_handles_find(self->handles, file->bytes);
	if (!handle)
		r = open_file(self, file, &handle);
	if (r == -ELOOP)
		return read_link(self, file, buffer, size, offset, ret_size);
	if (r < 0)
		return r;
	r = read_file(self, file, handle, buffer, size, offset, ret_size);
	hd_file_handles_release(self->handles, handle);
	return r;
}

static int directory_seek(struct hd_base *base, const struct hd_content *file, uint64_t offset,
	bool want_data, uint64_t *ret_offset)
{
	struct directory_base *self = directory_base_of(base);
	struct hd_file_handle *handle = hd_file_handles_find(self->handles, file->bytes);
	struct stat status;
	int fd, r = 0;

	if (!handle)
		r = open_file(self, file, &handle);
	if (r < 0)
		return r;
	fd = hd_file_handle_fd(handle);
	r = hd_file_seek(fd, offset, want_data, ret_offset);
	if (r == 0)
		r = hd_file_stat(fd, &status);
	if (r == 0)
		r = hd_seen_files_check(self->seen, file->bytes, &status);
	if (r < 0)
		hd_file_handles_forget(self->handles, handle);
	hd_file_handles_release(self->handles, handle);
	return r == -HD_E_BASE_CHANGED ? hd_fail(r, "a file of %s", self->location) : r;
}

static int directory_copy(struct hd_base *base, const struct hd_content *file, int fd, uint64_t offset,
	size_t size, size_t *ret_size)
{
	struct directory_base *self = directory_base_of(base);
	struct hd_file_handle *handle = hd_file_handles_find(self->handles, file->bytes);
	struct stat status;
	int r = 0;

	if (!handle)
		r = open_file(self, file, &handle);
	if (r < 0)
		return r;
	r = hd_file_copy_piece(hd_file_handle_fd(handle), fd, offset, size, ret_size);
	if (r == 0)
		r = hd_file_stat(hd_file_handle_fd(handle), &status);
	if (r == 0)
		r = hd_seen_files_check(self->seen, file->bytes, &status);
	if (r < 0)
		hd_file_handles_forget(self->handles, handle);
	hd_file_handles_release(self->handles, handle);
	return r == -HD_E_BASE_CHANGED ? hd_fail(r, "a file of %s", self->location) : r;
}

static int directory_size(struct hd_base *base, const struct hd_content *file, uint64_t *ret_size)
{
	struct directory_base *self = directory_base_of(base);
	HD_AUTO_FREE char *path = NULL;
	HD_AUTO_CLOSE int fd = -1;
	struct stat status;
	int r = path_of_content(self, file, &path);

	if (r < 0)
		return r;
	fd = hd_beneath_open(self->root_fd, path, O_PATH | O_NOFOLLOW);
	r = fd < 0 ? fd : hd_file_stat(fd, &status);
	if (r == 0)
		r = hd_seen_files_check(self->seen, file->bytes, &status);
	if (r < 0)
		return changed_or(r, path);
	*ret_size = (uint64_t)status.st_size;
	return 0;
}

/* ---- the rest ---- */

static int directory_root(struct hd_base *base, struct hd_base_entry *ret_entry)
{
	struct directory_base *self = directory_base_of(base);
	struct hd_base_entry entry = {.name = "", .content = self->root};
	struct hd_file_xattrs xattrs = {0};
	struct timespec birth;
	struct stat status;
	int r = hd_file_entry_status(self->root_fd, ".", &status, &birth);

	if (r < 0)
		return hd_fail(r, "base directory %s", self->location);
	fill_status(&status, &birth, &entry);
	r = hd_file_xattrs_read(&xattrs, self->root_fd, ".");
	if (r == 0 && xattrs.encoded.size > 0) {
		entry.xattrs_size = (uint32_t)xattrs.encoded.size;
		entry.xattrs = HD_STEAL(xattrs.encoded.data);
	}
	hd_file_xattrs_clear(&xattrs);
	if (r == 0)
		*ret_entry = entry;
	return r;
}

static int directory_persist(struct hd_base *base)
{
	return hd_index_persist_host_paths(directory_base_of(base)->index);
}

static void directory_free(struct hd_base *base)
{
	struct directory_base *self = directory_base_of(base);

	hd_file_handles_free(self->handles);
	hd_seen_files_free(self->seen);
	hd_cleanup_close(&self->root_fd);
	free(self->location);
	free(self);
}

static const struct hd_base_operations directory_operations = {
	.name = "directory",
	.list = directory_list,
	.read = directory_read,
	.seek = directory_seek,
	.copy = directory_copy,
	.size = directory_size,
	.root = directory_root,
	.persist = directory_persist,
	.free = directory_free,
};

static int open_root(struct directory_base *self)
{
	struct stat status;
	int r;

	self->root_fd = hd_directory_open(AT_FDCWD, self->location);
	r = self->root_fd < 0 ? self->root_fd : hd_file_stat(self->root_fd, &status);
	if (r < 0)
		return hd_fail(HD_E_BASE_MISSING, "%s (%s)", self->location, hd_error_text(r));
	self->root_device = status.st_dev;
	self->head.may_stall = hd_file_may_stall(self->root_fd);
	r = content_of_path(self, "", &self->root);
	if (r == 0)
		r = hd_seen_files_new(&self->seen);
	return r < 0 ? r : hd_file_handles_new(&self->handles);
}

int hd_base_directory_open(
	const char *location, uint16_t number, struct hd_store *store, struct hd_base **ret_base)
{
	struct directory_base *self = calloc(1, sizeof(*self));
	int r;

	if (!self)
		return -ENOMEM;
	self->head.operations = &directory_operations;
	self->index = store->index;
	self->number = number;
	self->root_fd = -1;
	self->location = strdup(location);
	r = self->location ? hd_store_place_find(store, &self->store) : -ENOMEM;
	if (r == 0)
		r = open_root(self);
	if (r < 0) {
		directory_free(&self->head);
		return r;
	}
	*ret_base = &self->head;
	return 0;
}
