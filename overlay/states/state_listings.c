/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/states/state_listings.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

/*
 * A fixed number of slots, of which the one that was not asked for the longest time makes room. Two hundred are those
 * of any walk's way from the root, with what it saw beside it; what they may hold together is limited by entries.
 */

#define SLOTS 256
#define ENTRY_LIMIT 200000u /* about 400 bytes each */

enum slot_state { SLOT_EMPTY, SLOT_LOADING, SLOT_READY };

struct slot {
	struct hd_state_listing content; /* first: what is handed out is found again by its address */
	struct hd_base_directory key;
	enum slot_state state;
	unsigned users;
	uint64_t asked;
};

struct hd_state_listings {
	struct hd_mutex lock; /* rank LOADER; protects all but what a user reads */
	struct hd_condition loaded;
	struct slot slots[SLOTS];
	uint64_t clock;
	size_t entries; /* of all slots */
};

struct hd_state_listings *hd_state_listings_new(void)
{
	struct hd_state_listings *listings = calloc(1, sizeof(*listings));

	if (!listings)
		return NULL;
	hd_mutex_init(&listings->lock, HD_RANK_LOADER);
	hd_condition_init(&listings->loaded);
	return listings;
}

void hd_state_listings_free(struct hd_state_listings *listings)
{
	if (!listings)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		hd_listing_clear(&listings->slots[i].content.listing);
	hd_condition_destroy(&listings->loaded);
	hd_mutex_destroy(&listings->lock);
	free(listings);
}

static bool is_key(const struct slot *slot, const struct hd_base_directory *key)
{
	return slot->state != SLOT_EMPTY && hd_content_equal(&slot->key.content, &key->content) &&
	       hd_content_equal(&slot->key.attributes, &key->attributes) &&
	       slot->key.fallback_time.tv_sec == key->fallback_time.tv_sec &&
	       slot->key.fallback_time.tv_nsec == key->fallback_time.tv_nsec;
}

static struct slot *find_locked(struct hd_state_listings *listings, const struct hd_base_directory *key)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (is_key(&listings->slots[i], key))
			return &listings->slots[i];
	return NULL;
}

/* The slot that is free, or was asked for the longest time ago and has no user. With READY_ONLY, a filled one. */
static struct slot *find_oldest_locked(struct hd_state_listings *listings, bool ready_only)
{
	struct slot *oldest = NULL;

	for (size_t i = 0; i < SLOTS; i++) {
		struct slot *slot = &listings->slots[i];

		if (slot->state == SLOT_EMPTY && !ready_only)
			return slot;
		if (slot->state == SLOT_READY && slot->users == 0 && (!oldest || slot->asked < oldest->asked))
			oldest = slot;
	}
	return oldest;
}

static void empty_locked(struct hd_state_listings *listings, struct slot *slot)
{
	listings->entries -= slot->content.listing.count;
	hd_listing_clear(&slot->content.listing);
	slot->state = SLOT_EMPTY;
}

static void shrink_locked(struct hd_state_listings *listings)
{
	struct slot *slot;

	/* The newest stays, however large it is: it is being walked through. */
	while (listings->entries > ENTRY_LIMIT && (slot = find_oldest_locked(listings, true)) &&
		slot->asked != listings->clock)
		empty_locked(listings, slot);
}

static void count_subdirectories(struct hd_state_listing *content)
{
	content->subdirectories = 0;
	for (size_t i = 0; i < content->listing.count; i++)
		content->subdirectories +=
			!content->listing.items[i].repeated && S_ISDIR(content->listing.items[i].entry.mode);
}

/* Reads into SLOT, which is LOADING and has this thread as its user. */
static int load(struct hd_overlay *overlay, struct slot *slot)
{
	struct hd_state_listings *listings = overlay->state_listings;
	struct hd_listing listing = {0};
	int r = hd_listing_read(overlay, &slot->key, &listing);

	hd_mutex_lock(&listings->lock);
	slot->content.listing = listing;
	count_subdirectories(&slot->content);
	listings->entries += listing.count;
	slot->state = r < 0 ? SLOT_EMPTY : SLOT_READY;
	if (r < 0)
		slot->users = 0;
	else
		shrink_locked(listings);
	hd_condition_broadcast(&listings->loaded);
	hd_mutex_unlock(&listings->lock);
	return r;
}

int hd_state_listings_get(struct hd_overlay *overlay, const struct hd_base_directory *directory,
	const struct hd_state_listing **ret_listing)
{
	struct hd_state_listings *listings = overlay->state_listings;
	struct slot *slot;
	bool loads = false;
	int r = 0;

	hd_mutex_lock(&listings->lock);
	/* Where every slot has a user, one of them will be done soon. */
	while ((slot = find_locked(listings, directory)) ? slot->state == SLOT_LOADING
							 : !(slot = find_oldest_locked(listings, false)))
		hd_condition_wait(&listings->loaded, &listings->lock);
	if (!is_key(slot, directory)) {
		if (slot->state == SLOT_READY)
			empty_locked(listings, slot);
		slot->key = *directory;
		slot->state = SLOT_LOADING;
		loads = true;
	}
	slot->users++;
	slot->asked = ++listings->clock;
	hd_mutex_unlock(&listings->lock);
	if (loads)
		r = load(overlay, slot);
	if (r == 0)
		*ret_listing = &slot->content;
	return r;
}

void hd_state_listings_put(struct hd_state_listings *listings, const struct hd_state_listing *listing)
{
	struct slot *slot = (struct slot *)(uintptr_t)listing;

	hd_mutex_lock(&listings->lock);
	slot->users--;
	shrink_locked(listings);
	hd_condition_broadcast(&listings->loaded);
	hd_mutex_unlock(&listings->lock);
}
