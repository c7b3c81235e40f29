/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Packs and their indexes, as a hostile repository may hold them: whatever the bytes, what is taken over is inside of the pack, each
 * object once and behind what it is a difference from, and what says of itself that it is none is left.
 *
 * The first byte says which of both is made up. Odd: the rest is an index. Even: how many objects, where each begins (2 bytes), and
 * the pack's bytes; the index is right then, so that sums do not keep mutations out.
 *
 * MUTATIONS: 1500
 * LINK: heddle_capture
 */

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "capture/git/big_endian.h"
#include "capture/git/packs/pack_index.h"
#include "capture/git/packs/packed_copy.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

#define MOST 16u
#define HEADER 12u
#define SUM 20u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Never the working directory: libFuzzer's own paths may be relative to that. */
static char directory[] = "/tmp/heddle-fuzz-XXXXXX";
static char target[sizeof(directory) + 3];
static int directory_fd = -1;

static void remove_directory(void)
{
	(void)hd_directory_remove_tree(AT_FDCWD, directory);
}

static void prepare(void)
{
	static int is_ready;

	if (is_ready)
		return;
	if (!mkdtemp(directory))
		abort();
	directory_fd = hd_directory_open(AT_FDCWD, directory);
	(void)snprintf(target, sizeof(target), "%s/to", directory);
	if (directory_fd < 0 || hd_directory_make(directory_fd, "pack", 0700) < 0 ||
		hd_directory_make(directory_fd, "to", 0700) < 0 ||
		hd_directory_make(directory_fd, "to/objects", 0700) < 0)
		abort();
	(void)atexit(remove_directory);
	is_ready = 1;
}

static void write_file(const char *path, const struct hd_buffer *bytes)
{
	int fd = hd_file_open(directory_fd, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || hd_buffer_status(bytes) < 0 || hd_file_write_at(fd, bytes->data, bytes->size, 0) < 0)
		abort();
	(void)close(fd);
}

static void make_id(uint32_t number, git_oid *ret_id)
{
	memset(ret_id->id, 0, sizeof(ret_id->id));
	ret_id->id[GIT_OID_RAWSZ - 1] = (uint8_t)number;
}

/* Where object NUMBER ends: where the next one begins, or the pack's sum. */
static uint32_t end_of(const uint32_t *offsets, uint32_t count, uint32_t number, uint32_t end)
{
	for (uint32_t i = 0; i < count; i++) {
		if (offsets[i] > offsets[number] && offsets[i] < end)
			end = offsets[i];
	}
	return end;
}

static void make_index(const struct hd_buffer *pack, const uint32_t *offsets, uint32_t count)
{
	struct hd_buffer index = {0};
	uint32_t end = (uint32_t)pack->size - SUM;
	git_oid id;

	hd_buffer_put(&index, "\377tOc", 4);
	hd_put_be32(&index, 2);
	for (unsigned i = 0; i < 256; i++)
		hd_put_be32(&index, count);
	for (uint32_t i = 0; i < count; i++) {
		make_id(i, &id);
		hd_buffer_put(&index, id.id, GIT_OID_RAWSZ);
	}
	for (uint32_t i = 0; i < count; i++) {
		uint32_t last = end_of(offsets, count, i, end);

		hd_put_be32(&index, offsets[i] < last ? (uint32_t)crc32_z(crc32_z(0, NULL, 0),
								pack->data + offsets[i], last - offsets[i])
						      : 0);
	}
	for (uint32_t i = 0; i < count; i++)
		hd_put_be32(&index, offsets[i]);
	for (unsigned i = 0; i < 2 * SUM; i++)
		hd_buffer_put_u8(&index, 0);
	write_file("pack/pack-1.idx", &index);
	hd_buffer_clear(&index);
}

static void make_pack(const uint8_t *data, size_t size, uint32_t count, struct hd_buffer *pack)
{
	hd_buffer_put(pack, "PACK", 4);
	hd_put_be32(pack, 2);
	hd_put_be32(pack, count);
	hd_buffer_put(pack, data, size);
	for (unsigned i = 0; i < SUM; i++)
		hd_buffer_put_u8(pack, 0);
	write_file("pack/pack-1.pack", pack);
}

static void check_copy(uint32_t count, size_t pack_size)
{
	struct hd_object_list wanted = {0};
	struct hd_pack_writer writer;
	int r;

	for (uint32_t i = 0; i < count; i++) {
		struct hd_pack_entry entry = {0};

		make_id(i, &entry.id);
		if (hd_object_list_add(&wanted, &entry) < 0)
			abort();
	}
	if (hd_pack_writer_begin(target, &writer) < 0)
		abort();
	r = hd_packed_copy(directory, &wanted, &writer);
	if (r < 0 && r != -HD_E_BASE_OBJECT)
		abort();
	for (uint32_t i = 0; i < count && r == 0; i++) {
		/* A header may grow: a distance takes up to 10 bytes. */
		if (wanted.entries[i].offset > pack_size + 10 * (size_t)count)
			abort();
	}
	hd_error_clear();
	hd_pack_writer_abort(&writer);
	hd_object_list_clear(&wanted);
}

/* All that an index says is somewhere in it. */
static void check_index(const uint8_t *data, size_t size)
{
	struct hd_pack_index index;
	uint64_t sum = 0;

	if (!hd_pack_index_open(data, size, &index))
		return;
	for (uint32_t i = 0; i < index.count; i++) {
		const uint8_t *id = hd_pack_index_id(&index, i);

		if (id < data || id + GIT_OID_RAWSZ > data + size)
			abort();
		sum += hd_pack_index_sum(&index, i) + hd_pack_index_offset(&index, i);
	}
	/* Read, whatever it is. */
	if (sum == 1)
		hd_error_clear();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hd_buffer pack = {0};
	uint32_t offsets[MOST], count;

	if (size < 2)
		return 0;
	if (data[0] & 1) {
		check_index(data + 1, size - 1);
		return 0;
	}
	count = data[1] % MOST;
	data += 2;
	size -= 2;
	if (size < 2 * (size_t)count || size > 65536)
		return 0;
	prepare();
	for (uint32_t i = 0; i < count; i++)
		offsets[i] = HEADER + ((uint32_t)data[2 * i] << 8 | data[2 * i + 1]);
	make_pack(data + 2 * (size_t)count, size - 2 * (size_t)count, count, &pack);
	make_index(&pack, offsets, count);
	check_copy(count, pack.size);
	hd_buffer_clear(&pack);
	return 0;
}
