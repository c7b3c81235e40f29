/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "capture/trees/tree_find.h"
#include "cli/arguments/command.h"
#include "cli/arguments/tree_paths.h"
#include "cli/terminal/exit_status.h"
#include "cli/text/state_tree.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

#define PIECE (1u << 20)
#define MOST_PATHS 100000

static int print_file(struct hd_state_tree *tree, const char *word)
{
	HD_AUTO_FREE char *bytes = malloc(PIECE);
	HD_AUTO_FREE char *path = NULL;
	struct hd_tree_view_entry entry;
	uint64_t offset = 0;
	size_t size = 0;
	int r = bytes ? hd_tree_path_read(&tree->location, NULL, word, &path) : -ENOMEM;

	if (r >= 0)
		r = hd_tree_find(tree->view, path, &entry);
	if (r < 0)
		return r;
	if (S_ISDIR(entry.mode))
		return hd_fail(EISDIR, "'%s'; 'heddle ls' lists it", path);
	if (!S_ISREG(entry.mode) && !S_ISLNK(entry.mode))
		return hd_fail(EINVAL, "'%s' is neither a file nor a link", path);
	do {
		r = hd_tree_view_read(tree->view, &entry, bytes, PIECE, offset, &size);
		if (r >= 0 && fwrite(bytes, 1, size, stdout) != size)
			r = -EIO;
		offset += size;
	} while (r >= 0 && size > 0);
	return r < 0 ? hd_fail_in(r, "'%s'", path) : 0;
}

static int run_cat(const struct hd_invocation *invocation)
{
	HD_AUTO_STATE_TREE struct hd_state_tree tree = {0};
	int r;

	if (invocation->json)
		return hd_fail(HD_E_USAGE, "'cat' prints bytes: --json does not go with it");
	r = hd_state_tree_open(invocation, invocation->arguments[0], &tree);
	for (size_t i = 1; i < invocation->n_arguments && r >= 0; i++)
		r = print_file(&tree, invocation->arguments[i]);
	return r < 0 ? r : HD_EXIT_OK;
}

const struct hd_command hd_command_cat = {
	.name = "cat",
	.summary = "Print files of a state",
	.usage = "STATE [--] PATH...",
	.description = "Prints the bytes of each PATH as STATE has them; of a symbolic link, its target.",
	.min_arguments = 2,
	.max_arguments = 1 + MOST_PATHS,
	.run = run_cat,
};
