/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "overlay/platform/clock.h"
#include "tests/unit/overlay/tale.h"

/*
 * Death of a worker, and the take-over of its memory. A child works on memory files that the parent holds, as a
 * supervisor would, tells how far it came, and is killed at any point; what it acknowledged must be there, from memory
 * and then from disk.
 */

#define SLOTS 64

struct holder {
	int ends[2]; /* the child sends descriptors of large files through the second */
	int fds[SLOTS];
};

static void holder_begin(struct holder *holder)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, holder->ends), 0);
	for (int i = 0; i < SLOTS; i++)
		holder->fds[i] = -1;
}

static void holder_end(struct holder *holder)
{
	(void)close(holder->ends[0]);
	(void)close(holder->ends[1]);
	for (int i = 0; i < SLOTS; i++)
		if (holder->fds[i] >= 0)
			(void)close(holder->fds[i]);
}

static int send_large(void *payload, uint32_t slot, int fd)
{
	struct holder *holder = payload;
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec part = {.iov_base = &slot, .iov_len = sizeof(slot)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (fd >= 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		CMSG_FIRSTHDR(&message)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&message)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&message)->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), &fd, sizeof(fd));
	}
	if (sendmsg(holder->ends[1], &message, MSG_NOSIGNAL) != sizeof(slot))
		_exit(5);
	return 0;
}

/* Takes one message; false when there is none. */
static bool hear(struct holder *holder)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	uint32_t slot = 0;
	struct iovec part = {.iov_base = &slot, .iov_len = sizeof(slot)};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};
	const struct cmsghdr *header;
	int fd = -1;

	if (recvmsg(holder->ends[0], &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != sizeof(slot))
		return false;
	assert_in_range(slot, 1, SLOTS - 1);
	header = CMSG_FIRSTHDR(&message);
	if (header)
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	if (holder->fds[slot] >= 0)
		(void)close(holder->fds[slot]);
	holder->fds[slot] = fd;
	return true;
}

static size_t held(const struct holder *holder, struct hd_large_file files[SLOTS])
{
	size_t n = 0;

	for (uint32_t i = 0; i < SLOTS; i++)
		if (holder->fds[i] >= 0)
			files[n++] = (struct hd_large_file){.slot = i, .fd = holder->fds[i]};
	return n;
}

/* What the child acknowledged, in memory that outlives it. */
struct progress {
	_Atomic uint64_t steps;
};

struct stage {
	struct yard *yard;
	struct holder holder;
	struct progress *progress;
	struct tale tale;
	int arena_fd, hot_fd;
	bool fresh;
};

static struct hd_overlay_options stage_options(struct stage *stage, struct hd_large_file files[SLOTS])
{
	struct hd_overlay_options options = yard_options(stage->yard);

	options.arena_fd = stage->arena_fd;
	options.hot_fd = stage->hot_fd;
	options.hold_large = send_large;
	options.hold_payload = &stage->holder;
	options.large = files;
	options.n_large = held(&stage->holder, files);
	return options;
}

static void work(struct stage *stage, bool attach, bool background)
{
	struct hd_large_file files[SLOTS];
	struct hd_overlay_options options = stage_options(stage, files);

	if (hd_store_open(stage->yard->path, &stage->yard->store) < 0)
		_exit(2);
	options.store = stage->yard->store;
	options.attach = attach;
	options.background = background;
	options.promote_idle_ms = 5;
	options.flush_interval_ms = 20;
	(void)yard_open_with(stage->yard, &options);
	if (stage->fresh && !attach && stage->tale.steps == 0)
		tale_make_directories(stage->yard->overlay);
	atomic_store(&stage->progress->steps, stage->tale.steps);
	for (;;) {
		tale_step(&stage->tale, stage->yard->overlay);
		atomic_store(&stage->progress->steps, stage->tale.steps);
	}
}

/* Lets a child work and kills it after about so long; the model follows. */
static void live_and_die(struct stage *stage, bool attach, bool background, uint64_t life_ns)
{
	uint64_t end;
	pid_t child;
	int status;

	atomic_store(&stage->progress->steps, UINT64_MAX);
	(void)fflush(NULL);
	child = fork();
	if (child == 0)
		work(stage, attach, background);
	assert_true(child > 0);
	while (atomic_load(&stage->progress->steps) == UINT64_MAX && waitpid(child, &status, WNOHANG) == 0)
		while (hear(&stage->holder))
			;
	assert_true(atomic_load(&stage->progress->steps) != UINT64_MAX);
	for (end = hd_clock_monotonic_ns() + life_ns; hd_clock_monotonic_ns() < end;) {
		struct pollfd waiting = {.fd = stage->holder.ends[0], .events = POLLIN};

		if (poll(&waiting, 1, 0) > 0)
			(void)hear(&stage->holder);
	}
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	while (hear(&stage->holder))
		;
	while (stage->tale.steps < atomic_load(&stage->progress->steps))
		tale_step(&stage->tale, NULL);
}

/* The step that was under way may be there in part: its files are taken as they are. */
static void check(struct stage *stage, struct hd_overlay *overlay)
{
	uint64_t acknowledged = stage->tale.steps;
	struct tale next;

	/* Which files the next step concerns. */
	tale_begin(&next, stage->tale.seed);
	next.steps = acknowledged;
	for (int i = 0; i < TALE_FILES; i++)
		next.files[i].exists = stage->tale.files[i].exists;
	tale_step(&next, NULL);
	for (int i = 0; i < TALE_FILES; i++)
		if (next.files[i].touched > acknowledged)
			stage->tale.files[i].touched = acknowledged + 1;
	tale_end(&next);
	tale_compare(&stage->tale, overlay, acknowledged, true);
	stage->tale.steps = acknowledged + 1; /* the child that died began it */
}

static void stage_begin(struct stage *stage, struct yard *yard)
{
	*stage = (struct stage){.yard = yard, .arena_fd = -1, .hot_fd = -1, .fresh = true};
	holder_begin(&stage->holder);
	stage->progress = mmap(
		NULL, sizeof(*stage->progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(stage->progress != MAP_FAILED);
	tale_begin(&stage->tale, yard_seed());
}

static void stage_end(struct stage *stage)
{
	holder_end(&stage->holder);
	(void)munmap(stage->progress, sizeof(*stage->progress));
	tale_end(&stage->tale);
}

static void close_memory(struct stage *stage)
{
	(void)close(stage->arena_fd);
	(void)close(stage->hot_fd);
	for (int i = 0; i < SLOTS; i++)
		if (stage->holder.fds[i] >= 0) {
			(void)close(stage->holder.fds[i]);
			stage->holder.fds[i] = -1;
		}
}

/* Takes the dead child's memory over, compares, brings all to disk, and compares what a fresh start finds. */
static void salvage(struct stage *stage)
{
	struct hd_large_file files[SLOTS];
	struct hd_overlay_options options = stage_options(stage, files);

	options.attach = true;
	options.hold_large = NULL;
	(void)yard_open_with(stage->yard, &options);
	check(stage, stage->yard->overlay);
	yard_close(stage->yard);
	close_memory(stage);
	(void)yard_open(stage->yard);
	tale_compare(&stage->tale, stage->yard->overlay, UINT64_MAX, false);
	yard_close(stage->yard);
}

static void play(struct yard *yard, int rounds, bool background)
{
	struct stage stage;
	uint64_t seed;

	stage_begin(&stage, yard);
	seed = stage.tale.seed;
	for (int i = 0; i < rounds; i++) {
		assert_success(hd_overlay_memory(&stage.arena_fd, &stage.hot_fd));
		live_and_die(&stage, false, background, 1000000 + draw(&seed) % 60000000);
		salvage(&stage);
	}
	stage_end(&stage);
}

static void everything_acknowledged_survives_the_death_of_the_worker(void **state)
{
	play(*state, YARD_IS_SLOW ? 4 : 14, false);
}

static void nor_does_it_matter_what_the_workers_threads_were_doing(void **state)
{
	play(*state, YARD_IS_SLOW ? 4 : 14, true);
}

/* One after the other takes the same memory over and dies as well. */
static void a_worker_may_take_over_from_a_worker_that_took_over(void **state)
{
	struct stage stage;
	uint64_t seed;

	stage_begin(&stage, *state);
	seed = stage.tale.seed;
	assert_success(hd_overlay_memory(&stage.arena_fd, &stage.hot_fd));
	live_and_die(&stage, false, true, 20000000);
	for (int i = 0; i < (YARD_IS_SLOW ? 3 : 10); i++) {
		struct hd_large_file files[SLOTS];
		struct hd_overlay_options options = stage_options(&stage, files);

		/* The parent looks first, without changing anything that matters, and goes without closing. */
		options.attach = true;
		(void)yard_open_with(stage.yard, &options);
		check(&stage, stage.yard->overlay);
		yard_close(stage.yard);
		while (hear(&stage.holder))
			;
		live_and_die(&stage, true, true, 1000000 + draw(&seed) % 30000000);
	}
	salvage(&stage);
	stage_end(&stage);
}

/* A large file that came from the journal must be held like one that was made here. */
static void large_files_of_the_journal_are_held_as_well(void **state)
{
	struct stage stage;
	static uint8_t bytes[5 << 20], seen[5 << 20];
	struct hd_large_file files[SLOTS];
	struct hd_overlay_options options;
	pid_t child;
	int status;
	size_t size;

	stage_begin(&stage, *state);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + (i >> 13));
	for (int life = 0; life < 2; life++) {
		/* A power cut between the lives: the second has new memory, filled from the journal. */
		if (life == 1)
			close_memory(&stage);
		assert_success(hd_overlay_memory(&stage.arena_fd, &stage.hot_fd));
		(void)fflush(NULL);
		child = fork();
		if (child == 0) {
			if (hd_store_open(stage.yard->path, &stage.yard->store) < 0)
				_exit(2);
			options = stage_options(&stage, files);
			(void)yard_open_with(stage.yard, &options);
			if (life == 0) {
				hd_ino file = make_file(stage.yard->overlay, HD_ROOT_INO, "large");

				assert_success(hd_overlay_write(
					stage.yard->overlay, file, bytes, sizeof(bytes), 0, &size));
				assert_success(hd_overlay_fsync(stage.yard->overlay, file, false));
			}
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
		while (hear(&stage.holder))
			;
		assert_int_equal(held(&stage.holder, files), 1);
	}
	options = stage_options(&stage, files);
	options.attach = true;
	options.hold_large = NULL;
	(void)yard_open_with(stage.yard, &options);
	assert_success(hd_overlay_read(stage.yard->overlay, find(stage.yard->overlay, HD_ROOT_INO, "large"),
		seen, sizeof(seen), 0, &size));
	assert_int_equal(size, sizeof(seen));
	assert_memory_equal(seen, bytes, sizeof(seen));
	yard_close(stage.yard);
	close_memory(&stage);
	stage_end(&stage);
}

/* A worker that died while it read the journal leaves a part of it, or nothing: not what the journal should become. */
static void memory_that_was_never_filled_does_not_take_the_journals_place(void **state)
{
	struct yard *yard = *state;
	struct hd_overlay_options options = yard_options(yard);
	struct hd_overlay *overlay = NULL;

	(void)yard_open(yard);
	write_text(yard->overlay, make_file(yard->overlay, HD_ROOT_INO, "file"), "in the journal");
	yard_close(yard);
	assert_success(hd_overlay_memory(&options.arena_fd, &options.hot_fd));
	options.attach = true;
	assert_code(hd_overlay_open(&options, &overlay), -HD_E_ARENA_CORRUPT);
	options.attach = false;
	(void)yard_open_with(yard, &options);
	assert_text(yard->overlay, find(yard->overlay, HD_ROOT_INO, "file"), "in the journal");
	yard_close(yard);
	(void)close(options.arena_fd);
	(void)close(options.hot_fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, yard_setup, yard_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(everything_acknowledged_survives_the_death_of_the_worker),
		TEST(nor_does_it_matter_what_the_workers_threads_were_doing),
		TEST(a_worker_may_take_over_from_a_worker_that_took_over),
		TEST(large_files_of_the_journal_are_held_as_well),
		TEST(memory_that_was_never_filled_does_not_take_the_journals_place),
	};

	return cmocka_run_group_tests_name("take-over", tests, NULL, NULL);
}
