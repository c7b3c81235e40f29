/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_FUZZ_FS_OPERATION_H
#define HEDDLE_TESTS_FUZZ_FS_OPERATION_H

/*
 * One operation on a filesystem, complete in itself, and what came of it on one side.
 *
 * Calling sequence
 *     fuzz_generate(world, &operation) → fuzz_execute(side, &operation, &outcome) for both sides → compare
 *     (fuzz_sequence_read instead of fuzz_generate repeats a recorded run: sequence.h)
 *
 * An operation holds everything that it does, the bytes included (as a pattern number), so that both sides
 * do the same. Paths are relative to a side's root. A handle is a slot number: the same slot is open on
 * both sides or on none.
 *
 * Threads     One.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include "tests/fuzz_fs/random.h"

/*
 * Name, and how often it comes in comparison to the others. First those that work on an open slot, then those on
 * names (open, open_at, open_nameless and link_handle take both).
 */
/* clang-format off */
#define FUZZ_HANDLE_KINDS(x) \
	x(open, 14) x(open_nameless, 1) x(link_handle, 2) x(close, 6) x(reopen, 1) \
	x(read, 8) x(read_vector, 2) x(write, 14) x(write_vector, 3) x(append, 3) x(write_direct, 1) \
	x(ftruncate, 4) x(fallocate, 4) x(seek, 3) x(copy_range, 3) \
	x(map_write, 3) x(map_read, 2) x(map_truncate, 1) x(map_hold, 2) x(map_store, 2) x(map_look, 2) x(map_drop, 1) \
	x(advise, 1) x(fsync, 1) x(syncfs, 1) \
	x(fchmod, 1) x(fchown, 1) x(futimens, 1) x(lock, 2) x(flock, 2) x(process_lock, 2) x(foreign_lock, 2) x(clone, 1) \
	x(open_at, 3) x(list_handle, 1)
#define FUZZ_NAME_KINDS(x) \
	x(truncate, 3) x(mkdir, 7) x(rmdir, 4) x(unlink, 7) x(rename, 12) x(link, 4) x(symlink, 3) x(readlink, 2) \
	x(mknod, 3) x(chmod, 5) x(chown, 3) x(utimens, 4) \
	x(xattr_set, 4) x(xattr_get, 2) x(xattr_list, 2) x(xattr_remove, 2) x(acl_set, 3) x(acl_remove, 1) \
	x(list, 4) x(list_and_remove, 3) x(access, 2) x(statx, 2) x(statfs, 1) x(execute, 1)
#define FUZZ_CALLS(x) FUZZ_HANDLE_KINDS(x) FUZZ_NAME_KINDS(x)
/* What happens to the side under test as a whole; these come every so many operations (fuzz_fs.c). */
#define FUZZ_EVENTS(x) x(remount, 0) x(capture, 0) x(kill, 0) x(fork, 0) x(save, 0) x(restore, 0) x(undo, 0)
#define FUZZ_KINDS(x) FUZZ_CALLS(x) FUZZ_EVENTS(x)
/* clang-format on */

enum fuzz_kind {
#define FUZZ_KIND_ENUM(name, weight) FUZZ_##name,
	FUZZ_KINDS(FUZZ_KIND_ENUM)
#undef FUZZ_KIND_ENUM
		FUZZ_KIND_COUNT
};

enum {
	FUZZ_HANDLE_COUNT = 12,
	FUZZ_MAPPING_COUNT = 3,
	FUZZ_PATH_SIZE = 1024,
	FUZZ_NAME_SIZE = 300,
	FUZZ_DATA_LIMIT = 160 * 1024,
	FUZZ_TEXT_SIZE = 2048,
	FUZZ_USER_COUNT = 3,
};

struct fuzz_operation {
	enum fuzz_kind kind;
	char path[FUZZ_PATH_SIZE];
	char other[FUZZ_PATH_SIZE]; /* rename, link: the new name; symlink: the target */
	char name[FUZZ_NAME_SIZE];  /* of an extended attribute */
	int handle, other_handle;
	int flags;     /* of open, renameat2, linkat, fchownat ...; whence of seek, advice, type of lock */
	unsigned user; /* who does it: 0 root, or one of two users that share a group (side.c) */
	mode_t mode, umask;
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

/* A part of a file that stays mapped from one operation to the next. */
struct fuzz_mapping {
	uint8_t *place; /* NULL: none */
	size_t size;
	off_t start;
	int fd; /* the file: what of the mapping is behind its end cannot be touched */
};

/* A directory that operations are applied to, and its open files. */
struct fuzz_side {
	const char *label;
	const char *root;
	int root_fd;
	int handles[FUZZ_HANDLE_COUNT]; /* -1: closed */
	struct fuzz_mapping mappings[FUZZ_MAPPING_COUNT];
	bool is_native;
	bool collects_writes; /* the side under test is mounted with -o writeback */
};

struct fuzz_world {
	struct fuzz_side a, b; /* under test; native */
	struct fuzz_random random;
	int home_fd; /* where the program was started */
	unsigned is_root : 1, has_xattrs : 1;
	unsigned has_users : 1;    /* operations come from several users, too */
	unsigned has_nameless : 1; /* the side under test has O_TMPFILE */
};

extern const char *const fuzz_kind_names[FUZZ_KIND_COUNT];

/* Fills OPERATION. Existing names are looked up on the native side, so a sequence depends on seed and initial
 * tree alone. */
void fuzz_generate(struct fuzz_world *world, struct fuzz_operation *operation);

/* Fills TREE (an empty directory) with the initial tree of SEED; returns 0 or -errno. */
int fuzz_make_tree(const char *tree, uint64_t seed, int has_xattrs);

void fuzz_execute(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome);

/* Does the operation work on an open slot, on a name? Open does both. */
bool fuzz_uses_handle(enum fuzz_kind kind);
bool fuzz_uses_path(enum fuzz_kind kind);

/* SIZE bytes of PATTERN, as a write at any offset writes them. */
void fuzz_fill(uint8_t *data, size_t size, uint64_t pattern);
uint64_t fuzz_digest(uint64_t digest, const void *data, size_t size);

/* The bytes of an access control list, as they stand in its attribute; returns their count. */
enum { FUZZ_ACL_SIZE = 4 + 8 * 8 };
size_t fuzz_fill_acl(uint8_t acl[FUZZ_ACL_SIZE], uint64_t pattern);

/* For looking without leaving a trace (O_NOATIME), where that is allowed. */
int fuzz_open_quietly(int directory_fd, const char *path, int flags);

/* The names in the directory, sorted; NULL and errno on failure. Free with fuzz_names_free. */
char **fuzz_names(int directory_fd, const char *path, size_t *ret_count);
void fuzz_names_free(char **names, size_t count);

/* Opens the root of SIDE; closes every handle and the root. */
int fuzz_side_open(struct fuzz_side *side);
void fuzz_side_close(struct fuzz_side *side);

#endif
