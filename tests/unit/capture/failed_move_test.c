/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/threads/operation_undo.h"
#include "capture/threads/restore.h"
#include "capture/threads/thread_fork.h"
#include "overlay/overlay_types.h"
#include "overlay/switch/tree_switch.h"
#include "tests/unit/capture/history_model.h"

/*
 * What fails while a thread is moved. Of a live tree that is switched: memory that is short for a moment is waited for, what cannot be
 * finished is finished by who opens the thread next, and what was refused is not done later, whatever else happened to the thread.
 * Of one that nobody has open: what cannot be looked at is not given up. The linker puts the __wrap_ functions in front of what is
 * called there.
 */

#define ACTOR "A U Thor <author@example.org>"

enum { NEVER = 0 };

int __real_hd_switch_run(struct hd_switch *run);
int __wrap_hd_switch_run(struct hd_switch *run);
int __real_hd_switch_announce(struct hd_switch *run);
int __wrap_hd_switch_announce(struct hd_switch *run);
int __real_hd_overlay_sync(struct hd_overlay *overlay);
int __wrap_hd_overlay_sync(struct hd_overlay *overlay);
int __real_hd_transaction_commit(struct hd_transaction *transaction);
int __wrap_hd_transaction_commit(struct hd_transaction *transaction);

int __real_hd_file_look(int directory_fd, const char *path);
int __wrap_hd_file_look(int directory_fd, const char *path);

/* In the next switch commit number `fails_at` fails, or all from that on; `commits` were made. */
static struct {
	bool switches, announces, announce_fails, forever, look_fails;
	int fails_at, commits;
} plan;

int __wrap_hd_switch_run(struct hd_switch *run)
{
	int r;

	plan.switches = true;
	plan.commits = 0;
	r = __real_hd_switch_run(run);
	plan.switches = false;
	return r;
}

int __wrap_hd_switch_announce(struct hd_switch *run)
{
	int r;

	plan.announces = true;
	r = __real_hd_switch_announce(run);
	plan.announces = false;
	return r;
}

int __wrap_hd_overlay_sync(struct hd_overlay *overlay)
{
	return plan.announces && plan.announce_fails ? -ENOSPC : __real_hd_overlay_sync(overlay);
}

int __wrap_hd_transaction_commit(struct hd_transaction *transaction)
{
	if (plan.switches && plan.fails_at != NEVER &&
		(++plan.commits == plan.fails_at || (plan.forever && plan.commits > plan.fails_at)))
		transaction->status = -ENOMEM;
	return __real_hd_transaction_commit(transaction);
}

int __wrap_hd_file_look(int directory_fd, const char *path)
{
	return plan.look_fails ? -EIO : __real_hd_file_look(directory_fd, path);
}

/* ---- a thread with two states and something uncaptured ---- */

struct yard {
	struct scene *scene;
	struct hd_overlay *overlay;
	struct hd_state first;
	char *dump; /* owned: of the first state */
};

static void make_yard(struct yard *yard, struct scene *scene)
{
	struct hd_state second;

	memset(&plan, 0, sizeof(plan));
	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	yard->scene = scene;
	yard->overlay = live_open(scene);
	live_write(yard->overlay, "src/x.c", "of the first");
	live_write(yard->overlay, "linked", "with names");
	live_link(yard->overlay, "linked", "src/other");
	live_capture(yard->overlay, "first", &yard->first);
	yard->dump = model_dump_overlay(yard->overlay);
	live_write(yard->overlay, "src/x.c", "of the second");
	live_write(yard->overlay, "linked", "with other bytes");
	live_remove(yard->overlay, "src/other");
	live_make_directory(yard->overlay, "more");
	live_write(yard->overlay, "more/file", "more");
	live_capture(yard->overlay, "second", &second);
	hd_state_clear(&second);
	live_write(yard->overlay, "README", "uncaptured");
}

static void clear_yard(struct yard *yard)
{
	live_close(yard->overlay);
	hd_state_clear(&yard->first);
	free(yard->dump);
}

static int restore(struct yard *yard)
{
	struct hd_live_thread live = {.overlay = yard->overlay};
	struct hd_restore_options options = {
		.thread = "main", .source = &yard->first.id, .actor = ACTOR, .live = &live};
	struct hd_operation operation;
	bool nothing;
	int r;

	hd_overlay_hold_captures(yard->overlay);
	r = hd_restore(yard->scene->store, &options, &operation, &nothing);
	hd_overlay_unhold_captures(yard->overlay);
	hd_switch_free(live.tree_switch);
	if (r >= 0)
		hd_operation_clear(&operation);
	return r;
}

static void assert_is(struct hd_overlay *overlay, const char *expected)
{
	char *dump = model_dump_overlay(overlay);

	assert_string_equal(dump, expected);
	free(dump);
}

static void open_again(struct yard *yard, const char *thread)
{
	struct hd_overlay_options options = {
		.store = yard->scene->store, .thread = thread, .arena_fd = -1, .hot_fd = -1};

	live_close(yard->overlay);
	assert_success(hd_overlay_open(&options, &yard->overlay));
}

static void assert_text(struct hd_overlay *overlay, const char *path, const char *expected)
{
	char *text = live_read(overlay, path);

	assert_string_equal(text, expected);
	free(text);
}

/* ---- what fails ---- */

/* Each commit of the switch in turn; the tree is looked into before, so that there are some. */
static void memory_that_is_short_for_a_moment_is_waited_for(void **state)
{
	struct yard yard;
	char *dump;

	make_yard(&yard, *state);
	for (int at = 1; at == 1 || plan.commits >= at; at++) {
		free(model_dump_overlay(yard.overlay));
		plan.fails_at = at;
		assert_success(restore(&yard));
		plan.fails_at = NEVER;
		assert_is(yard.overlay, yard.dump);
		assert_false(hd_switch_is_announced(yard.overlay));
		live_write(yard.overlay, "later", "written later");
		live_write(yard.overlay, "src/x.c", "another time");
		dump = model_dump_overlay(yard.overlay);
		open_again(&yard, "main");
		assert_is(yard.overlay, dump);
		free(dump);
	}
	clear_yard(&yard);
}

static void what_cannot_be_finished_is_finished_by_the_next(void **state)
{
	struct yard yard;

	make_yard(&yard, *state);
	free(model_dump_overlay(yard.overlay));
	plan.fails_at = 2;
	plan.forever = true;
	assert_code(restore(&yard), -ENOMEM);
	assert_true(hd_switch_is_announced(yard.overlay));
	plan.fails_at = NEVER;
	open_again(&yard, "main");
	assert_is(yard.overlay, yard.dump);
	clear_yard(&yard);
}

static void one_that_cannot_be_announced_is_never_done(void **state)
{
	struct yard yard;
	struct hd_state made;

	make_yard(&yard, *state);
	plan.announce_fails = true;
	assert_code(restore(&yard), -ENOSPC);
	assert_false(hd_switch_is_announced(yard.overlay));
	live_write(yard.overlay, "src/x.c", "since then");
	live_capture(yard.overlay, "since then", &made);
	live_write(yard.overlay, "README", "uncaptured since then");
	open_again(&yard, "main");
	assert_text(yard.overlay, "README", "uncaptured since then");
	assert_text(yard.overlay, "src/x.c", "since then");
	hd_state_clear(&made);
	clear_yard(&yard);
}

/* ---- what is found in the journal, and what the log says ---- */

/* As hd_restore does it, up to a death after it was announced, or after the thread was moved. */
static void announce_and_die(struct yard *yard, bool moved)
{
	struct hd_operation operation;
	struct hd_switch *run;

	assert_success(hd_thread_change_begin(yard->scene->store, "main", HD_OPERATION_RESTORE, ACTOR, true,
		&(struct hd_live_thread){.overlay = yard->overlay}, &operation));
	operation.after.tree = yard->first.id;
	assert_success(hd_switch_new(yard->overlay, &yard->first.id, &run));
	assert_success(hd_switch_announce(run));
	if (moved)
		assert_success(hd_index_change(yard->scene->store->index, &operation));
	hd_operation_clear(&operation);
	hd_switch_free(run);
	live_close(yard->overlay);
}

static void open_thread(struct yard *yard, const char *thread)
{
	struct hd_overlay_options options = {
		.store = yard->scene->store, .thread = thread, .arena_fd = -1, .hot_fd = -1};

	assert_success(hd_overlay_open(&options, &yard->overlay));
}

static void undo_last(struct yard *yard)
{
	struct hd_operation done;
	struct hd_undo_plan undo;
	uint64_t number;

	assert_success(hd_index_find_undoable(yard->scene->store->index, "main", &number));
	assert_success(hd_undo_prepare(yard->scene->store->index, HD_OPERATION_UNDO, number, &undo));
	assert_success(hd_undo_apply(yard->scene->store, &undo, ACTOR, NULL, &done));
	hd_operation_clear(&done);
	hd_undo_plan_clear(&undo);
}

/* A capture that is undone moves the head alone, of a thread that nobody opens. */
static void another_move_of_the_thread_is_not_the_one_that_was_announced(void **state)
{
	struct yard yard;

	make_yard(&yard, *state);
	announce_and_die(&yard, false);
	undo_last(&yard);
	open_thread(&yard, "main");
	assert_text(yard.overlay, "README", "uncaptured");
	assert_text(yard.overlay, "src/x.c", "of the second");
	clear_yard(&yard);
}

static void rename_thread(struct yard *yard, const char *name)
{
	struct hd_operation operation;

	assert_success(hd_thread_change_begin(
		yard->scene->store, "main", HD_OPERATION_RENAME, ACTOR, false, NULL, &operation));
	free(operation.after.name);
	operation.after.name = strdup(name);
	assert_success(hd_thread_change_apply(yard->scene->store, &operation, NULL));
	hd_operation_clear(&operation);
}

static void the_one_that_was_announced_is_found_under_another_name(void **state)
{
	struct yard yard;

	make_yard(&yard, *state);
	announce_and_die(&yard, true);
	rename_thread(&yard, "renamed");
	open_thread(&yard, "renamed");
	assert_is(yard.overlay, yard.dump);
	clear_yard(&yard);
}

static void fork_main(struct yard *yard)
{
	struct hd_thread_fork fork = {.from = "main", .name = "fork", .actor = ACTOR};
	struct hd_operation operation;
	bool changes;

	assert_success(hd_thread_fork(yard->scene->store, &fork, &operation, &changes));
	hd_operation_clear(&operation);
}

static void a_fork_has_the_tree_that_its_thread_was_given(void **state)
{
	struct yard yard;

	make_yard(&yard, *state);
	announce_and_die(&yard, true);
	fork_main(&yard);
	open_thread(&yard, "fork");
	assert_is(yard.overlay, yard.dump);
	clear_yard(&yard);
}

static void and_not_one_that_it_was_not_given(void **state)
{
	struct yard yard;

	make_yard(&yard, *state);
	announce_and_die(&yard, false);
	fork_main(&yard);
	open_thread(&yard, "fork");
	assert_text(yard.overlay, "README", "uncaptured");
	clear_yard(&yard);
}

/* ---- a thread that nobody has open ---- */

static void what_cannot_be_looked_at_is_not_given_up(void **state)
{
	struct hd_thread_fork fork = {.from = "main", .name = "fork", .actor = ACTOR};
	struct hd_operation operation;
	struct yard yard;
	bool changes;

	make_yard(&yard, *state);
	live_close(yard.overlay);
	plan.look_fails = true;
	assert_code(hd_thread_change_begin(
			    yard.scene->store, "main", HD_OPERATION_DROP, ACTOR, true, NULL, &operation),
		-EIO);
	assert_code(hd_thread_fork(yard.scene->store, &fork, &operation, &changes), -EIO);
	plan.look_fails = false;
	open_thread(&yard, "main");
	clear_yard(&yard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)
		TEST(memory_that_is_short_for_a_moment_is_waited_for),
		TEST(what_cannot_be_finished_is_finished_by_the_next),
		TEST(one_that_cannot_be_announced_is_never_done),
		TEST(another_move_of_the_thread_is_not_the_one_that_was_announced),
		TEST(the_one_that_was_announced_is_found_under_another_name),
		TEST(a_fork_has_the_tree_that_its_thread_was_given),
		TEST(and_not_one_that_it_was_not_given),
		TEST(what_cannot_be_looked_at_is_not_given_up),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
