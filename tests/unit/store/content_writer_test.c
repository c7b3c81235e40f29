/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/chunk_list.h"
#include "overlay/store/object_store_types.h"
#include "tests/unit/store/scratch_store.h"

/*
 * The content writer and chunk lists: forms, cuts, reuse, ranged reads, and lists that do not hold together.
 */

#define LARGE ((size_t)3 * HD_CHUNK_SIZE + 12345)

static uint8_t *pattern(size_t size)
{
	uint8_t *data = malloc(size + 1);
	uint32_t word = 1;

	assert_non_null(data);
	for (size_t i = 0; i < size; i++) {
		word = word * 1664525 + 1013904223;
		data[i] = (uint8_t)(word >> 24);
	}
	return data;
}

/* Writes DATA in pieces of PIECE bytes. */
static struct hd_content written(
	struct hd_object_store *objects, const uint8_t *data, size_t size, size_t piece)
{
	struct hd_content_writer *writer = NULL;
	struct hd_content content;

	assert_success(hd_content_writer_new(objects, size, &writer));
	for (size_t done = 0; done < size; done += piece)
		assert_success(hd_content_writer_append(
			writer, data + done, size - done < piece ? size - done : piece));
	assert_success(hd_content_writer_finish(writer, &content));
	return content;
}

static void the_form_depends_on_the_size_alone(void **state)
{
	static const size_t sizes[] = {0, 1, HD_CHUNK_SIZE - 1, HD_CHUNK_SIZE, HD_CHUNK_SIZE + 1, LARGE};
	struct hd_object_store *objects = ((struct scratch *)*state)->store->objects;
	uint8_t *data = pattern(LARGE), *found = malloc(LARGE);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		enum hd_content_kind kind = sizes[i] == 0               ? HD_CONTENT_NONE
					    : sizes[i] <= HD_CHUNK_SIZE ? HD_CONTENT_OBJECT
									: HD_CONTENT_CHUNKED;
		struct hd_content whole = written(objects, data, sizes[i], LARGE);
		struct hd_content pieces = written(objects, data, sizes[i], 99991);
		uint64_t size;
		size_t got;

		assert_int_equal(whole.kind, kind);
		assert_true(hd_content_equal(&whole, &pieces));
		assert_success(hd_object_store_size(objects, &whole, &size));
		assert_int_equal(size, sizes[i]);
		assert_success(hd_object_store_read(objects, &whole, found, LARGE, 0, &got));
		assert_int_equal(got, sizes[i]);
		assert_memory_equal(found, data, got);
	}
	free(data);
	free(found);
}

static void a_range_crosses_chunks(void **state)
{
	static const struct {
		uint64_t offset;
		size_t size, expected;
	} ranges[] = {
		{0, 10, 10},
		{HD_CHUNK_SIZE - 5, 10, 10},
		{HD_CHUNK_SIZE - 5, 2 * HD_CHUNK_SIZE, 2 * HD_CHUNK_SIZE},
		{LARGE - 7, 100, 7},
		{LARGE, 100, 0},
		{UINT64_MAX - 3, 100, 0},
	};
	struct hd_object_store *objects = ((struct scratch *)*state)->store->objects;
	uint8_t *data = pattern(LARGE), *found = malloc(LARGE);
	struct hd_content content = written(objects, data, LARGE, LARGE);

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		size_t got = 77;

		assert_success(hd_object_store_read(
			objects, &content, found, ranges[i].size, ranges[i].offset, &got));
		assert_int_equal(got, ranges[i].expected);
		assert_memory_equal(found, data + (got ? ranges[i].offset : 0), got);
	}
	free(data);
	free(found);
}

static void a_range_needs_only_its_own_chunks(void **state)
{
	struct scratch *scratch = *state;
	uint8_t *data = pattern(LARGE), byte;
	struct hd_content content = written(scratch->store->objects, data, LARGE, LARGE);
	struct hd_object_id second =
		hd_object_id_compute(scratch->store->objects, data + HD_CHUNK_SIZE, HD_CHUNK_SIZE);
	char path[HD_OBJECT_PATH_SIZE];
	struct hd_store *store = NULL;
	size_t got;

	assert_success(hd_file_unlink(scratch->store->objects->objects_fd, hd_object_id_path(&second, path)));
	assert_success(hd_store_open(scratch->path, &store));
	assert_success(hd_object_store_read(store->objects, &content, &byte, 1, 0, &got));
	assert_success(hd_object_store_read(store->objects, &content, &byte, 1, 2 * HD_CHUNK_SIZE, &got));
	assert_int_equal(byte, data[2 * HD_CHUNK_SIZE]);
	assert_code(hd_object_store_read(store->objects, &content, &byte, 1, HD_CHUNK_SIZE, &got),
		HD_E_OBJECT_MISSING);
	hd_store_free(store);
	free(data);
}

static void reuse_gives_what_writing_gives(void **state)
{
	struct hd_object_store *objects = ((struct scratch *)*state)->store->objects;
	uint8_t *data = pattern(LARGE);
	struct hd_content old = written(objects, data, LARGE, LARGE), fresh, reused;
	struct hd_content_writer *writer = NULL;

	data[HD_CHUNK_SIZE + 1] ^= 1;
	fresh = written(objects, data, LARGE, LARGE);
	assert_false(hd_content_equal(&old, &fresh));
	assert_success(hd_content_writer_new(objects, LARGE, &writer));
	assert_success(hd_content_writer_reuse(writer, &old, 0));
	assert_success(hd_content_writer_append(writer, data + HD_CHUNK_SIZE, HD_CHUNK_SIZE));
	assert_success(hd_content_writer_reuse(writer, &old, 2));
	/* The last chunk is not a full one. */
	assert_int_equal(hd_content_writer_reuse(writer, &old, 3), -EINVAL);
	assert_success(hd_content_writer_append(writer, data + 3 * HD_CHUNK_SIZE, LARGE - 3 * HD_CHUNK_SIZE));
	assert_success(hd_content_writer_finish(writer, &reused));
	assert_true(hd_content_equal(&fresh, &reused));
	free(data);
}

static void a_file_cut_to_one_reused_chunk_is_a_plain_object(void **state)
{
	struct hd_object_store *objects = ((struct scratch *)*state)->store->objects;
	uint8_t *data = pattern(LARGE);
	struct hd_content old = written(objects, data, LARGE, LARGE), reused;
	struct hd_content plain = written(objects, data + HD_CHUNK_SIZE, HD_CHUNK_SIZE, LARGE);
	struct hd_content_writer *writer = NULL;

	assert_success(hd_content_writer_new(objects, HD_CHUNK_SIZE, &writer));
	assert_int_equal(hd_content_writer_reuse(writer, &plain, 0), -ENOENT);
	assert_int_equal(hd_content_writer_reuse(writer, &old, 3), -ENOENT);
	assert_int_equal(hd_content_writer_reuse(writer, &old, UINT64_MAX), -ENOENT);
	assert_success(hd_content_writer_reuse(writer, &old, 1));
	assert_success(hd_content_writer_finish(writer, &reused));
	assert_true(hd_content_equal(&plain, &reused));
	free(data);
}

static void pieces_that_do_not_add_up_are_refused(void **state)
{
	struct hd_object_store *objects = ((struct scratch *)*state)->store->objects;
	struct hd_content_writer *writer = NULL;
	struct hd_content content = {.kind = 99};

	assert_success(hd_content_writer_new(objects, 10, &writer));
	assert_success(hd_content_writer_append(writer, "012345678", 9));
	assert_int_equal(hd_content_writer_finish(writer, &content), -EINVAL);
	assert_success(hd_content_writer_new(objects, 10, &writer));
	assert_int_equal(hd_content_writer_append(writer, "0123456789a", 11), -EINVAL);
	/* The failure stays: what came before must not become a content. */
	assert_int_equal(hd_content_writer_append(writer, "0123456789", 10), -EINVAL);
	assert_int_equal(hd_content_writer_finish(writer, &content), -EINVAL);
	assert_int_equal(content.kind, 99);
	assert_int_equal(hd_content_writer_new(objects, UINT64_MAX, &writer), -EFBIG);
	hd_content_writer_free(NULL);
}

/* Stores bytes as if they were a list and reads the first byte of the content. */
static int read_as_list(struct hd_object_store *objects, const void *bytes, size_t size)
{
	struct hd_content content;
	uint8_t byte;
	size_t got;

	assert_success(hd_object_store_put(objects, bytes, size, &content));
	content.kind = HD_CONTENT_CHUNKED;
	return hd_object_store_read(objects, &content, &byte, 1, 0, &got);
}

static void malformed_lists_are_refused(void **state)
{
	static const size_t flipped[] = {0, 4, 6, 8, 12, 15, 16, 20, 23};
	struct hd_object_store *objects = ((struct scratch *)*state)->store->objects;
	uint8_t *data = pattern(LARGE), list[256];
	struct hd_content content = written(objects, data, LARGE, LARGE), as_object = content;
	size_t size = 0;
	void *bytes = NULL;

	as_object.kind = HD_CONTENT_OBJECT;
	assert_success(hd_object_store_get(objects, &as_object, sizeof(list), &bytes, &size));
	assert_int_equal(size, HD_CHUNK_LIST_HEADER_SIZE + 4 * HD_OBJECT_ID_BYTES);
	memcpy(list, bytes, size);
	free(bytes);
	assert_success(read_as_list(objects, list, size));
	for (size_t i = 0; i < sizeof(flipped) / sizeof(flipped[0]); i++) {
		/* 0x40: also in the total's low bytes it is more than a chunk's rounding hides. */
		list[flipped[i] + (flipped[i] == 8 ? 2 : 0)] ^= 0x40;
		assert_code(read_as_list(objects, list, size), HD_E_OBJECT_CORRUPT);
		list[flipped[i] + (flipped[i] == 8 ? 2 : 0)] ^= 0x40;
	}
	assert_code(read_as_list(objects, list, size - 1), HD_E_OBJECT_CORRUPT);
	assert_code(read_as_list(objects, list, size + 1), HD_E_OBJECT_CORRUPT);
	assert_code(read_as_list(objects, list, 10), HD_E_OBJECT_CORRUPT);
	assert_code(read_as_list(objects, "", 0), HD_E_OBJECT_CORRUPT);
	/* The last chunk in place of the first: right ids, wrong length. */
	memcpy(list + HD_CHUNK_LIST_HEADER_SIZE, list + HD_CHUNK_LIST_HEADER_SIZE + 3 * HD_OBJECT_ID_BYTES,
		HD_OBJECT_ID_BYTES);
	assert_code(read_as_list(objects, list, size), HD_E_OBJECT_CORRUPT);
	free(data);
}

static void zeros_that_are_appended_give_what_zero_bytes_give(void **state)
{
	struct hd_object_store *objects = ((struct scratch *)*state)->store->objects;
	size_t size = (size_t)4 * HD_CHUNK_SIZE + 7;
	uint8_t *data = calloc(1, size);
	struct hd_content_writer *writer;
	struct hd_content plain, holes;

	assert_non_null(data);
	memset(data + HD_CHUNK_SIZE, 'x', HD_CHUNK_SIZE);
	plain = written(objects, data, size, size);
	assert_success(hd_content_writer_new(objects, size, &writer));
	assert_success(hd_content_writer_append_zeros(writer));
	assert_success(hd_content_writer_append(writer, data + HD_CHUNK_SIZE, HD_CHUNK_SIZE));
	assert_success(hd_content_writer_append_zeros(writer));
	assert_success(hd_content_writer_append_zeros(writer));
	/* Less than a chunk is left. */
	assert_int_equal(hd_content_writer_append_zeros(writer), -EINVAL);
	assert_success(hd_content_writer_append(writer, data, 7));
	assert_success(hd_content_writer_finish(writer, &holes));
	assert_true(hd_content_equal(&plain, &holes));
	free(data);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_form_depends_on_the_size_alone),
		TEST(a_range_crosses_chunks),
		TEST(a_range_needs_only_its_own_chunks),
		TEST(reuse_gives_what_writing_gives),
		TEST(a_file_cut_to_one_reused_chunk_is_a_plain_object),
		TEST(pieces_that_do_not_add_up_are_refused),
		TEST(malformed_lists_are_refused),
		TEST(zeros_that_are_appended_give_what_zero_bytes_give),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
