/* SPDX-License-Identifier: Apache-2.0 */

/*
 * heddle-fuzz-fs: the same random operations on two directories, compared after each.
 *
 *     heddle-fuzz-fs --make-tree DIRECTORY --seed S
 *     heddle-fuzz-fs --seed S --operations N A B          A is under test, B is native; both hold the same
 * tree
 *
 * The sequence depends on the seed and on B's initial tree alone. On a difference the operation, both results
 * and the command that repeats it are printed, and both directories stay as they are. --from N keeps quiet
 * and compares nothing before operation N; --stop N ends after it. Commands given by --remount and --capture
 * run every so many operations; before --remount everything is closed, and after it the whole trees are
 * compared. Exit status: 0 no difference, 1 a difference, 2 it could not run.
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

struct options {
	uint64_t seed, operations, from, stop, tree_every, remount_every, capture_every, seconds;
	const char *make_tree, *remount, *capture;
	bool trace, no_xattrs;
};

struct counts {
	uint64_t tried[FUZZ_KIND_COUNT], succeeded[FUZZ_KIND_COUNT];
};

static const struct option long_options[] = {
	{"seed", required_argument, NULL, 's'},
	{"operations", required_argument, NULL, 'n'},
	{"from", required_argument, NULL, 'f'},
	{"stop", required_argument, NULL, 'e'},
	{"tree-every", required_argument, NULL, 't'},
	{"remount", required_argument, NULL, 'r'},
	{"remount-every", required_argument, NULL, 'R'},
	{"capture", required_argument, NULL, 'c'},
	{"capture-every", required_argument, NULL, 'C'},
	{"make-tree", required_argument, NULL, 'm'},
	{"seconds", required_argument, NULL, 'T'},
	{"trace", no_argument, NULL, 'v'},
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

static void parse_options(int argc, char **argv, struct options *options)
{
	int letter;

	while ((letter = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (letter) {
		case 's':
			options->seed = number(optarg);
			break;
		case 'n':
			options->operations = number(optarg);
			break;
		case 'f':
			options->from = number(optarg);
			break;
		case 'e':
			options->stop = number(optarg);
			break;
		case 't':
			options->tree_every = number(optarg);
			break;
		case 'r':
			options->remount = optarg;
			break;
		case 'R':
			options->remount_every = number(optarg);
			break;
		case 'c':
			options->capture = optarg;
			break;
		case 'C':
			options->capture_every = number(optarg);
			break;
		case 'm':
			options->make_tree = optarg;
			break;
		case 'T':
			options->seconds = number(optarg);
			break;
		case 'v':
			options->trace = true;
			break;
		case 'X':
			options->no_xattrs = true;
			break;
		default:
			exit(2);
		}
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

/*
 * A mapping's write is timed by the kernel's own write-back, reads move access times alone, and ext4 does not count an
 * attribute that is set to the value it has.
 */
static bool compares_times(const struct fuzz_operation *operation)
{
	return operation->kind != FUZZ_map_write && operation->kind != FUZZ_map_read &&
	       operation->kind != FUZZ_xattr_set;
}

/* Times first: comparing contents reads the files. */
static unsigned compare_after(const struct fuzz_comparison *comparison,
	const struct fuzz_operation *operation, const struct fuzz_times before[4],
	char paths[4][FUZZ_PATH_SIZE], const struct timespec *operation_start)
{
	unsigned differences = 0;
	bool deep = operation->pattern % 4 == 0;

	for (size_t i = 0; i < 4 && compares_times(operation); i++)
		if (paths[i][0] != '\0')
			differences +=
				fuzz_times_compare(comparison->world, paths[i], &before[i], operation_start);
	for (size_t i = 0; i < 4; i++)
		if (paths[i][0] != '\0')
			differences += fuzz_compare_path(comparison, paths[i], deep);
	differences += fuzz_compare_handle(comparison, operation->handle, deep);
	if (operation->kind == FUZZ_copy_range)
		differences += fuzz_compare_handle(comparison, operation->other_handle, true);
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

static unsigned run_one(const struct fuzz_comparison *comparison, const struct fuzz_operation *operation,
	struct counts *counts, bool compares)
{
	struct fuzz_world *world = comparison->world;
	char paths[4][FUZZ_PATH_SIZE];
	struct fuzz_outcome a, b;
	struct fuzz_times before[4];
	struct timespec start;
	unsigned differences;

	touched_paths(operation, paths);
	for (size_t i = 0; i < 4 && compares; i++)
		fuzz_times_take(world, paths[i], &before[i]);
	(void)clock_gettime(CLOCK_REALTIME_COARSE, &start);
	fuzz_execute(&world->a, operation, &a);
	fuzz_execute(&world->b, operation, &b);
	counts->tried[operation->kind]++;
	counts->succeeded[operation->kind] += b.error == 0;
	if (!compares)
		return 0;
	differences = fuzz_compare_outcomes(operation, &a, &b);
	return differences + compare_after(comparison, operation, before, paths, &start);
}

static int run_command(const char *command, const char *what)
{
	int status = system(command);

	if (status != 0)
		printf("  the %s command failed (status %d): %s\n", what, status, command);
	return status != 0;
}

static unsigned remount(const struct fuzz_comparison *comparison, const char *command)
{
	struct fuzz_world *world = comparison->world;

	fuzz_side_close(&world->a);
	fuzz_side_close(&world->b);
	if (run_command(command, "remount") != 0)
		return 1;
	if (fuzz_side_open(&world->a) < 0 || fuzz_side_open(&world->b) < 0) {
		printf("  cannot be opened after the remount: %s\n", strerror(errno));
		return 1;
	}
	return fuzz_compare_trees(comparison);
}

static bool is_due(uint64_t index, uint64_t every)
{
	return every != 0 && index > 0 && index % every == 0;
}

static unsigned run_hooks(
	const struct fuzz_comparison *comparison, const struct options *options, uint64_t index)
{
	unsigned differences = 0;

	if (options->capture != NULL && is_due(index, options->capture_every))
		differences +=
			run_command(options->capture, "capture") != 0 || fuzz_compare_trees(comparison) != 0;
	if (options->remount != NULL && is_due(index, options->remount_every))
		differences += remount(comparison, options->remount);
	else if (is_due(index, options->tree_every) && index >= options->from)
		differences += fuzz_compare_trees(comparison);
	return differences;
}

static void print_replay(const struct options *options, const struct fuzz_world *world, uint64_t index)
{
	printf("repeat: heddle-fuzz-fs --seed %" PRIu64 " --stop %" PRIu64 " --from %" PRIu64, options->seed,
		index, index > 20 ? index - 20 : 0);
	if (options->remount != NULL)
		printf(" --remount-every %" PRIu64 " --remount '%s'", options->remount_every,
			options->remount);
	if (options->capture != NULL)
		printf(" --capture-every %" PRIu64 " --capture '%s'", options->capture_every,
			options->capture);
	printf(" --trace %s %s\n", world->a.root, world->b.root);
	printf("        (both directories fresh: --make-tree with this seed)\n");
}

static void print_counts(const struct counts *counts, uint64_t operations, uint64_t seed)
{
	printf("%" PRIu64 " operations, seed %" PRIu64 ": no difference\n", operations, seed);
	for (size_t i = 0; i < FUZZ_KIND_COUNT; i++)
		printf("  %s %" PRIu64 "/%" PRIu64 "%s", fuzz_kind_names[i], counts->succeeded[i],
			counts->tried[i], i % 6 == 5 || i + 1 == FUZZ_KIND_COUNT ? "\n" : "");
}

static int run(const struct options *options, struct fuzz_world *world)
{
	struct fuzz_comparison comparison = {.world = world};
	struct fuzz_operation operation;
	struct counts counts = {0};
	struct timespec now;
	uint64_t index;

	(void)clock_gettime(CLOCK_REALTIME_COARSE, &comparison.run_start);
	if (fuzz_compare_trees(&comparison) != 0) {
		printf("the directories differ before the first operation\n");
		return 1;
	}
	for (index = 0; index < options->operations && index <= options->stop; index++) {
		unsigned differences = run_hooks(&comparison, options, index);

		fuzz_generate(world, &operation);
		if (options->trace && index >= options->from)
			fuzz_print(stdout, index, &operation);
		if (differences == 0)
			differences = run_one(&comparison, &operation, &counts, index >= options->from);
		if (differences > 0) {
			printf("difference at ");
			fuzz_print(stdout, index, &operation);
			print_replay(options, world, index);
			return 1;
		}
		(void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
		if (options->seconds != 0 &&
			now.tv_sec - comparison.run_start.tv_sec >= (time_t)options->seconds)
			break;
	}
	if (fuzz_compare_trees(&comparison) != 0) {
		printf("the trees differ at the end\n");
		print_replay(options, world, index);
		return 1;
	}
	print_counts(&counts, index, options->seed);
	return 0;
}

int main(int argc, char **argv)
{
	struct options options = {
		.seed = (uint64_t)time(NULL), .operations = 10000, .stop = UINT64_MAX, .tree_every = 500};
	static struct fuzz_world world;
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
	if (argc - optind != 2) {
		fprintf(stderr, "usage: heddle-fuzz-fs [options] A B\n");
		return 2;
	}
	world.a = (struct fuzz_side){.label = "a", .root = argv[optind]};
	world.b = (struct fuzz_side){.label = "b", .root = argv[optind + 1]};
	world.random.state = options.seed;
	if (fuzz_side_open(&world.a) < 0 || fuzz_side_open(&world.b) < 0) {
		fprintf(stderr, "cannot open: %s\n", strerror(errno));
		return 2;
	}
	world.is_root = geteuid() == 0;
	world.has_xattrs = !options.no_xattrs && supports_xattrs(world.b.root_fd);
	r = run(&options, &world);
	fuzz_side_close(&world.a);
	fuzz_side_close(&world.b);
	return r;
}
