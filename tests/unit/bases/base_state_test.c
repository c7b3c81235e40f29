/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bases that are captured states: trees and attributes out of a real store. The encodings themselves are
 * tested with the store.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "overlay/platform/error.h"
#include "overlay/store/tree_codec.h"
#include "tests/unit/bases/place.h"

struct fixture {
	char *place;
	struct hd_store *store;
	struct hd_base *base;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	char *path;

	assert_non_null(fixture);
	fixture->place = place_new();
	path = place_path(fixture->place, ".heddle");
	assert_int_equal(hd_store_create(path, &fixture->store), 0);
	free(path);
	assert_int_equal(hd_base_state_open(fixture->store, &fixture->base), 0);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	fixture->base->operations->free(fixture->base);
	hd_store_free(fixture->store);
	place_remove(fixture->place);
	free(fixture);
	return 0;
}

static struct hd_content put(struct fixture *fixture, const void *data, size_t size)
{
	struct hd_content content;

	assert_int_equal(hd_object_store_put(fixture->store->objects, data, size, &content), 0);
	return content;
}

/* A git reference, a device and a stored file: what a capture over a commit consists of. */
static struct hd_content put_tree(struct fixture *fixture)
{
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	struct hd_tree_entry entries[] = {
		{.name = "base",
			.name_length = 4,
			.mode = S_IFDIR | 0755,
			.content = {.kind = HD_CONTENT_GIT, .length = 20, .base = 3, .bytes = {1, 2, 3}}},
		{.name = "null", .name_length = 4, .mode = S_IFCHR | 0666, .device = 259},
		{.name = "own",
			.name_length = 3,
			.mode = S_IFREG | 0640,
			.size = 5,
			.content = put(fixture, "bytes", 5)},
	};

	assert_int_equal(hd_tree_encode(entries, 3, &bytes), 0);
	return put(fixture, bytes.data, bytes.size);
}

static struct hd_content put_attributes(struct fixture *fixture, const char *const names[], size_t count)
{
	static const uint8_t xattr[] = {6, 1, 0, 0, 0, 'u', 's', 'e', 'r', '.', 'x', 'v'};
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	struct hd_attribute_entry entries[4] = {0};

	for (size_t i = 0; i < count; i++) {
		entries[i].name = names[i];
		entries[i].name_length = (uint16_t)strlen(names[i]);
		entries[i].uid = 100 + (uint32_t)i;
		entries[i].gid = 200 + (uint32_t)i;
		entries[i].modify_time.tv_sec = 1000 + (time_t)i;
		entries[i].birth_time.tv_nsec = 5;
	}
	entries[0].children = (struct hd_content){.kind = HD_CONTENT_OBJECT, .length = 20, .bytes = {9}};
	entries[count - 1].link_group = 42;
	entries[count - 1].links = 3;
	entries[count - 1].xattrs = xattr;
	entries[count - 1].xattrs_size = sizeof(xattr);
	assert_int_equal(hd_attributes_encode(entries, count, &bytes), 0);
	return put(fixture, bytes.data, bytes.size);
}

static int list(struct fixture *fixture, const struct hd_content *tree, const struct hd_content *attributes,
	struct listing *listing)
{
	struct hd_base_directory directory = {
		.content = *tree,
		.fallback_time = {.tv_sec = 777},
		.fallback_uid = 7,
		.fallback_gid = 8,
	};

	if (attributes)
		directory.attributes = *attributes;
	*listing = (struct listing){0};
	return fixture->base->operations->list(fixture->base, &directory, listing_collect, listing);
}

static void a_tree_without_attributes_shows_the_fallbacks(void **state)
{
	struct fixture *fixture = *state;
	struct hd_content tree = put_tree(fixture);
	struct listing listing;
	char buffer[8];
	uint64_t whole;
	size_t size;

	assert_int_equal(list(fixture, &tree, NULL, &listing), 0);
	assert_int_equal(listing.count, 3);
	assert_int_equal(listing_find(&listing, "base")->content.kind, HD_CONTENT_GIT);
	assert_int_equal(listing_find(&listing, "base")->content.base, 3);
	assert_int_equal(listing_find(&listing, "null")->device, 259);
	assert_int_equal(listing_find(&listing, "own")->mode, S_IFREG | 0640);
	assert_int_equal(listing_find(&listing, "own")->uid, 7);
	assert_int_equal(listing_find(&listing, "own")->gid, 8);
	assert_int_equal(listing_find(&listing, "own")->change_time.tv_sec, 777);
	assert_int_equal(listing_find(&listing, "own")->size, 5);
	assert_int_equal(fixture->base->operations->read(fixture->base,
				 &listing_find(&listing, "own")->content, buffer, sizeof(buffer), 1, &size),
		0);
	assert_int_equal(size, 4);
	assert_memory_equal(buffer, "ytes", 4);
	assert_int_equal(fixture->base->operations->size(
				 fixture->base, &listing_find(&listing, "own")->content, &whole),
		0);
	assert_int_equal(whole, 5);
	listing_clear(&listing);
}

static void attributes_beside_a_tree_are_shown(void **state)
{
	static const char *const names[] = {"base", "null", "own"};
	struct fixture *fixture = *state;
	struct hd_content tree = put_tree(fixture);
	struct hd_content attributes = put_attributes(fixture, names, 3);
	struct listing listing;

	assert_int_equal(list(fixture, &tree, &attributes, &listing), 0);
	assert_int_equal(listing_find(&listing, "base")->attributes.kind, HD_CONTENT_OBJECT);
	assert_int_equal(listing_find(&listing, "base")->attributes.bytes[0], 9);
	assert_int_equal(listing_find(&listing, "null")->uid, 101);
	assert_int_equal(listing_find(&listing, "null")->gid, 201);
	assert_int_equal(listing_find(&listing, "own")->modify_time.tv_sec, 1002);
	assert_int_equal(listing_find(&listing, "own")->birth_time.tv_nsec, 5);
	assert_int_equal(listing_find(&listing, "own")->link_group, 42);
	assert_int_equal(listing_find(&listing, "own")->links, 3);
	assert_int_equal(listing_find(&listing, "own")->xattrs_size, 12);
	assert_int_equal(listing_find(&listing, "null")->xattrs_size, 0);
	listing_clear(&listing);
}

static void attributes_of_another_tree_are_refused(void **state)
{
	static const char *const fewer[] = {"base", "null"};
	static const char *const others[] = {"base", "null", "owl"};
	struct fixture *fixture = *state;
	struct hd_content tree = put_tree(fixture);
	struct hd_content attributes = put_attributes(fixture, fewer, 2);
	struct listing listing;

	assert_int_equal(list(fixture, &tree, &attributes, &listing), -HD_E_ATTRIBUTES_CORRUPT);
	attributes = put_attributes(fixture, others, 3);
	assert_int_equal(list(fixture, &tree, &attributes, &listing), -HD_E_ATTRIBUTES_CORRUPT);
	assert_int_equal(listing.count, 0);
}

static void a_file_is_no_directory_and_a_lost_object_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	struct hd_content file = put(fixture, "no tree at all", 14);
	struct hd_content lost = {.kind = HD_CONTENT_OBJECT, .length = 20, .bytes = {1, 2, 3}};
	struct listing listing;

	assert_int_equal(list(fixture, &file, NULL, &listing), -HD_E_TREE_CORRUPT);
	assert_int_equal(list(fixture, &lost, NULL, &listing), -HD_E_OBJECT_MISSING);
}

int main(void)
{
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_STORE(a_tree_without_attributes_shows_the_fallbacks),
		WITH_STORE(attributes_beside_a_tree_are_shown),
		WITH_STORE(attributes_of_another_tree_are_refused),
		WITH_STORE(a_file_is_no_directory_and_a_lost_object_is_an_error),
	};

	return cmocka_run_group_tests_name("state bases", tests, NULL, NULL);
}
