/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Operations through shared mappings: for the time of one operation, and held over others, which write the same file by
 * its descriptor, cut it, remove its name, or kill the process that serves it.
 */

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz_fs/execute.h"

enum { MAP_LIMIT = 16384 };

/* Maps SIZE bytes from the page of OFFSET on, as far as the file goes; NULL and the outcome set where nothing
 * can be mapped. */
static uint8_t *map(int fd, const struct fuzz_operation *operation, int protection, size_t *ret_size,
	struct fuzz_outcome *outcome)
{
	off_t start = (off_t)(operation->offset & ~UINT64_C(4095));
	struct stat st;
	uint8_t *place;

	if (fd < 0 || fstat(fd, &st) < 0) {
		fuzz_outcome_set(outcome, -1);
		return NULL;
	}
	if (st.st_size <= start)
		return NULL;
	*ret_size = st.st_size - start > MAP_LIMIT ? MAP_LIMIT : (size_t)(st.st_size - start);
	place = mmap(NULL, *ret_size, protection, MAP_SHARED, fd, start);
	if (place != MAP_FAILED)
		return place;
	fuzz_outcome_set(outcome, -1);
	return NULL;
}

/* Writes to a mapping never make a file longer. */
void fuzz_run_map_write(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int fd = fuzz_regular_handle(side, operation->handle);
	uint8_t *place;
	size_t size;

	if (fd == -2)
		return;
	place = map(fd, operation, PROT_READ | PROT_WRITE, &size, outcome);
	if (place == NULL)
		return;
	fuzz_fill(place + size / 3, size / 2, operation->pattern);
	fuzz_outcome_set(outcome, msync(place, size, MS_SYNC));
	outcome->digest = fuzz_digest(0, place, size);
	(void)munmap(place, size);
}

void fuzz_run_map_read(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int fd = fuzz_regular_handle(side, operation->handle);
	uint8_t *place;
	size_t size;

	if (fd == -2)
		return;
	place = map(fd, operation, PROT_READ, &size, outcome);
	if (place == NULL)
		return;
	outcome->digest = fuzz_digest(0, place, size);
	(void)munmap(place, size);
}

/* The file is cut under a mapping that was written to, and made as long as it was: what was cut is zeros. */
void fuzz_run_map_truncate(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int fd = fuzz_regular_handle(side, operation->handle);
	struct stat st;
	uint8_t *place;
	size_t size;

	if (fd == -2)
		return;
	place = map(fd, operation, PROT_READ | PROT_WRITE, &size, outcome);
	if (place == NULL)
		return;
	fuzz_fill(place, size, operation->pattern);
	if (fstat(fd, &st) < 0 ||
		ftruncate(fd, (off_t)(operation->other_offset % (uint64_t)st.st_size)) < 0 ||
		ftruncate(fd, st.st_size) < 0)
		fuzz_outcome_set(outcome, -1);
	else
		outcome->digest = fuzz_digest(0, place, size);
	if (msync(place, size, MS_SYNC) < 0)
		outcome->digest++;
	(void)munmap(place, size);
}

static struct fuzz_mapping *mapping_of(struct fuzz_side *side, const struct fuzz_operation *operation)
{
	return &side->mappings[operation->pattern / 8 % FUZZ_MAPPING_COUNT];
}

void fuzz_mapping_drop(struct fuzz_mapping *mapping)
{
	if (mapping->place == NULL)
		return;
	(void)munmap(mapping->place, mapping->size);
	(void)close(mapping->fd);
	*mapping = (struct fuzz_mapping){0};
}

void fuzz_run_map_hold(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int fd = fuzz_regular_handle(side, operation->handle);
	struct fuzz_mapping *mapping = mapping_of(side, operation);
	uint8_t *place;
	size_t size;

	if (fd == -2)
		return;
	place = map(fd, operation, PROT_READ | PROT_WRITE, &size, outcome);
	if (place == NULL)
		return;
	fuzz_mapping_drop(mapping);
	*mapping = (struct fuzz_mapping){.place = place,
		.size = size,
		.start = (off_t)(operation->offset & ~UINT64_C(4095)),
		.fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)};
}

/* How many bytes of MAPPING are before the end of the file by now. */
static size_t reachable(const struct fuzz_mapping *mapping)
{
	struct stat st;

	if (mapping->place == NULL || fstat(mapping->fd, &st) < 0 || st.st_size <= mapping->start)
		return 0;
	return (size_t)(st.st_size - mapping->start) < mapping->size ? (size_t)(st.st_size - mapping->start)
								     : mapping->size;
}

void fuzz_run_map_store(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	const struct fuzz_mapping *mapping = mapping_of(side, operation);
	size_t size = reachable(mapping);

	if (size == 0)
		return;
	fuzz_fill(mapping->place + size / 3, size / 2, operation->pattern);
	fuzz_outcome_set(outcome, msync(mapping->place, size, MS_SYNC));
	outcome->digest = fuzz_digest(0, mapping->place, size);
}

void fuzz_run_map_look(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	const struct fuzz_mapping *mapping = mapping_of(side, operation);
	size_t size = reachable(mapping);

	outcome->digest = size > 0 ? fuzz_digest(0, mapping->place, size) : 0;
}

void fuzz_run_map_drop(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	(void)outcome;
	fuzz_mapping_drop(mapping_of(side, operation));
}
