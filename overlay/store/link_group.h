/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_LINK_GROUP_H
#define HEDDLE_STORE_LINK_GROUP_H

/*
 * Link group: the number that says which names of a base or a state are one file.
 *
 * A state is put together from directories that were captured at different times, and from directories of a host that
 * nobody looked into. A name of a file may be in a directory that could not be loaded since the file was written: that
 * directory is kept as it was, with the old bytes and the old group. So that nobody takes the two for one file, the bytes
 * are part of the group: 40 bits say which file, 24 bits which bytes. Names of a host's file have a reference each, by
 * their paths, and were not written: their group is the number alone. What has no reference, because it is empty or has
 * no bytes at all, looks the same whether it was written or not, and is treated as written by all who tell of it.
 *
 * Threads     A pure function.
 */

#include <stdint.h>

#include "overlay/store/objects/content.h"

/* The GROUP (0: none) of a file with CONTENT, as bases tell it and states keep it; applying it twice changes nothing. */
uint64_t hd_link_group_kept(uint64_t group, const struct hd_content *content);

#endif
