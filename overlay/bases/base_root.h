/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_BASES_BASE_ROOT_H
#define HEDDLE_BASES_BASE_ROOT_H

/*
 * The entry of a base's root. Unlike an entry of a listing it outlives what it was read from, so it owns its extended attributes.
 *
 * Calling sequence
 *     a base's root operation or hd_base_root_apply → hd_base_root_clear
 *
 * Ownership   The entry is the caller's. Threads: any; one at a time per entry.
 */

#include "overlay/bases/base.h"

/* Lays over ROOT what a capture knew of it: the own entry of the attribute object ATTRIBUTES. Errors: those of
 * hd_attribute_layer_load, -ENOMEM; then ROOT has no extended attributes. */
int hd_base_root_apply(
	struct hd_object_store *objects, const struct hd_content *attributes, struct hd_base_entry *root);

/* Frees what ROOT owns. Also of one that is zero or was cleared. */
void hd_base_root_clear(struct hd_base_entry *root);

#endif
