/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/objects/content.h"

#include <stdio.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/hex.h"
#include "overlay/store/content_format.h"

/*
 * What may stand in a reference is one table, so that every decoder refuses the same things. The unused bytes
 * are zero in every valid reference: hd_content_equal is a memcmp and relies on it.
 */

#define ID_BYTES 20

static const struct {
	const char *name;
	uint8_t length;       /* the only length of this kind ... */
	uint8_t other_length; /* ... but for this one, if it is not 0 */
	bool has_base;
} kind_table[] = {
	[HD_CONTENT_NONE] = {"none", 0, 0, false},
	[HD_CONTENT_OBJECT] = {"object", ID_BYTES, 0, false},
	[HD_CONTENT_CHUNKED] = {"chunked", ID_BYTES, 0, false},
	[HD_CONTENT_GIT] = {"git", ID_BYTES, 32, true},
	[HD_CONTENT_HOST] = {"host", ID_BYTES, 0, true},
};

_Static_assert(
	HD_ARRAY_SIZE(kind_table) == HD_CONTENT_KIND_COUNT, "kind table out of step with hd_content_kind");

/* From byte BEGIN on; every kind's length is a multiple of a word. */
static bool is_zero_from(const struct hd_content *content, uint8_t begin)
{
	uint32_t bits = 0, word;

	for (size_t i = begin; i < HD_CONTENT_BYTES; i += sizeof(word)) {
		memcpy(&word, content->bytes + i, sizeof(word));
		bits |= word;
	}
	return bits == 0;
}

bool hd_content_is_valid(const struct hd_content *content)
{
	uint8_t length = content->length;

	if (content->kind >= HD_CONTENT_KIND_COUNT)
		return false;
	if (length != kind_table[content->kind].length &&
		(length == 0 || length != kind_table[content->kind].other_length))
		return false;
	if ((content->base != 0) != kind_table[content->kind].has_base)
		return false;
	return is_zero_from(content, length);
}

const char *hd_content_format(const struct hd_content *content, char text[HD_CONTENT_TEXT_SIZE])
{
	const char *name = content->kind < HD_CONTENT_KIND_COUNT ? kind_table[content->kind].name : "unknown";
	size_t length = content->length <= HD_CONTENT_BYTES ? content->length : HD_CONTENT_BYTES;
	size_t used = (size_t)snprintf(text, HD_CONTENT_TEXT_SIZE, length ? "%s:" : "%s", name);

	hd_hex_format(content->bytes, length, text + used);
	return text;
}

void hd_content_put(struct hd_buffer *buffer, const struct hd_content *content)
{
	uint8_t *end = hd_buffer_end(buffer, HD_CONTENT_ENCODED_MINIMUM + content->length);

	if (!end)
		return;
	end[0] = content->kind;
	end[1] = content->length;
	end[2] = (uint8_t)content->base;
	end[3] = (uint8_t)(content->base >> 8);
	/* Nearly all have this length, and one that compilers know is no call. */
	if (content->length == ID_BYTES)
		memcpy(end + HD_CONTENT_ENCODED_MINIMUM, content->bytes, ID_BYTES);
	else if (content->length)
		memcpy(end + HD_CONTENT_ENCODED_MINIMUM, content->bytes, content->length);
}

bool hd_content_take(struct hd_reader *reader, struct hd_content *ret_content)
{
	struct hd_content content = {0};
	const void *bytes;

	content.kind = hd_reader_u8(reader);
	content.length = hd_reader_u8(reader);
	content.base = hd_reader_u16(reader);
	if (content.length > HD_CONTENT_BYTES)
		return false;
	bytes = hd_reader_bytes(reader, content.length);
	if (hd_reader_failed(reader))
		return false;
	if (content.length == ID_BYTES)
		memcpy(content.bytes, bytes, ID_BYTES);
	else if (content.length)
		memcpy(content.bytes, bytes, content.length);
	if (!hd_content_is_valid(&content))
		return false;
	*ret_content = content;
	return true;
}
