/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/falloc.h>
#include <pthread.h>

#include "overlay/contents/promotion.h"
#include "overlay/journal/flush.h"
#include "overlay/snapshot.h"
#include "tests/unit/overlay/yard.h"

/*
 * A snapshot has the bytes of its instant, whatever is written before they are stored. One test changes files in every way
 * between the snapshot and the settling, and compares each with what it was; another one writes two files in turn while
 * snapshots are taken.
 */

#define FILES 5
#define FILE_SIZE ((size_t)6 << 20) /* more than hot blocks may have: some get memory of their own */
#define WIDE ((size_t)1 << 20)      /* one piece of a write */

struct model {
	hd_ino ino;
	uint8_t *bytes;
	size_t size;
};

static void write_model(struct yard *yard, struct model *model, size_t offset, size_t size, uint8_t byte)
{
	size_t written;

	if (offset + size > FILE_SIZE)
		size = FILE_SIZE - offset;
	if (offset > model->size)
		memset(model->bytes + model->size, 0, offset - model->size);
	memset(model->bytes + offset, byte, size);
	if (model->size < offset + size)
		model->size = offset + size;
	assert_success(
		hd_overlay_write(yard->overlay, model->ino, model->bytes + offset, size, offset, &written));
	assert_int_equal(written, size);
}

static void truncate_model(struct yard *yard, struct model *model, size_t size)
{
	struct hd_attributes values = {.size = size};

	if (size > model->size)
		memset(model->bytes + model->size, 0, size - model->size);
	model->size = size;
	assert_success(
		hd_overlay_setattr(yard->overlay, &yard_caller, model->ino, HD_SET_SIZE, &values, &values));
}

static void punch_model(struct yard *yard, struct model *model, size_t offset, size_t size)
{
	if (offset < model->size)
		memset(model->bytes + offset, 0, offset + size < model->size ? size : model->size - offset);
	assert_success(hd_overlay_fallocate(
		yard->overlay, model->ino, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, size));
}

static void copy_model(struct yard *yard, const struct model *from, struct model *to, size_t offset)
{
	size_t size = from->size > offset ? from->size - offset : 0, copied = 0;

	if (size == 0)
		return;
	assert_success(
		hd_overlay_copy_file_range(yard->overlay, from->ino, offset, to->ino, offset, size, &copied));
	assert_int_equal(copied, size);
	if (offset > to->size)
		memset(to->bytes + to->size, 0, offset - to->size);
	memcpy(to->bytes + offset, from->bytes + offset, size);
	if (to->size < offset + size)
		to->size = offset + size;
}

static void change(struct yard *yard, struct model *models, uint64_t *seed)
{
	struct model *model = &models[draw(seed) % FILES];
	size_t offset = draw(seed) % FILE_SIZE, size = 1 + draw(seed) % 20000;
	struct hd_content content;

	switch (draw(seed) % 8) {
	case 0:
		truncate_model(yard, model, offset);
		break;
	case 1:
		punch_model(yard, model, offset, size * 10);
		break;
	case 2:
		copy_model(yard, &models[draw(seed) % FILES], model, draw(seed) % 2 ? 0 : offset);
		break;
	case 3:
		/* As the background does it. */
		assert_int_not_equal(hd_file_settle(yard->overlay, model->ino, NULL, &content), -ENOENT);
		break;
	case 4:
		assert_success(hd_flush(yard->overlay));
		break;
	default:
		write_model(
			yard, model, draw(seed) % 2 ? offset : draw(seed) % 8192, size, (uint8_t)draw(seed));
	}
}

static void assert_is(struct hd_snapshot *snapshot, const struct hd_snapshot_node *node,
	const struct model *was, uint8_t *seen)
{
	size_t size = 0;

	assert_int_equal(node->attributes.size, was->size);
	assert_success(hd_snapshot_read(snapshot, node, seen, FILE_SIZE, 0, &size));
	assert_int_equal(size, was->size);
	assert_memory_equal(seen, was->bytes, size);
}

static void assert_live(struct yard *yard, const struct model *model, uint8_t *seen)
{
	size_t size = 0;

	assert_success(hd_overlay_read(yard->overlay, model->ino, seen, FILE_SIZE, 0, &size));
	assert_int_equal(size, model->size);
	assert_memory_equal(seen, model->bytes, size);
}

/* FILE_SIZE bytes of the base, as the yard makes them up. */
static void learn_base(struct yard *yard, struct model *model)
{
	assert_success(hd_overlay_read(yard->overlay, model->ino, model->bytes, FILE_SIZE, 0, &model->size));
}

static void make_models(struct yard *yard, struct model *models, struct model *were)
{
	for (int i = 0; i < FILES; i++) {
		char name[8];

		(void)snprintf(name, sizeof(name), "f%d", i);
		models[i].bytes = calloc(1, FILE_SIZE);
		were[i].bytes = calloc(1, FILE_SIZE);
		assert_non_null(models[i].bytes);
		assert_non_null(were[i].bytes);
		models[i].ino = i < 2 ? find(yard->overlay, HD_ROOT_INO, name)
				      : make_file(yard->overlay, HD_ROOT_INO, name);
		if (i < 2)
			learn_base(yard, &models[i]);
	}
}

static void a_snapshot_has_the_bytes_of_its_instant(void **state)
{
	struct yard *yard = *state;
	struct model models[FILES] = {0}, were[FILES] = {0};
	uint8_t *seen = malloc(FILE_SIZE);
	uint64_t seed = yard_seed();

	assert_non_null(seen);
	(void)yard_base_add(yard, 0, "f0", S_IFREG | 0644, 300000);
	(void)yard_base_add(yard, 0, "f1", S_IFREG | 0644, 5000000);
	(void)yard_open(yard);
	make_models(yard, models, were);
	for (int round = 0; round < (YARD_IS_SLOW ? 10 : 60); round++) {
		bool early = round % 2;
		struct hd_snapshot *snapshot = NULL;
		struct hd_snapshot_node *root;

		for (int i = 0; i < FILES; i++)
			write_model(yard, &models[i], draw(&seed) % 3000000, 1 + draw(&seed) % 300000,
				(uint8_t)draw(&seed));
		assert_success(hd_snapshot_take(yard->overlay, round % 3 > 0, &snapshot));
		for (int i = 0; i < FILES; i++) {
			memcpy(were[i].bytes, models[i].bytes, models[i].size);
			were[i].size = models[i].size;
		}
		root = hd_snapshot_root(snapshot);
		for (int i = 0; i < FILES; i++) {
			for (int n = 0; n < 12; n++)
				change(yard, models, &seed);
			if (early)
				assert_is(snapshot, &root->children[i], &were[i], seen);
			assert_success(hd_snapshot_settle(snapshot, &root->children[i]));
		}
		change(yard, models, &seed);
		for (int i = 0; i < FILES; i++) {
			assert_is(snapshot, &root->children[i], &were[i], seen);
			assert_live(yard, &models[i], seen);
		}
		hd_snapshot_free(snapshot);
	}
	for (int i = 0; i < FILES; i++) {
		free(models[i].bytes);
		free(were[i].bytes);
	}
	free(seen);
}

/* The second name is met when the first one has been stored, and the file written again. */
static void all_names_of_a_file_are_of_the_same_instant(void **state)
{
	struct yard *yard = *state;
	struct hd_overlay *overlay = yard_open(yard);
	struct hd_snapshot *snapshot = NULL;
	struct hd_snapshot_node *nodes;
	struct hd_attributes attributes;
	uint8_t seen[16];
	size_t size = 0;
	hd_ino ino = make_file(overlay, HD_ROOT_INO, "first");

	assert_success(hd_overlay_link(overlay, ino, HD_ROOT_INO, "second", &attributes));
	assert_success(hd_overlay_link(overlay, ino, HD_ROOT_INO, "third", &attributes));
	write_text(overlay, ino, "at once");
	assert_success(hd_snapshot_take(overlay, true, &snapshot));
	nodes = hd_snapshot_root(snapshot)->children;
	assert_success(hd_snapshot_settle(snapshot, &nodes[0]));
	write_text(overlay, ino, "later, and longer");
	assert_success(hd_snapshot_settle(snapshot, &nodes[1]));
	assert_true(hd_content_equal(&nodes[0].content, &nodes[1].content));
	assert_success(hd_snapshot_read(snapshot, &nodes[2], seen, sizeof(seen), 0, &size));
	assert_int_equal(size, 7);
	assert_memory_equal(seen, "at once", size);
	hd_snapshot_free(snapshot);
}

struct writer {
	struct hd_overlay *overlay;
	hd_ino files[2];
	atomic_bool stop;
	int result;
};

/* The same byte all over one file, then all over the other one. */
static void *write_in_turn(void *payload)
{
	struct writer *writer = payload;
	uint8_t *bytes = malloc(WIDE);
	size_t written;

	for (unsigned count = 0; bytes && !atomic_load(&writer->stop) && writer->result == 0; count++) {
		memset(bytes, (int)(count / 2 % 251), WIDE);
		writer->result =
			hd_overlay_write(writer->overlay, writer->files[count % 2], bytes, WIDE, 0, &written);
	}
	free(bytes);
	return NULL;
}

static uint8_t all_of(struct hd_snapshot *snapshot, const struct hd_snapshot_node *node, uint8_t *seen)
{
	size_t size = 0;

	assert_success(hd_snapshot_read(snapshot, node, seen, WIDE, 0, &size));
	assert_int_equal(size, WIDE);
	for (size_t i = 1; i < WIDE; i++)
		if (seen[i] != seen[0])
			fail_msg("half of a write: %u, and %u at %zu", seen[0], seen[i], i);
	return seen[0];
}

static void two_files_are_of_one_instant(void **state)
{
	struct yard *yard = *state;
	struct writer writer = {.stop = false};
	uint8_t *seen = calloc(2, WIDE);
	pthread_t thread;
	size_t written;

	assert_non_null(seen);
	writer.overlay = yard_open(yard);
	for (int i = 0; i < 2; i++) {
		writer.files[i] = make_file(writer.overlay, HD_ROOT_INO, i ? "second" : "first");
		assert_success(hd_overlay_write(writer.overlay, writer.files[i], seen, WIDE, 0, &written));
	}
	assert_int_equal(pthread_create(&thread, NULL, write_in_turn, &writer), 0);
	for (int round = 0; round < (YARD_IS_SLOW ? 50 : 300); round++) {
		struct hd_snapshot *snapshot = NULL;
		struct hd_snapshot_node *files;
		unsigned first, second;

		assert_success(hd_snapshot_take(writer.overlay, true, &snapshot));
		files = hd_snapshot_root(snapshot)->children;
		for (int i = 0; i < 2; i++)
			assert_success(hd_snapshot_settle(snapshot, &files[i]));
		first = all_of(snapshot, &files[0], seen);
		second = all_of(snapshot, &files[1], seen);
		if (first != second && first != (second + 1) % 251)
			fail_msg("the second file is at %u, the first at %u", second, first);
		hd_snapshot_free(snapshot);
	}
	atomic_store(&writer.stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_success(writer.result);
	free(seen);
}

/* All of one byte, then zeros but for the first and the last one. */
static void *fill_and_punch(void *payload)
{
	struct writer *writer = payload;
	uint8_t *bytes = malloc(WIDE);
	size_t written;

	for (unsigned count = 0; bytes && !atomic_load(&writer->stop) && writer->result == 0; count++) {
		memset(bytes, (int)(1 + count % 250), WIDE);
		writer->result =
			hd_overlay_write(writer->overlay, writer->files[0], bytes, WIDE, 0, &written);
		if (writer->result == 0)
			writer->result = hd_overlay_fallocate(writer->overlay, writer->files[0],
				FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1, WIDE - 2);
	}
	free(bytes);
	return NULL;
}

static void a_hole_is_there_as_a_whole_or_not_at_all(void **state)
{
	struct yard *yard = *state;
	struct writer writer = {.stop = false};
	uint8_t *seen = calloc(1, WIDE);
	pthread_t thread;
	size_t size;

	assert_non_null(seen);
	writer.overlay = yard_open(yard);
	writer.files[0] = make_file(writer.overlay, HD_ROOT_INO, "file");
	assert_success(hd_overlay_write(writer.overlay, writer.files[0], seen, WIDE, 0, &size));
	assert_int_equal(pthread_create(&thread, NULL, fill_and_punch, &writer), 0);
	for (int round = 0; round < (YARD_IS_SLOW ? 50 : 300); round++) {
		struct hd_snapshot *snapshot = NULL;

		assert_success(hd_snapshot_take(writer.overlay, true, &snapshot));
		assert_success(hd_snapshot_read(
			snapshot, hd_snapshot_root(snapshot)->children, seen, WIDE, 0, &size));
		assert_int_equal(size, WIDE);
		assert_int_equal(seen[0], seen[WIDE - 1]);
		for (size_t i = 2; i < WIDE - 1; i++)
			if (seen[i] != seen[1])
				fail_msg("a part of a hole: %u at 1, and %u at %zu", seen[1], seen[i], i);
		assert_true(seen[1] == 0 || seen[1] == seen[0]);
		hd_snapshot_free(snapshot);
	}
	atomic_store(&writer.stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_success(writer.result);
	free(seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, yard_setup, yard_teardown)
		cmocka_unit_test_setup_teardown(
			a_snapshot_has_the_bytes_of_its_instant, yard_setup_over_base, yard_teardown),
		TEST(all_names_of_a_file_are_of_the_same_instant),
		TEST(two_files_are_of_one_instant),
		TEST(a_hole_is_there_as_a_whole_or_not_at_all),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
