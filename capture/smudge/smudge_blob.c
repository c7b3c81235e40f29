/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/smudge/smudge_blob.h"

#include <git2.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/error.h"

struct hd_content hd_smudge_raw(const struct hd_smudge_place *place, const uint8_t id[HD_GIT_ID_SIZE])
{
	struct hd_content content = {.kind = HD_CONTENT_GIT, .length = HD_GIT_ID_SIZE, .base = place->base};

	memcpy(content.bytes, id, HD_GIT_ID_SIZE);
	return content;
}

static int fail_missing(const git_oid *id)
{
	return hd_git_library_fail(
		HD_E_BASE_OBJECT, "object %s (a partial clone must fetch it first)", git_oid_tostr_s(id));
}

int hd_smudge_read(const struct hd_smudge_place *place, const uint8_t id[HD_GIT_ID_SIZE],
	struct git_odb_object **ret_object)
{
	git_oid oid;

	(void)git_oid_fromraw(&oid, id);
	return git_odb_read(ret_object, place->odb, &oid) < 0 ? fail_missing(&oid) : 0;
}

int hd_smudge_read_tree(const struct hd_smudge_place *place, const uint8_t id[HD_GIT_ID_SIZE],
	struct git_odb_object **ret_object, struct hd_git_tree *ret_tree)
{
	git_odb_object *object = NULL;
	git_oid oid;
	int r = hd_smudge_read(place, id, &object);

	if (r < 0)
		return r;
	(void)git_oid_fromraw(&oid, id);
	if (git_odb_object_type(object) != GIT_OBJECT_TREE)
		r = hd_fail(HD_E_BASE_OBJECT, "object %s is no tree", git_oid_tostr_s(&oid));
	else
		r = hd_git_tree_decode(git_odb_object_data(object), git_odb_object_size(object), ret_tree);
	if (r < 0) {
		git_odb_object_free(object);
		return r;
	}
	*ret_object = object;
	return 0;
}

int hd_smudge_size(const struct hd_smudge_place *place, const uint8_t id[HD_GIT_ID_SIZE], uint64_t *ret_size)
{
	git_object_t type;
	size_t size;
	git_oid oid;

	(void)git_oid_fromraw(&oid, id);
	if (git_odb_read_header(&size, &type, place->odb, &oid) < 0)
		return fail_missing(&oid);
	*ret_size = size;
	return 0;
}

static int store_bytes(
	const struct hd_smudge_place *place, const struct hd_buffer *bytes, struct hd_content *ret_content)
{
	struct hd_content_writer *writer;
	int r = hd_content_writer_new(place->store->objects, bytes->size, &writer);

	for (size_t at = 0; r >= 0 && at < bytes->size; at += HD_CHUNK_SIZE) {
		size_t left = bytes->size - at;

		r = hd_content_writer_append(
			writer, bytes->data + at, left < HD_CHUNK_SIZE ? left : HD_CHUNK_SIZE);
		if (r < 0)
			hd_content_writer_free(writer);
	}
	return r < 0 ? r : hd_content_writer_finish(writer, ret_content);
}

int hd_smudge_blob(const struct hd_smudge_place *place, const uint8_t id[HD_GIT_ID_SIZE],
	const struct hd_conversion *conversion, struct hd_content *ret_content, uint64_t *ret_size)
{
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	git_odb_object *object = NULL;
	int r;

	if (!hd_conversion_converts(conversion))
		return 0;
	r = hd_smudge_read(place, id, &object);
	if (r >= 0)
		r = hd_convert_to_worktree(
			conversion, git_odb_object_data(object), git_odb_object_size(object), &bytes);
	git_odb_object_free(object);
	if (r <= 0)
		return r;
	r = store_bytes(place, &bytes, ret_content);
	if (r < 0)
		return r;
	*ret_size = bytes.size;
	return 1;
}

int hd_smudge_rules(const struct hd_smudge_place *place, struct hd_attribute_names *names,
	const struct hd_git_tree *tree, bool in_root, struct hd_attribute_file **ret_file,
	const uint8_t **ret_id)
{
	const struct hd_git_tree_entry *entry = hd_git_tree_find(tree, HD_SMUDGE_RULES);
	git_odb_object *object = NULL;
	int r;

	*ret_file = NULL;
	if (!entry || !S_ISREG(entry->mode))
		return 0;
	*ret_id = entry->id;
	r = hd_smudge_read(place, entry->id, &object);
	if (r >= 0)
		r = hd_attribute_file_parse(
			names, git_odb_object_data(object), git_odb_object_size(object), in_root, ret_file);
	git_odb_object_free(object);
	return r;
}
