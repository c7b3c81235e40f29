/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "overlay/platform/files/atomic_file_fallback.h"
#include "overlay/store/objects/object_store_types.h"
#include "tests/unit/store/scratch_store.h"

/*
 * Objects: put, get, read, collisions, damage, and several writers at once. Large contents are in
 * content_writer_test.c, making objects durable in object_sync_test.c.
 */

static struct hd_object_store *objects_of(void **state)
{
	return ((struct scratch *)*state)->store->objects;
}

static struct hd_object_id id_of(const struct hd_content *content)
{
	struct hd_object_id id;

	hd_object_id_from_bytes(content->bytes, &id);
	return id;
}

static void assert_bytes(
	struct hd_object_store *objects, const struct hd_content *content, const void *data, size_t size)
{
	void *found = NULL;
	size_t found_size = 0;

	assert_success(hd_object_store_get(objects, content, SIZE_MAX, &found, &found_size));
	assert_int_equal(found_size, size);
	assert_memory_equal(found, data, size);
	free(found);
}

/* What a power cut or a bad disk could leave: other bytes under the object's name. */
static void damage(struct hd_object_store *objects, const struct hd_content *content, const char *bytes)
{
	struct hd_object_id id = id_of(content);
	char path[HD_OBJECT_PATH_SIZE];
	struct hd_atomic_file file;

	assert_success(hd_file_atomic_begin(objects->objects_fd, 0400, &file));
	assert_success(hd_file_write_at(file.fd, bytes, strlen(bytes), 0));
	assert_success(hd_file_atomic_commit(&file, hd_object_id_path(&id, path), true, false));
}

static struct hd_store *reopened(struct scratch *scratch)
{
	struct hd_store *store = NULL;

	assert_success(hd_store_open(scratch->path, &store));
	return store;
}

static void an_object_comes_back_whole_and_in_parts(void **state)
{
	struct hd_object_store *objects = objects_of(state);
	struct hd_content content;
	char buffer[8];
	uint64_t size;
	size_t got;

	assert_success(hd_object_store_put(objects, "hello, world", 12, &content));
	assert_int_equal(content.kind, HD_CONTENT_OBJECT);
	assert_bytes(objects, &content, "hello, world", 12);
	assert_success(hd_object_store_size(objects, &content, &size));
	assert_int_equal(size, 12);
	assert_success(hd_object_store_read(objects, &content, buffer, sizeof(buffer), 7, &got));
	assert_int_equal(got, 5);
	assert_memory_equal(buffer, "world", 5);
	assert_success(hd_object_store_read(objects, &content, buffer, 4, 0, &got));
	assert_int_equal(got, 4);
	assert_success(hd_object_store_read(objects, &content, buffer, sizeof(buffer), 12, &got));
	assert_int_equal(got, 0);
	assert_success(hd_object_store_read(objects, &content, buffer, sizeof(buffer), UINT64_MAX, &got));
	assert_int_equal(got, 0);
}

static void an_empty_object_is_an_object(void **state)
{
	struct hd_object_store *objects = objects_of(state);
	struct hd_content content;

	assert_success(hd_object_store_put(objects, "", 0, &content));
	assert_int_equal(content.kind, HD_CONTENT_OBJECT);
	assert_bytes(objects, &content, "", 0);
}

static void the_file_has_the_documented_name(void **state)
{
	struct scratch *scratch = *state;
	struct hd_content content;
	struct stat st;

	/* XXH3-128 of "abc" with seed 0, as xxhsum -H2 prints it. */
	assert_success(hd_object_store_put(scratch->store->objects, "abc", 3, &content));
	assert_success(hd_file_stat_at(scratch->store->fd, "objects/06/b05ab6733a618578af5f94892f3950", &st));
	assert_int_equal(st.st_size, 3);
	assert_int_equal(st.st_mode & 07777, 0400);
}

static void what_is_no_object_is_refused(void **state)
{
	struct hd_object_store *objects = objects_of(state);
	struct hd_content none = {0}, git = {.kind = HD_CONTENT_GIT, .length = 20, .base = 1};
	struct hd_content missing = {.kind = HD_CONTENT_OBJECT, .length = 20, .bytes = {7}};
	struct hd_content bent = {.kind = HD_CONTENT_OBJECT, .length = 19};
	struct hd_content content;
	void *data = NULL;
	uint64_t number;
	size_t size = 77;
	char byte;

	assert_code(hd_object_store_get(objects, &none, 10, &data, &size), HD_E_CONTENT_KIND);
	assert_code(hd_object_store_get(objects, &git, 10, &data, &size), HD_E_CONTENT_KIND);
	assert_code(hd_object_store_get(objects, &bent, 10, &data, &size), HD_E_CONTENT_KIND);
	assert_code(hd_object_store_get(objects, &missing, 10, &data, &size), HD_E_OBJECT_MISSING);
	assert_code(hd_object_store_read(objects, &missing, &byte, 1, 0, &size), HD_E_OBJECT_MISSING);
	assert_code(hd_object_store_size(objects, &missing, &number), HD_E_OBJECT_MISSING);
	assert_success(hd_object_store_put(objects, "0123456789a", 11, &content));
	assert_code(hd_object_store_get(objects, &content, 10, &data, &size), HD_E_OBJECT_CORRUPT);
	assert_null(data);
	assert_int_equal(size, 77);
}

static void all_hashes_equal(struct hd_hash128 *hash)
{
	memset(hash, 0x11, sizeof(*hash));
}

static void colliding_bytes_get_numbers_and_stay_apart(void **state)
{
	struct scratch *scratch = *state;
	struct hd_object_store *objects = scratch->store->objects;
	static const char *const texts[] = {"first", "other", "third, of another length"};
	struct hd_content contents[3], again;
	char byte;
	size_t got;

	objects->adjust_hash = all_hashes_equal;
	for (size_t i = 0; i < 3; i++) {
		assert_success(hd_object_store_put(objects, texts[i], strlen(texts[i]), &contents[i]));
		assert_int_equal(id_of(&contents[i]).number, i);
	}
	for (size_t i = 0; i < 3; i++) {
		assert_success(hd_object_store_put(objects, texts[i], strlen(texts[i]), &again));
		assert_true(hd_content_equal(&again, &contents[i]));
		assert_bytes(objects, &contents[i], texts[i], strlen(texts[i]));
		assert_success(hd_object_store_read(objects, &contents[i], &byte, 1, 0, &got));
		assert_int_equal(byte, texts[i][0]);
	}
	assert_true(hd_file_exists(scratch->store->fd, "objects/11/111111111111111111111111111111"));
	assert_true(hd_file_exists(scratch->store->fd, "objects/11/111111111111111111111111111111.1"));
	assert_true(hd_file_exists(scratch->store->fd, "objects/11/111111111111111111111111111111.2"));
}

static void large_colliding_objects_stay_apart(void **state)
{
	struct hd_object_store *objects = objects_of(state);
	size_t size = HD_OBJECT_CACHED_LIMIT * 2 + 5;
	uint8_t *data = calloc(1, size), byte = 0;
	struct hd_content a, b;
	uint64_t total;
	size_t got;

	objects->adjust_hash = all_hashes_equal;
	assert_success(hd_object_store_put(objects, data, size, &a));
	data[size - 1] = 1;
	assert_success(hd_object_store_put(objects, data, size, &b));
	assert_int_equal(id_of(&a).number, 0);
	assert_int_equal(id_of(&b).number, 1);
	assert_success(hd_object_store_read(objects, &a, &byte, 1, size - 1, &got));
	assert_int_equal(byte, 0);
	assert_success(hd_object_store_read(objects, &b, &byte, 1, size - 1, &got));
	assert_int_equal(byte, 1);
	assert_success(hd_object_store_size(objects, &b, &total));
	assert_int_equal(total, size);
	free(data);
}

static void damaged_bytes_are_never_returned(void **state)
{
	struct scratch *scratch = *state;
	struct hd_content content;
	struct hd_store *store;
	void *data = NULL;
	size_t size;
	char byte;

	assert_success(hd_object_store_put(scratch->store->objects, "sound bytes", 11, &content));
	damage(scratch->store->objects, &content, "wrong bytes");
	store = reopened(scratch);
	assert_code(hd_object_store_get(store->objects, &content, 100, &data, &size), HD_E_OBJECT_CORRUPT);
	assert_code(hd_object_store_read(store->objects, &content, &byte, 1, 0, &size), HD_E_OBJECT_CORRUPT);
	assert_null(data);
	damage(scratch->store->objects, &content, "");
	assert_code(hd_object_store_read(store->objects, &content, &byte, 1, 0, &size), HD_E_OBJECT_CORRUPT);
	hd_store_free(store);
}

static void damage_deep_in_a_large_object_is_found_by_the_first_read(void **state)
{
	struct scratch *scratch = *state;
	size_t size = HD_OBJECT_CACHED_LIMIT + 100000;
	char *data = malloc(size + 1), byte;
	struct hd_content content;
	struct hd_store *store;
	size_t got;

	memset(data, 'x', size);
	data[size] = '\0';
	assert_success(hd_object_store_put(scratch->store->objects, data, size, &content));
	data[size - 1] = 'y';
	damage(scratch->store->objects, &content, data);
	store = reopened(scratch);
	assert_code(hd_object_store_read(store->objects, &content, &byte, 1, 0, &got), HD_E_OBJECT_CORRUPT);
	hd_store_free(store);
	free(data);
}

static void a_put_replaces_a_file_that_a_power_cut_tore(void **state)
{
	struct scratch *scratch = *state;
	struct hd_content content, again;
	struct hd_store *store;

	assert_success(hd_object_store_put(scratch->store->objects, "the right bytes", 15, &content));
	damage(scratch->store->objects, &content, "");
	store = reopened(scratch);
	assert_success(hd_object_store_put(store->objects, "the right bytes", 15, &again));
	assert_true(hd_content_equal(&content, &again));
	assert_bytes(store->objects, &content, "the right bytes", 15);
	assert_success(hd_object_store_sync(store->objects));
	hd_store_free(store);
}

static void a_sound_file_is_not_replaced(void **state)
{
	struct hd_object_store *objects = objects_of(state);
	struct hd_content content;
	struct hd_object_id id;

	objects->adjust_hash = all_hashes_equal;
	assert_success(hd_object_store_put(objects, "mine", 4, &content));
	id = id_of(&content);
	assert_int_equal(hd_object_replace(objects, &id, "yours", 5, true), -EEXIST);
	assert_success(hd_object_replace(objects, &id, "mine", 4, false));
	assert_success(hd_object_replace(objects, &id, "mine", 4, true));
	assert_bytes(objects, &content, "mine", 4);
}

static void reads_are_right_whatever_the_cache_holds(void **state)
{
	enum { COUNT = 100 };
	struct hd_object_store *objects = objects_of(state);
	size_t size = HD_OBJECT_CACHED_LIMIT;
	uint8_t *data = malloc(size), part[100];
	struct hd_content contents[COUNT];

	/* Together they exceed the cache: the second round meets cached, verified and forgotten ones. */
	for (unsigned i = 0; i < COUNT; i++) {
		memset(data, (int)i, size);
		assert_success(hd_object_store_put(objects, data, size, &contents[i]));
	}
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < COUNT; i++) {
			size_t got = 0;

			assert_success(hd_object_store_read(
				objects, &contents[i], part, sizeof(part), size - 50 - i, &got));
			assert_int_equal(got, 50 + i < sizeof(part) ? 50 + i : sizeof(part));
			for (size_t j = 0; j < got; j++)
				assert_int_equal(part[j], i);
		}
		assert_true(objects->cache.used <= HD_OBJECT_CACHE_BYTES);
		assert_true(objects->cache.used > HD_OBJECT_CACHE_BYTES / 2);
	}
	free(data);
}

static int count_entry(const char *name, unsigned char type, void *payload)
{
	(void)name;
	(void)type;
	(*(int *)payload)++;
	return 0;
}

static int count_file(const char *name, unsigned char type, void *payload)
{
	struct hd_object_store *objects = payload;
	int count = 0;

	(void)type;
	assert_success(hd_directory_list(objects->objects_fd, name, count_entry, &count));
	return count;
}

static void a_put_that_runs_out_of_room_leaves_no_object(void **state)
{
	struct hd_object_store *objects = objects_of(state);
	char *data = calloc(1, 100000);
	struct hd_content content = {.kind = 99};

	limit_file_size(50000);
	assert_code(hd_object_store_put(objects, data, 100000, &content), EFBIG);
	limit_file_size(RLIM_INFINITY);
	assert_int_equal(content.kind, 99);
	/* At most an empty subdirectory. */
	assert_int_equal(hd_directory_list(objects->objects_fd, ".", count_file, objects), 0);
	assert_success(hd_object_store_sync(objects));
	assert_success(hd_object_store_put(objects, data, 100000, &content));
	assert_bytes(objects, &content, data, 100000);
	free(data);
}

static void a_filesystem_without_unnamed_files_will_do(void **state)
{
	struct hd_object_store *objects = objects_of(state);
	struct hd_content content, again;

	atomic_store(&hd_file_atomic_without_tmpfile, true);
	assert_success(hd_object_store_put(objects, "named at first", 14, &content));
	assert_success(hd_object_store_put(objects, "named at first", 14, &again));
	damage(objects, &content, "torn");
	assert_success(hd_object_store_put(objects, "named at first", 14, &again));
	atomic_store(&hd_file_atomic_without_tmpfile, false);
	assert_true(hd_content_equal(&content, &again));
	assert_bytes(objects, &content, "named at first", 14);
}

struct writer_task {
	struct hd_object_store *objects;
	unsigned seed;
	int result;
};

/* Half of the objects are everybody's, half are this writer's own. */
static size_t task_text(unsigned seed, unsigned i, char text[64])
{
	return (size_t)snprintf(
		text, 64, "object %u of %s %u", i, i % 2 ? "all" : "writer", i % 2 ? 0 : seed);
}

static void *put_and_get_many(void *payload)
{
	struct writer_task *task = payload;

	for (unsigned i = 0; i < 200 && task->result == 0; i++) {
		struct hd_content content;
		char text[64], found[64];
		size_t size = task_text(task->seed, i, text), got = 0;

		task->result = hd_object_store_put(task->objects, text, size, &content);
		if (task->result == 0)
			task->result =
				hd_object_store_read(task->objects, &content, found, sizeof(found), 0, &got);
		if (task->result == 0 && (got != size || memcmp(found, text, size) != 0))
			task->result = -HD_E_OBJECT_CORRUPT;
		if (task->result == 0 && i % 50 == 0)
			task->result = hd_object_store_sync(task->objects);
	}
	return NULL;
}

static void few_hashes(struct hd_hash128 *hash)
{
	uint8_t kept = hash->bytes[3] & 3;

	memset(hash, 0, sizeof(*hash));
	hash->bytes[15] = kept;
}

static void threads_put_the_same_and_colliding_bytes_without_harm(void **state)
{
	enum { WRITERS = 4 };
	struct hd_object_store *objects = objects_of(state);
	struct writer_task tasks[WRITERS];
	pthread_t threads[WRITERS];
	int files = 0;

	objects->adjust_hash = few_hashes;
	for (unsigned i = 0; i < WRITERS; i++) {
		tasks[i] = (struct writer_task){objects, i, 0};
		assert_int_equal(pthread_create(&threads[i], NULL, put_and_get_many, &tasks[i]), 0);
	}
	for (unsigned i = 0; i < WRITERS; i++) {
		pthread_join(threads[i], NULL);
		assert_success(tasks[i].result);
	}
	/* 100 of everybody's and 100 of each writer: equal bytes were stored once, different ones apart. */
	assert_success(hd_directory_list(objects->objects_fd, "00", count_entry, &files));
	assert_int_equal(files, 100 + WRITERS * 100);
}

/* Each file's bytes hash to its name, and there is nothing but objects. */
static int check_object(const char *name, unsigned char type, void *payload)
{
	const char *directory = payload;
	char hex[40] = "", path[PATH_MAX], *data = NULL;
	struct hd_hash128 hash;
	size_t size = 0;

	(void)type;
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	assert_success(hd_file_read_whole(AT_FDCWD, path, SIZE_MAX - 1, &data, &size));
	hash = hd_hash128(data, size);
	free(data);
	for (size_t i = 1; i < sizeof(hash.bytes); i++)
		snprintf(hex + strlen(hex), 3, "%02x", hash.bytes[i]);
	assert_string_equal(name, hex);
	return 0;
}

static int check_fanout(const char *name, unsigned char type, void *payload)
{
	char path[PATH_MAX];

	(void)type;
	snprintf(path, sizeof(path), "%s/objects/%s", (const char *)payload, name);
	return hd_directory_list(AT_FDCWD, path, check_object, path);
}

static void put_for_ever(const char *path)
{
	struct hd_store *store = NULL;
	char *data = calloc(1, 200000);
	struct hd_content content;

	if (!data || hd_store_open(path, &store) < 0)
		_exit(1);
	for (unsigned i = 0;; i++) {
		memcpy(data, &i, sizeof(i));
		if (hd_object_store_put(store->objects, data, 1 + i * 7919 % 200000, &content) < 0)
			_exit(1);
	}
}

static void a_killed_writer_leaves_whole_objects_alone(void **state)
{
	struct scratch *scratch = *state;

	for (unsigned round = 0; round < 10; round++) {
		pid_t child = fork();
		int status;

		if (child == 0)
			put_for_ever(scratch->path);
		usleep(5000 + round * 1700);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
	}
	assert_success(
		hd_directory_list(scratch->store->objects->objects_fd, ".", check_fanout, scratch->path));
}

static int write_in_child(const char *path, unsigned seed)
{
	struct writer_task task = {NULL, seed, 0};
	struct hd_store *store = NULL;

	if (hd_store_open(path, &store) < 0)
		return 2;
	store->objects->adjust_hash = few_hashes;
	task.objects = store->objects;
	put_and_get_many(&task);
	hd_store_free(store);
	return task.result == 0 ? 0 : 1;
}

static void processes_put_the_same_and_colliding_bytes_without_harm(void **state)
{
	enum { CHILDREN = 4 };
	struct scratch *scratch = *state;
	pid_t children[CHILDREN];
	int files = 0;

	for (unsigned i = 0; i < CHILDREN; i++) {
		children[i] = fork();
		if (children[i] == 0)
			_exit(write_in_child(scratch->path, i));
	}
	for (unsigned i = 0; i < CHILDREN; i++) {
		int status;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	assert_success(hd_directory_list(scratch->store->objects->objects_fd, "00", count_entry, &files));
	assert_int_equal(files, 100 + CHILDREN * 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_object_comes_back_whole_and_in_parts),
		TEST(an_empty_object_is_an_object),
		TEST(the_file_has_the_documented_name),
		TEST(what_is_no_object_is_refused),
		TEST(colliding_bytes_get_numbers_and_stay_apart),
		TEST(large_colliding_objects_stay_apart),
		TEST(damaged_bytes_are_never_returned),
		TEST(damage_deep_in_a_large_object_is_found_by_the_first_read),
		TEST(a_put_replaces_a_file_that_a_power_cut_tore),
		TEST(a_sound_file_is_not_replaced),
		TEST(a_put_that_runs_out_of_room_leaves_no_object),
		TEST(a_filesystem_without_unnamed_files_will_do),
		TEST(a_killed_writer_leaves_whole_objects_alone),
		TEST(reads_are_right_whatever_the_cache_holds),
		TEST(threads_put_the_same_and_colliding_bytes_without_harm),
		TEST(processes_put_the_same_and_colliding_bytes_without_harm),
	};

	/* Files from the beginning; object_log_test.c is about logs. */
	hd_object_log_limit = 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
