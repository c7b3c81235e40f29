/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_ARCHIVE_ARCHIVE_ACL_H
#define HEDDLE_CAPTURE_ARCHIVE_ARCHIVE_ACL_H

/*
 * Archive ACL: POSIX ACLs between the kernel's bytes (overlay/access/access_control_list.h) and the entries of libarchive,
 * which archives keep as text that tar, star and bsdtar read.
 *
 * Threads     Pure but for the user database, which is asked for users that an archive names without a number.
 * Errors      -EINVAL for what is no ACL, and for a name that this system does not know; -ENOMEM.
 */

#include <archive_entry.h>
#include <stdbool.h>

#include "overlay/platform/buffer.h"

/* Adds the list VALUE, of TYPE (ARCHIVE_ENTRY_ACL_TYPE_ACCESS or _DEFAULT). *RET_EXACT: it comes back byte by byte. */
int hd_archive_acl_put(
	struct archive_entry *entry, int type, const void *value, size_t size, bool *ret_exact);

/* Appends the list of TYPE, in the kernel's order; nothing if there is none. */
int hd_archive_acl_get(struct archive_entry *entry, int type, struct hd_buffer *out);

#endif
