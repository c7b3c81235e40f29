/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/smudge/smudge_difference.h"

#include <errno.h>
#include <git2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/smudge/smudge_file.h"
#include "overlay/bases/git/base_git_identity.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"
#include "overlay/store/tree_codec.h"

/* Recursion is bounded by DEPTH_MAX, as that of the merge that comes after it. */

#define DEPTH_MAX 500

enum side { BEFORE, AFTER, SIDES };

struct comparing {
	const struct hd_smudge_place *place;
	struct hd_attribute_names names; /* owned */
	struct hd_tree_view *view;       /* owned: of the state */
	struct hd_tree_view *worktree;   /* owned; NULL: none is known */
	struct hd_buffer path;           /* of the directory, with a slash behind it unless empty */
	unsigned depth;
};

/* A directory of one of the trees. */
struct half {
	bool exists;
	git_odb_object *object;        /* owned */
	struct hd_git_tree tree;       /* owned */
	struct hd_tree_entry *entries; /* owned: what it becomes */
	bool is_changed;
};

struct directory {
	struct half halves[SIDES];
	struct hd_tree_view_listing listing;  /* owned: what the state has there */
	struct hd_tree_view_listing worktree; /* owned: what the worktree has there */
	struct hd_attribute_level level;
	struct hd_attribute_file *file;       /* owned: rules of the second tree; NULL: none */
	const struct hd_attribute_level *top; /* its own, or the nearest above */
};

/* What a directory is in the two trees (NULL: it is none there), in the state, and in the worktree. */
struct meeting {
	const uint8_t *ids[SIDES];
	const struct hd_tree_view_entry *shown, *worktree;
	const struct hd_attribute_level *top;
};

static int compare(
	struct comparing *comparing, const struct meeting *meeting, struct hd_content contents[SIDES]);

static void directory_clear(struct directory *directory)
{
	for (unsigned side = 0; side < SIDES; side++) {
		hd_git_tree_clear(&directory->halves[side].tree);
		git_odb_object_free(directory->halves[side].object);
		free(directory->halves[side].entries);
	}
	hd_tree_view_listing_clear(&directory->listing);
	hd_tree_view_listing_clear(&directory->worktree);
	hd_attribute_file_free(directory->file);
}

/* ---- reading ---- */

static int read_half(struct comparing *comparing, const uint8_t *id, struct half *half)
{
	int r;

	if (!id)
		return 0;
	r = hd_smudge_read_tree(comparing->place, id, &half->object, &half->tree);
	if (r < 0)
		return r;
	half->exists = true;
	half->entries = calloc(half->tree.count + 1, sizeof(*half->entries));
	if (!half->entries)
		return -ENOMEM;
	for (size_t i = 0; i < half->tree.count; i++) {
		const struct hd_git_tree_entry *git = &half->tree.entries[i];

		half->entries[i] = (struct hd_tree_entry){
			.name = git->name, .name_length = (uint16_t)git->name_length, .mode = git->mode};
		if (!git->is_commit)
			half->entries[i].content = hd_smudge_raw(comparing->place, git->id);
	}
	return 0;
}

static int read_directory(
	struct comparing *comparing, const struct meeting *meeting, struct directory *directory)
{
	size_t base = comparing->path.size > 0 ? comparing->path.size - 1 : 0;
	const uint8_t *id;
	int r = 0;

	for (unsigned side = 0; side < SIDES && r >= 0; side++)
		r = read_half(comparing, meeting->ids[side], &directory->halves[side]);
	if (r >= 0 && meeting->shown && S_ISDIR(meeting->shown->mode))
		r = hd_tree_view_list(comparing->view, meeting->shown, &directory->listing);
	if (r >= 0 && meeting->worktree && S_ISDIR(meeting->worktree->mode))
		r = hd_tree_view_list(comparing->worktree, meeting->worktree, &directory->worktree);
	if (r >= 0 && directory->halves[AFTER].exists)
		r = hd_smudge_rules(comparing->place, &comparing->names, &directory->halves[AFTER].tree,
			base == 0, &directory->file, &id);
	directory->top = meeting->top;
	if (r < 0 || !directory->file)
		return r;
	directory->level = (struct hd_attribute_level){meeting->top, directory->file, base};
	directory->top = &directory->level;
	return 0;
}

/* ---- entries ---- */

static bool is_directory(const struct hd_git_tree_entry *git)
{
	return git && S_ISDIR(git->mode) && !git->is_commit;
}

static bool is_same(const struct hd_git_tree_entry *a, const struct hd_git_tree_entry *b)
{
	return a && b && (a->mode & S_IFMT) == (b->mode & S_IFMT) && a->is_commit == b->is_commit &&
	       memcmp(a->id, b->id, HD_GIT_ID_SIZE) == 0;
}

/* Whether the worktree has something else there than the state. */
static bool is_left_otherwise(const struct meeting *there)
{
	return there->shown && there->worktree &&
	       (there->shown->mode & S_IFMT) == (there->worktree->mode & S_IFMT) &&
	       (S_ISREG(there->shown->mode) || S_ISDIR(there->shown->mode)) &&
	       !hd_content_equal(&there->shown->content, &there->worktree->content);
}

/* What the state, or the worktree, has in the place of the blob. */
static void take_shown(const struct hd_tree_view_entry *shown, struct half *half, struct hd_tree_entry *entry)
{
	if (!shown || !S_ISREG(shown->mode) || hd_content_equal(&shown->content, &entry->content))
		return;
	entry->content = shown->content;
	entry->size = shown->size;
	half->is_changed = true;
}

static int append(struct comparing *comparing, const char *name, size_t length, char end, size_t *ret_before)
{
	*ret_before = comparing->path.size;
	hd_buffer_put(&comparing->path, name, length);
	hd_buffer_put_u8(&comparing->path, (uint8_t)end);
	return hd_buffer_status(&comparing->path);
}

/* Whether git has CRLF there, which keeps a file's that only looks like a text. */
static int look_at_blob(struct comparing *comparing, const uint8_t *id, bool *ret_has_crlf)
{
	git_odb_object *object = NULL;
	int r = hd_smudge_read(comparing->place, id, &object);

	if (r < 0)
		return r;
	*ret_has_crlf = hd_convert_has_crlf(git_odb_object_data(object), git_odb_object_size(object));
	git_odb_object_free(object);
	return 0;
}

/* 1: git takes the worktree's file for the blob. */
static int is_clean(struct comparing *comparing, const struct hd_tree_view_entry *file,
	const struct hd_conversion *conversion, const uint8_t *id)
{
	HD_AUTO_FREE char *data = NULL;
	uint8_t cleaned[HD_GIT_ID_SIZE];
	bool has_crlf = false;
	size_t size;
	int r = 0;

	if (!file || !S_ISREG(file->mode) || file->size > HD_SMUDGE_FILE_LIMIT)
		return 0;
	if (hd_eol_is_guessed(conversion->eol))
		r = look_at_blob(comparing, id, &has_crlf);
	if (r >= 0)
		r = hd_smudge_file_clean(
			comparing->worktree, file, conversion, has_crlf, HD_SMUDGE_FILE_LIMIT, &data, &size);
	if (r >= 0)
		r = hd_git_hash_bytes(HD_GIT_BLOB, data, size, cleaned);
	return r < 0 ? r : memcmp(cleaned, id, sizeof(cleaned)) == 0;
}

static int convert_blob(struct comparing *comparing, const struct hd_tree_view_entry *file,
	const struct hd_conversion *conversion, const uint8_t *id, struct hd_tree_entry *entry)
{
	int r = hd_conversion_cleans(conversion) ? is_clean(comparing, file, conversion, id) : 0;

	if (r == 0)
		return hd_smudge_blob(comparing->place, id, conversion, &entry->content, &entry->size);
	if (r < 0 || hd_content_equal(&entry->content, &file->content))
		return r < 0 ? r : 0;
	entry->content = file->content;
	entry->size = file->size;
	return 1;
}

static int ask(struct comparing *comparing, const struct directory *directory,
	const struct hd_git_tree_entry *git, struct hd_conversion *ret_conversion)
{
	size_t before;
	int r = append(comparing, git->name, git->name_length, '\0', &before);

	if (r >= 0)
		r = hd_attribute_stack_ask(&comparing->names, directory->top,
			(const char *)comparing->path.data, ret_conversion);
	comparing->path.size = before;
	return r;
}

static int convert_after(struct comparing *comparing, const struct directory *directory,
	const struct hd_git_tree_entry *git, const struct hd_tree_view_entry *file, struct half *half,
	struct hd_tree_entry *entry)
{
	struct hd_conversion conversion;
	int r;

	if (!hd_attribute_stack_converts(directory->top) &&
		!(file && hd_attribute_stack_cleans(directory->top)))
		return 0;
	r = ask(comparing, directory, git, &conversion);
	if (r >= 0)
		r = convert_blob(comparing, file, &conversion, git->id, entry);
	half->is_changed = half->is_changed || r > 0;
	return r < 0 ? r : 0;
}

/* A blob that both trees have, of which the worktree has not what the state has: by a checkout of it, for one. */
static int compare_left(struct comparing *comparing, struct directory *directory,
	const struct hd_git_tree_entry *git, const struct meeting *there,
	struct hd_tree_entry *const entries[SIDES])
{
	struct hd_conversion conversion;
	int r = ask(comparing, directory, git, &conversion);

	if (r >= 0)
		r = is_clean(comparing, there->worktree, &conversion, git->id);
	if (r <= 0)
		return r;
	take_shown(there->shown, &directory->halves[BEFORE], entries[BEFORE]);
	take_shown(there->worktree, &directory->halves[AFTER], entries[AFTER]);
	return 0;
}

/* The directories of one name, at least one of which is there. */
static int compare_below(struct comparing *comparing, const struct directory *directory,
	const struct hd_git_tree_entry *const git[SIDES], const struct meeting *there,
	struct hd_content contents[SIDES])
{
	const struct hd_git_tree_entry *any = is_directory(git[BEFORE]) ? git[BEFORE] : git[AFTER];
	struct meeting meeting = {.shown = there->shown, .worktree = there->worktree, .top = directory->top};
	size_t before;
	int r = append(comparing, any->name, any->name_length, '/', &before);

	for (unsigned side = 0; side < SIDES; side++)
		meeting.ids[side] = is_directory(git[side]) ? git[side]->id : NULL;
	if (r >= 0)
		r = compare(comparing, &meeting, contents);
	comparing->path.size = before;
	return r;
}

/* ENTRIES are those of one name; NULL where there is none. */
static int compare_name(struct comparing *comparing, struct directory *directory,
	const struct hd_git_tree_entry *const git[SIDES], struct hd_tree_entry *const entries[SIDES])
{
	const struct hd_git_tree_entry *any = git[BEFORE] ? git[BEFORE] : git[AFTER];
	const struct meeting there = {
		.shown = hd_tree_view_listing_find(&directory->listing, any->name, any->name_length),
		.worktree = hd_tree_view_listing_find(&directory->worktree, any->name, any->name_length)};
	struct hd_content contents[SIDES];
	int r = hd_work_advance(0);

	if (r < 0 || (is_same(git[BEFORE], git[AFTER]) && !is_left_otherwise(&there)))
		return r;
	if (is_same(git[BEFORE], git[AFTER]) && S_ISREG(any->mode))
		return compare_left(comparing, directory, any, &there, entries);
	if (git[BEFORE] && S_ISREG(git[BEFORE]->mode))
		take_shown(there.shown, &directory->halves[BEFORE], entries[BEFORE]);
	if (git[AFTER] && S_ISREG(git[AFTER]->mode))
		r = convert_after(comparing, directory, git[AFTER], there.worktree, &directory->halves[AFTER],
			entries[AFTER]);
	if (r < 0 || (!is_directory(git[BEFORE]) && !is_directory(git[AFTER])))
		return r;
	r = compare_below(comparing, directory, git, &there, contents);
	for (unsigned side = 0; side < SIDES && r >= 0; side++) {
		struct half *half = &directory->halves[side];

		if (!is_directory(git[side]))
			continue;
		half->is_changed =
			half->is_changed || !hd_content_equal(&entries[side]->content, &contents[side]);
		entries[side]->content = contents[side];
	}
	return r;
}

static int compare_names(struct comparing *comparing, struct directory *directory)
{
	size_t at[SIDES] = {0};
	int r = 0;

	while (r >= 0) {
		const struct hd_git_tree_entry *git[SIDES] = {0};
		struct hd_tree_entry *entries[SIDES] = {0};
		int order = 0;

		for (unsigned side = 0; side < SIDES; side++)
			if (at[side] < directory->halves[side].tree.count)
				git[side] = &directory->halves[side].tree.entries[at[side]];
		if (!git[BEFORE] && !git[AFTER])
			break;
		if (git[BEFORE] && git[AFTER])
			order = hd_tree_compare_names(git[BEFORE]->name, git[BEFORE]->name_length,
				git[AFTER]->name, git[AFTER]->name_length);
		if (order < 0)
			git[AFTER] = NULL;
		else if (order > 0)
			git[BEFORE] = NULL;
		for (unsigned side = 0; side < SIDES; side++)
			if (git[side])
				entries[side] = &directory->halves[side].entries[at[side]++];
		r = compare_name(comparing, directory, git, entries);
	}
	return r;
}

/* ---- directories ---- */

static int store(
	struct comparing *comparing, struct half *half, const uint8_t *id, struct hd_content *ret_content)
{
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	int r = 0;

	if (!half->exists)
		return 0;
	*ret_content = hd_smudge_raw(comparing->place, id);
	if (!half->is_changed)
		return 0;
	for (size_t i = 0; i < half->tree.count && r >= 0; i++) {
		struct hd_tree_entry *entry = &half->entries[i];

		if (!S_ISDIR(entry->mode) && entry->content.kind == HD_CONTENT_GIT)
			r = hd_smudge_size(comparing->place, entry->content.bytes, &entry->size);
	}
	if (r >= 0)
		r = hd_tree_encode(half->entries, half->tree.count, &bytes);
	return r < 0 ? r
		     : hd_object_store_put(
			       comparing->place->store->objects, bytes.data, bytes.size, ret_content);
}

static int compare(
	struct comparing *comparing, const struct meeting *meeting, struct hd_content contents[SIDES])
{
	HD_CLEANUP(directory_clear) struct directory directory = {0};
	int r;

	if (comparing->depth == DEPTH_MAX)
		return -ELOOP;
	comparing->depth++;
	r = read_directory(comparing, meeting, &directory);
	if (r >= 0)
		r = compare_names(comparing, &directory);
	for (unsigned side = 0; side < SIDES && r >= 0; side++)
		r = store(comparing, &directory.halves[side], meeting->ids[side], &contents[side]);
	comparing->depth--;
	return r;
}

static int compare_roots(struct comparing *comparing, struct hd_base_set *bases,
	const struct hd_smudge_pair *pair, struct hd_content contents[SIDES])
{
	struct hd_tree_view_entry root, worktree_root;
	struct meeting meeting = {.ids = {pair->before, pair->after}, .shown = &root};
	int r = hd_tree_view_of_state(bases, pair->state, &comparing->view);

	if (r >= 0 && pair->worktree)
		r = hd_tree_view_of_state(bases, pair->worktree, &comparing->worktree);
	if (r < 0)
		return r;
	hd_tree_view_root(comparing->view, &root);
	if (pair->worktree) {
		hd_tree_view_root(comparing->worktree, &worktree_root);
		meeting.worktree = &worktree_root;
	}
	return compare(comparing, &meeting, contents);
}

int hd_smudge_difference(const struct hd_smudge_place *place, struct hd_base_set *bases,
	const struct hd_smudge_pair *pair, struct hd_content *ret_before, struct hd_content *ret_after)
{
	struct comparing comparing = {.place = place};
	struct hd_content contents[SIDES];
	int r = compare_roots(&comparing, bases, pair, contents);

	hd_tree_view_free(comparing.view);
	hd_tree_view_free(comparing.worktree);
	hd_attribute_names_clear(&comparing.names);
	hd_buffer_clear(&comparing.path);
	if (r < 0)
		return r;
	*ret_before = contents[BEFORE];
	*ret_after = contents[AFTER];
	return 0;
}
