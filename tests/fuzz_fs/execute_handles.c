/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Operations on open files: the slots outlive names, so that unlinked and renamed files stay in use.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz_fs/execute.h"

static uint8_t data[FUZZ_DATA_LIMIT];

static void run_open(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int fd =
		openat(side->root_fd, operation->path, operation->flags | O_CLOEXEC, operation->mode & 07777);

	fuzz_outcome_set(outcome, fd);
	if (fd < 0)
		return;
	outcome->result = 0;
	if (side->handles[operation->handle] >= 0)
		(void)close(side->handles[operation->handle]);
	side->handles[operation->handle] = fd;
}

static void run_close(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	fuzz_outcome_set(outcome, close(side->handles[operation->handle]));
	side->handles[operation->handle] = -1;
}

/* Only of regular files: a read of a FIFO would wait or depend on the other side's ends. */
static int is_regular(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static void run_read(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int fd = side->handles[operation->handle];

	if (fd >= 0 && !is_regular(fd))
		return;
	fuzz_outcome_set(outcome, pread(fd, data, operation->length, (off_t)operation->offset));
	if (outcome->result > 0)
		outcome->digest = fuzz_digest(0, data, (size_t)outcome->result);
}

static void run_write(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int fd = side->handles[operation->handle];

	if (fd >= 0 && !is_regular(fd))
		return;
	fuzz_fill(data, operation->length, operation->pattern);
	fuzz_outcome_set(outcome, pwrite(fd, data, operation->length, (off_t)operation->offset));
}

/* write(2) at the descriptor's own position, which is the end; without O_APPEND the position is part of the
 * test. */
static void run_append(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int fd = side->handles[operation->handle];

	if (fd >= 0 && !is_regular(fd))
		return;
	fuzz_fill(data, operation->length % 5000, operation->pattern);
	(void)lseek(fd, 0, SEEK_END);
	fuzz_outcome_set(outcome, write(fd, data, operation->length % 5000));
	outcome->digest = (uint64_t)lseek(fd, 0, SEEK_CUR);
}

static void run_ftruncate(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	fuzz_outcome_set(outcome, ftruncate(side->handles[operation->handle], (off_t)operation->offset));
}

/*
 * Where there is nothing to change (bytes reserved, a hole punched behind the end) ext4 moves the times all the
 * same, tmpfs does not. Both may, so both sides are given the present time.
 */
static void run_fallocate(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int fd = side->handles[operation->handle];
	struct stat st;
	int r;

	if (fd >= 0 && !is_regular(fd))
		return;
	r = fd >= 0 ? fstat(fd, &st) : -1;
	fuzz_outcome_set(
		outcome, fallocate(fd, operation->flags, (off_t)operation->offset, (off_t)operation->length));
	if (r == 0 && outcome->result == 0 &&
		((operation->flags & ~FALLOC_FL_KEEP_SIZE) == 0 || (off_t)operation->offset >= st.st_size))
		(void)futimens(fd, NULL);
}

/*
 * Where holes are is the filesystem's own business (lseek(2) allows "no holes at all"), so results are not
 * compared. What must hold: SEEK_DATA never skips a byte that is not zero, SEEK_HOLE never lies before the
 * offset or behind the end, and beyond the end the answer is ENXIO.
 */
static void run_seek(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int fd = side->handles[operation->handle];
	struct stat st;
	off_t found, end;

	if (fd >= 0 && !is_regular(fd))
		return;
	found = lseek(fd, (off_t)operation->offset, operation->flags);
	if (found < 0 && errno != ENXIO) {
		fuzz_outcome_set(outcome, -1);
		return;
	}
	if (fstat(fd, &st) < 0)
		return;
	if (found < 0 && (off_t)operation->offset >= st.st_size) {
		fuzz_outcome_set(outcome, -1);
		return;
	}
	end = found >= 0 && found <= st.st_size ? found : st.st_size;
	if (operation->flags == SEEK_HOLE) {
		outcome->digest = found < (off_t)operation->offset || found > st.st_size;
		return;
	}
	for (off_t at = (off_t)operation->offset; at < end; at += (off_t)sizeof(data)) {
		size_t want = end - at < (off_t)sizeof(data) ? (size_t)(end - at) : sizeof(data);
		ssize_t count = pread(fd, data, want, at);

		for (ssize_t i = 0; i < count; i++)
			if (data[i] != 0)
				outcome->digest = 1; /* data was skipped */
	}
}

/* Maps the pages around OFFSET, as far as the file goes; writes to a mapping never make a file longer. */
static void run_map(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int fd = side->handles[operation->handle];
	int writes = operation->kind == FUZZ_map_write;
	off_t start = (off_t)(operation->offset & ~UINT64_C(4095));
	struct stat st;
	size_t size;
	uint8_t *map;

	if (fd >= 0 && !is_regular(fd))
		return;
	if (fd < 0 || fstat(fd, &st) < 0) {
		fuzz_outcome_set(outcome, -1);
		return;
	}
	if (st.st_size <= start)
		return;
	size = st.st_size - start > 16384 ? 16384 : (size_t)(st.st_size - start);
	map = mmap(NULL, size, writes ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, start);
	if (map == MAP_FAILED) {
		fuzz_outcome_set(outcome, -1);
		return;
	}
	if (writes) {
		fuzz_fill(map + size / 3, size / 2, operation->pattern);
		fuzz_outcome_set(outcome, msync(map, size, MS_SYNC));
	}
	outcome->digest = fuzz_digest(0, map, size);
	(void)munmap(map, size);
}

static void run_copy_range(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int from = side->handles[operation->handle], to = side->handles[operation->other_handle];
	off_t from_offset = (off_t)operation->offset, to_offset = (off_t)operation->other_offset;
	size_t left = operation->length;
	ssize_t count;

	if ((from >= 0 && !is_regular(from)) || (to >= 0 && !is_regular(to)))
		return;
	/* A short copy is allowed (copy_file_range(2)): repeat, and compare what came of it in the end. */
	do {
		count = copy_file_range(from, &from_offset, to, &to_offset, left, 0);
		if (count > 0)
			left -= (size_t)count;
	} while (count > 0 && left > 0);
	fuzz_outcome_set(outcome, count < 0 ? -1 : (long)(operation->length - left));
}

static void run_fsync(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int fd = side->handles[operation->handle];

	if (fd >= 0 && !is_regular(fd))
		return;
	fuzz_outcome_set(outcome, operation->pattern % 2 ? fsync(fd) : fdatasync(fd));
}

static void run_fchmod(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	fuzz_outcome_set(outcome, fchmod(side->handles[operation->handle], operation->mode & 07777));
}

const fuzz_executor fuzz_handle_executors[FUZZ_KIND_COUNT] = {
	[FUZZ_open] = run_open,
	[FUZZ_close] = run_close,
	[FUZZ_read] = run_read,
	[FUZZ_write] = run_write,
	[FUZZ_append] = run_append,
	[FUZZ_ftruncate] = run_ftruncate,
	[FUZZ_fallocate] = run_fallocate,
	[FUZZ_seek] = run_seek,
	[FUZZ_map_write] = run_map,
	[FUZZ_map_read] = run_map,
	[FUZZ_copy_range] = run_copy_range,
	[FUZZ_fsync] = run_fsync,
	[FUZZ_fchmod] = run_fchmod,
};
