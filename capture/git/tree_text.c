/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/tree_text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/array.h"

/* {octal mode, ' ', name, NUL, id} each, in the order of names of which those of trees end in a slash (gitformat, "tree object"). */

struct hd_tree_text_entry {
	const char *name; /* borrowed */
	size_t length;
	git_filemode_t mode;
	git_oid id;
};

int hd_tree_text_add(struct hd_tree_text *text, const char *name, git_filemode_t mode, const git_oid *id)
{
	if (HD_ARRAY_RESERVE(text->entries, text->count, text->capacity) < 0)
		return -ENOMEM;
	text->entries[text->count++] =
		(struct hd_tree_text_entry){.name = name, .length = strlen(name), .mode = mode, .id = *id};
	return 0;
}

static unsigned char end_of(const struct hd_tree_text_entry *entry, size_t at)
{
	if (at < entry->length)
		return (unsigned char)entry->name[at];
	return entry->mode == GIT_FILEMODE_TREE ? '/' : '\0';
}

static int compare(const void *a, const void *b)
{
	const struct hd_tree_text_entry *left = a, *right = b;
	size_t common = left->length < right->length ? left->length : right->length;
	int order = memcmp(left->name, right->name, common);

	return order ? order : (int)end_of(left, common) - (int)end_of(right, common);
}

static bool is_sorted(const struct hd_tree_text *text)
{
	for (size_t i = 1; i < text->count; i++)
		if (compare(&text->entries[i - 1], &text->entries[i]) > 0)
			return false;
	return true;
}

static const char *mode_text(git_filemode_t mode)
{
	switch (mode) {
	case GIT_FILEMODE_TREE:
		return "40000 ";
	case GIT_FILEMODE_BLOB_EXECUTABLE:
		return "100755 ";
	case GIT_FILEMODE_LINK:
		return "120000 ";
	case GIT_FILEMODE_COMMIT:
		return "160000 ";
	case GIT_FILEMODE_BLOB:
	case GIT_FILEMODE_UNREADABLE:
	default:
		return "100644 ";
	}
}

int hd_tree_text_format(struct hd_tree_text *text, struct hd_buffer *out)
{
	if (!is_sorted(text))
		qsort(text->entries, text->count, sizeof(*text->entries), compare);
	for (size_t i = 0; i < text->count; i++) {
		const struct hd_tree_text_entry *entry = &text->entries[i];

		hd_buffer_put_text(out, mode_text(entry->mode));
		hd_buffer_put(out, entry->name, entry->length + 1);
		hd_buffer_put(out, entry->id.id, GIT_OID_RAWSZ);
	}
	return hd_buffer_status(out);
}

void hd_tree_text_clear(struct hd_tree_text *text)
{
	free(text->entries);
	*text = (struct hd_tree_text){0};
}
