/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/name_set.h"

#include <errno.h>
#include <search.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

bool hd_name_set_has(const struct hd_name_set *set, const char *name)
{
	return tfind(name, &set->root, compare) != NULL;
}

int hd_name_set_put(struct hd_name_set *set, const char *name)
{
	const char *const *there = tsearch(name, &set->root, compare);

	if (!there)
		return -ENOMEM;
	return *there == name;
}

static void keep_name(void *name)
{
	(void)name;
}

void hd_name_set_clear(struct hd_name_set *set)
{
	tdestroy(set->root, keep_name);
	set->root = NULL;
}
