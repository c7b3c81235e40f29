/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "overlay/overlay_types.h"

/* What every operation on names and inodes begins and ends with: is this a name, is this an inode, commit. */

int hd_overlay_check_name(const char *name, size_t *ret_length)
{
	size_t length = strnlen(name, HD_NAME_LIMIT + 1);

	if (length > HD_NAME_LIMIT)
		return -ENAMETOOLONG;
	if (length == 0 || memchr(name, '/', length) || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EINVAL;
	*ret_length = length;
	return 0;
}

int hd_overlay_inode(struct hd_overlay *overlay, hd_ino ino, const struct hd_inode **ret_inode)
{
	const struct hd_inode *inode = hd_inode_get(overlay->arena, ino);

	if (!inode)
		return -ESTALE;
	*ret_inode = inode;
	return 0;
}

int hd_overlay_commit(struct hd_overlay *overlay, struct hd_transaction *transaction)
{
	int r = hd_transaction_commit(transaction);

	hd_hot_committed(overlay->hot, r == 0);
	return r;
}
