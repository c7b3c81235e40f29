/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/capture/scene.h"

#include "capture/identity.h"
#include "capture/initialize.h"

/* How a store begins. */

static void a_repository_becomes_a_base_with_a_pin_and_a_thread(void **state)
{
	struct scene *scene = *state;
	struct hd_thread thread;
	char *commit;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	commit = scene_output(scene, "git -C repo rev-parse HEAD | tr -d '\\n'");
	assert_true(scene->base.is_base);
	assert_string_equal(scene->base.git_commit, commit);
	assert_string_equal(scene->base.message, "base: first commit");
	assert_string_equal(scene->base.author, "T <t@t>");
	assert_int_equal(scene->base.tree.kind, HD_CONTENT_GIT);
	scene_run(scene,
		"test $(git -C repo rev-parse refs/heads/trunk) = $(git -C repo rev-parse "
		"refs/heddle/base/%s)",
		commit);
	scene_assert_output(scene, "", "git -C repo status --porcelain");
	assert_success(hd_index_get_thread(scene->store->index, "main", &thread));
	assert_true(hd_state_id_equal(&thread.head, &scene->base.id));
	hd_thread_clear(&thread);
	free(commit);
}

static void a_subdirectory_means_the_checkout_it_lies_in(void **state)
{
	struct scene *scene = *state;
	char directory[PATH_MAX], expected[PATH_MAX];
	struct hd_initialize_options options = {.directory = directory};

	scene_make_repository(scene);
	snprintf(directory, sizeof(directory), "%s/repo/src/deep", scene->directory);
	snprintf(expected, sizeof(expected), "%s/repo/.heddle", scene->directory);
	assert_success(hd_initialize(&options, &scene->store, &scene->base));
	assert_string_equal(scene->store->path, expected);
}

static void a_directory_becomes_a_base_without_being_touched(void **state)
{
	struct scene *scene = *state;
	struct hd_tree_view_entry entry;
	char *before;

	scene_run(scene, "mkdir -m 750 host && echo a > host/a");
	before = scene_output(scene, "find host -printf '%%p %%m %%T@ %%C@\\n'");
	scene_initialize(scene, "host");
	scene_assert_output(scene, before, "find host -printf '%%p %%m %%T@ %%C@\\n'");
	assert_null(scene->base.git_commit);
	assert_int_equal(scene->base.root_mode, 0750);
	assert_int_equal(strncmp(scene->base.message, "base: /tmp/", 11), 0);
	assert_success(hd_identity_check(scene->base.author));
	scene_find(scene, &scene->base, "a", &entry);
	assert_int_equal(entry.size, 2);
	free(before);
}

static void a_failure_leaves_no_store_behind(void **state)
{
	struct scene *scene = *state;
	char directory[PATH_MAX], base[PATH_MAX];
	struct hd_initialize_options options = {.directory = directory};
	struct hd_store *store;
	struct hd_state first;

	scene_make_repository(scene);
	snprintf(directory, sizeof(directory), "%s/repo", scene->directory);
	options.revision = "no-such-revision";
	assert_code(hd_initialize(&options, &store, &first), HD_E_REVISION_MISSING);
	options.revision = NULL;
	options.thread = "a/b";
	assert_code(hd_initialize(&options, &store, &first), HD_E_NAME_INVALID);
	options.thread = NULL;
	snprintf(base, sizeof(base), "%s/nothing", scene->directory);
	options.base = base;
	assert_int_equal(hd_initialize(&options, &store, &first), -ENOENT);
	/* The store is made, then the pin fails: it may not stay. */
	options.base = NULL;
	scene_run(scene,
		"mkdir -p repo/.git/refs && rm -rf repo/.git/refs/heddle && echo x > repo/.git/refs/heddle");
	assert_code(hd_initialize(&options, &store, &first), HD_E_REPOSITORY);
	scene_run(scene, "test ! -e repo/.heddle");
}

static void what_is_no_base_is_told_apart(void **state)
{
	struct scene *scene = *state;
	char directory[PATH_MAX];
	struct hd_initialize_options options = {.directory = directory};
	struct hd_store *store;
	struct hd_state first;

	scene_run(scene, "mkdir plain && git init -q unborn");
	snprintf(directory, sizeof(directory), "%s/plain", scene->directory);
	assert_code(hd_initialize(&options, &store, &first), HD_E_REPOSITORY_MISSING);
	snprintf(directory, sizeof(directory), "%s/unborn", scene->directory);
	assert_code(hd_initialize(&options, &store, &first), HD_E_REPOSITORY_UNBORN);
	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	snprintf(directory, sizeof(directory), "%s/repo", scene->directory);
	assert_code(hd_initialize(&options, &store, &first), HD_E_STORE_EXISTS);
	scene_run(scene, "test -d repo/.heddle/objects");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)
		TEST(a_repository_becomes_a_base_with_a_pin_and_a_thread),
		TEST(a_subdirectory_means_the_checkout_it_lies_in),
		TEST(a_directory_becomes_a_base_without_being_touched),
		TEST(a_failure_leaves_no_store_behind),
		TEST(what_is_no_base_is_told_apart),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
