/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bases that are git repositories: listing, reading, what init asks. Real repositories in a temporary folder.
 * base_git_tree_test.c covers malformed trees, base_git_cache_test.c the budgets of the blob cache.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/platform/error.h"
#include "tests/unit/bases/place.h"
#include "tests/unit/bases/repository.h"

#define NUMBER 7
#define COMMIT_TIME 1700000000

struct fixture {
	char *place;
	char *location; /* the git directory */
	git_repository *repository;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->place = place_new();
	fixture->location = place_path(fixture->place, ".git");
	fixture->repository = repository_new(fixture->place);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	git_repository_free(fixture->repository);
	place_remove(fixture->place);
	free(fixture->location);
	free(fixture);
	return 0;
}

static struct hd_base *open_base(const struct fixture *fixture)
{
	struct hd_base *base = NULL;

	assert_int_equal(hd_base_git_open(fixture->location, NUMBER, &base), 0);
	return base;
}

static struct hd_base_directory directory_of(const struct hd_content *content)
{
	return (struct hd_base_directory){
		.content = *content,
		.fallback_time = {.tv_sec = COMMIT_TIME},
		.fallback_uid = 12,
		.fallback_gid = 34,
	};
}

static void list_tree(struct hd_base *base, const struct hd_content *content, struct listing *ret_listing)
{
	struct hd_base_directory directory = directory_of(content);

	*ret_listing = (struct listing){0};
	assert_int_equal(base->operations->list(base, &directory, listing_collect, ret_listing), 0);
}

static void read_text(struct hd_base *base, const struct hd_content *content, const char *expected)
{
	char buffer[256];
	size_t size;

	assert_int_equal(base->operations->read(base, content, buffer, sizeof(buffer), 0, &size), 0);
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(buffer, expected, size);
}

static git_oid add_text(struct fixture *fixture, const char *text)
{
	return repository_add_blob(fixture->repository, text, strlen(text));
}

static git_oid add_sample_tree(struct fixture *fixture)
{
	git_oid deep = add_text(fixture, "deep\n");
	struct raw_entry inner_entries[] = {{"100644", "deep", deep}};
	git_oid inner = repository_add_tree(fixture->repository, inner_entries, 1);
	struct raw_entry middle_entries[] = {{"40000", "inner", inner}};
	git_oid middle = repository_add_tree(fixture->repository, middle_entries, 1);
	struct raw_entry entries[] = {
		{"100644", "\xff\xc3 odd\n", add_text(fixture, "odd name")},
		{"40000", "dir", middle},
		{"100644", "empty", add_text(fixture, "")},
		{"120000", "link", add_text(fixture, "dir/inner/deep")},
		{"160000", "module", deep},
		{"100644", "plain", add_text(fixture, "plain\n")},
		{"100755", "run", add_text(fixture, "#!/bin/sh\n")},
	};

	return repository_add_tree(fixture->repository, entries, 7);
}

static void check_sample(struct hd_base *base, const git_oid *tree)
{
	struct hd_content content = repository_content(tree, NUMBER);
	struct listing root, middle, inner;

	list_tree(base, &content, &root);
	assert_int_equal(root.count, 7);
	assert_int_equal(listing_find(&root, "plain")->mode, S_IFREG | 0644);
	assert_int_equal(listing_find(&root, "plain")->size, 6);
	assert_int_equal(listing_find(&root, "plain")->uid, 12);
	assert_int_equal(listing_find(&root, "plain")->gid, 34);
	assert_int_equal(listing_find(&root, "plain")->modify_time.tv_sec, COMMIT_TIME);
	assert_int_equal(listing_find(&root, "plain")->birth_time.tv_sec, COMMIT_TIME);
	assert_int_equal(listing_find(&root, "plain")->content.base, NUMBER);
	assert_int_equal(listing_find(&root, "run")->mode, S_IFREG | 0755);
	assert_int_equal(listing_find(&root, "link")->mode, S_IFLNK | 0777);
	assert_int_equal(listing_find(&root, "link")->size, 14);
	assert_int_equal(listing_find(&root, "empty")->size, 0);
	assert_int_equal(listing_find(&root, "module")->mode, S_IFDIR | 0755);
	assert_true(hd_content_is_none(&listing_find(&root, "module")->content));
	assert_int_equal(listing_find(&root, "dir")->mode, S_IFDIR | 0755);
	read_text(base, &listing_find(&root, "plain")->content, "plain\n");
	read_text(base, &listing_find(&root, "link")->content, "dir/inner/deep");
	read_text(base, &listing_find(&root, "empty")->content, "");
	read_text(base, &listing_find(&root, "\xff\xc3 odd\n")->content, "odd name");

	list_tree(base, &listing_find(&root, "dir")->content, &middle);
	list_tree(base, &listing_find(&middle, "inner")->content, &inner);
	read_text(base, &listing_find(&inner, "deep")->content, "deep\n");
	listing_clear(&root);
	listing_clear(&middle);
	listing_clear(&inner);
}

static void a_tree_lists_and_reads_as_a_checkout_would(void **state)
{
	struct fixture *fixture = *state;
	git_oid tree = add_sample_tree(fixture);
	struct hd_base *base = open_base(fixture);

	check_sample(base, &tree);
	base->operations->free(base);
}

static void a_packed_repository_lists_and_reads_the_same(void **state)
{
	struct fixture *fixture = *state;
	git_oid tree = add_sample_tree(fixture);
	struct hd_base *base;

	repository_repack(fixture->repository);
	base = open_base(fixture);
	check_sample(base, &tree);
	base->operations->free(base);
}

static void a_base_survives_that_its_repository_is_repacked_underneath(void **state)
{
	struct fixture *fixture = *state;
	git_oid tree = add_sample_tree(fixture);
	struct hd_base *base = open_base(fixture);

	check_sample(base, &tree);
	for (unsigned i = 0; i < 3; i++) {
		struct hd_content content;
		char text[32];
		git_oid id;

		(void)snprintf(text, sizeof(text), "written in round %u", i);
		id = add_text(fixture, text);
		repository_repack(fixture->repository);
		content = repository_content(&id, NUMBER);
		read_text(base, &content, text);
		check_sample(base, &tree);
	}
	base->operations->free(base);
}

/* xorshift64 (Marsaglia): bytes that deflate cannot shrink and a test can make again. */
static void fill_random(uint8_t *bytes, size_t size)
{
	uint64_t x = 0x9e3779b97f4a7c15;

	for (size_t i = 0; i + 8 <= size; i += 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(bytes + i, &x, 8);
	}
}

static void a_large_blob_reads_right_at_any_offset(void **state)
{
	struct fixture *fixture = *state;
	const size_t size = 64u << 20;
	uint8_t *bytes = malloc(size);
	uint8_t *piece = malloc(1u << 17);
	struct hd_base *base = open_base(fixture);
	struct hd_content content;
	uint64_t whole;
	git_oid id;

	assert_non_null(bytes);
	assert_non_null(piece);
	fill_random(bytes, size);
	id = repository_add_blob(fixture->repository, bytes, size);
	content = repository_content(&id, NUMBER);
	assert_int_equal(base->operations->size(base, &content, &whole), 0);
	assert_int_equal(whole, size);
	for (unsigned i = 0; i < 300; i++) {
		uint64_t offset = (uint64_t)rand() % (size + 1000);
		size_t wanted = (size_t)rand() % (1u << 17);
		size_t expected = offset >= size ? 0 : (wanted > size - offset ? size - offset : wanted);
		size_t got;

		assert_int_equal(base->operations->read(base, &content, piece, wanted, offset, &got), 0);
		assert_int_equal(got, expected);
		assert_memory_equal(piece, bytes + (offset < size ? offset : 0), got);
	}
	base->operations->free(base);
	free(bytes);
	free(piece);
}

static void a_missing_repository_is_named(void **state)
{
	struct hd_base *base = NULL;

	(void)state;
	assert_int_equal(hd_base_git_open("/nowhere/at/all/.git", NUMBER, &base), -HD_E_BASE_MISSING);
	assert_non_null(strstr(hd_error_message(-HD_E_BASE_MISSING), "/nowhere/at/all/.git"));
	assert_null(base);
}

static void a_missing_blob_fails_the_listing_until_it_is_there(void **state)
{
	struct fixture *fixture = *state;
	struct hd_base *base = open_base(fixture);
	struct raw_entry entries[] = {{"100644", "absent", {{0}}}};
	struct listing listing = {0};
	struct hd_base_directory directory;
	struct hd_content content;
	git_oid tree;

	assert_int_equal(git_odb_hash(&entries[0].id, "late\n", 5, GIT_OBJECT_BLOB), 0);
	tree = repository_add_tree(fixture->repository, entries, 1);
	content = repository_content(&tree, NUMBER);
	directory = directory_of(&content);
	assert_int_equal(
		base->operations->list(base, &directory, listing_collect, &listing), -HD_E_BASE_OBJECT);
	assert_non_null(strstr(hd_error_message(-HD_E_BASE_OBJECT), "absent"));
	(void)add_text(fixture, "late\n");
	list_tree(base, &content, &listing);
	read_text(base, &listing_find(&listing, "absent")->content, "late\n");
	listing_clear(&listing);
	base->operations->free(base);
}

static void a_damaged_object_is_an_error_and_never_wrong_bytes(void **state)
{
	struct fixture *fixture = *state;
	struct hd_base *base = open_base(fixture);
	git_oid good = add_text(fixture, "these are the bytes");
	git_oid other = add_text(fixture, "these are not those");
	struct hd_content content = repository_content(&good, NUMBER);
	char from[128], to[128], hex[GIT_OID_HEXSZ + 1];
	char buffer[32];
	size_t size;

	(void)snprintf(from, sizeof(from), "%s/objects/%.2s/%s", fixture->location,
		git_oid_tostr(hex, sizeof(hex), &other), hex + 2);
	(void)snprintf(to, sizeof(to), "%s/objects/%.2s/%s", fixture->location,
		git_oid_tostr(hex, sizeof(hex), &good), hex + 2);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(
		base->operations->read(base, &content, buffer, sizeof(buffer), 0, &size), -HD_E_BASE_OBJECT);
	base->operations->free(base);
}

static void contents_of_other_kinds_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct hd_base *base = open_base(fixture);
	struct hd_content host = {.kind = HD_CONTENT_HOST, .length = 20, .base = NUMBER};
	struct hd_content sha256 = {.kind = HD_CONTENT_GIT, .length = 32, .base = NUMBER};
	git_oid blob = add_text(fixture, "a file");
	struct hd_content file = repository_content(&blob, NUMBER);
	struct hd_base_directory directory = directory_of(&file);
	struct listing listing = {0};
	char buffer[8];
	size_t size;

	assert_int_equal(base->operations->read(base, &host, buffer, 8, 0, &size), -HD_E_CONTENT_KIND);
	assert_int_equal(base->operations->read(base, &sha256, buffer, 8, 0, &size), -HD_E_CONTENT_KIND);
	assert_int_equal(
		base->operations->list(base, &directory, listing_collect, &listing), -HD_E_BASE_OBJECT);
	base->operations->free(base);
}

static void describe_tells_what_init_needs(void **state)
{
	struct fixture *fixture = *state;
	git_oid tree = add_sample_tree(fixture);
	git_oid first = repository_commit(fixture->repository, &tree, "First line\n\nBody\n", COMMIT_TIME);
	struct hd_base_description description;
	char *inside = place_path(fixture->place, "src");
	char hex[GIT_OID_HEXSZ + 1];

	place_make_directory(fixture->place, "src");
	assert_int_equal(hd_base_git_describe(inside, NULL, &description), 0);
	assert_int_equal(description.kind, HD_BASE_GIT);
	assert_string_equal(description.location, fixture->location);
	assert_string_equal(description.work_tree, fixture->place);
	assert_string_equal(description.commit, git_oid_tostr(hex, sizeof(hex), &first));
	assert_string_equal(description.subject, "First line");
	assert_string_equal(description.author, "Ada Weaver <ada@example.org>");
	assert_int_equal(description.time_s, COMMIT_TIME);
	assert_int_equal(description.zone_minutes, 60);
	assert_int_equal(description.tree.kind, HD_CONTENT_GIT);
	assert_memory_equal(description.tree.bytes, tree.id, GIT_OID_RAWSZ);
	hd_base_description_clear(&description);

	(void)repository_commit(fixture->repository, &tree, "Second", COMMIT_TIME + 60);
	assert_int_equal(hd_base_git_describe(fixture->place, "HEAD~1", &description), 0);
	assert_string_equal(description.commit, hex);
	hd_base_description_clear(&description);
	assert_int_equal(
		hd_base_git_describe(fixture->place, "no-such-branch", &description), -HD_E_REVISION_MISSING);
	free(inside);
}

static void describe_tells_a_missing_repository_from_an_empty_one(void **state)
{
	struct fixture *fixture = *state;
	struct hd_base_description description;
	char *nowhere = place_new();

	assert_int_equal(hd_base_git_describe(nowhere, NULL, &description), -HD_E_REPOSITORY_MISSING);
	assert_int_equal(hd_base_git_describe(fixture->place, NULL, &description), -HD_E_REPOSITORY_UNBORN);
	place_remove(nowhere);
}

/* As `git worktree add` leaves it, with the extension that `git sparse-checkout` turns on. */
static void describe_finds_the_common_directory_of_a_linked_worktree(void **state)
{
	struct fixture *fixture = *state;
	git_oid tree = add_sample_tree(fixture);
	git_oid commit = repository_commit(fixture->repository, &tree, "One", COMMIT_TIME);
	struct hd_base_description description;
	char *linked = place_new();
	char hex[GIT_OID_HEXSZ + 1], text[256];

	(void)git_oid_tostr(hex, sizeof(hex), &commit);
	place_make_directory(fixture->location, "worktrees");
	place_make_directory(fixture->location, "worktrees/side");
	(void)snprintf(text, sizeof(text), "%s\n", hex);
	place_write_text(fixture->location, "worktrees/side/HEAD", text);
	place_write_text(fixture->location, "worktrees/side/commondir", "../..\n");
	(void)snprintf(text, sizeof(text), "%s/.git\n", linked);
	place_write_text(fixture->location, "worktrees/side/gitdir", text);
	(void)snprintf(text, sizeof(text), "gitdir: %s/worktrees/side\n", fixture->location);
	place_write_text(linked, ".git", text);
	place_write_text(fixture->location, "config",
		"[core]\n\trepositoryformatversion = 1\n\tbare = false\n"
		"[extensions]\n\tworktreeConfig = true\n\tpartialClone = origin\n");
	assert_int_equal(hd_base_git_describe(linked, NULL, &description), 0);
	assert_string_equal(description.location, fixture->location);
	assert_string_equal(description.work_tree, linked);
	assert_string_equal(description.commit, hex);
	assert_int_equal(hd_base_git_pin(description.location, description.commit), 0);
	hd_base_description_clear(&description);
	place_remove(linked);
}

/* Only root can make a repository of somebody else. */
static void a_repository_of_another_user_is_no_obstacle(void **state)
{
	struct fixture *fixture = *state;
	git_oid tree = add_sample_tree(fixture);
	struct hd_base_description description;

	(void)repository_commit(fixture->repository, &tree, "One", COMMIT_TIME);
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(fixture->place, 12345, 12345), 0);
	assert_int_equal(chown(fixture->location, 12345, 12345), 0);
	assert_int_equal(hd_base_git_describe(fixture->place, NULL, &description), 0);
	hd_base_description_clear(&description);
}

static void a_pin_is_a_reference_and_can_be_repeated(void **state)
{
	struct fixture *fixture = *state;
	git_oid tree = add_sample_tree(fixture);
	git_oid commit = repository_commit(fixture->repository, &tree, "One", COMMIT_TIME);
	char hex[GIT_OID_HEXSZ + 1], name[80];
	git_oid target;

	(void)git_oid_tostr(hex, sizeof(hex), &commit);
	assert_int_equal(hd_base_git_pin(fixture->location, hex), 0);
	assert_int_equal(hd_base_git_pin(fixture->location, hex), 0);
	(void)snprintf(name, sizeof(name), "refs/heddle/base/%s", hex);
	assert_int_equal(git_reference_name_to_id(&target, fixture->repository, name), 0);
	assert_true(git_oid_equal(&target, &commit));
	assert_int_equal(hd_base_git_pin(fixture->location, "main"), -EINVAL);
}

/* ---- what is on the disk ---- */

static ino_t synced[64];
static size_t n_synced;

static int note_sync(int fd)
{
	struct stat stat;

	if (n_synced < sizeof(synced) / sizeof(*synced) && fstat(fd, &stat) == 0)
		synced[n_synced++] = stat.st_ino;
	return 0;
}

int fsync(int fd)
{
	return note_sync(fd);
}

int fdatasync(int fd)
{
	return note_sync(fd);
}

static void assert_synced(const char *path)
{
	struct stat found;
	size_t i = 0;

	assert_int_equal(stat(path, &found), 0);
	while (i < n_synced && synced[i] != found.st_ino)
		i++;
	if (i == n_synced)
		fail_msg("%s was not synced", path);
}

static void a_pin_is_on_the_disk_with_its_new_directories(void **state)
{
	struct fixture *fixture = *state;
	git_oid tree = add_sample_tree(fixture);
	git_oid commit = repository_commit(fixture->repository, &tree, "One", COMMIT_TIME);
	char hex[GIT_OID_HEXSZ + 1], path[4096];

	(void)git_oid_tostr(hex, sizeof(hex), &commit);
	n_synced = 0;
	assert_int_equal(hd_base_git_pin(fixture->location, hex), 0);
	(void)snprintf(path, sizeof(path), "%s/refs/heddle/base/%s", fixture->location, hex);
	for (size_t i = 0; i < 4; i++) {
		assert_synced(path);
		*strrchr(path, '/') = '\0';
	}
}

int main(void)
{
#define WITH_REPOSITORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_REPOSITORY(a_tree_lists_and_reads_as_a_checkout_would),
		WITH_REPOSITORY(a_packed_repository_lists_and_reads_the_same),
		WITH_REPOSITORY(a_base_survives_that_its_repository_is_repacked_underneath),
		WITH_REPOSITORY(a_large_blob_reads_right_at_any_offset),
		cmocka_unit_test(a_missing_repository_is_named),
		WITH_REPOSITORY(a_missing_blob_fails_the_listing_until_it_is_there),
		WITH_REPOSITORY(a_damaged_object_is_an_error_and_never_wrong_bytes),
		WITH_REPOSITORY(contents_of_other_kinds_are_refused),
		WITH_REPOSITORY(describe_tells_what_init_needs),
		WITH_REPOSITORY(describe_tells_a_missing_repository_from_an_empty_one),
		WITH_REPOSITORY(describe_finds_the_common_directory_of_a_linked_worktree),
		WITH_REPOSITORY(a_repository_of_another_user_is_no_obstacle),
		WITH_REPOSITORY(a_pin_is_a_reference_and_can_be_repeated),
		WITH_REPOSITORY(a_pin_is_on_the_disk_with_its_new_directories),
	};

	return cmocka_run_group_tests_name("git bases", tests, NULL, NULL);
}
