/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_UNIT_OVERLAY_ARENA_PLACE_H
#define HEDDLE_TESTS_UNIT_OVERLAY_ARENA_PLACE_H

/* An empty arena per test, as cmocka's setup and teardown: *STATE is the struct hd_arena. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/arena/arena.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/memory_file.h"

static inline int arena_setup(void **state)
{
	int fd = hd_memory_file_create("test-arena", hd_arena_size());
	struct hd_arena *arena = NULL;

	assert_true(fd >= 0);
	assert_int_equal(hd_arena_map(fd, &arena), 0);
	(void)close(fd); /* the mapping keeps it */
	*state = arena;
	return 0;
}

static inline int arena_teardown(void **state)
{
	hd_arena_unmap(*state);
	return 0;
}

#endif
