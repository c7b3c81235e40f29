/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/platform/scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* rm and not our own removal: a test of the one must not depend on the other. */
int scratch_tear_down(void **state)
{
	struct scratch *scratch = *state;
	char command[128];
	int status;

	(void)close(scratch->fd);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", scratch->path);
	status = system(command);
	free(scratch);
	return status;
}

int scratch_set_up(void **state)
{
	struct scratch *scratch = calloc(1, sizeof(*scratch));

	assert_non_null(scratch);
	(void)strcpy(scratch->path, "/tmp/heddle-unit-XXXXXX");
	assert_non_null(mkdtemp(scratch->path));
	scratch->fd = open(scratch->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(scratch->fd >= 0);
	*state = scratch;
	return 0;
}

void scratch_write(const struct scratch *scratch, const char *name, const char *text)
{
	int fd = openat(scratch->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
}

int scratch_count(const struct scratch *scratch)
{
	DIR *directory = opendir(scratch->path);
	int n = 0;

	assert_non_null(directory);
	while (readdir(directory))
		n++;
	(void)closedir(directory);
	return n - 2;
}
