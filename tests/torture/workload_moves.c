/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/workload_moves.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/capture.h"
#include "capture/threads/operation_undo.h"
#include "capture/threads/restore.h"
#include "capture/threads/thread_fork.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

#define ACTOR "A <a@b>"

static struct hd_index *index_of(struct hd_overlay *overlay)
{
	return hd_overlay_store(overlay)->index;
}

static int nothing_there(int r)
{
	return r == -HD_E_THREAD_MISSING || r == -HD_E_TAG_MISSING || r == -HD_E_OPERATION_MISSING ||
			       r == -HD_E_OPERATION_BLOCKED || r == -HD_E_THREAD_EXISTS
		       ? 0
		       : r;
}

/* ---- the live thread ---- */

/* What a worker does: nobody captures meanwhile, and the kernel would be told. */
static void end_switch(struct hd_overlay *overlay, struct hd_live_thread *live)
{
	if (live->tree_switch) {
		(void)hd_switch_told(overlay);
		hd_switch_free(live->tree_switch);
	}
	hd_overlay_unhold_captures(overlay);
}

static int restore(struct hd_overlay *overlay, const char *const *paths, size_t n_paths)
{
	struct hd_live_thread live = {.overlay = overlay};
	struct hd_state_id first;
	struct hd_restore_options options = {.thread = "main",
		.source = &first,
		.paths = paths,
		.n_paths = n_paths,
		.actor = ACTOR,
		.live = &live};
	struct hd_operation operation = {0};
	bool nothing = false;
	int r = hd_index_get_tag(index_of(overlay), WORKLOAD_FIRST_TAG, &first);

	if (r < 0)
		return nothing_there(r);
	hd_overlay_hold_captures(overlay);
	r = hd_restore(hd_overlay_store(overlay), &options, &operation, &nothing);
	end_switch(overlay, &live);
	if (r >= 0 && !nothing)
		hd_operation_clear(&operation);
	return nothing_there(r);
}

int workload_restore(struct hd_overlay *overlay)
{
	return restore(overlay, NULL, 0);
}

int workload_restore_path(struct hd_overlay *overlay)
{
	static const char *const paths[] = {"a"};

	return restore(overlay, paths, 1);
}

static int take(struct hd_overlay *overlay, enum hd_operation_kind kind, uint64_t number)
{
	struct hd_live_thread live = {.overlay = overlay};
	struct hd_undo_plan plan;
	struct hd_operation done = {0};
	bool is_main;
	int r = hd_undo_prepare(index_of(overlay), kind, number, &plan);

	if (r < 0)
		return nothing_there(r);
	is_main = plan.held && strcmp(plan.held, "main") == 0;
	hd_overlay_hold_captures(overlay);
	r = hd_undo_apply(hd_overlay_store(overlay), &plan, ACTOR, is_main ? &live : NULL, &done);
	end_switch(overlay, &live);
	if (r >= 0)
		hd_operation_clear(&done);
	hd_undo_plan_clear(&plan);
	return nothing_there(r);
}

int workload_undo(struct hd_overlay *overlay)
{
	uint64_t number;
	int r = hd_index_find_undoable(index_of(overlay), NULL, &number);

	return r < 0 ? nothing_there(r) : take(overlay, HD_OPERATION_UNDO, number);
}

int workload_redo(struct hd_overlay *overlay)
{
	uint64_t number;
	int r = hd_index_find_redoable(index_of(overlay), NULL, &number);

	return r < 0 ? nothing_there(r) : take(overlay, HD_OPERATION_REDO, number);
}

/* ---- tags ---- */

/* NAME, or none: where it is now is what is expected. */
static int move_tag(struct hd_overlay *overlay, const char *name, bool set)
{
	HD_CLEANUP(hd_operation_clear)
	struct hd_operation operation = {.kind = HD_OPERATION_TAG, .is_tag = true, .actor = strdup(ACTOR)};
	struct hd_state_id there;
	int r = hd_index_get_tag(index_of(overlay), name, &there);

	if (r >= 0) {
		operation.before.name = strdup(name);
		operation.before.head = there;
	} else if (r != -HD_E_TAG_MISSING || !set) {
		return nothing_there(r);
	}
	if (set) {
		operation.after.name = strdup(name);
		hd_overlay_head(overlay, &operation.after.head);
	}
	return hd_index_change(index_of(overlay), &operation);
}

int workload_tag_first(struct hd_overlay *overlay)
{
	return move_tag(overlay, WORKLOAD_FIRST_TAG, true);
}

int workload_tag(struct hd_overlay *overlay)
{
	return move_tag(overlay, "mark", true);
}

int workload_untag(struct hd_overlay *overlay)
{
	return move_tag(overlay, "mark", false);
}

/* ---- other threads ---- */

static int make(struct hd_overlay *overlay, const struct hd_state_id *head, const struct hd_state_id *tree)
{
	HD_CLEANUP(hd_operation_clear)
	struct hd_operation operation = {.kind = HD_OPERATION_CREATE,
		.actor = strdup(ACTOR),
		.after = {.name = strdup("other"), .head = *head, .base = *head, .tree = *tree}};

	return nothing_there(hd_thread_change_apply(hd_overlay_store(overlay), &operation, NULL));
}

int workload_thread_create(struct hd_overlay *overlay)
{
	struct hd_state_id head;

	hd_overlay_head(overlay, &head);
	return make(overlay, &head, &head);
}

/* What is not captured has the file that the other thread is told by. */
int workload_thread_fork(struct hd_overlay *overlay)
{
	static const struct hd_caller caller = {.uid = 0, .umask = 022};
	struct hd_thread_fork fork = {.from = "main", .name = "other", .actor = ACTOR, .overlay = overlay};
	HD_CLEANUP(hd_operation_clear) struct hd_operation operation = {0};
	struct hd_attributes attributes;
	bool changes;
	int r = hd_overlay_create(overlay, &caller, HD_ROOT_INO, WORKLOAD_OTHER_FILE, 0644, &attributes);

	if (r == 0) {
		(void)hd_overlay_release(overlay, attributes.ino);
		hd_overlay_forget(overlay, attributes.ino, 1);
	}
	if (r < 0 && r != -EEXIST)
		return r;
	return nothing_there(hd_thread_fork(hd_overlay_store(overlay), &fork, &operation, &changes));
}

static int find_other(struct hd_store *store, struct hd_thread *ret_thread)
{
	int r = hd_index_get_thread(store->index, "other", ret_thread);

	return r == -HD_E_THREAD_MISSING ? hd_index_get_thread(store->index, "third", ret_thread) : r;
}

int workload_thread_write(struct hd_overlay *overlay)
{
	static const struct hd_caller caller = {.uid = 0, .umask = 022};
	struct hd_overlay_options options = {
		.store = hd_overlay_store(overlay), .arena_fd = -1, .hot_fd = -1};
	struct hd_attributes attributes;
	struct hd_thread thread = {0};
	struct hd_overlay *other;
	size_t written;
	int r = find_other(options.store, &thread), closed;

	if (r < 0)
		return nothing_there(r);
	options.thread = thread.name;
	r = hd_overlay_open(&options, &other);
	hd_thread_clear(&thread);
	if (r < 0)
		return r;
	r = hd_overlay_create(other, &caller, HD_ROOT_INO, WORKLOAD_OTHER_FILE, 0644, &attributes);
	if (r == 0) {
		r = hd_overlay_write(other, attributes.ino, "other", 5, 0, &written);
		(void)hd_overlay_release(other, attributes.ino);
		hd_overlay_forget(other, attributes.ino, 1);
	}
	closed = hd_overlay_close(other);
	return r == -EEXIST ? closed : r < 0 ? r : closed;
}

static int rename_or_drop(struct hd_overlay *overlay, const char *new_name)
{
	HD_CLEANUP(hd_operation_clear) struct hd_operation operation = {0};
	struct hd_store *store = hd_overlay_store(overlay);
	struct hd_thread thread = {0};
	int r = find_other(store, &thread);

	if (r >= 0)
		r = hd_thread_change_begin(store, thread.name,
			new_name ? HD_OPERATION_RENAME : HD_OPERATION_DROP, ACTOR, !new_name, NULL,
			&operation);
	hd_thread_clear(&thread);
	if (r < 0)
		return nothing_there(r);
	if (new_name) {
		free(operation.after.name);
		operation.after.name = strdup(new_name);
	} else {
		hd_operation_side_clear(&operation.after);
	}
	return nothing_there(hd_thread_change_apply(store, &operation, NULL));
}

int workload_thread_rename(struct hd_overlay *overlay)
{
	return rename_or_drop(overlay, "third");
}

int workload_thread_drop(struct hd_overlay *overlay)
{
	return rename_or_drop(overlay, NULL);
}

/* ---- what there is ---- */

static void print_id(FILE *text, const struct hd_state_id *id)
{
	for (size_t i = 0; i < sizeof(id->bytes); i++)
		fprintf(text, "%02x", id->bytes[i]);
	fputc(' ', text);
}

static int describe_thread(const struct hd_thread *thread, void *payload)
{
	FILE *text = payload;

	fprintf(text, "thread %s %" PRIu32 " ", thread->name, thread->number);
	print_id(text, &thread->head);
	print_id(text, &thread->base);
	print_id(text, &thread->tree);
	fputc('\n', text);
	return 0;
}

static int describe_tag(const struct hd_tag *tag, void *payload)
{
	FILE *text = payload;

	fprintf(text, "tag %s ", tag->name);
	print_id(text, &tag->state);
	fputc('\n', text);
	return 0;
}

static int describe_operation(const struct hd_operation *operation, void *payload)
{
	fprintf(payload, "operation %" PRIu64 " %s\n", operation->number,
		hd_operation_kind_name(operation->kind));
	return 0;
}

int workload_names_digest(struct hd_store *store, uint64_t *ret_digest, char **ret_description)
{
	HD_AUTO_FREE char *description = NULL;
	size_t size;
	FILE *text = open_memstream(&description, &size);
	int r;

	if (!text)
		return -ENOMEM;
	r = hd_index_list_threads(store->index, describe_thread, text);
	if (r >= 0)
		r = hd_index_list_tags(store->index, describe_tag, text);
	if (r >= 0)
		r = hd_index_list_operations(store->index, NULL, 0, describe_operation, text);
	(void)fclose(text);
	if (r < 0)
		return r;
	*ret_digest = 0xCBF29CE484222325u;
	for (size_t i = 0; i < size; i++)
		*ret_digest = (*ret_digest ^ (uint8_t)description[i]) * 0x100000001B3u;
	if (ret_description)
		*ret_description = HD_STEAL(description);
	return 0;
}

int workload_other(struct hd_store *store, uint32_t *ret_directory, bool *ret_has_file)
{
	struct hd_overlay_options options = {.store = store, .arena_fd = -1, .hot_fd = -1};
	struct hd_attributes attributes;
	struct hd_thread thread = {0};
	struct hd_overlay *other;
	int r = find_other(store, &thread), closed;

	*ret_directory = 0;
	if (r < 0)
		return nothing_there(r);
	*ret_directory = thread.number;
	options.thread = thread.name;
	r = hd_overlay_open(&options, &other);
	hd_thread_clear(&thread);
	if (r < 0)
		return r;
	r = hd_overlay_lookup(other, HD_ROOT_INO, WORKLOAD_OTHER_FILE, &attributes);
	*ret_has_file = r == 0;
	if (r == 0)
		hd_overlay_forget(other, attributes.ino, 1);
	closed = hd_overlay_close(other);
	return r < 0 && r != -ENOENT ? r : closed;
}
