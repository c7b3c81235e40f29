/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/capture/scene.h"

#include "capture/git/export/export_git.h"

/*
 * Export, judged by git: fsck --strict, diff and log of what arrived. Names that git forbids are in
 * export_names_test.c, the bytes of a commit in export_commit_test.c.
 */

static struct hd_export_git_result export_to(struct scene *scene, const char *repository)
{
	char path[PATH_MAX];
	struct hd_export_git_options options = {.thread = "main", .repository = repository ? path : NULL};
	struct hd_export_git_result result;

	snprintf(path, sizeof(path), "%s/%s", scene->directory, repository ? repository : "");
	assert_success(hd_export_git(scene->store, scene->bases, &options, &result));
	scene_run(scene, "cd %s && git fsck --strict --no-dangling", result.repository);
	return result;
}

static const struct spec first_changes[] = {
	{.path = "README", .mode = S_IFREG | 0644, .text = "one\n2\nthree\n"},
	{.path = "src/deep/new", .mode = S_IFREG | 0755, .text = "run\n"},
	{.path = "src/link", .mode = S_IFLNK | 0777, .text = "elsewhere"},
	{.path = "docs/manual"},
	{.path = "docs/empty", .mode = S_IFREG | 0644, .text = ""},
};

static void an_export_to_the_base_is_one_commit_on_top_of_its_commit(void **state)
{
	struct scene *scene = *state;
	struct hd_state first;
	struct hd_export_git_result result;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	scene_commit(scene, &scene->base, first_changes, 5, "change things", &first);
	result = export_to(scene, NULL);
	assert_int_equal(result.commits, 1);
	assert_int_equal(result.skipped, 0);
	assert_string_equal(result.reference, "refs/heads/heddle/main");
	scene_assert_output(scene,
		":100644 100644 M README\n:000000 100644 A docs/empty\n:100644 000000 D docs/manual\n"
		":000000 100755 A src/deep/new\n:120000 120000 M src/link\n",
		"git -C repo diff --raw --no-renames trunk heddle/main | awk '{print $1, $2, $5, $6}'");
	scene_assert_output(scene, "one\n2\nthree\n", "git -C repo show heddle/main:README");
	scene_assert_output(scene, "A U Thor <author@example.org> 1700000000 -0130 change things\n",
		"git -C repo log -1 --date=raw --format='%%an <%%ae> %%ad %%s' heddle/main");
	scene_run(scene, "test $(git -C repo rev-parse heddle/main^) = $(git -C repo rev-parse trunk)");
	hd_export_git_result_clear(&result);
	hd_state_clear(&first);
}

static void a_second_export_adds_only_what_is_new(void **state)
{
	struct scene *scene = *state;
	struct spec more = {.path = "src/deep/more", .mode = S_IFREG | 0644, .text = "more\n"};
	struct hd_state first, second;
	struct hd_export_git_result result;
	char *before, *after;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	scene_commit(scene, &scene->base, first_changes, 5, "first", &first);
	result = export_to(scene, NULL);
	hd_export_git_result_clear(&result);
	result = export_to(scene, NULL);
	assert_true(result.unchanged);
	assert_int_equal(result.commits, 0);
	hd_export_git_result_clear(&result);
	scene_commit(scene, &first, &more, 1, "second", &second);
	before = scene_output(scene, "git -C repo count-objects | cut -d' ' -f1");
	result = export_to(scene, NULL);
	after = scene_output(scene, "git -C repo count-objects | cut -d' ' -f1");
	assert_int_equal(result.commits, 1);
	/* A blob, three trees, a commit. */
	assert_int_equal(atoi(after) - atoi(before), 5);
	scene_assert_output(
		scene, "second\nfirst\nfirst commit\n", "git -C repo log --format=%%s heddle/main");
	hd_export_git_result_clear(&result);
	hd_state_clear(&first);
	hd_state_clear(&second);
	free(before);
	free(after);
}

static void an_export_to_a_new_place_makes_a_bare_repository_with_the_base_in_it(void **state)
{
	struct scene *scene = *state;
	struct hd_state first;
	struct hd_export_git_result result;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	scene_commit(scene, &scene->base, first_changes, 5, "first", &first);
	result = export_to(scene, "fresh.git");
	/* The base's own commit is taken over, one is made. */
	assert_int_equal(result.commits, 1);
	scene_run(scene, "test $(git -C fresh.git rev-parse heddle/main~1) = $(git -C repo rev-parse trunk)");
	scene_assert_output(scene, "true\n", "git -C fresh.git rev-parse --is-bare-repository");
	scene_run(
		scene, "test $(git -C fresh.git rev-parse heddle/main~1:) = $(git -C repo rev-parse trunk:)");
	scene_run(scene, "git -C repo fetch -q ../fresh.git heddle/main && git -C repo diff --quiet "
			 "FETCH_HEAD~1 trunk");
	hd_export_git_result_clear(&result);
	/* The same again, elsewhere: the very same commits. */
	result = export_to(scene, "second.git");
	scene_run(scene, "test $(git -C fresh.git rev-parse heddle/main) = $(git -C second.git rev-parse "
			 "heddle/main)");
	hd_export_git_result_clear(&result);
	hd_state_clear(&first);
}

static void an_export_to_a_clone_joins_its_history(void **state)
{
	struct scene *scene = *state;
	struct hd_state first;
	struct hd_export_git_result result;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	scene_commit(scene, &scene->base, first_changes, 5, "first", &first);
	scene_run(scene, "git clone -q repo clone");
	result = export_to(scene, "clone");
	assert_int_equal(result.commits, 1);
	scene_run(scene, "git -C clone merge-base --is-ancestor origin/trunk heddle/main");
	hd_export_git_result_clear(&result);
	hd_state_clear(&first);
}

static void a_directory_base_is_exported_file_by_file(void **state)
{
	struct scene *scene = *state;
	struct spec change = {.path = "dir/a", .mode = S_IFREG | 0644, .text = "changed\n"};
	struct hd_state first;
	struct hd_export_git_result result;
	char path[PATH_MAX];
	struct hd_export_git_options options = {.thread = "main"};

	scene_run(scene, "mkdir -p host/dir && echo a > host/dir/a && echo b > host/b && ln -s b host/l && "
			 "head -c 3000000 /dev/zero | tr '\\0' 'x' > host/large");
	scene_initialize(scene, "host");
	scene_commit(scene, &scene->base, &change, 1, "first", &first);
	assert_code(hd_export_git(scene->store, scene->bases, &options, &result), HD_E_REPOSITORY_MISSING);
	snprintf(path, sizeof(path), "%s/out.git", scene->directory);
	result = export_to(scene, "out.git");
	assert_int_equal(result.commits, 2);
	scene_run(scene, "git -C out.git show heddle/main:large | cmp - host/large");
	scene_assert_output(scene, "dir/a\n", "git -C out.git diff --name-only heddle/main~1 heddle/main");
	hd_export_git_result_clear(&result);
	hd_state_clear(&first);
}

static void what_git_cannot_keep_is_left_out_and_counted_once(void **state)
{
	struct scene *scene = *state;
	const struct spec odd[] = {
		{.path = "src/pipe", .mode = S_IFIFO | 0600},
		{.path = "src/hollow", .mode = S_IFDIR | 0755},
		{.path = "nothing/but/pipe", .mode = S_IFIFO | 0600},
	};
	struct spec again = {.path = "src/again", .mode = S_IFREG | 0644, .text = "x"};
	struct hd_state first, second;
	struct hd_export_git_result result;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	scene_commit(scene, &scene->base, odd, 3, "odd", &first);
	result = export_to(scene, NULL);
	assert_int_equal(result.skipped, 3);
	scene_assert_output(scene, "", "git -C repo diff --name-only trunk heddle/main");
	hd_export_git_result_clear(&result);
	scene_commit(scene, &first, &again, 1, "again", &second);
	result = export_to(scene, NULL);
	assert_int_equal(result.skipped, 0);
	scene_assert_output(scene, "src/again\n", "git -C repo diff --name-only trunk heddle/main");
	hd_export_git_result_clear(&result);
	hd_state_clear(&first);
	hd_state_clear(&second);
}

static void a_submodule_stays_a_submodule_when_its_directory_changes(void **state)
{
	struct scene *scene = *state;
	const struct spec changes[] = {
		{.path = "lib/beside", .mode = S_IFREG | 0644, .text = "x"},
		{.path = "lib/module", .mode = S_IFDIR | 0700},
	};
	struct hd_state first, second;
	struct hd_export_git_result result;

	scene_make_repository(scene);
	scene_run(scene, "cd repo && printf '[submodule \"m\"]\\n\\tpath = lib/module\\n\\turl = ../m\\n' > "
			 ".gitmodules && "
			 "git add .gitmodules && git update-index --add --cacheinfo "
			 "160000,$(git rev-parse HEAD),lib/module && git commit -q -m module");
	scene_initialize(scene, NULL);
	scene_commit(scene, &scene->base, changes, 1, "beside", &first);
	scene_commit(scene, &first, changes, 2, "chmod", &second);
	result = export_to(scene, NULL);
	assert_int_equal(result.skipped, 0);
	scene_assert_output(scene, "lib/beside\n", "git -C repo diff --name-only trunk heddle/main");
	scene_assert_output(
		scene, "160000 commit\n", "git -C repo ls-tree heddle/main lib/module | cut -c1-13");
	hd_export_git_result_clear(&result);
	result = export_to(scene, "other.git");
	scene_assert_output(
		scene, "160000 commit\n", "git -C other.git ls-tree heddle/main lib/module | cut -c1-13");
	hd_export_git_result_clear(&result);
	hd_state_clear(&first);
	hd_state_clear(&second);
}

static void a_branch_that_somebody_moved_is_not_touched(void **state)
{
	struct scene *scene = *state;
	struct hd_export_git_options options = {.thread = "main"};
	struct hd_export_git_result result;
	struct hd_state first;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	scene_run(scene, "cd repo && git checkout -q -b heddle/main && echo x > y && git add y && git commit "
			 "-q -m mine && "
			 "git checkout -q trunk");
	scene_commit(scene, &scene->base, first_changes, 5, "first", &first);
	assert_code(hd_export_git(scene->store, scene->bases, &options, &result), HD_E_REFERENCE_ELSEWHERE);
	scene_assert_output(scene, "mine\n", "git -C repo log -1 --format=%%s heddle/main");
	options.branch = "other";
	assert_success(hd_export_git(scene->store, scene->bases, &options, &result));
	assert_string_equal(result.reference, "refs/heads/other");
	hd_export_git_result_clear(&result);
	hd_state_clear(&first);
}

static void a_checked_out_branch_is_not_moved_under_its_checkout(void **state)
{
	struct scene *scene = *state;
	struct hd_export_git_options options = {.thread = "main"};
	struct spec more = {.path = "more", .mode = S_IFREG | 0644, .text = "more\n"};
	struct hd_export_git_result result;
	struct hd_state first, second;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	scene_commit(scene, &scene->base, first_changes, 5, "first", &first);
	result = export_to(scene, NULL);
	hd_export_git_result_clear(&result);
	scene_run(scene, "git -C repo checkout -q heddle/main");
	result = export_to(scene, NULL);
	assert_true(result.unchanged);
	hd_export_git_result_clear(&result);
	scene_commit(scene, &first, &more, 1, "second", &second);
	assert_code(hd_export_git(scene->store, scene->bases, &options, &result), HD_E_BRANCH_CHECKED_OUT);
	scene_assert_output(scene, "", "git -C repo status --porcelain --untracked-files=no");
	hd_state_clear(&first);
	hd_state_clear(&second);
}

static void a_forbidden_name_stops_the_export_before_the_branch(void **state)
{
	struct scene *scene = *state;
	struct hd_export_git_options options = {.thread = "main"};
	struct spec forbidden = {.path = "src/.GIT", .mode = S_IFREG | 0644, .text = "x"};
	struct hd_export_git_result result;
	struct hd_state first;
	int r;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	scene_commit(scene, &scene->base, &forbidden, 1, "first", &first);
	r = hd_export_git(scene->store, scene->bases, &options, &result);
	assert_code(r, HD_E_EXPORT_NAME);
	assert_non_null(strstr(hd_error_message(r), "src/.GIT"));
	assert_int_not_equal(scene_try(scene, "git -C repo rev-parse -q --verify heddle/main >/dev/null"), 0);
	hd_state_clear(&first);
}

static void lost_commits_are_written_again(void **state)
{
	struct scene *scene = *state;
	struct hd_export_git_result result;
	struct hd_state first;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	scene_commit(scene, &scene->base, first_changes, 5, "first", &first);
	result = export_to(scene, NULL);
	hd_export_git_result_clear(&result);
	scene_run(scene, "cd repo && git branch -q -D heddle/main && git reflog expire --expire=now --all && "
			 "git gc -q --prune=now");
	result = export_to(scene, NULL);
	assert_int_equal(result.commits, 1);
	hd_export_git_result_clear(&result);
	hd_state_clear(&first);
}

static void a_file_with_the_bytes_of_a_tree_object_is_a_file(void **state)
{
	struct scene *scene = *state;
	struct hd_export_git_result result;
	struct hd_state first, second;
	struct spec twin = {.path = "twin", .mode = S_IFREG | 0644};

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	scene_commit(scene, &scene->base, first_changes, 5, "first", &first);
	/* Its content is the object of a directory, as if somebody had copied it out of the store. */
	twin.content = first.tree;
	assert_success(hd_base_set_size(scene->bases, &twin.content, &twin.size));
	scene_commit(scene, &first, &twin, 1, "second", &second);
	result = export_to(scene, NULL);
	scene_assert_output(scene, "blob\n", "git -C repo cat-file -t heddle/main:twin");
	hd_export_git_result_clear(&result);
	hd_state_clear(&first);
	hd_state_clear(&second);
}

static void odd_names_and_messages_reach_git_unchanged(void **state)
{
	struct scene *scene = *state;
	const struct spec odd[] = {
		{.path = "odd/\xff\xfe", .mode = S_IFREG | 0644, .text = "bytes"},
		{.path = "odd/new\nline", .mode = S_IFREG | 0644, .text = "line"},
		{.path = "odd/a b\\c:d*?\"", .mode = S_IFREG | 0644, .text = "signs"},
		{.path = "odd.d/x", .mode = S_IFREG | 0644, .text = "sorts before odd/ in git"},
		{.path = "odd-d", .mode = S_IFREG | 0644, .text = "and this before both"},
		{.path = "odd/.gitmodules~", .mode = S_IFLNK | 0777, .text = "x"},
	};
	struct hd_export_git_result result;
	struct hd_state first;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	scene_commit(scene, &scene->base, odd, HD_ARRAY_SIZE(odd), "caf\xe9\n\nbody", &first);
	result = export_to(scene, NULL);
	scene_assert_output(scene,
		"odd-d|odd.d/x|odd/.gitmodules~|odd/a b\\c:d*?\"|odd/new\nline|odd/\xff\xfe|",
		"git -C repo ls-tree -r -z --name-only heddle/main | grep -az ^odd | tr '\\0' '|'");
	scene_run(scene, "git -C repo cat-file commit heddle/main | grep -aq \"$(printf 'caf\\351')\"");
	hd_export_git_result_clear(&result);
	hd_state_clear(&first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)
		TEST(an_export_to_the_base_is_one_commit_on_top_of_its_commit),
		TEST(a_second_export_adds_only_what_is_new),
		TEST(an_export_to_a_new_place_makes_a_bare_repository_with_the_base_in_it),
		TEST(an_export_to_a_clone_joins_its_history),
		TEST(a_directory_base_is_exported_file_by_file),
		TEST(what_git_cannot_keep_is_left_out_and_counted_once),
		TEST(a_submodule_stays_a_submodule_when_its_directory_changes),
		TEST(a_branch_that_somebody_moved_is_not_touched),
		TEST(a_checked_out_branch_is_not_moved_under_its_checkout),
		TEST(a_forbidden_name_stops_the_export_before_the_branch),
		TEST(lost_commits_are_written_again),
		TEST(odd_names_and_messages_reach_git_unchanged),
		TEST(a_file_with_the_bytes_of_a_tree_object_is_a_file),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
