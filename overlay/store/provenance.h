/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_PROVENANCE_H
#define HEDDLE_STORE_PROVENANCE_H

/*
 * Provenance: which processes changed the paths that a state changed. It is an object beside the state's trees, named
 * by the state's fact "provenance"; states of mounts that did not record have none.
 *
 *     0   4  magic "HDPV"
 *     4   2  version, 1
 *     6   2  flags: 1 something was not recorded; others zero
 *     8   4  a, number of actors
 *     .   .  a times {u32 pid, program: text, actor: text, tool call: text}
 *     .   4  p, number of paths
 *     .   .  p times {path: text, u8 n, n times u32 index of an actor}, strictly sorted by path
 *
 * A text is its length in 4 bytes and its bytes, without NUL. Little-endian, unaligned, nothing behind the end.
 *
 * Ownership   hd_provenance_clear frees what the caller got. Threads: any.
 * Errors      -HD_E_OBJECT_CORRUPT for bytes that are not a record, -ENOENT for a state that has none, -ENOMEM.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "overlay/platform/buffer.h"
#include "overlay/store/store.h"

#define HD_PROVENANCE_FACT "provenance"

struct hd_provenance_actor {
	uint32_t pid;    /* as its mount saw it; 0: one that it had no number for, or a command's new tree */
	char *program;   /* owned: its executable; "" if nobody could look at it, or only when it had ended */
	char *actor;     /* owned: HEDDLE_ACTOR of its environment, or "" */
	char *tool_call; /* owned: HEDDLE_TOOL_CALL likewise */
};

/* The last of those that changed one path; more are not kept. */
#define HD_PROVENANCE_LIMIT 4

struct hd_provenance_path {
	char *path;                           /* owned: relative to the root */
	bool as_a_whole;                      /* moved, made or removed, with what it has below; not stored */
	unsigned n_actors;                    /* 0: nobody knows */
	uint32_t actors[HD_PROVENANCE_LIMIT]; /* indices; who changed it last is first */
};

struct hd_provenance {
	bool incomplete;
	struct hd_provenance_actor *actors; /* owned array */
	size_t n_actors;
	struct hd_provenance_path *paths; /* owned array, strictly sorted by path */
	size_t n_paths;
};

/* The most that is read back. */
#define HD_PROVENANCE_RECORD_LIMIT ((size_t)256 << 20)

/* Appends the record, with as many of the paths as fit into LIMIT bytes beside the actors. PROVENANCE is sorted. */
int hd_provenance_encode(const struct hd_provenance *provenance, size_t limit, struct hd_buffer *out);
int hd_provenance_decode(const void *data, size_t size, struct hd_provenance *ret_provenance);

/* Stores the record, durable with the next sync of the objects. TEXT is the value of the state's fact. */
#define HD_PROVENANCE_TEXT_SIZE 41
int hd_provenance_put(
	struct hd_store *store, const struct hd_provenance *provenance, char text[HD_PROVENANCE_TEXT_SIZE]);

/* Who changed what in STATE. Bare -ENOENT if nobody recorded that. */
int hd_provenance_of_state(
	struct hd_store *store, const struct hd_state *state, struct hd_provenance *ret_provenance);

/* Who changed PATH: itself, or else what it lies in, as where a whole directory was moved or removed. NULL: nothing is known. */
const struct hd_provenance_path *hd_provenance_find(const struct hd_provenance *provenance, const char *path);

/* Frees what it owns; fine for an empty one. */
void hd_provenance_clear(struct hd_provenance *provenance);

#endif
