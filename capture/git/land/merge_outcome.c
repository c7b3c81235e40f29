/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/land/merge_outcome.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/array.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/*
 * First every conflict is read out of the index and decided, then they are taken out of it, then what was decided goes in.
 * libgit2 silently removes what is in the way of an added entry, a directory's files for a file; and where one side made a
 * file of a directory that the other one emptied otherwise, it has both in the index and calls that merged. So whether a
 * name is a file and a directory at once is looked at before anything is added.
 */

enum side { OURS, THEIRS };

struct outcome {
	char *path; /* owned */
	git_oid id;
	uint32_t mode; /* 0: nothing is there */
	enum side side;
	enum hd_conflict_kind kind;
	bool settled; /* it is none */
};

struct outcomes {
	const struct hd_commit_merge *merge;
	git_index *index;
	struct outcome *items; /* owned array, by path when all are there */
	size_t count, capacity;
};

static void outcomes_clear(struct outcomes *outcomes)
{
	for (size_t i = 0; i < outcomes->count; i++)
		free(outcomes->items[i].path);
	free(outcomes->items);
}

static bool is_file(const git_index_entry *entry)
{
	return entry && S_ISREG(entry->mode);
}

/* ---- one conflict ---- */

static int is_binary(struct outcomes *outcomes, const git_index_entry *entry, bool *binary)
{
	git_blob *blob = NULL;

	if (!entry || *binary)
		return 0;
	if (git_blob_lookup(&blob, outcomes->merge->repository, &entry->id) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "read '%s'", entry->path);
	*binary = git_blob_is_binary(blob) == 1;
	git_blob_free(blob);
	return 0;
}

/* Both versions between markers, as a blob. */
static int merge_lines(struct outcomes *outcomes, const git_index_entry *base, const git_index_entry *ours,
	const git_index_entry *theirs, struct outcome *outcome)
{
	git_repository *repository = outcomes->merge->repository;
	git_merge_file_result result = {0};
	git_merge_file_options options;
	int r = 0;

	(void)git_merge_file_options_init(&options, GIT_MERGE_FILE_OPTIONS_VERSION);
	options.ancestor_label = "base";
	options.our_label = outcomes->merge->ours_name;
	options.their_label = outcomes->merge->theirs_name;
	options.flags = base ? GIT_MERGE_FILE_STYLE_DIFF3 : GIT_MERGE_FILE_STYLE_MERGE;
	if (git_merge_file_from_index(&result, repository, base, ours, theirs, &options) < 0 ||
		git_blob_create_from_buffer(&outcome->id, repository, result.ptr, result.len) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "merge '%s'", ours->path);
	git_merge_file_result_free(&result);
	return r;
}

static uint32_t merged_mode(
	const git_index_entry *base, const git_index_entry *ours, const git_index_entry *theirs)
{
	return is_file(base) && ours->mode == base->mode ? theirs->mode : ours->mode;
}

/* libgit2 leaves open what one side changed in a binary file whose mode the other one changed. */
static bool is_settled(
	const git_index_entry *base, const git_index_entry *ours, const git_index_entry *theirs)
{
	if (!is_file(base))
		return false;
	return (git_oid_equal(&ours->id, &theirs->id) || git_oid_equal(&ours->id, &base->id) ||
		       git_oid_equal(&theirs->id, &base->id)) &&
	       (ours->mode == theirs->mode || ours->mode == base->mode || theirs->mode == base->mode);
}

/* Two files at one path. */
static int decide_files(struct outcomes *outcomes, const git_index_entry *base, const git_index_entry *ours,
	const git_index_entry *theirs, struct outcome *outcome)
{
	bool binary = false;
	int r = 0;

	outcome->mode = merged_mode(base, ours, theirs);
	outcome->id = ours->id;
	outcome->kind = base ? HD_CONFLICT_CONTENT : HD_CONFLICT_ADDED;
	outcome->settled = is_settled(base, ours, theirs);
	if (outcome->settled) {
		outcome->id = git_oid_equal(&ours->id, &base->id) ? theirs->id : ours->id;
		return 0;
	}
	if (git_oid_equal(&ours->id, &theirs->id)) {
		outcome->kind = HD_CONFLICT_MODE;
		return 0;
	}
	base = is_file(base) ? base : NULL;
	r = is_binary(outcomes, base, &binary);
	if (r >= 0)
		r = is_binary(outcomes, ours, &binary);
	if (r >= 0)
		r = is_binary(outcomes, theirs, &binary);
	if (r < 0)
		return r;
	if (binary) {
		outcome->kind = HD_CONFLICT_BINARY;
		return 0;
	}
	return merge_lines(outcomes, base, ours, theirs, outcome);
}

static enum hd_conflict_kind kind_of_types(const git_index_entry *ours, const git_index_entry *theirs)
{
	if (ours->mode == GIT_FILEMODE_COMMIT || theirs->mode == GIT_FILEMODE_COMMIT)
		return HD_CONFLICT_SUBMODULE;
	return ours->mode == theirs->mode ? HD_CONFLICT_SYMLINK : HD_CONFLICT_TYPE;
}

static int decide(struct outcomes *outcomes, const git_index_entry *base, const git_index_entry *ours,
	const git_index_entry *theirs, struct outcome *outcome)
{
	const git_index_entry *kept = ours ? ours : theirs;

	if (is_file(ours) && is_file(theirs))
		return decide_files(outcomes, base, ours, theirs, outcome);
	outcome->side = ours ? OURS : THEIRS;
	outcome->kind = HD_CONFLICT_RENAME;
	if (ours && theirs)
		outcome->kind = kind_of_types(ours, theirs);
	else if (kept && base)
		outcome->kind = HD_CONFLICT_DELETED;
	if (kept) {
		outcome->id = kept->id;
		outcome->mode = kept->mode;
	}
	return 0;
}

static int add_outcome(struct outcomes *outcomes, const git_index_entry *base, const git_index_entry *ours,
	const git_index_entry *theirs)
{
	const git_index_entry *any = ours ? ours : theirs ? theirs : base;
	struct outcome outcome = {0};
	int r = decide(outcomes, base, ours, theirs, &outcome);

	if (r < 0)
		return r;
	outcome.path = strdup(any->path);
	if (!outcome.path || HD_ARRAY_RESERVE(outcomes->items, outcomes->count, outcomes->capacity) < 0) {
		free(outcome.path);
		return -ENOMEM;
	}
	outcomes->items[outcomes->count++] = outcome;
	return 0;
}

static int read_conflicts(struct outcomes *outcomes)
{
	const git_index_entry *base, *ours, *theirs;
	git_index_conflict_iterator *iterator = NULL;
	int g, r = 0;

	if (git_index_conflict_iterator_new(&iterator, outcomes->index) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "read the conflicts of a merge");
	while (r >= 0 && (g = git_index_conflict_next(&base, &ours, &theirs, iterator)) != GIT_ITEROVER)
		r = g < 0 ? hd_git_library_fail(HD_E_REPOSITORY, "read a conflict of a merge")
			  : add_outcome(outcomes, base, ours, theirs);
	git_index_conflict_iterator_free(iterator);
	return r;
}

/* ---- files in the place of directories ---- */

static int compare_outcomes(const void *a, const void *b)
{
	const struct outcome *left = a, *right = b;

	return strcmp(left->path, right->path);
}

/* Whether something that stays lies below PATH, which is LENGTH bytes long with a '/' at its end. */
static bool is_directory(const struct outcomes *outcomes, const char *path, size_t length)
{
	size_t low = 0, high = outcomes->count;

	if (git_index_find_prefix(NULL, outcomes->index, path) == 0)
		return true;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(outcomes->items[middle].path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < outcomes->count && strncmp(outcomes->items[low].path, path, length) == 0; low++) {
		if (outcomes->items[low].mode)
			return true;
	}
	return false;
}

static bool is_taken(const struct outcomes *outcomes, const char *path)
{
	struct outcome key = {.path = (char *)path};

	return git_index_get_bypath(outcomes->index, path, 0) ||
	       (outcomes->count > 0 &&
		       bsearch(&key, outcomes->items, outcomes->count, sizeof(key), compare_outcomes));
}

/* PATH~SIDE, or with a number behind it if that is taken. A '/' of a branch's name would be a directory. */
static int name_beside(const struct outcomes *outcomes, const char *path, enum side side, char **ret_name)
{
	const char *label = side == OURS ? outcomes->merge->ours_name : outcomes->merge->theirs_name;
	size_t length = strlen(path) + 1;

	for (unsigned number = 0;; number++) {
		char *name = NULL;
		int n = number == 0 ? asprintf(&name, "%s~%s", path, label)
				    : asprintf(&name, "%s~%s_%u", path, label, number);

		if (n < 0)
			return -ENOMEM;
		for (char *byte = name + length; *byte; byte++)
			*byte = *byte == '/' ? '_' : *byte;
		if (!is_taken(outcomes, name)) {
			*ret_name = name;
			return 0;
		}
		free(name);
	}
}

static int put(struct outcomes *outcomes, const char *path, const git_oid *id, uint32_t mode)
{
	git_index_entry entry = {.path = path, .id = *id, .mode = mode};

	if (git_index_add(outcomes->index, &entry) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "'%s'", path);
	return 0;
}

/* A file that merged cleanly lies where a directory is needed for PATH: it goes beside it. */
static int clear_way(struct outcomes *outcomes, const struct outcome *outcome, struct hd_conflicts *conflicts)
{
	HD_AUTO_FREE char *above = strdup(outcome->path);
	int r = above ? 0 : -ENOMEM;

	for (char *end = above ? strrchr(above, '/') : NULL; end && r >= 0; end = strrchr(above, '/')) {
		HD_AUTO_FREE char *beside = NULL;
		const git_index_entry *entry;
		git_index_entry moved;

		*end = '\0';
		entry = git_index_get_bypath(outcomes->index, above, 0);
		if (!entry)
			continue;
		moved = *entry;
		r = name_beside(outcomes, above, outcome->side == OURS ? THEIRS : OURS, &beside);
		if (r >= 0 && git_index_remove(outcomes->index, above, 0) < 0)
			r = hd_git_library_fail(HD_E_REPOSITORY, "'%s'", above);
		if (r >= 0)
			r = put(outcomes, beside, &moved.id, moved.mode);
		if (r >= 0)
			r = hd_conflicts_add(conflicts, HD_CONFLICT_DIRECTORY, beside);
	}
	return r;
}

/* The name of OUTCOME in the tree; another one where a directory has its own. */
static int place(struct outcomes *outcomes, struct outcome *outcome, char **ret_name)
{
	HD_AUTO_FREE char *directory = NULL;
	int length = asprintf(&directory, "%s/", outcome->path);

	if (length < 0) {
		directory = NULL;
		return -ENOMEM;
	}
	if (!is_directory(outcomes, directory, (size_t)length)) {
		*ret_name = strdup(outcome->path);
		return *ret_name ? 0 : -ENOMEM;
	}
	outcome->kind = HD_CONFLICT_DIRECTORY;
	outcome->settled = false;
	return name_beside(outcomes, outcome->path, outcome->side, ret_name);
}

/* What is below a file of the other side is no question by itself. */
static bool is_below_a_file(const struct outcomes *outcomes, const struct outcome *outcome)
{
	struct outcome key = {.path = strdup(outcome->path)};
	bool below = false;

	for (char *end = key.path ? strrchr(key.path, '/') : NULL; end && !below;
		end = strrchr(key.path, '/')) {
		*end = '\0';
		below = bsearch(&key, outcomes->items, outcomes->count, sizeof(key), compare_outcomes) !=
			NULL;
	}
	free(key.path);
	return below;
}

static int apply(struct outcomes *outcomes, struct outcome *outcome, struct hd_conflicts *conflicts)
{
	HD_AUTO_FREE char *name = NULL;
	int r;

	if (!outcome->mode)
		return hd_conflicts_add(conflicts, outcome->kind, outcome->path);
	r = place(outcomes, outcome, &name);
	if (r >= 0)
		r = clear_way(outcomes, outcome, conflicts);
	if (r >= 0)
		r = put(outcomes, name, &outcome->id, outcome->mode);
	if (r < 0 || outcome->settled ||
		(outcome->kind == HD_CONFLICT_RENAME && is_below_a_file(outcomes, outcome)))
		return r;
	return hd_conflicts_add(conflicts, outcome->kind, name);
}

/* ---- what libgit2 takes for merged ---- */

static enum side side_of(const struct outcomes *outcomes, const git_index_entry *entry)
{
	git_commit *commit = NULL;
	git_tree *tree = NULL;
	git_tree_entry *ours = NULL;
	bool same = false;

	if (git_commit_lookup(&commit, outcomes->merge->repository, outcomes->merge->ours) == 0 &&
		git_commit_tree(&tree, commit) == 0 && git_tree_entry_bypath(&ours, tree, entry->path) == 0)
		same = git_oid_equal(git_tree_entry_id(ours), &entry->id);
	git_tree_entry_free(ours);
	git_tree_free(tree);
	git_commit_free(commit);
	return same ? OURS : THEIRS;
}

/* Appends the files, NUL-terminated, that are directories of other entries as well. */
static int find_overlaps(const struct outcomes *outcomes, struct hd_buffer *paths)
{
	const char *last = "";

	for (size_t i = 0; i < git_index_entrycount(outcomes->index); i++) {
		const char *path = git_index_get_byindex(outcomes->index, i)->path;
		size_t common = 0;

		while (path[common] && path[common] == last[common])
			common++;
		for (const char *end = strchr(path + common, '/'); end; end = strchr(end + 1, '/')) {
			HD_AUTO_FREE char *above = strndup(path, (size_t)(end - path));

			if (!above)
				return -ENOMEM;
			if (git_index_get_bypath(outcomes->index, above, 0))
				hd_buffer_put(paths, above, strlen(above) + 1);
		}
		last = path;
	}
	return hd_buffer_status(paths);
}

static int move_beside(struct outcomes *outcomes, const char *path, struct hd_conflicts *conflicts)
{
	const git_index_entry *entry = git_index_get_bypath(outcomes->index, path, 0);
	HD_AUTO_FREE char *beside = NULL;
	git_index_entry moved = *entry;
	int r = name_beside(outcomes, path, side_of(outcomes, entry), &beside);

	if (r >= 0 && git_index_remove(outcomes->index, path, 0) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "'%s'", path);
	if (r >= 0)
		r = put(outcomes, beside, &moved.id, moved.mode);
	return r < 0 ? r : hd_conflicts_add(conflicts, HD_CONFLICT_DIRECTORY, beside);
}

static int separate(struct outcomes *outcomes, struct hd_conflicts *conflicts)
{
	HD_AUTO_BUFFER struct hd_buffer paths = {0};
	int r = find_overlaps(outcomes, &paths);

	for (size_t at = 0; at < paths.size && r >= 0; at += strlen((const char *)paths.data + at) + 1)
		r = move_beside(outcomes, (const char *)paths.data + at, conflicts);
	return r;
}

int hd_merge_outcome(const struct hd_commit_merge *merge, git_index *index, struct hd_conflicts *conflicts)
{
	struct outcomes outcomes = {.merge = merge, .index = index};
	int r;

	r = read_conflicts(&outcomes);
	if (r >= 0 && outcomes.count > 1)
		qsort(outcomes.items, outcomes.count, sizeof(*outcomes.items), compare_outcomes);
	if (r >= 0 && git_index_conflict_cleanup(index) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "take the conflicts out of a merge");
	if (r >= 0)
		r = separate(&outcomes, conflicts);
	for (size_t i = 0; i < outcomes.count && r >= 0; i++)
		r = apply(&outcomes, &outcomes.items[i], conflicts);
	outcomes_clear(&outcomes);
	return r;
}
