/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/fault_story.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "overlay/check/check.h"
#include "overlay/platform/error.h"
#include "overlay/switch/tree_switch.h"
#include "tests/torture/copy_tree.h"
#include "tests/torture/workload.h"
#include "tests/torture/workload_moves.h"

#define HANG_SECONDS 60

const struct story stories[] = {
	{"make", "init"},
	{"files", "create-full overwrite append write-memory extend shorten punch fsync unlink-memory fsync"},
	{"names", "rename link exchange rename-directory unlink-below mkdir rmdir symlink chmod setxattr "
		  "fsync replace fsync"},
	{"states", "overwrite settle fsync create-full capture rename-over capture append fsync"},
	{"checkpoints", "write-memory fsync checkpoint append settle checkpoint fsync"},
	{"large", "large fsync overwrite capture"},
	{"moves", "overwrite capture restore append undo redo restore-path capture undo tag untag undo"},
	{"threads", "thread-create thread-write thread-rename thread-drop undo thread-drop undo create-full "
		    "thread-drop thread-fork thread-drop undo"},
};
const size_t story_count = sizeof(stories) / sizeof(stories[0]);

static struct fault_plan *plan(void)
{
	static struct fault_plan *(*get)(void);

	if (!get)
		*(void **)(void *)&get = dlsym(RTLD_DEFAULT, "fault_plan_get");
	if (!get)
		die("the fault library is not loaded");
	return get();
}

static void complain(struct story_log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void complain(struct story_log *log, const char *format, ...)
{
	va_list arguments;

	if (log->message[0])
		return;
	va_start(arguments, format);
	(void)vsnprintf(log->message, sizeof(log->message), format, arguments);
	va_end(arguments);
}

/* ---- running ---- */

static void take_digest(struct hd_overlay *overlay, struct story_log *log)
{
	int r;

	plan()->active = false;
	r = workload_digest(overlay, false, &log->digests[log->steps], NULL);
	if (r < 0)
		complain(log, "the tree cannot be read after step %u: %s", log->steps, hd_error_message(r));
	plan()->active = true;
}

/* Looking makes files, so only stories that speak of it do. */
static void look_at_other(struct hd_store *store, const char *words, struct story_log *log)
{
	uint32_t directory;
	bool has_file = false;
	int r;

	if (!strstr(words, "thread-"))
		return;
	plan()->active = false;
	r = workload_other(store, &directory, &has_file);
	if (r < 0)
		complain(log, "the other thread cannot be read after step %u: %s", log->steps,
			hd_error_message(r));
	else if (directory && log->other_has_file && !has_file)
		complain(log, "the other thread has lost its file after step %u", log->steps);
	log->other_has_file = log->other_has_file || (directory && has_file);
	plan()->active = true;
}

static void run_steps(struct hd_overlay *overlay, const char *words, struct story_log *log)
{
	char text[512], *rest = text;

	(void)snprintf(text, sizeof(text), "%s", words);
	take_digest(overlay, log);
	for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		const struct workload_operation *operation = workload_find(word);
		int r;

		if (!operation || log->steps == STORY_STEPS - 1)
			die("there is no operation '%s', or no room for it", word);
		r = operation->run(overlay);
		hd_error_clear();
		/* A worker ends here, so that the next one does it. */
		log->gave_way = hd_switch_is_announced(overlay);
		if (log->gave_way)
			return;
		log->moved[log->steps] = operation->names;
		log->results[log->steps++] = r;
		take_digest(overlay, log);
		look_at_other(hd_overlay_store(overlay), words, log);
		if (r == 0 && operation->syncs) {
			log->synced = log->steps;
			log->is_synced = true;
		}
	}
}

/* Nothing fails any more: all that was done comes to the disk, and more can be done. */
static int go_on(struct hd_store *store, struct hd_overlay *overlay, struct story_log *log)
{
	struct hd_attributes attributes;
	const struct hd_caller caller = {.uid = 0};
	int r, closed;

	r = hd_overlay_create(overlay, &caller, HD_ROOT_INO, "afterwards", 0644, &attributes);
	if (r == 0)
		r = hd_overlay_sync(overlay);
	if (r == 0)
		r = workload_digest(overlay, false, &log->last_digest, NULL);
	closed = hd_overlay_close(overlay);
	hd_store_free(store);
	return r < 0 ? r : closed;
}

static void run(const struct story *story, const char *root, enum story_end end, struct story_log *log)
{
	struct hd_overlay *overlay = NULL;
	struct hd_store *store = NULL;

	*plan() = log->plan;
	plan()->active = true;
	if (strcmp(story->words, "init") == 0) {
		log->opened = workload_make_store(root);
		plan()->active = false;
	} else {
		log->opened = workload_open(root, &store, &overlay);
		if (log->opened == 0)
			run_steps(overlay, story->words, log);
		plan()->active = false;
		if (log->opened == 0 && end == STORY_GOES_ON && !log->gave_way) {
			log->after = go_on(store, overlay, log);
			if (log->after < 0)
				complain(log, "it does not go on: %s", hd_error_message(log->after));
		}
	}
	log->plan = *plan();
}

bool story_run(const struct story *story, const char *root, const struct fault_plan *wanted,
	enum story_end end, struct story_log *log)
{
	int status;
	pid_t child;

	*log = (struct story_log){.plan = *wanted};
	(void)fflush(NULL);
	child = fork();
	if (child == 0) {
		(void)alarm(HANG_SECONDS);
		run(story, root, end, log);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		die("cannot run a story");
	if (WIFSIGNALED(status))
		complain(log, WTERMSIG(status) == SIGALRM ? "it hung (signal %d)" : "it died of signal %d",
			WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		complain(log, "it ended with status %d", WEXITSTATUS(status));
	return log->message[0] == '\0';
}

/* ---- checking ---- */

static void note(enum hd_check_kind kind, const char *text, void *payload)
{
	/* Once a store was used without failures nothing of what failures left may remain in it. */
	if (kind == HD_CHECK_PROBLEM || strstr(text, "does not belong") || strstr(text, "unfinished"))
		complain(payload, "check: %s", text);
}

static void note_problem(enum hd_check_kind kind, const char *text, void *payload)
{
	if (kind == HD_CHECK_PROBLEM)
		complain(payload, "check: %s", text);
}

static void check_store(const char *root, hd_check_emit emit, struct story_log *log)
{
	struct hd_check_report report;
	char path[PATH_MAX];
	struct hd_store *store;
	int r;

	(void)snprintf(path, sizeof(path), "%s/.heddle", root);
	r = hd_store_open(path, &store);
	if (r < 0) {
		complain(log, "the store does not open: %s", hd_error_message(r));
		return;
	}
	r = hd_store_check(store, emit, log, &report);
	if (r < 0)
		complain(log, "the store cannot be checked: %s", hd_error_message(r));
	hd_store_free(store);
}

static bool was_refused(const struct story_log *log)
{
	for (unsigned i = 0; i < log->steps; i++)
		if (log->results[i] < 0)
			return true;
	return false;
}

static bool may_have_died_with(
	uint64_t digest, const struct story_log *reference, const struct story_log *log)
{
	for (unsigned i = log->is_synced ? log->synced : 0; i <= log->steps; i++) {
		if (log->digests[i] == digest)
			return true;
		if (i < log->steps && log->results[i] < 0 && log->moved[i] &&
			reference->digests[i + 1] == digest)
			return true;
	}
	return false;
}

static void check_digest(
	uint64_t digest, enum story_end end, const struct story_log *reference, struct story_log *log)
{
	if (log->opened < 0) {
		if (digest != reference->digests[0])
			complain(log, "the thread was not opened, and its tree changed");
	} else if (log->gave_way) {
		/* What was refused before may make it another one. */
		if (digest != reference->digests[log->steps + 1] && !was_refused(log))
			complain(log, "step %u was not finished", log->steps + 1);
	} else if (end == STORY_GOES_ON) {
		if (digest != log->last_digest)
			complain(log, "the tree is not what it was when it was closed");
	} else if (!may_have_died_with(digest, reference, log)) {
		complain(log, "the tree is none of those after step %u", log->synced);
	}
}

/* Up to the first failure every step did what it does without failures. */
static void check_results(const struct story_log *reference, struct story_log *log)
{
	for (unsigned i = 0; i < log->steps && log->opened == 0; i++) {
		if (log->results[i] < 0)
			return;
		if (log->digests[i + 1] != reference->digests[i + 1])
			complain(log, "step %u says that it succeeded, and did something else", i + 1);
	}
}

static void check_thread(
	const char *root, enum story_end end, const struct story_log *reference, struct story_log *log)
{
	struct hd_overlay *overlay;
	struct hd_store *store;
	uint64_t digest = 0;
	int r = workload_open(root, &store, &overlay);

	if (r < 0) {
		complain(log, "the thread does not open: %s", hd_error_message(r));
		return;
	}
	r = workload_digest(overlay, false, &digest, NULL);
	if (r < 0)
		complain(log, "the tree cannot be read: %s", hd_error_message(r));
	else if (reference)
		check_digest(digest, end, reference, log);
	r = hd_overlay_close(overlay);
	if (r < 0)
		complain(log, "the thread cannot be closed: %s", hd_error_message(r));
	hd_store_free(store);
}

static void check_other(const char *root, struct story_log *log)
{
	char path[PATH_MAX];
	struct hd_store *store;
	uint32_t directory = 0;
	bool has_file = false;
	int r;

	if (!log->other_has_file)
		return;
	(void)snprintf(path, sizeof(path), "%s/.heddle", root);
	r = hd_store_open(path, &store);
	if (r == 0) {
		r = workload_other(store, &directory, &has_file);
		hd_store_free(store);
	}
	if (r < 0)
		complain(log, "the other thread cannot be read: %s", hd_error_message(r));
	else if (directory && !has_file)
		complain(log, "the other thread has lost its file");
}

static void check(const struct story *story, const char *root, enum story_end end,
	const struct story_log *reference, struct story_log *log)
{
	char path[PATH_MAX];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/.heddle", root);
	if (strcmp(story->words, "init") == 0) {
		bool is_there = stat(path, &st) == 0;

		if (log->opened == 0 && !is_there)
			complain(log, "the store was made, and is not there");
		if (!is_there)
			return;
		check_store(root, note_problem, log);
		return;
	}
	check_results(reference, log);
	check_store(root, note_problem, log);
	check_thread(root, end, reference, log);
	check_other(root, log);
	check_store(root, note, log);
}

bool story_check(const struct story *story, const char *root, enum story_end end,
	const struct story_log *reference, struct story_log *log)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		(void)alarm(HANG_SECONDS);
		check(story, root, end, reference, log);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		die("cannot check");
	if (status != 0)
		complain(log, "the check ended with status %x", status);
	return log->message[0] == '\0';
}
