/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_ARENA_ARENA_FORMAT_H
#define HEDDLE_ARENA_ARENA_FORMAT_H

/*
 * The overlay's tables: fixed-width records in one memory file, addressed by table and index, never by
 * pointer.
 *
 * The same bytes go into the redo area (arena) and into the journal's epochs (disk), so every struct here is
 * a format: a change of any of them is a change of HD_ARENA_VERSION. Index 0 of every table but HEAD means
 * "none". Integers are in host order; the journal's header refuses a file from a machine of the other order.
 */

#include <stdint.h>

#include "overlay/store/index/index.h"
#include "overlay/store/objects/content.h"

#define HD_ARENA_VERSION 5u
/* Of the memory file: what else lies in it, and where; it dies with the mount. */
#define HD_ARENA_LAYOUT 6u

/*
 * table, record size, records at the most, whether the journal keeps it
 *
 * The sizes are address space, not memory: a page costs memory once it is touched.
 */
#define HD_TABLES(x)                                                                                       \
	x(HD_TABLE_HEAD, 64, 16, 1) /* one record per table's allocator, and the thread's facts */         \
		x(HD_TABLE_INODE, 320, 1u << 23, 1)      /* struct hd_inode */                             \
		x(HD_TABLE_ENTRY, 96, 1u << 23, 1)       /* struct hd_entry */                             \
		x(HD_TABLE_BUCKET, 64, 1u << 20, 1)      /* 16 heads of hash chains of entries */          \
		x(HD_TABLE_CELL, 64, 1u << 24, 1)        /* struct hd_cell: long names, targets, xattrs */ \
		x(HD_TABLE_MAP, 4096, 1u << 22, 1)       /* struct hd_map_page */                          \
		x(HD_TABLE_BLOCK, 64, 1u << 19, 1)       /* 512 bits: hot blocks in use */                 \
		x(HD_TABLE_REFERENCE, 16, 1u << 23, 0)   /* struct hd_reference, parallel to the inodes */ \
		x(HD_TABLE_RESULT, 64, 1024, 0)          /* struct hd_result, one per request slot */      \
		x(HD_TABLE_STATE_NODE, 256, 1u << 23, 0) /* struct hd_state_node; 0 is its allocator */

enum hd_table {
#define HD_TABLE_ENUM(table, size, count, durable) table,
	HD_TABLES(HD_TABLE_ENUM)
#undef HD_TABLE_ENUM
		HD_TABLE_COUNT
};

/* ---- HEAD: which record is what ---- */

enum hd_head_record {
	HD_HEAD_ALLOCATOR,                /* + table: struct hd_allocator of that table */
	HD_HEAD_THREAD = HD_TABLE_RESULT, /* RESULT has no allocator: its records belong to slots */
	HD_HEAD_HASH,
	HD_HEAD_SWITCH,
	HD_HEAD_COUNT
};

_Static_assert(HD_HEAD_COUNT <= 16, "HEAD has too few records");

/* Free records of a table form a list through their first four bytes. */
struct hd_allocator {
	uint32_t first_free;
	uint32_t high_water; /* the next index that was never used; 0 means 1 */
	uint32_t used;
	uint32_t
		last_free; /* of entries: where the list ends; not to be relied on, older programs leave it as it is */
	uint32_t padding[12];
};

struct hd_thread_head {
	struct hd_state_id state; /* what the overlay lies over: the thread's last state */
	uint64_t change;          /* number of the last change */
	uint64_t captured;        /* changes up to here are in `state` */
	uint64_t barrier;         /* changes above this mark their ancestors anew; >= captured */
	int64_t fallback_time_s;  /* shown for base entries that keep no times */
	uint32_t fallback_time_ns;
	uint32_t initialized;
	uint64_t
		unmarked; /* changes up to here may have left no marks; 0: the tree began as the thread's first state */
};

/* Linear hashing (Litwin 1980) of entries by parent and name. */
struct hd_hash_head {
	uint32_t level; /* 2^level buckets, of which `split` are split already */
	uint32_t split;
	uint32_t padding[14];
};

enum hd_switch_step {
	HD_SWITCH_NONE,
	HD_SWITCH_ANNOUNCED, /* and not done */
	HD_SWITCH_UNTOLD,    /* done, and the kernel may not have heard of it */
};

/* A switch to another tree (tree_switch.h). */
struct hd_switch_head {
	struct hd_state_id target;
	uint64_t
		operation; /* the log's last one before it: a later one that gave the thread this tree means that it is to be done */
	uint32_t step; /* enum hd_switch_step */
	uint32_t padding[9];
};

/* ---- INODE ---- */

enum hd_inode_state {
	HD_INODE_FREE,
	HD_INODE_LIVE,
	HD_INODE_ORPHAN,
	HD_INODE_HIDDEN, /* its names are in directories that are not loaded: unseen_links */
};

#define HD_INODE_UNLOADED (1u << 0)  /* directory: its entries are still in the base only */
#define HD_INODE_UNSETTLED (1u << 1) /* file or link: bytes that no content reference names */
#define HD_INODE_LARGE (1u << 2)     /* file: mapped bytes lie in a memory file of its own */
#define HD_INODE_OVERHANG (1u << 3)  /* file: blocks beyond its end are still to be unmapped */
#define HD_INODE_UNNAMED (1u << 4)   /* file: an orphan that never had a name and may get one */

struct hd_time {
	int64_t s;
	uint32_t ns;
	uint32_t padding;
};

#define HD_DIRECT_BLOCKS 8

/* A file's blocks that differ from its content. Values: enum hd_block_value or a hot block's number. */
struct hd_file_part {
	uint32_t direct[HD_DIRECT_BLOCKS]; /* height 0: the first blocks */
	uint32_t root;                     /* height > 0: a map page */
	uint32_t height;
	uint32_t mapped;                       /* blocks in the hot tier */
	uint32_t large_slot;                   /* with HD_INODE_LARGE */
	uint64_t version;                      /* counts changes of the bytes */
	uint64_t hole_blocks;                  /* blocks of the content that are known to be zeros */
	uint64_t promised_first, promised_end; /* blocks that fallocate(2) asked for; shown, not held */
};

struct hd_directory_part {
	uint32_t first, last; /* entries in order of their cookies */
	uint32_t entries;
	uint32_t subdirectories;
	uint64_t next_sequence;       /* of the next entry's cookie */
	struct hd_content attributes; /* attribute object that belongs to `content` */
	uint64_t recorded; /* what did not change since this change is in `content` and `attributes` */
};

struct hd_link_part {
	uint32_t target; /* cells, or 0: the target is `content` */
};

struct hd_inode {
	uint32_t next_free; /* allocator */
	uint32_t generation;
	uint8_t state; /* enum hd_inode_state */
	uint8_t flags; /* HD_INODE_* */
	uint16_t padding;
	uint32_t mode, nlink, uid, gid, device;
	uint64_t size;
	uint64_t backed; /* bytes of `content` that show where no block is mapped */
	struct hd_time access_time, modify_time, change_time, birth_time;
	uint64_t self_change; /* number of the last change of the inode itself */
	uint64_t tree_change; /* and of anything below it */
	uint64_t link_group;  /* of the base's hard links, or 0 */
	uint64_t number;      /* st_ino taken over from the base, or 0 */
	uint32_t first_link;  /* entries that name it */
	uint32_t xattrs;      /* cells */
	uint32_t xattrs_size;
	uint32_t unseen_links;     /* of nlink, names that no loaded directory has had yet */
	uint32_t outside_links;    /* of nlink, names that the base told of and does not have */
	struct hd_content content; /* what the bytes, target or entries are where nothing was written */
	union {
		struct hd_file_part file;
		struct hd_directory_part directory;
		struct hd_link_part link;
		uint8_t room[120];
	} part;
};

_Static_assert(sizeof(struct hd_inode) == 320, "HD_TABLE_INODE");

/* ---- ENTRY ---- */

#define HD_ENTRY_INLINE 48

struct hd_entry {
	uint32_t
		link_previous; /* of the same child, 0 if that is not known; in a free record the allocator's list */
	uint32_t parent; /* inode; 0 in a free record */
	uint32_t child;  /* inode; in a free record the directory that it was in, or 0 */
	uint32_t hash;
	uint32_t hash_next;
	uint32_t previous, next; /* within the directory; `previous` is kept in a free record */
	uint32_t link_next;      /* next entry of the same child */
	uint64_t sequence;       /* grows within the directory; kept in a free record */
	uint32_t name_cells;     /* 0: the name is inline */
	uint16_t name_length;
	uint16_t padding;
	char name[HD_ENTRY_INLINE];
};

_Static_assert(sizeof(struct hd_entry) == 96, "HD_TABLE_ENTRY");

/* ---- BUCKET, CELL, MAP, BLOCK ---- */

#define HD_BUCKETS_PER_RECORD 16
struct hd_bucket_record {
	uint32_t first[HD_BUCKETS_PER_RECORD];
};

#define HD_CELL_BYTES 56
struct hd_cell {
	uint32_t next; /* also the allocator's list */
	uint32_t length;
	uint8_t bytes[HD_CELL_BYTES];
};

#define HD_MAP_SLOTS 1024
#define HD_MAP_BITS 10
struct hd_map_page {
	uint32_t slot[HD_MAP_SLOTS]; /* slot[0] is the allocator's link in a free page */
};

#define HD_BLOCKS_PER_RECORD 512
struct hd_block_record {
	uint64_t bits[8];
};

enum hd_block_value {
	HD_BLOCK_NONE,      /* not mapped: the content shows, or zeros */
	HD_BLOCK_HOLE,      /* zeros, whatever the content has there */
	HD_BLOCK_LARGE,     /* at the same offset in the file's own memory file */
	HD_BLOCK_FIRST = 16 /* this and above: number of a hot block */
};

#define HD_BLOCK_SIZE 4096u
#define HD_BLOCK_SHIFT 12

/* ---- REFERENCE: what the kernel holds; gone with the mount ---- */

struct hd_reference {
	uint64_t lookups;
	uint32_t opens;
	uint32_t pins; /* snapshots */
};

/* ---- RESULT: what a request did whose reply may not have been written; gone with the mount ---- */

struct hd_result {
	uint64_t unique; /* the kernel's number of the request; 0: none */
	uint64_t ino;    /* id of the inode that it made or found */
	uint64_t size;   /* of a listing's reply, in the slot's memory */
	uint64_t steps;  /* done, of a request that has many */
	uint32_t slot;   /* that it ran in */
	uint32_t
		awaited; /* 0, or its kind: the kernel was asked for it again, and nobody has begun it since */
	uint64_t subject; /* with awaited: id of the inode that it was asked of */
	uint64_t padding[2];
};

_Static_assert(sizeof(struct hd_result) == 64, "HD_TABLE_RESULT");

/* ---- STATE_NODE: what the kernel holds of trees of states (states/state_tree.h); gone with the mount ---- */

enum hd_state_node_kind {
	HD_STATE_NODE_FREE,
	HD_STATE_NODE_TREE, /* a file, directory, ... of a state's tree */
	HD_STATE_NODE_LINK, /* a symbolic link whose target is the state's id */
};

/* All but lookups and children is as long as the record lives what it was at first. */
struct hd_state_node {
	uint32_t next_free; /* allocator */
	uint32_t generation;
	uint8_t kind; /* enum hd_state_node_kind */
	uint8_t padding[3];
	uint32_t parent;   /* record of the directory it was found in; 0 for a tree's root and a link */
	uint32_t root;     /* record of the tree's root; 0 for a link */
	uint32_t children; /* records whose `parent` this is; they keep it */
	uint32_t mode, nlink, uid, gid, device;
	uint32_t fallback_time_ns; /* of a root: shown in its tree where the source keeps no times */
	int64_t fallback_time_s;
	uint64_t lookups; /* of the kernel */
	uint64_t size;
	uint64_t blocks;     /* of 512 bytes */
	uint64_t number;     /* st_ino, which follows from the state and the path */
	uint64_t name;       /* checksum of the name */
	uint64_t link_group; /* of the state's hard links, or 0 */
	struct hd_time access_time, modify_time, change_time, birth_time;
	struct hd_content content, attributes;
	struct hd_state_id state;
};

_Static_assert(sizeof(struct hd_state_node) == 256, "HD_TABLE_STATE_NODE");

_Static_assert(sizeof(struct hd_allocator) == 64 && sizeof(struct hd_thread_head) == 64 &&
		       sizeof(struct hd_hash_head) == 64 && sizeof(struct hd_switch_head) == 64,
	"HD_TABLE_HEAD");
_Static_assert(sizeof(struct hd_bucket_record) == 64 && sizeof(struct hd_cell) == 64 &&
		       sizeof(struct hd_map_page) == 4096 && sizeof(struct hd_block_record) == 64 &&
		       sizeof(struct hd_reference) == 16,
	"HD_TABLES");

#endif
