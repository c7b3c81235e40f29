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
	r = hd_import_base_fill(bases, description, number, state);
	hd_base_set_free(bases);
	if (r >= 0 && description->kind == HD_BASE_GIT)
		r = hd_base_git_pin(description->location, description->commit);
	if (r >= 0)
		r = hd_index_publish(store->index, state, NULL, NULL);
	if (r >= 0)
		r = create_thread(store->index, thread, state);
	return r;
}

int hd_initialize(
	const struct hd_initialize_options *options, struct hd_store **ret_store, struct hd_state *ret_state)
{
	HD_CLEANUP(clear_description) struct hd_base_description description = {0};
	HD_AUTO_FREE char *path = NULL;
	const char *thread = options->thread ? options->thread : HD_INITIALIZE_THREAD;
	struct hd_state state = {0};
	struct hd_store *store;
	int r;

	r = hd_thread_name_check(thread);
	if (r < 0)
		return hd_fail_in(r, "thread '%s'", thread);
	r = describe_base(options, &description);
	if (r >= 0)
		r = choose_place(options, &description, &path);
	if (r < 0)
		return r;
	r = hd_store_create(path, &store);
	if (r < 0)
		return hd_fail_in(r, "%s", path);
	r = fill_store(store, &description, thread, &state);
	if (r < 0) {
		hd_state_clear(&state);
		hd_store_free(store);
		(void)hd_directory_remove_tree(AT_FDCWD, path);
		return hd_fail_in(r, "make the store %s", path);
	}
	*ret_store = store;
	*ret_state = state;
	return 0;
}
