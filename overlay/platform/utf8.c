/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/utf8.h"

size_t hd_utf8_decode(const char *text, size_t size, unsigned *ret_character)
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

bool hd_utf8_is_valid(const char *text, size_t size)
{
	while (size > 0) {
		unsigned character;
		size_t length = hd_utf8_decode(text, size, &character);

		if (length == 0)
			return false;
		text += length;
		size -= length;
	}
	return true;
}
