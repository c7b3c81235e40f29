/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_FUZZ_FS_OPERATION_H
#define HEDDLE_TESTS_FUZZ_FS_OPERATION_H

/*
 * One operation on a filesystem, complete in itself, and what came of it on one side.
 *
 * Calling sequence
 *     fuzz_generate(world, &operation) → fuzz_execute(side, &operation, &outcome) for both sides → compare
 *
 * An operation holds everything that it does, the bytes included (as a pattern number), so that both sides
 * do the same. Paths are relative to a side's root. A handle is a slot number: the same slot is open on
 * both sides or on none.
 *
 * Threads     One.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include "tests/fuzz_fs/random.h"

/* Name, and how often it comes in comparison to the others. */
#define FUZZ_KINDS(x)                                                                                  \
	x(open, 14) x(close, 6) x(read, 8) x(write, 14) x(append, 3) x(ftruncate, 4) x(truncate, 3)    \
		x(fallocate, 4) x(seek, 3) x(map_write, 3) x(map_read, 2) x(copy_range, 2) x(fsync, 1) \
			x(fchmod, 1) x(mkdir, 7) x(rmdir, 4) x(unlink, 7) x(rename, 12) x(link, 4)     \
				x(symlink, 3) x(readlink, 2) x(mknod, 2) x(chmod, 4) x(chown, 2)       \
					x(utimens, 4) x(xattr_set, 3) x(xattr_get, 2) x(xattr_list, 2) \
						x(xattr_remove, 2) x(list, 4) x(list_and_remove, 2)    \
							x(access, 1) x(statx, 2)

enum fuzz_kind {
#define FUZZ_KIND_ENUM(name, weight) FUZZ_##name,
	FUZZ_KINDS(FUZZ_KIND_ENUM)
#undef FUZZ_KIND_ENUM
		FUZZ_KIND_COUNT
};

enum {
	FUZZ_HANDLE_COUNT = 12,
	FUZZ_PATH_SIZE = 1024,
	FUZZ_NAME_SIZE = 300,
	FUZZ_DATA_LIMIT = 160 * 1024,
	FUZZ_TEXT_SIZE = 2048,
};

struct fuzz_operation {
	enum fuzz_kind kind;
	char path[FUZZ_PATH_SIZE];
	char other[FUZZ_PATH_SIZE]; /* rename, link: the new name; symlink: the target */
	char name[FUZZ_NAME_SIZE];  /* of an extended attribute */
	int handle, other_handle;
	int flags; /* of open, renameat2, fallocate, access, setxattr; whence of seek */
	mode_t mode;
	dev_t device;
	uint64_t offset, other_offset, length;
	uint64_t pattern; /* of the bytes written; for list_and_remove the names that go */
	struct timespec times[2];
	uid_t uid;
	gid_t gid;
};

struct fuzz_outcome {
	long result;               /* as the call returned it; a descriptor counts as 0 */
	int error;                 /* errno, 0 on success */
	uint64_t digest;           /* of the bytes or names that came */
	char text[FUZZ_TEXT_SIZE]; /* the same for people, cut */
};

/* A directory that operations are applied to, and its open files. */
struct fuzz_side {
	const char *label;
	const char *root;
	int root_fd;
	int handles[FUZZ_HANDLE_COUNT]; /* -1: closed */
};

struct fuzz_world {
	struct fuzz_side a, b; /* under test; native */
	struct fuzz_random random;
	unsigned is_root : 1, has_xattrs : 1;
};

extern const char *const fuzz_kind_names[FUZZ_KIND_COUNT];

/* Fills OPERATION. Existing names are looked up on the native side, so a sequence depends on seed and initial
 * tree alone. */
void fuzz_generate(struct fuzz_world *world, struct fuzz_operation *operation);

/* Fills TREE (an empty directory) with the initial tree of SEED; returns 0 or -errno. */
int fuzz_make_tree(const char *tree, uint64_t seed, int has_xattrs);

void fuzz_execute(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome);

/* The operation as one line. */
void fuzz_print(FILE *stream, uint64_t index, const struct fuzz_operation *operation);

/* SIZE bytes of PATTERN, as a write at any offset writes them. */
void fuzz_fill(uint8_t *data, size_t size, uint64_t pattern);
uint64_t fuzz_digest(uint64_t digest, const void *data, size_t size);

/* The names in the directory, sorted; NULL and errno on failure. Free with fuzz_names_free. */
char **fuzz_names(int directory_fd, const char *path, size_t *ret_count);
void fuzz_names_free(char **names, size_t count);

/* Opens the root of SIDE; closes every handle and the root. */
int fuzz_side_open(struct fuzz_side *side);
void fuzz_side_close(struct fuzz_side *side);

#endif
