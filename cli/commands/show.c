/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "capture/compare/diff.h"
#include "cli/arguments/command.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/text/diff_text.h"
#include "cli/text/state_text.h"
#include "cli/text/state_tree.h"
#include "cli/threads/thread_command.h"
#include "mount/answers/control_execute.h"
#include "mount/control/control_json.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/memory_file.h"

/* The differences are those from the first parent; a base has none. */

static bool as_stat, without_patch, with_bytes;

static const struct hd_option options[] = {
	{.long_name = "stat", .help = "count the lines of each file instead", .flag = &as_stat},
	{.long_name = "no-patch", .short_name = 's', .help = "show no differences", .flag = &without_patch},
	{.long_name = "binary",
		.help = "print the bytes of binary files, too, so that 'git apply' takes them",
		.flag = &with_bytes},
	{0},
};

static int compare(const struct hd_state_tree *tree, int patch_fd, struct hd_diff *diff)
{
	struct hd_diff_file target = {.fd = patch_fd};
	struct hd_diff_options wanted = {.depth = patch_fd >= 0 ? HD_DIFF_PATCH : HD_DIFF_STAT,
		.context_lines = HD_DIFF_CONTEXT_DEFAULT,
		.binary = with_bytes,
		.write = hd_diff_write_file,
		.write_payload = &target};

	if (without_patch || tree->state.n_parents == 0)
		return 0;
	return hd_diff_states(
		tree->location.store, tree->bases, &tree->state.parents[0], &tree->state.id, &wanted, diff);
}

static int print(const struct hd_state_tree *tree, const struct hd_diff *diff, int patch_fd)
{
	struct hd_thread_heads heads = {0};
	HD_AUTO_JSON json_t *listed = NULL;
	int r = hd_thread_heads_read(tree->location.store->index, &heads);

	if (r < 0)
		return r;
	hd_state_print(&tree->state, &heads, stdout);
	hd_thread_heads_clear(&heads);
	if (diff->n_entries == 0)
		return HD_EXIT_OK;
	fputc('\n', stdout);
	if (patch_fd >= 0)
		return hd_diff_print_patch(patch_fd, stdout);
	listed = hd_control_diff(diff);
	return listed ? hd_diff_print_stat(json_object_get(listed, "entries"), stdout) : -ENOMEM;
}

static int print_json(const struct hd_state_tree *tree, const struct hd_diff *diff)
{
	/* What was not looked for is not said to be nothing. */
	json_t *object = without_patch ? json_object() : hd_control_diff(diff);

	if (!object || json_object_set_new(object, "state", hd_control_state(&tree->state)) != 0) {
		json_decref(object);
		return -ENOMEM;
	}
	return hd_output_json(object);
}

static int run_show(const struct hd_invocation *invocation)
{
	HD_AUTO_STATE_TREE struct hd_state_tree tree = {0};
	HD_AUTO_CLOSE int patch_fd = -1;
	struct hd_diff diff = {0};
	int r;

	r = hd_state_tree_open(
		invocation, invocation->n_arguments > 0 ? invocation->arguments[0] : NULL, &tree);
	if (r >= 0 && !as_stat && !invocation->json)
		r = patch_fd = hd_memory_file_create("heddle-patch", 0);
	if (r >= 0)
		r = compare(&tree, patch_fd, &diff);
	if (r >= 0)
		r = invocation->json ? print_json(&tree, &diff) : print(&tree, &diff, patch_fd);
	hd_diff_clear(&diff);
	return r;
}

const struct hd_command hd_command_show = {
	.name = "show",
	.summary = "Show a state, and what it changed",
	.usage = "[--stat|-s|--binary] [STATE]",
	.description =
		"Shows STATE (default: @) as 'heddle log' does, and the differences from its first parent "
		"as a patch that 'git apply' takes. --json prints the state and the list of "
		"differences with the counts of lines.",
	.options = options,
	.max_arguments = 1,
	.run = run_show,
};
