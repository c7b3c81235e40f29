/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_UNIT_OVERLAY_YARD_H
#define HEDDLE_TESTS_UNIT_OVERLAY_YARD_H

/*
 * A yard: a store in a directory of its own with one thread, "main", over nothing or over a base that exists in
 * memory only, which counts what is asked of it and fails or stalls on demand. Everything asserts on failure.
 */

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/bases/base.h"
#include "overlay/overlay.h"
#include "overlay/platform/error.h"
#include "overlay/store/store.h"

#define assert_success(call)                                                    \
	do {                                                                    \
		int assert_r_ = (call);                                         \
		if (assert_r_ < 0)                                              \
			fail_msg("%s: %s", #call, hd_error_message(assert_r_)); \
	} while (0)

#define assert_code(call, code) assert_string_equal(hd_error_name(call), hd_error_name(code))

#define YARD_NODES 4096

/* Under the thread sanitizer tests that only repeat themselves do so less often. */
#ifdef __SANITIZE_THREAD__
#define YARD_IS_SLOW 1
#else
#define YARD_IS_SLOW 0
#endif

struct yard_node {
	uint32_t parent;
	char name[64];
	uint32_t mode;
	uint64_t size;
	uint64_t link_group;
	uint32_t links;
	uint8_t xattrs[64];
	uint32_t xattrs_size;
};

/* The base. Node 0 is the root. */
struct yard_base {
	struct yard_node nodes[YARD_NODES];
	uint32_t n_nodes;
	bool may_stall;
	atomic_uint lists;      /* listings asked for */
	atomic_uint reads;      /* reads of file data */
	atomic_ullong read_sum; /* bytes given */
	atomic_uint fail_lists; /* so many next listings fail with -EIO */
	atomic_uint stall_ms;   /* a listing takes so long */
	uint32_t stall_only;    /* of this directory, or UINT32_MAX: of all */
};

struct yard {
	char directory[64];
	char path[PATH_MAX]; /* of the .heddle directory */
	struct hd_store *store;
	struct yard_base *base; /* NULL: over nothing */
	struct hd_overlay *overlay;
};

extern const struct hd_caller yard_caller;

/* setup and teardown of cmocka; the second closes an overlay that is open. */
int yard_setup(void **state);
int yard_setup_over_base(void **state);
int yard_teardown(void **state);

/* Adds a node to the base; bytes of files are yard_byte. Returns its number. */
uint32_t yard_base_add(struct yard *yard, uint32_t parent, const char *name, uint32_t mode, uint64_t size);
/* The byte at OFFSET of the base's file NODE. */
static inline uint8_t yard_byte(uint32_t node, uint64_t offset)
{
	return (uint8_t)((offset * 31 + (offset >> 12) * 7 + node * 13) | 1);
}

struct hd_overlay_options yard_options(const struct yard *yard);
struct hd_overlay *yard_open(struct yard *yard);
/* The base is given to the overlay as well. */
struct hd_overlay *yard_open_with(struct yard *yard, const struct hd_overlay_options *options);
void yard_adopt_base(struct yard *yard, struct hd_overlay *overlay);
void yard_close(struct yard *yard);
struct hd_overlay *yard_reopen(struct yard *yard);
/* Drops the store and opens it anew, as another process would. */
void yard_reopen_store(struct yard *yard);
/* "<store>/threads/1/<name>". */
void yard_thread_path(const struct yard *yard, const char *name, char path[PATH_MAX]);

/* One lookup each, which the caller may forget. make_file leaves the file open. */
hd_ino find(struct hd_overlay *overlay, hd_ino parent, const char *name);
hd_ino make_file(struct hd_overlay *overlay, hd_ino parent, const char *name);
hd_ino make_directory(struct hd_overlay *overlay, hd_ino parent, const char *name);
/* Finds nothing there. */
void assert_missing(struct hd_overlay *overlay, hd_ino parent, const char *name);
struct hd_attributes attributes_of(struct hd_overlay *overlay, hd_ino ino);
void write_text(struct hd_overlay *overlay, hd_ino ino, const char *text);
/* The file's bytes are TEXT, no more and no less. */
void assert_text(struct hd_overlay *overlay, hd_ino ino, const char *text);

/* Pseudo-random numbers that can be repeated (xorshift64*). */
static inline uint64_t draw(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * 0x2545F4914F6CDD1Du;
}

/* From the environment (HEDDLE_TEST_SEED), or of the clock; printed. */
uint64_t yard_seed(void);

#endif
