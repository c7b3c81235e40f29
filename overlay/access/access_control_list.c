/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/access/access_control_list.h"

#include <errno.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <string.h>

/*
 * Everything is done in the attribute's bytes: a list is read and written entry by entry, never built.
 *
 * What is accepted is what the kernel accepts (posix_acl_valid), so that a list which came by another way than
 * setxattr(2), out of a base or a state, is refused here and not by an open(2) somewhere else.
 */

#define HEADER_SIZE sizeof(struct posix_acl_xattr_header)
#define ENTRY_SIZE sizeof(struct posix_acl_xattr_entry)
#define ALL_PERMISSIONS (ACL_READ | ACL_WRITE | ACL_EXECUTE)
#define PERMISSION_BITS 0777u

_Static_assert(HEADER_SIZE == 4 && ENTRY_SIZE == 8, "the form that the header describes");

struct entry {
	uint16_t tag, permissions;
	uint32_t id;
};

static uint16_t get_u16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static uint32_t get_u32(const uint8_t *bytes)
{
	return get_u16(bytes) | (uint32_t)get_u16(bytes + 2) << 16;
}

static size_t count_entries(size_t size)
{
	return (size - HEADER_SIZE) / ENTRY_SIZE;
}

static struct entry entry_at(const void *value, size_t index)
{
	const uint8_t *bytes = (const uint8_t *)value + HEADER_SIZE + index * ENTRY_SIZE;

	return (struct entry){get_u16(bytes), get_u16(bytes + 2), get_u32(bytes + 4)};
}

static void set_permissions(void *value, size_t index, unsigned permissions)
{
	uint8_t *bytes = (uint8_t *)value + HEADER_SIZE + index * ENTRY_SIZE + 2;

	bytes[0] = (uint8_t)(permissions & ALL_PERMISSIONS);
	bytes[1] = 0;
}

bool hd_acl_is_name(const char *name)
{
	return strcmp(name, HD_ACL_ACCESS) == 0 || strcmp(name, HD_ACL_DEFAULT) == 0;
}

bool hd_acl_is_empty(size_t size)
{
	return size <= HEADER_SIZE;
}

/* The tag behind which no entry of TAG may come; 0 for a tag that there is not. */
static unsigned order_of(unsigned tag)
{
	switch (tag) {
	case ACL_USER_OBJ:
		return 1;
	case ACL_USER:
		return 2;
	case ACL_GROUP_OBJ:
		return 3;
	case ACL_GROUP:
		return 4;
	case ACL_MASK:
		return 5;
	case ACL_OTHER:
		return 6;
	default:
		return 0;
	}
}

static bool is_named(const struct entry *entry)
{
	return entry->tag == ACL_USER || entry->tag == ACL_GROUP;
}

int hd_acl_check(const void *value, size_t size)
{
	unsigned seen = 0, order = 0;
	bool has_named = false;

	if (size < HEADER_SIZE)
		return -EINVAL;
	if (get_u32(value) != POSIX_ACL_XATTR_VERSION)
		return -EOPNOTSUPP;
	if ((size - HEADER_SIZE) % ENTRY_SIZE != 0)
		return -EINVAL;
	if (hd_acl_is_empty(size))
		return 0;
	for (size_t i = 0; i < count_entries(size); i++) {
		struct entry entry = entry_at(value, i);
		unsigned next = order_of(entry.tag);

		if (next < order || next == 0 || entry.permissions & ~ALL_PERMISSIONS)
			return -EINVAL;
		if (is_named(&entry) ? entry.id == UINT32_MAX : next == order)
			return -EINVAL; /* nobody's id, or said twice */
		has_named = has_named || is_named(&entry);
		seen |= entry.tag;
		order = next;
	}
	if ((seen & (ACL_USER_OBJ | ACL_GROUP_OBJ | ACL_OTHER)) != (ACL_USER_OBJ | ACL_GROUP_OBJ | ACL_OTHER))
		return -EINVAL;
	return has_named && !(seen & ACL_MASK) ? -EINVAL : 0;
}

static bool has_mask(const void *value, size_t size)
{
	for (size_t i = 0; i < count_entries(size); i++)
		if (entry_at(value, i).tag == ACL_MASK)
			return true;
	return false;
}

/* How far left in the mode the permissions of TAG are; -1 for those that are no part of it. */
static int shift_of(unsigned tag, bool masked)
{
	switch (tag) {
	case ACL_USER_OBJ:
		return 6;
	case ACL_GROUP_OBJ:
		return masked ? -1 : 3;
	case ACL_MASK:
		return 3;
	case ACL_OTHER:
		return 0;
	default:
		return -1;
	}
}

uint32_t hd_acl_mode(const void *value, size_t size, uint32_t mode, bool *ret_extended)
{
	bool masked = has_mask(value, size);
	uint32_t bits = 0;

	for (size_t i = 0; i < count_entries(size); i++) {
		struct entry entry = entry_at(value, i);
		int shift = shift_of(entry.tag, masked);

		if (shift >= 0)
			bits |= (uint32_t)entry.permissions << shift;
	}
	*ret_extended = masked; /* whoever is named needs a mask */
	return (mode & ~PERMISSION_BITS) | bits;
}

void hd_acl_set_mode(void *value, size_t size, uint32_t mode)
{
	bool masked = has_mask(value, size);

	for (size_t i = 0; i < count_entries(size); i++) {
		int shift = shift_of(entry_at(value, i).tag, masked);

		if (shift >= 0)
			set_permissions(value, i, mode >> shift);
	}
}

uint32_t hd_acl_inherit(void *value, size_t size, uint32_t mode, bool *ret_extended)
{
	uint32_t allowed = hd_acl_mode(value, size, mode, ret_extended);

	allowed &= mode | ~PERMISSION_BITS;
	hd_acl_set_mode(value, size, allowed);
	return allowed;
}
