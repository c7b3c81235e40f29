/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/check/check_types.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"
#include "overlay/store/tree_codec.h"

/*
 * States and the directories below them. Each tree object and each attribute object is read once, whoever refers to it:
 * most states share most of their trees.
 */

#define OBJECT_LIMIT ((size_t)1 << 30)
#define WHERE_SIZE 512

static int check_state(const struct hd_state_id *id, void *payload)
{
	struct hd_check *check = payload;
	char text[HD_STATE_ID_TEXT_SIZE], where[WHERE_SIZE];
	struct hd_state state = {0};
	int r;

	hd_state_id_format(id, text);
	check->report.states++;
	r = hd_work_advance(1);
	if (r < 0)
		return r;
	r = hd_index_get_state(check->store->index, id, &state);
	if (r == -HD_E_STORE_CORRUPT) {
		hd_check_problem(check, "%s", hd_error_message(r));
		return 0;
	}
	if (r < 0)
		return r;
	for (size_t i = 0; i < state.n_parents; i++) {
		char parent_text[HD_STATE_ID_TEXT_SIZE];
		struct hd_state parent;

		hd_state_id_format(&state.parents[i], parent_text);
		r = hd_index_get_state(check->store->index, &state.parents[i], &parent);
		if (r == -HD_E_STATE_MISSING)
			hd_check_problem(check, "state %s: its parent %s is not there", text, parent_text);
		else if (r == 0)
			hd_state_clear(&parent);
	}
	(void)snprintf(where, sizeof(where), "state %s", text);
	r = hd_check_content(check, &state.tree, where);
	if (r == 0)
		r = hd_check_content(check, &state.git_tree, where);
	if (r == 0)
		r = hd_check_content(check, &state.attributes, where);
	if (r == 0)
		r = hd_check_add_directory(check, &state.tree, &state.attributes);
	hd_state_clear(&state);
	return r;
}

int hd_check_states(struct hd_check *check)
{
	hd_work_step(HD_WORK_CHECKING_STATES, 0);
	return hd_index_list_states(check->store->index, check_state, check);
}

int hd_check_add_directory(
	struct hd_check *check, const struct hd_content *tree, const struct hd_content *attributes)
{
	if (HD_ARRAY_RESERVE(check->directories, check->n_directories, check->directory_capacity) < 0)
		return -ENOMEM;
	check->directories[check->n_directories++] =
		(struct hd_checked_directory){.tree = *tree, .attributes = *attributes};
	return 0;
}

/* One directory's bytes. */
struct listing {
	void *tree_data, *attribute_data; /* owned */
	struct hd_tree tree;
	struct hd_attributes_list attributes;
	bool has_tree, has_attributes;
	char name[HD_CONTENT_TEXT_SIZE];
};

static void listing_clear(struct listing *listing)
{
	hd_tree_clear(&listing->tree);
	hd_attributes_clear(&listing->attributes);
	free(listing->tree_data);
	free(listing->attribute_data);
}

/* A failure that says something of the bytes is told; any other ends the check. */
static int tell(struct hd_check *check, int r, const char *what)
{
	if (r != -HD_E_TREE_CORRUPT && r != -HD_E_ATTRIBUTES_CORRUPT && r != -HD_E_OBJECT_CORRUPT)
		return r;
	hd_check_problem(check, "%s: %s", what, hd_error_message(r));
	return 0;
}

/* True when the object can be read and was not yet. */
static bool is_readable(
	struct hd_check *check, const struct hd_content *content, bool *(*seen)(struct hd_checked_object *))
{
	struct hd_checked_object *object;

	if (content->kind != HD_CONTENT_OBJECT)
		return false;
	object = hd_check_find(check, content);
	if (!object || !object->sound)
		return false;
	if (*seen(object))
		return false;
	return *seen(object) = true;
}

static bool *tree_seen(struct hd_checked_object *object)
{
	return &object->tree_seen;
}

static bool *attributes_seen(struct hd_checked_object *object)
{
	return &object->attributes_seen;
}

static int load_tree(struct hd_check *check, const struct hd_content *content, struct listing *listing)
{
	size_t size = 0;
	int r = hd_object_store_get(check->store->objects, content, OBJECT_LIMIT, &listing->tree_data, &size);

	if (r == 0)
		r = hd_tree_decode(listing->tree_data, size, &listing->tree);
	listing->has_tree = r == 0;
	return tell(check, r, listing->name);
}

static int load_attributes(struct hd_check *check, const struct hd_content *content, struct listing *listing)
{
	size_t size = 0;
	int r;

	r = hd_object_store_get(
		check->store->objects, content, OBJECT_LIMIT, &listing->attribute_data, &size);
	if (r == 0)
		r = hd_attributes_decode(listing->attribute_data, size, &listing->attributes);
	listing->has_attributes = r == 0;
	return tell(check, r, listing->name);
}

/* The entry of the attribute object that belongs to entry I of the tree. */
static const struct hd_attribute_entry *attributes_of(const struct listing *listing, size_t i)
{
	size_t own = listing->attributes.count > 0 && listing->attributes.entries[0].name_length == 0;

	return i + own < listing->attributes.count ? &listing->attributes.entries[i + own] : NULL;
}

static int check_entry(struct hd_check *check, const struct listing *listing, size_t i)
{
	const struct hd_tree_entry *entry = &listing->tree.entries[i];
	const struct hd_attribute_entry *attributes =
		listing->has_attributes ? attributes_of(listing, i) : NULL;
	static const struct hd_content none;
	char where[WHERE_SIZE];
	int r;

	(void)snprintf(
		where, sizeof(where), "tree %s: '%.*s'", listing->name, (int)entry->name_length, entry->name);
	r = hd_check_content(check, &entry->content, where);
	if (r == 0 && listing->has_attributes &&
		(!attributes || hd_tree_compare_names(entry->name, entry->name_length, attributes->name,
					attributes->name_length) != 0))
		hd_check_problem(
			check, "%s: the attribute object beside the tree has another name there", where);
	if (r == 0 && attributes)
		r = hd_check_content(check, &attributes->children, where);
	if (r == 0 && S_ISDIR(entry->mode))
		r = hd_check_add_directory(
			check, &entry->content, attributes ? &attributes->children : &none);
	return r;
}

static int check_directory(struct hd_check *check, const struct hd_checked_directory *directory)
{
	struct listing listing = {.has_tree = false};
	bool new_tree = is_readable(check, &directory->tree, tree_seen);
	bool new_attributes = is_readable(check, &directory->attributes, attributes_seen);
	int r = 0;

	if (!new_tree && !new_attributes)
		return 0;
	check->report.directories++;
	(void)hd_content_format(&directory->tree, listing.name);
	if (directory->tree.kind == HD_CONTENT_OBJECT && hd_check_find(check, &directory->tree) &&
		hd_check_find(check, &directory->tree)->sound)
		r = load_tree(check, &directory->tree, &listing);
	if (r == 0 && new_attributes)
		r = load_attributes(check, &directory->attributes, &listing);
	for (size_t i = 0; r == 0 && listing.has_tree && i < listing.tree.count; i++)
		r = check_entry(check, &listing, i);
	listing_clear(&listing);
	return r;
}

int hd_check_directories(struct hd_check *check)
{
	int r = 0;

	hd_work_step(HD_WORK_CHECKING_DIRECTORIES, 0);
	while (r == 0 && check->n_directories > 0) {
		struct hd_checked_directory directory = check->directories[--check->n_directories];

		r = hd_work_advance(1);
		if (r == 0)
			r = check_directory(check, &directory);
	}
	return r;
}
