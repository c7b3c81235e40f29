/* SPDX-License-Identifier: Apache-2.0 */
/* The names of objects: known answers of XXH3, so that a change of library or of byte order cannot pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "overlay/platform/checksum.h"

/* XXH3-128 of nothing with seed 0, canonical: the value that xxh128sum prints for an empty file. */
static const uint8_t of_nothing[16] = {
	0x99, 0xaa, 0x06, 0xd3, 0x01, 0x47, 0x98, 0xd8, 0x60, 0x01, 0xc3, 0x24, 0x46, 0x8d, 0x49, 0x7f};

static void nothing_has_its_published_hash(void **state)
{
	struct hd_hash128 hash = hd_hash128(NULL, 0);

	(void)state;
	assert_memory_equal(hash.bytes, of_nothing, sizeof(of_nothing));
	assert_true(hd_checksum64(NULL, 0) == UINT64_C(0x2d06800538d394c2));
}

static void a_stream_gives_the_hash_of_the_whole(void **state)
{
	static uint8_t data[100000];
	struct hd_hash128 whole, pieces;
	struct hd_hash_stream *stream = hd_hash_stream_new();
	size_t done = 0;

	(void)state;
	assert_non_null(stream);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 31 + (i >> 8));
	whole = hd_hash128(data, sizeof(data));
	for (size_t size = 0; done < sizeof(data); size = (size * 3 + 1) % 4099) {
		if (size > sizeof(data) - done)
			size = sizeof(data) - done;
		hd_hash_stream_update(stream, data + done, size);
		done += size;
	}
	pieces = hd_hash_stream_finish(stream);
	assert_memory_equal(whole.bytes, pieces.bytes, sizeof(whole.bytes));
	data[77777] ^= 1;
	pieces = hd_hash128(data, sizeof(data));
	assert_memory_not_equal(whole.bytes, pieces.bytes, sizeof(whole.bytes));
}

static void a_stream_of_nothing_is_nothing(void **state)
{
	struct hd_hash_stream *stream = hd_hash_stream_new();
	struct hd_hash128 hash;

	(void)state;
	assert_non_null(stream);
	hd_hash_stream_update(stream, NULL, 0);
	hash = hd_hash_stream_finish(stream);
	assert_memory_equal(hash.bytes, of_nothing, sizeof(of_nothing));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_has_its_published_hash),
		cmocka_unit_test(a_stream_gives_the_hash_of_the_whole),
		cmocka_unit_test(a_stream_of_nothing_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
