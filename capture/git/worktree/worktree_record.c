/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/worktree/worktree_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/file.h"

#define TEXT_LIMIT 16384

void hd_worktree_record_clear(struct hd_worktree_record *record)
{
	free(record->repository);
	free(record->name);
	free(record->store);
	free(record->born);
	free(record->thread);
	*record = (struct hd_worktree_record){0};
}

char *hd_worktree_record_format(const struct hd_worktree_record *record)
{
	const char *born = record->born;
	char *text;

	return asprintf(&text, "store %s\n%s%s%snumber %u\nthread %s\n", record->store, born ? "born " : "",
		       born ? born : "", born ? "\n" : "", record->number, record->thread) < 0
		       ? NULL
		       : text;
}

/* The file that says what a store is is written once. */
char *hd_worktree_record_birth(const char *store_path)
{
	HD_AUTO_FREE char *path = NULL;
	struct stat stat;
	char *text;

	if (asprintf(&path, "%s/format", store_path) < 0) {
		path = NULL;
		return NULL;
	}
	if (hd_file_stat_at(AT_FDCWD, path, &stat) < 0)
		return NULL;
	return asprintf(&text, "%lld.%09ld", (long long)stat.st_mtim.tv_sec, stat.st_mtim.tv_nsec) < 0 ? NULL
												       : text;
}

/* The rest of the line of TEXT that begins with KEY and a space: fresh memory; NULL if there is none. */
static char *line_of(const char *text, const char *key)
{
	size_t length = strlen(key);

	while (*text) {
		size_t line = strcspn(text, "\n");

		if (line > length && strncmp(text, key, length) == 0 && text[length] == ' ')
			return strndup(text + length + 1, line - length - 1);
		text += line;
		text += *text == '\n';
	}
	return NULL;
}

/* Whoever can write there could have written anything: what is no record is nobody's. */
int hd_worktree_record_parse(const char *text, struct hd_worktree_record *ret_record)
{
	HD_CLEANUP(hd_worktree_record_clear) struct hd_worktree_record record = {0};
	HD_AUTO_FREE char *number = line_of(text, "number");
	char *end;
	unsigned long value;

	record.store = line_of(text, "store");
	record.thread = line_of(text, "thread");
	record.born = line_of(text, "born");
	if (!number || !record.store || !record.thread)
		return -ENOENT;
	value = strtoul(number, &end, 10);
	if (*number < '1' || *number > '9' || *end || value > UINT32_MAX)
		return -ENOENT;
	record.number = (uint32_t)value;
	*ret_record = record;
	record = (struct hd_worktree_record){0};
	return 0;
}

int hd_worktree_record_read(const char *path, struct hd_worktree_record *ret_record)
{
	HD_AUTO_FREE char *file = NULL;
	HD_AUTO_FREE char *text = NULL;
	size_t size;
	int r;

	if (asprintf(&file, "%s/heddle", path) < 0) {
		file = NULL;
		return -ENOMEM;
	}
	r = hd_file_read_whole(AT_FDCWD, file, TEXT_LIMIT, &text, &size);
	return r < 0 ? r : hd_worktree_record_parse(text, ret_record);
}

/* BORN may be NULL: of a store that cannot be looked at. */
static bool is_of_store(const struct hd_worktree_record *record, const char *store_path, const char *born)
{
	return record->born && born ? strcmp(record->born, born) == 0
				    : strcmp(record->store, store_path) == 0;
}

bool hd_worktree_record_is_of(const char *path, const char *store_path, uint32_t number)
{
	HD_CLEANUP(hd_worktree_record_clear) struct hd_worktree_record record = {0};
	HD_AUTO_FREE char *born = hd_worktree_record_birth(store_path);

	return hd_worktree_record_read(path, &record) >= 0 && record.number == number &&
	       is_of_store(&record, store_path, born);
}

static int read_record(const char *repository, const char *name, struct hd_worktree_record *ret_record)
{
	HD_CLEANUP(hd_worktree_record_clear) struct hd_worktree_record record = {0};
	HD_AUTO_FREE char *path = NULL;
	int r;

	if (asprintf(&path, "%s/worktrees/%s", repository, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = hd_worktree_record_read(path, &record);
	if (r < 0)
		return r;
	record.repository = strdup(repository);
	record.name = strdup(name);
	if (!record.repository || !record.name)
		return -ENOMEM;
	*ret_record = record;
	record = (struct hd_worktree_record){0};
	return 0;
}

struct listing {
	const char *repository, *store_path;
	char *born; /* owned: the store's */
	bool replaced;
	bool elsewhere; /* the turn of records that say another path */
	bool more;      /* there are some */
	hd_worktree_emit emit;
	void *payload;
};

/* Whether the store that RECORD says is there, where it says: this one is a copy of it then, or the other way round. */
static bool is_of_a_copy(const struct listing *listing, const struct hd_worktree_record *record)
{
	HD_AUTO_FREE char *born = hd_worktree_record_birth(record->store);
	struct stat here, there;

	return born && strcmp(born, record->born) == 0 &&
	       hd_file_stat_at(AT_FDCWD, listing->store_path, &here) >= 0 &&
	       hd_file_stat_at(AT_FDCWD, record->store, &there) >= 0 &&
	       (here.st_dev != there.st_dev || here.st_ino != there.st_ino);
}

static bool is_wanted(const struct listing *listing, const struct hd_worktree_record *record)
{
	bool same_path = strcmp(record->store, listing->store_path) == 0;
	bool same_birth = is_of_store(record, listing->store_path, listing->born);

	if (listing->replaced)
		return same_path && !same_birth;
	return same_birth && (same_path || !is_of_a_copy(listing, record));
}

static bool is_turn(struct listing *listing, const struct hd_worktree_record *record)
{
	bool elsewhere = strcmp(record->store, listing->store_path) != 0;

	listing->more |= elsewhere;
	return elsewhere == listing->elsewhere;
}

static int consider(const char *name, unsigned char type, void *payload)
{
	struct listing *listing = payload;
	struct hd_worktree_record record;
	int r;

	(void)type;
	/* Of other people's worktrees: without the file, unreadable, gone since they were listed. */
	r = read_record(listing->repository, name, &record);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	r = is_turn(listing, &record) && is_wanted(listing, &record)
		    ? listing->emit(&record, listing->payload)
		    : 0;
	hd_worktree_record_clear(&record);
	return r;
}

static int list(struct listing *listing)
{
	HD_AUTO_FREE char *path = NULL;
	int r;

	if (asprintf(&path, "%s/worktrees", listing->repository) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	listing->born = hd_worktree_record_birth(listing->store_path);
	r = hd_directory_list(AT_FDCWD, path, consider, listing);
	listing->elsewhere = true;
	if (r == 0 && listing->more && !listing->replaced)
		r = hd_directory_list(AT_FDCWD, path, consider, listing);
	free(listing->born);
	return r == -ENOENT || r == -ENOTDIR ? 0 : r;
}

int hd_worktree_record_list(
	const char *repository, const char *store_path, hd_worktree_emit emit, void *payload)
{
	struct listing listing = {
		.repository = repository, .store_path = store_path, .emit = emit, .payload = payload};

	return list(&listing);
}

int hd_worktree_record_list_replaced(
	const char *repository, const char *store_path, hd_worktree_emit emit, void *payload)
{
	struct listing listing = {.repository = repository,
		.store_path = store_path,
		.emit = emit,
		.payload = payload,
		.replaced = true};

	return list(&listing);
}

struct void_listing {
	const char *repository;
	hd_worktree_emit_void emit;
	void *payload;
};

static int consider_void(const char *name, unsigned char type, void *payload)
{
	const struct void_listing *listing = payload;
	HD_CLEANUP(hd_worktree_record_clear) struct hd_worktree_record record = {0};
	HD_AUTO_FREE char *path = NULL;
	HD_AUTO_FREE char *locked = NULL;
	HD_AUTO_CLOSE int fd = -1;
	size_t size;

	(void)type;
	if (asprintf(&path, "%s/worktrees/%s", listing->repository, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	fd = hd_directory_open(AT_FDCWD, path);
	if (fd < 0 || !hd_file_exists(fd, "heddle") || hd_worktree_record_read(path, &record) != -ENOENT)
		return 0;
	if (hd_file_read_whole(fd, "locked", TEXT_LIMIT, &locked, &size) < 0)
		locked = NULL;
	return listing->emit(name, locked ? locked : "", listing->payload);
}

int hd_worktree_record_list_void(const char *repository, hd_worktree_emit_void emit, void *payload)
{
	struct void_listing listing = {repository, emit, payload};
	HD_AUTO_FREE char *path = NULL;
	int r;

	if (asprintf(&path, "%s/worktrees", repository) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = hd_directory_list(AT_FDCWD, path, consider_void, &listing);
	return r == -ENOENT || r == -ENOTDIR ? 0 : r;
}

struct search {
	uint32_t number;
	char *name; /* owned */
};

static int compare_number(const struct hd_worktree_record *record, void *payload)
{
	struct search *search = payload;

	if (record->number != search->number)
		return 0;
	search->name = strdup(record->name);
	return search->name ? 1 : -ENOMEM;
}

int hd_worktree_record_find(const char *repository, const char *store_path, uint32_t number,
	struct hd_worktree_record *ret_record)
{
	struct search search = {.number = number};
	int r = hd_worktree_record_list(repository, store_path, compare_number, &search);

	if (r > 0)
		r = read_record(repository, search.name, ret_record);
	else if (r == 0)
		r = -ENOENT;
	free(search.name);
	return r;
}
