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

static bool is_about_xattrs(enum fuzz_kind kind)
{
	return kind >= FUZZ_xattr_set && kind <= FUZZ_acl_remove;
}

static bool is_possible(const struct fuzz_world *world, enum fuzz_kind kind)
{
	if (is_about_xattrs(kind))
		return world->has_xattrs;
	return kind != FUZZ_open_nameless || world->has_nameless;
}

/* When ext4 refuses to rename over a directory that is not empty, it has made the whiteout already, and takes it away
 * again, which moves times. */
static void leave_out_refused_whiteout(const struct fuzz_world *world, struct fuzz_operation *operation)
{
	struct stat st;

	if ((operation->flags & RENAME_WHITEOUT) != 0 &&
		fstatat(world->b.root_fd, operation->other, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISDIR(st.st_mode))
		operation->flags &= ~RENAME_WHITEOUT;
}

static void draw_rename(struct fuzz_world *world, struct fuzz_operation *operation)
{
	fuzz_draw_target(world, operation->path);
	if (fuzz_random_chance(&world->random, 30))
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
	else if (fuzz_random_chance(&world->random, 4))
		operation->flags = RENAME_WHITEOUT;
	else if (fuzz_random_chance(&world->random, 3))
		operation->flags = (int)fuzz_random_below(&world->random, 8);
	leave_out_refused_whiteout(world, operation);
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

/* What an operation on an existing name is made for. */
static unsigned types_of(enum fuzz_kind kind)
{
	switch (kind) {
	case FUZZ_readlink:
		return FUZZ_TYPE(S_IFLNK);
	case FUZZ_truncate:
		return FUZZ_TYPE(S_IFREG);
	case FUZZ_open:
	case FUZZ_unlink:
	case FUZZ_link:
		return FUZZ_NO_DIRECTORY;
	case FUZZ_open_nameless:
	case FUZZ_list:
	case FUZZ_list_and_remove:
	case FUZZ_rmdir:
		return FUZZ_TYPE(S_IFDIR);
	case FUZZ_xattr_set: /* symbolic links have none */
	case FUZZ_acl_set:
	case FUZZ_chmod:
		return ~FUZZ_TYPE(S_IFLNK);
	default:
		return ~0U;
	}
}

static bool makes_a_name(struct fuzz_random *random, enum fuzz_kind kind)
{
	return kind == FUZZ_mkdir || kind == FUZZ_link_handle || kind == FUZZ_symlink ||
	       (kind == FUZZ_open && fuzz_random_chance(random, 40));
}

static bool may_be_root(enum fuzz_kind kind)
{
	return kind != FUZZ_open && kind != FUZZ_rmdir && kind != FUZZ_unlink && kind != FUZZ_link;
}

static void draw_paths(struct fuzz_world *world, struct fuzz_operation *operation)
{
	struct fuzz_random *random = &world->random;
	enum fuzz_kind kind = operation->kind;

	if (kind == FUZZ_rename)
		draw_rename(world, operation);
	else if (kind == FUZZ_mknod)
		draw_special(world, operation);
	else if (kind == FUZZ_open_at)
		fuzz_draw_name(random, operation->path);
	else if (makes_a_name(random, kind))
		fuzz_draw_new(world, operation->path);
	else if (may_be_root(kind) && fuzz_random_chance(random, 3))
		strcpy(operation->path, ".");
	else
		fuzz_draw_typed(world, types_of(kind), operation->path);
	if (kind == FUZZ_link)
		fuzz_draw_new(world, operation->other);
	for (int i = 0; kind == FUZZ_symlink && i < 2; i++)
		if (i == 0 || fuzz_random_chance(random, 50))
			fuzz_draw_name(random, operation->other);
	if (kind != FUZZ_symlink)
		fuzz_decorate(random, operation->other);
	fuzz_decorate(random, operation->path);
}

/* Which slots an operation is made for: types, and how they must be open. */
static void draw_handles(struct fuzz_world *world, struct fuzz_operation *operation)
{
	unsigned regular = FUZZ_TYPE(S_IFREG);

	switch (operation->kind) {
	case FUZZ_open:
	case FUZZ_open_nameless:
		operation->handle = (int)fuzz_random_below(&world->random, FUZZ_HANDLE_COUNT);
		break;
	case FUZZ_open_at:
		operation->handle = (int)fuzz_random_below(&world->random, FUZZ_HANDLE_COUNT);
		operation->other_handle = fuzz_draw_handle(world, FUZZ_TYPE(S_IFDIR), O_RDONLY);
		break;
	case FUZZ_list_handle:
		operation->handle = fuzz_draw_handle(world, FUZZ_TYPE(S_IFDIR), O_RDONLY);
		break;
	case FUZZ_reopen:
		operation->handle = fuzz_draw_handle(world, ~0U, O_RDONLY);
		operation->other_handle = (int)fuzz_random_below(&world->random, FUZZ_HANDLE_COUNT);
		break;
	case FUZZ_write:
	case FUZZ_write_vector:
	case FUZZ_append:
	case FUZZ_write_direct:
	case FUZZ_ftruncate:
	case FUZZ_fallocate:
		operation->handle = fuzz_draw_handle(world, regular, O_WRONLY);
		break;
	case FUZZ_read:
	case FUZZ_read_vector:
	case FUZZ_map_read:
	case FUZZ_map_write:
	case FUZZ_map_truncate:
	case FUZZ_map_hold:
	case FUZZ_seek:
	case FUZZ_copy_range:
	case FUZZ_clone:
		operation->handle = fuzz_draw_handle(world, regular, O_RDWR);
		operation->other_handle = fuzz_draw_handle(world, regular, O_WRONLY);
		break;
	default:
		operation->handle = fuzz_draw_handle(world, ~0U, O_RDONLY);
	}
}

static void draw_numbers(struct fuzz_world *world, struct fuzz_operation *operation)
{
	static const uid_t uids[] = {0, 1000, 1001, (uid_t)-1};
	static const gid_t gids[] = {0, 1000, 2000, (gid_t)-1};
	static const mode_t umasks[] = {0, 0, 022, 077};
	struct fuzz_random *random = &world->random;

	operation->mode = fuzz_draw_mode(world);
	operation->umask = world->is_root ? FUZZ_PICK(random, umasks) : 0;
	operation->offset = fuzz_draw_offset(random);
	operation->other_offset = fuzz_draw_offset(random);
	operation->length = fuzz_draw_length(random);
	operation->pattern = fuzz_random_next(random);
	operation->uid = FUZZ_PICK(random, uids);
	operation->gid = FUZZ_PICK(random, gids);
	fuzz_draw_times(random, operation->times);
	if (world->has_users && fuzz_random_chance(random, 25))
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
	case FUZZ_open_at:
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
	case FUZZ_process_lock:
	case FUZZ_foreign_lock:
		return (int)fuzz_random_below(random, 8);
	case FUZZ_write_vector:
		return fuzz_random_chance(random, 15);
	default:
		return 0;
	}
}

/* One that is there, where one is asked for; else one of a few. */
static void draw_xattr_name(struct fuzz_world *world, struct fuzz_operation *operation)
{
	static const char *const acls[] = {
		"system.posix_acl_access", "system.posix_acl_access", "system.posix_acl_default"};
	struct fuzz_random *random = &world->random;
	char list[4096];
	ssize_t size = -1;

	if (operation->kind >= FUZZ_acl_set) {
		strcpy(operation->name, FUZZ_PICK(random, acls));
		return;
	}
	strcpy(operation->name, FUZZ_PICK(random, xattr_names));
	if (operation->kind == FUZZ_xattr_set || fuzz_random_chance(random, 30))
		return;
	if (fchdir(world->b.root_fd) == 0)
		size = llistxattr(operation->path, list, sizeof(list));
	if (size > 0 && strlen(list) < FUZZ_NAME_SIZE)
		strcpy(operation->name, list);
}

static bool is_root_directory(const struct fuzz_world *world, const struct fuzz_operation *operation)
{
	struct stat root, st;
	int r = operation->kind == FUZZ_fchmod ? fstat(world->b.handles[operation->handle], &st)
					       : fstatat(world->b.root_fd, operation->path, &st, 0);

	return r == 0 && fstat(world->b.root_fd, &root) == 0 && st.st_ino == root.st_ino &&
	       st.st_dev == root.st_dev;
}

/* An ordinary user who cannot open the roots any more ends the run. */
static void keep_roots_open(const struct fuzz_world *world, struct fuzz_operation *operation)
{
	enum fuzz_kind kind = operation->kind;

	if (world->is_root || (kind != FUZZ_chmod && kind != FUZZ_fchmod && kind != FUZZ_acl_set) ||
		!is_root_directory(world, operation))
		return;
	operation->mode |= 0700;
	if (kind == FUZZ_acl_set)
		operation->kind = FUZZ_chmod;
}

static enum fuzz_kind draw_possible_kind(struct fuzz_world *world)
{
	enum fuzz_kind kind;
	bool any = false;

	do {
		kind = draw_kind(&world->random);
	} while (!is_possible(world, kind));
	for (size_t i = 0; i < FUZZ_HANDLE_COUNT; i++)
		any |= world->b.handles[i] >= 0;
	return !any && fuzz_uses_handle(kind) && fuzz_random_chance(&world->random, 95) ? FUZZ_open : kind;
}

/* Mostly bytes that stay at their place, as in a copy of a whole file: those are shared. */
static void draw_whole_copy(struct fuzz_random *random, struct fuzz_operation *operation)
{
	if (!fuzz_random_chance(random, 60))
		return;
	if (fuzz_random_chance(random, 40))
		operation->offset = 0;
	if (fuzz_random_chance(random, 50))
		operation->length = 4 << 20;
	operation->other_offset = operation->offset;
}

void fuzz_generate(struct fuzz_world *world, struct fuzz_operation *operation)
{
	struct fuzz_random *random = &world->random;

	memset(operation, 0, sizeof(*operation));
	operation->kind = draw_possible_kind(world);
	draw_numbers(world, operation);
	draw_handles(world, operation);
	operation->flags = draw_flags(random, operation->kind);
	if (fuzz_uses_path(operation->kind))
		draw_paths(world, operation);
	if (is_about_xattrs(operation->kind))
		draw_xattr_name(world, operation);
	/* All attributes of an inode of ext4 share one block. */
	if (operation->kind == FUZZ_xattr_set)
		operation->length %= fuzz_random_chance(random, 90) ? 64 : 300;
	if (operation->kind == FUZZ_fallocate || operation->kind == FUZZ_lock ||
		operation->kind == FUZZ_process_lock || operation->kind == FUZZ_foreign_lock)
		operation->length += operation->length == 0;
	if (operation->kind == FUZZ_copy_range)
		draw_whole_copy(random, operation);
	keep_roots_open(world, operation);
}
