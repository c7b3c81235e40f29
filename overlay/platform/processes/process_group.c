/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/processes/process.h"
#include "overlay/platform/processes/process_table.h"

/* What /proc tells of another process. */

/* A process may have 65,536 groups of up to ten digits (NGROUPS_MAX), after some lines of little. */
#define STATUS_LIMIT ((size_t)768 << 10)

static bool list_has(const char *list, unsigned long number)
{
	char *end;

	for (;;) {
		unsigned long found = strtoul(list, &end, 10);

		if (end == list || list[strspn(list, " \t")] == '\n')
			return false;
		if (found == number)
			return true;
		list = end;
	}
}

bool hd_process_has_group(pid_t pid, gid_t gid)
{
	HD_AUTO_FREE char *text = NULL;
	char path[64];
	const char *list;
	size_t size;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (pid <= 0 || !hd_process_numbers_are_ours() ||
		hd_file_read_whole(AT_FDCWD, path, STATUS_LIMIT, &text, &size) < 0)
		return false;
	list = strstr(text, "\nGroups:");
	return list && list_has(list + strlen("\nGroups:"), gid);
}
