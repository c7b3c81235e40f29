/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/processes/process_table.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/types.h>
#include <unistd.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/lock.h"

/* Our own number there, or 0. */
static pid_t own_number(int table)
{
	char text[32];
	size_t size = 0;

	return hd_file_read_link(table, "self", text, sizeof(text), &size) < 0
		       ? 0
		       : (pid_t)strtol(text, NULL, 10);
}

int hd_process_table_open(int *ret_table)
{
	HD_AUTO_CLOSE int table = hd_directory_open(AT_FDCWD, "/proc");

	if (table < 0)
		return hd_fail_in(table, "open /proc");
	if (own_number(table) == 0)
		return hd_fail(ENOENT, "find this process in /proc");
	*ret_table = hd_steal_fd(&table);
	return 0;
}

/* A directory of /proc takes signals as a pidfd does; who has ended is gone from it, whoever has the number now. */
static bool kill_process(int process)
{
	hd_lock_assert_none_held("kill");
	return pidfd_send_signal(process, SIGKILL, NULL, 0) == 0;
}

/* The parent of PROCESS, or 0. */
static pid_t parent_of(int process)
{
	HD_AUTO_CLOSE int fd = hd_file_open(process, "stat", O_RDONLY, 0);
	char text[512];
	const char *rest;
	size_t size = 0;

	if (fd < 0 || hd_descriptor_read(fd, text, sizeof(text) - 1, &size) < 0)
		return 0;
	text[size] = '\0';
	/* "PID (NAME) STATE PARENT": a program's name may have parentheses itself. */
	rest = strrchr(text, ')');
	return rest && strlen(rest) > 4 ? (pid_t)strtol(rest + 4, NULL, 10) : 0;
}

/* A link to "mnt:[NUMBER]". */
static uint64_t namespace_of(int directory, const char *path)
{
	char text[64];
	const char *number;
	size_t size = 0;

	if (hd_file_read_link(directory, path, text, sizeof(text), &size) < 0)
		return 0;
	number = strchr(text, '[');
	return number ? strtoull(number + 1, NULL, 10) : 0;
}

/* ---- hunting ---- */

struct hunt {
	int table;
	pid_t parent;       /* whose children are wanted, or */
	uint64_t namespace; /* who is in it */
	unsigned killed;
};

static int kill_if_wanted(const char *name, unsigned char type, void *payload)
{
	struct hunt *hunt = payload;
	HD_AUTO_CLOSE int process = -1;
	bool wanted;

	(void)type;
	if (name[0] < '1' || name[0] > '9')
		return 0;
	process = hd_directory_open(hunt->table, name);
	if (process < 0)
		return 0;
	wanted = hunt->parent > 0 ? parent_of(process) == hunt->parent
				  : namespace_of(process, "ns/mnt") == hunt->namespace;
	if (wanted && kill_process(process))
		hunt->killed++;
	return 0;
}

void hd_process_table_kill_children(int table)
{
	struct hunt hunt = {.table = table, .parent = own_number(table)};

	if (hunt.parent > 0)
		(void)hd_directory_list(table, ".", kill_if_wanted, &hunt);
}

uint64_t hd_process_table_own_namespace(int table)
{
	return namespace_of(table, "self/ns/mnt");
}

unsigned hd_process_table_kill_namespace(int table, uint64_t namespace)
{
	struct hunt hunt = {.table = table, .namespace = namespace};

	if (namespace != 0 && namespace != hd_process_table_own_namespace(table))
		(void)hd_directory_list(table, ".", kill_if_wanted, &hunt);
	return hunt.killed;
}

bool hd_process_numbers_are_ours(void)
{
	HD_AUTO_CLOSE int table = hd_directory_open(AT_FDCWD, "/proc");

	return table >= 0 && own_number(table) == getpid();
}
