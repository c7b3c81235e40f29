/* SPDX-License-Identifier: Apache-2.0 */

#include "overlay/check/check.h"
#include "overlay/platform/buffer.h"
#include "overlay/store/tree_codec.h"
#include "tests/unit/overlay/tale.h"

/* A sound store has nothing wrong with it, whatever was done in it; each kind of damage is named. */

struct findings {
	struct hd_check_report report;
	char text[16384]; /* all of them, a line each */
};

static void note(enum hd_check_kind kind, const char *text, void *payload)
{
	struct findings *findings = payload;
	size_t used = strlen(findings->text);

	snprintf(findings->text + used, sizeof(findings->text) - used, "%s %s\n",
		kind == HD_CHECK_PROBLEM ? "PROBLEM" : "remark", text);
}

static struct findings check(struct yard *yard)
{
	struct findings findings = {.text = ""};

	yard_reopen_store(yard);
	assert_success(hd_store_check(yard->store, note, &findings, &findings.report));
	return findings;
}

static void assert_sound(struct yard *yard)
{
	struct findings findings = check(yard);

	if (findings.report.problems || findings.report.remarks)
		fail_msg("a sound store has: %s", findings.text);
}

static void assert_problem(struct yard *yard, const char *pattern)
{
	struct findings findings = check(yard);

	if (!findings.report.problems || !strstr(findings.text, "PROBLEM") || !strstr(findings.text, pattern))
		fail_msg("no problem '%s' but: %s", pattern, findings.text);
}

/* "<store>/<name>". */
static void path_of(const struct yard *yard, const char *name, char path[PATH_MAX])
{
	assert_true(snprintf(path, PATH_MAX, "%s/%s", yard->path, name) < PATH_MAX);
}

/* A state whose tree holds one file of TEXT; the thread moves to it. */
static struct hd_content publish(struct yard *yard, const char *text)
{
	struct hd_tree_entry entry = {
		.name = "file", .name_length = 4, .mode = 0100644, .size = strlen(text)};
	struct hd_buffer bytes = {0};
	struct hd_state state = {.author = (char *)"A <a@b>", .message = (char *)"one", .root_mode = 0755};
	struct hd_thread thread;

	assert_success(hd_index_get_thread(yard->store->index, "main", &thread));
	assert_success(hd_object_store_put(yard->store->objects, text, strlen(text), &entry.content));
	assert_success(hd_tree_encode(&entry, 1, &bytes));
	assert_success(hd_object_store_put(yard->store->objects, bytes.data, bytes.size, &state.tree));
	assert_success(hd_object_store_sync(yard->store->objects));
	state.parents = &thread.head;
	state.n_parents = 1;
	assert_success(hd_index_publish(yard->store->index, &state, "main", &thread.head));
	hd_buffer_clear(&bytes);
	hd_thread_clear(&thread);
	return entry.content;
}

static void object_file(struct yard *yard, const struct hd_content *content, char path[PATH_MAX])
{
	int used = snprintf(path, PATH_MAX, "%s/objects/", yard->path);

	for (int i = 0; i < 16; i++)
		used += snprintf(
			path + used, (size_t)(PATH_MAX - used), i == 1 ? "/%02x" : "%02x", content->bytes[i]);
}

static void flip(const char *path, off_t offset)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char byte;

	if (fd < 0) {
		assert_int_equal(chmod(path, 0600), 0);
		fd = open(path, O_RDWR | O_CLOEXEC);
	}
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, offset), 1);
	byte = (char)(byte ^ 0x10);
	assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
	(void)close(fd);
}

/* ---- sound ---- */

static void a_new_store_is_sound(void **state)
{
	assert_sound(*state);
}

static void a_store_is_sound_whatever_was_done(void **state)
{
	struct yard *yard = *state;
	struct tale tale;
	struct findings findings;

	tale_begin(&tale, yard_seed());
	(void)yard_open(yard);
	tale_make_directories(yard->overlay);
	for (int round = 0; round < (YARD_IS_SLOW ? 3 : 8); round++) {
		for (int i = 0; i < 150; i++)
			tale_step(&tale, yard->overlay);
		yard_close(yard);
		findings = check(yard);
		if (findings.report.problems)
			fail_msg("round %d: %s", round, findings.text);
		assert_int_equal(findings.report.threads, 1);
		assert_true(findings.report.inodes > TALE_DIRECTORIES);
		(void)yard_open(yard);
	}
	yard_close(yard);
	tale_end(&tale);
}

static void a_mounted_thread_can_be_checked(void **state)
{
	struct yard *yard = *state;
	struct hd_overlay *overlay = yard_open(yard);
	struct findings findings = {.text = ""};

	write_text(overlay, make_file(overlay, HD_ROOT_INO, "file"), "text");
	assert_success(hd_overlay_sync(overlay));
	assert_success(hd_store_check(yard->store, note, &findings, &findings.report));
	assert_int_equal(findings.report.problems, 0);
	assert_int_equal(findings.report.inodes, 2);
	yard_close(yard);
}

/* ---- not sound ---- */

static void settle(struct yard *yard)
{
	assert_success(hd_object_store_settle(yard->store->objects, 0));
}

static void a_changed_recent_object_is_a_problem_when_something_names_it(void **state)
{
	struct yard *yard = *state;
	char path[PATH_MAX];

	(void)publish(yard, "named");
	assert_sound(yard);
	path_of(yard, "recent/1", path);
	/* The first record's bytes, and then its header. */
	flip(path, 32 + 40 + 2);
	assert_problem(yard, "'file': the bytes of object");
	flip(path, 32 + 1);
	assert_problem(yard, "is not in the store");
	assert_int_equal(unlink(path), 0);
	assert_problem(yard, "is not in the store");
}

static void a_changed_object_is_a_problem_when_something_names_it(void **state)
{
	struct yard *yard = *state;
	struct hd_content named = publish(yard, "named"), loose;
	char path[PATH_MAX];

	assert_sound(yard);
	assert_success(hd_object_store_put(yard->store->objects, "loose", 5, &loose));
	settle(yard);
	object_file(yard, &loose, path);
	flip(path, 2);
	assert_int_equal(check(yard).report.problems, 0);
	assert_int_equal(check(yard).report.remarks, 1);
	object_file(yard, &named, path);
	flip(path, 2);
	assert_problem(yard, "'file': the bytes of object");
}

static void a_missing_object_is_a_problem(void **state)
{
	struct yard *yard = *state;
	struct hd_content content = publish(yard, "bytes");
	char path[PATH_MAX];

	settle(yard);
	object_file(yard, &content, path);
	assert_int_equal(unlink(path), 0);
	assert_problem(yard, "is not in the store");
}

static void a_changed_checkpoint_is_a_problem(void **state)
{
	struct yard *yard = *state;
	char path[PATH_MAX];

	(void)yard_open(yard);
	yard_close(yard);
	assert_sound(yard);
	yard_thread_path(yard, "journal", path);
	flip(path, 200);
	assert_problem(yard, "thread 'main': the journal's checkpoint does not verify");
}

static void content_of_an_overlay_must_be_there(void **state)
{
	struct yard *yard = *state;
	struct hd_overlay *overlay;
	struct hd_content content = publish(yard, "bytes");
	char path[PATH_MAX];

	settle(yard);
	overlay = yard_open(yard);
	(void)find(overlay, HD_ROOT_INO, "file");
	write_text(overlay, make_file(overlay, HD_ROOT_INO, "other"), "other");
	yard_close(yard);
	object_file(yard, &content, path);
	assert_int_equal(unlink(path), 0);
	assert_problem(yard, "thread 'main': inode");
}

static void strangers_are_remarked(void **state)
{
	struct yard *yard = *state;
	char path[PATH_MAX];
	FILE *file;

	path_of(yard, "objects/.heddle-new-0123456789abcdef", path);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	path_of(yard, "stranger", path);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(check(yard).report.problems, 0);
	assert_int_equal(check(yard).report.remarks, 2);
}

static void a_damaged_index_is_a_problem(void **state)
{
	struct yard *yard = *state;
	char path[PATH_MAX], command[2 * PATH_MAX];

	/* Written behind SQLite's back, where its own cells are; a checkpoint brings all pages into the file first. */
	hd_store_free(yard->store);
	yard->store = NULL;
	path_of(yard, "index.db", path);
	snprintf(command, sizeof(command),
		"python3 -c 'import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute(\"PRAGMA "
		"foreign_keys=off\"); "
		"c.execute(\"UPDATE thread SET base = zeroblob(16)\"); c.commit()' %s",
		path);
	assert_int_equal(system(command), 0);
	assert_problem(yard, "refers to a state that is not there");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, yard_setup, yard_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_store_is_sound),
		TEST(a_store_is_sound_whatever_was_done),
		TEST(a_mounted_thread_can_be_checked),
		TEST(a_changed_recent_object_is_a_problem_when_something_names_it),
		TEST(a_changed_object_is_a_problem_when_something_names_it),
		TEST(a_missing_object_is_a_problem),
		TEST(a_changed_checkpoint_is_a_problem),
		TEST(content_of_an_overlay_must_be_there),
		TEST(strangers_are_remarked),
		TEST(a_damaged_index_is_a_problem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
