/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/archive/archive_attributes.h"

#include <archive.h>
#include <errno.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/archive/archive_acl.h"
#include "capture/archive/import_attributes.h"
#include "overlay/access/access_control_list.h"
#include "overlay/access/attribute_string.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

static int digit_of(char digit)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *found =
		digit ? strchr(digits, digit >= 'a' && digit <= 'f' ? digit - 'a' + 'A' : digit) : NULL;

	return found ? (int)(found - digits) : -1;
}

/* GNU tar writes '=' and '%' in a name as %3D and %25, libarchive other bytes likewise. */
static int decode_name(const char *name, char decoded[XATTR_NAME_MAX + 1])
{
	size_t length = 0;

	for (; *name; name++) {
		int high = *name == '%' ? digit_of(name[1]) : -1;
		int low = high >= 0 ? digit_of(name[2]) : -1;

		if (length == XATTR_NAME_MAX)
			return hd_fail(EINVAL, "the name of an extended attribute is too long");
		decoded[length++] = low >= 0 ? (char)(high * 16 + low) : *name;
		if (low >= 0)
			name += 2;
	}
	decoded[length] = '\0';
	return strlen(decoded) == length
		       ? 0
		       : hd_fail(EINVAL, "the name of an extended attribute has a NUL in it");
}

static int take_one(
	const char *encoded, const void *value, size_t size, struct hd_buffer *xattrs, uint64_t *skipped)
{
	char name[XATTR_NAME_MAX + 1];
	int r = decode_name(encoded, name);

	return r < 0 ? r : hd_import_attribute_add(name, value, size, xattrs, skipped);
}

static int take_attributes(struct archive_entry *entry, struct hd_buffer *xattrs, uint64_t *skipped)
{
	const char *name;
	const void *value;
	size_t size;
	int r = 0;

	(void)archive_entry_xattr_reset(entry);
	while (r == 0 && archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
		if (name)
			r = take_one(name, value, size, xattrs, skipped);
	}
	return r;
}

/* An ACL that is an extended attribute as well is that one: its text may have lost something. */
static int take_list(struct archive_entry *entry, int type, const char *name, struct hd_buffer *xattrs)
{
	HD_AUTO_BUFFER struct hd_buffer list = {0};
	struct hd_extended_attribute before;
	int r;

	if (hd_attribute_find(xattrs, name, &before))
		return 0;
	r = hd_archive_acl_get(entry, type, &list);
	if (r == -EINVAL)
		return hd_fail_in(r, "an access list that is none");
	if (r == 0 && list.size > 0)
		hd_attribute_put(xattrs, name, list.data, list.size);
	return r < 0 ? r : hd_buffer_status(xattrs);
}

int hd_archive_attributes_read(
	struct archive_entry *entry, uint32_t *mode, struct hd_buffer *xattrs, uint64_t *skipped)
{
	int r = take_attributes(entry, xattrs, skipped);

	if (r == 0 && !S_ISLNK(*mode))
		r = take_list(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, HD_ACL_ACCESS, xattrs);
	if (r == 0 && S_ISDIR(*mode))
		r = take_list(entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, HD_ACL_DEFAULT, xattrs);
	return r < 0 ? r : hd_import_attributes_finish(mode, xattrs);
}
