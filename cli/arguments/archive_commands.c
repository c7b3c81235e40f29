/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments/archive_commands.h"

#include <string.h>

const struct hd_archive_commands *hd_archive_commands;

const char *hd_archive_program_of(const struct hd_invocation *invocation, const char *const subjects[])
{
	if (hd_archive_commands || invocation->n_arguments == 0)
		return NULL;
	for (; *subjects; subjects++) {
		if (strcmp(invocation->arguments[0], *subjects) == 0)
			return HD_ARCHIVE_PROGRAM;
	}
	return NULL;
}
