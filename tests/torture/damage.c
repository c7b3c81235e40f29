/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/damage.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "overlay/platform/files/file.h"
#include "tests/torture/copy_tree.h"

#define SECTOR 512u

static uint64_t draw(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * 0x2545F4914F6CDD1Du >> 16;
}

/* ---- the files ---- */

static struct damage_list *listing;
static size_t prefix;

static int see(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st;
	(void)place;
	if (type != FTW_F)
		return 0;
	listing->paths = reallocarray(listing->paths, listing->count + 1, sizeof(*listing->paths));
	if (!listing->paths || !(listing->paths[listing->count++] = strdup(path + prefix)))
		die("out of memory");
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void damage_list(const char *root, struct damage_list *ret_list)
{
	*ret_list = (struct damage_list){0};
	listing = ret_list;
	prefix = strlen(root) + 1;
	if (nftw(root, see, 16, FTW_PHYS) < 0)
		die("cannot list %s", root);
	qsort(ret_list->paths, ret_list->count, sizeof(*ret_list->paths), compare);
}

/* ---- the damages ---- */

static void write_file(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0 || hd_file_write_at(fd, data, size, 0) < 0)
		die("cannot write %s", path);
	(void)close(fd);
}

static bool flip_bit(uint8_t *data, size_t size, uint64_t *seed, char *text, size_t text_size)
{
	uint64_t at;

	if (size == 0)
		return false;
	at = draw(seed) % size;
	data[at] ^= (uint8_t)(1u << draw(seed) % 8);
	(void)snprintf(text, text_size, "a bit of byte %llu flipped", (unsigned long long)at);
	return true;
}

static bool clear_sector(uint8_t *data, size_t size, uint64_t *seed, char *text, size_t text_size)
{
	uint64_t at = size ? draw(seed) % size / SECTOR * SECTOR : 0;
	size_t count = size - at < SECTOR ? size - at : SECTOR;
	bool changes = false;

	for (size_t i = 0; i < count; i++)
		changes = changes || data[at + i];
	memset(data + at, 0, count);
	(void)snprintf(text, text_size, "the sector at byte %llu zero", (unsigned long long)at);
	return changes;
}

static bool replace_content(const char *root, const char *path, const char *data, size_t size,
	const struct damage *damage, char *text, size_t text_size)
{
	const char *other = damage->files->paths[draw(damage->seed) % damage->files->count];
	char other_path[PATH_MAX], *bytes;
	size_t other_size;
	bool changes;

	(void)snprintf(other_path, sizeof(other_path), "%s/%s", root, other);
	if (hd_file_read_whole(AT_FDCWD, other_path, SIZE_MAX / 2, &bytes, &other_size) < 0)
		die("cannot read %s", other_path);
	changes = other_size != size || memcmp(bytes, data, size) != 0;
	if (changes)
		write_file(path, bytes, other_size);
	(void)snprintf(text, text_size, "with the content of %s", other);
	free(bytes);
	return changes;
}

static bool cut(const char *path, size_t size, size_t to, char *text, size_t text_size)
{
	if (size == to)
		return false;
	if (truncate(path, (off_t)to) < 0)
		die("cannot truncate %s", path);
	(void)snprintf(text, text_size, "%zu of %zu bytes", to, size);
	return true;
}

static bool remove_file(const char *path, bool replace, char *text, size_t text_size)
{
	if (unlink(path) < 0 || (replace && mkdir(path, 0700) < 0))
		die("cannot remove %s", path);
	(void)snprintf(text, text_size, replace ? "a directory" : "deleted");
	return true;
}

bool damage_apply(const char *root, const char *file, const struct damage *damage, char *text, size_t size)
{
	char path[PATH_MAX], *data;
	size_t data_size;
	bool changes = false;

	(void)snprintf(path, sizeof(path), "%s/%s", root, file);
	(void)chmod(path, 0600);
	if (hd_file_read_whole(AT_FDCWD, path, SIZE_MAX / 2, &data, &data_size) < 0)
		die("cannot read %s", path);
	switch (damage->kind) {
	case DAMAGE_BIT:
	case DAMAGE_SECTOR:
		changes = (damage->kind == DAMAGE_BIT ? flip_bit : clear_sector)(
			(uint8_t *)data, data_size, damage->seed, text, size);
		if (changes)
			write_file(path, data, data_size);
		break;
	case DAMAGE_EMPTY:
	case DAMAGE_HALF:
	case DAMAGE_SHORT:
		changes = cut(path, data_size,
			damage->kind == DAMAGE_EMPTY  ? 0
			: damage->kind == DAMAGE_HALF ? data_size / 2
			: data_size                   ? data_size - 1
						      : 0,
			text, size);
		break;
	case DAMAGE_LONG:
		(void)snprintf(text, size, "with 700 more bytes");
		data = realloc(data, data_size + 700);
		if (!data)
			die("out of memory");
		memset(data + data_size, 'x', 700);
		write_file(path, data, data_size + 700);
		changes = true;
		break;
	case DAMAGE_CONTENT:
		changes = replace_content(root, path, data, data_size, damage, text, size);
		break;
	case DAMAGE_GONE:
	case DAMAGE_DIRECTORY:
		changes = remove_file(path, damage->kind == DAMAGE_DIRECTORY, text, size);
		break;
	case DAMAGE_COUNT:
		break;
	}
	free(data);
	return changes;
}
