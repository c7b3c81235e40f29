/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/arguments/command.h"
#include "cli/arguments/store_locate.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/threads/thread_command.h"
#include "mount/control/control_json.h"

/* sync(1) cannot do this: the kernel asks no FUSE filesystem but virtiofs (fuse_sync_fs). */

static int run_sync(const struct hd_invocation *invocation)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	HD_AUTO_JSON json_t *reply = NULL;
	int r;

	r = hd_locate_thread(
		invocation, invocation->n_arguments ? invocation->arguments[0] : NULL, &location);
	if (r >= 0)
		r = hd_thread_ask(&location, json_pack("{s:s}", "op", "sync"), "writing", &reply, NULL);
	if (r < 0)
		return r;
	if (invocation->json)
		return hd_output_json(json_pack("{s:o}", "thread", hd_control_text(location.thread)));
	return HD_EXIT_OK;
}

const struct hd_command hd_command_sync = {
	.name = "sync",
	.summary = "Bring all that was written to the disk",
	.usage = "[THREAD]",
	.description = "Returns when everything that was written to THREAD (default: the thread in use, or "
		       "main) is on disk, "
		       "as fsync(2) does for it; sync(1) and syncfs(2) do not reach a mount. Does the same "
		       "in a volatile "
		       "mount, where fsync does nothing.",
	.max_arguments = 1,
	.run = run_sync,
};
