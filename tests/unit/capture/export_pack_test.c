/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/capture/scene.h"

#include <git2.h>

#include "capture/git/export/export_pack.h"
#include "capture/git/packs/pack_writer.h"
#include "overlay/bases/git/base_git_library.h"

/*
 * Packs judged by git: verify-pack, index-pack of the same bytes, cat-file of each object. Sizes are those at which the headers
 * of entries grow, from no byte on; what does not compress is there as well.
 */

enum { MANY = 3000 };

struct objects {
	git_repository *repository;
	git_odb *odb;
	struct hd_export_pack *pack;
};

static void open_objects(const struct scene *scene, struct objects *objects)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/repo/.git", scene->directory);
	assert_success(hd_git_library_start());
	assert_int_equal(git_repository_open(&objects->repository, path), 0);
	assert_int_equal(git_repository_odb(&objects->odb, objects->repository), 0);
	assert_success(hd_export_pack_new(objects->odb, path, &objects->pack));
}

static void close_objects(struct objects *objects)
{
	git_odb_free(objects->odb);
	git_repository_free(objects->repository);
}

/* Bytes that no two sizes share; of odd ones nothing compresses. */
static void fill(uint8_t *bytes, size_t size)
{
	uint32_t noise = (uint32_t)size * 2654435761u + 1;

	for (size_t i = 0; i < size; i++) {
		noise = noise * 1664525u + 1013904223u;
		bytes[i] = size % 2 ? (uint8_t)(noise >> 24) : (uint8_t)('a' + size % 23);
	}
}

static void put(struct objects *objects, size_t size, git_oid *ret_id)
{
	uint8_t *bytes = malloc(size + 1);

	assert_non_null(bytes);
	fill(bytes, size);
	assert_success(hd_export_pack_put(objects->pack, GIT_OBJECT_BLOB, bytes, size, ret_id));
	free(bytes);
}

static void check_read(struct objects *objects, size_t size, const git_oid *id)
{
	uint8_t *bytes = malloc(size + 1);
	git_odb_object *object;
	git_object_t type;
	size_t told;

	assert_non_null(bytes);
	fill(bytes, size);
	assert_int_equal(git_odb_read_header(&told, &type, objects->odb, id), 0);
	assert_int_equal(told, size);
	assert_int_equal(type, GIT_OBJECT_BLOB);
	assert_int_equal(git_odb_read(&object, objects->odb, id), 0);
	assert_int_equal(git_odb_object_size(object), size);
	assert_memory_equal(git_odb_object_data(object), bytes, size);
	git_odb_object_free(object);
	free(bytes);
}

static void test_many_objects_are_one_pack(void **state)
{
	static const size_t sizes[] = {15, 16, 2047, 2048, 262143, 262144, 1048575, 1048576, 1500001};
	struct scene *scene = *state;
	git_oid ids[MANY], large[sizeof(sizes) / sizeof(sizes[0])];
	struct objects objects;
	bool loose = true;

	scene_make_repository(scene);
	open_objects(scene, &objects);
	for (size_t i = 0; i < MANY; i++) {
		put(&objects, i, &ids[i]);
		/* Whatever was put is there to be read, also what was put long ago. */
		check_read(&objects, i / 2, &ids[i / 2]);
	}
	for (size_t i = 0; i < HD_ARRAY_SIZE(sizes); i++)
		put(&objects, sizes[i], &large[i]);
	put(&objects, 7, &ids[7]);
	scene_assert_output(scene, "", "ls repo/.git/objects/pack");
	assert_success(hd_export_pack_finish(objects.pack, &loose));
	assert_false(loose);
	for (size_t i = 0; i < MANY; i += 7)
		check_read(&objects, i, &ids[i]);
	for (size_t i = 0; i < HD_ARRAY_SIZE(sizes); i++)
		check_read(&objects, sizes[i], &large[i]);
	close_objects(&objects);
	scene_assert_output(scene, "1\n", "ls repo/.git/objects/pack/*.pack | wc -l");
	scene_run(scene,
		"cd repo && git verify-pack -v .git/objects/pack/*.idx >../listed && git fsck --strict");
	/* 15, 16, 2047 and 2048 were there. */
	scene_assert_output(scene, "3005\n", "grep -c ' blob ' listed");
	scene_run(scene,
		"cp repo/.git/objects/pack/*.pack copy.pack && git index-pack copy.pack >named && "
		"cmp copy.idx repo/.git/objects/pack/*.idx && test repo/.git/objects/pack/pack-$(cut "
		"-f2 named).idx -ef repo/.git/objects/pack/*.idx");
	scene_assert_output(scene, "444\n", "stat -c %%a repo/.git/objects/pack/*.pack");
}

static void test_a_few_objects_are_files(void **state)
{
	struct scene *scene = *state;
	struct objects objects;
	git_oid ids[HD_EXPORT_LOOSE_OBJECTS];
	char *before, *after;
	bool loose = false;

	scene_make_repository(scene);
	before = scene_output(scene, "git -C repo count-objects | cut -d' ' -f1");
	open_objects(scene, &objects);
	for (size_t i = 0; i < HD_EXPORT_LOOSE_OBJECTS; i++)
		put(&objects, i, &ids[i]);
	assert_success(hd_export_pack_finish(objects.pack, &loose));
	assert_true(loose);
	check_read(&objects, 5, &ids[5]);
	/* There is nothing left to be written. */
	assert_success(hd_export_pack_finish(objects.pack, &loose));
	assert_false(loose);
	/* What the repository has is not written again. */
	put(&objects, 5, &ids[5]);
	assert_success(hd_export_pack_finish(objects.pack, &loose));
	assert_false(loose);
	close_objects(&objects);
	after = scene_output(scene, "git -C repo count-objects | cut -d' ' -f1");
	assert_int_equal(atoi(after) - atoi(before), HD_EXPORT_LOOSE_OBJECTS);
	scene_run(scene, "git -C repo fsck --strict && test -z \"$(ls repo/.git/objects/pack)\"");
	free(before);
	free(after);
}

static void test_what_is_dropped_leaves_nothing(void **state)
{
	struct scene *scene = *state;
	struct objects objects;
	git_oid id;
	char *before;

	scene_make_repository(scene);
	before = scene_output(scene, "find repo/.git/objects | sort");
	open_objects(scene, &objects);
	for (size_t i = 0; i < MANY; i++)
		put(&objects, i, &id);
	assert_true(hd_export_pack_has(objects.pack, &id));
	hd_export_pack_drop(objects.pack);
	assert_false(hd_export_pack_has(objects.pack, &id));
	scene_assert_output(scene, before, "find repo/.git/objects | sort");
	/* And it can be gone on with. */
	put(&objects, 3, &id);
	check_read(&objects, 3, &id);
	close_objects(&objects);
	scene_assert_output(scene, before, "find repo/.git/objects | sort");
	free(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_many_objects_are_one_pack, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(test_a_few_objects_are_files, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(
			test_what_is_dropped_leaves_nothing, scene_setup, scene_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
