/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "overlay/snapshot.h"
#include "tests/unit/overlay/yard.h"

/* How long programs have to wait for a capture: while a snapshot is taken, and while it is published. */

/* Gives all files in directories of the root a content, and the directories made-up ones; counts the files. */
static int settle(struct hd_snapshot *snapshot, uint8_t number)
{
	struct hd_snapshot_node *root = hd_snapshot_root(snapshot);
	int files = 0;

	for (size_t i = 0; i < root->n_children; i++) {
		struct hd_snapshot_node *directory = &root->children[i];

		for (size_t k = 0; k < directory->n_children; k++, files++)
			assert_success(hd_snapshot_settle(snapshot, &directory->children[k]));
		directory->content = (struct hd_content){.kind = HD_CONTENT_OBJECT, .length = 20};
		memset(directory->content.bytes, number, 20);
	}
	root->content = (struct hd_content){.kind = HD_CONTENT_OBJECT, .length = 20};
	memset(root->content.bytes, number, 20);
	return files;
}

static uint64_t cpu_ns(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/*
 * The time on the processor is what does not depend on what else
 * the machine does, and it is far below the 10 ms that are promised, also with the checks of a debug build.
 */
static void a_thousand_changed_files_are_a_short_pause(void **state)
{
	enum { FILES = 1000, DIRECTORIES = 10, ROUNDS = 5, LIMIT_NS = 10000000 };
	struct yard *yard = *state;
	struct hd_overlay *overlay = yard_open(yard);
	uint64_t taken = UINT64_MAX, published = UINT64_MAX;
	hd_ino directories[DIRECTORIES], files[FILES];
	char name[32];

	for (int i = 0; i < DIRECTORIES; i++) {
		snprintf(name, sizeof(name), "d%d", i);
		directories[i] = make_directory(overlay, HD_ROOT_INO, name);
	}
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		files[i] = make_file(overlay, directories[i % DIRECTORIES], name);
	}
	for (uint8_t round = 1; round <= ROUNDS; round++) {
		struct hd_snapshot *snapshot;
		struct hd_state_id id;
		uint64_t begun, took;

		for (int i = 0; i < FILES; i++)
			write_text(overlay, files[i], round % 2 ? "odd" : "even");
		begun = cpu_ns();
		assert_success(hd_snapshot_take(overlay, true, &snapshot));
		took = cpu_ns() - begun;
		taken = took < taken ? took : taken;
		assert_int_equal(settle(snapshot, round), FILES);
		memset(id.bytes, round, sizeof(id.bytes));
		begun = cpu_ns();
		assert_success(hd_snapshot_publish(snapshot, &id));
		took = cpu_ns() - begun;
		published = took < published ? took : published;
		hd_snapshot_free(snapshot);
	}
	print_message("taken in %llu us, published in %llu us\n", (unsigned long long)taken / 1000,
		(unsigned long long)published / 1000);
	assert_true(taken < LIMIT_NS * (YARD_IS_SLOW ? 20 : 1));
	assert_true(published < LIMIT_NS * (YARD_IS_SLOW ? 20 : 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_thousand_changed_files_are_a_short_pause, yard_setup, yard_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
