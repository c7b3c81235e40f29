/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Operations on names.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/fuzz_fs/execute.h"

static void run_truncate(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	char path[2 * FUZZ_PATH_SIZE];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", side->root_fd, operation->path);
	fuzz_outcome_set(outcome, truncate(path, (off_t)operation->offset));
}

static void run_mkdir(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	fuzz_outcome_set(outcome, mkdirat(side->root_fd, operation->path, operation->mode & 01777));
}

static void run_rmdir(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	fuzz_outcome_set(outcome, unlinkat(side->root_fd, operation->path, AT_REMOVEDIR));
}

static void run_unlink(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	fuzz_outcome_set(outcome, unlinkat(side->root_fd, operation->path, 0));
}

static void run_rename(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	fuzz_outcome_set(outcome, renameat2(side->root_fd, operation->path, side->root_fd, operation->other,
					  (unsigned)operation->flags));
}

static void run_link(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	fuzz_outcome_set(outcome, linkat(side->root_fd, operation->path, side->root_fd, operation->other, 0));
}

static void run_symlink(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	fuzz_outcome_set(outcome, symlinkat(operation->other, side->root_fd, operation->path));
}

static void run_readlink(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	char target[FUZZ_PATH_SIZE];

	fuzz_outcome_set(outcome, readlinkat(side->root_fd, operation->path, target, sizeof(target)));
	if (outcome->result >= 0)
		outcome->digest = fuzz_digest(0, target, (size_t)outcome->result);
}

static void run_mknod(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	fuzz_outcome_set(
		outcome, mknodat(side->root_fd, operation->path, operation->mode, operation->device));
}

static void run_chmod(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	fuzz_outcome_set(outcome, fchmodat(side->root_fd, operation->path, operation->mode & 07777, 0));
}

static void run_chown(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	fuzz_outcome_set(outcome, fchownat(side->root_fd, operation->path, operation->uid, operation->gid,
					  AT_SYMLINK_NOFOLLOW));
}

static void run_utimens(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	fuzz_outcome_set(
		outcome, utimensat(side->root_fd, operation->path, operation->times, AT_SYMLINK_NOFOLLOW));
}

static void xattr_path(
	const struct fuzz_side *side, const struct fuzz_operation *operation, char *path, size_t size)
{
	(void)snprintf(path, size, "/proc/self/fd/%d/%s", side->root_fd, operation->path);
}

static void run_xattr(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	char path[2 * FUZZ_PATH_SIZE];
	uint8_t value[4096];

	xattr_path(side, operation, path, sizeof(path));
	switch (operation->kind) {
	case FUZZ_xattr_set:
		fuzz_fill(value, operation->length, operation->pattern);
		fuzz_outcome_set(outcome,
			lsetxattr(path, operation->name, value, operation->length, operation->flags));
		return;
	case FUZZ_xattr_get:
		fuzz_outcome_set(outcome, lgetxattr(path, operation->name, value, sizeof(value)));
		break;
	default:
		fuzz_outcome_set(outcome, lremovexattr(path, operation->name));
		return;
	}
	if (outcome->result > 0)
		outcome->digest = fuzz_digest(0, value, (size_t)outcome->result);
}

/* Attributes of other namespaces (security labels) are the system's: they count on neither side. */
static void run_xattr_list(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	char path[2 * FUZZ_PATH_SIZE], names[4096];
	long user_count = 0;

	xattr_path(side, operation, path, sizeof(path));
	fuzz_outcome_set(outcome, llistxattr(path, names, sizeof(names)));
	for (long at = 0; at < outcome->result; at += (long)strlen(names + at) + 1) {
		if (strncmp(names + at, "user.", 5) != 0)
			continue;
		user_count++;
		outcome->digest +=
			fuzz_digest(0, names + at, strlen(names + at)); /* a set: order does not count */
	}
	if (outcome->result >= 0)
		outcome->result = user_count;
}

static void run_list(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	size_t count, length = 0;
	char **names = fuzz_names(side->root_fd, operation->path, &count);

	fuzz_outcome_set(outcome, names == NULL ? -1 : (long)count);
	for (size_t i = 0; names != NULL && i < count; i++) {
		outcome->digest = fuzz_digest(outcome->digest, names[i], strlen(names[i]) + 1);
		if (length + strlen(names[i]) + 2 < sizeof(outcome->text))
			length += (size_t)sprintf(outcome->text + length, "%s ", names[i]);
	}
	fuzz_names_free(names, count);
}

static DIR *open_listing(const struct fuzz_side *side, const char *path)
{
	int fd = openat(side->root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory;

	if (fd < 0)
		return NULL;
	directory = fdopendir(fd);
	if (directory == NULL)
		(void)close(fd);
	return directory;
}

/*
 * Reads half of a listing, removes names from the directory, reads the rest. What stays must come exactly
 * once (readdir(3p)); what goes may come or not. Which names go follows from the name alone, so both sides
 * agree.
 */
static void run_list_and_remove(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	DIR *directory = open_listing(side, operation->path);
	char **names = NULL;
	struct dirent *entry;
	size_t count = 0, seen = 0, halfway;

	if (directory != NULL)
		names = fuzz_names(side->root_fd, operation->path, &count);
	fuzz_outcome_set(outcome, names == NULL ? -1 : 0);
	halfway = count / 2;
	while (directory != NULL && names != NULL && (entry = readdir(directory)) != NULL) {
		uint64_t digest = fuzz_digest(0, entry->d_name, strlen(entry->d_name));

		if ((digest ^ operation->pattern) % 4 != 0)
			outcome->digest += digest; /* stays: a second coming would change the sum */
		if (seen++ != halfway)
			continue;
		for (size_t i = 0; i < count; i++)
			if ((fuzz_digest(0, names[i], strlen(names[i])) ^ operation->pattern) % 4 == 0)
				(void)unlinkat(dirfd(directory), names[i], 0);
	}
	fuzz_names_free(names, count);
	if (directory != NULL)
		(void)closedir(directory);
}

static void run_access(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	fuzz_outcome_set(outcome, faccessat(side->root_fd, operation->path, operation->flags, AT_EACCESS));
}

static void run_statx(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	struct statx stx;

	fuzz_outcome_set(outcome, statx(side->root_fd, operation->path,
					  operation->flags | AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &stx));
	if (outcome->result == 0)
		outcome->digest = stx.stx_mode | (uint64_t)(S_ISREG(stx.stx_mode) ? stx.stx_size : 0) << 16;
}

const fuzz_executor fuzz_name_executors[FUZZ_KIND_COUNT] = {
	[FUZZ_truncate] = run_truncate,
	[FUZZ_mkdir] = run_mkdir,
	[FUZZ_rmdir] = run_rmdir,
	[FUZZ_unlink] = run_unlink,
	[FUZZ_rename] = run_rename,
	[FUZZ_link] = run_link,
	[FUZZ_symlink] = run_symlink,
	[FUZZ_readlink] = run_readlink,
	[FUZZ_mknod] = run_mknod,
	[FUZZ_chmod] = run_chmod,
	[FUZZ_chown] = run_chown,
	[FUZZ_utimens] = run_utimens,
	[FUZZ_xattr_set] = run_xattr,
	[FUZZ_xattr_get] = run_xattr,
	[FUZZ_xattr_remove] = run_xattr,
	[FUZZ_xattr_list] = run_xattr_list,
	[FUZZ_list] = run_list,
	[FUZZ_list_and_remove] = run_list_and_remove,
	[FUZZ_access] = run_access,
	[FUZZ_statx] = run_statx,
};
