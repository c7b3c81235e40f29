/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "overlay/platform/clock.h"
#include "tests/unit/overlay/yard.h"

/* How directories of the base come into the overlay: once, whoever asks, and never half. */

#define THREADS 8

struct asking {
	struct hd_overlay *overlay;
	hd_ino parent;
	const char *name;
	int result;
	uint64_t took_ns;
	pthread_t thread;
};

static void *ask(void *payload)
{
	struct asking *asking = payload;
	struct hd_attributes attributes;
	uint64_t start = hd_clock_monotonic_ns();

	asking->result = hd_overlay_lookup(asking->overlay, asking->parent, asking->name, &attributes);
	asking->took_ns = hd_clock_monotonic_ns() - start;
	return NULL;
}

static void ask_in_threads(struct asking asking[THREADS], struct hd_overlay *overlay, hd_ino parent)
{
	for (int i = 0; i < THREADS; i++) {
		asking[i] = (struct asking){.overlay = overlay, .parent = parent, .name = i % 2 ? "a" : "b"};
		assert_int_equal(pthread_create(&asking[i].thread, NULL, ask, &asking[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(asking[i].thread, NULL), 0);
}

static void a_directory_is_listed_once_for_all_who_ask(void **state)
{
	struct yard *yard = *state;
	struct asking asking[THREADS];

	(void)yard_base_add(yard, 0, "a", S_IFREG | 0644, 1);
	(void)yard_base_add(yard, 0, "b", S_IFREG | 0644, 1);
	atomic_store(&yard->base->stall_ms, 100);
	ask_in_threads(asking, yard_open(yard), HD_ROOT_INO);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(asking[i].result, 0);
	assert_int_equal(atomic_load(&yard->base->lists), 1);
	assert_missing(yard->overlay, HD_ROOT_INO, "c");
	(void)make_file(yard->overlay, HD_ROOT_INO, "c");
	(void)yard_reopen(yard);
	(void)find(yard->overlay, HD_ROOT_INO, "a");
	assert_int_equal(atomic_load(&yard->base->lists), 1); /* it is the overlay's own now */
}

static void a_failed_load_fails_all_who_wait_and_the_next_tries_again(void **state)
{
	struct yard *yard = *state;
	struct asking asking[THREADS];
	unsigned lists;

	(void)yard_base_add(yard, 0, "a", S_IFREG | 0644, 1);
	(void)yard_base_add(yard, 0, "b", S_IFREG | 0644, 1);
	atomic_store(&yard->base->stall_ms, 300);
	atomic_store(&yard->base->fail_lists, 1000);
	ask_in_threads(asking, yard_open(yard), HD_ROOT_INO);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(asking[i].result, -EIO);
	lists = atomic_load(&yard->base->lists);
	assert_in_range(lists, 1, THREADS);
	atomic_store(&yard->base->fail_lists, 0);
	atomic_store(&yard->base->stall_ms, 0);
	(void)find(yard->overlay, HD_ROOT_INO, "a");
	assert_int_equal(atomic_load(&yard->base->lists), lists + 1);
}

static void a_directory_that_stalls_holds_nobody_else_up(void **state)
{
	struct yard *yard = *state;
	struct hd_overlay_options options = yard_options(yard);
	uint32_t slow = yard_base_add(yard, 0, "slow", S_IFDIR | 0755, 0);
	uint32_t other = yard_base_add(yard, 0, "other", S_IFDIR | 0755, 0);
	struct asking asking = {.name = "x"};
	struct hd_attributes attributes;
	hd_ino directory;
	uint64_t start;

	(void)yard_base_add(yard, slow, "x", S_IFREG | 0644, 5);
	(void)yard_base_add(yard, other, "y", S_IFREG | 0644, 5);
	yard->base->may_stall = true;
	yard->base->stall_only = slow;
	options.base_deadline_ms = 300;
	atomic_store(&yard->base->stall_ms, 1500);
	asking.overlay = yard_open_with(yard, &options);
	/* Known by name although nobody can look inside. */
	asking.parent = find(yard->overlay, HD_ROOT_INO, "slow");
	/* A rename loads nothing, so the stalled directory can still be moved. */
	assert_success(hd_overlay_rename(yard->overlay, HD_ROOT_INO, "slow", HD_ROOT_INO, "renamed", 0));
	(void)make_file(yard->overlay, HD_ROOT_INO, "file");
	assert_int_equal(pthread_create(&asking.thread, NULL, ask, &asking), 0);
	start = hd_clock_monotonic_ns();
	directory = find(yard->overlay, HD_ROOT_INO, "other");
	(void)find(yard->overlay, directory, "y");
	assert_success(hd_overlay_rename(yard->overlay, HD_ROOT_INO, "file", directory, "file", 0));
	assert_true(hd_clock_monotonic_ns() - start < 250000000u);
	assert_int_equal(pthread_join(asking.thread, NULL), 0);
	assert_code(asking.result, -HD_E_BASE_TIMEOUT);
	assert_true(asking.took_ns < 1000000000u);
	/* The late listing does no harm; when the base is well again, so is the directory. */
	hd_clock_sleep_ns(1400000000u);
	atomic_store(&yard->base->stall_ms, 0);
	assert_success(hd_overlay_lookup(yard->overlay, asking.parent, "x", &attributes));
	assert_int_equal(attributes.size, 5);
	assert_missing(yard->overlay, asking.parent, "y");
}

/* An id of a directory that is not loaded: the lookup's own attempt to load it fails. */
static hd_ino find_unloaded(struct yard *yard, const char *name)
{
	hd_ino directory;

	(void)find(yard->overlay, HD_ROOT_INO, ".");
	(void)make_file(yard->overlay, HD_ROOT_INO, "loads the root");
	atomic_store(&yard->base->fail_lists, 1);
	directory = find(yard->overlay, HD_ROOT_INO, name);
	assert_int_equal(atomic_load(&yard->base->fail_lists), 0);
	return directory;
}

/* What is done to a directory while its listing is under way concerns the directory, not the listing. */
static void a_directory_may_be_moved_and_forgotten_while_it_is_loaded(void **state)
{
	struct yard *yard = *state;
	uint32_t top = yard_base_add(yard, 0, "top", S_IFDIR | 0755, 0);
	struct asking asking = {.name = "a"};
	struct hd_attributes attributes;

	for (int i = 0; i < 2000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "file%d", i);
		(void)yard_base_add(yard, top, name, S_IFREG | 0644, (uint64_t)i);
	}
	(void)yard_base_add(yard, top, "a", S_IFREG | 0644, 1);
	asking.overlay = yard_open(yard);
	asking.parent = find_unloaded(yard, "top");
	atomic_store(&yard->base->stall_ms, 300);
	assert_int_equal(pthread_create(&asking.thread, NULL, ask, &asking), 0);
	hd_clock_sleep_ns(100000000u);
	(void)make_directory(yard->overlay, HD_ROOT_INO, "below");
	assert_success(hd_overlay_rename(
		yard->overlay, HD_ROOT_INO, "top", find(yard->overlay, HD_ROOT_INO, "below"), "moved", 0));
	hd_overlay_forget(yard->overlay, asking.parent, 1);
	assert_int_equal(pthread_join(asking.thread, NULL), 0);
	assert_int_equal(asking.result, 0);
	assert_success(hd_overlay_lookup(yard->overlay, asking.parent, "file1999", &attributes));
	assert_int_equal(attributes.size, 1999);
	assert_int_equal(atomic_load(&yard->base->lists), 3);
}

static void a_listing_of_many_transactions_is_never_seen_half(void **state)
{
	struct yard *yard = *state;
	struct asking asking[THREADS];

	for (int i = 0; i < 3000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "file%d", i);
		(void)yard_base_add(yard, 0, name, S_IFREG | 0644, (uint64_t)i);
	}
	/* The last two of the listing: who sees a part does not see them. */
	(void)yard_base_add(yard, 0, "a", S_IFREG | 0644, 1);
	(void)yard_base_add(yard, 0, "b", S_IFREG | 0644, 1);
	ask_in_threads(asking, yard_open(yard), HD_ROOT_INO);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(asking[i].result, 0);
	assert_int_equal(atomic_load(&yard->base->lists), 1);
}

static void names_no_directory_can_have_are_left_out(void **state)
{
	struct yard *yard = *state;
	struct hd_overlay_counters counters;

	(void)yard_base_add(yard, 0, "..", S_IFDIR | 0755, 1);
	(void)yard_base_add(yard, 0, ".", S_IFDIR | 0755, 1);
	(void)yard_base_add(yard, 0, "a/b", S_IFREG | 0644, 1);
	(void)yard_base_add(yard, 0, "good", S_IFREG | 0644, 1);
	(void)yard_base_add(yard, 0, "good", S_IFREG | 0644, 2); /* twice: the first counts */
	(void)yard_open(yard);
	assert_int_equal(attributes_of(yard->overlay, find(yard->overlay, HD_ROOT_INO, "good")).size, 1);
	hd_overlay_counters(yard->overlay, &counters);
	assert_int_equal(counters.entries, 1);
	assert_true(find(yard->overlay, HD_ROOT_INO, "..") == HD_ROOT_INO);
}

static void names_of_one_file_in_several_directories_are_one_inode(void **state)
{
	struct yard *yard = *state;
	uint32_t top = yard_base_add(yard, 0, "top", S_IFDIR | 0755, 0), first, second;
	struct hd_overlay *overlay;
	hd_ino file, directory;

	first = yard_base_add(yard, 0, "first", S_IFREG | 0644, 3);
	second = yard_base_add(yard, top, "second", S_IFREG | 0644, 3);
	yard->base->nodes[first].link_group = yard->base->nodes[second].link_group = 99;
	overlay = yard_open(yard);
	file = find(overlay, HD_ROOT_INO, "first");
	write_text(overlay, file, "changed");
	directory = find(overlay, HD_ROOT_INO, "top");
	assert_true(find(overlay, directory, "second") == file);
	assert_text(overlay, find(overlay, directory, "second"), "changed");
	assert_int_equal(attributes_of(overlay, file).nlink, 2);
	assert_success(hd_overlay_unlink(overlay, HD_ROOT_INO, "first"));
	assert_text(overlay, find(overlay, directory, "second"), "changed");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, yard_setup_over_base, yard_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_directory_is_listed_once_for_all_who_ask),
		TEST(a_failed_load_fails_all_who_wait_and_the_next_tries_again),
		TEST(a_directory_that_stalls_holds_nobody_else_up),
		TEST(a_directory_may_be_moved_and_forgotten_while_it_is_loaded),
		TEST(a_listing_of_many_transactions_is_never_seen_half),
		TEST(names_no_directory_can_have_are_left_out),
		TEST(names_of_one_file_in_several_directories_are_one_inode),
	};

	return cmocka_run_group_tests_name("base loading", tests, NULL, NULL);
}
