/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_BASES_DIRECTORY_BASE_DIRECTORY_XATTRS_H
#define HEDDLE_BASES_DIRECTORY_BASE_DIRECTORY_XATTRS_H

/*
 * The extended attributes of one file after another, in the form of hd_attribute_entry.
 *
 *     zero-initialise → hd_file_xattrs_read per file → hd_file_xattrs_clear
 *
 * Ownership   `encoded` belongs to the struct and is overwritten by the next read. Threads: one at a time.
 */

#include "overlay/platform/buffer.h"

struct hd_file_xattrs {
	struct hd_buffer encoded; /* of the file read last; empty when it has none */
	char *names;              /* owned, scratch */
	void *value;              /* owned, scratch */
};

/* Those of NAME in DIRECTORY_FD that belong to the file and can be read: user.*, POSIX ACLs, capabilities. */
int hd_file_xattrs_read(struct hd_file_xattrs *xattrs, int directory_fd, const char *name);
void hd_file_xattrs_clear(struct hd_file_xattrs *xattrs);

#endif
