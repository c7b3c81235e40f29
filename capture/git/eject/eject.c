/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/eject/eject.h"

#include <errno.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/archive/export_directory.h"
#include "capture/git/eject/eject_index.h"
#include "capture/git/eject/eject_objects.h"
#include "capture/git/eject/eject_original.h"
#include "capture/ignore_rules.h"
#include "capture/trees/tree_find.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

/*
 * Order: the repository before the files, because the root may become a directory that nobody may write; the index after
 * them, because it says what they look like.
 *
 * The original's objects come as files, not by a fetch: packs stay as they are, histories that are shallow or borrow from
 * others need no care, and nothing has to be found out about what the thread needs.
 */

struct ejection {
	const struct hd_eject *job;
	struct hd_state head, tree;                 /* owned */
	struct hd_tree_view *head_view, *tree_view; /* owned */
	struct hd_ignore *ignore;                   /* owned */
	git_repository *repository;                 /* owned */
	git_index *index;                           /* owned */
	char *path;                                 /* owned: of the directory */
	char *reference;                            /* owned: of the branch */
	git_oid base;                               /* the commit that the history begins at */
	git_oid at;                                 /* where the branch is in the original; zero: nowhere */
	struct hd_eject_result result;
};

static void ejection_clear(struct ejection *ejection)
{
	git_index_free(ejection->index);
	git_repository_free(ejection->repository);
	hd_ignore_free(ejection->ignore);
	hd_tree_view_free(ejection->head_view);
	hd_tree_view_free(ejection->tree_view);
	hd_state_clear(&ejection->head);
	hd_state_clear(&ejection->tree);
	free(ejection->path);
	free(ejection->reference);
}

static int find_path(struct ejection *ejection)
{
	char link[64];
	int valid = 0;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", ejection->job->root_fd);
	ejection->path = realpath(link, NULL);
	if (!ejection->path)
		return hd_fail_errno("find the new directory");
	if (asprintf(&ejection->reference, "refs/heads/%s", ejection->job->branch) < 0) {
		ejection->reference = NULL;
		return -ENOMEM;
	}
	if (git_reference_name_is_valid(&valid, ejection->reference) < 0 || !valid)
		return hd_fail(HD_E_EXPORT_NAME, "'%s' cannot be a branch: name another with --branch",
			ejection->job->branch);
	return 0;
}

static int check_tree(struct ejection *ejection)
{
	struct hd_tree_view_entry entry;
	int r = hd_tree_find(ejection->tree_view, ".git", &entry);

	if (r >= 0)
		return hd_fail(
			EEXIST, "the tree has a .git of its own: 'heddle export dir' writes it as it is");
	hd_error_clear();
	return r == -HD_E_PATH_MISSING ? 0 : r;
}

static int prepare(struct ejection *ejection)
{
	const struct hd_eject *job = ejection->job;
	int r = hd_git_library_start();

	if (r >= 0)
		r = find_path(ejection);
	if (r >= 0)
		r = hd_index_get_state(job->store->index, job->head, &ejection->head);
	if (r >= 0)
		r = hd_index_get_state(job->store->index, job->tree, &ejection->tree);
	if (r >= 0)
		r = hd_tree_view_of_state(job->bases, &ejection->head, &ejection->head_view);
	if (r >= 0)
		r = hd_tree_view_of_state(job->bases, &ejection->tree, &ejection->tree_view);
	return r < 0 ? r : check_tree(ejection);
}

/* ---- the repository ---- */

static int open_git_directory(const struct ejection *ejection, const char *name)
{
	return hd_directory_open(ejection->job->root_fd, name);
}

static int initialize(const struct ejection *ejection)
{
	git_repository_init_options options;
	git_repository *repository = NULL;
	int g;

	(void)git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
	options.flags = GIT_REPOSITORY_INIT_NO_REINIT;
	options.initial_head = ejection->reference;
	g = git_repository_init_ext(&repository, ejection->path, &options);
	git_repository_free(repository);
	return g < 0 ? hd_git_library_fail(HD_E_REPOSITORY, "make a repository at %s", ejection->path) : 0;
}

static int open_repository(struct ejection *ejection)
{
	if (git_repository_open_ext(
		    &ejection->repository, ejection->path, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "%s", ejection->path);
	return 0;
}

/* FIRST is the state at which the history begins. */
static int take_original(struct ejection *ejection, const struct hd_state *first, const char *location)
{
	HD_AUTO_CLOSE int git_fd = open_git_directory(ejection, ".git");
	HD_AUTO_CLOSE int objects_fd = open_git_directory(ejection, ".git/objects");
	HD_AUTO_FREE char *objects = NULL, *config = NULL;
	int r = git_fd < 0 ? git_fd : objects_fd < 0 ? objects_fd : 0;

	if (r == 0 && (asprintf(&objects, "%s/objects", location) < 0 ||
			      asprintf(&config, "%s/.git/config", ejection->path) < 0))
		r = -ENOMEM;
	if (r == 0)
		r = hd_eject_files_copy(location, git_fd);
	if (r >= 0)
		r = hd_eject_config_repair(location, config);
	if (r >= 0)
		r = hd_eject_objects_copy(objects, objects_fd);
	if (r >= 0)
		r = open_repository(ejection);
	if (r >= 0 && git_oid_fromstr(&ejection->base, first->git_commit) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "the base's commit");
	return r < 0 ? r
		     : hd_eject_references_copy(
			       location, ejection->repository, ejection->reference, &ejection->at);
}

static int make_repository(struct ejection *ejection)
{
	struct hd_index *index = ejection->job->store->index;
	struct hd_base_record record = {0};
	struct hd_state first = {0};
	int r = initialize(ejection);

	if (r >= 0)
		r = hd_index_find_first(index, ejection->job->head, &first);
	if (r >= 0 && first.git_commit && hd_state_git_tree(&first)) {
		r = hd_index_get_base(index, hd_state_git_tree(&first)->base, &record);
		if (r >= 0)
			r = take_original(ejection, &first, record.location);
		hd_base_record_clear(&record);
	} else if (r >= 0) {
		r = open_repository(ejection);
	}
	hd_state_clear(&first);
	return r;
}

static int write_commits(struct ejection *ejection)
{
	const struct hd_eject *job = ejection->job;
	struct hd_export_git_options options = {.thread = job->thread,
		.head = job->head,
		.repository = ejection->path,
		.branch = job->branch,
		.without_notes = job->without_notes,
		.is_forgotten = true};
	int r = hd_export_git(job->store, job->bases, &options, &ejection->result.commits);

	/* What moved references on this way is of no use to anybody. */
	if (r >= 0)
		r = hd_directory_remove_tree(job->root_fd, ".git/logs");
	return r == -ENOENT ? 0 : r;
}

/* A branch that has only what the thread has, by a landing for instance, goes on from where the original has it; no other does. */
static int check_branch(const struct ejection *ejection)
{
	const git_oid *at = &ejection->at;
	git_oid commit;

	/* At the base first, so that nobody asks for parents that a shallow history has not. */
	if (git_oid_is_zero(at) || git_oid_equal(at, &ejection->base))
		return 0;
	if (git_oid_fromstr(&commit, ejection->result.commits.commit) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "the commit of the export");
	if (git_oid_equal(at, &commit) || git_graph_descendant_of(ejection->repository, &commit, at) == 1)
		return 0;
	return hd_fail(EEXIST,
		"the repository has a branch '%s' with commits that the thread has not: name another "
		"with --branch",
		ejection->job->branch);
}

/* ---- the working tree ---- */

static bool is_tracked(const struct ejection *ejection, const char *path, bool is_directory)
{
	HD_AUTO_FREE char *prefix = NULL;

	if (!is_directory)
		return git_index_get_bypath(ejection->index, path, 0) != NULL;
	if (asprintf(&prefix, "%s/", path) < 0) {
		prefix = NULL;
		return true;
	}
	return git_index_find_prefix(NULL, ejection->index, prefix) == 0;
}

static bool is_submodule(const struct ejection *ejection, const char *path)
{
	const git_index_entry *entry = git_index_get_bypath(ejection->index, path, 0);

	return entry && entry->mode == GIT_FILEMODE_COMMIT;
}

/*
 * Whether PATH is a file .git of a submodule, or of one in it: the repository that it names is in the original's, and git in the
 * new directory would work on what the mount has.
 */
static bool points_away(
	const struct ejection *ejection, const char *path, const struct hd_snapshot_node *node)
{
	HD_AUTO_FREE char *above = NULL;
	const char *name = strrchr(path, '/');
	char *slash;

	if (!name || strcmp(name, "/.git") != 0 || !S_ISREG(node->attributes.mode))
		return false;
	above = strdup(path);
	while (above && (slash = strrchr(above, '/'))) {
		*slash = '\0';
		if (is_submodule(ejection, above))
			return true;
	}
	return !above;
}

static int wants(const char *path, const struct hd_snapshot_node *node, void *payload)
{
	struct ejection *ejection = payload;
	bool is_directory = S_ISDIR(node->attributes.mode), ignored = false;
	int r;

	if (points_away(ejection, path, node)) {
		ejection->result.submodules++;
		return 0;
	}
	if (!ejection->ignore || strcmp(path, ".") == 0)
		return 1;
	r = hd_ignore_check(ejection->ignore, path, is_directory, &ignored);
	if (r < 0 || !ignored)
		return r < 0 ? r : 1;
	return is_tracked(ejection, path, is_directory);
}

static int write_files(struct ejection *ejection)
{
	const struct hd_eject *job = ejection->job;
	struct hd_directory_export export = {.store = job->store,
		.bases = job->bases,
		.state = &ejection->tree,
		.root_fd = job->root_fd,
		.wants = wants,
		.payload = ejection};
	int r = 0;

	if (job->without_ignored)
		r = hd_ignore_new(job->store, ejection->tree_view, job->head, &ejection->ignore);
	return r < 0 ? r : hd_export_directory(&export, &ejection->result.files);
}

static int read_index(struct ejection *ejection)
{
	HD_AUTO_FREE char *path = NULL;

	if (asprintf(&path, "%s/.git/index", ejection->path) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return hd_eject_index_read(
		ejection->repository, ejection->result.commits.commit, path, &ejection->index);
}

static int run(struct ejection *ejection)
{
	int r = prepare(ejection);

	if (r >= 0)
		r = make_repository(ejection);
	if (r >= 0)
		r = write_commits(ejection);
	if (r >= 0)
		r = check_branch(ejection);
	if (r >= 0)
		r = read_index(ejection);
	if (r >= 0)
		r = write_files(ejection);
	if (r >= 0)
		r = hd_eject_index_write(
			ejection->index, ejection->head_view, ejection->tree_view, ejection->job->root_fd);
	return r;
}

int hd_eject(const struct hd_eject *eject, struct hd_eject_result *ret_result)
{
	struct ejection ejection = {.job = eject};
	int r = run(&ejection);

	ejection_clear(&ejection);
	if (r < 0) {
		hd_eject_result_clear(&ejection.result);
		return r;
	}
	*ret_result = ejection.result;
	return 0;
}

void hd_eject_result_clear(struct hd_eject_result *result)
{
	hd_export_git_result_clear(&result->commits);
}
