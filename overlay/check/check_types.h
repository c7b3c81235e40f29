/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CHECK_CHECK_TYPES_H
#define HEDDLE_CHECK_CHECK_TYPES_H

/* What the files check_*.c share; nobody else includes this. */

#include <stdbool.h>

#include "overlay/arena/arena.h"
#include "overlay/check/check.h"
#include "overlay/platform/buffer.h"
#include "overlay/store/objects/object_id.h"

struct hd_checked_object {
	struct hd_object_id id;
	bool sound;
	bool named; /* something refers to it */
	bool tree_seen, attributes_seen;
};

/* A directory that is still to be read. */
struct hd_checked_directory {
	struct hd_content tree, attributes;
};

struct hd_check {
	struct hd_store *store; /* borrowed */
	hd_check_emit emit;
	void *payload;
	struct hd_check_report report;
	struct hd_checked_object *objects; /* owned; sorted by id once all are listed */
	size_t n_objects, capacity;
	struct hd_checked_directory *directories; /* owned; a stack */
	size_t n_directories, directory_capacity;
	uint8_t base_known[65536]; /* 0 not asked, 1 the index has it, 2 it does not */
};

/* ---- check_report.c ---- */

/* Count a finding and tell it. */
void hd_check_problem(struct hd_check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));
void hd_check_remark(struct hd_check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- check_objects.c ---- */

int hd_check_objects(struct hd_check *check);
/* Says what is wrong with a reference; WHERE says who refers, "tree ab12...: 'name'". Only -ENOMEM and the disk's errors
 * are returned. */
int hd_check_content(struct hd_check *check, const struct hd_content *content, const char *where);
/* The object behind an OBJECT or CHUNKED content, or NULL. */
struct hd_checked_object *hd_check_find(struct hd_check *check, const struct hd_content *content);
/* Remarks on what nothing refers to. */
void hd_check_unreferenced(struct hd_check *check);

/* ---- check_trees.c ---- */

int hd_check_states(struct hd_check *check);
/* Adds a directory to those that hd_check_directories reads. References are checked by whoever adds. */
int hd_check_add_directory(
	struct hd_check *check, const struct hd_content *tree, const struct hd_content *attributes);
int hd_check_directories(struct hd_check *check);

/* ---- check_threads.c, check_arena.c and check_recorded.c ---- */

int hd_check_threads(struct hd_check *check);
/*
 * The tables of a replayed journal. BLOCKS: one bit per hot block whose data was in the journal; WHERE: "thread 'main'".
 */
int hd_check_arena(
	struct hd_check *check, const struct hd_arena *arena, const uint8_t *blocks, const char *where);
/* The directory INDEX, whose entries are sound, and the tree that it was stored as. */
int hd_check_recorded(
	struct hd_check *check, const struct hd_arena *arena, uint32_t index, const char *where);

#endif
