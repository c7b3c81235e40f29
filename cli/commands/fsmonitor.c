/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/arguments/command.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "mount/fsmonitor/fsmonitor_hook.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/* What heddle-fsmonitor does, for people and for a hook of their own. */

static int run_fsmonitor(const struct hd_invocation *invocation)
{
	HD_AUTO_FREE char *answer = NULL;
	size_t size;
	int r;

	if (strcmp(invocation->arguments[0], "2") != 0)
		return hd_fail(
			HD_E_USAGE, "version %s of the protocol; 2 is known", invocation->arguments[0]);
	r = hd_fsmonitor_ask(".", invocation->arguments[1], &answer, &size);
	if (r < 0)
		return hd_fail_in(r, "ask what changed in this directory's mount");
	return fwrite(answer, 1, size, stdout) == size ? HD_EXIT_OK : -EIO;
}

const struct hd_command hd_command_fsmonitor = {
	.name = "fsmonitor",
	.summary = "Tell git what changed in a mount",
	.usage = "2 TOKEN",
	.description =
		"Answers git's question which paths may have changed since it asked last, in version 2 of "
		"its "
		"fsmonitor hook (core.fsmonitor in git-config(1)): a new token and paths, each with a NUL "
		"behind it; '/' stands for all. It is asked in the root of a mount that is a git worktree.\n"
		"In a mount git asks by itself, with a program that starts faster ('heddle mount "
		"--git-fsmonitor').",
	.min_arguments = 2,
	.max_arguments = 2,
	.run = run_fsmonitor,
};
