/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What both sides need: bytes, names, dispatch, printing.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuzz_fs/execute.h"

void fuzz_outcome_set(struct fuzz_outcome *outcome, long result)
{
	outcome->result = result;
	outcome->error = result < 0 ? errno : 0;
}

void fuzz_execute(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	fuzz_executor run = fuzz_handle_executors[operation->kind];

	memset(outcome, 0, sizeof(*outcome));
	if (run == NULL)
		run = fuzz_name_executors[operation->kind];
	run(side, operation, outcome);
}

void fuzz_fill(uint8_t *data, size_t size, uint64_t pattern)
{
	struct fuzz_random random = {.state = pattern};

	/* One in eight patterns is zeros: zeros are what holes and punched ranges are mistaken for. */
	if (pattern % 8 == 0) {
		memset(data, 0, size);
		return;
	}
	for (size_t i = 0; i < size; i += 8) {
		uint64_t word = fuzz_random_next(&random);

		memcpy(data + i, &word, size - i < 8 ? size - i : 8);
	}
}

/* FNV-1a, 64 bits; a difference between two sides is what matters, not an attacker. */
uint64_t fuzz_digest(uint64_t digest, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	digest ^= UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < size; i++)
		digest = (digest ^ bytes[i]) * UINT64_C(0x100000001b3);
	return digest;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char **fuzz_names(int directory_fd, const char *path, size_t *ret_count)
{
	int fd = openat(directory_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	size_t count = 0, capacity = 64;
	char **names;

	*ret_count = 0;
	if (directory == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return NULL;
	}
	names = malloc(capacity * sizeof(*names));
	while ((entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (count == capacity)
			names = realloc(names, (capacity *= 2) * sizeof(*names));
		if (names == NULL)
			abort();
		names[count++] = strdup(entry->d_name);
	}
	(void)closedir(directory);
	qsort(names, count, sizeof(*names), compare_names);
	*ret_count = count;
	return names;
}

void fuzz_names_free(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

int fuzz_side_open(struct fuzz_side *side)
{
	for (size_t i = 0; i < FUZZ_HANDLE_COUNT; i++)
		side->handles[i] = -1;
	side->root_fd = open(side->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return side->root_fd < 0 ? -errno : 0;
}

void fuzz_side_close(struct fuzz_side *side)
{
	for (size_t i = 0; i < FUZZ_HANDLE_COUNT; i++) {
		if (side->handles[i] >= 0)
			(void)close(side->handles[i]);
		side->handles[i] = -1;
	}
	(void)close(side->root_fd);
	side->root_fd = -1;
}

void fuzz_print(FILE *stream, uint64_t index, const struct fuzz_operation *operation)
{
	fprintf(stream, "%" PRIu64 " %s", index, fuzz_kind_names[operation->kind]);
	if (fuzz_handle_executors[operation->kind] != NULL)
		fprintf(stream, " #%d", operation->handle);
	if (operation->kind == FUZZ_copy_range)
		fprintf(stream, " to #%d at %" PRIu64, operation->other_handle, operation->other_offset);
	if (operation->kind == FUZZ_open || fuzz_name_executors[operation->kind] != NULL)
		fprintf(stream, " '%s'", operation->path);
	if (operation->other[0] != '\0')
		fprintf(stream, " '%s'", operation->other);
	if (operation->kind >= FUZZ_xattr_set && operation->kind <= FUZZ_xattr_remove)
		fprintf(stream, " %s", operation->name);
	if (operation->kind == FUZZ_utimens)
		fprintf(stream, " atime %lld.%09ld mtime %lld.%09ld", (long long)operation->times[0].tv_sec,
			operation->times[0].tv_nsec, (long long)operation->times[1].tv_sec,
			operation->times[1].tv_nsec);
	if (operation->kind == FUZZ_chown)
		fprintf(stream, " %u:%u", operation->uid, operation->gid);
	fprintf(stream, " flags 0%o mode 0%o offset %" PRIu64 " length %" PRIu64 "\n",
		(unsigned)operation->flags, operation->mode, operation->offset, operation->length);
}
