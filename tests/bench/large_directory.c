/* SPDX-License-Identifier: Apache-2.0 */

/*
 * heddle-bench-large-directory: system calls on the many entries of one directory.
 *
 *     heddle-bench-large-directory PHASE COUNT DIRECTORY
 *
 *     create     COUNT empty files
 *     list       all names, getdents64(2) with a buffer of 1 MiB
 *     list-small the same with one of 512 bytes
 *     stat       each of the files, in an order that is not theirs
 *     rename     every tenth of them, within the directory, and back
 *     replace    the last file that each small buffer of a listing shows, removed and made anew
 *     remove     every file, as a listing with a buffer of 512 bytes shows them
 *
 * Prints the nanoseconds of the phase. What is missing, or listed twice, is an error: then nothing was measured.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { LARGE_BUFFER = 1 << 20, SMALL_BUFFER = 512, NAME_SIZE = 32, RENAMED = 10 };

static char buffer[LARGE_BUFFER];

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "heddle-bench-large-directory: %s: %s\n", what, strerror(errno));
	exit(1);
}

static _Noreturn void fail_count(const char *what, unsigned long found, unsigned long wanted)
{
	fprintf(stderr, "heddle-bench-large-directory: %s: %lu instead of %lu\n", what, found, wanted);
	exit(1);
}

static void name_of(char name[NAME_SIZE], const char *prefix, unsigned long number)
{
	(void)snprintf(name, NAME_SIZE, "%s%lu.txt", prefix, number);
}

static void make(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0 || close(fd) < 0)
		fail(name);
}

static void create(unsigned long count)
{
	char name[NAME_SIZE];

	for (unsigned long number = 0; number < count; number++) {
		name_of(name, "entry-", number);
		make(name);
	}
}

typedef void entry_taker(const char *name);

/* Lists the directory of descriptor FD once; the entries that begin with "entry-" are counted and handed on. */
static unsigned long list_all(int fd, size_t size, entry_taker *take, void (*after_buffer)(void))
{
	unsigned long found = 0;
	long got;

	while ((got = syscall(SYS_getdents64, fd, buffer, size)) > 0) {
		for (long position = 0; position < got;) {
			const struct dirent64 *entry = (const struct dirent64 *)(buffer + position);

			position += entry->d_reclen;
			if (strncmp(entry->d_name, "entry-", 6) != 0)
				continue;
			found++;
			if (take)
				take(entry->d_name);
		}
		if (after_buffer)
			after_buffer();
	}
	if (got < 0)
		fail("getdents64");
	return found;
}

static void list_sized(unsigned long count, size_t size, entry_taker *take, void (*after_buffer)(void))
{
	int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	unsigned long found;

	if (fd < 0)
		fail("open");
	found = list_all(fd, size, take, after_buffer);
	if (found != count)
		fail_count("entries", found, count);
	(void)close(fd);
}

static void list(unsigned long count)
{
	list_sized(count, LARGE_BUFFER, NULL, NULL);
}

static void list_small(unsigned long count)
{
	list_sized(count, SMALL_BUFFER, NULL, NULL);
}

static void stat_all(unsigned long count)
{
	const unsigned long stride = 7919; /* prime, and no divisor of the counts */
	char name[NAME_SIZE];
	struct stat st;

	for (unsigned long number = 0; number < count; number++) {
		name_of(name, "entry-", number * stride % count);
		if (lstat(name, &st) < 0)
			fail(name);
	}
}

static void rename_some(unsigned long count)
{
	char from[NAME_SIZE], to[NAME_SIZE];

	for (unsigned long number = 0; number < count; number += RENAMED) {
		name_of(from, "entry-", number);
		name_of(to, "moved-", number);
		if (rename(from, to) < 0 || rename(to, from) < 0)
			fail(from);
	}
}

/* As an editor or `sed -i` under find(1) does. The new file takes the record of the old one, where a record can be. */
static void replace(const char *name)
{
	if (unlink(name) < 0)
		fail(name);
	make(name);
}

static char last_name[NAME_SIZE];

static void remember(const char *name)
{
	(void)snprintf(last_name, sizeof(last_name), "%.*s", NAME_SIZE - 1, name);
}

static void replace_last(void)
{
	if (last_name[0])
		replace(last_name);
	last_name[0] = '\0';
}

static void replace_some(unsigned long count)
{
	list_sized(count, SMALL_BUFFER, remember, replace_last);
}

static void remove_one(const char *name)
{
	if (unlink(name) < 0)
		fail(name);
}

static void remove_all(unsigned long count)
{
	list_sized(count, SMALL_BUFFER, remove_one, NULL);
}

static const struct {
	const char *name;
	void (*run)(unsigned long count);
} phases[] = {
	{"create", create},
	{"list", list},
	{"list-small", list_small},
	{"stat", stat_all},
	{"rename", rename_some},
	{"replace", replace_some},
	{"remove", remove_all},
};

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

int main(int argc, char **argv)
{
	unsigned long count = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;

	if (count == 0) {
		fprintf(stderr, "usage: heddle-bench-large-directory PHASE COUNT DIRECTORY\n");
		return 64;
	}
	if (chdir(argv[3]) < 0)
		fail(argv[3]);
	for (size_t phase = 0; phase < sizeof(phases) / sizeof(phases[0]); phase++) {
		uint64_t start = now_ns();

		if (strcmp(argv[1], phases[phase].name) != 0)
			continue;
		phases[phase].run(count);
		printf("%" PRIu64 "\n", now_ns() - start);
		return 0;
	}
	fprintf(stderr, "heddle-bench-large-directory: no phase '%s'\n", argv[1]);
	return 64;
}
