/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_BASES_BASE_H
#define HEDDLE_BASES_BASE_H

/*
 * Base: the read-only tree under an overlay. One small interface, four sources of content:
 * a git commit (base_git.c), a host directory (base_directory.c), a captured state (base_state.c), nothing.
 *
 * A set of bases resolves any content reference that may occur in one store, opening the base behind it at
 * its first use. All calls may block on I/O: the caller holds no lock. All are read-only; nothing is ever
 * written to a base.
 *
 * Calling sequence
 *     hd_base_set_new(store) → hd_base_set_list / _read / _read_link / _size ... → hd_base_set_free
 *
 * Ownership   The set owns its bases; the store is borrowed and must outlive it. Entries given to a
 *             callback are borrowed during the call.
 * Threads     All calls may run concurrently.
 * Errors      -HD_E_BASE_MISSING, -HD_E_BASE_CHANGED, -HD_E_BASE_OBJECT, -HD_E_BASE_TIMEOUT, store errors,
 *             -errno.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "overlay/store/store.h"

/* One child of a directory of a base, as the overlay will show it. */
struct hd_base_entry {
	const char *name; /* NUL-terminated; 1..255 bytes */
	uint32_t mode;    /* type and permission bits */
	uint32_t uid, gid;
	uint32_t device; /* st_rdev of device nodes */
	uint64_t size;   /* bytes of a file or of a link's target */
	uint64_t
		holes; /* of them, up to a whole block, those that take no room there, as far as that is known */
	struct timespec access_time, modify_time, change_time, birth_time;
	uint64_t number;     /* st_ino there, when it is unique within the whole base and lasting; else 0 */
	uint64_t link_group; /* nonzero and equal for names of one hard-linked file of this base, within the
				whole base */
	uint32_t links; /* names of that file, some of which may lie outside the base; 0 without a group */
	const void *xattrs; /* form as in hd_attribute_entry, may be NULL */
	uint32_t xattrs_size;
	struct hd_content content;    /* file data, link target or directory */
	struct hd_content attributes; /* of a captured directory: its attribute object, else NONE */
};

/* Nonzero ends the listing and becomes its result. */
typedef int (*hd_base_emit)(const struct hd_base_entry *entry, void *payload);

/* A directory of a base: its tree and, for captured ones, the attribute object beside it. */
struct hd_base_directory {
	struct hd_content content;
	struct hd_content attributes;
	struct timespec fallback_time; /* shown where the source keeps no times (git): the commit's time */
	uint32_t fallback_uid, fallback_gid; /* shown where the source keeps no owners */
	bool without_sizes; /* nobody looks at those of blobs, each of which has to be looked for: they are 0 */
	bool without_attributes; /* nobody looks at what the attribute object has: it is not read, nor are those below */
};

/* What one kind of base implements. Every function may block. */
struct hd_base;
struct hd_base_operations {
	const char *name;
	int (*list)(struct hd_base *base, const struct hd_base_directory *directory, hd_base_emit emit,
		void *payload);
	int (*read)(struct hd_base *base, const struct hd_content *file, void *buffer, size_t size,
		uint64_t offset, size_t *ret_size);
	/* As hd_base_set_seek; NULL where nobody knows of holes. */
	int (*seek)(struct hd_base *base, const struct hd_content *file, uint64_t offset, bool want_data,
		uint64_t *ret_offset);
	/* As hd_base_set_copy; NULL where the source has no files of its own. */
	int (*copy)(struct hd_base *base, const struct hd_content *file, int fd, uint64_t offset, size_t size,
		size_t *ret_size);
	int (*size)(struct hd_base *base, const struct hd_content *file, uint64_t *ret_size);
	/* The root directory's own attributes, name "", xattrs in fresh memory; NULL where the source keeps none. */
	int (*root)(struct hd_base *base, struct hd_base_entry *ret_entry);
	/* Makes what later processes need to resolve this base's contents durable; NULL when there is
	 * nothing. */
	int (*persist)(struct hd_base *base);
	void (*free)(struct hd_base *base);
};

/* The head of every implementation's struct. */
struct hd_base {
	const struct hd_base_operations *operations;
	bool may_stall; /* calls can hang for long (a network): they run on a pool, with a deadline */
};

struct hd_base_set;

/* DEADLINE_MS (0: 30000) bounds every opening of a base and every call into one that may stall; a listing may take
 * longer while entries keep coming. */
int hd_base_set_new(struct hd_store *store, unsigned deadline_ms, struct hd_base_set **ret_set);
/* Waits for calls that were given up but still run in a base: they use it, and the store. */
void hd_base_set_free(struct hd_base_set *set);

/* Puts an already open base under NUMBER (tests, later kinds). Takes ownership on success. */
int hd_base_set_adopt(struct hd_base_set *set, uint16_t number, struct hd_base *base);

/* Children of a directory. An empty directory (NONE) has none. */
int hd_base_set_list(
	struct hd_base_set *set, const struct hd_base_directory *directory, hd_base_emit emit, void *payload);

/* Up to SIZE bytes at OFFSET of a file's data or a link's target; *RET_SIZE is short only at its end. */
int hd_base_set_read(struct hd_base_set *set, const struct hd_content *content, void *buffer, size_t size,
	uint64_t offset, size_t *ret_size);

/* Bytes of a file or of a link's target. */
int hd_base_set_size(struct hd_base_set *set, const struct hd_content *content, uint64_t *ret_size);
/* The first offset >= OFFSET of a file with data, or, without WANT_DATA, in a hole, which is what the source knows
 * to be zeros; UINT64_MAX, or its size, when it has none. */
int hd_base_set_seek(struct hd_base_set *set, const struct hd_content *content, uint64_t offset,
	bool want_data, uint64_t *ret_offset);
/* Up to SIZE bytes at OFFSET of a file to the same place of FD, by the kernel, which shares them where it can; *RET_SIZE is 0
 * only at its end. -EOPNOTSUPP: they have to be read. */
int hd_base_set_copy(struct hd_base_set *set, const struct hd_content *content, int fd, uint64_t offset,
	size_t size, size_t *ret_size);
/* Makes durable what later processes need to resolve the contents handed out so far: before a state names
 * them. */
int hd_base_set_persist(struct hd_base_set *set);

/* The attributes of the root of a base's tree, name "". Other than those of a listing they are the caller's:
 * hd_base_root_clear (base_root.h) frees what is in memory. */
int hd_base_set_root(struct hd_base_set *set, const struct hd_state *state, struct hd_base_entry *ret_entry,
	struct hd_base_directory *ret_directory);

/* ---- openers, one per kind ---- */

/* NUMBER is what GIT contents of this base carry. LOCATION: the git directory. */
int hd_base_git_open(const char *location, uint16_t number, struct hd_base **ret_base);
/* LOCATION: the directory. STORE (borrowed) keeps the path ids; it is no part of the tree if it lies in it. */
int hd_base_directory_open(
	const char *location, uint16_t number, struct hd_store *store, struct hd_base **ret_base);
/* Serves OBJECT and CHUNKED contents. STORE is borrowed. */
int hd_base_state_open(struct hd_store *store, struct hd_base **ret_base);

/* ---- what init needs to know of a place ---- */

struct hd_base_description {
	enum hd_base_kind kind;
	char *location;         /* owned: git directory (common dir) or directory, absolute */
	char *work_tree;        /* owned: root of the repository's checkout, or the directory itself */
	struct hd_content tree; /* root; `base` is 0 until the base has a number */
	char *commit;           /* owned: hex id, NULL for directories */
	char *subject;          /* owned: first line of the commit message, or the directory's path */
	char *author;           /* owned */
	int64_t time_s;
	int32_t zone_minutes;
};

/* The repository that PATH lies in, at REVISION (NULL: HEAD). -HD_E_REPOSITORY_MISSING,
 * -HD_E_REPOSITORY_UNBORN. */
int hd_base_git_describe(const char *path, const char *revision, struct hd_base_description *ret_description);
/* Pins COMMIT by refs/heddle/base/<hex> in the repository, so that gc keeps what states refer to. */
int hd_base_git_pin(const char *location, const char *commit);
int hd_base_directory_describe(const char *path, struct hd_base_description *ret_description);
void hd_base_description_clear(struct hd_base_description *description);

#endif
