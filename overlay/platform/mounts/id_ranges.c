/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/mounts/id_ranges.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/file.h"

#define TEXT_LIMIT ((size_t)64 << 10)

int hd_id_ranges_parse(const char *text, struct hd_id_ranges *ret_ranges)
{
	struct hd_id_ranges parsed = {0};

	while (*text) {
		uint32_t first, outside, count;
		int length = 0;

		if (parsed.count == HD_ID_RANGES_LIMIT ||
			sscanf(text, " %" SCNu32 " %" SCNu32 " %" SCNu32 " %n", &first, &outside, &count,
				&length) != 3 ||
			length == 0)
			return -EINVAL;
		parsed.ranges[parsed.count].first = first;
		parsed.ranges[parsed.count++].count = count;
		text += length;
	}
	*ret_ranges = parsed;
	return 0;
}

static void read_ranges(const char *path, struct hd_id_ranges *ret_ranges)
{
	HD_AUTO_FREE char *text = NULL;
	size_t size;

	if (hd_file_read_whole(AT_FDCWD, path, TEXT_LIMIT, &text, &size) >= 0 &&
		hd_id_ranges_parse(text, ret_ranges) >= 0)
		return;
	ret_ranges->count = 1;
	ret_ranges->ranges[0].first = 0;
	ret_ranges->ranges[0].count = UINT32_MAX;
}

void hd_id_ranges_of_users(struct hd_id_ranges *ret_ranges)
{
	read_ranges("/proc/self/uid_map", ret_ranges);
}

void hd_id_ranges_of_groups(struct hd_id_ranges *ret_ranges)
{
	read_ranges("/proc/self/gid_map", ret_ranges);
}

bool hd_id_ranges_have(const struct hd_id_ranges *ranges, uint32_t id)
{
	for (size_t i = 0; i < ranges->count; i++)
		if (id >= ranges->ranges[i].first && id - ranges->ranges[i].first < ranges->ranges[i].count)
			return true;
	return false;
}
