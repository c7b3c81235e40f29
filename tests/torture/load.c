/* SPDX-License-Identifier: Apache-2.0 */

/*
 * heddle-torture-load DIRECTORY PROCESSES STOP: works in DIRECTORY/p0, p1 ... until the file STOP is there, compares
 * everything with the models, and removes it. The last line is "calls N". HEDDLE_TEST_LARGE: a large file is written in
 * one step of so many.
 */

#include "tests/torture/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void load_expect(struct load *load, bool condition, const char *what, const char *name)
{
	load->calls++;
	if (condition)
		return;
	printf("torture: %s: %s %s (%s) after %llu calls\n", load->directory, what, name, strerror(errno),
		(unsigned long long)load->calls);
	exit(1);
}

static uint64_t new_seed(unsigned process)
{
	const char *wish = getenv("HEDDLE_TEST_SEED");
	struct timespec now;

	if (wish)
		return strtoull(wish, NULL, 10) + process + 1;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	return ((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec) * 2 + process + 1;
}

static uint64_t large_every(void)
{
	const char *wish = getenv("HEDDLE_TEST_LARGE");
	uint64_t number = wish ? strtoull(wish, NULL, 10) : 0;

	return number ? number : 500;
}

static void work(struct load *load, const char *stop)
{
	for (int i = 0; i < LOAD_FILES; i++) {
		(void)snprintf(load->files[i].name, sizeof(load->files[i].name), "f%d", i);
		load->files[i].bytes = calloc(1, LOAD_SIZE_LIMIT);
		load_expect(load, load->files[i].bytes != NULL, "memory for", load->files[i].name);
	}
	load_expect(load, mkdir(load->directory, 0755) == 0, "mkdir", load->directory);
	load_expect(load, chdir(load->directory) == 0, "chdir", load->directory);
	while (access(stop, F_OK) != 0) {
		for (int i = 0; i < 20; i++) {
			load_names_step(load);
			load_data_step(load);
		}
	}
	load_names_verify(load);
	load_data_verify(load);
	load_names_remove(load);
	load_expect(load, chdir("/") == 0, "chdir", "/");
	load_expect(load, rmdir(load->directory) == 0, "rmdir", load->directory);
}

int main(int argc, char *argv[])
{
	unsigned processes = argc == 4 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	uint64_t *calls = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int failed = 0;
	int status;

	if (processes == 0 || processes > 64 || calls == MAP_FAILED) {
		fprintf(stderr, "usage: heddle-torture-load DIRECTORY PROCESSES STOP\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (unsigned i = 0; i < processes; i++) {
		if (fork() == 0) {
			struct load *load = calloc(1, sizeof(*load));
			char path[4096];

			if (!load)
				return 1;
			(void)snprintf(path, sizeof(path), "%s/p%u", argv[1], i);
			load->directory = path;
			load->seed = new_seed(i);
			load->large_every = large_every();
			work(load, argv[3]);
			__atomic_fetch_add(calls, load->calls, __ATOMIC_RELAXED);
			return 0;
		}
	}
	while (wait(&status) > 0)
		failed |= status != 0;
	printf("calls %llu\n", (unsigned long long)*calls);
	return failed;
}
