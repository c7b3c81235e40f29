/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/worktree/worktree_publish.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/file.h"

#define NAME_SIZE 200
#define NAME_ATTEMPTS 1000

/* What a reference's name may have in it, and a directory's. */
static void choose_name(const char *thread, char name[NAME_SIZE])
{
	size_t length = 0;

	for (; *thread && length < NAME_SIZE - 1; thread++) {
		unsigned char byte = (unsigned char)*thread;
		bool is_fine =
			isalnum(byte) || byte == '_' || byte == '-' || (byte == '.' && thread[1] != '.');

		name[length++] = is_fine ? (char)byte : '-';
	}
	name[length] = '\0';
	if (length > 5 && strcmp(name + length - 5, ".lock") == 0)
		name[length - 5] = '-';
	if (name[length - 1] == '.')
		name[length - 1] = '-';
}

int hd_worktree_publish(
	const char *worktrees, const char *temporary, mode_t mode, const char *thread, char **ret_path)
{
	char wanted[NAME_SIZE];
	HD_AUTO_FREE char *path = NULL;
	int r;

	choose_name(thread, wanted);
	for (unsigned attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
		char suffix[16] = "";

		if (attempt > 0)
			(void)snprintf(suffix, sizeof(suffix), "%u", attempt);
		hd_cleanup_free(&path);
		if (asprintf(&path, "%s/%s%s", worktrees, wanted, suffix) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		/* git removes it when it is empty. */
		r = hd_directory_make(AT_FDCWD, worktrees, mode);
		if (r >= 0)
			r = hd_directory_make_new(AT_FDCWD, path, mode);
		/* Onto the empty directory, which is ours: one step. */
		if (r >= 0)
			r = hd_file_rename(AT_FDCWD, temporary, path);
		if (r == -EEXIST || r == -ENOENT)
			continue;
		if (r >= 0)
			*ret_path = HD_STEAL(path);
		return r;
	}
	return -EEXIST;
}
