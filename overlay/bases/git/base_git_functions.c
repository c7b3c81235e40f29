/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <git2.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

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

/* The last look failed, and whoever looked has said why: that is not to be said over. */
static atomic_bool refused;

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
	atomic_store(&refused, r < 0);
	return r;
}

/* ---- without the library ---- */

/* What is released on the way out after hd_git_library_start failed: nothing was made that there were anything to free of. */
static void release_nothing(void)
{
}

static void end_without(void)
{
	hd_log(HD_LOG_ERROR, "libgit2 is called and is not there");
	__builtin_trap();
}

static bool is_release(const char *name)
{
	size_t length = strlen(name);

	return (length > 5 && strcmp(name + length - 5, "_free") == 0) ||
	       strcmp(name, "git_buf_dispose") == 0;
}

static struct hd_git_functions without;
static pthread_once_t without_once = PTHREAD_ONCE_INIT;

static void fill_without(void)
{
	void (**functions)(void) = (void (**)(void))(void *)&without;

	for (size_t i = 0; i < HD_ARRAY_SIZE(names); i++)
		functions[i] = is_release(names[i]) ? release_nothing : end_without;
}

const struct hd_git_functions *hd_git_functions_find(void)
{
	if (!atomic_load(&refused) && hd_git_functions_load() >= 0)
		return atomic_load_explicit(&hd_git_functions_found, memory_order_acquire);
	(void)pthread_once(&without_once, fill_without);
	return &without;
}
