/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/*
 * Growth doubles, so that a million small puts cost a million copies of bytes and some twenty allocations.
 *
 * Invariants
 *  1. size <= capacity; data is NULL only while capacity is 0.
 *  2. position <= size in a reader, failed or not: hd_reader_left never wraps.
 */

#define FIRST_CAPACITY 256u

void hd_buffer_clear(struct hd_buffer *buffer)
{
	int saved = errno;

	free(buffer->data);
	*buffer = (struct hd_buffer){0};
	errno = saved;
}

void hd_buffer_reset(struct hd_buffer *buffer)
{
	buffer->size = 0;
	buffer->status = 0;
}

int hd_buffer_status(const struct hd_buffer *buffer)
{
	return buffer->status;
}

static int reserve(struct hd_buffer *buffer, size_t size)
{
	size_t capacity = buffer->capacity ? buffer->capacity : FIRST_CAPACITY;
	uint8_t *data;

	if (buffer->status < 0)
		return buffer->status;
	if (buffer->data && size <= buffer->capacity - buffer->size)
		return 0;
	if (size > PTRDIFF_MAX - buffer->size)
		return buffer->status = -ENOMEM;
	while (capacity < buffer->size + size)
		capacity = capacity > PTRDIFF_MAX / 2 ? PTRDIFF_MAX : capacity * 2;
	data = realloc(buffer->data, capacity);
	if (!data)
		return buffer->status = -ENOMEM;
	buffer->data = data;
	buffer->capacity = capacity;
	return 0;
}

void hd_buffer_reserve(struct hd_buffer *buffer, size_t size)
{
	(void)reserve(buffer, size);
}

void *hd_buffer_extend(struct hd_buffer *buffer, size_t size)
{
	uint8_t *end;

	if (reserve(buffer, size) < 0)
		return NULL;
	end = buffer->data + buffer->size;
	buffer->size += size;
	return end;
}

void hd_buffer_put_text(struct hd_buffer *buffer, const char *text)
{
	hd_buffer_put(buffer, text, strlen(text));
}

void hd_buffer_printf(struct hd_buffer *buffer, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (n < 0) {
		if (!buffer->status)
			buffer->status = hd_errno();
		return;
	}
	/* vsnprintf writes a NUL as well; it stays outside of the used bytes. */
	if (reserve(buffer, (size_t)n + 1) < 0)
		return;
	va_start(arguments, format);
	(void)vsnprintf((char *)buffer->data + buffer->size, (size_t)n + 1, format, arguments);
	va_end(arguments);
	buffer->size += (size_t)n;
}

void *hd_buffer_steal(struct hd_buffer *buffer, size_t *ret_size)
{
	void *data;

	if (reserve(buffer, 1) < 0)
		return NULL;
	buffer->data[buffer->size] = 0;
	if (ret_size)
		*ret_size = buffer->size;
	data = HD_STEAL(buffer->data);
	*buffer = (struct hd_buffer){0};
	return data;
}

void hd_reader_init(struct hd_reader *reader, const void *data, size_t size)
{
	static const uint8_t nothing;

	*reader = (struct hd_reader){
		.data = data ? data : &nothing,
		.size = data ? size : 0,
	};
}

bool hd_reader_failed(const struct hd_reader *reader)
{
	return reader->failed;
}

size_t hd_reader_left(const struct hd_reader *reader)
{
	return reader->failed ? 0 : reader->size - reader->position;
}
