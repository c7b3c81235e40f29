/* SPDX-License-Identifier: Apache-2.0 */

/* heddle-fsmonitor: what git starts to hear what changed in a mount; see fsmonitor_hook.h. */

#include <string.h>
#include <unistd.h>

#include "mount/fsmonitor/asking_command.h"
#include "mount/fsmonitor/fsmonitor_hook.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/descriptor.h"

int main(int argc, char *argv[])
{
	HD_AUTO_FREE char *answer = NULL;
	size_t size;

	/* git asks again in the words of version 1, which has no tokens, if this one is not understood. */
	if (argc < 3 || strcmp(argv[1], "2") != 0)
		return 64;
	/* A token that nobody gave out is answered with everything. */
	if (hd_fsmonitor_ask(".", hd_asking_command_may_know() ? argv[2] : "", &answer, &size) < 0)
		return 1;
	return hd_descriptor_write(STDOUT_FILENO, answer, size) < 0;
}
