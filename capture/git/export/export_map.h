/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_MAP_H
#define HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_MAP_H

/*
 * Export map: which git object a content, or a state, has become during one export. Keys of one fixed size,
 * bytes compared; values are git object ids. Owned by whoever cleared it last; one thread. Errors: -ENOMEM.
 */

#include <git2/oid.h>
#include <stddef.h>
#include <stdint.h>

struct hd_export_map {
	size_t key_size; /* set by the owner before the first use */
	uint8_t *slots;  /* owned: {u8 used, key, id} each */
	size_t count, capacity;
};

/* The value of KEY, borrowed until the next put; NULL if there is none. */
const git_oid *hd_export_map_get(const struct hd_export_map *map, const void *key);
/* Sets KEY's value, replacing an older one. */
int hd_export_map_put(struct hd_export_map *map, const void *key, const git_oid *id);
void hd_export_map_clear(struct hd_export_map *map);

#endif
