/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/files/new_directory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/files/entry_make.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/random.h"

/* rename(2) replaces an empty directory, and only that: nothing has to be looked at again before it. */

#define NAME_ATTEMPTS 16
#define NAME_SHOWN 200 /* bytes of the name in the other one, which may have 255 */

static const char *const inherited_lists[] = {"system.posix_acl_access", "system.posix_acl_default"};

/* "a/b//" is "b" in "a". */
static int open_parent(const char *path, struct hd_new_directory *directory)
{
	HD_AUTO_FREE char *parent = strdup(path);
	size_t length = strlen(path);
	char *slash;

	if (!parent)
		return -ENOMEM;
	while (length > 0 && parent[length - 1] == '/')
		parent[--length] = '\0';
	slash = strrchr(parent, '/');
	directory->name = strdup(slash ? slash + 1 : parent);
	if (!directory->name)
		return -ENOMEM;
	if (!*directory->name)
		return *path ? -EBUSY : -ENOENT;
	if (strcmp(directory->name, ".") == 0 || strcmp(directory->name, "..") == 0)
		return hd_fail(EBUSY, "a directory in which somebody is cannot be replaced");
	if (slash)
		slash[slash == parent] = '\0';
	return directory->parent_fd = hd_directory_open(AT_FDCWD, slash ? parent : ".");
}

static int stop_at_entry(const char *name, unsigned char type, void *payload)
{
	(void)name;
	(void)type;
	(void)payload;
	return -ENOTEMPTY;
}

static int check_place(const struct hd_new_directory *directory)
{
	struct stat status, above;
	int r = hd_file_stat_at(directory->parent_fd, directory->name, &status);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = hd_file_stat(directory->parent_fd, &above);
	if (r < 0)
		return r;
	if (!S_ISDIR(status.st_mode))
		return -EEXIST;
	if (status.st_dev != above.st_dev)
		return hd_fail(EBUSY, "a mountpoint cannot be replaced");
	return hd_directory_list(directory->parent_fd, directory->name, stop_at_entry, NULL);
}

static int make_temporary(struct hd_new_directory *directory)
{
	int r = -EEXIST;

	for (int attempt = 0; attempt < NAME_ATTEMPTS && r == -EEXIST; attempt++) {
		HD_AUTO_FREE char *name = NULL;

		if (asprintf(&name, ".%.*s.heddle-%016" PRIx64, NAME_SHOWN, directory->name, hd_random64()) <
			0) {
			name = NULL;
			return -ENOMEM;
		}
		r = hd_directory_make_new(directory->parent_fd, name, 0700);
		if (r == 0)
			directory->temporary = HD_STEAL(name);
	}
	return r;
}

int hd_new_directory_begin(const char *path, struct hd_new_directory *ret_directory)
{
	struct hd_new_directory directory = HD_NEW_DIRECTORY_NONE;
	int r = open_parent(path, &directory);

	if (r >= 0)
		r = check_place(&directory);
	if (r >= 0)
		r = make_temporary(&directory);
	if (r >= 0)
		r = directory.fd = hd_file_open(
			directory.parent_fd, directory.temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	for (size_t i = 0; i < HD_ARRAY_SIZE(inherited_lists) && r >= 0; i++)
		r = hd_entry_remove_xattr(directory.fd, "", inherited_lists[i]);
	if (r < 0) {
		hd_new_directory_clear(&directory);
		return r;
	}
	*ret_directory = directory;
	return 0;
}

int hd_new_directory_commit(struct hd_new_directory *directory, bool sync)
{
	int r = sync ? hd_file_sync_filesystem(directory->fd) : 0;

	if (r >= 0)
		r = hd_file_rename(directory->parent_fd, directory->temporary, directory->name);
	if (r < 0)
		return r == -ENOTDIR ? -EEXIST : r;
	free(HD_STEAL(directory->temporary));
	return sync ? hd_directory_sync(directory->parent_fd) : 0;
}

void hd_new_directory_clear(struct hd_new_directory *directory)
{
	int saved = errno;

	hd_descriptor_close(&directory->fd);
	if (directory->temporary)
		(void)hd_directory_remove_tree(directory->parent_fd, directory->temporary);
	hd_descriptor_close(&directory->parent_fd);
	free(directory->temporary);
	free(directory->name);
	*directory = HD_NEW_DIRECTORY_NONE;
	errno = saved;
}
