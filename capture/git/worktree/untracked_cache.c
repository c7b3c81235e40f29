/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/worktree/untracked_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/git/big_endian.h"
#include "capture/git/worktree/ewah.h"
#include "capture/git/worktree/untracked_directories.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/file.h"

#define IGNORE_NAME ".gitignore"
#define EXCLUDES_LIMIT (16u << 20)
#define DIRECTORY_SIZE 4096u /* as a mount shows it */

/* git's dir.h: DIR_SHOW_OTHER_DIRECTORIES | DIR_HIDE_EMPTY_DIRECTORIES */
#define FLAGS_NORMAL 6u
#define FLAGS_ALL 0u

/* ---- the files of excludes ---- */

/* git reads such a file with a line break behind its end, and sums that; an empty one it does not read. */
static void sum_file(const char *path, git_oid *ret_sum)
{
	HD_AUTO_FREE char *text = NULL;
	size_t size;

	memset(ret_sum, 0, sizeof(*ret_sum));
	if (hd_file_read_whole(AT_FDCWD, path, EXCLUDES_LIMIT, &text, &size) < 0)
		return;
	if (size > 0)
		text[size++] = '\n';
	(void)git_odb_hash(ret_sum, text, size, GIT_OBJECT_BLOB);
}

/* core.excludesFile, or where it is without one. */
static char *personal_path(git_config *config)
{
	git_buf configured = GIT_BUF_INIT;
	const char *home = getenv("HOME"), *above = getenv("XDG_CONFIG_HOME");
	char *path = NULL;
	int length = -1;

	if (git_config_get_path(&configured, config, "core.excludesfile") == 0) {
		path = strdup(configured.ptr);
		git_buf_dispose(&configured);
		return path;
	}
	if (above && *above)
		length = asprintf(&path, "%s/git/ignore", above);
	else if (home)
		length = asprintf(&path, "%s/.config/git/ignore", home);
	return length < 0 ? NULL : path;
}

static bool lists_all(git_config *config)
{
	git_buf value = GIT_BUF_INIT;
	bool all = git_config_get_string_buf(&value, config, "status.showuntrackedfiles") == 0 &&
		   strcmp(value.ptr, "all") == 0;

	git_buf_dispose(&value);
	return all;
}

void hd_untracked_excludes_read(git_repository *repository, struct hd_untracked_excludes *ret_excludes)
{
	git_config *config = NULL;
	HD_AUTO_FREE char *info = NULL;
	HD_AUTO_FREE char *personal = NULL;

	*ret_excludes = (struct hd_untracked_excludes){0};
	if (asprintf(&info, "%s/info/exclude", git_repository_commondir(repository)) < 0)
		info = NULL;
	else
		sum_file(info, &ret_excludes->info);
	if (git_repository_config_snapshot(&config, repository) < 0)
		return;
	personal = personal_path(config);
	if (personal)
		sum_file(personal, &ret_excludes->personal);
	ret_excludes->lists_all = lists_all(config);
	git_config_free(config);
}

/* ---- the extension ---- */

/* git's varint.c: each further byte stands for one more than it says. */
static void put_varint(struct hd_buffer *buffer, uint64_t value)
{
	uint8_t bytes[10];
	size_t at = sizeof(bytes) - 1;

	bytes[at] = value & 127;
	while (value >>= 7)
		bytes[--at] = (uint8_t)(128 | (--value & 127));
	hd_buffer_put(buffer, bytes + at, sizeof(bytes) - at);
}

static void put_nothing(struct hd_buffer *buffer, size_t size)
{
	void *room = hd_buffer_extend(buffer, size);

	if (room)
		memset(room, 0, size);
}

#define STAT_DATA_SIZE 36

/* In the order in which an entry of the index has it, without the mode. */
static void put_stat(struct hd_buffer *buffer, const struct hd_worktree_stat *stat, uint64_t number)
{
	hd_put_be32(buffer, (uint32_t)stat->time_s);
	hd_put_be32(buffer, 0);
	hd_put_be32(buffer, (uint32_t)stat->time_s);
	hd_put_be32(buffer, 0);
	hd_put_be32(buffer, 0); /* the device, which nobody knows yet and git does not compare */
	hd_put_be32(buffer, (uint32_t)number);
	hd_put_be32(buffer, stat->uid);
	hd_put_be32(buffer, stat->gid);
	hd_put_be32(buffer, DIRECTORY_SIZE);
}

static void put_head(struct hd_buffer *buffer, const struct hd_worktree_stat *stat,
	const struct hd_untracked_excludes *excludes)
{
	HD_AUTO_BUFFER struct hd_buffer place = {0};

	hd_buffer_printf(&place, "Location %s, system Linux", stat->worktree);
	hd_buffer_put_u8(&place, 0);
	if (hd_buffer_status(&place) < 0)
		buffer->status = place.status;
	put_varint(buffer, place.size);
	hd_buffer_put(buffer, place.data, place.size);
	put_nothing(buffer, 2 * STAT_DATA_SIZE);
	hd_put_be32(buffer, excludes->lists_all ? FLAGS_ALL : FLAGS_NORMAL);
	hd_buffer_put(buffer, excludes->info.id, GIT_OID_RAWSZ);
	hd_buffer_put(buffer, excludes->personal.id, GIT_OID_RAWSZ);
	hd_buffer_put(buffer, IGNORE_NAME, sizeof(IGNORE_NAME));
}

static int put_bits(struct hd_buffer *buffer, const struct hd_untracked_directories *directories)
{
	HD_AUTO_FREE uint8_t *bits = calloc(directories->count, 1);

	if (!bits)
		return -ENOMEM;
	memset(bits, 1, directories->count);
	hd_ewah_put(buffer, bits, directories->count);
	hd_ewah_put(buffer, NULL, 0);
	for (uint32_t i = 0; i < directories->count; i++)
		bits[i] = directories->items[i].ignore != NULL;
	hd_ewah_put(buffer, bits, directories->count);
	return 0;
}

static int put_directories(struct hd_buffer *buffer, const struct hd_worktree_stat *stat,
	const struct hd_untracked_directories *directories)
{
	int r;

	put_varint(buffer, directories->count);
	for (uint32_t i = 0; i < directories->count; i++) {
		const struct hd_untracked_directory *directory = &directories->items[i];

		put_varint(buffer, 0);
		put_varint(buffer, directory->directories);
		hd_buffer_put(buffer, directory->name, directory->length);
		hd_buffer_put_u8(buffer, 0);
	}
	r = put_bits(buffer, directories);
	for (uint32_t i = 0; i < directories->count; i++)
		put_stat(buffer, stat, directories->items[i].number);
	for (uint32_t i = 0; i < directories->count; i++)
		if (directories->items[i].ignore)
			hd_buffer_put(buffer, directories->items[i].ignore->id, GIT_OID_RAWSZ);
	hd_buffer_put_u8(buffer, 0);
	return r;
}

int hd_untracked_cache_list(struct hd_buffer *buffer, git_index *index, const struct hd_worktree_stat *stat)
{
	struct hd_untracked_directories directories = {0};
	int r = hd_untracked_directories_read(index, stat->root, &directories);

	if (r == 0)
		r = put_directories(buffer, stat, &directories);
	hd_untracked_directories_clear(&directories);
	return r < 0 ? r : hd_buffer_status(buffer);
}

int hd_untracked_cache_put(struct hd_buffer *buffer, const struct hd_buffer *directories,
	const struct hd_worktree_stat *stat, const struct hd_untracked_excludes *excludes)
{
	size_t begin = buffer->size;
	uint32_t size;
	int r;

	hd_buffer_put(buffer, "UNTR\0\0\0", 8);
	put_head(buffer, stat, excludes);
	hd_buffer_put(buffer, directories->data, directories->size);
	r = hd_buffer_status(buffer);
	if (r < 0)
		return r;
	size = htobe32((uint32_t)(buffer->size - begin - 8));
	memcpy(buffer->data + begin + 4, &size, sizeof(size));
	return 0;
}
