/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/archive/archive_acl.h"

#include <archive.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>

#include "overlay/access/access_control_list.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

#define ACL_VERSION 2u
#define ACL_NOBODY UINT32_MAX /* the id of entries that have none */

/* Tags as the kernel has them, linux/posix_acl.h, and as libarchive has them. */
static const struct {
	uint16_t kernel;
	int archive;
	bool has_id;
} tags[] = {
	{0x01, ARCHIVE_ENTRY_ACL_USER_OBJ, false},
	{0x02, ARCHIVE_ENTRY_ACL_USER, true},
	{0x04, ARCHIVE_ENTRY_ACL_GROUP_OBJ, false},
	{0x08, ARCHIVE_ENTRY_ACL_GROUP, true},
	{0x10, ARCHIVE_ENTRY_ACL_MASK, false},
	{0x20, ARCHIVE_ENTRY_ACL_OTHER, false},
};

struct acl_entry {
	uint16_t tag, permissions;
	uint32_t id;
};

static int compare_entries(const void *a, const void *b)
{
	const struct acl_entry *left = a, *right = b;

	if (left->tag != right->tag)
		return left->tag < right->tag ? -1 : 1;
	return left->id < right->id ? -1 : left->id > right->id;
}

static int put_entry(struct archive_entry *entry, int type, const struct acl_entry *one)
{
	for (size_t i = 0; i < HD_ARRAY_SIZE(tags); i++) {
		if (tags[i].kernel != one->tag)
			continue;
		if (archive_entry_acl_add_entry(entry, type, one->permissions, tags[i].archive,
			    tags[i].has_id ? (int)one->id : -1, NULL) != ARCHIVE_OK)
			return -ENOMEM;
		return 0;
	}
	return -EINVAL;
}

int hd_archive_acl_put(struct archive_entry *entry, int type, const void *value, size_t size, bool *ret_exact)
{
	struct acl_entry one, before = {0};
	struct hd_reader reader;
	bool exact = true;
	int r = hd_acl_check(value, size);

	if (r < 0)
		return r;
	hd_reader_init(&reader, value, size);
	(void)hd_reader_u32(&reader);
	while (r == 0 && hd_reader_left(&reader) > 0) {
		one.tag = hd_reader_u16(&reader);
		one.permissions = hd_reader_u16(&reader);
		one.id = hd_reader_u32(&reader);
		/* libarchive's ids are ints. */
		exact = exact && compare_entries(&before, &one) < 0 &&
			(one.id == ACL_NOBODY || one.id <= INT32_MAX);
		r = put_entry(entry, type, &one);
		before = one;
	}
	*ret_exact = exact;
	return r;
}

/* tar writes names where it knows some. */
static int find_id(int tag, const char *name, uint32_t *ret_id)
{
	if (name && tag == ARCHIVE_ENTRY_ACL_USER) {
		const struct passwd *user = getpwnam(name);

		if (user) {
			*ret_id = user->pw_uid;
			return 0;
		}
	} else if (name) {
		const struct group *group = getgrnam(name);

		if (group) {
			*ret_id = group->gr_gid;
			return 0;
		}
	}
	return hd_fail(EINVAL, "an access list names '%s', whom this system does not know", name ? name : "");
}

static int take_entry(int permissions, int tag, int id, const char *name, struct acl_entry *ret_entry)
{
	for (size_t i = 0; i < HD_ARRAY_SIZE(tags); i++) {
		if (tags[i].archive != tag)
			continue;
		*ret_entry = (struct acl_entry){
			.tag = tags[i].kernel, .permissions = (uint16_t)(permissions & 7), .id = ACL_NOBODY};
		if (tags[i].has_id && id >= 0)
			ret_entry->id = (uint32_t)id;
		return tags[i].has_id && id < 0 ? find_id(tag, name, &ret_entry->id) : 0;
	}
	return hd_fail(EINVAL, "an access list that is no POSIX one");
}

static int collect(struct archive_entry *entry, int type, struct acl_entry **entries, size_t *count)
{
	int permissions, tag, id, got_type, r = 0;
	size_t capacity = 0;
	const char *name;

	(void)archive_entry_acl_reset(entry, type);
	while (r >= 0 && archive_entry_acl_next(entry, type, &got_type, &permissions, &tag, &id, &name) ==
				 ARCHIVE_OK) {
		if (HD_ARRAY_RESERVE(*entries, *count, capacity) < 0)
			return -ENOMEM;
		r = take_entry(permissions, tag, id, name, &(*entries)[*count]);
		*count += r >= 0;
	}
	return r;
}

int hd_archive_acl_get(struct archive_entry *entry, int type, struct hd_buffer *out)
{
	HD_AUTO_FREE struct acl_entry *entries = NULL;
	size_t count = 0, begin = out->size;
	int r;

	if (!(archive_entry_acl_types(entry) & type))
		return 0;
	r = collect(entry, type, &entries, &count);
	if (r < 0 || count == 0)
		return r;
	qsort(entries, count, sizeof(*entries), compare_entries);
	hd_buffer_put_u32(out, ACL_VERSION);
	for (size_t i = 0; i < count; i++) {
		hd_buffer_put_u16(out, entries[i].tag);
		hd_buffer_put_u16(out, entries[i].permissions);
		hd_buffer_put_u32(out, entries[i].id);
	}
	r = hd_buffer_status(out);
	return r < 0 ? r : hd_acl_check(out->data + begin, out->size - begin);
}
