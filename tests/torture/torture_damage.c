/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damages each file of a store, and looks what becomes of it.
 *
 *     heddle-torture-damage [--bits N] [--file TEXT] [--seed N] [--scratch DIR] [--verbose] [--blind]
 *
 * A store with two threads, states, a tag, a large file, and changes that are in no state is made. Then, one at a time,
 * every file in it gets a flipped bit (N at random places), is cut to nothing, to its half, by one byte, grows, loses a
 * sector, is deleted, is replaced by a directory, or by the content of another file of the store. Of each such store
 *
 *     nothing crashes or hangs when it is checked, opened, read, written to and closed
 *     what can be read is what it was: a file, a directory, a thread, a tag is right, or an error
 *     when something cannot be read, `check` finds a problem
 *
 * With --blind the reader takes what was damaged for what there should be; the exit status is 0 when that is noticed.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/capture.h"
#include "overlay/check/check.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/store/index/index_operations.h"
#include "tests/torture/copy_tree.h"
#include "tests/torture/damage.h"
#include "tests/torture/workload.h"

#define HANG_SECONDS 120
#define SHOWN_FAILURES 12u
#define TEXT_SIZE 8192

/* What one process found, shared with its parent. */
struct findings {
	char index[TEXT_SIZE];    /* threads, states and tags, as the index tells them */
	char trees[2][TEXT_SIZE]; /* of the threads: a line per name, "?" for what cannot be read */
	uint64_t problems;
	bool is_refused; /* something was an error */
	char first_problem[256], first_error[256];
	int went_on; /* writing to a thread that opens, and closing it */
};

struct torture {
	char scratch[PATH_MAX], template[PATH_MAX], root[PATH_MAX];
	struct damage_list files;
	const char *only;
	unsigned bits;
	bool verbose, blind;
	uint64_t seed, runs, refused, unnoticed, failures;
	struct findings expected, *found; /* found: shared with children */
};

static const char *const threads[] = {"main", "other"};

static void refuse(struct findings *findings, const char *what, int r)
{
	findings->is_refused = true;
	if (!findings->first_error[0])
		(void)snprintf(findings->first_error, sizeof(findings->first_error), "%.60s: %.180s", what,
			hd_error_message(r));
	hd_error_clear();
}

static void note_problem(enum hd_check_kind kind, const char *text, void *payload)
{
	struct findings *findings = payload;

	if (kind != HD_CHECK_PROBLEM)
		return;
	if (!findings->first_problem[0])
		(void)snprintf(findings->first_problem, sizeof(findings->first_problem), "%.250s", text);
	findings->problems++;
}

static void append(struct findings *findings, const char *text)
{
	size_t length = strlen(findings->index);

	(void)snprintf(findings->index + length, TEXT_SIZE - length, "%s\n", text);
}

static void append_id(struct findings *findings, const char *name, const struct hd_state_id *id)
{
	char text[HD_STATE_ID_TEXT_SIZE], line[512];

	hd_state_id_format(id, text);
	(void)snprintf(line, sizeof(line), "%s %s", name, text);
	append(findings, line);
}

static int see_state(const struct hd_state_id *id, void *payload)
{
	append_id(payload, "state", id);
	return 0;
}

static int see_tag(const struct hd_tag *tag, void *payload)
{
	append_id(payload, tag->name, &tag->state);
	return 0;
}

static int see_thread(const struct hd_thread *thread, void *payload)
{
	append_id(payload, thread->name, &thread->head);
	append_id(payload, "base", &thread->base);
	append_id(payload, "tree", &thread->tree);
	return 0;
}

static void read_index(struct hd_store *store, struct findings *findings)
{
	int r = hd_index_list_threads(store->index, see_thread, findings);

	if (r == 0)
		r = hd_index_list_tags(store->index, see_tag, findings);
	if (r == 0)
		r = hd_index_list_states(store->index, see_state, findings);
	if (r < 0) {
		refuse(findings, "index", r);
		findings->index[0] = '\0';
	}
}

static int go_on(struct hd_overlay *overlay)
{
	const struct hd_caller caller = {.uid = 0};
	struct hd_attributes attributes;
	size_t written;
	int r = hd_overlay_create(overlay, &caller, HD_ROOT_INO, "later", 0644, &attributes);

	if (r == 0)
		r = hd_overlay_write(overlay, attributes.ino, "later", 5, 0, &written);
	return r == 0 ? hd_overlay_sync(overlay) : r;
}

static void read_thread(struct hd_store *store, size_t number, struct findings *findings)
{
	struct hd_overlay_options options = {
		.store = store, .thread = threads[number], .arena_fd = -1, .hot_fd = -1};
	struct hd_overlay *overlay;
	char *text = NULL;
	unsigned unread = 0;
	int r = hd_overlay_open(&options, &overlay);

	if (r < 0) {
		refuse(findings, threads[number], r);
		return;
	}
	r = workload_describe(overlay, &text, &unread);
	if (r == 0)
		(void)snprintf(findings->trees[number], TEXT_SIZE, "%s", text);
	if (r < 0 || unread)
		refuse(findings, "a file", r);
	free(text);
	r = go_on(overlay);
	if (r < 0)
		refuse(findings, "going on", r);
	r = hd_overlay_close(overlay);
	if (r < 0)
		refuse(findings, "closing", r);
}

static void look(const char *root, struct findings *findings)
{
	struct hd_check_report report;
	struct hd_store *store;
	char path[PATH_MAX];
	int r;

	(void)snprintf(path, sizeof(path), "%s/.heddle", root);
	r = hd_store_open(path, &store);
	if (r < 0) {
		refuse(findings, "store", r);
		findings->problems = 1; /* nobody can overlook that */
		return;
	}
	r = hd_store_check(store, note_problem, findings, &report);
	if (r < 0) {
		refuse(findings, "check", r);
		findings->problems++;
	}
	read_index(store, findings);
	for (size_t i = 0; i < 2; i++)
		read_thread(store, i, findings);
	hd_store_free(store);
}

/* ---- judging ---- */

static const char *next_line(const char *text)
{
	text += strcspn(text, "\n");
	return text + (*text == '\n');
}

/* The next line of EXPECTED that does not begin with the LENGTH bytes of PREFIX and END. */
static const char *skip(const char *expected, const char *prefix, size_t length, char end)
{
	while (strncmp(expected, prefix, length) == 0 && expected[length] == end)
		expected = next_line(expected);
	return expected;
}

/* Whether FOUND is EXPECTED, as far as it could be read: see workload_describe. */
static bool is_same_tree(const char *expected, const char *found, const char **ret_line)
{
	for (; *found; found = next_line(found)) {
		size_t length = strcspn(found, "\n");

		*ret_line = found;
		if (length > 3 && memcmp(found + length - 3, "/ ?", 3) == 0) {
			expected = skip(expected, found, length - 3, '/');
		} else if (length > 2 && memcmp(found + length - 2, " ?", 2) == 0) {
			if (strncmp(expected, found, length - 1) != 0)
				return false;
			expected = skip(next_line(expected), found, length - 2, '/');
		} else {
			if (length != strcspn(expected, "\n") || memcmp(expected, found, length) != 0)
				return false;
			expected = next_line(expected);
		}
	}
	*ret_line = expected;
	return *expected == '\0';
}

static const char *judge(const struct torture *torture, int status)
{
	const struct findings *found = torture->found, *expected = &torture->expected;
	static char text[512];
	const char *line = "";

	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGALRM ? "it hung" : "it died of a signal";
	if (status != 0)
		return "it ended with a status";
	if (found->index[0] && strcmp(found->index, expected->index) != 0 && found->problems == 0)
		return "the index tells something else, and check finds no problem";
	for (size_t i = 0; i < 2; i++)
		if (found->trees[i][0] && !is_same_tree(expected->trees[i], found->trees[i], &line)) {
			(void)snprintf(text, sizeof(text), "thread %s has wrong content: %.*s", threads[i],
				(int)strcspn(line, "\n"), line);
			return text;
		}
	if (found->is_refused && found->problems == 0)
		return "something is refused, and check finds no problem";
	return NULL;
}

static void run_child(struct torture *torture, int *ret_status)
{
	pid_t child;

	*torture->found = (struct findings){.problems = 0};
	(void)fflush(NULL);
	child = fork();
	if (child == 0) {
		(void)alarm(HANG_SECONDS);
		look(torture->root, torture->found);
		_exit(0);
	}
	if (child < 0 || waitpid(child, ret_status, 0) != child)
		die("cannot run a process");
}

static void try_damage(struct torture *torture, const char *file, const struct damage *damage)
{
	const char *failure;
	char text[200];
	int status;

	make_empty(torture->root);
	copy_tree(torture->template, torture->root);
	if (!damage_apply(torture->root, file, damage, text, sizeof(text)))
		return;
	torture->runs++;
	run_child(torture, &status);
	failure = judge(torture, status);
	torture->refused += torture->found->is_refused;
	torture->unnoticed += !torture->found->is_refused && torture->found->problems == 0;
	if (torture->verbose)
		printf("%s, %s: %s | %s\n", file, text, torture->found->first_error,
			torture->found->first_problem);
	if (!failure)
		return;
	torture->failures++;
	if (!torture->blind && (torture->failures <= SHOWN_FAILURES || torture->verbose))
		printf("FAILED: %s, %s: %s (error: %s; problem: %s)\n", file, text, failure,
			torture->found->first_error, torture->found->first_problem);
}

static void run_file(struct torture *torture, size_t number)
{
	const char *file = torture->files.paths[number];
	struct damage damage = {.files = &torture->files, .seed = &torture->seed};

	for (damage.kind = 0; damage.kind < DAMAGE_COUNT; damage.kind++) {
		unsigned times = damage.kind == DAMAGE_BIT ? torture->bits : 1;

		if (damage.kind == DAMAGE_CONTENT)
			times = torture->bits < 8 ? 1 : 3;
		for (unsigned i = 0; i < times; i++)
			try_damage(torture, file, &damage);
	}
}

/* ---- setting up ---- */

static int run_words(const char *directory, const char *const *words)
{
	struct hd_overlay *overlay;
	struct hd_store *store;
	int r = workload_open(directory, &store, &overlay), closed;

	if (r < 0)
		return r;
	for (; r == 0 && *words; words++)
		r = workload_find(*words)->run(overlay);
	closed = hd_overlay_close(overlay);
	hd_store_free(store);
	return r < 0 ? r : closed;
}

static int make_second_thread(const char *directory)
{
	struct hd_overlay_options options = {.thread = "other", .arena_fd = -1, .hot_fd = -1};
	struct hd_overlay *overlay;
	struct hd_thread thread = {0};
	char path[PATH_MAX];
	int r;

	(void)snprintf(path, sizeof(path), "%s/.heddle", directory);
	r = hd_store_open(path, &options.store);
	if (r < 0)
		return r;
	r = hd_index_get_thread(options.store->index, "main", &thread);
	if (r == 0)
		r = hd_index_create_thread(options.store->index, "other", &thread.head);
	if (r == 0)
		r = hd_overlay_open(&options, &overlay);
	if (r == 0) {
		r = workload_find("overwrite")->run(overlay);
		if (r == 0)
			r = workload_find("mkdir")->run(overlay);
		if (hd_overlay_close(overlay) < 0)
			r = -EIO;
	}
	hd_thread_clear(&thread);
	hd_store_free(options.store);
	return r;
}

static int make_template(const char *directory)
{
	static const char *const words[] = {"create-full", "large", "setxattr", "link", "capture", "append",
		"fsync", "symlink", "fsync", "rename-directory", "create", "fsync", NULL};
	int r = workload_make_store(directory);

	if (r == 0)
		r = run_words(directory, words);
	return r == 0 ? make_second_thread(directory) : r;
}

static void set_up(struct torture *torture, const char *scratch)
{
	int status;

	if (snprintf(torture->scratch, PATH_MAX, "%s/heddle-damage-XXXXXX", scratch) >= PATH_MAX - 16 ||
		!mkdtemp(torture->scratch))
		die("cannot make a directory in %s", scratch);
	(void)snprintf(torture->template, PATH_MAX, "%.4000s/template", torture->scratch);
	(void)snprintf(torture->root, PATH_MAX, "%.4000s/run", torture->scratch);
	make_empty(torture->template);
	if (make_template(torture->template) < 0)
		die("cannot make a store");
	torture->found = mmap(
		NULL, sizeof(*torture->found), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (torture->found == MAP_FAILED)
		die("no memory");
	make_empty(torture->root);
	copy_tree(torture->template, torture->root);
	run_child(torture, &status);
	torture->expected = *torture->found;
	if (status != 0 || torture->expected.problems || torture->expected.is_refused)
		die("the store is not sound before it is damaged: %s; %s", torture->found->first_error,
			torture->found->first_problem);
	if (torture->blind)
		torture->expected.trees[0][0] ^= 1;
	damage_list(torture->template, &torture->files);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"bits", 1, NULL, 'n'}, {"file", 1, NULL, 'f'},
		{"seed", 1, NULL, 's'}, {"scratch", 1, NULL, 'd'}, {"verbose", 0, NULL, 'v'},
		{"blind", 0, NULL, 'b'}, {0}};
	static struct torture torture = {.bits = 8, .seed = 1};
	uint64_t start_ns = hd_clock_monotonic_ns(), seed;
	const char *scratch = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'n')
			torture.bits = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'f')
			torture.only = optarg;
		else if (option == 's')
			torture.seed = strtoull(optarg, NULL, 10);
		else if (option == 'd')
			scratch = optarg;
		else if (option == 'v')
			torture.verbose = true;
		else if (option == 'b')
			torture.blind = true;
		else
			return 64;
	}
	seed = torture.seed;
	torture.seed = (torture.seed + 1) * 0x9E3779B97F4A7C15u;
	set_up(&torture, scratch);
	for (size_t i = 0; i < torture.files.count; i++)
		if (!torture.only || strstr(torture.files.paths[i], torture.only))
			run_file(&torture, i);
	printf("torture-damage: %zu files, %" PRIu64 " damages, %" PRIu64 " refused, %" PRIu64
	       " without effect, %" PRIu64 " failures, %.1f s, seed %" PRIu64 "\n",
		torture.files.count, torture.runs, torture.refused, torture.unnoticed, torture.failures,
		(double)(hd_clock_monotonic_ns() - start_ns) / 1e9, seed);
	if (hd_directory_remove_tree(AT_FDCWD, torture.scratch) < 0)
		die("cannot remove %s", torture.scratch);
	if (torture.blind)
		printf("torture-damage: wrong content is %s\n", torture.failures ? "noticed" : "NOT NOTICED");
	return (torture.failures != 0) == torture.blind ? 0 : 1;
}
