/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/archive/archive_tree.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/platform/array.h"
#include "overlay/platform/checksum.h"
#include "overlay/platform/error.h"
#include "overlay/store/tree_format.h"

/* Bounds what somebody can make an import keep in memory besides the names. */
#define TEXT_LIMIT ((uint64_t)1 << 30)
#define FIRST_SLOTS 1024u
#define ROOT 0u

static size_t slot_of(const struct hd_archive_tree *tree, uint32_t parent, const char *text, size_t length)
{
	uint64_t hash = hd_checksum64_continue(parent + 1ull, text, length);

	return (size_t)hash & (tree->n_slots - 1);
}

/* The slot that has the name, or the empty one where it goes. */
static uint32_t *find_slot(
	const struct hd_archive_tree *tree, uint32_t parent, const char *text, size_t length)
{
	size_t at = slot_of(tree, parent, text, length);

	for (;;) {
		uint32_t index = tree->slots[at];
		const struct hd_archive_name *name = &tree->names[index];

		if (!index || (name->parent == parent && strncmp(name->text, text, length) == 0 &&
				      name->text[length] == '\0'))
			return &tree->slots[at];
		at = (at + 1) & (tree->n_slots - 1);
	}
}

static int grow_slots(struct hd_archive_tree *tree)
{
	uint32_t *old = tree->slots;

	if (tree->n_names * 2 < tree->n_slots)
		return 0;
	tree->slots = calloc(tree->n_slots * 2, sizeof(*tree->slots));
	if (!tree->slots) {
		tree->slots = old;
		return -ENOMEM;
	}
	tree->n_slots *= 2;
	for (uint32_t i = 1; i < tree->n_names; i++) {
		const struct hd_archive_name *name = &tree->names[i];

		*find_slot(tree, name->parent, name->text, strlen(name->text)) = i;
	}
	free(old);
	return 0;
}

static int take_text(struct hd_archive_tree *tree, size_t size)
{
	tree->text += size;
	if (tree->text > TEXT_LIMIT)
		return hd_fail(EFBIG, "names and extended attributes have more than %llu bytes",
			(unsigned long long)TEXT_LIMIT);
	return 0;
}

static int add_file(struct hd_archive_tree *tree, const struct hd_archive_file *file, uint32_t *ret_file)
{
	if (tree->n_files >= HD_ARCHIVE_NO_FILE)
		return -EFBIG;
	if (HD_ARRAY_RESERVE(tree->files, tree->n_files, tree->files_capacity) < 0)
		return -ENOMEM;
	*ret_file = (uint32_t)tree->n_files++;
	tree->files[*ret_file] = *file;
	tree->files[*ret_file].links = 1;
	return 0;
}

/* A name in PARENT, which lacks it, that names nothing yet. */
static int add_name(
	struct hd_archive_tree *tree, uint32_t parent, const char *text, size_t length, uint32_t *ret_name)
{
	struct hd_archive_name *name;
	int r = take_text(tree, length + 1);

	if (r == 0 && tree->max_names > 0 && tree->n_names > tree->max_names)
		r = hd_fail(EFBIG, "there are more than %llu entries; --max-entries sets the limit",
			(unsigned long long)tree->max_names);
	if (r == 0 && (tree->n_names >= UINT32_MAX ||
			      HD_ARRAY_RESERVE(tree->names, tree->n_names, tree->names_capacity) < 0))
		r = -ENOMEM;
	if (r == 0)
		r = grow_slots(tree);
	if (r < 0)
		return r;
	name = &tree->names[tree->n_names];
	*name = (struct hd_archive_name){
		.text = strndup(text, length), .parent = parent, .file = HD_ARCHIVE_NO_FILE};
	if (!name->text)
		return -ENOMEM;
	/* The root has no slot, so that 0 in one means that it is empty. */
	if (tree->n_names != ROOT) {
		*find_slot(tree, parent, text, length) = (uint32_t)tree->n_names;
		name->next = tree->names[parent].first_child;
		tree->names[parent].first_child = (uint32_t)tree->n_names;
	}
	*ret_name = (uint32_t)tree->n_names++;
	return 0;
}

int hd_archive_tree_begin(struct hd_archive_tree *tree, uint64_t max_names)
{
	struct hd_archive_file root = {.mode = S_IFDIR | 0755};
	uint32_t name;
	int r;

	*tree = (struct hd_archive_tree){.max_names = max_names, .n_slots = FIRST_SLOTS};
	tree->slots = calloc(FIRST_SLOTS, sizeof(*tree->slots));
	r = tree->slots ? add_name(tree, ROOT, "", 0, &name) : -ENOMEM;
	if (r == 0)
		r = hd_archive_tree_set(tree, ROOT, &root);
	if (r < 0)
		hd_archive_tree_clear(tree);
	return r;
}

void hd_archive_tree_clear(struct hd_archive_tree *tree)
{
	for (size_t i = 0; i < tree->n_names; i++)
		free(tree->names[i].text);
	for (size_t i = 0; i < tree->n_files; i++)
		free(tree->files[i].xattrs);
	free(tree->names);
	free(tree->files);
	free(tree->slots);
	*tree = (struct hd_archive_tree){0};
}

/* ---- paths ---- */

/* The next part of a path: 1 with it, 0 at the end. */
static int next_part(const char **path, const char **ret_part, size_t *ret_length)
{
	const char *problem;

	for (;;) {
		*ret_part = *path;
		*ret_length = strcspn(*path, "/");
		*path += *ret_length + ((*path)[*ret_length] == '/');
		if (*ret_length == 0 && **path == '\0')
			return 0;
		if (*ret_length == 0 || (*ret_length == 1 && **ret_part == '.'))
			continue;
		problem = hd_tree_name_problem(*ret_part, *ret_length);
		return problem ? hd_fail(EINVAL, "%s", problem) : 1;
	}
}

static bool is_directory(const struct hd_archive_tree *tree, uint32_t name)
{
	uint32_t file = tree->names[name].file;

	return file != HD_ARCHIVE_NO_FILE && S_ISDIR(tree->files[file].mode);
}

/* A directory that nobody named. */
static int imply_directory(struct hd_archive_tree *tree, uint32_t name, const struct hd_archive_file *like)
{
	struct hd_archive_file directory = {.mode = S_IFDIR | 0755,
		.uid = like->uid,
		.gid = like->gid,
		.access_time = like->modify_time,
		.modify_time = like->modify_time,
		.change_time = like->modify_time,
		.birth_time = like->modify_time};

	return hd_archive_tree_set(tree, name, &directory);
}

/* From DIRECTORY to what it has under TEXT, which is made if it is not there. */
static int step(struct hd_archive_tree *tree, const struct hd_archive_file *like, const char *text,
	size_t length, uint32_t *name)
{
	int r = 0;

	if (tree->names[*name].file == HD_ARCHIVE_NO_FILE)
		r = imply_directory(tree, *name, like);
	if (r < 0)
		return r;
	if (!is_directory(tree, *name))
		return hd_fail(EINVAL, "it lies below '%s', which is no directory", tree->names[*name].text);
	if (*find_slot(tree, *name, text, length)) {
		*name = *find_slot(tree, *name, text, length);
		return 0;
	}
	return add_name(tree, *name, text, length, name);
}

int hd_archive_tree_place(struct hd_archive_tree *tree, const char *path, const struct hd_archive_file *like,
	uint32_t *ret_name)
{
	const char *rest = path, *part;
	uint32_t name = ROOT;
	size_t length;
	int r;

	if (*path == '/')
		return hd_fail(EINVAL, "the path is absolute");
	if (*path == '\0')
		return hd_fail(EINVAL, "the path is empty");
	while ((r = next_part(&rest, &part, &length)) > 0) {
		r = step(tree, like, part, length, &name);
		if (r < 0)
			return r;
	}
	if (r == 0)
		*ret_name = name;
	return r;
}

/* ---- what names name ---- */

static void let_go(struct hd_archive_tree *tree, uint32_t name)
{
	struct hd_archive_file *file;

	if (tree->names[name].file == HD_ARCHIVE_NO_FILE)
		return;
	file = &tree->files[tree->names[name].file];
	tree->names[name].file = HD_ARCHIVE_NO_FILE;
	if (--file->links > 0)
		return;
	tree->text -= file->xattrs_size;
	free(file->xattrs);
	file->xattrs = NULL;
	file->xattrs_size = 0;
}

static int check_replaced(const struct hd_archive_tree *tree, uint32_t name, bool by_directory)
{
	if (by_directory)
		return 0;
	if (name == ROOT)
		return hd_fail(EINVAL, "the root is a directory");
	if (tree->names[name].first_child)
		return hd_fail(EINVAL, "it was a directory with entries before");
	return 0;
}

int hd_archive_tree_set(struct hd_archive_tree *tree, uint32_t name, const struct hd_archive_file *file)
{
	uint32_t index = 0;
	int r = check_replaced(tree, name, S_ISDIR(file->mode));

	if (r == 0)
		r = take_text(tree, file->xattrs_size);
	if (r == 0)
		r = add_file(tree, file, &index);
	if (r < 0)
		return r;
	let_go(tree, name);
	tree->names[name].file = index;
	return 0;
}

int hd_archive_tree_find(const struct hd_archive_tree *tree, const char *path, uint32_t *ret_file)
{
	const char *rest = path, *part;
	uint32_t name = ROOT;
	size_t length;
	int r;

	if (*path == '/')
		return hd_fail(EINVAL, "it is a hard link to the absolute path '%s'", path);
	while ((r = next_part(&rest, &part, &length)) > 0) {
		name = *find_slot(tree, name, part, length);
		if (name == ROOT)
			return hd_fail(
				EINVAL, "it is a hard link to '%s', which did not come before it", path);
	}
	if (r < 0)
		return hd_fail_in(r, "it is a hard link to '%s'", path);
	if (tree->names[name].file == HD_ARCHIVE_NO_FILE)
		return hd_fail(EINVAL, "it is a hard link to itself");
	if (is_directory(tree, name))
		return hd_fail(EINVAL, "it is a hard link to the directory '%s'", path);
	*ret_file = tree->names[name].file;
	return 0;
}

int hd_archive_tree_link(struct hd_archive_tree *tree, uint32_t name, uint32_t file)
{
	int r = check_replaced(tree, name, false);

	if (r < 0)
		return r;
	if (tree->names[name].file == file)
		return 0;
	if (tree->files[file].links == UINT32_MAX)
		return -EMLINK;
	let_go(tree, name);
	tree->names[name].file = file;
	tree->files[file].links++;
	return 0;
}
