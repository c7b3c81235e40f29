/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/processes/memory_limit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/file.h"

/*
 * A line of /proc/self/cgroup is hierarchy:controllers:path. The second version of the interface has one hierarchy, 0, that
 * names no controllers; the first has one of its own for memory, mounted below its name. A container may see the path as it
 * is outside, where nothing is at it here: what is not there has no limit, and the root that it sees is its own group.
 */

#define GROUPS_LIMIT 65536
#define NUMBER_LIMIT 64

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* "max" and what cannot be read are no limit. */
static uint64_t read_limit(const char *directory, const char *name)
{
	HD_AUTO_FREE char *path = NULL;
	HD_AUTO_FREE char *text = NULL;
	unsigned long long value;
	size_t size;
	char *end;

	if (asprintf(&path, "%s/%s", directory, name) < 0) {
		path = NULL;
		return UINT64_MAX;
	}
	if (hd_file_read_whole(AT_FDCWD, path, NUMBER_LIMIT, &text, &size) < 0)
		return UINT64_MAX;
	value = strtoull(text, &end, 10);
	return end == text || value == 0 ? UINT64_MAX : value;
}

/* The group at PATH below ROOT and all around it, ROOT included. */
static uint64_t limit_upwards(const char *root, const char *path, const char *name)
{
	HD_AUTO_FREE char *directory = NULL;
	uint64_t limit = UINT64_MAX;
	size_t own = strlen(root);
	char *slash;

	if (asprintf(&directory, "%s%s", root, path) < 0) {
		directory = NULL;
		return limit;
	}
	for (;;) {
		limit = smaller(limit, read_limit(directory, name));
		slash = strrchr(directory + own, '/');
		if (!slash)
			return limit;
		*slash = '\0';
	}
}

static bool has_memory(const char *controllers)
{
	char *rest = NULL;
	HD_AUTO_FREE char *copy = strdup(controllers);

	for (char *word = copy ? strtok_r(copy, ",", &rest) : NULL; word; word = strtok_r(NULL, ",", &rest))
		if (strcmp(word, "memory") == 0)
			return true;
	return false;
}

static uint64_t limit_of_line(char *line, const char *root)
{
	char *controllers = strchr(line, ':');
	char *path = controllers ? strchr(controllers + 1, ':') : NULL;
	HD_AUTO_FREE char *own_root = NULL;

	if (!path || path[1] != '/')
		return UINT64_MAX;
	*path++ = '\0';
	controllers++;
	if (*controllers == '\0')
		return limit_upwards(root, path, "memory.max");
	if (!has_memory(controllers))
		return UINT64_MAX;
	if (asprintf(&own_root, "%s/memory", root) < 0) {
		own_root = NULL;
		return UINT64_MAX;
	}
	return limit_upwards(own_root, path, "memory.limit_in_bytes");
}

uint64_t hd_memory_limit_of_groups(const char *groups, const char *root)
{
	HD_AUTO_FREE char *copy = strdup(groups);
	uint64_t limit = UINT64_MAX;
	char *rest = NULL;

	for (char *line = copy ? strtok_r(copy, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest))
		limit = smaller(limit, limit_of_line(line, root));
	return limit;
}

uint64_t hd_memory_limit(void)
{
	uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	HD_AUTO_FREE char *groups = NULL;
	size_t size;

	if (hd_file_read_whole(AT_FDCWD, "/proc/self/cgroup", GROUPS_LIMIT, &groups, &size) < 0)
		return machine;
	return smaller(machine, hd_memory_limit_of_groups(groups, "/sys/fs/cgroup"));
}
