/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/export_all.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/import_tips.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/work.h"

/*
 * Imported branches come first: what is made of other states in a new repository has their commits to build on. The one that
 * is the repository's HEAD comes first of them, because a new one's HEAD is the first branch.
 */

struct everything {
	struct hd_store *store;
	struct hd_base_set *bases;
	const struct hd_export_git_options *options;
	struct hd_export_all_result *result;
	const char *repository; /* where to; NULL: not known yet */
	bool is_first;          /* only the branch that is a new repository's HEAD; else only the others */
	bool is_branches;       /* only imported branches; else only tags */
};

static bool can_go_on(int r)
{
	return r == -HD_E_REFERENCE_MOVED || r == -HD_E_BRANCH_CHECKED_OUT || r == -HD_E_EXPORT_NAME;
}

static int add_item(struct everything *all, struct hd_export_git_result *exported, const char *name, int r)
{
	struct hd_export_all_result *result = all->result;
	struct hd_export_item *item;

	if (HD_ARRAY_RESERVE(result->items, result->n_items, result->capacity) < 0)
		return -ENOMEM;
	item = &result->items[result->n_items++];
	*item = (struct hd_export_item){0};
	if (r < 0) {
		item->reference = strdup(name);
		item->reason = strdup(hd_error_message(r));
		result->n_refused++;
		hd_error_clear();
		return item->reference && item->reason ? 0 : -ENOMEM;
	}
	item->reference = HD_STEAL(exported->reference);
	item->target = HD_STEAL(exported->commit);
	item->commits = exported->commits;
	item->unchanged = exported->unchanged;
	result->commits += exported->commits;
	result->skipped += exported->skipped;
	result->ignored += exported->ignored;
	if (!result->repository)
		result->repository = HD_STEAL(exported->repository);
	return 0;
}

static int export_one(struct everything *all, const struct hd_export_git_options *options)
{
	struct hd_export_git_result exported = {0};
	const char *name = options->tag ? options->tag : options->branch ? options->branch : options->thread;
	int r = hd_work_advance(0);

	if (r < 0)
		return r;
	r = hd_export_git(all->store, all->bases, options, &exported);
	if (r >= 0 || can_go_on(r))
		r = add_item(all, &exported, name, r);
	hd_export_git_result_clear(&exported);
	return r;
}

static struct hd_export_git_options options_for(const struct everything *all, const char *label)
{
	return (struct hd_export_git_options){.thread = label,
		.repository = all->repository ? all->repository : all->options->repository,
		.with_ignored = all->options->with_ignored,
		.force = all->options->force,
		.is_part = true};
}

/* ---- tags, and branches that were imported ---- */

/* Whether STATE is a commit of the repository that is exported to. */
static int is_from_target(struct everything *all, const struct hd_state_id *id, bool *ret_is)
{
	HD_AUTO_FREE char *from = NULL;
	HD_AUTO_FREE char *to = NULL;
	struct hd_base_record record = {0};
	struct hd_state state = {0};
	int r = hd_index_get_state(all->store->index, id, &state);

	*ret_is = false;
	if (r >= 0 && state.is_base && state.git_commit)
		r = hd_index_get_base(all->store->index, state.tree.base, &record);
	from = record.location ? realpath(record.location, NULL) : NULL;
	to = all->result->repository ? strdup(all->result->repository) : NULL;
	*ret_is = from && to && strcmp(from, to) == 0;
	hd_base_record_clear(&record);
	hd_state_clear(&state);
	return r < 0 ? r : 0;
}

static bool is_likely_head(const char *branch)
{
	return strcmp(branch, "main") == 0 || strcmp(branch, "master") == 0;
}

static int export_tag(const struct hd_tag *tag, void *payload)
{
	struct everything *all = payload;
	struct hd_export_git_options options = options_for(all, tag->name);
	size_t prefix = strlen(HD_IMPORT_BRANCH_PREFIX);
	bool is_branch = strncmp(tag->name, HD_IMPORT_BRANCH_PREFIX, prefix) == 0;
	bool is_own = false;
	int r;

	if (is_branch != all->is_branches ||
		(is_branch && is_likely_head(tag->name + prefix) != all->is_first))
		return 0;
	options.head = &tag->state;
	if (!is_branch) {
		options.tag = tag->name;
		return export_one(all, &options);
	}
	options.branch = tag->name + prefix;
	r = is_from_target(all, &tag->state, &is_own);
	return r < 0 || is_own ? r : export_one(all, &options);
}

/* ---- threads ---- */

static int export_thread(const struct hd_thread *thread, void *payload)
{
	struct everything *all = payload;
	struct hd_export_git_options options = options_for(all, thread->name);

	return export_one(all, &options);
}

/* The thread that says where everything goes. */
static int export_named_thread(struct everything *all)
{
	struct hd_export_git_options options = options_for(all, all->options->thread);
	int r = export_one(all, &options);

	all->repository = all->result->repository;
	return r;
}

static int export_everything(struct everything *all)
{
	struct hd_index *index = all->store->index;
	int r = 0;

	if (!all->options->repository) {
		r = export_named_thread(all);
		if (r >= 0 && !all->repository)
			return hd_fail(HD_E_REPOSITORY_MISSING,
				"nothing says where to, as thread '%s' was not exported: name a repository",
				all->options->thread);
	}
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
	int r = export_everything(&all);

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
