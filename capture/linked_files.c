/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/linked_files.h"

#include <errno.h>
#include <stdlib.h>

struct hd_linked_file {
	uint64_t group;            /* 0: free */
	struct hd_content settled; /* what the overlay calls the bytes */
	struct hd_content content; /* what the state calls them */
	struct hd_attributes attributes;
};

/* Groups are drawn from all bits, or counted: the product spreads both. */
static struct hd_linked_file *find_place(struct hd_linked_file *files, size_t capacity, uint64_t group)
{
	size_t at = (size_t)(group * 0x9E3779B97F4A7C15u >> 20) & (capacity - 1);

	while (files[at].group != 0 && files[at].group != group)
		at = (at + 1) & (capacity - 1);
	return &files[at];
}

static const struct hd_linked_file *find(const struct hd_linked_files *files, uint64_t group)
{
	const struct hd_linked_file *file;

	if (!group || files->capacity == 0)
		return NULL;
	file = find_place(files->files, files->capacity, group);
	return file->group ? file : NULL;
}

static int grow(struct hd_linked_files *files)
{
	size_t capacity = files->capacity ? files->capacity * 2 : 64;
	struct hd_linked_file *larger = calloc(capacity, sizeof(*larger));

	if (!larger)
		return -ENOMEM;
	for (size_t i = 0; i < files->capacity; i++)
		if (files->files[i].group)
			*find_place(larger, capacity, files->files[i].group) = files->files[i];
	free(files->files);
	files->files = larger;
	files->capacity = capacity;
	return 0;
}

bool hd_linked_files_take(const struct hd_linked_files *files, struct hd_snapshot_node *node)
{
	const struct hd_linked_file *first = find(files, node->link_group);

	if (!first)
		return true;
	node->attributes = first->attributes;
	node->unsettled = false;
	node->content = first->content.kind == HD_CONTENT_HOST ? first->settled : first->content;
	return first->content.kind == HD_CONTENT_HOST;
}

int hd_linked_files_keep(
	struct hd_linked_files *files, struct hd_snapshot_node *node, const struct hd_content *settled)
{
	const struct hd_linked_file *first = find(files, node->link_group);

	if (!node->link_group)
		return 0;
	if (first) {
		if (node->content.kind != HD_CONTENT_HOST)
			node->content = first->content;
		return 0;
	}
	if ((files->count + 1) * 2 > files->capacity && grow(files) < 0)
		return -ENOMEM;
	files->count++;
	*find_place(files->files, files->capacity, node->link_group) =
		(struct hd_linked_file){.group = node->link_group,
			.settled = *settled,
			.content = node->content,
			.attributes = node->attributes};
	return 0;
}

void hd_linked_files_clear(struct hd_linked_files *files)
{
	free(files->files);
	*files = (struct hd_linked_files){0};
}
