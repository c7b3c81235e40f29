/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/objects/chunk_list.h"
#include "overlay/store/objects/content_extent.h"
#include "overlay/store/objects/object_store_types.h"
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
	uint64_t count;

	data[HD_CHUNK_SIZE + 1] ^= 1;
	fresh = written(objects, data, LARGE, LARGE);
	assert_false(hd_content_equal(&old, &fresh));
	assert_success(hd_content_writer_new(objects, LARGE, &writer));
	assert_success(hd_content_writer_reuse(writer, &old, 0, 1, &count));
	assert_success(hd_content_writer_append(writer, data + HD_CHUNK_SIZE, HD_CHUNK_SIZE));
	assert_success(hd_content_writer_reuse(writer, &old, 2, 1, &count));
	/* The last chunk is not a full one. */
	assert_int_equal(hd_content_writer_reuse(writer, &old, 3, 1, &count), -EINVAL);
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
	uint64_t count;

	assert_success(hd_content_writer_new(objects, HD_CHUNK_SIZE, &writer));
	assert_int_equal(hd_content_writer_reuse(writer, &plain, 0, 1, &count), -ENOENT);
	assert_int_equal(hd_content_writer_reuse(writer, &old, 3, 1, &count), -ENOENT);
	assert_int_equal(hd_content_writer_reuse(writer, &old, UINT64_MAX, 1, &count), -ENOENT);
	assert_success(hd_content_writer_reuse(writer, &old, 1, 1, &count));
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
	uint64_t total = 0;
	size_t size = 0;
	void *bytes = NULL;

	as_object.kind = HD_CONTENT_OBJECT;
	assert_success(hd_object_store_get(objects, &as_object, sizeof(list), &bytes, &size));
	assert_int_equal(size, HD_CHUNK_LIST_HEADER_SIZE + 4 * HD_CHUNK_RUN_SIZE);
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
	/* Runs that do not ascend, and a last one that ends elsewhere. */
	list[HD_CHUNK_LIST_HEADER_SIZE + HD_CHUNK_RUN_SIZE] = 1;
	assert_int_equal(hd_chunk_list_decode(list, size, NULL, NULL, &total), -HD_E_OBJECT_CORRUPT);
	list[HD_CHUNK_LIST_HEADER_SIZE + HD_CHUNK_RUN_SIZE] = 2;
	assert_success(hd_chunk_list_decode(list, size, NULL, NULL, &total));
	assert_int_equal(total, LARGE);
	list[HD_CHUNK_LIST_HEADER_SIZE + 3 * HD_CHUNK_RUN_SIZE] = 5;
	assert_code(read_as_list(objects, list, size), HD_E_OBJECT_CORRUPT);
	assert_int_equal(hd_chunk_list_decode(list, size, NULL, NULL, &total), -HD_E_OBJECT_CORRUPT);
	list[HD_CHUNK_LIST_HEADER_SIZE + 3 * HD_CHUNK_RUN_SIZE] = 4;
	/* The last chunk in place of the first: right ids, wrong length. */
	memcpy(list + HD_CHUNK_LIST_HEADER_SIZE + 8,
		list + HD_CHUNK_LIST_HEADER_SIZE + 3 * HD_CHUNK_RUN_SIZE + 8, HD_OBJECT_ID_BYTES);
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
	assert_success(hd_content_writer_append_zeros(writer, 1));
	assert_success(hd_content_writer_append(writer, data + HD_CHUNK_SIZE, HD_CHUNK_SIZE));
	assert_success(hd_content_writer_append_zeros(writer, 1));
	assert_success(hd_content_writer_append_zeros(writer, 1));
	/* Less than a chunk is left. */
	assert_int_equal(hd_content_writer_append_zeros(writer, 1), -EINVAL);
	assert_success(hd_content_writer_append(writer, data, 7));
	assert_success(hd_content_writer_finish(writer, &holes));
	assert_true(hd_content_equal(&plain, &holes));
	free(data);
}

#define EXTENTS_SIZE (((uint64_t)1 << 40) + 9)

/* 1 TiB with three blocks: a list of a few runs, and the places of the blocks are known. */
static void a_huge_sparse_content_costs_by_its_data(void **state)
{
	static const uint64_t places[] = {0, (3ull << 20) + 8192, EXTENTS_SIZE - 5000};
	struct hd_object_store *objects = ((struct scratch *)*state)->store->objects;
	uint8_t *chunk = calloc(1, HD_CHUNK_SIZE), byte = 1;
	struct hd_content_writer *writer;
	struct hd_content content, as_object;
	uint64_t at = 0, size, found;
	size_t got;

	assert_non_null(chunk);
	assert_success(hd_content_writer_new(objects, EXTENTS_SIZE, &writer));
	for (int i = 0; i < 3; i++) {
		uint64_t first = places[i] / HD_CHUNK_SIZE;

		if (first > at)
			assert_success(hd_content_writer_append_zeros(writer, first - at));
		memset(chunk, 0, HD_CHUNK_SIZE);
		memset(chunk + places[i] % HD_CHUNK_SIZE, 'x', 1);
		assert_success(hd_content_writer_append(writer, chunk, HD_CHUNK_SIZE));
		at = first + 1;
	}
	memset(chunk, 0, HD_CHUNK_SIZE);
	assert_success(hd_content_writer_append(writer, chunk, 9));
	assert_int_equal(hd_content_writer_data_bytes(writer), 3 * 4096);
	assert_success(hd_content_writer_finish(writer, &content));
	as_object = content;
	as_object.kind = HD_CONTENT_OBJECT;
	assert_success(hd_object_store_size(objects, &as_object, &size));
	assert_int_equal(size, HD_CHUNK_LIST_HEADER_SIZE + 6 * HD_CHUNK_RUN_SIZE);
	assert_success(hd_content_data_size(objects, &content, &size));
	assert_int_equal(size, 3 * (uint64_t)HD_CHUNK_SIZE + 9);
	for (int i = 0; i < 3; i++) {
		uint64_t block = places[i] / 4096 * 4096, next = i < 2 ? places[i + 1] / 4096 * 4096 : 0;

		assert_success(hd_object_store_read(objects, &content, &byte, 1, places[i], &got));
		assert_int_equal(byte, 'x');
		assert_success(hd_content_seek(objects, &content, block, false, &found));
		assert_int_equal(found, block + 4096);
		assert_success(hd_object_store_read(objects, &content, &byte, 1, found, &got));
		assert_int_equal(byte, 0);
		assert_success(hd_content_seek(objects, &content, found, true, &found));
		assert_int_equal(found, next ? next : EXTENTS_SIZE);
	}
	free(chunk);
}

static void seeking_agrees_with_the_bytes(void **state)
{
	static const size_t sizes[] = {1, 5000, 300000, HD_CHUNK_SIZE, 3 * HD_CHUNK_SIZE + 5000};
	struct hd_object_store *objects = ((struct scratch *)*state)->store->objects;

	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		uint8_t *data = calloc(1, sizes[s]);
		struct hd_content content;

		assert_non_null(data);
		for (size_t i = 0; i < sizes[s]; i += 7 * 4096 + 100)
			memset(data + i, 'd', sizes[s] - i < 5000 ? sizes[s] - i : 5000);
		content = written(objects, data, sizes[s], sizes[s]);
		for (size_t offset = 0; offset < sizes[s]; offset += 1000) {
			size_t right = offset;
			uint64_t found = 0;

			/* Data never lies in what is skipped; what is found is a block with data. */
			assert_success(hd_content_seek(objects, &content, offset, true, &found));
			while (right < sizes[s] && right < found && data[right] == 0)
				right++;
			assert_int_equal(right, found);
			assert_success(hd_content_seek(objects, &content, offset, false, &found));
			if (found < sizes[s])
				assert_true(hd_is_zero(data + found, 4096 - found % 4096 < sizes[s] - found
									     ? 4096 - found % 4096
									     : sizes[s] - found));
		}
		free(data);
	}
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
		TEST(a_huge_sparse_content_costs_by_its_data),
		TEST(seeking_agrees_with_the_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
