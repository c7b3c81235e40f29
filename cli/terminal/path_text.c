/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/terminal/path_text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/buffer.h"
#include "overlay/platform/utf8.h"

/*
 * Quoting follows git's quote.c with core.quotePath=false for characters beyond ASCII (a name in Cyrillic
 * reads as such), but for the controls of Unicode (C1, line separators, bidirectional overrides) and bytes
 * that are no UTF-8, which go as octal: what a terminal shows must not differ from what the name is.
 */

size_t hd_text_columns(const char *text)
{
	size_t columns = 0;

	for (size_t left = strlen(text); left > 0; columns++) {
		unsigned character;
		size_t length = hd_utf8_decode(text, left, &character);

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
		size_t length = hd_utf8_decode(path, left, &character);

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
