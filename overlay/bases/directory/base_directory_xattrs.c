/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/bases/directory/base_directory_xattrs.h"

#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file_entry.h"

/*
 * Which attributes are the file's own: what users set, and what decides who may do what with it. Others
 * belong to the host (security.selinux, trusted.*) and would be wrong, or refused, anywhere else.
 *
 * A file whose attributes cannot be read (no permission, filesystem without any, gone, no /proc) is shown
 * without. Reading them is the smaller part of showing a file, and a stat of the base would not have failed
 * either.
 */

static const char *const names_kept[] = {
	"security.capability",
	"system.posix_acl_access",
	"system.posix_acl_default",
};

static bool is_kept(const char *name)
{
	if (strncmp(name, "user.", 5) == 0)
		return true;
	for (size_t i = 0; i < HD_ARRAY_SIZE(names_kept); i++) {
		if (strcmp(name, names_kept[i]) == 0)
			return true;
	}
	return false;
}

/* The limits are the kernel's own for every filesystem (linux/limits.h), so nothing is ever too large. */
static int make_room(struct hd_file_xattrs *xattrs)
{
	if (!xattrs->names)
		xattrs->names = malloc(XATTR_LIST_MAX);
	if (!xattrs->value)
		xattrs->value = malloc(XATTR_SIZE_MAX);
	return xattrs->names && xattrs->value ? 0 : -ENOMEM;
}

static void encode_one(
	struct hd_file_xattrs *xattrs, int directory_fd, const char *name, const char *attribute)
{
	size_t name_length = strlen(attribute);
	size_t size;

	if (name_length > XATTR_NAME_MAX || !is_kept(attribute))
		return;
	if (hd_file_entry_get_xattr(directory_fd, name, attribute, xattrs->value, XATTR_SIZE_MAX, &size) < 0)
		return;
	hd_buffer_put_u8(&xattrs->encoded, (uint8_t)name_length);
	hd_buffer_put_u32(&xattrs->encoded, (uint32_t)size);
	hd_buffer_put(&xattrs->encoded, attribute, name_length);
	hd_buffer_put(&xattrs->encoded, xattrs->value, size);
}

int hd_file_xattrs_read(struct hd_file_xattrs *xattrs, int directory_fd, const char *name)
{
	size_t size;
	int r;

	hd_buffer_reset(&xattrs->encoded);
	r = make_room(xattrs);
	if (r < 0)
		return r;
	if (hd_file_entry_list_xattr(directory_fd, name, xattrs->names, XATTR_LIST_MAX, &size) < 0)
		return 0;
	for (const char *at = xattrs->names; at < xattrs->names + size; at += strlen(at) + 1)
		encode_one(xattrs, directory_fd, name, at);
	return hd_buffer_status(&xattrs->encoded);
}

void hd_file_xattrs_clear(struct hd_file_xattrs *xattrs)
{
	hd_buffer_clear(&xattrs->encoded);
	free(xattrs->names);
	free(xattrs->value);
	*xattrs = (struct hd_file_xattrs){0};
}
