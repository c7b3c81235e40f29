/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/worktree/index_template.h"

#include <errno.h>
#include <fcntl.h>
#include <sha1.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/worktree/untracked_cache.h"
#include "overlay/platform/checksum.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/log.h"
#include "overlay/store/store.h"

/*
 * The file is read whole, and nothing of it is looked at before its checksums are right.
 *
 * A few names are all that there are: commits whose keys share one take each other's place, so that the cache does not grow with
 * the commits that threads ever began at.
 */

#define MAGIC "HDWI"
#define VERSION 2
#define NAMES 8
#define KEY_SIZE (4 + 2 + 2 + GIT_OID_RAWSZ + 8 + 8 + 4 + 4 + 16)
#define HEADER_SIZE (KEY_SIZE + 5 * 4 + 4 * 8 + 8)
#define FILE_LIMIT ((size_t)1 << 32)
#define DIRECTORY "cache"
#define NAME_SIZE 48

/* Several states may stand for one commit and have other files converted; zero where none is. */
static void put_shown(struct hd_buffer *out, const struct hd_content *shown)
{
	struct hd_hash128 hash = {{0}};

	if (shown->kind == HD_CONTENT_OBJECT)
		hash = hd_hash128(shown, sizeof(*shown));
	hd_buffer_put(out, hash.bytes, sizeof(hash.bytes));
}

/* What a template is of; a file begins with it. */
static void put_key(struct hd_buffer *out, const struct hd_index_template_key *key)
{
	const struct hd_worktree_stat *stat = key->stat;

	hd_buffer_put(out, MAGIC, 4);
	hd_buffer_put_u16(out, VERSION);
	hd_buffer_put_u16(out, 0);
	hd_buffer_put(out, key->commit->id, GIT_OID_RAWSZ);
	hd_buffer_put_u64(out, stat->root);
	hd_buffer_put_u64(out, (uint64_t)stat->time_s);
	hd_buffer_put_u32(out, stat->uid);
	hd_buffer_put_u32(out, stat->gid);
	put_shown(out, key->shown);
}

static void choose_name(const struct hd_buffer *key, char name[NAME_SIZE])
{
	(void)snprintf(
		name, NAME_SIZE, "worktree-%u.index", (unsigned)(hd_checksum64(key->data, KEY_SIZE) % NAMES));
}

/* ---- the file ---- */

static void put_header(struct hd_buffer *out, const struct hd_index_template *template)
{
	for (size_t i = 0; i < HD_ARRAY_SIZE(template->sum); i++)
		hd_buffer_put_u32(out, template->sum[i]);
	hd_buffer_put_u64(out, template->entries.size);
	hd_buffer_put_u64(out, template->directories.size);
	hd_buffer_put_u64(out, hd_checksum64(template->entries.data, template->entries.size));
	hd_buffer_put_u64(out, hd_checksum64(template->directories.data, template->directories.size));
	if (hd_buffer_status(out) == 0)
		hd_buffer_put_u64(out, hd_checksum64(out->data, out->size));
}

/* 1 when FILE is whole and begins with KEY. */
static int take_file(
	const char *file, size_t size, const struct hd_buffer *key, struct hd_index_template *template)
{
	uint64_t entries, directories, entries_sum, directories_sum;
	struct hd_reader reader;

	if (size < HEADER_SIZE || memcmp(file, key->data, KEY_SIZE) != 0)
		return 0;
	hd_reader_init(&reader, file + KEY_SIZE, HEADER_SIZE - KEY_SIZE);
	for (size_t i = 0; i < HD_ARRAY_SIZE(template->sum); i++)
		template->sum[i] = hd_reader_u32(&reader);
	entries = hd_reader_u64(&reader);
	directories = hd_reader_u64(&reader);
	entries_sum = hd_reader_u64(&reader);
	directories_sum = hd_reader_u64(&reader);
	if (hd_reader_u64(&reader) != hd_checksum64(file, HEADER_SIZE - 8) || entries > FILE_LIMIT ||
		directories > FILE_LIMIT || size != HEADER_SIZE + entries + directories)
		return 0;
	file += HEADER_SIZE;
	if (hd_checksum64(file, entries) != entries_sum ||
		hd_checksum64(file + entries, directories) != directories_sum)
		return 0;
	hd_buffer_put(&template->entries, file, entries);
	hd_buffer_put(&template->directories, file + entries, directories);
	if (hd_buffer_status(&template->entries) < 0 || hd_buffer_status(&template->directories) < 0)
		return -ENOMEM;
	return 1;
}

int hd_index_template_read(struct hd_store *store, const struct hd_index_template_key *of,
	struct hd_index_template *ret_template)
{
	HD_AUTO_BUFFER struct hd_buffer key = {0};
	HD_AUTO_FREE char *file = NULL;
	char name[NAME_SIZE], path[sizeof(DIRECTORY) + NAME_SIZE];
	size_t size;
	int r;

	*ret_template = (struct hd_index_template){0};
	put_key(&key, of);
	if (hd_buffer_status(&key) < 0)
		return -ENOMEM;
	choose_name(&key, name);
	(void)snprintf(path, sizeof(path), DIRECTORY "/%s", name);
	if (hd_file_read_whole(store->fd, path, FILE_LIMIT, &file, &size) < 0)
		return 0;
	r = take_file(file, size, &key, ret_template);
	if (r <= 0)
		hd_index_template_clear(ret_template);
	return r;
}

static int write_file(const struct hd_atomic_file *file, const struct hd_buffer *header,
	const struct hd_index_template *template)
{
	const struct hd_buffer *entries = &template->entries, *directories = &template->directories;
	int r = hd_file_write_at(file->fd, header->data, header->size, 0);

	if (r == 0)
		r = hd_file_write_at(file->fd, entries->data, entries->size, header->size);
	if (r == 0)
		r = hd_file_write_at(
			file->fd, directories->data, directories->size, header->size + entries->size);
	return r;
}

static int publish(struct hd_store *store, const struct hd_buffer *header, const char *name,
	const struct hd_index_template *template)
{
	HD_AUTO_CLOSE int directory_fd = -1;
	struct hd_atomic_file file;
	int r = hd_directory_make(store->fd, DIRECTORY, 0700);

	if (r >= 0)
		r = directory_fd = hd_directory_open(store->fd, DIRECTORY);
	if (r >= 0)
		r = hd_file_atomic_begin(directory_fd, 0600, &file);
	if (r < 0)
		return r;
	r = write_file(&file, header, template);
	if (r == 0)
		return hd_file_atomic_commit(&file, name, true, false);
	hd_file_atomic_abort(&file);
	return r;
}

void hd_index_template_keep(struct hd_store *store, const struct hd_index_template_key *key,
	const struct hd_index_template *template)
{
	HD_AUTO_BUFFER struct hd_buffer header = {0};
	char name[NAME_SIZE];
	int r;

	put_key(&header, key);
	put_header(&header, template);
	r = hd_buffer_status(&header);
	if (r == 0) {
		choose_name(&header, name);
		r = publish(store, &header, name, template);
	}
	if (r < 0)
		hd_log(HD_LOG_NOTICE, "%s/" DIRECTORY " cannot be written: %s", store->path,
			hd_error_message(r));
}

/* ---- from an index, and into one ---- */

static size_t whole_blocks(size_t size)
{
	return size - size % SHA1_BLOCK_LENGTH;
}

/* The sum of an index ends with what is behind the whole blocks of the template. */
static void finish_sum(const struct hd_index_template *template, const struct hd_buffer *extensions,
	uint8_t ret_sum[SHA1_DIGEST_LENGTH])
{
	const struct hd_buffer *entries = &template->entries;
	size_t whole = whole_blocks(entries->size);
	SHA1_CTX sum = {.count = (uint64_t)whole * 8};

	memcpy(sum.state, template->sum, sizeof(sum.state));
	SHA1Update(&sum, entries->data + whole, entries->size - whole);
	SHA1Update(&sum, extensions->data, extensions->size);
	SHA1Final(ret_sum, &sum);
}

int hd_index_template_take(git_index *index, const char *path, const struct hd_worktree_stat *stat,
	struct hd_index_template *ret_template)
{
	HD_AUTO_FREE char *bytes = NULL;
	SHA1_CTX sum;
	size_t size;
	int r = hd_file_read_whole(AT_FDCWD, path, FILE_LIMIT, &bytes, &size);

	*ret_template = (struct hd_index_template){0};
	if (r < 0)
		return r;
	if (size < SHA1_DIGEST_LENGTH)
		return -EINVAL;
	size -= SHA1_DIGEST_LENGTH;
	ret_template->entries = (struct hd_buffer){
		.data = (uint8_t *)HD_STEAL(bytes), .size = size, .capacity = size + SHA1_DIGEST_LENGTH};
	SHA1Init(&sum);
	SHA1Update(&sum, ret_template->entries.data, whole_blocks(size));
	memcpy(ret_template->sum, sum.state, sizeof(ret_template->sum));
	r = hd_untracked_cache_list(&ret_template->directories, index, stat);
	if (r < 0)
		hd_index_template_clear(ret_template);
	return r;
}

int hd_index_template_finish(
	const struct hd_index_template *template, const struct hd_buffer *extensions, const char *path)
{
	HD_AUTO_CLOSE int fd = hd_file_open(AT_FDCWD, path, O_WRONLY | O_CREAT, 0600);
	const struct hd_buffer *entries = &template->entries;
	uint8_t end[SHA1_DIGEST_LENGTH];
	int r = fd;

	finish_sum(template, extensions, end);
	if (r >= 0)
		r = hd_file_write_at(fd, entries->data, entries->size, 0);
	if (r >= 0)
		r = hd_file_write_at(fd, extensions->data, extensions->size, entries->size);
	return r < 0 ? r : hd_file_write_at(fd, end, sizeof(end), entries->size + extensions->size);
}

void hd_index_template_clear(struct hd_index_template *template)
{
	hd_buffer_clear(&template->entries);
	hd_buffer_clear(&template->directories);
}
