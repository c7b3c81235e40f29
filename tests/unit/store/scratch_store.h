/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_UNIT_STORE_SCRATCH_STORE_H
#define HEDDLE_TESTS_UNIT_STORE_SCRATCH_STORE_H

/*
 * A store in a directory of its own, for one test: setup and teardown of cmocka. *STATE is struct scratch.
 */

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/store/store.h"

struct scratch {
	char directory[64];
	char path[PATH_MAX]; /* of the .heddle directory */
	struct hd_store *store;
};

#define assert_success(call)                                                    \
	do {                                                                    \
		int assert_r_ = (call);                                         \
		if (assert_r_ < 0)                                              \
			fail_msg("%s: %s", #call, hd_error_message(assert_r_)); \
	} while (0)

#define assert_code(call, code) assert_string_equal(hd_error_name(call), hd_error_name(code))

static inline int scratch_setup(void **state)
{
	struct scratch *scratch = calloc(1, sizeof(*scratch));

	assert_non_null(scratch);
	strcpy(scratch->directory, "/tmp/heddle-store-test-XXXXXX");
	assert_non_null(mkdtemp(scratch->directory));
	snprintf(scratch->path, sizeof(scratch->path), "%s/.heddle", scratch->directory);
	assert_success(hd_store_create(scratch->path, &scratch->store));
	*state = scratch;
	return 0;
}

static inline int scratch_teardown(void **state)
{
	struct scratch *scratch = *state;

	hd_store_free(scratch->store);
	assert_success(hd_directory_remove_tree(AT_FDCWD, scratch->directory));
	free(scratch);
	return 0;
}

/* Lets every write of this process beyond LIMIT bytes of a file fail with EFBIG, until called with RLIM_INFINITY. */
static inline void limit_file_size(rlim_t limit)
{
	struct rlimit limits;

	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limits), 0);
	limits.rlim_cur = limit < limits.rlim_max ? limit : limits.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limits), 0);
}

#endif
