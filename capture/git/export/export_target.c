/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/export/export_target.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/export/export_copy.h"
#include "capture/git/export/export_reference.h"
#include "capture/git/thread_branch.h"
#include "capture/git/thread_repository.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/threads/work.h"

/*
 * Order: objects, on the disk (hd_export_objects_finish), then references: one that names what a power cut took away would be
 * worse than no export.
 */

/* ---- items ---- */

static int choose_reference(const struct hd_export_git_options *options, char **ret_reference)
{
	HD_AUTO_FREE char *reference = NULL;
	int valid = 0;
	int n;

	if (options->tag)
		n = asprintf(&reference, "refs/tags/%s", options->tag);
	else if (options->branch)
		n = asprintf(&reference, "refs/heads/%s", options->branch);
	else
		n = asprintf(&reference, HD_THREAD_BRANCH_PREFIX "%s", options->thread);
	if (n < 0) {
		reference = NULL;
		return -ENOMEM;
	}
	if (git_reference_name_is_valid(&valid, reference) < 0 || !valid)
		return hd_fail(HD_E_EXPORT_NAME, "'%s' cannot be a reference: name another", reference);
	*ret_reference = HD_STEAL(reference);
	return 0;
}

int hd_export_target_item_begin(struct hd_store *store, const struct hd_export_git_options *options,
	struct hd_export_target_item *ret_item)
{
	struct hd_export_target_item item = {0};
	struct hd_thread thread = {0};
	int r = 0;

	if (options->head)
		item.head = *options->head;
	else
		r = hd_index_get_thread(store->index, options->thread, &thread);
	if (r >= 0 && !options->head)
		item.head = thread.head;
	hd_thread_clear(&thread);
	if (r >= 0)
		r = choose_reference(options, &item.reference);
	if (r < 0)
		return r;
	item.thread = strdup(options->thread);
	*ret_item = item;
	return item.thread ? 0 : -ENOMEM;
}

void hd_export_target_item_clear(struct hd_export_target_item *item)
{
	free(item->thread);
	free(item->reference);
	*item = (struct hd_export_target_item){0};
}

/* ---- the repository ---- */

static int stop_at_entry(const char *name, unsigned char type, void *payload)
{
	(void)name;
	(void)type;
	(void)payload;
	return 1;
}

static bool is_missing_or_empty(const char *path)
{
	int r = hd_directory_list(AT_FDCWD, path, stop_at_entry, NULL);

	return r == -ENOENT || r == 0;
}

static int make_repository(struct hd_export_target *target, const char *path, const char *head)
{
	git_repository_init_options options;

	target->made_in = hd_file_exists(AT_FDCWD, path);
	target->made = strdup(path);
	if (!target->made)
		return -ENOMEM;
	(void)git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
	options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;
	options.initial_head = head;
	if (git_repository_init_ext(&target->repository, path, &options) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "make a repository at %s", path);
	return 0;
}

static int note_name(const char *name, unsigned char type, void *payload)
{
	struct hd_buffer *names = payload;

	(void)type;
	hd_buffer_put(names, name, strlen(name) + 1);
	return hd_buffer_status(names);
}

/* A repository that was made for an export that came to nothing goes again. */
static void unmake_repository(struct hd_export_target *target)
{
	HD_AUTO_BUFFER struct hd_buffer names = {0};
	HD_AUTO_CLOSE int fd = -1;

	if (!target->made || target->is_finished)
		return;
	fd = hd_directory_open(AT_FDCWD, target->made);
	if (fd < 0 || hd_directory_list(fd, ".", note_name, &names) < 0)
		return;
	for (const char *name = (const char *)names.data;
		name && name < (const char *)names.data + names.size; name += strlen(name) + 1)
		if (hd_directory_remove_tree(fd, name) == -ENOTDIR)
			(void)hd_file_unlink(fd, name);
	if (!target->made_in)
		(void)hd_directory_remove(AT_FDCWD, target->made);
}

/* Frees it, and keeps the detail of the failure that led here. */
static void close_repository(struct hd_export_target *target)
{
	git_repository_free(target->repository);
	unmake_repository(target);
	free(target->made);
	free(target->location);
	*target = (struct hd_export_target){0};
}

static int open_repository(struct hd_export_target *target, const struct hd_export_target_item *item)
{
	const struct hd_export_git_options *options = target->options;
	HD_AUTO_FREE char *found = NULL;
	const char *path = options->repository;
	int g;
	int r = 0;

	if (!path) {
		r = hd_thread_repository_find(target->store->index, options->thread, &item->head, &found);
		if (r < 0)
			return r;
		path = found;
	}
	if (options->repository && is_missing_or_empty(path)) {
		r = make_repository(target, path, item->reference);
	} else {
		g = git_repository_open_ext(&target->repository, path, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);
		if (g < 0)
			r = hd_git_library_fail(
				g == GIT_ENOTFOUND ? HD_E_REPOSITORY_MISSING : HD_E_REPOSITORY, "%s", path);
	}
	if (r < 0)
		return r;
	target->location = realpath(git_repository_commondir(target->repository), NULL);
	return target->location ? 0 : hd_fail_errno("%s", path);
}

int hd_export_target_open(struct hd_export_target *target, struct hd_store *store, struct hd_base_set *bases,
	const struct hd_export_git_options *options, const struct hd_export_target_item *item)
{
	int r;

	*target = (struct hd_export_target){.options = options, .store = store, .bases = bases};
	r = open_repository(target, item);
	if (r >= 0)
		r = hd_export_objects_open(&target->objects, store, target->repository, target->location);
	if (r < 0) {
		close_repository(target);
		return r;
	}
	target->tree = (struct hd_export_tree){.objects = &target->objects,
		.bases = bases,
		.store = store,
		.with_ignored = options->with_ignored,
		.keep_empty = options->keep_empty};
	hd_export_history_begin(&target->history, store, &target->objects, &target->tree);
	return hd_export_notes_begin(&target->notes, &target->history, options->is_forgotten);
}

void hd_export_target_close(struct hd_export_target *target)
{
	if (!target->repository)
		return;
	hd_export_notes_clear(&target->notes);
	hd_export_history_clear(&target->history);
	hd_export_objects_close(&target->objects);
	close_repository(target);
}

/* ---- writing ---- */

/* What a tag points to: the annotated tag that it was when COMMIT was imported, or COMMIT. */
static int find_tag(struct hd_export_target *target, const struct hd_state_id *head, const char *tag,
	const git_oid *commit, git_oid *ret_id)
{
	struct hd_state state = {0};
	int r = hd_index_get_state(target->store->index, head, &state);

	*ret_id = *commit;
	if (r >= 0 && state.is_base && state.git_commit && hd_state_git_tree(&state))
		r = hd_export_copy_tag(
			&target->objects, hd_state_git_tree(&state)->base, tag, commit, ret_id);
	hd_state_clear(&state);
	return r;
}

static uint64_t count_written(const struct hd_export_target *target)
{
	return target->history.written.size / sizeof(struct hd_state_id);
}

int hd_export_target_write(
	struct hd_export_target *target, struct hd_export_target_item *item, const char *tag)
{
	uint64_t before = count_written(target);
	git_oid commit;
	int r = hd_export_history_write(&target->history, &item->head, &commit);

	if (r < 0)
		return r;
	item->id = commit;
	item->commits = count_written(target) - before;
	r = tag ? find_tag(target, &item->head, tag, &commit, &item->id) : 0;
	if (r >= 0 && !target->options->without_notes)
		r = hd_export_notes_add(&target->notes, &item->head, false);
	return r < 0 ? r : 0;
}

int hd_export_target_finish(struct hd_export_target *target)
{
	bool forgotten = target->options->is_forgotten;
	int r = hd_export_notes_write(&target->notes);

	if (r >= 0)
		r = hd_export_objects_finish(&target->objects);
	/* What is forgotten is part of something larger, which can still be stopped. */
	if (r >= 0)
		r = forgotten ? hd_work_advance(0) : hd_work_finish();
	target->is_finished = r >= 0;
	return r < 0 || forgotten ? r : hd_export_history_record(&target->history);
}

int hd_export_target_move(struct hd_export_target *target, const struct hd_export_target_item *item,
	bool force, bool *ret_unchanged)
{
	const struct hd_export_reference reference = {.thread = item->thread,
		.name = item->reference,
		.head = item->head,
		.target = item->id,
		.force = force};

	*ret_unchanged = false;
	return hd_export_reference_move(&target->history, &reference, ret_unchanged);
}

int hd_export_target_note(struct hd_export_target *target)
{
	return target->options->without_notes ? 0 : hd_export_notes_move(&target->notes);
}
