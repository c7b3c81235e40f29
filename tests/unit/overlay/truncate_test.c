/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "overlay/contents/file_space.h"
#include "overlay/journal/flush.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/files/memory_file.h"
#include "tests/unit/overlay/yard.h"

/*
 * A truncation that does not come to its end. A child cuts a file and stops before or after its n-th change of memory,
 * for every n there is; it is killed there, and whoever takes its memory over finds the old file or the new one. Or it
 * flushes there, goes on and is killed at the end, and the journal has the old file or the new one.
 */

#define POINTS 16
#define SLOTS 8

struct shared {
	_Atomic uint32_t fds[SLOTS]; /* of large files in the child, by slot */
	atomic_bool finished;        /* the truncation came to its end */
};

struct scene {
	const char *name;
	uint64_t blocks, stride; /* so many blocks are written, every STRIDE-th */
	uint64_t base_size;      /* of the file below; 0: none */
	uint64_t size, cut;      /* before and after */
};

static const struct scene scenes[] = {
	{.name = "a block", .blocks = 1, .stride = 1, .size = 4096, .cut = 100},
	{.name = "inside a block", .blocks = 6, .stride = 1, .size = 6 * 4096 - 5, .cut = 2 * 4096 + 70},
	{.name = "between blocks", .blocks = 6, .stride = 1, .size = 6 * 4096, .cut = 2 * 4096},
	{.name = "to nothing", .blocks = 6, .stride = 1, .size = 6 * 4096, .cut = 0},
	{.name = "over a base",
		.blocks = 5,
		.stride = 3,
		.base_size = 60000,
		.size = 60000,
		.cut = 24576 + 9},
	{.name = "a base alone", .blocks = 0, .stride = 1, .base_size = 60000, .size = 60000, .cut = 9999},
	{.name = "a large file", .blocks = 1300, .stride = 1, .size = 1300 * 4096, .cut = 1100 * 4096 + 1},
	{.name = "far apart",
		.blocks = 2300,
		.stride = 1024,
		.size = 2300ull << 22,
		.cut = (7ull << 22) + 11},
};

static struct {
	bool armed;
	pthread_t owner;
	int64_t countdown;
	void (*reached)(void);
} point;

static void pass_point(void)
{
	if (point.armed && pthread_equal(point.owner, pthread_self()) && point.countdown-- == 0)
		point.reached();
}

int __wrap_hd_transaction_commit(struct hd_transaction *transaction);
int __real_hd_transaction_commit(struct hd_transaction *transaction);
int __wrap_hd_memory_file_write(int fd, const void *data, size_t size, uint64_t offset);
int __real_hd_memory_file_write(int fd, const void *data, size_t size, uint64_t offset);
int __wrap_hd_memory_file_resize(int fd, uint64_t size);
int __real_hd_memory_file_resize(int fd, uint64_t size);

#define WITH_POINTS(call)     \
	do {                  \
		int r_;       \
		pass_point(); \
		r_ = (call);  \
		pass_point(); \
		return r_;    \
	} while (0)

int __wrap_hd_transaction_commit(struct hd_transaction *transaction)
{
	WITH_POINTS(__real_hd_transaction_commit(transaction));
}

int __wrap_hd_memory_file_write(int fd, const void *data, size_t size, uint64_t offset)
{
	WITH_POINTS(__real_hd_memory_file_write(fd, data, size, offset));
}

int __wrap_hd_memory_file_resize(int fd, uint64_t size)
{
	WITH_POINTS(__real_hd_memory_file_resize(fd, size));
}

/* ---- the file ---- */

/* A file of its own for every point. */
static const char *file_name(int64_t number)
{
	static char name[32];

	snprintf(name, sizeof(name), "file%lld", (long long)number);
	return name;
}

static uint32_t node; /* in the base, of the file that is being cut */

/* What block BLOCK of the whole file holds. */
static void fill(const struct scene *scene, uint64_t block, uint8_t bytes[4096])
{
	bool written = block % scene->stride == 0 && block / scene->stride < scene->blocks;

	memset(bytes, written ? (int)(block % 251) + 1 : 0, 4096);
	for (uint64_t at = 0; !written && at < 4096 && block * 4096 + at < scene->base_size; at++)
		bytes[at] = yard_byte(node, block * 4096 + at);
}

static hd_ino prepare(struct hd_overlay *overlay, const struct scene *scene, const char *name)
{
	struct hd_attributes values = {.size = scene->size};
	hd_ino file =
		scene->base_size ? find(overlay, HD_ROOT_INO, name) : make_file(overlay, HD_ROOT_INO, name);
	uint8_t bytes[4096];
	size_t written;

	for (uint64_t i = 0; i < scene->blocks; i++) {
		fill(scene, i * scene->stride, bytes);
		assert_success(hd_overlay_write(
			overlay, file, bytes, sizeof(bytes), (i * scene->stride) << 12, &written));
	}
	assert_success(hd_overlay_setattr(overlay, &yard_caller, file, HD_SET_SIZE, &values, &values));
	return file;
}

/* One block, as far as the file's SIZE goes; behind CUT it is zeros. */
static void check_block(struct hd_overlay *overlay, hd_ino file, const struct scene *scene, uint64_t block,
	uint64_t size, uint64_t cut)
{
	uint64_t offset = block << 12, wanted = offset >= size ? 0 : size - offset;
	uint64_t kept = offset >= cut ? 0 : cut - offset;
	uint8_t bytes[4096], right[4096];
	size_t got;

	fill(scene, block, right);
	if (kept < sizeof(right))
		memset(right + kept, 0, sizeof(right) - kept);
	assert_success(hd_overlay_read(overlay, file, bytes, sizeof(bytes), offset, &got));
	assert_int_equal(got, wanted < sizeof(bytes) ? wanted : sizeof(bytes));
	if (memcmp(bytes, right, got) != 0)
		fail_msg("%s: block %llu holds %02x", scene->name, (unsigned long long)block, bytes[0]);
}

/* Every written block, the one behind it, and the whole of a small file. */
static void check_bytes(
	struct hd_overlay *overlay, hd_ino file, const struct scene *scene, uint64_t size, uint64_t cut)
{
	for (uint64_t i = 0; i < scene->blocks; i++) {
		check_block(overlay, file, scene, i * scene->stride, size, cut);
		if (scene->stride > 1)
			check_block(overlay, file, scene, i * scene->stride + 1, size, cut);
	}
	for (uint64_t block = 0; block << 12 < scene->base_size; block++)
		check_block(overlay, file, scene, block, size, cut);
}

/* It is the old file or the new one; and the new one, made longer again, has zeros where it was cut. Returns the size it
 * had. */
static uint64_t check_file(struct hd_overlay *overlay, hd_ino file, const struct scene *scene)
{
	struct hd_attributes values = {.size = scene->size};
	uint64_t size = attributes_of(overlay, file).size;

	if (size != scene->size && size != scene->cut)
		fail_msg("%s: %llu bytes", scene->name, (unsigned long long)size);
	check_bytes(overlay, file, scene, size, size);
	assert_success(hd_overlay_setattr(overlay, &yard_caller, file, HD_SET_SIZE, &values, &values));
	check_bytes(overlay, file, scene, scene->size, size);
	return size;
}

/* ---- the child ---- */

static struct shared *shared;
static struct hd_overlay *child_overlay;
static pthread_t flushing;
static atomic_bool flushed;

static int note_large(void *payload, uint32_t slot, int fd)
{
	(void)payload;
	if (slot < SLOTS)
		atomic_store(&shared->fds[slot], fd < 0 ? 0 : (uint32_t)fd);
	return 0;
}

static void stop(void)
{
	(void)raise(SIGSTOP);
}

static void *flush(void *payload)
{
	(void)payload;
	if (hd_flush(child_overlay) < 0)
		_exit(3);
	atomic_store(&flushed, true);
	return NULL;
}

/* Where the truncation holds a lock the flush waits for it, and goes on when it is let go: a later instant, no worse. */
static void begin_flush(void)
{
	uint64_t end = hd_clock_monotonic_ns() + 20000000u;

	if (pthread_create(&flushing, NULL, flush, NULL) != 0)
		_exit(4);
	while (!atomic_load(&flushed) && hd_clock_monotonic_ns() < end)
		(void)usleep(100); /* hd_clock_sleep_ns refuses under a lock */
}

static void cut_in_child(struct yard *yard, const struct hd_overlay_options *memory,
	const struct scene *scene, int64_t countdown, bool flushes)
{
	struct hd_overlay_options options = *memory;
	hd_ino file;

	if (hd_store_open(yard->path, &yard->store) < 0)
		_exit(2);
	options.store = yard->store;
	options.hold_large = note_large;
	child_overlay = yard_open_with(yard, &options);
	file = prepare(child_overlay, scene, file_name(countdown));
	if (flushes)
		assert_success(hd_flush(child_overlay));
	point.reached = flushes ? begin_flush : stop;
	point.owner = pthread_self();
	point.countdown = countdown;
	point.armed = true;
	assert_success(hd_file_set_size(child_overlay, file, scene->cut));
	point.armed = false;
	if (flushes && point.countdown < 0)
		(void)pthread_join(flushing, NULL);
	atomic_store(&shared->finished, flushes ? point.countdown >= 0 : true);
	stop();
	_exit(0);
}

/* ---- the parent ---- */

static size_t take_descriptors(pid_t child, struct hd_large_file files[SLOTS])
{
	size_t n = 0;

	for (uint32_t slot = 1; slot < SLOTS; slot++) {
		char path[64];

		if (atomic_load(&shared->fds[slot]) == 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/fd/%u", child, atomic_load(&shared->fds[slot]));
		files[n].slot = slot;
		files[n].fd = open(path, O_RDWR | O_CLOEXEC);
		assert_true(files[n].fd >= 0);
		n++;
	}
	return n;
}

static void close_descriptors(struct hd_overlay_options *options, struct hd_large_file *files)
{
	(void)close(options->arena_fd);
	(void)close(options->hot_fd);
	for (size_t i = 0; i < options->n_large; i++)
		(void)close(files[i].fd);
}

/* Opens what the dead child left: its memory, or, when it was to flush, the journal alone. */
static void check_remains(struct yard *yard, const struct hd_overlay_options *options,
	const struct scene *scene, const char *name)
{
	hd_ino file;
	uint64_t cut;

	(void)yard_open_with(yard, options);
	cut = check_file(yard->overlay, find(yard->overlay, HD_ROOT_INO, name), scene);
	(void)yard_reopen(yard);
	file = find(yard->overlay, HD_ROOT_INO, name);
	check_bytes(yard->overlay, file, scene, scene->size, cut);
	assert_success(hd_overlay_unlink(yard->overlay, HD_ROOT_INO, name));
	hd_overlay_forget(yard->overlay, file, 1);
	yard_close(yard);
}

/* False when the truncation was over before the point was reached. */
static bool die_at(struct yard *yard, const struct scene *scene, int64_t countdown, bool flushes)
{
	struct hd_overlay_options memory = yard_options(yard), none = memory;
	struct hd_large_file files[SLOTS];
	bool finished;
	pid_t child;
	int status;

	memset(shared, 0, sizeof(*shared));
	assert_success(hd_overlay_memory(&memory.arena_fd, &memory.hot_fd));
	(void)fflush(NULL);
	child = fork();
	if (child == 0)
		cut_in_child(yard, &memory, scene, countdown, flushes);
	assert_int_equal(waitpid(child, &status, WUNTRACED), child);
	assert_true(WIFSTOPPED(status));
	finished = atomic_load(&shared->finished);
	memory.large = files;
	memory.n_large = take_descriptors(child, files);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	memory.attach = true;
	check_remains(yard, flushes ? &none : &memory, scene, file_name(countdown));
	close_descriptors(&memory, files);
	return !finished;
}

static void play(const struct scene *scene, bool flushes)
{
	int64_t countdown = 0;
	bool reached = true;
	void *state = NULL;

	(void)yard_setup_over_base(&state);
	for (int64_t i = 0; scene->base_size && i < POINTS; i++)
		(void)yard_base_add(state, 0, file_name(i), S_IFREG | 0644, scene->base_size);
	for (; reached; countdown++) {
		assert_true(countdown < POINTS);
		node = (uint32_t)countdown + 1;
		reached = die_at(state, scene, countdown, flushes);
	}
	print_message("%s: %lld points\n", scene->name, (long long)countdown - 1);
	assert_true(countdown > 1);
	(void)yard_teardown(&state);
}

static void play_all(bool flushes)
{
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
		play(&scenes[i], flushes);
}

static void a_worker_killed_anywhere_leaves_the_old_file_or_the_new_one(void **state)
{
	(void)state;
	play_all(false);
}

static void so_does_a_journal_written_anywhere(void **state)
{
	(void)state;
	play_all(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_worker_killed_anywhere_leaves_the_old_file_or_the_new_one),
		cmocka_unit_test(so_does_a_journal_written_anywhere),
	};

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return shared == MAP_FAILED ? 1 : cmocka_run_group_tests_name("truncate", tests, NULL, NULL);
}
