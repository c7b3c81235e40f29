/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lets system calls and allocations fail, each of them, in short stories.
 *
 *     heddle-torture-faults --library heddle-fault.so [--runs N] [--kind NAME] [--story NAME] [--seed N]
 *                           [--scratch DIR] [--verbose] [--lies]
 *
 * For each story (fault_story.h) and each kind of call: how many such calls it makes is counted; then, for every k, it
 * runs with the k-th one failing, and with all from the k-th on failing. With --runs not all of them, but N sampled ones.
 * With --lies writes, renames and links that fail say that they succeeded; the exit status is 0 when that is noticed.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "overlay/platform/clock.h"
#include "overlay/platform/files/file.h"
#include "tests/torture/copy_tree.h"
#include "tests/torture/fault_story.h"
#include "tests/torture/workload.h"

#define SHOWN_FAILURES 12u
#define CODES 4
#define LARGE_BLOCKS 64u /* what a large file costs is bytes, and what can fail is calls */

struct kind {
	const char *name;
	int codes[CODES]; /* which errno, in turn */
};

static const struct kind kinds[FAULT_KIND_COUNT] = {
	[FAULT_MALLOC] = {"malloc", {ENOMEM}},
	[FAULT_OPEN] = {"open", {EMFILE, ENFILE, EIO, EROFS}},
	[FAULT_READ] = {"read", {EIO}},
	[FAULT_WRITE] = {"write", {ENOSPC, EIO, EDQUOT, EROFS}},
	[FAULT_SYNC] = {"fsync", {EIO, ENOSPC}},
	[FAULT_RENAME] = {"rename", {ENOSPC, EIO, EROFS}},
	[FAULT_LINK] = {"link", {ENOSPC, EIO, EROFS}},
	[FAULT_UNLINK] = {"unlink", {EIO, EROFS}},
	[FAULT_MKDIR] = {"mkdir", {ENOSPC, EROFS}},
	[FAULT_TRUNCATE] = {"ftruncate", {EIO, ENOSPC}},
	[FAULT_ALLOCATE] = {"fallocate", {ENOSPC, EOPNOTSUPP}},
	[FAULT_MMAP] = {"mmap", {ENOMEM}},
	[FAULT_MEMFD] = {"memfd_create", {EMFILE, ENFILE, ENOMEM}},
	[FAULT_STAT] = {"stat", {EIO, ENOMEM}},
	[FAULT_DIRECTORY] = {"readdir", {EIO, ENOMEM}},
	[FAULT_DUP] = {"dup", {EMFILE}},
	[FAULT_LOCK] = {"flock", {ENOLCK, EINTR}},
	[FAULT_THREAD] = {"pthread_create", {EAGAIN}},
	[FAULT_SEND] = {"sendmsg", {ENOBUFS}},
	[FAULT_RECEIVE] = {"recvmsg", {ENOMEM}},
	[FAULT_SOCKET] = {"socket", {EMFILE}},
	[FAULT_PIPE] = {"pipe", {EMFILE}},
	[FAULT_FORK] = {"fork", {EAGAIN}},
};

struct torture {
	char scratch[PATH_MAX], template[PATH_MAX], root[PATH_MAX];
	const char *only_kind, *only_story;
	bool verbose, lies;
	uint64_t runs, limit, failed_calls, failures, refused;
	double share; /* of the runs that are made */
	uint64_t seed;
	struct story_log *log; /* shared with children */
};

static uint64_t draw(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * 0x2545F4914F6CDD1Du;
}

static void prepare(const struct torture *torture, const struct story *story)
{
	make_empty(torture->root);
	if (strcmp(story->words, "init") != 0)
		copy_tree(torture->template, torture->root);
}

static void try_fault(struct torture *torture, const struct story *story, const struct story_log *reference,
	const struct fault_plan *plan, enum story_end end)
{
	struct story_log *log = torture->log;
	bool good;

	prepare(torture, story);
	torture->runs++;
	good = story_run(story, torture->root, plan, end, log);
	torture->failed_calls += (uint64_t)log->plan.failed;
	torture->refused += log->opened < 0;
	for (unsigned i = 0; i < log->steps; i++)
		torture->refused += log->results[i] < 0;
	good = good && story_check(story, torture->root, end, reference, log);
	if (good)
		return;
	torture->failures++;
	if (!torture->lies && (torture->failures <= SHOWN_FAILURES || torture->verbose))
		printf("FAILED: story %s, %s number %ld %s (%s), which %s: %s\n", story->name,
			kinds[plan->kind].name, plan->number, plan->forever ? "and all behind it" : "once",
			strerror(plan->code), end == STORY_DIES ? "dies" : "goes on", log->message);
}

static void try_kind(
	struct torture *torture, const struct story *story, const struct story_log *reference, int kind)
{
	for (long number = 1; number <= reference->plan.counts[kind]; number++) {
		for (int variant = 0; variant < 4; variant++) {
			struct fault_plan plan = {.kind = kind,
				.number = number,
				.forever = variant & 1,
				.lies = torture->lies};
			int codes = 1;

			while (codes < CODES && kinds[kind].codes[codes])
				codes++;
			if ((double)(draw(&torture->seed) >> 11) / (double)(1ull << 53) >= torture->share)
				continue;
			plan.code = kinds[kind].codes[(number + variant / 2) % codes];
			/* A call that is interrupted is made again; no system interrupts it for ever. */
			if (plan.code == EINTR)
				plan.forever = false;
			try_fault(torture, story, reference, &plan, variant & 2 ? STORY_DIES : STORY_GOES_ON);
		}
	}
}

static void run_reference(struct torture *torture, const struct story *story, struct story_log *ret)
{
	struct fault_plan none = {.kind = -1};

	prepare(torture, story);
	if (!story_run(story, torture->root, &none, STORY_GOES_ON, torture->log) ||
		!story_check(story, torture->root, STORY_GOES_ON, torture->log, torture->log))
		die("story %s fails without a fault: %s", story->name, torture->log->message);
	for (unsigned i = 0; i < torture->log->steps; i++)
		if (torture->log->results[i] < 0)
			die("step %u of story %s fails without a fault", i + 1, story->name);
	*ret = *torture->log;
}

static bool is_wanted(const struct torture *torture, const struct story *story, int kind)
{
	return (!torture->only_story || strcmp(torture->only_story, story->name) == 0) &&
	       (kind < 0 || !torture->only_kind || strcmp(torture->only_kind, kinds[kind].name) == 0);
}

static void run_all(struct torture *torture)
{
	struct story_log *references = calloc(story_count, sizeof(*references));
	uint64_t total = 0;

	if (!references)
		die("out of memory");
	for (size_t i = 0; i < story_count; i++) {
		if (!is_wanted(torture, &stories[i], -1))
			continue;
		run_reference(torture, &stories[i], &references[i]);
		for (int kind = 0; kind < FAULT_KIND_COUNT; kind++)
			if (is_wanted(torture, &stories[i], kind))
				total += 4 * (uint64_t)references[i].plan.counts[kind];
	}
	torture->share =
		torture->limit && torture->limit < total ? (double)torture->limit / (double)total : 1;
	printf("torture-faults: %" PRIu64 " runs to make\n", (uint64_t)((double)total * torture->share));
	(void)fflush(stdout);
	for (size_t i = 0; i < story_count; i++)
		for (int kind = 0; kind < FAULT_KIND_COUNT; kind++)
			if (is_wanted(torture, &stories[i], kind))
				try_kind(torture, &stories[i], &references[i], kind);
	free(references);
}

static void set_up(struct torture *torture, const char *scratch)
{
	if (snprintf(torture->scratch, PATH_MAX, "%s/heddle-faults-XXXXXX", scratch) >= PATH_MAX - 16 ||
		!mkdtemp(torture->scratch))
		die("cannot make a directory in %s", scratch);
	(void)snprintf(torture->template, PATH_MAX, "%.4000s/template", torture->scratch);
	(void)snprintf(torture->root, PATH_MAX, "%.4000s/run", torture->scratch);
	make_empty(torture->template);
	if (workload_make_store(torture->template) < 0)
		die("cannot make a store");
	torture->log =
		mmap(NULL, sizeof(*torture->log), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (torture->log == MAP_FAILED)
		die("no memory");
}

/* The program itself runs with the library, too, which then does nothing until a story arms it. */
static void preload(const char *library, char **argv)
{
	if (getenv("LD_PRELOAD") && strcmp(getenv("LD_PRELOAD"), library) == 0)
		return;
	setenv("LD_PRELOAD", library, 1);
	execv("/proc/self/exe", argv);
	die("cannot start with the library");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"library", 1, NULL, 'l'}, {"runs", 1, NULL, 'n'},
		{"kind", 1, NULL, 'k'}, {"story", 1, NULL, 't'}, {"seed", 1, NULL, 's'},
		{"scratch", 1, NULL, 'd'}, {"verbose", 0, NULL, 'v'}, {"lies", 0, NULL, 'i'}, {0}};
	static struct torture torture = {.seed = 1};
	uint64_t start_ns = hd_clock_monotonic_ns(), seed;
	const char *scratch = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", *library = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'l':
			library = optarg;
			break;
		case 'n':
			torture.limit = strtoull(optarg, NULL, 10);
			break;
		case 'k':
			torture.only_kind = optarg;
			break;
		case 't':
			torture.only_story = optarg;
			break;
		case 's':
			torture.seed = strtoull(optarg, NULL, 10);
			break;
		case 'd':
			scratch = optarg;
			break;
		case 'i':
			torture.lies = true;
			break;
		case 'v':
			torture.verbose = true;
			break;
		default:
			return 64;
		}
	}
	workload_large_blocks = LARGE_BLOCKS;
	if (!library)
		die("--library is missing");
	preload(library, argv);
	set_up(&torture, scratch);
	seed = torture.seed;
	torture.seed = (torture.seed + 1) * 0x9E3779B97F4A7C15u;
	run_all(&torture);
	printf("torture-faults: %" PRIu64 " runs, %" PRIu64 " calls failed, %" PRIu64
	       " operations refused, %" PRIu64 " failures, %.1f s, seed %" PRIu64 "\n",
		torture.runs, torture.failed_calls, torture.refused, torture.failures,
		(double)(hd_clock_monotonic_ns() - start_ns) / 1e9, seed);
	if (hd_directory_remove_tree(AT_FDCWD, torture.scratch) < 0)
		die("cannot remove %s", torture.scratch);
	if (torture.lies)
		printf("torture-faults: calls that lie are %s\n",
			torture.failures ? "noticed" : "NOT NOTICED");
	return (torture.failures != 0) == torture.lies ? 0 : 1;
}
