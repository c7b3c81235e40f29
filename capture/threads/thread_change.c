/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/threads/thread_change.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "capture/capture.h"
#include "capture/git/worktree/worktree.h"
#include "capture/identity.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/threads/work.h"

/*
 * A directory that was given up is deleted last, when no thread has its number any more. Who is killed before that leaves
 * files that nobody opens again: numbers are not given twice.
 */

/* 1 when it has: what is not known must not be taken for nothing. */
static int has_journal(const struct hd_store *store, uint32_t number)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "threads/%u/journal", number);
	return hd_file_look(store->fd, path);
}

static int capture_aside(
	struct hd_overlay *overlay, const char *author, const char *message, struct hd_state_id *ret_tree)
{
	struct hd_capture_options words = {.message = message,
		.author = author && *author ? author : HD_IDENTITY_UNKNOWN,
		.aside = true};
	struct hd_state state = {0};
	bool nothing;
	int r = hd_capture_run(overlay, &words, &state, &nothing);

	if (r >= 0)
		*ret_tree = state.id;
	hd_state_clear(&state);
	return r;
}

static int open_and_capture(struct hd_store *store, const char *thread, const char *author,
	const char *message, struct hd_state_id *ret_tree)
{
	struct hd_overlay_options options = {.store = store, .thread = thread, .arena_fd = -1, .hot_fd = -1};
	struct hd_overlay *overlay;
	int r, closed;

	r = hd_overlay_open(&options, &overlay);
	if (r < 0)
		return r;
	r = capture_aside(overlay, author, message, ret_tree);
	closed = hd_overlay_close(overlay);
	return r < 0 ? r : closed;
}

int hd_thread_change_keep(struct hd_store *store, const char *thread, const char *author, const char *message,
	const struct hd_live_thread *live, struct hd_state_id *ret_tree)
{
	struct hd_thread record = {0};
	int r;

	if (live)
		return capture_aside(live->overlay, author, message, ret_tree);
	r = hd_index_get_thread(store->index, thread, &record);
	if (r < 0)
		return r;
	r = has_journal(store, record.number);
	if (r > 0)
		r = open_and_capture(store, thread, author, message, ret_tree);
	else if (r == 0)
		*ret_tree = record.tree; /* a thread that nobody ever opened is what its record says */
	hd_thread_clear(&record);
	return r;
}

/* Makes a state of what is not captured. */
static int keep(struct hd_store *store, const struct hd_thread *thread, const struct hd_live_thread *live,
	struct hd_operation *operation)
{
	HD_AUTO_FREE char *message = NULL;
	struct hd_state_id tree;
	int r;

	if (asprintf(&message, "what was not captured of %s before: %s", thread->name,
		    hd_operation_kind_name(operation->kind)) < 0) {
		message = NULL;
		return -ENOMEM;
	}
	r = hd_thread_change_keep(store, thread->name, operation->actor, message, live, &tree);
	if (r < 0)
		return hd_fail_in(r, "keep what is not captured of thread '%s'", thread->name);
	operation->before.tree = tree;
	operation->kept = hd_state_id_equal(&tree, &thread->head) ? (struct hd_state_id){0} : tree;
	return 0;
}

int hd_thread_change_begin(struct hd_store *store, const char *thread, enum hd_operation_kind kind,
	const char *actor, bool replaces, struct hd_live_thread *live, struct hd_operation *ret_operation)
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
		r = keep(store, &record, live, &operation);
	hd_thread_clear(&record);
	if (r < 0) {
		hd_operation_clear(&operation);
		return r;
	}
	*ret_operation = operation;
	return 0;
}

static int switch_live(struct hd_store *store, struct hd_operation *operation, struct hd_live_thread *live)
{
	struct hd_switch *tree_switch = NULL;
	int r;

	r = hd_switch_new(live->overlay, &operation->after.tree, &tree_switch);
	if (r >= 0)
		r = hd_switch_announce(tree_switch);
	if (r < 0) {
		hd_switch_free(tree_switch);
		return r;
	}
	r = hd_index_change(store->index, operation);
	if (r < 0)
		(void)hd_switch_cancel(tree_switch);
	else
		r = hd_switch_run(tree_switch);
	/* Also if it came half the way: the kernel must hear of that. */
	live->tree_switch = tree_switch;
	return r;
}

static int apply_live(struct hd_store *store, struct hd_operation *operation, struct hd_live_thread *live)
{
	bool replaces = operation->after.overlay == 0;
	int r;

	operation->after.overlay = operation->before.overlay;
	r = replaces ? switch_live(store, operation, live) : hd_index_change(store->index, operation);
	return r < 0 ? r : hd_overlay_take_head(live->overlay, &operation->after.head);
}

int hd_thread_change_apply(
	struct hd_store *store, struct hd_operation *operation, struct hd_live_thread *live)
{
	const struct hd_operation_side *before = &operation->before, *after = &operation->after;
	char path[64];
	int r;

	r = hd_work_finish();
	if (r < 0)
		return r;
	if (live)
		return apply_live(store, operation, live);
	r = hd_index_change(store->index, operation);
	if (r >= 0)
		hd_worktree_follow(store, operation);
	if (r < 0 || !before->name || (after->name && after->overlay == before->overlay))
		return r;
	(void)snprintf(path, sizeof(path), "threads/%u", before->overlay);
	/* Nobody will look for it: what is left of it only takes room. */
	(void)hd_directory_remove_tree(store->fd, path);
	return 0;
}
