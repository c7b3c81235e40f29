/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/copy_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "overlay/platform/files/file.h"

void die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(2);
}

void make_empty(const char *path)
{
	int r = hd_directory_remove_tree(AT_FDCWD, path);

	if ((r < 0 && r != -ENOENT) || mkdir(path, 0700) < 0)
		die("cannot make %s", path);
}

static void copy_file(const char *from, const char *to, mode_t mode)
{
	int from_fd = open(from, O_RDONLY | O_CLOEXEC);
	int to_fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	char bytes[65536];
	ssize_t n = 1;

	while (from_fd >= 0 && to_fd >= 0 && n > 0) {
		n = read(from_fd, bytes, sizeof(bytes));
		if (n > 0 && write(to_fd, bytes, (size_t)n) != n)
			n = -1;
	}
	if (from_fd < 0 || to_fd < 0 || n < 0)
		die("cannot copy %s: %s", from, strerror(errno));
	(void)close(from_fd);
	(void)close(to_fd);
}

void copy_tree(const char *from, const char *to)
{
	DIR *stream = opendir(from);
	struct dirent *entry;

	if (!stream)
		die("cannot list %s", from);
	while ((entry = readdir(stream))) {
		char source[PATH_MAX], target[PATH_MAX];
		struct stat st;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (snprintf(source, sizeof(source), "%s/%s", from, entry->d_name) >= PATH_MAX ||
			snprintf(target, sizeof(target), "%s/%s", to, entry->d_name) >= PATH_MAX ||
			lstat(source, &st) < 0)
			die("cannot copy %s/%s", from, entry->d_name);
		if (S_ISDIR(st.st_mode)) {
			if (mkdir(target, 0700) < 0)
				die("cannot make %s", target);
			copy_tree(source, target);
		} else if (S_ISREG(st.st_mode)) {
			copy_file(source, target, st.st_mode & 07777);
		}
	}
	closedir(stream);
}
