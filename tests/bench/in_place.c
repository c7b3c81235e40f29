/* SPDX-License-Identifier: Apache-2.0 */

/*
 * heddle-bench-in-place: how much threads write that each write in place to a file of its own.
 *
 *     heddle-bench-in-place THREADS MIB DIRECTORY        until its standard input ends
 *
 * Makes the files, MIB long, and says "ready". Then prints, for each line that it reads and at the end, how many thousand blocks of
 * 4 KiB were written per second since the last one, at places all over the files.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 4096, THREAD_LIMIT = 64 };

static const char *folder;
static uint64_t n_blocks;
static atomic_uint_fast64_t n_written;
static atomic_uint n_ready;
static atomic_bool begun;

static void fail(const char *what)
{
	fprintf(stderr, "heddle-bench-in-place: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* PAYLOAD is the thread's number. */
static void *write_in_place(void *payload)
{
	uint64_t seed = (uint64_t)(uintptr_t)payload * 2654435761u + 1;
	char path[4096], block[BLOCK];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/file%u", folder, (unsigned)(uintptr_t)payload);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		fail(path);
	memset(block, 'x', sizeof(block));
	for (uint64_t at = 0; at < n_blocks; at++)
		if (pwrite(fd, block, BLOCK, (off_t)(at * BLOCK)) != BLOCK)
			fail(path);
	atomic_fetch_add(&n_ready, 1);
	while (!atomic_load(&begun))
		(void)usleep(1000);
	for (;;) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		if (pwrite(fd, block, BLOCK, (off_t)((seed >> 33) % n_blocks * BLOCK)) != BLOCK)
			fail(path);
		atomic_fetch_add_explicit(&n_written, 1, memory_order_relaxed);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned threads = argc == 4 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	char line[64];
	double since;

	if (threads == 0 || threads > THREAD_LIMIT || (n_blocks = strtoul(argv[2], NULL, 10) * 256) == 0) {
		fprintf(stderr, "usage: heddle-bench-in-place THREADS MIB DIRECTORY\n");
		return 64;
	}
	folder = argv[3];
	for (unsigned number = 0; number < threads; number++) {
		pthread_t thread;

		if ((errno = pthread_create(&thread, NULL, write_in_place, (void *)(uintptr_t)number)) != 0)
			fail("a thread");
	}
	while (atomic_load(&n_ready) < threads)
		(void)usleep(1000);
	atomic_store(&begun, true);
	printf("ready\n");
	(void)fflush(stdout);
	since = now();
	for (const char *more = line; more; since = now()) {
		more = fgets(line, sizeof(line), stdin);
		printf("%.3f\n", (double)atomic_exchange(&n_written, 0) / (now() - since) / 1000);
		(void)fflush(stdout);
	}
	return 0;
}
