/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/import_base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/identity.h"
#include "capture/smudge/smudge_tree.h"
#include "overlay/bases/base_root.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

static int fill_author(const struct hd_base_description *description, struct hd_state *state)
{
	if (description->author && hd_identity_check(description->author) == 0)
		state->author = strdup(description->author);
	else if (hd_identity_resolve(NULL, NULL, &state->author) < 0)
		state->author = strdup(HD_IDENTITY_UNKNOWN);
	hd_error_clear();
	return state->author ? 0 : -ENOMEM;
}

int hd_import_base_fill(struct hd_store *store, struct hd_base_set *bases,
	const struct hd_base_description *description, uint16_t number, struct hd_state *state)
{
	struct hd_base_entry root;
	struct hd_base_directory root_directory;
	int r;

	state->tree = description->tree;
	state->tree.base = number;
	state->time_s = description->time_s;
	state->zone_minutes = description->zone_minutes;
	state->root_mode = 0755;
	state->is_base = true;
	r = fill_author(description, state);
	if (r < 0)
		return r;
	if (description->commit) {
		state->git_commit = strdup(description->commit);
		if (!state->git_commit)
			return -ENOMEM;
	}
	if (asprintf(&state->message, "base: %s", description->subject) < 0) {
		state->message = NULL;
		return -ENOMEM;
	}
	/* The first read proves that the base can be opened by what the store will remember of it. */
	r = hd_base_set_root(bases, state, &root, &root_directory);
	if (r < 0)
		return r;
	state->root_mode = root.mode & 07777;
	hd_base_root_clear(&root);
	if (store->smudges && description->kind == HD_BASE_GIT)
		r = hd_smudge_state(store, state);
	return r < 0 ? r : hd_base_set_persist(bases);
}

int hd_import_base_commit(struct hd_store *store, struct hd_base_set *bases, const char *location,
	const char *commit, struct hd_state *ret_state)
{
	struct hd_base_description description = {0};
	struct hd_state state = {0};
	uint16_t number;
	int r;

	r = hd_base_git_describe(location, commit, &description);
	if (r >= 0)
		r = hd_index_add_base(store->index, HD_BASE_GIT, location, &number);
	if (r >= 0)
		r = hd_import_base_fill(store, bases, &description, number, &state);
	if (r >= 0)
		r = hd_base_git_pin(location, description.commit);
	if (r >= 0)
		r = hd_object_store_sync(store->objects);
	if (r >= 0)
		r = hd_index_publish(store->index, &state, NULL, NULL);
	hd_base_description_clear(&description);
	if (r < 0) {
		hd_state_clear(&state);
		return hd_fail_in(r, "commit %s", commit);
	}
	*ret_state = state;
	return 0;
}
