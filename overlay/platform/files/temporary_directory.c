/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/files/temporary_directory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/atomic_file_fallback.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/random.h"

#define NAME_ATTEMPTS 16

int hd_temporary_directory_make(const char *parent, const char *what, char **ret_path)
{
	int r = -EEXIST;

	for (int attempt = 0; attempt < NAME_ATTEMPTS && r == -EEXIST; attempt++) {
		HD_AUTO_FREE char *path = NULL;

		if (asprintf(&path, "%s/" HD_ATOMIC_FILE_PREFIX "%s-%016" PRIx64, parent, what,
			    hd_random64()) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		r = hd_directory_make_new(AT_FDCWD, path, 0700);
		if (r == 0)
			*ret_path = HD_STEAL(path);
	}
	return r;
}

void hd_temporary_directory_remove(char *path)
{
	int saved = errno;

	if (path)
		(void)hd_directory_remove_tree(AT_FDCWD, path);
	free(path);
	errno = saved;
}
