/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/power_session.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "overlay/check/check.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "tests/torture/copy_tree.h"
#include "tests/torture/workload.h"
#include "tests/torture/workload_moves.h"

#define WORD_LIMIT 16
#define EXIT_DIED RECORD_DIED

/* ---- running ---- */

static void mark(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void mark(const char *format, ...)
{
	static void (*record_mark)(const char *text);
	char text[128];
	va_list arguments;

	if (!record_mark)
		*(void **)(void *)&record_mark = dlsym(RTLD_DEFAULT, "record_mark");
	if (!record_mark)
		die("the recording library is not loaded");
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	record_mark(text);
}

static void must(int r, const char *what)
{
	if (r < 0)
		die("%s: %s", what, hd_error_message(r));
}

/* A switch to another tree that the next process finishes has that process' time. */
static bool has_times = true;

static void mark_digest(struct hd_overlay *overlay, unsigned number)
{
	uint64_t digest;

	must(workload_digest(overlay, has_times, &digest, NULL), "look at the tree");
	mark("digest %u %" PRIx64, number, digest);
}

static void mark_names(struct hd_store *store, unsigned number)
{
	uint64_t digest;

	must(workload_names_digest(store, &digest, NULL), "look at the names");
	mark("names %u %" PRIx64, number, digest);
}

/* Looking makes files, so it is done after what wrote some as well. */
static void mark_other(struct hd_store *store)
{
	uint32_t directory;
	bool has_file = false;

	must(workload_other(store, &directory, &has_file), "look at the other thread");
	if (directory && has_file)
		mark("other %u", (unsigned)directory);
}

static int count_state(const struct hd_state_id *id, void *payload)
{
	(void)id;
	++*(unsigned *)payload;
	return 0;
}

static void mark_states(struct hd_store *store)
{
	unsigned states = 0;

	must(hd_index_list_states(store->index, count_state, &states), "count the states");
	mark("states %u", states);
}

/* The process dies in the sync of this NUMBER from now on, instead of making it. */
static void die_in_sync(unsigned number)
{
	static void (*record_die_in_sync)(unsigned number);

	if (!record_die_in_sync)
		*(void **)(void *)&record_die_in_sync = dlsym(RTLD_DEFAULT, "record_die_in_sync");
	if (!record_die_in_sync)
		die("the recording library is not loaded");
	record_die_in_sync(number);
}

/*
 * Deaths that take the memory along: the process dies when the journal is written and not synced, or renamed and its
 * directory not synced. The tree is what it was, as long as there is power.
 */
static bool is_killed_here(const char *word, const char **ret_operation)
{
	bool in_fsync = strcmp(word, "killed-in-fsync") == 0,
	     in_checkpoint = strcmp(word, "killed-in-checkpoint") == 0;

	if (in_fsync || in_checkpoint)
		die_in_sync(in_fsync ? 1 : 2);
	*ret_operation = in_fsync ? "fsync" : in_checkpoint ? "checkpoint" : word;
	return in_fsync || in_checkpoint;
}

/* Words FROM on, up to the end or a death. */
static void run_process(
	const char *root, char **words, unsigned from, const struct hd_overlay_options *memory)
{
	struct hd_overlay_options options = *memory;
	struct hd_overlay *overlay;
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/.heddle", root);
	must(hd_store_open(path, &options.store), "open the store");
	must(hd_overlay_open(&options, &overlay), "open the thread");
	if (from == 0) {
		mark_digest(overlay, 0);
		mark_names(options.store, 0);
	}
	for (unsigned i = from; words[i]; i++) {
		const struct workload_operation *operation;
		const char *word;

		mark("start %u", i + 1);
		if (is_killed_here(words[i], &word)) {
			mark_digest(overlay, i + 1);
			mark_names(options.store, i + 1);
		}
		operation = workload_find(word);
		if (strcmp(words[i], "die") == 0) {
			mark_digest(overlay, i + 1);
			mark_names(options.store, i + 1);
			_exit(EXIT_DIED);
		}
		if (strcmp(words[i], "close") == 0) {
			mark_digest(overlay, i + 1);
			mark_names(options.store, i + 1);
			must(hd_overlay_close(overlay), "close");
			mark("ack %u", i + 1);
			hd_store_free(options.store);
			_exit(0);
		}
		if (!operation)
			die("there is no operation '%s'", words[i]);
		must(operation->run(overlay), words[i]);
		if (operation->syncs) {
			mark("ack %u", i + 1);
			mark_states(options.store);
		}
		if (operation->names)
			mark("settled %u", i + 1);
		mark_digest(overlay, i + 1);
		mark_names(options.store, i + 1);
		if (strcmp(words[i], "thread-write") == 0)
			mark_other(options.store);
	}
	_exit(0);
}

static unsigned split(char *text, char **words)
{
	unsigned count = 0;

	for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
		if (count == WORD_LIMIT - 1)
			die("too many operations");
		words[count++] = word;
	}
	words[count] = NULL;
	return count;
}

static void run_init(const char *root)
{
	struct hd_overlay *overlay;
	struct hd_store *store;

	must(workload_make_store(root), "make a store");
	mark("start 1");
	mark("ack 1");
	must(workload_open(root, &store, &overlay), "open the thread");
	mark_digest(overlay, 1);
	must(hd_overlay_close(overlay), "close the thread");
	hd_store_free(store);
}

void power_session_run(const char *root, const char *sequence)
{
	struct hd_overlay_options memory = {.thread = "main"};
	char *text = strdup(sequence), *words[WORD_LIMIT];
	unsigned from = 0;

	if (!text)
		die("out of memory");
	(void)split(text, words);
	if (strcmp(sequence, "init") == 0) {
		run_init(root);
		free(text);
		return;
	}
	has_times = !strstr(sequence, "restore") && !strstr(sequence, "undo") && !strstr(sequence, "redo");
	if (!has_times)
		mark("untimed");
	must(hd_overlay_memory(&memory.arena_fd, &memory.hot_fd), "make memory");
	for (;;) {
		pid_t child = fork();
		int status;

		if (child == 0)
			run_process(root, words, from, &memory);
		if (child < 0 || waitpid(child, &status, 0) != child)
			die("cannot run a process");
		if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != EXIT_DIED))
			die("'%s' ended with status %x", sequence, status);
		if (WEXITSTATUS(status) == 0)
			break;
		while (strcmp(words[from], "die") != 0 && strncmp(words[from], "killed", 6) != 0)
			from++;
		memory.attach = strcmp(words[from++], "die") == 0;
		if (!memory.attach)
			must(hd_overlay_memory(&memory.arena_fd, &memory.hot_fd), "make memory");
	}
	free(text);
}

/* ---- checking ---- */

struct expected {
	unsigned acknowledged, started, states, settled, other;
	bool is_acknowledged; /* anything is */
	bool is_untimed;      /* digests are without times */
	uint64_t digests[WORD_LIMIT + 1], names[WORD_LIMIT + 1];
};

static void read_marks(const struct recording *recording, const struct cut *cut, struct expected *ret)
{
	*ret = (struct expected){.acknowledged = 0};
	for (size_t i = 0; i < recording->count; i++) {
		const struct record *record = &recording->records[i];
		bool is_before = i < cut->end;
		uint64_t digest;
		unsigned number;

		if (record->header.kind != RECORD_MARK)
			continue;
		if (sscanf(record->name, "digest %u %" SCNx64, &number, &digest) == 2 && number <= WORD_LIMIT)
			ret->digests[number] = digest;
		else if (sscanf(record->name, "names %u %" SCNx64, &number, &digest) == 2 &&
			 number <= WORD_LIMIT)
			ret->names[number] = digest;
		else if (strcmp(record->name, "untimed") == 0)
			ret->is_untimed = true;
		else if (is_before && sscanf(record->name, "settled %u", &number) == 1)
			ret->settled = number;
		else if (is_before && sscanf(record->name, "other %u", &number) == 1)
			ret->other = number;
		else if (is_before && sscanf(record->name, "start %u", &number) == 1)
			ret->started = number;
		else if (is_before && sscanf(record->name, "states %u", &number) == 1)
			ret->states = number;
		else if (is_before && sscanf(record->name, "ack %u", &number) == 1) {
			ret->acknowledged = number;
			ret->is_acknowledged = true;
		}
	}
}

struct verdict {
	char *text;
	size_t size;
	bool failed;
};

static void refuse(struct verdict *verdict, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void refuse(struct verdict *verdict, const char *format, ...)
{
	va_list arguments;

	if (verdict->failed)
		return;
	verdict->failed = true;
	va_start(arguments, format);
	(void)vsnprintf(verdict->text, verdict->size, format, arguments);
	va_end(arguments);
}

static void note_problem(enum hd_check_kind kind, const char *text, void *payload)
{
	if (kind == HD_CHECK_PROBLEM)
		refuse(payload, "check: %s", text);
}

static void check_names(struct hd_store *store, const struct expected *expected, struct verdict *verdict)
{
	HD_AUTO_FREE char *description = NULL;
	uint64_t digest = 0;
	int r = workload_names_digest(store, &digest, &description);

	if (r < 0)
		refuse(verdict, "threads and tags cannot be read: %s", hd_error_message(r));
	for (unsigned i = expected->settled; r == 0 && i <= expected->started; i++)
		if (digest == expected->names[i])
			return;
	refuse(verdict, "threads and tags are none of those of operations %u to %u:\n%s", expected->settled,
		expected->started, description ? description : "");
}

static void check_store(
	const char *path, const struct expected *expected, struct verdict *verdict, const char *when)
{
	struct hd_check_report report;
	struct hd_store *store;
	int r = hd_store_open(path, &store);

	if (r < 0) {
		refuse(verdict, "%s: the store does not open: %s", when, hd_error_message(r));
		return;
	}
	r = hd_store_check(store, note_problem, verdict, &report);
	if (r < 0)
		refuse(verdict, "%s: cannot be checked: %s", when, hd_error_message(r));
	else if (report.states < expected->states)
		refuse(verdict, "%s: %" PRIu64 " states instead of %u", when, report.states,
			expected->states);
	if (expected->names[0] && !verdict->failed)
		check_names(store, expected, verdict);
	hd_store_free(store);
}

static void check_tree(struct hd_overlay *overlay, const struct expected *expected, struct verdict *verdict)
{
	char *description = NULL;
	uint64_t digest = 0;
	int r = workload_digest(overlay, !expected->is_untimed, &digest, &description);

	for (unsigned i = expected->acknowledged; r == 0 && i <= expected->started; i++)
		if (digest == expected->digests[i]) {
			free(description);
			return;
		}
	if (r < 0)
		refuse(verdict, "the tree cannot be read: %s", hd_error_message(r));
	for (unsigned i = 0; i < WORD_LIMIT; i++)
		if (expected->digests[i] == digest)
			refuse(verdict, "the tree is that of operation %u, not one of %u to %u", i,
				expected->acknowledged, expected->started);
	refuse(verdict, "the tree is none of those of operations %u to %u:\n%s", expected->acknowledged,
		expected->started, description ? description : "");
	free(description);
}

static void check_other(struct hd_store *store, const struct expected *expected, struct verdict *verdict)
{
	uint32_t directory;
	bool has_file = false;
	int r = workload_other(store, &directory, &has_file);

	if (r < 0)
		refuse(verdict, "the other thread does not open: %s", hd_error_message(r));
	else if (expected->other && directory == expected->other && !has_file)
		refuse(verdict, "the other thread has lost its file");
}

static void check_thread(const char *root, const struct expected *expected, struct verdict *verdict)
{
	struct hd_attributes attributes;
	const struct hd_caller caller = {.uid = 0};
	struct hd_overlay *overlay;
	struct hd_store *store;
	int r = workload_open(root, &store, &overlay);

	if (r < 0) {
		refuse(verdict, "the thread does not open: %s", hd_error_message(r));
		return;
	}
	check_tree(overlay, expected, verdict);
	check_other(store, expected, verdict);
	r = hd_overlay_create(overlay, &caller, HD_ROOT_INO, "afterwards", 0644, &attributes);
	if (r == 0)
		r = hd_overlay_sync(overlay);
	if (r < 0)
		refuse(verdict, "the store cannot be written to: %s", hd_error_message(r));
	r = hd_overlay_close(overlay);
	if (r < 0)
		refuse(verdict, "the thread cannot be closed: %s", hd_error_message(r));
	hd_store_free(store);
}

static void check(
	const char *root, const struct recording *recording, const struct cut *cut, struct verdict *verdict)
{
	struct expected expected;
	char path[PATH_MAX];
	struct stat st;
	bool is_init;

	read_marks(recording, cut, &expected);
	is_init = expected.digests[0] == 0;
	(void)snprintf(path, sizeof(path), "%s/.heddle", root);
	if (is_init && stat(path, &st) < 0) {
		if (expected.is_acknowledged)
			refuse(verdict, "the store is not there");
		return;
	}
	check_store(path, &expected, verdict, "before it is opened");
	if (is_init && !expected.is_acknowledged)
		return;
	check_thread(root, &expected, verdict);
	check_store(path, &expected, verdict, "after it was used");
}

bool power_session_check(const char *root, const struct recording *recording, const struct cut *cut,
	char *message, size_t size)
{
	int pipe_fds[2], status;
	size_t got = 0;
	ssize_t n;
	pid_t child;

	if (pipe(pipe_fds) < 0)
		die("no pipe");
	(void)fflush(NULL);
	child = fork();
	if (child == 0) {
		struct verdict verdict = {.text = message, .size = size};

		check(root, recording, cut, &verdict);
		if (verdict.failed && write(pipe_fds[1], message, strlen(message)) < 0)
			_exit(3);
		_exit(verdict.failed ? 1 : 0);
	}
	(void)close(pipe_fds[1]);
	while (got < size - 1 && (n = read(pipe_fds[0], message + got, size - 1 - got)) > 0)
		got += (size_t)n;
	message[got] = '\0';
	(void)close(pipe_fds[0]);
	if (child < 0 || waitpid(child, &status, 0) != child)
		die("cannot check");
	if (WIFSIGNALED(status))
		(void)snprintf(message, size, "the checking process died of signal %d", WTERMSIG(status));
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
