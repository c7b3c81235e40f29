/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/power_replay.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "overlay/platform/buffer.h"
#include "overlay/platform/checksum.h"
#include "tests/torture/copy_tree.h"

#define SECTOR 512u

struct entry {
	const char *name; /* borrowed from the recording */
	uint32_t file;
};

struct file {
	bool exists, is_directory;
	uint8_t *bytes; /* owned */
	size_t size, capacity;
	struct entry *entries; /* owned */
	size_t n_entries;
};

struct tree {
	struct file *files;
	uint32_t limit;
};

static void *must(void *memory)
{
	if (!memory)
		die("out of memory");
	return memory;
}

static uint64_t draw(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * 0x2545F4914F6CDD1Du;
}

/* ---- loading ---- */

static char *take_name(const uint8_t **at, uint32_t size)
{
	char *name = must(strndup((const char *)*at, size));

	*at += size;
	return name;
}

static bool covers(const struct record *sync, const struct record *record)
{
	const struct record_header *header = &record->header;

	if (sync->header.kind == RECORD_SYNC_ALL)
		return true;
	if (sync->header.kind != RECORD_SYNC)
		return false;
	switch ((enum record_kind)header->kind) {
	case RECORD_WRITE:
	case RECORD_TRUNCATE:
		return sync->header.file == header->file;
	case RECORD_CREATE:
	case RECORD_MKDIR:
	case RECORD_LINK:
	case RECORD_UNLINK:
		return sync->header.file == header->directory;
	case RECORD_RENAME:
		return sync->header.file == header->directory || sync->header.file == header->to_directory;
	default:
		return false;
	}
}

static void find_syncs(struct recording *recording)
{
	for (size_t i = 0; i < recording->count; i++) {
		struct record *record = &recording->records[i];

		record->synced = SIZE_MAX;
		for (size_t j = i + 1; j < recording->count && record->synced == SIZE_MAX; j++)
			if (covers(&recording->records[j], record))
				record->synced = j;
	}
}

void recording_load(const char *path, struct recording *ret)
{
	FILE *stream = fopen(path, "r");
	const uint8_t *at, *end;
	struct stat st;
	size_t capacity = 0;

	*ret = (struct recording){.count = 0};
	if (!stream || fstat(fileno(stream), &st) < 0)
		die("cannot open the recording %s", path);
	ret->bytes = must(malloc((size_t)st.st_size + 1));
	if (fread(ret->bytes, 1, (size_t)st.st_size, stream) != (size_t)st.st_size)
		die("cannot read the recording");
	fclose(stream);
	at = ret->bytes;
	end = at + st.st_size;
	while (at < end) {
		struct record *record;

		if (ret->count == capacity) {
			capacity = capacity ? capacity * 2 : 256;
			ret->records = must(reallocarray(ret->records, capacity, sizeof(*ret->records)));
		}
		record = &ret->records[ret->count++];
		memcpy(&record->header, at, sizeof(record->header));
		if (record->header.magic != RECORD_MAGIC || record->header.kind >= RECORD_KIND_COUNT)
			die("the recording is damaged at record %zu", ret->count);
		at += sizeof(record->header);
		record->name = take_name(&at, record->header.name_size);
		record->to_name = take_name(&at, record->header.to_name_size);
		record->data = at;
		at += record->header.data_size;
		if (record->header.file >= ret->id_limit)
			ret->id_limit = record->header.file + 1;
	}
	find_syncs(ret);
}

void recording_free(struct recording *recording)
{
	for (size_t i = 0; i < recording->count; i++) {
		free((char *)recording->records[i].name);
		free((char *)recording->records[i].to_name);
	}
	free(recording->records);
	free(recording->bytes);
}

/* ---- applying ---- */

static void set_size(struct file *file, uint64_t size)
{
	if (size > file->capacity) {
		file->capacity = (size_t)(size + size / 2);
		file->bytes = must(realloc(file->bytes, file->capacity));
	}
	if (size > file->size)
		memset(file->bytes + file->size, 0, (size_t)size - file->size);
	file->size = (size_t)size;
}

static struct entry *find_entry(struct file *directory, const char *name)
{
	for (size_t i = 0; i < directory->n_entries; i++)
		if (strcmp(directory->entries[i].name, name) == 0)
			return &directory->entries[i];
	return NULL;
}

static void put_entry(struct file *directory, const char *name, uint32_t file)
{
	struct entry *entry = find_entry(directory, name);

	if (!entry) {
		directory->entries = must(reallocarray(
			directory->entries, directory->n_entries + 1, sizeof(*directory->entries)));
		entry = &directory->entries[directory->n_entries++];
	}
	*entry = (struct entry){.name = name, .file = file};
}

static void drop_entry(struct file *directory, const char *name)
{
	struct entry *entry = find_entry(directory, name);

	if (entry)
		*entry = directory->entries[--directory->n_entries];
}

/* How much of a write is there: whole, sectors by chance, or the size alone. */
enum part { PART_NONE, PART_SIZE, PART_SECTORS, PART_WHOLE };

static void apply_write(struct file *file, const struct record *record, enum part part, uint64_t *seed)
{
	uint64_t offset = record->header.offset, end = offset + record->header.data_size;

	if (end > file->size)
		set_size(file, end);
	if (part == PART_SIZE)
		return;
	for (uint64_t at = offset; at < end;) {
		uint64_t next = (at / SECTOR + 1) * SECTOR;

		if (next > end)
			next = end;
		if (part == PART_WHOLE || draw(seed) & 1)
			memcpy(file->bytes + at, record->data + (at - offset), (size_t)(next - at));
		at = next;
	}
}

static enum part choose_write(const struct cut *cut, uint64_t *seed, unsigned percent)
{
	uint64_t chance;

	switch (cut->mode) {
	case CUT_EVERYTHING:
	case CUT_BYTES_ONLY:
		return PART_WHOLE;
	case CUT_NAMES_ONLY:
		return PART_SIZE;
	case CUT_RANDOM:
		chance = draw(seed) >> 32;
		if (chance % 100 >= percent)
			return PART_NONE;
		chance = draw(seed) >> 32;
		return chance % 4 == 0 ? PART_SIZE : chance % 4 == 1 ? PART_SECTORS : PART_WHOLE;
	default:
		return PART_NONE;
	}
}

static bool choose_entry(const struct cut *cut, uint64_t *seed, unsigned percent)
{
	if (cut->mode == CUT_RANDOM)
		return (draw(seed) >> 32) % 100 < percent;
	return cut->mode == CUT_EVERYTHING || cut->mode == CUT_NAMES_ONLY;
}

static void apply_entry(struct tree *tree, const struct record *record)
{
	const struct record_header *header = &record->header;
	struct file *directory = &tree->files[header->directory];
	const struct entry *entry;

	switch ((enum record_kind)header->kind) {
	case RECORD_UNLINK:
		drop_entry(directory, record->name);
		return;
	case RECORD_RENAME:
		/* Of a name that is not there (its creation was lost) the new one is there, or not: here it is. */
		entry = find_entry(directory, record->name);
		if (entry && entry->file == header->file)
			drop_entry(directory, record->name);
		put_entry(&tree->files[header->to_directory], record->to_name, header->file);
		return;
	default:
		put_entry(directory, record->name, header->file);
	}
}

static void apply(struct tree *tree, const struct record *record, const struct cut *cut, uint64_t *seed,
	unsigned percent)
{
	const struct record_header *header = &record->header;
	struct file *file = &tree->files[header->file];
	bool is_durable = record->synced < cut->end;
	enum part part;

	switch ((enum record_kind)header->kind) {
	case RECORD_SNAPSHOT_DIRECTORY:
	case RECORD_SNAPSHOT_FILE:
		file->exists = true;
		file->is_directory = header->kind == RECORD_SNAPSHOT_DIRECTORY;
		apply_write(file, record, PART_WHOLE, seed);
		put_entry(&tree->files[header->directory], record->name, header->file);
		return;
	case RECORD_UNNAMED:
		file->exists = true;
		return;
	case RECORD_WRITE:
		part = is_durable ? PART_WHOLE : choose_write(cut, seed, percent);
		if (part != PART_NONE)
			apply_write(file, record, part, seed);
		return;
	case RECORD_TRUNCATE:
		if (is_durable || choose_write(cut, seed, percent) != PART_NONE)
			set_size(file, header->offset);
		return;
	case RECORD_CREATE:
	case RECORD_MKDIR:
		file->exists = true;
		file->is_directory = header->kind == RECORD_MKDIR;
		break;
	case RECORD_LINK:
	case RECORD_UNLINK:
	case RECORD_RENAME:
		break;
	default:
		return;
	}
	if (is_durable || choose_entry(cut, seed, percent))
		apply_entry(tree, record);
}

struct tree *recording_cut(const struct recording *recording, const struct cut *cut)
{
	static const unsigned percents[] = {10, 50, 90};
	struct tree *tree = must(calloc(1, sizeof(*tree)));
	uint64_t seed = (cut->seed + 1) * 0x9E3779B97F4A7C15u;
	unsigned percent = percents[draw(&seed) % 3];

	tree->limit = recording->id_limit > RECORD_ROOT_ID ? recording->id_limit : RECORD_ROOT_ID + 1;
	tree->files = must(calloc(tree->limit, sizeof(*tree->files)));
	tree->files[RECORD_ROOT_ID].exists = tree->files[RECORD_ROOT_ID].is_directory = true;
	for (size_t i = 0; i < cut->end; i++)
		apply(tree, &recording->records[i], cut, &seed, percent);
	return tree;
}

void tree_free(struct tree *tree)
{
	for (uint32_t i = 0; i < tree->limit; i++) {
		free(tree->files[i].bytes);
		free(tree->files[i].entries);
	}
	free(tree->files);
	free(tree);
}

/* ---- looking and laying out ---- */

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static uint64_t hash_file(const struct tree *tree, uint32_t id)
{
	struct file *file = &tree->files[id];
	struct hd_buffer bytes = {0};
	uint64_t hash;

	if (!file->is_directory)
		return hd_checksum64(file->bytes, file->size) + 1;
	if (file->n_entries)
		qsort(file->entries, file->n_entries, sizeof(*file->entries), compare_entries);
	for (size_t i = 0; i < file->n_entries; i++) {
		hd_buffer_put_text(&bytes, file->entries[i].name);
		hd_buffer_put_u64(&bytes, hash_file(tree, file->entries[i].file));
	}
	hash = hd_checksum64(bytes.data, bytes.size);
	hd_buffer_clear(&bytes);
	return hash;
}

uint64_t tree_hash(const struct tree *tree)
{
	return hash_file(tree, RECORD_ROOT_ID);
}

static void lay_out_file(const struct file *file, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || (file->size && write(fd, file->bytes, file->size) != (ssize_t)file->size))
		die("cannot write %s", path);
	(void)close(fd);
}

static void lay_out(const struct tree *tree, uint32_t id, const char *path)
{
	const struct file *directory = &tree->files[id];

	for (size_t i = 0; i < directory->n_entries; i++) {
		const struct file *file = &tree->files[directory->entries[i].file];
		char below[PATH_MAX];

		if (snprintf(below, sizeof(below), "%s/%s", path, directory->entries[i].name) >= PATH_MAX)
			die("the path is too long: %s", path);
		if (!file->is_directory)
			lay_out_file(file, below);
		else if (mkdir(below, 0700) == 0)
			lay_out(tree, directory->entries[i].file, below);
		else
			die("cannot make %s", below);
	}
}

void tree_lay_out(const struct tree *tree, const char *directory)
{
	lay_out(tree, RECORD_ROOT_ID, directory);
}
