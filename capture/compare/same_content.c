/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/compare/same_content.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/threads/work.h"

#define COMPARE_BLOCK (256u << 10)

enum verdict { VERDICT_SAME, VERDICT_DIFFERENT, VERDICT_UNKNOWN };

/*
 * What two references tell about the bytes. Object ids are a function of the bytes within one store, git's
 * within all repositories; other pairs, two host paths for example, tell nothing when they are unequal.
 */
static enum verdict compare_references(const struct hd_tree_view_entry *a, const struct hd_tree_view_entry *b)
{
	const struct hd_content *left = &a->content, *right = &b->content;

	if (a->unreferenced || b->unreferenced)
		return VERDICT_UNKNOWN;
	if (hd_content_equal(left, right))
		return VERDICT_SAME;
	if (left->kind == HD_CONTENT_GIT && right->kind == HD_CONTENT_GIT && left->length == right->length &&
		memcmp(left->bytes, right->bytes, sizeof(left->bytes)) == 0)
		return VERDICT_SAME;
	if (S_ISDIR(a->mode) || left->kind != right->kind || left->kind == HD_CONTENT_HOST)
		return VERDICT_UNKNOWN;
	return left->length == right->length ? VERDICT_DIFFERENT : VERDICT_UNKNOWN;
}

static int compare_bytes(struct hd_tree_view *old_view, const struct hd_tree_view_entry *old_entry,
	struct hd_tree_view *new_view, const struct hd_tree_view_entry *new_entry, bool *ret_same)
{
	HD_AUTO_FREE char *blocks = malloc(2 * (size_t)COMPARE_BLOCK);
	uint64_t offset = 0;

	if (!blocks)
		return -ENOMEM;
	for (;;) {
		size_t old_size, new_size;
		int r = hd_work_advance(0);

		if (r < 0)
			return r;
		r = hd_tree_view_read(old_view, old_entry, blocks, COMPARE_BLOCK, offset, &old_size);
		if (r < 0)
			return r;
		r = hd_tree_view_read(
			new_view, new_entry, blocks + COMPARE_BLOCK, COMPARE_BLOCK, offset, &new_size);
		if (r < 0)
			return r;
		if (old_size != new_size || memcmp(blocks, blocks + COMPARE_BLOCK, old_size) != 0) {
			*ret_same = false;
			return 0;
		}
		if (old_size < COMPARE_BLOCK) {
			*ret_same = true;
			return 0;
		}
		offset += old_size;
	}
}

int hd_same_bytes(struct hd_tree_view *old_view, const struct hd_tree_view_entry *old_entry,
	struct hd_tree_view *new_view, const struct hd_tree_view_entry *new_entry, bool *ret_same)
{
	enum verdict verdict = compare_references(old_entry, new_entry);
	uint64_t old_size, new_size;
	int r;

	if (verdict == VERDICT_SAME || verdict == VERDICT_DIFFERENT) {
		*ret_same = verdict == VERDICT_SAME;
		return 0;
	}
	r = hd_tree_view_size(old_view, old_entry, &old_size);
	if (r >= 0)
		r = hd_tree_view_size(new_view, new_entry, &new_size);
	if (r < 0)
		return r;
	if (old_size != new_size) {
		*ret_same = false;
		return 0;
	}
	return compare_bytes(old_view, old_entry, new_view, new_entry, ret_same);
}

bool hd_same_reference(const struct hd_tree_view_entry *old_entry, const struct hd_tree_view_entry *new_entry)
{
	return compare_references(old_entry, new_entry) == VERDICT_SAME;
}
