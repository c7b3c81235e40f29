/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_OBJECTS_CONTENT_H
#define HEDDLE_STORE_OBJECTS_CONTENT_H

/*
 * Content: the name of immutable bytes (a file's data, a link's target, a directory's tree), wherever they
 * are.
 *
 * Equal references mean equal bytes; unequal references may still mean equal bytes when their kinds differ.
 * A plain value of fixed size: copied by assignment, compared by hd_content_equal, kept as it is in the
 * arena.
 *
 * kind          base                bytes
 * NONE          0                   nothing: an empty file, a directory without a tree
 * OBJECT        0                   20: object id in this store, whole content in one object
 * CHUNKED       0                   20: object id of a chunk list (files above HD_CHUNK_SIZE)
 * GIT           base number         20 or 32: git object id in that base's repository (length in `length`)
 * HOST          base number         20: path id in that base directory (XXH3-128 of the path, u32 number)
 */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum hd_content_kind {
	HD_CONTENT_NONE,
	HD_CONTENT_OBJECT,
	HD_CONTENT_CHUNKED,
	HD_CONTENT_GIT,
	HD_CONTENT_HOST,
	HD_CONTENT_KIND_COUNT
};

#define HD_CONTENT_BYTES 32

struct hd_content {
	uint8_t kind;   /* enum hd_content_kind */
	uint8_t length; /* used bytes; the rest is zero */
	uint16_t base;  /* row of the store's table of bases, 0 for none */
	uint8_t bytes[HD_CONTENT_BYTES];
};

_Static_assert(
	sizeof(struct hd_content) == 36, "a content reference is part of the arena's and the trees' format");

static inline bool hd_content_equal(const struct hd_content *a, const struct hd_content *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static inline bool hd_content_is_none(const struct hd_content *content)
{
	return content->kind == HD_CONTENT_NONE;
}

/* True when kind, length and base go together and the unused bytes are zero. For references from outside. */
bool hd_content_is_valid(const struct hd_content *content);

/* Room for hd_content_format's text with its NUL. */
#define HD_CONTENT_TEXT_SIZE 96

/* "object:<hex>", "git:<hex>", ...; returns TEXT. */
const char *hd_content_format(const struct hd_content *content, char text[HD_CONTENT_TEXT_SIZE]);

#endif
