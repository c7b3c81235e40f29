/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/bases/git/base_git_reference.h"

#include <git2.h>
#include <stdio.h>
#include <string.h>

#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"

#define PATIENCE_NS 2000000000u
#define RETRY_NS 5000000u

int hd_git_reference_set(struct git_repository *repository, const char *name, const struct git_oid *id,
	bool force, const struct git_oid *current, const char *reason)
{
	uint64_t deadline = hd_clock_monotonic_ns() + PATIENCE_NS;
	git_reference *made = NULL;
	int g;

	for (;;) {
		g = git_reference_create_matching(&made, repository, name, id, force, current, reason);
		git_reference_free(made);
		if (g != GIT_ELOCKED || hd_clock_monotonic_ns() > deadline)
			return g;
		made = NULL;
		hd_clock_sleep_ns(RETRY_NS);
	}
}

/* ---- names that exclude each other ---- */

static int fail_beside(const char *name, const git_reference *other)
{
	return hd_fail(HD_E_REFERENCE_COLLIDES, "%s cannot be beside %s", name, git_reference_name(other));
}

static int look_above(git_repository *repository, const char *name)
{
	HD_AUTO_FREE char *above = strdup(name);
	char *slash;

	while (above && (slash = strrchr(above, '/'))) {
		git_reference *other = NULL;
		int r = 0;

		*slash = '\0';
		if (git_reference_lookup(&other, repository, above) == 0)
			r = fail_beside(name, other);
		git_reference_free(other);
		if (r < 0)
			return r;
	}
	return 0;
}

static int look_below(git_repository *repository, const char *name)
{
	HD_AUTO_FREE char *glob = NULL;
	git_reference_iterator *iterator = NULL;
	git_reference *other = NULL;
	int r = 0;

	if (asprintf(&glob, "%s/*", name) < 0) {
		glob = NULL;
		return 0;
	}
	if (git_reference_iterator_glob_new(&iterator, repository, glob) == 0 &&
		git_reference_next(&other, iterator) == 0)
		r = fail_beside(name, other);
	git_reference_free(other);
	git_reference_iterator_free(iterator);
	return r;
}

int hd_git_reference_fail(git_repository *repository, const char *name)
{
	int refused = hd_git_library_fail(HD_E_REPOSITORY, "set %s", name);
	int r = look_above(repository, name);

	if (r == 0)
		r = look_below(repository, name);
	return r < 0 ? r : refused;
}
