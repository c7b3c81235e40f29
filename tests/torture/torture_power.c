/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cuts the power at every moment of many short stories.
 *
 *     heddle-torture-power --library heddle-record.so [--pairs N] [--triples N] [--random N] [--seed N] [--scratch DIR]
 *                          [--brief] [--omit CALL] [--sequence "WORDS"] [--part I/N]
 *
 * Each sequence of operations (power_session.h) runs once, recorded. Then, for every prefix of the recording and
 * several ways in which what was not synced may be there or not (power_replay.h), the store is laid out and checked.
 * All sequences of one operation are run, PAIRS of those of two (default: all), TRIPLES sampled ones of three; --brief
 * leaves out the large ones, and one of two ways to end.
 *
 * --omit fsync, fdatasync, syncfs or directory pretends that these calls had no effect: then cuts must be found that
 * lose something. The exit status is 0 when they are.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "tests/torture/copy_tree.h"
#include "tests/torture/power_check.h"
#include "tests/torture/power_session.h"
#include "tests/torture/workload.h"

#define SHAPES 4u
#define SHOWN_FAILURES 10u
#define LOOKED_LIMIT 4096u

struct looked {
	uint64_t hash;
	struct power_found found;
};

struct torture {
	const char *self, *preload, *omit;
	char scratch[PATH_MAX];
	unsigned random;
	uint64_t seed;
	uint64_t sequences, cuts, checked, failures;
	unsigned part, parts; /* of the sequences: which of them */
	uint64_t numbered;
	struct looked looked[LOOKED_LIMIT]; /* of the running sequence: the disks that were looked at */
	size_t n_looked;
};

static uint64_t draw(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * 0x2545F4914F6CDD1Du;
}

static void make_path(const struct torture *torture, const char *name, char path[PATH_MAX])
{
	if (snprintf(path, PATH_MAX, "%s/%s", torture->scratch, name) >= PATH_MAX)
		die("the path is too long");
}

static void copy_template(const struct torture *torture)
{
	char from[PATH_MAX], to[PATH_MAX];

	make_path(torture, "template", from);
	make_path(torture, "run", to);
	make_empty(to);
	copy_tree(from, to);
}

/* Runs SEQUENCE in a process of its own that is recorded. */
static void run_recorded(const struct torture *torture, const char *sequence)
{
	char root[PATH_MAX], log[PATH_MAX], state[PATH_MAX];
	int status;
	pid_t child;

	make_path(torture, "run", root);
	make_path(torture, "log", log);
	make_path(torture, "state", state);
	(void)unlink(log);
	(void)unlink(state);
	if (strcmp(sequence, "init") == 0)
		make_empty(root);
	else
		copy_template(torture);
	child = fork();
	if (child == 0) {
		setenv("RECORD_ROOT", root, 1);
		setenv("RECORD_LOG", log, 1);
		setenv("RECORD_STATE", state, 1);
		setenv("LD_PRELOAD", torture->preload, 1);
		if (torture->omit)
			setenv("RECORD_OMIT", torture->omit, 1);
		execl(torture->self, torture->self, "--run", root, sequence, (char *)NULL);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		die("'%s' could not be recorded", sequence);
}

/* The entry of a disk, new or not; NULL when there are too many. */
static struct looked *find_looked(struct torture *torture, uint64_t hash)
{
	for (size_t i = 0; i < torture->n_looked; i++)
		if (torture->looked[i].hash == hash)
			return &torture->looked[i];
	if (torture->n_looked == LOOKED_LIMIT)
		return NULL;
	torture->looked[torture->n_looked] = (struct looked){.hash = 0};
	return &torture->looked[torture->n_looked++];
}

static void show_failure(
	const struct torture *torture, const char *sequence, const struct cut *cut, const char *message)
{
	static const char *const modes[CUT_MODE_COUNT] = {
		"nothing unsynced", "everything", "names only", "bytes only", "random"};

	if (torture->failures > SHOWN_FAILURES || torture->omit)
		return;
	printf("FAILED: '%s', cut at record %zu, %s, seed %" PRIu64 ": %s\n", sequence, cut->end,
		modes[cut->mode], cut->seed, message);
}

static void look_at(struct torture *torture, const struct tree *tree, const struct power_expected *expected,
	struct power_found *found)
{
	char root[PATH_MAX];

	torture->checked++;
	make_path(torture, "cut", root);
	make_empty(root);
	tree_lay_out(tree, root);
	power_look(root, expected, found);
}

static void try_cut(struct torture *torture, const char *sequence, const struct recording *recording,
	const struct cut *cut, const struct power_expected *expected)
{
	struct tree *tree = recording_cut(recording, cut);
	uint64_t hash = tree_hash(tree) ^ (power_is_unfinished(expected) ? 1 : 0);
	struct looked once, *looked = find_looked(torture, hash);
	char message[4096];

	torture->cuts++;
	if (!looked)
		looked = &once;
	if (looked == &once || looked->hash != hash)
		look_at(torture, tree, expected, &looked->found);
	looked->hash = hash;
	if (!power_judge(&looked->found, expected, message, sizeof(message))) {
		torture->failures++;
		show_failure(torture, sequence, cut, message);
	}
	tree_free(tree);
}

/* The record behind which operation NUMBER has begun. */
static size_t find_start(const struct recording *recording, unsigned number)
{
	char mark[32];

	(void)snprintf(mark, sizeof(mark), "start %u", number);
	for (size_t i = 0; i < recording->count; i++)
		if (recording->records[i].header.kind == RECORD_MARK &&
			strcmp(recording->records[i].name, mark) == 0)
			return i + 1;
	die("operation %u was not recorded", number);
}

static bool is_mark(const struct recording *recording, size_t number)
{
	return recording->records[number].header.kind == RECORD_MARK;
}

/* Marks change what is expected of a disk, not the disk: behind one, the same parts of what was not synced are drawn. */
static void try_cuts(
	struct torture *torture, const char *sequence, const struct recording *recording, size_t begin)
{
	size_t happened = begin;

	for (size_t end = begin; end <= recording->count; end++) {
		struct cut cut = {.end = end};
		struct power_expected expected;

		if (end > begin && !is_mark(recording, end - 1))
			happened = end;
		power_expect(recording, &cut, &expected);
		for (unsigned mode = 0; mode < CUT_RANDOM + torture->random; mode++) {
			cut.mode = mode < CUT_RANDOM ? (enum cut_mode)mode : CUT_RANDOM;
			cut.seed = torture->seed + happened * 1000 + mode;
			try_cut(torture, sequence, recording, &cut, &expected);
		}
	}
}

/* Cuts from when operation FROM (1: the first) begins; those before are in another sequence. */
static void try_sequence_from(struct torture *torture, const char *sequence, unsigned from)
{
	struct recording recording;
	char log[PATH_MAX];
	size_t begin = 0;

	if (torture->numbered++ % torture->parts != torture->part)
		return;
	run_recorded(torture, sequence);
	make_path(torture, "log", log);
	recording_load(log, &recording);
	torture->sequences++;
	torture->n_looked = 0;
	while (begin < recording.count && recording.records[begin].header.kind <= RECORD_SNAPSHOT_FILE)
		begin++;
	if (from > 1)
		begin = find_start(&recording, from);
	try_cuts(torture, sequence, &recording, begin);
	recording_free(&recording);
}

static void try_sequence(struct torture *torture, const char *sequence)
{
	try_sequence_from(torture, sequence, 1);
}

/* What stands between and behind two operations. What happens before the second begins, the first alone shows. */
static void try_pair(struct torture *torture, const char *first, const char *second, unsigned shape)
{
	static const char *const formats[SHAPES][3] = {
		{"", " ", " fsync"}, {"", " fsync ", " close"}, {"", " die ", " fsync"}, {"", " fsync ", ""}};
	char sequence[256];

	(void)snprintf(sequence, sizeof(sequence), "%s%s%s%s%s", formats[shape][0], first, formats[shape][1],
		second, formats[shape][2]);
	/* Whoever takes over would have to be given the memory of large files. */
	if (strstr(sequence, "large") && strstr(sequence, "die"))
		return;
	try_sequence_from(torture, sequence, shape == 0 ? 2 : 3);
}

/* What a sample would rarely find: a process that dies between storing bytes and syncing them. */
static void try_known(struct torture *torture)
{
	static const char *const sequences[] = {"init", "overwrite settle die chmod fsync",
		"create-full settle die capture", "replace fsync checkpoint rename-over settle close",
		"create fsync write-memory killed-in-fsync fsync", "write-memory killed-in-fsync chmod fsync",
		"create fsync write-memory killed-in-fsync close",
		"write-memory fsync killed-in-checkpoint fsync",
		"write-memory fsync killed-in-checkpoint create fsync"};

	for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++)
		try_sequence(torture, sequences[i]);
}

static void try_singles(struct torture *torture, bool brief)
{
	char sequence[256];

	for (size_t i = 0; i < workload_operation_count; i++) {
		if (brief && workload_operations[i].heavy)
			continue;
		(void)snprintf(sequence, sizeof(sequence), "%s fsync", workload_operations[i].name);
		try_sequence(torture, sequence);
		(void)snprintf(sequence, sizeof(sequence), "%s close", workload_operations[i].name);
		if (!brief)
			try_sequence(torture, sequence);
	}
}

static void try_pairs(struct torture *torture, uint64_t limit, uint64_t *seed)
{
	uint64_t n = workload_operation_count, all = n * n * SHAPES;

	for (uint64_t i = 0; i < (limit < all ? limit : all); i++) {
		uint64_t number = limit < all ? draw(seed) % all : i;

		try_pair(torture, workload_operations[number / SHAPES / n].name,
			workload_operations[number / SHAPES % n].name, (unsigned)(number % SHAPES));
	}
}

/* What happens before the third begins, pairs show; but not what a settled first does to a second. */
static void try_triple(struct torture *torture, uint64_t *seed)
{
	static const char *const between[] = {" ", " fsync ", " settle ", " die "};
	const char *names[3];
	unsigned gaps[2], from = 3;
	char sequence[512];

	for (unsigned i = 0; i < 3; i++)
		names[i] = workload_operations[draw(seed) % workload_operation_count].name;
	for (unsigned i = 0; i < 2; i++) {
		gaps[i] = (unsigned)(draw(seed) % 4);
		from += gaps[i] != 0;
	}
	if (gaps[0] == 2)
		from = 3;
	(void)snprintf(sequence, sizeof(sequence), "%s%s%s%s%s fsync", names[0], between[gaps[0]], names[1],
		between[gaps[1]], names[2]);
	if (!(strstr(sequence, "large") && strstr(sequence, "die")))
		try_sequence_from(torture, sequence, from);
}

static int report(const struct torture *torture, uint64_t start_ns)
{
	printf("torture-power: %" PRIu64 " sequences, %" PRIu64 " cuts, %" PRIu64
	       " different ones checked, %" PRIu64 " failures, %.1f s, seed %" PRIu64 "\n",
		torture->sequences, torture->cuts, torture->checked, torture->failures,
		(double)(hd_clock_monotonic_ns() - start_ns) / 1e9, torture->seed);
	if (torture->omit) {
		printf("torture-power: without the effect of %s: %s\n", torture->omit,
			torture->failures ? "noticed" : "NOT NOTICED");
		return torture->failures ? 0 : 1;
	}
	return torture->failures ? 1 : 0;
}

/* "I/N": every N-th sequence, beginning with the I-th from 0. */
static void read_part(struct torture *torture, const char *text)
{
	if (sscanf(text, "%u/%u", &torture->part, &torture->parts) != 2 || torture->part >= torture->parts)
		die("--part is I/N, I below N");
}

static void set_up(struct torture *torture, const char *scratch)
{
	char path[PATH_MAX];
	int r;

	if (snprintf(torture->scratch, PATH_MAX, "%s/heddle-power-XXXXXX", scratch) >= PATH_MAX ||
		!mkdtemp(torture->scratch))
		die("cannot make a directory in %s", scratch);
	make_path(torture, "template", path);
	make_empty(path);
	r = workload_make_store(path);
	if (r < 0)
		die("cannot make a store: %s", hd_error_message(r));
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"brief", 0, NULL, 'b'}, {"library", 1, NULL, 'l'},
		{"pairs", 1, NULL, 'p'}, {"triples", 1, NULL, 't'}, {"random", 1, NULL, 'r'},
		{"seed", 1, NULL, 's'}, {"scratch", 1, NULL, 'd'}, {"omit", 1, NULL, 'o'},
		{"sequence", 1, NULL, 'q'}, {"part", 1, NULL, 'a'}, {0}};
	static struct torture torture = {.random = 4, .seed = 1, .parts = 1};
	uint64_t start_ns = hd_clock_monotonic_ns(), pairs = UINT64_MAX, triples = 0, seed;
	const char *scratch = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", *only = NULL;
	bool brief = false;
	int option, status;

	if (argc == 4 && strcmp(argv[1], "--run") == 0) {
		power_session_run(argv[2], argv[3]);
		return 0;
	}
	torture.self = "/proc/self/exe";
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'l':
			torture.preload = optarg;
			break;
		case 'p':
			pairs = strtoull(optarg, NULL, 10);
			break;
		case 't':
			triples = strtoull(optarg, NULL, 10);
			break;
		case 'r':
			torture.random = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 's':
			torture.seed = strtoull(optarg, NULL, 10);
			break;
		case 'd':
			scratch = optarg;
			break;
		case 'o':
			torture.omit = optarg;
			break;
		case 'q':
			only = optarg;
			break;
		case 'a':
			read_part(&torture, optarg);
			break;
		case 'b':
			brief = true;
			break;
		default:
			return 64;
		}
	}
	if (!torture.preload)
		die("--library is missing");
	set_up(&torture, scratch);
	seed = torture.seed * 0x9E3779B97F4A7C15u;
	if (only) {
		try_sequence(&torture, only);
	} else {
		try_known(&torture);
		try_singles(&torture, brief);
		try_pairs(&torture, pairs, &seed);
		for (uint64_t i = 0; i < triples; i++)
			try_triple(&torture, &seed);
	}
	status = report(&torture, start_ns);
	if (hd_directory_remove_tree(AT_FDCWD, torture.scratch) < 0)
		die("cannot remove %s", torture.scratch);
	return status;
}
