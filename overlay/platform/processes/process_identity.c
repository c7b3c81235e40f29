/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/processes/process_identity.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/processes/process_table.h"

/* The kernel's own limit of arguments and environment is a quarter of the stack's, 2 MiB by default. */
#define ENVIRONMENT_LIMIT ((size_t)8 << 20)
#define STATUS_LIMIT ((size_t)768 << 10)
#define VALUE_LIMIT 256

void hd_process_identity_clear(struct hd_process_identity *identity)
{
	free(identity->program);
	free(identity->actor);
	free(identity->tool_call);
	*identity = (struct hd_process_identity){0};
}

/* A value is somebody else's text: it is cut, and control bytes are no part of it. */
static char *copy_value(const char *value)
{
	char *copy = strndup(value, VALUE_LIMIT);

	for (char *byte = copy; byte && *byte; byte++)
		if ((unsigned char)*byte < ' ' || *byte == 0x7f)
			*byte = ' ';
	return copy;
}

static char *find_value(const char *environment, size_t size, const char *name)
{
	size_t length = strlen(name);

	for (size_t at = 0; at < size;) {
		const char *word = environment + at;
		size_t word_length = strnlen(word, size - at);

		if (word_length > length && word[length] == '=' && strncmp(word, name, length) == 0)
			return copy_value(word + length + 1);
		at += word_length + 1;
	}
	return strdup("");
}

static int find_process(pid_t pid, pid_t *ret_process)
{
	HD_AUTO_FREE char *status = NULL;
	char path[64];
	const char *line;
	size_t size;
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	r = hd_file_read_whole(AT_FDCWD, path, STATUS_LIMIT, &status, &size);
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	line = strstr(status, "\nTgid:");
	*ret_process = line ? (pid_t)strtol(line + strlen("\nTgid:"), NULL, 10) : pid;
	return 0;
}

int hd_process_identify(pid_t pid, struct hd_process_identity *ret_identity)
{
	struct hd_process_identity identity = {0};
	HD_AUTO_FREE char *environment = NULL;
	char path[64], program[PATH_MAX] = "";
	size_t size = 0;
	bool is_private;
	int r;

	if (!hd_process_numbers_are_ours())
		return -ESRCH;
	/* The environment first: it goes when the process begins to end, before anything else does. */
	(void)snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	(void)hd_file_read_whole(AT_FDCWD, path, ENVIRONMENT_LIMIT, &environment, &size);
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	r = hd_file_read_link(AT_FDCWD, path, program, sizeof(program), &(size_t){0});
	if (r < 0)
		program[0] = '\0';
	is_private = r == -EACCES || r == -EPERM;
	r = find_process(pid, &identity.process);
	if (r < 0)
		return r;
	if (!*program && size == 0 && !is_private)
		return -ESRCH;
	identity.program = strdup(program);
	identity.actor = find_value(environment, environment ? size : 0, "HEDDLE_ACTOR");
	identity.tool_call = find_value(environment, environment ? size : 0, "HEDDLE_TOOL_CALL");
	if (!identity.program || !identity.actor || !identity.tool_call) {
		hd_process_identity_clear(&identity);
		return -ENOMEM;
	}
	*ret_identity = identity;
	return 0;
}

/*
 * /proc/<pid>/pagemap belongs to the memory that the process had when it was opened, and an exec takes another. Reading a part of
 * a record is EINVAL while anybody has that memory, and nothing afterwards.
 */
int hd_process_image_open(pid_t pid)
{
	char path[64];

	if (!hd_process_numbers_are_ours())
		return -ESRCH;
	(void)snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	return hd_file_open(AT_FDCWD, path, O_RDONLY, 0);
}

bool hd_process_image_is_left(int image)
{
	char byte;

	return pread(image, &byte, sizeof(byte), 0) == 0;
}
