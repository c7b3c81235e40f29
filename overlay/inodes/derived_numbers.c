/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/inodes/derived_numbers.h"

#include "overlay/arena/inode_numbers.h"
#include "overlay/overlay_types.h"

void hd_overlay_derive_numbers(struct hd_overlay *overlay)
{
	hd_inode_numbers_derive(overlay->numbers);
}
