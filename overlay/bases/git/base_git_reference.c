/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/bases/git/base_git_reference.h"

#include <git2.h>

#include "overlay/platform/clock.h"

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
