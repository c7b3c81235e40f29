/* SPDX-License-Identifier: Apache-2.0 */

/*
 * heddle-bench-workload: system calls on many small files, timed without an interpreter between them.
 *
 *     heddle-bench-workload PHASE COUNT DIRECTORY      PHASE: create, stat, read, unlink, append (COUNT:
 * bytes)
 *
 * Prints the nanoseconds of the phase. Files are spread over folders of 100, as in a source tree.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_SIZE = 200, FILES_PER_FOLDER = 100 };

static char content[FILE_SIZE];

static void fail(const char *what)
{
	fprintf(stderr, "heddle-bench-workload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void create(const char *path, unsigned long number)
{
	char folder[32];
	int fd;

	if (number % FILES_PER_FOLDER == 0) {
		(void)snprintf(folder, sizeof(folder), "d%lu", number / FILES_PER_FOLDER);
		if (mkdir(folder, 0755) < 0)
			fail(folder);
	}
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, content, sizeof(content)) != (ssize_t)sizeof(content) || close(fd) < 0)
		fail(path);
}

static void stat_one(const char *path, unsigned long number)
{
	struct stat st;

	(void)number;
	if (lstat(path, &st) < 0)
		fail(path);
}

static void read_one(const char *path, unsigned long number)
{
	char buffer[FILE_SIZE];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	(void)number;
	if (fd < 0 || read(fd, buffer, sizeof(buffer)) != (ssize_t)sizeof(buffer) || close(fd) < 0)
		fail(path);
}

static void unlink_one(const char *path, unsigned long number)
{
	char folder[32];

	if (unlink(path) < 0)
		fail(path);
	if (number % FILES_PER_FOLDER == FILES_PER_FOLDER - 1) {
		(void)snprintf(folder, sizeof(folder), "d%lu", number / FILES_PER_FOLDER);
		(void)rmdir(folder);
	}
}

static void append(const char *path, unsigned long count)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (fd < 0 || write(fd, content, count < sizeof(content) ? count : sizeof(content)) < 0 ||
		close(fd) < 0)
		fail(path);
}

static const struct {
	const char *name;
	void (*run)(const char *path, unsigned long number);
} phases[] = {
	{"create", create},
	{"stat", stat_one},
	{"read", read_one},
	{"unlink", unlink_one},
};

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static int run_phase(const char *name, unsigned long count)
{
	char path[64];

	for (size_t phase = 0; phase < sizeof(phases) / sizeof(phases[0]); phase++) {
		if (strcmp(name, phases[phase].name) != 0)
			continue;
		for (unsigned long number = 0; number < count; number++) {
			(void)snprintf(
				path, sizeof(path), "d%lu/file%lu.c", number / FILES_PER_FOLDER, number);
			phases[phase].run(path, number);
		}
		return 0;
	}
	return -1;
}

int main(int argc, char **argv)
{
	unsigned long count;
	uint64_t start;

	if (argc != 4) {
		fprintf(stderr, "usage: heddle-bench-workload PHASE COUNT DIRECTORY\n");
		return 64;
	}
	count = strtoul(argv[2], NULL, 10);
	memset(content, 'x', sizeof(content));
	start = now_ns();
	if (strcmp(argv[1], "append") == 0) {
		append(argv[3], count);
	} else {
		if (chdir(argv[3]) < 0)
			fail(argv[3]);
		if (run_phase(argv[1], count) < 0) {
			fprintf(stderr, "heddle-bench-workload: no phase '%s'\n", argv[1]);
			return 64;
		}
	}
	printf("%" PRIu64 "\n", now_ns() - start);
	return 0;
}
