/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/falloc.h>
#include <linux/fs.h>
#include <pthread.h>

#include "overlay/contents/promotion.h"
#include "overlay/platform/clock.h"
#include "overlay/snapshot.h"
#include "tests/unit/overlay/yard.h"

/*
 * Everything at once: threads that make, write, link, rename, list and remove in the same few directories, beside the
 * overlay's own threads, captures and syncs. What is asserted is little (only sensible errors, counts that come out
 * even, the same tree after a reopening); what the thread sanitizer sees is the point.
 */

#define WORKERS 4
#define NAMES 16
#define RUN_NS 3000000000u

struct worker {
	struct hd_overlay *overlay;
	hd_ino directories[3];
	uint64_t seed, end_ns, operations;
	int failure; /* an error that no filesystem would give */
	pthread_t thread;
};

static void expect(struct worker *worker, int r)
{
	switch (r) {
	case 0:
	case -ENOENT:
	case -EEXIST:
	case -ENOTEMPTY:
	case -EISDIR:
	case -ENOTDIR:
	case -EINVAL:
	case -ESTALE:
	case -ENODATA:
	case -ENXIO:
	case -EPERM:
	case -ENODEV:
		return;
	default:
		if (r < 0 && worker->failure == 0)
			worker->failure = r;
	}
}

static const char *name_of(uint64_t number)
{
	static const char *const names[NAMES] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l",
		"m", "n", "o", "a name that is longer than what fits into the record of an entry"};

	return names[number % NAMES];
}

static hd_ino any_directory(struct worker *worker)
{
	return worker->directories[draw(&worker->seed) % 3];
}

/* Looks a name up and does something to what is there. */
static void use_file(struct worker *worker)
{
	struct hd_attributes attributes, values = {.size = draw(&worker->seed) % 20000, .mode = 0640};
	static const uint8_t bytes[9000];
	uint8_t seen[9000];
	uint64_t where;
	size_t size;
	int r = hd_overlay_lookup(
		worker->overlay, any_directory(worker), name_of(draw(&worker->seed)), &attributes);

	expect(worker, r);
	if (r < 0)
		return;
	switch (draw(&worker->seed) % 10) {
	case 0:
	case 1:
		expect(worker, hd_overlay_write(worker->overlay, attributes.ino, bytes,
				       1 + draw(&worker->seed) % sizeof(bytes), draw(&worker->seed) % 100000,
				       &size));
		break;
	case 2:
		expect(worker, hd_overlay_read(worker->overlay, attributes.ino, seen, sizeof(seen),
				       draw(&worker->seed) % 100000, &size));
		break;
	case 3:
		expect(worker,
			hd_overlay_setattr(worker->overlay, &yard_caller, attributes.ino,
				draw(&worker->seed) & 1 ? HD_SET_SIZE : HD_SET_MODE | HD_SET_MODIFY_NOW,
				&values, &values));
		break;
	case 4:
		expect(worker, hd_overlay_fallocate(worker->overlay, attributes.ino,
				       FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				       draw(&worker->seed) % 50000, 10000));
		break;
	case 5:
		expect(worker, hd_overlay_setxattr(worker->overlay, attributes.ino, "user.x", bytes,
				       draw(&worker->seed) % 200, 0));
		expect(worker, hd_overlay_getxattr(
				       worker->overlay, attributes.ino, "user.x", seen, sizeof(seen), &size));
		break;
	case 6:
		r = hd_overlay_open_file(
			worker->overlay, attributes.ino, draw(&worker->seed) & 1 ? O_RDWR : O_RDWR | O_TRUNC);
		expect(worker, r);
		if (r == 0) {
			expect(worker,
				hd_overlay_write(worker->overlay, attributes.ino, bytes, 100, 0, &size));
			expect(worker, hd_overlay_flush(worker->overlay, attributes.ino));
			expect(worker, hd_overlay_release(worker->overlay, attributes.ino));
		}
		break;
	case 7:
		expect(worker, hd_overlay_lseek(worker->overlay, attributes.ino, 0, SEEK_HOLE, &where));
		break;
	case 8:
		r = hd_overlay_link(worker->overlay, attributes.ino, any_directory(worker),
			name_of(draw(&worker->seed)), &values);
		expect(worker, r);
		if (r == 0)
			hd_overlay_forget(worker->overlay, attributes.ino, 1);
		break;
	default:
		expect(worker, hd_overlay_getattr(worker->overlay, attributes.ino, &values));
	}
	hd_overlay_forget(worker->overlay, attributes.ino, 1);
}

struct listing {
	hd_ino inos[256];
	unsigned count, room;
};

static bool list_one(const struct hd_directory_item *item, void *payload)
{
	struct listing *listing = payload;

	if (listing->count == listing->room)
		return false;
	listing->inos[listing->count++] = item->cookie > 2 && !item->partial ? item->attributes.ino : 0;
	return true;
}

static void list(struct worker *worker)
{
	struct listing listing = {.room = 1 + draw(&worker->seed) % 40};
	bool plus = draw(&worker->seed) & 1;

	expect(worker, hd_overlay_readdir(worker->overlay, any_directory(worker), 0, list_one, &listing));
	if (plus)
		expect(worker, hd_overlay_count_lookups(worker->overlay, listing.inos, listing.count, 0));
	for (unsigned i = 0; plus && i < listing.count; i++)
		if (listing.inos[i])
			hd_overlay_forget(worker->overlay, listing.inos[i], 1);
}

static void make(struct worker *worker)
{
	struct hd_attributes attributes;
	hd_ino parent = any_directory(worker);
	const char *name = name_of(draw(&worker->seed));
	int r;

	switch (draw(&worker->seed) % 4) {
	case 0:
		r = hd_overlay_mkdir(worker->overlay, &yard_caller, parent, name, 0755, &attributes);
		break;
	case 1:
		r = hd_overlay_symlink(worker->overlay, &yard_caller, parent, name, "target", &attributes);
		break;
	default:
		r = hd_overlay_create(worker->overlay, &yard_caller, parent, name, 0644, &attributes);
		if (r == 0)
			expect(worker, hd_overlay_release(worker->overlay, attributes.ino));
	}
	expect(worker, r);
	if (r == 0)
		hd_overlay_forget(worker->overlay, attributes.ino, 1);
}

static void *work(void *payload)
{
	struct worker *worker = payload;

	while (hd_clock_monotonic_ns() < worker->end_ns) {
		unsigned kind = draw(&worker->seed) % 100;
		const unsigned flags[] = {0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE};

		if (kind < 25)
			make(worker);
		else if (kind < 65)
			use_file(worker);
		else if (kind < 75)
			expect(worker, hd_overlay_rename(worker->overlay, any_directory(worker),
					       name_of(draw(&worker->seed)), any_directory(worker),
					       name_of(draw(&worker->seed)), flags[draw(&worker->seed) % 4]));
		else if (kind < 85)
			expect(worker, hd_overlay_unlink(worker->overlay, any_directory(worker),
					       name_of(draw(&worker->seed))));
		else if (kind < 90)
			expect(worker, hd_overlay_rmdir(worker->overlay, any_directory(worker),
					       name_of(draw(&worker->seed))));
		else if (kind < 99)
			list(worker);
		else
			expect(worker, hd_overlay_fsync(worker->overlay, HD_ROOT_INO, false));
		worker->operations++;
	}
	return NULL;
}

/* Settles what it finds; publishes nothing. */
static void *look_on(void *payload)
{
	struct worker *worker = payload;

	while (hd_clock_monotonic_ns() < worker->end_ns) {
		struct hd_overlay_counters counters;
		struct hd_snapshot *snapshot;
		struct hd_state_id head;
		int r = hd_snapshot_take(worker->overlay, worker->operations++ & 1, &snapshot);

		expect(worker, r);
		if (r == 0) {
			struct hd_snapshot_node *root = hd_snapshot_root(snapshot);

			for (size_t i = 0; i < root->n_children; i++)
				for (size_t j = 0; j < root->children[i].n_children; j++)
					if (root->children[i].children[j].unsettled)
						expect(worker, hd_snapshot_settle(snapshot,
								       &root->children[i].children[j]));
			hd_snapshot_free(snapshot);
		}
		hd_overlay_counters(worker->overlay, &counters);
		hd_overlay_head(worker->overlay, &head);
		hd_clock_sleep_ns(20000000u);
	}
	return NULL;
}

/* Names, inodes, sizes and link counts of the whole tree, as one number. */
static uint64_t add_up(struct hd_overlay *overlay, hd_ino directory);

struct summing {
	struct hd_overlay *overlay;
	hd_ino directories[256];
	unsigned count;
	uint64_t sum;
};

static bool sum_one(const struct hd_directory_item *item, void *payload)
{
	struct summing *summing = payload;

	if (item->cookie <= 2)
		return true;
	summing->sum += (item->attributes.number * 31 + item->attributes.mode) * 31 +
			(S_ISDIR(item->attributes.mode) ? 0 : item->attributes.size * 7) +
			(uint64_t)item->name[0] * item->name_length;
	if (S_ISDIR(item->attributes.mode))
		summing->directories[summing->count++] = item->attributes.ino;
	return true;
}

static uint64_t add_up(struct hd_overlay *overlay, hd_ino directory)
{
	struct summing summing = {.overlay = overlay};

	assert_success(hd_overlay_readdir(overlay, directory, 0, sum_one, &summing));
	assert_int_equal(attributes_of(overlay, directory).nlink, 2 + summing.count);
	for (unsigned i = 0; i < summing.count; i++)
		summing.sum = summing.sum * 3 + add_up(overlay, summing.directories[i]);
	return summing.sum;
}

static void counts_come_out_even_and_the_tree_is_the_same_afterwards(void **state)
{
	struct yard *yard = *state;
	struct hd_overlay_options options = yard_options(yard);
	uint32_t nodes[3] = {0, yard_base_add(yard, 0, "one", S_IFDIR | 0755, 0),
		yard_base_add(yard, 0, "two", S_IFDIR | 0755, 0)};
	struct worker workers[WORKERS + 1];
	struct hd_overlay_counters counters;
	uint64_t seed = yard_seed(), sum, end = hd_clock_monotonic_ns() + RUN_NS, operations = 0;

	for (int i = 0; i < 3; i++)
		for (int j = 0; j < 5; j++)
			(void)yard_base_add(yard, nodes[i], name_of((uint64_t)j), S_IFREG | 0644, 50000);
	options.background = true;
	options.promote_idle_ms = 1;
	options.flush_interval_ms = 10;
	(void)yard_open_with(yard, &options);
	for (int i = 0; i <= WORKERS; i++) {
		workers[i] = (struct worker){
			.overlay = yard->overlay, .seed = seed + (uint64_t)i * 77 + 1, .end_ns = end};
		workers[i].directories[0] = HD_ROOT_INO;
		workers[i].directories[1] = find(yard->overlay, HD_ROOT_INO, "one");
		workers[i].directories[2] = find(yard->overlay, HD_ROOT_INO, "two");
		assert_int_equal(
			pthread_create(&workers[i].thread, NULL, i < WORKERS ? work : look_on, &workers[i]),
			0);
	}
	for (int i = 0; i <= WORKERS; i++) {
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
		if (workers[i].failure < 0)
			fail_msg("%s", hd_error_message(workers[i].failure));
		operations += workers[i].operations;
	}
	print_message("%llu operations\n", (unsigned long long)operations);
	hd_overlay_counters(yard->overlay, &counters);
	assert_int_equal(counters.opened, 0);
	assert_int_equal(counters.looked_up, 2 * (WORKERS + 1));
	assert_true(counters.orphans <= 2); /* "one" and "two", if they were removed */
	sum = add_up(yard->overlay, HD_ROOT_INO);
	(void)yard_reopen(yard);
	assert_true(add_up(yard->overlay, HD_ROOT_INO) == sum);
	hd_overlay_counters(yard->overlay, &counters);
	assert_int_equal(counters.orphans, 0);
}

/* ---- large files with little memory ---- */

#define OWN_FILES 2
#define OWN_SIZE (6u << 20)

struct owner {
	struct hd_overlay *overlay;
	hd_ino files[OWN_FILES];
	uint8_t *models[OWN_FILES];
	uint64_t sizes[OWN_FILES];
	uint64_t seed, end_ns;
	const char *failure;
	pthread_t thread;
};

static void check_own(struct owner *owner, unsigned i, uint8_t *buffer)
{
	uint64_t offset = draw(&owner->seed) % OWN_SIZE;
	size_t wanted = 1 << 20, got = 0;

	if (offset >= owner->sizes[i])
		return;
	if (wanted > owner->sizes[i] - offset)
		wanted = owner->sizes[i] - offset;
	if (hd_overlay_read(owner->overlay, owner->files[i], buffer, 1 << 20, offset, &got) < 0)
		owner->failure = "a read failed";
	else if (got != wanted || memcmp(buffer, owner->models[i] + offset, got) != 0)
		owner->failure = "other bytes than were written";
}

static void write_own(struct owner *owner, unsigned i, uint8_t *buffer)
{
	uint64_t offset = draw(&owner->seed) % OWN_SIZE;
	size_t size = 1 + draw(&owner->seed) % (draw(&owner->seed) & 1 ? 1 << 20 : 5000), written = 0;

	if (size > OWN_SIZE - offset)
		size = OWN_SIZE - offset;
	memset(buffer, (int)draw(&owner->seed), size);
	if (hd_overlay_write(owner->overlay, owner->files[i], buffer, size, offset, &written) < 0 ||
		written != size)
		owner->failure = "a write failed";
	memcpy(owner->models[i] + offset, buffer, size);
	if (owner->sizes[i] < offset + size)
		owner->sizes[i] = offset + size;
}

static void cut_own(struct owner *owner, unsigned i)
{
	struct hd_attributes values = {.size = draw(&owner->seed) % OWN_SIZE};

	if (hd_overlay_setattr(owner->overlay, &yard_caller, owner->files[i], HD_SET_SIZE, &values, &values) <
		0)
		owner->failure = "a truncation failed";
	if (values.size < owner->sizes[i])
		memset(owner->models[i] + values.size, 0, owner->sizes[i] - values.size);
	owner->sizes[i] = values.size;
}

static void *own(void *payload)
{
	struct owner *owner = payload;
	uint8_t *buffer = malloc(1 << 20);

	while (buffer && !owner->failure && hd_clock_monotonic_ns() < owner->end_ns) {
		unsigned i = draw(&owner->seed) % OWN_FILES, kind = draw(&owner->seed) % 20;

		if (kind < 10)
			write_own(owner, i, buffer);
		else if (kind < 18)
			check_own(owner, i, buffer);
		else if (kind < 19)
			cut_own(owner, i);
		else if (hd_overlay_fsync(owner->overlay, owner->files[i], true) < 0)
			owner->failure = "a sync failed";
	}
	free(buffer);
	return NULL;
}

static void large_files_in_little_memory_hold_what_their_writers_wrote(void **state)
{
	struct yard *yard = *state;
	struct hd_overlay_options options = yard_options(yard);
	uint64_t seed = yard_seed(), end = hd_clock_monotonic_ns() + RUN_NS;
	struct owner owners[WORKERS];
	uint8_t *seen = malloc(OWN_SIZE);
	char name[16];
	size_t size;

	options.background = true;
	options.promote_idle_ms = 1;
	options.flush_interval_ms = 10;
	options.hot_limit_bytes = 6 << 20;
	(void)yard_open_with(yard, &options);
	for (unsigned o = 0; o < WORKERS; o++) {
		owners[o] =
			(struct owner){.overlay = yard->overlay, .seed = seed + o * 99 + 1, .end_ns = end};
		for (unsigned i = 0; i < OWN_FILES; i++) {
			snprintf(name, sizeof(name), "%u-%u", o, i);
			owners[o].files[i] = make_file(yard->overlay, HD_ROOT_INO, name);
			owners[o].models[i] = calloc(1, OWN_SIZE);
			assert_non_null(owners[o].models[i]);
		}
		assert_int_equal(pthread_create(&owners[o].thread, NULL, own, &owners[o]), 0);
	}
	for (unsigned o = 0; o < WORKERS; o++) {
		assert_int_equal(pthread_join(owners[o].thread, NULL), 0);
		if (owners[o].failure)
			fail_msg("%s", owners[o].failure);
	}
	(void)yard_reopen(yard);
	assert_non_null(seen);
	for (unsigned o = 0; o < WORKERS; o++)
		for (unsigned i = 0; i < OWN_FILES; i++) {
			snprintf(name, sizeof(name), "%u-%u", o, i);
			assert_success(hd_overlay_read(yard->overlay, find(yard->overlay, HD_ROOT_INO, name),
				seen, OWN_SIZE, 0, &size));
			assert_true(size == owners[o].sizes[i]);
			assert_memory_equal(seen, owners[o].models[i], size);
			free(owners[o].models[i]);
		}
	free(seen);
}

/* ---- an allocation beside a writer ---- */

struct appender {
	struct hd_overlay *overlay;
	hd_ino file;
	uint64_t end_ns, appended;
	atomic_bool done;
	pthread_t thread;
};

static void *append(void *payload)
{
	struct appender *appender = payload;
	uint64_t bytes[8];
	size_t size;

	while (hd_clock_monotonic_ns() < appender->end_ns) {
		for (size_t i = 0; i < 8; i++)
			bytes[i] = appender->appended + 1;
		if (hd_overlay_write(appender->overlay, appender->file, bytes, sizeof(bytes),
			    appender->appended * sizeof(bytes), &size) < 0)
			break;
		appender->appended++;
	}
	atomic_store(&appender->done, true);
	return NULL;
}

static void an_allocation_cuts_nothing_off_that_is_written_meanwhile(void **state)
{
	struct yard *yard = *state;
	struct appender appender = {.end_ns = hd_clock_monotonic_ns() + 1000000000u};
	uint64_t bytes[8];
	size_t size;

	appender.overlay = yard_open(yard);
	appender.file = make_file(yard->overlay, HD_ROOT_INO, "file");
	assert_int_equal(pthread_create(&appender.thread, NULL, append, &appender), 0);
	while (!atomic_load(&appender.done)) {
		uint64_t length = attributes_of(yard->overlay, appender.file).size + 1;

		assert_success(hd_overlay_fallocate(yard->overlay, appender.file, 0, 0, length));
	}
	assert_int_equal(pthread_join(appender.thread, NULL), 0);
	for (uint64_t i = 0; i < appender.appended; i++) {
		assert_success(hd_overlay_read(
			yard->overlay, appender.file, bytes, sizeof(bytes), i * sizeof(bytes), &size));
		assert_int_equal(size, sizeof(bytes));
		assert_int_equal(bytes[0], i + 1);
		assert_int_equal(bytes[7], i + 1);
	}
}

/* ---- one file, named by several at once ---- */

#define SETTLED_SIZE (3u << 20)
#define SETTLERS 3

struct settler {
	struct hd_overlay *overlay;
	pthread_barrier_t *barrier;
	pthread_t thread;
	hd_ino file;
	int result;
};

static void *settle(void *payload)
{
	struct settler *settler = payload;
	struct hd_content settled;

	(void)pthread_barrier_wait(settler->barrier);
	settler->result = hd_file_settle(settler->overlay, settler->file, NULL, &settled);
	return NULL;
}

static void settle_at_once(struct hd_overlay *overlay, hd_ino file)
{
	struct settler settlers[SETTLERS];
	pthread_barrier_t barrier;

	assert_int_equal(pthread_barrier_init(&barrier, NULL, SETTLERS), 0);
	for (int i = 0; i < SETTLERS; i++) {
		settlers[i] = (struct settler){.overlay = overlay, .barrier = &barrier, .file = file};
		assert_int_equal(pthread_create(&settlers[i].thread, NULL, settle, &settlers[i]), 0);
	}
	for (int i = 0; i < SETTLERS; i++) {
		assert_int_equal(pthread_join(settlers[i].thread, NULL), 0);
		assert_success(settlers[i].result);
	}
	(void)pthread_barrier_destroy(&barrier);
}

/* A promotion and a capture come to the same file: who is second finds its blocks gone, which are no holes for that. */
static void a_file_that_several_settle_at_once_keeps_its_bytes(void **state)
{
	struct yard *yard = *state;
	uint64_t seed = yard_seed();
	uint8_t *model = calloc(1, SETTLED_SIZE), *seen = malloc(SETTLED_SIZE);
	hd_ino file;
	size_t size;

	assert_non_null(model);
	assert_non_null(seen);
	(void)yard_open(yard);
	file = make_file(yard->overlay, HD_ROOT_INO, "file");
	for (int round = 0; round < (YARD_IS_SLOW ? 20 : 100); round++) {
		/* The first round fills the file, the others change a little in each of its chunks. */
		size_t step = round == 0 ? 4096 : 1 << 20, part = 4096;

		for (size_t at = 0; at < SETTLED_SIZE; at += step) {
			memset(model + at, (int)(draw(&seed) % 255) + 1, part);
			assert_success(hd_overlay_write(yard->overlay, file, model + at, part, at, &size));
		}
		settle_at_once(yard->overlay, file);
		assert_success(hd_overlay_read(yard->overlay, file, seen, SETTLED_SIZE, 0, &size));
		assert_int_equal(size, SETTLED_SIZE);
		assert_memory_equal(seen, model, SETTLED_SIZE);
	}
	yard_close(yard);
	free(model);
	free(seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_file_that_several_settle_at_once_keeps_its_bytes, yard_setup, yard_teardown),
		cmocka_unit_test_setup_teardown(counts_come_out_even_and_the_tree_is_the_same_afterwards,
			yard_setup_over_base, yard_teardown),
		cmocka_unit_test_setup_teardown(
			an_allocation_cuts_nothing_off_that_is_written_meanwhile, yard_setup, yard_teardown),
		cmocka_unit_test_setup_teardown(large_files_in_little_memory_hold_what_their_writers_wrote,
			yard_setup, yard_teardown),
	};

	return cmocka_run_group_tests_name("stress", tests, NULL, NULL);
}
