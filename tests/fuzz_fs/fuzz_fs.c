/* SPDX-License-Identifier: Apache-2.0 */

/*
 * heddle-fuzz-fs: the same random operations on two directories, compared after each.
 *
 *     heddle-fuzz-fs --make-tree DIRECTORY --seed S
 *     heddle-fuzz-fs --seed S --operations N A B        A is under test, B is native; both hold the same tree
 *     heddle-fuzz-fs --replay FILE A B
 *
 * The sequence depends on the seed and on B's initial tree alone. --record FILE writes it down, --replay FILE
 * executes what was written (sequence.h); --users lets other users act, too (as root); --writeback tells that A is
 * mounted with that option. --remount, --capture, --kill, --fork, --save, --restore and --undo give commands for the
 * operations of these names, which come every so many operations (--fork-every N and so on); before all but capture and
 * save everything is closed (not before kill with --kill-keeps-open), and the whole trees are compared after each.
 * On a difference both directories stay as they are.
 *
 * Exit status: 0 no difference, 1 a difference, 2 it could not run.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/fuzz_fs/compare.h"
#include "tests/fuzz_fs/sequence.h"

enum { ERROR_COUNT = 200, EVENT_LETTER = 256 /* of two options for each event */ };

struct options {
	uint64_t seed, operations, tree_every, seconds;
	const char *make_tree, *record, *replay;
	const char *commands[FUZZ_KIND_COUNT]; /* of events */
	uint64_t every[FUZZ_KIND_COUNT];
	bool trace, no_xattrs, users, kill_keeps_open, writeback;
};

struct run {
	const struct options *options;
	struct fuzz_comparison comparison;
	uint64_t tried[FUZZ_KIND_COUNT], succeeded[FUZZ_KIND_COUNT], errors[ERROR_COUNT];
	uint64_t index;
	FILE *record, *replay;
};

static const struct option long_options[] = {
	{"seed", required_argument, NULL, 's'},
	{"operations", required_argument, NULL, 'n'},
	{"tree-every", required_argument, NULL, 't'},
#define EVENT_OPTIONS(name, weight)                                       \
	{#name, required_argument, NULL, EVENT_LETTER + 2 * FUZZ_##name}, \
		{#name "-every", required_argument, NULL, EVENT_LETTER + 2 * FUZZ_##name + 1},
	FUZZ_EVENTS(EVENT_OPTIONS)
#undef EVENT_OPTIONS
		{"kill-keeps-open", no_argument, NULL, 'o'},
	{"make-tree", required_argument, NULL, 'm'},
	{"record", required_argument, NULL, 'w'},
	{"replay", required_argument, NULL, 'p'},
	{"seconds", required_argument, NULL, 'T'},
	{"trace", no_argument, NULL, 'v'},
	{"users", no_argument, NULL, 'u'},
	{"writeback", no_argument, NULL, 'W'},
	{"no-xattrs", no_argument, NULL, 'X'},
	{0},
};

static uint64_t number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	if (*text == '\0' || *end != '\0') {
		fprintf(stderr, "not a number: %s\n", text);
		exit(2);
	}
	return value;
}

static void parse_event(int letter, struct options *options)
{
	enum fuzz_kind kind = (enum fuzz_kind)((letter - EVENT_LETTER) / 2);

	if (letter % 2 == 0)
		options->commands[kind] = optarg;
	else
		options->every[kind] = number(optarg);
}

static void parse_option(int letter, struct options *options)
{
	switch (letter) {
	case 's':
		options->seed = number(optarg);
		break;
	case 'n':
		options->operations = number(optarg);
		break;
	case 't':
		options->tree_every = number(optarg);
		break;
	case 'm':
		options->make_tree = optarg;
		break;
	case 'w':
		options->record = optarg;
		break;
	case 'p':
		options->replay = optarg;
		break;
	case 'T':
		options->seconds = number(optarg);
		break;
	case 'v':
		options->trace = true;
		break;
	case 'u':
		options->users = true;
		break;
	case 'o':
		options->kill_keeps_open = true;
		break;
	case 'W':
		options->writeback = true;
		break;
	case 'X':
		options->no_xattrs = true;
		break;
	default:
		exit(2);
	}
}

static void parse_options(int argc, char **argv, struct options *options)
{
	int letter;

	while ((letter = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (letter >= EVENT_LETTER)
			parse_event(letter, options);
		else
			parse_option(letter, options);
	}
}

static bool supports_xattrs(int root_fd)
{
	bool supported = fsetxattr(root_fd, "user.probe", "", 0, 0) == 0;

	if (supported)
		(void)fremovexattr(root_fd, "user.probe");
	return supported;
}

/* The directory part of PATH: what an operation on the name touches besides. */
static void parent_of(const char *path, char *parent)
{
	char *slash;

	strcpy(parent, path);
	slash = strrchr(parent, '/');
	if (slash != NULL)
		*slash = '\0';
	else
		strcpy(parent, ".");
}

/* The kernel times a mapping's write when it likes, at the latest by msync(2). */
static bool compares_times(const struct fuzz_operation *operation)
{
	return operation->kind != FUZZ_map_write && operation->kind != FUZZ_map_truncate &&
	       operation->kind != FUZZ_map_store;
}

/* Now and then nothing is looked at: looking makes the kernel ask, and what it then knows may hide a fault. */
static unsigned compare_after(const struct fuzz_comparison *comparison,
	const struct fuzz_operation *operation, const struct fuzz_times before[4],
	char paths[4][FUZZ_PATH_SIZE], const struct timespec *operation_start)
{
	unsigned differences = 0;
	bool deep = operation->pattern % 4 == 0;

	if (operation->pattern % 5 == 0)
		return 0;
	for (size_t i = 0; i < 4 && compares_times(operation); i++)
		if (paths[i][0] != '\0')
			differences += fuzz_times_compare(comparison, paths[i], &before[i], operation_start) +
				       fuzz_access_times_compare(comparison, operation, paths[i], &before[i]);
	for (size_t i = 0; i < 4; i++)
		if (paths[i][0] != '\0')
			differences += fuzz_compare_path(comparison, paths[i], deep);
	if (!fuzz_uses_handle(operation->kind))
		return differences;
	differences += fuzz_compare_handle(comparison, operation->handle, deep);
	if (operation->kind == FUZZ_copy_range)
		differences += fuzz_compare_handle(comparison, operation->other_handle, deep);
	return differences;
}

static void touched_paths(const struct fuzz_operation *operation, char paths[4][FUZZ_PATH_SIZE])
{
	memset(paths, 0, 4 * sizeof(paths[0]));
	if (operation->path[0] == '\0')
		return;
	strcpy(paths[0], operation->path);
	parent_of(operation->path, paths[1]);
	if (operation->kind != FUZZ_rename && operation->kind != FUZZ_link)
		return;
	strcpy(paths[2], operation->other);
	parent_of(operation->other, paths[3]);
}

static unsigned run_call(struct run *run, const struct fuzz_operation *operation)
{
	struct fuzz_comparison *comparison = &run->comparison;
	struct fuzz_world *world = comparison->world;
	char paths[4][FUZZ_PATH_SIZE];
	struct fuzz_outcome a, b;
	struct fuzz_times before[4];
	struct timespec start;

	touched_paths(operation, paths);
	for (size_t i = 0; i < 4; i++)
		fuzz_times_take(world, paths[i], &before[i]);
	(void)clock_gettime(CLOCK_REALTIME_COARSE, &start);
	fuzz_intervals_begin(&comparison->intervals);
	fuzz_execute(&world->a, operation, &a);
	fuzz_execute(&world->b, operation, &b);
	fuzz_intervals_end(&comparison->intervals);
	run->succeeded[operation->kind] += b.error == 0;
	run->errors[b.error % ERROR_COUNT]++;
	return fuzz_compare_outcomes(operation, &a, &b) +
	       compare_after(comparison, operation, before, paths, &start);
}

/* Attributes alone make no state (docs/design/states.md), so that a thread would begin without them. */
static void change_for_state(struct run *run)
{
	struct fuzz_operation change = {.kind = FUZZ_mkdir, .mode = 0755};
	struct fuzz_comparison *comparison = &run->comparison;
	struct fuzz_outcome outcome;

	(void)snprintf(change.path, sizeof(change.path), "state-%" PRIu64, run->index);
	fuzz_intervals_begin(&comparison->intervals);
	fuzz_execute(&comparison->world->a, &change, &outcome);
	fuzz_execute(&comparison->world->b, &change, &outcome);
	fuzz_intervals_end(&comparison->intervals);
}

static bool closes_everything(const struct run *run, enum fuzz_kind kind)
{
	if (kind == FUZZ_kill)
		return !run->options->kill_keeps_open;
	return kind != FUZZ_capture && kind != FUZZ_save;
}

/* What goes back to a state is changed by that, on both sides. */
static bool moves_change_times(enum fuzz_kind kind)
{
	return kind == FUZZ_restore || kind == FUZZ_undo;
}

/* Runs the command of an event; the number of differences that are its own. */
static unsigned run_command(struct run *run, enum fuzz_kind kind)
{
	const char *command = run->options->commands[kind];
	int status;

	(void)umask(022);
	if (moves_change_times(kind))
		fuzz_intervals_begin(&run->comparison.restores);
	status = system(command);
	if (moves_change_times(kind))
		fuzz_intervals_end(&run->comparison.restores);
	if (status == 0)
		return 0;
	printf("  the %s command failed (status %d): %s\n", fuzz_kind_names[kind], status, command);
	return 1;
}

/* Something that happens to the side under test as a whole: nothing may be seen of it, but of a restore, which happens to
 * both. */
static unsigned run_event(struct run *run, enum fuzz_kind kind)
{
	struct fuzz_world *world = run->comparison.world;
	bool closes = closes_everything(run, kind);

	if (run->options->commands[kind] == NULL)
		return 0;
	if (kind == FUZZ_fork || kind == FUZZ_save)
		change_for_state(run);
	if (fchdir(run->comparison.world->home_fd) < 0)
		return 1;
	if (closes) {
		fuzz_side_close(&world->a);
		fuzz_side_close(&world->b);
	}
	if (run_command(run, kind) != 0)
		return 1;
	if (closes && (fuzz_side_open(&world->a) < 0 || fuzz_side_open(&world->b) < 0)) {
		printf("  cannot be opened after %s: %s\n", fuzz_kind_names[kind], strerror(errno));
		return 1;
	}
	run->succeeded[kind]++;
	return fuzz_compare_trees(&run->comparison);
}

/* The next operation: 1, 0 when there is none, -1 when the file to replay holds something else. */
static int next(struct run *run, struct fuzz_operation *operation)
{
	const struct options *options = run->options;

	if (run->replay != NULL)
		return fuzz_sequence_read(run->replay, operation);
	if (run->index >= options->operations)
		return 0;
	for (enum fuzz_kind kind = FUZZ_remount; kind < FUZZ_KIND_COUNT; kind++) {
		if (options->commands[kind] == NULL || options->every[kind] == 0 ||
			run->index % options->every[kind] != options->every[kind] - 1)
			continue;
		memset(operation, 0, sizeof(*operation));
		operation->kind = kind;
		return 1;
	}
	fuzz_generate(run->comparison.world, operation);
	return 1;
}

static int difference(struct run *run, const struct fuzz_operation *operation)
{
	if (operation != NULL) {
		printf("difference at operation %" PRIu64 ": ", run->index);
		fuzz_sequence_write(stdout, operation);
	} else {
		printf("the trees differ after operation %" PRIu64 "\n", run->index);
	}
	if (run->replay == NULL)
		printf("seed %" PRIu64 "\n", run->options->seed);
	if (run->record != NULL && fflush(run->record) == 0)
		printf("sequence: %s (for --replay on fresh directories)\n", run->options->record);
	return 1;
}

static bool is_time_over(const struct run *run)
{
	const struct fuzz_intervals *intervals = &run->comparison.intervals;

	return run->options->seconds != 0 && intervals->count > 0 &&
	       intervals->intervals[intervals->count - 1].end - intervals->intervals[0].start >=
		       (int64_t)run->options->seconds * INT64_C(1000000000);
}

static void print_counts(const struct run *run)
{
	printf("%" PRIu64 " operations, seed %" PRIu64 ": no difference\n", run->index, run->options->seed);
	for (size_t i = 0; i < FUZZ_KIND_COUNT; i++)
		printf("  %s %" PRIu64 "/%" PRIu64 "%s", fuzz_kind_names[i], run->succeeded[i], run->tried[i],
			i % 6 == 5 || i + 1 == FUZZ_KIND_COUNT ? "\n" : "");
	for (int i = 1; i < ERROR_COUNT; i++)
		if (run->errors[i] > 0)
			printf("  %s %" PRIu64, strerrorname_np(i), run->errors[i]);
	printf("\n");
}

static int run_all(struct run *run)
{
	struct fuzz_operation operation;
	int r;

	run->comparison.run_start = time(NULL);
	if (fuzz_compare_trees(&run->comparison) != 0) {
		printf("the directories differ before the first operation\n");
		return 1;
	}
	while ((r = next(run, &operation)) > 0 && !is_time_over(run)) {
		bool is_event = operation.kind >= FUZZ_remount;

		if (run->options->trace)
			fuzz_sequence_write(stdout, &operation);
		if (run->record != NULL)
			fuzz_sequence_write(run->record, &operation);
		run->tried[operation.kind]++;
		if ((is_event ? run_event(run, operation.kind) : run_call(run, &operation)) != 0)
			return difference(run, &operation);
		run->index++;
		if (run->index % run->options->tree_every == 0 && fuzz_compare_trees(&run->comparison) != 0)
			return difference(run, NULL);
	}
	if (r < 0)
		return 2;
	if (run->index > 0 && fuzz_compare_trees(&run->comparison) != 0)
		return difference(run, NULL);
	print_counts(run);
	return 0;
}

/* What the sides can do, as far as operations depend on it; false with a message if it is not what was asked. */
static bool probe(const struct options *options, struct fuzz_world *world)
{
	struct fuzz_operation look = {.kind = FUZZ_list, .path = ".", .user = 1};
	struct fuzz_outcome a = {0}, b = {0};
	int fd = openat(world->a.root_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	world->has_nameless = fd >= 0;
	if (fd >= 0)
		(void)close(fd);
	world->is_root = geteuid() == 0;
	world->has_users = options->users;
	world->has_xattrs = !options->no_xattrs && supports_xattrs(world->b.root_fd);
	if (options->users && world->is_root) {
		fuzz_execute(&world->a, &look, &a);
		fuzz_execute(&world->b, &look, &b); /* an access control list may refuse it on both sides */
	}
	if (!options->users || (world->is_root && a.error == b.error))
		return true;
	fprintf(stderr, "other users cannot act here: %s\n",
		world->is_root ? strerror(a.error) : "not run by root");
	return false;
}

static int run_on(const struct options *options, char **roots)
{
	static struct fuzz_world world;
	struct run run = {
		.options = options, .comparison = {.world = &world, .collects_writes = options->writeback}};
	int r = 2;

	world.a = (struct fuzz_side){.label = "a", .root = roots[0]};
	world.b = (struct fuzz_side){.label = "b", .root = roots[1], .is_native = true};
	world.a.collects_writes = world.b.collects_writes = options->writeback;
	world.random.state = options->seed;
	world.home_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	run.record = options->record != NULL ? fopen(options->record, "we") : NULL;
	run.replay = options->replay != NULL ? fopen(options->replay, "re") : NULL;
	if (world.home_fd < 0 || (options->record != NULL && run.record == NULL) ||
		(options->replay != NULL && run.replay == NULL) || fuzz_side_open(&world.a) < 0 ||
		fuzz_side_open(&world.b) < 0) {
		fprintf(stderr, "cannot open: %s\n", strerror(errno));
		return 2;
	}
	if (run.record != NULL)
		fprintf(run.record, "# heddle-fuzz-fs --seed %" PRIu64 "\n", options->seed);
	if (probe(options, &world))
		r = run_all(&run);
	if (run.record != NULL && fclose(run.record) != 0)
		r = 2;
	if (run.replay != NULL)
		(void)fclose(run.replay);
	fuzz_side_close(&world.a);
	fuzz_side_close(&world.b);
	fuzz_intervals_free(&run.comparison.intervals);
	fuzz_intervals_free(&run.comparison.restores);
	return r;
}

int main(int argc, char **argv)
{
	struct options options = {.seed = (uint64_t)time(NULL), .operations = 10000, .tree_every = 500};
	int r;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	(void)umask(0);
	parse_options(argc, argv, &options);
	if (options.make_tree != NULL) {
		r = fuzz_make_tree(options.make_tree, options.seed, !options.no_xattrs);
		if (r < 0)
			fprintf(stderr, "%s: %s\n", options.make_tree, strerror(-r));
		return r < 0 ? 2 : 0;
	}
	if (argc - optind != 2 || options.tree_every == 0) {
		fprintf(stderr, "usage: heddle-fuzz-fs [options] A B\n");
		return 2;
	}
	return run_on(&options, argv + optind);
}
