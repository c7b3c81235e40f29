/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/overlay/yard.h"

/* Listing directories: cookies, what fits and what does not, and the lookups that it carries. */

struct listing {
	char names[4096][16];
	hd_ino inos[4096];
	bool partial[4096];
	unsigned count, room;
	uint64_t cookie; /* behind the last item taken */
};

static bool take(const struct hd_directory_item *item, void *payload)
{
	struct listing *listing = payload;

	assert_int_equal(strlen(item->name), item->name_length);
	assert_true(item->cookie <= 2 || listing->cookie <= 2 || item->cookie < listing->cookie);
	if (listing->count == listing->room)
		return false;
	snprintf(listing->names[listing->count], 16, "%s", item->name);
	listing->inos[listing->count] = item->attributes.ino;
	listing->partial[listing->count] = item->partial;
	listing->count++;
	listing->cookie = item->cookie;
	return true;
}

/* One lookup for each item but "." and ".." and partial ones, as a listing with attributes carries. */
static void count_new(struct hd_overlay *overlay, const struct listing *listing, unsigned from)
{
	for (unsigned i = from < 2 ? 2 : from; i < listing->count; i++) {
		hd_ino ino = listing->partial[i] ? 0 : listing->inos[i];

		assert_success(hd_overlay_count_lookups(overlay, &ino, 1, 0));
		assert_true(ino == (listing->partial[i] ? 0 : listing->inos[i]));
	}
}

/* Goes on where it ended, up to ROOM items more. */
static unsigned list(
	struct hd_overlay *overlay, hd_ino ino, bool plus, unsigned room, struct listing *listing)
{
	unsigned before = listing->count;

	listing->room = before + room;
	assert_success(hd_overlay_readdir(overlay, ino, listing->cookie, take, listing));
	if (plus)
		count_new(overlay, listing, before);
	return listing->count - before;
}

static struct listing *new_listing(void)
{
	struct listing *listing = calloc(1, sizeof(*listing));

	assert_non_null(listing);
	return listing;
}

static void make_many(struct hd_overlay *overlay, hd_ino parent, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char name[16];
		hd_ino file;

		snprintf(name, sizeof(name), "f%u", i);
		file = make_file(overlay, parent, name);
		assert_success(hd_overlay_release(overlay, file));
		hd_overlay_forget(overlay, file, 1);
	}
}

static uint64_t lookups(struct hd_overlay *overlay)
{
	struct hd_overlay_counters counters;

	hd_overlay_counters(overlay, &counters);
	return counters.looked_up;
}

static void a_listing_in_pieces_has_every_name_once(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino directory = make_directory(overlay, HD_ROOT_INO, "directory");

	make_many(overlay, directory, 300);
	for (unsigned room = 1; room < 310; room += 1 + room / 3) {
		struct listing *listing = new_listing();
		unsigned pieces = 0;

		while (list(overlay, directory, false, room, listing) > 0)
			pieces++;
		assert_int_equal(listing->count, 302);
		assert_int_equal(pieces, (302 + room - 1) / room);
		assert_string_equal(listing->names[0], ".");
		assert_true(listing->inos[0] == directory);
		assert_string_equal(listing->names[1], "..");
		assert_true(listing->inos[1] == HD_ROOT_INO);
		for (unsigned i = 0; i < 300; i++) {
			char name[16];

			snprintf(name, sizeof(name), "f%u", 299 - i);
			assert_string_equal(listing->names[2 + i], name);
		}
		free(listing);
	}
}

static void plus_counts_one_lookup_for_each_item_that_was_taken(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino directory = make_directory(overlay, HD_ROOT_INO, "directory");
	struct listing *listing = new_listing();
	uint64_t before;

	make_many(overlay, directory, 100);
	before = lookups(overlay);
	assert_int_equal(list(overlay, directory, false, 1000, listing), 102);
	assert_true(lookups(overlay) == before);
	*listing = (struct listing){.count = 0};
	assert_int_equal(list(overlay, directory, true, 2, listing), 2);
	assert_true(lookups(overlay) == before);
	assert_int_equal(list(overlay, directory, true, 10, listing), 10);
	assert_true(lookups(overlay) == before + 10);
	assert_int_equal(list(overlay, directory, true, 1, listing), 1);
	assert_int_equal(list(overlay, directory, true, 1000, listing), 89);
	assert_true(lookups(overlay) == before + 100);
	for (unsigned i = 2; i < listing->count; i++)
		hd_overlay_forget(overlay, listing->inos[i], 1);
	assert_true(lookups(overlay) == before);
	free(listing);
}

static void what_did_not_fit_and_was_unlinked_meanwhile_is_released(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	struct listing *listing = new_listing();
	struct hd_overlay_counters counters;

	make_many(overlay, HD_ROOT_INO, 20);
	assert_int_equal(list(overlay, HD_ROOT_INO, true, 5, listing), 5);
	for (unsigned i = 0; i < 20; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%u", i);
		assert_success(hd_overlay_unlink(overlay, HD_ROOT_INO, name));
	}
	hd_overlay_counters(overlay, &counters);
	assert_int_equal(counters.orphans, 3);
	for (unsigned i = 2; i < 5; i++)
		hd_overlay_forget(overlay, listing->inos[i], 1);
	hd_overlay_counters(overlay, &counters);
	assert_int_equal(counters.orphans, 0);
	assert_int_equal(counters.inodes, 1);
	free(listing);
}

static void a_directory_is_emptied_while_it_is_listed(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	struct listing *listing = new_listing();
	unsigned removed = 0;

	make_many(overlay, HD_ROOT_INO, 500);
	while (list(overlay, HD_ROOT_INO, false, 7, listing) > 0)
		for (; removed < listing->count; removed++)
			if (listing->names[removed][0] == 'f')
				assert_success(
					hd_overlay_unlink(overlay, HD_ROOT_INO, listing->names[removed]));
	assert_int_equal(removed, 502);
	*listing = (struct listing){.count = 0};
	assert_int_equal(list(overlay, HD_ROOT_INO, false, 1000, listing), 2);
	free(listing);
}

static void a_name_that_stays_is_listed_whatever_is_renamed(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	struct listing *listing = new_listing();
	unsigned seen = 0, step = 0;

	make_many(overlay, HD_ROOT_INO, 200);
	while (list(overlay, HD_ROOT_INO, false, 3, listing) > 0 && step < 60) {
		char from[16], to[16];

		/* Odd ones get new names, and so other places, again and again. */
		snprintf(from, sizeof(from), "f%u", step * 2 + 1);
		snprintf(to, sizeof(to), "moved%u", step++);
		assert_success(hd_overlay_rename(overlay, HD_ROOT_INO, from, HD_ROOT_INO, to, 0));
	}
	while (list(overlay, HD_ROOT_INO, false, 100, listing) > 0)
		;
	for (unsigned i = 0; i < listing->count; i++) {
		unsigned number;

		if (sscanf(listing->names[i], "f%u", &number) == 1)
			seen += number % 2 == 0;
	}
	assert_int_equal(seen, 100);
	free(listing);
}

/* Somebody who renames each file that he is shown, or makes one for each, comes to an end. */
static void a_listing_ends_although_each_entry_shown_makes_a_new_one(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	struct listing *listing = new_listing();
	unsigned renamed = 0;

	make_many(overlay, HD_ROOT_INO, 100);
	while (list(overlay, HD_ROOT_INO, false, 3, listing) > 0) {
		assert_true(listing->count <= 102);
		for (; renamed < listing->count; renamed++) {
			char to[16];

			if (listing->names[renamed][0] == '.')
				continue;
			snprintf(to, sizeof(to), "new%u", renamed);
			assert_success(hd_overlay_rename(
				overlay, HD_ROOT_INO, listing->names[renamed], HD_ROOT_INO, to, 0));
		}
	}
	assert_int_equal(listing->count, 102);
	free(listing);
}

static void cookies_survive_a_reopening(void **state)
{
	struct yard *yard = *state;
	struct listing *listing = new_listing();
	hd_ino directory;

	(void)yard_open(yard);
	make_many(yard->overlay, make_directory(yard->overlay, HD_ROOT_INO, "d"), 50);
	directory = find(yard->overlay, HD_ROOT_INO, "d");
	assert_int_equal(list(yard->overlay, directory, false, 20, listing), 20);
	(void)yard_reopen(yard);
	directory = find(yard->overlay, HD_ROOT_INO, "d");
	assert_int_equal(list(yard->overlay, directory, false, 1000, listing), 32);
	assert_string_equal(listing->names[51], "f0");
	free(listing);
}

static void nonsense_for_a_cookie_does_no_harm(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	const uint64_t cookies[] = {3, 1000, (uint64_t)1 << 24, ((uint64_t)1 << 24) + 1,
		((uint64_t)3 << 24) + 9999999, UINT64_MAX, (uint64_t)INT64_MAX};

	make_many(overlay, HD_ROOT_INO, 10);
	for (size_t i = 0; i < sizeof(cookies) / sizeof(cookies[0]); i++) {
		struct listing *listing = new_listing();

		listing->room = 100;
		assert_success(hd_overlay_readdir(overlay, HD_ROOT_INO, cookies[i], take, listing));
		assert_true(listing->count <= 10);
		free(listing);
	}
}

static void a_removed_directory_lists_no_names(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino directory = make_directory(overlay, HD_ROOT_INO, "gone");
	struct listing *listing = new_listing();

	assert_success(hd_overlay_rmdir(overlay, HD_ROOT_INO, "gone"));
	assert_true(list(overlay, directory, true, 100, listing) <= 2);
	free(listing);
}

/* Its link count is in the base, and to list it for that would read the whole tree, level by level. */
static void a_directory_of_the_base_is_partial_until_somebody_looks_inside(void **state)
{
	struct yard *yard = *state;
	uint32_t top = yard_base_add(yard, 0, "top", S_IFDIR | 0755, 0);
	struct listing *listing = new_listing();
	struct hd_overlay *overlay;
	uint64_t before;

	(void)yard_base_add(yard, top, "below", S_IFDIR | 0755, 0);
	(void)yard_base_add(yard, 0, "file", S_IFREG | 0644, 0);
	overlay = yard_open(yard);
	before = lookups(overlay);
	assert_int_equal(list(overlay, HD_ROOT_INO, true, 100, listing), 4);
	assert_int_equal(atomic_load(&yard->base->lists), 1);
	assert_false(listing->partial[2]);
	assert_true(listing->partial[3]);
	assert_true(lookups(overlay) == before + 1);
	assert_int_equal(attributes_of(overlay, find(overlay, HD_ROOT_INO, "top")).nlink, 3);
	*listing = (struct listing){.count = 0};
	assert_int_equal(list(overlay, HD_ROOT_INO, true, 100, listing), 4);
	assert_false(listing->partial[3]);
	free(listing);
}

/* A little generator of our own, so that a failure comes again. */
static unsigned next_random(unsigned *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 16;
}

/* Goes on behind COOKIE: ordered like the model, whose entries are gone where they are false. */
static void check_rest(struct hd_overlay *overlay, hd_ino directory, const uint64_t *cookies,
	const bool *lives, unsigned from)
{
	struct listing *listing = new_listing();
	unsigned expected = 0;

	listing->cookie = cookies[from];
	list(overlay, directory, false, 4096, listing);
	for (unsigned i = from; i-- > 0;) {
		char name[16];

		if (!lives[i])
			continue;
		snprintf(name, sizeof(name), "n%u", i);
		assert_true(expected < listing->count);
		assert_string_equal(listing->names[expected++], name);
	}
	assert_int_equal(listing->count, expected);
	free(listing);
}

/* Also when what was removed is behind several others, at the end, or its record is used again, here or elsewhere. */
static void a_cookie_of_a_removed_entry_goes_on_with_the_next_older_one(void **state)
{
	enum { NAMES = 1200 };
	static uint64_t cookies[NAMES];
	static bool lives[NAMES];
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino directory = make_directory(overlay, HD_ROOT_INO, "directory");
	hd_ino other = make_directory(overlay, HD_ROOT_INO, "other");
	unsigned made = 0, elsewhere = 0, seed = 7;

	while (made < NAMES) {
		unsigned draw = next_random(&seed) % 10;
		unsigned chosen = made ? next_random(&seed) % made : 0;
		char name[16];

		if (draw < 4) {
			struct listing *listing = new_listing();

			snprintf(name, sizeof(name), "n%u", made);
			(void)make_file(overlay, directory, name);
			listing->cookie = 2;
			list(overlay, directory, false, 1, listing);
			assert_string_equal(listing->names[0], name);
			cookies[made] = listing->cookie;
			lives[made++] = true;
			free(listing);
		} else if (draw == 4) {
			snprintf(name, sizeof(name), "e%u", elsewhere++);
			(void)make_file(overlay, other, name);
		} else {
			/* Runs of neighbours, so that traces lead to traces. */
			for (unsigned i = chosen; i < made && i < chosen + draw - 4; i++) {
				snprintf(name, sizeof(name), "n%u", i);
				if (lives[i])
					assert_success(hd_overlay_unlink(overlay, directory, name));
				lives[i] = false;
			}
		}
		if (made > 0 && draw % 3 == 0)
			check_rest(overlay, directory, cookies, lives, next_random(&seed) % made);
	}
	for (unsigned i = 0; i < made; i += 7)
		check_rest(overlay, directory, cookies, lives, i);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, yard_setup, yard_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_listing_in_pieces_has_every_name_once),
		TEST(plus_counts_one_lookup_for_each_item_that_was_taken),
		TEST(what_did_not_fit_and_was_unlinked_meanwhile_is_released),
		TEST(a_directory_is_emptied_while_it_is_listed),
		TEST(a_name_that_stays_is_listed_whatever_is_renamed),
		TEST(a_listing_ends_although_each_entry_shown_makes_a_new_one),
		TEST(cookies_survive_a_reopening),
		TEST(a_cookie_of_a_removed_entry_goes_on_with_the_next_older_one),
		TEST(nonsense_for_a_cookie_does_no_harm),
		TEST(a_removed_directory_lists_no_names),
		cmocka_unit_test_setup_teardown(
			a_directory_of_the_base_is_partial_until_somebody_looks_inside, yard_setup_over_base,
			yard_teardown),
	};

	return cmocka_run_group_tests_name("directory list", tests, NULL, NULL);
}
