/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/objects/object_store_types.h"
#include "tests/unit/store/scratch_store.h"

/*
 * Putting many objects at once: their names are those that one by one would have given them, also where bytes collide or
 * somebody else is faster, and they are there for everybody after the flush.
 */

#define COUNT 3000

static struct hd_store *opened(struct scratch *scratch)
{
	struct hd_store *store = NULL;

	assert_success(hd_store_open(scratch->path, &store));
	return store;
}

static size_t text_of(unsigned number, char text[1024])
{
	return (size_t)snprintf(text, 1024, "%0*u", 1 + (int)(number * 7 % 900), number);
}

static struct hd_object_batch *begun(struct hd_store *store)
{
	struct hd_object_batch *batch = NULL;

	assert_success(hd_object_batch_new(store->objects, &batch));
	return batch;
}

static struct hd_content put(struct hd_object_batch *batch, const char *text)
{
	struct hd_content content;

	assert_success(hd_object_batch_put(batch, text, strlen(text), &content));
	return content;
}

static void assert_object(struct hd_store *store, const struct hd_content *content, const char *expected)
{
	size_t size = 0;
	void *data = NULL;

	assert_success(hd_object_store_get(store->objects, content, 1024, &data, &size));
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(data, expected, size);
	free(data);
}

/* As the number at the end of an id says. */
static unsigned number_of(const struct hd_content *content)
{
	struct hd_object_id id;

	memcpy(&id, content->bytes, sizeof(id));
	return id.number;
}

static void all_hashes_equal(struct hd_hash128 *hash)
{
	memset(hash, 7, sizeof(*hash));
}

static void many_objects_have_the_names_that_they_have_one_by_one(void **state)
{
	struct scratch *scratch = *state;
	struct hd_object_batch *batch = begun(scratch->store);
	struct hd_content *contents = calloc(COUNT, sizeof(*contents));
	struct hd_store *other;
	char text[1024];

	assert_non_null(contents);
	for (unsigned i = 0; i < COUNT; i++)
		assert_success(hd_object_batch_put(batch, text, text_of(i, text), &contents[i]));
	/* Again, some of which are still waiting. */
	for (unsigned i = 0; i < COUNT; i++) {
		struct hd_content again;

		assert_success(hd_object_batch_put(batch, text, text_of(i, text), &again));
		assert_true(hd_content_equal(&again, &contents[i]));
	}
	assert_success(hd_object_batch_flush(batch));
	assert_success(hd_object_batch_flush(batch));
	hd_object_batch_free(batch);
	assert_success(hd_object_store_sync(scratch->store->objects));
	other = opened(scratch);
	for (unsigned i = 0; i < COUNT; i++) {
		struct hd_content one;

		(void)text_of(i, text);
		assert_object(scratch->store, &contents[i], text);
		assert_object(other, &contents[i], text);
		assert_success(hd_object_store_put(other->objects, text, strlen(text), &one));
		assert_true(hd_content_equal(&one, &contents[i]));
	}
	hd_store_free(other);
	free(contents);
}

static void what_was_not_flushed_is_nowhere(void **state)
{
	struct scratch *scratch = *state;
	struct hd_object_batch *batch = begun(scratch->store);
	struct hd_content content = put(batch, "forgotten");
	void *data;
	size_t size;

	assert_code(hd_object_store_get(scratch->store->objects, &content, 1024, &data, &size),
		-HD_E_OBJECT_MISSING);
	hd_object_batch_free(batch);
	hd_object_batch_free(NULL);
}

static void bytes_that_collide_get_numbers(void **state)
{
	struct scratch *scratch = *state;
	struct hd_object_batch *batch;
	struct hd_content contents[4];

	scratch->store->objects->adjust_hash = all_hashes_equal;
	assert_success(hd_object_store_put(scratch->store->objects, "first", 5, &contents[0]));
	batch = begun(scratch->store);
	/* The first of them is put by itself, for its number 0 has others' bytes; the rest meets it, too. */
	contents[1] = put(batch, "second");
	contents[2] = put(batch, "third");
	contents[3] = put(batch, "second");
	assert_success(hd_object_batch_flush(batch));
	hd_object_batch_free(batch);
	assert_int_equal(number_of(&contents[1]), 1);
	assert_int_equal(number_of(&contents[2]), 2);
	assert_true(hd_content_equal(&contents[3], &contents[1]));
	assert_object(scratch->store, &contents[1], "second");
	assert_object(scratch->store, &contents[2], "third");
}

static void bytes_that_collide_while_they_wait_get_numbers(void **state)
{
	struct scratch *scratch = *state;
	struct hd_object_batch *batch = begun(scratch->store);
	struct hd_content contents[3];

	scratch->store->objects->adjust_hash = all_hashes_equal;
	contents[0] = put(batch, "first");
	contents[1] = put(batch, "second");
	contents[2] = put(batch, "first");
	assert_int_equal(number_of(&contents[0]), 0);
	assert_int_equal(number_of(&contents[1]), 1);
	assert_true(hd_content_equal(&contents[0], &contents[2]));
	assert_success(hd_object_batch_flush(batch));
	hd_object_batch_free(batch);
	assert_object(scratch->store, &contents[0], "first");
	assert_object(scratch->store, &contents[1], "second");
}

/* The same bytes of another process are found in their place; other bytes of the same name are told. */
static void somebody_else_may_be_faster(void **state)
{
	struct scratch *scratch = *state;
	struct hd_store *other = opened(scratch);
	struct hd_object_batch *batch = begun(scratch->store);
	struct hd_content ours[2], theirs;

	ours[0] = put(batch, "the same");
	ours[1] = put(batch, "ours alone");
	assert_success(hd_object_store_put(other->objects, "the same", 8, &theirs));
	assert_success(hd_object_batch_flush(batch));
	assert_true(hd_content_equal(&ours[0], &theirs));
	assert_object(other, &ours[1], "ours alone");
	scratch->store->objects->adjust_hash = other->objects->adjust_hash = all_hashes_equal;
	(void)put(batch, "ours");
	assert_success(hd_object_store_put(other->objects, "theirs", 6, &theirs));
	assert_code(hd_object_batch_flush(batch), -EEXIST);
	assert_object(scratch->store, &theirs, "theirs");
	hd_object_batch_free(batch);
	hd_store_free(other);
}

/* Some have files by now, and the others are appended between them. */
static void what_has_a_file_is_found_when_it_is_written(void **state)
{
	struct scratch *scratch = *state;
	struct hd_content before[20], now[60];
	struct hd_object_batch *batch;
	struct hd_store *other;
	char text[1024];

	for (unsigned i = 0; i < 20; i++)
		assert_success(hd_object_store_put(
			scratch->store->objects, text, text_of(i * i % 60, text), &before[i]));
	assert_success(hd_object_store_settle(scratch->store->objects, 0));
	batch = begun(scratch->store);
	for (unsigned i = 0; i < 60; i++)
		assert_success(hd_object_batch_put(batch, text, text_of(i, text), &now[i]));
	assert_success(hd_object_batch_flush(batch));
	hd_object_batch_free(batch);
	assert_success(hd_object_store_sync(scratch->store->objects));
	other = opened(scratch);
	for (unsigned i = 0; i < 20; i++)
		assert_true(hd_content_equal(&before[i], &now[i * i % 60]));
	for (unsigned i = 0; i < 60; i++) {
		(void)text_of(i, text);
		assert_object(scratch->store, &now[i], text);
		assert_object(other, &now[i], text);
	}
	hd_store_free(other);
}

/* A name that was given and belongs to others' bytes, in a file, is told of. */
static void other_bytes_in_a_file_are_told(void **state)
{
	struct scratch *scratch = *state;
	struct hd_object_batch *batch;
	struct hd_content theirs;

	scratch->store->objects->adjust_hash = all_hashes_equal;
	assert_success(hd_object_store_put(scratch->store->objects, "theirs", 6, &theirs));
	assert_success(hd_object_store_settle(scratch->store->objects, 0));
	batch = begun(scratch->store);
	(void)put(batch, "ours");
	assert_code(hd_object_batch_flush(batch), -EEXIST);
	assert_object(scratch->store, &theirs, "theirs");
	hd_object_batch_free(batch);
}

static void without_a_log_each_has_a_file(void **state)
{
	struct scratch *scratch = *state;
	size_t limit = hd_object_log_limit;
	struct hd_object_batch *batch;
	struct hd_content content;

	hd_object_log_limit = 4;
	batch = begun(scratch->store);
	content = put(batch, "too large for a log");
	hd_object_log_limit = limit;
	/* At once: it did not wait. */
	assert_object(scratch->store, &content, "too large for a log");
	assert_success(hd_object_batch_flush(batch));
	hd_object_batch_free(batch);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(many_objects_have_the_names_that_they_have_one_by_one),
		TEST(what_was_not_flushed_is_nowhere),
		TEST(bytes_that_collide_get_numbers),
		TEST(bytes_that_collide_while_they_wait_get_numbers),
		TEST(somebody_else_may_be_faster),
		TEST(what_has_a_file_is_found_when_it_is_written),
		TEST(other_bytes_in_a_file_are_told),
		TEST(without_a_log_each_has_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
