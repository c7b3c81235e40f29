/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_REQUESTS_REQUEST_AREA_LAYOUT_H
#define HEDDLE_MOUNT_FUSE_REQUESTS_REQUEST_AREA_LAYOUT_H

/* Where what lies in the request area's memory file: a head, then the slots. For request_area*.c alone. */

#include "mount/fuse/session/fuse_session_types.h"

#define HD_AREA_HEAD_SIZE 65536u
#define HD_AREA_SLOT_SIZE ((uint64_t)HD_FUSE_MESSAGE_SIZE + HD_FUSE_DATA_SIZE)
#define HD_AREA_SIZE (HD_AREA_HEAD_SIZE + HD_REQUEST_SLOTS * HD_AREA_SLOT_SIZE)

#endif
