/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/growth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/store/objects/chunk_list.h"

/* Smaller files are counted, and are no culprits. */
#define NAMED_FROM 65536u

static bool is_stored(const struct hd_content *content)
{
	return content->kind == HD_CONTENT_OBJECT || content->kind == HD_CONTENT_CHUNKED;
}

static struct hd_object_id object_of(const struct hd_content *content)
{
	struct hd_object_id id;

	memcpy(&id, content->bytes, sizeof(id));
	return id;
}

/* The chunks of NEW that are not at the same place in OLD (NULL: all), but for holes. */
static int count_chunks(struct hd_object_store *objects, const struct hd_content *old,
	const struct hd_content *new, uint64_t *ret_bytes)
{
	struct hd_object_id new_id = object_of(new), old_id = old ? object_of(old) : new_id;
	uint64_t count = 0, total = UINT64_MAX, old_total;

	for (uint64_t index = 0; index < hd_chunk_count(total);) {
		struct hd_chunk_run run, before = {.is_hole = true};
		uint64_t end;
		int r = hd_chunk_list_run(objects, &new_id, index, &run, &total);
		int there = old && r >= 0 ? hd_chunk_list_run(objects, &old_id, index, &before, &old_total)
					  : -ENOENT;

		if (r < 0 || (there < 0 && there != -ENOENT))
			return r < 0 ? r : there;
		end = there >= 0 && before.end < run.end ? before.end : run.end;
		if (!run.is_hole &&
			(there < 0 || before.is_hole || memcmp(&run.id, &before.id, sizeof(run.id)) != 0))
			count += end - index;
		index = end;
	}
	*ret_bytes = count * HD_CHUNK_SIZE < total ? count * HD_CHUNK_SIZE : total;
	return 0;
}

static int count_bytes(struct hd_object_store *objects, const struct hd_change *change, uint64_t *ret_bytes)
{
	const struct hd_tree_view_entry *entry = change->new_entry;
	const struct hd_tree_view_entry *old = change->old_entry;

	*ret_bytes = entry->size;
	if (entry->content.kind != HD_CONTENT_CHUNKED)
		return 0;
	return count_chunks(objects, old && old->content.kind == HD_CONTENT_CHUNKED ? &old->content : NULL,
		&entry->content, ret_bytes);
}

int hd_growth_add(struct hd_growth *growth, struct hd_object_store *objects, const struct hd_change *change)
{
	struct hd_growth_file file = {0};
	int r;

	if (change->kind == HD_CHANGE_DELETED || change->kind == HD_CHANGE_MOVED ||
		!S_ISREG(change->new_entry->mode) || !is_stored(&change->new_entry->content) ||
		(change->kind == HD_CHANGE_MODIFIED && !change->content_differs))
		return 0;
	file.content = change->new_entry->content;
	r = count_bytes(objects, change, &file.bytes);
	if (r < 0)
		return r;
	if (file.bytes >= NAMED_FROM) {
		file.path = strndup(change->path, change->path_length);
		if (!file.path)
			return -ENOMEM;
	}
	hd_buffer_put(&growth->files, &file, sizeof(file));
	r = hd_buffer_status(&growth->files);
	if (r < 0)
		free(file.path);
	return r;
}

static int compare_contents(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct hd_content));
}

static int compare_bytes(const void *a, const void *b)
{
	const struct hd_growth_file *left = a, *right = b;

	return left->bytes < right->bytes ? 1 : -(left->bytes > right->bytes);
}

void hd_growth_end(struct hd_growth *growth, const struct hd_content *gone, size_t n_gone)
{
	struct hd_growth_file *files = (struct hd_growth_file *)(void *)growth->files.data;
	size_t count = growth->files.size / sizeof(*files), kept = 0;
	struct hd_content last = {0};

	if (count > 1)
		qsort(files, count, sizeof(*files), compare_contents);
	for (size_t i = 0; i < count; i++) {
		bool known = hd_content_equal(&files[i].content, &last) ||
			     (n_gone > 0 && bsearch(&files[i].content, gone, n_gone, sizeof(*gone),
						    compare_contents));

		last = files[i].content;
		if (!known)
			growth->bytes += files[i].bytes;
		if (known || !files[i].path)
			free(files[i].path);
		else
			files[kept++] = files[i];
	}
	if (kept > 1)
		qsort(files, kept, sizeof(*files), compare_bytes);
	growth->largest = files;
	growth->n_largest = kept;
	growth->files = (struct hd_buffer){0};
}

void hd_growth_clear(struct hd_growth *growth)
{
	const struct hd_growth_file *files = (const struct hd_growth_file *)(void *)growth->files.data;

	for (size_t i = 0; i < growth->files.size / sizeof(*files); i++)
		free(files[i].path);
	for (size_t i = 0; i < growth->n_largest; i++)
		free(growth->largest[i].path);
	hd_buffer_clear(&growth->files);
	free(growth->largest);
	*growth = (struct hd_growth){0};
}
