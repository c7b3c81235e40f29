/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_TORTURE_LOAD_H
#define HEDDLE_TESTS_TORTURE_LOAD_H

/*
 * A load that knows what must be: each process works in a directory of its own, keeps a model of what is in it, and
 * takes every call that fails, and every answer that is not the model's, for an error.
 *
 * Errors      Printed; the process ends with status 1.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOAD_FILES 24
#define LOAD_SIZE_LIMIT (96u << 10)
#define LOAD_BIG_SIZE (6 << 20)

struct load_file {
	char name[32];
	bool exists;
	uint8_t *bytes; /* owned: LOAD_SIZE_LIMIT */
	size_t size;
	unsigned links;
	bool marked; /* has the attribute user.mark */
};

struct load {
	const char *directory;
	uint64_t seed;
	uint64_t large_every; /* a large file is written in one step of so many */
	uint64_t calls;       /* checked system calls */
	struct load_file files[LOAD_FILES];
	bool subdirectories[LOAD_FILES]; /* d0, d1 ... exist */
};

static inline uint64_t load_draw(struct load *load)
{
	load->seed ^= load->seed >> 12;
	load->seed ^= load->seed << 25;
	load->seed ^= load->seed >> 27;
	return load->seed * 0x2545F4914F6CDD1Du;
}

/* Ends the process unless CONDITION: WHAT was done to NAME; errno is printed. */
void load_expect(struct load *load, bool condition, const char *what, const char *name);

/* One step of each kind. */
void load_names_step(struct load *load);
void load_data_step(struct load *load);

/* Everything in the directory is what the model says. */
void load_names_verify(struct load *load);
void load_data_verify(struct load *load);
/* Removes everything. */
void load_names_remove(struct load *load);

#endif
