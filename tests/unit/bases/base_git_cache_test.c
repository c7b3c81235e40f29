/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The blob cache of git bases: budgets, eviction, memory files, and many threads on few blobs.
 * base_git_test.c covers what a base reads through it.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "overlay/bases/git/base_git_cache.h"
#include "overlay/platform/error.h"
#include "tests/unit/bases/place.h"
#include "tests/unit/bases/repository.h"

#define BLOB_SIZE 10000
#define N_BLOBS 12

struct fixture {
	char *place;
	git_repository *repository;
	git_odb *odb;
	git_oid ids[N_BLOBS]; /* blob i is BLOB_SIZE bytes of the value i + 1 */
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	uint8_t bytes[BLOB_SIZE];

	assert_non_null(fixture);
	fixture->place = place_new();
	fixture->repository = repository_new(fixture->place);
	assert_int_equal(git_repository_odb(&fixture->odb, fixture->repository), 0);
	for (unsigned i = 0; i < N_BLOBS; i++) {
		memset(bytes, (int)i + 1, sizeof(bytes));
		fixture->ids[i] = repository_add_blob(fixture->repository, bytes, sizeof(bytes));
	}
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	git_odb_free(fixture->odb);
	git_repository_free(fixture->repository);
	place_remove(fixture->place);
	free(fixture);
	return 0;
}

static struct hd_git_cache *new_cache(struct fixture *fixture, struct hd_git_cache_limits limits)
{
	struct hd_git_cache *cache = NULL;

	assert_int_equal(hd_git_cache_new(fixture->odb, &limits, &cache), 0);
	return cache;
}

static void check_blob(struct hd_git_cache *cache, struct fixture *fixture, unsigned i)
{
	uint8_t buffer[300];
	size_t size;

	assert_int_equal(
		hd_git_cache_read(cache, fixture->ids[i].id, buffer, sizeof(buffer), 9800, &size), 0);
	assert_int_equal(size, 200);
	assert_int_equal(buffer[0], i + 1);
	assert_int_equal(buffer[199], i + 1);
}

static void a_cached_blob_is_not_loaded_again(void **state)
{
	struct hd_git_cache *cache =
		new_cache(*state, (struct hd_git_cache_limits){1 << 20, 1 << 20, 1 << 20});
	struct hd_git_cache_usage usage;

	for (unsigned i = 0; i < 5; i++)
		check_blob(cache, *state, 3);
	hd_git_cache_usage(cache, &usage);
	assert_int_equal(usage.loads, 1);
	hd_git_cache_free(cache);
}

static void what_was_used_longest_ago_gives_way(void **state)
{
	/* Room for three blobs and their bookkeeping. */
	struct hd_git_cache *cache = new_cache(*state, (struct hd_git_cache_limits){32000, 1 << 20, 1 << 20});
	struct hd_git_cache_usage usage;

	check_blob(cache, *state, 0);
	check_blob(cache, *state, 1);
	check_blob(cache, *state, 2);
	check_blob(cache, *state, 0);
	check_blob(cache, *state, 3);
	hd_git_cache_usage(cache, &usage);
	assert_int_equal(usage.loads, 4);
	assert_true(usage.memory_bytes <= 32000);
	check_blob(cache, *state, 0);
	hd_git_cache_usage(cache, &usage);
	assert_int_equal(usage.loads, 4);
	check_blob(cache, *state, 1);
	hd_git_cache_usage(cache, &usage);
	assert_int_equal(usage.loads, 5);
	hd_git_cache_free(cache);
}

static void large_blobs_live_in_memory_files_with_a_budget(void **state)
{
	struct hd_git_cache *cache = new_cache(*state, (struct hd_git_cache_limits){1 << 20, 5000, 22000});
	struct hd_git_cache_usage usage;

	for (unsigned i = 0; i < N_BLOBS; i++)
		check_blob(cache, *state, i);
	hd_git_cache_usage(cache, &usage);
	assert_int_equal(usage.memory_bytes, 0);
	assert_true(usage.file_bytes >= 2 * BLOB_SIZE && usage.file_bytes <= 22000);
	hd_git_cache_free(cache);
}

static void a_blob_above_the_whole_budget_still_reads(void **state)
{
	struct hd_git_cache *cache = new_cache(*state, (struct hd_git_cache_limits){100, 5000, 100});
	struct hd_git_cache_usage usage;

	for (unsigned i = 0; i < 3; i++)
		check_blob(cache, *state, 5);
	hd_git_cache_usage(cache, &usage);
	assert_int_equal(usage.loads, 1);
	hd_git_cache_free(cache);
}

static void a_blob_that_failed_is_tried_again(void **state)
{
	struct fixture *fixture = *state;
	struct hd_git_cache *cache = new_cache(fixture, HD_GIT_CACHE_LIMITS);
	char buffer[16];
	size_t size = 77;
	git_oid id;

	assert_int_equal(git_odb_hash(&id, "not yet", 7, GIT_OBJECT_BLOB), 0);
	assert_int_equal(
		hd_git_cache_read(cache, id.id, buffer, sizeof(buffer), 0, &size), -HD_E_BASE_OBJECT);
	assert_int_equal(size, 77);
	(void)repository_add_blob(fixture->repository, "not yet", 7);
	assert_int_equal(hd_git_cache_read(cache, id.id, buffer, sizeof(buffer), 0, &size), 0);
	assert_int_equal(size, 7);
	hd_git_cache_free(cache);
}

struct reader {
	pthread_t thread;
	struct fixture *fixture;
	struct hd_git_cache *cache;
	unsigned seed;
	unsigned wrong;
};

static void *read_blobs(void *payload)
{
	struct reader *reader = payload;

	for (unsigned n = 0; n < 400; n++) {
		unsigned i = (unsigned)rand_r(&reader->seed) % N_BLOBS;
		uint64_t offset = (uint64_t)rand_r(&reader->seed) % BLOB_SIZE;
		uint8_t buffer[4096];
		size_t size = 0;

		if (hd_git_cache_read(reader->cache, reader->fixture->ids[i].id, buffer, sizeof(buffer),
			    offset, &size) != 0 ||
			size == 0 || buffer[0] != i + 1 || buffer[size - 1] != i + 1)
			reader->wrong++;
	}
	return NULL;
}

/* The budgets hold a third of the blobs, so threads load, wait for each other, and evict what others read. */
static void threads_that_share_blobs_read_the_right_bytes(void **state)
{
	static const struct hd_git_cache_limits limits[] = {{42000, 1 << 20, 1}, {1, 5000, 42000}};

	for (unsigned n = 0; n < 2; n++) {
		struct hd_git_cache *cache = new_cache(*state, limits[n]);
		struct reader readers[4];

		for (unsigned i = 0; i < 4; i++) {
			readers[i] = (struct reader){.fixture = *state, .cache = cache, .seed = i};
			assert_int_equal(
				pthread_create(&readers[i].thread, NULL, read_blobs, &readers[i]), 0);
		}
		for (unsigned i = 0; i < 4; i++) {
			assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
			assert_int_equal(readers[i].wrong, 0);
		}
		hd_git_cache_free(cache);
	}
}

int main(void)
{
#define WITH_BLOBS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_BLOBS(a_cached_blob_is_not_loaded_again),
		WITH_BLOBS(what_was_used_longest_ago_gives_way),
		WITH_BLOBS(large_blobs_live_in_memory_files_with_a_budget),
		WITH_BLOBS(a_blob_above_the_whole_budget_still_reads),
		WITH_BLOBS(a_blob_that_failed_is_tried_again),
		WITH_BLOBS(threads_that_share_blobs_read_the_right_bytes),
	};

	return cmocka_run_group_tests_name("git blob cache", tests, NULL, NULL);
}
