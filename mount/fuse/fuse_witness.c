/* SPDX-License-Identifier: Apache-2.0 */

/*
 * It reads the message once more, in one place, instead of having every handler say what it did: which requests change
 * content, modes or names is a property of the protocol; but for a change of owner that takes set-user-id bits away. Times,
 * owners and other extended attributes alone make no state, and are not noted.
 */

#include "mount/fuse/fuse_witness.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>

#include "mount/fuse/requests/fuse_request.h"
#include "overlay/access/access_control_list.h"
#include "overlay/platform/cleanup.h"

struct request {
	struct hd_witness *witness;
	const struct fuse_in_header *header;
	const char *body; /* what follows the header */
	size_t size;
	bool long_setxattr;
	pid_t pid;
};

static void note_inode(const struct request *request, uint64_t ino)
{
	hd_witness_note(request->witness, ino, NULL, 0, request->pid);
}

/* The name that begins at OFFSET of the body, under PARENT; where the next one begins, or the body's end. */
static size_t note_name(const struct request *request, size_t offset, uint64_t parent)
{
	size_t length;

	if (offset >= request->size)
		return request->size;
	length = strnlen(request->body + offset, request->size - offset);
	hd_witness_note(request->witness, parent, request->body + offset, length, request->pid);
	return offset + length + 1;
}

static uint64_t field64(const struct request *request, size_t offset)
{
	uint64_t value = 0;

	if (offset + sizeof(value) <= request->size)
		memcpy(&value, request->body + offset, sizeof(value));
	return value;
}

static uint32_t field32(const struct request *request, size_t offset)
{
	uint32_t value = 0;

	if (offset + sizeof(value) <= request->size)
		memcpy(&value, request->body + offset, sizeof(value));
	return value;
}

static void note_names(const struct request *request, size_t offset, uint64_t new_parent)
{
	note_name(request, note_name(request, offset, request->header->nodeid), new_parent);
}

/* A list of who may do what sets the mode, too. */
static void note_attribute(const struct request *request, size_t offset)
{
	if (offset < request->size &&
		strncmp(request->body + offset, HD_ACL_ACCESS, request->size - offset) == 0)
		note_inode(request, request->header->nodeid);
}

static void note_open(const struct request *request)
{
	uint32_t flags = field32(request, offsetof(struct fuse_open_in, flags));

	if (flags & O_TRUNC)
		note_inode(request, request->header->nodeid);
	else if ((flags & O_ACCMODE) != O_RDONLY)
		hd_witness_note_opened(request->witness, request->header->nodeid, request->pid);
}

static void note_release(const struct request *request)
{
	if ((field32(request, offsetof(struct fuse_release_in, flags)) & O_ACCMODE) != O_RDONLY)
		hd_witness_note_released(request->witness, request->header->nodeid);
}

static void note(const struct request *request)
{
	uint64_t ino = request->header->nodeid;

	switch (request->header->opcode) {
	case FUSE_WRITE:
	case FUSE_FALLOCATE:
		note_inode(request, ino);
		break;
	case FUSE_SETATTR:
		if (field32(request, offsetof(struct fuse_setattr_in, valid)) & (FATTR_MODE | FATTR_SIZE))
			note_inode(request, ino);
		break;
	case FUSE_SETXATTR:
		note_attribute(request, request->long_setxattr ? sizeof(struct fuse_setxattr_in)
							       : FUSE_COMPAT_SETXATTR_IN_SIZE);
		break;
	case FUSE_REMOVEXATTR:
		note_attribute(request, 0);
		break;
	case FUSE_COPY_FILE_RANGE:
		note_inode(request, field64(request, offsetof(struct fuse_copy_file_range_in, nodeid_out)));
		break;
	case FUSE_OPEN:
		note_open(request);
		break;
	case FUSE_RELEASE:
		note_release(request);
		break;
	case FUSE_CREATE:
		note_name(request, sizeof(struct fuse_create_in), ino);
		break;
	case FUSE_MKNOD:
		note_name(request, sizeof(struct fuse_mknod_in), ino);
		break;
	case FUSE_MKDIR:
		note_name(request, sizeof(struct fuse_mkdir_in), ino);
		break;
	case FUSE_LINK:
		note_name(request, sizeof(struct fuse_link_in), ino);
		break;
	case FUSE_SYMLINK:
	case FUSE_UNLINK:
	case FUSE_RMDIR:
		note_name(request, 0, ino);
		break;
	case FUSE_RENAME:
		note_names(request, sizeof(struct fuse_rename_in), field64(request, 0));
		break;
	case FUSE_RENAME2:
		note_names(request, sizeof(struct fuse_rename2_in), field64(request, 0));
		break;
	default:
		break;
	}
}

/*
 * Who asks. The kernel has number 0 for itself, when it writes what its cache has; and for processes that its namespace for the
 * mount does not show.
 */
static pid_t asker(const struct fuse_in_header *header)
{
	const char *body = (const char *)(header + 1);
	struct request request = {.body = body, .size = header->len - sizeof(*header)};

	if (header->pid != 0)
		return (pid_t)header->pid;
	if (header->opcode == FUSE_WRITE &&
		(field32(&request, offsetof(struct fuse_write_in, write_flags)) & FUSE_WRITE_CACHE))
		return 0;
	return HD_WITNESS_OUTSIDE;
}

void hd_fuse_witness_begin(const struct hd_fuse_thread *thread)
{
	const struct fuse_in_header *header = thread->message;

	if (thread->session->witness && header->pid != 0)
		hd_witness_see(thread->session->witness, (pid_t)header->pid);
}

void hd_fuse_witness_done(int r)
{
	const struct hd_fuse_thread *thread = hd_fuse_thread_current;
	const struct fuse_in_header *header = thread ? thread->message : NULL;

	if (r < 0 || !thread || !thread->session->witness)
		return;
	note(&(struct request){.witness = thread->session->witness,
		.header = header,
		.body = (const char *)(header + 1),
		.size = header->len - sizeof(*header),
		.long_setxattr = thread->session->long_setxattr,
		.pid = asker(header)});
}

void hd_fuse_witness_mode(hd_ino ino)
{
	const struct hd_fuse_thread *thread = hd_fuse_thread_current;
	const struct fuse_in_header *header = thread ? thread->message : NULL;

	if (thread && thread->session->witness)
		hd_witness_note(thread->session->witness, ino, NULL, 0, asker(header));
}
