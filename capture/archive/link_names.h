/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_ARCHIVE_LINK_NAMES_H
#define HEDDLE_CAPTURE_ARCHIVE_LINK_NAMES_H

/*
 * Link names: under which path a file with several names was written first, so that the others become links to it.
 *
 * Memory      One path per file of which not all names came yet.
 * Ownership   A zero struct is an empty one; hd_link_names_clear frees it. Threads: one. Errors: -ENOMEM.
 */

#include <stddef.h>
#include <stdint.h>

struct hd_link_names {
	struct hd_link_name *slots; /* owned: a hash table by group */
	size_t capacity, used;
};

/*
 * The path under which GROUP (not 0), which has LINKS names, came first, or NULL if that is PATH. What is returned
 * lives until the next call.
 */
int hd_link_names_first(struct hd_link_names *names, uint64_t group, uint32_t links, const char *path,
	const char **ret_first);
void hd_link_names_clear(struct hd_link_names *names);

#endif
