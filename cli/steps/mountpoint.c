/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/steps/mountpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cli/arguments/store_locate.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

/* Cuts the last part off. False where there is none. */
static bool cut_last_part(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return false;
	*slash = '\0';
	return true;
}

/* How much of PATH is there. What cannot be looked at, as a dead mount, is. */
static int existing_part(const char *path, size_t *ret_length)
{
	HD_AUTO_FREE char *part = strdup(path);
	struct stat stat;

	if (!part)
		return -ENOMEM;
	while (hd_file_stat_at(AT_FDCWD, part, &stat) == -ENOENT && cut_last_part(part))
		;
	*ret_length = strlen(part);
	return 0;
}

int hd_mountpoint_prepare(const char *directory, struct hd_mountpoint *ret_mountpoint)
{
	HD_CLEANUP(hd_mountpoint_clear) struct hd_mountpoint made = {.named = hd_path_absolute(directory)};
	int r = made.named ? existing_part(made.named, &made.existed) : -ENOMEM;

	if (r < 0)
		return r;
	r = hd_directory_make(AT_FDCWD, directory, 0777);
	/* A dead mount may stand there: whether it is ours is for hd_mount_start to find out. */
	if (r < 0 && r != -ENOTCONN && r != -ECONNABORTED && r != -EIO) {
		hd_mountpoint_give_up(&made);
		return hd_fail_in(r, "mountpoint '%s'", directory);
	}
	made.path = realpath(directory, NULL);
	if (!made.path && (errno == ENOTCONN || errno == ECONNABORTED))
		made.path = strdup(made.named);
	if (!made.path)
		return hd_fail_errno("mountpoint '%s'", directory);
	*ret_mountpoint = made;
	made = (struct hd_mountpoint){0};
	return 0;
}

void hd_mountpoint_give_up(const struct hd_mountpoint *mountpoint)
{
	HD_AUTO_FREE char *part = mountpoint->named ? strdup(mountpoint->named) : NULL;

	while (part && strlen(part) > mountpoint->existed) {
		(void)hd_directory_remove(AT_FDCWD, part);
		if (!cut_last_part(part))
			return;
	}
}

void hd_mountpoint_clear(struct hd_mountpoint *mountpoint)
{
	free(mountpoint->path);
	free(mountpoint->named);
	*mountpoint = (struct hd_mountpoint){0};
}
