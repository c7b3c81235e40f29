/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/terminal/output_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/terminal/output.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int open_directory(const char *path)
{
	const char *name = last_name(path);
	HD_AUTO_FREE char *directory = name == path ? strdup(".") : strndup(path, (size_t)(name - path));

	return directory ? hd_directory_open(AT_FDCWD, directory) : -ENOMEM;
}

static int begin_file(struct hd_output_file *file)
{
	struct stat status;
	int r = hd_file_stat_at(AT_FDCWD, file->path, &status);

	/* What a link leads to, and what is no file, is written to in its place. */
	if (r == 0 && S_ISDIR(status.st_mode))
		return -EISDIR;
	if (r == 0 && !S_ISREG(status.st_mode)) {
		r = file->direct_fd = hd_file_open(AT_FDCWD, file->path, O_WRONLY | O_TRUNC, 0);
		file->fd = file->direct_fd;
		return r;
	}
	r = file->directory_fd = open_directory(file->path);
	if (r >= 0)
		r = hd_file_atomic_begin(file->directory_fd, 0666, &file->atomic);
	file->fd = file->atomic.fd;
	return r;
}

bool hd_output_file_is_stdout(const char *path)
{
	return !path || strcmp(path, "-") == 0;
}

int hd_output_file_begin(const char *path, struct hd_output_file *file)
{
	int r;

	*file = HD_OUTPUT_FILE_NONE;
	if (hd_output_file_is_stdout(path)) {
		if (hd_output_is_terminal(stdout))
			return hd_fail(HD_E_USAGE,
				"an archive does not go to a terminal: name a file with --output");
		file->fd = fileno(stdout);
		return 0;
	}
	file->path = path;
	r = begin_file(file);
	return r < 0 ? hd_fail_in(r, "'%s'", path) : 0;
}

int hd_output_file_commit(struct hd_output_file *file)
{
	int r = 0;

	if (file->atomic.fd >= 0)
		r = hd_file_atomic_commit(&file->atomic, last_name(file->path), true, true);
	return r < 0 ? hd_fail_in(r, "'%s'", file->path) : 0;
}

void hd_output_file_clear(struct hd_output_file *file)
{
	hd_file_atomic_abort(&file->atomic);
	hd_descriptor_close(&file->direct_fd);
	hd_descriptor_close(&file->directory_fd);
}
