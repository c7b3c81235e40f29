/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/fuse/session/fuse_switch.h"

#include <errno.h>
#include <stdlib.h>

#include "mount/fuse/session/fuse_session_types.h"
#include "overlay/platform/array.h"

/*
 * The order: the gate is opened before the kernel is told, because telling it waits for pages that a waiting write has
 * locked. So a write may come before its file's pages are dropped: it carries its own bytes alone, and what the pages
 * show besides them is gone afterwards. Only whole pages that the kernel sends by itself must not come through, see
 * request_gate.h.
 */

/* Below what the cache's queue holds. */
#define BATCH 10000u

void hd_fuse_hold_changes(struct hd_fuse_session *session)
{
	hd_request_gate_close(session->gate);
}

static int compare(const void *a, const void *b)
{
	hd_ino left = *(const hd_ino *)a, right = *(const hd_ino *)b;

	return left < right ? -1 : left > right;
}

/* Those of which the bytes are others, or the ATTRIBUTES alone, too. */
static hd_ino *list_files(
	const struct hd_switch_change *changes, size_t count, bool attributes, size_t *ret_count)
{
	hd_ino *files = calloc(count + 1, sizeof(*files));

	*ret_count = 0;
	for (size_t i = 0; files && i < count; i++)
		if (changes[i].held && (changes[i].kind == HD_SWITCH_FILE ||
					       (attributes && changes[i].kind == HD_SWITCH_ATTRIBUTES)))
			files[(*ret_count)++] = changes[i].ino;
	if (files)
		qsort(files, *ret_count, sizeof(*files), compare);
	return files;
}

static struct hd_cache_event event_of(const struct hd_switch_change *change)
{
	switch (change->kind) {
	case HD_SWITCH_ENTRY:
		return (struct hd_cache_event){
			.kind = HD_CACHE_UNLINK, .parent = change->ino, .name = change->name};
	case HD_SWITCH_ATTRIBUTES:
		return (struct hd_cache_event){.kind = HD_CACHE_SETATTR, .ino = change->ino};
	case HD_SWITCH_FILE:
	case HD_SWITCH_DIRECTORY:
	case HD_SWITCH_UNREAD:
		break;
	}
	return (struct hd_cache_event){.kind = HD_CACHE_REPLACE, .ino = change->ino};
}

bool hd_fuse_kernel_keeps_sizes(const struct hd_fuse_session *session)
{
	return session->options.writeback;
}

static void forget_name(void *payload, hd_ino parent, const char *name)
{
	struct hd_fuse_session *session = payload;
	const struct hd_cache_event event = {.kind = HD_CACHE_NAME, .parent = parent, .name = name};

	hd_kernel_cache_changed(session->cache, HD_CACHE_NO_VIEW, &event);
}

/*
 * With -o writeback the kernel believes its own size and times of a file, whatever it is answered. It has them from who
 * made the inode known, and forgets them with it: a file that is not open goes with its last name, and who looks the name
 * up again gets the file as it is. Of an open file the command puts them right (control_client.c).
 */
static void tell_names(struct hd_fuse_session *session, const struct hd_switch_change *change)
{
	const struct hd_cache_event everything = {.kind = HD_CACHE_ALL};

	if (!hd_fuse_kernel_keeps_sizes(session) || change->kind == HD_SWITCH_ENTRY)
		return;
	if (hd_overlay_each_name(session->overlay, change->ino, forget_name, session) == -ENOMEM)
		hd_kernel_cache_changed(session->cache, HD_CACHE_NO_VIEW, &everything);
}

static void tell(struct hd_fuse_session *session, const struct hd_switch_change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct hd_cache_event event = event_of(&changes[i]);

		if (changes[i].held) {
			hd_kernel_cache_changed(session->cache, HD_CACHE_NO_VIEW, &event);
			tell_names(session, &changes[i]);
		}
		if (i % BATCH == BATCH - 1)
			hd_kernel_cache_drain(session->cache);
	}
	hd_kernel_cache_drain(session->cache);
}

void hd_fuse_release_changes(struct hd_fuse_session *session, const struct hd_switch *tree_switch)
{
	const struct hd_switch_change *changes = NULL;
	size_t count = 0, n_files;
	hd_ino *files;

	if (tree_switch)
		changes = hd_switch_changes(tree_switch, &count);
	if (hd_fuse_kernel_keeps_sizes(session)) {
		files = list_files(changes, count, true, &n_files);
		hd_request_gate_doubt_times(session->gate, files, n_files);
	}
	files = list_files(changes, count, false, &n_files);
	hd_request_gate_open(session->gate, files, n_files);
	tell(session, changes, count);
	hd_request_gate_settled(session->gate);
}

void hd_fuse_changes_are_shown(struct hd_fuse_session *session)
{
	hd_request_gate_times_are_known(session->gate);
}

static void doubt(void *payload, hd_ino ino)
{
	struct hd_fuse_session *session = payload;
	const struct hd_cache_event event = {.kind = HD_CACHE_REPLACE, .ino = ino};

	hd_kernel_cache_changed(session->cache, HD_CACHE_NO_VIEW, &event);
}

void hd_fuse_tell_after_death(struct hd_fuse_session *session)
{
	const struct hd_cache_event everything = {.kind = HD_CACHE_ALL};
	struct hd_recovery_report report;
	bool untold = hd_switch_is_untold(session->overlay);

	hd_overlay_recovery(session->overlay, &report);
	if (!untold && report.memory.state != HD_MEMORY_LOST)
		return;
	hd_overlay_each_known(session->overlay, doubt, session);
	hd_kernel_cache_changed(session->cache, HD_CACHE_NO_VIEW, &everything);
	if (untold)
		(void)hd_switch_told(session->overlay);
}
