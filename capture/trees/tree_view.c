/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/trees/tree_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/trees/tree_listing.h"
#include "capture/trees/tree_pairs.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/store/tree_codec.h"

/*
 * Two sources hide behind a view, and one listing may need either: the changed part of a snapshot is nodes in
 * memory, everything below an unchanged directory (and all of a state) is listed from the bases by its
 * reference. Which one it is belongs to the entry (`node`), not to the view, so that a walk passes from one
 * to the other without noticing.
 *
 * Bases list in their own order (git sorts directories as if they ended in '/'): a listing is sorted here,
 * once, and everything above merges sorted listings. A name that occurs twice would make every merge wrong,
 * so it is refused.
 *
 * A capture goes through the same directories of the head several times: to name what it has, to find what moved, to
 * count. So what can never change is kept, the first KEPT_BYTES of it: who comes again comes in the same order, and would
 * find nothing any more if the oldest were given up.
 */

#define KEPT_BYTES (24u << 20)
#define KEPT_CHAINS 1024u

struct kept_listing {
	struct kept_listing *next;
	struct hd_content content, attributes;
	struct hd_tree_view_listing listing; /* owned */
};

struct hd_tree_view {
	struct hd_base_set *bases;    /* borrowed */
	struct hd_snapshot *snapshot; /* borrowed; NULL for a state */
	struct hd_tree_view_entry root;
	struct hd_object_store *objects; /* borrowed; NULL unless attributes are left out */
	struct kept_listing **kept;      /* owned array of KEPT_CHAINS lists; NULL while there are none */
	size_t kept_bytes;
	struct hd_tree_pairs *pairs; /* owned; of a snapshot */
};

/* Collects a listing. Entries hold offsets into NAMES, in `name_offsets`, until the names stop moving. */
struct listing_builder {
	struct hd_buffer entries; /* of struct hd_tree_view_entry */
	struct hd_buffer names;
	bool without_sizes;
};

int hd_tree_view_of_state(
	struct hd_base_set *bases, const struct hd_state *state, struct hd_tree_view **ret_view)
{
	struct hd_tree_view *view = calloc(1, sizeof(*view));

	if (!view)
		return -ENOMEM;
	view->bases = bases;
	view->root = (struct hd_tree_view_entry){.name = "", .mode = S_IFDIR | 0755};
	if (state) {
		view->root.mode = S_IFDIR | (state->root_mode & 07777);
		view->root.content = state->tree;
		view->root.attributes = state->attributes;
	}
	*ret_view = view;
	return 0;
}

int hd_tree_view_of_snapshot(
	struct hd_base_set *bases, struct hd_snapshot *snapshot, struct hd_tree_view **ret_view)
{
	struct hd_tree_view *view = calloc(1, sizeof(*view));

	if (!view)
		return -ENOMEM;
	view->bases = bases;
	view->snapshot = snapshot;
	hd_tree_view_entry_of_node(hd_snapshot_root(snapshot), &view->root);
	*ret_view = view;
	return 0;
}

/* ---- listings that are kept ---- */

static struct kept_listing **kept_chain(struct hd_tree_view *view, const struct hd_content *content)
{
	uint64_t digits;

	memcpy(&digits, content->bytes, sizeof(digits));
	return &view->kept[digits % KEPT_CHAINS];
}

static bool find_kept(struct hd_tree_view *view, const struct hd_base_directory *source,
	struct hd_tree_view_listing *ret_listing)
{
	const struct kept_listing *kept = view->kept ? *kept_chain(view, &source->content) : NULL;

	while (kept && (!hd_content_equal(&kept->content, &source->content) ||
			       !hd_content_equal(&kept->attributes, &source->attributes)))
		kept = kept->next;
	if (kept)
		*ret_listing = kept->listing;
	return kept != NULL;
}

/* Takes LISTING over if there is room for it: without, or without memory, it is the caller's alone. */
static void keep(struct hd_tree_view *view, const struct hd_base_directory *source, size_t names_size,
	struct hd_tree_view_listing *listing)
{
	size_t bytes = sizeof(struct kept_listing) + listing->count * sizeof(*listing->entries) + names_size;
	struct kept_listing *kept;

	/* A host directory may be another one next time. */
	if ((source->content.kind != HD_CONTENT_OBJECT && source->content.kind != HD_CONTENT_GIT) ||
		view->kept_bytes + bytes > KEPT_BYTES)
		return;
	if (!view->kept)
		view->kept = calloc(KEPT_CHAINS, sizeof(struct kept_listing *));
	kept = view->kept ? calloc(1, sizeof(*kept)) : NULL;
	if (!kept)
		return;
	listing->kept = true;
	*kept = (struct kept_listing){.next = *kept_chain(view, &source->content),
		.content = source->content,
		.attributes = source->attributes,
		.listing = *listing};
	*kept_chain(view, &source->content) = kept;
	view->kept_bytes += bytes;
}

static void free_kept(struct hd_tree_view *view)
{
	for (size_t i = 0; view->kept && i < KEPT_CHAINS; i++) {
		while (view->kept[i]) {
			struct kept_listing *kept = view->kept[i];

			view->kept[i] = kept->next;
			free(kept->listing.entries);
			free(kept->listing.names);
			free(kept);
		}
	}
	free(view->kept);
}

void hd_tree_view_free(struct hd_tree_view *view)
{
	if (!view)
		return;
	free_kept(view);
	hd_tree_pairs_free(view->pairs);
	free(view);
}

void hd_tree_view_root(struct hd_tree_view *view, struct hd_tree_view_entry *ret_root)
{
	*ret_root = view->root;
}

static int add_entry(struct listing_builder *builder, const struct hd_tree_view_entry *entry)
{
	hd_buffer_put(&builder->entries, entry, sizeof(*entry));
	hd_buffer_put(&builder->names, entry->name, entry->name_length);
	hd_buffer_put_u8(&builder->names, 0);
	if (hd_buffer_status(&builder->entries) < 0)
		return hd_buffer_status(&builder->entries);
	return hd_buffer_status(&builder->names);
}

static int emit_base_entry(const struct hd_base_entry *base_entry, void *payload)
{
	const struct listing_builder *builder = payload;
	size_t length = strlen(base_entry->name);
	struct hd_tree_view_entry entry = {
		.name = base_entry->name,
		.name_length = (uint16_t)length,
		.mode = base_entry->mode,
		.device = base_entry->device,
		.size = base_entry->size,
		.content = base_entry->content,
		.attributes = base_entry->attributes,
		.size_unknown = builder->without_sizes && base_entry->content.kind == HD_CONTENT_GIT &&
				!S_ISDIR(base_entry->mode),
	};

	if (length == 0 || length > 255)
		return hd_fail(HD_E_TREE_CORRUPT, "a base lists a name of %zu bytes", length);
	return add_entry(payload, &entry);
}

static int compare_entries(const void *a, const void *b)
{
	const struct hd_tree_view_entry *left = a, *right = b;

	return hd_tree_compare_names(left->name, left->name_length, right->name, right->name_length);
}

/* Strictly, as what the store has is. */
static bool is_sorted(const struct hd_tree_view_listing *listing)
{
	for (size_t i = 1; i < listing->count; i++)
		if (compare_entries(&listing->entries[i - 1], &listing->entries[i]) >= 0)
			return false;
	return true;
}

/* The names are taken out of their buffer first: taking them may move them. */
static int builder_finish(struct listing_builder *builder, struct hd_tree_view_listing *ret_listing)
{
	struct hd_tree_view_listing listing = {.count = builder->entries.size / sizeof(*listing.entries)};
	const char *name;

	listing.entries = hd_buffer_steal(&builder->entries, NULL);
	listing.names = hd_buffer_steal(&builder->names, NULL);
	if (!listing.entries || !listing.names) {
		hd_tree_view_listing_clear(&listing);
		return -ENOMEM;
	}
	name = listing.names;
	for (size_t i = 0; i < listing.count; i++) {
		listing.entries[i].name = name;
		name += listing.entries[i].name_length + 1u;
	}
	if (is_sorted(&listing)) {
		*ret_listing = listing;
		return 0;
	}
	qsort(listing.entries, listing.count, sizeof(*listing.entries), compare_entries);
	for (size_t i = 1; i < listing.count; i++) {
		if (compare_entries(&listing.entries[i - 1], &listing.entries[i]) == 0) {
			int r = hd_fail(HD_E_TREE_CORRUPT, "'%s' occurs twice in one directory",
				listing.entries[i].name);

			hd_tree_view_listing_clear(&listing);
			return r;
		}
	}
	*ret_listing = listing;
	return 0;
}

/* Nodes are sorted, and their names stay where they are. */
static int list_nodes(struct hd_snapshot_node *directory, struct hd_tree_view_listing *ret_listing)
{
	struct hd_tree_view_entry *entries = reallocarray(NULL, directory->n_children + 1, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < directory->n_children; i++)
		hd_tree_view_entry_of_node(&directory->children[i], &entries[i]);
	*ret_listing = (struct hd_tree_view_listing){.entries = entries, .count = directory->n_children};
	return 0;
}

static int list_base(struct hd_tree_view *view, const struct hd_base_directory *source,
	struct hd_tree_view_listing *ret_listing)
{
	struct listing_builder builder = {.without_sizes = source->without_sizes};
	size_t names_size = 0;
	int r;

	if (find_kept(view, source, ret_listing))
		return 0;
	if (view->objects && source->content.kind == HD_CONTENT_OBJECT) {
		r = hd_tree_listing_of_object(view->objects, &source->content, ret_listing, &names_size);
	} else {
		r = hd_base_set_list(view->bases, source, emit_base_entry, &builder);
		names_size = builder.names.size;
		if (r >= 0)
			r = builder_finish(&builder, ret_listing);
	}
	/* What has no sizes is not for everybody. */
	if (r >= 0 && !source->without_sizes)
		keep(view, source, names_size, ret_listing);
	hd_buffer_clear(&builder.entries);
	hd_buffer_clear(&builder.names);
	return r;
}

/* What a partial directory was, with what changed instead. The names of what did not stay those of LISTING. */
static int replace_changed(struct hd_snapshot_node *directory, struct hd_tree_view_listing *listing)
{
	struct hd_tree_view_entry *entries = reallocarray(NULL, listing->count + 1, sizeof(*entries));
	size_t next = 0;

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < listing->count; i++) {
		struct hd_snapshot_node *child =
			next < directory->n_children ? &directory->children[next] : NULL;

		entries[i] = listing->entries[i];
		if (!child || hd_tree_compare_names(entries[i].name, entries[i].name_length, child->name,
				      child->name_length) != 0)
			continue;
		hd_tree_view_entry_of_node(child, &entries[i]);
		next++;
	}
	if (next < directory->n_children) {
		free(entries);
		return hd_fail(
			HD_E_TREE_CORRUPT, "no entry '%s' where it was", directory->children[next].name);
	}
	if (!listing->kept)
		free(listing->entries);
	*listing = (struct hd_tree_view_listing){
		.entries = entries, .count = listing->count, .names = listing->kept ? NULL : listing->names};
	return 0;
}

static int list_partial(struct hd_tree_view *view, struct hd_snapshot_node *directory,
	struct hd_tree_view_listing *ret_listing)
{
	const struct hd_base_directory source = {
		.content = directory->origin, .attributes = directory->origin_attributes};
	struct hd_tree_view_listing listing = {0};
	int r = list_base(view, &source, &listing);

	if (r >= 0)
		r = replace_changed(directory, &listing);
	if (r < 0) {
		hd_tree_view_listing_clear(&listing);
		return r;
	}
	*ret_listing = listing;
	return 0;
}

static int list(struct hd_tree_view *view, const struct hd_tree_view_entry *directory, bool without_sizes,
	struct hd_tree_view_listing *ret_listing)
{
	const struct hd_base_directory source = {.content = directory->content,
		.attributes = directory->attributes,
		.without_sizes = without_sizes,
		.without_attributes = view->objects != NULL};

	if (!S_ISDIR(directory->mode))
		return -ENOTDIR;
	if (!directory->node || !directory->node->children)
		return list_base(view, &source, ret_listing);
	return directory->node->partial ? list_partial(view, directory->node, ret_listing)
					: list_nodes(directory->node, ret_listing);
}

int hd_tree_view_list(struct hd_tree_view *view, const struct hd_tree_view_entry *directory,
	struct hd_tree_view_listing *ret_listing)
{
	return list(view, directory, false, ret_listing);
}

int hd_tree_view_list_references(struct hd_tree_view *view, const struct hd_tree_view_entry *directory,
	struct hd_tree_view_listing *ret_listing)
{
	return list(view, directory, true, ret_listing);
}

int hd_tree_view_size(struct hd_tree_view *view, const struct hd_tree_view_entry *entry, uint64_t *ret_size)
{
	if (entry->size_unknown)
		return hd_base_set_size(view->bases, &entry->content, ret_size);
	*ret_size = entry->size;
	return 0;
}

void hd_tree_view_leave_out_attributes(struct hd_tree_view *view, struct hd_object_store *objects)
{
	view->objects = objects;
}

int hd_tree_view_note_pair(struct hd_tree_view *old_view, const struct hd_tree_view_entry *old_directory,
	const struct hd_tree_view_listing *old_listing, struct hd_tree_view *new_view,
	struct hd_snapshot_node *node)
{
	/* A host directory may be another one next time. */
	if (old_directory->content.kind == HD_CONTENT_HOST)
		return 0;
	return hd_tree_pairs_note(&new_view->pairs, old_view, &old_directory->content, old_listing, node);
}

int hd_tree_view_list_pair(struct hd_tree_view *old_view, const struct hd_tree_view_entry *old_directory,
	struct hd_tree_view *new_view, const struct hd_tree_view_entry *new_directory,
	struct hd_tree_view_listing *ret_old, struct hd_tree_view_listing *ret_new)
{
	struct hd_tree_view_listing old = {0};
	int r;

	if (new_directory->node && new_view->pairs &&
		hd_tree_pairs_find(new_view->pairs, old_view, &old_directory->content, new_directory->node,
			ret_old, ret_new))
		return 0;
	r = hd_tree_view_list(old_view, old_directory, &old);
	if (r >= 0)
		r = hd_tree_view_list(new_view, new_directory, ret_new);
	if (r < 0) {
		hd_tree_view_listing_clear(&old);
		return r;
	}
	*ret_old = old;
	return 0;
}

void hd_tree_view_listing_clear(struct hd_tree_view_listing *listing)
{
	if (!listing->kept) {
		free(listing->entries);
		free(listing->names);
	}
	*listing = (struct hd_tree_view_listing){0};
}

HD_TREE_ASSERT_NAMED(struct hd_tree_view_entry);

const struct hd_tree_view_entry *hd_tree_view_listing_find(
	const struct hd_tree_view_listing *listing, const char *name, size_t name_length)
{
	size_t at = hd_tree_find_name(
		listing->entries, listing->count, sizeof(*listing->entries), name, name_length);

	return at < listing->count ? &listing->entries[at] : NULL;
}

int hd_tree_view_read(struct hd_tree_view *view, const struct hd_tree_view_entry *file, void *buffer,
	size_t size, uint64_t offset, size_t *ret_size)
{
	if (!S_ISREG(file->mode) && !S_ISLNK(file->mode))
		return S_ISDIR(file->mode) ? -EISDIR : -EINVAL;
	if (file->unreferenced)
		return hd_snapshot_read(view->snapshot, file->node, buffer, size, offset, ret_size);
	if (hd_content_is_none(&file->content)) {
		*ret_size = 0;
		return 0;
	}
	return hd_base_set_read(view->bases, &file->content, buffer, size, offset, ret_size);
}

int hd_tree_view_read_whole(struct hd_tree_view *view, const struct hd_tree_view_entry *file, size_t limit,
	char **ret_data, size_t *ret_size)
{
	HD_AUTO_FREE char *data = NULL;
	size_t size = 0;
	int r;

	if (file->size > limit)
		return -EFBIG;
	data = malloc((size_t)file->size + 1);
	if (!data)
		return -ENOMEM;
	while (size < file->size) {
		size_t part;

		r = hd_tree_view_read(view, file, data + size, (size_t)file->size - size, size, &part);
		if (r < 0)
			return r;
		if (part == 0)
			break;
		size += part;
	}
	data[size] = '\0';
	*ret_data = HD_STEAL(data);
	*ret_size = size;
	return 0;
}
