/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/contents/kept_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"

/*
 * A set is a hash table of inodes; what a file was is noted when it is first changed, and is little until blocks of it go.
 *
 * A block without a copy has the bytes that it had, wherever they lie by now: a change copies it first, and storing the
 * file in the background, which would put newer bytes in the place of the others, leaves it alone meanwhile
 * (hd_file_is_kept_in_part). So a reader reads the live file without a lock, looks again whether the block has a copy, and
 * takes that if it has.
 */

#define EMPTY UINT32_MAX

struct entry {
	hd_ino ino;
	struct hd_kept_file *file; /* owned; NULL: not changed */
	int failure;
	bool stored;
	struct hd_content content; /* once it is stored */
};

struct hd_kept_files {
	struct hd_kept_files *next;
	struct entry *entries; /* owned */
	size_t count;
	uint32_t *slots; /* owned: numbers of entries, or EMPTY */
	size_t mask;
};

/* What a hole of the block map reads as. Nobody frees or changes it. */
static uint8_t zeros[HD_BLOCK_SIZE];

static size_t slot_of(const struct hd_kept_files *files, hd_ino ino)
{
	return (size_t)((uint64_t)ino * 0x9e3779b97f4a7c15u >> 20) & files->mask;
}

static struct entry *find(const struct hd_kept_files *files, hd_ino ino)
{
	for (size_t slot = slot_of(files, ino); files->slots[slot] != EMPTY; slot = (slot + 1) & files->mask)
		if (files->entries[files->slots[slot]].ino == ino)
			return &files->entries[files->slots[slot]];
	return NULL;
}

static void insert(struct hd_kept_files *files, hd_ino ino)
{
	size_t slot = slot_of(files, ino);

	while (files->slots[slot] != EMPTY) {
		if (files->entries[files->slots[slot]].ino == ino)
			return; /* a file with several names */
		slot = (slot + 1) & files->mask;
	}
	files->slots[slot] = (uint32_t)files->count;
	files->entries[files->count++].ino = ino;
}

static void free_file(struct hd_kept_file *file)
{
	for (size_t i = 0; file && i < file->n_blocks; i++)
		if (file->blocks[i].bytes != zeros)
			free(file->blocks[i].bytes);
	if (file)
		free(file->blocks);
	free(file);
}

static void free_files(struct hd_kept_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free_file(files->entries[i].file);
	free(files->entries);
	free(files->slots);
	free(files);
}

int hd_kept_files_new(const hd_ino *inos, size_t count, struct hd_kept_files **ret_files)
{
	struct hd_kept_files *files = calloc(1, sizeof(*files));
	size_t size = 16;

	if (!files)
		return -ENOMEM;
	while (size < 2 * count)
		size *= 2;
	files->mask = size - 1;
	files->entries = calloc(count + 1, sizeof(*files->entries));
	files->slots = malloc(size * sizeof(*files->slots));
	if (!files->entries || !files->slots) {
		free_files(files);
		return -ENOMEM;
	}
	memset(files->slots, 0xff, size * sizeof(*files->slots));
	for (size_t i = 0; i < count; i++)
		insert(files, inos[i]);
	*ret_files = files;
	return 0;
}

void hd_kept_files_add(struct hd_overlay *overlay, struct hd_kept_files *files)
{
	files->next = overlay->kept;
	overlay->kept = files;
}

void hd_kept_files_remove(struct hd_overlay *overlay, struct hd_kept_files *files)
{
	struct hd_kept_files **place = &overlay->kept;

	if (!files)
		return;
	hd_rwlock_write(&overlay->change_lock);
	while (*place != files)
		place = &(*place)->next;
	*place = files->next;
	hd_rwlock_unlock(&overlay->change_lock);
	free_files(files);
}

void hd_file_lock_to_change(struct hd_overlay *overlay, hd_ino ino)
{
	hd_rwlock_read(&overlay->change_lock);
	hd_rwlock_write(hd_file_lock_of(overlay, hd_ino_index(ino)));
}

void hd_file_unlock_changed(struct hd_overlay *overlay, hd_ino ino)
{
	hd_rwlock_unlock(hd_file_lock_of(overlay, hd_ino_index(ino)));
	hd_rwlock_unlock(&overlay->change_lock);
}

static int list_blocks(struct hd_overlay *overlay, hd_ino ino, struct hd_kept_file *file)
{
	uint64_t block = 0, end = (file->view.size + HD_BLOCK_SIZE - 1) >> HD_BLOCK_SHIFT;
	const struct hd_inode *inode;
	uint32_t value;
	int r = 0;

	hd_rwlock_read(&overlay->lock);
	inode = hd_record_inode(overlay->arena, hd_ino_index(ino));
	while (r == 0 && hd_block_next_before(overlay->arena, inode, block, end, &block, &value)) {
		r = HD_ARRAY_RESERVE(file->blocks, file->n_blocks, file->capacity);
		if (r == 0)
			file->blocks[file->n_blocks++] = (struct hd_kept_block){
				.block = block++, .bytes = value == HD_BLOCK_HOLE ? zeros : NULL};
	}
	hd_rwlock_unlock(&overlay->lock);
	return r;
}

static int note_file(struct hd_overlay *overlay, struct entry *entry)
{
	struct hd_kept_file *file = calloc(1, sizeof(*file));
	int r = file ? hd_file_view(overlay, entry->ino, &file->view) : -ENOMEM;

	if (r == 0)
		r = list_blocks(overlay, entry->ino, file);
	if (r < 0)
		free_file(file);
	else
		entry->file = file;
	return r;
}

static int copy_block(struct hd_overlay *overlay, hd_ino ino, struct hd_kept_block *kept)
{
	struct hd_segment segments[HD_SEGMENT_LIMIT];
	HD_AUTO_FREE uint8_t *bytes = calloc(1, HD_BLOCK_SIZE);
	struct hd_file_view view;
	int count, r = 0;

	if (!bytes)
		return -ENOMEM;
	count = hd_file_plan_locked(
		overlay, ino, kept->block << HD_BLOCK_SHIFT, HD_BLOCK_SIZE, segments, &view);
	if (count < 0)
		return count;
	for (int i = 0; i < count && r == 0; i++)
		r = hd_file_read_segment(
			overlay, &view, &segments[i], bytes + segments[i].offset % HD_BLOCK_SIZE);
	if (r == 0)
		kept->bytes = HD_STEAL(bytes);
	return r;
}

static int keep(struct hd_overlay *overlay, struct entry *entry, uint64_t offset, uint64_t end)
{
	struct hd_kept_file *file;
	int r = entry->file ? 0 : note_file(overlay, entry);

	if (r < 0 || offset >= end)
		return r;
	file = entry->file;
	for (size_t i = hd_kept_file_seek(file, offset >> HD_BLOCK_SHIFT);
		r == 0 && i < file->n_blocks && file->blocks[i].block << HD_BLOCK_SHIFT < end; i++)
		if (!file->blocks[i].bytes)
			r = copy_block(overlay, entry->ino, &file->blocks[i]);
	return r;
}

void hd_keep_before_change(struct hd_overlay *overlay, hd_ino ino, uint64_t offset, uint64_t end)
{
	for (struct hd_kept_files *files = overlay->kept; files; files = files->next) {
		struct entry *entry = find(files, ino);

		if (entry && !entry->stored && entry->failure == 0)
			entry->failure = keep(overlay, entry, offset, end);
	}
}

void hd_keep_before_switch(struct hd_overlay *overlay)
{
	for (struct hd_kept_files *files = overlay->kept; files; files = files->next) {
		for (size_t i = 0; i < files->count; i++) {
			hd_ino ino = files->entries[i].ino;

			hd_rwlock_write(hd_file_lock_of(overlay, hd_ino_index(ino)));
			hd_keep_before_change(overlay, ino, 0, UINT64_MAX);
			hd_rwlock_unlock(hd_file_lock_of(overlay, hd_ino_index(ino)));
		}
	}
}

bool hd_file_is_kept_in_part(struct hd_overlay *overlay, hd_ino ino)
{
	for (struct hd_kept_files *files = overlay->kept; files; files = files->next) {
		const struct entry *entry = find(files, ino);

		if (entry && entry->file && !entry->stored)
			return true;
	}
	return false;
}

int hd_kept_file_find(struct hd_kept_files *files, hd_ino ino, const struct hd_kept_file **ret_file)
{
	const struct entry *entry = files ? find(files, ino) : NULL;

	if (entry && entry->failure < 0)
		return entry->failure;
	*ret_file = entry ? entry->file : NULL;
	return 0;
}

bool hd_kept_file_was_stored(struct hd_kept_files *files, hd_ino ino, struct hd_content *ret_content)
{
	const struct entry *entry = files ? find(files, ino) : NULL;

	if (!entry || !entry->stored)
		return false;
	*ret_content = entry->content;
	return true;
}

size_t hd_kept_file_seek(const struct hd_kept_file *file, uint64_t block)
{
	size_t low = 0, high = file->n_blocks;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (file->blocks[middle].block < block)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Puts the blocks over what the content has in BUFFER; LIVE is what the file has now, GOT bytes of it. */
static int put_blocks(struct hd_overlay *overlay, hd_ino ino, const struct hd_kept_file *file,
	uint8_t *buffer, const uint8_t *live, size_t got, size_t size, uint64_t offset)
{
	struct hd_rwlock *file_lock = hd_file_lock_of(overlay, hd_ino_index(ino));
	int r = 0;

	hd_rwlock_read(file_lock);
	for (size_t i = hd_kept_file_seek(file, offset >> HD_BLOCK_SHIFT); r == 0 && i < file->n_blocks;
		i++) {
		const struct hd_kept_block *kept = &file->blocks[i];
		uint64_t at = kept->block << HD_BLOCK_SHIFT, begin = at > offset ? at : offset;
		uint64_t end = at + HD_BLOCK_SIZE < offset + size ? at + HD_BLOCK_SIZE : offset + size;

		if (at >= offset + size)
			break;
		if (kept->bytes)
			memcpy(buffer + (begin - offset), kept->bytes + (begin - at), end - begin);
		else if (end - offset <= got)
			memcpy(buffer + (begin - offset), live + (begin - offset), end - begin);
		else
			r = -EIO; /* nobody cut it off without a copy */
	}
	hd_rwlock_unlock(file_lock);
	return r;
}

int hd_kept_file_read(struct hd_overlay *overlay, hd_ino ino, const struct hd_kept_file *file, void *buffer,
	size_t size, uint64_t offset)
{
	HD_AUTO_FREE uint8_t *live = malloc(size + 1);
	size_t from_base = 0, got = 0;
	int r = live ? 0 : -ENOMEM;

	if (r < 0)
		return r;
	memset(buffer, 0, size);
	if (offset < file->view.backed)
		from_base = file->view.backed - offset < size ? file->view.backed - offset : size;
	if (from_base > 0)
		r = hd_base_set_read(overlay->bases, &file->view.content, buffer, from_base, offset, &got);
	if (r == 0 && got != from_base)
		r = -HD_E_BASE_CHANGED;
	if (r == 0)
		r = hd_overlay_read(overlay, ino, live, size, offset, &got);
	return r < 0 ? r : put_blocks(overlay, ino, file, buffer, live, got, size, offset);
}

void hd_kept_file_stored(
	struct hd_overlay *overlay, struct hd_kept_files *files, hd_ino ino, const struct hd_content *content)
{
	struct hd_rwlock *file_lock = hd_file_lock_of(overlay, hd_ino_index(ino));
	struct entry *entry = files ? find(files, ino) : NULL;
	struct hd_kept_file *file;

	if (!entry)
		return;
	hd_rwlock_write(file_lock);
	entry->stored = true;
	entry->content = *content;
	file = HD_STEAL(entry->file);
	hd_rwlock_unlock(file_lock);
	free_file(file);
}
