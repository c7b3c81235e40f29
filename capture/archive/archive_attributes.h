/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_ARCHIVE_ARCHIVE_ATTRIBUTES_H
#define HEDDLE_CAPTURE_ARCHIVE_ARCHIVE_ATTRIBUTES_H

/*
 * Archive attributes: what an entry of libarchive says of extended attributes and ACLs, in the form in which states keep
 * them (overlay/access/attribute_string.h).
 *
 * Threads     As archive_acl.h. Errors: -EINVAL for what no file can have, -ENOSPC for more than one can; -ENOMEM.
 */

#include <archive_entry.h>
#include <stdint.h>

#include "overlay/platform/buffer.h"

/* Attributes of namespaces that no mount has are counted in SKIPPED. An ACL also changes the permission bits of *MODE. */
int hd_archive_attributes_read(
	struct archive_entry *entry, uint32_t *mode, struct hd_buffer *xattrs, uint64_t *skipped);

#endif
