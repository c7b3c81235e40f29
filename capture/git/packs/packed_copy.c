/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/packs/packed_copy.h"

#include <fcntl.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "capture/git/big_endian.h"
#include "capture/git/packs/pack_index.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/threads/work.h"

/*
 * A pack is read from its beginning to its end. How long an object's bytes are nothing says: they end where the next one begins.
 *
 * The base of a difference is in the same pack: before it, said by a distance, or anywhere, said by an id. In the new pack it is
 * always before, said by a distance: what has its base behind it waits until that is written. So there are no circles, which two
 * packs that hold the same objects as differences from each other would make.
 *
 * A pack is looked at whole, so it is left alone where it has much more than is wanted.
 */

#define WINDOW ((size_t)1 << 20)
#define PACK_HEADER_SIZE 12
#define SUM_SIZE 20
/* Type, size, and distance or id. */
#define ENTRY_HEADER_LIMIT 32
#define INDEX_LIMIT ((size_t)1 << 36)
#define MUCH_MORE 64
#define TYPE_DISTANCE 6
#define TYPE_ID 7

struct place {
	uint64_t offset;
	uint32_t number; /* in the index */
};

struct source {
	const char *name; /* borrowed */
	int fd;           /* owned: the pack */
	char *bytes;      /* owned: the index */
	struct hd_pack_index index;
	struct place *
		places; /* owned array, one more than objects: where they begin, in that order, and where the last ends */
	uint8_t *window; /* owned */
	uint64_t window_offset;
	size_t window_size;
};

struct copy {
	int directory_fd; /* borrowed: objects/pack */
	struct hd_object_list *wanted;
	struct hd_pack_writer *writer;
	size_t missing; /* of what is wanted */
};

static void source_clear(struct source *source)
{
	hd_cleanup_close(&source->fd);
	free(source->bytes);
	free(source->places);
	free(source->window);
}

/* ---- a pack and its index ---- */

static int compare_places(const void *a, const void *b)
{
	const struct place *left = a, *right = b;

	return left->offset < right->offset ? -1 : left->offset > right->offset;
}

/* 0 where an index says what cannot be. */
static int order_places(struct source *source, uint64_t pack_size)
{
	size_t count = source->index.count;
	uint64_t before = PACK_HEADER_SIZE - 1;

	source->places = calloc(count + 1, sizeof(*source->places));
	if (!source->places)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		source->places[i] =
			(struct place){.offset = hd_pack_index_offset(&source->index, i), .number = i};
	qsort(source->places, count, sizeof(*source->places), compare_places);
	source->places[count].offset = pack_size - SUM_SIZE;
	for (size_t i = 0; i <= count; i++) {
		if (source->places[i].offset <= before)
			return 0;
		before = source->places[i].offset;
	}
	return 1;
}

static int open_pack(struct copy *copy, struct source *source, const char *stem)
{
	uint8_t header[PACK_HEADER_SIZE];
	char name[NAME_MAX + sizeof(".pack")];
	struct stat status;
	size_t size;
	int r;

	(void)snprintf(name, sizeof(name), "%s.pack", stem);
	r = source->fd = hd_file_open(copy->directory_fd, name, O_RDONLY, 0);
	if (r >= 0)
		r = hd_file_stat(source->fd, &status);
	if (r >= 0)
		r = hd_file_read_at(source->fd, header, sizeof(header), 0, &size);
	if (r < 0)
		return r;
	if (size != sizeof(header) || memcmp(header, "PACK", 4) != 0 || hd_get_be32(header + 4) != 2 ||
		hd_get_be32(header + 8) != source->index.count ||
		(uint64_t)status.st_size < PACK_HEADER_SIZE + SUM_SIZE)
		return 0;
	source->window = malloc(WINDOW);
	return source->window ? order_places(source, (uint64_t)status.st_size) : -ENOMEM;
}

/* Whether a look at all of the pack is less than its objects one by one. */
static int is_worth_it(struct copy *copy, const char *name)
{
	HD_AUTO_CLOSE int fd = hd_file_open(copy->directory_fd, name, O_RDONLY, 0);
	uint8_t header[HD_PACK_INDEX_HEADER_SIZE];
	uint32_t count;
	size_t size;
	int r = fd < 0 ? fd : hd_file_read_at(fd, header, sizeof(header), 0, &size);

	if (r < 0)
		return r;
	return size == sizeof(header) && hd_pack_index_count(header, &count) &&
	       count / MUCH_MORE <= copy->missing;
}

/* 1; 0 where the pack is to be left alone. NAME is its index's. */
static int open_source(struct copy *copy, struct source *source, const char *name)
{
	char stem[NAME_MAX + 1];
	size_t size;
	int r = is_worth_it(copy, name);

	if (r > 0)
		r = hd_file_read_whole(copy->directory_fd, name, INDEX_LIMIT, &source->bytes, &size);
	if (r < 0 || !source->bytes)
		return r;
	if (!hd_pack_index_open(source->bytes, size, &source->index))
		return 0;
	(void)snprintf(stem, sizeof(stem), "%.*s", (int)(strlen(name) - strlen(".idx")), name);
	return open_pack(copy, source, stem);
}

/* ---- its bytes ---- */

/* Those from OFFSET on, as many as there are up to LENGTH and a window. */
static int look(
	struct source *source, uint64_t offset, uint64_t length, const uint8_t **ret_bytes, size_t *ret_size)
{
	uint64_t behind = offset - source->window_offset;

	if (offset < source->window_offset || behind >= source->window_size ||
		(source->window_size - behind < length &&
			source->window_size - behind < ENTRY_HEADER_LIMIT)) {
		int r = hd_file_read_at(source->fd, source->window, WINDOW, offset, &source->window_size);

		source->window_offset = offset;
		if (r < 0 || source->window_size == 0) {
			source->window_size = 0;
			return r < 0 ? r : hd_fail(HD_E_BASE_OBJECT, "pack %s ends too early", source->name);
		}
		behind = 0;
	}
	*ret_bytes = source->window + behind;
	*ret_size = source->window_size - (size_t)behind;
	if (*ret_size > length)
		*ret_size = (size_t)length;
	return 0;
}

struct header {
	struct hd_packed_header packed; /* without the base */
	size_t length;
	bool has_distance, has_id;
	uint64_t distance;
	git_oid base;
};

/* False when the bytes are no header. */
static bool parse_header(const uint8_t *bytes, size_t size, struct header *ret_header)
{
	struct header header = {0};
	struct hd_reader reader;
	unsigned shift = 4;
	uint8_t byte;

	hd_reader_init(&reader, bytes, size);
	byte = hd_reader_u8(&reader);
	header.packed.type = byte >> 4 & 7;
	header.packed.size = byte & 15;
	for (; byte & 0x80 && shift < 60; shift += 7) {
		byte = hd_reader_u8(&reader);
		header.packed.size |= (uint64_t)(byte & 0x7f) << shift;
	}
	header.has_distance = header.packed.type == TYPE_DISTANCE;
	header.has_id = header.packed.type == TYPE_ID;
	if (header.has_id) {
		const void *id = hd_reader_bytes(&reader, GIT_OID_RAWSZ);

		if (id)
			memcpy(header.base.id, id, GIT_OID_RAWSZ);
		header.packed.type = HD_PACKED_DELTA;
	} else if (header.has_distance) {
		byte = hd_reader_u8(&reader);
		header.distance = byte & 0x7f;
		while (byte & 0x80 && header.distance < (uint64_t)1 << 56) {
			byte = hd_reader_u8(&reader);
			header.distance = ((header.distance + 1) << 7) | (byte & 0x7f);
		}
	}
	header.length = reader.position;
	*ret_header = header;
	return !hd_reader_failed(&reader) && !(byte & 0x80) && header.packed.type != 0 &&
	       header.packed.type != 5;
}

/* ---- one object ---- */

static int fail_damaged(const struct source *source, const struct hd_pack_entry *entry)
{
	return hd_fail(
		HD_E_BASE_OBJECT, "%s, which is damaged in %s", git_oid_tostr_s(&entry->id), source->name);
}

/* What the difference at OFFSET is one from: 1 when it is written. */
static int find_base(struct copy *copy, const struct source *source, uint64_t offset, struct header *header)
{
	const struct hd_pack_entry *base;

	if (header->has_distance) {
		struct place wanted = {.offset = offset - header->distance};
		const struct place *place = header->distance > offset
						    ? NULL
						    : bsearch(&wanted, source->places, source->index.count,
							      sizeof(wanted), compare_places);

		if (!place)
			return 0;
		(void)git_oid_fromraw(&header->base, hd_pack_index_id(&source->index, place->number));
	}
	base = hd_object_list_find(copy->wanted, &header->base);
	if (!base || base->offset == 0)
		return 0;
	header->packed.base = base->offset;
	return 1;
}

static int copy_bytes(struct copy *copy, struct source *source, uint64_t offset, uint64_t length,
	uint32_t *sum, struct hd_pack_entry *entry)
{
	int r = 0;

	while (r >= 0 && length > 0) {
		const uint8_t *bytes;
		size_t size;

		r = look(source, offset, length, &bytes, &size);
		if (r < 0)
			break;
		*sum = (uint32_t)crc32_z(*sum, bytes, size);
		r = hd_pack_writer_add_packed(copy->writer, bytes, size, entry);
		offset += size;
		length -= size;
		if (r >= 0)
			r = hd_work_advance(0);
	}
	return r;
}

/* 1, or 0 where its base is not written yet. */
static int copy_object(
	struct copy *copy, struct source *source, const struct place *place, struct hd_pack_entry *entry)
{
	uint64_t length = place[1].offset - place->offset;
	struct header header;
	const uint8_t *bytes;
	uint32_t sum;
	size_t size;
	int r = look(source, place->offset, length, &bytes, &size);

	if (r < 0)
		return r;
	if (!parse_header(bytes, size, &header))
		return fail_damaged(source, entry);
	if ((header.has_distance || header.has_id) && !find_base(copy, source, place->offset, &header))
		return 0;
	sum = (uint32_t)crc32_z(crc32_z(0, NULL, 0), bytes, header.length);
	hd_pack_writer_begin_packed(copy->writer, &header.packed, entry);
	r = copy_bytes(copy, source, place->offset + header.length, length - header.length, &sum, entry);
	if (r >= 0 && sum != hd_pack_index_sum(&source->index, place->number))
		return fail_damaged(source, entry);
	if (r >= 0)
		r = hd_work_advance(1);
	copy->missing--;
	return r < 0 ? r : 1;
}

/* ---- all of a pack ---- */

/* Goes over PLACES, and leaves those there that have to wait. */
static int copy_places(struct copy *copy, struct source *source, uint32_t *places, size_t *count)
{
	size_t waiting = 0;

	for (size_t i = 0; i < *count; i++) {
		const struct place *place = &source->places[places[i]];
		struct hd_pack_entry *entry;
		git_oid id;
		int r;

		(void)git_oid_fromraw(&id, hd_pack_index_id(&source->index, place->number));
		entry = hd_object_list_find(copy->wanted, &id);
		if (!entry || entry->offset != 0)
			continue;
		r = copy_object(copy, source, place, entry);
		if (r < 0)
			return r;
		if (r == 0)
			places[waiting++] = places[i];
	}
	*count = waiting;
	return 0;
}

static int copy_source(struct copy *copy, struct source *source)
{
	size_t count = source->index.count, before = count + 1;
	HD_AUTO_FREE uint32_t *places = calloc(count + 1, sizeof(*places));
	int r = 0;

	if (!places)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		places[i] = (uint32_t)i;
	while (r >= 0 && count > 0 && count < before) {
		before = count;
		r = copy_places(copy, source, places, &count);
	}
	return r;
}

static int take_pack(const char *name, unsigned char type, void *payload)
{
	struct copy *copy = payload;
	struct source source = {.name = name, .fd = -1};
	size_t length = strlen(name);
	int r;

	(void)type;
	if (copy->missing == 0 || strncmp(name, "pack-", 5) != 0 || length < 9 ||
		strcmp(name + length - 4, ".idx") != 0)
		return 0;
	r = open_source(copy, &source, name);
	if (r > 0)
		r = copy_source(copy, &source);
	source_clear(&source);
	/* It was taken away since it was listed: what was in it is elsewhere. */
	return r == -ENOENT ? 0 : r;
}

int hd_packed_copy(const char *objects, struct hd_object_list *wanted, struct hd_pack_writer *writer)
{
	struct copy copy = {.wanted = wanted, .writer = writer};
	HD_AUTO_FREE char *path = NULL;
	HD_AUTO_CLOSE int fd = -1;
	int r;

	for (size_t i = 0; i < wanted->count; i++)
		copy.missing += wanted->entries[i].offset == 0;
	if (asprintf(&path, "%s/pack", objects) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	fd = hd_directory_open(AT_FDCWD, path);
	if (fd < 0)
		return fd == -ENOENT || fd == -ENOTDIR ? 0 : fd;
	copy.directory_fd = fd;
	r = hd_directory_list(fd, ".", take_pack, &copy);
	return r < 0 && r != -HD_E_INTERRUPTED ? hd_fail_in(r, "%s", path) : r;
}
