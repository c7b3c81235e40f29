/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/link_group.h"

#include "overlay/platform/checksum.h"

uint64_t hd_link_group_kept(uint64_t group, const struct hd_content *content)
{
	if (!group || content->kind == HD_CONTENT_HOST)
		return group;
	return (group & (((uint64_t)1 << 40) - 1)) | hd_checksum64(content, sizeof(*content)) << 40;
}
