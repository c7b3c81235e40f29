/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/threads/operation_undo.h"
#include "capture/threads/restore.h"
#include "capture/threads/thread_fork.h"
#include "overlay/check/check.h"
#include "overlay/snapshot.h"

#include "tests/unit/capture/history_model.h"

/*
 * Random histories of a thread against a model in memory: files are written, removed, moved and linked; states are
 * captured, whole and in parts, and restored, live and not; operations are undone and done again; threads are forked, at a state and as they are, and dropped; the thread is
 * closed and opened. HEDDLE_HISTORY_SEED and HEDDLE_HISTORY_STEPS repeat or lengthen one.
 */

enum { MOST_STATES = 100, MOST_DONE = 4000, SEED = 1, STEPS = 2500 };

/* An operation of the thread that can be undone. */
struct done {
	uint64_t number;
	bool restores;
	struct model *before; /* owned; of one that restores */
};

struct history {
	struct scene *scene;
	struct hd_overlay *overlay;
	struct model now;
	struct model *states; /* owned array, of MOST_STATES */
	struct hd_state_id ids[MOST_STATES];
	int n_states;
	struct done *done; /* owned array, of MOST_DONE */
	int n_done;
	uint64_t random;
	int step;
	int n_partial;
	bool traced;
};

#define ACTOR "A <a@b>"

static unsigned draw(struct history *history, unsigned below)
{
	history->random = history->random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(history->random >> 33) % below;
}

static void fail_at(struct history *history, const char *what, const char *expected, const char *seen)
{
	fail_msg("step %d, %s: expected\n%s\nseen\n%s", history->step, what, expected, seen);
}

static void compare_with(
	struct history *history, struct hd_overlay *overlay, struct model *model, const char *what)
{
	char *expected = model_dump(model), *seen = model_dump_overlay(overlay);

	if (strcmp(expected, seen) != 0)
		fail_at(history, what, expected, seen);
	free(expected);
	free(seen);
}

/* ---- changes of the tree ---- */

/* A path of up to three parts. */
static void draw_path(struct history *history, char path[MODEL_PATH])
{
	static const char *const names[] = {"src", "docs", "a", "b", "c", "README", "deep", "file"};
	unsigned depth = 1 + draw(history, 3);
	size_t at = 0;

	for (unsigned i = 0; i < depth; i++)
		at += (size_t)snprintf(
			path + at, MODEL_PATH - at, "%s%s", i ? "/" : "", names[draw(history, 8)]);
}

static bool has_parent(struct model *model, const char *path)
{
	char parent[MODEL_PATH];
	char *slash;

	snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (!slash)
		return true;
	*slash = '\0';
	return model_is_directory(model, parent);
}

static void write_file(struct history *history, const char *path)
{
	struct model_node *old = model_node(&history->now, path);
	struct model_node node = {.mode = S_IFREG | 0644,
		.time = 1000000 + history->step,
		.seed = 1000u + (uint64_t)history->step,
		.size = draw(history, 4) ? draw(history, 50) : draw(history, 30000)};
	char *text;

	if (old && !S_ISREG(old->mode))
		return;
	if (!old && !model_add(&history->now, path, &node))
		return;
	if (old) {
		node.mode = old->mode;
		*old = node;
	}
	text = model_text(node.seed, node.size);
	live_write_bytes(history->overlay, path, text, node.size);
	live_set_time(history->overlay, path, node.time);
	free(text);
}

static void make(struct history *history, const char *path)
{
	struct model_node directory = {.mode = S_IFDIR | 0755};
	struct model_node link = {.mode = S_IFLNK | 0777,
		.seed = 1000u + (uint64_t)history->step,
		.size = 1 + draw(history, 60)};
	char *text;

	if (model_find(&history->now, path))
		return;
	if (draw(history, 3)) {
		if (model_add(&history->now, path, &directory))
			live_make_directory(history->overlay, path);
		return;
	}
	if (!model_add(&history->now, path, &link))
		return;
	text = model_text(link.seed, link.size);
	live_make_link(history->overlay, path, text);
	free(text);
}

static bool is_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return strncmp(path, directory, length) == 0 && (path[length] == '/' || !path[length]);
}

static bool has_children(struct model *model, const char *path)
{
	for (int i = 0; i < model->n_names; i++)
		if (strcmp(model->names[i].path, path) != 0 && is_below(model->names[i].path, path))
			return true;
	return false;
}

static void rename_path(struct history *history, const char *from)
{
	struct model *now = &history->now;
	char to[MODEL_PATH];

	draw_path(history, to);
	if (!model_find(now, from) || !has_parent(now, to) || is_below(to, from) || is_below(from, to) ||
		has_children(now, to) ||
		(model_find(now, to) && model_is_directory(now, to) != model_is_directory(now, from)))
		return;
	live_rename(history->overlay, from, to);
	model_rename(now, from, to);
}

static void link_path(struct history *history, const char *from)
{
	struct model_node *node = model_node(&history->now, from);
	char to[MODEL_PATH];

	draw_path(history, to);
	if (!node || !S_ISREG(node->mode) || model_find(&history->now, to) || !has_parent(&history->now, to))
		return;
	if (model_link(&history->now, from, to))
		live_link(history->overlay, from, to);
}

static void change_mode(struct history *history, const char *path)
{
	struct model_node *node = model_node(&history->now, path);
	uint32_t mode = draw(history, 2) ? 0700 : 0751;

	if (!node || S_ISLNK(node->mode))
		return;
	node->mode = (node->mode & S_IFMT) | mode;
	live_chmod(history->overlay, path, mode);
}

static void change_something(struct history *history)
{
	char path[MODEL_PATH];

	draw_path(history, path);
	if (!has_parent(&history->now, path))
		return;
	switch (draw(history, 8)) {
	case 0:
	case 1:
	case 2:
		write_file(history, path);
		break;
	case 3:
		make(history, path);
		break;
	case 4:
		if (model_find(&history->now, path) && draw(history, 2)) {
			live_remove_tree(history->overlay, path);
			model_remove(&history->now, path);
		}
		break;
	case 5:
		rename_path(history, path);
		break;
	case 6:
		link_path(history, path);
		break;
	default:
		change_mode(history, path);
	}
}

/* ---- states and operations ---- */

static void keep_operation(
	struct history *history, uint64_t number, bool restores, const struct model *before)
{
	struct done *done = &history->done[history->n_done];

	if (history->n_done == MOST_DONE)
		return;
	*done = (struct done){.number = number, .restores = restores};
	if (restores) {
		done->before = malloc(sizeof(*before));
		assert_non_null(done->before);
		*done->before = *before;
	}
	history->n_done++;
}

static void capture(struct history *history)
{
	struct hd_capture_options options = {.message = "history", .author = ACTOR};
	struct hd_state state;
	uint64_t number;
	bool nothing;

	assert_success(hd_capture_run(history->overlay, &options, &state, &nothing));
	live_assert_status(history->overlay, "");
	if (!nothing) {
		int at = history->n_states < MOST_STATES ? history->n_states++
							 : (int)draw(history, MOST_STATES);

		history->states[at] = history->now;
		history->ids[at] = state.id;
		assert_success(hd_index_find_undoable(history->scene->store->index, "main", &number));
		keep_operation(history, number, false, NULL);
	}
	hd_state_clear(&state);
}

static void drop_other(struct history *history)
{
	struct hd_operation operation;

	assert_success(hd_thread_change_begin(
		history->scene->store, "other", HD_OPERATION_DROP, ACTOR, true, NULL, &operation));
	hd_operation_side_clear(&operation.after);
	assert_success(hd_thread_change_apply(history->scene->store, &operation, NULL));
	hd_operation_clear(&operation);
}

/* A thread of its own at a state. */
static void fork_and_drop(struct history *history, int at)
{
	struct hd_operation operation = {.kind = HD_OPERATION_CREATE,
		.actor = strdup(ACTOR),
		.after = {.name = strdup("other"),
			.head = history->ids[at],
			.base = history->ids[at],
			.tree = history->ids[at]}};
	struct hd_overlay_options options = {
		.store = history->scene->store, .thread = "other", .arena_fd = -1, .hot_fd = -1};
	struct hd_overlay *other;

	assert_success(hd_thread_change_apply(history->scene->store, &operation, NULL));
	hd_operation_clear(&operation);
	assert_success(hd_overlay_open(&options, &other));
	compare_with(history, other, &history->states[at], "fork");
	live_close(other);
	drop_other(history);
}

/* A thread of its own with what is not captured of this one, which goes on; and one of that one, in its place. */
static void fork_as_it_is(struct history *history)
{
	struct hd_thread_fork fork = {
		.from = "main", .name = "other", .actor = ACTOR, .overlay = history->overlay};
	struct hd_overlay_options options = {
		.store = history->scene->store, .thread = "other", .arena_fd = -1, .hot_fd = -1};
	struct hd_operation operation;
	struct hd_overlay *other;
	bool changes;

	assert_success(hd_thread_fork(history->scene->store, &fork, &operation, &changes));
	hd_operation_clear(&operation);
	if (draw(history, 2)) {
		assert_success(hd_overlay_open(&options, &other));
		compare_with(history, other, &history->now, "fork as it is");
		live_close(other);
	}
	fork = (struct hd_thread_fork){.from = "other", .name = "third", .actor = ACTOR};
	assert_success(hd_thread_fork(history->scene->store, &fork, &operation, &changes));
	hd_operation_clear(&operation);
	drop_other(history);
	options.thread = "third";
	assert_success(hd_overlay_open(&options, &other));
	compare_with(history, other, &history->now, "fork of a fork");
	live_close(other);
	assert_success(hd_thread_change_begin(
		history->scene->store, "third", HD_OPERATION_RENAME, ACTOR, false, NULL, &operation));
	free(operation.after.name);
	operation.after.name = strdup("other");
	assert_success(hd_thread_change_apply(history->scene->store, &operation, NULL));
	hd_operation_clear(&operation);
	drop_other(history);
}

/* What is not chosen keeps the other side's links: the model says nothing of that. */
static bool has_links(struct model *model)
{
	for (int i = 0; i < model->n_names; i++)
		for (int k = 0; k < i; k++)
			if (model->names[i].node == model->names[k].node)
				return true;
	return false;
}

/* Puts PATH of NOW, and all below it, into HEAD, with the directories that it lacks on the way. */
static void choose(struct model *head, struct model *now, const char *path)
{
	size_t length = strlen(path);

	model_remove(head, path);
	if (!model_find(now, path))
		return;
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		char above[MODEL_PATH];

		snprintf(above, sizeof(above), "%.*s", (int)(slash - path), path);
		if (model_is_directory(head, above))
			continue;
		model_remove(head, above);
		assert_true(model_add(head, above, model_node(now, above)));
	}
	for (int i = 0; i < now->n_names; i++) {
		const char *name = now->names[i].path;

		if (strncmp(name, path, length) == 0 && (name[length] == '/' || name[length] == '\0'))
			assert_true(model_add(head, name, &now->nodes[now->names[i].node]));
	}
}

/* The state that is the head, of those that are remembered; -1 if it is not among them. */
static int find_head(struct history *history)
{
	struct hd_state_id head;

	hd_overlay_head(history->overlay, &head);
	for (int at = 0; at < history->n_states; at++)
		if (hd_state_id_equal(&history->ids[at], &head))
			return at;
	return -1;
}

/* Some paths that the head or the tree has; everything else stays uncaptured. */
static void capture_some(struct history *history)
{
	int at = find_head(history), n = 1 + (int)draw(history, 3);
	struct model *made = malloc(sizeof(*made));
	char paths[3][MODEL_PATH];
	const char *chosen[3];
	struct hd_capture_options options = {
		.message = "some", .author = ACTOR, .choice = {.paths = chosen, .n_paths = (size_t)n}};
	struct hd_state state;
	uint64_t number;
	bool nothing;

	assert_non_null(made);
	if (at < 0 || has_links(&history->now) || has_links(&history->states[at]) ||
		history->now.n_names + history->states[at].n_names > MODEL_NAMES ||
		history->states[at].n_names == 0) {
		free(made);
		return;
	}
	*made = history->states[at];
	for (int i = 0; i < n; i++) {
		struct model *from =
			draw(history, 2) && history->now.n_names > 0 ? &history->now : &history->states[at];

		snprintf(
			paths[i], MODEL_PATH, "%s", from->names[draw(history, (unsigned)from->n_names)].path);
		chosen[i] = paths[i];
		choose(made, &history->now, paths[i]);
	}
	assert_success(hd_capture_run(history->overlay, &options, &state, &nothing));
	compare_with(history, history->overlay, &history->now, "after a capture of some");
	if (!nothing) {
		at = history->n_states < MOST_STATES ? history->n_states++ : (int)draw(history, MOST_STATES);
		history->states[at] = *made;
		history->ids[at] = state.id;
		assert_success(hd_index_find_undoable(history->scene->store->index, "main", &number));
		keep_operation(history, number, false, NULL);
		fork_and_drop(history, at);
		history->n_partial++;
	}
	hd_state_clear(&state);
	free(made);
}

/* Through the live overlay, or while nobody has it open. */
static void restore(struct history *history, bool live)
{
	struct hd_live_thread thread = {.overlay = history->overlay};
	int at = (int)draw(history, (unsigned)history->n_states);
	struct hd_restore_options options = {
		.thread = "main", .source = &history->ids[at], .actor = ACTOR, .live = live ? &thread : NULL};
	struct hd_operation operation;
	bool nothing;

	if (live)
		hd_overlay_hold_captures(history->overlay);
	else
		live_close(history->overlay);
	assert_success(hd_restore(history->scene->store, &options, &operation, &nothing));
	if (live)
		hd_overlay_unhold_captures(history->overlay);
	else
		history->overlay = live_open(history->scene);
	hd_switch_free(thread.tree_switch);
	if (!nothing) {
		keep_operation(history, operation.number, true, &history->now);
		hd_operation_clear(&operation);
	}
	history->now = history->states[at];
}

static void move_again(struct history *history, enum hd_operation_kind kind, uint64_t number)
{
	struct hd_live_thread thread = {.overlay = history->overlay};
	bool live = draw(history, 4) != 0;
	struct hd_operation operation;
	struct hd_undo_plan plan;

	assert_success(hd_undo_prepare(history->scene->store->index, kind, number, &plan));
	if (live)
		hd_overlay_hold_captures(history->overlay);
	else
		live_close(history->overlay);
	assert_success(hd_undo_apply(history->scene->store, &plan, ACTOR, live ? &thread : NULL, &operation));
	if (live)
		hd_overlay_unhold_captures(history->overlay);
	else
		history->overlay = live_open(history->scene);
	hd_switch_free(thread.tree_switch);
	hd_operation_clear(&operation);
	hd_undo_plan_clear(&plan);
}

static void undo(struct history *history)
{
	struct done *done = &history->done[history->n_done - 1];
	struct model *before_undo;
	uint64_t number;

	if (history->n_done == 0)
		return;
	assert_success(hd_index_find_undoable(history->scene->store->index, "main", &number));
	assert_int_equal(number, done->number);
	before_undo = malloc(sizeof(*before_undo));
	assert_non_null(before_undo);
	*before_undo = history->now;
	move_again(history, HD_OPERATION_UNDO, number);
	if (done->restores)
		history->now = *done->before;
	if (draw(history, 3) == 0) {
		compare_with(history, history->overlay, &history->now, "undo");
		move_again(history, HD_OPERATION_REDO, number);
		if (done->restores)
			history->now = *before_undo;
	} else {
		free(done->before);
		history->n_done--;
	}
	free(before_undo);
}

static void step(struct history *history)
{
	unsigned what = draw(history, 100);

	if (history->traced && what >= 80)
		print_message("step %d: %u\n", history->step, what);
	if (what < 80) {
		change_something(history);
	} else if (what < 84) {
		capture(history);
	} else if (what < 87) {
		restore(history, true);
	} else if (what < 88) {
		restore(history, false);
	} else if (what < 90) {
		undo(history);
	} else if (what < 91) {
		fork_and_drop(history, (int)draw(history, (unsigned)history->n_states));
	} else if (what < 92) {
		live_close(history->overlay);
		history->overlay = live_open(history->scene);
	} else if (what < 93) {
		hd_overlay_settle(history->overlay);
	} else if (what < 95) {
		capture_some(history);
	} else if (what < 98) {
		compare_with(history, history->overlay, &history->now, "tree");
	} else if (what < 99) {
		fork_as_it_is(history);
	}
}

static void print_finding(enum hd_check_kind kind, const char *text, void *payload)
{
	(void)payload;
	if (kind == HD_CHECK_PROBLEM)
		print_message("%s\n", text);
}

static unsigned number_from(const char *variable, unsigned fallback)
{
	const char *text = getenv(variable);

	return text ? (unsigned)strtoul(text, NULL, 10) : fallback;
}

static void run(struct scene *scene, unsigned seed, int steps)
{
	struct history *history = calloc(1, sizeof(*history));
	struct hd_check_report report;

	history->scene = scene;
	history->random = seed * 77777u + 1;
	history->traced = getenv("HEDDLE_HISTORY_TRACE") != NULL;
	history->states = calloc(MOST_STATES, sizeof(struct model));
	history->done = calloc(MOST_DONE, sizeof(struct done));
	assert_non_null(history->states);
	assert_non_null(history->done);
	history->overlay = live_open(scene);
	model_read_base(&history->now, history->overlay);
	history->states[0] = history->now;
	history->ids[0] = scene->base.id;
	history->n_states = 1;
	print_message("seed %u, %d steps\n", seed, steps);
	for (history->step = 1; history->step <= steps; history->step++)
		step(history);
	compare_with(history, history->overlay, &history->now, "the end");
	live_close(history->overlay);
	history->overlay = live_open(scene);
	compare_with(history, history->overlay, &history->now, "the end, opened again");
	live_close(history->overlay);
	assert_success(hd_store_check(scene->store, print_finding, NULL, &report));
	assert_int_equal(report.problems, 0);
	print_message("%d states, %d operations not undone, %d captures of some paths\n", history->n_states,
		history->n_done, history->n_partial);
	for (int i = 0; i < history->n_done; i++)
		free(history->done[i].before);
	free(history->done);
	free(history->states);
	free(history);
}

static void histories_are_as_the_model_says(void **state)
{
	struct scene *scene = *state;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	run(scene, number_from("HEDDLE_HISTORY_SEED", SEED), (int)number_from("HEDDLE_HISTORY_STEPS", STEPS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(histories_are_as_the_model_says, scene_setup, scene_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
