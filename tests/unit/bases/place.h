/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_UNIT_BASES_PLACE_H
#define HEDDLE_TESTS_UNIT_BASES_PLACE_H

/*
 * What the tests of bases share: a temporary folder that disappears, files in it, and listings that can be
 * asked for a name. Everything asserts on failure: a place that cannot be made is a broken test, not a
 * result.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "overlay/bases/base.h"

/* A fresh folder; the path is owned by the caller, place_remove frees it. */
char *place_new(void);
void place_remove(char *place);

/* Owned path of NAME in PLACE. */
char *place_path(const char *place, const char *name);
void place_write(const char *place, const char *name, const void *data, size_t size);
void place_write_text(const char *place, const char *name, const char *text);
void place_make_directory(const char *place, const char *name);
void place_link(const char *place, const char *name, const char *target);
void place_remove_name(const char *place, const char *name);

struct listed_entry {
	char name[256];
	struct hd_base_entry entry; /* name and xattrs point into this record */
	uint8_t xattrs[1024];
};

struct listing {
	struct listed_entry *entries; /* owned */
	size_t count;
};

/* A callback with a struct listing as payload. */
int listing_collect(const struct hd_base_entry *entry, void *payload);
const struct hd_base_entry *listing_find(const struct listing *listing, const char *name);
void listing_clear(struct listing *listing);

#endif
