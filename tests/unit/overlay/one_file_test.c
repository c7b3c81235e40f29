/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/falloc.h>
#include <pthread.h>

#include "overlay/bases/base.h"
#include "overlay/contents/promotion.h"
#include "overlay/journal/flush.h"
#include "overlay/platform/clock.h"
#include "overlay/snapshot.h"
#include "tests/unit/overlay/yard.h"

/*
 * One file, and everybody at it: writers of small cells that share blocks, truncations and appends behind them, holes,
 * allocations, copies, settling, snapshots, flushes, and growing large again after each settling.
 *
 * Every cell says where it belongs and how often it was written. A writer knows its own cells exactly and looks at them
 * all the time; a snapshot's cells must be whole and not older than what was acknowledged before it was taken. Behind
 * the cells a byte is zero or belongs there.
 */

#define CELL_SIZE \
	1000u /* no divisor of a block: neighbours share blocks, and the last one shares with the tail */
#define CELLS 6000u /* enough blocks for a memory file of the file's own */
#define CELLS_END ((uint64_t)CELL_SIZE * CELLS)
#define TAIL_SIZE ((uint64_t)3 << 20)
#define WRITERS 3u
#define SETTLERS 2
#define THREADS (WRITERS + SETTLERS + 4)
#define RUN_NS 3000000000u

struct ground {
	struct hd_overlay *overlay;
	hd_ino file;
	uint64_t end_ns;
	_Atomic uint32_t
		acknowledged[CELLS]; /* times written; of cells with holes only how often they were changed */
};

struct actor {
	struct ground *ground;
	uint64_t seed, number, operations;
	uint32_t written[CELLS]; /* by this writer; 0: zeros */
	char failure[160];
	pthread_t thread;
};

/* Only these are punched, so that all others only grow newer. */
static bool may_be_hole(uint32_t cell)
{
	return cell % 7 == 0;
}

static void fill_cell(uint64_t offset, uint32_t times, uint8_t bytes[CELL_SIZE])
{
	uint32_t word[2] = {(uint32_t)(offset / CELL_SIZE) + 1, times};

	for (size_t at = 0; at < CELL_SIZE; at += sizeof(word))
		memcpy(bytes + at, word, sizeof(word));
}

/* How often the cell at OFFSET was written, 0 for zeros; false when it is no cell of that place. */
static bool parse_cell(uint64_t offset, const uint8_t bytes[CELL_SIZE], uint32_t *ret_times)
{
	uint8_t right[CELL_SIZE] = {0};

	memcpy(ret_times, bytes + sizeof(uint32_t), sizeof(*ret_times));
	if (*ret_times > 0)
		fill_cell(offset, *ret_times, right);
	return memcmp(bytes, right, CELL_SIZE) == 0;
}

static void fail_actor(struct actor *actor, const char *what, uint64_t where, uint32_t seen, uint32_t right)
{
	if (!actor->failure[0])
		snprintf(actor->failure, sizeof(actor->failure), "%s at %llu: %u, not %u", what,
			(unsigned long long)where, seen, right);
}

static void expect(struct actor *actor, int r, const char *what)
{
	if (r < 0 && !actor->failure[0])
		snprintf(actor->failure, sizeof(actor->failure), "%s: %s", what, hd_error_message(r));
}

static bool goes_on(const struct actor *actor)
{
	return !actor->failure[0] && hd_clock_monotonic_ns() < actor->ground->end_ns;
}

/* ---- the cells ---- */

static void write_cell(struct actor *actor, uint32_t cell)
{
	struct ground *ground = actor->ground;
	uint64_t offset = (uint64_t)cell * CELL_SIZE;
	uint32_t times = atomic_load(&ground->acknowledged[cell]) + 1;
	uint8_t bytes[CELL_SIZE];
	size_t size = 0;

	fill_cell(offset, times, bytes);
	expect(actor, hd_overlay_write(ground->overlay, ground->file, bytes, CELL_SIZE, offset, &size),
		"write");
	actor->written[cell] = times;
	atomic_store(&ground->acknowledged[cell], times);
}

static void punch_cell(struct actor *actor, uint32_t cell)
{
	static const int modes[] = {FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE};
	struct ground *ground = actor->ground;

	expect(actor,
		hd_overlay_fallocate(ground->overlay, ground->file, modes[draw(&actor->seed) % 3],
			(uint64_t)cell * CELL_SIZE, CELL_SIZE),
		"punch");
	actor->written[cell] = 0;
}

static void look_at_cell(struct actor *actor, uint32_t cell)
{
	struct ground *ground = actor->ground;
	uint64_t offset = (uint64_t)cell * CELL_SIZE;
	uint8_t bytes[CELL_SIZE];
	uint32_t times;
	size_t size = 0;

	expect(actor, hd_overlay_read(ground->overlay, ground->file, bytes, CELL_SIZE, offset, &size),
		"read");
	if (size != CELL_SIZE)
		fail_actor(actor, "a short read", offset, (uint32_t)size, CELL_SIZE);
	else if (!parse_cell(offset, bytes, &times) || times != actor->written[cell])
		fail_actor(actor, "a cell", offset, times, actor->written[cell]);
}

/* Stays in one neighbourhood for a while, then anywhere; so blocks are shared with whoever is there. */
static void *write_cells(void *payload)
{
	struct actor *actor = payload;
	uint32_t around = 0;

	while (goes_on(actor)) {
		uint32_t kind = draw(&actor->seed) % 100;
		uint32_t cell = (around + draw(&actor->seed) % 64) / WRITERS * WRITERS;

		if (kind < 2)
			around = draw(&actor->seed) % CELLS;
		cell = (cell + (uint32_t)actor->number) % CELLS;
		if (kind == 99) /* much at once, so that the file grows large */
			for (uint32_t c = (uint32_t)actor->number; c < CELLS; c += WRITERS)
				write_cell(actor, c);
		else if (kind < 50)
			write_cell(actor, cell);
		else if (kind < 60 && may_be_hole(cell))
			punch_cell(actor, cell);
		else
			look_at_cell(actor, cell);
		actor->operations++;
	}
	return NULL;
}

/* ---- behind the cells ---- */

static void *change_tail(void *payload)
{
	struct actor *actor = payload;
	struct ground *ground = actor->ground;

	while (goes_on(actor)) {
		uint64_t offset = CELLS_END + draw(&actor->seed) % TAIL_SIZE;
		uint64_t length = 1 + draw(&actor->seed) % 100000;
		struct hd_attributes values = {.size = offset};
		uint8_t bytes[5000];
		size_t size = 0;

		switch (draw(&actor->seed) % 6) {
		case 0:
		case 1:
			expect(actor,
				hd_overlay_setattr(ground->overlay, &yard_caller, ground->file, HD_SET_SIZE,
					&values, &values),
				"truncate");
			break;
		case 2:
			memset(bytes, 't', sizeof(bytes));
			expect(actor,
				hd_overlay_write(
					ground->overlay, ground->file, bytes, sizeof(bytes), offset, &size),
				"append");
			break;
		case 3:
			expect(actor,
				hd_overlay_copy_file_range(ground->overlay, ground->file,
					CELLS_END + TAIL_SIZE / 2, ground->file, offset, 50000, &size),
				"copy");
			break;
		case 4:
			expect(actor, hd_overlay_fallocate(ground->overlay, ground->file, 0, offset, length),
				"allocate");
			break;
		default:
			expect(actor,
				hd_overlay_fallocate(ground->overlay, ground->file,
					FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length),
				"punch behind");
		}
		actor->operations++;
	}
	return NULL;
}

/* ---- the overlay's own ---- */

static void *settle(void *payload)
{
	struct actor *actor = payload;
	struct hd_content content;

	while (goes_on(actor)) {
		int r = hd_file_settle(actor->ground->overlay, actor->ground->file, NULL, &content);

		expect(actor, r == -EAGAIN ? 0 : r, "settle"); /* it is written all the while */
		hd_clock_sleep_ns(draw(&actor->seed) % 3000000);
		actor->operations++;
	}
	return NULL;
}

static void *flush(void *payload)
{
	struct actor *actor = payload;

	while (goes_on(actor)) {
		expect(actor, hd_flush(actor->ground->overlay), "flush");
		hd_clock_sleep_ns(draw(&actor->seed) % 20000000);
		actor->operations++;
	}
	return NULL;
}

static void check_snapshot(struct actor *actor, struct hd_snapshot *snapshot, struct hd_snapshot_node *node,
	const uint32_t *before)
{
	uint8_t *bytes = malloc(CELLS_END + TAIL_SIZE * 2);
	uint64_t size = node->attributes.size;
	size_t got = 0;

	if (!bytes || size > CELLS_END + TAIL_SIZE * 2 || size < CELLS_END) {
		fail_actor(actor, "a snapshot's size", size, 0, 0);
	} else {
		expect(actor, hd_snapshot_read(snapshot, node, bytes, size, 0, &got), "read a snapshot");
		if (got != size)
			fail_actor(actor, "a snapshot's bytes", size, (uint32_t)got, 0);
		for (uint32_t cell = 0; got == size && cell < CELLS; cell++) {
			uint64_t offset = (uint64_t)cell * CELL_SIZE;
			uint32_t times;

			if (may_be_hole(cell))
				continue; /* its two ends are zeroed one after the other */
			if (!parse_cell(offset, bytes + offset, &times) || times < before[cell])
				fail_actor(actor, "a snapshot's cell", offset, times, before[cell]);
		}
		for (uint64_t at = CELLS_END; got == size && at < size; at++)
			if (bytes[at] != 0 && bytes[at] != 't')
				fail_actor(actor, "a snapshot's byte", at, bytes[at], 't');
	}
	free(bytes);
}

static void *take_snapshots(void *payload)
{
	struct actor *actor = payload;
	struct ground *ground = actor->ground;
	uint32_t *before = calloc(CELLS, sizeof(*before));

	while (before && goes_on(actor)) {
		struct hd_snapshot *snapshot = NULL;
		struct hd_snapshot_node *node;

		for (uint32_t cell = 0; cell < CELLS; cell++)
			before[cell] = atomic_load(&ground->acknowledged[cell]);
		expect(actor, hd_snapshot_take(ground->overlay, actor->operations++ & 1, &snapshot),
			"snapshot");
		if (!snapshot)
			break;
		node = &hd_snapshot_root(snapshot)->children[0];
		expect(actor, hd_snapshot_settle(snapshot, node), "settle a snapshot");
		if (!actor->failure[0])
			check_snapshot(actor, snapshot, node, before);
		hd_snapshot_free(snapshot);
	}
	free(before);
	return NULL;
}

/* ---- all together ---- */

static struct actor *begin(struct ground *ground, unsigned number, uint64_t seed)
{
	static void *(*const others[])(void *) = {change_tail, change_tail, flush, take_snapshots};
	struct actor *actor = calloc(1, sizeof(*actor));
	void *(*run)(void *) = settle;

	assert_non_null(actor);
	actor->ground = ground;
	actor->seed = seed + number * 1234567 + 1;
	actor->number = number;
	if (number < WRITERS)
		run = write_cells;
	else if (number >= WRITERS + SETTLERS)
		run = others[number - WRITERS - SETTLERS];
	assert_int_equal(pthread_create(&actor->thread, NULL, run, actor), 0);
	return actor;
}

static void play(struct yard *yard, const struct hd_overlay_options *options)
{
	struct ground *ground = calloc(1, sizeof(*ground));
	struct hd_attributes values = {.size = CELLS_END + 77};
	struct actor *actors[THREADS];
	uint64_t seed = yard_seed();

	assert_non_null(ground);
	ground->overlay = yard_open_with(yard, options);
	ground->file = make_file(yard->overlay, HD_ROOT_INO, "file");
	assert_success(
		hd_overlay_setattr(yard->overlay, &yard_caller, ground->file, HD_SET_SIZE, &values, &values));
	ground->end_ns = hd_clock_monotonic_ns() + RUN_NS;
	for (unsigned i = 0; i < THREADS; i++)
		actors[i] = begin(ground, i, seed);
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(actors[i]->thread, NULL), 0);
		print_message("%u: %llu operations\n", i, (unsigned long long)actors[i]->operations);
	}
	for (unsigned i = 0; i < THREADS; i++)
		if (actors[i]->failure[0])
			fail_msg("%s", actors[i]->failure);
	ground->overlay = yard_reopen(yard);
	ground->file = find(yard->overlay, HD_ROOT_INO, "file");
	for (uint32_t cell = 0; cell < CELLS; cell++)
		look_at_cell(actors[cell % WRITERS], cell);
	for (unsigned i = 0; i < THREADS; i++) {
		if (actors[i]->failure[0])
			fail_msg("after opening again: %s", actors[i]->failure);
		free(actors[i]);
	}
	free(ground);
}

static void a_file_that_everybody_changes_loses_nothing(void **state)
{
	struct hd_overlay_options options = yard_options(*state);

	play(*state, &options);
}

static void nor_does_it_with_the_overlays_own_threads_and_little_memory(void **state)
{
	struct hd_overlay_options options = yard_options(*state);

	options.background = true;
	options.promote_idle_ms = 1;
	options.flush_interval_ms = 5;
	options.hot_limit_bytes = 5 << 20;
	play(*state, &options);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_file_that_everybody_changes_loses_nothing, yard_setup, yard_teardown),
		cmocka_unit_test_setup_teardown(nor_does_it_with_the_overlays_own_threads_and_little_memory,
			yard_setup, yard_teardown),
	};

	return cmocka_run_group_tests_name("one file", tests, NULL, NULL);
}
