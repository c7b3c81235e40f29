/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/export/export_clean.h"

#include <errno.h>
#include <git2.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/smudge/smudge_blob.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

int hd_export_clean_enter(struct hd_export_clean *clean, struct hd_tree_view *view,
	const struct hd_tree_view_listing *listing, const char *directory, struct hd_smudge_level *ret_level)
{
	const struct hd_tree_view_entry *rules =
		hd_tree_view_listing_find(listing, HD_SMUDGE_RULES, strlen(HD_SMUDGE_RULES));

	return hd_smudge_level_enter(&clean->names, view, rules, strlen(directory), &clean->top, ret_level);
}

void hd_export_clean_leave(struct hd_export_clean *clean, struct hd_smudge_level *level)
{
	hd_smudge_level_leave(&clean->top, level);
}

/* Whether git has CRLF at the path already, which keeps a file's that only looks like a text. */
static int look_before(
	const struct hd_export_clean *clean, const struct hd_git_tree_entry *before, bool *ret_has_crlf)
{
	git_odb_object *object = NULL;
	git_oid id;

	*ret_has_crlf = false;
	if (!before || !S_ISREG(before->mode))
		return 0;
	memcpy(id.id, before->id, sizeof(id.id));
	if (git_odb_read(&object, clean->objects->odb, &id) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "read %s", git_oid_tostr_s(&id));
	*ret_has_crlf = hd_convert_has_crlf(git_odb_object_data(object), git_odb_object_size(object));
	git_odb_object_free(object);
	return 0;
}

int hd_export_clean_put(struct hd_export_clean *clean, struct hd_tree_view *view,
	const struct hd_tree_view_entry *file, const char *path, const struct hd_git_tree_entry *before,
	git_oid *ret_id)
{
	HD_AUTO_FREE char *data = NULL;
	struct hd_conversion conversion;
	bool has_crlf = false;
	size_t size;
	int r;

	if (!S_ISREG(file->mode) || file->size > HD_SMUDGE_FILE_LIMIT ||
		!hd_attribute_stack_cleans(clean->top))
		return 0;
	r = hd_attribute_stack_ask(&clean->names, clean->top, path, &conversion);
	if (r < 0 || !hd_conversion_cleans(&conversion))
		return r;
	if (hd_eol_is_guessed(conversion.eol))
		r = look_before(clean, before, &has_crlf);
	if (r >= 0)
		r = hd_smudge_file_clean(
			view, file, &conversion, has_crlf, HD_SMUDGE_FILE_LIMIT, &data, &size);
	if (r <= 0)
		return r;
	r = hd_export_objects_put(clean->objects, GIT_OBJECT_BLOB, data, size, ret_id);
	clean->cleaned += r >= 0;
	return r < 0 ? r : 1;
}

void hd_export_clean_clear(struct hd_export_clean *clean)
{
	hd_attribute_names_clear(&clean->names);
}
