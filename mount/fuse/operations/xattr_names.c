/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/fuse/operations/xattr_names.h"

#include <errno.h>
#include <string.h>

#include "overlay/access/access_control_list.h"
#include "overlay/platform/cleanup.h"

static const char *const namespaces[] = {"user.", "trusted.", "security."};

int hd_xattr_name_check(const char *name)
{
	if (hd_acl_is_name(name))
		return 0;
	for (size_t i = 0; i < HD_ARRAY_SIZE(namespaces); i++) {
		size_t length = strlen(namespaces[i]);

		if (strncmp(name, namespaces[i], length) == 0)
			return name[length] == '\0' ? -EINVAL : 0;
	}
	return -EOPNOTSUPP;
}
