/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/processes/library.h"

#include <dlfcn.h>
#include <errno.h>

#include "overlay/platform/error.h"
#include "overlay/platform/lock.h"

static int fail(const char *name)
{
	const char *reason = dlerror();

	return hd_fail(ELIBACC, "%s", reason ? reason : name);
}

int hd_library_open(const char *name, void **ret_library)
{
	void *library;

	hd_lock_assert_none_held("dlopen");
	/* Its functions are bound when they are called, and found by nobody else. */
	library = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
	if (!library)
		return fail(name);
	*ret_library = library;
	return 0;
}

int hd_library_find(void *library, const char *const names[], size_t n, void *ret_functions[])
{
	for (size_t i = 0; i < n; i++) {
		ret_functions[i] = dlsym(library, names[i]);
		if (!ret_functions[i])
			return fail(names[i]);
	}
	return 0;
}
