/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/archive/directory_reader.h"

#include <errno.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/archive/import_attributes.h"
#include "capture/archive/link_names.h"
#include "overlay/bases/directory/base_directory_store.h"
#include "overlay/platform/array.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/checksum.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/beneath.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/files/file_entry.h"
#include "overlay/platform/threads/work.h"

#define PIECE (1u << 20)
#define READING (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_NOATIME)

struct directory_reader {
	struct hd_store *store;       /* borrowed */
	struct hd_store_place place;  /* of the store */
	struct hd_archive_tree *tree; /* borrowed */
	int root_fd;                  /* borrowed */
	char **waiting;               /* owned array of owned paths: directories to be read, "." the root */
	size_t n_waiting, waiting_capacity;
	struct hd_link_names links;
	char *piece, *names, *value; /* owned: a piece of a file; names of attributes; the value of one */
	struct hd_import_counts counts;
};

/* A directory while its entries are read. */
struct listing {
	struct directory_reader *reader;
	const char *path; /* of the directory, "" for the root */
	int fd;           /* borrowed */
	bool is_root;
};

/* What every file has of a host that labels its files: it says nothing of the file, and is wrong on another host. */
static const char *const labels[] = {
	"security.selinux",
	"security.SMACK64",
	"security.apparmor",
	"security.ima",
	"security.evm",
};

static bool is_label(const char *name)
{
	for (size_t i = 0; i < HD_ARRAY_SIZE(labels); i++) {
		if (strncmp(name, labels[i], strlen(labels[i])) == 0)
			return true;
	}
	return false;
}

/* Reading changes the access time, and nothing else. */
static int check_unchanged(int fd, const struct stat *before)
{
	struct stat now;
	int r = hd_file_stat(fd, &now);

	if (r < 0)
		return r;
	return now.st_dev == before->st_dev && now.st_ino == before->st_ino &&
			       now.st_mode == before->st_mode && now.st_size == before->st_size &&
			       hd_clock_is_same(&now.st_mtim, &before->st_mtim) &&
			       hd_clock_is_same(&now.st_ctim, &before->st_ctim)
		       ? 0
		       : -HD_E_IMPORT_CHANGED;
}

/* Names that were listed and are gone, or are links by now. */
static int gone_or(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -ELOOP || r == -EXDEV ? -HD_E_IMPORT_CHANGED : r;
}

/* ---- what a file has besides bytes ---- */

static int read_attribute(struct directory_reader *reader, int fd, const char *name, const char *attribute,
	struct hd_buffer *xattrs)
{
	size_t size;
	int r;

	if (is_label(attribute)) {
		reader->counts.attributes++;
		return 0;
	}
	r = hd_file_entry_get_xattr(fd, name, attribute, reader->value, XATTR_SIZE_MAX, &size);
	if (r == -ENODATA)
		return 0;
	if (r < 0)
		return hd_fail_in(r, "extended attribute '%s'", attribute);
	return hd_import_attribute_add(attribute, reader->value, size, xattrs, &reader->counts.attributes);
}

static int read_attributes(
	struct directory_reader *reader, int fd, const char *name, struct hd_archive_file *file)
{
	HD_AUTO_BUFFER struct hd_buffer xattrs = {0};
	size_t size = 0;
	int r = hd_file_entry_list_xattr(fd, name, reader->names, XATTR_LIST_MAX, &size);

	if (r == -EOPNOTSUPP)
		return 0;
	for (const char *at = reader->names; r == 0 && at < reader->names + size; at += strlen(at) + 1)
		r = read_attribute(reader, fd, name, at, &xattrs);
	if (r == 0)
		r = hd_import_attributes_finish(&file->mode, &xattrs);
	if (r < 0)
		return gone_or(r);
	file->xattrs_size = (uint32_t)xattrs.size;
	file->xattrs = xattrs.size > 0 ? hd_buffer_steal(&xattrs, NULL) : NULL;
	return 0;
}

static void fill_file(
	const struct stat *status, const struct timespec *birth, struct hd_archive_file *ret_file)
{
	bool is_device = S_ISCHR(status->st_mode) || S_ISBLK(status->st_mode);

	*ret_file = (struct hd_archive_file){
		.mode = status->st_mode,
		.uid = status->st_uid,
		.gid = status->st_gid,
		.device = is_device ? (uint32_t)status->st_rdev : 0,
		.size = S_ISREG(status->st_mode) || S_ISLNK(status->st_mode) ? (uint64_t)status->st_size : 0,
		.access_time = status->st_atim,
		.modify_time = status->st_mtim,
		.change_time = status->st_ctim,
		.birth_time = *birth,
	};
}

/* ---- bytes ---- */

static int append_extent(
	struct directory_reader *reader, int fd, struct hd_content_writer *writer, uint64_t at, uint64_t end)
{
	int r = 0;

	while (r >= 0 && at < end) {
		size_t want = end - at < PIECE ? (size_t)(end - at) : PIECE, got = 0;

		r = hd_file_read_at(fd, reader->piece, want, at, &got);
		if (r >= 0 && got < want)
			r = -HD_E_IMPORT_CHANGED;
		if (r >= 0)
			r = hd_content_writer_append(writer, reader->piece, got);
		at += got;
		reader->counts.bytes += got;
		if (r >= 0)
			r = hd_work_advance(0);
	}
	return r;
}

static int append_all(
	struct directory_reader *reader, int fd, struct hd_content_writer *writer, uint64_t size)
{
	uint64_t at = 0;
	int r = 0;

	while (r >= 0 && at < size) {
		uint64_t data = at, hole = size;

		/* A filesystem that knows of no holes says so, or that all is data. */
		if (hd_file_seek(fd, at, true, &data) < 0)
			data = at;
		else if (data < size && hd_file_seek(fd, data, false, &hole) < 0)
			hole = size;
		data = data < size ? data : size;
		hole = data < size && hole < size ? hole : size;
		r = hd_content_writer_append_hole(writer, data - at);
		if (r >= 0)
			r = append_extent(reader, fd, writer, data, hole);
		at = hole;
	}
	return r;
}

static int store_regular(
	struct listing *listing, const char *name, const struct stat *status, struct hd_archive_file *file)
{
	HD_AUTO_CLOSE int fd = hd_beneath_open(listing->fd, name, READING);
	struct hd_content_writer *writer;
	int r = fd < 0 ? gone_or(fd) : check_unchanged(fd, status);

	if (r < 0)
		return r;
	r = hd_content_writer_new(listing->reader->store->objects, file->size, &writer);
	if (r < 0)
		return r;
	r = append_all(listing->reader, fd, writer, file->size);
	if (r >= 0)
		r = check_unchanged(fd, status);
	if (r < 0) {
		hd_content_writer_free(writer);
		return r;
	}
	return hd_content_writer_finish(writer, &file->content);
}

static int store_symlink(struct listing *listing, const char *name, struct hd_archive_file *file)
{
	char target[PATH_MAX + 1];
	size_t size = 0;
	int r = hd_file_read_link(listing->fd, name, target, sizeof(target), &size);

	if (r < 0)
		return r == -EINVAL ? -HD_E_IMPORT_CHANGED : gone_or(r);
	file->size = size;
	return hd_object_store_put(listing->reader->store->objects, target, size, &file->content);
}

/* ---- names ---- */

static uint64_t link_group_of(const struct stat *status)
{
	uint64_t key[2] = {status->st_dev, status->st_ino};

	return hd_checksum64(key, sizeof(key)) | 1;
}

/* FILE, whose attributes are taken over, becomes what PATH names. */
static int set_file(struct directory_reader *reader, const char *path, struct hd_archive_file *file)
{
	uint32_t name;
	int r = hd_archive_tree_place(reader->tree, path, file, &name);

	if (r == 0)
		r = hd_archive_tree_set(reader->tree, name, file);
	if (r < 0)
		free(HD_STEAL(file->xattrs));
	return r;
}

/* 1 if PATH is a further name of a file that is there. */
static int take_link(struct directory_reader *reader, const char *path, const struct stat *status,
	const struct hd_archive_file *file)
{
	const char *first = NULL;
	uint32_t name, index;
	int r = hd_link_names_first(
		&reader->links, link_group_of(status), (uint32_t)status->st_nlink, path, &first);

	if (r < 0 || !first)
		return r;
	r = hd_archive_tree_find(reader->tree, first, &index);
	if (r == 0)
		r = hd_archive_tree_place(reader->tree, path, file, &name);
	if (r == 0)
		r = hd_archive_tree_link(reader->tree, name, index);
	return r < 0 ? r : 1;
}

static int take_file(struct listing *listing, const char *name, const char *path, const struct stat *status,
	const struct timespec *birth)
{
	struct hd_archive_file file;
	int r = 0;

	fill_file(status, birth, &file);
	if (status->st_nlink > 1)
		r = take_link(listing->reader, path, status, &file);
	if (r != 0)
		return r < 0 ? r : 0;
	if (S_ISREG(file.mode))
		r = store_regular(listing, name, status, &file);
	else if (S_ISLNK(file.mode))
		r = store_symlink(listing, name, &file);
	if (r >= 0)
		r = read_attributes(listing->reader, listing->fd, name, &file);
	return r < 0 ? r : set_file(listing->reader, path, &file);
}

/* Takes PATH over on success. */
static int wait_for(struct directory_reader *reader, char *path)
{
	if (HD_ARRAY_RESERVE(reader->waiting, reader->n_waiting, reader->waiting_capacity) < 0)
		return -ENOMEM;
	reader->waiting[reader->n_waiting++] = path;
	return 0;
}

static int take_entry(struct listing *listing, const char *name, char **path)
{
	struct directory_reader *reader = listing->reader;
	struct timespec birth;
	struct stat status;
	int r = hd_file_entry_status(listing->fd, name, &status, &birth);

	if (r < 0)
		return gone_or(r);
	if (!S_ISDIR(status.st_mode)) {
		reader->counts.entries++;
		return take_file(listing, name, *path, &status, &birth);
	}
	if (hd_store_place_is(&reader->place, listing->fd, listing->is_root, name, &status))
		return 0;
	reader->counts.entries++;
	r = wait_for(reader, *path);
	if (r == 0)
		*path = NULL;
	return r;
}

static int take_name(const char *name, unsigned char type, void *payload)
{
	struct listing *listing = payload;
	HD_AUTO_FREE char *path = NULL;
	int r = hd_work_advance(1);

	(void)type;
	if (r < 0)
		return r;
	if (asprintf(&path, "%s%s%s", listing->path, listing->is_root ? "" : "/", name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = take_entry(listing, name, &path);
	return r < 0 && r != -HD_E_INTERRUPTED ? hd_fail_in(r, "'%s'", path ? path : name) : r;
}

/* The directory itself, then its entries. */
static int take_directory(struct directory_reader *reader, const char *path)
{
	bool is_root = strcmp(path, ".") == 0;
	HD_AUTO_CLOSE int fd =
		hd_beneath_open(reader->root_fd, is_root ? "" : path, O_RDONLY | O_DIRECTORY | O_NOATIME);
	struct listing listing = {
		.reader = reader, .path = is_root ? "" : path, .fd = fd, .is_root = is_root};
	struct hd_archive_file file;
	struct timespec birth;
	struct stat status;
	int r = fd < 0 ? gone_or(fd) : hd_file_entry_status(fd, ".", &status, &birth);

	if (r < 0)
		return hd_fail_in(r, "'%s'", path);
	fill_file(&status, &birth, &file);
	r = read_attributes(reader, fd, ".", &file);
	if (r == 0)
		r = set_file(reader, path, &file);
	if (r == 0)
		r = hd_directory_list(fd, ".", take_name, &listing);
	if (r < 0)
		return r;
	r = check_unchanged(fd, &status);
	return r < 0 ? hd_fail_in(r, "'%s'", path) : 0;
}

static int read_all(struct directory_reader *reader)
{
	char *root = strdup(".");
	int r = root ? wait_for(reader, root) : -ENOMEM;

	if (r < 0)
		free(root);
	while (r >= 0 && reader->n_waiting > 0) {
		HD_AUTO_FREE char *path = reader->waiting[--reader->n_waiting];

		r = take_directory(reader, path);
	}
	return r;
}

int hd_directory_import(struct hd_store *store, const void *source, struct hd_archive_tree *tree,
	struct hd_import_counts *ret_counts)
{
	const struct hd_directory_import *import = source;
	struct directory_reader reader = {.store = store,
		.tree = tree,
		.root_fd = import->root_fd,
		.piece = malloc(PIECE),
		.names = malloc(XATTR_LIST_MAX),
		.value = malloc(XATTR_SIZE_MAX)};
	int r = reader.piece && reader.names && reader.value ? 0 : -ENOMEM;

	hd_work_step(HD_WORK_READING_FILES, 0);
	if (r == 0)
		r = hd_store_place_find(store, &reader.place);
	if (r == 0)
		r = read_all(&reader);
	for (size_t i = 0; i < reader.n_waiting; i++)
		free(reader.waiting[i]);
	free(reader.waiting);
	free(reader.piece);
	free(reader.names);
	free(reader.value);
	hd_link_names_clear(&reader.links);
	if (r < 0)
		return r;
	*ret_counts = reader.counts;
	return 0;
}
