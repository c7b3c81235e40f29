/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/compare/diff.h"
#include "capture/history/state_spec.h"
#include "cli/arguments/command.h"
#include "cli/arguments/store_locate.h"
#include "cli/arguments/tree_paths.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "cli/text/diff_text.h"
#include "cli/text/state_text.h"
#include "cli/threads/thread_command.h"
#include "mount/answers/control_execute.h"
#include "mount/control/control_json.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/memory_file.h"

/* The patch is printed byte for byte as the thread made it, so that `heddle diff | git apply` works. */

/* More lines than any file of text has: what the protocol takes at most. */
#define MOST_CONTEXT 1000000u
#define MOST_PATHS 100000

static bool as_stat, as_name_status, as_names, nul_ends, exit_code, with_bytes;
static unsigned long context = 3;
static const char *thread;

static const struct hd_option options[] = {
	{.long_name = "stat", .help = "count the lines of each file instead", .flag = &as_stat},
	{.long_name = "name-status",
		.help = "list A, M, D or R (moved) and the path instead",
		.flag = &as_name_status},
	{.long_name = "name-only", .help = "list the paths instead", .flag = &as_names},
	{.long_name = "null",
		.short_name = 'z',
		.help = "with --name-status or --name-only: end lines with a NUL and do not quote paths",
		.flag = &nul_ends},
	{.long_name = "binary",
		.help = "print the bytes of binary files, too, so that 'git apply' takes them",
		.flag = &with_bytes},
	{.long_name = "unified",
		.short_name = 'U',
		.argument = "N",
		.help = "show N lines around a change (default: 3)",
		.number = &context},
	{.long_name = "thread",
		.argument = "NAME",
		.help = "the thread that @ and no STATE mean",
		.text = &thread},
	{.long_name = "exit-code", .help = "exit with 1 if there are differences", .flag = &exit_code},
	{0},
};

/* The argument at INDEX as an id, or null where it is missing. */
static int state_argument_json(const struct hd_invocation *invocation, const struct hd_location *location,
	size_t index, json_t **ret_argument)
{
	const char *spec = index < invocation->n_before_dashes ? invocation->arguments[index] : NULL;
	char text[HD_STATE_ID_TEXT_SIZE];
	struct hd_state_id id;
	int r;

	if (!spec) {
		*ret_argument = json_null();
		return 0;
	}
	r = hd_state_spec_resolve(location->store->index, spec, location->thread, &id);
	if (r < 0)
		return r;
	hd_state_id_format(&id, text);
	*ret_argument = json_string(text);
	return *ret_argument ? 0 : -ENOMEM;
}

static enum hd_diff_depth wanted_depth(bool json)
{
	if (as_names || as_name_status)
		return HD_DIFF_NAMES;
	return as_stat || json ? HD_DIFF_STAT : HD_DIFF_PATCH;
}

static unsigned context_lines(void)
{
	return (unsigned)(context < MOST_CONTEXT ? context : MOST_CONTEXT);
}

/* Those behind "--". */
static int read_paths(const struct hd_invocation *invocation, const struct hd_location *location,
	const char *of_thread, struct hd_tree_paths *paths)
{
	return hd_tree_paths_add(location, of_thread, invocation->arguments + invocation->n_before_dashes,
		invocation->n_arguments - invocation->n_before_dashes, paths);
}

static int build_request(
	const struct hd_invocation *invocation, const struct hd_location *location, json_t **ret_request)
{
	HD_AUTO_TREE_PATHS struct hd_tree_paths paths = {0};
	HD_AUTO_JSON json_t *old_state = NULL;
	HD_AUTO_JSON json_t *new_state = NULL;
	static const char *const formats[] = {
		[HD_DIFF_NAMES] = "names", [HD_DIFF_STAT] = "stat", [HD_DIFF_PATCH] = "patch"};
	json_t *request;
	int r;

	r = state_argument_json(invocation, location, 0, &old_state);
	if (r >= 0)
		r = state_argument_json(invocation, location, 1, &new_state);
	if (r >= 0)
		r = read_paths(invocation, location, location->thread, &paths);
	if (r < 0)
		return r;
	request = json_pack("{s:s, s:O, s:O, s:s, s:I, s:b, s:o}", "op", "diff", "from", old_state, "to",
		new_state, "format", formats[wanted_depth(invocation->json)], "context",
		(json_int_t)context_lines(), "binary", (int)with_bytes, "paths",
		hd_control_paths(paths.items, paths.count));
	if (!request)
		return -ENOMEM;
	*ret_request = request;
	return 0;
}

static void free_bases(struct hd_base_set **bases)
{
	hd_base_set_free(*bases);
}

/* Two states are compared here: that needs no thread, as there may be none that is meant. */
static int compare_states(const struct hd_invocation *invocation, json_t **ret_reply, int *ret_fd)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	HD_AUTO_TREE_PATHS struct hd_tree_paths paths = {0};
	HD_CLEANUP(free_bases) struct hd_base_set *bases = NULL;
	HD_AUTO_CLOSE int fd = -1;
	struct hd_diff_file target = {.fd = -1};
	struct hd_diff_options wanted = {.depth = wanted_depth(invocation->json),
		.context_lines = context_lines(),
		.binary = with_bytes,
		.write = hd_diff_write_file,
		.write_payload = &target};
	struct hd_state_id from, to;
	struct hd_diff diff;
	int r;

	r = hd_locate(invocation, thread, &location);
	if (r >= 0)
		r = read_paths(invocation, &location, NULL, &paths);
	if (r >= 0)
		r = hd_state_spec_resolve(
			location.store->index, invocation->arguments[0], location.thread, &from);
	if (r >= 0)
		r = hd_state_spec_resolve(
			location.store->index, invocation->arguments[1], location.thread, &to);
	if (r >= 0)
		r = hd_base_set_new(location.store, 0, &bases);
	if (r >= 0 && wanted.depth == HD_DIFF_PATCH)
		r = target.fd = fd = hd_memory_file_create("heddle-patch", 0);
	if (r < 0)
		return r;
	wanted.paths = paths.items;
	wanted.n_paths = paths.count;
	hd_progress_begin("comparing", HD_PROGRESS_STOPS);
	r = hd_diff_states(location.store, bases, &from, &to, &wanted, &diff);
	hd_progress_end();
	if (r < 0)
		return r;
	*ret_reply = hd_control_diff(&diff);
	hd_diff_clear(&diff);
	*ret_fd = hd_steal_fd(&fd);
	return *ret_reply ? 0 : -ENOMEM;
}

/* The thread does it, which knows what its tree is. */
static int compare_thread(const struct hd_invocation *invocation, json_t **ret_reply, int *ret_fd)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	json_t *request = NULL;
	int r;

	r = hd_locate_thread(invocation, thread, &location);
	if (r >= 0)
		r = build_request(invocation, &location, &request);
	return r < 0 ? r : hd_thread_ask(&location, request, "comparing", ret_reply, ret_fd);
}

static void print_name(const char *path, char end)
{
	if (nul_ends)
		fputs(path, stdout);
	else
		hd_output_path(stdout, path);
	fputc(end, stdout);
}

static int print_names(const json_t *entries)
{
	for (size_t i = 0; i < json_array_size(entries); i++) {
		const json_t *entry = json_array_get(entries, i);
		HD_AUTO_FREE char *path = hd_reply_entry_path(entry);
		HD_AUTO_FREE char *origin = as_name_status ? hd_reply_entry_origin(entry) : NULL;

		if (!path)
			return -ENOMEM;
		if (hd_reply_entry_is_covered(entries, i))
			continue;
		if (as_name_status)
			printf("%s%c", hd_reply_text(entry, "kind"), nul_ends ? '\0' : '\t');
		if (origin)
			print_name(origin, nul_ends ? '\0' : '\t');
		print_name(path, nul_ends ? '\0' : '\n');
	}
	return 0;
}

static int print_reply(const json_t *reply, int patch_fd, bool json)
{
	const json_t *entries = json_object_get(reply, "entries");

	if (json)
		return hd_output_json(json_incref((json_t *)reply));
	if (as_names || as_name_status)
		return print_names(entries);
	if (as_stat)
		return hd_diff_print_stat(entries, stdout);
	return patch_fd >= 0 ? hd_diff_print_patch(patch_fd, stdout) : 0;
}

static int run_diff(const struct hd_invocation *invocation)
{
	HD_AUTO_JSON json_t *reply = NULL;
	HD_AUTO_CLOSE int patch_fd = -1;
	int r;

	if (invocation->n_before_dashes > 2)
		return hd_fail(HD_E_USAGE, "'diff' takes at most two states; paths come after '--'");
	if (as_stat + as_names + as_name_status > 1)
		return hd_fail(HD_E_USAGE, "--stat, --name-status and --name-only exclude each other");
	if (nul_ends && !as_names && !as_name_status)
		return hd_fail(HD_E_USAGE, "--null goes with --name-status or --name-only");
	if (with_bytes && wanted_depth(invocation->json) != HD_DIFF_PATCH)
		return hd_fail(HD_E_USAGE, "--binary goes with the patch");
	r = invocation->n_before_dashes == 2 ? compare_states(invocation, &reply, &patch_fd)
					     : compare_thread(invocation, &reply, &patch_fd);
	if (r >= 0)
		r = print_reply(reply, patch_fd, invocation->json);
	if (r < 0)
		return r;
	return exit_code && json_array_size(json_object_get(reply, "entries")) > 0 ? HD_EXIT_DIFFERENT
										   : HD_EXIT_OK;
}

const struct hd_command hd_command_diff = {
	.name = "diff",
	.summary = "Show differences between states and the tree",
	.usage = "[-U N] [--binary] [STATE [STATE]] [-- PATH...]\n"
		 "--stat|--name-status|--name-only [STATE [STATE]] [-- PATH...]",
	.description = "Without STATE, shows how the tree of the thread in use (or main) differs from its "
		       "head; with one, how the "
		       "tree differs from it; with two, how the second differs from the first. The patch is "
		       "one that 'git apply' "
		       "takes. --json prints the list with the counts of lines, not the patch. With "
		       "PATHs, only what is there and below is "
		       "compared, and what was moved is deleted and added.\n\n"
		       "A state is named by 4 or more digits of its id, by a thread (its head), by @ (the "
		       "head of the thread in "
		       "use), and by any of these followed by ~N (the N-th state before it).",
	.options = options,
	.max_arguments = 2 + MOST_PATHS,
	.run = run_diff,
};
