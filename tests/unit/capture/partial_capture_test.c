/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/snapshot.h"
#include "overlay/store/objects/object_store_types.h"
#include "tests/unit/capture/live.h"

/*
 * Captures copy what changed in a directory and take the rest over from what it was stored as. After random changes the state
 * is, to the bit, the one that is made of all entries; where what is stored cannot be used, it is made of these.
 */

#define DIRECTORIES 5
#define FILES 12
#define ROUNDS 120
#define DEPTH 40000u

int __real_hd_snapshot_take(struct hd_overlay *overlay, bool for_capture, struct hd_snapshot **ret_snapshot);
int __wrap_hd_snapshot_take(struct hd_overlay *overlay, bool for_capture, struct hd_snapshot **ret_snapshot);

static bool take_all;
static unsigned partial_snapshots;
/* What programs do while a capture runs; once. */
static void (*meanwhile)(struct hd_overlay *overlay);

int __wrap_hd_snapshot_take(struct hd_overlay *overlay, bool for_capture, struct hd_snapshot **ret_snapshot)
{
	int r = take_all && for_capture ? hd_snapshot_take_whole(overlay, ret_snapshot)
					: __real_hd_snapshot_take(overlay, for_capture, ret_snapshot);

	if (r >= 0)
		partial_snapshots += hd_snapshot_is_partial(*ret_snapshot);
	if (r >= 0 && for_capture && meanwhile) {
		meanwhile(overlay);
		meanwhile = NULL;
	}
	return r;
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void path_of(uint32_t directory, uint32_t file, char path[64])
{
	(void)snprintf(path, 64, "d%u/sub/f%u", directory % DIRECTORIES, file % FILES);
}

static bool is_there(struct hd_overlay *overlay, uint32_t directory, uint32_t file)
{
	char parent[64], name[32];
	struct hd_attributes attributes;
	hd_ino ino;

	(void)snprintf(parent, sizeof(parent), "d%u/sub", directory % DIRECTORIES);
	(void)snprintf(name, sizeof(name), "f%u", file % FILES);
	ino = live_find(overlay, parent);
	return hd_overlay_lookup(overlay, ino, name, &attributes) >= 0;
}

static void change_one(struct hd_overlay *overlay, uint32_t *seed)
{
	uint32_t what = next_random(seed) % 10, directory = next_random(seed), file = next_random(seed);
	char path[64], other[64], text[32];

	path_of(directory, file, path);
	path_of(directory + next_random(seed) % 2, file + 1, other);
	(void)snprintf(text, sizeof(text), "%u", next_random(seed) % 100000);
	if (!is_there(overlay, directory, file)) {
		live_write(overlay, path, text);
		return;
	}
	switch (what) {
	case 0:
		live_remove(overlay, path);
		break;
	case 1:
		live_rename(overlay, path, other);
		break;
	case 2:
		live_chmod(overlay, path, next_random(seed) % 2 ? 0600 : 0644);
		break;
	case 3:
		live_set_time(overlay, path, next_random(seed));
		break;
	case 4:
		live_set_xattr(overlay, path, "user.note", text);
		break;
	case 5:
		(void)snprintf(path, sizeof(path), "d%u/sub", directory % DIRECTORIES);
		live_chmod(overlay, path, next_random(seed) % 2 ? 0700 : 0755);
		break;
	case 6:
		live_remove(overlay, path);
		live_link(overlay, "README", path);
		break;
	case 7:
		live_set_time(overlay, ".", next_random(seed));
		break;
	default:
		live_write(overlay, path, text);
	}
}

static struct hd_overlay *begin(struct scene *scene)
{
	struct hd_overlay *overlay;
	char path[64];

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	overlay = live_open(scene);
	for (uint32_t d = 0; d < DIRECTORIES; d++) {
		(void)snprintf(path, sizeof(path), "d%u", d);
		live_make_directory(overlay, path);
		(void)snprintf(path, sizeof(path), "d%u/sub", d);
		live_make_directory(overlay, path);
		for (uint32_t f = 0; f < FILES; f++) {
			path_of(d, f, path);
			live_write(overlay, path, path);
		}
	}
	return overlay;
}

static void capture_aside(struct hd_overlay *overlay, bool all, struct hd_state *ret_state)
{
	const struct hd_capture_options options = {.author = "A <a@b>", .aside = true};
	bool nothing;

	take_all = all;
	assert_success(hd_capture_run(overlay, &options, ret_state, &nothing));
	take_all = false;
}

static void assert_same_either_way(struct hd_overlay *overlay)
{
	struct hd_state partial, whole;

	capture_aside(overlay, false, &partial);
	capture_aside(overlay, true, &whole);
	assert_true(hd_content_equal(&partial.tree, &whole.tree));
	assert_true(hd_content_equal(&partial.attributes, &whole.attributes));
	assert_int_equal(partial.added, whole.added);
	assert_int_equal(partial.modified, whole.modified);
	assert_int_equal(partial.deleted, whole.deleted);
	assert_int_equal(partial.moved, whole.moved);
	hd_state_clear(&partial);
	hd_state_clear(&whole);
}

static void capture(struct hd_overlay *overlay, const char *path)
{
	struct hd_capture_options options = {.author = "A <a@b>"};
	struct hd_state state;
	bool nothing;

	if (path) {
		options.choice.paths = &path;
		options.choice.n_paths = 1;
	}
	assert_success(hd_capture_run(overlay, &options, &state, &nothing));
	hd_state_clear(&state);
}

static void a_state_is_the_same_from_what_changed_and_from_all(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);
	uint32_t seed = 4711;

	capture(overlay, NULL);
	partial_snapshots = 0;
	for (int round = 0; round < ROUNDS; round++) {
		for (uint32_t n = next_random(&seed) % 4; n > 0; n--)
			change_one(overlay, &seed);
		assert_same_either_way(overlay);
		if (next_random(&seed) % 3 == 0)
			capture(overlay, next_random(&seed) % 3 ? NULL : "d1");
		if (next_random(&seed) % 8 == 0) {
			live_close(overlay);
			overlay = live_open(scene);
		}
	}
	assert_true(partial_snapshots > ROUNDS / 3);
	live_close(overlay);
}

static void write_another(struct hd_overlay *overlay)
{
	live_write(overlay, "d0/sub/f2", "second");
}

static void remove_another(struct hd_overlay *overlay)
{
	live_remove(overlay, "d0/sub/f4");
}

static void move_directory(struct hd_overlay *overlay)
{
	live_write(overlay, "d0/sub/f5", "fifth");
	live_rename(overlay, "d0/sub", "d1/moved");
}

/* What was changed while a capture ran is in the next one, and what was captured is not brought back. */
static void what_changes_during_a_capture_is_told_from_what_did_not(void **state)
{
	void (*const changes[])(struct hd_overlay *) = {write_another, remove_another, move_directory};
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);
	struct hd_snapshot_node *node;
	struct hd_snapshot *snapshot;

	capture(overlay, NULL);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		char text[16];

		(void)snprintf(text, sizeof(text), "first %zu", i);
		live_write(overlay, "d0/sub/f1", text);
		meanwhile = changes[i];
		capture(overlay, NULL);
		assert_same_either_way(overlay);
	}
	capture(overlay, NULL);
	live_write(overlay, "d1/moved/f3", "third");
	assert_success(__real_hd_snapshot_take(overlay, false, &snapshot));
	node = hd_snapshot_root(snapshot);
	while (node->n_children == 1)
		node = node->children;
	assert_string_equal(node->name, "f3");
	hd_snapshot_free(snapshot);
	assert_same_either_way(overlay);
	live_close(overlay);
}

/* Attributes that are gone keep nobody from capturing what is all here. */
static void what_is_stored_may_be_damaged(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);
	struct hd_state first, second, whole;
	struct hd_object_id id;
	char path[HD_OBJECT_PATH_SIZE];

	live_capture(overlay, "first", &first);
	live_write(overlay, "d2/sub/f2", "changed");
	live_close(overlay);
	assert_success(hd_object_store_settle(scene->store->objects, 0));
	scene_close_store(scene);
	memcpy(&id, first.attributes.bytes, sizeof(id));
	scene_run(scene, "rm $(find . -path '*/objects/%s')", hd_object_id_path(&id, path));
	scene_open_store(scene);
	overlay = live_open(scene);
	capture_aside(overlay, false, &second);
	capture_aside(overlay, true, &whole);
	assert_true(hd_content_equal(&second.tree, &whole.tree));
	assert_true(hd_content_equal(&second.attributes, &whole.attributes));
	live_close(overlay);
	hd_state_clear(&first);
	hd_state_clear(&second);
	hd_state_clear(&whole);
}

static void all_hashes_equal(struct hd_hash128 *hash)
{
	memset(hash, 7, sizeof(*hash));
}

/* Bytes with the hash of others, which have a file, are found out when theirs are written, and get another name. */
static void bytes_with_the_hash_of_others_are_captured(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);
	struct hd_content other;
	char *text;

	capture(overlay, NULL);
	scene->store->objects->adjust_hash = all_hashes_equal;
	assert_success(hd_object_store_put(scene->store->objects, "other", 5, &other));
	assert_success(hd_object_store_settle(scene->store->objects, 0));
	for (uint32_t f = 0; f < 4; f++) {
		char path[64];

		path_of(f, f, path);
		live_write(overlay, path, path);
	}
	live_write(overlay, "d0/sub/f0", "another");
	capture(overlay, NULL);
	text = live_read(overlay, "d0/sub/f0");
	assert_string_equal(text, "another");
	free(text);
	live_assert_nothing(overlay);
	live_close(overlay);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

/* More levels than a thread's stack has room for calls. */
static void a_path_may_be_as_deep_as_the_tree(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay;
	const struct hd_caller caller = {.umask = 022};
	char *path = malloc(2 * DEPTH + sizeof("leaf"));
	struct hd_attributes attributes = {.ino = HD_ROOT_INO};

	assert_non_null(path);
	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	overlay = live_open(scene);
	for (size_t i = 0; i < DEPTH; i++) {
		memcpy(path + 2 * i, "a/", 2);
		assert_success(hd_overlay_mkdir(overlay, &caller, attributes.ino, "a", 0755, &attributes));
	}
	memcpy(path + 2 * DEPTH, "leaf", sizeof("leaf"));
	assert_success(hd_overlay_mkdir(overlay, &caller, attributes.ino, "leaf", 0755, &attributes));
	live_write(overlay, "beside", "not chosen");
	capture(overlay, path);
	live_assert_status(overlay, "A beside\n");
	live_close(overlay);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_state_is_the_same_from_what_changed_and_from_all),
		TEST(what_changes_during_a_capture_is_told_from_what_did_not),
		TEST(what_is_stored_may_be_damaged),
		TEST(bytes_with_the_hash_of_others_are_captured),
		TEST(a_path_may_be_as_deep_as_the_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
