/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/export/export_clean.h"

#include <errno.h>
#include <git2.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/smudge/conversion.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

#define RULES ".gitattributes"
/* Whoever has a longer text than this has other troubles: it stays what it is. */
#define FILE_LIMIT ((size_t)1 << 32)

int hd_export_clean_enter(struct hd_export_clean *clean, struct hd_tree_view *view,
	const struct hd_tree_view_listing *listing, const char *directory,
	struct hd_export_clean_level *ret_level)
{
	const struct hd_tree_view_entry *entry = hd_tree_view_listing_find(listing, RULES, strlen(RULES));
	struct hd_export_clean_level *level = ret_level;
	HD_AUTO_FREE char *text = NULL;
	size_t size;
	int r;

	*level = (struct hd_export_clean_level){0};
	if (!entry || !S_ISREG(entry->mode))
		return 0;
	r = hd_tree_view_read_whole(view, entry, FILE_LIMIT, &text, &size);
	if (r >= 0)
		r = hd_attribute_file_parse(&clean->names, text, size, !*directory, &level->file);
	if (r < 0)
		return hd_fail_in(r, "'" RULES "'");
	level->level = (struct hd_attribute_level){clean->top, level->file, strlen(directory)};
	clean->top = &level->level;
	return 0;
}

void hd_export_clean_leave(struct hd_export_clean *clean, struct hd_export_clean_level *level)
{
	if (!level->file)
		return;
	clean->top = level->level.above;
	hd_attribute_file_free(level->file);
	level->file = NULL;
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

static bool is_guessed(const struct hd_conversion *conversion)
{
	return conversion->eol == HD_EOL_AUTO || conversion->eol == HD_EOL_AUTO_CRLF;
}

int hd_export_clean_put(struct hd_export_clean *clean, struct hd_tree_view *view,
	const struct hd_tree_view_entry *file, const char *path, const struct hd_git_tree_entry *before,
	git_oid *ret_id)
{
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	HD_AUTO_FREE char *data = NULL;
	struct hd_conversion conversion;
	bool has_crlf = false;
	size_t size;
	int r;

	if (!S_ISREG(file->mode) || file->size > FILE_LIMIT || !hd_attribute_stack_cleans(clean->top))
		return 0;
	r = hd_attribute_stack_ask(&clean->names, clean->top, path, &conversion);
	if (r < 0 || !hd_conversion_cleans(&conversion))
		return r;
	r = hd_tree_view_read_whole(view, file, FILE_LIMIT, &data, &size);
	if (r >= 0 && is_guessed(&conversion))
		r = look_before(clean, before, &has_crlf);
	if (r >= 0)
		r = hd_convert_to_git(&conversion, data, size, has_crlf, &bytes);
	if (r <= 0)
		return r;
	r = hd_export_objects_put(clean->objects, GIT_OBJECT_BLOB, bytes.data, bytes.size, ret_id);
	clean->cleaned += r >= 0;
	return r < 0 ? r : 1;
}

void hd_export_clean_clear(struct hd_export_clean *clean)
{
	hd_attribute_names_clear(&clean->names);
}
