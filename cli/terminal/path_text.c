/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/terminal/path_text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/buffer.h"

/*
 * Quoting follows git's quote.c with core.quotePath=false for characters beyond ASCII (a name in Cyrillic
 * reads as such), but for the controls of Unicode (C1, line separators, bidirectional overrides) and bytes
 * that are no UTF-8, which go as octal: what a terminal shows must not differ from what the name is.
 */

size_t hd_text_decode(const char *text, size_t size, unsigned *ret_character)
{
	static const unsigned smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *bytes = (const unsigned char *)text;
	unsigned character;
	size_t length;

	if (size == 0)
		return 0;
	if (bytes[0] < 0x80) {
		*ret_character = bytes[0];
		return 1;
	}
	length = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : 2;
	if (bytes[0] < 0xc2 || bytes[0] > 0xf4 || length > size)
		return 0;
	character = bytes[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (bytes[i] & 0x3f);
	}
	if (character < smallest[length] || character > 0x10ffff ||
		(character >= 0xd800 && character <= 0xdfff))
		return 0;
	*ret_character = character;
	return length;
}

bool hd_text_is_utf8(const char *text, size_t size)
{
	while (size > 0) {
		unsigned character;
		size_t length = hd_text_decode(text, size, &character);

		if (length == 0)
			return false;
		text += length;
		size -= length;
	}
	return true;
}

size_t hd_text_columns(const char *text)
{
	size_t columns = 0;

	for (size_t left = strlen(text); left > 0; columns++) {
		unsigned character;
		size_t length = hd_text_decode(text, left, &character);

		length = length ? length : 1;
		text += length;
		left -= length;
	}
	return columns;
}

bool hd_text_is_deceptive(unsigned character)
{
	return character < 0x20 || (character >= 0x7f && character < 0xa0) ||
	       (character >= 0x200b && character <= 0x200f) || (character >= 0x2028 && character <= 0x202e) ||
	       (character >= 0x2066 && character <= 0x2069) || character == 0xfeff;
}

static void quote_byte(struct hd_buffer *out, unsigned char byte)
{
	static const char plain[] = "\a\b\t\n\v\f\r\"\\";
	static const char letters[] = "abtnvfr\"\\";
	const char *found = byte ? strchr(plain, byte) : NULL;

	if (found)
		hd_buffer_printf(out, "\\%c", letters[found - plain]);
	else
		hd_buffer_printf(out, "\\%03o", byte);
}

char *hd_path_quote(const char *path)
{
	HD_AUTO_BUFFER struct hd_buffer out = {0};
	size_t left = strlen(path);
	bool quoted = false;

	hd_buffer_put_u8(&out, '"');
	while (left > 0) {
		unsigned character = 0;
		size_t length = hd_text_decode(path, left, &character);

		if (length > 0 && !hd_text_is_deceptive(character) && character != '"' && character != '\\') {
			hd_buffer_put(&out, path, length);
		} else {
			quoted = true;
			length = length ? length : 1;
			for (size_t i = 0; i < length; i++)
				quote_byte(&out, (unsigned char)path[i]);
		}
		path += length;
		left -= length;
	}
	if (quoted)
		hd_buffer_put_u8(&out, '"');
	hd_buffer_put_u8(&out, '\0');
	if (hd_buffer_status(&out) < 0)
		return NULL;
	if (!quoted)
		return strdup((const char *)out.data + 1);
	return hd_buffer_steal(&out, NULL);
}
