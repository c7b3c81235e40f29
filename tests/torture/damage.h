/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_TORTURE_DAMAGE_H
#define HEDDLE_TESTS_TORTURE_DAMAGE_H

/* Damage to one file of a store. A failure of the harness itself ends the program with a message. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum damage_kind {
	DAMAGE_BIT,     /* at a random place */
	DAMAGE_EMPTY,   /* no bytes */
	DAMAGE_HALF,    /* the first half */
	DAMAGE_SHORT,   /* without its last byte */
	DAMAGE_LONG,    /* with bytes behind it */
	DAMAGE_SECTOR,  /* with 512 zeros at a random place */
	DAMAGE_CONTENT, /* with the content of another file */
	DAMAGE_GONE,
	DAMAGE_DIRECTORY, /* a directory of its name instead */
	DAMAGE_COUNT
};

struct damage_list {
	char **paths; /* owned; relative, sorted */
	size_t count;
};

struct damage {
	enum damage_kind kind;
	const struct damage_list *files;
	uint64_t *seed; /* moves on */
};

/* All regular files below ROOT. */
void damage_list(const char *root, struct damage_list *ret_list);

/* Damages FILE below ROOT, and says how in TEXT; false when that changes nothing. */
bool damage_apply(const char *root, const char *file, const struct damage *damage, char *text, size_t size);

#endif
