/* SPDX-License-Identifier: Apache-2.0 */
/* Ranks: every violation ends the process and names both locks. Checks exist with HD_CHECKS only. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/files/memory_file.h"
#include "overlay/platform/lock.h"
#include "overlay/platform/threads/task_thread.h"

#define MS 1000000u

static struct hd_mutex low, high;
static struct hd_rwlock middle;
static struct hd_condition condition;

static int make_locks(void **state)
{
	(void)state;
	hd_mutex_init(&low, HD_RANK_CAPTURE);
	hd_rwlock_init(&middle, HD_RANK_NAMESPACE);
	hd_mutex_init(&high, HD_RANK_LEAF);
	hd_condition_init(&condition);
	return 0;
}

static int destroy_locks(void **state)
{
	(void)state;
	hd_condition_destroy(&condition);
	hd_mutex_destroy(&high);
	hd_rwlock_destroy(&middle);
	hd_mutex_destroy(&low);
	return 0;
}

static void rising_ranks_may_be_taken_and_released_in_any_order(void **state)
{
	(void)state;
	hd_mutex_lock(&low);
	hd_rwlock_write(&middle);
	hd_mutex_lock(&high);
	hd_mutex_unlock(&low);
	hd_mutex_unlock(&high);
	hd_rwlock_unlock(&middle);
	hd_lock_assert_none_held("test");
	hd_mutex_lock(&low);
	hd_mutex_unlock(&low);
}

static void a_deadline_that_passes_ends_the_wait(void **state)
{
	uint64_t start_ns = hd_clock_monotonic_ns();

	(void)state;
	hd_mutex_lock(&high);
	assert_false(hd_condition_wait_until(&condition, &high, start_ns + 20 * MS));
	hd_mutex_unlock(&high);
	assert_true(hd_clock_monotonic_ns() - start_ns >= 20 * MS);
}

static _Atomic bool woken;

static void *wake(void *payload)
{
	hd_mutex_lock(&high);
	woken = true;
	hd_condition_broadcast(&condition);
	hd_mutex_unlock(&high);
	return payload;
}

static void a_broadcast_wakes_a_wait_before_its_deadline(void **state)
{
	uint64_t deadline_ns = hd_clock_monotonic_ns() + UINT64_C(20000) * MS;
	pthread_t thread;
	bool in_time = true;

	(void)state;
	woken = false;
	hd_mutex_lock(&high);
	assert_int_equal(hd_thread_start(&thread, "wake", wake, NULL), 0);
	while (!woken && in_time)
		in_time = hd_condition_wait_until(&condition, &high, deadline_ns);
	hd_mutex_unlock(&high);
	hd_thread_join(thread);
	assert_true(in_time);
}

static _Atomic bool writer_started, writer_done, reader_was_first;

static void *write_once(void *payload)
{
	writer_started = true;
	hd_rwlock_write(&middle);
	writer_done = true;
	hd_rwlock_unlock(&middle);
	return payload;
}

static void *read_once(void *payload)
{
	hd_rwlock_read(&middle);
	reader_was_first = !writer_done;
	hd_rwlock_unlock(&middle);
	return payload;
}

static void a_waiting_writer_keeps_new_readers_out(void **state)
{
	pthread_t writer, reader;

	(void)state;
	writer_started = false;
	writer_done = false;
	reader_was_first = false;
	hd_rwlock_read(&middle);
	assert_int_equal(hd_thread_start(&writer, "writer", write_once, NULL), 0);
	while (!writer_started)
		(void)usleep(1000);
	(void)usleep(100000);
	assert_int_equal(hd_thread_start(&reader, "reader", read_once, NULL), 0);
	(void)usleep(100000);
	assert_false(reader_was_first);
	hd_rwlock_unlock(&middle);
	hd_thread_join(writer);
	hd_thread_join(reader);
	assert_false(reader_was_first);
}

#ifdef HD_CHECKS

#include "tests/unit/platform/child.h"

static char words[1024];

static void assert_aborts(int (*body)(void *payload), const char *first, const char *second)
{
	int status = child_run(body, NULL, words, sizeof(words));

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
		fail_msg("no abort at \"%s\", status %x", first, (unsigned)status);
	if (!strstr(words, first) || !strstr(words, second))
		fail_msg("\"%s\" does not name \"%s\" and \"%s\"", words, first, second);
}

static int take_low_under_high(void *payload)
{
	(void)payload;
	hd_mutex_lock(&high);
	hd_mutex_lock(&low);
	return 0;
}

static int take_high_then_low_under_middle(void *payload)
{
	(void)payload;
	hd_rwlock_read(&middle);
	hd_mutex_lock(&high);
	hd_mutex_unlock(&high);
	hd_mutex_lock(&low);
	return 0;
}

/* The highest lock is neither the first nor the last of those held. */
static int take_promotion_under_middle_and_high(void *payload)
{
	struct hd_mutex promotion;

	(void)payload;
	hd_mutex_init(&promotion, HD_RANK_PROMOTION);
	hd_mutex_lock(&low);
	hd_rwlock_read(&middle);
	hd_mutex_lock(&high);
	hd_mutex_unlock(&low);
	hd_mutex_lock(&promotion);
	return 0;
}

static int read_twice(void *payload)
{
	(void)payload;
	hd_rwlock_read(&middle);
	hd_rwlock_read(&middle);
	return 0;
}

static int release_unheld(void *payload)
{
	(void)payload;
	hd_mutex_unlock(&low);
	return 0;
}

static int wait_without_mutex(void *payload)
{
	(void)payload;
	(void)hd_condition_wait_until(&condition, &high, 0);
	return 0;
}

static int announce_io(void *payload)
{
	(void)payload;
	hd_mutex_lock(&low);
	hd_lock_assert_none_held("write the journal");
	return 0;
}

static void violations_abort_and_name_both_locks(void **state)
{
	(void)state;
	assert_aborts(take_low_under_high, "takes [capture:", "[leaf:");
	assert_aborts(take_high_then_low_under_middle, "takes [capture:", "[namespace:");
	assert_aborts(take_promotion_under_middle_and_high, "takes [promotion:", "[leaf:");
	assert_aborts(read_twice, "takes [namespace:", "[namespace:");
	assert_aborts(release_unheld, "another thread", "[capture:");
	assert_aborts(wait_without_mutex, "without its mutex", "[leaf:");
	assert_aborts(announce_io, "write the journal", "[capture:");
}

static int open_locked(void *payload)
{
	(void)payload;
	hd_mutex_lock(&low);
	return hd_file_open(AT_FDCWD, "/", O_RDONLY, 0) < 0;
}

static int read_locked(void *payload)
{
	size_t size;
	char byte;

	(void)payload;
	hd_mutex_lock(&low);
	return hd_file_read_at(0, &byte, 0, 0, &size);
}

static int write_locked(void *payload)
{
	(void)payload;
	hd_mutex_lock(&low);
	return hd_file_write_at(1, "", 0, 0);
}

static int sync_locked(void *payload)
{
	(void)payload;
	hd_mutex_lock(&low);
	return hd_file_sync(1);
}

static int stat_locked(void *payload)
{
	struct stat st;

	(void)payload;
	hd_mutex_lock(&low);
	return hd_file_stat_at(AT_FDCWD, "/", &st);
}

static int make_locked(void *payload)
{
	(void)payload;
	hd_mutex_lock(&low);
	return hd_directory_make(AT_FDCWD, "/tmp", 0755);
}

static int directory_sync_locked(void *payload)
{
	(void)payload;
	hd_mutex_lock(&low);
	return hd_directory_sync(0);
}

static int publish_locked(void *payload)
{
	struct hd_atomic_file file = {.fd = -1};

	(void)payload;
	hd_mutex_lock(&low);
	return hd_file_atomic_commit(&file, "x", false, false);
}

static int sleep_locked(void *payload)
{
	(void)payload;
	hd_mutex_lock(&low);
	hd_clock_sleep_ns(1);
	return 0;
}

static int poll_locked(void *payload)
{
	const int nobody = -1;
	unsigned ready;

	(void)payload;
	hd_mutex_lock(&low);
	return hd_descriptor_wait(&nobody, 1, 0, &ready);
}

static void io_under_a_lock_aborts(void **state)
{
	static const struct {
		int (*body)(void *payload);
		const char *name;
	} calls[] = {
		{open_locked, "open"},
		{read_locked, "pread"},
		{write_locked, "pwrite"},
		{sync_locked, "fdatasync"},
		{stat_locked, "fstatat"},
		{make_locked, "mkdirat"},
		{directory_sync_locked, "fsync"},
		{publish_locked, "publish"},
		{sleep_locked, "sleep"},
		{poll_locked, "poll"},
	};

	(void)state;
	for (size_t i = 0; i < HD_ARRAY_SIZE(calls); i++)
		assert_aborts(calls[i].body, calls[i].name, "[capture:");
}

#else

static void violations_abort_and_name_both_locks(void **state)
{
	(void)state;
	skip();
}

static void io_under_a_lock_aborts(void **state)
{
	(void)state;
	skip();
}

#endif

static void memory_files_may_be_used_under_a_lock(void **state)
{
	HD_AUTO_CLOSE int fd = -1;
	char byte = 1;

	(void)state;
	hd_mutex_lock(&low);
	fd = hd_memory_file_create("test", 4096);
	assert_true(fd >= 0);
	assert_int_equal(hd_memory_file_write(fd, &byte, 1, 0), 0);
	assert_int_equal(hd_memory_file_read(fd, &byte, 1, 0), 0);
	hd_mutex_unlock(&low);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rising_ranks_may_be_taken_and_released_in_any_order),
		cmocka_unit_test(a_deadline_that_passes_ends_the_wait),
		cmocka_unit_test(a_broadcast_wakes_a_wait_before_its_deadline),
		cmocka_unit_test(a_waiting_writer_keeps_new_readers_out),
		cmocka_unit_test(violations_abort_and_name_both_locks),
		cmocka_unit_test(io_under_a_lock_aborts),
		cmocka_unit_test(memory_files_may_be_used_under_a_lock),
	};

	return cmocka_run_group_tests(tests, make_locks, destroy_locks);
}
