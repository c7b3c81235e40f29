/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/bases/git/base_git_contents.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "tests/unit/bases/place.h"
#include "tests/unit/bases/repository.h"

/* What a commit contains, from the repository and from the file that remembers it. */

struct fixture {
	char *place;
	git_repository *repository;
	struct hd_store *store;
	uint16_t base;
	git_oid one, two, link, inner, root; /* in the commit */
	git_oid stranger;                    /* in the repository alone */
};

static git_oid id_of(const char *text)
{
	git_oid id;

	assert_int_equal(hd_git_hash_bytes(HD_GIT_BLOB, text, strlen(text), id.id), 0);
	return id;
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	char *path;

	assert_non_null(fixture);
	fixture->place = place_new();
	path = place_path(fixture->place, "repository");
	fixture->repository = repository_new(path);
	free(path);
	fixture->one = repository_add_blob(fixture->repository, "one", 3);
	fixture->two = repository_add_blob(fixture->repository, "number two", 10);
	fixture->link = repository_add_blob(fixture->repository, "target", 6);
	fixture->stranger = repository_add_blob(fixture->repository, "stranger", 8);
	fixture->inner = repository_add_tree(fixture->repository,
		(struct raw_entry[]){{"100755", "two", fixture->two}, {"120000", "x", fixture->link}}, 2);
	fixture->root = repository_add_tree(fixture->repository,
		(struct raw_entry[]){{"40000", "a", fixture->inner}, {"40000", "b", fixture->inner},
			{"100644", "one", fixture->one}},
		3);
	path = place_path(fixture->place, "store");
	assert_int_equal(hd_store_create(path, &fixture->store), 0);
	free(path);
	path = place_path(fixture->place, "repository/.git");
	assert_int_equal(hd_index_add_base(fixture->store->index, HD_BASE_GIT, path, &fixture->base), 0);
	free(path);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	hd_store_free(fixture->store);
	git_repository_free(fixture->repository);
	place_remove(fixture->place);
	free(fixture);
	return 0;
}

static struct hd_git_contents *open_tree(struct fixture *fixture, const git_oid *tree)
{
	struct hd_content content = repository_content(tree, fixture->base);
	struct hd_git_contents *contents;

	assert_int_equal(hd_git_contents_open(fixture->store, &content, &contents), 0);
	return contents;
}

/* With the list of what the commit has. */
static struct hd_git_contents *list_tree(struct fixture *fixture, const git_oid *tree)
{
	struct hd_git_contents *contents = open_tree(fixture, tree);

	assert_int_equal(hd_git_contents_list(contents), 0);
	return contents;
}

/* The path of the only file in the store's cache, or NULL; the caller frees it. */
static int take_name(const char *name, unsigned char type, void *payload)
{
	char **ret_name = payload;

	(void)type;
	assert_null(*ret_name);
	*ret_name = strdup(name);
	return 0;
}

static char *cache_file(const struct fixture *fixture)
{
	char *directory = place_path(fixture->place, "store/cache"), *name = NULL, *path = NULL;

	if (hd_file_exists(AT_FDCWD, directory))
		assert_int_equal(hd_directory_list(AT_FDCWD, directory, take_name, &name), 0);
	if (name)
		path = place_path(directory, name);
	free(directory);
	free(name);
	return path;
}

static void assert_has_all(struct fixture *fixture, struct hd_git_contents *contents)
{
	static const uint8_t zero[HD_GIT_ID_SIZE];

	assert_int_equal(hd_git_contents_has(contents, HD_GIT_BLOB, fixture->one.id), 1);
	assert_int_equal(hd_git_contents_has(contents, HD_GIT_BLOB, fixture->two.id), 1);
	assert_int_equal(hd_git_contents_has(contents, HD_GIT_BLOB, fixture->link.id), 1);
	assert_int_equal(hd_git_contents_has(contents, HD_GIT_TREE, fixture->inner.id), 1);
	assert_int_equal(hd_git_contents_has(contents, HD_GIT_TREE, fixture->root.id), 1);
	assert_int_equal(hd_git_contents_has(contents, HD_GIT_BLOB, fixture->inner.id), 0);
	assert_int_equal(hd_git_contents_has(contents, HD_GIT_TREE, fixture->one.id), 0);
	assert_int_equal(hd_git_contents_has(contents, HD_GIT_BLOB, fixture->stranger.id), 0);
	assert_int_equal(hd_git_contents_has(contents, HD_GIT_BLOB, zero), 0);
	assert_int_equal(hd_git_contents_may_have_size(contents, 3), 1);
	assert_int_equal(hd_git_contents_may_have_size(contents, 6), 1);
	assert_int_equal(hd_git_contents_may_have_size(contents, 10), 1);
	assert_int_equal(hd_git_contents_may_have_size(contents, 0), 0);
	assert_int_equal(hd_git_contents_may_have_size(contents, 7), 0);
	assert_int_equal(hd_git_contents_may_have_size(contents, UINT64_MAX), 0);
	assert_false(hd_git_contents_has_unusual_trees(contents));
}

static void a_commit_contains_what_is_in_its_tree(void **state)
{
	struct fixture *fixture = *state;
	struct hd_git_contents *contents = open_tree(fixture, &fixture->root);

	assert_has_all(fixture, contents);
	hd_git_contents_free(contents);
}

/* The commit is walked when something is asked for that the repository has, and not before. */
static void what_the_repository_lacks_needs_no_list(void **state)
{
	struct fixture *fixture = *state;
	static const uint8_t zero[HD_GIT_ID_SIZE];
	git_oid nowhere = id_of("nowhere");
	struct hd_git_contents *contents = open_tree(fixture, &fixture->root);
	char *path;

	assert_int_equal(hd_git_contents_has(contents, HD_GIT_BLOB, zero), 0);
	assert_int_equal(hd_git_contents_has(contents, HD_GIT_BLOB, nowhere.id), 0);
	assert_int_equal(hd_git_contents_has(contents, HD_GIT_TREE, nowhere.id), 0);
	assert_int_equal(hd_git_contents_may_have_size(contents, 7), 1);
	assert_true(hd_git_contents_has_unusual_trees(contents));
	assert_null(cache_file(fixture));
	assert_int_equal(hd_git_contents_has(contents, HD_GIT_BLOB, fixture->stranger.id), 0);
	path = cache_file(fixture);
	assert_non_null(path);
	free(path);
	assert_has_all(fixture, contents);
	hd_git_contents_free(contents);
}

/* Hashing so much takes longer than the walk that may spare it. */
static void much_that_is_to_be_hashed_is_worth_the_list(void **state)
{
	struct fixture *fixture = *state;
	struct hd_git_contents *contents = open_tree(fixture, &fixture->root);

	assert_int_equal(hd_git_contents_may_have_size(contents, 60u << 20), 1);
	assert_null(cache_file(fixture));
	assert_int_equal(hd_git_contents_may_have_size(contents, 60u << 20), 0);
	assert_false(hd_git_contents_has_unusual_trees(contents));
	hd_git_contents_free(contents);
	contents = open_tree(fixture, &fixture->root);
	assert_has_all(fixture, contents);
	hd_git_contents_free(contents);
}

static void a_second_process_does_not_read_the_repository(void **state)
{
	struct fixture *fixture = *state;
	struct hd_git_contents *contents = list_tree(fixture, &fixture->root);
	char *path = cache_file(fixture);
	struct stat before, after;

	assert_non_null(path);
	assert_int_equal(hd_file_stat_at(AT_FDCWD, path, &before), 0);
	hd_git_contents_free(contents);
	contents = list_tree(fixture, &fixture->root);
	assert_has_all(fixture, contents);
	assert_int_equal(hd_file_stat_at(AT_FDCWD, path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	hd_git_contents_free(contents);
	free(path);
}

/* Flips the bit of every byte of the file, one after the other: no answer may become another. */
static void a_damaged_file_is_made_again_wherever_the_damage_is(void **state)
{
	struct fixture *fixture = *state;
	char *path, *bytes;
	size_t size;

	hd_git_contents_free(list_tree(fixture, &fixture->root));
	path = cache_file(fixture);
	assert_non_null(path);
	assert_int_equal(hd_file_read_whole(AT_FDCWD, path, 1 << 20, &bytes, &size), 0);
	/* All of the records and of the first fields, a sample of the table between them. */
	for (size_t i = 0; i < size; i += i < 80 || i >= 3110 ? 1 : 97) {
		struct hd_git_contents *contents;

		bytes[i] ^= 0x10;
		assert_int_equal(unlink(path), 0);
		place_write("", path, bytes, size);
		contents = list_tree(fixture, &fixture->root);
		assert_has_all(fixture, contents);
		hd_git_contents_free(contents);
		bytes[i] ^= 0x10;
	}
	free(bytes);
	free(path);
}

static void a_file_that_is_cut_off_or_gone_is_made_again(void **state)
{
	struct fixture *fixture = *state;
	static const off_t sizes[] = {0, 1, 100, 3123, 3124, 3134};
	struct hd_git_contents *contents;
	char *path;

	hd_git_contents_free(list_tree(fixture, &fixture->root));
	path = cache_file(fixture);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(truncate(path, sizes[i]), 0);
		contents = list_tree(fixture, &fixture->root);
		assert_has_all(fixture, contents);
		hd_git_contents_free(contents);
	}
	assert_int_equal(unlink(path), 0);
	contents = list_tree(fixture, &fixture->root);
	assert_has_all(fixture, contents);
	/* Cut off while it is open. */
	hd_git_contents_free(contents);
	contents = open_tree(fixture, &fixture->root);
	assert_int_equal(truncate(path, 3125), 0);
	assert_has_all(fixture, contents);
	hd_git_contents_free(contents);
	free(path);
}

static void a_store_that_cannot_be_written_costs_only_the_file(void **state)
{
	struct fixture *fixture = *state;
	struct hd_git_contents *contents;

	place_write_text(fixture->place, "store/cache", "not a directory");
	contents = open_tree(fixture, &fixture->root);
	assert_has_all(fixture, contents);
	hd_git_contents_free(contents);
}

static void a_blob_that_the_repository_lacks_is_not_there(void **state)
{
	struct fixture *fixture = *state;
	git_oid missing = id_of("never fetched"), root;
	struct hd_git_contents *contents;

	root = repository_add_tree(fixture->repository,
		(struct raw_entry[]){{"100644", "missing", missing}, {"100644", "one", fixture->one}}, 2);
	contents = open_tree(fixture, &root);
	assert_int_equal(hd_git_contents_has(contents, HD_GIT_BLOB, missing.id), 0);
	assert_int_equal(hd_git_contents_has(contents, HD_GIT_BLOB, fixture->one.id), 1);
	/* It may be of any size. */
	assert_int_equal(hd_git_contents_may_have_size(contents, 13), 1);
	assert_int_equal(hd_git_contents_may_have_size(contents, 14), 1);
	hd_git_contents_free(contents);
	(void)repository_add_blob(fixture->repository, "never fetched", 13);
	contents = open_tree(fixture, &root);
	assert_int_equal(hd_git_contents_has(contents, HD_GIT_BLOB, missing.id), 1);
	hd_git_contents_free(contents);
}

static void a_tree_that_the_repository_lacks_is_looked_for_again(void **state)
{
	struct fixture *fixture = *state;
	struct raw_entry entry = {.mode = "100644", .name = "late", .id = fixture->stranger};
	struct hd_git_contents *contents;
	git_oid missing, root;
	char *path, hex[GIT_OID_HEXSZ + 1], object[128];

	missing = repository_add_tree(fixture->repository, &entry, 1);
	root = repository_add_tree(fixture->repository,
		(struct raw_entry[]){{"40000", "missing", missing}, {"100644", "one", fixture->one}}, 2);
	(void)git_oid_tostr(hex, sizeof(hex), &missing);
	(void)snprintf(object, sizeof(object), "repository/.git/objects/%.2s/%s", hex, hex + 2);
	place_remove_name(fixture->place, object);
	contents = open_tree(fixture, &root);
	assert_int_equal(hd_git_contents_has(contents, HD_GIT_BLOB, fixture->one.id), 1);
	assert_int_equal(hd_git_contents_has(contents, HD_GIT_TREE, missing.id), 0);
	assert_int_equal(hd_git_contents_has(contents, HD_GIT_BLOB, fixture->stranger.id), 0);
	hd_git_contents_free(contents);
	path = cache_file(fixture);
	assert_null(path);
	(void)repository_add_tree(fixture->repository, &entry, 1);
	contents = open_tree(fixture, &root);
	assert_int_equal(hd_git_contents_has(contents, HD_GIT_TREE, missing.id), 1);
	assert_int_equal(hd_git_contents_has(contents, HD_GIT_BLOB, fixture->stranger.id), 1);
	hd_git_contents_free(contents);
}

static void a_missing_root_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	git_oid missing = id_of("no tree");
	struct hd_content content = repository_content(&missing, fixture->base);
	struct hd_git_contents *contents;

	assert_int_equal(hd_git_contents_open(fixture->store, &content, &contents), 0);
	assert_int_equal(hd_git_contents_list(contents), -HD_E_BASE_OBJECT);
	hd_git_contents_free(contents);
	content = repository_content(&fixture->one, fixture->base);
	assert_int_equal(hd_git_contents_open(fixture->store, &content, &contents), 0);
	assert_int_equal(hd_git_contents_has(contents, HD_GIT_BLOB, fixture->one.id), -HD_E_BASE_OBJECT);
	hd_git_contents_free(contents);
	content.kind = HD_CONTENT_OBJECT;
	assert_int_equal(hd_git_contents_open(fixture->store, &content, &contents), -HD_E_CONTENT_KIND);
}

/* Their ids do not follow from what they show, so nothing may be called by them. */
static void trees_that_say_more_than_they_show_do_not_count(void **state)
{
	struct fixture *fixture = *state;
	git_oid empty, trees[4], root;
	struct raw_entry kept = {.mode = "100644", .name = "z", .id = fixture->one};
	struct hd_git_contents *contents;

	empty = repository_add_tree(fixture->repository, NULL, 0);
	trees[0] = repository_add_tree(
		fixture->repository, (struct raw_entry[]){{"160000", "module", fixture->stranger}, kept}, 2);
	trees[1] = repository_add_tree(
		fixture->repository, (struct raw_entry[]){{"100664", "old", fixture->one}, kept}, 2);
	trees[2] = repository_add_tree(
		fixture->repository, (struct raw_entry[]){{"100644", ".git", fixture->one}, kept}, 2);
	trees[3] = repository_add_tree(
		fixture->repository, (struct raw_entry[]){{"40000", "empty", empty}, kept}, 2);
	root = repository_add_tree(fixture->repository,
		(struct raw_entry[]){{"40000", "a", trees[0]}, {"40000", "b", trees[1]},
			{"40000", "c", trees[2]}, {"40000", "d", trees[3]}, {"100644", "e", fixture->two}},
		5);
	contents = open_tree(fixture, &root);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(hd_git_contents_has(contents, HD_GIT_TREE, trees[i].id), 0);
	assert_int_equal(hd_git_contents_has(contents, HD_GIT_TREE, empty.id), 0);
	assert_int_equal(hd_git_contents_has(contents, HD_GIT_TREE, root.id), 1);
	assert_int_equal(hd_git_contents_has(contents, HD_GIT_BLOB, fixture->one.id), 1);
	assert_int_equal(hd_git_contents_has(contents, HD_GIT_BLOB, fixture->stranger.id), 0);
	assert_true(hd_git_contents_has_unusual_trees(contents));
	hd_git_contents_free(contents);
	contents = open_tree(fixture, &root);
	assert_true(hd_git_contents_has_unusual_trees(contents));
	hd_git_contents_free(contents);
}

static void a_thousand_files_are_found_in_a_packed_repository(void **state)
{
	struct fixture *fixture = *state;
	enum { COUNT = 1000 };
	static char names[COUNT][16];
	static struct raw_entry entries[COUNT];
	struct hd_git_contents *contents;
	git_oid root;

	for (size_t i = 0; i < COUNT; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "file%04zu", i);
		entries[i] = (struct raw_entry){.mode = "100644",
			.name = names[i],
			.id = repository_add_blob(fixture->repository, names[i], strlen(names[i]))};
	}
	root = repository_add_tree(fixture->repository, entries, COUNT);
	repository_repack(fixture->repository);
	hd_git_contents_free(list_tree(fixture, &root));
	contents = open_tree(fixture, &root);
	for (size_t i = 0; i < COUNT; i++) {
		git_oid stranger = entries[i].id;

		assert_int_equal(hd_git_contents_has(contents, HD_GIT_BLOB, entries[i].id.id), 1);
		stranger.id[19] ^= 1;
		assert_int_equal(hd_git_contents_has(contents, HD_GIT_BLOB, stranger.id), 0);
	}
	hd_git_contents_free(contents);
}

/* As git's maintenance does it, at any time. */
static void a_loose_blob_is_found_that_became_packed_meanwhile(void **state)
{
	struct fixture *fixture = *state;
	git_oid nowhere = id_of("nowhere");
	struct hd_git_contents *contents = open_tree(fixture, &fixture->root);

	assert_int_equal(hd_git_contents_has(contents, HD_GIT_BLOB, nowhere.id), 0);
	repository_repack(fixture->repository);
	assert_int_equal(hd_git_contents_has(contents, HD_GIT_BLOB, fixture->one.id), 1);
	assert_has_all(fixture, contents);
	hd_git_contents_free(contents);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_commit_contains_what_is_in_its_tree),
		TEST(what_the_repository_lacks_needs_no_list),
		TEST(much_that_is_to_be_hashed_is_worth_the_list),
		TEST(a_second_process_does_not_read_the_repository),
		TEST(a_damaged_file_is_made_again_wherever_the_damage_is),
		TEST(a_file_that_is_cut_off_or_gone_is_made_again),
		TEST(a_store_that_cannot_be_written_costs_only_the_file),
		TEST(a_blob_that_the_repository_lacks_is_not_there),
		TEST(a_tree_that_the_repository_lacks_is_looked_for_again),
		TEST(a_missing_root_is_an_error),
		TEST(trees_that_say_more_than_they_show_do_not_count),
		TEST(a_thousand_files_are_found_in_a_packed_repository),
		TEST(a_loose_blob_is_found_that_became_packed_meanwhile),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
