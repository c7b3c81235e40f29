/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STATES_STATE_LISTINGS_H
#define HEDDLE_STATES_STATE_LISTINGS_H

/*
 * State listings: directories of states as they were read, kept for the next lookup in them. What a directory of a
 * state lists never changes, so that one in many states is read once.
 *
 * Calling sequence
 *     hd_state_listings_get → ->listing is read → hd_state_listings_put
 *
 * Ownership   The cache owns the listings; one that somebody has is not dropped.
 * Threads     Any. A second thread that asks for what is being read waits for it. No lock is held while reading. Who
 *             has one does not ask for another: there may be no room before it is given back.
 * Errors      Those of hd_listing_read.
 */

#include "overlay/listings/base_listing.h"

struct hd_state_listings;

struct hd_state_listing {
	struct hd_listing listing;
	uint32_t subdirectories;
};

/* NULL when memory is short. */
struct hd_state_listings *hd_state_listings_new(void);
/* NULL is fine. */
void hd_state_listings_free(struct hd_state_listings *listings);

/* What DIRECTORY lists. */
int hd_state_listings_get(struct hd_overlay *overlay, const struct hd_base_directory *directory,
	const struct hd_state_listing **ret_listing);
/* The caller reads it no more. */
void hd_state_listings_put(struct hd_state_listings *listings, const struct hd_state_listing *listing);

#endif
