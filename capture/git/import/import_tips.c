/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/import/import_tips.h"

#include <errno.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/commit_object.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

static void clear_tip(struct hd_import_tip *tip)
{
	free(tip->reference);
	free(tip->name);
}

void hd_import_tips_clear(struct hd_import_tips *tips)
{
	for (size_t i = 0; i < tips->count; i++)
		clear_tip(&tips->items[i]);
	free(tips->items);
	free(tips->excluded);
	*tips = (struct hd_import_tips){0};
}

/* The name that a reference gets in the store; NULL for those that get none. */
static int choose_name(const char *reference, struct hd_import_tip *tip)
{
	static const struct {
		const char *prefix, *name;
		bool is_branch;
	} kinds[] = {
		{"refs/heads/", HD_IMPORT_BRANCH_PREFIX, true},
		{"refs/remotes/", HD_IMPORT_BRANCH_PREFIX, true},
		{"refs/tags/", "", false},
	};

	for (size_t i = 0; i < HD_ARRAY_SIZE(kinds); i++) {
		size_t length = strlen(kinds[i].prefix);

		if (strncmp(reference, kinds[i].prefix, length) != 0)
			continue;
		tip->is_branch = kinds[i].is_branch;
		if (asprintf(&tip->name, "%s%s", kinds[i].name, reference + length) < 0) {
			tip->name = NULL;
			return -ENOMEM;
		}
	}
	return 0;
}

static int append(struct hd_import_tips *tips, struct hd_import_tip *tip)
{
	if (HD_ARRAY_RESERVE(tips->items, tips->count, tips->capacity) < 0) {
		clear_tip(tip);
		return -ENOMEM;
	}
	tips->items[tips->count++] = *tip;
	return 0;
}

/* Object ID, under the name of REFERENCE. 1 when it leads to no commit. */
static int add_object(
	git_repository *repository, const git_oid *id, const char *reference, struct hd_import_tips *tips)
{
	struct hd_import_tip tip = {.object = *id};
	git_odb *odb = NULL;
	int r;

	if (git_repository_odb(&odb, repository) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "open the objects");
	r = hd_commit_object_peel(odb, id, &tip.commit);
	git_odb_free(odb);
	if (r <= 0)
		return r < 0 ? hd_fail_in(r, "%s", reference) : 1;
	tip.reference = strdup(reference);
	r = tip.reference ? choose_name(reference, &tip) : -ENOMEM;
	if (r < 0) {
		clear_tip(&tip);
		return r;
	}
	return append(tips, &tip);
}

static int add_reference(git_repository *repository, git_reference *reference, struct hd_import_tips *tips)
{
	int r;

	/* refs/remotes/origin/HEAD is another name of a branch that comes by itself. */
	if (git_reference_type(reference) != GIT_REFERENCE_DIRECT)
		return 0;
	if (!git_reference_is_branch(reference) && !git_reference_is_remote(reference) &&
		!git_reference_is_tag(reference))
		return 0;
	r = add_object(repository, git_reference_target(reference), git_reference_name(reference), tips);
	if (r > 0)
		tips->no_commits++;
	return r < 0 ? r : 0;
}

int hd_import_tips_all(git_repository *repository, struct hd_import_tips *tips)
{
	git_reference_iterator *iterator = NULL;
	git_reference *reference;
	int r = 0;

	if (git_reference_iterator_new(&iterator, repository) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "list the references");
	while (r == 0) {
		int g = git_reference_next(&reference, iterator);

		if (g == GIT_ITEROVER)
			break;
		if (g < 0) {
			r = hd_git_library_fail(HD_E_REPOSITORY, "list the references");
			break;
		}
		r = add_reference(repository, reference, tips);
		git_reference_free(reference);
	}
	git_reference_iterator_free(iterator);
	return r;
}

static int missing(const char *revision)
{
	return hd_git_library_fail(HD_E_REVISION_MISSING, "revision '%s'", revision);
}

static int exclude(git_repository *repository, const char *revision, struct hd_import_tips *tips)
{
	git_object *object = NULL, *commit = NULL;
	int r = 0;

	if (HD_ARRAY_RESERVE(tips->excluded, tips->n_excluded, tips->excluded_capacity) < 0)
		return -ENOMEM;
	if (git_revparse_single(&object, repository, revision) < 0 ||
		git_object_peel(&commit, object, GIT_OBJECT_COMMIT) < 0)
		r = missing(revision);
	else
		tips->excluded[tips->n_excluded++] = *git_object_id(commit);
	git_object_free(commit);
	git_object_free(object);
	return r;
}

/* A reference is taken by its name alone: libgit2 would read the commit, and refuse some. */
static int include_reference(git_repository *repository, git_reference *reference, const char *revision,
	struct hd_import_tips *tips)
{
	git_reference *resolved = NULL;
	int r;

	if (git_reference_resolve(&resolved, reference) < 0)
		return missing(revision);
	/* A detached HEAD is no name. */
	r = add_object(repository, git_reference_target(resolved),
		strcmp(git_reference_name(resolved), "HEAD") == 0 ? revision : git_reference_name(resolved),
		tips);
	git_reference_free(resolved);
	return r;
}

static int include(git_repository *repository, const char *revision, struct hd_import_tips *tips)
{
	git_reference *reference = NULL;
	git_object *object = NULL;
	int r;

	if (git_reference_dwim(&reference, repository, revision) == 0)
		r = include_reference(repository, reference, revision, tips);
	else if (git_revparse_single(&object, repository, revision) == 0)
		r = add_object(repository, git_object_id(object), revision, tips);
	else
		r = missing(revision);
	git_reference_free(reference);
	git_object_free(object);
	return r > 0 ? hd_fail(HD_E_REVISION_MISSING, "revision '%s' is no commit", revision) : r;
}

int hd_import_tips_add(git_repository *repository, const char *revision, struct hd_import_tips *tips)
{
	const char *dots = strstr(revision, "..");
	HD_AUTO_FREE char *from = NULL;
	int r;

	if (revision[0] == '^')
		return exclude(repository, revision + 1, tips);
	if (!dots)
		return include(repository, revision, tips);
	if (dots[2] == '.')
		return hd_fail(HD_E_USAGE, "'%s': a range is FROM..TO", revision);
	from = strndup(revision, (size_t)(dots - revision));
	if (!from)
		return -ENOMEM;
	r = exclude(repository, *from ? from : "HEAD", tips);
	return r < 0 ? r : include(repository, dots[2] ? dots + 2 : "HEAD", tips);
}
