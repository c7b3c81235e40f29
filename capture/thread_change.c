/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/thread_change.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "capture/capture.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/file.h"

/*
 * A directory that was given up is deleted last, when no thread has its number any more. Who is killed before that leaves
 * files that nobody opens again: numbers are not given twice.
 */

#define NOBODY "unknown <>"

static bool has_journal(const struct hd_store *store, uint32_t number)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "threads/%u/journal", number);
	return hd_file_exists(store->fd, path);
}

static int capture_aside(struct hd_store *store, const char *thread, const char *author, const char *message,
	struct hd_state_id *ret_tree)
{
	struct hd_overlay_options options = {.store = store, .thread = thread, .arena_fd = -1, .hot_fd = -1};
	struct hd_capture_options words = {
		.message = message, .author = author && *author ? author : NOBODY, .aside = true};
	struct hd_overlay *overlay;
	struct hd_state state = {0};
	bool nothing;
	int closed;
	int r;

	r = hd_overlay_open(&options, &overlay);
	if (r < 0)
		return r;
	r = hd_capture_run(overlay, &words, &state, &nothing);
	closed = hd_overlay_close(overlay);
	if (r >= 0)
		*ret_tree = state.id;
	hd_state_clear(&state);
	return r < 0 ? r : closed;
}

int hd_thread_keep(struct hd_store *store, const char *thread, const char *author, const char *message,
	struct hd_state_id *ret_tree, struct hd_state_id *ret_kept)
{
	struct hd_thread record = {0};
	struct hd_state_id tree;
	int r;

	r = hd_index_get_thread(store->index, thread, &record);
	if (r < 0)
		return r;
	/* A thread that nobody ever opened is what its record says. */
	tree = record.tree;
	if (has_journal(store, record.number))
		r = capture_aside(store, thread, author, message, &tree);
	if (r >= 0) {
		*ret_tree = tree;
		*ret_kept = hd_state_id_equal(&tree, &record.head) ? (struct hd_state_id){0} : tree;
	}
	hd_thread_clear(&record);
	return r < 0 ? hd_fail_in(r, "keep what is not captured of thread '%s'", thread) : 0;
}

static int keep(struct hd_store *store, const char *thread, struct hd_operation *operation)
{
	HD_AUTO_FREE char *message = NULL;

	if (asprintf(&message, "what was not captured of %s before: %s", thread,
		    hd_operation_kind_name(operation->kind)) < 0) {
		message = NULL;
		return -ENOMEM;
	}
	return hd_thread_keep(
		store, thread, operation->actor, message, &operation->before.tree, &operation->kept);
}

int hd_thread_change_begin(struct hd_store *store, const char *thread, enum hd_operation_kind kind,
	const char *actor, bool replaces, struct hd_operation *ret_operation)
{
	struct hd_operation operation = {.kind = kind, .actor = strdup(actor)};
	struct hd_thread record = {0};
	int r;

	r = operation.actor ? hd_index_get_thread(store->index, thread, &record) : -ENOMEM;
	if (r == 0)
		r = hd_operation_side_of(&record, &operation.before);
	if (r == 0)
		r = hd_operation_side_of(&record, &operation.after);
	if (r == 0 && replaces)
		r = keep(store, thread, &operation);
	hd_thread_clear(&record);
	if (r < 0) {
		hd_operation_clear(&operation);
		return r;
	}
	*ret_operation = operation;
	return 0;
}

int hd_thread_change_apply(struct hd_store *store, struct hd_operation *operation)
{
	const struct hd_operation_side *before = &operation->before, *after = &operation->after;
	char path[64];
	int r;

	r = hd_index_change(store->index, operation);
	if (r < 0 || !before->name || (after->name && after->overlay == before->overlay))
		return r;
	(void)snprintf(path, sizeof(path), "threads/%u", before->overlay);
	/* Nobody will look for it: what is left of it only takes room. */
	(void)hd_directory_remove_tree(store->fd, path);
	return 0;
}
