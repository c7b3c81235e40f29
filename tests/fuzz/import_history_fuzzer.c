/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Whole histories, as a hostile repository may hold them: commits, trees and tags of any bytes, with references to each other. An import
 * ends, with an error or with states; these can be listed and read, or say that they cannot; and what another repository then
 * gets has the very ids of the first.
 *
 *     input   objects, one after the other
 *     object  its kind (one of "ctgb": commit, tree, tag, blob), the length of its text in two bytes, the text
 *     text    bytes; 1 and N stand for the 40 digits, 2 and N for the 20 bytes of the id of the object N before this one
 *
 * Each commit is a branch, each tag a tag.
 *
 * MUTATIONS: 60
 * LINK: heddle_capture PkgConfig::LIBGIT2
 */

#include <fcntl.h>
#include <git2.h>
#include <git2/sys/odb_backend.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/git/export/export_all.h"
#include "capture/git/import/import_git.h"
#include "capture/initialize.h"
#include "capture/trees/tree_view.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

#define OBJECTS 64u
#define DEPTH 6u
#define MOST_ENTRIES 300u
#define MOST_BYTES 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct history {
	char directory[64];
	char source[80], target[80], store[80];
	git_repository *repository; /* owned */
	git_oid ids[OBJECTS];
	size_t count;
};

static void must(bool fine)
{
	if (!fine)
		abort();
}

/* ---- the repository ---- */

static git_object_t kind_of(uint8_t byte)
{
	switch (byte) {
	case 'c':
		return GIT_OBJECT_COMMIT;
	case 't':
		return GIT_OBJECT_TREE;
	case 'g':
		return GIT_OBJECT_TAG;
	default:
		return GIT_OBJECT_BLOB;
	}
}

static void put_id(const struct history *history, uint8_t mark, uint8_t back, struct hd_buffer *text)
{
	const git_oid *id;

	if (history->count == 0)
		return;
	id = &history->ids[history->count - 1 - back % history->count];
	if (mark == 1)
		hd_buffer_put_text(text, git_oid_tostr_s(id));
	else
		hd_buffer_put(text, id->id, GIT_OID_RAWSZ);
}

static void put_object(struct history *history, uint8_t kind, const uint8_t *data, size_t size)
{
	struct hd_buffer text = {0};
	git_reference *reference = NULL;
	git_odb *odb = NULL;
	git_oid *id = &history->ids[history->count];
	char name[40];

	for (size_t i = 0; i < size; i++) {
		if ((data[i] == 1 || data[i] == 2) && i + 1 < size) {
			put_id(history, data[i], data[i + 1], &text);
			i++;
		} else {
			hd_buffer_put_u8(&text, data[i]);
		}
	}
	must(git_repository_odb(&odb, history->repository) == 0);
	if (git_odb_write(id, odb, text.data ? (const void *)text.data : "", text.size, kind_of(kind)) == 0) {
		(void)snprintf(
			name, sizeof(name), "refs/%s/%zu", kind == 'c' ? "heads" : "tags", history->count);
		if (kind == 'c' || kind == 'g')
			(void)git_reference_create(&reference, history->repository, name, id, 1, NULL);
		history->count++;
	}
	git_reference_free(reference);
	git_odb_free(odb);
	hd_buffer_clear(&text);
}

static void put_objects(struct history *history, const uint8_t *data, size_t size)
{
	while (size >= 3 && history->count < OBJECTS) {
		size_t length = (size_t)data[1] | (size_t)data[2] << 8;

		length = length < size - 3 ? length : size - 3;
		put_object(history, data[0], data + 3, length);
		data += 3 + length;
		size -= 3 + length;
	}
}

/* A first commit, which the store begins at. */
static void put_first(struct history *history)
{
	static const char first[] = "tree \1\0\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nfirst\n";
	git_reference *head = NULL;

	put_object(history, 't', (const uint8_t *)"", 0);
	put_object(history, 'c', (const uint8_t *)first, sizeof(first) - 1);
	must(git_reference_symbolic_create(&head, history->repository, "HEAD", "refs/heads/1", 1, NULL) == 0);
	git_reference_free(head);
}

/* ---- what came of it ---- */

static void look_below(struct hd_tree_view *view, const struct hd_tree_view_entry *directory, unsigned depth,
	unsigned *entries)
{
	struct hd_tree_view_listing listing;
	char bytes[MOST_BYTES];
	size_t got;

	if (hd_tree_view_list(view, directory, &listing) < 0)
		return;
	for (size_t i = 0; i < listing.count && (*entries)++ < MOST_ENTRIES; i++) {
		const struct hd_tree_view_entry *entry = &listing.entries[i];

		must(entry->name_length > 0 && !memchr(entry->name, '/', entry->name_length));
		must(strcmp(entry->name, ".") != 0 && strcmp(entry->name, "..") != 0);
		if (S_ISDIR(entry->mode) && depth < DEPTH)
			look_below(view, entry, depth + 1, entries);
		else if (!S_ISDIR(entry->mode))
			(void)hd_tree_view_read(view, entry, bytes, sizeof(bytes), 0, &got);
	}
	hd_tree_view_listing_clear(&listing);
}

static void look_at(struct hd_store *store, struct hd_base_set *bases, const struct hd_state_id *id)
{
	struct hd_tree_view_entry root;
	struct hd_tree_view *view;
	struct hd_state state;
	unsigned entries = 0;

	must(hd_index_get_state(store->index, id, &state) == 0);
	if (hd_tree_view_of_state(bases, &state, &view) == 0) {
		hd_tree_view_root(view, &root);
		look_below(view, &root, 0, &entries);
		hd_tree_view_free(view);
	}
	hd_state_clear(&state);
}

static void check_exported(const struct history *history, const struct hd_export_all_result *result)
{
	for (size_t i = 0; i < result->n_items; i++) {
		const struct hd_export_item *item = &result->items[i];
		git_oid there;

		/* Threads have branches of their own, and the states' commits are those of before. */
		if (!item->target || strncmp(item->reference, "refs/heads/heddle/", 18) == 0)
			continue;
		must(git_reference_name_to_id(&there, history->repository, item->reference) == 0);
		must(strcmp(git_oid_tostr_s(&there), item->target) == 0);
	}
}

static void export(const struct history *history, struct hd_store *store, struct hd_base_set *bases)
{
	struct hd_export_git_options options = {
		.repository = history->target, .thread = HD_INITIALIZE_THREAD};
	struct hd_export_all_result result = {0};
	git_repository *target = NULL;

	must(git_repository_init(&target, history->target, 1) == 0);
	git_repository_free(target);
	if (hd_export_all(store, bases, &options, &result) == 0) {
		check_exported(history, &result);
		hd_export_all_result_clear(&result);
	}
}

static void import(const struct history *history, struct hd_store *store)
{
	struct hd_import_git_options options = {.repository = history->source, .actor = "fuzzer"};
	struct hd_import_git_result result = {0}, again = {0};
	struct hd_base_set *bases = NULL;

	must(hd_base_set_new(store, 0, &bases) == 0);
	if (hd_import_git(store, bases, &options, &result) == 0) {
		for (size_t i = 0; i < result.n_names; i++) {
			if (!hd_state_id_is_zero(&result.names[i].state))
				look_at(store, bases, &result.names[i].state);
		}
		/* A second one finds all of it. */
		must(hd_import_git(store, bases, &options, &again) == 0 && again.commits == 0);
		hd_import_git_result_clear(&again);
		hd_import_git_result_clear(&result);
		export(history, store, bases);
	}
	hd_base_set_free(bases);
}

/* In memory, where there is such a place: an input makes some hundred files. */
static void begin(struct history *history)
{
	(void)snprintf(history->directory, sizeof(history->directory), "/dev/shm/heddle-fuzz-XXXXXX");
	if (!mkdtemp(history->directory)) {
		(void)snprintf(history->directory, sizeof(history->directory), "/tmp/heddle-fuzz-XXXXXX");
		must(mkdtemp(history->directory) != NULL);
	}
	(void)snprintf(history->source, sizeof(history->source), "%s/source", history->directory);
	(void)snprintf(history->target, sizeof(history->target), "%s/target", history->directory);
	(void)snprintf(history->store, sizeof(history->store), "%s/store", history->directory);
	must(hd_git_library_start() == 0);
	must(git_repository_init(&history->repository, history->source, 1) == 0);
	put_first(history);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct history history = {.count = 0};
	struct hd_initialize_options options = {.directory = history.source, .store = history.store};
	struct hd_store *store = NULL;
	struct hd_state state = {0};

	begin(&history);
	put_objects(&history, data, size);
	must(hd_initialize(&options, &store, &state) == 0);
	import(&history, store);
	hd_state_clear(&state);
	hd_store_free(store);
	git_repository_free(history.repository);
	(void)hd_directory_remove_tree(AT_FDCWD, history.directory);
	hd_error_clear();
	return 0;
}
