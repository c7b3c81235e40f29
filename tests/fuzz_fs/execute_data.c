/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Operations on the bytes of open files.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/fuzz_fs/execute.h"

static uint8_t data[FUZZ_DATA_LIMIT] __attribute__((aligned(4096)));

bool fuzz_is_regular(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

int fuzz_regular_handle(const struct fuzz_side *side, int slot)
{
	int fd = side->handles[slot];

	return fd >= 0 && !fuzz_is_regular(fd) ? -2 : fd;
}

void fuzz_run_read(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int fd = fuzz_regular_handle(side, operation->handle);

	if (fd == -2)
		return;
	fuzz_outcome_set(outcome, pread(fd, data, operation->length, (off_t)operation->offset));
	if (outcome->result > 0)
		outcome->digest = fuzz_digest(0, data, (size_t)outcome->result);
}

/* DATA's first LENGTH bytes in pieces that follow from the pattern; one may be empty. */
static int split(const struct fuzz_operation *operation, struct iovec pieces[4])
{
	size_t at = 0;

	for (int i = 0; i < 4; i++) {
		size_t left = operation->length - at;
		size_t size = i == 3 || left == 0 ? left : (operation->pattern >> (8 * i)) % (left + 1);

		pieces[i] = (struct iovec){.iov_base = data + at, .iov_len = size};
		at += size;
	}
	return 4;
}

void fuzz_run_read_vector(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int fd = fuzz_regular_handle(side, operation->handle);
	struct iovec pieces[4];
	int count = split(operation, pieces);

	if (fd == -2)
		return;
	fuzz_outcome_set(outcome, preadv(fd, pieces, count, (off_t)operation->offset));
	if (outcome->result > 0)
		outcome->digest = fuzz_digest(0, data, (size_t)outcome->result);
}

void fuzz_run_write(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int fd = fuzz_regular_handle(side, operation->handle);

	if (fd == -2)
		return;
	fuzz_fill(data, operation->length, operation->pattern);
	fuzz_outcome_set(outcome, pwrite(fd, data, operation->length, (off_t)operation->offset));
}

void fuzz_run_write_vector(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int fd = fuzz_regular_handle(side, operation->handle);
	struct iovec pieces[4];
	int count = split(operation, pieces);

	if (fd == -2)
		return;
	fuzz_fill(data, operation->length, operation->pattern);
	fuzz_outcome_set(outcome, pwritev2(fd, pieces, count, (off_t)operation->offset,
					  operation->flags == 1 ? RWF_APPEND : 0));
}

/* write(2) at the descriptor's own position, which is the end; without O_APPEND the position is part of the
 * test. */
void fuzz_run_append(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int fd = fuzz_regular_handle(side, operation->handle);

	if (fd == -2)
		return;
	fuzz_fill(data, operation->length % 5000, operation->pattern);
	(void)lseek(fd, 0, SEEK_END);
	fuzz_outcome_set(outcome, write(fd, data, operation->length % 5000));
	outcome->digest = (uint64_t)lseek(fd, 0, SEEK_CUR);
}

/* Past the page cache, whole blocks as native filesystems demand, beside what the slot has in the cache. */
void fuzz_run_write_direct(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int slot = fuzz_regular_handle(side, operation->handle);
	size_t size = (operation->length % 8 + 1) * 4096;
	off_t offset = (off_t)(operation->offset & ~UINT64_C(4095));
	char path[64];
	int fd;

	if (slot == -2)
		return;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", slot);
	fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (fd < 0) {
		fuzz_outcome_set(outcome, -1);
		return;
	}
	fuzz_fill(data, size, operation->pattern);
	fuzz_outcome_set(outcome, pwrite(fd, data, size, offset));
	memset(data, 0, size);
	if (outcome->result >= 0 && pread(fd, data, size, offset) == (ssize_t)size)
		outcome->digest = fuzz_digest(0, data, size);
	(void)close(fd);
}

void fuzz_run_ftruncate(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	fuzz_outcome_set(outcome, ftruncate(side->handles[operation->handle], (off_t)operation->offset));
}

/* The native side does not move bytes where the side under test is known not to: see `collapse-insert`. */
void fuzz_run_fallocate(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int fd = fuzz_regular_handle(side, operation->handle);
	bool shifts = operation->flags & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE);

	if (fd == -2)
		return;
	if (shifts && side->is_native && fd >= 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY)
		return;
	fuzz_outcome_set(
		outcome, fallocate(fd, operation->flags, (off_t)operation->offset, (off_t)operation->length));
}

/* Whether all bytes in [START, END) are zeros. */
static bool reads_zeros(int fd, off_t start, off_t end)
{
	for (off_t at = start; at < end; at += (off_t)sizeof(data)) {
		size_t want = end - at < (off_t)sizeof(data) ? (size_t)(end - at) : sizeof(data);
		ssize_t count = pread(fd, data, want, at);

		for (ssize_t i = 0; i < count; i++)
			if (data[i] != 0)
				return false;
	}
	return true;
}

/*
 * Where holes are is the filesystem's own business (lseek(2) allows "no holes at all"), so results are not
 * compared. What must hold: what SEEK_DATA skips and what lies between a hole and the next data are zeros,
 * nothing is found before the offset or behind the end, and beyond the end the answer is ENXIO.
 */
void fuzz_run_seek(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int fd = fuzz_regular_handle(side, operation->handle);
	off_t offset = (off_t)operation->offset, found, end;
	struct stat st;

	if (fd == -2)
		return;
	found = lseek(fd, offset, operation->flags);
	if (found < 0 && errno != ENXIO) {
		fuzz_outcome_set(outcome, -1);
		return;
	}
	if (fstat(fd, &st) < 0 || (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY)
		return;
	if (found < 0 && (offset >= st.st_size || operation->flags == SEEK_HOLE)) {
		fuzz_outcome_set(outcome, -1); /* a hole is always found: at the end, if nowhere else */
		return;
	}
	if (found >= 0 && (found < offset || found > st.st_size))
		outcome->digest = 2;
	if (operation->flags == SEEK_DATA) {
		end = found >= 0 ? found : st.st_size;
		outcome->digest |= !reads_zeros(fd, offset, end);
		return;
	}
	end = lseek(fd, found, SEEK_DATA);
	outcome->digest |= !reads_zeros(fd, found, end < 0 ? st.st_size : end);
}

void fuzz_run_copy_range(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int from = fuzz_regular_handle(side, operation->handle),
	    to = fuzz_regular_handle(side, operation->other_handle);
	off_t from_offset = (off_t)operation->offset, to_offset = (off_t)operation->other_offset;
	size_t left = operation->length;
	ssize_t count;

	if (from == -2 || to == -2)
		return;
	/* A short copy is allowed (copy_file_range(2)): repeat, and compare what came of it in the end. */
	do {
		count = copy_file_range(from, &from_offset, to, &to_offset, left, 0);
		if (count > 0)
			left -= (size_t)count;
	} while (count > 0 && left > 0);
	fuzz_outcome_set(outcome, count < 0 ? -1 : (long)(operation->length - left));
}

/* Shares extents, or says that it cannot. */
void fuzz_run_clone(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	struct file_clone_range range = {
		.src_fd = side->handles[operation->handle],
		.src_offset = operation->offset & ~UINT64_C(4095),
		.src_length = operation->length & ~UINT64_C(4095),
		.dest_offset = operation->other_offset & ~UINT64_C(4095),
	};

	fuzz_outcome_set(outcome, ioctl(side->handles[operation->other_handle], FICLONERANGE, &range));
}
