/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "overlay/bases/git/base_git_identity.h"
#include "overlay/platform/buffer.h"
#include "tests/unit/bases/place.h"
#include "tests/unit/bases/repository.h"

/* The ids of bytes and trees, against git's own. */

static git_oid hash_in_pieces(const char *data, size_t size, size_t piece)
{
	struct hd_git_hash *hash;
	git_oid id;

	assert_int_equal(hd_git_hash_new(HD_GIT_BLOB, size, &hash), 0);
	for (size_t at = 0; at < size; at += piece)
		assert_int_equal(
			hd_git_hash_append(hash, data + at, size - at < piece ? size - at : piece), 0);
	assert_int_equal(hd_git_hash_finish(hash, id.id), 0);
	return id;
}

static void bytes_have_the_id_that_git_gives_them(void **state)
{
	git_oid id, expected;

	(void)state;
	assert_int_equal(hd_git_hash_bytes(HD_GIT_BLOB, "hello\n", 6, id.id), 0);
	assert_int_equal(git_oid_fromstr(&expected, "ce013625030ba8dba906f756967f9e9ca394464a"), 0);
	assert_true(git_oid_equal(&id, &expected));
	assert_int_equal(hd_git_hash_bytes(HD_GIT_BLOB, NULL, 0, id.id), 0);
	assert_int_equal(git_oid_fromstr(&expected, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"), 0);
	assert_true(git_oid_equal(&id, &expected));
	assert_int_equal(hd_git_hash_bytes(HD_GIT_TREE, NULL, 0, id.id), 0);
	assert_int_equal(git_oid_fromstr(&expected, "4b825dc642cb6eb9a060e54bf8d69288fbee4904"), 0);
	assert_true(git_oid_equal(&id, &expected));
}

static void pieces_have_the_id_of_the_whole(void **state)
{
	enum { SIZE = 300001 };
	char *data = malloc(SIZE);
	git_oid whole, pieces;

	(void)state;
	assert_non_null(data);
	for (int i = 0; i < SIZE; i++)
		data[i] = (char)((unsigned)i * 7919u >> 5);
	assert_int_equal(hd_git_hash_bytes(HD_GIT_BLOB, data, SIZE, whole.id), 0);
	pieces = hash_in_pieces(data, SIZE, 4096);
	assert_true(git_oid_equal(&whole, &pieces));
	pieces = hash_in_pieces(data, SIZE, SIZE);
	assert_true(git_oid_equal(&whole, &pieces));
	pieces = hash_in_pieces(data, 0, 1);
	assert_int_equal(hd_git_hash_bytes(HD_GIT_BLOB, data, 0, whole.id), 0);
	assert_true(git_oid_equal(&whole, &pieces));
	free(data);
}

static void pieces_must_add_up_to_the_announced_size(void **state)
{
	struct hd_git_hash *hash;
	uint8_t id[HD_GIT_ID_SIZE];

	(void)state;
	assert_int_equal(hd_git_hash_new(HD_GIT_BLOB, 4, &hash), 0);
	assert_int_equal(hd_git_hash_append(hash, "abc", 3), 0);
	assert_int_equal(hd_git_hash_append(hash, "de", 2), -EINVAL);
	assert_int_equal(hd_git_hash_finish(hash, id), -EINVAL);
}

/* git sorts "lib" the directory behind "lib.c", and "lib" the file before it. */
static void a_tree_is_encoded_as_git_writes_it(void **state)
{
	char *place = place_new();
	git_repository *repository = repository_new(place);
	git_oid blob = repository_add_blob(repository, "x", 1);
	struct raw_entry inner = {.mode = "100644", .name = "x", .id = blob};
	git_oid subtree = repository_add_tree(repository, &inner, 1);
	struct hd_git_tree_entry entries[] = {
		{.name = "lib", .name_length = 3, .mode = S_IFDIR | 0755, .id = subtree.id},
		{.name = "lib.c", .name_length = 5, .mode = S_IFREG | 0644, .id = blob.id},
		{.name = "link", .name_length = 4, .mode = S_IFLNK | 0777, .id = blob.id},
		{.name = "run", .name_length = 3, .mode = S_IFREG | 0755, .id = blob.id},
	};
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	git_treebuilder *builder = NULL;
	git_oid written, id;

	*state = NULL;
	assert_int_equal(git_treebuilder_new(&builder, repository, NULL), 0);
	assert_int_equal(git_treebuilder_insert(NULL, builder, "lib", &subtree, GIT_FILEMODE_TREE), 0);
	assert_int_equal(git_treebuilder_insert(NULL, builder, "lib.c", &blob, GIT_FILEMODE_BLOB), 0);
	assert_int_equal(git_treebuilder_insert(NULL, builder, "link", &blob, GIT_FILEMODE_LINK), 0);
	assert_int_equal(
		git_treebuilder_insert(NULL, builder, "run", &blob, GIT_FILEMODE_BLOB_EXECUTABLE), 0);
	assert_int_equal(git_treebuilder_write(&written, builder), 0);
	git_treebuilder_free(builder);
	assert_int_equal(hd_git_tree_encode(entries, 4, &bytes), 0);
	assert_int_equal(hd_git_hash_bytes(HD_GIT_TREE, bytes.data, bytes.size, id.id), 0);
	assert_true(git_oid_equal(&id, &written));
	git_repository_free(repository);
	place_remove(place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_have_the_id_that_git_gives_them),
		cmocka_unit_test(pieces_have_the_id_of_the_whole),
		cmocka_unit_test(pieces_must_add_up_to_the_announced_size),
		cmocka_unit_test(a_tree_is_encoded_as_git_writes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
