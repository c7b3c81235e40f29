/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Draws operations.
 *
 * What is drawn depends on the seed and on the native side alone: a fault of the side under test does not change
 * the sequence.
 */

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/fuzz_fs/draw.h"

static const char *const xattr_names[] = {"user.a", "user.a", "user.b", "user.long.name.with.dots",
	"user.\xc3\xa4", "trusted.a", "trusted.b", "security.a", "user.", "trusted.", "none.a", "user"};

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

static bool is_possible(const struct fuzz_world *world, enum fuzz_kind kind)
{
	if (kind >= FUZZ_xattr_set && kind <= FUZZ_xattr_remove)
		return world->has_xattrs;
	return kind != FUZZ_open_nameless || world->has_nameless;
}

static void draw_rename(struct fuzz_world *world, struct fuzz_operation *operation)
{
	fuzz_draw_target(world, operation->path);
	if (fuzz_random_chance(&world->random, 40))
		fuzz_draw_target(world, operation->other);
	else
		fuzz_draw_new(world, operation->other);
	if (fuzz_random_chance(&world->random, 4)) { /* into itself */
		strcpy(operation->other, operation->path);
		fuzz_draw_name(&world->random, operation->other);
	}
	if (fuzz_random_chance(&world->random, 10))
		operation->flags = RENAME_NOREPLACE;
	else if (fuzz_random_chance(&world->random, 10))
		operation->flags = RENAME_EXCHANGE;
	else if (fuzz_random_chance(&world->random, 1))
		operation->flags = RENAME_NOREPLACE | RENAME_EXCHANGE;
}

static void draw_special(struct fuzz_world *world, struct fuzz_operation *operation)
{
	static const mode_t types[] = {
		S_IFIFO, S_IFIFO, S_IFSOCK, S_IFREG, S_IFREG, S_IFCHR, S_IFBLK, S_IFDIR, 0};

	fuzz_draw_new(world, operation->path);
	operation->mode = FUZZ_PICK(&world->random, types) | (fuzz_draw_mode(world) & 07777);
	/* Device 0:0 is what overlayfs takes for a whiteout; here it is a device. Of the others none exists: opening
	 * one that does could start a watchdog. */
	if ((S_ISCHR(operation->mode) || S_ISBLK(operation->mode)) && fuzz_random_chance(&world->random, 60))
		operation->device =
			makedev(3000 + fuzz_random_below(&world->random, 1000), operation->pattern % 1000);
}

static void draw_target_or_root(struct fuzz_world *world, char *path)
{
	if (fuzz_random_chance(&world->random, 3))
		strcpy(path, ".");
	else
		fuzz_draw_target(world, path);
}

static void draw_directory_or_root(struct fuzz_world *world, char *path)
{
	fuzz_draw_directory(world, path);
	if (path[0] == '\0')
		strcpy(path, ".");
}

static void draw_paths(struct fuzz_world *world, struct fuzz_operation *operation)
{
	struct fuzz_random *random = &world->random;

	switch (operation->kind) {
	case FUZZ_open:
		if (fuzz_random_chance(random, 60))
			fuzz_draw_target(world, operation->path);
		else
			fuzz_draw_new(world, operation->path);
		break;
	case FUZZ_mkdir:
	case FUZZ_link_handle:
		fuzz_draw_new(world, operation->path);
		break;
	case FUZZ_rmdir:
		fuzz_draw_directory(world, operation->path);
		if (operation->path[0] == '\0')
			fuzz_draw_target(world, operation->path);
		break;
	case FUZZ_open_nameless:
	case FUZZ_list:
	case FUZZ_list_and_remove:
		draw_directory_or_root(world, operation->path);
		break;
	case FUZZ_rename:
		draw_rename(world, operation);
		break;
	case FUZZ_link:
		fuzz_draw_target(world, operation->path);
		fuzz_draw_new(world, operation->other);
		break;
	case FUZZ_symlink:
		fuzz_draw_new(world, operation->path);
		fuzz_draw_name(random, operation->other);
		if (fuzz_random_chance(random, 50))
			fuzz_draw_name(random, operation->other);
		break;
	case FUZZ_mknod:
		draw_special(world, operation);
		break;
	default:
		draw_target_or_root(world, operation->path);
	}
	if (operation->kind != FUZZ_symlink)
		fuzz_decorate(random, operation->other);
	fuzz_decorate(random, operation->path);
}

static void draw_numbers(struct fuzz_world *world, struct fuzz_operation *operation)
{
	static const uid_t uids[] = {0, 1000, 1001, (uid_t)-1};
	static const gid_t gids[] = {0, 1000, 2000, (gid_t)-1};
	static const mode_t umasks[] = {0, 0, 022, 077};
	struct fuzz_random *random = &world->random;

	operation->handle = fuzz_draw_handle(world);
	operation->other_handle = fuzz_draw_handle(world);
	operation->mode = fuzz_draw_mode(world);
	operation->umask = world->is_root ? FUZZ_PICK(random, umasks) : 0;
	operation->offset = fuzz_draw_offset(random);
	operation->other_offset = fuzz_draw_offset(random);
	operation->length = fuzz_draw_length(random);
	operation->pattern = fuzz_random_next(random);
	operation->uid = FUZZ_PICK(random, uids);
	operation->gid = FUZZ_PICK(random, gids);
	fuzz_draw_times(random, operation->times);
	if (world->has_users && fuzz_random_chance(random, 40))
		operation->user = 1 + (unsigned)fuzz_random_below(random, FUZZ_USER_COUNT - 1);
}

static int draw_flags(struct fuzz_random *random, enum fuzz_kind kind)
{
	static const int allocations[] = {0, 0, FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_ZERO_RANGE, FALLOC_FL_ZERO_RANGE, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE, FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE,
		FALLOC_FL_UNSHARE_RANGE};

	switch (kind) {
	case FUZZ_open:
	case FUZZ_reopen:
		return fuzz_draw_open_flags(random);
	case FUZZ_open_nameless:
		return fuzz_random_chance(random, 20) ? O_EXCL : 0;
	case FUZZ_fallocate:
		return FUZZ_PICK(random, allocations);
	case FUZZ_seek:
		return fuzz_random_chance(random, 50) ? SEEK_DATA : SEEK_HOLE;
	case FUZZ_xattr_set:
		return fuzz_random_chance(random, 60)   ? 0
		       : fuzz_random_chance(random, 50) ? XATTR_CREATE
							: XATTR_REPLACE;
	case FUZZ_link:
		return fuzz_random_chance(random, 15) ? AT_SYMLINK_FOLLOW : 0;
	case FUZZ_chown:
	case FUZZ_utimens:
	case FUZZ_statx:
		return fuzz_random_chance(random, 70) ? AT_SYMLINK_NOFOLLOW : 0;
	case FUZZ_access:
	case FUZZ_lock:
	case FUZZ_flock:
		return (int)fuzz_random_below(random, 8);
	case FUZZ_write_vector:
		return fuzz_random_chance(random, 15);
	default:
		return 0;
	}
}

void fuzz_generate(struct fuzz_world *world, struct fuzz_operation *operation)
{
	struct fuzz_random *random = &world->random;

	memset(operation, 0, sizeof(*operation));
	do {
		operation->kind = draw_kind(random);
	} while (!is_possible(world, operation->kind));
	draw_numbers(world, operation);
	operation->flags = draw_flags(random, operation->kind);
	if (operation->kind == FUZZ_open || operation->kind == FUZZ_open_nameless)
		operation->handle = (int)fuzz_random_below(random, FUZZ_HANDLE_COUNT);
	if (operation->kind == FUZZ_reopen)
		operation->other_handle = (int)fuzz_random_below(random, FUZZ_HANDLE_COUNT);
	if (fuzz_uses_path(operation->kind))
		draw_paths(world, operation);
	if (operation->kind >= FUZZ_xattr_set && operation->kind <= FUZZ_xattr_remove)
		strcpy(operation->name, FUZZ_PICK(random, xattr_names));
	/* All attributes of an inode of ext4 share one block. */
	if (operation->kind == FUZZ_xattr_set)
		operation->length %= fuzz_random_chance(random, 90) ? 64 : 300;
	if (operation->kind == FUZZ_fallocate || operation->kind == FUZZ_lock)
		operation->length += operation->length == 0;
}
