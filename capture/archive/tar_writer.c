/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/archive/tar_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <linux/limits.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/archive/archive_acl.h"
#include "overlay/access/access_control_list.h"
#include "overlay/access/attribute_string.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/transfer.h"
#include "overlay/platform/threads/work.h"
#include "overlay/store/tree_format.h"

/*
 * libarchive writes names as what the locale says that they are, and of the C locale that is nothing but ASCII. So the
 * thread has a UTF-8 locale meanwhile: names that are UTF-8 are written as they are, without being normalized, and others
 * with "hdrcharset=BINARY", also as they are.
 *
 * Extended attributes have "SCHILY.xattr." alone, which everybody reads; libarchive would write each one twice.
 *
 * Ids are numbers: names of users are those of one machine.
 */

#define PIECE (1u << 20)
#define NOT_UTF8 "Can't translate "

struct hd_tar_writer {
	struct hd_base_set *bases; /* borrowed */
	struct archive *archive;   /* owned */
	int fd;                    /* borrowed */
	int failure;               /* of the descriptor: what libarchive is told is only that there is one */
	uint64_t size;             /* what the descriptor got */
	char *piece;               /* owned, PIECE bytes */
	bool repeats_lists;
	locale_t locale, before; /* owned; what the thread had */
};

static const char zeros[PIECE];

static la_ssize_t take_bytes(struct archive *archive, void *payload, const void *bytes, size_t size)
{
	struct hd_tar_writer *writer = payload;

	writer->failure = hd_transfer_append(writer->fd, bytes, size);
	if (writer->failure < 0) {
		archive_set_error(archive, -writer->failure, "%s", "the archive cannot be written");
		return -1;
	}
	writer->size += size;
	return (la_ssize_t)size;
}

static int fail(const struct hd_tar_writer *writer)
{
	const char *words = archive_error_string(writer->archive);

	if (writer->failure < 0)
		return writer->failure;
	return hd_fail(EIO, "%s", words ? words : "libarchive failed");
}

static int set_format(struct hd_tar_writer *writer, enum hd_archive_compression compression)
{
	struct archive *archive = writer->archive;
	int r = archive_write_set_format_pax(archive);

	if (r == ARCHIVE_OK)
		r = archive_write_set_format_option(archive, "pax", "xattrheader", "SCHILY");
	if (r == ARCHIVE_OK && compression == HD_ARCHIVE_GZIP) {
		r = archive_write_add_filter_gzip(archive);
		/* No time in the header: equal states are equal bytes. */
		if (r == ARCHIVE_OK)
			r = archive_write_set_filter_option(archive, "gzip", "timestamp", NULL);
	} else if (r == ARCHIVE_OK && compression == HD_ARCHIVE_ZSTD) {
		r = archive_write_add_filter_zstd(archive);
	}
	if (r == ARCHIVE_OK)
		r = archive_write_set_bytes_per_block(archive, PIECE);
	/* No padding behind the end: zstd would call it garbage. */
	if (r == ARCHIVE_OK)
		r = archive_write_set_bytes_in_last_block(archive, 1);
	if (r == ARCHIVE_OK)
		r = archive_write_open(archive, writer, NULL, take_bytes, NULL);
	return r == ARCHIVE_OK ? 0 : fail(writer);
}

int hd_tar_writer_new(struct hd_base_set *bases, int fd, enum hd_archive_compression compression,
	struct hd_tar_writer **ret_writer)
{
	struct hd_tar_writer *writer = calloc(1, sizeof(*writer));
	int r;

	if (!writer)
		return -ENOMEM;
	writer->bases = bases;
	writer->fd = fd;
	writer->piece = malloc(PIECE);
	writer->archive = archive_write_new();
	writer->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	/* Without that locale names that are not ASCII are marked as binary, which is as exact. */
	if (writer->locale)
		writer->before = uselocale(writer->locale);
	r = writer->piece && writer->archive ? set_format(writer, compression) : -ENOMEM;
	if (r < 0) {
		hd_tar_writer_free(writer);
		return r;
	}
	*ret_writer = writer;
	return 0;
}

void hd_tar_writer_repeat_lists(struct hd_tar_writer *writer)
{
	writer->repeats_lists = true;
}

void hd_tar_writer_free(struct hd_tar_writer *writer)
{
	if (!writer)
		return;
	if (writer->archive) {
		/* Nothing more is written by what was not finished. */
		(void)archive_write_fail(writer->archive);
		(void)archive_write_free(writer->archive);
	}
	if (writer->locale) {
		(void)uselocale(writer->before);
		freelocale(writer->locale);
	}
	free(writer->piece);
	free(writer);
}

int hd_tar_writer_finish(struct hd_tar_writer *writer, uint64_t *ret_size)
{
	if (archive_write_close(writer->archive) != ARCHIVE_OK)
		return fail(writer);
	*ret_size = writer->size;
	return 0;
}

/* ---- what an entry says ---- */

/* An ACL that its text cannot give back exactly is written as the attribute that it is, too. */
static int set_attribute(const struct hd_tar_writer *writer, struct archive_entry *entry, const char *name,
	const void *value, size_t size)
{
	bool exact = false;
	int r = 0;

	if (strcmp(name, HD_ACL_ACCESS) == 0)
		r = hd_archive_acl_put(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, value, size, &exact);
	else if (strcmp(name, HD_ACL_DEFAULT) == 0)
		r = hd_archive_acl_put(entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, value, size, &exact);
	if (r == -ENOMEM)
		return r;
	if (r < 0 || !exact || writer->repeats_lists)
		archive_entry_xattr_add_entry(entry, name, value, size);
	return 0;
}

static int set_attributes(
	const struct hd_tar_writer *writer, struct archive_entry *entry, const struct hd_snapshot_node *node)
{
	struct hd_extended_attribute attribute;
	struct hd_reader reader;
	char name[XATTR_NAME_MAX + 1];
	int r = 0;

	hd_reader_init(&reader, node->xattrs, node->xattrs_size);
	while (r == 0 && hd_attribute_next(&reader, &attribute)) {
		memcpy(name, attribute.name, attribute.name_length);
		name[attribute.name_length] = '\0';
		r = set_attribute(writer, entry, name, attribute.value, attribute.size);
	}
	return r == 0 && hd_reader_failed(&reader) ? -HD_E_ATTRIBUTES_CORRUPT : r;
}

/*
 * In an archive a time is a decimal number, which goes up to the next second from below before 1970; libarchive writes
 * the two numbers that it is given. It has no zero with a sign: in the last second before 1970 a fraction is left out.
 */
static struct timespec decimal_time(struct timespec time)
{
	if (time.tv_sec >= 0 || time.tv_nsec == 0)
		return time;
	if (time.tv_sec == -1)
		return (struct timespec){.tv_sec = -1};
	return (struct timespec){.tv_sec = time.tv_sec + 1, .tv_nsec = 1000000000 - time.tv_nsec};
}

static int set_status(
	const struct hd_tar_writer *writer, struct archive_entry *entry, const struct hd_snapshot_node *node)
{
	const struct hd_attributes *attributes = &node->attributes;
	struct timespec modify = decimal_time(attributes->modify_time),
			access = decimal_time(attributes->access_time),
			change = decimal_time(attributes->change_time),
			birth = decimal_time(attributes->birth_time);

	archive_entry_set_mode(entry, attributes->mode);
	archive_entry_set_uid(entry, attributes->uid);
	archive_entry_set_gid(entry, attributes->gid);
	archive_entry_set_mtime(entry, modify.tv_sec, modify.tv_nsec);
	archive_entry_set_atime(entry, access.tv_sec, access.tv_nsec);
	archive_entry_set_ctime(entry, change.tv_sec, change.tv_nsec);
	/* Only libarchive knows of it, and GNU tar remarks on it for each file. */
	if (!hd_clock_is_same(&birth, &modify))
		archive_entry_set_birthtime(entry, birth.tv_sec, birth.tv_nsec);
	if (S_ISCHR(attributes->mode) || S_ISBLK(attributes->mode))
		archive_entry_set_rdev(entry, attributes->device);
	return set_attributes(writer, entry, node);
}

/* The extents with data, if there is a hole between, before or behind them. */
static int set_extents(
	struct hd_tar_writer *writer, struct archive_entry *entry, const struct hd_snapshot_node *node)
{
	uint64_t size = node->attributes.size, at = 0;
	int r = 0;

	while (r >= 0 && at < size) {
		uint64_t data = size, hole = size;

		r = hd_base_set_seek(writer->bases, &node->content, at, true, &data);
		if (r >= 0 && data < size)
			r = hd_base_set_seek(writer->bases, &node->content, data, false, &hole);
		if (r < 0)
			return r;
		data = data < size ? data : size;
		hole = hole < size ? hole : size;
		if (data == 0 && hole == size)
			return 0;
		archive_entry_sparse_add_entry(entry, (la_int64_t)data, (la_int64_t)(hole - data));
		at = data < size ? hole : size;
		r = hd_work_advance(0);
	}
	return r;
}

static int set_link(
	struct hd_tar_writer *writer, struct archive_entry *entry, const struct hd_snapshot_node *node)
{
	HD_AUTO_FREE char *target = NULL;
	size_t size = (size_t)node->attributes.size, got = 0;
	int r;

	/* A link's target is no longer than a path. */
	if (node->attributes.size > UINT16_MAX)
		return hd_fail(EINVAL, "a symbolic link of %zu bytes", size);
	target = calloc(1, size + 1);
	if (!target)
		return -ENOMEM;
	r = hd_base_set_read(writer->bases, &node->content, target, size, 0, &got);
	if (r < 0)
		return r;
	archive_entry_copy_symlink(entry, target);
	return 0;
}

/* ---- bytes ---- */

static int put_piece(struct hd_tar_writer *writer, const void *bytes, size_t size)
{
	if (archive_write_data(writer->archive, bytes, size) != (la_ssize_t)size)
		return fail(writer);
	return hd_work_advance(0);
}

static int put_zeros(struct hd_tar_writer *writer, uint64_t size)
{
	int r = 0;

	while (r == 0 && size > 0) {
		size_t part = size < PIECE ? (size_t)size : PIECE;

		r = put_piece(writer, zeros, part);
		size -= part;
	}
	return r;
}

static int put_data(struct hd_tar_writer *writer, const struct hd_content *content, uint64_t at, uint64_t end)
{
	while (at < end) {
		size_t want = end - at < PIECE ? (size_t)(end - at) : PIECE, got = 0;
		int r = hd_base_set_read(writer->bases, content, writer->piece, want, at, &got);

		if (r >= 0 && got == 0)
			r = hd_fail(EIO, "the content ends at byte %llu of %llu", (unsigned long long)at,
				(unsigned long long)end);
		if (r >= 0)
			r = put_piece(writer, writer->piece, got);
		if (r < 0)
			return r;
		at += got;
	}
	return 0;
}

/* libarchive wants all bytes of a sparse file, in order, and leaves those between the extents out. */
static int put_content(
	struct hd_tar_writer *writer, struct archive_entry *entry, const struct hd_snapshot_node *node)
{
	uint64_t size = node->attributes.size, at = 0;
	la_int64_t offset, length;
	int r = 0;

	if (archive_entry_sparse_reset(entry) == 0)
		return put_data(writer, &node->content, 0, size);
	while (r == 0 && archive_entry_sparse_next(entry, &offset, &length) == ARCHIVE_OK) {
		r = put_zeros(writer, (uint64_t)offset - at);
		at = (uint64_t)offset + (uint64_t)length;
		if (r == 0)
			r = put_data(writer, &node->content, (uint64_t)offset, at);
	}
	return r == 0 ? put_zeros(writer, size - at) : r;
}

static int put_header(struct hd_tar_writer *writer, struct archive_entry *entry)
{
	int r = archive_write_header(writer->archive, entry);

	if (r < ARCHIVE_WARN || writer->failure < 0)
		return fail(writer);
	/* A warning is that something was not written as it is, or that a name is not UTF-8, which is written as it is. */
	if (r == ARCHIVE_WARN &&
		strncmp(archive_error_string(writer->archive), NOT_UTF8, strlen(NOT_UTF8)) != 0)
		return hd_fail(EINVAL, "%s", archive_error_string(writer->archive));
	return 0;
}

static int fill_entry(struct hd_tar_writer *writer, struct archive_entry *entry, const char *path,
	const struct hd_snapshot_node *node, const char *link_to)
{
	uint32_t mode = node->attributes.mode;
	int r;

	archive_entry_copy_pathname(entry, path);
	r = set_status(writer, entry, node);
	if (r < 0)
		return r;
	if (link_to) {
		archive_entry_copy_hardlink(entry, link_to);
		archive_entry_set_size(entry, 0);
		return 0;
	}
	archive_entry_set_size(entry, S_ISREG(mode) ? (la_int64_t)node->attributes.size : 0);
	if (S_ISREG(mode) && node->attributes.size > 0)
		r = set_extents(writer, entry, node);
	else if (S_ISLNK(mode))
		r = set_link(writer, entry, node);
	return r;
}

int hd_tar_writer_put(struct hd_tar_writer *writer, const char *path, const struct hd_snapshot_node *node,
	const char *link_to)
{
	struct archive_entry *entry;
	int r;

	if (S_ISSOCK(node->attributes.mode))
		return -EOPNOTSUPP;
	entry = archive_entry_new();
	if (!entry)
		return -ENOMEM;
	r = fill_entry(writer, entry, path, node, link_to);
	if (r >= 0)
		r = put_header(writer, entry);
	if (r >= 0 && !link_to && S_ISREG(node->attributes.mode) && node->attributes.size > 0)
		r = put_content(writer, entry, node);
	archive_entry_free(entry);
	return r;
}

int hd_tar_writer_put_mark(struct hd_tar_writer *writer, const char *path)
{
	static const struct hd_snapshot_node mark = {.attributes = {.mode = S_IFREG | 0644}};

	return hd_tar_writer_put(writer, path, &mark, NULL);
}
