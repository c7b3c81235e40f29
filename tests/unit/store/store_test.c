/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "tests/unit/store/scratch_store.h"

/*
 * The .heddle directory as a whole: made, found, opened, refused. Its parts have tests of their own.
 */

static int count_entry(const char *name, unsigned char type, void *payload)
{
	(void)name;
	(void)type;
	(*(int *)payload)++;
	return 0;
}

static int entries_of(const char *directory)
{
	int count = 0;

	assert_success(hd_directory_list(AT_FDCWD, directory, count_entry, &count));
	return count;
}

static void overwrite(const struct scratch *scratch, const char *name, const char *text)
{
	struct hd_atomic_file file;

	assert_success(hd_file_atomic_begin(scratch->store->fd, 0600, &file));
	assert_success(hd_file_write_at(file.fd, text, strlen(text), 0));
	assert_success(hd_file_atomic_commit(&file, name, true, false));
}

static void a_new_store_has_every_part_and_nothing_beside_it(void **state)
{
	static const char *const parts[] = {
		"format", ".gitignore", "index.db", "objects", "recent", "threads", "run", "log", "mnt"};
	struct scratch *scratch = *state;
	struct stat st;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		assert_true(hd_file_exists(scratch->store->fd, parts[i]));
	assert_int_equal(entries_of(scratch->directory), 1);
	assert_success(hd_file_stat_at(AT_FDCWD, scratch->path, &st));
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void a_store_is_not_created_twice(void **state)
{
	struct scratch *scratch = *state;
	struct hd_store *second = NULL;

	assert_code(hd_store_create(scratch->path, &second), HD_E_STORE_EXISTS);
	assert_null(second);
	assert_int_equal(entries_of(scratch->directory), 1);
}

static void a_failed_creation_leaves_nothing_behind(void **state)
{
	struct scratch *scratch = *state;
	struct hd_store *second = NULL;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/none/.heddle", scratch->directory);
	assert_code(hd_store_create(path, &second), ENOENT);

	/* The name is just short enough for the directory, and the one of SQLite's log in it is too long for
	 * a path. */
	snprintf(path, sizeof(path), "%s", scratch->directory);
	while (strlen(path) + 201 < 3800) {
		strcat(path, "/");
		memset(path + strlen(path) + 200, 0, 1);
		memset(path + strlen(path), 'd', 200);
		assert_success(hd_directory_make(AT_FDCWD, path, 0700));
	}
	strcat(path, "/s");
	assert_true(hd_store_create(path, &second) < 0);
	assert_null(second);
	*strrchr(path, '/') = '\0';
	assert_int_equal(entries_of(path), 0);
}

static void a_creation_that_runs_out_of_room_anywhere_leaves_nothing(void **state)
{
	struct scratch *scratch = *state;
	char directory[128], path[256];
	struct hd_store *second = NULL;
	int failures = 0, r = -1;

	snprintf(directory, sizeof(directory), "%s/below", scratch->directory);
	snprintf(path, sizeof(path), "%s/.heddle", directory);
	assert_success(hd_directory_make(AT_FDCWD, directory, 0700));
	/* Every limit stops another write: the index's first page, its log, its shared memory, the format. */
	for (rlim_t limit = 0; r < 0 && limit < (1 << 20); limit += 1500) {
		limit_file_size(limit);
		r = hd_store_create(path, &second);
		limit_file_size(RLIM_INFINITY);
		if (r < 0) {
			failures++;
			assert_null(second);
			assert_int_equal(entries_of(directory), 0);
		}
	}
	assert_success(r);
	assert_true(failures > 3);
	hd_store_free(second);
}

struct creator {
	const char *path;
	struct hd_store *store;
	int result;
};

static void *create_store(void *payload)
{
	struct creator *creator = payload;

	creator->result = hd_store_create(creator->path, &creator->store);
	return NULL;
}

static void of_concurrent_creators_exactly_one_wins(void **state)
{
	enum { CREATORS = 4 };
	struct scratch *scratch = *state;
	struct creator creators[CREATORS];
	pthread_t threads[CREATORS];
	char directory[128], path[256];
	int winners = 0;

	snprintf(directory, sizeof(directory), "%s/below", scratch->directory);
	snprintf(path, sizeof(path), "%s/.heddle", directory);
	assert_success(hd_directory_make(AT_FDCWD, directory, 0700));
	for (int i = 0; i < CREATORS; i++) {
		creators[i] = (struct creator){path, NULL, 1};
		assert_int_equal(pthread_create(&threads[i], NULL, create_store, &creators[i]), 0);
	}
	for (int i = 0; i < CREATORS; i++) {
		pthread_join(threads[i], NULL);
		if (creators[i].result != 0)
			assert_code(creators[i].result, HD_E_STORE_EXISTS);
		winners += creators[i].result == 0;
		hd_store_free(creators[i].store);
	}
	assert_int_equal(winners, 1);
	assert_int_equal(entries_of(directory), 1);
}

static void a_store_opens_again(void **state)
{
	struct scratch *scratch = *state;
	struct hd_store *again = NULL;

	assert_success(hd_store_open(scratch->path, &again));
	assert_string_equal(again->path, scratch->path);
	hd_store_free(again);
}

static void a_missing_store_is_told_apart_from_a_broken_one(void **state)
{
	struct scratch *scratch = *state;
	struct hd_store *store = NULL;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/nowhere/.heddle", scratch->directory);
	assert_code(hd_store_open(path, &store), HD_E_STORE_MISSING);
	overwrite(scratch, "format", "heddle something\n");
	assert_code(hd_store_open(scratch->path, &store), HD_E_STORE_CORRUPT);
}

static void another_version_is_refused_with_both_versions(void **state)
{
	struct scratch *scratch = *state;
	struct hd_store *store = NULL;
	int r;

	overwrite(scratch, "format", "heddle store 5\n");
	r = hd_store_open(scratch->path, &store);
	assert_code(r, HD_E_STORE_VERSION);
	assert_non_null(strstr(hd_error_message(r), "version 5"));
	assert_non_null(strstr(hd_error_message(r), "version 7"));
}

static void a_store_that_smudges_says_by_which_rules(void **state)
{
	struct scratch *scratch = *state;
	struct hd_store *store = NULL;
	char path[PATH_MAX + 16];

	assert_false(scratch->store->smudges);
	(void)snprintf(path, sizeof(path), "%s-smudged", scratch->path);
	assert_int_equal(hd_store_create_smudged(path, &store), 0);
	assert_true(store->smudges);
	hd_store_free(store);
	assert_int_equal(hd_store_open(path, &store), 0);
	assert_true(store->smudges);
	hd_store_free(store);
	assert_int_equal(hd_directory_remove_tree(AT_FDCWD, path), 0);

	overwrite(scratch, "format", "heddle store 8\n");
	assert_code(hd_store_open(scratch->path, &store), HD_E_STORE_VERSION);
	overwrite(scratch, "format", "heddle store 8\nsmudge 2\n");
	assert_code(hd_store_open(scratch->path, &store), HD_E_STORE_VERSION);
}

static void a_damaged_index_is_refused(void **state)
{
	struct scratch *scratch = *state;
	struct hd_store *store = NULL;

	hd_index_free(scratch->store->index);
	scratch->store->index = NULL;
	overwrite(scratch, "index.db", "this is no database, however one looks at it");
	assert_code(hd_store_open(scratch->path, &store), HD_E_STORE_CORRUPT);
	assert_success(hd_file_unlink(scratch->store->fd, "index.db"));
	assert_code(hd_store_open(scratch->path, &store), HD_E_STORE_CORRUPT);
}

static void discovery_finds_the_nearest_store_above(void **state)
{
	struct scratch *scratch = *state;
	char below[PATH_MAX], *found = NULL;

	snprintf(below, sizeof(below), "%s/a/b/c", scratch->directory);
	assert_success(hd_directory_make(AT_FDCWD, below, 0700));
	assert_success(hd_store_discover(below, &found));
	assert_string_equal(found, scratch->path);
	free(found);
	found = NULL;
	assert_success(hd_store_discover(scratch->directory, &found));
	assert_string_equal(found, scratch->path);
	free(found);
	found = NULL;
	assert_code(hd_store_discover("/proc/self", &found), HD_E_STORE_MISSING);
	assert_null(found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_new_store_has_every_part_and_nothing_beside_it, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			a_store_is_not_created_twice, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			a_failed_creation_leaves_nothing_behind, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(a_creation_that_runs_out_of_room_anywhere_leaves_nothing,
			scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			of_concurrent_creators_exactly_one_wins, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(a_store_opens_again, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			a_missing_store_is_told_apart_from_a_broken_one, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			a_store_that_smudges_says_by_which_rules, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			another_version_is_refused_with_both_versions, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(a_damaged_index_is_refused, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			discovery_finds_the_nearest_store_above, scratch_setup, scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
