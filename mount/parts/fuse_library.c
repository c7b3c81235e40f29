/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/parts/fuse_library.h"

#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>

uint32_t hd_fuse_library(void)
{
	return (uint32_t)fuse_version();
}
