/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/merge/name_merge.h"

#include <errno.h>
#include <sys/stat.h>

#include "capture/compare/same_content.h"
#include "capture/merge/file_merge.h"
#include "overlay/platform/error.h"

bool hd_merge_is_directory(const struct hd_snapshot_node *node)
{
	return node && S_ISDIR(node->attributes.mode);
}

bool hd_merge_same_permissions(const struct hd_snapshot_node *a, const struct hd_snapshot_node *b)
{
	return S_ISLNK(a->attributes.mode) || (a->attributes.mode & 07777) == (b->attributes.mode & 07777);
}

int hd_merge_same_thing(struct hd_merging *merging, const struct hd_merge_trio *trio, enum hd_merge_side left,
	enum hd_merge_side right, bool *ret_same)
{
	const struct hd_snapshot_node *a = trio->nodes[left], *b = trio->nodes[right];
	struct hd_tree_view_entry a_entry = {.name = ""}, b_entry = {.name = ""};

	*ret_same = !a && !b;
	if (!a || !b || (a->attributes.mode & S_IFMT) != (b->attributes.mode & S_IFMT))
		return 0;
	hd_tree_view_entry_of_node((struct hd_snapshot_node *)a, &a_entry);
	hd_tree_view_entry_of_node((struct hd_snapshot_node *)b, &b_entry);
	a_entry.node = b_entry.node = NULL;
	if (S_ISDIR(a->attributes.mode))
		*ret_same = hd_same_reference(&a_entry, &b_entry);
	else if (S_ISREG(a->attributes.mode) || S_ISLNK(a->attributes.mode))
		return hd_same_bytes(
			merging->views[left], &a_entry, merging->views[right], &b_entry, ret_same);
	else
		*ret_same = a->attributes.device == b->attributes.device;
	return 0;
}

int hd_merge_conflict(struct hd_merging *merging, enum hd_conflict_kind kind)
{
	return hd_conflicts_add(merging->conflicts, kind, (const char *)merging->path.data);
}

void hd_merge_keep_ours(const struct hd_merge_trio *trio, struct hd_merged *merged)
{
	*merged = (struct hd_merged){.exists = trio->nodes[OURS] != NULL};
	if (merged->exists)
		merged->node = *trio->nodes[OURS];
}

void hd_merge_permissions(const struct hd_merge_trio *trio, struct hd_merged *merged)
{
	const struct hd_snapshot_node *ours = trio->nodes[OURS], *base = trio->nodes[BASE],
				      *theirs = trio->nodes[THEIRS];
	uint32_t type = merged->node.attributes.mode & S_IFMT, bits = ours->attributes.mode & 07777;

	if (theirs && base && !hd_merge_same_permissions(base, theirs))
		bits = theirs->attributes.mode & 07777;
	merged->changed = merged->changed || bits != (merged->node.attributes.mode & 07777);
	merged->node.attributes.mode = type | bits;
}

void hd_merge_stamp(
	const struct hd_merging *merging, const struct hd_merge_trio *trio, struct hd_snapshot_node *node)
{
	const struct hd_snapshot_node *ours = trio->nodes[OURS];
	const struct timespec *time = merging->merge->time;

	if (!time)
		return;
	node->attributes.access_time = node->attributes.modify_time = node->attributes.change_time = *time;
	node->attributes.birth_time = ours ? ours->attributes.birth_time : *time;
	node->link_group = 0;
	if (!ours)
		return;
	node->attributes.uid = ours->attributes.uid;
	node->attributes.gid = ours->attributes.gid;
	node->xattrs = ours->xattrs;
	node->xattrs_size = ours->xattrs_size;
}

void hd_merge_take_theirs(
	const struct hd_merging *merging, const struct hd_merge_trio *trio, struct hd_merged *merged)
{
	const struct hd_snapshot_node *ours = trio->nodes[OURS], *theirs = trio->nodes[THEIRS];
	struct hd_merge_trio alike = *trio;

	*merged = (struct hd_merged){.exists = theirs != NULL, .changed = true};
	if (!theirs)
		return;
	merged->node = *theirs;
	if (ours && (ours->attributes.mode & S_IFMT) != (theirs->attributes.mode & S_IFMT))
		alike.nodes[OURS] = NULL;
	hd_merge_stamp(merging, &alike, &merged->node);
	if (alike.nodes[OURS] && trio->nodes[BASE])
		hd_merge_permissions(trio, merged);
	merged->changed = true;
}

/* ---- files ---- */

static struct hd_file_version version_of(
	struct hd_merging *merging, const struct hd_merge_trio *trio, enum hd_merge_side side)
{
	struct hd_file_version version = {.view = merging->views[side], .rules = merging->rules.tops[side]};

	if (trio->nodes[side])
		hd_tree_view_entry_of_node((struct hd_snapshot_node *)trio->nodes[side], &version.entry);
	version.entry.node = NULL;
	return version;
}

/* Of files; where there is none nothing may be asked of it. */
static struct hd_file_merge files_of(struct hd_merging *merging, const struct hd_merge_trio *trio)
{
	return (struct hd_file_merge){.store = merging->merge->store,
		.names = &merging->rules.names,
		.path = (const char *)merging->path.data,
		.ours = version_of(merging, trio, OURS),
		.base = version_of(merging, trio, BASE),
		.theirs = version_of(merging, trio, THEIRS),
		.rules = merging->rules.tops[HD_MERGE_RESULT]};
}

/* Both changed it. */
static int merge_files(struct hd_merging *merging, const struct hd_merge_trio *trio, struct hd_merged *merged)
{
	const struct hd_file_merge files = files_of(merging, trio);
	struct hd_content content;
	uint64_t size;
	int r = hd_file_merge_run(&files, &content, &size);

	if (r == -EFBIG || r == 0)
		return hd_merge_conflict(merging, r == 0 ? HD_CONFLICT_CONTENT : HD_CONFLICT_BINARY);
	if (r < 0)
		return r;
	merged->changed = true;
	merged->node.link_group = 0;
	hd_merge_stamp(merging, trio, &merged->node);
	merged->node.content = content;
	merged->node.attributes.size = size;
	hd_merge_permissions(trio, merged);
	return 0;
}

static bool is_file(const struct hd_merge_trio *trio, enum hd_merge_side side)
{
	return trio->nodes[side] && S_ISREG(trio->nodes[side]->attributes.mode);
}

/* Whether OURS is what BASE is, to git if to nobody else. */
static int is_untouched(struct hd_merging *merging, const struct hd_merge_trio *trio, bool *ret_untouched)
{
	struct hd_file_merge files;
	int r = hd_merge_same_thing(merging, trio, OURS, BASE, ret_untouched);

	if (r < 0 || *ret_untouched || !is_file(trio, OURS) || !is_file(trio, BASE))
		return r;
	files = files_of(merging, trio);
	return hd_file_merge_is_untouched(&files, ret_untouched);
}

int hd_merge_others(struct hd_merging *merging, const struct hd_merge_trio *trio, struct hd_merged *merged)
{
	bool same;
	int r = is_untouched(merging, trio, &same);

	if (r < 0)
		return r;
	if (same) {
		hd_merge_take_theirs(merging, trio, merged);
		return 0;
	}
	hd_merge_keep_ours(trio, merged);
	r = hd_merge_same_thing(merging, trio, OURS, THEIRS, &same);
	if (r < 0)
		return r;
	if (same) {
		if (merged->exists)
			hd_merge_permissions(trio, merged);
		return 0;
	}
	if (is_file(trio, OURS) && is_file(trio, BASE) && is_file(trio, THEIRS))
		return merge_files(merging, trio, merged);
	if (!trio->nodes[BASE])
		return hd_merge_conflict(merging, HD_CONFLICT_ADDED);
	if (!trio->nodes[OURS] || !trio->nodes[THEIRS])
		return hd_merge_conflict(merging, HD_CONFLICT_DELETED);
	return hd_merge_conflict(merging,
		S_ISLNK(trio->nodes[OURS]->attributes.mode) && S_ISLNK(trio->nodes[THEIRS]->attributes.mode)
			? HD_CONFLICT_SYMLINK
			: HD_CONFLICT_TYPE);
}
