/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/worktree/index_extensions.h"

#include <string.h>

#include "capture/git/big_endian.h"
#include "capture/git/worktree/ewah.h"

#define FSMONITOR_VERSION 2

void hd_fsmonitor_extension_put(struct hd_buffer *buffer, const char *token)
{
	HD_AUTO_BUFFER struct hd_buffer dirty = {0};

	hd_ewah_put(&dirty, NULL, 0);
	if (hd_buffer_status(&dirty) < 0)
		buffer->status = dirty.status;
	hd_buffer_put(buffer, "FSMN", 4);
	hd_put_be32(buffer, (uint32_t)(4 + strlen(token) + 1 + 4 + dirty.size));
	hd_put_be32(buffer, FSMONITOR_VERSION);
	hd_buffer_put(buffer, token, strlen(token) + 1);
	hd_put_be32(buffer, (uint32_t)dirty.size);
	hd_buffer_put(buffer, dirty.data, dirty.size);
}
