/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_ARCHIVE_IMPORT_ATTRIBUTES_H
#define HEDDLE_CAPTURE_ARCHIVE_IMPORT_ATTRIBUTES_H

/*
 * Import attributes: which extended attributes of somebody else's file a state takes over, in the form in which states keep
 * them (overlay/access/attribute_string.h).
 *
 * Threads     Pure functions. Errors: -EINVAL for what no file can have, -ENOSPC for more than one can; -ENOMEM.
 */

#include <stddef.h>
#include <stdint.h>

#include "overlay/platform/buffer.h"

/* Adds the attribute, unless it is there already. One of a namespace that no mount has is counted in SKIPPED instead. */
int hd_import_attribute_add(
	const char *name, const void *value, size_t size, struct hd_buffer *xattrs, uint64_t *skipped);

/* When all were added: the permission bits of *MODE follow the access list, and a list that says no more than they goes. */
int hd_import_attributes_finish(uint32_t *mode, struct hd_buffer *xattrs);

#endif
