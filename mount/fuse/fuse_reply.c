/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Why the references are given back here: fuse_reply_entry answers -ENOENT when the program that waited was
 * killed and its request is gone. The kernel then never learned of the inode and will never forget it; the
 * overlay counted a lookup all the same.
 *
 * Failures are logged by kind, at the first, second, fourth, eighth ... time, so that a broken base fills no
 * disk.
 */

#include "mount/fuse/fuse_reply.h"

#include <errno.h>
#include <string.h>

#include "mount/fuse/dot/dot_directory.h"
#include "mount/fuse/fuse_answer.h"
#include "mount/fuse/fuse_witness.h"
#include "mount/fuse/requests/fuse_request.h"
#include "overlay/inodes/request.h"
#include "overlay/platform/error.h"
#include "overlay/platform/kill_point.h"
#include "overlay/platform/log.h"

/* Whether a person should hear of R: failures of ours and of disks, not the everyday answers of a filesystem.
 */
static bool worth_logging(int r)
{
	return -r > HD_E_BASE || r == -EIO || r == -ENOSPC || r == -ENOMEM || r == -EMFILE || r == -ENFILE;
}

/* R is what one of the functions below that answer the calling thread's request came to. */
static int sent(int r)
{
	const struct hd_fuse_thread *thread = hd_fuse_thread_current;

	return thread ? hd_fuse_answered(thread->session, hd_fuse_request_header()->unique, r) : r;
}

static int reply_failure(fuse_req_t req, int r)
{
	struct hd_fuse_session *session = hd_fuse_session_of(req);
	uint64_t before = hd_message_counters_failure(session->counters, r);

	if (worth_logging(r) && (before & (before + 1)) == 0)
		hd_log(HD_LOG_WARNING, "a request failed, the %llu. time: %s", (unsigned long long)before + 1,
			hd_error_message(r));
	return sent(fuse_reply_err(req, hd_error_to_errno(r)));
}

void hd_attributes_to_stat(
	const struct hd_fuse_session *session, const struct hd_attributes *attributes, struct stat *ret_stat)
{
	memset(ret_stat, 0, sizeof(*ret_stat));
	ret_stat->st_ino = attributes->number;
	ret_stat->st_mode = attributes->mode;
	ret_stat->st_nlink = attributes->nlink;
	ret_stat->st_uid = hd_owner_map_uid(&session->owners, attributes->uid);
	ret_stat->st_gid = hd_owner_map_gid(&session->owners, attributes->gid);
	ret_stat->st_rdev = attributes->device;
	ret_stat->st_size = (off_t)attributes->size;
	ret_stat->st_blocks = (blkcnt_t)attributes->blocks;
	ret_stat->st_blksize = 4096;
	ret_stat->st_atim = attributes->access_time;
	ret_stat->st_mtim = attributes->modify_time;
	ret_stat->st_ctim = attributes->change_time;
}

static void fill_entry(
	fuse_req_t req, const struct hd_attributes *attributes, struct fuse_entry_param *ret_entry)
{
	const struct hd_fuse_session *session = hd_fuse_session_of(req);
	const struct hd_kernel_cache *cache = session->cache;

	/* The id carries its generation, so that the pair of the protocol is (id, 0). */
	*ret_entry = (struct fuse_entry_param){.ino = attributes->ino,
		.entry_timeout = hd_kernel_cache_entry_timeout(cache),
		.attr_timeout = hd_kernel_cache_attribute_timeout(cache)};
	if (hd_dot_entry_moves(session->dot, attributes))
		ret_entry->entry_timeout = 0;
	if (hd_dot_attributes_move(attributes->ino))
		ret_entry->attr_timeout = 0;
	hd_attributes_to_stat(session, attributes, &ret_entry->attr);
}

/* Nobody wants the answer, and nobody will ask again: what follows is no part of the request. */
static void give_back(struct hd_overlay *overlay, hd_ino ino, bool opened)
{
	hd_request_end(overlay);
	if (opened)
		(void)hd_overlay_release(overlay, ino);
	hd_overlay_forget(overlay, ino, 1);
}

void hd_reply_status(fuse_req_t req, int r)
{
	HD_KILL_POINT(status_reply);
	hd_fuse_witness_done(r);
	if (r < 0)
		(void)reply_failure(req, r);
	else
		(void)sent(fuse_reply_err(req, 0));
}

void hd_reply_sync(fuse_req_t req, uint64_t unique, int r)
{
	const struct hd_fuse_session *session = hd_fuse_session_of(req);

	HD_KILL_POINT(status_reply);
	(void)hd_fuse_answered(session, unique, r < 0 ? reply_failure(req, r) : fuse_reply_err(req, 0));
}

void hd_reply_unwanted(fuse_req_t req)
{
	(void)sent(fuse_reply_err(req, ENOSYS));
}

void hd_reply_entry(fuse_req_t req, int r, const struct hd_attributes *attributes)
{
	struct hd_overlay *overlay = hd_fuse_session_of(req)->overlay;
	struct fuse_entry_param entry;

	hd_fuse_witness_done(r);
	if (r < 0) {
		(void)reply_failure(req, r);
		return;
	}
	fill_entry(req, attributes, &entry);
	HD_KILL_POINT(entry_reply);
	if (sent(fuse_reply_entry(req, &entry)) < 0)
		give_back(overlay, attributes->ino, false);
}

void hd_reply_lookup(fuse_req_t req, int r, const struct hd_attributes *attributes)
{
	struct hd_fuse_session *session = hd_fuse_session_of(req);

	if (r == -ENOENT) {
		/* Id 0: the kernel remembers that there is none. */
		struct fuse_entry_param none = {
			.entry_timeout = hd_kernel_cache_negative_timeout(session->cache)};

		(void)hd_message_counters_failure(session->counters, r);
		(void)sent(fuse_reply_entry(req, &none));
		return;
	}
	hd_reply_entry(req, r, attributes);
}

void hd_reply_create(fuse_req_t req, int r, const struct hd_attributes *attributes,
	const struct fuse_file_info *file, bool opened)
{
	struct hd_overlay *overlay = hd_fuse_session_of(req)->overlay;
	struct fuse_entry_param entry;

	hd_fuse_witness_done(r);
	if (r < 0) {
		(void)reply_failure(req, r);
		return;
	}
	fill_entry(req, attributes, &entry);
	HD_KILL_POINT(entry_reply);
	if (sent(fuse_reply_create(req, &entry, file)) >= 0)
		return;
	give_back(overlay, attributes->ino, opened);
}

void hd_reply_open(fuse_req_t req, int r, hd_ino ino, const struct fuse_file_info *file)
{
	struct hd_overlay *overlay = hd_fuse_session_of(req)->overlay;

	hd_fuse_witness_done(r);
	if (r < 0) {
		(void)reply_failure(req, r);
	} else if (sent(fuse_reply_open(req, file)) < 0 && !hd_dot_is_ours(ino)) {
		hd_request_end(overlay);
		(void)hd_overlay_release(overlay, ino);
	}
}

void hd_reply_attributes(fuse_req_t req, int r, const struct hd_attributes *attributes)
{
	struct hd_fuse_session *session = hd_fuse_session_of(req);
	struct stat stat;

	hd_fuse_witness_done(r);
	if (r < 0) {
		(void)reply_failure(req, r);
		return;
	}
	hd_attributes_to_stat(session, attributes, &stat);
	(void)sent(fuse_reply_attr(req, &stat,
		hd_dot_attributes_move(attributes->ino) ? 0
							: hd_kernel_cache_attribute_timeout(session->cache)));
}

void hd_reply_data(fuse_req_t req, int r, const void *data, size_t size)
{
	if (r < 0)
		(void)reply_failure(req, r);
	else
		(void)sent(fuse_reply_buf(req, data, size));
}

void hd_reply_forget_entries(struct hd_overlay *overlay, const void *listing, size_t size)
{
	const char *data = listing;
	size_t position = 0;

	while (position + FUSE_NAME_OFFSET_DIRENTPLUS <= size) {
		struct fuse_direntplus item;

		memcpy(&item, data + position, FUSE_NAME_OFFSET_DIRENTPLUS);
		if (item.entry_out.nodeid)
			hd_overlay_forget(overlay, item.entry_out.nodeid, 1);
		position += FUSE_DIRENTPLUS_SIZE(&item);
	}
}

void hd_reply_entries_plus(fuse_req_t req, const void *data, size_t size)
{
	struct hd_overlay *overlay = hd_fuse_session_of(req)->overlay;

	HD_KILL_POINT(listing_reply);
	if (sent(fuse_reply_buf(req, data, size)) < 0) {
		hd_request_end(overlay);
		hd_reply_forget_entries(overlay, data, size);
	}
}

void hd_reply_written(fuse_req_t req, int r, size_t size)
{
	HD_KILL_POINT(written_reply);
	hd_fuse_witness_done(r);
	if (r < 0)
		(void)reply_failure(req, r);
	else
		(void)sent(fuse_reply_write(req, size));
}

void hd_reply_xattr(fuse_req_t req, int r, size_t asked_size, const void *data, size_t size)
{
	if (r < 0)
		(void)reply_failure(req, r);
	else if (asked_size == 0)
		(void)sent(fuse_reply_xattr(req, size));
	else
		(void)sent(fuse_reply_buf(req, data, size));
}

void hd_reply_offset(fuse_req_t req, int r, uint64_t offset)
{
	if (r < 0)
		(void)reply_failure(req, r);
	else
		(void)sent(fuse_reply_lseek(req, (off_t)offset));
}

void hd_reply_space(fuse_req_t req, int r, const struct hd_overlay_space *space)
{
	struct statvfs numbers = {0};

	if (r < 0) {
		(void)reply_failure(req, r);
		return;
	}
	numbers.f_bsize = space->block_size;
	numbers.f_frsize = space->block_size;
	numbers.f_blocks = space->total_blocks;
	numbers.f_bfree = space->free_blocks;
	numbers.f_bavail = space->available_blocks;
	numbers.f_files = space->total_inodes;
	numbers.f_ffree = space->free_inodes;
	numbers.f_favail = space->free_inodes;
	numbers.f_namemax = space->name_limit;
	(void)sent(fuse_reply_statfs(req, &numbers));
}
