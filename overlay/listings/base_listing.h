/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_LISTINGS_BASE_LISTING_H
#define HEDDLE_LISTINGS_BASE_LISTING_H

/*
 * Base listing: the entries of a directory of a base, copied, so that they can be put into the arena in one go.
 *
 * Names that cannot be shown are left out: a tree object may name anything, "..", or a path. Of names that occur twice
 * the first counts.
 *
 * Ownership   The caller clears the listing. Threads: one; reading blocks on the base, so the caller holds no lock.
 * Errors      The base's, -ENOMEM.
 */

#include "overlay/overlay_types.h"

struct hd_listed {
	char *name;   /* owned */
	void *xattrs; /* owned; NULL for none */
	struct hd_base_entry entry;
	uint64_t hole_blocks; /* of a large file of a state, or a sparse one of a directory */
	bool repeated;        /* an entry before has this name */
	bool met;             /* for who compares a listing with something */
};

struct hd_listing {
	struct hd_listed *items; /* owned, in the order of the base */
	size_t count, capacity;
	struct hd_listed **by_name; /* owned: all of them, in the order of strcmp */
};

/* Reads all of a directory. */
int hd_listing_read(struct hd_overlay *overlay, const struct hd_base_directory *directory,
	struct hd_listing *ret_listing);
void hd_listing_clear(struct hd_listing *listing);

/* The first item of this name, or NULL. */
struct hd_listed *hd_listing_find(const struct hd_listing *listing, const char *name);

#endif
