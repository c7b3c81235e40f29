/* SPDX-License-Identifier: Apache-2.0 */

/*
 * heddle-bench-writer: how long a program waits that writes while something else happens.
 *
 *     heddle-bench-writer FILE        until its standard input ends
 *
 * Writes 64 bytes anew about every 100 us and prints, in nanoseconds, the median and the longest of the calls.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CALL_LIMIT = 1 << 20, PERIOD_NS = 100000 };

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static int fail(const char *what)
{
	fprintf(stderr, "heddle-bench-writer: %s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	static uint64_t calls[CALL_LIMIT];
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	const struct timespec period = {.tv_nsec = PERIOD_NS};
	size_t n = 0;
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: heddle-bench-writer FILE\n");
		return 64;
	}
	fd = open(argv[1], O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return fail(argv[1]);
	while (n < CALL_LIMIT && poll(&input, 1, 0) == 0) {
		char line[64] = {0};
		uint64_t start = now_ns();

		(void)snprintf(line, sizeof(line), "%zu", n);
		if (pwrite(fd, line, sizeof(line), 0) != (ssize_t)sizeof(line))
			return fail(argv[1]);
		calls[n++] = now_ns() - start;
		(void)nanosleep(&period, NULL);
	}
	if (close(fd) < 0)
		return fail(argv[1]);
	qsort(calls, n, sizeof(calls[0]), compare);
	printf("%" PRIu64 " %" PRIu64 "\n", n ? calls[n / 2] : 0, n ? calls[n - 1] : 0);
	return 0;
}
