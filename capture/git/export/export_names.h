/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_NAMES_H
#define HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_NAMES_H

/*
 * Export names: what `git fsck --strict` and a checkout on any filesystem accept in a tree.
 *
 * Threads: any. Errors: -HD_E_EXPORT_NAME with the name and the reason.
 */

#include <stdint.h>

/*
 * NAME, of a file, link or directory of MODE, in the directory PATH (for the message; "" is the root).
 * Refused are ".git" and all that HFS+ and NTFS take for it, and a ".gitmodules" that is not a file.
 */
int hd_export_name_check(const char *path, const char *name, uint32_t mode);

#endif
