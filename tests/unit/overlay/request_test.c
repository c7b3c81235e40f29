/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/inodes/request.h"
#include "tests/unit/overlay/yard.h"

#include <sys/xattr.h>

/*
 * Requests that are asked twice: their process dies after the change and before the reply (here: the overlay is closed
 * under them and its memory taken over), and the kernel asks the next process again.
 */

#define FIRST_SLOT 3u
#define SECOND_SLOT 4u
#define UNIQUE 4242u

struct memory {
	int arena_fd, hot_fd;
};

static struct hd_overlay *open_memory(struct yard *yard, const struct memory *memory, bool attach)
{
	struct hd_overlay_options options = yard_options(yard);

	options.arena_fd = memory->arena_fd;
	options.hot_fd = memory->hot_fd;
	options.attach = attach;
	options.keep_references = attach;
	return yard_open_with(yard, &options);
}

static struct hd_overlay *begin(struct yard *yard, struct memory *memory)
{
	assert_success(hd_overlay_memory(&memory->arena_fd, &memory->hot_fd));
	return open_memory(yard, memory, false);
}

/* Another process goes on with the same memory: the one before forgot nothing and answered nothing. */
static struct hd_overlay *take_over(struct yard *yard, const struct memory *memory)
{
	yard_close(yard);
	return open_memory(yard, memory, true);
}

static void end(struct yard *yard, struct memory *memory)
{
	yard_close(yard);
	(void)close(memory->arena_fd);
	(void)close(memory->hot_fd);
}

static struct hd_overlay_counters counters_of(struct hd_overlay *overlay)
{
	struct hd_overlay_counters counters;

	hd_overlay_counters(overlay, &counters);
	return counters;
}

/* One way of asking; each is run, taken over, and run again. */
struct scene {
	struct hd_overlay *overlay;
	hd_ino file, directory;
};

static int do_mkdir(struct scene *scene, struct hd_attributes *ret)
{
	return hd_overlay_mkdir(scene->overlay, &yard_caller, HD_ROOT_INO, "new", 0755, ret);
}

static int do_create(struct scene *scene, struct hd_attributes *ret)
{
	return hd_overlay_create(scene->overlay, &yard_caller, HD_ROOT_INO, "new", 0644, ret);
}

static int do_mknod(struct scene *scene, struct hd_attributes *ret)
{
	return hd_overlay_mknod(scene->overlay, &yard_caller, HD_ROOT_INO, "new", S_IFIFO | 0644, 0, ret);
}

static int do_symlink(struct scene *scene, struct hd_attributes *ret)
{
	return hd_overlay_symlink(scene->overlay, &yard_caller, HD_ROOT_INO, "new", "target", ret);
}

static int do_link(struct scene *scene, struct hd_attributes *ret)
{
	return hd_overlay_link(scene->overlay, scene->file, HD_ROOT_INO, "new", ret);
}

static int do_lookup(struct scene *scene, struct hd_attributes *ret)
{
	return hd_overlay_lookup(scene->overlay, HD_ROOT_INO, "file", ret);
}

static int do_unlink(struct scene *scene, struct hd_attributes *ret)
{
	ret->ino = 0;
	return hd_overlay_unlink(scene->overlay, HD_ROOT_INO, "file");
}

static int do_rmdir(struct scene *scene, struct hd_attributes *ret)
{
	ret->ino = 0;
	return hd_overlay_rmdir(scene->overlay, HD_ROOT_INO, "directory");
}

static int do_rename(struct scene *scene, struct hd_attributes *ret)
{
	ret->ino = 0;
	return hd_overlay_rename(scene->overlay, HD_ROOT_INO, "file", scene->directory, "moved", 0);
}

static int do_exchange(struct scene *scene, struct hd_attributes *ret)
{
	ret->ino = 0;
	return hd_overlay_rename(
		scene->overlay, HD_ROOT_INO, "file", HD_ROOT_INO, "directory", 2 /* RENAME_EXCHANGE */);
}

static int do_setxattr(struct scene *scene, struct hd_attributes *ret)
{
	ret->ino = 0;
	return hd_overlay_setxattr(scene->overlay, scene->file, "user.new", "1", 1, XATTR_CREATE);
}

static int do_removexattr(struct scene *scene, struct hd_attributes *ret)
{
	ret->ino = 0;
	return hd_overlay_removexattr(scene->overlay, scene->file, "user.old");
}

static int do_open(struct scene *scene, struct hd_attributes *ret)
{
	ret->ino = 0;
	return hd_overlay_open_file(scene->overlay, scene->file, O_RDWR);
}

static int do_release(struct scene *scene, struct hd_attributes *ret)
{
	ret->ino = 0;
	return hd_overlay_release(scene->overlay, scene->file);
}

static int do_forget(struct scene *scene, struct hd_attributes *ret)
{
	ret->ino = 0;
	if (hd_request_steps() == 0)
		hd_overlay_forget(scene->overlay, scene->directory, 1);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct scene *scene, struct hd_attributes *ret);
} scenes[] = {
	{"mkdir", do_mkdir},
	{"create", do_create},
	{"mknod", do_mknod},
	{"symlink", do_symlink},
	{"link", do_link},
	{"lookup", do_lookup},
	{"unlink", do_unlink},
	{"rmdir", do_rmdir},
	{"rename", do_rename},
	{"exchange", do_exchange},
	{"setxattr", do_setxattr},
	{"removexattr", do_removexattr},
	{"open", do_open},
	{"release", do_release},
	{"forget", do_forget},
};

static void run_twice(struct yard *yard, size_t i)
{
	struct hd_attributes first = {0}, second = {0};
	struct hd_overlay_counters once, twice;
	struct memory memory;
	struct scene scene;

	scene.overlay = begin(yard, &memory);
	scene.file = make_file(scene.overlay, HD_ROOT_INO, "file");
	scene.directory = make_directory(scene.overlay, HD_ROOT_INO, "directory");
	assert_success(hd_overlay_setxattr(scene.overlay, scene.file, "user.old", "1", 1, 0));

	hd_request_begin(scene.overlay, FIRST_SLOT, UNIQUE, false);
	assert_success(scenes[i].run(&scene, &first));
	once = counters_of(scene.overlay);
	assert_false(hd_request_slot_is_free(scene.overlay, FIRST_SLOT));

	scene.overlay = take_over(yard, &memory);
	hd_request_begin(scene.overlay, SECOND_SLOT, UNIQUE, true);
	if (scenes[i].run(&scene, &second) < 0)
		fail_msg("%s failed when it was asked again", scenes[i].name);
	twice = counters_of(scene.overlay);
	if (second.ino != first.ino || second.nlink != first.nlink || twice.inodes != once.inodes ||
		twice.entries != once.entries || twice.looked_up != once.looked_up ||
		twice.opened != once.opened)
		fail_msg("%s was done twice", scenes[i].name);
	/* Answered: a third process finds nothing, and the slot is free. */
	hd_request_end(scene.overlay);
	assert_true(hd_request_slot_is_free(scene.overlay, FIRST_SLOT));
	assert_true(hd_request_slot_is_free(scene.overlay, SECOND_SLOT));
	end(yard, &memory);
}

static void what_was_done_before_a_death_is_not_done_again(void **state)
{
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		run_twice(*state, i);
		yard_teardown(state);
		yard_setup(state);
	}
}

static void what_was_not_done_is_done_when_it_is_asked_again(void **state)
{
	struct memory memory;
	struct hd_overlay *overlay = begin(*state, &memory);
	struct hd_attributes attributes;

	hd_request_begin(overlay, FIRST_SLOT, UNIQUE, false);
	overlay = take_over(*state, &memory);
	hd_request_begin(overlay, FIRST_SLOT, UNIQUE, true);
	assert_success(hd_overlay_mkdir(overlay, &yard_caller, HD_ROOT_INO, "new", 0755, &attributes));
	hd_request_end(overlay);
	assert_true(find(overlay, HD_ROOT_INO, "new") == attributes.ino);
	end(*state, &memory);
}

static void a_request_that_failed_leaves_no_result(void **state)
{
	struct memory memory;
	struct hd_overlay *overlay = begin(*state, &memory);
	struct hd_attributes attributes;

	(void)make_directory(overlay, HD_ROOT_INO, "there");
	hd_request_begin(overlay, FIRST_SLOT, UNIQUE, false);
	assert_int_equal(
		hd_overlay_mkdir(overlay, &yard_caller, HD_ROOT_INO, "there", 0755, &attributes), -EEXIST);
	assert_true(hd_request_slot_is_free(overlay, FIRST_SLOT));
	hd_request_end(overlay);
	end(*state, &memory);
}

static void a_result_that_nobody_asks_for_is_dropped_when_all_was_asked(void **state)
{
	struct memory memory;
	struct hd_overlay *overlay = begin(*state, &memory);
	struct hd_attributes attributes;

	hd_request_begin(overlay, FIRST_SLOT, UNIQUE, false);
	assert_success(hd_overlay_mkdir(overlay, &yard_caller, HD_ROOT_INO, "claimed", 0755, &attributes));
	hd_request_begin(overlay, SECOND_SLOT, UNIQUE + 1, false);
	assert_success(hd_overlay_mkdir(overlay, &yard_caller, HD_ROOT_INO, "answered", 0755, &attributes));
	overlay = take_over(*state, &memory);
	hd_request_begin(overlay, SECOND_SLOT + 1, UNIQUE, true);
	hd_requests_drained(overlay, NULL, NULL);
	assert_false(hd_request_slot_is_free(overlay, FIRST_SLOT));
	assert_true(hd_request_slot_is_free(overlay, SECOND_SLOT));
	assert_success(hd_overlay_mkdir(overlay, &yard_caller, HD_ROOT_INO, "claimed", 0755, &attributes));
	hd_request_end(overlay);
	end(*state, &memory);
}

static void count_withdrawn(void *payload, const struct hd_withdrawn *withdrawn)
{
	struct hd_withdrawn *last = payload;

	assert_int_equal(last->kind, 0);
	*last = *withdrawn;
}

/* Its program was killed while nobody served: the kernel knows nothing of it. */
static void a_result_that_is_awaited_and_not_claimed_is_told(void **state)
{
	struct memory memory;
	struct hd_overlay *overlay = begin(*state, &memory);
	struct hd_withdrawn withdrawn = {0};
	struct hd_attributes attributes[3];

	for (unsigned i = 0; i < 3; i++) {
		char name[2] = {(char)('a' + i), '\0'};

		hd_request_begin(overlay, FIRST_SLOT + i, UNIQUE + i, false);
		assert_success(
			hd_overlay_mkdir(overlay, &yard_caller, HD_ROOT_INO, name, 0755, &attributes[i]));
	}
	overlay = take_over(*state, &memory);
	hd_request_await(overlay, UNIQUE, 9, HD_ROOT_INO);
	hd_request_await(overlay, UNIQUE + 1, 9, HD_ROOT_INO);
	hd_request_await(overlay, UNIQUE + 5, 9, HD_ROOT_INO);
	/* Another death, before the kernel sent any of them: what is awaited stays so. */
	overlay = take_over(*state, &memory);
	hd_request_begin(overlay, FIRST_SLOT + 5, UNIQUE, true);
	hd_requests_drained(overlay, count_withdrawn, &withdrawn);
	assert_int_equal(withdrawn.kind, 9);
	assert_true(withdrawn.ino == attributes[1].ino && withdrawn.subject == HD_ROOT_INO);
	assert_false(hd_request_slot_is_free(overlay, FIRST_SLOT));
	assert_true(hd_request_slot_is_free(overlay, FIRST_SLOT + 1));
	assert_true(hd_request_slot_is_free(overlay, FIRST_SLOT + 2));
	hd_request_end(overlay);
	/* One that was begun again may have been answered since. */
	hd_request_begin(overlay, FIRST_SLOT, UNIQUE + 9, false);
	assert_success(hd_overlay_mkdir(overlay, &yard_caller, HD_ROOT_INO, "d", 0755, &attributes[0]));
	overlay = take_over(*state, &memory);
	hd_request_await(overlay, UNIQUE + 9, 9, HD_ROOT_INO);
	hd_request_begin(overlay, FIRST_SLOT + 1, UNIQUE + 9, true);
	overlay = take_over(*state, &memory);
	withdrawn.kind = 0;
	hd_requests_drained(overlay, count_withdrawn, &withdrawn);
	assert_int_equal(withdrawn.kind, 0);
	hd_request_end(overlay);
	end(*state, &memory);
}

static void a_batch_of_forgets_goes_on_where_it_was(void **state)
{
	struct memory memory;
	struct hd_overlay *overlay = begin(*state, &memory);
	hd_ino inos[4];
	char name[8];

	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "d%d", i);
		inos[i] = make_directory(overlay, HD_ROOT_INO, name);
		assert_true(find(overlay, HD_ROOT_INO, name) == inos[i]);
	}
	hd_request_begin(overlay, FIRST_SLOT, UNIQUE, false);
	for (int i = 0; i < 3; i++)
		hd_overlay_forget(overlay, inos[i], 1);
	overlay = take_over(*state, &memory);
	hd_request_begin(overlay, FIRST_SLOT, UNIQUE, true);
	assert_int_equal(hd_request_steps(), 3);
	for (uint64_t i = hd_request_steps(); i < 4; i++)
		hd_overlay_forget(overlay, inos[i], 1);
	hd_request_end(overlay);
	assert_int_equal(counters_of(overlay).looked_up, 4);
	end(*state, &memory);
}

static void a_listing_counts_its_lookups_once_and_leaves_out_what_is_gone(void **state)
{
	struct memory memory;
	struct hd_overlay *overlay = begin(*state, &memory);
	hd_ino inos[2];

	inos[0] = make_directory(overlay, HD_ROOT_INO, "stays");
	inos[1] = make_directory(overlay, HD_ROOT_INO, "goes");
	hd_overlay_forget(overlay, inos[1], 1);
	assert_success(hd_overlay_rmdir(overlay, HD_ROOT_INO, "goes"));
	hd_request_begin(overlay, FIRST_SLOT, UNIQUE, false);
	assert_success(hd_overlay_count_lookups(overlay, inos, 2, 77));
	assert_true(inos[0] != 0 && inos[1] == 0);
	assert_int_equal(counters_of(overlay).looked_up, 2);
	overlay = take_over(*state, &memory);
	hd_request_begin(overlay, SECOND_SLOT, UNIQUE, true);
	assert_true(hd_request_is_done());
	assert_int_equal(hd_request_done_slot(), FIRST_SLOT);
	assert_int_equal(hd_request_done_size(), 77);
	hd_request_end(overlay);
	end(*state, &memory);
}

static void opens_are_not_counted_where_nobody_tells_of_a_close(void **state)
{
	struct hd_overlay_options options = yard_options(*state);
	struct hd_overlay *overlay;

	options.ignores_opens = true;
	overlay = yard_open_with(*state, &options);
	(void)make_file(overlay, HD_ROOT_INO, "file");
	assert_int_equal(counters_of(overlay).opened, 0);
	assert_int_equal(counters_of(overlay).looked_up, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, yard_setup, yard_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_done_before_a_death_is_not_done_again),
		TEST(what_was_not_done_is_done_when_it_is_asked_again),
		TEST(a_request_that_failed_leaves_no_result),
		TEST(a_result_that_nobody_asks_for_is_dropped_when_all_was_asked),
		TEST(a_result_that_is_awaited_and_not_claimed_is_told),
		TEST(a_batch_of_forgets_goes_on_where_it_was),
		TEST(a_listing_counts_its_lookups_once_and_leaves_out_what_is_gone),
		TEST(opens_are_not_counted_where_nobody_tells_of_a_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
