/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/eject/eject_objects.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "capture/git/alternates.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/files/file_copy.h"
#include "overlay/platform/threads/work.h"

#define PIECE (8u << 20)
#define PASSES 16

/* In the order in which they make sense: a pack without an index is nothing to git. */
static const char *const pack_parts[] = {".pack", ".rev", ".bitmap", ".promisor", ".mtimes", ".idx"};

struct copying {
	int from_fd, to_fd; /* owned: the directory of objects, or one in it */
	const char *part;   /* what names of packs end in; NULL: loose objects */
	bool vanished;      /* something was listed and not there any more */
};

static int copy_bytes(int from_fd, int to_fd)
{
	uint64_t offset = 0;
	size_t size = 1;
	int r = 0;

	while (r >= 0 && size > 0) {
		r = hd_file_copy_piece(from_fd, to_fd, offset, PIECE, &size);
		offset += size;
		if (r >= 0)
			r = hd_work_advance(0);
	}
	return r;
}

int hd_eject_file_copy(int from_fd, const char *from, int to_fd, const char *to, unsigned mode)
{
	HD_AUTO_CLOSE int source = hd_file_open(from_fd, from, O_RDONLY, 0);
	struct hd_atomic_file file;
	int r;

	if (source == -ENOENT)
		return 0;
	r = source < 0 ? source : hd_file_atomic_begin(to_fd, mode, &file);
	if (r < 0)
		return r;
	r = copy_bytes(source, file.fd);
	if (r < 0) {
		hd_file_atomic_abort(&file);
		return r;
	}
	return hd_file_atomic_commit(&file, to, true, false);
}

/* NAME from one directory to the other. */
static int copy_object(struct copying *copying, const char *name)
{
	HD_AUTO_CLOSE int from = -1, to = -1;
	int r;

	from = hd_file_open(copying->from_fd, name, O_RDONLY, 0);
	if (from == -ENOENT) {
		copying->vanished = true;
		return 0;
	}
	to = from < 0 ? from
		      : hd_file_open(copying->to_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0444);
	if (to == -EEXIST)
		return 0;
	r = to < 0 ? to : copy_bytes(from, to);
	if (r >= 0)
		r = hd_work_advance(1);
	return r < 0 && r != -HD_E_INTERRUPTED ? hd_fail_in(r, "'%s'", name) : r;
}

static bool is_hex(const char *name, size_t length)
{
	return strlen(name) == length && strspn(name, "0123456789abcdef") == length;
}

static bool ends_in(const char *name, const char *end)
{
	size_t length = strlen(name), end_length = strlen(end);

	return length > end_length && strcmp(name + length - end_length, end) == 0;
}

static int take_file(const char *name, unsigned char type, void *payload)
{
	struct copying *copying = payload;

	(void)type;
	if (copying->part ? strncmp(name, "pack-", 5) != 0 || !ends_in(name, copying->part)
			  : !is_hex(name, 38) && !is_hex(name, 62))
		return 0;
	return copy_object(copying, name);
}

/* The files of the directory NAME, which PART chooses. */
static int copy_directory(struct copying *above, const char *name, const char *part)
{
	struct copying copying = {.part = part};
	int r;

	copying.from_fd = hd_directory_open(above->from_fd, name);
	if (copying.from_fd < 0)
		return copying.from_fd == -ENOENT || copying.from_fd == -ENOTDIR ? 0 : copying.from_fd;
	r = hd_directory_make(above->to_fd, name, 0777);
	copying.to_fd = r < 0 ? r : hd_directory_open(above->to_fd, name);
	if (copying.to_fd < 0)
		r = copying.to_fd;
	if (r >= 0)
		r = hd_directory_list(copying.from_fd, ".", take_file, &copying);
	above->vanished = above->vanished || copying.vanished;
	hd_cleanup_close(&copying.from_fd);
	hd_cleanup_close(&copying.to_fd);
	return r;
}

static int take_loose(const char *name, unsigned char type, void *payload)
{
	(void)type;
	return is_hex(name, 2) ? copy_directory(payload, name, NULL) : 0;
}

/* Loose objects first: what is packed meanwhile is in a pack that is listed later. */
static int copy_pass(struct copying *copying)
{
	int r = hd_directory_list(copying->from_fd, ".", take_loose, copying);

	for (size_t i = 0; i < HD_ARRAY_SIZE(pack_parts) && r >= 0; i++)
		r = copy_directory(copying, "pack", pack_parts[i]);
	return r;
}

static int copy_from(const char *objects, void *payload)
{
	struct copying copying = {.from_fd = hd_directory_open(AT_FDCWD, objects), .to_fd = *(int *)payload};
	int r = copying.from_fd < 0 ? copying.from_fd : 0;

	for (unsigned pass = 0; r >= 0 && pass < PASSES; pass++) {
		copying.vanished = false;
		r = copy_pass(&copying);
		if (!copying.vanished)
			break;
	}
	if (r >= 0 && copying.vanished)
		r = hd_fail(EAGAIN, "it is being packed over and over again");
	hd_cleanup_close(&copying.from_fd);
	return r < 0 && r != -HD_E_INTERRUPTED ? hd_fail_in(r, "%s", objects) : r;
}

int hd_eject_objects_copy(const char *objects, int to_fd)
{
	hd_work_step(HD_WORK_COPYING_OBJECTS, 0);
	return hd_alternates_each(objects, copy_from, &to_fd);
}
