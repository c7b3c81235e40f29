/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <sys/stat.h>

#include "capture/directory_store.h"
#include "overlay/store/tree_codec.h"
#include "tests/unit/store/scratch_store.h"

/*
 * Many directories get the objects that they get one by one, whichever thread makes them; and where making one fails, once or
 * for good, the caller is told, or it is done again.
 */

#define DIRECTORIES 200
#define FILES 20

struct family {
	struct hd_snapshot_node root;
	struct hd_snapshot_node directories[DIRECTORIES];
	struct hd_snapshot_node files[DIRECTORIES][FILES];
	char names[DIRECTORIES][8];
	char file_names[FILES][8];
};

int __real_hd_object_batch_put(
	struct hd_object_batch *batch, const void *data, size_t size, struct hd_content *ret_content);
int __wrap_hd_object_batch_put(
	struct hd_object_batch *batch, const void *data, size_t size, struct hd_content *ret_content);

/* The put with this number fails, and so do FAILURES - 1 behind it, whichever thread puts. */
static unsigned puts_before_failure, failures;
static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;

static bool is_to_fail(void)
{
	bool fails = false;

	(void)pthread_mutex_lock(&counting);
	if (puts_before_failure > 0) {
		puts_before_failure--;
	} else if (failures > 0) {
		failures--;
		fails = true;
	}
	(void)pthread_mutex_unlock(&counting);
	return fails;
}

int __wrap_hd_object_batch_put(
	struct hd_object_batch *batch, const void *data, size_t size, struct hd_content *ret_content)
{
	if (is_to_fail())
		return hd_fail(ENOSPC, "put number so and so");
	return __real_hd_object_batch_put(batch, data, size, ret_content);
}

static void name_node(struct hd_snapshot_node *node, char *name, uint32_t mode)
{
	node->name = name;
	node->name_length = (uint16_t)strlen(name);
	node->attributes.mode = mode;
}

static struct family *family_new(void)
{
	struct family *family = calloc(1, sizeof(*family));

	assert_non_null(family);
	family->root = (struct hd_snapshot_node){.children = family->directories,
		.n_children = DIRECTORIES,
		.attributes.mode = S_IFDIR | 0755};
	for (unsigned f = 0; f < FILES; f++)
		(void)snprintf(family->file_names[f], sizeof(family->file_names[f]), "f%03u", f);
	for (unsigned d = 0; d < DIRECTORIES; d++) {
		(void)snprintf(family->names[d], sizeof(family->names[d]), "d%03u", d);
		name_node(&family->directories[d], family->names[d], S_IFDIR | 0755);
		family->directories[d].children = family->files[d];
		family->directories[d].n_children = FILES;
		for (unsigned f = 0; f < FILES; f++) {
			struct hd_snapshot_node *file = &family->files[d][f];

			name_node(file, family->file_names[f], S_IFREG | 0644);
			file->attributes.size = d + 1;
			file->attributes.modify_time.tv_sec = d * f;
			file->content = (struct hd_content){.kind = HD_CONTENT_OBJECT, .length = 20};
			file->content.bytes[0] = (uint8_t)(d + 1);
			file->content.bytes[1] = (uint8_t)f;
		}
	}
	return family;
}

/* All but the root, and then, when they have their references, the root. */
static int store_family(struct scratch *scratch, struct family *family)
{
	struct hd_directory directory = {.needs_tree = true};
	struct hd_directory_store *directories;
	int r;

	assert_success(hd_directory_store_new(scratch->store->objects, &directories));
	for (unsigned d = 0; d < DIRECTORIES; d++) {
		directory.node = &family->directories[d];
		assert_success(hd_directory_store_add(directories, &directory));
	}
	r = hd_directory_store_wait(directories);
	if (r == 0) {
		directory.node = &family->root;
		directory.is_root = true;
		r = hd_directory_store_add(directories, &directory);
	}
	if (r == 0)
		r = hd_directory_store_finish(directories);
	hd_directory_store_free(directories);
	return r;
}

static void assert_same_as_one_by_one(struct scratch *scratch, const struct family *family)
{
	struct family *other = family_new();
	struct hd_directory directory = {.needs_tree = true};
	struct hd_tree tree = {0};
	void *data = NULL;
	size_t size = 0;

	for (unsigned d = 0; d < DIRECTORIES; d++) {
		const struct hd_snapshot_node *node = directory.node = &other->directories[d];

		assert_success(hd_directory_put(scratch->store->objects, NULL, &directory));
		assert_true(hd_content_equal(&node->content, &family->directories[d].content));
		assert_true(hd_content_equal(
			&node->attribute_content, &family->directories[d].attribute_content));
	}
	directory.node = &other->root;
	directory.is_root = true;
	assert_success(hd_directory_put(scratch->store->objects, NULL, &directory));
	assert_true(hd_content_equal(&other->root.content, &family->root.content));
	assert_true(hd_content_equal(&other->root.attribute_content, &family->root.attribute_content));
	assert_success(
		hd_object_store_get(scratch->store->objects, &family->root.content, SIZE_MAX, &data, &size));
	assert_success(hd_tree_decode(data, size, &tree));
	assert_int_equal(tree.count, DIRECTORIES);
	hd_tree_clear(&tree);
	free(data);
	free(other);
}

static void many_directories_are_what_they_are_one_by_one(void **state)
{
	struct scratch *scratch = *state;
	struct family *family = family_new();

	assert_success(store_family(scratch, family));
	assert_same_as_one_by_one(scratch, family);
	free(family);
}

static void what_fails_once_is_done_again(void **state)
{
	struct scratch *scratch = *state;

	for (unsigned before = 0; before < 2 * DIRECTORIES; before += 37) {
		struct family *family = family_new();

		puts_before_failure = before;
		failures = 1;
		assert_success(store_family(scratch, family));
		assert_int_equal(failures, 0);
		assert_same_as_one_by_one(scratch, family);
		free(family);
	}
}

static void what_fails_again_is_told_with_its_detail(void **state)
{
	struct scratch *scratch = *state;

	for (unsigned before = 0; before < 2 * DIRECTORIES; before += 37) {
		struct family *family = family_new();
		int r;

		puts_before_failure = before;
		failures = UINT32_MAX;
		r = store_family(scratch, family);
		failures = 0;
		assert_code(r, ENOSPC);
		assert_non_null(strstr(hd_error_message(r), "put number so and so"));
		free(family);
	}
}

static void what_is_not_finished_is_forgotten(void **state)
{
	struct scratch *scratch = *state;

	for (unsigned count = 0; count <= DIRECTORIES; count += 25) {
		struct family *family = family_new();
		struct hd_directory_store *directories;

		assert_success(hd_directory_store_new(scratch->store->objects, &directories));
		for (unsigned d = 0; d < count; d++)
			assert_success(hd_directory_store_add(directories,
				&(struct hd_directory){.node = &family->directories[d], .needs_tree = true}));
		hd_directory_store_free(directories);
		free(family);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
		TEST(many_directories_are_what_they_are_one_by_one),
		TEST(what_fails_once_is_done_again),
		TEST(what_fails_again_is_told_with_its_detail),
		TEST(what_is_not_finished_is_forgotten),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
