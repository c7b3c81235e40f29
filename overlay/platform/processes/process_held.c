/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/lock.h"
#include "overlay/platform/processes/process.h"
#include "overlay/platform/processes/process_table.h"

/* What is left of a process that was killed, from /proc/<pid>/task/<tid>/status. */

/* With as many groups as there may be. */
#define STATUS_LIMIT ((size_t)768 << 10)

enum remains { REMAINS_NOTHING, REMAINS_HELD, REMAINS_MORE };

static enum remains look(pid_t pid, const char *tid, const char *name)
{
	HD_AUTO_FREE char *text = NULL;
	char path[64];
	const char *said, *state, *pending;
	size_t size, length = strlen(name);

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%.16s/status", (int)pid, tid);
	if (hd_file_read_whole(AT_FDCWD, path, STATUS_LIMIT, &text, &size) < 0)
		return REMAINS_MORE;
	said = strstr(text, "Name:\t");
	state = strstr(text, "\nState:\t");
	pending = strstr(text, "\nSigPnd:\t");
	if (!said || !state || !pending)
		return REMAINS_MORE;
	state += strlen("\nState:\t");
	if (*state == 'Z' || *state == 'X')
		return REMAINS_NOTHING;
	said += strlen("Name:\t");
	if (*state != 'D' || strncmp(said, name, length) != 0 || said[length] != '\n' ||
		!(strtoull(pending + strlen("\nSigPnd:\t"), NULL, 16) & 1ull << (SIGKILL - 1)))
		return REMAINS_MORE;
	return REMAINS_HELD;
}

bool hd_process_is_held(pid_t pid, const char *name)
{
	char path[64];
	struct dirent *entry;
	bool held = false, more = false;
	DIR *tasks;

	hd_lock_assert_none_held("look at the threads of a process");
	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = pid > 0 && hd_process_numbers_are_ours() ? opendir(path) : NULL;
	while (tasks && !more && (entry = readdir(tasks))) {
		enum remains remains;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		remains = look(pid, entry->d_name, name);
		held = held || remains == REMAINS_HELD;
		more = remains == REMAINS_MORE;
	}
	if (tasks)
		(void)closedir(tasks);
	return held && !more;
}
