/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_UNIT_OVERLAY_JOURNAL_PLACE_H
#define HEDDLE_TESTS_UNIT_OVERLAY_JOURNAL_PLACE_H

/* An empty journal in a directory of its own per test, as cmocka's setup and teardown: *STATE is the struct fixture. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/journal/journal.h"
#include "overlay/platform/files/file.h"

#define THREAD 7u

struct fixture {
	char path[64];
	int fd;
	struct hd_journal *journal;
};

static inline int journal_setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	strcpy(fixture->path, "/tmp/heddle-journal-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->path));
	fixture->fd = open(fixture->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fixture->fd >= 0);
	assert_int_equal(hd_journal_open(fixture->fd, THREAD, 0, 0, &fixture->journal), 0);
	*state = fixture;
	return 0;
}

static inline int journal_teardown(void **state)
{
	struct fixture *fixture = *state;

	hd_journal_free(fixture->journal);
	(void)close(fixture->fd);
	assert_int_equal(hd_directory_remove_tree(AT_FDCWD, fixture->path), 0);
	free(fixture);
	return 0;
}

#endif
