/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/archive/tar_reader.h"

#include <archive.h>
#include <errno.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/archive/archive_attributes.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"

struct reader {
	struct hd_object_store *objects; /* borrowed */
	struct hd_archive_tree *tree;    /* borrowed */
	struct hd_tar_stream *stream;    /* owned */
	struct hd_import_counts result;
};

/* ---- bytes ---- */

static int append_data(struct reader *reader, struct hd_content_writer *writer, uint64_t total)
{
	uint64_t at = 0, offset = 0;
	const void *bytes;
	size_t size;
	int r;

	while ((r = hd_tar_stream_data(reader->stream, &bytes, &size, &offset)) > 0) {
		if (size == 0)
			continue;
		if (offset < at || offset > total || size > total - offset)
			return hd_fail(EINVAL, "its data goes back, or beyond its %llu bytes",
				(unsigned long long)total);
		r = hd_content_writer_append_hole(writer, offset - at);
		if (r == 0)
			r = hd_content_writer_append(writer, bytes, size);
		if (r < 0)
			return r;
		at = offset + size;
	}
	return r < 0 ? r : hd_content_writer_append_hole(writer, total - at);
}

static int store_data(struct reader *reader, uint64_t total, struct hd_content *ret_content)
{
	struct hd_content_writer *writer;
	int r = hd_content_writer_new(reader->objects, total, &writer);

	if (r < 0)
		return r;
	r = append_data(reader, writer, total);
	if (r < 0) {
		hd_content_writer_free(writer);
		return r;
	}
	return hd_content_writer_finish(writer, ret_content);
}

static int store_link(struct reader *reader, const char *target, struct hd_archive_file *file)
{
	size_t size = target ? strlen(target) : 0;

	if (size == 0 || size >= PATH_MAX)
		return hd_fail(EINVAL, "it is a symbolic link of %zu bytes", size);
	file->size = size;
	return hd_object_store_put(reader->objects, target, size, &file->content);
}

/* ---- entries ---- */

/* The times as they are before 1970, see tar_writer.c. */
static int read_time(time_t seconds, long nanoseconds, struct timespec *ret_time)
{
	if (nanoseconds < 0 || nanoseconds > 999999999)
		return hd_fail(EINVAL, "a time has %ld nanoseconds", nanoseconds);
	*ret_time = (struct timespec){.tv_sec = seconds, .tv_nsec = nanoseconds};
	if (seconds < 0 && nanoseconds > 0)
		*ret_time = (struct timespec){.tv_sec = seconds - 1, .tv_nsec = 1000000000 - nanoseconds};
	return 0;
}

static int read_times(struct archive_entry *entry, struct hd_archive_file *file)
{
	int r = read_time(archive_entry_mtime(entry), archive_entry_mtime_nsec(entry), &file->modify_time);

	file->access_time = file->change_time = file->birth_time = file->modify_time;
	if (r == 0 && archive_entry_atime_is_set(entry))
		r = read_time(
			archive_entry_atime(entry), archive_entry_atime_nsec(entry), &file->access_time);
	if (r == 0 && archive_entry_ctime_is_set(entry))
		r = read_time(
			archive_entry_ctime(entry), archive_entry_ctime_nsec(entry), &file->change_time);
	if (r == 0 && archive_entry_birthtime_is_set(entry))
		r = read_time(archive_entry_birthtime(entry), archive_entry_birthtime_nsec(entry),
			&file->birth_time);
	return r;
}

static int read_status(struct archive_entry *entry, struct hd_archive_file *file)
{
	la_int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);

	file->mode = archive_entry_filetype(entry) | (archive_entry_perm(entry) & 07777);
	/* The highest number is nobody's: chown(2) takes it for "as it is". */
	if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
		return hd_fail(EINVAL, "it belongs to %lld:%lld", (long long)uid, (long long)gid);
	file->uid = (uint32_t)uid;
	file->gid = (uint32_t)gid;
	return read_times(entry, file);
}

/* What a type has besides; also refuses types that nobody knows. */
static int read_body(struct reader *reader, struct archive_entry *entry, struct hd_archive_file *file)
{
	la_int64_t size = archive_entry_size(entry);

	switch (file->mode & S_IFMT) {
	case S_IFREG:
		if (!archive_entry_size_is_set(entry) || size < 0)
			return hd_fail(EINVAL, "it has no size");
		file->size = (uint64_t)size;
		return store_data(reader, file->size, &file->content);
	case S_IFLNK:
		return store_link(reader, archive_entry_symlink(entry), file);
	case S_IFCHR:
	case S_IFBLK:
		if (archive_entry_rdev(entry) > UINT32_MAX)
			return hd_fail(EINVAL, "it is a device whose number is too large");
		file->device = (uint32_t)archive_entry_rdev(entry);
		return 0;
	case S_IFDIR:
	case S_IFIFO:
		return 0;
	default:
		return hd_fail(EINVAL, "it is of no type that is known");
	}
}

/* POSIX lets an archive repeat the bytes for a link: they must be the file's. */
static int check_link_data(struct reader *reader, struct archive_entry *entry, uint32_t index)
{
	la_int64_t size = archive_entry_size_is_set(entry) ? archive_entry_size(entry) : 0;
	struct hd_content content;
	int r;

	if (size <= 0)
		return 0;
	r = store_data(reader, (uint64_t)size, &content);
	if (r == 0 && (!S_ISREG(reader->tree->files[index].mode) ||
			      !hd_content_equal(&content, &reader->tree->files[index].content)))
		r = hd_fail(EINVAL, "it is a hard link with other bytes than its target");
	return r;
}

static int take_link(
	struct reader *reader, struct archive_entry *entry, const char *path, struct hd_archive_file *file)
{
	uint32_t name, index;
	int r = hd_archive_tree_find(reader->tree, archive_entry_hardlink(entry), &index);

	if (r == 0)
		r = check_link_data(reader, entry, index);
	if (r == 0)
		r = hd_archive_tree_place(reader->tree, path, file, &name);
	return r < 0 ? r : hd_archive_tree_link(reader->tree, name, index);
}

static int take_file(
	struct reader *reader, struct archive_entry *entry, const char *path, struct hd_archive_file *file)
{
	HD_AUTO_BUFFER struct hd_buffer xattrs = {0};
	uint32_t name;
	int r = hd_archive_attributes_read(entry, &file->mode, &xattrs, &reader->result.attributes);

	/* The place first: what is refused for its name costs no bytes. */
	if (r == 0)
		r = hd_archive_tree_place(reader->tree, path, file, &name);
	if (r == 0)
		r = read_body(reader, entry, file);
	if (r < 0)
		return r;
	file->xattrs_size = (uint32_t)xattrs.size;
	file->xattrs = xattrs.size > 0 ? hd_buffer_steal(&xattrs, NULL) : NULL;
	r = hd_archive_tree_set(reader->tree, name, file);
	if (r < 0)
		free(file->xattrs);
	return r;
}

static int take_entry(struct reader *reader, struct archive_entry *entry)
{
	const char *path = archive_entry_pathname(entry);
	struct hd_archive_file file = {0};
	int r;

	if (!path)
		return hd_fail(EINVAL, "an entry has no name");
	reader->result.entries++;
	r = read_status(entry, &file);
	if (r == 0)
		r = archive_entry_hardlink(entry) ? take_link(reader, entry, path, &file)
						  : take_file(reader, entry, path, &file);
	if (r == 0)
		r = hd_work_advance(1);
	return r < 0 && r != -HD_E_INTERRUPTED ? hd_fail_in(r, "entry '%s'", path) : r;
}

int hd_tar_read(struct hd_object_store *objects, const struct hd_tar_source *source, uint64_t max_bytes,
	struct hd_archive_tree *tree, struct hd_import_counts *ret_counts)
{
	struct reader reader = {.objects = objects, .tree = tree};
	struct archive_entry *entry;
	int r;

	hd_work_step(HD_WORK_READING_FILES, 0);
	r = hd_tar_stream_open(source, max_bytes, &reader.stream);
	if (r < 0)
		return r;
	while ((r = hd_tar_stream_next(reader.stream, &entry)) > 0) {
		r = take_entry(&reader, entry);
		if (r < 0)
			break;
	}
	reader.result.bytes = hd_tar_stream_bytes(reader.stream);
	hd_tar_stream_close(reader.stream);
	if (r < 0)
		return r;
	*ret_counts = reader.result;
	return 0;
}

int hd_tar_import(struct hd_store *store, const void *source, struct hd_archive_tree *tree,
	struct hd_import_counts *ret_counts)
{
	const struct hd_tar_import *import = source;

	return hd_tar_read(store->objects, &import->source, import->max_bytes, tree, ret_counts);
}
