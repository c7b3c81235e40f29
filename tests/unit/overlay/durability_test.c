/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "overlay/journal/journal_format.h"
#include "overlay/platform/files/file.h"
#include "tests/unit/overlay/tale.h"

/*
 * What survives a power cut. The overlay's memory is gone with the process that had it, so a child that works, syncs
 * and ends without closing leaves what a machine without power leaves, but for what the disk itself forgets.
 */

static uint64_t journal_size(const struct yard *yard)
{
	char path[PATH_MAX];
	struct stat st;

	yard_thread_path(yard, "journal", path);
	return stat(path, &st) < 0 ? 0 : (uint64_t)st.st_size;
}

/* Runs BODY in a child that has a store of its own, as any other process would. */
static void in_another_process(
	struct yard *yard, void (*body)(struct yard *yard, void *payload), void *payload)
{
	pid_t child;
	int status;

	(void)fflush(NULL);
	child = fork();
	if (child == 0) {
		if (hd_store_open(yard->path, &yard->store) < 0)
			_exit(2);
		body(yard, payload);
		_exit(0);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

struct plot {
	struct tale tale;
	unsigned synced, lost; /* steps before and behind the sync */
};

static void live_and_sync(struct yard *yard, void *payload)
{
	struct plot *plot = payload;

	(void)yard_open(yard);
	if (plot->tale.steps == 0)
		tale_make_directories(yard->overlay);
	for (unsigned i = 0; i < plot->synced; i++) {
		tale_step(&plot->tale, yard->overlay);
		if (i % 37 == 0)
			assert_success(hd_overlay_fsync(yard->overlay, HD_ROOT_INO, false));
	}
	assert_success(hd_overlay_sync(yard->overlay));
	for (unsigned i = 0; i < plot->lost; i++)
		tale_step(&plot->tale, yard->overlay);
}

static void everything_synced_survives_and_nothing_else_is_seen(void **state)
{
	struct yard *yard = *state;
	struct plot plot = {.lost = 0};
	uint64_t seed;

	tale_begin(&plot.tale, yard_seed());
	seed = plot.tale.seed;
	for (int round = 0; round < (YARD_IS_SLOW ? 4 : 12); round++) {
		plot.synced = 1 + (unsigned)(draw(&seed) % 60);
		plot.lost = (unsigned)(draw(&seed) % 20);
		in_another_process(yard, live_and_sync, &plot);
		for (unsigned i = 0; i < plot.synced; i++)
			tale_step(&plot.tale, NULL);
		(void)yard_open(yard);
		tale_compare(&plot.tale, yard->overlay, plot.tale.steps, false);
		/* Half of the rounds go on from a closed overlay, half from a second power cut. */
		if (round & 1)
			yard_close(yard);
		else {
			(void)yard_reopen(yard);
			tale_compare(&plot.tale, yard->overlay, plot.tale.steps, false);
			yard_close(yard);
		}
	}
	tale_end(&plot.tale);
}

/* ---- torn ends ---- */

static void copy_journal(const struct yard *yard, const char *to, uint64_t size)
{
	char from_path[PATH_MAX], to_path[PATH_MAX];
	char *bytes = malloc(size + 1);
	int fd;

	yard_thread_path(yard, "journal", from_path);
	yard_thread_path(yard, to, to_path);
	assert_non_null(bytes);
	fd = open(strcmp(to, "kept") == 0 ? from_path : to_path, O_RDONLY | O_CLOEXEC);
	if (strcmp(to, "kept") != 0) {
		(void)close(fd);
		yard_thread_path(yard, "kept", from_path);
		fd = open(from_path, O_RDONLY | O_CLOEXEC);
	}
	assert_true(fd >= 0);
	assert_true(pread(fd, bytes, size, 0) == (ssize_t)size);
	(void)close(fd);
	fd = open(to_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_true(write(fd, bytes, size) == (ssize_t)size);
	(void)close(fd);
	free(bytes);
}

struct sizes {
	uint64_t before, after;
};

static void write_two_epochs(struct yard *yard, void *payload)
{
	struct sizes *sizes = payload;
	hd_ino file;

	(void)yard_open(yard);
	file = make_file(yard->overlay, HD_ROOT_INO, "file");
	write_text(yard->overlay, file, "the first epoch");
	assert_success(hd_overlay_sync(yard->overlay));
	sizes->before = journal_size(yard);
	write_text(yard->overlay, file, "another one here");
	(void)make_file(yard->overlay, HD_ROOT_INO, "second");
	assert_success(hd_overlay_sync(yard->overlay));
	sizes->after = journal_size(yard);
	/* The parent cannot see our memory: it finds the first epoch's end in a file. */
	{
		char path[PATH_MAX];
		int fd;

		yard_thread_path(yard, "sizes", path);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		assert_true(write(fd, sizes, sizeof(*sizes)) == sizeof(*sizes));
		(void)close(fd);
	}
}

static void a_torn_epoch_leaves_the_state_of_the_one_before(void **state)
{
	struct yard *yard = *state;
	struct sizes sizes;
	uint64_t seed = yard_seed();
	char path[PATH_MAX];
	int fd;

	in_another_process(yard, write_two_epochs, &sizes);
	yard_thread_path(yard, "sizes", path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(read(fd, &sizes, sizeof(sizes)) == sizeof(sizes));
	(void)close(fd);
	/* Both are with the header of the epoch to come. */
	sizes.before -= sizeof(struct hd_epoch_header);
	sizes.after -= sizeof(struct hd_epoch_header);
	copy_journal(yard, "kept", sizes.after);
	for (int i = 0; i < (YARD_IS_SLOW ? 10 : 60); i++) {
		uint64_t size = i == 0   ? sizes.before
				: i == 1 ? sizes.after - 1
					 : sizes.before + draw(&seed) % (sizes.after - sizes.before);
		struct hd_recovery_report report;

		copy_journal(yard, "journal", size);
		/* A process that dies notes no end. */
		yard_thread_path(yard, "journal.end", path);
		assert_true(unlink(path) == 0 || errno == ENOENT);
		(void)yard_open(yard);
		hd_overlay_recovery(yard->overlay, &report);
		assert_int_equal(report.journal_epochs, 1);
		assert_int_equal(report.torn_bytes,
			size - sizes.before == sizeof(struct hd_epoch_header) ? 0 : size - sizes.before);
		assert_text(yard->overlay, find(yard->overlay, HD_ROOT_INO, "file"), "the first epoch");
		assert_missing(yard->overlay, HD_ROOT_INO, "second");
		write_text(yard->overlay, find(yard->overlay, HD_ROOT_INO, "file"), "going on");
		(void)yard_reopen(yard);
		assert_text(yard->overlay, find(yard->overlay, HD_ROOT_INO, "file"), "going ont epoch");
		yard_close(yard);
	}
	copy_journal(yard, "journal", sizes.after);
	assert_true(unlink(path) == 0);
	(void)yard_open(yard);
	assert_text(yard->overlay, find(yard->overlay, HD_ROOT_INO, "file"), "another one here");
	(void)find(yard->overlay, HD_ROOT_INO, "second");
}

static void change_byte(const struct yard *yard, off_t offset)
{
	char path[PATH_MAX];
	uint8_t byte;
	int fd;

	yard_thread_path(yard, "journal", path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, offset), 1);
	byte ^= 0x40;
	assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
	(void)close(fd);
}

static void a_journal_that_cannot_be_read_is_left_as_it_is(void **state)
{
	struct yard *yard = *state;
	struct hd_overlay_options options = yard_options(yard);
	struct hd_overlay *overlay = NULL;
	uint64_t size;

	(void)yard_open(yard);
	write_text(yard->overlay, make_file(yard->overlay, HD_ROOT_INO, "file"), "precious");
	yard_close(yard);
	size = journal_size(yard);
	/* A damaged checkpoint: an empty thread would be the worst answer. */
	change_byte(yard, 100);
	assert_code(hd_overlay_open(&options, &overlay), -HD_E_JOURNAL_CORRUPT);
	assert_true(journal_size(yard) == size);
	change_byte(yard, 100);
	(void)yard_open(yard);
	assert_text(yard->overlay, find(yard->overlay, HD_ROOT_INO, "file"), "precious");
}

static void a_thread_is_open_once(void **state)
{
	struct yard *yard = *state;
	struct hd_overlay_options options = yard_options(yard);
	struct hd_overlay *overlay = NULL;

	(void)yard_open(yard);
	assert_code(hd_overlay_open(&options, &overlay), -HD_E_THREAD_BUSY);
	yard_close(yard);
	(void)yard_open(yard);
}

/* ---- a disk that refuses ---- */

static void limit_file_size(rlim_t limit)
{
	struct rlimit limits;

	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limits), 0);
	limits.rlim_cur = limit < limits.rlim_max ? limit : limits.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limits), 0);
}

/* Memory files are files as well: only the journal grows in here. */
static int sync_with_full_disk(struct yard *yard)
{
	int r;

	limit_file_size(journal_size(yard) + 100);
	r = hd_overlay_sync(yard->overlay);
	limit_file_size(RLIM_INFINITY);
	return r;
}

static void fail_then_sync(struct yard *yard, void *payload)
{
	struct hd_overlay_counters counters;
	hd_ino file;

	(void)payload;
	(void)yard_open(yard);
	file = make_file(yard->overlay, HD_ROOT_INO, "file");
	write_text(yard->overlay, file, "one");
	assert_success(hd_overlay_sync(yard->overlay));
	for (int i = 0; i < 3; i++) {
		write_text(yard->overlay, file, "two");
		(void)make_file(yard->overlay, HD_ROOT_INO, i == 0 ? "a" : i == 1 ? "b" : "c");
		assert_int_equal(sync_with_full_disk(yard), -EFBIG);
		hd_overlay_counters(yard->overlay, &counters);
		assert_true(counters.flush_failure < 0);
	}
	assert_text(yard->overlay, file, "two");
	assert_success(hd_overlay_fsync(yard->overlay, file, true));
	hd_overlay_counters(yard->overlay, &counters);
	assert_int_equal(counters.flush_failure, 0);
}

static void what_a_full_disk_refused_is_written_later(void **state)
{
	struct yard *yard = *state;

	in_another_process(yard, fail_then_sync, NULL);
	(void)yard_open(yard);
	assert_text(yard->overlay, find(yard->overlay, HD_ROOT_INO, "file"), "two");
	(void)find(yard->overlay, HD_ROOT_INO, "a");
	(void)find(yard->overlay, HD_ROOT_INO, "b");
	(void)find(yard->overlay, HD_ROOT_INO, "c");
}

static void fail_at_the_first_sync(struct yard *yard, void *payload)
{
	(void)payload;
	(void)yard_open(yard);
	write_text(yard->overlay, make_file(yard->overlay, HD_ROOT_INO, "file"), "text");
	assert_int_equal(sync_with_full_disk(yard), -EFBIG);
	assert_success(hd_overlay_sync(yard->overlay));
}

static void the_first_checkpoint_may_fail_as_well(void **state)
{
	struct yard *yard = *state;

	in_another_process(yard, fail_at_the_first_sync, NULL);
	(void)yard_open(yard);
	assert_text(yard->overlay, find(yard->overlay, HD_ROOT_INO, "file"), "text");
}

static void a_checkpoint_keeps_all_and_makes_the_journal_short(void **state)
{
	struct yard *yard = *state;
	struct tale tale;
	static uint8_t bytes[1 << 20];
	uint64_t grown;
	hd_ino file;
	size_t size;

	tale_begin(&tale, yard_seed());
	(void)yard_open(yard);
	tale_make_directories(yard->overlay);
	for (int i = 0; i < 60; i++)
		tale_step(&tale, yard->overlay);
	file = make_file(yard->overlay, HD_ROOT_INO, "written again and again");
	for (int i = 0; i < 60; i++) {
		memset(bytes, i + 1, sizeof(bytes));
		assert_success(hd_overlay_write(yard->overlay, file, bytes, sizeof(bytes), 0, &size));
		assert_success(hd_overlay_sync(yard->overlay));
	}
	grown = journal_size(yard);
	assert_true(grown > (60u << 20));
	yard_close(yard);
	assert_true(journal_size(yard) < grown / 4);
	(void)yard_open(yard);
	tale_compare(&tale, yard->overlay, tale.steps, false);
	assert_success(hd_overlay_read(yard->overlay,
		find(yard->overlay, HD_ROOT_INO, "written again and again"), bytes, sizeof(bytes), 0, &size));
	assert_int_equal(size, sizeof(bytes));
	assert_int_equal(bytes[0], 60);
	assert_int_equal(bytes[sizeof(bytes) - 1], 60);
	tale_end(&tale);
}

static void grow_large_between_syncs(struct yard *yard, void *payload)
{
	static uint8_t bytes[3 << 20];
	hd_ino file;
	size_t size;

	(void)payload;
	(void)yard_open(yard);
	file = make_file(yard->overlay, HD_ROOT_INO, "growing");
	for (int i = 0; i < 3; i++) {
		memset(bytes, 'a' + i, sizeof(bytes));
		assert_success(hd_overlay_write(
			yard->overlay, file, bytes, sizeof(bytes), (uint64_t)i * sizeof(bytes), &size));
		assert_success(hd_overlay_fsync(yard->overlay, file, true));
	}
}

/* Blocks that were on disk already move to another place when the file grows large: they must follow on the disk. */
static void a_file_that_grows_large_between_two_syncs_is_whole(void **state)
{
	struct yard *yard = *state;
	static uint8_t bytes[3 << 20], expected[3 << 20];
	size_t size;

	in_another_process(yard, grow_large_between_syncs, NULL);
	(void)yard_open(yard);
	for (int i = 0; i < 3; i++) {
		memset(expected, 'a' + i, sizeof(expected));
		assert_success(hd_overlay_read(yard->overlay, find(yard->overlay, HD_ROOT_INO, "growing"),
			bytes, sizeof(bytes), (uint64_t)i * sizeof(bytes), &size));
		assert_int_equal(size, sizeof(bytes));
		assert_memory_equal(bytes, expected, size);
	}
}

/* Nothing changed: the next sync has nothing to write. */
static void a_sync_without_changes_writes_nothing(void **state)
{
	struct yard *yard = *state;
	uint64_t size;

	(void)yard_open(yard);
	(void)make_file(yard->overlay, HD_ROOT_INO, "file");
	assert_success(hd_overlay_sync(yard->overlay));
	size = journal_size(yard);
	assert_success(hd_overlay_sync(yard->overlay));
	(void)find(yard->overlay, HD_ROOT_INO, "file");
	assert_success(hd_overlay_fsync(yard->overlay, HD_ROOT_INO, false));
	assert_true(journal_size(yard) == size);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, yard_setup, yard_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(everything_synced_survives_and_nothing_else_is_seen),
		TEST(a_torn_epoch_leaves_the_state_of_the_one_before),
		TEST(a_journal_that_cannot_be_read_is_left_as_it_is),
		TEST(a_thread_is_open_once),
		TEST(what_a_full_disk_refused_is_written_later),
		TEST(the_first_checkpoint_may_fail_as_well),
		TEST(a_checkpoint_keeps_all_and_makes_the_journal_short),
		TEST(a_file_that_grows_large_between_two_syncs_is_whole),
		TEST(a_sync_without_changes_writes_nothing),
	};

	return cmocka_run_group_tests_name("durability", tests, NULL, NULL);
}
