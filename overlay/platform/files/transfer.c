/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/files/transfer.h"

#include <errno.h>
#include <unistd.h>

#include "overlay/platform/error.h"
#include "overlay/platform/lock.h"

int hd_transfer_read(int fd, void *buffer, size_t size, uint64_t offset, size_t *ret_size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, (char *)buffer + done, size - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return hd_errno();
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*ret_size = done;
	return 0;
}

int hd_transfer_write(int fd, const void *data, size_t size, uint64_t offset)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pwrite(fd, (const char *)data + done, size - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return hd_errno();
		if (n == 0)
			return -EIO;
		done += (size_t)n;
	}
	return 0;
}

int hd_transfer_append(int fd, const void *data, size_t size)
{
	const char *bytes = data;

	hd_lock_assert_none_held("write to a stream");
	while (size > 0) {
		ssize_t written = write(fd, bytes, size);

		if (written < 0 && errno != EINTR)
			return hd_errno();
		if (written > 0) {
			bytes += written;
			size -= (size_t)written;
		}
	}
	return 0;
}
