/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/store_owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

/* Who is root by sudo(8) came from somebody, whose stores are theirs. */
static bool came_by_sudo_from(uid_t owner)
{
	const char *text = getenv("SUDO_UID");
	unsigned long number;
	char *end;

	if (geteuid() != 0 || !text || !*text)
		return false;
	errno = 0;
	number = strtoul(text, &end, 10);
	return errno == 0 && *end == '\0' && number == (unsigned long)owner;
}

int hd_store_check_owner(const char *path)
{
	struct stat stat;
	int r = hd_file_stat_at(AT_FDCWD, path, &stat);

	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR ? 0 : hd_fail_in(r, "'%s'", path);
	if (stat.st_uid == geteuid() || stat.st_uid == 0 || came_by_sudo_from(stat.st_uid))
		return 0;
	return hd_fail(HD_E_STORE_FOREIGN, "'%s', of user %u", path, (unsigned)stat.st_uid);
}

int hd_store_open_found(const char *path, struct hd_store **ret_store)
{
	int r = hd_store_check_owner(path);

	return r < 0 ? r : hd_store_open(path, ret_store);
}
