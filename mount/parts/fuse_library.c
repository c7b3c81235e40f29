/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/parts/fuse_library.h"

#include "overlay/platform/error.h"
#include "overlay/platform/processes/library.h"

/* The one that a worker is linked with. */
#define LIBRARY "libfuse3.so.3"

uint32_t hd_fuse_library(void)
{
	static const char *const name[] = {"fuse_version"};
	int (*version)(void) = NULL;
	void *library;
	int r = hd_library_open(LIBRARY, &library);

	if (r >= 0)
		r = hd_library_find(library, name, 1, (void **)(void *)&version);
	if (r < 0)
		hd_error_clear();
	return r < 0 ? 0 : (uint32_t)version();
}
