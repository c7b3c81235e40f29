/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/export/export_all.h"

#include <errno.h>
#include <git2.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/export/export_copy.h"
#include "capture/git/export/export_target.h"
#include "capture/git/import/import_tips.h"
#include "capture/git/thread_branch.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"

/*
 * Everything is written first, into as few packs as there can be, and brought to the disk once; then the references are decided,
 * one by one.
 *
 * Imported branches come first: what is made of other states in a new repository has their commits to build on. The one that
 * is the repository's HEAD comes first of them, because a new one's HEAD is the first branch.
 */

/* One reference. */
struct part {
	struct hd_export_target_item item; /* owned */
	size_t place;                      /* in the result */
	bool is_written;
};

/* A commit that a tag leads to, as it was imported. */
struct imported {
	uint16_t base; /* from which */
	git_oid commit;
};

struct everything {
	struct hd_store *store;
	struct hd_base_set *bases;
	const struct hd_export_git_options *options;
	struct hd_export_all_result *result;
	struct hd_export_target target;
	struct part *parts; /* owned array */
	size_t n_parts, capacity;
	struct imported *imported; /* owned array */
	size_t n_imported, imported_capacity;
	bool is_first;    /* only the branch that is a new repository's HEAD; else only the others */
	bool is_branches; /* only imported branches; else only tags */
};

static void everything_clear(struct everything *all)
{
	for (size_t i = 0; i < all->n_parts; i++)
		hd_export_target_item_clear(&all->parts[i].item);
	free(all->parts);
	free(all->imported);
	hd_export_target_close(&all->target);
}

static bool can_go_on(int r)
{
	return r == -HD_E_REFERENCE_MOVED || r == -HD_E_REFERENCE_ELSEWHERE ||
	       r == -HD_E_REFERENCE_COLLIDES || r == -HD_E_BRANCH_CHECKED_OUT || r == -HD_E_EXPORT_NAME;
}

/* Says of the result's item at PLACE why its reference, called NAME, was left alone. */
static int refuse(struct everything *all, size_t place, const char *name, int r)
{
	struct hd_export_item *item = &all->result->items[place];

	r = hd_fail_in(r, "export '%s'", name);
	free(item->reference);
	item->reference = strdup(name);
	item->reason = strdup(hd_error_message(r));
	all->result->n_refused++;
	hd_error_clear();
	return item->reference && item->reason ? 0 : -ENOMEM;
}

static const char *name_of(const struct hd_export_git_options *options)
{
	return options->tag ? options->tag : options->branch ? options->branch : options->thread;
}

/* ---- commits that were imported ---- */

static int collect_imported(const struct hd_tag *tag, void *payload)
{
	struct everything *all = payload;
	struct hd_state state = {0};
	struct imported imported;
	bool is_whole = false;
	int r = hd_index_get_state(all->store->index, &tag->state, &state);

	if (r >= 0)
		r = hd_export_copy_is_whole(&all->target.objects, &state, &is_whole);
	if (r >= 0 && is_whole && git_oid_fromstr(&imported.commit, state.git_commit) == 0) {
		imported.base = hd_state_git_tree(&state)->base;
		r = HD_ARRAY_RESERVE(all->imported, all->n_imported, all->imported_capacity);
		if (r >= 0)
			all->imported[all->n_imported++] = imported;
	}
	hd_state_clear(&state);
	return r < 0 ? r : 0;
}

/* Those of BASE, whose place is taken by the last ones. */
static int copy_from_base(struct everything *all, uint16_t base)
{
	git_oid *commits = calloc(all->n_imported, sizeof(*commits));
	size_t count = 0, i = 0;
	int r;

	if (!commits)
		return -ENOMEM;
	while (i < all->n_imported) {
		if (all->imported[i].base != base) {
			i++;
			continue;
		}
		commits[count++] = all->imported[i].commit;
		all->imported[i] = all->imported[--all->n_imported];
	}
	r = hd_export_copy_commits(&all->target.objects, base, commits, count);
	free(commits);
	return r;
}

/* What all tags lead to is copied at once: one by one, each were a pack. */
static int copy_imported(struct everything *all)
{
	int r = hd_index_list_tags(all->store->index, collect_imported, all);

	while (r >= 0 && all->n_imported > 0)
		r = copy_from_base(all, all->imported[0].base);
	return r;
}

static int open_target(struct everything *all, const struct hd_export_target_item *item)
{
	int r = hd_export_target_open(&all->target, all->store, all->bases, all->options, item);

	return r < 0 ? r : copy_imported(all);
}

/* ---- one ---- */

static int write_part(struct everything *all, struct part *part, const struct hd_export_git_options *options)
{
	int r = hd_export_target_item_begin(all->store, options, &part->item);

	if (r >= 0 && !all->target.repository)
		r = open_target(all, &part->item);
	if (r >= 0)
		r = hd_export_target_write(&all->target, &part->item, options->tag);
	part->is_written = r >= 0;
	return r;
}

static int export_one(struct everything *all, const struct hd_export_git_options *options)
{
	struct hd_export_all_result *result = all->result;
	struct part *part;
	int r = hd_work_advance(0);

	if (r < 0)
		return r;
	if (HD_ARRAY_RESERVE(result->items, result->n_items, result->capacity) < 0 ||
		HD_ARRAY_RESERVE(all->parts, all->n_parts, all->capacity) < 0)
		return -ENOMEM;
	part = &all->parts[all->n_parts++];
	*part = (struct part){.place = result->n_items++};
	result->items[part->place] = (struct hd_export_item){0};
	r = write_part(all, part, options);
	return can_go_on(r) ? refuse(all, part->place, name_of(options), r) : r;
}

static struct hd_export_git_options options_for(const struct everything *all, const char *label)
{
	return (struct hd_export_git_options){.thread = label,
		.repository = all->options->repository,
		.with_ignored = all->options->with_ignored,
		.keep_empty = all->options->keep_empty};
}

/* ---- references ---- */

/* What a person calls it, of its whole name. */
static const char *short_name(const char *reference)
{
	const char *name = strchr(reference + strlen("refs/"), '/');

	return name ? name + 1 : reference;
}

static int move_part(struct everything *all, const struct part *part)
{
	struct hd_export_item *item = &all->result->items[part->place];
	bool unchanged;
	int r;

	if (!part->is_written)
		return 0;
	r = hd_export_target_move(&all->target, &part->item, all->options->force, &unchanged);
	if (r < 0)
		return can_go_on(r) ? refuse(all, part->place, short_name(part->item.reference), r) : r;
	item->reference = strdup(part->item.reference);
	item->target = strdup(git_oid_tostr_s(&part->item.id));
	item->commits = part->item.commits;
	item->unchanged = unchanged;
	return item->reference && item->target ? 0 : -ENOMEM;
}

static int move_references(struct everything *all)
{
	struct hd_export_all_result *result = all->result;
	int r;

	if (!all->target.repository)
		return 0;
	r = hd_export_target_finish(&all->target);
	for (size_t i = 0; i < all->n_parts && r >= 0; i++)
		r = move_part(all, &all->parts[i]);
	if (r >= 0)
		r = hd_export_target_note(&all->target);
	if (r < 0)
		return r;
	result->notes = hd_export_notes_count(&all->target.notes);
	for (size_t i = 0; i < result->n_items; i++)
		result->commits += result->items[i].commits;
	result->skipped = all->target.tree.skipped;
	result->ignored = all->target.tree.ignored;
	result->repository = strdup(all->target.location);
	return result->repository ? 0 : -ENOMEM;
}

/* ---- tags, and branches that were imported ---- */

/* Whether the target is the repository that an imported STATE is a commit of. */
static int is_from_target(struct everything *all, const struct hd_state *state, bool *ret_is)
{
	HD_AUTO_FREE char *from = NULL;
	struct hd_base_record record = {0};
	int r;

	*ret_is = false;
	if (!state->is_base || !state->git_commit || !all->target.location || !hd_state_git_tree(state))
		return 0;
	r = hd_index_get_base(all->store->index, hd_state_git_tree(state)->base, &record);
	from = record.location ? realpath(record.location, NULL) : NULL;
	*ret_is = from && strcmp(from, all->target.location) == 0;
	hd_base_record_clear(&record);
	return r < 0 ? r : 0;
}

static bool is_likely_head(const char *branch)
{
	return strcmp(branch, "main") == 0 || strcmp(branch, "master") == 0;
}

static bool is_branch(const struct hd_tag *tag)
{
	return strncmp(tag->name, HD_IMPORT_BRANCH_PREFIX, strlen(HD_IMPORT_BRANCH_PREFIX)) == 0;
}

/* Whether BRANCH is what a thread is exported to: then it is the thread's, wherever it was when it was imported. */
static int is_of_thread(struct everything *all, const char *branch, bool *ret_is)
{
	size_t prefix = strlen(HD_THREAD_BRANCH_PREFIX) - strlen("refs/heads/");
	struct hd_thread thread = {0};
	int r;

	*ret_is = false;
	if (strncmp(branch, &HD_THREAD_BRANCH_PREFIX[strlen("refs/heads/")], prefix) != 0)
		return 0;
	r = hd_index_get_thread(all->store->index, branch + prefix, &thread);
	*ret_is = r >= 0;
	hd_thread_clear(&thread);
	if (r != -HD_E_THREAD_MISSING)
		return r < 0 ? r : 0;
	hd_error_clear();
	return 0;
}

static int export_tag(const struct hd_tag *tag, void *payload)
{
	struct everything *all = payload;
	struct hd_export_git_options options = options_for(all, tag->name);
	const char *branch = tag->name + (is_branch(tag) ? strlen(HD_IMPORT_BRANCH_PREFIX) : 0);
	struct hd_state state = {0};
	bool is_own = false;
	int r;

	if (is_branch(tag) != all->is_branches ||
		(all->is_branches && is_likely_head(branch) != all->is_first))
		return 0;
	options.head = &tag->state;
	if (!is_branch(tag)) {
		options.tag = tag->name;
		return export_one(all, &options);
	}
	options.branch = branch;
	r = hd_index_get_state(all->store->index, &tag->state, &state);
	if (r >= 0)
		r = is_from_target(all, &state, &is_own);
	if (r >= 0 && !is_own)
		r = is_of_thread(all, branch, &is_own);
	hd_state_clear(&state);
	return r < 0 || is_own ? r : export_one(all, &options);
}

/* ---- threads ---- */

static int export_thread(const struct hd_thread *thread, void *payload)
{
	struct everything *all = payload;
	struct hd_export_git_options options = options_for(all, thread->name);

	/* It was the first of all. */
	if (!all->options->repository && strcmp(thread->name, all->options->thread) == 0)
		return 0;
	return export_one(all, &options);
}

/* The thread that says where everything goes. */
static int export_named_thread(struct everything *all)
{
	struct hd_export_git_options options = options_for(all, all->options->thread);
	int r = export_one(all, &options);

	if (r >= 0 && !all->target.repository)
		return hd_fail(HD_E_REPOSITORY_MISSING,
			"nothing says where to, as thread '%s' was not exported: name a repository",
			all->options->thread);
	return r;
}

static int write_everything(struct everything *all)
{
	struct hd_index *index = all->store->index;
	int r = 0;

	if (!all->options->repository)
		r = export_named_thread(all);
	all->is_branches = all->is_first = true;
	if (r >= 0)
		r = hd_index_list_tags(index, export_tag, all);
	all->is_first = false;
	if (r >= 0)
		r = hd_index_list_tags(index, export_tag, all);
	all->is_branches = false;
	if (r >= 0)
		r = hd_index_list_tags(index, export_tag, all);
	if (r >= 0)
		r = hd_index_list_threads(index, export_thread, all);
	return r < 0 ? r : 0;
}

int hd_export_all(struct hd_store *store, struct hd_base_set *bases,
	const struct hd_export_git_options *options, struct hd_export_all_result *ret_result)
{
	struct hd_export_all_result result = {0};
	struct everything all = {.store = store, .bases = bases, .options = options, .result = &result};
	int r = hd_git_library_start();

	if (r >= 0)
		r = write_everything(&all);
	if (r >= 0)
		r = move_references(&all);
	everything_clear(&all);
	if (r < 0) {
		hd_export_all_result_clear(&result);
		return r;
	}
	*ret_result = result;
	return 0;
}

void hd_export_all_result_clear(struct hd_export_all_result *result)
{
	for (size_t i = 0; i < result->n_items; i++) {
		free(result->items[i].reference);
		free(result->items[i].target);
		free(result->items[i].reason);
	}
	free(result->items);
	free(result->repository);
	*result = (struct hd_export_all_result){0};
}
