/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/smudge/smudge_file.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "capture/smudge/smudge_blob.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

int hd_smudge_level_enter(struct hd_attribute_names *names, struct hd_tree_view *view,
	const struct hd_tree_view_entry *rules, size_t base, const struct hd_attribute_level **top,
	struct hd_smudge_level *ret_level)
{
	struct hd_smudge_level *level = ret_level;
	HD_AUTO_FREE char *text = NULL;
	size_t size;
	int r;

	*level = (struct hd_smudge_level){0};
	if (!rules || !S_ISREG(rules->mode))
		return 0;
	r = hd_tree_view_read_whole(view, rules, HD_SMUDGE_FILE_LIMIT, &text, &size);
	if (r >= 0)
		r = hd_attribute_file_parse(names, text, size, base == 0, &level->file);
	if (r < 0)
		return hd_fail_in(r, "'" HD_SMUDGE_RULES "'");
	level->level = (struct hd_attribute_level){*top, level->file, base};
	*top = &level->level;
	return 0;
}

void hd_smudge_level_leave(const struct hd_attribute_level **top, struct hd_smudge_level *level)
{
	if (!level->file)
		return;
	*top = level->level.above;
	hd_attribute_file_free(level->file);
	level->file = NULL;
}

int hd_smudge_file_clean(struct hd_tree_view *view, const struct hd_tree_view_entry *file,
	const struct hd_conversion *conversion, bool has_crlf, size_t limit, char **ret_data,
	size_t *ret_size)
{
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	HD_AUTO_FREE char *data = NULL;
	size_t size;
	int r = hd_tree_view_read_whole(view, file, limit, &data, &size);

	if (r >= 0)
		r = hd_convert_to_git(conversion, data, size, has_crlf, &bytes);
	if (r < 0)
		return r;
	*ret_size = size;
	*ret_data = r > 0 ? hd_buffer_steal(&bytes, ret_size) : HD_STEAL(data);
	return r;
}
