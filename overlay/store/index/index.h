/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_INDEX_INDEX_H
#define HEDDLE_STORE_INDEX_INDEX_H

/*
 * Index: the store's small mutable facts in one SQLite database: bases, states, threads, host paths.
 *
 * A state is immutable once added; a thread's head moves only by compare-and-set inside the transaction that
 * adds the state, so that a state is published by one commit or not at all.
 *
 * Ownership   Records returned by value own their strings until the matching _clear. Lists likewise.
 * Threads     One hd_index may be used by many threads; it locks its connection (rank HD_RANK_STORE) only
 *             around SQLite calls and never while calling back. Several processes share the file (WAL,
 *             busy timeout 10 s).
 * Durability  synchronous=FULL: when a writing call returns 0, it survives a power cut, but for
 *             hd_index_save_host_paths, which says so.
 * Errors      -HD_E_STATE_MISSING, -HD_E_THREAD_MISSING, -HD_E_THREAD_EXISTS, -HD_E_THREAD_MOVED,
 *             -HD_E_STATE_AMBIGUOUS, -HD_E_TAG_MISSING, -HD_E_STORE_CORRUPT, -HD_E_STORE_VERSION, -EBUSY, -ENOSPC.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "overlay/store/objects/content.h"

struct hd_index;

/*
 * Opens STORE_PATH/index.db; STORE_FD is that directory, borrowed during the call. With CREATE the file must
 * not exist, without it must: -HD_E_STORE_EXISTS, -HD_E_STORE_CORRUPT.
 */
int hd_index_open(int store_fd, const char *store_path, bool create, struct hd_index **ret_index);
void hd_index_free(struct hd_index *index);

/* ---- bases ---- */

enum hd_base_kind { HD_BASE_NONE, HD_BASE_GIT, HD_BASE_DIRECTORY, HD_BASE_KIND_COUNT };

struct hd_base_record {
	uint16_t number; /* from 1; the `base` of GIT and HOST contents */
	enum hd_base_kind kind;
	char *location; /* owned: absolute path of the repository's git directory, or of the directory */
};

/* Finds the row with this kind and location, or adds it. Sets *RET_NUMBER. */
int hd_index_add_base(
	struct hd_index *index, enum hd_base_kind kind, const char *location, uint16_t *ret_number);
/*
 * The base NUMBER, which was at OLD, is at LOCATION now, and so is what was exported there. One transaction. -HD_E_BASE_MISSING.
 */
int hd_index_move_base(struct hd_index *index, uint16_t number, const char *old, const char *location);
/* -HD_E_BASE_MISSING when the store has no such row. The caller clears the record. */
int hd_index_get_base(struct hd_index *index, uint16_t number, struct hd_base_record *ret_base);
void hd_base_record_clear(struct hd_base_record *record);

/* ---- states ---- */

#define HD_STATE_ID_SIZE 16
#define HD_STATE_ID_TEXT_SIZE 33 /* 32 hex digits and NUL */

struct hd_state_id {
	uint8_t bytes[HD_STATE_ID_SIZE]; /* XXH3-128 of the record's fields, see on-disk-format.md; all zero:
					    none */
};

struct hd_state_fact {
	char *key;   /* owned */
	char *value; /* owned */
};

/* A directory that the first parent has elsewhere, or had there before it changed. */
struct hd_state_move {
	char *from; /* owned: path in the first parent's tree, relative, raw bytes */
	char *to;   /* owned: path in the state's tree */
};

struct hd_state {
	struct hd_state_id id;        /* set by hd_index_publish */
	struct hd_content tree;       /* root tree: OBJECT, or GIT / HOST for a base's own state */
	struct hd_content attributes; /* root attribute object, or NONE */
	struct hd_state_id *parents;  /* owned array */
	size_t n_parents;
	char *message;  /* owned */
	char *author;   /* owned: "Name <mail>" */
	int64_t time_s; /* seconds since 1970 */
	uint32_t time_ns;
	int32_t zone_minutes;        /* the author's offset from UTC */
	struct hd_state_fact *facts; /* owned array, sorted by key */
	size_t n_facts;
	struct hd_state_move *moves; /* owned array, sorted by `to` */
	size_t n_moves;
	uint64_t added, modified, deleted, moved; /* against the first parent */
	uint32_t root_mode;                       /* permission bits of the root directory */
	bool is_base;     /* a base as it is: made by init, or of a commit by an import, not by a capture */
	char *git_commit; /* owned, may be NULL: hex id of the commit this state was imported from */
	/* Of a base in a store that smudges: the GIT tree that `tree` shows as a checkout has it; else NONE. */
	struct hd_content git_tree;
};

/* The git tree that a base's own state shows, converted or as it is; NULL: it is none. */
static inline const struct hd_content *hd_state_git_tree(const struct hd_state *state)
{
	if (state->git_tree.kind == HD_CONTENT_GIT)
		return &state->git_tree;
	return state->tree.kind == HD_CONTENT_GIT ? &state->tree : NULL;
}

/* Frees what the record owns and empties it. */
void hd_state_clear(struct hd_state *state);
/* 32 lower-case hex digits. */
void hd_state_id_format(const struct hd_state_id *id, char text[HD_STATE_ID_TEXT_SIZE]);
bool hd_state_id_is_zero(const struct hd_state_id *id);
bool hd_state_id_equal(const struct hd_state_id *a, const struct hd_state_id *b);

/* The state of this id, verified against it; -HD_E_STATE_MISSING. The caller clears it. */
int hd_index_get_state(struct hd_index *index, const struct hd_state_id *id, struct hd_state *ret_state);

/* The state at which the history of ID begins: the first one with is_base, or without parents, along first parents. */
int hd_index_find_first(struct hd_index *index, const struct hd_state_id *id, struct hd_state *ret_state);
/* The same of a thread's head; *RET_HEAD, unless NULL, is that. */
int hd_index_find_thread_first(
	struct hd_index *index, const char *thread, struct hd_state_id *ret_head, struct hd_state *ret_state);

/* The one state whose hex id begins with PREFIX (4 to 32 digits). With -HD_E_STATE_AMBIGUOUS the detail lists those
 * that do, as far as there is room. */
int hd_index_find_state(struct hd_index *index, const char *prefix, struct hd_state_id *ret_id);

/* Calls EMIT with the id of every state, by id, with no lock held; a nonzero result of EMIT ends it and is returned. */
typedef int (*hd_state_id_emit)(const struct hd_state_id *id, void *payload);
int hd_index_list_states(struct hd_index *index, hd_state_id_emit emit, void *payload);

/*
 * Calls EMIT with each thing that SQLite finds wrong with the database (20 at the most), and with each row that contradicts
 * the log of operations, or its own name: SQLite has no sums of rows. Reads all of it.
 */
typedef void (*hd_index_emit_problem)(const char *text, void *payload);
int hd_index_check(struct hd_index *index, hd_index_emit_problem emit, void *payload);

/* How many digits of ID are needed, at least, to tell it from every other state. */
int hd_index_state_digits(struct hd_index *index, const struct hd_state_id *id);

/* ---- threads ---- */

struct hd_thread {
	char *name;              /* owned */
	uint32_t number;         /* stable; names the thread's directory in the store, threads/<number>/ */
	struct hd_state_id head; /* the last state of the thread */
	struct hd_state_id base; /* the state the thread began at */
	struct hd_state_id
		tree; /* the state whose tree an overlay has that is made now: the head, or what was restored */
};

/* 1..200 bytes of UTF-8, no '/', ':' or '~', no control bytes, not beginning with '.' or '-', not '@': -HD_E_NAME_INVALID otherwise. */
int hd_thread_name_check(const char *name);
/* Of tags: up to 200 bytes, names of that kind with a '/' between them, and no ':' and no '~'. */
int hd_tag_name_check(const char *name);
int hd_index_get_thread(struct hd_index *index, const char *name, struct hd_thread *ret_thread);
/* The number of its directory alone. */
int hd_index_thread_number(struct hd_index *index, const char *name, uint32_t *ret_number);
/* 1 if some thread has this number, else 0. */
int hd_index_has_thread(struct hd_index *index, uint32_t number);
void hd_thread_clear(struct hd_thread *thread);
typedef int (*hd_thread_emit)(const struct hd_thread *thread, void *payload);
/* Calls EMIT per thread, by name, with no lock held. */
int hd_index_list_threads(struct hd_index *index, hd_thread_emit emit, void *payload);

/*
 * A number that no other thread ever gets, for one whose directory is made before its row. Who does not use it leaves a gap.
 * Durable when it returns.
 */
int hd_index_reserve_thread(struct hd_index *index, uint32_t *ret_number);

/*
 * One transaction: adds STATE (computing state->id), and, when THREAD is not NULL, moves that thread's head
 * from EXPECTED_HEAD to it and logs that as a capture; -HD_E_THREAD_MOVED, with nothing written, if the head is another by now.
 */
int hd_index_publish(struct hd_index *index, struct hd_state *state, const char *thread,
	const struct hd_state_id *expected_head);

/* ---- tags: names for states; they move by operations (index_operations.h) ---- */

struct hd_tag {
	char *name; /* owned */
	struct hd_state_id state;
};

/* -HD_E_TAG_MISSING. */
int hd_index_get_tag(struct hd_index *index, const char *name, struct hd_state_id *ret_id);
typedef int (*hd_tag_emit)(const struct hd_tag *tag, void *payload);
/* Calls EMIT per tag, by name, with no lock held. */
int hd_index_list_tags(struct hd_index *index, hd_tag_emit emit, void *payload);

/* ---- export map: which git commit a state became in which repository, or was made of there ---- */

/* Fresh memory in *RET_COMMIT: hex id of the commit; bare -ENOENT when the state was not exported there. */
int hd_index_get_export(
	struct hd_index *index, const char *repository, const struct hd_state_id *id, char **ret_commit);
/* What a state became. */
struct hd_export_row {
	struct hd_state_id state;
	char commit[65]; /* hex id */
};
/* What the name of a repository ends in where a row is of the notes of states, and its commit is no state's. */
#define HD_INDEX_NOTES_SUFFIX "#notes"
/* Adds or replaces rows, in one transaction; -HD_E_STATE_MISSING. */
int hd_index_put_exports(
	struct hd_index *index, const char *repository, const struct hd_export_row *rows, size_t count);

/* The state that COMMIT (hex) of REPOSITORY (NULL: of any) is, exported or imported; bare -HD_E_STATE_MISSING. */
int hd_index_find_commit(
	struct hd_index *index, const char *repository, const char *commit, struct hd_state_id *ret_id);

/* Once before many calls of hd_index_find_commit: in an older store it would read the whole map each time. */
int hd_index_prepare_import(struct hd_index *index);

/*
 * One transaction: adds STATES, parents first, and, unless REPOSITORY is NULL, that each is its git_commit there. Sets their
 * ids. States that are there already are no failure.
 */
int hd_index_publish_imported(
	struct hd_index *index, const char *repository, struct hd_state *states, size_t count);

/* ---- host paths: what the path ids of HOST contents stand for ---- */

/* The id bytes (20) of relative PATH in base NUMBER; adds it in memory at once, on disk with the next
 * save. */
int hd_index_host_path_id(struct hd_index *index, uint16_t number, const char *path, uint8_t ret_id[20]);
/* The path of an id, fresh memory; -HD_E_BASE_OBJECT when nobody ever named it. */
int hd_index_host_path(struct hd_index *index, uint16_t number, const uint8_t id[20], char **ret_path);
/* Writes the paths named since the last call in one transaction, so that they survive this process. Cheap when there
 * are none. */
int hd_index_save_host_paths(struct hd_index *index);
/* The same, and makes all saved ones survive a power cut. */
int hd_index_persist_host_paths(struct hd_index *index);
/* Says that another process, which is dead, may have saved paths that the next persist must make durable. */
void hd_index_distrust_host_paths(struct hd_index *index);

#endif
