/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/threads/thread_fork.h"

#include <errno.h>
#include <unistd.h>

#include "capture/threads/operation_undo.h"
#include "capture/threads/thread_change.h"
#include "overlay/check/check.h"
#include "overlay/journal/flush.h"
#include "overlay/recovery/journal_fork.h"
#include "overlay/recovery/journal_repair.h"
#include "tests/unit/capture/history_model.h"

/*
 * Threads that begin with what is not captured of another: which files that takes, and that neither is touched by what
 * happens to the other. Killed processes are killed_fork_test.c.
 */

#define ACTOR "A U Thor <author@example.org>"

static struct hd_overlay *open_thread(struct scene *scene, const char *thread)
{
	struct hd_overlay_options options = {
		.store = scene->store, .thread = thread, .arena_fd = -1, .hot_fd = -1};
	struct hd_overlay *overlay;

	assert_success(hd_overlay_open(&options, &overlay));
	return overlay;
}

static int try_fork(struct scene *scene, const char *from, struct hd_overlay *overlay, const char *name)
{
	struct hd_thread_fork fork = {.from = from, .name = name, .actor = ACTOR, .overlay = overlay};
	struct hd_operation operation;
	bool changes;
	int r = hd_thread_fork(scene->store, &fork, &operation, &changes);

	if (r >= 0)
		hd_operation_clear(&operation);
	return r;
}

static void drop(struct scene *scene, const char *thread)
{
	struct hd_operation operation;

	assert_success(hd_thread_change_begin(
		scene->store, thread, HD_OPERATION_DROP, ACTOR, true, NULL, &operation));
	hd_operation_side_clear(&operation.after);
	assert_success(hd_thread_change_apply(scene->store, &operation, NULL));
	hd_operation_clear(&operation);
}

static uint32_t number_of(struct scene *scene, const char *thread)
{
	struct hd_thread record;
	uint32_t number;

	assert_success(hd_index_get_thread(scene->store->index, thread, &record));
	number = record.number;
	hd_thread_clear(&record);
	return number;
}

static void path_of(struct scene *scene, const char *thread, const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/threads/%u/%s", scene->store->path, number_of(scene, thread), name);
}

static bool has_file(struct scene *scene, const char *thread, const char *name)
{
	char path[PATH_MAX];

	path_of(scene, thread, name, path);
	return access(path, F_OK) == 0;
}

static void assert_tree(struct hd_overlay *overlay, const char *expected)
{
	char *dump = model_dump_overlay(overlay);

	assert_string_equal(dump, expected);
	free(dump);
}

static void assert_thread(struct scene *scene, const char *thread, const char *expected)
{
	struct hd_overlay *overlay = open_thread(scene, thread);

	assert_tree(overlay, expected);
	live_close(overlay);
}

static void fail_at(enum hd_check_kind kind, const char *text, void *payload)
{
	(void)kind;
	(void)payload;
	fail_msg("%s", text);
}

static void assert_whole(struct scene *scene)
{
	struct hd_check_report report;

	assert_success(hd_store_check(scene->store, fail_at, NULL, &report));
}

/* A thread with changes of every kind, some captured. */
static struct hd_overlay *make_changes(struct scene *scene)
{
	struct hd_overlay *overlay;
	struct hd_state state;
	char *large = calloc(1, 3 << 20);

	assert_non_null(large);
	memset(large, 'x', (3 << 20) - 1);
	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	overlay = live_open(scene);
	live_write(overlay, "captured", "captured");
	live_capture(overlay, "first", &state);
	hd_state_clear(&state);
	live_write(overlay, "README", "changed");
	live_make_directory(overlay, "new");
	live_write(overlay, "new/file", "new");
	live_write(overlay, "new/large", large);
	live_link(overlay, "new/file", "new/linked");
	live_make_link(overlay, "new/link", "file");
	live_rename(overlay, "src", "moved");
	live_remove_tree(overlay, "docs");
	live_set_time(overlay, "new/file", 1234);
	live_set_xattr(overlay, "new/file", "user.some", "thing");
	free(large);
	return overlay;
}

static void a_fork_has_what_is_there_and_no_bytes_of_its_own(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = make_changes(scene), *other;
	char *before = model_dump_overlay(overlay), *status;
	struct stat journal, origin;
	char path[PATH_MAX];

	assert_success(try_fork(scene, "main", overlay, "other"));
	path_of(scene, "main", "journal", path);
	assert_int_equal(stat(path, &journal), 0);
	path_of(scene, "other", "journal.origin.1", path);
	assert_int_equal(stat(path, &origin), 0);
	assert_int_equal(origin.st_ino, journal.st_ino);
	assert_false(has_file(scene, "main", "journal.fork.1"));
	path_of(scene, "other", "journal", path);
	assert_int_equal(stat(path, &origin), 0);
	assert_true(origin.st_size < 100);

	/* Neither hears of the other. */
	other = open_thread(scene, "other");
	assert_tree(other, before);
	live_write(overlay, "README", "main's");
	live_remove(overlay, "new/linked");
	assert_success(hd_overlay_sync(overlay));
	live_write(other, "README", "other's");
	live_write(other, "new/of other", "x");
	status = live_read(other, "README");
	assert_string_equal(status, "other's");
	free(status);
	status = live_read(overlay, "README");
	assert_string_equal(status, "main's");
	free(status);
	live_close(other);
	live_close(overlay);
	assert_whole(scene);
	free(before);
}

static void what_is_captured_needs_no_files(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = make_changes(scene);
	struct hd_state captured;
	char *dump;

	live_capture(overlay, "all", &captured);
	hd_state_clear(&captured);
	dump = model_dump_overlay(overlay);
	assert_success(try_fork(scene, "main", overlay, "other"));
	assert_false(has_file(scene, "other", ""));
	live_close(overlay);
	assert_thread(scene, "other", dump);
	free(dump);
}

static void a_closed_thread_is_forked_without_being_opened(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = make_changes(scene);
	char *dump = model_dump_overlay(overlay);
	char path[PATH_MAX];

	assert_code(try_fork(scene, "main", NULL, "other"), -HD_E_THREAD_BUSY);
	live_close(overlay);
	assert_success(try_fork(scene, "main", NULL, "other"));
	/* That one was never opened, and so was the next. */
	assert_success(try_fork(scene, "other", NULL, "third"));
	drop(scene, "main");
	assert_thread(scene, "third", dump);
	assert_thread(scene, "other", dump);
	assert_success(try_fork(scene, "third", NULL, "fourth"));
	assert_thread(scene, "fourth", dump);
	/* Of one that was not closed nobody knows where it ends. */
	path_of(scene, "other", "journal.end", path);
	overlay = open_thread(scene, "other");
	live_write(overlay, "more", "more");
	live_close(overlay);
	assert_int_equal(unlink(path), 0);
	assert_code(try_fork(scene, "other", NULL, "fifth"), -EUCLEAN);
	assert_code(try_fork(scene, "third", NULL, "fourth"), -HD_E_THREAD_EXISTS);
	assert_whole(scene);
	free(dump);
}

static void each_goes_on_when_the_other_is_gone_or_compacted(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = make_changes(scene), *other;
	char *before = model_dump_overlay(overlay), *after;

	assert_success(try_fork(scene, "main", overlay, "other"));
	assert_success(try_fork(scene, "main", overlay, "third"));
	live_write(overlay, "later", "later");
	assert_success(hd_flush_checkpoint(overlay));
	after = model_dump_overlay(overlay);
	live_close(overlay);
	other = open_thread(scene, "other");
	assert_tree(other, before);
	live_write(other, "more", "more");
	assert_success(hd_flush_checkpoint(other));
	assert_false(has_file(scene, "other", "journal.origin.1"));
	live_remove(other, "more");
	live_close(other);
	assert_thread(scene, "other", before);
	drop(scene, "other");
	assert_thread(scene, "main", after);
	drop(scene, "main");
	assert_thread(scene, "third", before);
	assert_whole(scene);
	free(before);
	free(after);
}

static void generations_of_forks_end_in_a_checkpoint(void **state)
{
	enum { GENERATIONS = HD_JOURNAL_ORIGINS_LIMIT + 4 };
	struct scene *scene = *state;
	struct hd_overlay *overlay = make_changes(scene);
	char from[32] = "main", name[32], file[32];
	bool was_full = false;

	for (int i = 0; i < GENERATIONS; i++) {
		char *dump;

		snprintf(file, sizeof(file), "generation%d", i);
		live_write(overlay, file, file);
		dump = model_dump_overlay(overlay);
		snprintf(name, sizeof(name), "g%d", i);
		assert_success(try_fork(scene, from, overlay, name));
		live_close(overlay);
		snprintf(file, sizeof(file), "journal.origin.%u", HD_JOURNAL_ORIGINS_LIMIT);
		was_full |= has_file(scene, name, file);
		overlay = open_thread(scene, name);
		assert_tree(overlay, dump);
		free(dump);
		strcpy(from, name);
	}
	assert_true(was_full);
	assert_false(has_file(scene, name, file));
	live_close(overlay);
	assert_whole(scene);
}

static void the_operation_can_be_undone_and_done_again(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = make_changes(scene);
	char *dump = model_dump_overlay(overlay);
	struct hd_operation operation;
	struct hd_undo_plan plan;
	struct hd_thread record;
	uint64_t number;

	assert_success(try_fork(scene, "main", overlay, "other"));
	for (int i = 0; i < 2; i++) {
		assert_success(hd_index_find_undoable(scene->store->index, "other", &number));
		assert_success(hd_undo_prepare(scene->store->index, HD_OPERATION_UNDO, number, &plan));
		assert_success(hd_undo_apply(scene->store, &plan, ACTOR, NULL, &operation));
		hd_operation_clear(&operation);
		hd_undo_plan_clear(&plan);
		assert_code(hd_index_get_thread(scene->store->index, "other", &record), -HD_E_THREAD_MISSING);
		assert_success(hd_undo_prepare(scene->store->index, HD_OPERATION_REDO, number, &plan));
		assert_success(hd_undo_apply(scene->store, &plan, ACTOR, NULL, &operation));
		hd_operation_clear(&operation);
		hd_undo_plan_clear(&plan);
		assert_thread(scene, "other", dump);
	}
	assert_tree(overlay, dump);
	live_close(overlay);
	assert_whole(scene);
	free(dump);
}

/* The thread that writes on cuts nothing that a fork begins with. */
static void a_torn_end_of_the_first_is_not_cut_off_under_the_fork(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = make_changes(scene);
	char *dump = model_dump_overlay(overlay);
	char path[PATH_MAX], end[PATH_MAX];
	FILE *stream;

	assert_success(try_fork(scene, "main", overlay, "other"));
	live_close(overlay);
	path_of(scene, "main", "journal", path);
	path_of(scene, "main", "journal.end", end);
	assert_int_equal(unlink(end), 0);
	stream = fopen(path, "a");
	assert_non_null(stream);
	assert_int_equal(fputs("torn and of no use to anybody", stream) < 0, 0);
	assert_int_equal(fclose(stream), 0);
	assert_thread(scene, "main", dump);
	assert_thread(scene, "other", dump);
	assert_true(has_file(scene, "main", "journal.torn"));
	assert_whole(scene);
	free(dump);
}

static void flip(const char *path, long at)
{
	FILE *stream = fopen(path, "r+");
	int byte;

	assert_non_null(stream);
	assert_int_equal(fseek(stream, at, SEEK_SET), 0);
	byte = fgetc(stream);
	assert_int_equal(fseek(stream, at, SEEK_SET), 0);
	assert_int_equal(fputc(byte ^ 4, stream) < 0, 0);
	assert_int_equal(fclose(stream), 0);
}

static int repair(struct scene *scene, const char *name, struct hd_journal_repair *ret)
{
	struct hd_thread record;
	int r = hd_index_get_thread(scene->store->index, name, &record);

	if (r == 0)
		r = hd_journal_repair(scene->store, &record, ret);
	hd_thread_clear(&record);
	return r;
}

static int try_open(struct scene *scene, const char *thread)
{
	struct hd_overlay_options options = {
		.store = scene->store, .thread = thread, .arena_fd = -1, .hot_fd = -1};
	struct hd_overlay *overlay;
	int r = hd_overlay_open(&options, &overlay);

	if (r >= 0)
		live_close(overlay);
	return r;
}

/* Damage in what two threads have is told of both, and each goes on with what is whole of it. */
static void damage_of_what_is_shared_is_told_and_repaired(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = make_changes(scene);
	char *first, path[PATH_MAX];
	struct hd_journal_repair report = {0};
	struct stat stat_of_first;

	assert_success(hd_overlay_sync(overlay));
	first = model_dump_overlay(overlay);
	path_of(scene, "main", "journal", path);
	assert_int_equal(stat(path, &stat_of_first), 0);
	live_write(overlay, "second", "epoch");
	assert_success(try_fork(scene, "main", overlay, "other"));
	live_close(overlay);
	overlay = open_thread(scene, "other");
	live_write(overlay, "third", "epoch");
	live_close(overlay);
	assert_success(try_fork(scene, "other", NULL, "last"));
	/* In the epoch behind the first one. */
	flip(path, stat_of_first.st_size + 200);
	assert_code(try_open(scene, "main"), -HD_E_JOURNAL_CORRUPT);
	assert_code(try_open(scene, "other"), -HD_E_JOURNAL_CORRUPT);
	assert_code(try_open(scene, "last"), -HD_E_JOURNAL_CORRUPT);
	assert_success(repair(scene, "last", &report));
	assert_true(report.was_damaged && report.epochs > 0);
	assert_thread(scene, "last", first);
	assert_true(has_file(scene, "last", "journal.damaged"));
	assert_true(has_file(scene, "last", "journal.damaged.2"));
	assert_success(repair(scene, "main", &report));
	assert_thread(scene, "main", first);
	/* Of its own journal nothing was lost, but what that goes on from was. */
	assert_success(repair(scene, "other", &report));
	assert_thread(scene, "other", first);
	assert_success(repair(scene, "other", &report));
	assert_false(report.was_damaged);
	assert_whole(scene);
	free(first);
}

static void what_a_fork_begins_with_must_be_there(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = make_changes(scene);
	struct hd_journal_repair report = {0};
	char path[PATH_MAX];
	struct stat own;

	assert_success(try_fork(scene, "main", overlay, "other"));
	assert_success(try_fork(scene, "main", overlay, "third"));
	live_close(overlay);
	path_of(scene, "other", "journal.origin.1", path);
	assert_int_equal(unlink(path), 0);
	assert_code(try_open(scene, "other"), -HD_E_JOURNAL_CORRUPT);
	assert_success(repair(scene, "other", &report));
	assert_true(report.was_damaged && report.epochs == 0);
	assert_success(try_open(scene, "other"));
	/* The list itself. */
	path_of(scene, "third", "journal", path);
	assert_int_equal(stat(path, &own), 0);
	for (long at = 0; at < own.st_size; at++) {
		flip(path, at);
		assert_code(try_open(scene, "third"), -HD_E_JOURNAL_CORRUPT);
		flip(path, at);
	}
	for (off_t size = own.st_size; size-- > 0;) {
		assert_int_equal(truncate(path, size), 0);
		assert_code(try_open(scene, "third"), -HD_E_JOURNAL_CORRUPT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)
		TEST(a_fork_has_what_is_there_and_no_bytes_of_its_own),
		TEST(what_is_captured_needs_no_files),
		TEST(a_closed_thread_is_forked_without_being_opened),
		TEST(each_goes_on_when_the_other_is_gone_or_compacted),
		TEST(generations_of_forks_end_in_a_checkpoint),
		TEST(the_operation_can_be_undone_and_done_again),
		TEST(a_torn_end_of_the_first_is_not_cut_off_under_the_fork),
		TEST(damage_of_what_is_shared_is_told_and_repaired),
		TEST(what_a_fork_begins_with_must_be_there),
	};

	return cmocka_run_group_tests_name("thread_fork", tests, NULL, NULL);
}
