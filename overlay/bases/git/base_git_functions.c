/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <git2.h>
#include <stdlib.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/log.h"
#include "overlay/platform/processes/library.h"

/* The one whose headers we were compiled with: another has other structures. */
#define LIBRARY "libgit2.so." LIBGIT2_SOVERSION

static const char *const names[] = {
#define HD_GIT_NAME(name) #name,
	HD_GIT_FUNCTIONS(HD_GIT_NAME)
#undef HD_GIT_NAME
};

_Static_assert(sizeof(struct hd_git_functions) == HD_ARRAY_SIZE(names) * sizeof(void *),
	"a table of pointers, in the order of their names");

const struct hd_git_functions *_Atomic hd_git_functions_found;

int hd_git_functions_load(void)
{
	HD_AUTO_FREE struct hd_git_functions *functions = NULL;
	const struct hd_git_functions *none = NULL;
	void *library;
	int r;

	if (atomic_load_explicit(&hd_git_functions_found, memory_order_acquire))
		return 0;
	functions = calloc(1, sizeof(*functions));
	if (!functions)
		return -ENOMEM;
	r = hd_library_open(LIBRARY, &library);
	if (r >= 0)
		r = hd_library_find(library, names, HD_ARRAY_SIZE(names), (void **)(void *)functions);
	/* Of several that looked at once, one is first. */
	if (r >= 0 && atomic_compare_exchange_strong(&hd_git_functions_found, &none, functions))
		functions = NULL;
	return r;
}

const struct hd_git_functions *hd_git_functions_find(void)
{
	int r = hd_git_functions_load();

	if (r < 0) {
		hd_log(HD_LOG_ERROR, "libgit2 is not there: %s", hd_error_message(r));
		__builtin_trap();
	}
	return atomic_load_explicit(&hd_git_functions_found, memory_order_acquire);
}
