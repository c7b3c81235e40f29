/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bases that are directories of the host: what is listed, what is refused once the directory changes behind
 * the mount, and that nothing leads out of it. tests/unit/platform/beneath_test.c covers the resolution of paths
 * alone.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/bases/base_root.h"
#include "overlay/platform/error.h"
#include "tests/unit/bases/place.h"

struct fixture {
	char *place; /* the store lies here, the base in "base", what must not be reached in "outside" */
	char *location;
	struct hd_store *store;
	struct hd_base_set *set;
	uint16_t number;
	struct hd_content root;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct hd_base_description description;
	char *path;

	assert_non_null(fixture);
	fixture->place = place_new();
	place_make_directory(fixture->place, "base");
	place_make_directory(fixture->place, "outside");
	place_write_text(fixture->place, "outside/secret", "secret");
	fixture->location = place_path(fixture->place, "base");
	path = place_path(fixture->place, ".heddle");
	assert_int_equal(hd_store_create(path, &fixture->store), 0);
	free(path);
	assert_int_equal(hd_base_directory_describe(fixture->location, &description), 0);
	assert_int_equal(hd_index_add_base(fixture->store->index, HD_BASE_DIRECTORY, description.location,
				 &fixture->number),
		0);
	fixture->root = description.tree;
	fixture->root.base = fixture->number;
	hd_base_description_clear(&description);
	assert_int_equal(hd_base_set_new(fixture->store, 0, &fixture->set), 0);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	hd_base_set_free(fixture->set);
	hd_store_free(fixture->store);
	place_remove(fixture->place);
	free(fixture->location);
	free(fixture);
	return 0;
}

static int try_list(struct fixture *fixture, const struct hd_content *content, struct listing *ret_listing)
{
	struct hd_base_directory directory = {.content = *content};

	*ret_listing = (struct listing){0};
	return hd_base_set_list(fixture->set, &directory, listing_collect, ret_listing);
}

static void list_root(struct fixture *fixture, struct listing *ret_listing)
{
	assert_int_equal(try_list(fixture, &fixture->root, ret_listing), 0);
}

/* The content of NAME in the root, listed now. */
static struct hd_content content_of(struct fixture *fixture, const char *name)
{
	struct listing listing;
	struct hd_content content;

	list_root(fixture, &listing);
	assert_non_null(listing_find(&listing, name));
	content = listing_find(&listing, name)->content;
	listing_clear(&listing);
	return content;
}

static int try_read(struct fixture *fixture, const struct hd_content *content)
{
	char buffer[64];
	size_t size;

	return hd_base_set_read(fixture->set, content, buffer, sizeof(buffer), 0, &size);
}

static void check_text(struct fixture *fixture, const struct hd_content *content, const char *expected)
{
	char buffer[256];
	size_t size;

	assert_int_equal(hd_base_set_read(fixture->set, content, buffer, sizeof(buffer), 0, &size), 0);
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(buffer, expected, size);
}

static char *inside(struct fixture *fixture, const char *name)
{
	return place_path(fixture->location, name);
}

/* ---- listing ---- */

static void files_links_and_directories_show_what_the_host_says(void **state)
{
	struct fixture *fixture = *state;
	struct timespec times[2] = {{1111, 11}, {2222, 22}};
	struct listing root, below;
	char *path = inside(fixture, "file");

	place_write_text(fixture->location, "file", "text");
	place_write_text(fixture->location, "empty", "");
	place_make_directory(fixture->location, "dir");
	place_write_text(fixture->location, "dir/deep\xff", "deeper");
	place_link(fixture->location, "link", "dir/nowhere");
	assert_int_equal(chmod(path, 04751), 0);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);

	list_root(fixture, &root);
	assert_int_equal(root.count, 4);
	assert_int_equal(listing_find(&root, "file")->mode, S_IFREG | 04751);
	assert_int_equal(listing_find(&root, "file")->size, 4);
	assert_int_equal(listing_find(&root, "file")->uid, geteuid());
	assert_int_equal(listing_find(&root, "file")->access_time.tv_sec, 1111);
	assert_int_equal(listing_find(&root, "file")->modify_time.tv_sec, 2222);
	assert_int_equal(listing_find(&root, "file")->modify_time.tv_nsec, 22);
	assert_true(listing_find(&root, "file")->change_time.tv_sec > 2222);
	assert_true(listing_find(&root, "file")->birth_time.tv_sec > 0);
	assert_int_equal(listing_find(&root, "file")->link_group, 0);
	assert_int_equal(listing_find(&root, "file")->content.base, fixture->number);
	assert_true(hd_content_is_none(&listing_find(&root, "empty")->content));
	assert_int_equal(listing_find(&root, "link")->mode, S_IFLNK | 0777);
	assert_int_equal(listing_find(&root, "link")->size, 11);
	check_text(fixture, &listing_find(&root, "file")->content, "text");
	check_text(fixture, &listing_find(&root, "link")->content, "dir/nowhere");

	assert_int_equal(try_list(fixture, &listing_find(&root, "dir")->content, &below), 0);
	assert_int_equal(below.count, 1);
	check_text(fixture, &listing_find(&below, "deep\xff")->content, "deeper");
	listing_clear(&root);
	listing_clear(&below);
	free(path);
}

static void pipes_sockets_and_devices_are_listed_without_content(void **state)
{
	struct fixture *fixture = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char *fifo = inside(fixture, "fifo");
	char *device = inside(fixture, "device");
	bool with_device;
	struct listing listing;

	assert_int_equal(mkfifo(fifo, 0600), 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", fixture->location);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	with_device = mknod(device, S_IFCHR | 0600, makedev(1, 3)) == 0;
	list_root(fixture, &listing);
	assert_int_equal(listing_find(&listing, "fifo")->mode, S_IFIFO | 0600);
	assert_true(hd_content_is_none(&listing_find(&listing, "fifo")->content));
	assert_true(S_ISSOCK(listing_find(&listing, "socket")->mode));
	assert_true(hd_content_is_none(&listing_find(&listing, "socket")->content));
	if (with_device) {
		assert_int_equal(listing_find(&listing, "device")->mode, S_IFCHR | 0600);
		assert_int_equal(listing_find(&listing, "device")->device, makedev(1, 3));
		assert_true(hd_content_is_none(&listing_find(&listing, "device")->content));
	}
	listing_clear(&listing);
	(void)close(fd);
	free(fifo);
	free(device);
}

static void names_of_one_file_share_a_link_group(void **state)
{
	struct fixture *fixture = *state;
	char *from = inside(fixture, "one");
	char *to = inside(fixture, "dir/two");
	struct listing root, below;

	place_make_directory(fixture->location, "dir");
	place_write_text(fixture->location, "one", "same");
	place_write_text(fixture->location, "alone", "other");
	assert_int_equal(link(from, to), 0);
	list_root(fixture, &root);
	assert_int_equal(try_list(fixture, &listing_find(&root, "dir")->content, &below), 0);
	assert_true(listing_find(&root, "one")->link_group != 0);
	assert_true(listing_find(&root, "one")->link_group == listing_find(&below, "two")->link_group);
	assert_int_equal(listing_find(&root, "one")->links, 2);
	assert_true(listing_find(&root, "alone")->link_group == 0);
	assert_int_equal(listing_find(&root, "alone")->links, 0);
	assert_true(listing_find(&root, "dir")->link_group == 0);
	listing_clear(&root);
	listing_clear(&below);
	free(from);
	free(to);
}

static void user_attributes_are_listed_in_the_form_of_attribute_objects(void **state)
{
	static const uint8_t expected[] = {
		8, 3, 0, 0, 0, 'u', 's', 'e', 'r', '.', 'k', 'e', 'y', 'v', 'a', 'l'};
	struct fixture *fixture = *state;
	char *path = inside(fixture, "file");
	struct listing listing;

	place_write_text(fixture->location, "file", "x");
	place_write_text(fixture->location, "plain", "x");
	if (setxattr(path, "user.key", "val", 3, 0) < 0)
		skip(); /* the temporary folder's filesystem has none */
	list_root(fixture, &listing);
	assert_int_equal(listing_find(&listing, "plain")->xattrs_size, 0);
	assert_int_equal(listing_find(&listing, "file")->xattrs_size, sizeof(expected));
	assert_memory_equal(listing_find(&listing, "file")->xattrs, expected, sizeof(expected));
	listing_clear(&listing);
	free(path);
}

static void a_store_in_the_root_is_not_part_of_the_tree(void **state)
{
	struct fixture *fixture = *state;
	struct listing root, below;

	place_make_directory(fixture->location, ".heddle");
	list_root(fixture, &root);
	assert_non_null(listing_find(&root, ".heddle"));
	listing_clear(&root);

	place_write_text(fixture->location, ".heddle/format", "heddle store 1\n");
	place_make_directory(fixture->location, "dir");
	place_make_directory(fixture->location, "dir/.heddle");
	place_write_text(fixture->location, "dir/.heddle/format", "heddle store 1\n");
	list_root(fixture, &root);
	assert_null(listing_find(&root, ".heddle"));
	assert_int_equal(try_list(fixture, &listing_find(&root, "dir")->content, &below), 0);
	assert_non_null(listing_find(&below, ".heddle"));
	listing_clear(&root);
	listing_clear(&below);
}

static void the_store_in_use_is_hidden_wherever_it_lies(void **state)
{
	struct fixture *fixture = *state;
	struct hd_base_directory directory = {
		.content = {.kind = HD_CONTENT_HOST, .length = 20},
	};
	struct listing root, below = {0};
	char *path = inside(fixture, "dir/kept-here");
	struct hd_store *store;
	struct hd_base *base;

	place_make_directory(fixture->location, "dir");
	place_write_text(fixture->location, "dir/file", "x");
	assert_int_equal(hd_store_create(path, &store), 0);
	assert_int_equal(hd_base_directory_open(fixture->location, 1, store, &base), 0);
	assert_int_equal(hd_index_host_path_id(store->index, 1, "dir", directory.content.bytes), 0);
	assert_int_equal(base->operations->list(base, &directory, listing_collect, &below), 0);
	assert_int_equal(below.count, 1);
	assert_non_null(listing_find(&below, "file"));
	base->operations->free(base);
	hd_store_free(store);
	listing_clear(&below);

	/* To a base that another store uses it is a directory like others. */
	list_root(fixture, &root);
	assert_int_equal(try_list(fixture, &listing_find(&root, "dir")->content, &below), 0);
	assert_non_null(listing_find(&below, "kept-here"));
	listing_clear(&root);
	listing_clear(&below);
	free(path);
}

static void the_root_shows_the_directory_itself(void **state)
{
	struct fixture *fixture = *state;
	struct hd_state record = {.tree = fixture->root, .time_s = 5, .is_base = true};
	struct hd_base_directory directory;
	struct hd_base_entry entry;
	struct stat status;

	assert_int_equal(chmod(fixture->location, 01731), 0);
	assert_int_equal(stat(fixture->location, &status), 0);
	assert_int_equal(hd_base_set_root(fixture->set, &record, &entry, &directory), 0);
	assert_string_equal(entry.name, "");
	assert_int_equal(entry.mode, S_IFDIR | 01731);
	assert_int_equal(entry.modify_time.tv_sec, status.st_mtim.tv_sec);
	assert_int_equal(entry.modify_time.tv_nsec, status.st_mtim.tv_nsec);
	assert_true(hd_content_equal(&directory.content, &fixture->root));
	hd_base_root_clear(&entry);
}

static void a_missing_directory_is_named(void **state)
{
	struct hd_base_description description;
	struct hd_base *base;
	struct fixture *fixture = *state;

	assert_int_equal(hd_base_directory_describe("/nowhere/at/all", &description), -ENOENT);
	assert_int_equal(hd_base_directory_describe("/dev/null", &description), -ENOTDIR);
	assert_int_equal(
		hd_base_directory_open("/nowhere/at/all", 3, fixture->store, &base), -HD_E_BASE_MISSING);
	assert_non_null(strstr(hd_error_message(-HD_E_BASE_MISSING), "/nowhere/at/all"));
}

/* ---- reading ---- */

static void a_large_file_reads_right_in_pieces(void **state)
{
	struct fixture *fixture = *state;
	const size_t size = 3000001;
	uint8_t *bytes = malloc(size);
	uint8_t *piece = malloc(131072);
	struct hd_content content;
	uint64_t whole;

	assert_non_null(bytes);
	assert_non_null(piece);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	place_write(fixture->location, "large", bytes, size);
	content = content_of(fixture, "large");
	assert_int_equal(hd_base_set_size(fixture->set, &content, &whole), 0);
	assert_int_equal(whole, size);
	for (size_t at = 0; at < size + 131072; at += 99991) {
		size_t expected = at >= size ? 0 : size - at < 131072 ? size - at : 131072;
		size_t got;

		assert_int_equal(hd_base_set_read(fixture->set, &content, piece, 131072, at, &got), 0);
		assert_int_equal(got, expected);
		assert_memory_equal(piece, bytes + (at < size ? at : 0), got);
	}
	free(bytes);
	free(piece);
}

static void more_files_than_handles_read_right(void **state)
{
	struct fixture *fixture = *state;
	struct listing listing;
	char name[16];

	for (unsigned i = 0; i < 200; i++) {
		(void)snprintf(name, sizeof(name), "file-%u", i);
		place_write_text(fixture->location, name, name);
	}
	list_root(fixture, &listing);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 200; i++) {
			(void)snprintf(name, sizeof(name), "file-%u", i);
			check_text(fixture, &listing_find(&listing, name)->content, name);
		}
	}
	listing_clear(&listing);
}

struct reader {
	pthread_t thread;
	struct fixture *fixture;
	const struct listing *listing;
	unsigned seed;
	unsigned wrong;
};

static void *read_files(void *payload)
{
	struct reader *reader = payload;

	for (unsigned n = 0; n < 1500; n++) {
		const struct listed_entry *listed =
			&reader->listing->entries[(unsigned)rand_r(&reader->seed) % reader->listing->count];
		char buffer[64];
		size_t size = 0;

		if (hd_base_set_read(reader->fixture->set, &listed->entry.content, buffer, sizeof(buffer), 0,
			    &size) != 0 ||
			size != strlen(listed->name) || memcmp(buffer, listed->name, size) != 0)
			reader->wrong++;
	}
	return NULL;
}

static void threads_that_share_handles_read_the_right_files(void **state)
{
	struct fixture *fixture = *state;
	struct reader readers[4];
	struct listing listing;
	char name[16];

	for (unsigned i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof(name), "file-%u", i);
		place_write_text(fixture->location, name, name);
	}
	list_root(fixture, &listing);
	for (unsigned i = 0; i < 4; i++) {
		readers[i] = (struct reader){.fixture = fixture, .listing = &listing, .seed = i};
		assert_int_equal(pthread_create(&readers[i].thread, NULL, read_files, &readers[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
		assert_int_equal(readers[i].wrong, 0);
	}
	listing_clear(&listing);
}

/* ---- changes behind the mount ---- */

static void a_file_rewritten_after_it_was_listed_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct hd_content content, other;

	place_write_text(fixture->location, "file", "before");
	place_write_text(fixture->location, "other", "stays");
	content = content_of(fixture, "file");
	other = content_of(fixture, "other");
	place_write_text(fixture->location, "file", "after, and longer");
	assert_int_equal(try_read(fixture, &content), -HD_E_BASE_CHANGED);
	assert_non_null(strstr(hd_error_message(-HD_E_BASE_CHANGED), "file"));
	check_text(fixture, &other, "stays");

	/* Listing again does not make it acceptable: the overlay still shows what it saw first. */
	content = content_of(fixture, "file");
	assert_int_equal(try_read(fixture, &content), -HD_E_BASE_CHANGED);
}

static void a_file_rewritten_while_its_handle_is_cached_is_refused(void **state)
{
	struct fixture *fixture = *state;
	char *path = inside(fixture, "file");
	struct timespec times[2];
	struct hd_content content;
	struct stat status;
	uint64_t size;

	place_write_text(fixture->location, "file", "before");
	content = content_of(fixture, "file");
	check_text(fixture, &content, "before");
	assert_int_equal(stat(path, &status), 0);
	(void)usleep(20000); /* the kernel's clock for files ticks every few milliseconds */
	place_write_text(fixture->location, "file", "AFTER!");
	times[0] = status.st_atim;
	times[1] = status.st_mtim;
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	assert_int_equal(try_read(fixture, &content), -HD_E_BASE_CHANGED);
	assert_int_equal(hd_base_set_size(fixture->set, &content, &size), -HD_E_BASE_CHANGED);
	free(path);
}

static void a_file_that_is_gone_or_became_something_else_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct hd_content content;
	char *path = inside(fixture, "file");

	place_write_text(fixture->location, "file", "before");
	content = content_of(fixture, "file");
	place_remove_name(fixture->location, "file");
	assert_int_equal(try_read(fixture, &content), -HD_E_BASE_CHANGED);
	assert_int_equal(mkfifo(path, 0600), 0); /* opening it must not wait for a writer */
	assert_int_equal(try_read(fixture, &content), -HD_E_BASE_CHANGED);
	place_remove_name(fixture->location, "file");
	place_make_directory(fixture->location, "file");
	assert_int_equal(try_read(fixture, &content), -HD_E_BASE_CHANGED);
	free(path);
}

static void links_put_in_the_way_do_not_lead_out(void **state)
{
	struct fixture *fixture = *state;
	struct listing root, below;
	struct hd_content file, directory, secret;

	place_make_directory(fixture->location, "dir");
	place_write_text(fixture->location, "dir/secret", "public");
	place_write_text(fixture->location, "file", "public");
	list_root(fixture, &root);
	directory = listing_find(&root, "dir")->content;
	file = listing_find(&root, "file")->content;
	assert_int_equal(try_list(fixture, &directory, &below), 0);
	secret = listing_find(&below, "secret")->content;
	listing_clear(&root);
	listing_clear(&below);

	place_remove_name(fixture->location, "dir/secret");
	place_remove_name(fixture->location, "dir");
	place_remove_name(fixture->location, "file");
	place_link(fixture->location, "dir", "../outside");
	place_link(fixture->location, "file", "../outside/secret");
	assert_int_equal(try_list(fixture, &directory, &below), -HD_E_BASE_CHANGED);
	assert_int_equal(try_read(fixture, &secret), -HD_E_BASE_CHANGED);
	assert_int_equal(try_read(fixture, &file), -HD_E_BASE_CHANGED);
}

static void a_link_that_points_elsewhere_now_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct hd_content content;

	place_link(fixture->location, "link", "before");
	content = content_of(fixture, "link");
	check_text(fixture, &content, "before");
	place_remove_name(fixture->location, "link");
	place_link(fixture->location, "link", "after!");
	assert_int_equal(try_read(fixture, &content), -HD_E_BASE_CHANGED);
}

/* ---- across processes ---- */

static void what_was_persisted_resolves_in_another_process(void **state)
{
	struct fixture *fixture = *state;
	struct listing root, below;
	struct hd_content deep;
	char *path = place_path(fixture->place, ".heddle");

	place_make_directory(fixture->location, "dir");
	place_write_text(fixture->location, "dir/deep", "found again");
	list_root(fixture, &root);
	assert_int_equal(try_list(fixture, &listing_find(&root, "dir")->content, &below), 0);
	deep = listing_find(&below, "deep")->content;
	listing_clear(&root);
	listing_clear(&below);
	assert_int_equal(hd_base_set_persist(fixture->set), 0);

	hd_base_set_free(fixture->set);
	hd_store_free(fixture->store);
	assert_int_equal(hd_store_open(path, &fixture->store), 0);
	assert_int_equal(hd_base_set_new(fixture->store, 0, &fixture->set), 0);
	check_text(fixture, &deep, "found again");
	list_root(fixture, &root);
	assert_non_null(listing_find(&root, "dir"));
	listing_clear(&root);
	free(path);
}

static void paths_nobody_named_are_an_error(void **state)
{
	struct fixture *fixture = *state;
	struct hd_content content = {
		.kind = HD_CONTENT_HOST, .length = 20, .base = fixture->number, .bytes = {1, 2}};
	struct hd_content git = {.kind = HD_CONTENT_GIT, .length = 20, .base = fixture->number};

	assert_int_equal(try_read(fixture, &content), -HD_E_BASE_OBJECT);
	assert_int_equal(try_read(fixture, &git), -HD_E_CONTENT_KIND);
}

int main(void)
{
#define WITH_BASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_BASE(files_links_and_directories_show_what_the_host_says),
		WITH_BASE(pipes_sockets_and_devices_are_listed_without_content),
		WITH_BASE(names_of_one_file_share_a_link_group),
		WITH_BASE(user_attributes_are_listed_in_the_form_of_attribute_objects),
		WITH_BASE(a_store_in_the_root_is_not_part_of_the_tree),
		WITH_BASE(the_store_in_use_is_hidden_wherever_it_lies),
		WITH_BASE(the_root_shows_the_directory_itself),
		WITH_BASE(a_missing_directory_is_named),
		WITH_BASE(a_large_file_reads_right_in_pieces),
		WITH_BASE(more_files_than_handles_read_right),
		WITH_BASE(threads_that_share_handles_read_the_right_files),
		WITH_BASE(a_file_rewritten_after_it_was_listed_is_refused),
		WITH_BASE(a_file_rewritten_while_its_handle_is_cached_is_refused),
		WITH_BASE(a_file_that_is_gone_or_became_something_else_is_refused),
		WITH_BASE(links_put_in_the_way_do_not_lead_out),
		WITH_BASE(a_link_that_points_elsewhere_now_is_refused),
		WITH_BASE(what_was_persisted_resolves_in_another_process),
		WITH_BASE(paths_nobody_named_are_an_error),
	};

	return cmocka_run_group_tests_name("directory bases", tests, NULL, NULL);
}
