/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/threads/operation_undo.h"

#include "capture/threads/thread_change.h"
#include "overlay/store/index/index_operations.h"
#include "tests/unit/capture/live.h"

/* Threads are dropped, renamed and given other trees, and all of it is taken back and done again. */

#define ACTOR "A <a@b>"

static struct hd_index *begin(struct scene *scene)
{
	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	return scene->store->index;
}

/* Opens "main", which asserts that it can be, and compares its status. */
static void assert_main(struct scene *scene, const struct hd_state_id *head, const char *status)
{
	struct hd_overlay *overlay = live_open(scene);
	struct hd_state_id is;

	hd_overlay_head(overlay, &is);
	assert_true(hd_state_id_equal(&is, head));
	live_assert_status(overlay, status);
	live_close(overlay);
}

static int take(struct scene *scene, enum hd_operation_kind kind, uint64_t number)
{
	struct hd_undo_plan plan;
	struct hd_operation done;
	int r = hd_undo_prepare(scene->store->index, kind, number, &plan);

	if (r < 0)
		return r;
	r = hd_undo_apply(scene->store, &plan, ACTOR, NULL, &done);
	if (r >= 0)
		hd_operation_clear(&done);
	hd_undo_plan_clear(&plan);
	return r;
}

/* Takes back, or does again, what comes next; its number. */
static uint64_t take_next(struct scene *scene, enum hd_operation_kind kind)
{
	uint64_t number = 0;

	assert_success(kind == HD_OPERATION_UNDO
			       ? hd_index_find_undoable(scene->store->index, NULL, &number)
			       : hd_index_find_redoable(scene->store->index, NULL, &number));
	assert_success(take(scene, kind, number));
	return number;
}

static void drop(struct scene *scene, const char *thread, struct hd_state_id *ret_kept)
{
	struct hd_operation operation;

	assert_success(hd_thread_change_begin(
		scene->store, thread, HD_OPERATION_DROP, ACTOR, true, NULL, &operation));
	hd_operation_side_clear(&operation.after);
	assert_success(hd_thread_change_apply(scene->store, &operation, NULL));
	*ret_kept = operation.kept;
	hd_operation_clear(&operation);
}

static void restore(struct scene *scene, const struct hd_state_id *tree)
{
	struct hd_operation operation;

	assert_success(hd_thread_change_begin(
		scene->store, "main", HD_OPERATION_RESTORE, ACTOR, true, NULL, &operation));
	operation.after.overlay = 0;
	operation.after.tree = *tree;
	assert_success(hd_thread_change_apply(scene->store, &operation, NULL));
	hd_operation_clear(&operation);
}

static void what_was_captured_is_uncaptured_again(void **state)
{
	struct scene *scene = *state;
	struct hd_state first, second;
	struct hd_overlay *overlay;

	(void)begin(scene);
	overlay = live_open(scene);
	live_write(overlay, "README", "new\n");
	live_capture(overlay, "first", &first);
	live_write(overlay, "src/deep/file", "deeper\n");
	live_capture(overlay, "second", &second);
	live_write(overlay, "added", "x");
	live_close(overlay);

	assert_main(scene, &second.id, "A added\n");
	assert_int_equal(take_next(scene, HD_OPERATION_UNDO), 3);
	assert_main(scene, &first.id, "A added\nM src/deep/file\n");
	assert_int_equal(take_next(scene, HD_OPERATION_UNDO), 2);
	assert_main(scene, &scene->base.id, "M README\nA added\nM src/deep/file\n");
	assert_code(take(scene, HD_OPERATION_UNDO, 1), HD_E_USAGE);
	assert_int_equal(take_next(scene, HD_OPERATION_REDO), 2);
	assert_main(scene, &first.id, "A added\nM src/deep/file\n");
	assert_int_equal(take_next(scene, HD_OPERATION_REDO), 3);
	assert_main(scene, &second.id, "A added\n");
	hd_state_clear(&first);
	hd_state_clear(&second);
}

static void after_an_undone_capture_the_next_one_has_everything(void **state)
{
	struct scene *scene = *state;
	struct hd_state first, again;
	struct hd_overlay *overlay;

	(void)begin(scene);
	overlay = live_open(scene);
	live_write(overlay, "README", "new\n");
	live_capture(overlay, "first", &first);
	live_close(overlay);
	assert_int_equal(take_next(scene, HD_OPERATION_UNDO), 2);
	overlay = live_open(scene);
	live_write(overlay, "other", "x");
	live_capture(overlay, "again", &again);
	assert_int_equal(again.added, 1);
	assert_int_equal(again.modified, 1);
	assert_true(hd_state_id_equal(&again.parents[0], &scene->base.id));
	live_close(overlay);
	/* Now the first one cannot be done again. */
	assert_code(take(scene, HD_OPERATION_REDO, 2), HD_E_OPERATION_BLOCKED);
	hd_state_clear(&first);
	hd_state_clear(&again);
}

static void a_dropped_thread_comes_back_with_its_changes(void **state)
{
	struct scene *scene = *state;
	struct hd_index *index = begin(scene);
	struct hd_state_id kept;
	struct hd_overlay *overlay;
	struct hd_thread thread;
	struct stat stat;
	char path[128];

	overlay = live_open(scene);
	live_write(overlay, "README", "new\n");
	live_set_time(overlay, "src/x.c", 12345);
	live_make_directory(overlay, "empty");
	live_close(overlay);
	drop(scene, "main", &kept);
	assert_false(hd_state_id_is_zero(&kept));
	assert_code(hd_index_get_thread(index, "main", &thread), HD_E_THREAD_MISSING);
	snprintf(path, sizeof(path), "%s/threads/1", scene->store->path);
	assert_int_not_equal(lstat(path, &stat), 0);

	(void)take_next(scene, HD_OPERATION_UNDO);
	assert_main(scene, &scene->base.id, "M README\nA empty\n");
	overlay = live_open(scene);
	assert_int_equal(live_stat(overlay, "src/x.c").modify_time.tv_sec, 12345);
	live_close(overlay);
	/* And is gone and back again, with what was written meanwhile. */
	overlay = live_open(scene);
	live_write(overlay, "later", "x");
	live_close(overlay);
	(void)take_next(scene, HD_OPERATION_REDO);
	assert_code(hd_index_get_thread(index, "main", &thread), HD_E_THREAD_MISSING);
	(void)take_next(scene, HD_OPERATION_UNDO);
	assert_main(scene, &scene->base.id, "M README\nA empty\n");
}

static void an_untouched_thread_is_dropped_without_a_state(void **state)
{
	struct scene *scene = *state;
	struct hd_index *index = begin(scene);
	struct hd_state_id kept;

	assert_success(hd_index_create_thread(index, "side", &scene->base.id));
	drop(scene, "side", &kept);
	assert_true(hd_state_id_is_zero(&kept));
	drop(scene, "main", &kept);
	assert_true(hd_state_id_is_zero(&kept));
	(void)take_next(scene, HD_OPERATION_UNDO);
	assert_main(scene, &scene->base.id, "");
}

static void another_tree_is_a_change_that_can_be_captured(void **state)
{
	struct scene *scene = *state;
	struct hd_state first, second, back;
	struct hd_overlay *overlay;

	(void)begin(scene);
	overlay = live_open(scene);
	live_write(overlay, "README", "new\n");
	live_capture(overlay, "first", &first);
	live_remove_tree(overlay, "src");
	live_capture(overlay, "second", &second);
	live_write(overlay, "uncaptured", "x");
	live_close(overlay);

	restore(scene, &first.id);
	assert_main(
		scene, &second.id, "A src\nA src/deep\nA src/deep/file\nA src/link\nA src/run\nA src/x.c\n");
	overlay = live_open(scene);
	live_capture(overlay, "back", &back);
	assert_true(hd_content_equal(&back.tree, &first.tree));
	assert_true(hd_state_id_equal(&back.parents[0], &second.id));
	live_assert_nothing(overlay);
	live_close(overlay);

	(void)take_next(scene, HD_OPERATION_UNDO);
	(void)take_next(scene, HD_OPERATION_UNDO);
	assert_main(scene, &second.id, "A uncaptured\n");
	(void)take_next(scene, HD_OPERATION_REDO);
	assert_main(
		scene, &second.id, "A src\nA src/deep\nA src/deep/file\nA src/link\nA src/run\nA src/x.c\n");
	hd_state_clear(&first);
	hd_state_clear(&second);
	hd_state_clear(&back);
}

static void the_tree_of_the_head_itself_is_no_change(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay;

	(void)begin(scene);
	overlay = live_open(scene);
	live_write(overlay, "README", "new\n");
	live_close(overlay);
	restore(scene, &scene->base.id);
	assert_main(scene, &scene->base.id, "");
	overlay = live_open(scene);
	live_assert_nothing(overlay);
	live_close(overlay);
}

static void what_came_later_is_undone_first(void **state)
{
	struct scene *scene = *state;
	struct hd_index *index = begin(scene);
	struct hd_state first, second;
	struct hd_overlay *overlay = live_open(scene);
	struct hd_operation rename;

	live_write(overlay, "README", "new\n");
	live_capture(overlay, "first", &first);
	live_write(overlay, "README", "newer\n");
	live_capture(overlay, "second", &second);
	live_close(overlay);
	assert_code(take(scene, HD_OPERATION_UNDO, 2), HD_E_OPERATION_BLOCKED);
	assert_code(take(scene, HD_OPERATION_REDO, 3), HD_E_OPERATION_BLOCKED);
	assert_code(take(scene, HD_OPERATION_UNDO, 99), HD_E_OPERATION_MISSING);

	assert_success(hd_thread_change_begin(
		scene->store, "main", HD_OPERATION_RENAME, ACTOR, false, NULL, &rename));
	free(rename.after.name);
	rename.after.name = strdup("other");
	assert_success(hd_thread_change_apply(scene->store, &rename, NULL));
	hd_operation_clear(&rename);
	assert_code(take(scene, HD_OPERATION_UNDO, 3), HD_E_OPERATION_BLOCKED);
	assert_success(hd_index_create_thread(index, "main", &first.id));
	assert_code(take(scene, HD_OPERATION_UNDO, 4), HD_E_THREAD_EXISTS);
	assert_int_equal(take_next(scene, HD_OPERATION_UNDO), 5);
	assert_int_equal(take_next(scene, HD_OPERATION_UNDO), 4);
	assert_int_equal(take_next(scene, HD_OPERATION_UNDO), 3);
	assert_main(scene, &first.id, "M README\n");
	assert_code(take(scene, HD_OPERATION_UNDO, 3), HD_E_OPERATION_BLOCKED);
	hd_state_clear(&first);
	hd_state_clear(&second);
}

/* Restores leave the head where it is: it does not tell that something came later. */
static void a_later_restore_is_undone_first(void **state)
{
	struct scene *scene = *state;
	struct hd_state first;
	struct hd_overlay *overlay;

	(void)begin(scene);
	overlay = live_open(scene);
	live_write(overlay, "README", "new\n");
	live_capture(overlay, "first", &first);
	live_close(overlay);
	restore(scene, &scene->base.id);
	restore(scene, &first.id);
	assert_code(take(scene, HD_OPERATION_UNDO, 3), HD_E_OPERATION_BLOCKED);
	assert_int_equal(take_next(scene, HD_OPERATION_UNDO), 4);
	restore(scene, &first.id);
	assert_code(take(scene, HD_OPERATION_REDO, 4), HD_E_OPERATION_BLOCKED);
	assert_int_equal(take_next(scene, HD_OPERATION_UNDO), 6);
	assert_int_equal(take_next(scene, HD_OPERATION_UNDO), 3);
	assert_main(scene, &first.id, "");
	/* Nor does it tell that another undo did. */
	assert_code(take(scene, HD_OPERATION_REDO, 6), HD_E_OPERATION_BLOCKED);
	assert_int_equal(take_next(scene, HD_OPERATION_REDO), 3);
	assert_int_equal(take_next(scene, HD_OPERATION_REDO), 6);
	hd_state_clear(&first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)
		TEST(what_was_captured_is_uncaptured_again),
		TEST(after_an_undone_capture_the_next_one_has_everything),
		TEST(a_dropped_thread_comes_back_with_its_changes),
		TEST(an_untouched_thread_is_dropped_without_a_state),
		TEST(another_tree_is_a_change_that_can_be_captured),
		TEST(the_tree_of_the_head_itself_is_no_change),
		TEST(what_came_later_is_undone_first),
		TEST(a_later_restore_is_undone_first),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
