/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/fuse/requests/request_area.h"
#include "mount/fuse/requests/request_area_layout.h"
#include "overlay/platform/files/memory_file.h"

/* Apart from request_area.c: the supervisor makes the area, and reads nothing in it. */

int hd_request_area_create(void)
{
	return hd_memory_file_create("heddle-requests", HD_AREA_SIZE);
}
