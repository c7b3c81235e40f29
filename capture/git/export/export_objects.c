/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/export/export_objects.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/bases/git/base_git_library.h"
#include "overlay/bases/git/base_git_tree.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/threads/work.h"

/*
 * Git objects of a base go over as they are: id, bytes and all below, submodules included, without being
 * decoded into files and encoded again. A tree of which the target has the tree itself, but not all of what
 * it names, would be a repository that is broken already or a partial clone; so a tree that is there is not
 * entered.
 *
 * Other bytes become blobs: small ones in one piece, which are written with all other objects; large ones as files of their own in
 * a stream, so that memory does not follow a file's size.
 */

#define SMALL_BLOB (1u << 20)
#define COPY_DEPTH_MAX 2048

int hd_export_objects_open(struct hd_export_objects *objects, struct hd_store *store,
	git_repository *repository, const char *location)
{
	int r;

	*objects = (struct hd_export_objects){.store = store,
		.repository = repository,
		.location = location,
		.blobs = {.key_size = sizeof(struct hd_content)},
		.trees = {.key_size = sizeof(struct hd_content)}};
	if (git_repository_odb(&objects->odb, repository) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "open the objects of %s", location);
	r = hd_export_pack_new(objects->odb, location, &objects->pack);
	if (r < 0)
		hd_export_objects_close(objects);
	return r;
}

void hd_export_objects_close(struct hd_export_objects *objects)
{
	for (size_t i = 0; i < objects->n_bases; i++)
		git_odb_free(objects->bases[i].odb);
	if (objects->pack)
		hd_export_pack_drop(objects->pack);
	git_odb_free(objects->odb);
	hd_export_map_clear(&objects->blobs);
	hd_export_map_clear(&objects->trees);
	*objects = (struct hd_export_objects){0};
}

int hd_export_objects_put(
	struct hd_export_objects *objects, git_object_t type, const void *data, size_t size, git_oid *ret_id)
{
	return hd_export_pack_put(objects->pack, type, data, size, ret_id);
}

int hd_export_objects_finish(struct hd_export_objects *objects)
{
	HD_AUTO_CLOSE int fd = -1;
	bool loose = false;
	int r;

	hd_work_step(HD_WORK_WRITING_TO_DISK, 0);
	r = hd_export_pack_finish(objects->pack, &loose);
	if (r < 0)
		return r;
	if (!loose && !objects->is_unsynced)
		return 0;
	fd = hd_directory_open(AT_FDCWD, objects->location);
	r = fd < 0 ? fd : hd_file_sync_filesystem(fd);
	if (r < 0)
		return hd_fail_in(r, "sync %s", objects->location);
	objects->is_unsynced = false;
	return 0;
}

static int open_base(struct hd_export_objects *objects, uint16_t number)
{
	struct hd_base_record record = {0};
	git_repository *repository = NULL;
	git_odb *odb = NULL;
	bool is_target;
	int r;

	if (objects->n_bases == HD_EXPORT_BASES_MAX)
		return hd_fail(ENOMEM, "more than %d git bases in one export", HD_EXPORT_BASES_MAX);
	r = hd_index_get_base(objects->store->index, number, &record);
	if (r < 0)
		return r;
	is_target = strcmp(record.location, objects->location) == 0;
	if (!is_target && (git_repository_open_bare(&repository, record.location) < 0 ||
				  git_repository_odb(&odb, repository) < 0))
		r = hd_git_library_fail(HD_E_BASE_MISSING, "%s", record.location);
	git_repository_free(repository);
	hd_base_record_clear(&record);
	if (r < 0)
		return r;
	objects->bases[objects->n_bases].number = number;
	objects->bases[objects->n_bases].is_target = is_target;
	objects->bases[objects->n_bases].odb = odb;
	objects->n_bases++;
	return 0;
}

/* Where the objects of base NUMBER are; NULL for the target itself. */
static int find_base(struct hd_export_objects *objects, uint16_t number, git_odb **ret_odb)
{
	int r;

	for (size_t i = 0; i < objects->n_bases; i++) {
		if (objects->bases[i].number == number) {
			*ret_odb = objects->bases[i].odb;
			return 0;
		}
	}
	r = open_base(objects, number);
	if (r < 0)
		return r;
	*ret_odb = objects->bases[objects->n_bases - 1].odb;
	return 0;
}

static int copy_object(struct hd_export_objects *objects, git_odb *source, const git_oid *id, unsigned depth);

/* What a tree names is copied before the tree, so that a tree that is there is complete. */
static int copy_children(
	struct hd_export_objects *objects, git_odb *source, const git_odb_object *tree, unsigned depth)
{
	struct hd_git_tree_entry entry;
	size_t position = 0;
	git_oid id;
	int r = 1;

	if (depth == COPY_DEPTH_MAX)
		return hd_fail(HD_E_EXPORT_NAME, "directories are nested deeper than %d", COPY_DEPTH_MAX);
	while (r > 0) {
		r = hd_git_tree_next(git_odb_object_data((git_odb_object *)tree),
			git_odb_object_size((git_odb_object *)tree), &position, &entry);
		/* A submodule's commit is in another repository. */
		if (r <= 0 || entry.is_commit)
			continue;
		(void)git_oid_fromraw(&id, entry.id);
		r = copy_object(objects, source, &id, depth + 1);
		r = r < 0 ? r : 1;
	}
	return r;
}

static int copy_object(struct hd_export_objects *objects, git_odb *source, const git_oid *id, unsigned depth)
{
	git_odb_object *object = NULL;
	git_oid written;
	int r = 0;

	if (hd_export_pack_has(objects->pack, id))
		return 0;
	if (git_odb_read(&object, source, id) < 0)
		return hd_git_library_fail(HD_E_BASE_OBJECT, "read %s", git_oid_tostr_s(id));
	if (git_odb_object_type(object) == GIT_OBJECT_TREE)
		r = copy_children(objects, source, object, depth);
	if (r >= 0)
		r = hd_export_objects_put(objects, git_odb_object_type(object), git_odb_object_data(object),
			git_odb_object_size(object), &written);
	git_odb_object_free(object);
	return r;
}

int hd_export_objects_put_git(
	struct hd_export_objects *objects, const struct hd_content *content, git_oid *ret_id)
{
	git_odb *source;
	git_oid id;
	int r;

	if (content->length != GIT_OID_RAWSZ)
		return hd_fail(HD_E_CONTENT_KIND, "a git object id of %u bytes", content->length);
	(void)git_oid_fromraw(&id, content->bytes);
	r = find_base(objects, content->base, &source);
	if (r < 0)
		return r;
	if (source)
		r = copy_object(objects, source, &id, 0);
	else if (!git_odb_exists(objects->odb, &id))
		r = hd_fail(HD_E_BASE_OBJECT, "%s in %s", git_oid_tostr_s(&id), objects->location);
	if (r < 0)
		return r;
	*ret_id = id;
	return 0;
}

static int fail_size(const struct hd_tree_view_entry *file)
{
	return hd_fail(EIO, "the file is not the %llu bytes long that its state says",
		(unsigned long long)file->size);
}

static int put_small(struct hd_export_objects *objects, struct hd_tree_view *view,
	const struct hd_tree_view_entry *file, git_oid *ret_id)
{
	HD_AUTO_FREE char *data = NULL;
	size_t size;
	int r;

	r = hd_tree_view_read_whole(view, file, SMALL_BLOB, &data, &size);
	if (r < 0)
		return r;
	if (size != file->size)
		return fail_size(file);
	return hd_export_objects_put(objects, GIT_OBJECT_BLOB, data, size, ret_id);
}

static int put_large(struct hd_export_objects *objects, struct hd_tree_view *view,
	const struct hd_tree_view_entry *file, git_oid *ret_id)
{
	HD_AUTO_FREE char *block = malloc(SMALL_BLOB);
	git_odb_stream *stream = NULL;
	uint64_t offset = 0;
	int r = 0;

	if (!block)
		return -ENOMEM;
	if (git_odb_open_wstream(&stream, objects->odb, (git_object_size_t)file->size, GIT_OBJECT_BLOB) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "write a blob");
	while (r >= 0 && offset < file->size) {
		size_t size;

		/* A write that the disk refuses says nothing, and what was said before is of something else. */
		git_error_clear();
		r = hd_tree_view_read(view, file, block, SMALL_BLOB, offset, &size);
		if (r >= 0 && (size == 0 || size > file->size - offset))
			r = fail_size(file);
		if (r >= 0 && git_odb_stream_write(stream, block, size) < 0)
			r = hd_git_library_fail(HD_E_REPOSITORY, "write a blob");
		if (r >= 0)
			offset += size;
	}
	if (r >= 0 && git_odb_stream_finalize_write(ret_id, stream) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "write a blob");
	objects->is_unsynced |= r >= 0;
	git_odb_stream_free(stream);
	return r;
}

int hd_export_objects_put_blob(struct hd_export_objects *objects, struct hd_tree_view *view,
	const struct hd_tree_view_entry *file, git_oid *ret_id)
{
	const git_oid *known;
	int r;

	if (file->content.kind == HD_CONTENT_GIT)
		return hd_export_objects_put_git(objects, &file->content, ret_id);
	known = hd_export_map_get(&objects->blobs, &file->content);
	if (known) {
		*ret_id = *known;
		return 0;
	}
	r = file->size <= SMALL_BLOB ? put_small(objects, view, file, ret_id)
				     : put_large(objects, view, file, ret_id);
	if (r < 0)
		return r;
	return hd_export_map_put(&objects->blobs, &file->content, ret_id);
}
