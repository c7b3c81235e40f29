/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/import/import_git.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/import/import_names.h"
#include "capture/git/import/import_tips.h"
#include "capture/git/import/import_walk.h"
#include "overlay/bases/base.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/bases/git/base_git_reference.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/threads/work.h"

/*
 * Order: what is new is collected; references pin it, and are synced; states; names. So there is no moment at which git may
 * collect what a state needs. Pins are named after what they pin, and are never moved: other stores may have them too.
 */

#define TAG_PIN "refs/heddle/tag/"

struct import_run {
	const struct hd_import_git_options *options;
	struct hd_store *store;
	struct hd_base_set *bases;
	git_repository *repository; /* owned */
	char *location;             /* owned: as exports name it */
	uint16_t base;
	struct hd_import_tips tips;
	struct hd_import_walk walk;
};

static void run_clear(struct import_run *run)
{
	hd_import_walk_clear(&run->walk);
	hd_import_tips_clear(&run->tips);
	git_repository_free(run->repository);
	free(run->location);
}

/* ---- the repository ---- */

/* 1 with the base of the repository at LOCATION, or, if that is NULL, with the first git base; 0 when there is none. */
static int find_base(struct hd_index *index, const char *location, struct hd_base_record *ret_record)
{
	for (unsigned number = 1; number <= UINT16_MAX; number++) {
		HD_AUTO_FREE char *real = NULL;
		struct hd_base_record record = {0};
		int r = hd_index_get_base(index, (uint16_t)number, &record);

		if (r == -HD_E_BASE_MISSING)
			break;
		if (r < 0)
			return r;
		real = location && record.kind == HD_BASE_GIT ? realpath(record.location, NULL) : NULL;
		if (record.kind == HD_BASE_GIT && (!location || (real && strcmp(real, location) == 0))) {
			*ret_record = record;
			return 1;
		}
		hd_base_record_clear(&record);
	}
	hd_error_clear();
	return 0;
}

static int choose_path(struct import_run *run, char **ret_path)
{
	struct hd_base_record record = {0};
	int r;

	if (run->options->repository) {
		*ret_path = strdup(run->options->repository);
		return *ret_path ? 0 : -ENOMEM;
	}
	r = find_base(run->store->index, NULL, &record);
	if (r < 0)
		return r;
	if (r == 0)
		return hd_fail(HD_E_REPOSITORY_MISSING, "the store has no git base: name a repository");
	*ret_path = HD_STEAL(record.location);
	hd_base_record_clear(&record);
	return 0;
}

/* A base that is this repository under another path is that base. */
static int choose_base(struct import_run *run)
{
	struct hd_base_record record = {0};
	int r = find_base(run->store->index, run->location, &record);

	if (r > 0)
		run->base = record.number;
	hd_base_record_clear(&record);
	return r != 0 ? r : hd_index_add_base(run->store->index, HD_BASE_GIT, run->location, &run->base);
}

static int open_repository(struct import_run *run)
{
	HD_AUTO_FREE char *path = NULL;
	int g;
	int r = choose_path(run, &path);

	if (r < 0)
		return r;
	g = git_repository_open_ext(&run->repository, path, 0, NULL);
	if (g < 0)
		return hd_git_library_fail(
			g == GIT_ENOTFOUND ? HD_E_REPOSITORY_MISSING : HD_E_REPOSITORY, "%s", path);
	run->location = realpath(git_repository_commondir(run->repository), NULL);
	return run->location ? 0 : hd_fail_errno("%s", path);
}

static int collect_tips(struct import_run *run)
{
	const char *const *revision = run->options->revisions;
	int r = 0;

	if (!revision || !*revision)
		r = hd_import_tips_all(run->repository, &run->tips);
	for (; revision && *revision && r >= 0; revision++)
		r = hd_import_tips_add(run->repository, *revision, &run->tips);
	if (r < 0)
		return r;
	if (run->options->thread && run->tips.count != 1)
		return hd_fail(HD_E_USAGE, "--thread goes with one revision");
	if (run->tips.count == 0)
		return hd_fail(HD_E_REVISION_MISSING, "%s has no branches and no tags", run->location);
	return 0;
}

/* ---- pins ---- */

static int pin(struct import_run *run, const char *name, const git_oid *id)
{
	git_oid there;
	int r = 0;

	if (git_reference_name_to_id(&there, run->repository, name) == 0 && git_oid_equal(&there, id))
		return 0;
	if (hd_git_reference_set(run->repository, name, id, true, NULL, NULL) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "pin %s in %s", git_oid_tostr_s(id), run->location);
	return r < 0 ? r : 1;
}

/* An annotated tag is an object, which says who tagged and may be signed. An export finds it again by this name. */
static int pin_tag(struct import_run *run, const struct hd_import_tip *tip)
{
	HD_AUTO_FREE char *name = NULL;

	if (!tip->name || tip->is_branch || git_oid_equal(&tip->object, &tip->commit))
		return 0;
	if (asprintf(&name, TAG_PIN "%s/%s", git_oid_tostr_s(&tip->object), tip->name) < 0) {
		name = NULL;
		return -ENOMEM;
	}
	return pin(run, name, &tip->object);
}

/* Known commits were pinned when they became known, and those that another tip leads to, are with it. */
static int pin_commit(struct import_run *run, size_t number)
{
	const git_oid *commit = &run->tips.items[number].commit;
	const git_oid *state = hd_export_map_get(&run->walk.states, commit->id);
	char name[64];

	if (!state || !git_oid_is_zero(state) || run->walk.covered[number])
		return 0;
	(void)snprintf(name, sizeof(name), "refs/heddle/base/%s", git_oid_tostr_s(commit));
	return pin(run, name, commit);
}

static int pin_all(struct import_run *run)
{
	HD_AUTO_CLOSE int fd = -1;
	bool pinned = false;
	int r = 0;

	for (size_t i = 0; i < run->tips.count && r >= 0; i++) {
		r = pin_commit(run, i);
		pinned |= r > 0;
		if (r >= 0)
			r = pin_tag(run, &run->tips.items[i]);
		pinned |= r > 0;
		if (r >= 0)
			r = hd_work_advance(0);
	}
	if (r < 0 || !pinned)
		return r;
	fd = hd_directory_open(AT_FDCWD, run->location);
	r = fd < 0 ? fd : hd_file_sync_filesystem(fd);
	return r < 0 ? hd_fail_in(r, "sync %s", run->location) : 0;
}

/* ---- all ---- */

static int import(struct import_run *run, struct hd_import_git_result *result)
{
	struct hd_index *index = run->store->index;
	int r = hd_git_library_start();

	if (r >= 0 && run->options->thread)
		r = hd_thread_name_check(run->options->thread);
	if (r >= 0)
		r = open_repository(run);
	if (r >= 0)
		r = collect_tips(run);
	if (r >= 0)
		r = choose_base(run);
	if (r >= 0)
		r = hd_index_prepare_import(index);
	if (r < 0)
		return r;
	run->walk.repository = run->repository;
	run->walk.store = run->store;
	run->walk.index = index;
	run->walk.bases = run->bases;
	run->walk.location = run->location;
	run->walk.base = run->base;
	r = hd_import_walk_collect(&run->walk, &run->tips);
	if (r >= 0)
		r = pin_all(run);
	if (r >= 0)
		r = hd_import_walk_publish(&run->walk);
	if (r >= 0)
		r = hd_work_finish();
	if (r >= 0)
		r = hd_import_names_set(index, run->options, &run->walk, &run->tips, result);
	result->commits = run->walk.n_order;
	result->no_commits = run->tips.no_commits;
	return r;
}

int hd_import_git(struct hd_store *store, struct hd_base_set *bases,
	const struct hd_import_git_options *options, struct hd_import_git_result *ret_result)
{
	struct import_run run = {.options = options, .store = store, .bases = bases};
	struct hd_import_git_result result = {0};
	int r = import(&run, &result);

	result.repository = HD_STEAL(run.location);
	run_clear(&run);
	if (r < 0) {
		hd_import_git_result_clear(&result);
		return r;
	}
	*ret_result = result;
	return 0;
}

void hd_import_git_result_clear(struct hd_import_git_result *result)
{
	for (size_t i = 0; i < result->n_names; i++) {
		free(result->names[i].reference);
		free(result->names[i].name);
	}
	free(result->names);
	free(result->repository);
	*result = (struct hd_import_git_result){0};
}
