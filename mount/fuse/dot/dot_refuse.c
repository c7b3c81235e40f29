/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "mount/fuse/dot/dot_directory.h"

/*
 * Which requests a read-only tree refuses, and the name of the dot directory in the root. Both are decided from the
 * message, before a handler sees it, so that no handler can forget it.
 *
 * A request's names stand behind its body, one behind the other.
 */

/* SIZE bytes behind the header, or NULL. */
static const void *body_of(const struct fuse_in_header *header, size_t size)
{
	return header->len >= sizeof(*header) + size ? header + 1 : NULL;
}

static uint64_t number_at(const struct fuse_in_header *header, size_t offset)
{
	const char *body = body_of(header, offset + sizeof(uint64_t));
	uint64_t number = 0;

	if (body)
		memcpy(&number, body + offset, sizeof(number));
	return number;
}

static bool is_apart(uint64_t ino)
{
	return ino & HD_STATE_INO;
}

/* The name behind a body of SIZE bytes; "" if the message is not what it should be. */
static const char *name_behind(const struct fuse_in_header *header, size_t size)
{
	const char *body = body_of(header, size + 1);

	return body && memchr(body + size, '\0', header->len - sizeof(*header) - size) ? body + size : "";
}

/* How the directory that a request makes or removes a name in, and the name, are found. */
enum what { NOTHING, CHANGES_NODE, MAKES_NAME, REMOVES_NAME };

static enum what what_it_does(uint32_t opcode, size_t *ret_body)
{
	*ret_body = 0;
	switch (opcode) {
	case FUSE_SETATTR:
	case FUSE_WRITE:
	case FUSE_SETXATTR:
	case FUSE_REMOVEXATTR:
	case FUSE_FALLOCATE:
	case FUSE_TMPFILE:
		return CHANGES_NODE;
	case FUSE_SYMLINK:
		return MAKES_NAME;
	case FUSE_MKNOD:
		*ret_body = sizeof(struct fuse_mknod_in);
		return MAKES_NAME;
	case FUSE_MKDIR:
		*ret_body = sizeof(struct fuse_mkdir_in);
		return MAKES_NAME;
	case FUSE_CREATE:
		*ret_body = sizeof(struct fuse_create_in);
		return MAKES_NAME;
	case FUSE_LINK:
		*ret_body = sizeof(struct fuse_link_in);
		return MAKES_NAME;
	case FUSE_UNLINK:
	case FUSE_RMDIR:
		return REMOVES_NAME;
	default:
		return NOTHING;
	}
}

/* Whether NAME in PARENT is that of the dot directory and shows it: nothing real is there. */
static bool is_shown(struct hd_dot_directory *dot, uint64_t parent, const char *name)
{
	return hd_dot_is_name(dot, parent, name) && !hd_dot_is_covered(dot, name);
}

static int refuse_rename(struct hd_dot_directory *dot, const struct fuse_in_header *header, size_t size)
{
	uint64_t new_parent = number_at(header, 0); /* the first field of both bodies */
	const char *name = name_behind(header, size);
	const char *new_name = name_behind(header, size + strlen(name) + 1);

	if (is_apart(header->nodeid) || is_apart(new_parent))
		return is_apart(header->nodeid) && is_apart(new_parent) ? -EROFS : -EXDEV;
	return is_shown(dot, header->nodeid, name) || is_shown(dot, new_parent, new_name) ? -EBUSY : 0;
}

/* The kernel copies by reading and writing where it is told that it cannot be done here. */
static int refuse_copy(const struct fuse_in_header *header)
{
	uint64_t to = number_at(header, offsetof(struct fuse_copy_file_range_in, nodeid_out));

	if (is_apart(to))
		return -EROFS;
	return is_apart(header->nodeid) ? -EXDEV : 0;
}

int hd_dot_refuse(struct hd_dot_directory *dot, const struct fuse_in_header *header)
{
	size_t body;
	enum what what;

	if (header->opcode == FUSE_RENAME)
		return refuse_rename(dot, header, sizeof(struct fuse_rename_in));
	if (header->opcode == FUSE_RENAME2)
		return refuse_rename(dot, header, sizeof(struct fuse_rename2_in));
	if (header->opcode == FUSE_COPY_FILE_RANGE)
		return refuse_copy(header);
	what = what_it_does(header->opcode, &body);
	if (what == NOTHING)
		return 0;
	if (is_apart(header->nodeid))
		return -EROFS;
	if (header->opcode == FUSE_LINK && is_apart(number_at(header, 0)))
		return -EXDEV;
	if (what == CHANGES_NODE || !is_shown(dot, header->nodeid, name_behind(header, body)))
		return 0;
	return what == MAKES_NAME ? -EEXIST : -EBUSY;
}
