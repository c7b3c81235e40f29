/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/overlay/tale.h"

#include <linux/fs.h>

#include "overlay/contents/promotion.h"

static uint64_t capacity_of(unsigned i)
{
	return i < 2 ? TALE_LARGE_SIZE : TALE_SIZE;
}

void tale_begin(struct tale *tale, uint64_t seed)
{
	*tale = (struct tale){.seed = seed};
	for (unsigned i = 0; i < TALE_FILES; i++) {
		/* All as large as the largest: an exchange gives a name another file's bytes. */
		tale->files[i].bytes = calloc(1, TALE_LARGE_SIZE);
		assert_non_null(tale->files[i].bytes);
	}
}

void tale_end(struct tale *tale)
{
	for (unsigned i = 0; i < TALE_FILES; i++)
		free(tale->files[i].bytes);
}

static const char *directory_name(unsigned i)
{
	static const char *const names[TALE_DIRECTORIES] = {"d0", "d1", "d2"};

	return names[i % TALE_DIRECTORIES];
}

static void file_name(unsigned i, char name[128])
{
	snprintf(
		name, 128, "%s%u", i % 5 ? "f" : "a-name-that-does-not-fit-into-the-record-of-its-entry-", i);
}

static hd_ino parent_of(struct hd_overlay *overlay, unsigned i)
{
	return find(overlay, HD_ROOT_INO, directory_name(i));
}

void tale_make_directories(struct hd_overlay *overlay)
{
	for (unsigned i = 0; i < TALE_DIRECTORIES; i++)
		(void)make_directory(overlay, HD_ROOT_INO, directory_name(i));
}

/* The file, open; made if it is not there. */
static hd_ino open_file(struct hd_overlay *overlay, unsigned i)
{
	hd_ino parent = parent_of(overlay, i);
	struct hd_attributes attributes;
	char name[128];
	int r;

	file_name(i, name);
	r = hd_overlay_lookup(overlay, parent, name, &attributes);
	if (r == -ENOENT)
		return make_file(overlay, parent, name);
	assert_success(r);
	assert_success(hd_overlay_open_file(overlay, attributes.ino, O_RDWR));
	return attributes.ino;
}

static void close_file(struct hd_overlay *overlay, hd_ino ino)
{
	assert_success(hd_overlay_release(overlay, ino));
	hd_overlay_forget(overlay, ino, 1);
}

static void touch(struct tale *tale, unsigned i)
{
	tale->files[i].touched = tale->steps;
}

static void create(struct tale_file *file)
{
	if (file->exists)
		return;
	file->exists = true;
	file->size = 0;
	file->is_marked = false;
}

static void grow(struct tale_file *file, uint64_t size)
{
	if (size > file->size) {
		memset(file->bytes + file->size, 0, size - file->size);
		file->size = size;
	}
}

static void step_write(struct tale *tale, struct hd_overlay *overlay, unsigned i, uint64_t *seed)
{
	struct tale_file *file = &tale->files[i];
	uint64_t limit = capacity_of(i), offset = draw(seed) % limit;
	size_t size = 1 + draw(seed) % (draw(seed) % 6 ? 9000 : limit), written = 0;

	if (size > limit - offset)
		size = limit - offset;
	touch(tale, i);
	create(file);
	grow(file, offset + size);
	for (size_t at = 0; at < size; at += 8) {
		uint64_t bytes = draw(seed);

		memcpy(file->bytes + offset + at, &bytes, size - at < 8 ? size - at : 8);
	}
	if (overlay) {
		hd_ino ino = open_file(overlay, i);

		assert_success(hd_overlay_write(overlay, ino, file->bytes + offset, size, offset, &written));
		assert_int_equal(written, size);
		close_file(overlay, ino);
	}
}

static void step_truncate(struct tale *tale, struct hd_overlay *overlay, unsigned i, uint64_t *seed)
{
	struct tale_file *file = &tale->files[i];
	struct hd_attributes values = {.size = draw(seed) % capacity_of(i)};

	touch(tale, i);
	create(file);
	grow(file, values.size);
	file->size = values.size;
	if (overlay) {
		hd_ino ino = open_file(overlay, i);

		assert_success(hd_overlay_setattr(overlay, &yard_caller, ino, HD_SET_SIZE, &values, &values));
		close_file(overlay, ino);
	}
}

static void step_unlink(struct tale *tale, struct hd_overlay *overlay, unsigned i)
{
	char name[128];

	touch(tale, i);
	if (overlay && tale->files[i].exists) {
		file_name(i, name);
		assert_success(hd_overlay_unlink(overlay, parent_of(overlay, i), name));
	}
	tale->files[i].exists = false;
}

static void swap(struct tale_file *a, struct tale_file *b)
{
	struct tale_file old = *a;

	*a = *b;
	*b = old;
}

/* Only names of equal kind, so that no file outgrows its model. */
static void step_rename(struct tale *tale, struct hd_overlay *overlay, unsigned i, uint64_t *seed)
{
	unsigned j = i < 2 ? 1 - i : 2 + draw(seed) % (TALE_FILES - 2);
	bool exchange = tale->files[j].exists && draw(seed) & 1;
	char name[128], new_name[128];

	touch(tale, i);
	touch(tale, j);
	if (i == j || !tale->files[i].exists)
		return;
	file_name(i, name);
	file_name(j, new_name);
	if (overlay)
		assert_success(hd_overlay_rename(overlay, parent_of(overlay, i), name, parent_of(overlay, j),
			new_name, exchange ? RENAME_EXCHANGE : 0));
	swap(&tale->files[i], &tale->files[j]);
	if (!exchange)
		tale->files[i].exists = false;
}

static void step_mark(struct tale *tale, struct hd_overlay *overlay, unsigned i, uint64_t *seed)
{
	struct tale_file *file = &tale->files[i];

	touch(tale, i);
	create(file);
	file->mark = (uint32_t)draw(seed);
	file->is_marked = true;
	if (overlay) {
		hd_ino ino = open_file(overlay, i);

		assert_success(
			hd_overlay_setxattr(overlay, ino, "user.mark", &file->mark, sizeof(file->mark), 0));
		close_file(overlay, ino);
	}
}

void tale_step(struct tale *tale, struct hd_overlay *overlay)
{
	uint64_t seed = (tale->seed + ++tale->steps) * 0x9E3779B97F4A7C15u | 1;
	unsigned i = draw(&seed) % TALE_FILES, kind = draw(&seed) % 20;

	if (kind < 9)
		step_write(tale, overlay, i, &seed);
	else if (kind < 11)
		step_truncate(tale, overlay, i, &seed);
	else if (kind < 13)
		step_unlink(tale, overlay, i);
	else if (kind < 17)
		step_rename(tale, overlay, i, &seed);
	else if (kind < 19)
		step_mark(tale, overlay, i, &seed);
	else if (overlay)
		assert_success(hd_settle_all(overlay, kind & 1));
}

/* ---- comparing ---- */

static void read_into(struct hd_overlay *overlay, hd_ino ino, struct tale_file *file)
{
	struct hd_attributes attributes = attributes_of(overlay, ino);
	size_t size = 0;
	int r;

	file->exists = true;
	file->size = attributes.size;
	assert_true(file->size <= TALE_LARGE_SIZE);
	assert_success(hd_overlay_read(overlay, ino, file->bytes, TALE_LARGE_SIZE, 0, &size));
	assert_int_equal(size, file->size);
	r = hd_overlay_getxattr(overlay, ino, "user.mark", &file->mark, sizeof(file->mark), &size);
	assert_true(r == 0 || r == -ENODATA);
	file->is_marked = r == 0;
}

static void fail_where_they_differ(
	const struct tale_file *file, const struct tale_file *seen, const char *name)
{
	uint64_t first = 0, last = file->size - 1;

	while (seen->bytes[first] == file->bytes[first])
		first++;
	while (seen->bytes[last] == file->bytes[last])
		last--;
	fail_msg("%s of %llu bytes, last concerned by step %llu, differs from %llu to %llu: there %02x, here "
		 "%02x",
		name, (unsigned long long)file->size, (unsigned long long)file->touched,
		(unsigned long long)first, (unsigned long long)last, seen->bytes[first], file->bytes[first]);
}

static void compare(const struct tale_file *file, const struct tale_file *seen, const char *name)
{
	if (seen->exists != file->exists)
		fail_msg("%s is%s there", name, seen->exists ? "" : " not");
	if (!file->exists)
		return;
	if (seen->size != file->size)
		fail_msg("%s has %llu bytes, not %llu", name, (unsigned long long)seen->size,
			(unsigned long long)file->size);
	if (memcmp(seen->bytes, file->bytes, file->size) != 0)
		fail_where_they_differ(file, seen, name);
	assert_int_equal(seen->is_marked, file->is_marked);
	if (file->is_marked)
		assert_int_equal(seen->mark, file->mark);
}

void tale_compare(struct tale *tale, struct hd_overlay *overlay, uint64_t since, bool adopt)
{
	struct tale_file seen = {.bytes = malloc(TALE_LARGE_SIZE)};

	assert_non_null(seen.bytes);
	for (unsigned i = 0; i < TALE_FILES; i++) {
		struct tale_file *file = &tale->files[i];
		struct hd_attributes attributes;
		char name[128];
		int r;

		file_name(i, name);
		r = hd_overlay_lookup(overlay, parent_of(overlay, i), name, &attributes);
		assert_true(r == 0 || r == -ENOENT);
		seen.exists = false;
		if (r == 0)
			read_into(overlay, attributes.ino, &seen);
		if (file->touched <= since)
			compare(file, &seen, name);
		else if (adopt) {
			seen.touched = file->touched;
			swap(file, &seen);
		}
		if (r == 0)
			hd_overlay_forget(overlay, attributes.ino, 1);
	}
	free(seen.bytes);
}
