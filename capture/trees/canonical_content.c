/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/trees/canonical_content.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/bases/git/base_git_contents.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/store/tree_codec.h"

/*
 * Names must depend on nothing but the content, so the rule asks for what never changes: the commit at which the
 * history begins. The head would not do: it is what the thread happened to have before.
 *
 * A directory's git id is computed from its entries and looked up. That cannot find a tree that says more than its
 * entries show: a submodule's commit (shown as an empty directory), a mode git no longer writes, a name that is
 * left out. Such a tree is recognised at its own place only, by comparing entries. Elsewhere the same entries are an
 * encoded tree: an empty directory that somebody made is no submodule. As the place is part of the whole tree, equal
 * whole trees still have equal names, with one exception: whoever moves such a directory without looking into it
 * moves the submodule with it, and the tree that is named so stays named so.
 *
 * Files and directories that were left alone need no question: their references are the commit's own, or were
 * canonical when they were captured.
 */

#define READ_PIECE (1u << 20)

struct hd_canonical {
	struct hd_store *store;           /* borrowed */
	struct hd_base_set *bases;        /* borrowed */
	struct hd_state base;             /* owned: where the history begins */
	bool is_git;                      /* the base is a commit */
	struct hd_git_contents *contents; /* owned; NULL until something is asked */
	struct hd_tree_view *base_view;   /* owned */
};

uint32_t hd_canonical_mode(uint32_t mode)
{
	return S_ISLNK(mode) ? S_IFLNK | 0777 : mode & (S_IFMT | 07777);
}

uint32_t hd_canonical_device(uint32_t mode, uint32_t device)
{
	return S_ISCHR(mode) || S_ISBLK(mode) ? device : 0;
}

bool hd_canonical_same_entries(
	const struct hd_snapshot_node *node, const struct hd_tree_view_listing *listing)
{
	if (listing->count != node->n_children)
		return false;
	for (size_t i = 0; i < node->n_children; i++) {
		const struct hd_snapshot_node *child = &node->children[i];
		const struct hd_tree_view_entry *entry = &listing->entries[i];

		if (hd_tree_compare_names(entry->name, entry->name_length, child->name, child->name_length) !=
				0 ||
			hd_canonical_mode(entry->mode) != hd_canonical_mode(child->attributes.mode) ||
			hd_canonical_device(entry->mode, entry->device) !=
				hd_canonical_device(child->attributes.mode, child->attributes.device) ||
			!hd_content_equal(&entry->content, &child->content))
			return false;
	}
	return true;
}

/* ---- the base ---- */

int hd_canonical_new_at(struct hd_store *store, struct hd_base_set *bases, const struct hd_state_id *state,
	struct hd_canonical **ret_canonical)
{
	struct hd_canonical *canonical = calloc(1, sizeof(*canonical));
	int r;

	if (!canonical)
		return -ENOMEM;
	canonical->store = store;
	canonical->bases = bases;
	r = hd_index_find_first(store->index, state, &canonical->base);
	/* Of what is shown converted, the names are still those of the commit's own tree. */
	if (r >= 0 && canonical->base.git_tree.kind != HD_CONTENT_NONE) {
		canonical->base.tree = canonical->base.git_tree;
		canonical->base.attributes = (struct hd_content){0};
	}
	if (r >= 0)
		r = hd_tree_view_of_state(canonical->bases, &canonical->base, &canonical->base_view);
	if (r < 0) {
		hd_canonical_free(canonical);
		return r;
	}
	canonical->is_git = canonical->base.is_base && canonical->base.tree.kind == HD_CONTENT_GIT;
	*ret_canonical = canonical;
	return 0;
}

/* A thread's own first state is not that of its history when it began at a capture. */
int hd_canonical_new(struct hd_store *store, struct hd_base_set *bases, const char *thread_name,
	struct hd_canonical **ret_canonical)
{
	struct hd_thread thread;
	int r = hd_index_get_thread(store->index, thread_name, &thread);

	if (r < 0)
		return r;
	r = hd_canonical_new_at(store, bases, &thread.base, ret_canonical);
	hd_thread_clear(&thread);
	return r;
}

void hd_canonical_free(struct hd_canonical *canonical)
{
	if (!canonical)
		return;
	hd_git_contents_free(canonical->contents);
	hd_tree_view_free(canonical->base_view);
	hd_state_clear(&canonical->base);
	free(canonical);
}

static int open_contents(struct hd_canonical *canonical)
{
	if (canonical->contents)
		return 0;
	return hd_git_contents_open(canonical->store, &canonical->base.tree, &canonical->contents);
}

/* 1 with the content that names ID, if the commit has it, else 0. */
static int find_in_commit(struct hd_canonical *canonical, enum hd_git_kind kind,
	const uint8_t id[HD_GIT_ID_SIZE], struct hd_content *ret_content)
{
	int r = hd_git_contents_has(canonical->contents, kind, id);

	if (r <= 0)
		return r;
	*ret_content = (struct hd_content){
		.kind = HD_CONTENT_GIT, .length = HD_GIT_ID_SIZE, .base = canonical->base.tree.base};
	memcpy(ret_content->bytes, id, HD_GIT_ID_SIZE);
	return 1;
}

/* ---- files ---- */

static int append_pieces(
	struct hd_canonical *canonical, const struct hd_snapshot_node *node, struct hd_git_hash *hash)
{
	uint64_t size = node->attributes.size, offset = 0;
	HD_AUTO_FREE char *piece = malloc(READ_PIECE);

	if (!piece)
		return -ENOMEM;
	while (offset < size) {
		size_t got = 0;
		int r = hd_object_store_read(
			canonical->store->objects, &node->content, piece, READ_PIECE, offset, &got);

		if (r < 0)
			return r;
		if (got == 0)
			return hd_fail(EIO, "the content ends at byte %llu of %llu",
				(unsigned long long)offset, (unsigned long long)size);
		r = hd_git_hash_append(hash, piece, got);
		if (r < 0)
			return r;
		offset += got;
	}
	return 0;
}

static int hash_large_file(
	struct hd_canonical *canonical, const struct hd_snapshot_node *node, uint8_t ret_id[HD_GIT_ID_SIZE])
{
	struct hd_git_hash *hash;
	int r = hd_git_hash_new(HD_GIT_BLOB, node->attributes.size, &hash);

	if (r < 0)
		return r;
	r = append_pieces(canonical, node, hash);
	if (r < 0) {
		hd_git_hash_free(hash);
		return r;
	}
	return hd_git_hash_finish(hash, ret_id);
}

/* Of bytes that are in the store, or of none. */
static int hash_file(
	struct hd_canonical *canonical, const struct hd_snapshot_node *node, uint8_t ret_id[HD_GIT_ID_SIZE])
{
	HD_AUTO_FREE void *data = NULL;
	size_t size = 0;
	int r = 0;

	if (node->content.kind == HD_CONTENT_CHUNKED)
		return hash_large_file(canonical, node, ret_id);
	if (node->content.kind == HD_CONTENT_OBJECT)
		r = hd_object_store_get(
			canonical->store->objects, &node->content, HD_CHUNK_SIZE, &data, &size);
	return r < 0 ? r : hd_git_hash_bytes(HD_GIT_BLOB, data, size, ret_id);
}

/* The head has a file of a commit there: the base's, or one that git made in the mount, or that came by a landing. */
static bool may_be_blob(const struct hd_tree_view_entry *head, uint64_t size)
{
	return head && head->content.kind == HD_CONTENT_GIT && head->content.length == HD_GIT_ID_SIZE &&
	       (head->size_unknown || head->size == size);
}

int hd_canonical_name_file(
	struct hd_canonical *canonical, struct hd_snapshot_node *node, const struct hd_tree_view_entry *head)
{
	uint8_t id[HD_GIT_ID_SIZE];
	bool is_head;
	int r;

	if (!canonical->is_git)
		return 0;
	/* What was restored from a state of a directory is that directory's file still: it is not copied. */
	if (node->content.kind == HD_CONTENT_GIT || node->content.kind == HD_CONTENT_HOST ||
		(head && hd_content_equal(&head->content, &node->content)))
		return 1;
	r = open_contents(canonical);
	if (r >= 0)
		r = hd_git_contents_may_have_size(canonical->contents, node->attributes.size);
	if (r < 0 || (r == 0 && !may_be_blob(head, node->attributes.size)))
		return r < 0 ? r : 1;
	r = hash_file(canonical, node, id);
	if (r < 0)
		return r;
	is_head = may_be_blob(head, node->attributes.size) &&
		  memcmp(head->content.bytes, id, HD_GIT_ID_SIZE) == 0;
	/* Whether or not the commit has it, this is its name. */
	if (is_head && head->content.base == canonical->base.tree.base)
		r = 0;
	else
		r = find_in_commit(canonical, HD_GIT_BLOB, id, &node->content);
	if (r == 0 && is_head)
		node->content = head->content;
	return r < 0 ? r : 1;
}

/* ---- directories ---- */

struct hd_canonical_place {
	struct hd_canonical_place *parent; /* borrowed */
	const char *name;                  /* borrowed */
	size_t name_length;
	bool is_known;                       /* what follows is: the base was looked into */
	bool exists;                         /* the base has a directory there */
	struct hd_tree_view_entry directory; /* its name is borrowed from the parent's listing */
	struct hd_tree_view_listing listing; /* owned */
};

int hd_canonical_enter(struct hd_canonical_place *parent, const char *name, size_t name_length,
	struct hd_canonical_place **ret_place)
{
	struct hd_canonical_place *place = calloc(1, sizeof(*place));

	if (!place)
		return -ENOMEM;
	place->parent = parent;
	place->name = name;
	place->name_length = name_length;
	*ret_place = place;
	return 0;
}

void hd_canonical_leave(struct hd_canonical_place *place)
{
	if (place)
		hd_tree_view_listing_clear(&place->listing);
	free(place);
}

/* Looks into the base for PLACE, whose parent is known. */
static int find_place(struct hd_canonical *canonical, struct hd_canonical_place *place)
{
	int r;

	place->is_known = true;
	if (place->parent) {
		const struct hd_tree_view_entry *entry =
			hd_tree_view_listing_find(&place->parent->listing, place->name, place->name_length);

		if (!entry || !S_ISDIR(entry->mode))
			return 0;
		place->directory = *entry;
	} else {
		hd_tree_view_root(canonical->base_view, &place->directory);
	}
	r = hd_tree_view_list_references(canonical->base_view, &place->directory, &place->listing);
	if (r == -HD_E_BASE_OBJECT) {
		hd_error_clear(); /* a partial clone lacks it: then nothing here can be what it shows */
		return 0;
	}
	place->exists = r >= 0;
	return r;
}

/* Finds PLACE from the last one above it that is known, downwards. */
static int know_place(struct hd_canonical *canonical, struct hd_canonical_place *place)
{
	HD_AUTO_FREE struct hd_canonical_place **unknown = NULL;
	size_t count = 0, capacity = 0;
	int r = 0;

	for (; r >= 0 && place && !place->is_known; place = place->parent) {
		r = HD_ARRAY_RESERVE(unknown, count, capacity);
		if (r >= 0)
			unknown[count++] = place;
	}
	while (r >= 0 && count > 0)
		r = find_place(canonical, unknown[--count]);
	return r < 0 ? r : 0;
}

/* Whether a tree of git may show just this: blobs, trees, and directories without a tree. */
static bool may_be_tree(const struct hd_snapshot_node *node)
{
	for (size_t i = 0; i < node->n_children; i++) {
		const struct hd_snapshot_node *child = &node->children[i];

		if (child->content.kind != HD_CONTENT_GIT &&
			(child->content.kind != HD_CONTENT_NONE || !S_ISDIR(child->attributes.mode)))
			return false;
	}
	return true;
}

/* Sets *RET_ENTRY to what git would have of NODE; false when git cannot have it as it is, or the commit has not. */
static bool git_entry_of(const struct hd_snapshot_node *node, struct hd_git_tree_entry *ret_entry)
{
	uint32_t mode = hd_canonical_mode(node->attributes.mode);

	if (node->content.kind != HD_CONTENT_GIT || node->content.length != HD_GIT_ID_SIZE)
		return false;
	if (mode != (S_IFREG | 0644) && mode != (S_IFREG | 0755) && mode != (S_IFDIR | 0755) &&
		mode != (S_IFLNK | 0777))
		return false;
	*ret_entry = (struct hd_git_tree_entry){.name = node->name,
		.name_length = node->name_length,
		.mode = mode,
		.id = node->content.bytes};
	return true;
}

/* 1 when the id of the git tree that NODE would be is that of a tree of the commit. */
static int find_tree(
	struct hd_canonical *canonical, const struct hd_snapshot_node *node, struct hd_content *ret_content)
{
	HD_AUTO_FREE struct hd_git_tree_entry *entries = calloc(node->n_children, sizeof(*entries));
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	uint8_t id[HD_GIT_ID_SIZE];
	int r;

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < node->n_children; i++) {
		if (!git_entry_of(&node->children[i], &entries[i]))
			return 0;
	}
	r = hd_git_tree_encode(entries, node->n_children, &bytes);
	if (r >= 0)
		r = hd_git_hash_bytes(HD_GIT_TREE, bytes.data, bytes.size, id);
	return r < 0 ? r : find_in_commit(canonical, HD_GIT_TREE, id, ret_content);
}

bool hd_canonical_may_name(const struct hd_canonical *canonical, const struct hd_snapshot_node *node)
{
	return canonical->is_git && may_be_tree(node);
}

int hd_canonical_name_directory(struct hd_canonical *canonical, struct hd_canonical_place *place,
	const struct hd_snapshot_node *node, struct hd_content *ret_content)
{
	int r;

	if (!hd_canonical_may_name(canonical, node))
		return 0;
	r = open_contents(canonical);
	if (r >= 0 && hd_git_contents_has_unusual_trees(canonical->contents))
		r = know_place(canonical, place);
	if (r < 0)
		return r;
	if (place->exists && hd_canonical_same_entries(node, &place->listing)) {
		*ret_content = place->directory.content;
		return 1;
	}
	if (node->n_children == 0) {
		*ret_content = (struct hd_content){0};
		return 1;
	}
	return find_tree(canonical, node, ret_content);
}
