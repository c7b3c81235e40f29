/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/smudge/smudge_tree.h"

#include <errno.h>
#include <git2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/checksum.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"
#include "overlay/store/tree_codec.h"

/*
 * What a directory becomes depends on its tree, and, if there are rules above it, on these and its path: that is what is
 * remembered it by. The table has open addressing and a load of at most one half.
 *
 * Recursion is bounded by DEPTH_MAX; git's own tools recurse over trees as well.
 */

#define DEPTH_MAX 2048

struct known {
	struct hd_hash128 key; /* all zero: free */
	struct hd_content content;
};

struct hd_smudge {
	struct hd_smudge_place place;
	struct hd_attribute_names names;
	struct known *known; /* owned */
	size_t n_known, capacity;
	struct hd_buffer path; /* of the directory that is converted, with a slash behind it unless empty */
	unsigned depth;
};

/* A directory that is converted. */
struct directory {
	struct hd_attribute_level level;      /* its own rules; the first field */
	const struct hd_attribute_level *top; /* its own, or the nearest above */
	struct hd_hash128 rules;              /* of all rules above and here; zero: there are none */
	git_odb_object *object;               /* owned */
	struct hd_git_tree tree;              /* owned: points into the object */
	struct hd_tree_entry *entries;        /* owned: what it becomes */
	bool is_changed;
};

static int convert(struct hd_smudge *smudge, const struct directory *above, const uint8_t id[HD_GIT_ID_SIZE],
	struct hd_content *ret_content);

/* ---- what is known ---- */

static bool is_zero(const struct hd_hash128 *hash)
{
	static const struct hd_hash128 zero;

	return memcmp(hash, &zero, sizeof(zero)) == 0;
}

static size_t slot_of(const struct known *known, size_t capacity, const struct hd_hash128 *key)
{
	size_t at;

	memcpy(&at, key->bytes, sizeof(at));
	for (at &= capacity - 1; !is_zero(&known[at].key) && memcmp(&known[at].key, key, sizeof(*key)) != 0;)
		at = (at + 1) & (capacity - 1);
	return at;
}

static int grow(struct hd_smudge *smudge)
{
	size_t capacity = smudge->capacity ? 2 * smudge->capacity : 1024;
	struct known *known = calloc(capacity, sizeof(*known));

	if (!known)
		return -ENOMEM;
	for (size_t i = 0; i < smudge->capacity; i++)
		if (!is_zero(&smudge->known[i].key))
			known[slot_of(known, capacity, &smudge->known[i].key)] = smudge->known[i];
	free(smudge->known);
	smudge->known = known;
	smudge->capacity = capacity;
	return 0;
}

static int remember(struct hd_smudge *smudge, const struct hd_hash128 *key, const struct hd_content *content)
{
	size_t at;
	int r = 2 * (smudge->n_known + 1) > smudge->capacity ? grow(smudge) : 0;

	if (r < 0)
		return r;
	at = slot_of(smudge->known, smudge->capacity, key);
	smudge->n_known += is_zero(&smudge->known[at].key);
	smudge->known[at] = (struct known){*key, *content};
	return 0;
}

static const struct hd_content *find_known(const struct hd_smudge *smudge, const struct hd_hash128 *key)
{
	const struct known *known;

	if (smudge->capacity == 0)
		return NULL;
	known = &smudge->known[slot_of(smudge->known, smudge->capacity, key)];
	return is_zero(&known->key) ? NULL : &known->content;
}

/* The root may have macros, with which the same tree elsewhere would be another. */
static int key_of(const struct hd_smudge *smudge, const struct hd_hash128 *rules, const uint8_t *id,
	struct hd_hash128 *ret_key)
{
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	bool has_place = rules && !is_zero(rules);

	hd_buffer_put(&bytes, id, HD_GIT_ID_SIZE);
	hd_buffer_put_u8(&bytes, rules == NULL);
	if (has_place)
		hd_buffer_put(&bytes, rules, sizeof(*rules));
	if (has_place && smudge->path.size > 0)
		hd_buffer_put(&bytes, smudge->path.data, smudge->path.size);
	if (hd_buffer_status(&bytes) < 0)
		return -ENOMEM;
	*ret_key = hd_hash128(bytes.data, bytes.size);
	return 0;
}

/* ---- rules ---- */

/* Puts the rules of the directory in front of those ABOVE. */
static int read_rules(struct hd_smudge *smudge, const struct directory *above, struct directory *directory)
{
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	struct hd_attribute_file *file = NULL;
	const uint8_t *id = NULL;
	size_t base = smudge->path.size > 0 ? smudge->path.size - 1 : 0;
	int r = hd_smudge_rules(&smudge->place, &smudge->names, &directory->tree, base == 0, &file, &id);

	directory->top = above ? above->top : NULL;
	if (above)
		directory->rules = above->rules;
	if (r < 0 || !file)
		return r;
	hd_buffer_put(&bytes, &directory->rules, sizeof(directory->rules));
	hd_buffer_put(&bytes, id, HD_GIT_ID_SIZE);
	if (base > 0)
		hd_buffer_put(&bytes, smudge->path.data, base);
	directory->level = (struct hd_attribute_level){directory->top, file, base};
	directory->top = &directory->level;
	if (hd_buffer_status(&bytes) < 0)
		return -ENOMEM;
	directory->rules = hd_hash128(bytes.data, bytes.size);
	return 0;
}

/* ---- entries ---- */

static int enter(struct hd_smudge *smudge, const char *name, size_t length, size_t *ret_before)
{
	*ret_before = smudge->path.size;
	hd_buffer_put(&smudge->path, name, length);
	return hd_buffer_status(&smudge->path);
}

static int convert_file(struct hd_smudge *smudge, const struct directory *directory,
	const struct hd_git_tree_entry *git, struct hd_tree_entry *entry)
{
	struct hd_conversion conversion;
	size_t before;
	int r;

	if (!S_ISREG(git->mode) || !hd_attribute_stack_converts(directory->top))
		return 0;
	r = enter(smudge, git->name, git->name_length + 1, &before);
	if (r >= 0)
		r = hd_attribute_stack_ask(
			&smudge->names, directory->top, (const char *)smudge->path.data, &conversion);
	smudge->path.size = before;
	if (r >= 0)
		r = hd_smudge_blob(&smudge->place, git->id, &conversion, &entry->content, &entry->size);
	return r;
}

static int convert_directory(struct hd_smudge *smudge, const struct directory *directory,
	const struct hd_git_tree_entry *git, struct hd_tree_entry *entry)
{
	size_t before;
	int r = enter(smudge, git->name, git->name_length, &before);

	hd_buffer_put_u8(&smudge->path, '/');
	if (r >= 0)
		r = hd_buffer_status(&smudge->path);
	if (r >= 0)
		r = convert(smudge, directory, git->id, &entry->content);
	smudge->path.size = before;
	return r < 0 ? r : entry->content.kind != HD_CONTENT_GIT;
}

static int convert_entry(struct hd_smudge *smudge, struct directory *directory, size_t number)
{
	const struct hd_git_tree_entry *git = &directory->tree.entries[number];
	struct hd_tree_entry *entry = &directory->entries[number];
	int r = 0;

	*entry = (struct hd_tree_entry){
		.name = git->name, .name_length = (uint16_t)git->name_length, .mode = git->mode};
	/* The place of a submodule is an empty directory. */
	if (git->is_commit)
		return 0;
	entry->content = hd_smudge_raw(&smudge->place, git->id);
	if (S_ISDIR(git->mode))
		r = convert_directory(smudge, directory, git, entry);
	else
		r = convert_file(smudge, directory, git, entry);
	if (r < 0)
		return r == -HD_E_INTERRUPTED ? r : hd_fail_in(r, "'%s'", git->name);
	directory->is_changed = directory->is_changed || r > 0;
	return hd_work_advance(r > 0 && !S_ISDIR(git->mode));
}

/* A tree of the store says of each file how long it is. */
static int fill_sizes(const struct hd_smudge *smudge, struct directory *directory)
{
	int r = 0;

	for (size_t i = 0; i < directory->tree.count && r >= 0; i++) {
		struct hd_tree_entry *entry = &directory->entries[i];

		if (!S_ISDIR(entry->mode) && entry->content.kind == HD_CONTENT_GIT)
			r = hd_smudge_size(&smudge->place, entry->content.bytes, &entry->size);
	}
	return r;
}

static int store(struct hd_smudge *smudge, struct directory *directory, struct hd_content *ret_content)
{
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	int r = fill_sizes(smudge, directory);

	if (r >= 0)
		r = hd_tree_encode(directory->entries, directory->tree.count, &bytes);
	return r < 0 ? r
		     : hd_object_store_put(smudge->place.store->objects, bytes.data, bytes.size, ret_content);
}

/* ---- directories ---- */

static int convert_entries(struct hd_smudge *smudge, struct directory *directory, const uint8_t *id,
	struct hd_content *ret_content)
{
	int r = 0;

	directory->entries = calloc(directory->tree.count + 1, sizeof(*directory->entries));
	if (!directory->entries)
		return -ENOMEM;
	for (size_t i = 0; i < directory->tree.count && r >= 0; i++)
		r = convert_entry(smudge, directory, i);
	if (r < 0)
		return r;
	if (directory->is_changed)
		return store(smudge, directory, ret_content);
	*ret_content = hd_smudge_raw(&smudge->place, id);
	return 0;
}

static void directory_clear(struct directory *directory)
{
	hd_attribute_file_free((struct hd_attribute_file *)directory->level.file);
	hd_git_tree_clear(&directory->tree);
	git_odb_object_free(directory->object);
	free(directory->entries);
}

static int convert(struct hd_smudge *smudge, const struct directory *above, const uint8_t id[HD_GIT_ID_SIZE],
	struct hd_content *ret_content)
{
	HD_CLEANUP(directory_clear) struct directory directory = {0};
	const struct hd_content *known;
	struct hd_hash128 key;
	int r = key_of(smudge, above ? &above->rules : NULL, id, &key);

	if (r < 0)
		return r;
	known = find_known(smudge, &key);
	if (known) {
		*ret_content = *known;
		return 0;
	}
	if (smudge->depth == DEPTH_MAX)
		return hd_fail(ELOOP, "directories are nested deeper than %d", DEPTH_MAX);
	smudge->depth++;
	r = hd_smudge_read_tree(&smudge->place, id, &directory.object, &directory.tree);
	if (r >= 0)
		r = read_rules(smudge, above, &directory);
	if (r >= 0)
		r = convert_entries(smudge, &directory, id, ret_content);
	smudge->depth--;
	return r < 0 ? r : remember(smudge, &key, ret_content);
}

/* ---- the whole ---- */

int hd_smudge_new(const struct hd_smudge_place *place, struct hd_smudge **ret_smudge)
{
	struct hd_smudge *smudge = calloc(1, sizeof(*smudge));

	if (!smudge)
		return -ENOMEM;
	smudge->place = *place;
	*ret_smudge = smudge;
	return 0;
}

void hd_smudge_free(struct hd_smudge *smudge)
{
	if (!smudge)
		return;
	hd_attribute_names_clear(&smudge->names);
	hd_buffer_clear(&smudge->path);
	free(smudge->known);
	free(smudge);
}

int hd_smudge_tree(struct hd_smudge *smudge, const uint8_t id[HD_GIT_ID_SIZE], struct hd_content *ret_content)
{
	smudge->path.size = 0;
	smudge->depth = 0;
	return convert(smudge, NULL, id, ret_content);
}

int hd_smudge_tree_of(struct hd_smudge *smudge, struct hd_state *state)
{
	struct hd_content tree;
	int r = hd_smudge_tree(smudge, state->tree.bytes, &tree);

	if (r < 0 || tree.kind == HD_CONTENT_GIT)
		return r;
	state->git_tree = state->tree;
	state->tree = tree;
	return 0;
}

int hd_smudge_state(struct hd_store *store, struct hd_state *state)
{
	struct hd_smudge_place place = {.store = store, .base = state->tree.base};
	struct hd_base_record record = {0};
	struct hd_smudge *smudge = NULL;
	int r = hd_git_library_start();

	if (r >= 0)
		r = hd_index_get_base(store->index, place.base, &record);
	if (r >= 0)
		r = hd_git_library_open_objects(record.location, &place.odb);
	if (r >= 0)
		r = hd_smudge_new(&place, &smudge);
	if (r >= 0)
		hd_work_step(HD_WORK_CONVERTING_FILES, 0);
	if (r >= 0)
		r = hd_smudge_tree_of(smudge, state);
	hd_smudge_free(smudge);
	git_odb_free(place.odb);
	hd_base_record_clear(&record);
	return r < 0 ? r : 0;
}
