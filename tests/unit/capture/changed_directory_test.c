/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Directories that somebody changes while they are imported, or exported to: between any two steps of the work the change is
 * made, once for each. What is imported is what was there at one time, or nothing; what is exported goes nowhere else.
 */

#include "capture/archive/directory_reader.h"
#include "capture/archive/export_directory.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/threads/work.h"
#include "tests/unit/capture/scene.h"

#define LARGE (3u << 19) /* more than a piece */

/* The change, and before which step. */
struct plan {
	const struct scene *scene;
	const char *change; /* a shell command */
	unsigned left;
	bool done;
};

static bool act(struct hd_work *work, void *payload)
{
	struct plan *plan = payload;

	/* At the next step again, other than for people, who are content with ten times a second. */
	work->next_look_ns = 0;
	if (!plan->done && plan->left-- == 0) {
		plan->done = true;
		scene_run(plan->scene, "%s", plan->change);
	}
	return false;
}

static int import(const struct scene *scene, struct plan *plan, struct hd_archive_tree *tree)
{
	char path[128];
	struct hd_work work = {0};
	struct hd_directory_import source;
	struct hd_import_counts counts;
	int r;

	(void)snprintf(path, sizeof(path), "%s/moving", scene->directory);
	source.root_fd = hd_directory_open(AT_FDCWD, path);
	assert_true(source.root_fd >= 0);
	assert_success(hd_archive_tree_begin(tree, 0));
	hd_work_begin(&work, act, plan);
	work.next_look_ns = 0;
	r = hd_directory_import(scene->store, &source, tree, &counts);
	hd_work_end();
	hd_cleanup_close(&source.root_fd);
	return r;
}

/* Each file of the tree has one kind of byte: torn ones have two. */
static void check_whole(const struct scene *scene, const struct hd_archive_tree *tree)
{
	char *bytes = malloc(2 * LARGE);

	assert_non_null(bytes);
	for (size_t i = 0; i < tree->n_files; i++) {
		const struct hd_archive_file *file = &tree->files[i];
		size_t got = 0;

		if (!S_ISREG(file->mode) || file->links == 0 || file->size == 0)
			continue;
		assert_true(file->size <= 2 * LARGE);
		assert_success(hd_object_store_read(
			scene->store->objects, &file->content, bytes, 2 * LARGE, 0, &got));
		assert_int_equal(got, file->size);
		for (size_t at = 1; at < got; at++)
			assert_int_equal(bytes[at], bytes[0]);
		/* "s" is the secret outside. */
		assert_int_not_equal(bytes[0], 's');
	}
	free(bytes);
}

static void what_is_imported_was_there_at_one_time(void **state)
{
	static const char *const changes[] = {
		"printf 'n%.0s' 1 2 3 > moving/small",
		"cat new-large > moving/large",
		"cp new-large new; mv new moving/large",
		"printf nnn > moving/large",
		"rm moving/sub/file; ln -s ../../outside/secret moving/sub/file",
		"mv moving/sub gone; ln -s ../outside moving/sub",
		"mv moving/large gone; mkdir moving/large",
		"mv moving/small gone; mkfifo moving/small",
		"touch moving/more",
	};
	struct scene *scene = *state;

	scene_make_repository(scene);
	scene_initialize(scene, "repo");
	scene_run(scene,
		"mkdir -p outside kept/sub; printf sss > outside/secret; cp outside/secret outside/file; "
		"printf ooo > kept/small; cp kept/small kept/sub/file; "
		"head -c %u /dev/zero | tr '\\0' o > kept/large; tr o n < kept/large > new-large",
		LARGE);
	for (size_t i = 0; i < HD_ARRAY_SIZE(changes); i++) {
		unsigned refused = 0, step = 0;
		bool reached = true;

		for (; reached; step++) {
			struct plan plan = {.scene = scene, .change = changes[i], .left = step};
			struct hd_archive_tree tree;
			int r;

			scene_run(scene, "rm -rf moving gone; cp -r kept moving");
			r = import(scene, &plan, &tree);
			reached = plan.done;
			if (r < 0)
				assert_code(r, -HD_E_IMPORT_CHANGED);
			else
				check_whole(scene, &tree);
			refused += r < 0;
			assert_true(reached || r == 0);
			hd_archive_tree_clear(&tree);
		}
		assert_true(step > 5);
		assert_true(refused > 0);
	}
}

static void what_is_exported_goes_nowhere_else(void **state)
{
	static const char *const changes[] = {
		"cd out; for d in src docs; do [ ! -d $d ] || { mv $d ../gone-$d; ln -s ../outside $d; }; "
		"done; "
		"for f in README; do [ ! -f $f ] || { rm $f; ln -s ../outside/file $f; }; done",
		"cd out; for d in src/deep; do [ ! -d $d ] || { mv $d ../gone; ln -s ../../outside $d; }; "
		"done; "
		"[ -e README ] || ln ../outside/file README; [ -e src ] || ln -s ../outside src",
	};
	struct scene *scene = *state;
	char path[128];

	scene_make_repository(scene);
	scene_initialize(scene, "repo");
	(void)snprintf(path, sizeof(path), "%s/out", scene->directory);
	for (size_t i = 0; i < HD_ARRAY_SIZE(changes); i++) {
		bool reached = true;
		unsigned step = 0;

		for (; reached; step++) {
			struct plan plan = {.scene = scene, .change = changes[i], .left = step};
			struct hd_directory_writer_result result;
			struct hd_directory_export export = {
				.store = scene->store, .bases = scene->bases, .state = &scene->base};
			struct hd_work work = {0};
			HD_AUTO_CLOSE int fd = -1;

			scene_run(scene, "rm -rf out gone* outside; mkdir -m 755 out outside; echo kept > "
					 "outside/file; "
					 "chmod 640 outside/file; touch -d 2001-01-01 outside/file outside");
			fd = hd_directory_open(AT_FDCWD, path);
			assert_true(fd >= 0);
			hd_work_begin(&work, act, &plan);
			work.next_look_ns = 0;
			export.root_fd = fd;
			(void)hd_export_directory(&export, &result);
			hd_work_end();
			reached = plan.done;
			scene_assert_output(scene, "755 2001-01-01\n640 2001-01-01\nfile\nkept\n",
				"stat -c '%%a %%.10y' outside outside/file; ls -A outside; cat outside/file");
		}
		assert_true(step > 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_is_imported_was_there_at_one_time, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(
			what_is_exported_goes_nowhere_else, scene_setup, scene_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
