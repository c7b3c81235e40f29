/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/export/export_bundle.h"

#include <git2.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/commit_object.h"
#include "capture/git/export/export_series.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/transfer.h"
#include "overlay/platform/threads/work.h"

/*
 * "# v2 git bundle", "-<commit>" for each that is needed, "<id> <reference>" for each that is in it, an empty line, a pack
 * (gitformat-bundle). The pack is libgit2's, with deltas: a bundle is made to be carried about.
 */

static int pack_fails(const struct hd_export_series *series)
{
	return hd_git_library_fail(HD_E_REPOSITORY, "pack the commits of %s", series->item.reference);
}

/* ---- the header ---- */

/* Parents that are not in the range, each once. */
static int put_needed(struct hd_export_series *series, struct hd_buffer *header, uint64_t *ret_needed)
{
	struct hd_export_map known = {.key_size = GIT_OID_RAWSZ};
	uint64_t needed = 0;
	int r = 0;

	for (size_t i = 0; i < series->count && r >= 0; i++)
		r = hd_export_map_put(&known, series->commits[i].id, &series->commits[i]);
	for (size_t i = 0; i < series->count && r >= 0; i++) {
		struct hd_commit_text text;
		git_odb_object *object;

		r = hd_commit_object_read(series->target.objects.odb, &series->commits[i], &object, &text);
		if (r < 0)
			break;
		for (size_t n = 0; n < text.n_parents && r >= 0; n++) {
			const git_oid *parent = &text.parents[n];

			if (hd_export_map_get(&known, parent->id))
				continue;
			hd_buffer_printf(header, "-%s\n", git_oid_tostr_s(parent));
			needed++;
			r = hd_export_map_put(&known, parent->id, parent);
		}
		hd_commit_text_clear(&text);
		git_odb_object_free(object);
	}
	hd_export_map_clear(&known);
	*ret_needed = needed;
	return r;
}

static int write_header(
	struct hd_export_series *series, const struct hd_export_notes *notes, int fd, uint64_t *ret_needed)
{
	HD_AUTO_BUFFER struct hd_buffer header = {0};
	int r;

	hd_buffer_put_text(&header, "# v2 git bundle\n");
	r = put_needed(series, &header, ret_needed);
	hd_buffer_printf(&header, "%s %s\n", git_oid_tostr_s(&series->item.id), series->item.reference);
	if (hd_export_notes_count(notes) > 0)
		hd_buffer_printf(
			&header, "%s " HD_EXPORT_NOTES_REFERENCE "\n", git_oid_tostr_s(&notes->commit));
	/* What is whole can be cloned, and a clone checks HEAD out. */
	if (*ret_needed == 0 && strncmp(series->item.reference, "refs/heads/", strlen("refs/heads/")) == 0)
		hd_buffer_printf(&header, "%s HEAD\n", git_oid_tostr_s(&series->item.id));
	hd_buffer_put_u8(&header, '\n');
	if (r >= 0)
		r = hd_buffer_status(&header);
	return r < 0 ? r : hd_transfer_append(fd, header.data, header.size);
}

/* ---- the pack ---- */

/* An annotated tag, and tags that it is a tag of. */
static int insert_tags(struct hd_export_series *series, git_packbuilder *builder)
{
	git_oid id = series->item.id;

	while (!git_oid_equal(&id, &series->head)) {
		git_odb_object *tag = NULL;
		bool more = git_packbuilder_insert(builder, &id, NULL) == 0 &&
			    git_odb_read(&tag, series->target.objects.odb, &id) == 0 &&
			    hd_commit_object_tag_target(tag, &id);

		git_odb_object_free(tag);
		if (!more)
			return pack_fails(series);
	}
	return 0;
}

/* The parents of what is in the range, and no more, are hidden: trees that they have are not packed. */
static int insert_commits(struct hd_export_series *series, git_packbuilder *builder)
{
	git_revwalk *walk = NULL;
	int g = git_revwalk_new(&walk, series->target.repository);

	if (g == 0)
		g = git_revwalk_push(walk, &series->head);
	if (g == 0 && !git_oid_is_zero(&series->since))
		g = git_revwalk_hide(walk, &series->since);
	if (g == 0)
		g = git_packbuilder_insert_walk(builder, walk);
	git_revwalk_free(walk);
	return g < 0 ? pack_fails(series) : insert_tags(series, builder);
}

struct packing {
	int fd, r;
};

static int append(void *data, size_t size, void *payload)
{
	struct packing *packing = payload;

	packing->r = hd_work_advance(0);
	if (packing->r >= 0)
		packing->r = hd_transfer_append(packing->fd, data, size);
	return packing->r < 0 ? GIT_EUSER : 0;
}

static int look(int stage, uint32_t current, uint32_t total, void *payload)
{
	struct packing *packing = payload;

	(void)stage;
	(void)current;
	(void)total;
	packing->r = hd_work_advance(0);
	return packing->r < 0 ? GIT_EUSER : 0;
}

static int write_pack(struct hd_export_series *series, const struct hd_export_notes *notes, int fd)
{
	struct packing packing = {.fd = fd};
	git_packbuilder *builder = NULL;
	int g, r;

	if (git_packbuilder_new(&builder, series->target.repository) < 0)
		return pack_fails(series);
	r = insert_commits(series, builder);
	if (r >= 0 && hd_export_notes_count(notes) > 0 &&
		git_packbuilder_insert_commit(builder, &notes->commit) < 0)
		r = pack_fails(series);
	if (r >= 0) {
		g = git_packbuilder_set_callbacks(builder, look, &packing);
		if (g == 0)
			g = git_packbuilder_foreach(builder, append, &packing);
		r = packing.r < 0 ? packing.r : g < 0 ? pack_fails(series) : 0;
	}
	git_packbuilder_free(builder);
	return r;
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
	int r;

	if (series->count == 0)
		return hd_fail(HD_E_NOTHING_CHANGED, "%s has no state that a bundle could bring",
			series->item.reference);
	r = write_header(series, notes, fd, &result->needed);
	hd_work_step(HD_WORK_WRITING_FILES, 0);
	if (r >= 0)
		r = write_pack(series, notes, fd);
	if (r < 0)
		return r;
	result->commits = series->count;
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
