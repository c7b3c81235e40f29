/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/export/export_copy.h"

#include <errno.h>
#include <git2.h>
#include <git2/sys/odb_backend.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/git/commit_object.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/bases/git/base_git_tree.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"

/*
 * The walk is our own: libgit2's refuses commits that git takes (commit_object.h). It goes from the commits to what the target
 * has, of which it has all that that leads to, and libgit2's packbuilder makes a pack of what it meets. The pack goes through
 * the target's indexer: nothing of it is there before all of it is.
 */

#define TREES_DEEP 2048
#define TAG_PIN "refs/heddle/tag/"

static int open_source(struct hd_export_objects *objects, uint16_t number, git_repository **ret_repository)
{
	struct hd_base_record record = {0};
	int r = hd_index_get_base(objects->store->index, number, &record);

	if (r < 0)
		return r;
	if (git_repository_open_bare(ret_repository, record.location) < 0)
		r = hd_git_library_fail(HD_E_BASE_MISSING, "%s", record.location);
	hd_base_record_clear(&record);
	return r;
}

/* ---- what is to be copied ---- */

struct copy {
	struct hd_export_objects *objects;
	git_odb *source;           /* owned */
	git_packbuilder *builder;  /* owned */
	struct hd_export_map seen; /* commits and trees */
	git_oid *stack;            /* owned array: commits */
	size_t count, capacity;
};

/* Whether ID, a commit or tree, was met before or is in the target; else it is met now. */
static int meet(struct copy *copy, const git_oid *id, bool *ret_new)
{
	*ret_new = !hd_export_map_get(&copy->seen, id->id) &&
		   !git_odb_exists_ext(copy->objects->odb, id, GIT_ODB_LOOKUP_NO_REFRESH);
	return *ret_new ? hd_export_map_put(&copy->seen, id->id, id) : 0;
}

static int insert(struct copy *copy, const git_oid *id)
{
	return git_packbuilder_insert(copy->builder, id, NULL) < 0
		       ? hd_git_library_fail(HD_E_BASE_OBJECT, "read %s", git_oid_tostr_s(id))
		       : 0;
}

static int collect_tree(struct copy *copy, const git_oid *id, unsigned depth);

static int collect_entry(struct copy *copy, const struct hd_git_tree_entry *entry, unsigned depth)
{
	git_oid id;

	/* A submodule's commit is in another repository. */
	if (entry->is_commit)
		return 0;
	(void)git_oid_fromraw(&id, entry->id);
	if (S_ISDIR(entry->mode))
		return collect_tree(copy, &id, depth + 1);
	return git_odb_exists_ext(copy->objects->odb, &id, GIT_ODB_LOOKUP_NO_REFRESH) ? 0 : insert(copy, &id);
}

static int collect_entries(struct copy *copy, git_odb_object *tree, unsigned depth)
{
	struct hd_git_tree_entry entry;
	size_t position = 0;
	int r = 0;

	while (r >= 0) {
		r = hd_git_tree_next(git_odb_object_data(tree), git_odb_object_size(tree), &position, &entry);
		if (r <= 0)
			return r;
		r = collect_entry(copy, &entry, depth);
	}
	return r;
}

static int collect_tree(struct copy *copy, const git_oid *id, unsigned depth)
{
	git_odb_object *tree = NULL;
	bool is_new;
	int r = meet(copy, id, &is_new);

	if (r < 0 || !is_new)
		return r;
	if (depth == TREES_DEEP)
		return hd_fail(HD_E_EXPORT_NAME, "directories are nested deeper than %d", TREES_DEEP);
	if (git_odb_read(&tree, copy->source, id) < 0)
		return hd_git_library_fail(HD_E_BASE_OBJECT, "read %s", git_oid_tostr_s(id));
	r = git_odb_object_type(tree) == GIT_OBJECT_TREE
		    ? insert(copy, id)
		    : hd_fail(HD_E_BASE_OBJECT, "%s is no tree", git_oid_tostr_s(id));
	if (r >= 0)
		r = collect_entries(copy, tree, depth);
	git_odb_object_free(tree);
	return r;
}

static int push(struct copy *copy, const git_oid *commit)
{
	if (HD_ARRAY_RESERVE(copy->stack, copy->count, copy->capacity) < 0)
		return -ENOMEM;
	copy->stack[copy->count++] = *commit;
	return 0;
}

static int collect_commit(struct copy *copy, const git_oid *id)
{
	git_odb_object *object;
	struct hd_commit_text text;
	bool is_new;
	int r = meet(copy, id, &is_new);

	if (r < 0 || !is_new)
		return r;
	r = hd_commit_object_read(copy->source, id, &object, &text);
	if (r < 0)
		return r;
	r = insert(copy, id);
	if (r >= 0)
		r = collect_tree(copy, &text.tree, 0);
	for (size_t i = 0; i < text.n_parents && r >= 0; i++)
		r = push(copy, &text.parents[i]);
	hd_commit_text_clear(&text);
	git_odb_object_free(object);
	return r < 0 ? r : hd_work_advance(1);
}

static int collect(struct copy *copy, const git_oid *commits, size_t count)
{
	int r = 0;

	hd_work_step(HD_WORK_READING_COMMITS, 0);
	(void)git_odb_refresh(copy->objects->odb);
	for (size_t i = 0; i < count && r >= 0; i++)
		r = push(copy, &commits[i]);
	while (r >= 0 && copy->count > 0) {
		git_oid top = copy->stack[--copy->count];

		r = collect_commit(copy, &top);
	}
	return r;
}

/* ---- the pack ---- */

struct packing {
	git_odb_writepack *pack; /* owned */
	git_indexer_progress progress;
	bool stopped;
};

static int look(int stage, uint32_t current, uint32_t total, void *payload)
{
	struct packing *packing = payload;

	(void)stage;
	(void)current;
	(void)total;
	packing->stopped = hd_work_advance(0) < 0;
	return packing->stopped ? GIT_EUSER : 0;
}

static int append(void *data, size_t size, void *payload)
{
	struct packing *packing = payload;

	packing->stopped = hd_work_advance(0) < 0;
	if (packing->stopped)
		return GIT_EUSER;
	return packing->pack->append(packing->pack, data, size, &packing->progress);
}

static int write_pack(struct copy *copy)
{
	struct packing packing = {0};
	size_t count = git_packbuilder_object_count(copy->builder);
	int g, r = 0;

	if (count == 0)
		return 0;
	hd_work_step(HD_WORK_COPYING_OBJECTS, 0);
	g = git_packbuilder_set_callbacks(copy->builder, look, &packing);
	if (g == 0)
		g = git_odb_write_pack(&packing.pack, copy->objects->odb, NULL, NULL);
	if (g == 0)
		g = git_packbuilder_foreach(copy->builder, append, &packing);
	if (g == 0)
		g = packing.pack->commit(packing.pack, &packing.progress);
	if (packing.stopped)
		r = -HD_E_INTERRUPTED;
	else if (g < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "write a pack in %s", copy->objects->location);
	if (packing.pack)
		packing.pack->free(packing.pack);
	return r;
}

static int copy_commits(
	struct hd_export_objects *objects, git_repository *source, const git_oid *commits, size_t count)
{
	struct copy copy = {.objects = objects, .seen = {.key_size = GIT_OID_RAWSZ}};
	int r = 0;

	if (git_repository_odb(&copy.source, source) < 0 || git_packbuilder_new(&copy.builder, source) < 0)
		r = hd_git_library_fail(HD_E_BASE_MISSING, "%s", git_repository_path(source));
	if (r >= 0)
		r = collect(&copy, commits, count);
	if (r >= 0)
		r = write_pack(&copy);
	git_packbuilder_free(copy.builder);
	git_odb_free(copy.source);
	hd_export_map_clear(&copy.seen);
	free(copy.stack);
	return r == -HD_E_BASE_OBJECT ? hd_fail_in(r, "the history in %s, of which all is needed",
						git_repository_path(source))
				      : r;
}

int hd_export_copy_commits(
	struct hd_export_objects *objects, uint16_t number, const git_oid *commits, size_t count)
{
	git_repository *source = NULL;
	int r = open_source(objects, number, &source);

	if (r >= 0)
		r = copy_commits(objects, source, commits, count);
	git_repository_free(source);
	objects->is_unsynced |= r >= 0;
	return r;
}

int hd_export_copy_is_whole(struct hd_export_objects *objects, const struct hd_state *state, bool *ret_whole)
{
	git_repository *source = NULL;
	git_odb_object *object;
	struct hd_commit_text text;
	git_odb *odb = NULL;
	git_oid id;
	int r;

	*ret_whole = false;
	if (!state->is_base || !hd_state_git_tree(state) || !state->git_commit ||
		git_oid_fromstr(&id, state->git_commit) < 0)
		return 0;
	*ret_whole = state->n_parents > 0;
	if (*ret_whole)
		return 0;
	r = open_source(objects, hd_state_git_tree(state)->base, &source);
	if (r >= 0 && git_repository_odb(&odb, source) < 0)
		r = hd_git_library_fail(HD_E_BASE_MISSING, "%s", git_repository_path(source));
	if (r >= 0)
		r = hd_commit_object_read(odb, &id, &object, &text);
	if (r >= 0) {
		*ret_whole = text.n_parents == 0;
		hd_commit_text_clear(&text);
		git_odb_object_free(object);
	}
	git_odb_free(odb);
	git_repository_free(source);
	return r;
}

/* ---- tags ---- */

/* Whether REFERENCE is the pin of a tag NAME that leads to COMMIT. */
static bool is_pin_of(git_odb *odb, git_reference *reference, const char *name, const git_oid *commit)
{
	const char *pin = git_reference_name(reference) + strlen(TAG_PIN);
	git_oid peeled;
	bool same = strlen(pin) > GIT_OID_HEXSZ + 1 && strcmp(pin + GIT_OID_HEXSZ + 1, name) == 0 &&
		    git_reference_target(reference) &&
		    hd_commit_object_peel(odb, git_reference_target(reference), &peeled) > 0 &&
		    git_oid_equal(&peeled, commit);

	hd_error_clear();
	return same;
}

/* Of several that lead there, the one that the source's tag is now; else the first. */
static int find_pin(
	git_repository *source, git_odb *odb, const char *name, const git_oid *commit, git_oid *ret_tag)
{
	HD_AUTO_FREE char *glob = NULL;
	HD_AUTO_FREE char *reference_name = NULL;
	git_reference_iterator *iterator = NULL;
	git_reference *reference;
	git_oid now = {{0}};
	int g, found = 0;

	if (asprintf(&glob, TAG_PIN "*/%s", name) < 0)
		glob = NULL;
	if (asprintf(&reference_name, "refs/tags/%s", name) < 0)
		reference_name = NULL;
	if (!glob || !reference_name)
		return -ENOMEM;
	if (git_reference_name_to_id(&now, source, reference_name) < 0)
		now = (git_oid){{0}};
	g = git_reference_iterator_glob_new(&iterator, source, glob);
	while (g == 0 && (g = git_reference_next(&reference, iterator)) == 0) {
		bool is_now = git_reference_target(reference) &&
			      git_oid_equal(git_reference_target(reference), &now);

		if (is_pin_of(odb, reference, name, commit) && (!found || is_now)) {
			*ret_tag = *git_reference_target(reference);
			found = 1;
		}
		git_reference_free(reference);
	}
	git_reference_iterator_free(iterator);
	return g == 0 || g == GIT_ITEROVER ? found
					   : hd_git_library_fail(HD_E_REPOSITORY, "list the references");
}

/* A tag may be one of a tag. What it leads to in the end is there. */
static int copy_tag_objects(struct hd_export_objects *objects, git_odb *source, const git_oid *first)
{
	git_oid id = *first, written;
	int g = 0, r = 1;

	while (g == 0 && r > 0 && !git_odb_exists(objects->odb, &id)) {
		git_odb_object *object = NULL;

		g = git_odb_read(&object, source, &id);
		if (g == 0)
			r = hd_export_objects_put(objects, GIT_OBJECT_TAG, git_odb_object_data(object),
				git_odb_object_size(object), &written);
		if (g == 0 && r >= 0)
			r = hd_commit_object_tag_target(object, &id);
		git_odb_object_free(object);
	}
	if (g < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "copy tag %s", git_oid_tostr_s(first));
	return r < 0 ? r : 0;
}

int hd_export_copy_tag(struct hd_export_objects *objects, uint16_t number, const char *name,
	const git_oid *commit, git_oid *ret_tag)
{
	git_repository *source = NULL;
	git_odb *odb = NULL;
	int r = open_source(objects, number, &source);

	if (r >= 0 && git_repository_odb(&odb, source) < 0)
		r = hd_git_library_fail(HD_E_BASE_MISSING, "%s", git_repository_path(source));
	if (r >= 0)
		r = find_pin(source, odb, name, commit, ret_tag);
	if (r > 0 && !git_odb_exists(objects->odb, ret_tag)) {
		r = copy_tag_objects(objects, odb, ret_tag);
		r = r < 0 ? r : 1;
	}
	git_odb_free(odb);
	git_repository_free(source);
	return r;
}
