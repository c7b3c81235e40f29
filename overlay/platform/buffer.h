/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_BUFFER_H
#define HEDDLE_PLATFORM_BUFFER_H

/*
 * A growable byte buffer for encoders and a bounds-checked reader for decoders of bytes that nobody trusts.
 *
 * Integers are little-endian, unaligned. Writers latch the first failure (-ENOMEM) and turn into no-ops:
 * check hd_buffer_status once at the end. Readers latch likewise: after a read past the end every result is 0
 * or NULL and hd_reader_failed is true.
 *
 * Ownership   A buffer owns its bytes until hd_buffer_clear; hd_buffer_steal hands them on. A reader
 *             borrows.
 * Threads     One at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct hd_buffer {
	uint8_t *data;   /* owned */
	size_t size;     /* used bytes */
	size_t capacity; /* allocated bytes */
	int status;      /* 0 or the first failure */
};

void hd_buffer_clear(struct hd_buffer *buffer);
/* Forgets the content, keeps the memory. */
void hd_buffer_reset(struct hd_buffer *buffer);
int hd_buffer_status(const struct hd_buffer *buffer);
/* Memory for SIZE more bytes, so that they are put without growing it again and again; what is missing comes as ever. */
void hd_buffer_reserve(struct hd_buffer *buffer, size_t size);
/* Room for SIZE more bytes at the end, counted as used; NULL on failure. */
void *hd_buffer_extend(struct hd_buffer *buffer, size_t size);
static inline void hd_buffer_put(struct hd_buffer *buffer, const void *data, size_t size);
static inline void hd_buffer_put_u8(struct hd_buffer *buffer, uint8_t value);
static inline void hd_buffer_put_u16(struct hd_buffer *buffer, uint16_t value);
static inline void hd_buffer_put_u32(struct hd_buffer *buffer, uint32_t value);
static inline void hd_buffer_put_u64(struct hd_buffer *buffer, uint64_t value);
void hd_buffer_put_text(struct hd_buffer *buffer, const char *text);
void hd_buffer_printf(struct hd_buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Hands on the bytes, with a NUL behind them, and leaves the buffer empty. NULL after a failure only. */
void *hd_buffer_steal(struct hd_buffer *buffer, size_t *ret_size);

#define HD_AUTO_BUFFER __attribute__((cleanup(hd_buffer_clear)))

struct hd_reader {
	const uint8_t *data; /* borrowed */
	size_t size;
	size_t position;
	bool failed;
};

void hd_reader_init(struct hd_reader *reader, const void *data, size_t size);
static inline uint8_t hd_reader_u8(struct hd_reader *reader);
static inline uint16_t hd_reader_u16(struct hd_reader *reader);
static inline uint32_t hd_reader_u32(struct hd_reader *reader);
static inline uint64_t hd_reader_u64(struct hd_reader *reader);
/* SIZE bytes inside the reader's data, or NULL. */
static inline const void *hd_reader_bytes(struct hd_reader *reader, size_t size);
bool hd_reader_failed(const struct hd_reader *reader);
size_t hd_reader_left(const struct hd_reader *reader);

/*
 * Here, and not in the .c file, so that compilers make one store or load of an integer: the trees of a large directory
 * are a million of them. Bytes are moved one by one: the result depends neither on alignment nor on the machine.
 */

/* The same as hd_buffer_extend, for many small pieces. */
static inline uint8_t *hd_buffer_end(struct hd_buffer *buffer, size_t size)
{
	uint8_t *end;

	if (buffer->status < 0 || size > buffer->capacity - buffer->size || !buffer->data)
		return (uint8_t *)hd_buffer_extend(buffer, size);
	end = buffer->data + buffer->size;
	buffer->size += size;
	return end;
}

static inline void hd_buffer_put(struct hd_buffer *buffer, const void *data, size_t size)
{
	uint8_t *end = hd_buffer_end(buffer, size);

	if (end && size)
		memcpy(end, data, size);
}

static inline void hd_buffer_put_integer(struct hd_buffer *buffer, uint64_t value, size_t size)
{
	uint8_t *end = hd_buffer_end(buffer, size);

	if (!end)
		return;
	for (size_t i = 0; i < size; i++)
		end[i] = (uint8_t)(value >> (8 * i));
}

static inline void hd_buffer_put_u8(struct hd_buffer *buffer, uint8_t value)
{
	hd_buffer_put_integer(buffer, value, sizeof(value));
}

static inline void hd_buffer_put_u16(struct hd_buffer *buffer, uint16_t value)
{
	hd_buffer_put_integer(buffer, value, sizeof(value));
}

static inline void hd_buffer_put_u32(struct hd_buffer *buffer, uint32_t value)
{
	hd_buffer_put_integer(buffer, value, sizeof(value));
}

static inline void hd_buffer_put_u64(struct hd_buffer *buffer, uint64_t value)
{
	hd_buffer_put_integer(buffer, value, sizeof(value));
}

static inline const void *hd_reader_bytes(struct hd_reader *reader, size_t size)
{
	const uint8_t *bytes = reader->data + reader->position;

	if (reader->failed || size > reader->size - reader->position) {
		reader->failed = true;
		return NULL;
	}
	reader->position += size;
	return bytes;
}

static inline uint64_t hd_reader_integer(struct hd_reader *reader, size_t size)
{
	const uint8_t *bytes = (const uint8_t *)hd_reader_bytes(reader, size);
	uint64_t value = 0;

	if (!bytes)
		return 0;
	for (size_t i = 0; i < size; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	return value;
}

static inline uint8_t hd_reader_u8(struct hd_reader *reader)
{
	return (uint8_t)hd_reader_integer(reader, sizeof(uint8_t));
}

static inline uint16_t hd_reader_u16(struct hd_reader *reader)
{
	return (uint16_t)hd_reader_integer(reader, sizeof(uint16_t));
}

static inline uint32_t hd_reader_u32(struct hd_reader *reader)
{
	return (uint32_t)hd_reader_integer(reader, sizeof(uint32_t));
}

static inline uint64_t hd_reader_u64(struct hd_reader *reader)
{
	return hd_reader_integer(reader, sizeof(uint64_t));
}

#endif
