/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/power_check.h"

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

/* ---- what is expected ---- */

void power_expect(const struct recording *recording, const struct cut *cut, struct power_expected *ret)
{
	*ret = (struct power_expected){.acknowledged = 0};
	for (size_t i = 0; i < recording->count; i++) {
		const struct record *record = &recording->records[i];
		bool is_before = i < cut->end;
		uint64_t digest;
		unsigned number;

		if (record->header.kind != RECORD_MARK)
			continue;
		if (sscanf(record->name, "digest %u %" SCNx64, &number, &digest) == 2 &&
			number <= POWER_WORD_LIMIT)
			ret->digests[number] = digest;
		else if (sscanf(record->name, "names %u %" SCNx64, &number, &digest) == 2 &&
			 number <= POWER_WORD_LIMIT)
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

static bool is_made_here(const struct power_expected *expected)
{
	return expected->digests[0] == 0;
}

bool power_is_unfinished(const struct power_expected *expected)
{
	return is_made_here(expected) && !expected->is_acknowledged;
}

/* ---- looking ---- */

/* The first problem is the one that is told. */
static void refuse(struct power_found *found, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void refuse(struct power_found *found, const char *format, ...)
{
	va_list arguments;

	if (found->problem[0])
		return;
	va_start(arguments, format);
	(void)vsnprintf(found->problem, sizeof(found->problem), format, arguments);
	va_end(arguments);
}

static void note_problem(enum hd_check_kind kind, const char *text, void *payload)
{
	if (kind == HD_CHECK_PROBLEM)
		refuse(payload, "check: %s", text);
}

static void look_at_names(struct hd_store *store, unsigned look, struct power_found *found)
{
	HD_AUTO_FREE char *description = NULL;
	int r = workload_names_digest(store, &found->names[look], &description);

	if (r < 0)
		refuse(found, "threads and tags cannot be read: %s", hd_error_message(r));
	else
		(void)snprintf(found->names_text, sizeof(found->names_text), "%s", description);
}

/* LOOK 0: before it is used, 1: afterwards. */
static void look_at_store(const char *path, unsigned look, struct power_found *found)
{
	const char *when = look == 0 ? "before it is opened" : "after it was used";
	struct hd_check_report report = {0};
	struct hd_store *store;
	int r = hd_store_open(path, &store);

	if (r < 0) {
		refuse(found, "%s: the store does not open: %s", when, hd_error_message(r));
		return;
	}
	r = hd_store_check(store, note_problem, found, &report);
	if (r < 0)
		refuse(found, "%s: cannot be checked: %s", when, hd_error_message(r));
	if (look == 0 || report.states < found->states)
		found->states = report.states;
	look_at_names(store, look, found);
	hd_store_free(store);
}

static void look_at_tree(struct hd_overlay *overlay, bool times, struct power_found *found)
{
	HD_AUTO_FREE char *description = NULL;
	int r = workload_digest(overlay, times, &found->digest, &description);

	if (r < 0)
		refuse(found, "the tree cannot be read: %s", hd_error_message(r));
	else
		(void)snprintf(found->tree_text, sizeof(found->tree_text), "%s", description);
}

static void use_thread(const char *root, bool times, struct power_found *found)
{
	struct hd_attributes attributes;
	const struct hd_caller caller = {.uid = 0};
	struct hd_overlay *overlay;
	struct hd_store *store;
	int r = workload_open(root, &store, &overlay);

	if (r < 0) {
		refuse(found, "the thread does not open: %s", hd_error_message(r));
		return;
	}
	look_at_tree(overlay, times, found);
	r = workload_other(store, &found->other_directory, &found->other_has_file);
	if (r < 0)
		refuse(found, "the other thread does not open: %s", hd_error_message(r));
	r = hd_overlay_create(overlay, &caller, HD_ROOT_INO, "afterwards", 0644, &attributes);
	if (r == 0)
		r = hd_overlay_sync(overlay);
	if (r < 0)
		refuse(found, "the store cannot be written to: %s", hd_error_message(r));
	r = hd_overlay_close(overlay);
	if (r < 0)
		refuse(found, "the thread cannot be closed: %s", hd_error_message(r));
	hd_store_free(store);
}

static void look(const char *root, const struct power_expected *expected, struct power_found *found)
{
	char path[PATH_MAX];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/.heddle", root);
	found->is_there = stat(path, &st) == 0;
	if (!found->is_there && is_made_here(expected))
		return;
	look_at_store(path, 0, found);
	if (power_is_unfinished(expected))
		return;
	use_thread(root, !expected->is_untimed, found);
	look_at_store(path, 1, found);
}

void power_look(const char *root, const struct power_expected *expected, struct power_found *ret)
{
	int pipe_fds[2], status;
	size_t got = 0;
	ssize_t n;
	pid_t child;

	*ret = (struct power_found){.is_there = false};
	if (pipe(pipe_fds) < 0)
		die("no pipe");
	(void)fflush(NULL);
	child = fork();
	if (child == 0) {
		look(root, expected, ret);
		_exit(write(pipe_fds[1], ret, sizeof(*ret)) == (ssize_t)sizeof(*ret) ? 0 : 3);
	}
	(void)close(pipe_fds[1]);
	while (got < sizeof(*ret) && (n = read(pipe_fds[0], (char *)ret + got, sizeof(*ret) - got)) > 0)
		got += (size_t)n;
	(void)close(pipe_fds[0]);
	if (child < 0 || waitpid(child, &status, 0) != child)
		die("cannot check");
	if (got < sizeof(*ret) || status != 0) {
		*ret = (struct power_found){.is_there = true};
		refuse(ret, "the checking process ended with status %x", (unsigned)status);
	}
}

/* ---- judging ---- */

static bool is_one_of(uint64_t digest, const uint64_t *digests, unsigned from, unsigned to)
{
	for (unsigned i = from; i <= to && i <= POWER_WORD_LIMIT; i++)
		if (digest == digests[i])
			return true;
	return false;
}

static void tell_tree(
	const struct power_found *found, const struct power_expected *expected, char *message, size_t size)
{
	for (unsigned i = 0; i <= POWER_WORD_LIMIT; i++)
		if (expected->digests[i] == found->digest) {
			(void)snprintf(message, size, "the tree is that of operation %u, not one of %u to %u",
				i, expected->acknowledged, expected->started);
			return;
		}
	(void)snprintf(message, size, "the tree is none of those of operations %u to %u:\n%s",
		expected->acknowledged, expected->started, found->tree_text);
}

static bool judge_names(
	const struct power_found *found, const struct power_expected *expected, char *message, size_t size)
{
	if (expected->names[0] == 0)
		return true;
	for (unsigned look = 0; look < 2; look++)
		if (!is_one_of(found->names[look], expected->names, expected->settled, expected->started)) {
			(void)snprintf(message, size,
				"threads and tags are none of those of operations %u to %u:\n%s",
				expected->settled, expected->started, found->names_text);
			return false;
		}
	return true;
}

bool power_judge(
	const struct power_found *found, const struct power_expected *expected, char *message, size_t size)
{
	message[0] = '\0';
	if (found->problem[0])
		(void)snprintf(message, size, "%s", found->problem);
	else if (!found->is_there && !power_is_unfinished(expected))
		(void)snprintf(message, size, "the store is not there");
	else if (power_is_unfinished(expected))
		return true;
	else if (found->states < expected->states)
		(void)snprintf(
			message, size, "%" PRIu64 " states instead of %u", found->states, expected->states);
	else if (!judge_names(found, expected, message, size))
		return false;
	else if (!is_one_of(found->digest, expected->digests, expected->acknowledged, expected->started))
		tell_tree(found, expected, message, size);
	else if (expected->other && found->other_directory == expected->other && !found->other_has_file)
		(void)snprintf(message, size, "the other thread has lost its file");
	return message[0] == '\0';
}
