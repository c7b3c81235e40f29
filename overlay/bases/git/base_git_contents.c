/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/bases/git/base_git_contents.h"

#include <endian.h>
#include <errno.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/bases/git/base_git_library.h"
#include "overlay/bases/git/base_git_walk.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/checksum.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/hex.h"
#include "overlay/platform/log.h"

/*
 * Contents come from the file or, when that is of no use, from the walk; then they stay in memory, whether or
 * not the file could be written: a full disk or a read-only store must not keep a capture from being right. Damage
 * that is met later, in one bucket, has the same answer: the walk. So no answer ever comes from bytes that did not
 * match their checksum.
 *
 * What is among the records is looked up in the repository before the answer is yes: a partial clone names blobs that
 * it does not have, and whoever calls a file by such a name has lost it.
 *
 * Invariant: once `is_listed`, `records` holds all records, or `fd` is open.
 */

#define MAGIC "HDGC"
#define VERSION 1
#define FLAG_UNUSUAL_TREES 1
#define FLAG_SIZES_UNKNOWN 2
#define BUCKETS 256
#define HEADER_SIZE (44 + BUCKETS * 12 + 8)
#define DIRECTORY "cache"
/* So many bytes are sooner hashed for nothing than a large commit is walked. */
#define HASHED_WITHOUT_LIST ((uint64_t)64 << 20)
/* 32 bits of records at the most. */
#define RECORDS_LIMIT (UINT32_MAX / HD_GIT_RECORD_SIZE)

struct bucket {
	uint32_t end; /* records in it and in those before */
	uint64_t checksum;
};

struct hd_git_contents {
	struct hd_store *store; /* borrowed */
	struct hd_content tree;
	git_odb *odb; /* owned; NULL until it is needed */
	char *packs;  /* owned: the directory of the repository's packs, with the odb; NULL: see exists() */
	struct timespec packs_changed; /* when it had last, before the odb last looked into it */
	bool is_listed;                /* what follows is known */
	int fd;                        /* owned; -1: see `records` */
	struct hd_buffer records;      /* of the walk */
	struct hd_buffer scratch;      /* one bucket, read from the file */
	struct bucket buckets[BUCKETS];
	uint64_t *sizes; /* owned, little-endian; NULL until they are needed */
	uint32_t n_sizes;
	uint64_t sizes_checksum;
	bool sizes_unknown;
	bool has_unusual_trees;
	uint64_t asked_bytes; /* of files whose sizes were asked for without a list */
};

static int file_name(const struct hd_git_contents *contents, char *name, size_t size)
{
	char id[2 * HD_GIT_ID_SIZE + 1];

	hd_hex_format(contents->tree.bytes, HD_GIT_ID_SIZE, id);
	return snprintf(name, size, "git-%u-%s.ids", contents->tree.base, id);
}

/* ---- the file's header ---- */

static uint64_t sizes_offset(const struct hd_git_contents *contents)
{
	return HEADER_SIZE + (uint64_t)contents->buckets[BUCKETS - 1].end * HD_GIT_RECORD_SIZE;
}

static bool take_header(struct hd_git_contents *contents, const uint8_t *header, uint64_t file_size)
{
	struct hd_reader reader;
	uint32_t count, previous = 0;
	uint16_t flags;

	hd_reader_init(&reader, header, HEADER_SIZE);
	if (memcmp(hd_reader_bytes(&reader, 4), MAGIC, 4) != 0 || hd_reader_u16(&reader) != VERSION)
		return false;
	flags = hd_reader_u16(&reader);
	if (flags & ~(FLAG_UNUSUAL_TREES | FLAG_SIZES_UNKNOWN))
		return false;
	contents->has_unusual_trees = flags & FLAG_UNUSUAL_TREES;
	contents->sizes_unknown = flags & FLAG_SIZES_UNKNOWN;
	if (memcmp(hd_reader_bytes(&reader, HD_GIT_ID_SIZE), contents->tree.bytes, HD_GIT_ID_SIZE) != 0)
		return false;
	count = hd_reader_u32(&reader);
	contents->n_sizes = hd_reader_u32(&reader);
	contents->sizes_checksum = hd_reader_u64(&reader);
	for (size_t i = 0; i < BUCKETS; i++) {
		contents->buckets[i].end = hd_reader_u32(&reader);
		contents->buckets[i].checksum = hd_reader_u64(&reader);
		if (contents->buckets[i].end < previous)
			return false;
		previous = contents->buckets[i].end;
	}
	return hd_reader_u64(&reader) == hd_checksum64(header, HEADER_SIZE - 8) && previous == count &&
	       file_size == sizes_offset(contents) + (uint64_t)contents->n_sizes * sizeof(uint64_t);
}

static void put_header(const struct hd_git_contents *contents, struct hd_buffer *out)
{
	hd_buffer_put(out, MAGIC, 4);
	hd_buffer_put_u16(out, VERSION);
	hd_buffer_put_u16(out, (uint16_t)((contents->has_unusual_trees ? FLAG_UNUSUAL_TREES : 0) |
					  (contents->sizes_unknown ? FLAG_SIZES_UNKNOWN : 0)));
	hd_buffer_put(out, contents->tree.bytes, HD_GIT_ID_SIZE);
	hd_buffer_put_u32(out, contents->buckets[BUCKETS - 1].end);
	hd_buffer_put_u32(out, contents->n_sizes);
	hd_buffer_put_u64(out, contents->sizes_checksum);
	for (size_t i = 0; i < BUCKETS; i++) {
		hd_buffer_put_u32(out, contents->buckets[i].end);
		hd_buffer_put_u64(out, contents->buckets[i].checksum);
	}
	if (hd_buffer_status(out) == 0)
		hd_buffer_put_u64(out, hd_checksum64(out->data, out->size));
}

/* ---- reading it ---- */

/* 1 when the contents have their file now, 0 when it is of no use. */
static int open_file(struct hd_git_contents *contents)
{
	uint8_t header[HEADER_SIZE];
	HD_AUTO_CLOSE int fd = -1;
	char name[96];
	char path[sizeof(DIRECTORY) + sizeof(name)];
	struct stat status;
	size_t size = 0;

	(void)file_name(contents, name, sizeof(name));
	(void)snprintf(path, sizeof(path), DIRECTORY "/%s", name);
	fd = hd_file_open(contents->store->fd, path, O_RDONLY | O_NOFOLLOW, 0);
	if (fd < 0)
		return 0;
	if (hd_file_stat(fd, &status) < 0 || hd_file_read_at(fd, header, sizeof(header), 0, &size) < 0 ||
		size != sizeof(header) || !take_header(contents, header, (uint64_t)status.st_size)) {
		hd_log(HD_LOG_NOTICE, "%s/%s is damaged and is made again", contents->store->path, path);
		return 0;
	}
	contents->fd = hd_steal_fd(&fd);
	contents->is_listed = true;
	return 1;
}

static uint32_t bucket_start(const struct hd_git_contents *contents, uint8_t first_byte)
{
	return first_byte > 0 ? contents->buckets[first_byte - 1].end : 0;
}

/* The records of one first byte: *RET_RECORDS, borrowed until the next call. 0 when the file is damaged. */
static int read_bucket(
	struct hd_git_contents *contents, uint8_t first_byte, const uint8_t **ret_records, size_t *ret_count)
{
	uint32_t start = bucket_start(contents, first_byte);
	size_t count = contents->buckets[first_byte].end - start;
	size_t size = count * HD_GIT_RECORD_SIZE, got = 0;
	uint8_t *bytes;
	int r;

	*ret_count = count;
	if (count == 0)
		return 1;
	if (contents->fd < 0) {
		*ret_records = contents->records.data + (size_t)start * HD_GIT_RECORD_SIZE;
		return 1;
	}
	hd_buffer_reset(&contents->scratch);
	bytes = hd_buffer_extend(&contents->scratch, size + 1);
	if (!bytes)
		return -ENOMEM;
	r = hd_file_read_at(
		contents->fd, bytes, size, HEADER_SIZE + (uint64_t)start * HD_GIT_RECORD_SIZE, &got);
	if (r < 0 || got != size || hd_checksum64(bytes, size) != contents->buckets[first_byte].checksum)
		return 0;
	*ret_records = bytes;
	return 1;
}

/* 0: the file is damaged. */
static int read_sizes(struct hd_git_contents *contents)
{
	size_t size = contents->n_sizes * sizeof(uint64_t), got = 0;
	HD_AUTO_FREE uint64_t *sizes = NULL;
	int r;

	if (contents->sizes || contents->n_sizes == 0)
		return 1;
	sizes = malloc(size);
	if (!sizes)
		return -ENOMEM;
	r = hd_file_read_at(contents->fd, sizes, size, sizes_offset(contents), &got);
	if (r < 0 || got != size || hd_checksum64(sizes, size) != contents->sizes_checksum)
		return 0;
	contents->sizes = HD_STEAL(sizes);
	return 1;
}

/* ---- making it ---- */

static void fill_buckets(struct hd_git_contents *contents)
{
	const struct hd_buffer *records = &contents->records;
	size_t count = records->size / HD_GIT_RECORD_SIZE, end = 0;

	for (size_t i = 0; i < BUCKETS; i++) {
		size_t start = end;

		while (end < count && records->data[end * HD_GIT_RECORD_SIZE] == i)
			end++;
		contents->buckets[i].end = (uint32_t)end;
		contents->buckets[i].checksum =
			hd_checksum64(end > start ? records->data + start * HD_GIT_RECORD_SIZE : NULL,
				(end - start) * HD_GIT_RECORD_SIZE);
	}
}

static int publish_file(const struct hd_git_contents *contents)
{
	HD_AUTO_BUFFER struct hd_buffer header = {0};
	HD_AUTO_CLOSE int directory_fd = -1;
	struct hd_atomic_file file;
	char name[96];
	int r;

	put_header(contents, &header);
	r = hd_buffer_status(&header);
	if (r == 0)
		r = hd_directory_make(contents->store->fd, DIRECTORY, 0700);
	if (r < 0)
		return r;
	directory_fd = hd_directory_open(contents->store->fd, DIRECTORY);
	if (directory_fd < 0)
		return directory_fd;
	r = hd_file_atomic_begin(directory_fd, 0600, &file);
	if (r < 0)
		return r;
	(void)file_name(contents, name, sizeof(name));
	r = hd_file_write_at(file.fd, header.data, header.size, 0);
	if (r == 0)
		r = hd_file_write_at(file.fd, contents->records.data, contents->records.size, HEADER_SIZE);
	if (r == 0)
		r = hd_file_write_at(file.fd, contents->sizes, contents->n_sizes * sizeof(uint64_t),
			sizes_offset(contents));
	if (r == 0)
		return hd_file_atomic_commit(&file, name, true, false);
	hd_file_atomic_abort(&file);
	return r;
}

/* Whether the repository has other packs than the odb knows of, which is assumed the first time. */
static bool has_new_packs(struct hd_git_contents *contents)
{
	struct stat st = {0};
	bool has_new;

	/* No directory is a change as well once there is one. */
	(void)hd_file_stat_at(AT_FDCWD, contents->packs, &st);
	has_new = st.st_mtim.tv_sec != contents->packs_changed.tv_sec ||
		  st.st_mtim.tv_nsec != contents->packs_changed.tv_nsec;
	contents->packs_changed = st.st_mtim;
	return has_new;
}

/* Where packs come and go, if that is one directory. */
static int find_packs(struct hd_git_contents *contents, const char *location)
{
	HD_AUTO_FREE char *alternates = NULL;

	free(contents->packs);
	contents->packs = NULL;
	if (asprintf(&alternates, "%s/objects/info/alternates", location) < 0) {
		alternates = NULL;
		return -ENOMEM;
	}
	if (hd_file_exists(AT_FDCWD, alternates))
		return 0;
	if (asprintf(&contents->packs, "%s/objects/pack/.", location) < 0) {
		contents->packs = NULL;
		return -ENOMEM;
	}
	(void)has_new_packs(contents);
	return 0;
}

static int open_odb(struct hd_git_contents *contents)
{
	struct hd_base_record base;
	int r;

	if (contents->odb)
		return 0;
	r = hd_index_get_base(contents->store->index, contents->tree.base, &base);
	if (r < 0)
		return r;
	r = find_packs(contents, base.location);
	if (r >= 0)
		r = hd_git_library_open_objects(base.location, &contents->odb);
	hd_base_record_clear(&base);
	return r;
}

/* Walks the commit. The records stay in memory; the file, if it can be written, is for the next process. */
static int make(struct hd_git_contents *contents)
{
	struct hd_git_ids ids;
	int r = open_odb(contents);

	if (r == 0)
		r = hd_git_walk(contents->odb, contents->tree.bytes, &ids);
	if (r < 0)
		return r;
	if (ids.records.size / HD_GIT_RECORD_SIZE > RECORDS_LIMIT) {
		hd_git_ids_clear(&ids);
		return -EFBIG;
	}
	hd_cleanup_close(&contents->fd);
	contents->fd = -1;
	hd_buffer_clear(&contents->records);
	contents->records = ids.records;
	free(contents->sizes);
	contents->n_sizes = (uint32_t)(ids.sizes.size / sizeof(uint64_t));
	contents->sizes_checksum = hd_checksum64(ids.sizes.data, ids.sizes.size);
	contents->sizes = (uint64_t *)(void *)ids.sizes.data;
	contents->sizes_unknown = ids.sizes_unknown;
	contents->has_unusual_trees = ids.unusual_trees > 0;
	contents->is_listed = true;
	fill_buckets(contents);
	if (ids.unread_trees > 0)
		return 0;
	r = publish_file(contents);
	if (r < 0)
		hd_log(HD_LOG_NOTICE, "%s/" DIRECTORY " cannot be written: %s", contents->store->path,
			hd_error_message(r));
	return 0;
}

int hd_git_contents_open(
	struct hd_store *store, const struct hd_content *tree, struct hd_git_contents **ret_contents)
{
	struct hd_git_contents *contents;

	if (tree->kind != HD_CONTENT_GIT || tree->length != HD_GIT_ID_SIZE)
		return hd_fail(HD_E_CONTENT_KIND, "content of kind %u and length %u is no git tree",
			tree->kind, tree->length);
	contents = calloc(1, sizeof(*contents));
	if (!contents)
		return -ENOMEM;
	contents->store = store;
	contents->tree = *tree;
	contents->fd = -1;
	(void)open_file(contents);
	*ret_contents = contents;
	return 0;
}

int hd_git_contents_list(struct hd_git_contents *contents)
{
	return contents->is_listed ? 0 : make(contents);
}

void hd_git_contents_free(struct hd_git_contents *contents)
{
	if (!contents)
		return;
	git_odb_free(contents->odb);
	free(contents->packs);
	hd_cleanup_close(&contents->fd);
	hd_buffer_clear(&contents->records);
	hd_buffer_clear(&contents->scratch);
	free(contents->sizes);
	free(contents);
}

/* After damage that was met behind the header. */
static int make_again(struct hd_git_contents *contents)
{
	hd_log(HD_LOG_NOTICE, "%s/" DIRECTORY ": a file is damaged and is made again", contents->store->path);
	return make(contents);
}

/* ---- questions ---- */

static int compare_records(const void *a, const void *b)
{
	return memcmp(a, b, HD_GIT_RECORD_SIZE);
}

/* 1 when the records have it, 0 when not. */
static int is_recorded(struct hd_git_contents *contents, const uint8_t record[HD_GIT_RECORD_SIZE])
{
	const uint8_t *records = NULL;
	size_t count = 0;
	int r = read_bucket(contents, record[0], &records, &count);

	if (r == 0) {
		r = make_again(contents);
		if (r == 0)
			r = read_bucket(contents, record[0], &records, &count);
	}
	if (r < 0 || count == 0)
		return r < 0 ? r : 0;
	return bsearch(record, records, count, HD_GIT_RECORD_SIZE, compare_records) != NULL;
}

/*
 * 1 when the repository has it, 0 when not. Most of what is asked for it has not, and each time libgit2 would read its
 * directory of packs for that; what was loose may be in a pack since, but then that directory changed. Who borrows objects
 * has more than one such directory.
 */
static int exists(struct hd_git_contents *contents, const uint8_t id[HD_GIT_ID_SIZE])
{
	git_oid oid;
	int r = open_odb(contents);

	if (r < 0)
		return r;
	(void)git_oid_fromraw(&oid, id);
	if (git_odb_exists_ext(contents->odb, &oid, contents->packs ? GIT_ODB_LOOKUP_NO_REFRESH : 0))
		return 1;
	return contents->packs && has_new_packs(contents) && git_odb_exists(contents->odb, &oid);
}

int hd_git_contents_has(
	struct hd_git_contents *contents, enum hd_git_kind kind, const uint8_t id[HD_GIT_ID_SIZE])
{
	uint8_t record[HD_GIT_RECORD_SIZE];
	bool was_listed = contents->is_listed;
	int r = was_listed ? 1 : exists(contents, id);

	if (r > 0)
		r = hd_git_contents_list(contents);
	else
		return r;
	if (r < 0)
		return r;
	memcpy(record, id, HD_GIT_ID_SIZE);
	record[HD_GIT_ID_SIZE] = (uint8_t)kind;
	r = is_recorded(contents, record);
	return r > 0 && was_listed ? exists(contents, id) : r;
}

static int compare_sizes(const void *a, const void *b)
{
	uint64_t left = le64toh(*(const uint64_t *)a), right = le64toh(*(const uint64_t *)b);

	return (left > right) - (left < right);
}

int hd_git_contents_may_have_size(struct hd_git_contents *contents, uint64_t size)
{
	uint64_t wanted = htole64(size);
	int r;

	if (!contents->is_listed) {
		contents->asked_bytes += size < HASHED_WITHOUT_LIST ? size : HASHED_WITHOUT_LIST;
		if (contents->asked_bytes < HASHED_WITHOUT_LIST)
			return 1;
		r = make(contents);
		if (r < 0)
			return r;
	}
	r = read_sizes(contents);
	if (r == 0)
		r = make_again(contents);
	if (r < 0 || contents->sizes_unknown)
		return r < 0 ? r : 1;
	return contents->n_sizes > 0 &&
	       bsearch(&wanted, contents->sizes, contents->n_sizes, sizeof(size), compare_sizes) != NULL;
}

bool hd_git_contents_has_unusual_trees(const struct hd_git_contents *contents)
{
	return contents->has_unusual_trees || !contents->is_listed;
}
