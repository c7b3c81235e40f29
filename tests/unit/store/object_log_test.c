/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "overlay/store/objects/object_check.h"
#include "overlay/store/objects/object_log_types.h"
#include "overlay/store/objects/object_store_types.h"
#include "tests/unit/store/scratch_store.h"

/*
 * Logs of recent objects: where objects are, what torn and damaged records do, how logs are emptied, and several
 * processes at once. The linker puts the __wrap_ functions in front of the platform's syncs.
 */

int __real_hd_file_sync(int fd);
int __real_hd_directory_sync(int fd);
int __wrap_hd_file_sync(int fd);
int __wrap_hd_directory_sync(int fd);

static atomic_int file_syncs, directory_syncs, failing_file_syncs;

int __wrap_hd_file_sync(int fd)
{
	if (atomic_load(&failing_file_syncs) > 0) {
		atomic_fetch_sub(&failing_file_syncs, 1);
		return -EIO;
	}
	atomic_fetch_add(&file_syncs, 1);
	return __real_hd_file_sync(fd);
}

int __wrap_hd_directory_sync(int fd)
{
	atomic_fetch_add(&directory_syncs, 1);
	return __real_hd_directory_sync(fd);
}

static int setup(void **state)
{
	int r = scratch_setup(state);

	atomic_store(&file_syncs, 0);
	atomic_store(&directory_syncs, 0);
	atomic_store(&failing_file_syncs, 0);
	return r;
}

static struct hd_store *opened(struct scratch *scratch)
{
	struct hd_store *store = NULL;

	assert_success(hd_store_open(scratch->path, &store));
	return store;
}

static size_t text_of(unsigned number, char text[64])
{
	return (size_t)snprintf(text, 64, "the object with the number %u", number);
}

static struct hd_content put_number(struct hd_object_store *objects, unsigned number)
{
	struct hd_content content;
	char text[64];

	assert_success(hd_object_store_put(objects, text, text_of(number, text), &content));
	return content;
}

static void assert_number(struct hd_object_store *objects, const struct hd_content *content, unsigned number)
{
	char text[64], *data = NULL;
	size_t size = 0;

	assert_success(hd_object_store_get(objects, content, SIZE_MAX, (void **)&data, &size));
	assert_int_equal(size, text_of(number, text));
	assert_memory_equal(data, text, size);
	free(data);
}

static bool has_file(struct hd_object_store *objects, const struct hd_content *content)
{
	char path[HD_OBJECT_PATH_SIZE];
	struct hd_object_id id;

	hd_object_id_from_bytes(content->bytes, &id);
	return hd_file_exists(objects->objects_fd, hd_object_id_path(&id, path));
}

static int open_log(struct scratch *scratch, unsigned number)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "recent/%u", number);
	fd = hd_file_open(scratch->store->fd, path, O_RDWR, 0);
	assert_true(fd >= 0);
	return fd;
}

static uint64_t size_of(int fd)
{
	struct stat st;

	assert_success(hd_file_stat(fd, &st));
	return (uint64_t)st.st_size;
}

static void small_objects_are_in_the_log_and_large_ones_are_files(void **state)
{
	struct scratch *scratch = *state;
	struct hd_object_store *objects = scratch->store->objects;
	struct hd_content small = put_number(objects, 1), large;
	char *data = calloc(1, HD_OBJECT_LOG_LIMIT + 1);
	struct hd_store *other;

	assert_success(hd_object_store_put(objects, data, HD_OBJECT_LOG_LIMIT + 1, &large));
	free(data);
	assert_false(has_file(objects, &small));
	assert_true(has_file(objects, &large));
	other = opened(scratch);
	assert_number(other->objects, &small, 1);
	/* What is put while both are open is found as well. */
	small = put_number(objects, 2);
	assert_number(other->objects, &small, 2);
	small = put_number(other->objects, 3);
	assert_number(objects, &small, 3);
	hd_store_free(other);
}

static void a_thousand_objects_cost_one_sync(void **state)
{
	struct scratch *scratch = *state;
	struct hd_object_store *objects = scratch->store->objects;

	for (unsigned i = 0; i < 1000; i++)
		put_number(objects, i);
	assert_success(hd_object_store_sync(objects));
	assert_int_equal(file_syncs, 1);
	assert_int_equal(directory_syncs, 1);
	assert_success(hd_object_store_sync(objects));
	assert_int_equal(file_syncs, 1);
	/* What somebody else put and may not have synced. */
	put_number(objects, 2000);
	put_number(objects, 7);
	assert_success(hd_object_store_sync(objects));
	assert_int_equal(file_syncs, 2);
	assert_int_equal(directory_syncs, 1);
}

static void what_another_process_put_is_synced_by_who_refers_to_it(void **state)
{
	struct scratch *scratch = *state;
	struct hd_store *other = opened(scratch);

	put_number(other->objects, 1);
	put_number(scratch->store->objects, 1);
	assert_success(hd_object_store_sync(scratch->store->objects));
	assert_int_equal(file_syncs, 1);
	hd_store_free(other);
}

static void torn_records_are_passed_over(void **state)
{
	struct scratch *scratch = *state;
	struct hd_object_store *objects = scratch->store->objects;
	struct hd_content first = put_number(objects, 1), second, third, again;
	int fd = open_log(scratch, 1);
	struct hd_store *other;
	uint64_t end = size_of(fd);

	/* A header whose bytes were cut off, and then bytes that are no header at all. */
	second = put_number(objects, 2);
	assert_success(hd_file_truncate(fd, end + sizeof(struct hd_log_record) + 3));
	other = opened(scratch);
	assert_number(other->objects, &first, 1);
	third = put_number(other->objects, 3);
	assert_success(hd_file_write_at(fd, "torn torn torn", 14, size_of(fd)));
	put_number(other->objects, 4);
	hd_store_free(other);
	other = opened(scratch);
	assert_number(other->objects, &first, 1);
	assert_number(other->objects, &third, 3);
	again = put_number(other->objects, 2);
	assert_true(hd_content_equal(&again, &second));
	assert_number(other->objects, &second, 2);
	put_number(other->objects, 5);
	hd_store_free(other);
	close(fd);
}

static void a_damaged_record_is_an_error_until_it_is_put_again(void **state)
{
	struct scratch *scratch = *state;
	struct hd_content first = put_number(scratch->store->objects, 1);
	struct hd_content second = put_number(scratch->store->objects, 2);
	int fd = open_log(scratch, 1);
	struct hd_store *other;
	void *data = NULL;
	size_t size;

	assert_success(hd_file_write_at(
		fd, "X", 1, sizeof(struct hd_log_header) + sizeof(struct hd_log_record) + 5));
	other = opened(scratch);
	assert_code(hd_object_store_get(other->objects, &first, 100, &data, &size), HD_E_OBJECT_CORRUPT);
	assert_number(other->objects, &second, 2);
	put_number(other->objects, 1);
	assert_number(other->objects, &first, 1);
	hd_store_free(other);
	other = opened(scratch);
	assert_number(other->objects, &first, 1);
	hd_store_free(other);
	close(fd);
}

static void a_log_that_is_emptied_leaves_files(void **state)
{
	enum { COUNT = 300 };
	struct scratch *scratch = *state;
	struct hd_store *other = opened(scratch);
	struct hd_content contents[COUNT];

	for (unsigned i = 0; i < COUNT; i++)
		contents[i] = put_number(scratch->store->objects, i);
	assert_number(other->objects, &contents[0], 0);
	assert_success(hd_object_store_settle(scratch->store->objects, HD_OBJECT_LOG_LONG));
	assert_false(has_file(scratch->store->objects, &contents[0]));
	assert_success(hd_object_store_settle(scratch->store->objects, 0));
	assert_false(hd_file_exists(scratch->store->fd, "recent/1"));
	for (unsigned i = 0; i < COUNT; i++) {
		struct hd_content again;

		assert_true(has_file(scratch->store->objects, &contents[i]));
		assert_number(other->objects, &contents[i], i);
		again = put_number(other->objects, i);
		assert_true(hd_content_equal(&again, &contents[i]));
		again = put_number(scratch->store->objects, i);
		assert_true(hd_content_equal(&again, &contents[i]));
	}
	/* The other one goes on in the next log. */
	contents[0] = put_number(other->objects, COUNT);
	assert_number(scratch->store->objects, &contents[0], COUNT);
	assert_true(hd_file_exists(scratch->store->fd, "recent/2"));
	hd_store_free(other);
}

static void what_a_log_had_of_damage_is_kept(void **state)
{
	struct scratch *scratch = *state;
	struct hd_content first = put_number(scratch->store->objects, 1);
	struct hd_content second = put_number(scratch->store->objects, 2);
	int fd = open_log(scratch, 1);

	assert_success(hd_file_write_at(
		fd, "X", 1, sizeof(struct hd_log_header) + sizeof(struct hd_log_record) + 5));
	close(fd);
	assert_success(hd_object_store_settle(scratch->store->objects, 0));
	assert_false(has_file(scratch->store->objects, &first));
	assert_true(has_file(scratch->store->objects, &second));
	assert_true(hd_file_exists(scratch->store->fd, "recent/1.damaged"));
}

static void objects_whose_log_cannot_be_synced_get_files(void **state)
{
	struct scratch *scratch = *state;
	struct hd_object_store *objects = scratch->store->objects;
	struct hd_content content = put_number(objects, 1);

	failing_file_syncs = 1;
	assert_code(hd_object_store_sync(objects), EIO);
	assert_false(has_file(objects, &content));
	assert_success(hd_object_store_sync(objects));
	assert_true(has_file(objects, &content));
	assert_number(objects, &content, 1);
	content = put_number(objects, 2);
	assert_success(hd_object_store_sync(objects));
	assert_number(objects, &content, 2);
}

static void all_hashes_equal(struct hd_hash128 *hash)
{
	memset(hash, 0x11, sizeof(*hash));
}

static void colliding_bytes_stay_apart_between_processes(void **state)
{
	struct scratch *scratch = *state;
	struct hd_store *other = opened(scratch);
	struct hd_content contents[4];

	scratch->store->objects->adjust_hash = all_hashes_equal;
	other->objects->adjust_hash = all_hashes_equal;
	for (unsigned i = 0; i < 4; i++)
		contents[i] = put_number(i % 2 ? other->objects : scratch->store->objects, i);
	for (unsigned i = 0; i < 4; i++) {
		for (unsigned j = 0; j < i; j++)
			assert_false(hd_content_equal(&contents[i], &contents[j]));
		assert_number(other->objects, &contents[i], i);
	}
	assert_success(hd_object_store_settle(other->objects, 0));
	for (unsigned i = 0; i < 4; i++)
		assert_number(scratch->store->objects, &contents[i], i);
	hd_store_free(other);
}

static int expect_sound(const struct hd_object_found *found, void *payload)
{
	(*(unsigned *)payload)++;
	assert_true(found->is_named);
	assert_int_equal(found->status, 0);
	return 0;
}

/* Half of what everybody puts is the same; one of four empties the log all the time. */
static int put_and_settle(const char *path, unsigned number, unsigned count)
{
	struct hd_store *store = NULL;
	int r = hd_store_open(path, &store);

	for (unsigned i = 0; i < count && r == 0; i++) {
		unsigned value = i % 2 ? i : i + 1000000 * (number + 1);
		char text[64], found[64];
		size_t size = text_of(value, text), got = 0;
		struct hd_content content;

		r = hd_object_store_put(store->objects, text, size, &content);
		if (r == 0 && number == 0 && i % 80 == 0)
			r = hd_object_store_settle(store->objects, 0);
		if (r == 0)
			r = hd_object_store_read(store->objects, &content, found, sizeof(found), 0, &got);
		if (r == 0 && (got != size || memcmp(text, found, size) != 0))
			r = -EIO;
	}
	if (r < 0)
		fprintf(stderr, "process %u: %s\n", number, hd_error_message(r));
	return r < 0;
}

static void processes_put_while_one_empties_the_logs(void **state)
{
	enum { PROCESSES = 4, COUNT = 400 };
	struct scratch *scratch = *state;
	pid_t children[PROCESSES];
	unsigned found = 0;

	for (unsigned i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		if (children[i] == 0)
			_exit(put_and_settle(scratch->path, i, COUNT));
	}
	for (unsigned i = 0; i < PROCESSES; i++) {
		int status = 0;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_success(hd_object_store_settle(scratch->store->objects, 0));
	assert_success(hd_object_store_check(scratch->store->objects, expect_sound, &found));
	assert_int_equal(found, COUNT / 2 + PROCESSES * COUNT / 2);
}

static void a_killed_process_harms_nobody(void **state)
{
	struct scratch *scratch = *state;
	struct hd_content contents[20];

	for (unsigned round = 0; round < 20; round++) {
		pid_t child = fork();
		int status;

		if (child == 0)
			_exit(put_and_settle(scratch->path, 0, UINT32_MAX));
		usleep(3000 + round * 1300);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		contents[round] = put_number(scratch->store->objects, round);
	}
	assert_success(hd_object_store_settle(scratch->store->objects, 0));
	for (unsigned round = 0; round < 20; round++)
		assert_number(scratch->store->objects, &contents[round], round);
}

struct task {
	struct hd_object_store *objects;
	unsigned number;
	int result;
};

static void *put_sync_and_settle(void *payload)
{
	struct task *task = payload;

	for (unsigned i = 0; i < 200 && task->result == 0; i++) {
		char text[64], found[64];
		size_t size = text_of(i % 3 ? i : 1000 * task->number + i, text), got = 0;
		struct hd_content content;

		task->result = hd_object_store_put(task->objects, text, size, &content);
		if (task->result == 0 && i % 20 == task->number)
			task->result = hd_object_store_sync(task->objects);
		if (task->result == 0 && i == 40 * task->number)
			task->result = hd_object_store_settle(task->objects, 0);
		if (task->result == 0)
			task->result =
				hd_object_store_read(task->objects, &content, found, sizeof(found), 0, &got);
		if (task->result == 0 && (got != size || memcmp(text, found, size) != 0))
			task->result = -EIO;
	}
	return NULL;
}

static void threads_put_sync_and_settle_at_once(void **state)
{
	enum { TASKS = 4 };
	struct scratch *scratch = *state;
	struct task tasks[TASKS];
	pthread_t threads[TASKS];

	for (unsigned i = 0; i < TASKS; i++) {
		tasks[i] = (struct task){scratch->store->objects, i, 0};
		assert_int_equal(pthread_create(&threads[i], NULL, put_sync_and_settle, &tasks[i]), 0);
	}
	for (unsigned i = 0; i < TASKS; i++) {
		pthread_join(threads[i], NULL);
		assert_success(tasks[i].result);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(small_objects_are_in_the_log_and_large_ones_are_files),
		TEST(a_thousand_objects_cost_one_sync),
		TEST(what_another_process_put_is_synced_by_who_refers_to_it),
		TEST(torn_records_are_passed_over),
		TEST(a_damaged_record_is_an_error_until_it_is_put_again),
		TEST(a_log_that_is_emptied_leaves_files),
		TEST(what_a_log_had_of_damage_is_kept),
		TEST(objects_whose_log_cannot_be_synced_get_files),
		TEST(colliding_bytes_stay_apart_between_processes),
		TEST(processes_put_while_one_empties_the_logs),
		TEST(a_killed_process_harms_nobody),
		TEST(threads_put_sync_and_settle_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
