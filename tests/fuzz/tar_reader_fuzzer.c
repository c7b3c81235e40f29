/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Archives: whatever the bytes, an import ends, with an error or with a tree of names that a directory can have, files
 * whose sizes are those of their contents, and true numbers of links. Hardly any mutation guesses a header's checksum, so
 * every input is tried a second time with the checksums put right.
 *
 * MUTATIONS: 1500
 * LINK: heddle_archive
 */

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/archive/tar_reader.h"
#include "overlay/platform/files/file.h"
#include "overlay/store/tree_format.h"

#define BLOCK 512u
#define MOST_BYTES (4u << 20)
#define MOST_ENTRIES 1000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[] = "/tmp/heddle-fuzz-XXXXXX";

static void remove_directory(void)
{
	(void)hd_directory_remove_tree(AT_FDCWD, directory);
}

/* One store for all inputs. */
static struct hd_object_store *get_objects(void)
{
	static struct hd_object_store *objects;

	if (!objects) {
		int fd = mkdtemp(directory) ? hd_directory_open(AT_FDCWD, directory) : -1;

		if (fd < 0 || hd_object_store_open(fd, &objects) < 0)
			abort();
		(void)atexit(remove_directory);
	}
	return objects;
}

static void check_file(struct hd_object_store *objects, const struct hd_archive_file *file, uint32_t names)
{
	uint64_t size = 0;

	if (!hd_content_is_valid(&file->content) || file->links != names)
		abort();
	if (!hd_content_is_none(&file->content) && hd_object_store_size(objects, &file->content, &size) < 0)
		abort();
	if ((S_ISREG(file->mode) || S_ISLNK(file->mode)) && size != file->size)
		abort();
}

static void check_tree(struct hd_object_store *objects, const struct hd_archive_tree *tree)
{
	uint32_t *names = calloc(tree->n_files + 1, sizeof(*names));

	if (!names)
		return;
	if (tree->n_names > MOST_ENTRIES + 1)
		abort();
	for (size_t i = 0; i < tree->n_names; i++) {
		const struct hd_archive_name *name = &tree->names[i];

		if (name->file >= tree->n_files ||
			(i > 0 && hd_tree_name_problem(name->text, strlen(name->text))))
			abort();
		if (i > 0 && !S_ISDIR(tree->files[tree->names[name->parent].file].mode))
			abort();
		names[name->file]++;
	}
	for (size_t i = 0; i < tree->n_files; i++) {
		if (names[i] > 0)
			check_file(objects, &tree->files[i], names[i]);
	}
	free(names);
}

static void try(const uint8_t *data, size_t size)
{
	struct hd_tar_source source = {.fd = -1, .bytes = data, .size = size};
	struct hd_object_store *objects = get_objects();
	struct hd_import_counts result;
	struct hd_archive_tree tree;

	if (hd_archive_tree_begin(&tree, MOST_ENTRIES) < 0)
		return;
	if (hd_tar_read(objects, &source, MOST_BYTES, &tree, &result) == 0)
		check_tree(objects, &tree);
	hd_archive_tree_clear(&tree);
}

static void repair(uint8_t *data, size_t size)
{
	for (size_t at = 0; at + BLOCK <= size; at += BLOCK) {
		unsigned sum = 0;

		if (memcmp(data + at + 257, "ustar", 5) != 0)
			continue;
		memset(data + at + 148, ' ', 8);
		for (size_t i = 0; i < BLOCK; i++)
			sum += data[at + i];
		(void)snprintf((char *)data + at + 148, 7, "%06o", sum);
		data[at + 155] = ' ';
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *repaired = malloc(size + 1);

	try(data, size);
	if (repaired) {
		memcpy(repaired, data, size);
		repair(repaired, size);
		try(repaired, size);
	}
	free(repaired);
	return 0;
}
