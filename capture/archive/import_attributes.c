/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/archive/import_attributes.h"

#include <errno.h>
#include <linux/limits.h>
#include <string.h>

#include "overlay/access/access_control_list.h"
#include "overlay/access/attribute_string.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

static const char *const namespaces[] = {"user.", "trusted.", "security."};

static bool is_kept(const char *name)
{
	for (size_t i = 0; i < HD_ARRAY_SIZE(namespaces); i++) {
		if (strncmp(name, namespaces[i], strlen(namespaces[i])) == 0 && name[strlen(namespaces[i])])
			return true;
	}
	return hd_acl_is_name(name);
}

int hd_import_attribute_add(
	const char *name, const void *value, size_t size, struct hd_buffer *xattrs, uint64_t *skipped)
{
	struct hd_extended_attribute before;

	if (!is_kept(name)) {
		(*skipped)++;
		return 0;
	}
	if (size > XATTR_SIZE_MAX)
		return hd_fail(EINVAL, "the extended attribute '%s' has %zu bytes", name, size);
	if (hd_acl_is_name(name) && hd_acl_check(value, size) < 0)
		return hd_fail(EINVAL, "'%s' is no access list", name);
	/* That there is none is said where a directory would hand one down (export_layer.c). */
	if (hd_acl_is_name(name) && hd_acl_is_empty(size))
		return 0;
	/* bsdtar writes each one in two forms. */
	if (!hd_attribute_find(xattrs, name, &before))
		hd_attribute_put(xattrs, name, size > 0 ? value : "", size);
	return hd_buffer_status(xattrs);
}

/* What is more than the permission bits remains; the bits follow the list. */
static int apply_access_list(uint32_t *mode, struct hd_buffer *xattrs)
{
	HD_AUTO_BUFFER struct hd_buffer before = {0};
	struct hd_extended_attribute list;
	bool extended;

	if (!hd_attribute_find(xattrs, HD_ACL_ACCESS, &list))
		return 0;
	*mode = hd_acl_mode(list.value, list.size, *mode, &extended);
	if (extended)
		return 0;
	before = *xattrs;
	*xattrs = (struct hd_buffer){0};
	(void)hd_attribute_copy_without(&before, HD_ACL_ACCESS, xattrs);
	return hd_buffer_status(xattrs);
}

int hd_import_attributes_finish(uint32_t *mode, struct hd_buffer *xattrs)
{
	int r = apply_access_list(mode, xattrs);

	if (r == 0 && hd_attribute_string_check(xattrs) < 0)
		r = hd_fail(EINVAL, "it has more extended attributes than a file can have");
	return r;
}
