/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The differences between heddle and a native filesystem that are accepted, each with its reason.
 *
 * Empty is best. A row needs a reason that a user would accept; "it is easier" is none. Its id is a row of
 * "Where heddle differs" in docs/posix.md (tests/lint/check_docs.py looks).
 */

#include <errno.h>
#include <stddef.h>

#include "tests/fuzz_fs/compare.h"

struct known_difference {
	const char *id;
	enum fuzz_kind kind;
	int error_a, error_b; /* what each side answers; 0 is success */
	const char *reason;
};

static const struct known_difference known_differences[] = {
	{"device-nodes", FUZZ_open, EACCES, ENXIO,
		"a mount is nodev: device nodes are shown and kept, and cannot be opened"},
	{NULL, FUZZ_KIND_COUNT, 0, 0, NULL},
};

const char *fuzz_known_difference(
	const struct fuzz_operation *operation, const struct fuzz_outcome *a, const struct fuzz_outcome *b)
{
	for (const struct known_difference *row = known_differences; row->reason != NULL; row++)
		if (row->kind == operation->kind && row->error_a == a->error && row->error_b == b->error)
			return row->reason;
	return NULL;
}
