/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_MOUNTS_ID_RANGES_H
#define HEDDLE_PLATFORM_MOUNTS_ID_RANGES_H

/*
 * Id ranges: the users, or the groups, that there are in a user namespace (user_namespaces(7)). Others are nobody there, and the
 * kernel lets nobody, root included, write to a file of one.
 *
 * Threads     Any. Errors: -errno, -EINVAL for a text that the kernel would not write.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HD_ID_RANGES_LIMIT 340 /* the kernel's */

struct hd_id_ranges {
	size_t count;
	struct {
		uint32_t first;
		uint32_t count;
	} ranges[HD_ID_RANGES_LIMIT];
};

/* Those of the calling process's namespace (io). Where that cannot be known: all that there can be. */
void hd_id_ranges_of_users(struct hd_id_ranges *ret_ranges);
void hd_id_ranges_of_groups(struct hd_id_ranges *ret_ranges);

/* TEXT as in /proc/<pid>/uid_map; -EINVAL. */
int hd_id_ranges_parse(const char *text, struct hd_id_ranges *ret_ranges);

/* Whether ID is one of them. */
bool hd_id_ranges_have(const struct hd_id_ranges *ranges, uint32_t id);

#endif
