/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_UNIT_PLATFORM_SCRATCH_H
#define HEDDLE_TESTS_UNIT_PLATFORM_SCRATCH_H

/* A temporary directory per test, as cmocka's setup and teardown: *STATE is a struct scratch. */

struct scratch {
	char path[64];
	int fd; /* of the directory */
};

int scratch_set_up(void **state);
int scratch_tear_down(void **state);

/* Makes or replaces the file NAME in it. */
void scratch_write(const struct scratch *scratch, const char *name, const char *text);

/* The number of entries in it, "." and ".." not counted. */
int scratch_count(const struct scratch *scratch);

#endif
