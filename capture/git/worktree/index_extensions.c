/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/worktree/index_extensions.h"

#include <errno.h>
#include <fcntl.h>
#include <sha1.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/worktree/big_endian.h"
#include "capture/git/worktree/ewah.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/file.h"

#define FSMONITOR_VERSION 2
#define INDEX_LIMIT ((size_t)1 << 32)

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

int hd_index_extensions_append(const char *path, const struct hd_buffer *extensions)
{
	HD_AUTO_CLOSE int fd = hd_file_open(AT_FDCWD, path, O_RDWR, 0);
	HD_AUTO_FREE char *index = NULL;
	uint8_t sum[SHA1_DIGEST_LENGTH];
	SHA1_CTX sha1;
	size_t size;
	int r = fd < 0 ? fd : hd_file_read_whole(AT_FDCWD, path, INDEX_LIMIT, &index, &size);

	if (r < 0)
		return r;
	if (size < sizeof(sum))
		return -EINVAL;
	size -= sizeof(sum);
	SHA1Init(&sha1);
	SHA1Update(&sha1, (const uint8_t *)index, size);
	SHA1Update(&sha1, extensions->data, extensions->size);
	SHA1Final(sum, &sha1);
	r = hd_file_write_at(fd, extensions->data, extensions->size, size);
	return r < 0 ? r : hd_file_write_at(fd, sum, sizeof(sum), size + extensions->size);
}
