/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_NAME_SET_H
#define HEDDLE_PLATFORM_NAME_SET_H

/*
 * Name set: which names there are, for as many as somebody else's repository has. A zeroed one is empty.
 *
 * Ownership   The names are borrowed until hd_name_set_clear. Threads: one. Errors: -ENOMEM.
 */

#include <stdbool.h>

struct hd_name_set {
	void *root; /* owned: of tsearch(3) */
};

bool hd_name_set_has(const struct hd_name_set *set, const char *name);
/* 1, or 0 when it was there. */
int hd_name_set_put(struct hd_name_set *set, const char *name);
void hd_name_set_clear(struct hd_name_set *set);

#endif
