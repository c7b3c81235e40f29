/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Draws operations.
 *
 * Names come from a small alphabet, so that operations meet each other; most paths are walked down the native
 * side as it is, so that most operations find something. What is drawn depends on the seed and on the native
 * side alone: a fault of the side under test does not change the sequence.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/fuzz_fs/operation.h"

#define NAME_COUNT(names) (sizeof(names) / sizeof((names)[0]))

static const char *const alphabet[] = {"a", "b", "c", "d", "e", "f", "dir", "sub", "file.txt", "x.c", "lib",
	".hidden", "with blank", "\xc3\xa4\xc3\xb6", "raw\xff\xfe", "-dash"};
static const char *const xattr_names[] = {"user.a", "user.b", "user.long.name.with.dots", "user.\xc3\xa4"};

const char *const fuzz_kind_names[FUZZ_KIND_COUNT] = {
#define FUZZ_KIND_NAME(name, weight) #name,
	FUZZ_KINDS(FUZZ_KIND_NAME)
#undef FUZZ_KIND_NAME
};

static const unsigned kind_weights[FUZZ_KIND_COUNT] = {
#define FUZZ_KIND_WEIGHT(name, weight) weight,
	FUZZ_KINDS(FUZZ_KIND_WEIGHT)
#undef FUZZ_KIND_WEIGHT
};

static enum fuzz_kind draw_kind(struct fuzz_random *random)
{
	unsigned total = 0;
	uint64_t at;

	for (size_t i = 0; i < FUZZ_KIND_COUNT; i++)
		total += kind_weights[i];
	at = fuzz_random_below(random, total);
	for (size_t i = 0;; i++) {
		if (at < kind_weights[i])
			return (enum fuzz_kind)i;
		at -= kind_weights[i];
	}
}

static void append_name(char *path, const char *name)
{
	size_t length = strlen(path);

	if (length + strlen(name) + 2 >= FUZZ_PATH_SIZE)
		return;
	if (length > 0)
		path[length++] = '/';
	strcpy(path + length, name);
}

/* A name of the alphabet; rarely one of the longest allowed length, or one byte more. */
static void draw_name(struct fuzz_random *random, char *path)
{
	char longest[257];

	if (!fuzz_random_chance(random, 2)) {
		append_name(path, alphabet[fuzz_random_below(random, NAME_COUNT(alphabet))]);
		return;
	}
	memset(longest, 'n', sizeof(longest));
	longest[fuzz_random_chance(random, 80) ? 255 : 256] = '\0';
	append_name(path, longest);
}

/* Walks down the native side; STOP percent to end at each directory. Leaves PATH empty for the root itself.
 */
static void draw_existing(struct fuzz_world *world, char *path, unsigned stop)
{
	struct stat st;
	char **names;
	size_t count;

	path[0] = '\0';
	for (unsigned depth = 0; depth < 8; depth++) {
		if (depth > 0 && fuzz_random_chance(&world->random, stop))
			return;
		names = fuzz_names(world->b.root_fd, path[0] != '\0' ? path : ".", &count);
		if (names == NULL)
			return;
		if (count > 0)
			append_name(path, names[fuzz_random_below(&world->random, count)]);
		fuzz_names_free(names, count);
		if (count == 0 || fstatat(world->b.root_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISDIR(st.st_mode))
			return;
	}
}

static void draw_directory(struct fuzz_world *world, char *path)
{
	struct stat st;
	char *slash;

	draw_existing(world, path, 40);
	if (path[0] == '\0' ||
		(fstatat(world->b.root_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode)))
		return;
	slash = strrchr(path, '/');
	*(slash != NULL ? slash : path) = '\0';
}

/* Where something may be made: a name, taken or not, in a directory; rarely below a file or a missing
 * directory. */
static void draw_new(struct fuzz_world *world, char *path)
{
	if (fuzz_random_chance(&world->random, 92))
		draw_directory(world, path);
	else
		draw_existing(world, path, 10);
	if (fuzz_random_chance(&world->random, 3))
		draw_name(&world->random, path);
	draw_name(&world->random, path);
}

static void draw_target(struct fuzz_world *world, char *path)
{
	if (fuzz_random_chance(&world->random, 88))
		draw_existing(world, path, 15);
	else
		draw_new(world, path);
	if (path[0] == '\0')
		draw_name(&world->random, path);
}

static uint64_t draw_offset(struct fuzz_random *random)
{
	static const uint64_t edges[] = {0, 1, 4095, 4096, 4097, 65535, 65536, 131072, 1 << 20};

	switch (fuzz_random_below(random, 10)) {
	case 0:
		return edges[fuzz_random_below(random, NAME_COUNT(edges))];
	case 1:
		return fuzz_random_below(random, 6 << 20);
	case 2:
	case 3:
		return fuzz_random_below(random, 300 * 1024);
	default:
		return fuzz_random_below(random, 20000);
	}
}

static uint64_t draw_length(struct fuzz_random *random)
{
	switch (fuzz_random_below(random, 8)) {
	case 0:
		return fuzz_random_below(random, 3);
	case 1:
		return fuzz_random_below(random, FUZZ_DATA_LIMIT);
	case 2:
		return 4096;
	default:
		return fuzz_random_below(random, 9000);
	}
}

static int draw_open_flags(struct fuzz_random *random)
{
	static const int access_modes[] = {O_RDONLY, O_RDWR, O_RDWR, O_WRONLY};
	int flags = access_modes[fuzz_random_below(random, NAME_COUNT(access_modes))];

	if (fuzz_random_chance(random, 55))
		flags |= O_CREAT;
	if (fuzz_random_chance(random, 10))
		flags |= O_EXCL | O_CREAT;
	if (fuzz_random_chance(random, 15))
		flags |= O_TRUNC;
	if (fuzz_random_chance(random, 15))
		flags |= O_APPEND;
	if (fuzz_random_chance(random, 10))
		flags |= O_NOFOLLOW;
	if (fuzz_random_chance(random, 5))
		flags |= O_DIRECTORY;
	return flags | O_NONBLOCK; /* a FIFO must not block the run */
}

static mode_t draw_mode(struct fuzz_world *world)
{
	static const mode_t modes[] = {0644, 0755, 0600, 0700, 0444, 0555, 0666, 0777, 02755, 04755, 01777};

	mode_t mode = modes[fuzz_random_below(&world->random, NAME_COUNT(modes))];

	if (fuzz_random_chance(&world->random, 4))
		mode = (mode_t)fuzz_random_below(&world->random, 010000);
	/* An ordinary user locks himself out now and then, not of everything. */
	return world->is_root || fuzz_random_chance(&world->random, 3) ? mode : mode | 0700;
}

static int draw_fallocate_mode(struct fuzz_random *random)
{
	static const int modes[] = {0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_ZERO_RANGE, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE};

	return modes[fuzz_random_below(random, NAME_COUNT(modes))];
}

/* Times lie before the run, so that the comparison can demand equality. */
static void draw_times(struct fuzz_random *random, struct timespec times[2])
{
	for (int i = 0; i < 2; i++) {
		times[i].tv_sec = (time_t)fuzz_random_below(random, UINT64_C(1700000000));
		times[i].tv_nsec = (long)fuzz_random_below(random, 1000000000);
		if (fuzz_random_chance(random, 15))
			times[i].tv_nsec = UTIME_OMIT;
		else if (fuzz_random_chance(random, 10))
			times[i].tv_nsec = UTIME_NOW;
	}
}

static void draw_rename(struct fuzz_world *world, struct fuzz_operation *operation)
{
	draw_target(world, operation->path);
	if (fuzz_random_chance(&world->random, 40))
		draw_target(world, operation->other);
	else
		draw_new(world, operation->other);
	if (fuzz_random_chance(&world->random, 4)) { /* into itself */
		strcpy(operation->other, operation->path);
		draw_name(&world->random, operation->other);
	}
	if (fuzz_random_chance(&world->random, 10))
		operation->flags = RENAME_NOREPLACE;
	else if (fuzz_random_chance(&world->random, 10))
		operation->flags = RENAME_EXCHANGE;
}

static void draw_special(struct fuzz_world *world, struct fuzz_operation *operation)
{
	static const mode_t types[] = {S_IFIFO, S_IFIFO, S_IFSOCK, S_IFREG};

	draw_new(world, operation->path);
	operation->mode =
		types[fuzz_random_below(&world->random, NAME_COUNT(types))] | (draw_mode(world) & 0777);
	/* Device 0:0 is what overlayfs takes for a whiteout; here it is a device. */
	if (world->is_root && fuzz_random_chance(&world->random, 25))
		operation->mode = S_IFCHR | 0600;
}

static void draw_paths(struct fuzz_world *world, struct fuzz_operation *operation)
{
	struct fuzz_random *random = &world->random;

	switch (operation->kind) {
	case FUZZ_open:
		if (fuzz_random_chance(random, 60))
			draw_target(world, operation->path);
		else
			draw_new(world, operation->path);
		operation->flags = draw_open_flags(random);
		break;
	case FUZZ_mkdir:
		draw_new(world, operation->path);
		break;
	case FUZZ_rmdir:
		draw_directory(world, operation->path);
		if (operation->path[0] == '\0')
			draw_target(world, operation->path);
		break;
	case FUZZ_list:
	case FUZZ_list_and_remove:
		draw_directory(world, operation->path);
		if (operation->path[0] == '\0')
			strcpy(operation->path, ".");
		break;
	case FUZZ_rename:
		draw_rename(world, operation);
		break;
	case FUZZ_link:
		draw_target(world, operation->path);
		draw_new(world, operation->other);
		break;
	case FUZZ_symlink:
		draw_new(world, operation->path);
		draw_name(random, operation->other);
		if (fuzz_random_chance(random, 50))
			draw_name(random, operation->other);
		break;
	case FUZZ_mknod:
		draw_special(world, operation);
		break;
	default:
		draw_target(world, operation->path);
	}
}

static void draw_kind_and_numbers(struct fuzz_world *world, struct fuzz_operation *operation)
{
	struct fuzz_random *random = &world->random;

	do {
		operation->kind = draw_kind(random);
	} while ((operation->kind == FUZZ_chown && !world->is_root) ||
		 (operation->kind >= FUZZ_xattr_set && operation->kind <= FUZZ_xattr_remove &&
			 !world->has_xattrs));
	operation->handle = (int)fuzz_random_below(random, FUZZ_HANDLE_COUNT);
	operation->other_handle = (int)fuzz_random_below(random, FUZZ_HANDLE_COUNT);
	operation->mode = draw_mode(world);
	operation->offset = draw_offset(random);
	operation->other_offset = draw_offset(random);
	operation->length = draw_length(random);
	operation->pattern = fuzz_random_next(random);
	operation->uid = (uid_t)fuzz_random_below(random, 3) * 1000;
	operation->gid = (gid_t)fuzz_random_below(random, 3) * 1000;
	draw_times(random, operation->times);
}

void fuzz_generate(struct fuzz_world *world, struct fuzz_operation *operation)
{
	struct fuzz_random *random = &world->random;

	memset(operation, 0, sizeof(*operation));
	draw_kind_and_numbers(world, operation);
	draw_paths(world, operation);
	strcpy(operation->name, xattr_names[fuzz_random_below(random, NAME_COUNT(xattr_names))]);
	switch (operation->kind) {
	case FUZZ_fallocate:
		operation->flags = draw_fallocate_mode(random);
		operation->length += operation->length == 0;
		break;
	case FUZZ_seek:
		operation->flags = fuzz_random_chance(random, 50) ? SEEK_DATA : SEEK_HOLE;
		break;
	case FUZZ_xattr_set:
		operation->flags = fuzz_random_chance(random, 20) ? XATTR_CREATE : 0;
		operation->flags = fuzz_random_chance(random, 20) ? XATTR_REPLACE : operation->flags;
		operation->length %= fuzz_random_chance(random, 90) ? 64 : 2000;
		break;
	case FUZZ_access:
		operation->flags = (int)fuzz_random_below(random, 8);
		break;
	default:
		break;
	}
}
