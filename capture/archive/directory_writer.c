/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/archive/directory_writer.h"

#include <errno.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/access/access_control_list.h"
#include "overlay/access/attribute_string.h"
#include "overlay/platform/array.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/beneath.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/files/entry_make.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/threads/work.h"

/*
 * One directory is open besides the root, that of the last name: trees are deeper than a process may have descriptors.
 *
 * The order of what a file gets is the kernel's: a new owner takes set-user-id bits and capabilities away, new permissions
 * change an ACL, whatever is set is a change, and times come last. A directory gets all of it when it is complete: until
 * then it can be written, has no default ACL that its entries would inherit, and its times move.
 */

#define PIECE (1u << 20)
#define SHARED (64u << 20) /* what the kernel copies at once */
#define BLOCK 4096u        /* what is smaller has no holes */

struct hd_directory_writer {
	struct hd_base_set *bases; /* borrowed */
	int root_fd;               /* borrowed */
	int directory_fd;          /* owned, or -1 */
	char *directory;           /* owned: the path of directory_fd */
	char *piece;               /* owned, PIECE bytes */
	struct closed *closed;     /* owned array */
	size_t n_closed, closed_capacity;
	struct hd_directory_writer_result result;
};

/* A directory in which its own owner may not search: hard links into it, and the ones below it, come first. */
struct closed {
	char *path; /* owned */
	uint32_t mode;
};

/* What attributes are set of: a name in a directory, or "" in a descriptor of its own. */
struct target {
	int fd; /* borrowed */
	const char *name;
};

int hd_directory_writer_new(struct hd_base_set *bases, int root_fd, struct hd_directory_writer **ret_writer)
{
	struct hd_directory_writer *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return -ENOMEM;
	*writer = (struct hd_directory_writer){
		.bases = bases, .root_fd = root_fd, .directory_fd = -1, .piece = malloc(PIECE)};
	if (!writer->piece) {
		hd_directory_writer_free(writer);
		return -ENOMEM;
	}
	*ret_writer = writer;
	return 0;
}

void hd_directory_writer_free(struct hd_directory_writer *writer)
{
	if (!writer)
		return;
	hd_cleanup_close(&writer->directory_fd);
	for (size_t i = 0; i < writer->n_closed; i++)
		free(writer->closed[i].path);
	free(writer->closed);
	free(writer->directory);
	free(writer->piece);
	free(writer);
}

void hd_directory_writer_result(
	const struct hd_directory_writer *writer, struct hd_directory_writer_result *ret_result)
{
	*ret_result = writer->result;
}

/* ---- places ---- */

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int open_directory_of(const struct hd_directory_writer *writer, const char *path, size_t length)
{
	HD_AUTO_FREE char *directory = strndup(path, length);

	return directory ? hd_beneath_open(writer->root_fd, directory, O_RDONLY | O_DIRECTORY) : -ENOMEM;
}

/* The directory that PATH lies in becomes writer->directory_fd. */
static int enter_directory_of(struct hd_directory_writer *writer, const char *path)
{
	size_t length = (size_t)(last_name(path) - path);
	char *directory;
	int fd;

	length -= length > 0;
	if (writer->directory && strlen(writer->directory) == length &&
		memcmp(writer->directory, path, length) == 0)
		return 0;
	fd = open_directory_of(writer, path, length);
	if (fd < 0)
		return fd;
	directory = strndup(path, length);
	if (!directory) {
		hd_descriptor_close(&fd);
		return -ENOMEM;
	}
	hd_cleanup_close(&writer->directory_fd);
	free(writer->directory);
	writer->directory_fd = fd;
	writer->directory = directory;
	return 0;
}

/* ---- what a file has besides bytes ---- */

static bool is_refused(int r)
{
	/* EINVAL: of ids that a user namespace has not. */
	return r == -EPERM || r == -EACCES || r == -EOPNOTSUPP || r == -EINVAL;
}

/* Sets the owner as far as this process may; *MODE loses the bits that would make somebody else's programs ours. */
static int set_owner(struct hd_directory_writer *writer, const struct target *target,
	const struct hd_attributes *attributes, uint32_t *mode)
{
	struct stat status;
	int r = hd_entry_set_owner(target->fd, target->name, attributes->uid, attributes->gid);

	if (!is_refused(r))
		return r;
	r = hd_entry_set_owner(target->fd, target->name, (uid_t)-1, attributes->gid);
	if (r == 0 || is_refused(r))
		r = *target->name ? hd_file_stat_at(target->fd, target->name, &status)
				  : hd_file_stat(target->fd, &status);
	if (r < 0)
		return r;
	writer->result.owners++;
	if (status.st_uid != attributes->uid)
		*mode &= ~(uint32_t)S_ISUID;
	if (status.st_gid != attributes->gid && !S_ISDIR(*mode))
		*mode &= ~(uint32_t)S_ISGID;
	return 0;
}

static int set_attribute(struct hd_directory_writer *writer, const struct target *target,
	const struct hd_extended_attribute *attribute)
{
	char name[XATTR_NAME_MAX + 1];
	int r;

	memcpy(name, attribute->name, attribute->name_length);
	name[attribute->name_length] = '\0';
	r = hd_entry_set_xattr(target->fd, target->name, name, attribute->value, attribute->size);
	if (is_refused(r) || r == -E2BIG) {
		writer->result.attributes++;
		return 0;
	}
	return r < 0 ? hd_fail_in(r, "extended attribute '%s'", name) : 0;
}

/* The access list, which follows the permissions, or all others. */
static int set_attributes(struct hd_directory_writer *writer, const struct target *target,
	const struct hd_snapshot_node *node, bool lists)
{
	struct hd_extended_attribute attribute;
	struct hd_reader reader;
	int r = 0;

	hd_reader_init(&reader, node->xattrs, node->xattrs_size);
	while (r == 0 && hd_attribute_next(&reader, &attribute)) {
		if (hd_attribute_is_named(&attribute, HD_ACL_ACCESS) == lists)
			r = set_attribute(writer, target, &attribute);
	}
	return r == 0 && hd_reader_failed(&reader) ? -HD_E_ATTRIBUTES_CORRUPT : r;
}

static int set_status(
	struct hd_directory_writer *writer, const struct target *target, const struct hd_snapshot_node *node)
{
	const struct hd_attributes *attributes = &node->attributes;
	uint32_t mode = attributes->mode;
	int r = set_owner(writer, target, attributes, &mode);

	if (r == 0)
		r = set_attributes(writer, target, node, false);
	if (r == 0 && !S_ISLNK(mode))
		r = hd_entry_set_mode(target->fd, target->name, mode & 07777);
	if (r == 0)
		r = set_attributes(writer, target, node, true);
	if (r == 0)
		r = hd_entry_set_times(
			target->fd, target->name, &attributes->access_time, &attributes->modify_time);
	return r;
}

/* ---- bytes ---- */

/* A file of a directory base is the kernel's to copy; all else is read, which verifies it. */
static int copy_piece(struct hd_directory_writer *writer, const struct hd_content *content, int fd,
	uint64_t at, uint64_t end, size_t *ret_size)
{
	size_t most = content->kind == HD_CONTENT_HOST ? SHARED : PIECE;
	size_t size = end - at < most ? (size_t)(end - at) : most;
	int r = hd_base_set_copy(writer->bases, content, fd, at, size, ret_size);

	if (r != -EOPNOTSUPP)
		return r;
	size = size < PIECE ? size : PIECE;
	r = hd_base_set_read(writer->bases, content, writer->piece, size, at, ret_size);
	return r < 0 ? r : hd_file_write_at(fd, writer->piece, *ret_size, at);
}

static int copy_extent(struct hd_directory_writer *writer, const struct hd_content *content, int fd,
	uint64_t at, uint64_t end)
{
	int r = 0;

	while (r >= 0 && at < end) {
		size_t got = 0;

		r = copy_piece(writer, content, fd, at, end, &got);
		if (r >= 0 && got == 0)
			r = hd_fail(EIO, "the content ends at byte %llu of %llu", (unsigned long long)at,
				(unsigned long long)end);
		at += got;
		writer->result.bytes += got;
		if (r >= 0)
			r = hd_work_advance(0);
	}
	return r;
}

/* What is a hole in the content is one in the file: it is only made as long as it is to be. */
static int copy_content(struct hd_directory_writer *writer, const struct hd_snapshot_node *node, int fd)
{
	uint64_t size = node->attributes.size, at = 0;
	int r;

	if (size < BLOCK)
		return copy_extent(writer, &node->content, fd, 0, size);
	r = hd_file_truncate(fd, size);
	while (r >= 0 && at < size) {
		uint64_t data = size, hole = size;

		r = hd_base_set_seek(writer->bases, &node->content, at, true, &data);
		if (r >= 0 && data < size)
			r = hd_base_set_seek(writer->bases, &node->content, data, false, &hole);
		data = data < size ? data : size;
		hole = data < size && hole < size ? hole : size;
		if (r >= 0)
			r = copy_extent(writer, &node->content, fd, data, hole);
		at = hole;
	}
	return r;
}

/* ---- names ---- */

static int put_regular(
	struct hd_directory_writer *writer, const char *name, const struct hd_snapshot_node *node)
{
	HD_AUTO_CLOSE int fd =
		hd_file_open(writer->directory_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	struct target target = {.fd = fd, .name = ""};
	int r = fd < 0 ? fd : 0;

	if (r >= 0 && node->attributes.size > 0)
		r = copy_content(writer, node, fd);
	return r < 0 ? r : set_status(writer, &target, node);
}

static int put_symlink(
	struct hd_directory_writer *writer, const char *name, const struct hd_snapshot_node *node)
{
	char text[PATH_MAX];
	size_t size = 0;
	int r;

	if (node->attributes.size >= sizeof(text))
		return hd_fail(
			EINVAL, "a symbolic link of %llu bytes", (unsigned long long)node->attributes.size);
	r = hd_base_set_read(writer->bases, &node->content, text, (size_t)node->attributes.size, 0, &size);
	if (r < 0)
		return r;
	text[size] = '\0';
	return hd_entry_make_symlink(writer->directory_fd, name, text);
}

/* 1: left out, which only devices are. */
static int put_node(struct hd_directory_writer *writer, const char *name, const struct hd_snapshot_node *node)
{
	uint32_t mode = node->attributes.mode;
	bool is_device = S_ISCHR(mode) || S_ISBLK(mode);
	int r = hd_entry_make_node(
		writer->directory_fd, name, (mode & S_IFMT) | 0600, is_device ? node->attributes.device : 0);

	if (!is_device || r != -EPERM)
		return r;
	writer->result.devices++;
	return 1;
}

/* The other name may be in a directory that has its own attributes by now. 1: it was left out. */
static int put_link(struct hd_directory_writer *writer, const char *name, const struct hd_snapshot_node *node,
	const char *link_to)
{
	const char *other = last_name(link_to);
	size_t length = (size_t)(other - link_to);
	HD_AUTO_CLOSE int fd = open_directory_of(writer, link_to, length - (length > 0));
	int r = fd < 0 ? fd : hd_entry_make_link(fd, other, writer->directory_fd, name);

	if (r != -ENOENT || !(S_ISCHR(node->attributes.mode) || S_ISBLK(node->attributes.mode)))
		return r;
	writer->result.devices++;
	return 1;
}

static int put_name(struct hd_directory_writer *writer, const char *name, const struct hd_snapshot_node *node)
{
	struct target target = {.fd = writer->directory_fd, .name = name};
	int r;

	switch (node->attributes.mode & S_IFMT) {
	case S_IFDIR:
		return hd_directory_make_new(writer->directory_fd, name, 0700);
	case S_IFREG:
		return put_regular(writer, name, node);
	case S_IFLNK:
		r = put_symlink(writer, name, node);
		break;
	default:
		r = put_node(writer, name, node);
		break;
	}
	return r == 0 ? set_status(writer, &target, node) : r;
}

int hd_directory_writer_put(struct hd_directory_writer *writer, const char *path,
	const struct hd_snapshot_node *node, const char *link_to)
{
	int r;

	if (strcmp(path, ".") == 0)
		return 0;
	r = enter_directory_of(writer, path);
	if (r >= 0)
		r = link_to ? put_link(writer, last_name(path), node, link_to)
			    : put_name(writer, last_name(path), node);
	writer->result.entries += r == 0;
	return r < 0 ? r : 0;
}

static int close_later(struct hd_directory_writer *writer, const char *path, uint32_t mode)
{
	struct closed *closed;

	if (HD_ARRAY_RESERVE(writer->closed, writer->n_closed, writer->closed_capacity) < 0)
		return -ENOMEM;
	closed = &writer->closed[writer->n_closed];
	*closed = (struct closed){.path = strdup(path), .mode = mode};
	writer->n_closed += closed->path != NULL;
	return closed->path ? 0 : -ENOMEM;
}

static int open_made(const struct hd_directory_writer *writer, const char *path)
{
	return hd_beneath_open(writer->root_fd, strcmp(path, ".") == 0 ? "" : path, O_RDONLY | O_DIRECTORY);
}

int hd_directory_writer_leave(
	struct hd_directory_writer *writer, const char *path, const struct hd_snapshot_node *node)
{
	HD_AUTO_CLOSE int fd = open_made(writer, path);
	struct target target = {.fd = fd, .name = ""};
	struct hd_snapshot_node open = *node;
	uint32_t mode = node->attributes.mode;
	int r = fd < 0 ? fd : 0;

	if (r == 0 && (mode & 0500) != 0500)
		r = close_later(writer, path, mode);
	open.attributes.mode |= 0500;
	return r < 0 ? r : set_status(writer, &target, &open);
}

int hd_directory_writer_finish(struct hd_directory_writer *writer)
{
	int r = 0;

	for (size_t i = 0; i < writer->n_closed && r == 0; i++) {
		const struct closed *closed = &writer->closed[i];
		HD_AUTO_CLOSE int fd = open_made(writer, closed->path);

		r = fd < 0 ? fd : hd_entry_set_mode(fd, "", closed->mode & 07777);
		if (r < 0)
			r = hd_fail_in(r, "'%s'", closed->path);
	}
	return r;
}
