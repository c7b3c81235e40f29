/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/files/file_copy.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "overlay/platform/error.h"
#include "overlay/platform/files/transfer.h"
#include "overlay/platform/lock.h"

#define BUFFER_SIZE (64u << 10)

/* Two filesystems before Linux 5.19, one that knows no such call, a sandbox that forbids it. */
static bool is_unknown(int error)
{
	return error == EXDEV || error == ENOSYS || error == EOPNOTSUPP || error == EINVAL || error == EPERM;
}

static int copy_by_hand(int from_fd, int to_fd, uint64_t offset, size_t size, size_t *ret_size)
{
	char buffer[BUFFER_SIZE];
	size_t got = 0;
	int r = hd_transfer_read(
		from_fd, buffer, size < sizeof(buffer) ? size : sizeof(buffer), offset, &got);

	if (r == 0)
		r = hd_transfer_write(to_fd, buffer, got, offset);
	*ret_size = got;
	return r;
}

int hd_file_copy_piece(int from_fd, int to_fd, uint64_t offset, size_t size, size_t *ret_size)
{
	off_t from = (off_t)offset, to = (off_t)offset;
	ssize_t copied;

	hd_lock_assert_none_held("copy_file_range");
	do
		copied = copy_file_range(from_fd, &from, to_fd, &to, size, 0);
	while (copied < 0 && errno == EINTR);
	/* Some filesystems say 0 of files whose size they do not know beforehand. */
	if (copied > 0) {
		*ret_size = (size_t)copied;
		return 0;
	}
	if (copied < 0 && !is_unknown(errno))
		return hd_errno();
	return copy_by_hand(from_fd, to_fd, offset, size, ret_size);
}
