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

#include "overlay/platform/error.h"
#include "tests/torture/copy_tree.h"
#include "tests/torture/power_check.h"
#include "tests/torture/workload.h"
#include "tests/torture/workload_moves.h"

#define EXIT_DIED RECORD_DIED

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
		if (count == POWER_WORD_LIMIT - 1)
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
	char *text = strdup(sequence), *words[POWER_WORD_LIMIT];
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
