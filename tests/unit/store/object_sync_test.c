/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "overlay/platform/clock.h"
#include "overlay/store/objects/object_store_types.h"
#include "tests/unit/store/scratch_store.h"

/*
 * Making objects durable: what is synced, how, what happens when the disk refuses, and who may return when.
 *
 * The linker puts the __wrap_ functions below in front of the platform's syncs: they count, remember which inodes were
 * on disk, and fail when told to.
 */

int __real_hd_file_sync(int fd);
int __real_hd_file_sync_filesystem(int fd);
int __real_hd_directory_sync(int fd);
int __wrap_hd_file_sync(int fd);
int __wrap_hd_file_sync_filesystem(int fd);
int __wrap_hd_directory_sync(int fd);

enum { REMEMBERED = 8192 };

static atomic_int file_syncs, directory_syncs, filesystem_syncs;
static atomic_int failing_file_syncs, failing_directory_syncs, failing_filesystem_syncs;
static _Atomic ino_t synced_inodes[REMEMBERED];
static atomic_bool slow;

static bool fails(atomic_int *countdown)
{
	if (atomic_load(countdown) == 0)
		return false;
	atomic_fetch_sub(countdown, 1);
	return true;
}

int __wrap_hd_file_sync(int fd)
{
	struct stat st;
	int number;

	if (fails(&failing_file_syncs))
		return -EIO;
	if (atomic_load(&slow))
		hd_clock_sleep_ns(300000);
	assert_success(hd_file_stat(fd, &st));
	number = atomic_fetch_add(&file_syncs, 1);
	if (number < REMEMBERED)
		atomic_store(&synced_inodes[number], st.st_ino);
	return __real_hd_file_sync(fd);
}

int __wrap_hd_directory_sync(int fd)
{
	if (fails(&failing_directory_syncs))
		return -EIO;
	atomic_fetch_add(&directory_syncs, 1);
	return __real_hd_directory_sync(fd);
}

int __wrap_hd_file_sync_filesystem(int fd)
{
	if (fails(&failing_filesystem_syncs))
		return -EIO;
	atomic_fetch_add(&filesystem_syncs, 1);
	return __real_hd_file_sync_filesystem(fd);
}

static int setup(void **state)
{
	int r = scratch_setup(state);

	file_syncs = directory_syncs = filesystem_syncs = 0;
	failing_file_syncs = failing_directory_syncs = failing_filesystem_syncs = 0;
	slow = false;
	return r;
}

static struct hd_object_store *objects_of(void **state)
{
	return ((struct scratch *)*state)->store->objects;
}

static struct hd_content put_number(struct hd_object_store *objects, unsigned number)
{
	struct hd_content content;
	char text[32];

	snprintf(text, sizeof(text), "object %u", number);
	assert_success(hd_object_store_put(objects, text, strlen(text), &content));
	return content;
}

static ino_t inode_of(struct hd_object_store *objects, const struct hd_content *content)
{
	char path[HD_OBJECT_PATH_SIZE];
	struct hd_object_id id;
	struct stat st;

	hd_object_id_from_bytes(content->bytes, &id);
	assert_success(hd_file_stat_at(objects->objects_fd, hd_object_id_path(&id, path), &st));
	return st.st_ino;
}

static bool was_synced(ino_t inode)
{
	int count = atomic_load(&file_syncs);

	for (int i = 0; i < count && i < REMEMBERED; i++) {
		if (atomic_load(&synced_inodes[i]) == inode)
			return true;
	}
	return false;
}

static void few_objects_are_synced_with_their_directories(void **state)
{
	struct hd_object_store *objects = objects_of(state);
	struct hd_content content = put_number(objects, 1);

	assert_int_equal(file_syncs, 0);
	assert_success(hd_object_store_sync(objects));
	assert_int_equal(file_syncs, 1);
	assert_true(was_synced(inode_of(objects, &content)));
	/* objects/xx and objects/ */
	assert_int_equal(directory_syncs, 2);
	assert_int_equal(filesystem_syncs, 0);
}

static void what_is_durable_is_not_synced_again(void **state)
{
	struct hd_object_store *objects = objects_of(state);

	put_number(objects, 1);
	put_number(objects, 1);
	assert_success(hd_object_store_sync(objects));
	assert_success(hd_object_store_sync(objects));
	put_number(objects, 1);
	assert_success(hd_object_store_sync(objects));
	assert_int_equal(file_syncs, 1);
	assert_int_equal(directory_syncs, 2);
}

static void what_somebody_else_wrote_is_synced_as_well(void **state)
{
	struct scratch *scratch = *state;
	struct hd_store *other = NULL;
	struct hd_content content;

	put_number(scratch->store->objects, 1);
	assert_success(hd_store_open(scratch->path, &other));
	content = put_number(other->objects, 1);
	assert_success(hd_object_store_sync(other->objects));
	assert_true(was_synced(inode_of(other->objects, &content)));
	hd_store_free(other);
}

static void many_objects_are_synced_by_one_syncfs(void **state)
{
	struct hd_object_store *objects = objects_of(state);

	for (unsigned i = 0; i <= HD_OBJECT_SYNC_SINGLY; i++)
		put_number(objects, i);
	assert_success(hd_object_store_sync(objects));
	assert_int_equal(file_syncs, 0);
	assert_int_equal(directory_syncs, 0);
	assert_int_equal(filesystem_syncs, 1);
}

static void a_failed_syncfs_is_followed_by_single_syncs(void **state)
{
	struct hd_object_store *objects = objects_of(state);

	for (unsigned i = 0; i <= HD_OBJECT_SYNC_SINGLY; i++)
		put_number(objects, i);
	failing_filesystem_syncs = 1;
	assert_success(hd_object_store_sync(objects));
	assert_int_equal(file_syncs, HD_OBJECT_SYNC_SINGLY + 1);
	assert_true(directory_syncs > 2);
}

static void an_object_whose_sync_failed_is_written_again(void **state)
{
	struct hd_object_store *objects = objects_of(state);
	struct hd_content content = put_number(objects, 1);
	ino_t before = inode_of(objects, &content), after;

	failing_file_syncs = 1;
	assert_code(hd_object_store_sync(objects), EIO);
	assert_int_equal(inode_of(objects, &content), before);
	/* The kernel would report success now, for the pages are gone: only a new file is to be trusted. */
	assert_success(hd_object_store_sync(objects));
	after = inode_of(objects, &content);
	assert_int_not_equal(after, before);
	assert_true(was_synced(after));
	assert_false(was_synced(before));
	assert_success(hd_object_store_sync(objects));
	assert_int_equal(file_syncs, 1);
}

static void a_failure_forgets_nothing(void **state)
{
	enum { COUNT = 10 };
	struct hd_object_store *objects = objects_of(state);
	struct hd_content contents[COUNT];

	for (unsigned i = 0; i < COUNT; i++)
		contents[i] = put_number(objects, i);
	failing_file_syncs = 3;
	assert_code(hd_object_store_sync(objects), EIO);
	failing_file_syncs = 1;
	assert_code(hd_object_store_sync(objects), EIO);
	failing_directory_syncs = 1;
	assert_code(hd_object_store_sync(objects), EIO);
	assert_success(hd_object_store_sync(objects));
	for (unsigned i = 0; i < COUNT; i++)
		assert_true(was_synced(inode_of(objects, &contents[i])));
}

static void a_lost_object_fails_the_sync_until_it_is_put_again(void **state)
{
	struct hd_object_store *objects = objects_of(state);
	struct hd_content content = put_number(objects, 1);
	char path[HD_OBJECT_PATH_SIZE];
	struct hd_object_id id;

	hd_object_id_from_bytes(content.bytes, &id);
	assert_success(hd_file_unlink(objects->objects_fd, hd_object_id_path(&id, path)));
	assert_code(hd_object_store_sync(objects), HD_E_OBJECT_MISSING);
	assert_code(hd_object_store_sync(objects), HD_E_OBJECT_MISSING);
	put_number(objects, 1);
	assert_success(hd_object_store_sync(objects));
	assert_true(was_synced(inode_of(objects, &content)));
}

static void a_durable_object_that_is_written_anew_is_synced_anew(void **state)
{
	struct hd_object_store *objects = objects_of(state);
	struct hd_content content = put_number(objects, 1);
	char path[HD_OBJECT_PATH_SIZE];
	struct hd_object_id id;

	assert_success(hd_object_store_sync(objects));
	hd_object_id_from_bytes(content.bytes, &id);
	assert_success(hd_file_unlink(objects->objects_fd, hd_object_id_path(&id, path)));
	put_number(objects, 1);
	assert_success(hd_object_store_sync(objects));
	assert_int_equal(file_syncs, 2);
}

struct sync_task {
	struct hd_object_store *objects;
	unsigned first;
	bool right;
};

static void *put_and_sync(void *payload)
{
	struct sync_task *task = payload;

	task->right = true;
	for (unsigned i = 0; i < 25 && task->right; i++) {
		struct hd_content content = put_number(task->objects, task->first + i);

		task->right = hd_object_store_sync(task->objects) == 0 &&
			      was_synced(inode_of(task->objects, &content));
	}
	return NULL;
}

static void nobody_returns_before_his_objects_are_durable(void **state)
{
	enum { TASKS = 8 };
	struct hd_object_store *objects = objects_of(state);
	struct sync_task tasks[TASKS];
	pthread_t threads[TASKS];

	slow = true;
	for (unsigned i = 0; i < TASKS; i++) {
		tasks[i] = (struct sync_task){objects, 1000 * i, false};
		assert_int_equal(pthread_create(&threads[i], NULL, put_and_sync, &tasks[i]), 0);
	}
	for (unsigned i = 0; i < TASKS; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < TASKS; i++)
		assert_true(tasks[i].right);
	/* Each object once: nobody synced what another one's sync had covered. */
	assert_int_equal(file_syncs, TASKS * 25);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, scratch_teardown)

static void what_a_dead_process_put_is_synced_with_the_filesystem(void **state)
{
	struct scratch *scratch = *state;

	hd_object_store_distrust(scratch->store->objects);
	failing_filesystem_syncs = 1;
	assert_int_equal(hd_object_store_sync(scratch->store->objects), -EIO);
	assert_success(hd_object_store_sync(scratch->store->objects));
	assert_int_equal(filesystem_syncs, 1);
	assert_success(hd_object_store_sync(scratch->store->objects));
	assert_int_equal(filesystem_syncs, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(few_objects_are_synced_with_their_directories),
		TEST(what_is_durable_is_not_synced_again),
		TEST(what_somebody_else_wrote_is_synced_as_well),
		TEST(many_objects_are_synced_by_one_syncfs),
		TEST(a_failed_syncfs_is_followed_by_single_syncs),
		TEST(an_object_whose_sync_failed_is_written_again),
		TEST(a_failure_forgets_nothing),
		TEST(a_lost_object_fails_the_sync_until_it_is_put_again),
		TEST(a_durable_object_that_is_written_anew_is_synced_anew),
		TEST(nobody_returns_before_his_objects_are_durable),
		TEST(what_a_dead_process_put_is_synced_with_the_filesystem),
	};

	/* Files from the beginning; object_log_test.c is about logs. */
	hd_object_log_limit = 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
