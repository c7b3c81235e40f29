/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/merge/tree_merge.h"

#include "overlay/platform/buffer.h"
#include "overlay/store/index/index_operations.h"
#include "tests/unit/capture/scene.h"

/*
 * What one state changed in another is done to a third: every rule of tree_merge.c, on files, links and directories, with
 * what git does not know.
 */

#define FILE_MODE (S_IFREG | 0644)

struct yard {
	struct scene *scene;
	struct hd_state base, ours, theirs, result; /* owned but for the result's */
	struct hd_conflicts conflicts;
};

/* The thread goes back to where the next state is made of. */
static void go_back(struct scene *scene, const struct hd_state *head)
{
	struct hd_operation operation = {.kind = HD_OPERATION_RESTORE, .actor = strdup("")};
	struct hd_thread thread;

	assert_success(hd_index_get_thread(scene->store->index, "main", &thread));
	assert_success(hd_operation_side_of(&thread, &operation.before));
	assert_success(hd_operation_side_of(&thread, &operation.after));
	operation.after.head = operation.after.tree = head->id;
	assert_success(hd_index_change(scene->store->index, &operation));
	hd_operation_clear(&operation);
	hd_thread_clear(&thread);
}

static void make_states(struct yard *yard, struct scene *scene, const struct spec *base, size_t n_base,
	const struct spec *ours, size_t n_ours, const struct spec *theirs, size_t n_theirs)
{
	*yard = (struct yard){.scene = scene};
	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	scene_commit(scene, &scene->base, base, n_base, "base", &yard->base);
	scene_commit(scene, &yard->base, ours, n_ours, "ours", &yard->ours);
	go_back(scene, &yard->base);
	scene_commit(scene, &yard->base, theirs, n_theirs, "theirs", &yard->theirs);
}

static void merge(struct yard *yard, const struct timespec *time)
{
	struct hd_tree_merge merge = {.store = yard->scene->store,
		.bases = yard->scene->bases,
		.ours = &yard->ours,
		.base = &yard->base,
		.theirs = &yard->theirs,
		.history = &yard->base.id,
		.time = time};

	yard->result = (struct hd_state){.id = yard->base.id};
	assert_success(hd_tree_merge_run(&merge, &yard->result, &yard->conflicts));
}

static void yard_clear(struct yard *yard)
{
	hd_state_clear(&yard->base);
	hd_state_clear(&yard->ours);
	hd_state_clear(&yard->theirs);
	hd_conflicts_clear(&yard->conflicts);
}

/* The tree as text: "path mode bytes" lines, directories with a '/'. */
static void describe(struct scene *scene, struct hd_tree_view *view,
	const struct hd_tree_view_entry *directory, const char *path, struct hd_buffer *text)
{
	struct hd_tree_view_listing listing;

	assert_success(hd_tree_view_list(view, directory, &listing));
	for (size_t i = 0; i < listing.count; i++) {
		const struct hd_tree_view_entry *entry = &listing.entries[i];
		char below[PATH_MAX];

		snprintf(below, sizeof(below), "%s%s%s", path, entry->name, S_ISDIR(entry->mode) ? "/" : "");
		hd_buffer_printf(text, "%s %o", below, entry->mode & 07777);
		if (!S_ISDIR(entry->mode)) {
			HD_AUTO_FREE char *data = NULL;
			size_t size;

			assert_success(hd_tree_view_read_whole(view, entry, 4096, &data, &size));
			for (char *byte = data; *byte; byte++)
				*byte = *byte == '\n' ? ',' : *byte;
			hd_buffer_printf(text, " %s", data);
		}
		hd_buffer_put_u8(text, '\n');
		if (S_ISDIR(entry->mode))
			describe(scene, view, entry, below, text);
	}
	hd_tree_view_listing_clear(&listing);
}

/* Of what is below "t" alone. */
static void assert_tree(struct yard *yard, const struct hd_state *state, const char *expected)
{
	HD_AUTO_BUFFER struct hd_buffer text = {0};
	struct hd_tree_view_listing listing;
	struct hd_tree_view_entry root;
	struct hd_tree_view *view;

	assert_success(hd_tree_view_of_state(yard->scene->bases, state, &view));
	hd_tree_view_root(view, &root);
	assert_success(hd_tree_view_list(view, &root, &listing));
	for (size_t i = 0; i < listing.count; i++) {
		if (strcmp(listing.entries[i].name, "t") == 0)
			describe(yard->scene, view, &listing.entries[i], "", &text);
	}
	hd_buffer_put_u8(&text, '\0');
	assert_string_equal((const char *)text.data, expected);
	hd_tree_view_listing_clear(&listing);
	hd_tree_view_free(view);
}

static void test_clean(void **state)
{
	const struct spec base[] = {
		{.path = "t/same", .mode = FILE_MODE, .text = "same\n"},
		{.path = "t/ours", .mode = FILE_MODE, .text = "1\n"},
		{.path = "t/theirs", .mode = FILE_MODE, .text = "1\n"},
		{.path = "t/both", .mode = FILE_MODE, .text = "1\n2\n3\n4\n5\n"},
		{.path = "t/gone-here", .mode = FILE_MODE, .text = "x\n"},
		{.path = "t/gone-there", .mode = FILE_MODE, .text = "x\n"},
		{.path = "t/mode", .mode = FILE_MODE, .text = "x\n"},
		{.path = "t/dir/a", .mode = FILE_MODE, .text = "a\n"},
		{.path = "t/dir/b", .mode = FILE_MODE, .text = "b\n"},
		{.path = "t/left/a", .mode = FILE_MODE, .text = "a\n"},
		{.path = "t/file-to-directory", .mode = FILE_MODE, .text = "x\n"},
		{.path = "t/directory-to-file/a", .mode = FILE_MODE, .text = "x\n"},
		{.path = "t/link", .mode = S_IFLNK | 0777, .text = "one"},
	};
	const struct spec ours[] = {
		{.path = "t/ours", .mode = FILE_MODE, .text = "2\n"},
		{.path = "t/both", .mode = FILE_MODE, .text = "one\n2\n3\n4\n5\n"},
		{.path = "t/gone-here"},
		{.path = "t/mode", .mode = S_IFREG | 0600, .text = "x\n"},
		{.path = "t/left/ignored", .mode = FILE_MODE, .text = "kept\n"},
		{.path = "t/alike", .mode = FILE_MODE, .text = "alike\n"},
		{.path = "t/new-here", .mode = FILE_MODE, .text = "x\n"},
	};
	const struct spec theirs[] = {
		{.path = "t/theirs", .mode = S_IFREG | 0755, .text = "2\n"},
		{.path = "t/both", .mode = FILE_MODE, .text = "1\n2\n3\n4\nfive\n"},
		{.path = "t/gone-there"},
		{.path = "t/mode", .mode = FILE_MODE, .text = "y\n"},
		{.path = "t/dir"},
		{.path = "t/left/a"},
		{.path = "t/alike", .mode = FILE_MODE, .text = "alike\n"},
		{.path = "t/new/there/file", .mode = FILE_MODE, .text = "x\n"},
		{.path = "t/empty", .mode = S_IFDIR | 0700, .text = ""},
		{.path = "t/link", .mode = S_IFLNK | 0777, .text = "two"},
	};
	static const char expected[] =
		"alike 644 alike,\nboth 644 one,2,3,4,five,\n"
		"directory-to-file/ 755\ndirectory-to-file/a 644 x,\nempty/ 700\n"
		"file-to-directory 644 x,\nleft/ 755\nleft/ignored 644 kept,\nlink 777 two\nmode 600 y,\n"
		"new/ 755\nnew/there/ 755\nnew/there/file 644 x,\nnew-here 644 x,\nours 644 2,\nsame 644 "
		"same,\n"
		"theirs 755 2,\n";
	struct timespec time = {.tv_sec = 1800000000};
	struct yard yard;

	make_states(&yard, *state, base, HD_ARRAY_SIZE(base), ours, HD_ARRAY_SIZE(ours), theirs,
		HD_ARRAY_SIZE(theirs));
	merge(&yard, NULL);
	assert_int_equal(yard.conflicts.count, 0);
	assert_tree(&yard, &yard.result, expected);
	/* With a time for what comes in, the same tree. */
	merge(&yard, &time);
	assert_int_equal(yard.conflicts.count, 0);
	assert_tree(&yard, &yard.result, expected);
	yard_clear(&yard);
}

static void test_types(void **state)
{
	const struct spec base[] = {
		{.path = "t/file", .mode = FILE_MODE, .text = "x\n"},
		{.path = "t/directory/a", .mode = FILE_MODE, .text = "x\n"},
		{.path = "t/directory/b", .mode = FILE_MODE, .text = "x\n"},
		{.path = "t/still", .mode = FILE_MODE, .text = "x\n"},
	};
	const struct spec ours[] = {{.path = "t/still", .mode = FILE_MODE, .text = "y\n"}};
	const struct spec gone[] = {{.path = "t/file"}, {.path = "t/directory"}};
	const struct spec theirs[] = {{.path = "t/file/below", .mode = FILE_MODE, .text = "z\n"},
		{.path = "t/directory", .mode = FILE_MODE, .text = "z\n"}};
	struct timespec time = {.tv_sec = 1800000000};
	struct hd_state between;
	struct yard yard = {.scene = *state};

	make_states(&yard, *state, base, HD_ARRAY_SIZE(base), ours, HD_ARRAY_SIZE(ours), gone,
		HD_ARRAY_SIZE(gone));
	between = yard.theirs;
	scene_commit(yard.scene, &between, theirs, HD_ARRAY_SIZE(theirs), "theirs", &yard.theirs);
	hd_state_clear(&between);
	for (int timed = 0; timed < 2; timed++) {
		merge(&yard, timed ? &time : NULL);
		assert_int_equal(yard.conflicts.count, 0);
		assert_tree(&yard, &yard.result,
			"directory 644 z,\nfile/ 755\nfile/below 644 z,\nstill 644 y,\n");
	}
	yard_clear(&yard);
}

static void assert_conflicts(struct yard *yard, const char *expected)
{
	HD_AUTO_BUFFER struct hd_buffer text = {0};

	hd_conflicts_sort(&yard->conflicts);
	for (size_t i = 0; i < yard->conflicts.count; i++)
		hd_buffer_printf(&text, "%s %s\n", yard->conflicts.items[i].path,
			hd_conflict_kind_name(yard->conflicts.items[i].kind));
	hd_buffer_put_u8(&text, '\0');
	assert_string_equal((const char *)text.data, expected);
}

static void test_conflicts(void **state)
{
	const struct spec base[] = {
		{.path = "t/lines", .mode = FILE_MODE, .text = "1\n2\n3\n"},
		{.path = "t/gone-here", .mode = FILE_MODE, .text = "x\n"},
		{.path = "t/gone-there", .mode = FILE_MODE, .text = "x\n"},
		{.path = "t/link", .mode = S_IFLNK | 0777, .text = "one"},
		{.path = "t/dir-gone-here/a", .mode = FILE_MODE, .text = "x\n"},
		{.path = "t/dir-gone-there/a", .mode = FILE_MODE, .text = "x\n"},
	};
	const struct spec ours[] = {
		{.path = "t/lines", .mode = FILE_MODE, .text = "1\nours\n3\n"},
		{.path = "t/gone-here"},
		{.path = "t/gone-there", .mode = FILE_MODE, .text = "ours\n"},
		{.path = "t/link", .mode = S_IFLNK | 0777, .text = "ours"},
		{.path = "t/added", .mode = FILE_MODE, .text = "ours\n"},
		{.path = "t/dir-gone-here"},
		{.path = "t/dir-gone-there/a", .mode = FILE_MODE, .text = "ours\n"},
	};
	const struct spec theirs[] = {
		{.path = "t/lines", .mode = FILE_MODE, .text = "1\ntheirs\n3\n"},
		{.path = "t/gone-here", .mode = FILE_MODE, .text = "theirs\n"},
		{.path = "t/gone-there"},
		{.path = "t/link", .mode = S_IFLNK | 0777, .text = "theirs"},
		{.path = "t/added", .mode = FILE_MODE, .text = "theirs\n"},
		{.path = "t/dir-gone-here/a", .mode = FILE_MODE, .text = "theirs\n"},
		{.path = "t/dir-gone-there"},
	};
	struct yard yard;

	make_states(&yard, *state, base, HD_ARRAY_SIZE(base), ours, HD_ARRAY_SIZE(ours), theirs,
		HD_ARRAY_SIZE(theirs));
	merge(&yard, NULL);
	assert_conflicts(&yard,
		"t/added add/add\nt/dir-gone-here/a modify/delete\nt/dir-gone-there/a modify/delete\n"
		"t/gone-here modify/delete\nt/gone-there modify/delete\nt/lines content\nt/link symlink\n");
	assert_tree(&yard, &yard.result,
		"added 644 ours,\ndir-gone-there/ 755\ndir-gone-there/a 644 ours,\ngone-there 644 ours,\n"
		"lines 644 1,ours,3,\nlink 777 ours\n");
	yard_clear(&yard);
}

/* What changes nothing gives back the very tree. */
static void test_same(void **state)
{
	const struct spec base[] = {{.path = "t/a", .mode = FILE_MODE, .text = "a\n"}};
	const struct spec ours[] = {{.path = "t/b", .mode = FILE_MODE, .text = "b\n"}};
	struct yard yard;

	make_states(&yard, *state, base, 1, ours, 1, base, 1);
	merge(&yard, NULL);
	assert_true(hd_content_equal(&yard.result.tree, &yard.ours.tree));
	/* And what is only theirs is theirs. */
	hd_state_clear(&yard.theirs);
	yard.theirs = yard.ours;
	yard.ours = yard.base;
	merge(&yard, NULL);
	assert_true(hd_content_equal(&yard.result.tree, &yard.theirs.tree));
	yard.ours = (struct hd_state){0};
	yard_clear(&yard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_clean, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(test_types, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(test_conflicts, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(test_same, scene_setup, scene_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
