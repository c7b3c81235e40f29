/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/journal/journal_source.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

/*
 * A journal is read forwards, each epoch twice, so a window that begins at what was asked for last serves the next pieces
 * without another read. It is not a mapping: a disk that cannot read would end the process instead of being an error.
 */

#define WINDOW_SIZE (2u * HD_SOURCE_PIECE)

void hd_journal_source_memory(struct hd_journal_source *source, const void *data, size_t size)
{
	*source = (struct hd_journal_source){.memory = data, .size = size, .fd = -1};
}

int hd_journal_source_file(struct hd_journal_source *source, int fd)
{
	struct stat stat;
	int r = hd_file_stat(fd, &stat);

	if (r < 0)
		return r;
	*source = (struct hd_journal_source){.fd = fd, .size = (uint64_t)stat.st_size};
	source->window = malloc(WINDOW_SIZE);
	return source->window ? 0 : -ENOMEM;
}

void hd_journal_source_clear(struct hd_journal_source *source)
{
	free(source->window);
	*source = (struct hd_journal_source){.fd = -1};
}

static bool fill(struct hd_journal_source *source, uint64_t at)
{
	uint64_t left = hd_source_left(source, at);
	int r = hd_file_read_at(source->fd, source->window, left < WINDOW_SIZE ? (size_t)left : WINDOW_SIZE,
		at, &source->window_size);

	source->window_at = at;
	if (r >= 0)
		return true;
	source->window_size = 0;
	if (source->status == 0)
		source->status = r;
	return false;
}

const uint8_t *hd_source_bytes(struct hd_journal_source *source, uint64_t at, size_t size)
{
	if (size > hd_source_left(source, at) || size > HD_SOURCE_PIECE)
		return NULL;
	if (source->memory)
		return source->memory + at;
	if (at < source->window_at || at + size > source->window_at + source->window_size) {
		if (!fill(source, at) || size > source->window_size)
			return NULL;
	}
	return source->window + (at - source->window_at);
}

const uint8_t *hd_source_window(struct hd_journal_source *source, uint64_t at, size_t *ret_size)
{
	uint64_t left = hd_source_left(source, at);
	const uint8_t *bytes =
		hd_source_bytes(source, at, left < HD_SOURCE_PIECE ? (size_t)left : HD_SOURCE_PIECE);

	if (!bytes || left == 0)
		return NULL;
	*ret_size = source->memory ? (size_t)left : (size_t)(source->window_at + source->window_size - at);
	return bytes;
}
