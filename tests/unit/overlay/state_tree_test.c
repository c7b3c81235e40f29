/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/states/state_tree.h"

#include "overlay/inodes/request.h"
#include "tests/unit/overlay/yard.h"

/* Trees of states: what is held of them is counted exactly, also over the death of the process that counted. */

#define SLOT 3u
#define OTHER_SLOT 4u
#define UNIQUE 4242u

struct memory {
	int arena_fd, hot_fd;
};

static struct hd_overlay *open_memory(struct yard *yard, const struct memory *memory, bool attach)
{
	struct hd_overlay_options options = yard_options(yard);

	options.arena_fd = memory->arena_fd;
	options.hot_fd = memory->hot_fd;
	options.attach = attach;
	options.keep_references = attach;
	return yard_open_with(yard, &options);
}

/* Over a base with folder/, folder/deep/, folder/deep/leaf, folder/file, and one file with the names a and b. */
static struct hd_overlay *begin(struct yard *yard, struct memory *memory)
{
	uint32_t folder = yard_base_add(yard, 0, "folder", S_IFDIR | 0755, 0);
	uint32_t deep = yard_base_add(yard, folder, "deep", S_IFDIR | 0750, 0);
	const char *const names[] = {"a", "b"};

	(void)yard_base_add(yard, deep, "leaf", S_IFREG | 0640, 5000);
	(void)yard_base_add(yard, folder, "file", S_IFREG | 0644, 10);
	for (unsigned i = 0; i < 2; i++) {
		uint32_t node = yard_base_add(yard, 0, names[i], S_IFREG | 0644, 7);

		yard->base->nodes[node].link_group = 99;
		yard->base->nodes[node].links = 2;
	}
	assert_success(hd_overlay_memory(&memory->arena_fd, &memory->hot_fd));
	return open_memory(yard, memory, false);
}

static struct hd_overlay *take_over(struct yard *yard, const struct memory *memory)
{
	yard_close(yard);
	return open_memory(yard, memory, true);
}

static void end(struct yard *yard, struct memory *memory)
{
	yard_close(yard);
	(void)close(memory->arena_fd);
	(void)close(memory->hot_fd);
}

static uint64_t held(struct hd_overlay *overlay)
{
	struct hd_overlay_counters counters;

	hd_overlay_counters(overlay, &counters);
	return counters.state_nodes;
}

static hd_ino enter(struct hd_overlay *overlay)
{
	struct hd_attributes attributes;
	struct hd_state_id id;

	hd_overlay_head(overlay, &id);
	assert_success(hd_state_tree_enter(overlay, &id, &attributes));
	assert_true(hd_ino_is_of_state(attributes.ino));
	assert_int_equal(attributes.number, hd_state_tree_number(&id));
	return attributes.ino;
}

static int look(struct hd_overlay *overlay, hd_ino ino)
{
	struct hd_attributes attributes;

	return hd_overlay_getattr(overlay, ino, &attributes);
}

static void what_is_looked_up_is_held_until_it_is_forgotten_as_often(void **state)
{
	struct memory memory;
	struct hd_overlay *overlay = begin(*state, &memory);
	hd_ino root = enter(overlay), folder, again;

	folder = find(overlay, root, "folder");
	assert_int_equal(find(overlay, root, "folder"), folder);
	assert_int_equal(attributes_of(overlay, folder).nlink, 3);
	assert_int_equal(attributes_of(overlay, root).nlink, 3);
	assert_int_equal(held(overlay), 2);
	hd_overlay_forget(overlay, folder, 1);
	assert_success(look(overlay, folder));
	hd_overlay_forget(overlay, folder, 1);
	assert_int_equal(look(overlay, folder), -ESTALE);
	assert_int_equal(held(overlay), 1);
	again = find(overlay, root, "folder");
	assert_int_not_equal(again, folder);
	assert_int_equal(look(overlay, folder), -ESTALE);
	hd_overlay_forget(overlay, again, 1);
	hd_overlay_forget(overlay, root, 1);
	assert_int_equal(held(overlay), 0);
	end(*state, &memory);
}

static void what_is_above_is_kept_by_what_is_below(void **state)
{
	struct memory memory;
	struct hd_overlay *overlay = begin(*state, &memory);
	hd_ino root = enter(overlay), folder = find(overlay, root, "folder");
	hd_ino deep = find(overlay, folder, "deep"), leaf = find(overlay, deep, "leaf");
	uint8_t bytes[5000];
	size_t size;

	hd_overlay_forget(overlay, root, 1);
	hd_overlay_forget(overlay, folder, 1);
	hd_overlay_forget(overlay, deep, 1);
	assert_int_equal(held(overlay), 4);
	assert_success(hd_overlay_read(overlay, leaf, bytes, sizeof(bytes), 0, &size));
	assert_int_equal(size, 5000);
	/* Found again while it is only kept, it is the same. */
	assert_int_equal(find(overlay, enter(overlay), "folder"), folder);
	hd_overlay_forget(overlay, folder, 1);
	hd_overlay_forget(overlay, root, 1);
	hd_overlay_forget(overlay, leaf, 1);
	assert_int_equal(held(overlay), 0);
	end(*state, &memory);
}

static void names_of_one_file_are_one_node(void **state)
{
	struct memory memory;
	struct hd_overlay *overlay = begin(*state, &memory);
	hd_ino root = enter(overlay), a = find(overlay, root, "a");

	assert_int_equal(find(overlay, root, "b"), a);
	assert_int_equal(attributes_of(overlay, a).nlink, 2);
	assert_int_equal(held(overlay), 2);
	end(*state, &memory);
}

static void a_lookup_counts_once_over_a_death(void **state)
{
	struct memory memory;
	struct hd_overlay *overlay = begin(*state, &memory);
	struct hd_attributes first, second;
	hd_ino root = enter(overlay);

	hd_request_begin(overlay, SLOT, UNIQUE, false);
	assert_success(hd_overlay_lookup(overlay, root, "folder", &first));
	overlay = take_over(*state, &memory);
	assert_int_equal(held(overlay), 2);
	hd_request_begin(overlay, OTHER_SLOT, UNIQUE, true);
	assert_success(hd_overlay_lookup(overlay, root, "folder", &second));
	hd_request_end(overlay);
	assert_int_equal(first.ino, second.ino);
	assert_int_equal(first.number, second.number);
	/* The successor finds it again, and knows how often it was looked up. */
	assert_int_equal(find(overlay, root, "folder"), first.ino);
	hd_overlay_forget(overlay, first.ino, 1);
	assert_success(look(overlay, first.ino));
	hd_overlay_forget(overlay, first.ino, 1);
	assert_int_equal(look(overlay, first.ino), -ESTALE);
	end(*state, &memory);
}

static void forgets_are_gone_on_with_where_a_death_left_them(void **state)
{
	struct memory memory;
	struct hd_overlay *overlay = begin(*state, &memory);
	hd_ino root = enter(overlay), outer = HD_STATE_INO | HD_OUTER_INO | 1;
	hd_ino inos[] = {find(overlay, root, "folder"), outer, find(overlay, root, "a"), root};

	assert_int_equal(find(overlay, root, "folder"), inos[0]);
	hd_request_begin(overlay, SLOT, UNIQUE, false);
	for (size_t i = 0; i < 2; i++)
		hd_overlay_forget(overlay, inos[i], 1);
	overlay = take_over(*state, &memory);
	hd_request_begin(overlay, SLOT, UNIQUE, true);
	assert_int_equal(hd_request_steps(), 2);
	for (size_t i = hd_request_steps(); i < 4; i++)
		hd_overlay_forget(overlay, inos[i], 1);
	hd_request_end(overlay);
	/* One lookup of the folder is left, and it keeps the root. */
	assert_int_equal(held(overlay), 2);
	hd_overlay_forget(overlay, inos[0], 1);
	assert_int_equal(held(overlay), 0);
	end(*state, &memory);
}

/* ---- listings ---- */

struct listed {
	hd_ino inos[16];
	size_t n;
	hd_ino told[16];
};

static bool collect(const struct hd_directory_item *item, void *payload)
{
	struct listed *listed = payload;

	listed->inos[listed->n++] = item->name[0] == '.' || item->partial ? 0 : item->attributes.ino;
	return true;
}

static void tell(void *payload)
{
	struct listed *listed = payload;

	memcpy(listed->told, listed->inos, sizeof(listed->told));
}

static void a_listing_counts_once_what_it_told(void **state)
{
	struct memory memory;
	struct hd_overlay *overlay = begin(*state, &memory);
	hd_ino root = enter(overlay);
	struct listed listed = {.n = 0};
	struct hd_state_taking taking = {
		.inos = listed.inos, .reply_size = 77, .put = tell, .payload = &listed};

	assert_success(hd_overlay_readdir(overlay, root, 0, collect, &listed));
	assert_int_equal(listed.n, 5); /* ".", "..", a, b, folder */
	taking.n = listed.n;
	hd_request_begin(overlay, SLOT, UNIQUE, false);
	assert_success(hd_state_tree_take(overlay, root, &taking));
	assert_memory_equal(listed.told, listed.inos, sizeof(listed.told));
	assert_int_equal(listed.inos[2], listed.inos[3]); /* one file */
	assert_int_equal(listed.inos[4], 0);
	overlay = take_over(*state, &memory);
	hd_request_begin(overlay, OTHER_SLOT, UNIQUE, true);
	assert_true(hd_request_is_done());
	assert_int_equal(hd_request_done_size(), 77);
	hd_request_end(overlay);
	assert_int_equal(held(overlay), 2);
	hd_overlay_forget(overlay, listed.told[2], 1);
	assert_success(look(overlay, listed.told[2]));
	hd_overlay_forget(overlay, listed.told[3], 1);
	assert_int_equal(held(overlay), 1);
	end(*state, &memory);
}

static void many_nodes_are_found_again(void **state)
{
	struct yard *yard = *state;
	struct memory memory;
	struct hd_overlay *overlay;
	enum { MANY = 3000 };
	static hd_ino inos[MANY];
	char name[16];
	hd_ino root;

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		(void)yard_base_add(yard, 0, name, S_IFREG | 0644, i);
	}
	overlay = begin(yard, &memory);
	root = enter(overlay);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		inos[i] = find(overlay, root, name);
	}
	overlay = take_over(yard, &memory);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		assert_int_equal(find(overlay, root, name), inos[i]);
		assert_int_equal(attributes_of(overlay, inos[i]).size, i);
		hd_overlay_forget(overlay, inos[i], 2);
	}
	assert_int_equal(held(overlay), 1);
	end(yard, &memory);
}

/* Forgets what the list names, as a kernel does that is asked to and uses none of it, until nothing is listed. */
static unsigned let_go_of_leaves(struct hd_overlay *overlay, size_t limit)
{
	struct hd_state_held leaves[64];
	unsigned rounds = 0;
	size_t listed;

	do {
		uint32_t place = 0;

		listed = 0;
		do {
			size_t n = hd_state_tree_list(overlay, false, &place, leaves, limit);

			assert_true(n <= limit);
			for (size_t i = 0; i < n; i++)
				hd_overlay_forget(overlay, leaves[i].ino, 1);
			listed += n;
		} while (place);
		assert_int_equal(hd_state_tree_count(overlay), held(overlay));
		rounds += listed > 0;
	} while (listed > 0);
	return rounds;
}

/* From the leaves up, whatever order they were found in; and roots are told apart. */
static void what_can_be_let_go_of_is_listed(void **state)
{
	struct yard *yard = *state;
	struct memory memory;
	struct hd_state_held roots[4];
	struct hd_overlay *overlay;
	struct hd_state_id id;
	enum { MANY = 4000 };
	uint32_t place = 0;
	unsigned n_roots = 0;
	char name[16];
	hd_ino root;

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		(void)yard_base_add(yard, 0, name, S_IFREG | 0644, i);
	}
	overlay = begin(yard, &memory);
	assert_int_equal(hd_state_tree_count(overlay), 0);
	root = enter(overlay);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		(void)find(overlay, root, name);
	}
	(void)find(overlay, find(overlay, find(overlay, root, "folder"), "deep"), "leaf");
	overlay = take_over(yard, &memory);
	assert_int_equal(hd_state_tree_count(overlay), MANY + 4);
	hd_overlay_head(overlay, &id);
	do {
		n_roots += (unsigned)hd_state_tree_list(overlay, true, &place, roots, 4);
	} while (place);
	assert_int_equal(n_roots, 1);
	assert_true(roots[0].ino == root);
	assert_true(hd_state_id_equal(&roots[0].state, &id));
	assert_int_equal(let_go_of_leaves(overlay, 64), 4);
	assert_int_equal(held(overlay), 0);
	assert_int_equal(look(overlay, root), -ESTALE);
	end(yard, &memory);
}

static void another_mount_begins_with_none_and_has_the_same_numbers(void **state)
{
	struct memory memory, other;
	struct hd_overlay *overlay = begin(*state, &memory);
	uint64_t number = attributes_of(overlay, find(overlay, enter(overlay), "folder")).number;

	yard_close(*state);
	assert_success(hd_overlay_memory(&other.arena_fd, &other.hot_fd));
	overlay = open_memory(*state, &other, false);
	assert_int_equal(held(overlay), 0);
	assert_int_equal(attributes_of(overlay, find(overlay, enter(overlay), "folder")).number, number);
	end(*state, &other);
	(void)close(memory.arena_fd);
	(void)close(memory.hot_fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, yard_setup_over_base, yard_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_looked_up_is_held_until_it_is_forgotten_as_often),
		TEST(what_is_above_is_kept_by_what_is_below),
		TEST(names_of_one_file_are_one_node),
		TEST(a_lookup_counts_once_over_a_death),
		TEST(forgets_are_gone_on_with_where_a_death_left_them),
		TEST(a_listing_counts_once_what_it_told),
		TEST(many_nodes_are_found_again),
		TEST(what_can_be_let_go_of_is_listed),
		TEST(another_mount_begins_with_none_and_has_the_same_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
