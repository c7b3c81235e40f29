/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "overlay/arena/inode_table.h"
#include "overlay/arena/link_groups.h"
#include "overlay/platform/array.h"
#include "overlay/store/link_group.h"
#include "overlay/switch/tree_switch_types.h"

/*
 * Hard links in a switch. A file that has, or had, several names stays if it is the same file with the same bytes.
 * Otherwise each of its names is taken away and put in again, and the first one makes the inode for all. Which names the
 * target counts is put right at the end.
 */

bool hd_switch_is_same_linked(const struct hd_inode *inode, const struct hd_listed *item)
{
	const struct hd_content *said = &item->entry.content;

	if (inode->content.kind == HD_CONTENT_HOST && said->kind == HD_CONTENT_HOST &&
		!(inode->flags & HD_INODE_UNSETTLED))
		return inode->content.base == said->base;
	return hd_switch_has_bytes_of(inode, &item->entry);
}

/* INODE does not stand for the file of its group any more: not for names that are found later either. */
void hd_switch_dethrone(struct hd_switch *run, uint32_t index)
{
	struct hd_inode *inode = hd_edit_inode(&run->transaction, index);

	if (inode->unseen_links)
		hd_switch_note_change(run, HD_SWITCH_ATTRIBUTES, index, NULL);
	inode->nlink -= inode->unseen_links < inode->nlink ? inode->unseen_links : inode->nlink;
	inode->unseen_links = 0;
	inode->link_group = 0;
	if (inode->state == HD_INODE_HIDDEN) {
		inode->state = HD_INODE_ORPHAN;
		hd_switch_note_orphan(run, index);
	}
}

void hd_switch_note_linked(struct hd_switch *run, uint32_t index, const struct hd_listed *item)
{
	if (HD_ARRAY_RESERVE(run->linked, run->n_linked, run->linked_capacity) < 0)
		hd_switch_fail(run, -ENOMEM);
	else
		run->linked[run->n_linked++] =
			(struct hd_switch_linked){.index = index, .links = item->entry.links};
}

static bool is_of_group(const struct hd_switch *run, uint32_t index, const struct hd_listed *item)
{
	const struct hd_inode *inode = hd_view_inode(&run->transaction, index);
	uint64_t group = inode->link_group ? inode->link_group
					   : hd_link_group_draw(run->overlay->thread, inode, index);

	return group == item->entry.link_group ||
	       hd_link_group_kept(group, &inode->content) == item->entry.link_group;
}

/* Whether a file that has several names, here or in the target, stays what it is under this one. */
bool hd_switch_stays_linked(struct hd_switch *run, uint32_t index, const struct hd_listed *item)
{
	uint64_t group = item->entry.link_group;
	uint32_t known = group ? hd_link_group_find(run->overlay->groups, &run->transaction, group) : 0;

	if (!group)
		return false;
	if (known && !hd_switch_is_same_linked(hd_view_inode(&run->transaction, known), item)) {
		hd_switch_dethrone(run, known);
		known = 0;
	}
	if (known != 0 && known != index)
		return false;
	if (known == 0) {
		if (!hd_switch_is_same_linked(hd_view_inode(&run->transaction, index), item) ||
			!is_of_group(run, index, item))
			return false;
		hd_edit_inode(&run->transaction, index)->link_group = group;
		hd_link_group_add(run->overlay->groups, group, index);
	}
	hd_switch_note_linked(run, index, item);
	return true;
}

/* A file that was changed and of which no name is loaded: what names lead to it are the target's from now on. */
void hd_switch_dethrone_changed(struct hd_switch *run)
{
	uint64_t captured = hd_view_thread(&run->transaction)->captured;
	size_t cursor = 0;
	uint32_t index;

	while ((index = hd_link_groups_next(run->overlay->groups, run->overlay->arena, &cursor))) {
		const struct hd_inode *inode = hd_view_inode(&run->transaction, index);

		hd_switch_make_room(run, 0);
		if (inode->unseen_links &&
			(inode->flags & HD_INODE_UNSETTLED || inode->tree_change > captured))
			hd_switch_dethrone(run, index);
	}
}

static uint32_t count_names(const struct hd_switch *run, uint32_t index)
{
	uint32_t entry = hd_view_inode(&run->transaction, index)->first_link;
	uint32_t count = 0;

	for (; entry; entry = hd_view_entry(&run->transaction, entry)->link_next)
		count++;
	return count;
}

void hd_switch_note_unlinked(struct hd_switch *run, uint32_t index)
{
	const struct hd_inode *inode = hd_view_inode(&run->transaction, index);

	if (!inode->link_group || hd_inode_is_directory(inode))
		return;
	if (HD_ARRAY_RESERVE(run->unlinked, run->n_unlinked, run->unlinked_capacity) < 0)
		hd_switch_fail(run, -ENOMEM);
	else
		run->unlinked[run->n_unlinked++] = index;
}

static int compare_linked(const void *a, const void *b)
{
	const struct hd_switch_linked *left = a, *right = b;

	return left->index < right->index ? -1 : left->index > right->index;
}

static bool is_counted(const struct hd_switch *run, uint32_t index)
{
	const struct hd_switch_linked key = {.index = index};

	return run->n_linked &&
	       bsearch(&key, run->linked, run->n_linked, sizeof(key), compare_linked) != NULL;
}

/*
 * A name that was taken away together with its directory may be in the target elsewhere, in a directory that nobody has
 * looked into. A file that has another loaded name waits for it again: that name's directory is the same in both trees,
 * with its count of names. Of a file that has none left nothing is known: who finds a name of it begins anew.
 */
static void count_unlinked(struct hd_switch *run)
{
	for (size_t i = 0; i < run->n_unlinked && run->status == 0; i++) {
		uint32_t index = run->unlinked[i];
		struct hd_inode *inode;

		hd_switch_make_room(run, 0);
		inode = hd_edit_inode(&run->transaction, index);
		if (!hd_inode_is_kept(inode) || !inode->link_group)
			continue;
		if (inode->state == HD_INODE_HIDDEN) {
			hd_switch_dethrone(run, index);
		} else if (!is_counted(run, index)) {
			inode->unseen_links++;
			inode->nlink++;
		}
	}
}

static void count_linked(struct hd_switch *run)
{
	for (size_t i = 0; i < run->n_linked && run->status == 0; i++) {
		uint32_t index = run->linked[i].index, links = run->linked[i].links;
		uint32_t names = count_names(run, index), elsewhere;
		struct hd_inode *inode;

		hd_switch_make_room(run, 0);
		inode = hd_edit_inode(&run->transaction, index);
		elsewhere = links > names ? links - names : 0;
		if (inode->outside_links > elsewhere)
			inode->outside_links = elsewhere;
		inode->unseen_links = elsewhere - inode->outside_links;
		if (inode->nlink != names + elsewhere)
			hd_switch_note_change(run, HD_SWITCH_ATTRIBUTES, index, NULL);
		inode->nlink = names + elsewhere;
	}
}

void hd_switch_count_linked(struct hd_switch *run)
{
	if (run->n_linked)
		qsort(run->linked, run->n_linked, sizeof(*run->linked), compare_linked);
	count_linked(run);
	count_unlinked(run);
}
