/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Listings. The overlay fills the request thread's buffer through a callback until an entry does not fit.
 *
 * OPENDIR is answered in the tracked mode only, to say that the kernel may keep the listing; without it the
 * kernel keeps it anyway (fuse_dir_open: no_opendir means FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR). Directories
 * carry no open count: the kernel holds a lookup while one is open.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mount/fuse/dot/dot_crowd.h"
#include "mount/fuse/dot/dot_directory.h"
#include "mount/fuse/fuse_answer.h"
#include "mount/fuse/fuse_reply.h"
#include "mount/fuse/operations/access_times.h"
#include "mount/fuse/operations/fuse_ops.h"
#include "mount/fuse/requests/fuse_request.h"
#include "overlay/inodes/request.h"
#include "overlay/platform/cleanup.h"

struct listing {
	fuse_req_t req;
	char *buffer;
	size_t size; /* of the buffer */
	size_t used;
	bool plus;
	double entry_timeout, attribute_timeout;
};

static size_t add_plus(
	struct listing *listing, const struct hd_directory_item *item, char *place, size_t room)
{
	struct fuse_entry_param entry = {
		.entry_timeout = listing->entry_timeout, .attr_timeout = listing->attribute_timeout};
	bool is_dot = strcmp(item->name, ".") == 0 || strcmp(item->name, "..") == 0;

	/*
	 * Id 0 makes no inode in the kernel, so these carry no lookup: "." and "..", and directories whose
	 * link count is not known before somebody looks into them.
	 */
	entry.ino = is_dot || item->partial ? 0 : item->attributes.ino;
	hd_attributes_to_stat(hd_fuse_session_of(listing->req), &item->attributes, &entry.attr);
	return fuse_add_direntry_plus(listing->req, place, room, item->name, &entry, (off_t)item->cookie);
}

static bool fill_item(const struct hd_directory_item *item, void *payload)
{
	struct listing *listing = payload;
	char *place = listing->buffer + listing->used;
	size_t room = listing->size - listing->used;
	struct stat stat;
	size_t needed;

	if (listing->plus) {
		needed = add_plus(listing, item, place, room);
	} else {
		hd_attributes_to_stat(hd_fuse_session_of(listing->req), &item->attributes, &stat);
		needed = fuse_add_direntry(listing->req, place, room, item->name, &stat, (off_t)item->cookie);
	}
	if (needed > room)
		return false;
	listing->used += needed;
	return true;
}

/* The id in the entry of DATA at POSITION, for reading and for changing. */
static void copy_id(char *data, size_t position, uint64_t *id, bool into)
{
	char *place = data + position + offsetof(struct fuse_direntplus, entry_out.nodeid);

	if (into)
		memcpy(place, id, sizeof(*id));
	else
		memcpy(id, place, sizeof(*id));
}

static size_t entry_size(const char *data, size_t position)
{
	struct fuse_direntplus entry;

	memcpy(&entry, data + position, FUSE_NAME_OFFSET_DIRENTPLUS);
	return FUSE_DIRENTPLUS_SIZE(&entry);
}

/* The ids of a complete reply, in its order. */
struct reply_ids {
	hd_ino *inos;
	char *data;
	size_t size;
};

static size_t get_ids(const struct reply_ids *ids)
{
	size_t position, n = 0;

	for (position = 0; position < ids->size; position += entry_size(ids->data, position))
		copy_id(ids->data, position, &ids->inos[n++], false);
	return n;
}

static void put_ids(void *payload)
{
	const struct reply_ids *ids = payload;
	size_t position, n = 0;

	for (position = 0; position < ids->size; position += entry_size(ids->data, position))
		copy_id(ids->data, position, &ids->inos[n++], true);
}

/* Counts the lookups that the complete reply carries. Entries whose inode is gone meanwhile lose their id. */
static int count_lookups(struct hd_overlay *overlay, hd_ino directory, char *data, size_t size)
{
	HD_AUTO_FREE hd_ino *inos = calloc(size / FUSE_NAME_OFFSET_DIRENTPLUS + 1, sizeof(*inos));
	struct reply_ids ids = {inos, data, size};
	size_t n;
	int r;

	if (!inos)
		return -ENOMEM;
	n = get_ids(&ids);
	if (hd_ino_is_of_state(directory))
		return hd_state_tree_take(overlay, directory,
			&(struct hd_state_taking){
				.inos = inos, .n = n, .reply_size = size, .put = put_ids, .payload = &ids});
	r = hd_overlay_count_lookups(overlay, inos, n, size);
	if (r >= 0)
		put_ids(&ids);
	return r;
}

static int read_directory(struct hd_fuse_session *session, hd_ino ino, off_t offset, struct listing *listing)
{
	if (hd_dot_is_ours(ino))
		return hd_dot_readdir(session->dot, ino, (uint64_t)offset, fill_item, listing);
	return hd_overlay_readdir(session->overlay, ino, (uint64_t)offset, fill_item, listing);
}

/* A listing that was counted by a process that died before it answered: what it would have said. */
static void list_again(fuse_req_t req)
{
	const struct hd_fuse_session *session = hd_fuse_session_of(req);

	hd_reply_entries_plus(
		req, hd_request_area_reply(session->area, hd_request_done_slot()), hd_request_done_size());
}

static void list(fuse_req_t req, hd_ino ino, size_t size, off_t offset, bool plus)
{
	struct hd_fuse_thread *thread = hd_fuse_thread_current;
	const struct hd_kernel_cache *cache = thread->session->cache;
	struct listing listing = {.req = req,
		.buffer = thread->reply,
		.size = size < HD_FUSE_DATA_SIZE ? size : HD_FUSE_DATA_SIZE,
		.plus = plus,
		.entry_timeout = hd_kernel_cache_entry_timeout(cache),
		.attribute_timeout = hd_kernel_cache_attribute_timeout(cache)};
	int r;

	if (hd_request_is_done()) {
		list_again(req);
		return;
	}
	r = read_directory(thread->session, ino, offset, &listing);
	/* Entries that were taken are told even if a later one failed. Ours carry no lookups. */
	if (plus && listing.used > 0 && !hd_dot_is_ours(ino)) {
		r = count_lookups(thread->session->overlay, ino, listing.buffer, listing.used);
		if (r < 0)
			listing.used = 0;
	}
	if (r < 0 && listing.used == 0)
		hd_reply_status(req, r);
	else if (plus)
		hd_reply_entries_plus(req, listing.buffer, listing.used);
	else
		hd_reply_data(req, 0, listing.buffer, listing.used);
	if (plus && hd_ino_is_of_state(ino))
		hd_dot_crowd_look(thread->session->crowd);
}

/* libfuse does not hand them on with a listing. */
static int open_flags(void)
{
	const struct fuse_read_in *body = hd_fuse_request_body(sizeof(*body));

	return body ? (int)body->flags : 0;
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *file)
{
	(void)file;
	hd_access_times_read(hd_fuse_session_of(req), ino, open_flags(), true);
	list(req, ino, size, offset, false);
}

static void op_readdirplus(
	fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *file)
{
	(void)file;
	hd_access_times_read(hd_fuse_session_of(req), ino, open_flags(), true);
	list(req, ino, size, offset, true);
}

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	const struct hd_fuse_session *session = hd_fuse_session_of(req);

	file->keep_cache = !hd_access_times_want_reads(session, ino, file->flags, true);
	file->cache_readdir = 1;
	(void)hd_fuse_answered(session, hd_fuse_request_header()->unique, fuse_reply_open(req, file));
}

static void op_opendir_untracked(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	(void)ino;
	(void)file;
	hd_reply_unwanted(req);
}

static void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	(void)ino;
	(void)file;
	hd_reply_status(req, 0);
}

static void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *file)
{
	(void)file;
	hd_sync_pool_submit(hd_fuse_session_of(req)->sync, req, ino, data_only != 0);
}

void hd_fuse_ops_fill_directories(const struct hd_mount_options *options, struct fuse_lowlevel_ops *ops)
{
	ops->opendir = options->open == HD_OPEN_TRACKED ? op_opendir : op_opendir_untracked;
	ops->releasedir = op_releasedir;
	ops->readdir = op_readdir;
	ops->readdirplus = op_readdirplus;
	ops->fsyncdir = op_fsyncdir;
}
