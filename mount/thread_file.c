/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/thread_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void hd_thread_file_name(uint32_t number, const char *suffix, char name[HD_THREAD_FILE_NAME_SIZE])
{
	(void)snprintf(name, HD_THREAD_FILE_NAME_SIZE, "%u.%s", number, suffix);
}

uint32_t hd_thread_file_number(const char *name, const char *const *suffixes, size_t n_suffixes)
{
	char *end;
	unsigned long number = strtoul(name, &end, 10);

	if (name[0] < '1' || name[0] > '9' || number > UINT32_MAX || *end != '.')
		return 0;
	for (size_t i = 0; i < n_suffixes; i++)
		if (strcmp(end + 1, suffixes[i]) == 0)
			return (uint32_t)number;
	return 0;
}
