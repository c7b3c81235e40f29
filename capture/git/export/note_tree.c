/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/export/note_tree.h"

#include <errno.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/tree_text.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

#define FIRST_DIGITS 16
#define DIRECTORIES 256

static int read_tree(git_repository *repository, const git_oid *id, git_tree **ret_tree)
{
	if (git_tree_lookup(ret_tree, repository, id) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "read the notes' tree %s", git_oid_tostr_s(id));
	return 0;
}

int hd_note_tree_has(git_repository *repository, const git_oid *root, const git_oid *commit, bool *ret_has)
{
	char hex[GIT_OID_HEXSZ + 1];
	git_oid at = *root;

	(void)git_oid_tostr(hex, sizeof(hex), commit);
	*ret_has = false;
	for (size_t digits = 0; digits < GIT_OID_HEXSZ; digits += 2) {
		char directory[] = {hex[digits], hex[digits + 1], '\0'};
		const git_tree_entry *below;
		git_tree *tree;
		bool more;
		int r = read_tree(repository, &at, &tree);

		if (r < 0)
			return r;
		*ret_has = git_tree_entry_byname(tree, hex + digits) != NULL;
		below = *ret_has ? NULL : git_tree_entry_byname(tree, directory);
		more = below && git_tree_entry_type(below) == GIT_OBJECT_TREE;
		if (more)
			at = *git_tree_entry_id(below);
		git_tree_free(tree);
		if (!more)
			return 0;
	}
	return 0;
}

/* ---- one directory ---- */

struct named {
	struct hd_note note;
	bool is_old;
	char name[GIT_OID_HEXSZ + 1]; /* all digits */
};

struct level {
	git_tree *old;       /* owned; NULL: there was none */
	size_t digits;       /* that the directories above have */
	struct named *notes; /* owned array: sorted, each once */
	size_t count;
	const git_tree_entry *directories[DIRECTORIES]; /* borrowed from `old` */
	char names[DIRECTORIES][3];
	struct hd_tree_text text; /* owned */
};

static void level_free(struct level *level)
{
	if (!level)
		return;
	git_tree_free(level->old);
	free(level->notes);
	hd_tree_text_clear(&level->text);
	free(level);
}

static bool is_hex(const char *name)
{
	return name[strspn(name, "0123456789abcdef")] == '\0';
}

static size_t byte_of(const struct level *level, const git_oid *id)
{
	return id->id[level->digits / 2];
}

static int add_named(struct level *level, const struct hd_note *note, bool is_old)
{
	struct named *named = &level->notes[level->count++];

	*named = (struct named){.note = *note, .is_old = is_old};
	(void)git_oid_tostr(named->name, sizeof(named->name), &note->commit);
	return 0;
}

/* An entry of the old tree: a note, a directory of notes, or something else, which goes over. PREFIX: the digits above. */
static int take_entry(struct level *level, const char *prefix, const git_tree_entry *entry)
{
	const char *name = git_tree_entry_name(entry);
	bool is_tree = git_tree_entry_type(entry) == GIT_OBJECT_TREE;
	size_t length = strlen(name);
	char hex[GIT_OID_HEXSZ + 1];
	struct hd_note note;
	git_oid id;

	if (!is_tree && length == GIT_OID_HEXSZ - level->digits && is_hex(name)) {
		memcpy(hex, prefix, level->digits);
		memcpy(hex + level->digits, name, length + 1);
		if (git_oid_fromstr(&note.commit, hex) < 0)
			return hd_git_library_fail(HD_E_REPOSITORY, "read a note");
		note.blob = *git_tree_entry_id(entry);
		return add_named(level, &note, true);
	}
	if (is_tree && length == 2 && is_hex(name) && level->digits + 2 < GIT_OID_HEXSZ &&
		git_oid_fromstrn(&id, name, length) == 0) {
		level->directories[id.id[0]] = entry;
		return 0;
	}
	return hd_tree_text_add(&level->text, name, git_tree_entry_filemode(entry), git_tree_entry_id(entry));
}

static int compare_named(const void *a, const void *b)
{
	const struct named *left = a, *right = b;
	int order = memcmp(left->note.commit.id, right->note.commit.id, GIT_OID_RAWSZ);

	return order ? order : (int)right->is_old - (int)left->is_old;
}

/* Of what has two notes, an old one and a new one, the old one stays. */
static void sort_notes(struct level *level)
{
	size_t count = 0;

	qsort(level->notes, level->count, sizeof(*level->notes), compare_named);
	for (size_t i = 0; i < level->count; i++) {
		const git_oid *id = &level->notes[i].note.commit;

		if (count == 0 || !git_oid_equal(&level->notes[count - 1].note.commit, id))
			level->notes[count++] = level->notes[i];
	}
	level->count = count;
}

static int fill_level(struct level *level, const struct hd_note *notes, size_t count)
{
	size_t n_old = level->old ? git_tree_entrycount(level->old) : 0;
	char prefix[GIT_OID_HEXSZ + 1];
	int r = 0;

	level->notes = calloc(n_old + count + 1, sizeof(*level->notes));
	if (!level->notes)
		return -ENOMEM;
	/* There is a new one in each directory that is gone into. */
	(void)git_oid_tostr(prefix, sizeof(prefix), &notes[0].commit);
	for (size_t i = 0; i < n_old && r >= 0; i++)
		r = take_entry(level, prefix, git_tree_entry_byindex(level->old, i));
	for (size_t i = 0; i < count && r >= 0; i++)
		r = add_named(level, &notes[i], false);
	if (r >= 0)
		sort_notes(level);
	return r;
}

static bool is_fanned(const struct level *level)
{
	size_t counts[FIRST_DIGITS] = {0};
	bool fanned = true;

	for (size_t i = 0; i < level->count; i++)
		counts[byte_of(level, &level->notes[i].note.commit) >> 4]++;
	for (size_t i = 0; i < DIRECTORIES; i++)
		if (level->directories[i])
			counts[i >> 4] += 2;
	for (size_t i = 0; i < FIRST_DIGITS; i++)
		fanned = fanned && counts[i] >= 2;
	return fanned && level->digits + 2 < GIT_OID_HEXSZ;
}

static int write_level(struct hd_export_objects *objects, const git_oid *old, size_t digits,
	const struct hd_note *notes, size_t count, git_oid *ret_id);

/* The notes of one directory, COUNT from the FIRST on, which may be none. */
static int put_directory(
	struct hd_export_objects *objects, struct level *level, size_t byte, size_t first, size_t count)
{
	static const char digits[] = "0123456789abcdef";
	const git_tree_entry *old = level->directories[byte];
	struct hd_note *below;
	git_oid id;
	int r = 0;

	(void)snprintf(
		level->names[byte], sizeof(level->names[byte]), "%c%c", digits[byte >> 4], digits[byte & 15]);
	if (count == 0)
		return old ? hd_tree_text_add(&level->text, level->names[byte], GIT_FILEMODE_TREE,
				     git_tree_entry_id(old))
			   : 0;
	below = calloc(count, sizeof(*below));
	if (!below)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		below[i] = level->notes[first + i].note;
	r = write_level(objects, old ? git_tree_entry_id(old) : NULL, level->digits + 2, below, count, &id);
	free(below);
	return r < 0 ? r : hd_tree_text_add(&level->text, level->names[byte], GIT_FILEMODE_TREE, &id);
}

static int put_notes(struct hd_export_objects *objects, struct level *level)
{
	bool fanned = is_fanned(level);
	size_t at = 0;
	int r = 0;

	for (size_t byte = 0; byte < DIRECTORIES && r >= 0; byte++) {
		size_t first = at;

		while (at < level->count && byte_of(level, &level->notes[at].note.commit) == byte)
			at++;
		if (fanned || level->directories[byte]) {
			r = put_directory(objects, level, byte, first, at - first);
			continue;
		}
		for (size_t i = first; i < at && r >= 0; i++)
			r = hd_tree_text_add(&level->text, level->notes[i].name + level->digits,
				GIT_FILEMODE_BLOB, &level->notes[i].note.blob);
	}
	return r;
}

static int put_level(struct hd_export_objects *objects, struct level *level, git_oid *ret_id)
{
	HD_AUTO_BUFFER struct hd_buffer tree = {0};
	int r = put_notes(objects, level);

	if (r >= 0)
		r = hd_tree_text_format(&level->text, &tree);
	return r < 0 ? r : hd_export_objects_put(objects, GIT_OBJECT_TREE, tree.data, tree.size, ret_id);
}

/* The directory whose path has DIGITS, with NOTES, at least one, which all begin with them. */
static int write_level(struct hd_export_objects *objects, const git_oid *old, size_t digits,
	const struct hd_note *notes, size_t count, git_oid *ret_id)
{
	struct level *level = calloc(1, sizeof(*level));
	int r = level ? 0 : -ENOMEM;

	if (r >= 0) {
		level->digits = digits;
		r = old ? read_tree(objects->repository, old, &level->old) : 0;
	}
	if (r >= 0)
		r = fill_level(level, notes, count);
	if (r >= 0)
		r = put_level(objects, level, ret_id);
	level_free(level);
	return r;
}

int hd_note_tree_add(struct hd_export_objects *objects, const git_oid *root, const struct hd_note *notes,
	size_t count, git_oid *ret_root)
{
	return write_level(objects, root, 0, notes, count, ret_root);
}
