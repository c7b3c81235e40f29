/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/series/export_bundle.h"

#include <errno.h>
#include <git2.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/commit_object.h"
#include "capture/git/series/bundle_writer.h"
#include "capture/git/series/export_series.h"
#include "capture/git/series/series_place.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/name_set.h"
#include "overlay/platform/threads/work.h"

static bool is_branch(const char *reference)
{
	return strncmp(reference, "refs/heads/", strlen("refs/heads/")) == 0;
}

/* ---- a range ---- */

static int add_needed(const git_oid *parent, struct hd_export_map *known, struct hd_buffer *needed)
{
	if (hd_export_map_get(known, parent->id))
		return 0;
	hd_buffer_put(needed, parent, sizeof(*parent));
	return hd_export_map_put(known, parent->id, parent);
}

static int find_parents(struct hd_export_series *series, const git_oid *commit, struct hd_export_map *known,
	struct hd_buffer *needed)
{
	struct hd_commit_text text;
	git_odb_object *object;
	int r = hd_commit_object_read(series->target.objects.odb, commit, &object, &text);

	if (r < 0)
		return r;
	for (size_t i = 0; i < text.n_parents && r >= 0; i++)
		r = add_needed(&text.parents[i], known, needed);
	hd_commit_text_clear(&text);
	git_odb_object_free(object);
	return r;
}

/* Parents that are not in the range, each once. */
static int find_needed(struct hd_export_series *series, struct hd_buffer *needed)
{
	struct hd_export_map known = {.key_size = GIT_OID_RAWSZ};
	int r = 0;

	for (size_t i = 0; i < series->count && r >= 0; i++)
		r = hd_export_map_put(&known, series->commits[i].id, &series->commits[i]);
	for (size_t i = 0; i < series->count && r >= 0; i++)
		r = find_parents(series, &series->commits[i], &known, needed);
	hd_export_map_clear(&known);
	return r < 0 ? r : hd_buffer_status(needed);
}

/* Notes of the commits that are in the series, as a history of their own. */
static int make_notes(
	struct hd_export_series *series, const struct hd_state_id *since, struct hd_export_notes *notes)
{
	int r = hd_export_notes_begin(notes, &series->target.history, true);

	if (r >= 0 && since)
		r = hd_export_notes_add(notes, since, true);
	if (r >= 0)
		r = hd_export_notes_add(notes, &series->item.head, false);
	if (r >= 0)
		r = hd_export_notes_write(notes);
	return r < 0 ? r : hd_export_objects_finish(&series->target.objects);
}

static int write_bundle(struct hd_export_series *series, const struct hd_export_notes *notes, int fd,
	struct hd_export_bundle_result *result)
{
	HD_AUTO_BUFFER struct hd_buffer needed = {0};
	struct hd_bundle_reference references[2] = {{.name = series->item.reference, .id = series->item.id},
		{.name = HD_EXPORT_NOTES_REFERENCE, .id = notes->commit}};
	struct hd_bundle bundle = {.repository = series->target.repository,
		.odb = series->target.objects.odb,
		.references = references,
		.n_references = hd_export_notes_count(notes) > 0 ? 2 : 1};
	int r;

	if (series->count == 0)
		return hd_fail(HD_E_NOTHING_CHANGED, "%s has no state that a bundle could bring",
			series->item.reference);
	r = find_needed(series, &needed);
	bundle.needed = (const git_oid *)(void *)needed.data;
	bundle.n_needed = needed.size / sizeof(git_oid);
	/* What is whole can be cloned, and a clone checks HEAD out. */
	references[0].is_head = bundle.n_needed == 0 && is_branch(references[0].name);
	hd_work_step(HD_WORK_WRITING_FILES, 0);
	if (r >= 0)
		r = hd_bundle_write(&bundle, fd);
	if (r < 0)
		return r;
	result->commits = series->count;
	result->needed = bundle.n_needed;
	result->notes = hd_export_notes_count(notes);
	result->skipped = series->target.tree.skipped;
	result->ignored = series->target.tree.ignored;
	result->reference = HD_STEAL(series->item.reference);
	return 0;
}

int hd_export_bundle(struct hd_store *store, struct hd_base_set *bases,
	const struct hd_export_git_options *options, const struct hd_state_id *since, int fd,
	struct hd_export_bundle_result *ret_result)
{
	HD_CLEANUP(hd_export_series_clear) struct hd_export_series series = {0};
	HD_CLEANUP(hd_export_notes_clear) struct hd_export_notes notes = {0};
	struct hd_export_bundle_result result = {0};
	int r = hd_export_series_make(&series, store, bases, options, since);

	if (r >= 0 && !options->without_notes)
		r = make_notes(&series, since, &notes);
	if (r >= 0)
		r = write_bundle(&series, &notes, fd, &result);
	if (r < 0)
		return r;
	*ret_result = result;
	return 0;
}

void hd_export_bundle_result_clear(struct hd_export_bundle_result *result)
{
	free(result->reference);
	*result = (struct hd_export_bundle_result){0};
}

/* ---- all ---- */

struct reference_list {
	git_repository *repository;
	struct hd_bundle_reference *references; /* owned array with room for all */
	size_t count;
	struct hd_name_set names; /* owned: theirs */
	bool has_head;
};

static int add_reference(struct reference_list *list, const struct hd_export_item *item)
{
	struct hd_bundle_reference *reference = &list->references[list->count];
	int r = item->target ? hd_name_set_put(&list->names, item->reference) : 0;

	if (r <= 0)
		return r;
	*reference = (struct hd_bundle_reference){
		.name = item->reference, .is_head = !list->has_head && is_branch(item->reference)};
	if (git_oid_fromstr(&reference->id, item->target) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "read %s", item->reference);
	list->has_head = list->has_head || reference->is_head;
	list->count++;
	return 0;
}

/* What RESULT says was exported, and the notes. */
static int list_references(struct reference_list *list, const struct hd_export_all_result *result)
{
	struct hd_bundle_reference *notes;
	int r = 0;

	for (size_t i = 0; i < result->n_items && r >= 0; i++)
		r = add_reference(list, &result->items[i]);
	if (r < 0 || result->notes == 0)
		return r;
	notes = &list->references[list->count++];
	notes->name = HD_EXPORT_NOTES_REFERENCE;
	return git_reference_name_to_id(&notes->id, list->repository, HD_EXPORT_NOTES_REFERENCE) < 0
		       ? hd_git_library_fail(HD_E_REPOSITORY, "read " HD_EXPORT_NOTES_REFERENCE)
		       : 0;
}

static int write_all(const char *place, const struct hd_export_all_result *result, int fd)
{
	struct reference_list list = {.references = calloc(result->n_items + 1, sizeof(*list.references))};
	struct hd_bundle bundle = {0};
	int r = list.references ? 0 : -ENOMEM;

	if (r >= 0 && (git_repository_open_bare(&list.repository, place) < 0 ||
			      git_repository_odb(&bundle.odb, list.repository) < 0))
		r = hd_git_library_fail(HD_E_REPOSITORY, "%s", place);
	if (r >= 0)
		r = list_references(&list, result);
	if (r >= 0 && list.count == 0)
		r = hd_fail(HD_E_NOTHING_CHANGED, "there is nothing that a bundle could bring");
	bundle.repository = list.repository;
	bundle.references = list.references;
	bundle.n_references = list.count;
	hd_work_step(HD_WORK_WRITING_FILES, 0);
	if (r >= 0)
		r = hd_bundle_write(&bundle, fd);
	git_odb_free(bundle.odb);
	git_repository_free(list.repository);
	hd_name_set_clear(&list.names);
	free(list.references);
	return r;
}

int hd_export_bundle_all(struct hd_store *store, struct hd_base_set *bases,
	const struct hd_export_git_options *options, int fd, struct hd_export_all_result *ret_result)
{
	struct hd_export_git_options into = *options;
	struct hd_export_all_result result = {0};
	struct hd_export_target_item item = {0};
	char *place = NULL;
	int r = hd_git_library_start();

	if (r >= 0)
		r = hd_export_target_item_begin(store, options, &item);
	if (r >= 0)
		r = hd_series_place_make(store, options->thread, &item.head, &place);
	into.repository = place;
	into.is_forgotten = true;
	if (r >= 0)
		r = hd_export_all(store, bases, &into, &result);
	if (r >= 0)
		r = write_all(place, &result, fd);
	hd_export_target_item_clear(&item);
	hd_series_place_remove(place);
	if (r < 0) {
		hd_export_all_result_clear(&result);
		return r;
	}
	*ret_result = result;
	return 0;
}
