/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_PARTS_FUSE_LIBRARY_H
#define HEDDLE_MOUNT_PARTS_FUSE_LIBRARY_H

/* The FUSE library, for those that have no session. Threads: any. Errors: none. */

#include <stdint.h>

/* Its version, as a number. */
uint32_t hd_fuse_library(void);

#endif
