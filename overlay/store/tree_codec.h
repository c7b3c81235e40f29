/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_TREE_CODEC_H
#define HEDDLE_STORE_TREE_CODEC_H

/*
 * Tree objects and attribute objects: the two byte strings that a captured directory consists of.
 *
 * A tree holds what the directory IS (names, types, permission bits, sizes, contents); its object id is the
 * directory's identity. An attribute object holds what is true of this copy of it (times, owners, xattrs) and
 * parallels the tree entry by entry. Identical entries therefore give the identical tree, whenever they
 * were written.
 *
 * Identical content gives identical entries only if each content has one name, which is the capture's work
 * (capture/trees/canonical_content.h). Over a git commit it has. Over a directory the promise is weaker: a file that was left
 * alone is a HOST reference to its path, a copy of it is an OBJECT, and trees with the one and the other are unequal.
 *
 * Bytes: docs/design/on-disk-format.md. Entries are strictly sorted by name (byte order). Decoders check
 * everything and never read outside the given bytes.
 *
 * Ownership   Decoded entries point into the decoded bytes (borrowed): keep them as long as the entries.
 * Threads     Pure functions. Errors: -HD_E_TREE_CORRUPT, -HD_E_ATTRIBUTES_CORRUPT, -ENOMEM.
 */

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "overlay/platform/buffer.h"
#include "overlay/store/entry_list.h"
#include "overlay/store/objects/content.h"

struct hd_tree_entry {
	const char *name;          /* borrowed, not NUL-terminated */
	uint16_t name_length;      /* 1..255, no '/' and no NUL inside, not "." or ".." */
	uint32_t mode;             /* type and permission bits as in st_mode */
	uint32_t device;           /* st_rdev of device nodes, else 0 */
	uint64_t size;             /* bytes of a regular file or of a link's target; 0 for the others */
	struct hd_content content; /* file data, link target or subtree */
};

struct hd_tree {
	struct hd_tree_entry *entries; /* owned array */
	size_t count;
};

/* Appends the encoding of ENTRIES (already sorted; -EINVAL if not) to OUT. */
int hd_tree_encode(const struct hd_tree_entry *entries, size_t count, struct hd_buffer *out);
int hd_tree_decode(const void *data, size_t size, struct hd_tree *ret_tree);

/*
 * The same without an array, see entry_list.h: PREVIOUS is the entry before, NULL for the first.
 *
 *     hd_tree_encode_begin → COUNT times hd_tree_encode_entry
 *     hd_tree_open → hd_tree_next until it returns no 1
 */
int hd_tree_encode_begin(size_t count, struct hd_buffer *out);
int hd_tree_encode_entry(
	const struct hd_tree_entry *entry, const struct hd_tree_entry *previous, struct hd_buffer *out);
int hd_tree_open(const void *data, size_t size, struct hd_entry_cursor *ret_cursor);
int hd_tree_next(struct hd_entry_cursor *cursor, const struct hd_tree_entry *previous,
	struct hd_tree_entry *ret_entry);
void hd_tree_clear(struct hd_tree *tree);

/*
 * Goes on to the entry NAME, which comes behind those that were read, and passes over what is before it without looking at more
 * than names: 1 with the entry, and where in the bytes it begins; 0, with the cursor before what is behind it, if there is none.
 */
int hd_tree_seek(struct hd_entry_cursor *cursor, const char *name, size_t length,
	struct hd_tree_entry *ret_entry, size_t *ret_begin);

/*
 * Appends the list that DATA is, with COUNT of its entries replaced: by ENTRIES, sorted, each instead of the one of its name. Of
 * the others their bytes are taken over, of which a decoder has said already that they are right. -HD_E_TREE_CORRUPT for a name
 * that is not there.
 */
int hd_tree_splice(const void *data, size_t size, const struct hd_tree_entry *entries, size_t count,
	struct hd_buffer *out);

/* Order of names in trees: memcmp, the shorter first. For qsort and merges. */
int hd_tree_compare_names(const char *a, size_t a_length, const char *b, size_t b_length);

/* What every record begins with that is looked for by its name. */
struct hd_tree_name {
	const char *name;
	uint16_t name_length;
};
#define HD_TREE_ASSERT_NAMED(type)                                                                        \
	_Static_assert(offsetof(type, name) == offsetof(struct hd_tree_name, name) &&                     \
			       offsetof(type, name_length) == offsetof(struct hd_tree_name, name_length), \
		"a record to be found by its name begins with it")

/* Where NAME is among COUNT records of SIZE bytes, each of which begins as struct hd_tree_name does, in the order of
 * hd_tree_compare_names; COUNT if it is nowhere. */
size_t hd_tree_find_name(const void *records, size_t count, size_t size, const char *name, size_t length);

struct hd_attribute_entry {
	const char *name; /* borrowed, not NUL-terminated */
	uint16_t name_length;
	uint32_t uid, gid;
	struct timespec access_time, modify_time, change_time, birth_time;
	uint64_t link_group;  /* equal and nonzero for names of one hard-linked file within this state */
	uint32_t links;       /* how many names those are; 0 without a group */
	const void *xattrs;   /* borrowed: sequence of {u8 name length, u32 value length, name, value} */
	uint32_t xattrs_size; /* 0 for none */
	struct hd_content children; /* attribute object of a subdirectory, else NONE */
};

struct hd_attributes_list {
	struct hd_attribute_entry *entries; /* owned array */
	size_t count;
};

/*
 * As for trees, with one difference: the first entry may have the empty name and then describes the directory
 * itself. A root directory has no other place for its owner, times and extended attributes.
 */
int hd_attributes_encode(const struct hd_attribute_entry *entries, size_t count, struct hd_buffer *out);
int hd_attributes_decode(const void *data, size_t size, struct hd_attributes_list *ret_list);
int hd_attributes_encode_begin(size_t count, struct hd_buffer *out);
int hd_attributes_encode_entry(const struct hd_attribute_entry *entry,
	const struct hd_attribute_entry *previous, struct hd_buffer *out);
void hd_attributes_clear(struct hd_attributes_list *list);
/* As hd_tree_splice; -HD_E_ATTRIBUTES_CORRUPT. */
int hd_attributes_splice(const void *data, size_t size, const struct hd_attribute_entry *entries,
	size_t count, struct hd_buffer *out);

#endif
