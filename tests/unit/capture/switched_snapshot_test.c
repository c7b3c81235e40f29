/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/threads/restore.h"
#include "overlay/contents/promotion.h"
#include "overlay/snapshot.h"
#include "overlay/switch/tree_switch.h"
#include "tests/unit/capture/live.h"

/*
 * A snapshot that is read while the live tree becomes another one has the bytes of its instant: of files that are changed in
 * place, whether their bytes were stored by then or not, and of files that go.
 */

#define ACTOR "A U Thor <author@example.org>"
#define WIDE (40000u)

struct yard {
	struct scene *scene;
	struct hd_overlay *overlay;
	struct hd_state first;
};

static void make_yard(struct yard *yard, struct scene *scene)
{
	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	yard->scene = scene;
	yard->overlay = live_open(scene);
	live_write(yard->overlay, "changed", "of the first");
	live_write(yard->overlay, "written", "of the first, too");
	live_write(yard->overlay, "wide", "narrow");
	live_capture(yard->overlay, "first", &yard->first);
}

static void clear_yard(struct yard *yard)
{
	live_close(yard->overlay);
	hd_state_clear(&yard->first);
}

static void restore_first(struct yard *yard)
{
	struct hd_live_thread live = {.overlay = yard->overlay};
	struct hd_restore_options options = {
		.thread = "main", .source = &yard->first.id, .actor = ACTOR, .live = &live};
	struct hd_operation operation;
	bool nothing;

	hd_overlay_hold_captures(yard->overlay);
	assert_success(hd_restore(yard->scene->store, &options, &operation, &nothing));
	hd_overlay_unhold_captures(yard->overlay);
	assert_false(nothing);
	hd_switch_free(live.tree_switch);
	hd_operation_clear(&operation);
}

static const struct hd_snapshot_node *node_of(struct hd_snapshot *snapshot, const char *name)
{
	struct hd_snapshot_node *root = hd_snapshot_root(snapshot);

	for (size_t i = 0; i < root->n_children; i++)
		if (strcmp(root->children[i].name, name) == 0)
			return &root->children[i];
	fail_msg("no '%s' in the snapshot", name);
	return NULL;
}

static void assert_bytes(
	struct hd_snapshot *snapshot, const char *name, const void *expected, size_t expected_size)
{
	static uint8_t bytes[2 * WIDE];
	size_t size = 0;

	assert_success(hd_snapshot_read(snapshot, node_of(snapshot, name), bytes, sizeof(bytes), 0, &size));
	assert_int_equal(size, expected_size);
	assert_memory_equal(bytes, expected, size);
}

static void assert_snapshot(struct hd_snapshot *snapshot, const uint8_t *wide)
{
	assert_bytes(snapshot, "changed", "of now", 6);
	assert_bytes(snapshot, "written", "of now as well", 14);
	assert_bytes(snapshot, "gone", "soon gone", 9);
	assert_bytes(snapshot, "wide", wide, WIDE);
}

/* SETTLED: a capture has stored them since, as that does which keeps what a restore takes away. */
static void compare(struct scene *scene, bool settled)
{
	struct hd_snapshot *snapshot = NULL;
	uint8_t wide[WIDE];
	struct yard yard;
	size_t written;

	make_yard(&yard, scene);
	for (size_t i = 0; i < WIDE; i++)
		wide[i] = (uint8_t)(i * 7 + i / 4096);
	live_write(yard.overlay, "changed", "of now");
	live_write(yard.overlay, "written", "of now as well");
	live_write(yard.overlay, "gone", "soon gone");
	live_write_bytes(yard.overlay, "wide", wide, WIDE);
	assert_success(hd_snapshot_take(yard.overlay, false, &snapshot));
	/* A part of these is kept by who writes, and a part by nobody yet. */
	live_write(yard.overlay, "written", "later");
	assert_success(hd_overlay_write(
		yard.overlay, live_find(yard.overlay, "wide"), "0123456789", 10, 8190, &written));
	if (settled)
		hd_overlay_settle(yard.overlay);
	restore_first(&yard);
	assert_snapshot(snapshot, wide);
	/* Whoever writes now changes the first state's bytes, and none of the snapshot's. */
	live_write(yard.overlay, "changed", "afterwards");
	live_write_bytes(yard.overlay, "wide", "afterwards", 10);
	assert_snapshot(snapshot, wide);
	hd_snapshot_free(snapshot);
	clear_yard(&yard);
}

static void what_is_not_stored_is_kept(void **state)
{
	compare(*state, false);
}

static void and_what_was_stored_since(void **state)
{
	compare(*state, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)
		TEST(what_is_not_stored_is_kept),
		TEST(and_what_was_stored_since),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
