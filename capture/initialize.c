/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/initialize.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/import_base.h"
#include "overlay/bases/base.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/threads/work.h"
#include "overlay/store/index/index_operations.h"

/*
 * Everything that can be refused is asked before the store is made; what is made is removed again if a later
 * step fails. The base's commit is pinned before a state names it, so that there is no moment at which git
 * may collect what a state needs; a pin that is left by a failure keeps a commit that HEAD keeps anyway.
 */

static void clear_description(struct hd_base_description *description)
{
	hd_base_description_clear(description);
}

static int describe_base(
	const struct hd_initialize_options *options, struct hd_base_description *ret_description)
{
	const char *directory = options->directory ? options->directory : ".";

	if (!options->base)
		return hd_base_git_describe(directory, options->revision, ret_description);
	if (options->smudge)
		return hd_fail(HD_E_USAGE, "a base directory has no attributes: its files are as they are");
	if (options->revision)
		return hd_fail(HD_E_USAGE, "a base directory has no revisions");
	return hd_base_directory_describe(options->base, ret_description);
}

/* The absolute path of the .heddle directory to be made. */
static int choose_place(const struct hd_initialize_options *options,
	const struct hd_base_description *description, char **ret_path)
{
	HD_AUTO_FREE char *directory = NULL;
	const char *fallback = options->directory ? options->directory : ".";
	bool has_checkout = !options->base && strcmp(description->work_tree, description->location) != 0;

	if (options->store) {
		*ret_path = strdup(options->store);
		return *ret_path ? 0 : -ENOMEM;
	}
	directory = realpath(has_checkout ? description->work_tree : fallback, NULL);
	if (!directory)
		return hd_fail_errno("directory '%s'", has_checkout ? description->work_tree : fallback);
	if (asprintf(ret_path, "%s/" HD_STORE_DIRECTORY, strcmp(directory, "/") == 0 ? "" : directory) < 0)
		return -ENOMEM;
	return 0;
}

/* The one operation that cannot be undone: a store has a thread. */
static int create_thread(struct hd_index *index, const char *name, const struct hd_state *state)
{
	struct hd_operation operation = {.kind = HD_OPERATION_INIT,
		.actor = strdup(state->author),
		.after = {.name = strdup(name), .head = state->id, .base = state->id, .tree = state->id}};
	int r = operation.actor && operation.after.name ? hd_index_change(index, &operation) : -ENOMEM;

	hd_operation_clear(&operation);
	return r;
}

static int fill_store(struct hd_store *store, const struct hd_base_description *description,
	const char *thread, struct hd_state *state)
{
	struct hd_base_set *bases = NULL;
	uint16_t number;
	int r;

	r = hd_index_add_base(store->index, description->kind, description->location, &number);
	if (r < 0)
		return r;
	r = hd_base_set_new(store, 0, &bases);
	if (r < 0)
		return r;
	r = hd_import_base_fill(store, bases, description, number, state);
	hd_base_set_free(bases);
	if (r >= 0)
		r = hd_object_store_sync(store->objects);
	if (r >= 0)
		r = hd_work_finish();
	if (r >= 0 && description->kind == HD_BASE_GIT)
		r = hd_base_git_pin(description->location, description->commit);
	if (r >= 0)
		r = hd_index_publish(store->index, state, NULL, NULL);
	if (r >= 0)
		r = create_thread(store->index, thread, state);
	return r;
}

/* ---- a store that smudges: the first state takes long ---- */

/* What a process that died left there. One that lives has it locked. */
static int remove_left(const char *path)
{
	HD_AUTO_CLOSE int fd = hd_directory_open(AT_FDCWD, path);
	int r = fd;

	if (r >= 0)
		r = hd_file_lock(fd);
	if (r == -EWOULDBLOCK)
		return hd_fail(HD_E_STORE_EXISTS, "'%s' is being made by another process", path);
	if (r >= 0)
		r = hd_directory_remove_tree(AT_FDCWD, path);
	return r == -ENOENT ? 0 : r;
}

static int begin_beside(const char *path, const char *beside, struct hd_store **ret_store)
{
	int r;

	if (hd_file_exists(AT_FDCWD, path))
		return hd_fail(HD_E_STORE_EXISTS, "'%s'", path);
	r = remove_left(beside);
	if (r >= 0)
		r = hd_store_create_smudged(beside, ret_store);
	if (r < 0)
		return r;
	r = hd_file_lock((*ret_store)->fd);
	if (r < 0)
		hd_store_free(HD_STEAL(*ret_store));
	return r;
}

/* SQLite finds its log by the path: the store is opened again at its own. */
static int publish_beside(const char *path, const char *beside, struct hd_store **store)
{
	HD_AUTO_CLOSE int above_fd = -1;
	HD_AUTO_FREE char *above = strdup(path);
	int r;

	if (!above)
		return -ENOMEM;
	strrchr(above, '/')[1] = '\0';
	hd_store_free(*store);
	*store = NULL;
	r = hd_file_rename(AT_FDCWD, beside, path);
	if (r == -ENOTEMPTY || r == -EEXIST || r == -ENOTDIR)
		r = hd_fail(HD_E_STORE_EXISTS, "'%s'", path);
	if (r >= 0)
		r = above_fd = hd_directory_open(AT_FDCWD, above);
	if (r >= 0)
		r = hd_directory_sync(above_fd);
	return r < 0 ? r : hd_store_open(path, store);
}

/* ---- the whole ---- */

static int fail_making(int r, const char *path)
{
	return r >= 0 || r == -HD_E_INTERRUPTED ? r : hd_fail_in(r, "make the store %s", path);
}

static int make_smudged(const char *path, const struct hd_base_description *description, const char *thread,
	struct hd_state *state, struct hd_store **store)
{
	HD_AUTO_FREE char *beside = NULL;
	int r;

	if (asprintf(&beside, "%s.making", path) < 0) {
		beside = NULL;
		return -ENOMEM;
	}
	r = begin_beside(path, beside, store);
	if (r < 0)
		return hd_fail_in(r, "%s", path);
	r = fill_store(*store, description, thread, state);
	if (r >= 0)
		r = publish_beside(path, beside, store);
	if (r < 0) {
		hd_store_free(HD_STEAL(*store));
		(void)hd_directory_remove_tree(AT_FDCWD, beside);
	}
	return fail_making(r, path);
}

static int make_plain(const char *path, const struct hd_base_description *description, const char *thread,
	struct hd_state *state, struct hd_store **store)
{
	int r = hd_store_create(path, store);

	if (r < 0)
		return hd_fail_in(r, "%s", path);
	r = fill_store(*store, description, thread, state);
	if (r < 0) {
		hd_store_free(HD_STEAL(*store));
		(void)hd_directory_remove_tree(AT_FDCWD, path);
	}
	return fail_making(r, path);
}

int hd_initialize(
	const struct hd_initialize_options *options, struct hd_store **ret_store, struct hd_state *ret_state)
{
	HD_CLEANUP(clear_description) struct hd_base_description description = {0};
	HD_AUTO_FREE char *path = NULL;
	const char *thread = options->thread ? options->thread : HD_INITIALIZE_THREAD;
	struct hd_state state = {0};
	struct hd_store *store = NULL;
	int r;

	r = hd_thread_name_check(thread);
	if (r < 0)
		return hd_fail_in(r, "thread '%s'", thread);
	r = describe_base(options, &description);
	if (r >= 0)
		r = choose_place(options, &description, &path);
	if (r < 0)
		return r;
	if (options->smudge)
		r = make_smudged(path, &description, thread, &state, &store);
	else
		r = make_plain(path, &description, thread, &state, &store);
	if (r < 0) {
		hd_state_clear(&state);
		return r;
	}
	*ret_store = store;
	*ret_state = state;
	return 0;
}
