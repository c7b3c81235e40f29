/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/files/memory_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/transfer.h"

/*
 * memfds: shmem without a name in any filesystem.
 *
 * Pages are accounted one by one as they are touched (memfd_create(2) never reserves), which is what lets the
 * overlay size its tables for the worst case and pay for what it uses. None of these calls waits for a disk,
 * but any may find memory short: -ENOSPC from a write, SIGBUS from a mapping.
 */

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

int hd_memory_file_create(const char *name, uint64_t size)
{
	HD_AUTO_CLOSE int fd = -1;

	/* Linux 6.3 wants memfds to say that nobody will execute them, and may be told to refuse the others.
	 */
	fd = memfd_create(name, MFD_CLOEXEC | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC);
	if (fd < 0)
		return hd_errno();
	if (size) {
		int r = hd_memory_file_resize(fd, size);

		if (r < 0)
			return r;
	}
	return hd_steal_fd(&fd);
}

int hd_memory_file_map(int fd, uint64_t size, void **ret_address)
{
	void *address = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);

	if (address == MAP_FAILED)
		return hd_errno();
	*ret_address = address;
	return 0;
}

void hd_memory_file_unmap(void *address, uint64_t size)
{
	if (address)
		(void)munmap(address, size);
}

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

void hd_memory_file_make_resident(void *address, size_t size)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t begin = (uintptr_t)address & ~(page - 1);
	uintptr_t end = ((uintptr_t)address + size + page - 1) & ~(page - 1);

	/* An ordinary user may lock little; what is only filled stays while there is no swap. */
	if (mlock((void *)begin, end - begin) < 0)
		(void)madvise((void *)begin, end - begin, MADV_POPULATE_WRITE);
}

void hd_memory_file_release(void *address, size_t size)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t begin = ((uintptr_t)address + page - 1) & ~(page - 1);
	uintptr_t end = ((uintptr_t)address + size) & ~(page - 1);

	if (begin >= end)
		return;
	/* MADV_REMOVE refuses what is locked: madvise(2). If it fails, the pages stay, which costs memory alone. */
	(void)munlock((void *)begin, end - begin);
	(void)madvise((void *)begin, end - begin, MADV_REMOVE);
}

uint64_t hd_memory_file_size(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : (uint64_t)st.st_size;
}

int hd_memory_file_read(int fd, void *buffer, size_t size, uint64_t offset)
{
	size_t got = 0;
	int r = hd_transfer_read(fd, buffer, size, offset, &got);

	return r == 0 && got < size ? -EIO : r;
}

int hd_memory_file_write(int fd, const void *data, size_t size, uint64_t offset)
{
	return hd_transfer_write(fd, data, size, offset);
}

int hd_memory_file_resize(int fd, uint64_t size)
{
	while (ftruncate(fd, (off_t)size) < 0)
		if (errno != EINTR)
			return hd_errno();
	return 0;
}

int hd_memory_file_discard(int fd, uint64_t offset, uint64_t size)
{
	if (!size)
		return 0;
	while (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size) < 0)
		if (errno != EINTR)
			return hd_errno();
	return 0;
}
