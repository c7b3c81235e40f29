/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_PARTS_FUSE_LIBRARY_H
#define HEDDLE_MOUNT_PARTS_FUSE_LIBRARY_H

/*
 * The FUSE library, for those that have no session: commands and supervisors are not linked with it, and load it when they are
 * asked for it. Threads: any, without a lock. Errors: none.
 */

#include <stdint.h>

/* Its version, as a number; 0: there is none. */
uint32_t hd_fuse_library(void);

#endif
