/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_ACCESS_ACCESS_CONTROL_LIST_H
#define HEDDLE_ACCESS_ACCESS_CONTROL_LIST_H

/*
 * Access control lists: the arithmetic between a POSIX ACL and the nine permission bits of a mode.
 *
 * The rules are those of POSIX.1e draft 17, section 23, and acl(5). A list is the value of one of the two extended
 * attributes below, in the form in which the kernel gives and takes them, all little-endian:
 *
 *     u32 version = 2, then for each entry  u16 tag  u16 permissions  u32 id
 *
 * Three of its entries are the mode said again: the owner's, the others', and for the group's bits the mask's, or
 * the group's own entry where there is no mask. Who changes the one must change the other (hd_acl_set_mode, hd_acl_mode).
 *
 * Threads     Pure functions. Errors: -EINVAL, -EOPNOTSUPP for a version that nobody knows. Everything but
 *             hd_acl_check wants a list that it has accepted.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HD_ACL_ACCESS "system.posix_acl_access"
#define HD_ACL_DEFAULT "system.posix_acl_default"

/* Is NAME that of an ACL? */
bool hd_acl_is_name(const char *name);

/*
 * Is it a list? The owner's, the group's and the others' entries once each, a mask if anybody is named, in the order
 * of their tags; no other permission than r, w and x. 0 also for one without any entry, which means "none".
 */
int hd_acl_check(const void *value, size_t size);
/* No entries: to set it is to remove what is there. */
bool hd_acl_is_empty(size_t size);

/* MODE with the permission bits that the list says; *RET_EXTENDED: whether it says more than they can. */
uint32_t hd_acl_mode(const void *value, size_t size, uint32_t mode, bool *ret_extended);

/* chmod(2): the entries that are the mode become MODE's. */
void hd_acl_set_mode(void *value, size_t size, uint32_t mode);

/*
 * A directory's default list becomes the access list of something made in it with MODE, as asked for: permissions
 * that were not asked for are taken away, whatever the umask is. Returns the mode that it has then; *RET_EXTENDED as
 * above.
 */
uint32_t hd_acl_inherit(void *value, size_t size, uint32_t mode, bool *ret_extended);

#endif
