/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/export/export_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/alternates.h"
#include "capture/git/commit_object.h"
#include "capture/git/packs/packed_copy.h"
#include "capture/git/walk/object_walk.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/threads/work.h"

/*
 * The walk goes from the commits to what the target has, of which it has all that that leads to. What it meets becomes a pack, of the bytes that the source's packs have of it
 * (packed_copy.h), and of objects that have to be read. Nothing of it is there before all of it is.
 */

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
	git_odb *source;            /* owned */
	struct hd_object_walk walk; /* owned: what it met is wanted */
	bool is_empty;              /* the target has no object at all */
};

static bool is_in_target(const git_oid *id, void *payload)
{
	const struct copy *copy = payload;

	return !copy->is_empty && git_odb_exists_ext(copy->objects->odb, id, GIT_ODB_LOOKUP_NO_REFRESH);
}

static int stop_at_object(const char *name, unsigned char type, void *payload)
{
	(void)type;
	(void)payload;
	return strcmp(name, "pack") != 0 && strcmp(name, "info") != 0;
}

/* Then nothing has to be looked for. */
static bool is_empty(const char *location)
{
	HD_AUTO_CLOSE int fd = hd_directory_open(AT_FDCWD, location);

	return fd >= 0 && hd_directory_list(fd, "objects", stop_at_object, NULL) == 0 &&
	       hd_directory_list(fd, "objects/pack", stop_at_object, NULL) == 0 &&
	       !hd_file_exists(fd, "objects/info/alternates");
}

static int collect(struct copy *copy, const git_oid *commits, size_t count)
{
	hd_work_step(HD_WORK_READING_COMMITS, 0);
	(void)git_odb_refresh(copy->objects->odb);
	copy->is_empty = is_empty(copy->objects->location);
	copy->walk.odb = copy->source;
	copy->walk.is_known = is_in_target;
	copy->walk.payload = copy;
	return hd_object_walk_add(&copy->walk, commits, count);
}

/* ---- the pack ---- */

struct packing {
	struct copy *copy;
	struct hd_pack_writer writer; /* owned */
};

static int take_packed(const char *objects, void *payload)
{
	struct packing *packing = payload;

	return hd_packed_copy(objects, &packing->copy->walk.met, &packing->writer);
}

/* What no pack had: files, packs of which little is wanted, differences from what stays. */
static int write_whole(struct packing *packing, struct hd_pack_entry *entry)
{
	git_odb_object *object;
	int r;

	if (git_odb_read(&object, packing->copy->source, &entry->id) < 0)
		return hd_git_library_fail(HD_E_BASE_OBJECT, "read %s", git_oid_tostr_s(&entry->id));
	entry->type = git_odb_object_type(object);
	entry->size = git_odb_object_size(object);
	r = hd_pack_writer_add(&packing->writer, git_odb_object_data(object), entry);
	git_odb_object_free(object);
	return r < 0 ? r : hd_work_advance(1);
}

static int write_all(struct packing *packing, git_repository *source)
{
	struct hd_object_list *wanted = &packing->copy->walk.met;
	HD_AUTO_FREE char *objects = NULL;
	int r;

	if (asprintf(&objects, "%s/objects", git_repository_commondir(source)) < 0) {
		objects = NULL;
		return -ENOMEM;
	}
	r = hd_alternates_each(objects, take_packed, packing);
	for (size_t i = 0; i < wanted->count && r >= 0; i++) {
		if (wanted->entries[i].offset == 0)
			r = write_whole(packing, &wanted->entries[i]);
	}
	if (r < 0)
		return r;
	hd_work_step(HD_WORK_WRITING_TO_DISK, 0);
	r = hd_work_advance(0);
	return r < 0 ? r : hd_pack_writer_finish(&packing->writer, wanted->entries, wanted->count);
}

static int write_pack(struct copy *copy, git_repository *source)
{
	struct packing packing = {.copy = copy};
	int r;

	if (copy->walk.met.count == 0)
		return 0;
	hd_work_step(HD_WORK_COPYING_OBJECTS, copy->walk.met.count);
	r = hd_pack_writer_begin(copy->objects->location, &packing.writer);
	if (r < 0)
		return hd_fail_in(r, "write a pack in %s", copy->objects->location);
	r = write_all(&packing, source);
	hd_pack_writer_abort(&packing.writer);
	if (r < 0)
		return r == -HD_E_INTERRUPTED || r == -HD_E_BASE_OBJECT
			       ? r
			       : hd_fail_in(r, "write a pack in %s", copy->objects->location);
	return git_odb_refresh(copy->objects->odb) < 0
		       ? hd_git_library_fail(HD_E_REPOSITORY, "read the pack in %s", copy->objects->location)
		       : 0;
}

static int copy_commits(
	struct hd_export_objects *objects, git_repository *source, const git_oid *commits, size_t count)
{
	struct copy copy = {.objects = objects};
	int r = 0;

	if (git_repository_odb(&copy.source, source) < 0)
		r = hd_git_library_fail(HD_E_BASE_MISSING, "%s", git_repository_path(source));
	if (r >= 0)
		r = collect(&copy, commits, count);
	if (r >= 0)
		r = write_pack(&copy, source);
	git_odb_free(copy.source);
	hd_object_walk_clear(&copy.walk);
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
