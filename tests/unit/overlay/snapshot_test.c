/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "overlay/platform/clock.h"
#include "overlay/snapshot.h"
#include "tests/unit/overlay/yard.h"

/*
 * Snapshots: what a capture gets to see. A capture here is the shortest there can be: it settles every file, gives
 * every changed directory a made-up object, and publishes.
 */

static struct hd_snapshot_node *child(struct hd_snapshot_node *node, const char *name)
{
	for (size_t i = 0; i < node->n_children; i++)
		if (strcmp(node->children[i].name, name) == 0)
			return &node->children[i];
	return NULL;
}

static struct hd_snapshot *take(struct hd_overlay *overlay, bool for_capture)
{
	struct hd_snapshot *snapshot = NULL;

	assert_success(hd_snapshot_take(overlay, for_capture, &snapshot));
	return snapshot;
}

static size_t count_nodes(const struct hd_snapshot_node *node)
{
	size_t count = 1;

	for (size_t i = 0; i < node->n_children; i++)
		count += count_nodes(&node->children[i]);
	return count;
}

static int settle_below(struct hd_snapshot *snapshot, struct hd_snapshot_node *node, uint8_t number)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < node->n_children; i++) {
		r = node->children[i].unsettled ? hd_snapshot_settle(snapshot, &node->children[i]) : 0;
		if (r == 0)
			r = settle_below(snapshot, &node->children[i], number);
	}
	if (S_ISDIR(node->attributes.mode) && node->changed && hd_content_is_none(&node->content)) {
		node->content = (struct hd_content){.kind = HD_CONTENT_OBJECT, .length = 20};
		memset(node->content.bytes, number, 20);
	}
	return r;
}

/* Publishes; the next snapshot is relative to this one. */
static void publish(struct hd_snapshot *snapshot, uint8_t number)
{
	struct hd_state_id id;

	memset(id.bytes, number, sizeof(id.bytes));
	assert_success(settle_below(snapshot, hd_snapshot_root(snapshot), number));
	assert_success(hd_snapshot_publish(snapshot, &id));
	hd_snapshot_free(snapshot);
}

static void assert_nothing_changed(struct hd_overlay *overlay)
{
	struct hd_snapshot *snapshot = take(overlay, false);

	assert_false(hd_snapshot_root(snapshot)->changed);
	assert_int_equal(count_nodes(hd_snapshot_root(snapshot)), 1);
	hd_snapshot_free(snapshot);
}

static void assert_bytes(struct hd_snapshot *snapshot, struct hd_snapshot_node *node, const char *text)
{
	char buffer[256] = "";
	size_t size = 0;

	assert_non_null(node);
	assert_success(hd_snapshot_read(snapshot, node, buffer, sizeof(buffer) - 1, 0, &size));
	assert_int_equal(size, strlen(text));
	assert_string_equal(buffer, text);
}

static void an_untouched_thread_has_changed_nowhere(void **state)
{
	struct yard *yard = *state;
	uint32_t top = yard_base_add(yard, 0, "top", S_IFDIR | 0755, 0);

	(void)yard_base_add(yard, top, "file", S_IFREG | 0644, 10);
	(void)yard_open(yard);
	assert_nothing_changed(yard->overlay);
	/* Nor by looking at everything. */
	(void)find(yard->overlay, find(yard->overlay, HD_ROOT_INO, "top"), "file");
	assert_nothing_changed(yard->overlay);
}

static void a_snapshot_costs_by_what_changed(void **state)
{
	struct yard *yard = *state;
	struct hd_snapshot *snapshot;
	hd_ino directory = 0;

	(void)yard_open(yard);
	for (int i = 0; i < 60; i++) {
		char name[16];

		snprintf(name, sizeof(name), "d%d", i);
		directory = make_directory(yard->overlay, HD_ROOT_INO, name);
		for (int j = 0; j < 40; j++) {
			snprintf(name, sizeof(name), "f%d", j);
			write_text(yard->overlay, make_file(yard->overlay, directory, name), name);
		}
	}
	publish(take(yard->overlay, true), 1);
	assert_nothing_changed(yard->overlay);
	write_text(yard->overlay, find(yard->overlay, directory, "f7"), "changed");
	snapshot = take(yard->overlay, false);
	/* The root, its 60 directories, and the files of one of them. */
	assert_int_equal(count_nodes(hd_snapshot_root(snapshot)), 1 + 60 + 40);
	assert_true(child(child(hd_snapshot_root(snapshot), "d59"), "f7")->changed);
	assert_false(child(child(hd_snapshot_root(snapshot), "d59"), "f8")->changed);
	assert_false(child(hd_snapshot_root(snapshot), "d0")->changed);
	hd_snapshot_free(snapshot);
}

static void a_node_says_all_of_its_inode(void **state)
{
	struct yard *yard = *state;
	struct hd_attributes attributes;
	struct hd_snapshot_node *root, *node;
	struct hd_snapshot *snapshot;
	hd_ino file;

	(void)yard_open(yard);
	file = make_file(yard->overlay, HD_ROOT_INO, "zz");
	write_text(yard->overlay, file, "text");
	assert_success(hd_overlay_setxattr(yard->overlay, file, "user.a", "b", 1, 0));
	assert_success(hd_overlay_link(yard->overlay, file, HD_ROOT_INO, "aa", &attributes));
	assert_success(hd_overlay_symlink(
		yard->overlay, &yard_caller, HD_ROOT_INO, "link", "where it goes", &attributes));
	snapshot = take(yard->overlay, false);
	root = hd_snapshot_root(snapshot);
	assert_int_equal(root->n_children, 3);
	assert_string_equal(root->children[0].name, "aa");
	assert_string_equal(root->children[2].name, "zz");
	node = &root->children[2];
	assert_true(node->changed && node->unsettled);
	assert_true(node->link_group != 0);
	assert_true(node->link_group == root->children[0].link_group);
	assert_int_equal(node->attributes.size, 4);
	assert_int_equal(node->attributes.nlink, 2);
	assert_true(node->xattrs_size > 0);
	assert_bytes(snapshot, node, "text");
	assert_bytes(snapshot, child(root, "link"), "where it goes");
	assert_success(hd_snapshot_settle(snapshot, child(root, "link")));
	assert_success(hd_snapshot_settle(snapshot, node));
	assert_false(node->unsettled);
	assert_bytes(snapshot, node, "text");
	assert_bytes(snapshot, child(root, "link"), "where it goes");
	hd_snapshot_free(snapshot);
}

static void what_changes_behind_a_snapshot_is_in_the_next(void **state)
{
	struct yard *yard = *state;
	struct hd_snapshot *snapshot;
	hd_ino directory, file;

	(void)yard_open(yard);
	directory = make_directory(yard->overlay, HD_ROOT_INO, "directory");
	file = make_file(yard->overlay, directory, "file");
	write_text(yard->overlay, file, "before");
	snapshot = take(yard->overlay, true);
	/* Settled first, then written: this state has the bytes from before. */
	assert_success(settle_below(snapshot, hd_snapshot_root(snapshot), 1));
	write_text(yard->overlay, file, "behind");
	(void)make_file(yard->overlay, directory, "new");
	assert_null(child(child(hd_snapshot_root(snapshot), "directory"), "new"));
	assert_bytes(snapshot, child(child(hd_snapshot_root(snapshot), "directory"), "file"), "before");
	publish(snapshot, 1);

	snapshot = take(yard->overlay, true);
	assert_true(hd_snapshot_root(snapshot)->changed);
	assert_bytes(snapshot, child(child(hd_snapshot_root(snapshot), "directory"), "file"), "behind");
	assert_non_null(child(child(hd_snapshot_root(snapshot), "directory"), "new"));
	publish(snapshot, 2);
	assert_nothing_changed(yard->overlay);
}

static void a_snapshot_that_is_given_up_changes_nothing(void **state)
{
	struct yard *yard = *state;
	struct hd_snapshot *snapshot;
	struct hd_state_id before, after;

	(void)yard_open(yard);
	write_text(yard->overlay, make_file(yard->overlay, HD_ROOT_INO, "file"), "text");
	hd_overlay_head(yard->overlay, &before);
	snapshot = take(yard->overlay, true);
	hd_snapshot_parent(snapshot, &after);
	assert_true(hd_state_id_equal(&before, &after));
	hd_snapshot_free(snapshot);
	for (int i = 0; i < 3; i++) {
		snapshot = take(yard->overlay, i & 1);
		assert_true(hd_snapshot_root(snapshot)->changed);
		assert_true(child(hd_snapshot_root(snapshot), "file")->changed);
		hd_snapshot_free(snapshot);
		(void)make_directory(yard->overlay, HD_ROOT_INO, i == 0 ? "a" : i == 1 ? "b" : "c");
	}
	hd_overlay_head(yard->overlay, &after);
	assert_true(hd_state_id_equal(&before, &after));
	snapshot = take(yard->overlay, true);
	assert_int_equal(hd_snapshot_root(snapshot)->n_children, 4);
	publish(snapshot, 3);
	hd_overlay_head(yard->overlay, &after);
	assert_int_equal(after.bytes[0], 3);
	assert_nothing_changed(yard->overlay);
}

static void a_file_unlinked_behind_a_snapshot_can_still_be_settled(void **state)
{
	struct yard *yard = *state;
	struct hd_overlay_counters counters;
	struct hd_attributes attributes;
	struct hd_snapshot *snapshot;
	hd_ino file;

	(void)yard_open(yard);
	file = make_file(yard->overlay, HD_ROOT_INO, "file");
	write_text(yard->overlay, file, "last words");
	assert_success(
		hd_overlay_symlink(yard->overlay, &yard_caller, HD_ROOT_INO, "link", "target", &attributes));
	snapshot = take(yard->overlay, true);
	assert_success(hd_overlay_unlink(yard->overlay, HD_ROOT_INO, "file"));
	assert_success(hd_overlay_unlink(yard->overlay, HD_ROOT_INO, "link"));
	hd_overlay_forget(yard->overlay, attributes.ino, 1);
	assert_success(hd_overlay_release(yard->overlay, file));
	hd_overlay_forget(yard->overlay, file, 1);
	hd_overlay_counters(yard->overlay, &counters);
	assert_int_equal(counters.orphans, 2);
	/* Its record must not be given to somebody else meanwhile. */
	write_text(yard->overlay, make_file(yard->overlay, HD_ROOT_INO, "other"), "others' words");
	assert_success(hd_snapshot_settle(snapshot, child(hd_snapshot_root(snapshot), "file")));
	assert_bytes(snapshot, child(hd_snapshot_root(snapshot), "file"), "last words");
	assert_bytes(snapshot, child(hd_snapshot_root(snapshot), "link"), "target");
	publish(snapshot, 1);
	hd_overlay_counters(yard->overlay, &counters);
	assert_int_equal(counters.orphans, 0);
	assert_int_equal(hd_overlay_getattr(yard->overlay, file, &attributes), -ESTALE);
	/* The next one knows that they are gone. */
	snapshot = take(yard->overlay, true);
	assert_true(hd_snapshot_root(snapshot)->changed);
	assert_null(child(hd_snapshot_root(snapshot), "file"));
	hd_snapshot_free(snapshot);
}

static void a_clean_directory_that_is_renamed_stays_a_reference(void **state)
{
	struct yard *yard = *state;
	uint32_t top = yard_base_add(yard, 0, "top", S_IFDIR | 0755, 0);
	struct hd_snapshot_node *node;
	struct hd_snapshot *snapshot;

	(void)yard_base_add(
		yard, yard_base_add(yard, top, "below", S_IFDIR | 0755, 0), "file", S_IFREG | 0644, 10);
	(void)yard_open(yard);
	(void)find(yard->overlay, HD_ROOT_INO, "top");
	assert_success(hd_overlay_rename(yard->overlay, HD_ROOT_INO, "top", HD_ROOT_INO, "moved", 0));
	snapshot = take(yard->overlay, true);
	assert_int_equal(hd_snapshot_root(snapshot)->n_children, 1);
	node = child(hd_snapshot_root(snapshot), "moved");
	assert_non_null(node);
	/* What is below it is not walked, loaded or not. */
	for (size_t i = 0; i < node->n_children; i++) {
		assert_int_equal(node->children[i].n_children, 0);
		assert_int_equal(node->children[i].content.kind, HD_CONTENT_GIT);
	}
	publish(snapshot, 1);
	assert_nothing_changed(yard->overlay);
}

static void an_attribute_alone_is_a_change(void **state)
{
	struct yard *yard = *state;
	uint32_t top = yard_base_add(yard, 0, "top", S_IFDIR | 0755, 0);
	struct hd_attributes values = {.mode = 0700}, seen;
	struct hd_snapshot *snapshot;
	hd_ino directory, file;

	(void)yard_base_add(yard, top, "file", S_IFREG | 0644, 10);
	(void)yard_open(yard);
	directory = find(yard->overlay, HD_ROOT_INO, "top");
	file = find(yard->overlay, directory, "file");
	assert_success(hd_overlay_setattr(yard->overlay, &yard_caller, file, HD_SET_MODE, &values, &seen));
	snapshot = take(yard->overlay, true);
	assert_true(child(hd_snapshot_root(snapshot), "top")->changed);
	assert_false(child(child(hd_snapshot_root(snapshot), "top"), "file")->unsettled);
	assert_int_equal(
		child(child(hd_snapshot_root(snapshot), "top"), "file")->content.kind, HD_CONTENT_GIT);
	publish(snapshot, 1);
	assert_nothing_changed(yard->overlay);
	assert_success(hd_overlay_setxattr(yard->overlay, directory, "user.x", "y", 1, 0));
	snapshot = take(yard->overlay, true);
	assert_true(child(hd_snapshot_root(snapshot), "top")->changed);
	publish(snapshot, 2);
	assert_nothing_changed(yard->overlay);
}

static void every_name_of_a_linked_file_leads_a_snapshot_to_its_change(void **state)
{
	struct yard *yard = *state;
	struct hd_attributes attributes;
	struct hd_snapshot *snapshot;
	hd_ino a, b, file;

	(void)yard_open(yard);
	a = make_directory(yard->overlay, HD_ROOT_INO, "a");
	b = make_directory(yard->overlay, HD_ROOT_INO, "b");
	file = make_file(yard->overlay, a, "one");
	assert_success(hd_overlay_link(yard->overlay, file, b, "two", &attributes));
	publish(take(yard->overlay, true), 1);
	write_text(yard->overlay, file, "through any name");
	snapshot = take(yard->overlay, true);
	assert_true(child(hd_snapshot_root(snapshot), "a")->changed);
	assert_true(child(hd_snapshot_root(snapshot), "b")->changed);
	publish(snapshot, 2);
	/* And a name less is a change where the others are. */
	assert_success(hd_overlay_unlink(yard->overlay, a, "one"));
	snapshot = take(yard->overlay, true);
	assert_true(child(hd_snapshot_root(snapshot), "b")->changed);
	publish(snapshot, 3);
	assert_nothing_changed(yard->overlay);
}

static void marks_and_barrier_survive_a_reopening(void **state)
{
	struct yard *yard = *state;
	struct hd_snapshot *snapshot;
	struct hd_state state_of_base;
	struct hd_thread thread;

	(void)yard_open(yard);
	write_text(yard->overlay,
		make_file(yard->overlay, make_directory(yard->overlay, HD_ROOT_INO, "d"), "f"), "x");
	/* The store knows no made-up state, so the thread's own is published again. */
	assert_success(hd_index_get_thread(yard->store->index, "main", &thread));
	assert_success(hd_index_get_state(yard->store->index, &thread.head, &state_of_base));
	snapshot = take(yard->overlay, true);
	assert_success(settle_below(snapshot, hd_snapshot_root(snapshot), 1));
	assert_success(hd_snapshot_publish(snapshot, &thread.head));
	hd_snapshot_free(snapshot);
	assert_nothing_changed(yard->overlay);
	(void)yard_reopen(yard);
	assert_nothing_changed(yard->overlay);
	write_text(yard->overlay, find(yard->overlay, find(yard->overlay, HD_ROOT_INO, "d"), "f"), "y");
	(void)yard_reopen(yard);
	snapshot = take(yard->overlay, true);
	assert_true(child(hd_snapshot_root(snapshot), "d")->changed);
	hd_snapshot_free(snapshot);
	hd_state_clear(&state_of_base);
	hd_thread_clear(&thread);
}

static void a_huge_hole_is_stored_in_no_time(void **state)
{
	struct yard *yard = *state;
	struct hd_attributes values = {.size = ((uint64_t)1 << 37) + 5};
	struct hd_snapshot *snapshot;
	hd_ino sparse, endless;
	uint8_t bytes[8] = {0};
	uint64_t start;
	size_t size;

	(void)yard_open(yard);
	sparse = make_file(yard->overlay, HD_ROOT_INO, "sparse");
	assert_success(hd_overlay_write(yard->overlay, sparse, "middle", 6, (uint64_t)1 << 36, &size));
	assert_success(
		hd_overlay_setattr(yard->overlay, &yard_caller, sparse, HD_SET_SIZE, &values, &values));
	snapshot = take(yard->overlay, true);
	start = hd_clock_monotonic_ns();
	assert_success(hd_snapshot_settle(snapshot, child(hd_snapshot_root(snapshot), "sparse")));
	assert_true(hd_clock_monotonic_ns() - start < 10000000000u);
	assert_success(hd_snapshot_read(snapshot, child(hd_snapshot_root(snapshot), "sparse"), bytes, 8,
		((uint64_t)1 << 36) - 1, &size));
	assert_int_equal(size, 8);
	assert_memory_equal(bytes, "\0middle\0", 8);
	hd_snapshot_free(snapshot);
	/* Nor does one without an end to speak of cost more. */
	endless = make_file(yard->overlay, HD_ROOT_INO, "endless");
	values.size = (uint64_t)1 << 60;
	assert_success(
		hd_overlay_setattr(yard->overlay, &yard_caller, endless, HD_SET_SIZE, &values, &values));
	snapshot = take(yard->overlay, true);
	assert_success(hd_snapshot_settle(snapshot, child(hd_snapshot_root(snapshot), "endless")));
	assert_success(hd_snapshot_read(snapshot, child(hd_snapshot_root(snapshot), "endless"), bytes, 8,
		((uint64_t)1 << 60) - 3, &size));
	assert_int_equal(size, 3);
	assert_int_equal(bytes[0], 0);
	hd_snapshot_free(snapshot);
	(void)yard_reopen(yard);
	assert_true(attributes_of(yard->overlay, find(yard->overlay, HD_ROOT_INO, "endless")).size ==
		    (uint64_t)1 << 60);
}

/* ---- with writers beside it ---- */

#define WRITERS 3
#define WRITER_FILES 20

struct writer {
	struct hd_overlay *overlay;
	hd_ino directory, files[WRITER_FILES];
	uint64_t seed, last[WRITER_FILES];
	atomic_bool *stop;
	pthread_t thread;
};

/* Every file is always one number, repeated over its whole length of a page and a half. */
static void *write_numbers(void *payload)
{
	struct writer *writer = payload;
	uint64_t bytes[768], number = 0;
	size_t size;

	while (!atomic_load(writer->stop)) {
		unsigned i = draw(&writer->seed) % WRITER_FILES;

		number++;
		for (size_t at = 0; at < 768; at++)
			bytes[at] = number;
		if (hd_overlay_write(writer->overlay, writer->files[i], bytes, sizeof(bytes), 0, &size) < 0)
			return writer;
		writer->last[i] = number;
	}
	return NULL;
}

/* The numbers of a captured file never go back, and a file is never half one and half the other. */
static void take_numbers(
	struct hd_snapshot *snapshot, struct hd_snapshot_node *directory, uint64_t numbers[WRITER_FILES])
{
	for (unsigned i = 0; i < WRITER_FILES; i++) {
		uint64_t bytes[768];
		char name[16];
		struct hd_snapshot_node *node;
		size_t size = 0;

		snprintf(name, sizeof(name), "f%u", i);
		node = child(directory, name);
		assert_non_null(node);
		assert_success(hd_snapshot_read(snapshot, node, bytes, sizeof(bytes), 0, &size));
		if (size == 0)
			continue;
		assert_int_equal(size, sizeof(bytes));
		for (size_t at = 1; at < 768; at++)
			assert_true(bytes[at] == bytes[0]);
		assert_true(bytes[0] >= numbers[i]);
		numbers[i] = bytes[0];
	}
}

static void captures_beside_writers_lose_nothing_and_take_nothing_half(void **state)
{
	struct yard *yard = *state;
	struct hd_overlay_options options = yard_options(yard);
	struct writer writers[WRITERS];
	uint64_t numbers[WRITERS][WRITER_FILES] = {0};
	uint64_t end = hd_clock_monotonic_ns() + 2000000000u;
	atomic_bool stop = false;
	unsigned captures = 0;
	char name[16];

	options.background = true;
	options.promote_idle_ms = 2;
	options.flush_interval_ms = 50;
	(void)yard_open_with(yard, &options);
	for (unsigned w = 0; w < WRITERS; w++) {
		snprintf(name, sizeof(name), "d%u", w);
		writers[w] = (struct writer){.overlay = yard->overlay,
			.directory = make_directory(yard->overlay, HD_ROOT_INO, name),
			.seed = w + 1,
			.stop = &stop};
		for (unsigned i = 0; i < WRITER_FILES; i++) {
			snprintf(name, sizeof(name), "f%u", i);
			writers[w].files[i] = make_file(yard->overlay, writers[w].directory, name);
		}
		assert_int_equal(pthread_create(&writers[w].thread, NULL, write_numbers, &writers[w]), 0);
	}
	for (bool last = false; !last;) {
		struct hd_snapshot *snapshot;

		last = hd_clock_monotonic_ns() >= end;
		if (last) {
			void *failure = NULL;

			atomic_store(&stop, true);
			for (unsigned w = 0; w < WRITERS; w++) {
				assert_int_equal(pthread_join(writers[w].thread, &failure), 0);
				assert_null(failure);
			}
		}
		snapshot = take(yard->overlay, true);
		assert_success(settle_below(snapshot, hd_snapshot_root(snapshot), (uint8_t)captures));
		for (unsigned w = 0; w < WRITERS; w++) {
			struct hd_snapshot_node *node;

			snprintf(name, sizeof(name), "d%u", w);
			node = child(hd_snapshot_root(snapshot), name);
			if (node && node->changed)
				take_numbers(snapshot, node, numbers[w]);
		}
		publish(snapshot, (uint8_t)captures++);
	}
	/* What was written last is in some capture. */
	for (unsigned w = 0; w < WRITERS; w++)
		for (unsigned i = 0; i < WRITER_FILES; i++)
			assert_true(numbers[w][i] == writers[w].last[i]);
	assert_nothing_changed(yard->overlay);
	print_message("%u captures\n", captures);
	assert_true(captures > 2);
}

/* More ancestors than a transaction has room for are marked by the first change after a capture. */
static void a_change_below_30000_directories_is_captured(void **state)
{
	struct yard *yard = *state;
	struct hd_overlay *overlay = yard_open(yard);
	struct hd_snapshot *snapshot;
	struct hd_snapshot_node *node;
	hd_ino directory = HD_ROOT_INO, half = 0;
	struct hd_attributes link;

	for (int level = 0; level < 30000; level++) {
		directory = make_directory(overlay, directory, "d");
		if (level == 15000)
			half = directory;
	}
	for (uint8_t round = 1; round <= 2; round++) {
		publish(take(overlay, true), round);
		assert_nothing_changed(overlay);
		if (round == 1)
			(void)make_file(overlay, directory, "file");
		else
			assert_success(hd_overlay_rename(overlay, directory, "file", half, "file", 0));
		snapshot = take(overlay, false);
		node = hd_snapshot_root(snapshot);
		for (int level = 0; level < 30000; level++) {
			assert_true(node->changed);
			node = child(node, "d");
			assert_non_null(node);
		}
		assert_true(node->changed);
		assert_int_equal(child(node, "file") != NULL, round == 1);
		hd_snapshot_free(snapshot);
	}
	assert_success(hd_overlay_lookup(overlay, half, "file", &link));
	assert_int_equal(link.nlink, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, yard_setup, yard_teardown)
#define BASE_TEST(name) cmocka_unit_test_setup_teardown(name, yard_setup_over_base, yard_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BASE_TEST(an_untouched_thread_has_changed_nowhere),
		TEST(a_snapshot_costs_by_what_changed),
		TEST(a_node_says_all_of_its_inode),
		TEST(what_changes_behind_a_snapshot_is_in_the_next),
		TEST(a_snapshot_that_is_given_up_changes_nothing),
		TEST(a_file_unlinked_behind_a_snapshot_can_still_be_settled),
		BASE_TEST(a_clean_directory_that_is_renamed_stays_a_reference),
		BASE_TEST(an_attribute_alone_is_a_change),
		TEST(every_name_of_a_linked_file_leads_a_snapshot_to_its_change),
		TEST(marks_and_barrier_survive_a_reopening),
		TEST(a_huge_hole_is_stored_in_no_time),
		TEST(captures_beside_writers_lose_nothing_and_take_nothing_half),
		TEST(a_change_below_30000_directories_is_captured),
	};

	return cmocka_run_group_tests_name("snapshots", tests, NULL, NULL);
}
